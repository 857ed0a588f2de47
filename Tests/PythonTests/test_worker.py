"""A real `python -m ren.worker`, driven by the engine double: everything of worker protocol 1."""

import hashlib
import json
import os
import socket
import subprocess
import sys

import pytest

from engine_double import LIMIT_SECONDS, frame, wait_until

SHOP = """
    import asyncio, dataclasses, json, logging, os, subprocess, sys, threading, time
    import ren

    @ren.function
    def echo(value): return value

    @ren.function
    async def echo_async(value):
        await asyncio.sleep(0)
        return value
"""


# Introduction --------------------------------------------------------------------------------------


def test_hello_describes_worker_and_functions(engine):
    hello = engine.start(
        '''
        import ren

        @ren.function(retry=3, timeout="2m", heartbeat="30s", once=True, requires=["pillow>=10"])
        async def fetch(url: str, tags: list, ctx: ren.Context) -> dict:
            """Fetches a page."""
        '''
    )
    path = engine.folder / "shop.py"
    assert hello.pop("executable") and hello.pop("sdk")
    assert hello == {
        "type": "hello",
        "protocol": 1,
        "token": "one-time",
        "pid": engine.process.pid,
        "python": "{}.{}.{}".format(*sys.version_info[:3]),
        "files": [{"path": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}],
        "functions": [
            {
                "name": "shop.fetch",
                "file": str(path),
                "line": 4,
                "async": True,
                "doc": "Fetches a page.",
                "parameters": {
                    "type": "object",
                    "properties": {"url": {"type": "string"}, "tags": {"type": "array"}},
                    "required": ["url", "tags"],
                    "additionalProperties": False,
                },
                "lists": ["tags"],
                "takes_context": True,
                "retry": {"attempts": 3},
                "timeout": "2m",
                "heartbeat": "30s",
                "once": True,
                "requires": ["pillow>=10"],
            }
        ],
    }


def test_secrets_do_not_stay_in_the_environment(engine):
    engine.start(
        "import os, ren\nSEEN = sorted(os.environ)\n@ren.function\n"
        "def seen(): return [SEEN, os.environ['REN_ARTIFACTS']]"
    )
    seen, folder = engine.value("seen")
    assert "REN_WORKER_TOKEN" not in seen and "REN_WORKER_SOCKET" not in seen
    assert folder == str(engine.artifacts)


def test_worker_has_no_descriptors_but_its_own(engine):
    engine.start(
        "import os, ren\n@ren.function\n"
        "def opened(): return [os.readlink('/dev/fd/%d' % n) for n in range(3)] + [len(os.listdir('/dev/fd'))]"
    )
    # The fourth is the connection, the fifth is what the listing itself opens.
    assert engine.value("opened") == ["/dev/null", str(engine.stdout_path), str(engine.stderr_path), 5]


def test_files_import_their_neighbours_and_each_other_once(engine):
    (engine.folder / "json.py").write_text("")  # the working directory must not hide Python's own modules
    folder = engine.folder / "functions"
    folder.mkdir()
    (folder / "common.py").write_text("LOADED = []\n")
    (folder / "images.py").write_text(
        "import common, ren\ncommon.LOADED.append('images')\n@ren.function\ndef f(): ...\n"
    )
    (folder / "shop.py").write_text("import common, images, ren\n@ren.function\ndef loaded(): return common.LOADED\n")
    engine.launch(folder / "shop.py", folder / "images.py")
    hello = engine.wait("hello")
    assert [function["name"] for function in hello["functions"]] == ["images.f", "shop.loaded"]
    engine.send({"type": "welcome", "blocking": 1, "async": 1})
    assert engine.value("loaded") == ["images"]


def test_worker_can_be_started_by_its_path(engine):
    (engine.folder / "ren.py").write_text("raise SystemExit('the wrong ren')\n")
    engine.start(
        "import ren\n@ren.function\ndef where(): return ren.__file__", command=[str(engine.sdk / "ren" / "worker.py")]
    )
    assert engine.value("where") == str(engine.sdk / "ren" / "__init__.py")


def test_another_ren_is_named(tmp_path, engine):
    other = tmp_path / "other" / "ren"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("'renames files'\n")
    source = "import sys, runpy; sys.path[0] = {!r}; runpy.run_path({!r}, run_name='__main__')".format(
        str(other.parent), str(engine.sdk / "ren" / "worker.py")
    )
    # runpy keeps `__package__` empty, as a start by path does, but here the other `ren` is loaded already.
    source = source.replace("; runpy.run", "; import ren; runpy.run")
    done = subprocess.run([sys.executable, "-B", "-c", source], capture_output=True, text=True, timeout=LIMIT_SECONDS)
    assert done.returncode == 1 and "another package named 'ren' hides" in done.stderr
    assert str(other) in done.stderr


def test_started_by_hand_it_says_what_to_do(engine):
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(engine.sdk), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "ren.worker", "x.py"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=LIMIT_SECONDS)
    assert done.returncode == 64 and "started by the engine" in done.stderr


BROKEN = [
    ("import no_such_module", "ModuleNotFoundError", "No module named 'no_such_module'", "shop.py:1 in <module>"),
    ("def f(:", "SyntaxError", "invalid syntax", "shop.py:1"),
    ("import sys; sys.exit(4)", "SystemExit", "sys.exit(4)", "shop.py:1 in <module>"),
    ("import ren\n@ren.function(timeout=3)\ndef f(): ...", "RegistrationError", "shop.py:2: function", "shop.py:"),
    ("import ren\n@ren.function\ndef f(*a): ...", "RegistrationError", "'a'", "shop.py:"),
    ("x = b'\\xff'.decode()", "UnicodeDecodeError", "invalid start byte", "shop.py:1 in <module>"),
]


@pytest.mark.parametrize("source, name, text, place", BROKEN, ids=[row[0] for row in BROKEN])
def test_broken_file_is_reported(engine, source, name, text, place):
    path = engine.file(source)
    engine.launch(path)
    broken = engine.wait("broken")
    assert broken["file"] == str(path)
    assert broken["error"]["name"] == name and text in broken["error"]["message"]
    assert broken["error"]["frame"].startswith(place)
    assert "ren/loading.py" not in broken["error"]["trace"] and name in broken["error"]["trace"]
    assert engine.exit_status() == 3


def test_every_broken_file_is_reported(engine):
    engine.launch(engine.file("1/0", "a"), engine.file("import nowhere", "b"), engine.file("import ren", "c"))
    assert [os.path.basename(engine.wait("broken")["file"]) for _ in "ab"] == ["a.py", "b.py"]
    assert engine.exit_status() == 3


def test_a_file_may_not_take_the_name_of_another_module(engine):
    (engine.folder / "x").mkdir()
    (engine.folder / "x" / "shop.py").write_text("")
    files = [engine.file(""), engine.folder / "x" / "shop.py", engine.file("", "ren"), engine.file("", "json")]
    engine.launch(*files, cwd="/")
    for name in ("x/shop", "ren", "json"):
        broken = engine.wait("broken")
        assert broken["file"].endswith(name + ".py")
        assert "is taken by" in broken["error"]["message"]
    assert engine.exit_status() == 3


def test_missing_file_is_reported(engine):
    engine.launch(engine.folder / "gone.py")
    assert engine.wait("broken")["error"]["name"] == "FileNotFoundError"
    assert engine.exit_status() == 3


# Results and failures ------------------------------------------------------------------------------

VALUES = [None, True, 0, -1.5, 2**63 - 1, "ä😀\n\0", [], {"a": [1, {"b": None}]}, "x" * 1_000_000]


@pytest.mark.parametrize("function", ["echo", "echo_async"])
def test_values_go_through(engine, function):
    engine.start(SHOP)
    for value in VALUES:
        assert engine.value(function, {"value": value}) == value


def test_value_is_the_last_member(engine):
    engine.start(SHOP)
    number = engine.call("echo", {"value": {"type": "failure"}})
    raw = b""
    while len(raw) < 4 or len(raw) < 4 + int.from_bytes(raw[:4], "big"):
        raw += engine.connection.recv(1 << 16)
    assert raw[4:] == b'{"type":"result","call":%d,"value":{"type":"failure"}}' % number


FAILURES = [
    ("raise KeyError('sku')", {"name": "KeyError", "message": "'sku'", "frame": "shop.py:6 in f"}),
    ("helper()", {"name": "ZeroDivisionError", "frame": "shop.py:3 in helper"}),
    ("json.loads('x')", {"name": "JSONDecodeError", "frame": "shop.py:6 in f"}),
    ("raise ren.Permanent('gone')", {"name": "Permanent", "message": "gone", "permanent": True}),
    ("raise ren.RetryAfter(30, 'busy')", {"name": "RetryAfter", "message": "busy", "retry_after": 30.0}),
    ("raise ren.Interrupted", {"name": "Interrupted"}),
    ("raise SystemExit(3)", {"name": "SystemExit", "message": "the function called sys.exit(3)"}),
    ("raise KeyboardInterrupt", {"name": "KeyboardInterrupt"}),
    ("raise Odd", {"name": "Odd", "message": "(its text cannot be shown: ZeroDivisionError in __str__)"}),
    ("raise ValueError('\\ud800')", {"name": "ValueError", "message": "?"}),
    ("return float('nan')", {"name": "BadResult", "message": "nan is not JSON: use None or text (in the result)"}),
    ("return {'a': [object()]}", {"name": "BadResult", "message": "object is not JSON (in the result at .a[0])"}),
    ("return ['\\udc00']", {"name": "BadResult"}),
    ("return {1: 1}", {"name": "BadResult"}),
    (
        "return deep(65)",
        {
            "name": "BadResult",
            "message": "nested more than 64 deep (in the result at " + "[0]" * 20 + "…" + "[0]" * 16 + ")",
        },
    ),
    ("return 'x' * 20_000_000", {"name": "BadResult"}),
    ("return ren.Items(1/0 for _ in 'a')", {"name": "ZeroDivisionError"}),
    ("return f2()", {"name": "BadResult", "message": "coroutine is not JSON: was an await forgotten? (in the result)"}),
    ("recurse()", {"name": "RecursionError"}),
]


@pytest.mark.parametrize("kind", ["def", "async def"])
@pytest.mark.parametrize("body, wanted", FAILURES, ids=[row[0] for row in FAILURES])
def test_failures(engine, kind, body, wanted):
    engine.start(
        "import json, ren\ndef helper():\n    1/0\n@ren.function\n{} f():\n    {}\n".format(kind, body)
        + "async def f2(): ...\n"
        + "def recurse(): recurse()\n"
        + "def deep(n): return [deep(n - 1)] if n > 1 else []\n"
        + "class Odd(Exception):\n    def __str__(self): return 1/0\n"
        + "@ren.function\ndef after(): return 'alive'\n"
    )
    error = engine.error("f")
    assert {key: error[key] for key in wanted} == wanted
    assert error["name"] in error["trace"]
    assert "permanent" in wanted or "permanent" not in error
    assert engine.value("after") == "alive"


def test_huge_texts_are_cut(engine):
    engine.start("import ren\n@ren.function\ndef f(): raise ValueError('ä' * 10_000_000)")
    error = engine.error("f")
    assert len(error["message"].encode()) <= 2048 and len(error["trace"].encode()) <= 65536
    assert error["trace"].startswith("Traceback") and error["trace"].rstrip().endswith("ä")


BAD_ARGUMENTS = [
    ({}, "arguments do not fit: missing 'page'"),
    ({"page": {"width": 1}, "pgae": 1}, "unknown 'pgae' (did you mean 'page'?)"),
    ({"page": {"width": 1}, "ctx": 1}, "unknown 'ctx'"),
    ({"page": {}}, "argument 'page': "),
    ({"page": [1]}, "argument 'page': an object is wanted, not a list of 1"),
]


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_arguments_are_bound_to_the_signature(engine, kind):
    engine.start(
        "import dataclasses, ren\n@dataclasses.dataclass\nclass Page:\n    width: int\n"
        "@ren.function\n{} f(page: Page, ctx): return [page.width, type(page).__name__]".format(kind)
    )
    assert engine.value("f", {"page": {"width": 3}}) == [3, "Page"]
    for arguments, text in BAD_ARGUMENTS:
        error = engine.error("f", arguments)
        assert error["name"] == "BadArguments" and error["permanent"] is True
        assert text in error["message"]


def test_unknown_function_is_refused(engine):
    engine.start("import os, ren")
    for name in ("nothing", "os.system", "__class__"):
        error = engine.error(name)
        assert error["name"] == "UnknownFunction" and error["permanent"] is True


def test_context_knows_the_attempt(engine):
    engine.start(
        "import ren\n@ren.function\ndef f(ctx): return [ctx.run, ctx.flow, ctx.node, ctx.key, ctx.index, ctx.attempt, "
        "ctx.idempotency_key, ctx.deadline, ctx.last_checkpoint, ctx.cancelled]"
    )
    assert engine.value("f", deadline=1.5, checkpoint={"page": 3}) == [
        *("r_1", "products", "scrape", "sku-1", 3, 2, "r_1/scrape/3", 1.5, {"page": 3}, False),
    ]
    assert engine.value("f", key=None, index=None)[3:5] == [None, None]


# Concurrency ---------------------------------------------------------------------------------------


def test_blocking_functions_share_up_to_the_given_threads(engine):
    engine.start(
        """
        import threading, ren
        BARRIER = threading.Barrier(3)
        @ren.function
        def meet(): return [BARRIER.wait(20), threading.current_thread().name]
        @ren.function
        def count(): return sum(t.name.startswith("ren-") and t.name[4:].isdigit() for t in threading.enumerate())
        """,
        blocking=3,
    )
    assert engine.value("count") == 1  # threads come when they are needed
    calls = [engine.call("meet") for _ in range(6)]
    ends = [engine.wait("result") for _ in calls]
    assert sorted(end["value"][0] for end in ends) == [0, 0, 1, 1, 2, 2]
    assert engine.value("count") == 3


def test_async_functions_run_together_up_to_the_limit(engine):
    engine.start(
        """
        import asyncio, ren
        RUNNING = []
        MOST = []
        @ren.function
        async def work():
            RUNNING.append(1)
            MOST.append(len(RUNNING))
            for _ in range(5): await asyncio.sleep(0)
            RUNNING.pop()
        @ren.function
        async def most(): return max(MOST)
        """,
        asynchronous=7,
    )
    messages = [engine.call_message("work") for _ in range(50)]
    engine.send(*messages)
    for _ in messages:
        assert engine.wait("result", "failure")["type"] == "result"
    assert engine.value("most") == 7


def test_blocking_call_does_not_hold_up_async_calls_and_pings(engine):
    engine.start(
        """
        import threading, ren
        OPEN = threading.Event()
        @ren.function
        def hold(): return OPEN.wait(20)
        @ren.function
        async def release(): OPEN.set()
        """,
        blocking=1,
    )
    held = engine.call("hold")
    engine.send({"type": "ping", "id": 9})
    assert engine.wait("pong") == {"type": "pong", "id": 9}
    engine.value("release")
    assert engine.end(held)["value"] is True


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_ping_is_answered_while_a_function_computes(engine, kind):
    engine.start(
        "import ren\nSTOP = []\n@ren.function\n{} spin(ctx):\n    ctx.log.info('on')\n"
        "    while not ctx.cancelled: pass\n    return 'stopped'".format(kind)
    )
    call = engine.call("spin")
    engine.wait("log")
    engine.send({"type": "ping", "id": 1})
    assert engine.wait("pong")["id"] == 1
    engine.send({"type": "cancel", "call": call})
    assert engine.end(call)["value"] == "stopped"


def test_context_variables_end_with_their_call(engine):
    engine.start(
        "import contextvars, ren\nSEEN = contextvars.ContextVar('seen', default=None)\n"
        "@ren.function\ndef f(): before = SEEN.get(); SEEN.set(1); return before\n"
        "@ren.function\nasync def g(): before = SEEN.get(); SEEN.set(1); return before\n",
        blocking=1,
    )
    assert [engine.value(name) for name in "ffgg"] == [None] * 4


def test_system_exit_in_a_background_task_does_not_stop_the_loop(engine):
    engine.start(
        """
        import asyncio, ren
        @ren.function
        async def leave_behind():
            async def quit(): raise SystemExit(1)
            task = asyncio.get_running_loop().create_task(quit())
            for _ in range(3): await asyncio.sleep(0)
        @ren.function
        async def after(): return 1
        """
    )
    engine.call("leave_behind")
    assert engine.value("after") == 1
    assert "SystemExit(1) in a background task" in engine.stderr()


# Output --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_output_of_a_call_becomes_its_log(engine, kind):
    engine.start(
        "import logging, os, sys, ren\nprint('at import')\n"
        "@ren.function\n{} f(ctx):\n"
        "    print('one'); print('two', end='')\n"
        "    sys.stderr.write('\\x1b[31mred\\n')\n"
        "    logging.getLogger('net').warning('slow %d', 3)\n"
        "    logging.info('not shown')\n"
        "    ctx.log.error('bad', code=7, odd=object)\n"
        "    print('x' * 20_000)\n"
        "    os.write(1, b'raw out\\n'); os.write(2, b'raw err\\n')\n"
        "    sys.stdout.flush(); sys.stdout.reconfigure(); sys.stdout.close()\n"
        "    print('last \\ud800', end='')\n".format(kind)
    )
    call = engine.call("f")
    engine.end(call)
    assert engine.logs(call) == [
        ("info", "one"),
        ("warning", "\x1b[31mred"),
        ("warning", "slow 3"),
        ("error", "bad"),
        ("info", "two" + "x" * (8128 - 3) + " (11,875 characters more)"),
        ("info", "last ?"),
    ]
    logs = [message for message in engine.seen if message["type"] == "log"]
    assert logs[2]["fields"] == {"logger": "net"}
    assert logs[3]["fields"] == {"code": 7, "odd": "<class 'object'>"}
    assert engine.stdout() == "at import\nraw out\n" and engine.stderr() == "raw err\n"


def test_output_outside_of_calls_goes_to_the_descriptors(engine):
    engine.start(
        """
        import threading, ren
        @ren.function
        def f():
            thread = threading.Thread(target=print, args=("from a thread",))
            thread.start(); thread.join()
        """
    )
    engine.value("f")
    assert engine.stdout() == "from a thread\n"


def test_output_of_neighbours_is_not_mixed_up(engine):
    engine.start(
        """
        import asyncio, ren
        @ren.function
        async def f(name):
            for n in range(20):
                print(name, end=""); await asyncio.sleep(0); print(n)
                await asyncio.to_thread(print, name)
        """
    )
    calls = {name: engine.call("f", {"name": name}) for name in "abc"}
    for _ in calls:
        engine.wait("result")
    for name, call in calls.items():
        texts = [text for _, text in engine.logs(call)]
        assert texts == [line for n in range(20) for line in (name + str(n), name)]


def test_logging_configuration_of_the_file_counts(engine):
    engine.start(
        """
        import logging, ren
        logging.basicConfig(level=logging.INFO)
        @ren.function
        def f(): logging.info("shown"); logging.debug("not shown")
        """
    )
    call = engine.call("f")
    engine.end(call)
    assert engine.logs(call) == [("info", "shown")]


def test_a_function_that_prints_without_end_waits_for_the_engine(engine):
    engine.start(
        """
        import os, sys, threading, ren
        PRINTED = []
        @ren.function
        def flood():
            PRINTED.append(threading.get_ident())
            for n in range(20_000): print("x" * 4000); PRINTED.append(n)
        @ren.function
        def watch():
            while len(PRINTED) <= 20_000:
                frame = sys._current_frames()[PRINTED[0]] if PRINTED else None
                while frame is not None and frame.f_code.co_name != "wait_for":  # of threading.Condition
                    frame = frame.f_back
                if frame is not None:
                    break
            os.write(1, b"%d lines" % len(PRINTED))
        """
    )
    flood = engine.call("flood")
    engine.call("watch")
    # Nothing is read meanwhile, so what was printed lies in the worker and the socket: 8 MB of 80.
    wait_until(lambda: engine.stdout().endswith("lines"), "the function waits")
    assert 1_000 < int(engine.stdout().split()[0]) < 4_000
    assert engine.end(flood)["type"] == "result"


# Progress, signs of life, checkpoints --------------------------------------------------------------


def test_progress_is_coalesced_and_shows_the_newest(engine):
    engine.start(
        """
        import time, ren
        @ren.function
        def f(ctx):
            start = time.monotonic()
            n = 0
            while time.monotonic() - start < 0.5:
                n += 1
                ctx.progress(n, 10, "at work")
            return [n, time.monotonic() - start]
        """
    )
    number, seconds = engine.value("f")
    shown = [message for message in engine.seen if message["type"] == "progress"]
    assert shown[0] == {"type": "progress", "call": 1, "done": 1, "total": 10, "text": "at work"}
    assert 2 <= len(shown) <= seconds / 0.2 + 2 < number
    assert [m["done"] for m in shown] == sorted(m["done"] for m in shown)


def test_the_last_progress_is_shown_while_the_function_goes_on(engine):
    engine.start(
        "import ren, threading\n@ren.function\n"
        "def f(ctx):\n    ctx.progress(1); ctx.progress(2)\n    threading.Event().wait()"
    )
    engine.call("f")
    assert [engine.wait("progress")["done"] for _ in "ab"] == [1, 2]


def test_check_is_a_sign_of_life(engine):
    engine.start("import ren\n@ren.function\ndef f(ctx):\n    while not ctx.cancelled: ctx.check()")
    call = engine.call("f")
    assert engine.wait("alive") == {"type": "alive", "call": call}
    engine.send({"type": "cancel", "call": call})
    assert engine.end(call)["type"] in ("interrupted", "result")
    assert len([m for m in engine.seen if m["type"] == "alive"]) <= 3


def test_checkpoints_are_coalesced_and_the_last_one_comes_before_the_end(engine):
    engine.start(
        """
        import ren
        @ren.function
        def f(ctx):
            for n in range(1000):
                value = {"n": n}
                ctx.checkpoint(value)
                value["n"] = "changed later"
            return ctx.last_checkpoint
        """
    )
    call = engine.call("f")
    assert engine.end(call)["type"] == "result"
    saved = [m["value"] for m in engine.seen if m["type"] == "checkpoint"]
    assert saved[0] == {"n": 0} and saved[-1] == {"n": 999} and len(saved) <= 5


def test_a_waiting_checkpoint_is_sent_when_its_second_is_over(engine):
    engine.start(
        "import ren, threading\n@ren.function\n"
        "def f(ctx):\n    ctx.checkpoint(1); ctx.checkpoint(2)\n    threading.Event().wait()"
    )
    engine.call("f")
    assert [engine.wait("checkpoint")["value"] for _ in "ab"] == [1, 2]


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_checkpoint_that_waits_returns_when_it_is_saved(engine, kind):
    engine.start(
        "import ren\n@ren.function\n{} f(ctx):\n    ctx.checkpoint(1)\n    ctx.checkpoint(2)\n"
        "    ctx.checkpoint({{'n': 3}}, wait=True)\n    return 'saved'".format(kind)
    )
    call = engine.call("f")
    first, third = engine.wait("checkpoint"), engine.wait("checkpoint")
    assert (first["value"], third["value"]) == (1, {"n": 3})
    engine.send({"type": "ping", "id": 1})
    engine.wait("pong")
    assert not [m for m in engine.seen if m["type"] == "result"]
    engine.send({"type": "saved", "call": call, "id": first["id"]}, {"type": "saved", "call": call, "id": third["id"]})
    assert engine.end(call)["value"] == "saved"


def test_refused_checkpoint_raises_or_is_logged(engine):
    engine.start(
        "import ren, threading\nGO = threading.Event()\n@ren.function\ndef f(ctx):\n    ctx.checkpoint(1)\n"
        "    GO.wait(20)\n    ctx.checkpoint(2, wait=True)\n@ren.function\nasync def go(): GO.set()"
    )
    call = engine.call("f")
    engine.send({"type": "saved", "call": call, "id": engine.wait("checkpoint")["id"], "error": "disk full"})
    assert engine.wait("log")["text"] == "refused: disk full"
    engine.value("go")
    second = [m for m in engine.seen if m["type"] == "checkpoint"][1:] or [engine.wait("checkpoint")]
    engine.send({"type": "saved", "call": call, "id": second[0]["id"], "error": "disk full"})
    end = engine.end(call)
    assert end["error"]["name"] == "RenError" and "disk full" in end["error"]["message"]


@pytest.mark.parametrize("value", ["'x' * 2_000_000", "float('nan')", "{1: 2}", "object()"])
def test_bad_checkpoint_fails_the_attempt(engine, value):
    engine.start("import ren\n@ren.function\ndef f(ctx): ctx.checkpoint({})".format(value))
    error = engine.error("f")
    assert error["name"] == "BadResult" and "the checkpoint" in error["message"]
    assert error["frame"] == "shop.py:3 in f"


# Lazy arguments and long results -------------------------------------------------------------------


def serve_pages(engine, call, values, size):
    """Answers `read` until the call ends; its end and the starts that were asked for."""
    reads = []
    while True:
        message = engine.wait("read", "result", "failure", "interrupted", call=call)
        if message["type"] != "read":
            return message, reads
        start = message["from"]
        reads.append((message["argument"], start))
        stop = min(start + size, len(values))
        page = {"type": "page", "call": call, "id": message["id"], "values": values[start:stop]}
        engine.send({**page, "next": stop if stop < len(values) else None})


LAZY = [
    ("def f(xs): return [type(xs).__name__, len(xs), sum(xs)]", ["LazyItems", 10, 45], 4),
    ("def f(xs: ren.Items): return [xs[2], xs[-1], xs[1:3], sum(xs)]", [2, 9, [1, 2], 45], None),
    ("def f(xs: list): return [type(xs).__name__, sum(xs)]", ["list", 45], 4),
    ("async def f(xs: 'list[int]'): return [type(xs).__name__, sum(xs)]", ["list", 45], 4),
    ("async def f(xs): return [x async for x in xs]", list(range(10)), 4),
    ("async def f(xs): return sum(xs)", 45, 4),
    ("def f(xs, ctx): return [len(xs), ctx.attempt]", [10, 2], 0),
    ("def f(xs): return ren.Items(x * 2 for x in xs)", [x * 2 for x in range(10)], 4),
    ("def f(xs: 'tuple[int, ...]'): return [type(xs).__name__, sum(xs)]", ["tuple", 45], 4),
]


@pytest.mark.parametrize("source, wanted, reads", LAZY, ids=[row[0] for row in LAZY])
def test_lazy_argument(engine, source, wanted, reads):
    engine.start("import ren\n@ren.function\n" + source)
    call = engine.call("f", lazy={"xs": 10})
    end, asked = serve_pages(engine, call, list(range(10)), 3)
    assert end.get("value") == wanted, end
    if reads is not None:
        assert asked == [("xs", start) for start in (0, 3, 6, 9)[:reads]]


def test_items_annotation_wraps_a_short_list_too(engine):
    engine.start(
        "import ren\n@ren.function\ndef f(xs: ren.Items): return [isinstance(xs, ren.Items), len(xs), list(xs)]"
    )
    assert engine.value("f", {"xs": [1, 2]}) == [True, 2, [1, 2]]


STORED = [
    ("def f(xs): return [type(xs).__name__, len(xs), sum(xs)]", ["LineItems", 10, 45]),
    ("def f(xs: ren.Items): return [xs[2], xs[-1], xs[1:3], sum(xs)]", [2, 9, [1, 2], 45]),
    ("def f(xs: list): return [type(xs).__name__, sum(xs)]", ["list", 45]),
    ("async def f(xs: 'list[int]'): return [type(xs).__name__, sum(xs)]", ["list", 45]),
    ("async def f(xs): return [x async for x in xs]", list(range(10))),
]


@pytest.mark.parametrize("source, wanted", STORED, ids=[row[0] for row in STORED])
def test_a_list_that_became_an_artifact_is_items_again(engine, source, wanted):
    lines = "".join("{}\n".format(n) for n in range(10)).encode()
    digest = hashlib.sha256(lines).hexdigest()
    (engine.artifacts / digest).write_bytes(lines)
    reference = {"artifact": "sha256:" + digest, "name": "items.jsonl", "bytes": len(lines), "lines": 10}
    engine.start("import ren\n@ren.function\n" + source)
    assert engine.value("f", {"xs": reference}) == wanted


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_unreadable_page_fails_the_attempt(engine, kind):
    engine.start("import ren\n@ren.function\n{} f(xs: list): ...".format(kind))
    call = engine.call("f", lazy={"xs": 10})
    engine.send({"type": "page", "call": call, "id": engine.wait("read")["id"], "error": "pruned"})
    error = engine.end(call)["error"]
    assert error["name"] == "RenError" and error["message"] == "argument 'xs' cannot be read: pruned"


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_cancel_ends_the_wait_for_a_page(engine, kind):
    engine.start("import ren\n@ren.function\n{} f(xs: list): ...".format(kind))
    call = engine.call("f", lazy={"xs": 10})
    engine.wait("read")
    engine.send({"type": "cancel", "call": call})
    assert engine.end(call) == {"type": "interrupted", "call": call}


def test_lazy_argument_cannot_be_read_after_its_call(engine):
    engine.start(
        "import ren\nKEPT = []\n@ren.function\ndef f(xs): KEPT.append(xs)\n@ren.function\ndef g(): return list(KEPT[0])"
    )
    engine.ask("f", lazy={"xs": 10})
    assert "the call is over" in engine.error("g")["message"]


def test_long_items_become_an_artifact(engine):
    engine.start(
        "import ren\n@ren.function\ndef f(): return ren.Items({'n': n, 'text': 'x' * 100_000} for n in range(200))"
    )
    reference = engine.value("f")
    data = (engine.artifacts / reference["artifact"][len("sha256:") :]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == reference["artifact"][len("sha256:") :]
    assert (reference["lines"], reference["bytes"]) == (200, len(data))
    assert [json.loads(line)["n"] for line in data.splitlines()] == list(range(200))


def test_artifact_lies_where_the_engine_wants_it(engine):
    engine.start("import ren\n@ren.function\ndef f(ctx): return ctx.artifact('page.html', b'<p>')")
    reference = engine.value("f")
    assert reference == {"artifact": "sha256:" + hashlib.sha256(b"<p>").hexdigest(), "name": "page.html", "bytes": 3}
    assert [path.read_bytes() for path in engine.artifacts.iterdir()] == [b"<p>"]


# Pause and cancel ----------------------------------------------------------------------------------

LOOP = """
    import asyncio, threading, time, ren
    @ren.function
    def blocking(ctx):
        ctx.log.info("on")
        while True:
            ctx.check()
            ctx.checkpoint("here")
    @ren.function
    async def asynchronous(ctx):
        ctx.log.info("on")
        while True:
            ctx.check()
            ctx.checkpoint("here")
            await asyncio.sleep(0)
    @ren.function
    async def asleep(ctx):
        ctx.log.info("on")
        try:
            await asyncio.sleep(1000)
        finally:
            ctx.checkpoint("tidied up")
    @ren.function
    async def stubborn(ctx):
        ctx.log.info("on")
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            return "finished all the same"
    @ren.function
    def broad(ctx):
        ctx.log.info("on")
        while True:
            try:
                ctx.check()
            except Exception:
                pass
    @ren.function
    async def own_timeout(ctx):
        raise asyncio.CancelledError
"""
STOPS = [
    ("pause", "blocking"),
    ("cancel", "blocking"),
    ("pause", "asynchronous"),
    ("cancel", "asynchronous"),
    ("cancel", "asleep"),
    ("pause", "broad"),
]


@pytest.mark.parametrize("kind, function", STOPS)
def test_function_is_interrupted(engine, kind, function):
    engine.start(LOOP)
    call = engine.call(function)
    engine.wait("log")
    engine.send({"type": kind, "call": call})
    assert engine.end(call) == {"type": "interrupted", "call": call}
    if function == "asleep":
        assert engine.seen[-2]["type"] == "checkpoint" and engine.seen[-2]["value"] == "tidied up"


def test_function_may_finish_after_cancel(engine):
    engine.start(LOOP)
    call = engine.call("stubborn")
    engine.wait("log")
    engine.send({"type": "cancel", "call": call})
    assert engine.end(call)["value"] == "finished all the same"


def test_cancelled_error_without_cancel_is_a_failure(engine):
    engine.start(LOOP)
    assert engine.error("own_timeout")["name"] == "CancelledError"


@pytest.mark.parametrize("kind", ["pause", "cancel"])
@pytest.mark.parametrize("function", ["blocking", "asleep"])
def test_call_that_has_not_begun_is_interrupted_at_once(engine, kind, function):
    engine.start(LOOP, blocking=1, asynchronous=1)
    first = engine.call(function)
    engine.wait("log")
    second = engine.call(function)
    engine.send({"type": kind, "call": second}, {"type": "cancel", "call": first})
    assert engine.end(first)["type"] == "interrupted"
    assert engine.end(second)["type"] == "interrupted"
    assert engine.logs(second) == []


def test_messages_for_ended_calls_and_unknown_types_change_nothing(engine):
    engine.start(SHOP)
    engine.value("echo", {"value": 1})
    late = [
        {"type": kind, "call": 1, "id": 1, "values": [], "next": None} for kind in ("pause", "cancel", "page", "saved")
    ]
    engine.send(*late, {"type": "news", "call": 1, "what": "?"})
    assert (
        engine.value(
            "echo",
            {
                "value": 2,
            },
            more="unknown field",
        )
        == 2
    )


def test_nothing_is_sent_about_a_call_after_its_end(engine):
    engine.start(
        """
        import contextvars, logging, threading, ren
        from ren import output
        KEPT = []
        @ren.function
        def f(ctx):
            KEPT.append(ctx)
            ctx.progress(1); ctx.progress(2)
        @ren.function
        def g():
            ctx = KEPT[0]
            ctx.progress(3); ctx.checkpoint(4); ctx.log.info("late"); ctx._alive_at = 0; ctx.check()
            contextvars.Context().run(late, ctx)
        def late(ctx):
            output.current.set(ctx)
            print("printed late"); logging.warning("logged late")
        """
    )
    call = engine.call("f")
    engine.end(call)
    before = len(engine.seen)
    engine.value("g")
    engine.send({"type": "ping", "id": 1})
    engine.wait("pong")
    assert [m for m in engine.seen[before:] if m.get("call") == call] == []
    assert engine.stdout() == "printed late\n" and engine.stderr() == "WARNING:root:logged late\n"


# The end of a worker -------------------------------------------------------------------------------


def test_leave_lets_calls_finish_and_exits_0(engine):
    engine.start(
        """
        import atexit, threading, ren
        OPEN = threading.Event()
        atexit.register(print, "tidied up")
        @ren.function
        def hold(): return OPEN.wait(20)
        @ren.function
        async def release(): OPEN.set()
        """
    )
    held = engine.call("hold")
    release = engine.call_message("release")
    engine.send(release, {"type": "leave"})
    assert engine.end(held)["value"] is True
    assert engine.exit_status() == 0
    assert engine.stdout() == "tidied up\n"


def test_leave_of_an_idle_worker(engine):
    engine.start(SHOP)
    engine.send({"type": "leave"})
    assert engine.receive() is None and engine.exit_status() == 0


CHILDREN = [
    "child = subprocess.Popen(['sleep', '1000'])",
    "child = subprocess.Popen(['sh', '-c', 'trap \"\" TERM INT; sleep 1000; true'])",
    "child = multiprocessing.get_context('fork').Process(target=time.sleep, args=(1000,)); child.start()",
]


@pytest.mark.parametrize("child", CHILDREN)
@pytest.mark.parametrize("busy", ["while True: pass", "time.sleep(1000)"])
def test_engine_gone_means_worker_and_children_gone(engine, child, busy):
    engine.start(
        "import multiprocessing, subprocess, time, ren\n@ren.function\ndef f(ctx):\n    {}\n"
        "    ctx.log.info('child', pid=child.pid)\n    {}".format(child, busy)
    )
    engine.call("f")
    pid = engine.wait("log")["fields"]["pid"]
    engine.connection.close()
    assert engine.process.wait(2) != 0
    wait_until(lambda: not is_running(pid), "the child is gone", 2)


def is_running(pid):
    """Whether a process runs; one that only waits to be collected does not."""
    try:
        with open("/proc/{}/stat".format(pid)) as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except FileNotFoundError:
        return False


def test_engine_gone_during_import(engine):
    engine.launch(engine.file("import threading; print('importing', flush=True); threading.Event().wait()"))
    wait_until(lambda: engine.stdout(), "the import has begun")
    engine.connection.close()
    assert engine.process.wait(2) != 0


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0\0",
        b"\xff\xff\xff\xff",
        b"\0\0\0\2[]",
        frame({"type": "call"}),
        frame({"type": "welcome", "blocking": "x"}),
    ],
)
def test_engine_that_breaks_the_protocol_loses_the_worker(engine, data):
    engine.start(SHOP)
    engine.connection.sendall(data)
    assert engine.exit_status() != 0
    assert "the engine broke the protocol" in engine.stderr()


def test_ctrl_c_is_the_engines_business(engine):
    import signal

    engine.start(
        "import subprocess, sys, ren\n@ren.function\ndef f(): return subprocess.call(['sh', '-c', 'kill -INT $$'])"
    )
    os.kill(engine.process.pid, signal.SIGINT)
    assert engine.value("f") == -signal.SIGINT  # programs of a function still have it


def test_forked_child_does_not_speak_for_the_worker(engine):
    engine.start(
        """
        import os, ren
        @ren.function
        def f(ctx):
            child = os.fork()
            if child == 0:
                print("child"); ctx.log.info("child"); ctx.progress(1); ctx.checkpoint(1)
                return "child"
            return os.waitpid(child, 0)[1]
        """
    )
    call = engine.call("f")
    assert engine.end(call)["value"] == 0
    assert [m["type"] for m in engine.seen if m.get("call") == call] == ["result"]
    assert engine.stdout() == "child\n"


def test_forked_child_does_not_keep_the_connection_open(engine):
    engine.start(
        "import os, subprocess, time, ren\n@ren.function\ndef f(ctx):\n    child = os.fork()\n"
        "    if child == 0:\n        os.setsid()\n        time.sleep(1000)\n    return child"
    )
    child = engine.value("f")
    try:
        engine.send({"type": "leave"})
        assert engine.receive() is None
    finally:
        os.kill(child, 9)


def test_crash_in_c_code_leaves_its_frames(engine):
    engine.start("import ctypes, ren\n@ren.function\ndef f(): ctypes.string_at(0)")
    engine.call("f")
    assert engine.receive() is None
    assert engine.exit_status() == -11
    assert "Segmentation fault" in engine.stderr() and "shop.py" in engine.stderr()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a parent-death signal")
def test_worker_can_be_asked_to_die_with_its_parent(engine):
    engine.start(
        # Asked at import, because the kernel keeps the wish of each thread: the main one has it.
        "import ctypes, ren\nfound = ctypes.c_int()\nctypes.CDLL(None).prctl(2, ctypes.byref(found))\n"
        "@ren.function\ndef f(): return found.value",
        environment={"REN_PDEATHSIG": "1"},
    )
    assert engine.value("f") == 9


def test_many_calls_in_one_write(engine):
    engine.start(SHOP)
    messages = [engine.call_message("echo" + "_async" * (n % 2), {"value": n}) for n in range(3000)]
    data = b"".join(map(frame, messages))
    # Written while reading: neither side may wait for the other for ever.
    left, right = engine.connection, []
    left.setblocking(False)
    limit_reached = wait_writer(left, data, right)
    left.settimeout(LIMIT_SECONDS)
    assert limit_reached
    engine._buffer = b"".join(right)
    found = {}
    while len(found) < len(messages):
        end = engine.wait("result", "failure")
        assert end["type"] == "result" and end["call"] not in found
        found[end["call"]] = end["value"]
    assert [found[message["call"]] for message in messages] == list(range(3000))


def wait_writer(connection, data, received):
    """Writes all of `data` to a socket that does not block, and keeps what comes in meanwhile."""
    import select

    view = memoryview(data)
    while view:
        readable, writable, _ = select.select([connection], [connection], [], LIMIT_SECONDS)
        assert readable or writable, "the worker neither reads nor writes"
        if readable:
            received.append(connection.recv(1 << 20))
        if writable:
            try:
                view = view[connection.send(view) :]
            except (BlockingIOError, socket.timeout):
                continue
    return True
