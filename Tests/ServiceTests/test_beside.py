"""The tools beside an engine that writes as fast as it can: no bad record, no growth by readers, little time lost.

`REN_MINUTES=10` goes on for that long; the figures are printed.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from service import Service, descendants, ren_binary, wait_for

MINUTES = float(os.environ.get("REN_MINUTES", "0.4"))
SEQUENCE = re.compile(rb'^\{"sequence":(\d+),', re.MULTILINE)
#: Seconds of a turn. The machine and a growing journal are not the same for a minute: what is compared is side by side.
TURN = min(2.0, MINUTES)
ITEMS = 4000
#: Bytes of the beginning and the end of what a tool prints.
KEPT = 4096


class Load(threading.Thread):
    """Keeps two runs of a wide map going."""

    def __init__(self, service: Service) -> None:
        super().__init__()
        self.service, self.ended, self.runs = service, threading.Event(), []

    def run(self) -> None:
        going: list[str] = []
        while not self.ended.is_set():
            while len(going) < 2:
                going.append(self.service.begin("fan", {"count": ITEMS}))
                self.runs.append(going[-1])
            going = [run for run in going if self.service.status(run) not in ("succeeded", "failed", "stopped")]
            time.sleep(0.05)


class Output(threading.Thread):
    """Takes what a process prints. It stays in memory: writing it to the disk would slow the engine, too."""

    def __init__(self, process: subprocess.Popen) -> None:
        super().__init__()
        self.process, self.lines, self.begin, self.end = process, 0, b"", b""
        self.start()

    def run(self) -> None:
        while block := self.process.stdout.read1(1 << 20):
            self.lines += block.count(b"\n")
            self.begin = self.begin if len(self.begin) >= KEPT else self.begin + block
            self.end = (self.end + block)[-KEPT:]

    @property
    def first(self) -> int:
        """The sequence in its first line."""
        return int((SEQUENCE.findall(self.begin) or [0])[0])

    @property
    def last(self) -> int:
        return int((SEQUENCE.findall(self.end) or [0])[-1])


class Calls:
    """Calls of one tool, one after another, as a person or a script makes them; they stand still between its turns."""

    def __init__(self, service: Service, arguments: Callable[[], list[str]]) -> None:
        self.service, self.arguments = service, arguments
        self.process: subprocess.Popen | None = None
        self.output: Output | None = None
        self.ended, self.next = 0, 0.0

    def let(self, seconds: float) -> None:
        """Lets it work for so long; it is called again a second after it ended."""
        self._signal(signal.SIGCONT)
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            if self.process and self.process.poll() is not None:
                self._check()
            elif not self.process and now >= self.next:
                self._call()
            time.sleep(0.05)
        self._signal(signal.SIGSTOP)

    def finish(self) -> None:
        """Lets the last call come to its end; what follows the journal has shown the head by then."""
        self._signal(signal.SIGCONT)
        if self.process and "-f" in self.process.args:
            head = self.service.head
            wait_for("the tail", lambda: self.output.last >= head, 60 + 60 * MINUTES)
            self.process.terminate()
        if self.process:
            self.process.wait(600)
            self._check()

    def _call(self) -> None:
        command = [ren_binary(), *self.arguments(), "--data", str(self.service.data)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.output = Output(self.process)

    def _check(self) -> None:
        self.output.join()
        assert self.process.returncode in (0, -signal.SIGTERM), (self.process.args, self.output.end)
        self.process, self.next = None, time.monotonic() + 1
        self.ended += 1

    def _signal(self, which: signal.Signals) -> None:
        if self.process:
            for pid in (self.process.pid, *descendants(self.process.pid)):
                with suppress(ProcessLookupError):  # it ended while we looked
                    os.kill(pid, which)


@dataclass
class Share:
    """What the engine did in some turns."""

    seconds: float = 0
    events: int = 0
    bytes: int = 0

    @contextmanager
    def measured(self, service: Service) -> Iterator[None]:
        began, head, bytes_then = time.monotonic(), service.head, size(service)
        yield
        self.seconds += time.monotonic() - began
        self.events += service.head - head
        self.bytes += size(service) - bytes_then

    @staticmethod
    def lost(alone: list[Share], beside: list[Share]) -> str:
        rate, slower = (sum(share.events for share in way) / sum(share.seconds for share in way) for way in (alone, beside))
        return f"{rate:7,.0f} events/s alone, {slower:7,.0f} beside: {1 - slower / rate:+.1%}"

    @staticmethod
    def growth(shares: list[Share]) -> float:
        return sum(share.bytes for share in shares) / sum(share.events for share in shares)


def size(service: Service) -> int:
    return (service.data / "journal" / "data.mdb").stat().st_size


def test_tools_beside_a_busy_engine(own: Service) -> None:
    load = Load(own)
    load.start()
    wait_for("two runs", lambda: len(load.runs) > 2, 60)
    before = load.runs[0]
    bundle, copy = str(own.folder / "bundle"), own.folder / "copy"
    last = own.read(f"/api/v1/runs/{before}")["last"]

    def backup() -> list[str]:
        shutil.rmtree(copy, ignore_errors=True)
        return ["journal", "backup", str(copy)]

    tools = {
        "journal ls": lambda: ["journal", "ls", "--limit", "1000"],
        "journal show": lambda: ["journal", "show", str(own.head)],
        "journal tail -f": lambda: ["journal", "tail", "-f", "-n", str(ITEMS), "-o", "jsonl"],
        "journal stats": lambda: ["journal", "stats"],
        "journal verify": lambda: ["journal", "verify"],
        "journal export": lambda: ["journal", "export", before, "--to", bundle, "--force"],
        "journal backup": backup,
        "show": lambda: ["show", load.runs[-1]],
        "items": lambda: ["items", load.runs[-1], "double"],
        "state --at": lambda: ["state", before, "--at", str(last - ITEMS)],
        "replay": lambda: ["replay", before],
        "audit": lambda: ["audit", before],
        "diff": lambda: ["diff", before, load.runs[-1]],
        "why": lambda: ["why", load.runs[-1], "double"],
    }
    alone, beside = ({tool: Share() for tool in tools} for _ in range(2))
    try:
        for tool, arguments in tools.items():
            calls = Calls(own, arguments)
            end = time.monotonic() + MINUTES * 60 / len(tools)
            while time.monotonic() < end:
                for share in (alone, beside, beside, alone):
                    with share[tool].measured(own):
                        calls.let(TURN) if share is beside else time.sleep(TURN)
            calls.finish()
            if tool == "journal tail -f":
                assert calls.output.lines == calls.output.last - calls.output.first + 1
            print(f"\n{tool:15} {calls.ended:3} × {Share.lost([alone[tool]], [beside[tool]])}", end="")
    finally:
        load.ended.set()
        load.join(60)
    alone, beside = list(alone.values()), list(beside.values())
    print(f"\nall of them:          {Share.lost(alone, beside)}")
    print(f"{own.head:,} events; {Share.growth(alone):.0f} bytes of file each alone, {Share.growth(beside):.0f} beside")
    for run in load.runs:
        assert own.finish(run, 120) == "succeeded"
    verify = subprocess.run(
        [ren_binary(), "journal", "verify", "--projections", "--data", str(own.data)], capture_output=True, text=True
    )
    assert verify.returncode == 0, verify.stdout
    # Pages that a reader holds are not used again: a few turns of the journal may grow, not all of it.
    assert Share.growth(beside) < 2 * Share.growth(alone) + 200
