"""Results as JSON, `ren.Items`, artifacts, frames and cut text."""

import dataclasses
import datetime
import enum
import hashlib
import json

import pytest

import ren
from ren import artifacts, values
from ren.items import LazyItems
from ren.output import KEPT, LINE_LIMIT, Lines
from ren.protocol import LIMIT, FrameReader, ProtocolError, cut, message


@dataclasses.dataclass
class Page:
    url: str
    tags: tuple = ()


class Colour(enum.Enum):
    RED = "red"


class Loud(str):
    pass


def nested(depth):
    value = []
    for _ in range(depth - 1):
        value = [value]
    return value


ACCEPTED = [
    (None, "null"),
    (True, "true"),
    (1.0, "1.0"),
    (2**63 - 1, str(2**63 - 1)),
    (-(2**63), str(-(2**63))),
    ("a\u00e4\U0001f600\x00\n", '"a\u00e4\U0001f600\\u0000\\n"'),
    ({"b": 1, "a": [1, 2]}, '{"b":1,"a":[1,2]}'),
    ((1, (2,)), "[1,[2]]"),
    (Page("u", ("x",)), '{"url":"u","tags":["x"]}'),
    ([{"p": Page("u")}], '[{"p":{"url":"u","tags":[]}}]'),
    (Colour.RED, '"red"'),
    (Loud("x"), '"x"'),
    (ren.Items(x for x in (1, 2)), "[1,2]"),
    ({"pages": ren.Items([Page("u")])}, '{"pages":[{"url":"u","tags":[]}]}'),
    (nested(64), "[" * 64 + "]" * 64),
]


@pytest.mark.parametrize("value, text", ACCEPTED, ids=[row[1][:40] for row in ACCEPTED])
def test_value_becomes_json(value, text):
    assert values.encode_result(value).decode() == text


LOOP = []
LOOP.append(LOOP)
REFUSED = [
    (float("nan"), "nan is not JSON: use None or text (in the result)"),
    ({"a": [1, float("inf")]}, "inf is not JSON: use None or text (in the result at .a[1])"),
    ({1: 2}, "the key 1 is not text: use str(…) (in the result at [1])"),
    ({"a": {None: 2}}, "the key None is not text: use str(…) (in the result at .a[None])"),
    ({"a b": {3.5}}, "set is not JSON: use sorted(…) (in the result at ['a b'])"),
    ("\ud800", "a lone surrogate at 0"),
    ({"\udfff": 1}, "text with a lone surrogate at 0 (in the result at ['\\udfff'])"),
    (2**63, "an integer outside 64 bits"),
    (-(2**63) - 1, "an integer outside 64 bits"),
    (b"x", "bytes is not JSON: use ctx.artifact"),
    (object(), "object is not JSON"),
    ({"when": datetime.date(2020, 1, 1)}, "date is not JSON: use .isoformat() (in the result at .when)"),
    (nested(65), "nested more than 64 deep (in the result at " + "[0]" * 20 + "…"),
    (LOOP, "nested more than 64 deep"),
    (ren.Items([1, {"a": float("nan")}]), "nan is not JSON: use None or text (in the result at [1].a)"),
    ("x" * LIMIT, "the result has 16,777,218 bytes"),
    (ren.Items(["x" * LIMIT]), "element 0 of ren.Items has 16,777,218 bytes"),
]


@pytest.mark.parametrize("value, text", REFUSED, ids=[row[1][:40] for row in REFUSED])
def test_value_that_is_not_json_is_refused_with_its_place(value, text):
    with pytest.raises(ren.BadResult) as refusal:
        values.encode_result(value)
    assert text in str(refusal.value)
    assert len(str(refusal.value)) < 4000


def test_a_checkpoint_has_a_limit_of_its_own():
    values.encode_checkpoint("x" * (1024 * 1024 - 2))
    with pytest.raises(ren.BadResult, match="the checkpoint has 1,048,577 bytes"):
        values.encode_checkpoint("x" * (1024 * 1024 - 1))
    with pytest.raises(ren.BadResult, match=r"^nan .* \(in the checkpoint at \.a\)"):
        values.encode_checkpoint({"a": float("nan")})


def test_long_items_become_an_artifact_of_lines(artifact_folder):
    elements = [{"n": n, "text": "ä" * 500_000} for n in range(20)]
    reference = json.loads(values.encode_result(ren.Items(iter(elements))))
    digest = reference["artifact"][len("sha256:") :]
    data = (artifact_folder / digest).read_bytes()
    assert [path.name for path in artifact_folder.iterdir()] == [digest]
    assert hashlib.sha256(data).hexdigest() == digest
    assert reference == {
        "artifact": "sha256:" + digest,
        "name": "items.jsonl",
        "bytes": len(data),
        "lines": 20,
    }
    assert [json.loads(line) for line in data.splitlines()] == elements


def test_failing_items_leave_no_file(artifact_folder):
    def elements():
        for _ in range(20):
            yield "x" * 1_000_000
        raise OSError("the source broke")

    with pytest.raises(OSError, match="the source broke"):
        values.encode_result(ren.Items(elements()))
    assert list(artifact_folder.iterdir()) == []


def test_artifact_of_bytes_and_of_a_file(artifact_folder, tmp_path):
    (tmp_path / "page.html").write_bytes(b"<p>")
    first = artifacts.store("page.html", tmp_path / "page.html")
    second = artifacts.store("other", b"<p>")
    third = artifacts.store("third", memoryview(b"<p>"))
    assert first["artifact"] == second["artifact"] == third["artifact"] and first["bytes"] == 3
    assert [path.read_bytes() for path in artifact_folder.iterdir()] == [b"<p>"]


@pytest.mark.parametrize(
    "name, data, error",
    [("", b"", ValueError), ("a/b", b"", ValueError), ("a\n", b"", ValueError), ("x" * 201, b"", ValueError)]
    + [(3, b"", ValueError), ("a", 3.5, TypeError), ("a", "<p>no such file</p>", OSError), ("a", "x\0", ValueError)],
)
def test_artifact_refuses(artifact_folder, name, data, error):
    with pytest.raises(error):
        artifacts.store(name, data)
    assert list(artifact_folder.iterdir()) == []


def test_artifact_of_text_says_what_to_do(artifact_folder):
    with pytest.raises(OSError, match="a str is a path; to store text"):
        artifacts.store("page", "<p>")


# Items ---------------------------------------------------------------------------------------------


def test_items_of_a_generator_are_walked_once():
    items = ren.Items(x for x in range(3))
    assert list(items) == [0, 1, 2]
    with pytest.raises(RuntimeError, match="used up"):
        list(items)
    with pytest.raises(TypeError, match="neither length nor indexes"):
        len(ren.Items(x for x in range(3)))
    kept = ren.Items([0, 1, 2])
    assert len(kept) == 3 and kept[-1] == 2 and list(kept) == list(kept) == [0, 1, 2]


@pytest.mark.parametrize("given", [3, None])
def test_items_refuse_what_cannot_be_walked(given):
    with pytest.raises(TypeError, match="takes an iterable"):
        ren.Items(given)


class Pages:
    """A list as the engine hands it out: at most `size` values per page."""

    def __init__(self, total, size):
        self.values, self.size, self.reads = list(range(total)), size, []

    def read(self, start):
        self.reads.append(start)
        stop = min(start + self.size, len(self.values))
        return self.values[start:stop], stop if stop < len(self.values) else None

    def items(self, convert=None):
        return LazyItems(len(self.values), self.read, None, convert)


@pytest.mark.parametrize("total, size", [(0, 3), (1, 3), (3, 3), (10, 3), (1000, 7)])
def test_lazy_items_are_the_list(total, size):
    pages = Pages(total, size)
    items, whole = pages.items(), list(range(total))
    assert len(items) == total and list(items) == whole
    assert len(pages.reads) == -(-total // size)
    assert list(reversed(items)) == whole[::-1]
    for cut_out in (slice(2, 9), slice(None, None, -2), slice(-4, None), slice(5, 2), slice(0, total, 3)):
        assert items[cut_out] == whole[cut_out]
    for place in (0, -1, total // 2):
        if total:
            assert items[place] == whole[place]
    with pytest.raises(IndexError):
        items[total]


def test_lazy_items_convert_each_value():
    assert list(Pages(4, 3).items(lambda value: value * 10)) == [0, 10, 20, 30]


@pytest.mark.parametrize("page", [([], 1), ([1], 5), ([], None)])
def test_lazy_items_do_not_follow_a_page_that_leads_nowhere(page):
    with pytest.raises(RuntimeError, match="the engine's page"):
        list(LazyItems(10, lambda start: page, None))


# Frames and text -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 1000])
def test_frames_are_found_however_they_were_cut(size):
    sent = [{"n": n, "text": "ä" * n} for n in range(20)]
    data = b"".join(message(one) for one in sent)
    reader, found = FrameReader(), []
    for start in range(0, len(data), size):
        found += reader.feed(data[start : start + size])
    assert found == sent


@pytest.mark.parametrize(
    "data",
    [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x01\0\0\1", b"\0\0\0\1x", b"\0\0\0\2[]", b"\0\0\0\1\xff"]
    + [(100_000).to_bytes(4, "big") + b"[" * 100_000],
)
def test_bad_frames_are_refused(data):
    with pytest.raises(ProtocolError):
        FrameReader().feed(data)


@pytest.mark.parametrize("text", ["", "abc", "x" * 100, "ä" * 51, "😀" * 1000, "x" * 10_000_000, "\ud800" * 90])
@pytest.mark.parametrize("tail", [0, 20])
def test_cut_text_fits(text, tail):
    found = cut(text, 100, tail)
    data = found.encode()
    assert len(data) <= 100
    if len(text.encode("utf-8", "replace")) <= 100:
        assert found == text.encode("utf-8", "replace").decode()
    else:
        assert "(cut)" in found and found[0] == text.encode("utf-8", "replace").decode()[0]


LINES = [
    (["a\nb\n"], ["a", "b"], ""),
    (["a", "b", "\n", "c"], ["ab"], "c"),
    (["a\r\nb\r", "\n"], ["a", "b"], ""),
    (["10 %\r20 %\r", "30 %\n"], ["30 %"], ""),
    (["\n\n"], ["", ""], ""),
    (["ä" * KEPT + "\n"], ["ä" * (KEPT // 2 - 8) + " … (cut) … "], ""),
    (["x" * (KEPT + 5) + "\n"], ["x" * KEPT + " (5 characters more)"], ""),
    (["x" * KEPT, "yy", "z\n"], ["x" * KEPT + " (3 characters more)"], ""),
]


@pytest.mark.parametrize("texts, lines, rest", LINES)
def test_printed_text_becomes_lines(texts, lines, rest):
    cutter = Lines()
    assert [line for text in texts for line in cutter.feed(text)] == lines
    assert cutter.finish() == rest
    assert all(len(line.encode()) <= LINE_LIMIT for line in lines)
