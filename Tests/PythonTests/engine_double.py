"""An engine as small as the protocol allows: it starts a real worker and speaks with it over a real socket.

It shares no code with the SDK: frames are cut and made here a second time. Nothing sleeps; whatever
is waited for has a limit.
"""

import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import textwrap
import time

LIMIT_SECONDS = 30


class Engine:
    def __init__(self, folder, sdk):
        self.folder = folder
        self.sdk = sdk
        self.artifacts = folder / "worker-artifacts"
        self.artifacts.mkdir()
        self.seen = []
        self._buffer = b""
        self._calls = 0
        self.process = None
        self.connection = None
        # Not in `folder`: pytest's paths may be longer than an address can be.
        self._short = tempfile.mkdtemp(prefix="ren-")

    def __enter__(self):
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(os.path.join(self._short, "s"))
        self._listener.listen()
        self._listener.settimeout(LIMIT_SECONDS)
        return self

    def __exit__(self, *_):
        for open_socket in (self.connection, self._listener):
            if open_socket is not None:
                open_socket.close()
        if self.process is not None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # the worker and its group have ended by themselves
            self.process.wait(LIMIT_SECONDS)
            self.process.stdin.close()
        shutil.rmtree(self._short)

    # Starting --------------------------------------------------------------------------------------

    def file(self, source, name="shop"):
        """Writes a function file."""
        path = self.folder / (name + ".py")
        path.write_text(textwrap.dedent(source))
        return path

    def launch(self, *paths, environment=(), cwd=None, command=None):
        """Starts a worker and takes its connection."""
        self.stdout_path = self.folder / "stdout"
        self.stderr_path = self.folder / "stderr"
        known = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "PYTHONPATH": str(self.sdk),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "REN_WORKER_SOCKET": os.path.join(self._short, "s"),
            "REN_WORKER_TOKEN": "one-time",
            "REN_ARTIFACTS": str(self.artifacts),
            **dict(environment),
        }
        with open(self.stdout_path, "wb") as out, open(self.stderr_path, "wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, *(command or ["-m", "ren.worker"]), *map(str, paths)],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=err,
                env=known,
                cwd=str(cwd or self.folder),
                start_new_session=True,
            )
        self.connection, _ = self._listener.accept()
        self.connection.settimeout(LIMIT_SECONDS)

    def start(self, source, blocking=4, asynchronous=64, **how):
        """Starts a worker with one file, shop.py, and welcomes it. Its hello is handed back."""
        self.launch(self.file(source), **how)
        hello = self.wait("hello")
        self.send({"type": "welcome", "blocking": blocking, "async": asynchronous})
        return hello

    # Frames ----------------------------------------------------------------------------------------

    def send(self, *messages):
        self.connection.sendall(b"".join(frame(message) for message in messages))

    def call(self, function, arguments=None, **more):
        """Sends a call; its number."""
        self.send(self.call_message(function, arguments, **more))
        return self._calls

    def call_message(self, function, arguments=None, **more):
        self._calls += 1
        known = {"type": "call", "call": self._calls, "function": "shop." + function, "run": "r_1", "flow": "products"}
        known.update(node="scrape", key="sku-1", index=3, attempt=2, idempotency_key="r_1/scrape/3", deadline=None)
        return {**known, **more, "args": arguments or {}}

    def receive(self):
        """The next message; None when the worker has closed its side."""
        while True:
            if len(self._buffer) >= 4:
                (length,) = struct.unpack(">I", self._buffer[:4])
                assert 0 < length <= 16 * 1024 * 1024, "frame length"
                if len(self._buffer) >= 4 + length:
                    body, self._buffer = self._buffer[4 : 4 + length], self._buffer[4 + length :]
                    return json.loads(body.decode("utf-8"), parse_constant=self._refuse)
            data = self.connection.recv(1 << 20)
            if not data:
                return None
            self._buffer += data

    @staticmethod
    def _refuse(name):
        raise AssertionError("the worker sent " + name)

    def wait(self, *types, call=None):
        """The next message of one of these types (for this call); others are kept in `seen`."""
        limit = time.monotonic() + LIMIT_SECONDS
        while time.monotonic() < limit:
            message = self.receive()
            assert message is not None, "the worker is gone: " + self.stderr()
            self.seen.append(message)
            if message["type"] in types and call in (None, message.get("call")):
                return message
        raise AssertionError("no {} came, but {}".format(types, self.seen))

    def end(self, call):
        """The end of a call."""
        return self.wait("result", "failure", "interrupted", call=call)

    def ask(self, function, arguments=None, **more):
        """Calls and waits for the end."""
        return self.end(self.call(function, arguments, **more))

    def value(self, function, arguments=None, **more):
        """Calls and expects a result."""
        end = self.ask(function, arguments, **more)
        assert end["type"] == "result", end
        return end["value"]

    def error(self, function, arguments=None, **more):
        """Calls and expects a failure; its message with the error's fields spread."""
        end = self.ask(function, arguments, **more)
        assert end["type"] == "failure", end
        return {**end, **end["error"]}

    def logs(self, call):
        """The log lines of a call so far, as (level, text)."""
        return [(m["level"], m["text"]) for m in self.seen if m["type"] == "log" and m.get("call") == call]

    def is_silent(self):
        """Whether the worker has sent nothing that is not read yet."""
        return not self._buffer and not select.select([self.connection], [], [], 0)[0]

    # The process -----------------------------------------------------------------------------------

    def stdout(self):
        return self.stdout_path.read_text(errors="replace")

    def stderr(self):
        return self.stderr_path.read_text(errors="replace")

    def exit_status(self):
        return self.process.wait(LIMIT_SECONDS)


def frame(message):
    body = json.dumps(message).encode()
    return struct.pack(">I", len(body)) + body


def wait_until(condition, what, seconds=LIMIT_SECONDS):
    """Waits for something that no descriptor tells: yields the processor between looks."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "after {} s still not: {}".format(seconds, what)
        select.select([], [], [], 0.005)
