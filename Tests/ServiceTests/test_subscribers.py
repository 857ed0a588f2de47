"""Many watch one run: each sees every event once and in order, whatever it does in between.

`REN_SUBSCRIBERS=50 REN_ITEMS=10000` is the full case. A fifth of them stop reading in the middle for some seconds, and
another fifth leave at random and come back with the last sequence that they had.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
from datetime import datetime

import pytest
from service import Service
from websockets.asyncio.client import connect

SUBSCRIBERS = int(os.environ.get("REN_SUBSCRIBERS", "20"))
ITEMS = int(os.environ.get("REN_ITEMS", "2000"))
SEED = 20_261_123
SLEEP_SECONDS = 3

# Reading all of the JSON would cost more than the service under test.
SEQUENCE = re.compile(r'"sequence":(\d+)')


class Watcher:
    def __init__(self, service: Service, run: str, number: int) -> None:
        self.service, self.run = service, run
        self.sleeps = number % 5 == 0
        self.leaves = number % 5 == 1
        self.chance = random.Random(SEED + number)
        self.told: list[int] = []
        self.visits = 0
        self.slept = False

    async def watch(self) -> None:
        while not await self.visit():
            pass

    async def visit(self) -> bool:
        """One connection; true when the run's end was told."""
        self.visits += 1
        patience = self.chance.randint(2, 6) if self.leaves and self.visits < 20 else None
        async with connect(
            f"ws://{self.service.authority}/api/v1/stream",
            additional_headers=self.service.credentials,
            compression=None,
            proxy=None,
            max_size=2**20,
            max_queue=2,
            close_timeout=0.2,  # the package does not read on while it waits to be closed
        ) as wire:
            since = self.told[-1] if self.told else 0
            await wire.send(json.dumps({"op": "hello", "batch_ms": 50}))
            await wire.send(json.dumps({"op": "subscribe", "id": "a", "topic": "run", "run": self.run, "since": since}))
            async for text in wire:
                if '"op":"events"' in text[:40]:
                    self.told += map(int, SEQUENCE.findall(text))
                    if '"type":"run.succeeded"' in text:
                        return True
                    if patience is not None and (patience := patience - 1) == 0:
                        return False
                    if self.sleeps and not self.slept and len(self.told) > ITEMS // 2:
                        self.slept = True
                        await asyncio.sleep(SLEEP_SECONDS)  # nothing is read: the queues of both sides fill up
                else:
                    assert '"op":"error"' not in text[:40], text
        raise AssertionError(f"the stream ended after {len(self.told)} events")


def seconds(service: Service, run: str) -> float:
    row = service.read(f"/api/v1/runs/{run}")
    times = [datetime.fromisoformat(row[name].replace("Z", "+00:00")) for name in ("created", "ended")]
    return (times[1] - times[0]).total_seconds()


def resume(service: Service, run: str) -> None:
    assert service.post(f"/api/v1/runs/{run}:resume", {}).status == 202


def test_every_subscriber_sees_every_event_once_and_in_order(own: Service, capsys: pytest.CaptureFixture[str]) -> None:
    alone = own.begin("fan", {"count": ITEMS})
    assert own.finish(alone, 120) == "succeeded"
    watched = own.begin("fan", {"count": ITEMS}, start_paused=True)
    watchers = [Watcher(own, watched, number) for number in range(SUBSCRIBERS)]

    async def all_of_them() -> None:
        async with asyncio.timeout(180), asyncio.TaskGroup() as group:
            for watcher in watchers:
                group.create_task(watcher.watch())
            await asyncio.to_thread(resume, own, watched)

    asyncio.run(all_of_them())
    assert own.finish(watched) == "succeeded"
    history = [event["sequence"] for event in own.events(watched)]
    assert len(history) > 2 * ITEMS
    for watcher in watchers:
        assert watcher.told == history, f"seed {SEED}: {len(watcher.told)} of {len(history)} events"
    assert all(watcher.visits > 1 for watcher in watchers if watcher.leaves), "nobody came back"
    assert all(watcher.slept for watcher in watchers if watcher.sleeps), "nobody stopped reading"
    with capsys.disabled():
        # They share the processors with the service, so this is no bound for it.
        print(
            f"\n{ITEMS} items: {seconds(own, alone):.2f} s alone, "
            f"{seconds(own, watched):.2f} s with {SUBSCRIBERS} subscribers, {len(history)} events each"
        )
