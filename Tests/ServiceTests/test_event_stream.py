"""Server-sent events, for curl and `EventSource`: the same events as over the WebSocket."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator

import pytest
from service import Service, wait_for

SSE = {"Accept": "text/event-stream"}


def told(service: Service, path: str, **headers: str) -> Iterator[tuple[str | None, dict]]:
    """Identifier and data of the events of a stream, as they come."""
    wire = service.connection(timeout=10)
    try:
        wire.request("GET", path, headers=service.credentials | SSE | headers)
        response = wire.getresponse()
        assert response.status == 200, response.read()
        assert response.headers["Content-Type"].startswith("text/event-stream")
        assert response.headers["Cache-Control"] == "no-store"
        yield from parsed(response)
    finally:
        wire.close()


def parsed(response: http.client.HTTPResponse) -> Iterator[tuple[str | None, dict]]:
    """As the HTML standard reads it: fields by line, dispatched by an empty one, comments dropped."""
    name, data = None, []
    for line in response:
        field, _, value = line.decode().rstrip("\r\n").partition(":")
        value = value.removeprefix(" ")
        if field == "id":
            name = value
        elif field == "data":
            data.append(value)
        elif not field and not value and data:
            yield name, json.loads("\n".join(data))
            data = []


def until_end(stream: Iterator[tuple[str | None, dict]]) -> list[dict]:
    events = []
    for name, event in stream:
        if "type" not in event:
            continue  # a bookmark
        assert name == str(event["sequence"])
        events.append(event)
        if event["type"] == "run.succeeded":
            break
    return events


@pytest.mark.parametrize("path", ["/api/v1/runs/{run}/events?after=0", "/api/v1/journal/events?after={before}"])
def test_a_run_that_is_over_is_told_whole(service: Service, path: str) -> None:
    before = service.head
    run = service.begin("fan", {"count": 50})
    service.finish(run)
    events = until_end(told(service, path.format(run=run, before=before)))
    assert [event for event in events if event["run"] == run] == service.events(run)


def test_last_event_id_resumes(service: Service) -> None:
    run = service.begin("fan", {"count": 50})
    service.finish(run)
    history = service.events(run)
    rest = until_end(told(service, f"/api/v1/runs/{run}/events", **{"Last-Event-ID": str(history[19]["sequence"])}))
    assert rest == history[20:]


def test_events_come_while_the_run_goes_on(service: Service) -> None:
    stream = told(service, f"/api/v1/events?after={service.head}")
    run = service.begin("echo")
    assert [event for event in until_end(stream) if event["run"] == run] == service.events(run)


def test_without_a_token_nothing_is_told(service: Service) -> None:
    for path in ("/api/v1/events", "/api/v1/journal/events"):
        answer = service.get(path, SSE, token=False)
        assert (answer.status, answer.code) == (401, "auth.required")


@pytest.mark.parametrize("last", ["x", "-1", "1.5"])
def test_a_bad_place_is_refused(service: Service, last: str) -> None:
    answer = service.get("/api/v1/events", SSE | {"Last-Event-ID": last})
    assert (answer.status, answer.code) == (400, "watch.bad_sequence")


def test_a_place_in_the_future_is_refused(service: Service) -> None:
    answer = service.get(f"/api/v1/events?after={10**12}", SSE)
    assert (answer.status, answer.code) == (400, "watch.future")


# What nobody reads any more


def connections(service: Service) -> int:
    """TCP connections that are open now."""
    text = service.get("/metrics").body.decode()
    return int(float(re.search(r"^ren_http_connections (\S+)$", text, re.MULTILINE)[1]))


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/api/v1/runs/{run}/logs?follow=true", "text/plain"),
        ("/api/v1/runs/{run}/logs", "text/event-stream"),
        ("/api/v1/runs/{run}/events", "text/event-stream"),
        ("/api/v1/events", "text/event-stream"),
    ],
)
def test_a_stream_ends_with_its_client(service: Service, path: str, accept: str) -> None:
    count = 20
    run = service.begin("approval")
    before = connections(service)
    responses = []
    for _ in range(count):
        wire = service.connection(timeout=10)
        wire.request("GET", path.format(run=run), headers=service.credentials | {"Accept": accept})
        responses.append(wire.getresponse())
        assert responses[-1].status == 200
    assert connections(service) >= count
    for response in responses:
        response.close()
    # Long before the next sign of life, with which the server would notice anyway.
    wait_for("the end of the streams", lambda: connections(service) < before + count / 2, 5)


def test_a_followed_log_that_ends_closes_its_connection(service: Service) -> None:
    run = service.begin("echo")
    answer = service.get(f"/api/v1/runs/{run}/logs?follow=true", {"Accept": "text/plain"})
    assert answer.status == 200 and answer.headers["Connection"] == "close"
    assert service.status(run) == "succeeded"
