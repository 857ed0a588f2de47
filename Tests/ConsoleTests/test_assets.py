"""The files: all of them are carried, together they are small, and nothing in them is of others."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

from conftest import HERE, ConsoleService

SOURCES = HERE.parents[1] / "Sources" / "RenAssets"
CONSOLE = SOURCES / "console"
FILES = sorted(path for path in CONSOLE.rglob("*") if path.is_file())
BYTES_MAX = 120_000


def named(path: Path) -> str:
    return path.relative_to(CONSOLE).as_posix()


def test_the_binary_carries_every_file(service: ConsoleService) -> None:
    listed = re.findall(r'FILE_PATH "console/(.*)"', (SOURCES / "files.h").read_text())
    assert listed == [named(path) for path in FILES]
    for path in FILES:
        answer = service.get(f"/console/{named(path)}", token=False)
        assert answer.status == 200 and answer.body == path.read_bytes(), path


def test_the_page_names_every_module_so_that_all_come_at_once() -> None:
    page = (CONSOLE / "index.html").read_text()
    modules = [f"/console/{named(path)}" for path in FILES if path.suffix == ".js"]
    assert sorted(re.findall(r'(?:href|src)="(/console/[^"]*\.js)"', page)) == modules


def test_all_of_it_is_small() -> None:
    single = sum(len(gzip.compress(path.read_bytes(), 9)) for path in FILES)
    size = len(gzip.compress(b"".join(path.read_bytes() for path in FILES), 9))
    print(f"{len(FILES)} files, {size} bytes with gzip, {single} one by one")
    assert size <= BYTES_MAX


def test_nothing_makes_html_from_text_and_nothing_comes_from_elsewhere() -> None:
    bad = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setTimeout\([\"'`]")
    for path in FILES:
        text = path.read_text()
        if path.suffix == ".js":
            assert not bad.search(text), path
        for address in re.findall(r"https?://[^\s\"'`)]+", text):
            assert address == "http://www.w3.org/2000/svg", f"{path} names {address}"
    assert not re.search(r"\son[a-z]+=|<style|style=", (CONSOLE / "index.html").read_text())


def test_every_page_has_an_address_and_every_address_a_page() -> None:
    """Every address that main.js shows is one that the service answers with the page."""
    shown = re.findall(r'^    \["(/[^"]*)", \w+Page\]', (CONSOLE / "main.js").read_text(), re.M)
    routes = (SOURCES.parent / "RenServer" / "Routes" / "ConsoleRoutes.swift").read_text()
    served = re.findall(r'"(/[^"]*)"', routes.split("consolePages = [")[1].split("]")[0])
    assert [re.sub(r":(\w+)", r"{\1}", path.split("?")[0]) for path in shown] == served
