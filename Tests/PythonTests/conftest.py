"""Puts the SDK on the path and offers `engine`: the other side of worker protocol 1 for real workers."""

import os
import sys
from pathlib import Path

import pytest

SDK = Path(__file__).resolve().parents[2] / "Sources" / "RenAssets" / "python"
sys.dont_write_bytecode = True  # the folder of the SDK is source, not a place to run from
sys.path.insert(0, str(SDK))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from engine_double import Engine  # noqa: E402


@pytest.fixture
def engine(tmp_path):
    """Starts one worker per test: `engine.start("import ren …")`."""
    with Engine(tmp_path, SDK) as made:
        yield made


@pytest.fixture
def registry():
    """The table of functions, empty, and as it was afterwards."""
    from ren.function import registry as table

    before = dict(table)
    table.clear()
    yield table
    table.clear()
    table.update(before)


@pytest.fixture
def make(tmp_path, registry):
    """Imports source text as a module, as the worker does: `make("…", "shop")`."""
    from ren import loading

    made = []

    def load(source, name="shop"):
        path = tmp_path / (name + ".py")
        path.write_text(source)
        sys.modules.pop(name, None)
        made.append(name)
        loading.load(str(path))
        return sys.modules[name]

    yield load
    for name in made:
        sys.modules.pop(name, None)


@pytest.fixture
def artifact_folder(tmp_path, monkeypatch):
    folder = tmp_path / "artifacts"
    folder.mkdir()
    monkeypatch.setitem(os.environ, "REN_ARTIFACTS", str(folder))
    return folder
