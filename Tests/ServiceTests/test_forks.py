"""Forks of the sample at random events: each comes to what a fresh run with the same inputs and overrides comes to.

`REN_FORKS=1000` makes that many; `REN_SEED=417` makes the same again.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from service import HERE, Service, wait_for

SAMPLE = HERE.parents[1] / "fixtures" / "products"
PRODUCTS = 20
FORKS = int(os.environ.get("REN_FORKS", "25"))
SEED = int(os.environ.get("REN_SEED", "0")) or random.randrange(1, 1 << 30)
ENDS = ("succeeded", "failed", "stopped")
MAPS = ("scrape", "images")


@dataclass
class Change:
    """What is different in a fork, as the body of `:fork` says it."""

    what: str
    body: dict = field(default_factory=dict)
    #: Type and node of the event from which on it can be made; before it nothing that it concerns has begun.
    since: tuple[str, str | None] = ("run.created", None)


class Shop:
    """The sample's service and shop, the runs that were made, and what fresh runs come to."""

    def __init__(self, service: Service, url: str) -> None:
        self.service = service
        self.input = {"shop": url, "limit": PRODUCTS, "review": True, "out": str(service.folder / "out")}
        self.expected: dict[str, dict] = {}

    def start(self, **different: object) -> str:
        return self.service.begin("products", self.input | different)

    def rest(self, run: str) -> str:
        """Answers the review of a run until it has ended, and says how."""

        def ended() -> str | None:
            now = self.service.read(f"/api/v1/runs/{run}")
            if now["nodes"]["review"]["status"] == "waiting":
                answer = self.service.post(f"/api/v1/runs/{run}:signal", {"name": "approve", "payload": True})
                assert answer.status in (202, 409), answer.body
            if now["nodes"]["export"]["status"] == "unknown":
                # It ran where the fork began, and may run only once: a person says that it may again.
                answer = self.service.post(f"/api/v1/runs/{run}:retry", {"nodes": ["export"]})
                assert answer.status == 202, answer.body
            return now["status"] if now["status"] in ENDS else None

        return wait_for(f"the end of {run}", ended, 120)

    def outcome(self, run: str) -> dict:
        """What a run came to: states of nodes and items, hashes of what they gave, and its result."""
        found: dict = {"status": self.service.status(run), "items": {}}
        nodes = self.service.read(f"/api/v1/runs/{run}/nodes")["items"]
        found["nodes"] = {node["node"]: [node["status"], node.get("way")] for node in nodes}
        for node in nodes:
            if node["status"] == "succeeded" and node["node"] not in MAPS:
                found["nodes"][node["node"]].append(self.given(f"/api/v1/runs/{run}/nodes/{node['node']}"))
        for name in MAPS:
            # Of a map that failed it would be chance how many items had begun.
            if found["nodes"][name][0] != "succeeded":
                continue
            items = self.service.read(f"/api/v1/runs/{run}/nodes/{name}/items?limit=1000")["items"]
            found["items"][name] = {
                item["key"]: [item["state"], self.given(f"/api/v1/runs/{run}/items/{name}/{item['key']}")]
                for item in items
            }
        return found

    def given(self, path: str) -> str | None:
        answer = self.service.read(path)
        if answer["output_reference"]:
            return answer["output_reference"]["sha256"]
        return hashlib.sha256(json.dumps(answer["output"], sort_keys=True).encode()).hexdigest()

    def fork(self, parent: str, at: int, change: Change) -> tuple[int, str | None]:
        answer = self.service.post(f"/api/v1/runs/{parent}:fork", {"at": at, "again": ["export"], **change.body})
        return answer.status, answer.json.get("run") or answer.json.get("code")

    def expect(self, base: str, change: Change) -> dict:
        """What the change comes to where all that it concerns runs afresh."""
        if change.what not in self.expected:
            if change.body.keys() <= {"set"}:
                settings = {path.removeprefix("input."): value for path, value in change.body.get("set", {}).items()}
                run = self.start(**settings)
            else:
                status, run = self.fork(base, self.since(base, change), change)
                assert status == 201, (status, run)
            self.rest(run)
            self.expected[change.what] = self.outcome(run)
        return self.expected[change.what]

    def since(self, run: str, change: Change) -> int:
        """Sequence of the first event of a run at which the change can be made; beyond all when there is none."""
        events = self.service.events(run)
        return next((each["sequence"] for each in events if (each["type"], each.get("node")) == change.since), 1 << 60)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    port = tmp_path / "port"
    catalogue = subprocess.Popen(
        [sys.executable, str(SAMPLE / "shop.py"), "--products", str(PRODUCTS + 4), "--seed", "7", "--port", "0"]
        + ["--port-file", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    service = Service(tmp_path / "service", SAMPLE / "functions")
    # The packages are those of this Python: nothing is to be installed.
    service.environment["REN_PYTHON"] = sys.executable
    for file in (service.folder / "functions").glob("*.py"):
        file.write_text(re.sub(r"requires=\[[^\]]*\]", "", file.read_text()))
    try:
        wait_for("the shop", lambda: port.exists() and port.read_text() or catalogue.poll() is not None, 60)
        assert catalogue.poll() is None, "the shop ended: is Pillow there?"
        service.start()
        service.put((SAMPLE / "products.yaml").read_text())
        yield Shop(service, f"http://127.0.0.1:{port.read_text().strip()}")
        assert service.stop() == 0
    finally:
        service.end()
        catalogue.kill()
        catalogue.wait()


def changes(shop: Shop, base: str) -> list[Change]:
    """Things that people would try."""
    listed = shop.service.read(f"/api/v1/runs/{base}/nodes/list")["output"]
    other = shop.service.read(f"/api/v1/runs/{base}/items/scrape/{listed[3]['sku']}")["output"]
    opened = ("map.opened", "scrape")
    gone = [{"sku": f"gone-{number}", "url": f"{shop.input['shop']}/product/none-{number}.html"} for number in range(3)]
    return [
        Change("nothing"),
        Change("fewer", {"set": {"input.limit": 9}}),
        Change("no review", {"set": {"input.review": False}}),
        Change("another order, one gone", {"node_outputs": {"list": listed[:4] + gone[:1] + listed[:3:-1]}}),
        Change("too many gone", {"node_outputs": {"list": gone + listed[:5]}}),
        Change("another price", {"item_outputs": {f"scrape/{listed[3]['sku']}": {**other, "price": "0.01"}}}, opened),
        # Export reads the pages too, and waits for nothing but this.
        Change("no pairs", {"node_outputs": {"similarity": []}}, ("node.decided", "enough")),
        Change(
            "no pairs and no review",
            {"set": {"input.review": False}, "node_outputs": {"similarity": []}},
            ("node.decided", "enough"),
        ),
    ]


@dataclass
class Made:
    """A run that can be forked, and what it comes to."""

    run: str
    change: Change
    #: Sequences of the fork that made the change and of the last value given with it; in the run's past.
    forked: int = 0
    given: int = 0

    def past(self, sequence: int, nothing: Change) -> Change | None:
        """What is different up to an event; nil between a fork and its values."""
        if sequence < self.forked:
            return nothing
        return self.change if sequence >= self.given else None

    def fork(self, shop: Shop, run: str, past: Change, change: Change) -> Made:
        if past.body:
            return Made(run, past, self.forked, self.given)
        fork = [event["sequence"] for event in shop.service.events(run) if event["type"] == "run.forked"][-1]
        given = len(change.body.get("node_outputs", {})) + len(change.body.get("item_outputs", {}))
        return Made(run, change, fork, fork + given)


def test_a_fork_comes_to_what_a_fresh_run_does(shop: Shop) -> None:
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    base = shop.start()
    assert shop.rest(base) == "succeeded", shop.service.output.read_text()[-2000:]
    possible = changes(shop, base)
    nothing = possible[0]
    parents = [Made(base, nothing)]
    histories = {base: shop.service.events(base)}
    counts = dict.fromkeys(["forks", "of forks", "of running", "refused"], 0)
    while counts["forks"] < FORKS:
        if chance.random() < 0.15:
            # It goes on while it is forked.
            parent = Made(shop.start(), nothing)
            least = chance.randrange(4, 70)
            wait_for("some events", lambda run=parent.run, least=least: len(shop.service.events(run)) > least)
            counts["of running"] += 1
        else:
            parent = chance.choice(parents)
        at = chance.choice(shop.service.events(parent.run))["sequence"]
        past = parent.past(at, nothing)
        if past is None:
            continue
        # What a fork of a fork comes to is known where one of the two changes nothing.
        change = chance.choice(possible) if past is nothing else nothing
        if at < shop.since(parent.run, change):
            continue
        status, run = shop.fork(parent.run, at, change)
        if status != 201:
            # The list that the map reads then is another one, or not read yet.
            assert (status, run) in ((404, "item.not_found"), (404, "node.not_found")), (status, run)
            counts["refused"] += 1
            continue
        counts["forks"] += 1
        counts["of forks"] += parent.forked > 0
        shop.rest(run)
        come_to = change if past is nothing else past
        wanted = shop.expect(base, come_to)
        assert shop.outcome(run) == wanted, f"seed {SEED}: {come_to.what} at {at} of {parent.run}: {run}"
        if len(parents) < 40:
            parents.append(parent.fork(shop, run, past, change))
            histories[run] = shop.service.events(run)
        elif counts["of running"]:
            shop.rest(parent.run)
    for run, before in histories.items():
        assert shop.service.events(run) == before, f"{run} was changed by its forks"
    for run in chance.sample(list(histories), min(len(histories), 10)):
        replayed = shop.service.post(f"/api/v1/runs/{run}:replay", {})
        assert replayed.json["matches"], replayed.json["divergence"]
    print(counts)
