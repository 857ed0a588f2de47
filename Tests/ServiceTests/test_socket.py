"""The Unix socket in the data directory: the file system lets callers in, no token is needed."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import socket
import stat
from pathlib import Path

import pytest
from service import Answer, Service, exchange


class SocketConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(service: Service, method: str, path: str, body: object = None, **headers: str) -> Answer:
    wire = SocketConnection(service.socket_path)
    answer = service.request(method, path, body, headers, over=wire, token=False)
    wire.close()
    return answer


def test_only_its_owner_reaches_it(service: Service) -> None:
    assert stat.S_ISSOCK(os.stat(service.socket_path).st_mode)
    assert stat.S_IMODE(os.stat(service.socket_path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(Path(service.socket_path).parent).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(service.data).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(service.data / "token").st_mode) == 0o600


def test_it_needs_no_token(service: Service) -> None:
    assert ask(service, "GET", "/api/v1").json["sequence"] == service.head
    started = ask(service, "POST", "/api/v1/flows/echo/runs", {"input": {"n": 1}})
    assert started.status == 201
    assert service.finish(started.json["run"]) == "succeeded"


@pytest.mark.parametrize("host", ["ren", "evil.test", "localhost:1"])
def test_any_name_will_do(service: Service, host: str) -> None:
    request = f"GET /api/v1 HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    assert exchange(service.socket_path, request, seconds=5, after=0).status == 200


def test_a_page_in_a_browser_is_refused_all_the_same(service: Service) -> None:
    answer = ask(service, "GET", "/api/v1", Origin="http://evil.test")
    assert (answer.status, answer.code) == (403, "origin.refused")


def files_of_a_client(folder: Path, text: str = "import ren\n\n@ren.function\ndef greet(): return 'hello'\n") -> list:
    path = (folder / "mine.py").resolve()
    path.write_text(text)
    return [{"path": str(path), "hash": hashlib.sha256(text.encode()).hexdigest()}]


FLOW = "flow: mine\nnodes:\n  greet: {function: mine.greet}\noutput: {var: nodes.greet.output}\n"


def test_a_client_brings_its_own_functions(service: Service, tmp_path: Path) -> None:
    service.put(FLOW)
    started = ask(service, "POST", "/api/v1/flows/mine/runs", {"functions": files_of_a_client(tmp_path)})
    assert started.status == 201, started.body
    assert service.finish(started.json["run"]) == "succeeded"
    assert service.read(f"/api/v1/runs/{started.json['run']}/result") == "hello"


def test_over_tcp_nobody_brings_functions(service: Service, tmp_path: Path) -> None:
    service.put(FLOW)
    head = service.head
    answer = service.post("/api/v1/flows/mine/runs", {"functions": files_of_a_client(tmp_path)})
    assert (answer.status, answer.code) == (403, "function.local_only")
    assert service.facts(after=head) == []


def test_files_that_changed_since_are_refused(service: Service, tmp_path: Path) -> None:
    service.put(FLOW)
    files = files_of_a_client(tmp_path)
    Path(files[0]["path"]).write_text("import os\n")
    answer = ask(service, "POST", "/api/v1/flows/mine/runs", {"functions": files})
    assert (answer.status, answer.code) == (409, "function.changed")


def test_both_doors_check_alike(service: Service) -> None:
    for path, body in (
        ("/api/v1/flows/echo/runs", {"inptu": {}}),
        ("/api/v1/flows/echo/runs", {"id": "journal"}),
        ("/api/v1/flows/fan/runs", {"input": {"count": "x"}}),
        ("/api/v1/runs/nobody:pause", {}),
    ):
        local, remote = ask(service, "POST", path, body), service.post(path, body)
        assert (local.status, local.code) == (remote.status, remote.code), json.dumps(body)
        assert local.status >= 400
