"""Offers `service` (one for all tests), `quiet` (one for a file, with nothing else going on), `own` (one per test)."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from service import Service  # noqa: E402

FLOWS = ("echo", "note", "fan", "say", "mixed", "approval")


def served(folder: Path) -> Iterator[Service]:
    """A service with the flows of these tests, ended by SIGTERM: it must leave with 0 and leave nothing behind."""
    made = Service(folder)
    try:
        made.start()
        for flow in FLOWS:
            made.register(flow)
    except BaseException:
        made.end()
        raise
    yield made
    if made.process:
        assert made.stop() == 0, made.output.read_text()[-2000:]


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    yield from served(tmp_path_factory.mktemp("service"))


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    yield from served(tmp_path_factory.mktemp("quiet"))


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Service]:
    yield from served(tmp_path)
