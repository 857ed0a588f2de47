"""The decorator: what it accepts, what it refuses and in which words, and that functions stay plain."""

import asyncio
import importlib
import sys

import pytest

import ren
import ren.testing
from ren.errors import RegistrationError

HEAD = "import ren\n"

NAMES = [
    ("@ren.function\ndef f(): ...", "shop.f"),
    ("@ren.function()\ndef f(): ...", "shop.f"),
    ("@ren.function('a.b')\ndef f(): ...", "a.b"),
    ("@ren.function(name='a-b')\ndef f(): ...", "a-b"),
    ("@ren.function(retry=2)\ndef f(): ...", "shop.f"),
]


@pytest.mark.parametrize("source, name", NAMES)
def test_name(make, registry, source, name):
    made = make(HEAD + source)
    assert list(registry) == [name]
    assert registry[name].callable is made.f


OPTIONS = [
    ("", {}),
    ("retry=3", {"retry": {"attempts": 3}}),
    (
        "retry={'attempts': 5, 'every': '1s', 'factor': 2, 'longest': '1m', 'jitter': 0.2, 'total': '1h'}",
        {"retry": {"attempts": 5, "every": "1s", "factor": 2, "longest": "1m", "jitter": 0.2, "total": "1h"}},
    ),
    ("timeout='2m', heartbeat='500ms'", {"timeout": "2m", "heartbeat": "500ms"}),
    ("once=True", {"once": True}),
    ("once=False, timeout=None", {}),
    ("requires=['pillow>=10', ' numpy ']", {"requires": ["pillow>=10", "numpy"]}),
]


@pytest.mark.parametrize("options, wanted", OPTIONS)
def test_options(make, options, wanted):
    described = make(HEAD + "@ren.function({})\ndef f(): ...".format(options)).f.__ren__.describe()
    always = {"name", "file", "line", "async", "doc", "parameters", "lists", "takes_context"}
    assert {key: value for key, value in described.items() if key not in always} == wanted
    assert described["line"] == 2 and described["file"].endswith("/shop.py")


REFUSED = [
    ("@ren.function\ndef f(a, *rest): ...", "parameter 'rest': *rest cannot be filled"),
    ("@ren.function\ndef f(a, b, /, c): ...", "parameter 'b': positional only"),
    ("@ren.function\ndef f(): yield 1", "it is a generator"),
    ("@ren.function\nasync def f(): yield 1", "it is a generator"),
    ("class A:\n  @ren.function\n  def f(self): ...", "parameter 'self': a method"),
    ("@ren.function\ndef f(a: ren.Context, b: ren.Context): ...", "parameter 'b': a second ren.Context"),
    ("@ren.function\nclass F: ...", "above a plain function, not above a type"),
    ("@ren.function('a b')\ndef f(): ...", "the name 'a b' is not"),
    ("@ren.function('a..b')\ndef f(): ...", "the name 'a..b' is not"),
    ("@ren.function(name=3)\ndef f(): ...", "name must be text"),
    ("@ren.function('a', 'b')\ndef f(): ...", "takes a name and keyword options"),
    ("@ren.function(retries=3)\ndef f(): ...", "unknown option 'retries': did you mean 'retry'?"),
    ("@ren.function(colour=3)\ndef f(): ...", "unknown option 'colour': known are requires"),
    ("@ren.function(timeout='2 minutes')\ndef f(): ...", "timeout: '2 minutes' is no duration"),
    ("@ren.function(timeout=120)\ndef f(): ...", "timeout: 120 is no duration"),
    ("@ren.function(timeout='0s')\ndef f(): ...", "'0s' is no duration"),
    ("@ren.function(heartbeat='1w')\ndef f(): ...", "heartbeat: '1w' is no duration"),
    ("@ren.function(heartbeat='s')\ndef f(): ...", "'s' is no duration"),
    ("@ren.function(retry=0)\ndef f(): ...", "attempts: a whole number from 1, not 0"),
    ("@ren.function(retry=True)\ndef f(): ...", "attempts: a number, not True"),
    ("@ren.function(retry='3')\ndef f(): ...", "a number of attempts or a dict"),
    ("@ren.function(retry={'times': 3})\ndef f(): ...", "unknown key 'times'"),
    ("@ren.function(retry={'every': 1})\ndef f(): ...", "retry: every: 1 is no duration"),
    ("@ren.function(retry={'factor': 0.5})\ndef f(): ...", "factor: a number from 1"),
    ("@ren.function(retry={'jitter': 2})\ndef f(): ...", "jitter: a number from 0 to 1"),
    ("@ren.function(once='yes')\ndef f(): ...", "once: True or False"),
    ("@ren.function(requires='pillow')\ndef f(): ...", "requires: 'pillow' is no list"),
    ("@ren.function\ndef f(): ...\n@ren.function\ndef f(): ...", "the name is taken by"),
    ("@ren.function('x')\ndef f(): ...\n@ren.function('x')\ndef g(): ...", "the name is taken by"),
]


@pytest.mark.parametrize("source, message", REFUSED)
def test_refusal(make, source, message):
    with pytest.raises(RegistrationError) as refusal:
        make(HEAD + source)
    assert message in str(refusal.value)


def test_refusal_names_file_line_and_function(make):
    with pytest.raises(RegistrationError) as refusal:
        make("import ren\n\n@ren.function(timeout='x')\ndef fetch(): ...")
    assert "/shop.py:3: function shop.fetch: timeout: " in str(refusal.value)


def test_reload_is_no_duplicate(make, registry, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "stall.py").write_text("import ren\n@ren.function\ndef f(): return 1\n")
    module = importlib.import_module("stall")
    first = module.f
    module = importlib.reload(module)
    assert registry["stall.f"].callable is module.f is not first


def test_decorated_function_is_the_function_itself():
    def f(a, b=2):
        return a + b

    assert ren.function("plain.same")(f) is f
    assert f(1) == 3 and f(1, b=4) == 5 and f.__ren__.name == "plain.same"


DIRECT = [
    ("def f(a, ctx): return a, ctx.attempt", (7, 1)),
    ("def f(a, ctx, b=2): return a, ctx.attempt", (7, 1)),
    ("def f(a, *, ctx): return a, ctx.attempt", (7, 1)),
    ("def f(a, context: ren.Context): return a, context.attempt", (7, 1)),
    ("def f(a, c: 'ren.Context'): return a, c.attempt", (7, 1)),
    ("def f(a, ctx=None): return a, ctx", (7, None)),
]


@pytest.mark.parametrize("source, wanted", DIRECT)
def test_direct_call_may_leave_the_context_out(make, source, wanted):
    made = make(HEAD + "@ren.function\n" + source)
    assert made.f(7) == wanted
    assert made.f.__ren__.signature.context is not None


def test_direct_call_of_async_function(make):
    made = make(HEAD + "@ren.function\nasync def f(a, ctx): ctx.check(); return a")
    assert asyncio.run(made.f(3)) == 3
    assert made.f.__ren__.is_async


def test_signature_below_other_decorators(make):
    made = make(
        HEAD
        + """
import functools
def timed(target):
    @functools.wraps(target)
    def around(*args, **kwargs):
        return target(*args, **kwargs)
    return around

@ren.function
@timed
def f(a: int, ctx): return a
"""
    )
    described = made.f.__ren__.describe()
    assert described["name"] == "shop.f" and described["takes_context"]
    assert list(described["parameters"]["properties"]) == ["a"]


def test_quiet_context_accepts_everything(tmp_path):
    context = ren.Context()
    context.log.info("x", a=1)
    context.progress(1, 2, "x")
    context.checkpoint({"a": 1}, wait=True)
    context.check()
    assert not context.cancelled and context.last_checkpoint is None
    assert context.artifact("a.txt", b"abc")["bytes"] == 3


def test_testing_context_remembers(artifact_folder, make):
    made = make(
        HEAD
        + """
@ren.function
def f(pages: int, ctx):
    start = (ctx.last_checkpoint or {"page": 0})["page"]
    for page in range(start, pages):
        ctx.check()
        ctx.log.info("page", number=page)
        ctx.progress(page + 1, pages)
        ctx.checkpoint({"page": page + 1})
    return ctx.artifact("out.txt", b"done")
"""
    )
    context = ren.testing.Context(checkpoint={"page": 3}, attempt=2, key="sku")
    reference = made.f(5, ctx=context)
    assert context.progress_calls[-1].done == 5 and len(context.progress_calls) == 2
    assert context.checkpoints == [{"page": 4}, {"page": 5}] and context.last_checkpoint == {"page": 5}
    assert context.logs[0] == ("info", "page", {"number": 3})
    assert context.artifacts == {"out.txt": b"done"} and reference["name"] == "out.txt"
    assert (context.attempt, context.key) == (2, "sku")

    stopped = ren.testing.Context(stop_at_check=2)
    with pytest.raises(ren.Interrupted):
        made.f(5, ctx=stopped)
    assert stopped.checkpoints == [{"page": 1}]

    cancelled = ren.testing.Context()
    cancelled.cancel()
    with pytest.raises(ren.Interrupted):
        made.f(5, ctx=cancelled)
    assert cancelled.cancelled

    with pytest.raises(ren.BadResult):
        ren.testing.Context().checkpoint({1: 2})


def test_testing_calls_as_a_worker_does(tmp_path, monkeypatch, registry):
    monkeypatch.setattr(sys, "path", list(sys.path))
    file = tmp_path / "called.py"
    file.write_text(
        HEAD
        + """
from dataclasses import dataclass

@dataclass
class Page:
    url: str

@ren.function
def title(page: Page, ctx: ren.Context): return (page.url, ctx.key)

@ren.function("called.later")
async def later(n: int): return n + 1
"""
    )
    assert ren.testing.call(file, "called.title", {"page": {"url": "u"}}, key="sku") == ["u", "sku"]
    assert ren.testing.call(str(file), "called.later", {"n": 1}) == 2
    with pytest.raises(ren.BadArguments, match="missing 'n'"):
        ren.testing.call(file, "called.later", {})
    with pytest.raises(ren.RegistrationError, match="no function 'called.titel': there are .*called.title"):
        ren.testing.call(file, "called.titel", {})


@pytest.mark.parametrize(
    "seconds, error", [("3", TypeError), (True, TypeError), (-1, ValueError), (float("nan"), ValueError)]
)
def test_retry_after_refuses(seconds, error):
    with pytest.raises(error):
        ren.RetryAfter(seconds)


def test_interrupted_passes_a_broad_except():
    with pytest.raises(ren.Interrupted):
        try:
            raise ren.Interrupted
        except Exception:  # what a loop around one item has
            pytest.fail("swallowed")
