"""The stream `ren.v1` as seen by a client that we did not write (the Python package `websockets`)."""

from __future__ import annotations

import contextlib
import functools
import json
import threading
import time
from collections.abc import Iterator

import pytest
from frames import HELLO, TEXT, RawSocket, frame
from service import Service, wait_for
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect, unix_connect

SECONDS = 10


class Stream:
    """A connection that has said hello."""

    def __init__(self, wire: ClientConnection, token: str | None = None) -> None:
        self.wire = wire
        self.send({"op": "hello", "client": "tests/1", "batch_ms": 10} | ({"token": token} if token else {}))
        self.welcome = self.next()
        assert self.welcome["op"] == "welcome", self.welcome

    def send(self, message: object) -> None:
        self.wire.send(json.dumps(message))

    def next(self, seconds: float = SECONDS) -> dict:
        return json.loads(self.wire.recv(timeout=seconds))

    def until(self, **wanted: object) -> dict:
        """The next message that has these members; others are dropped."""
        while True:
            message = self.next()
            if wanted.items() <= message.items():
                return message

    def subscribe(self, topic: str, name: str = "a", **more: object) -> dict:
        self.send({"op": "subscribe", "id": name, "topic": topic} | more)
        return self.until(id=name)

    def events(self, until: str, name: str = "a") -> list[dict]:
        """All events of a subscription up to one of this type."""
        events: list[dict] = []
        while not events or events[-1]["type"] != until:
            events += self.until(op="events", id=name)["events"]
        return events

    def error(self) -> tuple[str | None, str]:
        message = self.until(op="error")
        assert {"type", "title", "status", "detail"} <= message["problem"].keys()
        return message["id"], message["problem"]["code"]


def opened(service: Service, **more: object) -> connect:
    address = f"ws://{service.authority}/api/v1/stream"
    return connect(address, proxy=None, compression=None, max_size=2**20, **more)


@contextlib.contextmanager
def stream(service: Service) -> Iterator[Stream]:
    with opened(service, additional_headers=service.credentials) as wire:
        yield Stream(wire)


# Coming in


def test_the_header_may_carry_the_token(service: Service) -> None:
    with stream(service) as client:
        assert client.welcome["head"] == service.head
        assert client.welcome["heartbeat_s"] == 15
        assert isinstance(client.welcome["server"], str) and isinstance(client.welcome["journal"], str)


def test_the_first_frame_may_carry_the_token(service: Service) -> None:
    with opened(service) as wire:
        assert Stream(wire, token=service.token).subscribe("journal")["op"] == "subscribed"


def test_a_sub_protocol_may_carry_the_token(service: Service) -> None:
    with opened(service, subprotocols=["ren.v1", f"ren.token.{service.token}"]) as wire:
        assert wire.subprotocol == "ren.v1", "the token is not said back"
        assert Stream(wire).subscribe("journal")["op"] == "subscribed"


@pytest.mark.parametrize("first", [{"op": "hello"}, {"op": "hello", "token": "0" * 43}, {"op": "subscribe"}, "noise"])
def test_a_stranger_is_closed_with_4401(service: Service, first: object) -> None:
    with opened(service) as wire:
        wire.send(first if isinstance(first, str) else json.dumps(first))
        with pytest.raises(ConnectionClosed) as end:
            wire.recv(timeout=SECONDS)
        assert end.value.rcvd.code == 4401


def test_the_socket_in_the_data_directory_needs_no_token(service: Service) -> None:
    with unix_connect(service.socket_path, "ws://localhost/api/v1/stream", compression=None) as wire:
        assert Stream(wire).subscribe("journal")["op"] == "subscribed"


# Events


def test_a_run_that_is_over_is_told_whole(service: Service) -> None:
    run = service.begin("fan", {"count": 700})
    service.finish(run)
    history = service.events(run)
    with stream(service) as client:
        subscribed = client.subscribe("run", run=run, since=0)
        assert subscribed["replaying"] == len(history) > 1400
        assert client.events("run.succeeded") == history


def test_a_run_is_told_while_it_goes_on(service: Service) -> None:
    with stream(service) as client:
        subscribed = client.subscribe("journal")
        assert (subscribed["from"], subscribed["replaying"]) == (service.head + 1, 0)
        run = service.begin("echo")
        events = [event for event in client.events("run.succeeded") if event["run"] == run]
        assert events == service.events(run)


def test_who_comes_back_misses_nothing(service: Service) -> None:
    run = service.begin("fan", {"count": 400})
    told: list[int] = []
    rounds = 0
    while True:
        rounds += 1
        with stream(service) as client:
            assert client.subscribe("run", run=run, since=told[-1] if told else 0)["op"] == "subscribed"
            message = client.until(op="events")
            told += [event["sequence"] for event in message["events"]]
            if message["events"][-1]["type"] == "run.succeeded":
                break
    assert rounds > 1, "one message held it all: nothing was resumed"
    assert told == [event["sequence"] for event in service.events(run)]


def test_a_bookmark_moves_the_place_to_resume_from(service: Service) -> None:
    quiet = service.begin("echo")
    service.finish(quiet)
    last = service.events(quiet)[-1]["sequence"]
    with stream(service) as client:
        client.subscribe("run", run=quiet, since=last)
        service.finish(service.begin("echo"))
        head = service.head
        while (mark := client.until(op="bookmark", id="a")["sequence"]) < head:
            assert mark > last
        assert client.subscribe("run", "b", run=quiet, since=mark)["replaying"] == 0


@pytest.mark.parametrize(
    ("topic", "more", "wanted"),
    [
        ("node", {"node": "double"}, lambda event: event.get("node") == "double"),
        ("item", {"node": "double", "key": "7"}, lambda event: (event.get("node"), event.get("item")) == ("double", 7)),
        ("runs", {}, lambda event: event["type"].startswith("run.")),
    ],
)
def test_a_topic_is_what_it_says(service: Service, topic: str, more: dict, wanted: object) -> None:
    before = service.head
    run = service.begin("fan", {"count": 20})
    service.finish(run)
    expected = [event["sequence"] for event in service.events(run) if wanted(event)]
    subject = {} if topic == "runs" else {"run": run}
    with stream(service) as client:
        client.subscribe(topic, since=before, **subject, **more)
        told: list[dict] = []
        while len(told) < len(expected):
            told += client.until(op="events")["events"]
    assert [event["sequence"] for event in told if event["run"] == run] == expected and expected


def test_progress_ends_with_all_done(service: Service) -> None:
    run = service.begin("fan", {"count": 300}, start_paused=True)
    with stream(service) as client:
        client.subscribe("run", run=run, kinds=["progress"])
        assert service.post(f"/api/v1/runs/{run}:resume", {}).status == 202
        while (node := client.until(op="progress")["nodes"].get("double", {})).get("done") != 300:
            pass
        assert (node["total"], node["failed"]) == (300, 0)


def test_what_functions_say_is_heard(service: Service) -> None:
    with stream(service) as client:
        run = service.begin("say", {"text": "ünheard of\n\x1b[31m"}, start_paused=True)
        client.subscribe("run", run=run, kinds=["log"])
        assert service.post(f"/api/v1/runs/{run}:resume", {}).status == 202
        said: list[dict] = []
        while not said:
            # ren itself speaks of the run in its log, too.
            said = [line for line in client.until(op="log")["lines"] if "\x1b" in line["text"]]
        assert [(line["text"], line["node"]) for line in said] == [("ünheard of\n\x1b[31m", "say")]


def test_an_ended_subscription_is_silent_and_its_id_is_free(service: Service) -> None:
    with stream(service) as client:
        client.subscribe("journal")
        client.send({"op": "unsubscribe", "id": "a"})
        client.wire.ping().wait(SECONDS)
        run = service.begin("echo")
        service.finish(run)
        assert client.subscribe("run", run=run, since=0)["op"] == "subscribed"
        assert [event["run"] for event in client.events("run.succeeded")] == [run] * len(service.events(run))


def test_two_subscriptions_do_not_mix(service: Service) -> None:
    one, other = service.begin("echo"), service.begin("echo")
    service.finish(one), service.finish(other)
    with stream(service) as client:
        client.send({"op": "subscribe", "id": "one", "topic": "run", "run": one, "since": 0})
        client.send({"op": "subscribe", "id": "other", "topic": "run", "run": other, "since": 0})
        told: dict[str, list[dict]] = {"one": [], "other": []}
        while not all(events and events[-1]["type"] == "run.succeeded" for events in told.values()):
            message = client.until(op="events")
            told[message["id"]] += message["events"]
    assert told == {"one": service.events(one), "other": service.events(other)}


# Errors that the socket survives


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        ("noise", (None, "json.syntax")),
        ("[]", (None, "watch.message")),
        ({"id": "a"}, (None, "watch.message")),
        ({"op": "subscribe", "topic": "journal"}, (None, "watch.id")),
        ({"op": "subscribe", "id": "x" * 101, "topic": "journal"}, (None, "watch.id")),
        ({"op": "subscribe", "id": "b", "topic": "weather"}, ("b", "watch.topic")),
        ({"op": "subscribe", "id": "b", "topic": "run"}, ("b", "watch.topic")),
        ({"op": "subscribe", "id": "b", "topic": "journal", "kinds": ["event", "smell"]}, ("b", "watch.kind")),
        ({"op": "subscribe", "id": "b", "topic": "run", "run": "nobody"}, ("b", "run.not_found")),
        ({"op": "subscribe", "id": "b", "topic": "journal", "since": 10**15}, ("b", "watch.future")),
        ({"op": "subscribe", "id": "b", "topic": "journal", "since": -1}, ("b", "watch.bad_sequence")),
    ],
)
def test_an_error_is_told_and_the_socket_stays(service: Service, message: object, wanted: tuple) -> None:
    with stream(service) as client:
        client.wire.send(message if isinstance(message, str) else json.dumps(message))
        # What cannot be read has no id that could be told.
        told_id, code = client.error()
        assert code == wanted[1] and (wanted[0] is None or told_id == wanted[0])
        assert client.subscribe("journal", "good")["op"] == "subscribed"


def test_an_id_that_is_in_use_is_refused(service: Service) -> None:
    with stream(service) as client:
        client.subscribe("journal")
        client.send({"op": "subscribe", "id": "a", "topic": "journal"})
        assert client.error() == ("a", "watch.id")


def test_unknown_words_are_ignored(service: Service) -> None:
    with stream(service) as client:
        client.send({"op": "dance", "id": "a"})
        assert client.subscribe("journal", colour="red")["op"] == "subscribed"


def test_100_subscriptions_are_the_limit(service: Service) -> None:
    with stream(service) as client:
        for number in range(100):
            assert client.subscribe("workers", str(number))["op"] == "subscribed"
        client.send({"op": "subscribe", "id": "100", "topic": "workers"})
        assert client.error() == ("100", "watch.too_many")
        client.send({"op": "unsubscribe", "id": "0"})
        assert client.subscribe("workers", "100")["op"] == "subscribed"


# The protocol


def test_a_message_may_come_in_pieces(service: Service) -> None:
    with stream(service) as client:
        text = json.dumps({"op": "subscribe", "id": "ä" * 20, "topic": "journal"}, ensure_ascii=False)
        client.wire.send(iter(text))
        assert client.until(op="subscribed")["id"] == "ä" * 20


def test_a_ping_is_answered(service: Service) -> None:
    with stream(service) as client:
        assert client.wire.ping(b"hello").wait(SECONDS)


def test_the_end_of_the_service_is_told(own: Service) -> None:
    with stream(own) as client:
        client.subscribe("journal")
        ended = threading.Thread(target=own.stop)
        ended.start()
        with pytest.raises(ConnectionClosed) as end:
            while True:
                client.next()
        ended.join(30)
        assert end.value.rcvd.code == 1001


# Who does not read


@pytest.fixture(scope="module")
def sleeper(service: Service) -> Iterator[tuple[RawSocket, float]]:
    """A client that asks for tens of megabytes and does not read: since when, too."""
    run = service.begin("fan", {"count": 4000})
    assert service.finish(run, 60) == "succeeded"
    with RawSocket(service, buffer=4096) as client:
        client.send(frame(TEXT, HELLO))
        for number in range(90):
            wish = {"op": "subscribe", "id": str(number), "topic": "run", "run": run, "since": 0}
            client.send(frame(TEXT, json.dumps(wish).encode()))
        wait_for("its queues to be full", functools.partial(is_stuck, client))
        yield client, time.monotonic()


def is_stuck(client: RawSocket) -> bool:
    """What waits in the kernel for this client is much, and has become no more."""
    first = client.waiting_bytes()
    time.sleep(0.2)
    return 100_000 < first == client.waiting_bytes()


@pytest.mark.usefixtures("sleeper")
def test_others_go_on_beside_who_does_not_read(service: Service) -> None:
    with stream(service) as client:
        client.subscribe("journal")
        for _ in range(5):
            begun = time.monotonic()
            run = service.begin("echo")
            while not [event for event in client.events("run.succeeded") if event["run"] == run]:
                pass
            assert time.monotonic() - begun < 10


def test_who_never_reads_is_sent_away(service: Service, sleeper: tuple[RawSocket, float]) -> None:
    client, since = sleeper
    # The service waits for 20 s, then it says why and gives the connection 2 s to end: this is the time to wake up.
    time.sleep(max(0, since + 20.8 - time.monotonic()))
    assert client.close_code() == 1013
    assert client.is_ended()
    assert service.get("/api/v1").status == 200
