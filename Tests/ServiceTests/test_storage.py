"""When the disk takes nothing any more: what was acknowledged is kept, and work goes on when there is room again."""

from __future__ import annotations

import resource
import sys

import pytest
from service import Answer, Service, wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of another process are Linux's")


def ask(service: Service, key: str) -> Answer:
    """A start under a key."""
    return service.post("/api/v1/flows/echo/runs", {"input": {"key": key}}, {"Idempotency-Key": key})


def limit_files(service: Service, size: int) -> None:
    """No file of the service can be written behind `size` bytes."""
    _, most = resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (size, most))


def test_a_full_disk_refuses_and_work_goes_on_when_there_is_room(own: Service) -> None:
    kept = {key: ask(own, key).json["run"] for key in ("a", "b", "c")}
    for run in kept.values():
        assert own.finish(run) == "succeeded"
    head = own.head
    limit_files(own, 4096)
    refused = ask(own, "d")
    assert (refused.status, refused.code) == (507, "storage.full"), refused.body
    assert own.get("/health/live").status == 200
    told = [line for line in own.output.read_text().splitlines() if "a request failed" in line]
    assert told and all("error=storage.full: " in line and "RenError" not in line for line in told), told
    assert own.head == head, "what was refused is there"
    for key, run in kept.items():
        again = ask(own, key)
        assert (again.json["run"], again.json["replayed"]) == (run, True), "reading goes on"

    limit_files(own, resource.RLIM_INFINITY)
    started = wait_for("the room to be noticed", lambda: (answer := ask(own, "d")).status == 201 and answer, 30)
    assert started.json["replayed"] is False
    assert own.finish(started.json["run"]) == "succeeded"
    assert own.stop() == 0
    own.start()
    for key, run in (kept | {"d": started.json["run"]}).items():
        assert ask(own, key).json["run"] == run
    assert len(own.read("/api/v1/runs")["items"]) == 4
