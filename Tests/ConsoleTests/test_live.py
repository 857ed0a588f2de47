"""What streams in: every event once, also over breaks of the connection and of ren itself."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest
from conftest import ConsoleService, until
from playwright.sync_api import Page, Route
from service import wait_for

#: Notes every event that the run's store hands out.
LISTEN = """() => { globalThis.heard = [];
    ren.page.store.listen((events) => heard.push(...events.map((event) => event.sequence))) }"""


def counts_of(page: Page) -> dict:
    return page.evaluate("ren.page.store.counts('work')")


def follow(page: Page, run: str, items: int) -> None:
    page.evaluate("(run) => ren.router.go('/runs/' + run)", run)
    until(page, f"ren.page.store?.items.get('work')?.bytes.length === {items}")
    until(page, "ren.stream.state === 'live'")


def test_no_gap_and_no_duplicate_over_a_kill(
    own: ConsoleService, open_console: Callable[..., Page], watch: list
) -> None:
    page = open_console(own)
    # A port of its own would be another origin after the restart.
    address = own.authority
    run = own.begin("shop", {"count": 600, "seconds": 1})
    follow(page, run, 600)
    page.evaluate(LISTEN)
    wait_for("some events", lambda: page.evaluate("heard.length") > 200)

    watch[-1].is_service_away = True
    own.kill()
    page.wait_for_selector(".live:has-text('reconnecting')")
    page.wait_for_selector(".banner:has-text('ren does not answer')")
    own.start(listen=address)
    page.wait_for_selector(".live:has-text('live')")
    page.wait_for_selector(".banner", state="detached")
    assert own.finish(run, 90) == "succeeded"
    page.wait_for_selector(".run-head .badge:has-text('succeeded')")
    watch[-1].is_service_away = False

    heard = page.evaluate("heard")
    assert len(heard) == len(set(heard)), "an event came twice"
    wanted = [event["sequence"] for event in own.events(run)]
    assert heard == [sequence for sequence in wanted if sequence >= heard[0]], "an event is missing"
    # What was folded is what the service counts.
    node = own.read(f"/api/v1/runs/{run}/nodes/work")
    counts = counts_of(page)
    assert {state: counts[state] for state in counts if counts[state]} == {
        state: node[state] for state in counts if node.get(state)
    }


def test_a_broken_connection_is_taken_up(own: ConsoleService, open_console: Callable[..., Page]) -> None:
    """Short breaks, again and again, while events come."""
    page = open_console(own)
    run = own.begin("shop", {"count": 500, "seconds": 0.7})
    follow(page, run, 500)
    page.evaluate(LISTEN)
    for _ in range(5):
        heard = page.evaluate("ren.stream.interrupt() ?? heard.length")
        wait_for("events after the break", lambda: page.evaluate("heard.length") > heard + 20)
    assert own.finish(run, 60) == "succeeded"
    page.wait_for_selector(".run-head .badge:has-text('succeeded')")
    heard = page.evaluate("heard")
    assert heard == [event["sequence"] for event in own.events(run) if event["sequence"] >= heard[0]]


def test_a_ren_that_stands_still_is_not_live(own: ConsoleService, open_console: Callable[..., Page], watch: list) -> None:
    """Its system keeps the connection; the page asks after 15 s of silence, and goes on when ren does."""
    page = open_console(own)
    page.wait_for_selector(".live:has-text('live')")
    watch[-1].is_service_away = True
    own.process.send_signal(signal.SIGSTOP)
    try:
        page.wait_for_selector(".banner:has-text('ren does not answer')", timeout=40_000)
    finally:
        own.process.send_signal(signal.SIGCONT)
    page.wait_for_selector(".live:has-text('live')")
    watch[-1].is_service_away = False
    own.begin("shop", {"count": 1}, id="after")
    page.wait_for_selector("#recent >> xpath=.. >> text=/^after$/")


def test_the_same_item_stays_selected_while_the_list_moves(
    own: ConsoleService, open_console: Callable[..., Page]
) -> None:
    page = open_console(own)
    own.mark("held")
    run = own.begin("shop", {"count": 400, "seconds": 0.4})
    follow(page, run, 400)
    page.evaluate("(run) => ren.router.go(`/runs/${run}/nodes/work?sort=newest`)", run)
    page.wait_for_selector("[data-grid=items] a")
    page.keyboard.press("j")
    selected = page.locator("[data-grid=items] [aria-selected=true]")
    key = selected.get_by_role("link").inner_text()
    own.mark("held", there=False)
    assert own.finish(run) == "succeeded"
    # By now others are newer: its row has moved, and the one in its place is none that was selected.
    page.wait_for_selector("[data-grid=items] a:has-text('sku-00399')")
    assert selected.count() == 0 or selected.get_by_role("link").inner_text() == key
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/items/work/{key}")


def test_times_are_told_by_the_clock_of_ren(own: ConsoleService, open_console: Callable[..., Page]) -> None:
    """Also by a browser on another machine, whose clock is ten minutes ahead."""
    own.mark("held")
    run = own.begin("shop", {"count": 100})
    page = open_console(own)
    page.evaluate("() => { const now = Date.now; Date.now = () => now() + 600_000 }")
    page.evaluate("(run) => ren.router.go(`/runs/${run}`)", run)
    page.wait_for_selector("text=last sign of life")
    text = page.inner_text("main")
    assert "10m" not in text and "Stalled" not in text, text


def test_the_same_run_stays_selected_while_others_begin(own: ConsoleService, open_console: Callable[..., Page]) -> None:
    own.begin("shop", {"count": 1}, id="first")
    own.finish("first")
    page = open_console(own, "/runs")
    page.wait_for_selector("tr:has-text('first')")
    page.keyboard.press("j")
    page.wait_for_selector("tr.selected:has-text('first')")
    own.begin("shop", {"count": 1}, id="second")
    page.wait_for_selector("tr:has-text('second')")
    assert page.locator("tr.selected").inner_text().startswith("first")
    page.keyboard.press("Enter")
    page.wait_for_url("**/runs/first")


def test_the_result_is_read_again_after_a_retry(own: ConsoleService, open_console: Callable[..., Page]) -> None:
    run = own.begin("shop", {"count": 30})
    assert own.finish(run) == "succeeded"
    page = open_console(own, f"/runs/{run}")
    result = page.locator("section:has(#result)")
    result.get_by_text("29").wait_for()
    own.mark("healed")
    assert own.post(f"/api/v1/runs/{run}:retry", {}).status == 202
    result.get_by_text("30").wait_for()


def test_lines_that_a_filter_leaves_out_are_not_counted_before_they_are_known(
    own: ConsoleService, open_console: Callable[..., Page]
) -> None:
    own.mark("held")
    run = own.begin("shop", {"count": 100, "seconds": 0.3})
    page = open_console(own, f"/runs/{run}/logs?node=work&item=sku-00003")
    page.wait_for_selector("text=1 line match so far")
    own.mark("held", there=False)
    assert own.finish(run) == "succeeded"
    page.wait_for_selector("text=/^1 of [0-9]{3} lines match/")


def test_lists_are_read_again_after_a_break(own: ConsoleService, open_console: Callable[..., Page]) -> None:
    page = open_console(own)
    page.wait_for_selector("text=No run yet")
    page.evaluate("ren.stream.stop()")
    own.begin("shop", {"count": 1}, id="unseen")
    assert own.finish("unseen") == "succeeded"
    page.evaluate("ren.stream.start()")
    page.wait_for_selector("#recent >> xpath=.. >> text=unseen")
    # And it goes on to follow.
    own.begin("shop", {"count": 1}, id="seen")
    page.wait_for_selector("#recent >> xpath=.. >> text=/^seen$/")


def test_the_log_and_the_journal_grow(own: ConsoleService, open_console: Callable[..., Page]) -> None:
    page = open_console(own)
    run = own.begin("shop", {"count": 100, "seconds": 0.6})
    page.evaluate("(run) => ren.router.go(`/runs/${run}/logs`)", run)
    page.wait_for_selector("[data-grid=log] .log-row")
    assert own.finish(run, 60) == "succeeded"
    # It follows the end.
    page.wait_for_selector("[data-grid=log] .log-row:last-child:has-text('succeeded')")
    page.evaluate("ren.router.go('/journal')")
    page.wait_for_selector("[data-grid=journal-events] [role=row]:nth-child(2)")
    own.begin("shop", {"count": 1}, id="later")
    own.finish("later")
    page.wait_for_selector("[data-grid=journal-events] [role=row]:has-text('run.succeeded')")
    head = own.head
    until(page, f"ren.stream.head >= {head}")


#: A desktop that takes every message, and a page that nobody looks at.
DESKTOP = """() => {
    globalThis.told = [];
    globalThis.Notification = class {
        static permission = "granted";
        static requestPermission = async () => "granted";
        constructor(title, { body }) { told.push(`${title}: ${body}`) }
    };
    Object.defineProperty(document, "hidden", { value: true });
}"""


def test_who_looks_elsewhere_is_told_when_that_is_wanted(
    own: ConsoleService, open_console: Callable[..., Page]
) -> None:
    page = open_console(own, "/settings")
    page.evaluate(DESKTOP)
    for is_wanted in (False, True):
        if is_wanted:
            page.evaluate("ren.router.go('/settings')")
            page.get_by_label("tell me on the desktop").check()
        run = own.begin("shop", {"count": 20, "seconds": 0.5}, id=f"told-{is_wanted}")
        follow(page, run, 20)
        assert own.finish(run) == "succeeded"
        until(page, "ren.page.store.snapshot.status === 'succeeded'")
    told = page.evaluate("told")
    assert told[-1] == "told-True: the run succeeded" and not any("False" in each for each in told), told
    assert any("TimeoutError" in each for each in told)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/nodes/work", "[data-grid=items] a"), ("/items/work/sku-00000", "text=Idempotency key"),
        ("/timeline", ".timeline canvas"), ("/logs", "[data-grid=log] .cell"), ("?as_of=9", ".travel"),
    ],
)
def test_pages_opened_while_ren_is_away_are_read_when_it_is_back(
    own: ConsoleService, open_console: Callable[..., Page], watch: list, path: str, shown: str
) -> None:
    page = open_console(own)
    address = own.authority
    run = own.begin("shop", {"count": 3})
    assert own.finish(run) == "succeeded"
    watch[-1].is_service_away = True
    own.kill()
    page.wait_for_selector(".live:has-text('reconnecting')")
    page.evaluate("(path) => ren.router.go(path)", f"/runs/{run}{path}")
    page.wait_for_selector("text=ren does not answer")
    own.start(listen=address)
    page.wait_for_selector(shown)
    assert page.locator(".problem").count() == 0
    watch[-1].is_service_away = False


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("/timeline", "", "tr:has-text('work') td:has-text('{items}')"),
        ("/journal", "[data-grid=run-events] .cell", "text=/^{events} events/"),
        ("/items/work/sku-03999", "", "text=succeeded after"),
        ("/nodes/export", "", ".json :text('exported')"),
    ],
)
def test_a_page_that_missed_much_is_read_anew(
    own: ConsoleService, open_console: Callable[..., Page], watch: list, path: str, before: str, after: str
) -> None:
    """Behind so many events a snapshot is read instead: what the page was not told, it reads."""
    page = open_console(own)
    watch[-1].expected.append("404")
    own.mark("healed")
    run = own.begin("shop", {"count": 4000, "seconds": 0}, start_paused=True)
    page.evaluate("(path) => ren.router.go(path)", f"/runs/{run}{path}")
    page.wait_for_selector(before or ".run-head .badge:has-text('paused')")
    page.evaluate("ren.stream.stop()")
    own.post(f"/api/v1/runs/{run}:resume")
    assert own.finish(run, 60) == "succeeded"
    page.evaluate("ren.stream.start()")
    events = own.read(f"/api/v1/runs/{run}")["version"]
    assert events > 5000
    page.wait_for_selector(after.format(items="4,000", events=f"{events:,}"))
    page.wait_for_selector(".run-head .badge:has-text('succeeded')")


def test_a_page_opened_while_ren_is_away_goes_on(
    own: ConsoleService, open_console: Callable[..., Page], watch: list
) -> None:
    page = open_console(own)
    address = own.authority
    own.mark("held")
    run = own.begin("shop", {"count": 100, "seconds": 0.01})
    watch[-1].is_service_away = True
    own.kill()
    page.evaluate("(run) => ren.router.go('/runs/' + run)", run)
    page.wait_for_selector("text=ren does not answer")
    own.start(listen=address)
    page.wait_for_selector(".run-head .badge:has-text('running')")
    page.wait_for_selector(".live:has-text('live')")
    watch[-1].is_service_away = False
    own.post(f"/api/v1/runs/{run}:pause", {"now": True})
    page.wait_for_selector(".run-head .badge:has-text('paused')")


def test_events_that_come_while_items_are_read_are_counted(
    own: ConsoleService, open_console: Callable[..., Page]
) -> None:
    own.mark("healed")
    body = {"id": "late", "input": {"count": 60, "seconds": 0.01}, "start_paused": True}
    assert own.post("/api/v1/flows/shop/runs", body).status == 201
    page = open_console(own, "/runs/late")
    page.wait_for_selector(".run-head .badge:has-text('paused')")

    def answer_late(route: Route) -> None:
        answer = route.fetch()
        own.finish("late")
        route.fulfill(response=answer)

    page.route("**/nodes/work/heatmap*", answer_late)
    own.post("/api/v1/runs/late:resume", {})
    page.wait_for_selector(".run-head .badge:has-text('succeeded')")
    until(page, "ren.page.store.counts('work').succeeded === 60")
