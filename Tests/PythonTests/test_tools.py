"""What surrounds the worker: import cost, `ren.main`, `ren.requires`, and the files the binary carries."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ren
from ren.requires import NotLiteral, requirements

SDK = Path(ren.__file__).resolve().parent
LIMIT_SECONDS = 60


def run(*arguments, **more):
    """A fresh Python that finds the SDK and, with `-S`, nothing that is installed."""
    environment = {"PYTHONPATH": str(SDK.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=LIMIT_SECONDS, **more)


# Import --------------------------------------------------------------------------------------------


def test_import_loads_nothing_heavy():
    code = "import sys; before = set(sys.modules); import ren; print(*(set(sys.modules) - before))"
    loaded = run("-S", "-c", code).stdout.split()
    heavy = {"asyncio", "dataclasses", "hashlib", "inspect", "json", "logging", "re", "socket", "tempfile", "typing"}
    assert "ren.function" in loaded and not heavy & set(loaded)


def test_import_with_a_function_is_cheaper_than_asyncio(tmp_path):
    # A copy, so that bytecode may be kept beside it, as it is where the engine unpacks the SDK.
    shutil.copytree(SDK, tmp_path / "ren")

    def seconds(code):
        timed = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)".format(code)
        command = [sys.executable, "-S", "-c", timed]
        environment = {"PYTHONPATH": str(tmp_path)}
        runs = [subprocess.run(command, capture_output=True, env=environment, timeout=LIMIT_SECONDS) for _ in range(6)]
        return min(float(done.stdout) for done in runs)

    assert seconds("import ren; ren.function('a')(lambda url, ctx: 1)") < 0.5 * seconds("import asyncio")


# ren.main ------------------------------------------------------------------------------------------

SHOP = '''
import asyncio, ren

@ren.function
def page(url: str, deep: bool = False, ctx: ren.Context = None) -> dict:
    """Fetches a page."""
    ctx.log.info("fetched", bytes=3); ctx.progress(1, 2, "half"); ctx.checkpoint({"n": 1})
    print("printed")
    return {"title": url, "deep": deep}

@ren.function("net.ping")
async def ping(n: int):
    await asyncio.sleep(0)
    return n + 1

@ren.function
def fail(): raise ValueError("no")

if __name__ == "__main__":
    ren.main()
'''
TRIED = [
    (["shop.page", '{"url": "u"}'], 0, 'printed\n{\n  "title": "u",\n  "deep": false\n}\n', "info fetched bytes=3\n"),
    (["page", '{"url": "u"}'], 0, "printed\n", "progress 1/2 half\ncheckpoint {"),
    (["net.ping", '{"n": 1}'], 0, "2\n", ""),
    (["fail"], 1, "", "ValueError: no"),
    (["nothing"], 2, "", "no function 'nothing': there are net.ping, shop.fail, shop.page"),
    (["page", "{"], 2, "", "not JSON"),
    (["page", "[1]"], 2, "", "not a JSON object"),
    (["page", "{}"], 2, "", "shop.page: arguments do not fit: missing 'url'"),
    (["page", '{"ulr": 1}'], 2, "", "unknown 'ulr' (did you mean 'url'?)"),
    (["page", "{}", "{}"], 2, "", "one JSON object"),
    ([], 0, "shop.page(url, deep?)  Fetches a page.", ""),
    (["--help"], 0, "net.ping(n)", ""),
]


@pytest.mark.parametrize("arguments, status, out, err", TRIED, ids=[" ".join(row[0]) for row in TRIED])
def test_a_function_is_tried_from_the_shell(tmp_path, arguments, status, out, err):
    (tmp_path / "shop.py").write_text(SHOP)
    done = run(tmp_path / "shop.py", *arguments)
    assert (done.returncode, out in done.stdout, err in done.stderr) == (status, True, True), done


# ren.requires --------------------------------------------------------------------------------------

BLOCK = """# /// script
# requires-python = ">=3.10"
# dependencies = [
#   "ren-sdk",
#   "httpx>=0.27",  # for pages
#   'numpy',
# ]
# [tool.x]
# dependencies = ["not-this"]
# ///
"""
REQUIREMENTS = [
    ("", []),
    ("import no_such_module\n@ren.function(requires=['pillow>=10', 'numpy'])\ndef f(): ...", ["pillow>=10", "numpy"]),
    ("@function('a', requires=('x',))\nasync def f(): ...", ["x"]),
    ("@r.function(requires=['x'])\ndef f(): ...\n@r.function(requires=['y', 'x'])\ndef g(): ...", ["x", "y"]),
    ("@ren.function(retry=3)\ndef f(): ...\n@other(requires=['x'])\ndef g(): ...", []),
    (BLOCK, ["httpx>=0.27", "numpy"]),
    ("# /// script\n# dependencies = []\n# ///\n", []),
    ("# /// script\n# dependencies = ['a[extra]>=1', 'b']\n# ///\n", ["a[extra]>=1", "b"]),
    (BLOCK + "@ren.function(requires=['ren', 'Ren_SDK==1', 'numpy', 'openpyxl'])\ndef f(): ...", None),
]


@pytest.mark.parametrize("source, wanted", REQUIREMENTS)
def test_requirements_are_read_without_import(source, wanted):
    assert requirements(source) == (["httpx>=0.27", "numpy", "openpyxl"] if wanted is None else wanted)


@pytest.mark.parametrize("value", ["NAMES", "['a'] + ['b']", "'a'", "[1]", "[f'{x}']"])
def test_requirements_that_are_no_literal_are_refused(value):
    with pytest.raises(NotLiteral, match="line 1: requires of f: write a literal list of text"):
        requirements("@ren.function(requires={})\ndef f(): ...".format(value))


def test_requires_prints_one_object(tmp_path):
    (tmp_path / "a.py").write_text(BLOCK)
    (tmp_path / "b.py").write_text("@ren.function(requires=['numpy', 'pillow'])\ndef f(): ...")
    (tmp_path / "c.py").write_text("no python")
    (tmp_path / "d.py").write_text("@ren.function(requires=X)\ndef f(): ...")
    done = run("-m", "ren.requires", *(tmp_path / (name + ".py") for name in "abcde"))
    found = json.loads(done.stdout)
    assert found["requires"] == ["httpx>=0.27", "numpy", "pillow"]
    assert [Path(error["file"]).name for error in found["errors"]] == ["d.py", "e.py"]


# The package ---------------------------------------------------------------------------------------


def test_the_binary_carries_every_file_of_the_sdk():
    listed = re.findall(r'FILE_PATH "python/(.*)"', (SDK.parents[1] / "files.h").read_text())
    assert listed == sorted("ren/" + path.name for path in SDK.iterdir() if path.suffix in (".py", ".typed"))


def test_public_names_are_there():
    for name in ren.__all__:
        assert getattr(ren, name) is not None
    with pytest.raises(AttributeError):
        ren.nothing
