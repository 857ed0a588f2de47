"""`Tools/read-journal.py` reads every golden journal as ren does, and finds what was changed."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import lmdb
import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "Tools" / "read-journal.py"
JOURNALS = sorted((ROOT / "fixtures" / "journals").iterdir())


def run(folder):
    return subprocess.run([sys.executable, TOOL, folder], capture_output=True, text=True, timeout=120)


@pytest.fixture
def copy(tmp_path):
    def make(source):
        shutil.copy(source / "data.mdb", tmp_path)
        return tmp_path

    return make


@pytest.mark.parametrize("source", JOURNALS, ids=lambda path: path.name)
def test_reads_what_ren_wrote(source, copy):
    expected = json.loads((source / "expected.json").read_text())
    done = run(copy(source))
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["sequence"] for event in events] == list(range(1, expected["head"] + 1))
    assert events[-1]["G"] == expected["journal"]
    ids = {event["run"]: event["body"]["id"] for event in events if event.get("type") in (20, 30)}
    for name, end in expected["runs"].items():
        last = [event for event in events if ids.get(event["run"]) == name][-1]
        assert end.split()[1:] == [str(last["version"]), last["R"]]
    forms = {event["form"] for event in events}
    assert forms == ({1} if source.name == "format-1" else {1, 2, 3, 4})


def change(folder, sequence, edit):
    """Puts another record in the place of one."""
    with lmdb.open(str(folder), max_dbs=32, map_size=1 << 30) as environment:
        table = environment.open_db(b"1", create=False)
        with environment.begin(write=True, db=table) as transaction:
            key = sequence.to_bytes(8, "big")
            data = edit(transaction, transaction.get(key))
            transaction.put(key, data) if data else transaction.delete(key)


def flipped(place):
    return lambda _, data: data[:place] + bytes([data[place] ^ 1]) + data[place + 1:]


CHANGES = {
    "a flipped bit": (30, flipped(12), "30: its checksum"),
    "another record": (30, lambda transaction, _: transaction.get((31).to_bytes(8, "big")), "30: its checksum"),
    "a gap": (30, lambda *_: None, "31: it does not fit"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_names_the_first_event_that_is_wrong(name, copy):
    sequence, edit, message = CHANGES[name]
    folder = copy(JOURNALS[0])
    change(folder, sequence, edit)
    done = run(folder)
    assert done.returncode == 1 and "event " + message in done.stderr, done.stderr
    assert len(done.stdout.splitlines()) == sequence - 1


def test_the_payload_of_a_chunk_is_checked(copy):
    folder = copy(JOURNALS[0])
    with lmdb.open(str(folder), max_dbs=32, map_size=1 << 30) as environment:
        table = environment.open_db(b"3", create=False)
        with environment.begin(write=True, db=table) as transaction:
            key, data = next(iter(transaction.cursor()))
            transaction.put(key, flipped(len(data) // 2)(None, data))
    done = run(folder)
    sequence = int.from_bytes(key[:8], "big")
    assert done.returncode == 1 and "event {}: its payload does not".format(sequence) in done.stderr
