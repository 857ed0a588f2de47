"""Many subscribers of one run, as a program of their own: `watchers.py` reads its task and tells what was seen.

It runs at the lowest priority, as subscribers on other machines would: what they cost the service is measured, not what
reading costs them.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import sys
from dataclasses import dataclass, field

from websockets.asyncio.client import ClientConnection, connect

SLEEP_SECONDS = 3
LEAVES_MAX = 20

# Reading all of the JSON would cost more than the service under test.
SEQUENCE = re.compile(r'"sequence":(\d+)')


@dataclass
class Task:
    address: str
    token: str
    run: str
    subscribers: int
    #: Those that sleep do so when they have seen this many events.
    middle: int
    seed: int


@dataclass
class Watcher:
    task: Task
    number: int
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    told: list[int] = field(default_factory=list)
    visits: int = 0
    slept: bool = False

    def __post_init__(self) -> None:
        self.sleeps = self.number % 5 == 0
        self.leaves = self.number % 5 == 1
        self.chance = random.Random(self.task.seed + self.number)

    async def watch(self) -> None:
        is_over = False
        while not is_over:
            self.visits += 1
            async with connect(
                f"ws://{self.task.address}/api/v1/stream",
                additional_headers={"Authorization": f"Bearer {self.task.token}"},
                compression=None,
                proxy=None,
                max_size=2**20,
                max_queue=2,
                close_timeout=0.2,  # the package does not read on while it waits to be closed
            ) as wire:
                is_over = await self.visit(wire)

    async def visit(self, wire: ClientConnection) -> bool:
        """One connection; true when the run's end was told."""
        since = self.told[-1] if self.told else 0
        await wire.send(json.dumps({"op": "hello", "batch_ms": 50}))
        await wire.send(
            json.dumps({"op": "subscribe", "id": "a", "topic": "run", "run": self.task.run, "since": since})
        )
        patience = self.chance.randint(2, 6) if self.leaves and self.visits < LEAVES_MAX else None
        async for text in wire:
            if '"op":"events"' in text[:40]:
                self.told += map(int, SEQUENCE.findall(text))
                if '"type":"run.succeeded"' in text:
                    return True
                if patience is not None and (patience := patience - 1) == 0:
                    return False
                if self.sleeps and not self.slept and len(self.told) > self.task.middle:
                    self.slept = True
                    await asyncio.sleep(SLEEP_SECONDS)  # nothing is read: the queues of both sides fill up
            elif '"op":"subscribed"' in text[:40]:
                self.ready.set()
            else:
                assert '"op":"error"' not in text[:40], text
        raise AssertionError(f"the stream ended after {len(self.told)} events")


async def main() -> None:
    task = Task(**json.loads(sys.stdin.readline()))
    watchers = [Watcher(task, number) for number in range(task.subscribers)]
    async with asyncio.TaskGroup() as group:
        for watcher in watchers:
            group.create_task(watcher.watch())
        for watcher in watchers:
            await watcher.ready.wait()
        print("ready", flush=True)
    for watcher in watchers:
        print(json.dumps([watcher.visits, watcher.slept, watcher.told]))


if __name__ == "__main__":
    os.nice(19)
    asyncio.run(main())
