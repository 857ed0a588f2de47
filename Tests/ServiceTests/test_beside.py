"""The tools beside an engine that writes as fast as it can: no bad record, no growth by readers, little time lost.

`REN_MINUTES=10` goes on for that long; the figures are printed.
"""

from __future__ import annotations

import itertools
import os
import re
import statistics
import subprocess
import threading
import time
from pathlib import Path

from service import Service, ren_binary, wait_for

MINUTES = float(os.environ.get("REN_MINUTES", "0.4"))
SEQUENCE = re.compile(rb'\{"sequence":(\d+),')
#: Seconds with tools, and as many without: the machine is not the same for minutes.
TURN = min(MINUTES * 60 / 8, 20)
ITEMS = 4000


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


class Tools:
    """One tool after another, as a person or a script would call them."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.environment = {**os.environ, "REN_DATA": str(service.data)}
        self.out = service.folder / "tools"
        self.out.mkdir()
        self.seconds: dict[str, list[float]] = {}
        self.turn = itertools.cycle(range(13))

    def next(self, run: str, before: str) -> None:
        sequence = str(self.service.head)
        bundle, copy = str(self.out / "bundle"), self.out / f"copy-{sequence}"
        command = [
            ["journal", "ls", "--limit", "1000"],
            ["journal", "show", sequence],
            ["journal", "stats"],
            ["journal", "verify"],
            ["journal", "export", before, "--to", bundle, "--force"],
            ["journal", "backup", str(copy)],
            ["show", run],
            ["items", run, "double"],
            ["state", before, "--at", str(self.service.read(f"/api/v1/runs/{before}")["last"] - ITEMS)],
            ["replay", before],
            ["audit", before],
            ["diff", before, run],
            ["why", run, "double"],
        ][next(self.turn)]
        began = time.monotonic()
        done = subprocess.run(
            [ren_binary(), *command], env=self.environment, capture_output=True, text=True, timeout=600, check=False
        )
        assert done.returncode == 0, (command, done.returncode, done.stdout[-500:], done.stderr[-500:])
        self.seconds.setdefault(" ".join(command[:2] if command[0] == "journal" else command[:1]), []).append(
            time.monotonic() - began
        )
        if copy.exists():
            subprocess.run(["rm", "-r", str(copy)], check=True)


class Tail:
    """`ren journal tail -f` from the beginning to the end of the test."""

    def __init__(self, service: Service) -> None:
        self.path = service.folder / "tail"
        with self.path.open("wb") as out:
            self.process = subprocess.Popen(
                [ren_binary(), "journal", "tail", "-f", "-o", "jsonl", "--data", str(service.data)],
                stdout=out,
                stderr=subprocess.DEVNULL,
            )

    def has_shown(self, sequence: int) -> bool:
        with self.path.open("rb") as lines:
            lines.seek(max(0, lines.seek(0, os.SEEK_END) - 4096))
            return f'"sequence":{sequence},'.encode() in lines.read()

    def check(self) -> None:
        """Its lines follow each other without a gap."""
        last = 0
        with self.path.open("rb") as lines:
            for line in lines:
                sequence = int(SEQUENCE.match(line)[1])
                assert last in (0, sequence - 1), (last, sequence)
                last = sequence


def size(service: Service) -> int:
    return (service.data / "journal" / "data.mdb").stat().st_size


def test_tools_beside_a_busy_engine(own: Service) -> None:
    load, tools = Load(own), Tools(own)
    load.start()
    wait_for("two runs", lambda: len(load.runs) > 2, 60)
    rates: dict[str, list[float]] = {"alone": [], "tools": []}
    growth: dict[str, list[float]] = {"alone": [], "tools": []}
    tail = None
    try:
        end = time.monotonic() + MINUTES * 60
        for way in itertools.cycle(rates):
            if way == "alone" and time.monotonic() > end:
                break
            if way == "tools" and tail is None:
                tail = Tail(own)
            began, head, bytes_then = time.monotonic(), own.head, size(own)
            while (left := began + TURN - time.monotonic()) > 0:
                if way == "tools":
                    tools.next(load.runs[-1], load.runs[0])
                time.sleep(min(left, 1))
            events = own.head - head
            rates[way].append(events / (time.monotonic() - began))
            growth[way].append((size(own) - bytes_then) / events)
    finally:
        load.ended.set()
        load.join(60)
    for run in load.runs:
        assert own.finish(run, 120) == "succeeded"
    last = own.head
    lost = 1 - statistics.mean(rates["tools"]) / statistics.mean(rates["alone"])
    print(
        f"\n{last:,} events, {size(own) / last:.0f} bytes of file each; events/s "
        f"{statistics.mean(rates['alone']):,.0f} alone, {statistics.mean(rates['tools']):,.0f} with tools "
        f"({lost:.1%} slower); bytes an event {statistics.mean(growth['alone']):.0f} and "
        f"{statistics.mean(growth['tools']):.0f}"
    )
    print({tool: f"{len(times)} × {statistics.median(times):.2f} s" for tool, times in tools.seconds.items()})
    wait_for("the tail", lambda: tail.has_shown(last), 60 + 60 * MINUTES)
    tail.process.kill()
    tail.check()
    verify = subprocess.run(
        [ren_binary(), "journal", "verify", "--projections", "--data", str(own.data)], capture_output=True, text=True
    )
    assert verify.returncode == 0, verify.stdout
    # Pages that a reader holds are not used again: a few turns of the journal may grow, not all of it.
    assert statistics.mean(growth["tools"]) < 2 * statistics.mean(growth["alone"]) + 200
