"""What nobody should send, and what is answered: `RELIABILITY.md` 3.3, row by row.

Every row gets its answer, writes nothing, and harms nobody: the next request on a new connection is answered at once.
`SEMANTICS.md` names the codes where both speak (`request.key_reused`, `run.finished`, `signal.answered`).
"""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import inf
from pathlib import Path

import pytest
from frames import BINARY, CLOSE, CONTINUATION, HELLO, PING, TEXT, RawSocket, announced, frame
from service import MEBIBYTE, Answer, Service, wait_for

TESTS = Path(__file__).resolve().parents[1]
GOOD_REQUEST_MILLISECONDS = 100

Act = Callable[[Service], None]


@dataclass
class Row:
    name: str
    act: Act
    #: What must be there before; its events are not counted.
    before: Act | None = None


# Ways to act


def check_problem(answer: Answer, service: Service, statuses: Iterable[int], codes: Iterable[str]) -> None:
    said = (answer.status, answer.headers.items(), answer.body[:600])
    assert answer.status in statuses, said
    names = [name.lower() for name in answer.headers]
    assert not [name for name in names if name.startswith("access-control")], said
    assert "set-cookie" not in names, said
    assert answer.headers.get("Content-Type") == "application/problem+json", said
    assert answer.headers.get("X-Content-Type-Options") == "nosniff", said
    assert answer.headers.get("Cache-Control") == "no-store", said
    problem = answer.json
    assert problem["status"] == answer.status, said
    assert {"type", "title", "code", "detail"} <= problem.keys(), said
    if codes:
        assert any(re.fullmatch(code.replace(".", r"\.").replace("*", ".+"), problem["code"]) for code in codes), said
    assert len(answer.body) < 4096 + 1024 * len(problem.get("errors", [])), "an answer does not echo what was sent"
    text = answer.body.decode()
    for secret in (str(service.folder), service.token, ".swift"):
        assert secret not in text, said


def answered(
    make: Callable[[Service], bytes | Iterator[bytes]],
    status: int | tuple[int, ...],
    *codes: str,
    closes: bool = False,
    within: float = 5,
    look: Callable[[Answer], object] | None = None,
) -> Act:
    """Bytes on a new connection, and the problem that answers them. A `*` in a code stands for any end."""

    def act(service: Service) -> None:
        statuses = (status,) if isinstance(status, int) else status
        begun = time.monotonic()
        answer = service.raw(make(service), seconds=10, after=3 if closes else 0)
        took = time.monotonic() - begun - (3 if answer and closes and not answer.closed else 0)
        assert answer is not None, "the connection ended without an answer"
        check_problem(answer, service, statuses, codes)
        assert took < within, f"answered and closed after {took:.1f} s"
        if closes:
            assert answer.closed, "the connection stays open"
        if look:
            assert look(answer), (answer.status, answer.headers.items(), answer.body[:600])

    return act


def get(path: str, *fields: str, host: str | None = None, token: bool = True) -> Callable[[Service], bytes]:
    return lambda service: service.head_of("GET", path, *fields, host=host, token=token)


def start(body: bytes, *fields: str, flow: str = "echo") -> Callable[[Service], bytes]:
    return lambda service: service.message("POST", f"/api/v1/flows/{flow}/runs", body, *fields)


def put_flow(source: str | bytes, kind: str = "application/yaml") -> Callable[[Service], bytes]:
    body = source.encode() if isinstance(source, str) else source
    return lambda service: service.message("PUT", "/api/v1/flows", body, kind=kind)


def works(make: Callable[[Service], bytes], *statuses: int) -> Act:
    def act(service: Service) -> None:
        answer = service.raw(make(service), after=0)
        assert answer is not None and answer.status in (statuses or (200,)), answer and (answer.status, answer.body)

    return act


def closed_quickly(data: bytes) -> Act:
    """What is no HTTP at all: an answer is allowed, waiting is not."""

    def act(service: Service) -> None:
        begun = time.monotonic()
        answer = service.raw(data, seconds=10, after=3)
        assert answer is None or (answer.closed and answer.status in (400, 505)), answer
        assert time.monotonic() - begun < 8

    return act


def frames(sent: bytes | list[bytes], *codes: int, hello: bool = True) -> Act:
    """Frames on an upgraded socket, and the code that it is closed with."""

    def act(service: Service) -> None:
        with RawSocket(service) as stream:
            assert stream.status == 101, stream.head
            if hello:
                stream.send(frame(TEXT, HELLO))
            for piece in [sent] if isinstance(sent, bytes) else sent:
                stream.send(piece)
            assert stream.close_code() in codes
            assert stream.is_ended(), "the TCP connection stays open"

    return act


def subscribed(code: str, **message: object) -> Act:
    """A subscription that is refused by an error message, while the socket stays open."""

    def act(service: Service) -> None:
        with RawSocket(service) as stream:
            stream.send(frame(TEXT, HELLO))
            stream.send(frame(TEXT, json.dumps({"op": "subscribe", "id": "a", "topic": "journal"} | message).encode()))
            said = [json.loads(stream.next()[1]) for _ in range(2)]
            assert said[0]["op"] == "welcome" and said[1]["op"] == "error", said
            assert (said[1]["id"], said[1]["problem"]["code"]) == ("a", code), said
            stream.send(frame(PING, b"still there?"))
            assert stream.next() == (10, b"still there?")

    return act


def elsewhere(file: str, title: str) -> Act:
    """The row is tested where its deadline or fault can be made in no time; here it is checked that it still is."""

    def act(_: Service) -> None:
        place = TESTS / file
        files = [place] if place.suffix else sorted(place.glob("*.swift"))
        assert any(title in each.read_text() for each in files), f"nothing in {file} names {title!r} any more"

    return act


# HTTP and WebSocket


def endless_chunks(service: Service) -> Iterator[bytes]:
    """A body that never ends; whoever reads all of it never answers."""
    yield service.head_of(
        "POST", "/api/v1/flows/echo/runs", "Content-Type: application/json", "Transfer-Encoding: chunked"
    )
    sent = 0
    while sent < 64 * MEBIBYTE:
        yield b"4000\r\n" + b" " * 0x4000 + b"\r\n"
        sent += 0x4000
    raise AssertionError("64 MiB were taken without an answer")


def head_only(*fields: str, path: str = "/api/v1/flows/echo/runs") -> Callable[[Service], bytes]:
    """A POST whose body is announced and never sent: the answer must not wait for it."""
    return lambda service: service.head_of("POST", path, "Content-Type: application/json", *fields)


def post_raw(*fields: str, body: bytes = b"{}") -> Callable[[Service], bytes]:
    return lambda service: (
        service.head_of("POST", "/api/v1/flows/echo/runs", "Content-Type: application/json", *fields) + body
    )


def two_hosts(service: Service) -> bytes:
    return service.head_of("GET", "/api/v1", f"Host: {service.authority}")


def no_host(service: Service) -> bytes:
    return f"GET /api/v1 HTTP/1.1\r\nAuthorization: Bearer {service.token}\r\n\r\n".encode()


def version(text: str) -> Callable[[Service], bytes]:
    return lambda service: service.head_of("GET", "/api/v1").replace(b"HTTP/1.1", text.encode(), 1)


def upgrade(*fields: str, path: str = "/api/v1/stream", **more: object) -> Callable[[Service], bytes]:
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    needed = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", key)
    return get(path, *needed, *fields, **more)


def with_our_port(host: str) -> Callable[[Service], bytes]:
    return lambda service: service.head_of("GET", "/api/v1", host=f"{host}:{service.port}")


def own_origin(service: Service) -> bytes:
    return service.head_of("GET", "/api/v1", f"Origin: {service.address}")


def foreign_post(origin: str) -> Callable[[Service], bytes]:
    return lambda service: service.head_of(
        "POST", "/api/v1/flows/echo/runs", f"Origin: {origin}", "Content-Type: application/json", "Content-Length: 900"
    )


def is_open(wire: socket.socket) -> bool:
    wire.setblocking(False)
    try:
        return wire.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionResetError:
        return False


def idle_crowd(service: Service) -> None:
    """500 connections that say nothing; a client with the token is answered all the same."""
    crowd = []
    try:
        for _ in range(500):
            wire = socket.socket()
            wire.settimeout(2)
            wire.connect((service.host, service.port))
            crowd.append(wire)
        answer = service.get("/api/v1", timeout=5)
        assert answer.status == 200, answer.body
        wait_for("the end of all but 132 connections", lambda: sum(map(is_open, crowd)) <= 132, 5)
    finally:
        for wire in crowd:
            wire.close()


def untrusted_crowd(service: Service) -> None:
    """The ninth socket that has not said who it is gets no socket."""
    crowd = [RawSocket(service, token=False) for _ in range(8)]
    try:
        assert [stream.status for stream in crowd] == [101] * 8
        answered(upgrade(token=False), 503, "websocket.too_many")(service)
        with RawSocket(service) as stream:
            assert stream.status == 101, "a client with the token is not meant"
    finally:
        for stream in crowd:
            stream.wire.close()


def silent_stranger(service: Service) -> None:
    with RawSocket(service, token=False) as stream:
        begun = time.monotonic()
        assert stream.close_code() == 4401
        assert 4 < time.monotonic() - begun < 15
        assert stream.is_ended()


def talkative_stranger(service: Service) -> None:
    with RawSocket(service, token=False) as stream:
        stream.send(frame(TEXT, b"x" * 5000))
        assert stream.close_code() == 1009


def wrong_first_frame(service: Service) -> None:
    with RawSocket(service, token=False) as stream:
        stream.send(frame(TEXT, json.dumps({"op": "hello", "token": "0" * 43}).encode()))
        assert stream.close_code() == 4401
        assert stream.is_ended()


def many_subscriptions(service: Service) -> None:
    with RawSocket(service) as stream:
        stream.send(frame(TEXT, HELLO))
        for number in range(10_000):
            wish = {"op": "subscribe", "id": str(number), "topic": "workers", "kinds": ["event"]}
            stream.send(frame(TEXT, json.dumps(wish).encode()))
            if number < 100:
                continue
            while (said := json.loads(stream.next()[1]))["op"] != "error":
                pass
            assert (said["id"], said["problem"]["code"]) == (str(number), "watch.too_many")
            if number > 150:
                break  # the sockets' queues hold a few hundred of both; the rule does not change


SSE = "Accept: text/event-stream"
UNKNOWN = "/api/v1/runs/there-is-no-such-run"
CHUNKED = "Transfer-Encoding: chunked"
PREFLIGHT = ("Origin: http://evil.test", "Access-Control-Request-Method: POST")

HTTP_ROWS = [
    Row("no token", answered(get("/api/v1/runs", token=False), 401, "auth.required")),
    Row("no token, unknown path", answered(get("/api/v1/nothing", token=False), 401, "auth.required")),
    Row("no token, event stream", answered(get("/api/v1/events", SSE, token=False), 401, "auth.required")),
    Row("no token, metrics", answered(get("/metrics", token=False), 401, "auth.required")),
    Row(
        "no token, start",
        answered(
            lambda s: s.message("POST", "/api/v1/flows/echo/runs", b"{}").replace(s.token.encode(), b""),
            401,
            "auth.*",
        ),
    ),
    Row(
        "wrong token",
        answered(get("/api/v1/runs", "Authorization: Bearer " + "0" * 43, token=False), 401, "auth.invalid"),
    ),
    Row(
        "a beginning of the token",
        answered(lambda s: s.head_of("GET", "/api/v1").replace(s.token.encode(), s.token[:-1].encode()), 401),
    ),
    Row(
        "two tokens",
        answered(lambda s: s.head_of("GET", "/api/v1", f"Authorization: Bearer {s.token}"), (400, 401)),
    ),
    Row("other scheme", answered(get("/api/v1", "Authorization: Basic cmVuOnJlbg==", token=False), 401, "auth.*")),
    Row(
        "401 says how",
        answered(get("/api/v1", token=False), 401, look=lambda a: a.headers["WWW-Authenticate"].startswith("Bearer")),
    ),
    *[
        Row(
            f"token in the query as {name}",
            answered(
                lambda s, name=name: s.head_of("GET", f"/api/v1/runs?{name}={s.token}", token=False),
                401,
                "auth.query_token_refused",
            ),
        )
        for name in ("token", "access_token", "%74oken")
    ],
    *[
        Row(f"Host {host}", answered(get("/api/v1", host=host), 421, "host.refused"))
        for host in (
            "evil.test",
            "127.0.0.1.evil.test",
            "localhost.evil.test",
            "0.0.0.0",
            "127.0.0.1",
            "127.0.0.1:1",
            "127.0.0.2",
            "localhost@evil.test",
        )
    ],
    *[
        Row(f"Host {host} with our port", answered(with_our_port(host), 421, "host.refused"))
        for host in ("evil.test", "127.0.0.1.evil.test", "localhost.evil.test", "0.0.0.0", "[::]", "x@127.0.0.1")
    ],
    Row("foreign Host, no token", answered(get("/api/v1", host="evil.test", token=False), 421, "host.refused")),
    Row("foreign Host, open resource", answered(get("/health/live", host="evil.test"), 421, "host.refused")),
    Row("foreign Host, upgrade", answered(upgrade(host="evil.test"), 421, "host.refused")),
    Row("Host missing", answered(no_host, 400, "http.malformed")),
    Row("two Hosts", answered(two_hosts, 400, "http.malformed")),
    Row("another Host in the target", answered(get("http://evil.test/api/v1"), (400, 404, 421))),
    *[Row(f"good Host {host}", works(with_our_port(host))) for host in ("localhost", "127.0.0.1", "[::1]")],
    Row("own Origin", works(own_origin)),
    *[
        Row(f"{method} with Origin {origin}", answered(make, 403, "origin.refused"))
        for origin in ("http://evil.test", "null", "http://localhost:1", "https://127.0.0.1")
        for method, make in (
            ("GET", get("/api/v1", f"Origin: {origin}")),
            ("GET without token", get("/health/live", f"Origin: {origin}", token=False)),
            ("POST before its body", foreign_post(origin)),
            ("upgrade", upgrade(f"Origin: {origin}")),
            ("DELETE", lambda s, origin=origin: s.head_of("DELETE", "/api/v1/runs", f"Origin: {origin}")),
            ("OPTIONS", lambda s, origin=origin: s.head_of("OPTIONS", "/api/v1", f"Origin: {origin}")),
        )
    ],
    Row("own and foreign Origin", answered(get("/api/v1", "Origin: http://evil.test", "Origin: null"), 403)),
    *[
        Row(f"Sec-Fetch-Site {site}", answered(get("/api/v1", f"Sec-Fetch-Site: {site}"), 403, "origin.refused"))
        for site in ("cross-site", "same-site")
    ],
    Row(
        "navigation from elsewhere to data",
        answered(
            get("/api/v1", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"),
            403,
            "origin.refused",
        ),
    ),
    Row("Sec-Fetch-Site same-origin", works(get("/api/v1", "Sec-Fetch-Site: same-origin"))),
    Row(
        "preflight",
        answered(
            lambda s: s.head_of("OPTIONS", "/api/v1/flows/echo/runs", *PREFLIGHT, token=False), 403, "origin.refused"
        ),
    ),
    *[
        Row(f"POST with {kind}", answered(start(b"{}", f"Content-Type: {kind}"), 415, "content_type"))
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json")
    ],
    Row(
        "POST without a type",
        answered(
            lambda s: s.head_of("POST", "/api/v1/flows/echo/runs", "Content-Length: 2") + b"{}", 415, "content_type"
        ),
    ),
    Row(
        "body over 1 MiB by length",
        answered(head_only(f"Content-Length: {MEBIBYTE + 1}"), 413, "body.too_large", closes=True),
    ),
    Row(
        "body over 1 MiB, sent",
        answered(start(b'{"input": "' + b"x" * MEBIBYTE + b'"}'), 413, "body.too_large", closes=True),
    ),
    Row("body over 1 MiB in chunks", answered(endless_chunks, 413, "body.too_large", closes=True)),
    *[
        Row(f"framing: {name}", answered(post_raw(*fields, body=body), 400, "http.malformed", closes=True))
        for name, fields, body in (
            ("length and chunks", ("Content-Length: 2", CHUNKED), b"2\r\n{}\r\n0\r\n\r\n"),
            ("chunks and length", (CHUNKED, "Content-Length: 2"), b"2\r\n{}\r\n0\r\n\r\n"),
            ("chunked, identity", ("Transfer-Encoding: chunked, identity",), b"2\r\n{}\r\n0\r\n\r\n"),
            ("gzip, chunked", ("Transfer-Encoding: gzip, chunked",), b"2\r\n{}\r\n0\r\n\r\n"),
            ("two lengths", ("Content-Length: 2", "Content-Length: 3"), b"{}"),
            ("negative length", ("Content-Length: -2",), b"{}"),
            ("length +5", ("Content-Length: +5",), b"{}   "),
            ("length 0x2", ("Content-Length: 0x2",), b"{}"),
            ("huge length", ("Content-Length: 99999999999999999999999",), b"{}"),
            ("bad chunk size", (CHUNKED,), b"zz\r\n{}\r\n0\r\n\r\n"),
            ("space before the colon", ("Content-Length : 2",), b"{}"),
            ("folded field", ("X-Folded: a\r\n b", "Content-Length: 2"), b"{}"),
            ("NUL in a field", ("X-Nul: a\0b", "Content-Length: 2"), b"{}"),
        )
    ],
    Row(
        "head over 16 KiB",
        answered(get("/api/v1", *[f"X-{n}: {'x' * 1000}" for n in range(17)]), 431, "headers.too_large", closes=True),
    ),
    Row(
        "65 fields",
        answered(get("/api/v1", *[f"X-{n}: x" for n in range(63)]), 431, "headers.too_large", closes=True),
    ),
    Row("60 fields", works(get("/api/v1", *[f"X-{n}: x" for n in range(58)]))),
    Row(
        "a field of 100 KiB",
        answered(get("/api/v1", "X-Long: " + "x" * 102_400), 431, "headers.too_large", closes=True),
    ),
    Row("request line of 64 KiB", answered(get("/api/v1?q=" + "x" * 65_536), 414, "uri.too_long", closes=True)),
    Row("a head at one byte per second", elsewhere("RenWebSocketTests/RequestGuardTests.swift", '"a head in drops"')),
    Row("a body at one byte per second", elsewhere("RenWebSocketTests/RequestGuardTests.swift", '"a body in drops"')),
    Row("500 idle connections", idle_crowd),
    Row("gzip body", answered(start(b"{}", "Content-Encoding: gzip"), 415, "content_encoding")),
    Row("unknown path", answered(get("/api/v1/nothing"), 404, "not_found")),
    Row("unknown area", answered(get("/api/v2/runs"), 404, "not_found")),
    Row(
        "wrong method",
        answered(
            lambda s: s.head_of("DELETE", "/api/v1/runs"),
            405,
            "method_not_allowed",
            look=lambda a: "GET" in a.headers["Allow"].split(", "),
        ),
    ),
    *[
        Row(f"method {method}", answered(lambda s, m=method: s.head_of(m, "/api/v1"), (400, 405, 501)))
        for method in ("TRACE", "PATCH", "PROPFIND")
    ],
    *[
        Row(f"method {method}", answered(lambda s, m=method: s.head_of(m, "/api/v1"), 501, "http.method_unknown"))
        for method in ("BREW", "get")
    ],
    *[
        Row(
            f"path {path}",
            answered(lambda s, path=path: s.head_of("GET", path), (400, 404), look=lambda a: b"root:" not in a.body),
        )
        for path in (
            "/%2e%2e/etc/passwd",
            "/..%2f..%2f..%2fetc%2fpasswd",
            "/../../../../etc/passwd",
            "/./../etc/passwd",
            "//etc/passwd",
            "//api/v1",
            "/api//v1",
            "/api/v1/",
            "/a\\..\\b",
            "/%00",
            "/api/v1/runs/%00",
            "/api/v1/runs/%c0%ae%c0%ae",
            "/api/v1/runs/%zz",
            "/api/v1/runs/..%2f..%2ftoken",
            "/api/v1/runs/%2e%2e/events",
            "/api/v1/runs/%ff",
            "/assets/../../etc/passwd",
            "etc/passwd",
            "*",
            "/\xff\xfe",
        )
    ],
    Row("HTTP/1.0", works(version("HTTP/1.0"), 200, 505)),
    *[Row(f"version {text}", closed_quickly(f"GET / {text}\r\n\r\n".encode())) for text in ("HTTP/2.0", "HTTP/9")],
    Row("HTTP/2 preface", closed_quickly(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9))),
    Row("TLS hello", closed_quickly(bytes.fromhex("16030100a5010000a10303") + bytes(154))),
    Row("noise", closed_quickly(bytes(range(256)) * 4)),
    Row(
        "Expect: 100-continue and too large",
        answered(
            head_only("Expect: 100-continue", f"Content-Length: {2 * MEBIBYTE}"),
            413,
            "body.too_large",
            within=1,
            look=lambda a: not a.interim,
        ),
    ),
    Row(
        "WebSocket: no token",
        elsewhere("ServiceTests/test_websocket.py", "def test_the_first_frame_may_carry_the_token"),
    ),
    Row("WebSocket: wrong token", answered(upgrade("Authorization: Bearer x", token=False), 401, "auth.invalid")),
    Row("WebSocket: no first frame in 5 s", silent_stranger),
    Row("WebSocket: wrong first frame", wrong_first_frame),
    Row("WebSocket: a stranger says too much", talkative_stranger),
    Row("WebSocket: nine strangers", untrusted_crowd),
    Row("WebSocket: other path", works(upgrade(path="/api/v1/runs"), 200, 400, 404, 426)),
    Row("frame over the limit", frames(announced(0x81, 65_537) + bytes(4), 1009)),
    Row("frame of 2^63 bytes", frames(b"\x81\xff" + b"\xff" * 8 + bytes(4), 1002, 1009)),
    Row(
        "message over the limit",
        frames([frame(TEXT, b"x" * 65_000, fin=False), *[frame(CONTINUATION, b"x" * 65_000, fin=False)] * 4], 1009),
    ),
    Row("invalid UTF-8", frames(frame(TEXT, b"\xc3\x28"), 1007)),
    Row("UTF-8 cut off at the end", frames(frame(TEXT, b"\xe2\x82"), 1007)),
    Row("unmasked frame", frames(frame(TEXT, b"{}", masked=False), 1002)),
    *[Row(f"reserved bit {bit}", frames(frame(TEXT, b"{}", reserved=bit), 1002)) for bit in (1, 2, 4)],
    Row("reserved opcode", frames(frame(3, b"{}"), 1002)),
    Row("fragmented control frame", frames(frame(PING, b"x", fin=False), 1002)),
    Row("control frame over 125 bytes", frames(frame(PING, b"x" * 126), 1002)),
    Row("continuation of nothing", frames(frame(CONTINUATION, b"x"), 1002)),
    Row("two beginnings", frames([frame(TEXT, b"{", fin=False), frame(TEXT, b"}")], 1002)),
    Row("binary message", frames(frame(BINARY, b"{}"), 1003)),
    Row("close with one byte", frames(frame(CLOSE, b"\x03"), 1002)),
    Row("close with a forbidden code", frames(frame(CLOSE, b"\x03\xed"), 1002)),
    Row("subscribe in the future", subscribed("watch.future", since=10**12)),
    Row("subscribe below retention", elsewhere("RenServerTests", "watch.compacted")),
    *[
        Row(f"subscribe since {since!r}", subscribed("watch.bad_sequence", since=since))
        for since in (-1, "1", 1.5, True, [])
    ],
    Row("subscribe to no topic", subscribed("watch.topic", topic="nothing")),
    Row("subscribe to no run", subscribed("run.not_found", topic="run", run="there-is-no-such-run")),
    Row(
        "a client that never reads",
        elsewhere("ServiceTests/test_websocket.py", "def test_who_never_reads_is_sent_away"),
    ),
    Row("10,000 subscriptions", many_subscriptions),
]


# JSON and flow files


def place(answer: Answer) -> bool:
    """The problem says where."""
    return all({"line", "column"} <= error.keys() for error in answer.json["errors"])


def several(answer: Answer) -> bool:
    return len(answer.json["errors"]) > 1


def nodes(text: str) -> str:
    return f"flow: bad\nnodes: {{{text}}}\n"


SHAPE = ("json.syntax", "json.shape")

JSON_ROWS = [
    Row(
        "empty body",
        answered(
            lambda s: s.message("POST", "/api/v1/runs/x:signal", b""), (400, 404), "body.missing", "run.not_found"
        ),
    ),
    Row("empty flow", answered(put_flow(b"", "application/json"), 400, "body.missing", *SHAPE)),
    *[
        Row(f"body {text[:20]!r}", answered(start(text), 400, *SHAPE, look=place))
        for text in (
            b"null",
            b"3",
            b'"x"',
            b"[]",
            b"{} x",
            b"{}{}",
            b"\xef\xbb\xbf{}",
            b" ",
            b"{",
            b"{'a': 1}",
            b"{a: 1}",
        )
    ],
    *[
        Row(
            f"{depth} brackets",
            answered(start(b'{"input": ' + b"[" * depth + b"]" * min(depth, 400_000) + b"}"), 400, "json.too_deep"),
        )
        for depth in (64, 10_000, 500_000)
    ],
    Row("1,000,000 open brackets", answered(start(b"[" * 1_000_000), 400, "json.too_deep")),
    Row("1,000,000 open braces", answered(start(b'{"a":' * 200_000), 400, "json.too_deep")),
    Row("equal keys", answered(start(b'{"input": {"a": 1, "a": 2}}'), 400, "json.duplicate_key")),
    Row("equal keys, escaped", answered(start(b'{"input": {"a": 1, "\\u0061": 2}}'), 400, "json.duplicate_key")),
    *[
        Row(
            f"number {text[:12]}",
            answered(start(b'{"input": {"n": ' + text.encode() + b"}}"), 400, "json.number", *more),
        )
        for text, more in (
            ("NaN", SHAPE),
            ("Infinity", SHAPE),
            ("-Infinity", SHAPE),
            ("1e999", ()),
            ("1" * 400, ()),
            ("01", SHAPE),
            ("+1", SHAPE),
            ("1.", SHAPE),
        )
    ],
    *[
        Row(
            f"string {text}", answered(start(b'{"input": {"s": "' + text.encode() + b'"}}'), 400, "json.string", *SHAPE)
        )
        for text in (r"\ud800", r"\udc00", r"\ud800A", r"\x41", "a\nb")
    ],
    Row("NUL in an id", answered(start(b'{"id": "a\\u0000b"}'), 400, "id.invalid", "field.invalid")),
    *[
        Row(f"invalid UTF-8 {text!r}", answered(start(b'{"input": {"s": "' + text + b'"}}'), 400, "json.encoding"))
        for text in (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80")
    ],
    Row(
        "110,000 keys",
        answered(
            start(
                b'{"input": {' + b",".join(b'"%05x":0' % n for n in range(95_000)) + b',"z":[' + b"0," * 9_000 + b"0]}}"
            ),
            400,
            "json.too_many_items",
        ),
    ),
    Row("500,000 zeros", answered(start(b'{"input": [' + b"0," * 499_999 + b"0]}"), 400, "json.too_many_items")),
    Row(
        "unknown member",
        answered(start(b'{"inptu": {}}'), 400, "field.unknown", look=lambda a: "inptu" in a.json["detail"]),
    ),
    Row("unknown parameter", answered(get("/api/v1/runs?statsu=failed"), 400, "query.unknown")),
    Row("member of another type", answered(start(b'{"start_paused": "yes"}'), 400, "field.invalid")),
    *[
        Row(f"YAML: {name}", answered(put_flow(source), 400, *codes, look=place))
        for name, source, codes in (
            ("anchor and alias", "flow: a\nnodes: &n {e: {function: f.g}}\noutput: *n\n", ["yaml.alias_refused"]),
            ("anchor alone", "flow: &x a\nnodes: {e: {function: f.g}}\n", ["yaml.alias_refused"]),
            ("merge key", "flow: a\nnodes: {e: {<<: {a: 1}}}\n", ["yaml.merge_refused", "yaml.alias_refused"]),
            ("tag !!python", "flow: !!python/object:os.system a\n", ["yaml.tag_refused"]),
            ("tag !foo", "flow: !foo a\n", ["yaml.tag_refused"]),
            ("tag !!binary", "flow: !!binary aGVsbG8=\n", ["yaml.tag_refused"]),
            ("tab", "flow: a\nnodes:\n\te: {}\n", ["yaml.tab"]),
            ("key over 1 KiB", "flow: a\n" + "k" * 1100 + ": 1\n", ["yaml.key_too_long"]),
            ("equal keys", "flow: a\nflow: b\n", ["yaml.duplicate_key"]),
            ("too deep", "flow: " + "[" * 200 + "]" * 200, ["yaml.too_deep"]),
        )
    ],
    # A file may hold several flows one day, so this is no error of YAML.
    Row(
        "YAML: two documents",
        answered(
            put_flow("flow: a\nnodes: {e: {function: f.g}}\n---\nflow: b\nnodes: {e: {function: f.g}}\n"),
            422,
            "flow.not_yet",
            look=place,
        ),
    ),
    Row("YAML: 300 KiB of spaces", answered(put_flow("flow: a\n" + " " * 300_000), 422, "file.too_large")),
    Row("YAML: 5 MB of spaces", answered(put_flow("flow: a\n" + " " * 5_000_000), 413, "body.too_large")),
    Row("YAML: invalid UTF-8", answered(put_flow(b"flow: \xff\n"), 400, "yaml.encoding")),
    Row(
        "flow: name that is no text",
        answered(put_flow("flow: 012\nnodes: {e: {function: service.echo}}\n"), (400, 422), "flow.*", "id.*"),
    ),
    Row(
        "flow: cycle and more",
        answered(
            put_flow(nodes("a: {function: service.echo, after: [b]}, b: {function: service.echo, after: [a]}, c: {}")),
            422,
            "flow.*",
            look=several,
        ),
    ),
    Row(
        "flow: missing nodes",
        answered(
            put_flow(nodes("a: {function: service.echo, after: [x]}, b: {function: service.echo, after: [y]}")),
            422,
            "flow.unknown_node",
            look=several,
        ),
    ),
    Row(
        "flow: self reference", answered(put_flow(nodes("a: {function: f.g, after: [a]}")), 422, "flow.self_reference")
    ),
    Row(
        "flow: 1,001 nodes",
        answered(
            put_flow(nodes(", ".join(f"n{n}: {{function: f.g}}" for n in range(1001)))), 422, "flow.too_many_nodes"
        ),
    ),
    Row(
        "flow: unreachable",
        answered(
            put_flow(nodes("a: {condition: {var: input.x}}, b: {function: f.g, after: [a.then, a.else], join: all}")),
            422,
            "flow.unreachable",
        ),
    ),
    Row("flow: unknown operator", answered(put_flow(nodes("a: {condition: {hack: 1}}")), 422, "logic.operator")),
    Row(
        "flow: function that is not there",
        answered(
            lambda s: s.message("POST", "/api/v1/flows/absent/runs", b"{}"),
            422,
            "function.unknown",
            look=lambda a: "echo" in json.dumps(a.json),
        ),
        before=lambda s: s.put("flow: absent\nnodes: {e: {function: service.ehco}}\n"),
    ),
    *[
        Row(
            f"flow named {name[:12]!r}",
            answered(put_flow(f"flow: {json.dumps(name)}\nnodes: {{e: {{function: f.g}}}}\n"), 400, "id.invalid"),
        )
        for name in ("..", ".a", "a/b", "CON", "con.yaml", "", "x" * 101, "\U0001f600", "a\u202eb", "-a", "a b", "a\\b")
    ],
    *[
        Row(
            f"run named {name[:12]!r}",
            answered(start(json.dumps({"id": name}).encode()), 400, "id.invalid", "field.invalid"),
        )
        for name in ("..", "a/b", "CON", "", "x" * 101, "\U0001f600", "a\u202eb", "journal")
    ],
    *[
        Row(
            f"retry {text}",
            answered(put_flow(nodes(f"a: {{function: f.g, retry: {text}}}")), 422, "retry.*", "duration.*"),
        )
        for text in (
            "1000000000",
            "-1",
            "{attempts: 1000000000}",
            "{attempts: 3, every: -1s}",
            "{attempts: 3, every: 1s, factor: 0}",
            "{attempts: 3, every: 1s, jitter: 2}",
        )
    ],
    *[
        Row(f"duration {text}", answered(put_flow(nodes(f"a: {{function: f.g, timeout: {text}}}")), 422, "duration.*"))
        for text in ("3650000d", "-5s", "PT1Y", "0s", "1e9s", "''")
    ],
]


# Commands and runs


def command(run: str, verb: str, body: object = None, *fields: str) -> Callable[[Service], bytes]:
    data = json.dumps({} if body is None else body).encode()
    return lambda service: service.message("POST", f"/api/v1/runs/{run}:{verb}", data, *fields)


def finished(run: str, **more: object) -> Act:
    def act(service: Service) -> None:
        assert service.finish(service.begin("echo", id=run, **more)) == "succeeded"

    return act


def asked(run: str) -> Act:
    """A run whose two pauses wait."""

    def act(service: Service) -> None:
        service.begin("approval", id=run)
        for node in ("first", "second"):
            service.until_node(run, node, "waiting")

    return act


def answered_once(run: str) -> Act:
    """The first pause got its answer, the second one waits."""

    def act(service: Service) -> None:
        asked(run)(service)
        answer = service.post(f"/api/v1/runs/{run}:signal", {"name": "first", "payload": {"ok": True}})
        assert answer.status == 202, answer.body
        service.until_node(run, "first", "succeeded")

    return act


def keyed(key: str) -> Act:
    """A start under a key, finished."""

    def act(service: Service) -> None:
        first = service.post("/api/v1/flows/echo/runs", {"input": {"n": 1}}, {"Idempotency-Key": key})
        assert first.status == 201 and first.json["replayed"] is False, first.body
        service.notes[key] = first.json
        service.finish(first.json["run"])

    return act


def repeated(service: Service) -> None:
    again = service.post("/api/v1/flows/echo/runs", {"input": {"n": 1}}, {"Idempotency-Key": "repeated"})
    assert again.status == 200, (again.status, again.body)
    first = service.notes["repeated"]
    assert again.json["replayed"] is True
    assert [again.json[name] for name in ("run", "sequence")] == [first[name] for name in ("run", "sequence")]


def repeated_command(service: Service) -> None:
    answers = [service.post("/api/v1/runs/pause-twice:pause", {}, {"Idempotency-Key": "pause-twice"}) for _ in range(2)]
    assert [answer.status for answer in answers] == [202, 202], [answer.body for answer in answers]
    assert [answer.json["replayed"] for answer in answers] == [True, True]


def paused_once(service: Service) -> None:
    asked("pause-twice")(service)
    answer = service.post("/api/v1/runs/pause-twice:pause", {}, {"Idempotency-Key": "pause-twice"})
    assert answer.status == 202 and answer.json["replayed"] is False, answer.body
    wait_for("the pause", lambda: service.status("pause-twice") == "paused")


def known_id(service: Service) -> None:
    """An id is a key too: the same start again is the run that there is."""
    again = service.post("/api/v1/flows/echo/runs", {"id": "known", "input": {}})
    assert (again.status, again.json["run"], again.json["is_new"]) == (200, "known", False), again.body


def conflict(answer: Answer) -> bool:
    """It says which version is the current one, and a hint that can be followed as it is."""
    control = answer.json.get("control")
    return isinstance(control, int) and f'If-Match: "{control}"' in answer.json["hint"]


def first_page(service: Service) -> str:
    return service.read("/api/v1/runs?limit=1")["next"]


def two_runs(service: Service) -> None:
    for _ in range(2):
        service.finish(service.begin("echo"))


VERDICT = {"name": "first", "payload": {"ok": False}}
BIG = {"name": "first", "payload": "x" * MEBIBYTE}

COMMAND_ROWS = [
    Row("same key, same body", repeated, before=keyed("repeated")),
    Row("same key, same command", repeated_command, before=paused_once),
    Row("same id, same input", known_id, before=finished("known")),
    Row(
        "same id, other input",
        answered(start(b'{"id": "taken", "input": {"n": 2}}'), 409, "run.exists"),
        before=finished("taken"),
    ),
    Row(
        "same key, other body",
        answered(start(b'{"input": {"n": 2}}', "Idempotency-Key: other-body"), 409, "request.key_reused"),
        before=keyed("other-body"),
    ),
    Row(
        "same key, other flow",
        answered(
            start(b'{"input": {"n": 1}}', "Idempotency-Key: other-flow", flow="approval"), 409, "request.key_reused"
        ),
        before=keyed("other-flow"),
    ),
    *[
        Row(
            f"key {name}",
            answered(start(b"{}", f"Idempotency-Key: {key}"), 400, "request.key_invalid", "header.invalid"),
        )
        for name, key in (("empty", ""), ("of 201 characters", "x" * 201), ("that is no ASCII", "\xe9"))
    ],
    *[
        Row(f"{verb} for an unknown run", answered(command("nobody", verb, body), 404, "run.not_found"))
        for verb, body in (("pause", {}), ("resume", {}), ("stop", {}), ("signal", {"name": "first"}))
    ],
    *[
        Row(f"{verb} for the journal", answered(command("journal", verb), 404, "run.not_found"))
        for verb in ("pause", "resume", "stop")
    ],
    Row("snapshot of an unknown run", answered(get(UNKNOWN), 404, "run.not_found")),
    *[
        Row(f"{part} of an unknown run", answered(get(f"{UNKNOWN}/{part}"), 404, "run.not_found"))
        for part in ("events", "nodes", "nodes/echo/items", "problems", "logs", "timeline", "result", "artifacts")
    ],
    *[
        Row(
            f"{verb} for a finished run",
            answered(command(f"finished-{verb}", verb, body), 409, "run.finished"),
            before=finished(f"finished-{verb}"),
        )
        for verb, body in (("pause", {}), ("resume", {}), ("stop", {}), ("signal", {"name": "first"}))
    ],
    Row(
        "signal for no node",
        answered(
            command("wrong-signal", "signal", {"name": "frist"}),
            422,
            "signal.unknown",
            look=lambda a: "first" in json.dumps(a.json),
        ),
        before=asked("wrong-signal"),
    ),
    Row(
        "node that is not there",
        answered(get("/api/v1/runs/no-node/nodes/ehco"), 404, "node.not_found"),
        before=finished("no-node"),
    ),
    Row(
        "items of a node that has none",
        answered(get("/api/v1/runs/no-items/nodes/echo/items"), (404, 409, 422)),
        before=finished("no-items"),
    ),
    Row(
        "stale version",
        answered(command("stale", "pause", {}, 'If-Match: "1"'), 409, "version.conflict", look=conflict),
        before=answered_once("stale"),
    ),
    Row(
        "version that is none",
        answered(command("no-version", "pause", {}, "If-Match: yes"), 400, "precondition.invalid", "header.invalid"),
        before=asked("no-version"),
    ),
    Row(
        "two verdicts",
        answered(command("two-verdicts", "signal", VERDICT), 409, "signal.answered"),
        before=answered_once("two-verdicts"),
    ),
    Row(
        "payload over 1 MiB",
        answered(command("too-much", "signal", BIG), 413, "payload.too_large", "body.too_large"),
        before=asked("too-much"),
    ),
    *[
        Row(f"page of {limit}", answered(get(f"/api/v1/{list_}?limit={limit}"), 400, "page.*"))
        for list_ in ("runs", "flows", "journal/events")
        for limit in ("0", "-1", "1000000000", "99999999999999999999", "x", "")
    ],
    Row("a page of a page size given twice", answered(get("/api/v1/runs?limit=1&limit=2"), 400, "page.*", "query.*")),
    *[
        Row(
            f"offset {offset}",
            answered(
                get(f"/api/v1/runs/offset{n}/nodes/numbers/items?offset={offset}"),
                (400, 404),
                "page.*",
                "run.not_found",
            ),
        )
        for n, offset in enumerate(("-1", "x"))
    ],
    Row(
        "forged cursor",
        answered(lambda s: s.head_of("GET", f"/api/v1/runs?cursor={first_page(s)[:-2]}xx"), 400, "page.cursor"),
        before=two_runs,
    ),
    Row("made-up cursor", answered(get("/api/v1/runs?cursor=1"), 400, "page.cursor")),
    Row(
        "cursor of another query",
        answered(lambda s: s.head_of("GET", f"/api/v1/runs?flow=echo&cursor={first_page(s)}"), 400, "page.cursor"),
        before=two_runs,
    ),
    *[
        Row(f"time {text}", answered(get(f"/api/v1/runs?{text}"), 400, "time.range", "query.invalid"))
        for text in (
            "started_after=2026-11-23T00:00:00Z&started_before=2026-11-22T00:00:00Z",
            "started_after=9999-12-31T23:59:59Z",
            "started_before=yesterday",
            "started_before=2026-13-01T00:00:00Z",
        )
    ],
    Row(
        "timeline reversed",
        answered(
            get("/api/v1/runs/reversed/timeline?from=2026-11-23T00:00:00Z&to=2026-11-22T00:00:00Z"), 400, "time.range"
        ),
        before=finished("reversed"),
    ),
    Row("input that does not fit", answered(start(b'{"input": {"count": "x"}}', flow="fan"), 422, "input.invalid")),
    Row("unknown flow", answered(start(b"{}", flow="nowhere"), 404, "flow.not_found")),
    Row("result too early", answered(get("/api/v1/runs/early/result"), 409, "run.*"), before=asked("early")),
    Row(
        "artifact that is none", answered(get(f"/api/v1/runs/none/artifacts/{'0' * 64}"), 404), before=finished("none")
    ),
    Row(
        "function files over TCP",
        answered(
            start(json.dumps({"functions": [{"path": "/tmp/x.py", "hash": "0" * 64}]}).encode()),
            403,
            "function.local_only",
        ),
    ),
    Row("10,001st open run", elsewhere("RenEngineTests/RequestTests.swift", '"limit.active_runs"')),
    Row("storage full", elsewhere("ServiceTests/test_storage.py", "def test_a_full_disk_refuses_and_work_goes_on")),
    Row(
        "storage failed",
        elsewhere("RenEngineTests/StorageTests.swift", "A failed commit of no run stops the engine too"),
    ),
    Row("starting", elsewhere("RenServerTests", '"starting"')),
]


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in HTTP_ROWS + JSON_ROWS + COMMAND_ROWS])
def test_a_bad_input_is_refused_and_harms_nobody(quiet: Service, row: Row) -> None:
    if row.before:
        row.before(quiet)
    head = quiet.head
    row.act(quiet)
    times: list[float] = []
    # A busy machine may hold up any of them; one that is in time shows that the service is not held up.
    while len(times) < 20 and min(times, default=inf) >= GOOD_REQUEST_MILLISECONDS:
        begun = time.monotonic()
        assert quiet.get("/api/v1").status == 200
        times.append((time.monotonic() - begun) * 1000)
    assert min(times) < GOOD_REQUEST_MILLISECONDS, f"a good request took {times} ms"
    assert quiet.facts(after=head) == [], "something was written"


def test_one_key_sent_50_times_at_once_is_one_run(quiet: Service) -> None:
    gate = threading.Barrier(50)
    answers: list[Answer] = []

    def send() -> None:
        wire = quiet.connection()
        wire.connect()
        gate.wait(20)
        answers.append(
            quiet.post("/api/v1/flows/echo/runs", {"input": {"n": 1}}, {"Idempotency-Key": "crowd"}, over=wire)
        )
        wire.close()

    threads = [threading.Thread(target=send) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(answer.status for answer in answers) == [200] * 49 + [201]
    assert sorted(answer.json["replayed"] for answer in answers) == [False] + [True] * 49
    assert len({(answer.json["run"], answer.json["sequence"]) for answer in answers}) == 1


@pytest.mark.parametrize("number", [2**53 + 1, -(2**53) - 1, 2**63 - 1, 2**64, 10**30])
def test_a_big_integer_is_kept_exactly_or_refused(quiet: Service, number: int) -> None:
    answer = quiet.post("/api/v1/flows/echo/runs", {"input": {"n": number}})
    if answer.status == 201:
        assert quiet.finish(answer.json["run"]) == "succeeded"
        assert quiet.read(f"/api/v1/runs/{answer.json['run']}/result") == {"n": number}
    else:
        check_problem(answer, quiet, [400], ["json.number"])
        assert abs(number) > 2**63 - 1, "a number of 64 bits is no bad input"


@pytest.mark.parametrize("value", ["a\0b", "\u202e", "\U0001f600", -0.0, "<script>", "\x1b[31m", [[]], None])
def test_odd_values_come_back_as_they_were(quiet: Service, value: object) -> None:
    run = quiet.begin("echo", {"value": value})
    assert quiet.finish(run) == "succeeded"
    assert quiet.read(f"/api/v1/runs/{run}/result") == {"value": value}
