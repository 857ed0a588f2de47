"""The real `ren serve` as a child process, and small clients of it that can also say what no client would."""

from __future__ import annotations

import http.client
import io
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
MEBIBYTE = 1024 * 1024


def ren_binary() -> str:
    """The program under test: `REN_BINARY`, else the newest build in `.build`."""
    given = os.environ.get("REN_BINARY")
    built = [HERE.parents[1] / ".build" / kind / "ren" for kind in ("release", "debug")]
    found = [given] if given else [str(path) for path in built if path.exists()]
    assert found and Path(found[0]).exists(), "no binary: set REN_BINARY or run `swift build --product ren`"
    return str(Path(found[0]).resolve())


def wait_for(what: str, ask: Callable[[], object], seconds: float = 15) -> object:
    """Asks until the answer is true, and gives it back."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for {what}"
        time.sleep(0.02)


@dataclass
class Answer:
    """One HTTP answer as it came."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    #: The peer closed the connection after it.
    closed: bool = False
    #: Interim answers (1xx) that came before it.
    interim: list[int] = field(default_factory=list)

    @property
    def json(self) -> object:
        return json.loads(self.body)

    @property
    def code(self) -> str | None:
        """Of a problem; nil for anything else."""
        is_problem = self.headers.get("Content-Type", "").startswith("application/problem+json")
        return self.json["code"] if is_problem else None


class Service:
    """A data directory and, between `start` and `stop` or `kill`, the engine that serves it."""

    def __init__(self, folder: Path, functions: Path = HERE / "functions") -> None:
        self.folder = folder
        self.data = folder / "data"
        self.process: subprocess.Popen | None = None
        self.output = folder / "output"
        #: What one part of a test leaves for another.
        self.notes: dict[str, dict] = {}
        #: Variables of the service besides this program's, of which those of ren are left out.
        self.environment: dict[str, str] = {}
        shutil.copytree(functions, folder / "functions", dirs_exist_ok=True)
        (folder / "ren.yaml").write_text("functions: [functions/*.py]\n")

    # The process

    def start(self, *, ready_within: float = 20, listen: str = "127.0.0.1:0") -> Service:
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("REN_")}
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [ren_binary(), "serve", "--data", str(self.data), "--listen", listen],
                cwd=self.folder,
                env=inherited | self.environment,
                # SIGXFSZ stays ignored: a file that may not grow is an error like others.
                restore_signals=False,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        wait_for("the service", self._is_ready, ready_within)
        return self

    def _is_ready(self) -> bool:
        code = self.process.poll()
        assert code is None, f"ren serve ended with {code}: {self.output.read_text()[-2000:]}"
        try:
            holder = json.loads((self.data / "ren.lock").read_text())
        except (FileNotFoundError, ValueError):
            return False
        address = holder.get("addresses", {}).get("http")
        if holder["pid"] != self.process.pid or not address:
            return False
        host, _, port = address.removeprefix("http://").rstrip("/").rpartition(":")
        self.host, self.port = host, int(port)
        self.socket_path = holder["addresses"]["socket"]
        self.token = (self.data / "token").read_text().strip()
        return self.get("/health/ready").status == 200

    def stop(self) -> int:
        """Ends it as a service manager does, and checks that nothing stays behind."""
        family = descendants(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        wait_for(f"the end of the workers {family}", lambda: not alive(family))
        self.process = None
        return code

    def end(self) -> None:
        """Ends it somehow, if it runs."""
        if self.process and self.process.poll() is None:
            self.kill()

    def kill(self) -> None:
        """kill -9; its workers end by themselves."""
        family = descendants(self.process.pid)
        self.process.kill()
        self.process.wait()
        wait_for(f"the end of the workers {family}", lambda: not alive(family))
        self.process = None

    # Requests

    @property
    def address(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def authority(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def credentials(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def connection(self, timeout: float = 30) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout)

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: dict[str, str] | None = None,
        *,
        over: http.client.HTTPConnection | None = None,
        token: bool = True,
        timeout: float = 30,
    ) -> Answer:
        """One request with the token; `body` is sent as it is if it is bytes, else as JSON."""
        wire = over or self.connection(timeout)
        fields = dict(self.credentials) if token else {}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            fields["Content-Type"] = "application/json"
        wire.request(method, path, body, fields | (headers or {}))
        response = wire.getresponse()
        answer = Answer(response.status, response.headers, response.read())
        if over is None:
            wire.close()
        return answer

    def get(self, path: str, headers: dict[str, str] | None = None, **more: object) -> Answer:
        return self.request("GET", path, None, headers, **more)

    def post(self, path: str, body: object = None, headers: dict[str, str] | None = None, **more: object) -> Answer:
        return self.request("POST", path, body, headers, **more)

    def read(self, path: str) -> object:
        answer = self.get(path)
        assert answer.status == 200, (path, answer.status, answer.body[:500])
        return answer.json

    @property
    def head(self) -> int:
        """The sequence number of the journal's newest event."""
        return self.read("/api/v1")["sequence"]

    def facts(self, after: int) -> list[dict]:
        """What was recorded since, but for workers, which come and go by themselves."""
        events = self.read(f"/api/v1/journal/events?after={after}")["items"]
        return [event for event in events if not event["type"].startswith("worker.")]

    def events(self, run: str) -> list[dict]:
        """All events of a run, as JSON Lines, page by page."""
        events: list[dict] = []
        while True:
            after = f"&after={events[-1]['sequence']}" if events else ""
            answer = self.get(f"/api/v1/runs/{run}/events?limit=1000{after}", {"Accept": "application/jsonl"})
            assert answer.status == 200, answer.body[:500]
            page = [json.loads(line) for line in answer.body.splitlines()]
            if not page:
                return events
            events += page

    # Flows and runs

    def register(self, name: str) -> dict:
        return self.put((HERE / "flows" / f"{name}.yaml").read_text())

    def put(self, source: str) -> dict:
        answer = self.request("PUT", "/api/v1/flows", source.encode(), {"Content-Type": "application/yaml"})
        assert answer.status in (200, 201), answer.body
        return answer.json

    def begin(self, flow: str, value: object = None, **more: object) -> str:
        """Starts a run and gives back its id."""
        answer = self.post(f"/api/v1/flows/{flow}/runs", {"input": {} if value is None else value, **more})
        assert answer.status == 201, answer.body
        return answer.json["run"]

    def status(self, run: str) -> str:
        return self.read(f"/api/v1/runs/{run}")["status"]

    def until_node(self, run: str, node: str, status: str) -> None:
        def is_there() -> bool:
            return self.read(f"/api/v1/runs/{run}")["nodes"][node]["status"] == status

        wait_for(f"{node} of {run} to be {status}", is_there)

    def finish(self, run: str, seconds: float = 30) -> str:
        """Waits until it has ended, and says how."""
        ends = ("succeeded", "failed", "stopped")
        return wait_for(f"the end of {run}", lambda: (now := self.status(run)) in ends and now, seconds)

    def key(self) -> dict[str, str]:
        return {"Idempotency-Key": uuid.uuid4().hex}

    # Raw bytes

    def raw(self, data: bytes | Iterator[bytes], *, seconds: float = 10, after: float = 2) -> Answer | None:
        """Sends bytes on a new connection and reads one answer; nil if the peer closes without one.

        Sending and reading go on at the same time, and sending ends with the answer: a peer may well refuse before it
        has read all. Then it has `after` seconds to close.
        """
        return exchange((self.host, self.port), data, seconds=seconds, after=after)

    def head_of(self, method: str, path: str, *fields: str, host: str | None = None, token: bool = True) -> bytes:
        """A request head: nothing is in it that is not said here, but Host and the token."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host or self.authority}"]
        if token:
            lines.append(f"Authorization: Bearer {self.token}")
        return "\r\n".join([*lines, *fields, "", ""]).encode("latin-1")

    def message(self, method: str, path: str, body: bytes, *fields: str, kind: str = "application/json") -> bytes:
        """A whole request with a body."""
        typed = () if any(each.lower().startswith("content-type:") for each in fields) else (f"Content-Type: {kind}",)
        return self.head_of(method, path, *typed, f"Content-Length: {len(body)}", *fields) + body


def exchange(address: tuple | str, data: bytes | Iterator[bytes], *, seconds: float, after: float) -> Answer | None:
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as wire:
        wire.settimeout(seconds)
        wire.connect(address)
        wire.setblocking(False)
        chunks = iter([data]) if isinstance(data, bytes) else iter(data)
        waiting, received, is_open, can_send = b"", b"", True, True
        answer: Answer | None = None
        deadline = time.monotonic() + seconds
        while is_open and time.monotonic() < deadline:
            if can_send and not waiting and answer is None:
                waiting = next(chunks, b"")
                can_send = bool(waiting)
            wants = [wire] if can_send and answer is None else []
            readable, writable, _ = select.select([wire], wants, [], deadline - time.monotonic())
            if writable:
                try:
                    waiting = waiting[wire.send(waiting) :]
                except (BrokenPipeError, ConnectionResetError):
                    can_send = False
            if readable:
                try:
                    piece = wire.recv(65536)
                except ConnectionResetError:
                    piece = b""
                is_open = bool(piece)
                received += piece
                if answer is None and (answer := parse(received, at_end=not is_open)):
                    deadline = time.monotonic() + after
        if answer is None:
            assert not is_open, f"no answer and no end within {seconds} s; got {received[:200]!r}"
            return None
        answer.closed = not is_open
        return answer


def parse(data: bytes, *, at_end: bool) -> Answer | None:
    """Reads one answer from what has come so far; nil as long as it is not whole."""
    interim: list[int] = []
    while True:
        head, found, body = data.partition(b"\r\n\r\n")
        match = re.match(rb"HTTP/1\.[01] (\d{3})", head)
        if not found or not match:
            return None
        status = int(match[1])
        if status == 101 or status >= 200:
            break
        interim.append(status)
        data = body
    headers = http.client.parse_headers(io.BytesIO(head.partition(b"\r\n")[2] + b"\r\n\r\n"))
    length = headers.get("Content-Length")
    if headers.get("Transfer-Encoding", "").lower() == "chunked":
        whole = _unchunked(body)
        if whole is None:
            return None
        body = whole
    elif length is not None:
        if len(body) < int(length):
            return None
        body = body[: int(length)]
    elif status >= 200 and status not in (204, 304) and not at_end:
        return None
    return Answer(status, headers, body, interim=interim)


def _unchunked(body: bytes) -> bytes | None:
    whole = b""
    while True:
        line, found, rest = body.partition(b"\r\n")
        if not found:
            return None
        size = int(line.split(b";")[0], 16)
        if len(rest) < size + 2:
            return None
        if size == 0:
            return whole
        whole += rest[:size]
        body = rest[size + 2 :]


def descendants(pid: int) -> set[int]:
    """The processes below `pid`, on systems that tell."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        parents.setdefault(int(fields[1]), []).append(int(entry.parent.name))
    found: set[int] = set()
    look = [pid]
    while look:
        for child in parents.get(look.pop(), []):
            found.add(child)
            look.append(child)
    return found


def alive(processes: set[int]) -> set[int]:
    return {pid for pid in processes if _state(pid) not in (None, "Z")}


def _state(pid: int) -> str | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None
