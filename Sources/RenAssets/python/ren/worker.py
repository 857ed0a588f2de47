"""The worker process: `python -m ren.worker FILE.py…`, started by the engine.

Three kinds of threads. The main one writes to the engine (`outbox.py`); one reads from it, so that
pings are answered and the engine's end is noticed whatever the functions do; the rest run functions
(`runners.py`). When the engine is gone, the process kills its whole group: nothing is left behind.
"""

from __future__ import annotations

import os
import sys

if not __package__:  # started by its path: the folder of ren itself must not be searched for modules
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
elif __name__ == "__main__" and sys.path[0] == os.getcwd():  # a json.py there must not be Python's
    del sys.path[0]

import signal
import socket
import threading

import ren

_HOME = os.path.dirname(os.path.abspath(__file__))
if os.path.dirname(os.path.abspath(ren.__file__ or "")) != _HOME:
    sys.exit(
        "ren.worker: another package named 'ren' hides the one of the engine: {}\n"
        "Uninstall it (on PyPI, 'ren' is a tool for renaming files) or rename your own.".format(ren.__file__)
    )

from ren import loading, output
from ren.calls import Call
from ren.failure import UnknownFunction, describe, failure
from ren.function import registry
from ren.outbox import Outbox
from ren.protocol import VERSION, FrameReader, ProtocolError, message
from ren.runners import AsyncRunner, BlockingRunner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, NoReturn, Sequence

EXIT_BROKEN = 3
EXIT_USAGE = 64
EXIT_PROTOCOL = 76


class Worker:
    """The connection to the engine and the calls that came over it."""

    def __init__(self, connection: socket.socket, paths: Sequence[str]) -> None:
        self._connection = connection
        self._paths = [os.path.abspath(path) for path in paths]
        self._folders = loading.folders(paths)
        self._outbox = Outbox(connection)
        self._blocking = BlockingRunner()
        self._async = AsyncRunner()
        self._calls: Dict[int, Call] = {}
        self._leaving = False

    def run(self, token: str) -> None:
        """Imports the files, introduces itself and writes until the engine says `leave`."""
        os.register_at_fork(after_in_child=self._abandon)
        threading.Thread(target=self._read, name="ren-reader", daemon=True).start()
        hello = self._load()
        if hello is None:
            self._outbox.close()
        else:
            self._outbox.put(message({**hello, "token": token}))
            if any(function.is_async for function in registry.values()):
                threading.Thread(target=self._async.start, name="ren-starter", daemon=True).start()
        try:
            self._outbox.run()
        except OSError:
            die()
        sys.exit(EXIT_BROKEN if hello is None else 0)

    def _load(self) -> Dict[str, Any] | None:
        """The introduction; None when a file is broken, which was reported then."""
        loading.prepare_path(self._paths)
        files: List[Dict[str, Any]] = []
        is_broken = False
        for path in self._paths:
            try:
                files.append(loading.load(path))
            except BaseException as error:  # also SystemExit at import
                is_broken = True
                self._report(path, error)
        functions = []
        for name in sorted(registry):
            try:
                functions.append(registry[name].describe())
            except Exception as error:
                is_broken = True
                self._report(registry[name].file, error)
        if is_broken:
            return None
        output.capture_logging()
        return {
            "type": "hello",
            "protocol": VERSION,
            "pid": os.getpid(),
            "python": "{}.{}.{}".format(*sys.version_info[:3]),
            "sdk": ren.__version__,
            "executable": sys.executable,
            "functions": functions,
            "files": files,
        }

    def _report(self, path: str, error: BaseException) -> None:
        self._outbox.put(message({"type": "broken", "file": path, "error": describe(error, self._folders)}))

    # Reading ---------------------------------------------------------------------------------------

    def _read(self) -> None:
        """Takes what the engine sends, until it is gone."""
        reader = FrameReader()
        while True:
            try:
                data = self._connection.recv(256 * 1024)
            except OSError:
                data = b""
            if not data:
                die()
            try:
                heads = reader.feed(data)
                starting: List[Call] = []
                for head in heads:
                    self._take(head, starting)
                if starting:
                    self._async.submit(starting)
            except (ProtocolError, KeyError, TypeError, ValueError, AttributeError) as error:
                os.write(2, "ren.worker: the engine broke the protocol: {!r}\n".format(error).encode())
                die(EXIT_PROTOCOL)

    def _take(self, head: Dict[str, Any], starting: List[Call]) -> None:
        """Acts on one message; `async` calls are collected in `starting`."""
        kind = head.get("type")
        if kind == "call":
            self._start(head, starting)
        elif kind == "ping":
            self._outbox.put(message({"type": "pong", "id": head.get("id")}))
        elif kind == "welcome":
            self._blocking.limit = max(1, head.get("blocking", self._blocking.limit))
            self._async.limit = max(1, head.get("async", self._async.limit))
        elif kind == "leave":
            self._leaving = True
            self._leave_if_idle()
        elif kind in ("pause", "cancel", "page", "saved"):
            call = self._calls.get(head.get("call", -1))
            if call is None:
                return  # it has just ended
            if kind == "pause":
                call.pause()
            elif kind == "cancel":
                call.cancel()
            else:
                call.answer(head)

    def _start(self, head: Dict[str, Any], starting: List[Call]) -> None:
        number, name = head["call"], head.get("function")
        function = registry.get(name) if isinstance(name, str) else None
        if function is None:
            error = UnknownFunction("this worker has no function {!r}".format(name))
            self._outbox.put(message(failure(number, error, self._folders)))
            return
        call = Call(head, function, self._outbox, self._folders, self._forget)
        self._calls[number] = call
        if function.is_async:
            starting.append(call)
        else:
            self._blocking.submit(call)

    def _forget(self, call: Call) -> None:
        self._calls.pop(call.number, None)
        if self._leaving:
            self._leave_if_idle()

    def _leave_if_idle(self) -> None:
        if not self._calls:
            self._outbox.close()

    def _abandon(self) -> None:
        """In a forked child: the connection belongs to the parent alone."""
        self._outbox.abandon()
        self._connection.close()


def die(status: int = 0) -> NoReturn:
    """Ends this process at once, and with it every process that a function started in its group."""
    try:
        if os.getsid(0) == os.getpid():  # else the group may be somebody's shell
            os.killpg(os.getpid(), signal.SIGKILL)
    finally:
        os._exit(status)


def _die_with_parent() -> None:
    """Asks Linux to kill this process when the engine's thread that started it ends."""
    import ctypes

    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL, 0, 0, 0)  # 1 is PR_SET_PDEATHSIG


def main() -> None:
    """Runs a worker with the environment that the engine gives it."""
    paths = sys.argv[1:]
    address = os.environ.pop("REN_WORKER_SOCKET", None)
    token = os.environ.pop("REN_WORKER_TOKEN", None)
    if not paths or address is None or token is None:
        sys.stderr.write(
            "ren.worker is started by the engine, with REN_WORKER_SOCKET and REN_WORKER_TOKEN set.\n"
            "To try a function by hand, end its file with `ren.main()` and run\n"
            '    python shop.py shop.scrape \'{"url": "…"}\'\n'
        )
        sys.exit(EXIT_USAGE)
    if os.environ.get("REN_PDEATHSIG") == "1" and sys.platform == "linux":
        _die_with_parent()
    # A handler, not SIG_IGN: programs that a function starts must not inherit it.
    signal.signal(signal.SIGINT, lambda *_: None)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(address)
    except OSError as error:
        sys.exit("ren.worker: cannot reach the engine at {}: {}".format(address, error))
    output.capture()
    Worker(connection, paths).run(token)


if __name__ == "__main__":
    import faulthandler

    faulthandler.enable()  # a crash in C code leaves its Python frames on descriptor 2
    main()
