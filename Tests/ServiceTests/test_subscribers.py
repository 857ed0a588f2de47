"""Many watch one run: each sees every event once and in order, whatever it does in between.

`REN_SUBSCRIBERS=50 REN_ITEMS=10000` is the full case, `REN_ITEM_SECONDS=0.02` one whose functions do something. A fifth of them stop reading in the middle for some seconds, and
another fifth leave at random and come back with the last sequence that they had.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime

import pytest
from service import HERE, Service

SUBSCRIBERS = int(os.environ.get("REN_SUBSCRIBERS", "20"))
ITEMS = int(os.environ.get("REN_ITEMS", "2000"))
INPUT = {"count": ITEMS, "seconds": float(os.environ.get("REN_ITEM_SECONDS", "0"))}
SEED = 20_261_123


def seconds(service: Service, run: str) -> float:
    """From the first attempt to the end."""
    events = service.events(run)
    begun = next(event for event in events if event["type"] == "node.started")
    times = [datetime.fromisoformat(event["time"].replace("Z", "+00:00")) for event in (begun, events[-1])]
    return (times[1] - times[0]).total_seconds()


def alone(service: Service) -> str:
    run = service.begin("fan", INPUT)
    assert service.finish(run, 120) == "succeeded"
    return run


def test_every_subscriber_sees_every_event_once_and_in_order(own: Service, capsys: pytest.CaptureFixture[str]) -> None:
    alone(own)  # the workers are warm from here on
    unwatched = alone(own)
    run = own.begin("fan", INPUT, start_paused=True)
    task = {"address": own.authority, "token": own.token, "run": run, "seed": SEED}
    task |= {"subscribers": SUBSCRIBERS, "middle": ITEMS // 2}
    watchers = subprocess.Popen(
        [sys.executable, str(HERE / "watchers.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        watchers.stdin.write(json.dumps(task) + "\n")
        watchers.stdin.flush()
        assert watchers.stdout.readline() == "ready\n"
        assert own.post(f"/api/v1/runs/{run}:resume", {}).status == 202
        told, _ = watchers.communicate(timeout=180)
    finally:
        watchers.kill()
    assert watchers.returncode == 0
    assert own.finish(run) == "succeeded"
    history = [event["sequence"] for event in own.events(run)]
    assert len(history) > 2 * ITEMS
    rows = [json.loads(line) for line in told.splitlines()]
    assert len(rows) == SUBSCRIBERS
    for number, (visits, slept, sequences) in enumerate(rows):
        assert sequences == history, f"seed {SEED}: {len(sequences)} of {len(history)} events"
        assert slept == (number % 5 == 0), "who should have stopped reading did not"
        assert (visits > 1) == (number % 5 == 1), "who should have come back did not"
    with capsys.disabled():
        print(
            f"\n{ITEMS} items: {seconds(own, unwatched):.2f} s alone, "
            f"{seconds(own, run):.2f} s with {SUBSCRIBERS} subscribers, {len(history)} events each"
        )
