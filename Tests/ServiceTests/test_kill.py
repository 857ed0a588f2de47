"""kill -9 of the service under load: what was asked with an `Idempotency-Key` has exactly one effect."""

from __future__ import annotations

import collections
import http.client
import threading
import time

from service import Service, wait_for

CLIENTS = 8
STARTS = 50
KILLS = 5


class Client(threading.Thread):
    """Starts runs one by one, and repeats each request until it has an answer."""

    def __init__(self, service: Service, number: int, log: str) -> None:
        super().__init__(name=f"client-{number}")
        self.service, self.number, self.log = service, number, log
        self.runs: dict[str, str] = {}
        self.repeated = 0
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            for count in range(STARTS):
                self.start_run(f"{self.name}-{count}")
        except BaseException as error:  # told by the test, which waits for this thread
            self.failure = error

    def start_run(self, key: str) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                answer = self.service.post(
                    "/api/v1/flows/note/runs", {"input": {"log": self.log}}, {"Idempotency-Key": key}, timeout=10
                )
            except (OSError, http.client.HTTPException):
                # It was killed, or is not there yet.
                self.repeated += 1
                time.sleep(0.02)
                continue
            if answer.status == 503:
                time.sleep(0.02)  # starting
                continue
            assert answer.status in (200, 201), (answer.status, answer.body)
            self.runs[key] = answer.json["run"]
            return
        raise AssertionError(f"no answer to {key} in a minute")


def all_runs(service: Service) -> list[dict]:
    runs: list[dict] = []
    cursor = ""
    while True:
        page = service.read(f"/api/v1/runs?flow=note&limit=100{cursor}")
        runs += page["items"]
        if not page["next"]:
            return runs
        cursor = f"&cursor={page['next']}"


def test_each_key_has_exactly_one_run(own: Service) -> None:
    log = str(own.folder / "effects")
    clients = [Client(own, number, log) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    total = CLIENTS * STARTS
    for kill in range(1, KILLS + 1):
        # Somewhere in the middle of things, each time further on.
        wanted = total * kill // (KILLS + 1)
        wait_for(f"{wanted} answers", lambda least=wanted: sum(len(client.runs) for client in clients) >= least, 60)
        own.kill()
        own.start()
    for client in clients:
        client.join(120)
        assert not client.is_alive() and client.failure is None, client.failure
    assert sum(client.repeated for client in clients) > 0, "no request was cut off"

    answers = {key: run for client in clients for key, run in client.runs.items()}
    assert len(answers) == len(set(answers.values())) == total, "two keys share a run"
    runs = {run["run"] for run in all_runs(own)}
    assert runs == set(answers.values()), "a key has two runs, or none"
    for key, run in answers.items():
        again = own.post("/api/v1/flows/note/runs", {"input": {"log": log}}, {"Idempotency-Key": key})
        assert (again.json["run"], again.json["replayed"]) == (run, True), again.body
        assert own.finish(run, 60) == "succeeded"

    effects = collections.Counter((own.folder / "effects").read_text().split())
    assert effects.keys() == runs
    for run in [run for run, count in effects.items() if count > 1]:
        # A call that was cut off runs again, and the journal says so.
        types = [event["type"] for event in own.events(run)]
        assert effects[run] <= types.count("node.started") == 1 + types.count("node.interrupted"), (run, types)
