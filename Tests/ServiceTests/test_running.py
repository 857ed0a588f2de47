"""What a service does over hours: it ends politely, keeps few files open, and writes down only what happened."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from service import Service, ren_binary, wait_for

SLEEPER = """
flow: sleeper
input: {type: object, properties: {seconds: {type: number}}}
nodes:
  sleep: {function: service.slow, with: {seconds: {var: input.seconds}}}
"""


def types(service: Service, run: str) -> list[str]:
    return [event["type"] for event in service.events(run)]


def test_sigterm_lets_calls_finish(own: Service) -> None:
    own.put(SLEEPER)
    run = own.begin("sleeper", {"seconds": 1.5})
    own.until_node(run, "sleep", "running")
    assert own.stop() == 0
    own.start()
    assert own.finish(run) == "succeeded"
    assert types(own, run).count("node.started") == 1
    assert "node.interrupted" not in types(own, run)


def test_a_second_signal_leaves_at_once(own: Service) -> None:
    own.put(SLEEPER)
    run = own.begin("sleeper", {"seconds": 8})
    own.until_node(run, "sleep", "running")
    own.process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert own.process.poll() is None, "it did not wait for the call"
    own.process.send_signal(signal.SIGTERM)
    assert own.process.wait(5) == 128 + signal.SIGTERM
    own.process = None


def test_a_flow_is_registered_once_however_many_ask(own: Service) -> None:
    source = SLEEPER.replace("sleeper", "asked-often").encode()
    with ThreadPoolExecutor(16) as clients:
        answers = list(
            clients.map(
                lambda _: own.request("PUT", "/api/v1/flows", source, {"Content-Type": "application/yaml"}), range(16)
            )
        )
    assert sorted(answer.status for answer in answers) == [200] * 15 + [201]
    assert len({answer.json["hash"] for answer in answers}) == 1
    assert len(own.read("/api/v1/flows/asked-often/versions")["items"]) == 1


def test_waiting_runs_hold_no_files_open(own: Service) -> None:
    for _ in range(50):
        own.begin("approval")
    time.sleep(0.5)  # until the logs are written
    folder = f"/proc/{own.process.pid}/fd"
    targets = [os.readlink(f"{folder}/{name}") for name in os.listdir(folder) if os.path.islink(f"{folder}/{name}")]
    assert not [target for target in targets if target.endswith(".jsonl")]


def test_the_log_tells_of_no_run_that_was_refused(service: Service) -> None:
    run = service.begin("echo", {"n": 1}, id="told-once")
    service.finish(run)
    for n in (1, 2, 1, 2):
        assert service.post("/api/v1/flows/echo/runs", {"id": run, "input": {"n": n}}).status in (200, 409)
    time.sleep(0.5)  # until a line would be written
    lines = service.read(f"/api/v1/runs/{run}/logs?limit=100")["items"]
    assert [line["text"] for line in lines].count("run created") == 1


def test_what_only_looks_like_an_artifact_is_refused_and_damages_nothing(own: Service) -> None:
    look_alike = {"artifact": "sha256:" + "0" * 64, "name": "../../x", "bytes": 5}
    run = own.begin("echo", look_alike)
    assert own.finish(run) == "failed"
    assert own.read(f"/api/v1/runs/{run}")["error"]["name"] == "BadResult"
    verify = subprocess.run(
        [ren_binary(), "journal", "verify", "--data", str(own.data), "-o", "json"], capture_output=True, check=False
    )
    assert verify.returncode == 0, verify.stdout + verify.stderr


def test_ren_lock_names_the_socket_by_its_whole_path(own: Service) -> None:
    assert own.stop() == 0
    own.process = subprocess.Popen(
        [ren_binary(), "serve", "--data", f"./{own.data.name}", "--listen", "127.0.0.1:0"],
        cwd=own.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def socket() -> str | None:
        holder = json.loads((own.data / "ren.lock").read_text() or "{}")
        return holder.get("pid") == own.process.pid and holder["addresses"].get("socket")

    assert wait_for("the socket's name", socket).startswith("/")
