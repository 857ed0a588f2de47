"""The sample `fixtures/products`: its shop live on the loopback interface, its functions called as plain Python."""

from __future__ import annotations

import asyncio
import csv
import importlib.util
import io
import json
import re
import subprocess
import sys
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import httpx
import numpy as np
import openpyxl
import pytest
import ren
import ren.testing
from PIL import Image, ImageEnhance, ImageOps

SAMPLE = Path(__file__).resolve().parents[2] / "fixtures" / "products"
SEED = 7
PRODUCTS = 200


def load(name: str, path: str) -> ModuleType:
    """Loads a file under a name of its own: the shop and the functions that read it are both called `shop`."""
    spec = importlib.util.spec_from_file_location(name, SAMPLE / path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


server = load("products_server", "shop.py")
check = load("products_check", "check.py")
shop = load("products_shop", "functions/shop.py")
images = load("products_images", "functions/images.py")
similarity = load("products_similarity", "functions/similarity.py")
export = load("products_export", "functions/export.py")


def run(work: Coroutine) -> object:
    """Runs an async function as a worker would, and closes the connections of this event loop afterwards."""

    async def whole() -> object:
        try:
            return await work
        finally:
            await shop._client().aclose()

    return asyncio.run(whole())


class Outcome(NamedTuple):
    """What a run of the flow's functions gave."""

    url: str
    catalogue: object
    pages: list
    gone: set
    failed_once: set
    fingerprints: list
    pairs: list
    folder: Path
    written: dict
    truth: Path


@pytest.fixture(scope="module")
def live() -> Iterator[object]:
    with server.Shop(PRODUCTS, SEED, slow_seconds=0) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def outcome(live: object, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """The flow by hand: list, scrape 16 at a time, fingerprint, compare, export; every failure is tried once more."""
    gone: set = set()
    failed_once: set = set()

    async def scraped() -> list:
        turns = asyncio.Semaphore(16)

        async def page(url: str) -> dict | None:
            async with turns:
                try:
                    return await shop.scrape(url)
                except ren.Permanent:
                    gone.add(Path(url).stem)
                    return None
                except httpx.HTTPStatusError as error:
                    assert error.response.status_code == 500, f"seed {SEED}"
                    failed_once.add(error.request.url.path)
                    return await shop.scrape(url)

        products = await shop.list_products(live.url, 10_000, ctx=ren.testing.Context())
        pages = await asyncio.gather(*(page(product["url"]) for product in products))
        return [page for page in pages if page]

    def fingerprint(page: dict) -> dict:
        try:
            return images.fingerprint(page)
        except httpx.HTTPStatusError as error:
            failed_once.add(error.request.url.path)
            return images.fingerprint(page)

    pages = run(scraped())
    with ThreadPoolExecutor(4) as threads:
        fingerprints = list(threads.map(fingerprint, pages))
    pairs = similarity.pairs(fingerprints, ctx=ren.testing.Context())
    folder = tmp_path_factory.mktemp("products")
    truth = folder / "truth.json"
    truth.write_text(json.dumps(live.catalogue.truth))
    written = export.workbook(pages, pairs, ctx=ren.testing.Context(), out=str(folder / "out"))
    return Outcome(
        live.url, live.catalogue, pages, gone, failed_once, fingerprints, pairs, folder / "out", written, truth
    )


# The shop


def test_the_same_seed_gives_the_same_catalogue_in_any_order() -> None:
    one, two, other = server.Catalogue(60, 3), server.Catalogue(60, 3), server.Catalogue(60, 4)
    forward = {sku: (one.page(sku), one.picture(sku)) for sku in one.skus}
    backward = {sku: (two.page(sku), two.picture(sku)) for sku in reversed(two.skus)}
    assert forward == backward and one.truth == two.truth
    assert all(one.picture(sku) != other.picture(sku) for sku in one.skus)


@pytest.mark.parametrize("products", [1, 40, 200, 2000])
def test_the_shares_of_copies_and_gone_products_are_kept(products: int) -> None:
    truth = server.Catalogue(products, SEED).truth
    assert len(truth["pairs"]) == round(products * 0.02)
    assert len(truth["gone"]) == round(products * 0.005)
    twins = [sku for pair in truth["pairs"] for sku in pair]
    assert len(set(twins)) == len(twins), "no product is in two pairs"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/products", 200),
        ("/products?page=999", 200),
        ("/products?page=0", 400),
        ("/products?page=-1", 400),
        ("/products?page=x", 400),
        ("/truth", 200),
        ("/", 404),
        ("/product/P99999.html", 404),
        ("/product/P00001.jpg", 404),
        ("/image/../shop.py", 404),
    ],
)
def test_the_shop_answers(live: object, path: str, status: int) -> None:
    assert httpx.get(live.url + path, trust_env=False).status_code == status


def test_a_path_fails_once_only() -> None:
    path = "/product/P00001.html"
    with server.Shop(1, SEED) as quiet:
        quiet.catalogue.fails_once = {path}
        assert [quiet.fails_now(path) for _ in range(3)] == [True, False, False]
        assert not quiet.fails_now("/image/P00001.jpg")


def test_the_shop_listens_on_the_loopback_interface_only(live: object) -> None:
    assert live.server_address[0] == "127.0.0.1"


def test_the_command_writes_port_and_truth(tmp_path: Path) -> None:
    command = [sys.executable, str(SAMPLE / "shop.py"), "--products", "100", "--seed", "5", "--port", "0"]
    command += ["--truth", str(tmp_path / "truth.json"), "--port-file", str(tmp_path / "port")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert "100 products, seed 5" in process.stdout.readline()
            port = int((tmp_path / "port").read_text())
            truth = json.loads((tmp_path / "truth.json").read_text())
            assert httpx.get(f"http://127.0.0.1:{port}/truth", trust_env=False).json() == truth
            assert len(truth["pairs"]) == 2
        finally:
            process.terminate()
        assert process.stderr.read() == "", "quiet by default"


# Reading it


def test_list_reads_all_pages_and_stops_at_the_limit(outcome: Outcome) -> None:
    def listed(limit: int) -> list:
        return run(shop.list_products(outcome.url, limit, ctx=ren.testing.Context()))

    assert [product["sku"] for product in listed(10_000)] == outcome.catalogue.skus
    assert [product["sku"] for product in listed(150)] == outcome.catalogue.skus[:150]
    assert listed(1)[0] == {"sku": "P00001", "url": f"{outcome.url}/product/P00001.html"}


def test_only_what_is_gone_fails_for_good(outcome: Outcome) -> None:
    assert outcome.gone == set(outcome.catalogue.truth["gone"]), f"seed {SEED}"
    assert len(outcome.gone) == 1
    assert {page["sku"] for page in outcome.pages} == set(outcome.catalogue.skus) - outcome.gone


def test_what_fails_once_succeeds_at_the_second_try(outcome: Outcome) -> None:
    asked = {path for path in outcome.catalogue.fails_once if Path(path).stem not in outcome.gone}
    assert outcome.failed_once == asked and len(asked) >= 3, f"seed {SEED}"


def test_a_page_is_read_as_the_shop_meant_it(outcome: Outcome) -> None:
    for page in outcome.pages:
        sku = page["sku"]
        assert page["name"] == outcome.catalogue.name(sku), "entities are resolved"
        assert page["image"] == f"{outcome.url}/image/{sku}.jpg"
        assert 3 <= page["price"] < 300 and page["description"]
        assert len(json.dumps(page)) <= 300


def test_a_page_without_a_product_fails_for_good(outcome: Outcome) -> None:
    with pytest.raises(ren.Permanent, match="shows no sku and no name"):
        run(shop.scrape(f"{outcome.url}/products"))


# Pictures


def likeness(one: Image.Image, two: Image.Image) -> float:
    """The score that `pairs` gives to two pictures, or 0 below its limit."""
    prints = []
    for sku, image in (("one", one), ("two", two)):
        file = io.BytesIO()
        image.save(file, "PNG")
        pixels = images._pixels(file.getvalue())
        edges, shades = images._text(images._edges(pixels)), images._text(images._shades(pixels))
        prints.append({"sku": sku, "edges": edges, "shades": shades})
    found = similarity.pairs(prints, ctx=ren.testing.Context())
    return found[0]["score"] if found else 0.0


def compressed(image: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file)


def hue_turned(image: Image.Image, turn: int) -> Image.Image:
    hue, *others = image.convert("HSV").split()
    return Image.merge("HSV", (hue.point([(level + turn) % 256 for level in range(256)]), *others)).convert("RGB")


@pytest.mark.parametrize(
    ("change", "least"),
    [
        (lambda image: image, 0.9999),
        (lambda image: compressed(image, 40), 0.95),
        (lambda image: image.resize((96, 224)), 0.95),
        (lambda image: hue_turned(image, 128), 0.9),
        (lambda image: Image.merge("RGB", image.split()[::-1]), 0.9),
        (ImageOps.invert, 0.88),
        (lambda image: ImageEnhance.Brightness(image).enhance(0.75), 0.95),
        (lambda image: ImageEnhance.Contrast(image).enhance(1.3), 0.9),
        (lambda image: image.transpose(Image.Transpose.ROTATE_90), None),
    ],
    ids=[
        "same",
        "recompressed",
        "resized",
        "recoloured",
        "red and blue swapped",
        "negative",
        "darker",
        "more contrast",
        "turned is another picture",
    ],
)
def test_a_changed_picture_stays_alike(change: object, least: float | None) -> None:
    catalogue = server.Catalogue(20, SEED)
    for sku in catalogue.skus:
        image = Image.open(io.BytesIO(catalogue.picture(sku)))
        score = likeness(image, change(image))
        assert score == 0 if least is None else score >= least, f"{sku}, seed {SEED}: {score}"


def test_pictures_of_one_colour_are_like_nothing() -> None:
    blank = Image.new("RGB", (50, 50), (200, 200, 200))
    assert likeness(blank, blank) == 0


def test_what_is_no_picture_fails_for_good() -> None:
    with pytest.raises(ren.Permanent, match="not a picture"):
        images._pixels(b"<html>sorry</html>")


def test_a_picture_that_is_gone_fails_for_good(outcome: Outcome) -> None:
    with pytest.raises(ren.Permanent, match="gone"):
        images.fingerprint({"sku": "X", "image": f"{outcome.url}/image/X.jpg"})


def test_a_fingerprint_is_small(outcome: Outcome) -> None:
    assert max(len(json.dumps(each)) for each in outcome.fingerprints) <= 300


# Comparing


def made_up(count: int, kinds: int) -> list:
    """Fingerprints of `kinds` unrelated pictures, each shown by several products."""
    chance = np.random.default_rng(SEED)
    levels = chance.standard_normal((kinds, 2, 128))
    texts = [[images._text(half) for half in kind] for kind in levels]
    return [{"sku": f"P{i}", "edges": texts[i % kinds][0], "shades": texts[i % kinds][1]} for i in range(count)]


@pytest.mark.parametrize("block", [1, 7, 30, 31, 512])
def test_the_block_size_changes_nothing(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(similarity, "BLOCK", block)
    found = similarity.pairs(made_up(30, 10), ctx=ren.testing.Context())
    expected = {(f"P{a}", f"P{b}") for a in range(30) for b in range(a + 1, 30) if a % 10 == b % 10}
    assert len(found) == 30 and {(pair["a"], pair["b"]) for pair in found} == expected, f"seed {SEED}"


@pytest.mark.parametrize("block", [8, 512])
def test_too_many_pairs_are_cut(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(similarity, "BLOCK", block)
    monkeypatch.setattr(similarity, "PAIRS_MAX", 10)
    assert len(similarity.pairs(made_up(40, 1), ctx=ren.testing.Context())) == 10


def test_any_sequence_of_fingerprints_will_do(outcome: Outcome) -> None:
    ctx = ren.testing.Context()
    assert similarity.pairs(iter(outcome.fingerprints), ctx=ctx) == outcome.pairs
    assert similarity.pairs([], ctx=ctx) == []
    assert similarity.pairs(outcome.fingerprints[:1], ctx=ctx) == []


# What comes out


def test_the_planted_pairs_are_found(outcome: Outcome, capsys: pytest.CaptureFixture) -> None:
    assert check.main(outcome.folder, outcome.truth) == 0, f"seed {SEED}: {capsys.readouterr().out}"
    assert outcome.written["pairs"] == len(outcome.pairs) >= 3
    assert outcome.written["products"] == len(outcome.pages) == PRODUCTS - 1
    said = capsys.readouterr().out
    assert "recall 1.0000, precision 1.0000" in said, f"seed {SEED}: {said}"


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (["a,b", "P1,P2", "P4,P3"], 0),
        (["a,b", "P1,P2"], 1),
        (["a,b", "P1,P2", "P3,P4", "P5,P6"], 1),
        (["a,b"], 1),
        (["x,y", "P1,P2"], 2),
        (None, 2),
    ],
    ids=["right", "one missed", "one too many", "none", "other columns", "no file"],
)
def test_the_check_refuses_a_bad_result(tmp_path: Path, found: list | None, code: int) -> None:
    (tmp_path / "products.csv").write_text("sku\nP1\nP2\nP3\nP4\nP5\nP6\n")
    if found is not None:
        (tmp_path / "pairs.csv").write_text("\n".join(found))
    (tmp_path / "truth.json").write_text('{"pairs": [["P1", "P2"], ["P3", "P4"], ["P5", "P9"]]}')  # P9 was not scraped
    assert check.main(tmp_path, tmp_path / "truth.json") == code


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-10 %", "'-10 %"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\n=1", "'\n=1"),
        ("lamp = light", "lamp = light"),
        ("", ""),
        (-1.5, -1.5),
        (None, None),
    ],
)
def test_a_formula_is_quoted_in_csv(value: object, written: object) -> None:
    assert export._harmless(value) == written


def test_no_cell_of_the_csv_starts_a_formula(outcome: Outcome) -> None:
    odd = [page["name"] for page in outcome.pages if page["name"].startswith(export.FORMULA_STARTS)]
    assert odd, f"seed {SEED} has no product whose name starts a formula"
    for name, count in (("products.csv", len(outcome.pages)), ("pairs.csv", len(outcome.pairs))):
        with (outcome.folder / name).open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.reader(file))
        assert len(rows) == count + 1
        assert not [cell for row in rows for cell in row if cell.startswith(export.FORMULA_STARTS)]


def test_the_workbook_holds_text_not_formulas(outcome: Outcome) -> None:
    book = openpyxl.load_workbook(outcome.written["workbook"])
    products = list(book["Products"].iter_rows())
    assert [cell.value for cell in products[0]] == export.PRODUCT_COLUMNS
    names = [row[1] for row in products[1:]]
    assert [cell.value for cell in names] == [page["name"] for page in outcome.pages]
    assert {cell.data_type for cell in names} == {"s"}
    assert {row[2].data_type for row in products[1:]} == {"n"}
    assert [[row[0].value, row[1].value] for row in list(book["Pairs"].iter_rows())[1:]] == [
        [pair["a"], pair["b"]] for pair in outcome.pairs
    ]


def test_control_characters_do_not_stop_the_workbook(tmp_path: Path) -> None:
    product = {"sku": "A", "name": "a\x00\x07b", "price": 1.0, "url": "", "image": "", "description": ""}
    export.workbook([product], [], ctx=ren.testing.Context(), out=str(tmp_path))
    book = openpyxl.load_workbook(tmp_path / "products.xlsx")
    assert book["Products"]["B2"].value == "ab"


def test_the_report_shows_thumbnails_from_within(outcome: Outcome) -> None:
    text = Path(outcome.written["report"]).read_text(encoding="utf-8")
    sources = re.findall(r'<img src="([^"]*)"', text)
    assert len(sources) == 2 * len(outcome.pairs)
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)


def test_the_report_escapes_what_the_shop_says(tmp_path: Path) -> None:
    hostile = {"sku": '<i>"A', "name": '<script>alert("1")</script>', "url": "javascript:alert(1)", "price": 1.0}
    polite = {"sku": "B", "name": "Lamp & more", "url": 'https://x.test/"><b>', "price": 1.0}
    nowhere = "http://127.0.0.1:9/none.jpg"  # the discard port: nothing answers, so there is no thumbnail
    products = [{**each, "image": nowhere, "description": ""} for each in (hostile, polite)]
    pairs = [{"a": '<i>"A', "b": "B", "score": 0.9}]
    export.workbook(products, pairs, ctx=ren.testing.Context(), out=str(tmp_path))
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    for raw in ("<script", "<i>", "<b>", "javascript:", nowhere):
        assert raw not in text
    for escaped in [
        "&lt;script&gt;alert(&quot;1&quot;)",
        "&lt;i&gt;&quot;A",
        "Lamp &amp; more",
        "&quot;&gt;&lt;b&gt;",
    ]:
        assert escaped in text
    assert text.count("no picture") == 2


def test_the_report_shows_at_most_200_pairs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, outcome: Outcome) -> None:
    monkeypatch.setattr(export, "SHOWN_MAX", 2)
    written = export.workbook(outcome.pages, outcome.pairs, ctx=ren.testing.Context(), out=str(tmp_path))
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert text.count("<img") == 4 and "The 2 most alike are shown here" in text
    assert written["pairs"] == len(outcome.pairs) > 2


def test_an_empty_catalogue_gives_empty_files(tmp_path: Path) -> None:
    written = export.workbook([], [], ctx=ren.testing.Context(), out=str(tmp_path / "deep" / "out"))
    assert (written["products"], written["pairs"]) == (0, 0)
    assert sorted(path.name for path in (tmp_path / "deep" / "out").iterdir()) == [
        "pairs.csv",
        "products.csv",
        "products.xlsx",
        "report.html",
    ]
