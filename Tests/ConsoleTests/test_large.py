"""Runs of ten thousand items, and of a hundred thousand: there at once, light, and no work while nothing happens."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from collections.abc import Iterator

import pytest
from conftest import ConsoleService, served, until
from playwright.sync_api import CDPSession, Page
from service import wait_for

ITEMS = 10_000
MANY = 100_000
#: On a machine that others use, times are not ren's alone.
PATIENCE = float(os.environ.get("REN_PATIENCE", "1"))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleService]:
    for made in served(tmp_path_factory.mktemp("large")):
        made.begin("shop", {"count": ITEMS}, id="large")
        assert made.finish("large", 120 * PATIENCE) == "succeeded"
        yield made


@pytest.fixture(scope="module")
def vast(large: ConsoleService) -> str:
    """A run of 100,000 items, of which all but one are left out, and so of 100,000 events."""
    run = large.begin("vast", {"count": MANY}, id="vast")
    assert large.finish(run, 120 * PATIENCE) == "succeeded"
    return run


def shown(page: Page) -> tuple[float, float]:
    """Milliseconds until the cells of all items are there, the best of three, and bytes of the heap."""
    times = []
    for _ in range(3):
        page.reload(wait_until="commit")
        until(page, "document.querySelector('.heatmap canvas')?.height > 10")
        times.append(page.evaluate("performance.now()"))
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    session.send("HeapProfiler.collectGarbage")
    return min(times), metrics(session)["JSHeapUsedSize"]


#: Scrolls a list from one end to the other, a step for each frame, and gives back how long the frames took.
SCROLL = """(grid) => new Promise((done) => {
    const times = [];
    let [frame, last] = [0, performance.now()];
    const step = (now) => {
        times.push(now - last);
        last = now;
        if (frame > 180) return done(times.slice(2));
        grid.scrollTo(0, (grid.scrollHeight * frame++) / 180);
        requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
})"""


def metrics(session: CDPSession) -> dict[str, float]:
    return {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}


def test_the_page_is_there_within_a_second(large: ConsoleService, open_console: Callable[..., Page]) -> None:
    page = open_console(large, "/runs/large")
    page.wait_for_selector(".heatmap canvas")
    milliseconds, heap = shown(page)
    print(f"{ITEMS} items: shown after {milliseconds:.0f} ms, heap {heap / 1e6:.1f} MB")
    # Meant is a second; a machine with other work may need more.
    assert milliseconds < 3000 * PATIENCE
    assert heap < 80e6


def test_a_hundred_thousand_items_can_be_used(
    large: ConsoleService, vast: str, open_console: Callable[..., Page]
) -> None:
    page = open_console(large, f"/runs/{vast}")
    page.wait_for_selector(".heatmap canvas")
    milliseconds, heap = shown(page)
    page.evaluate("(run) => ren.router.go(`/runs/${run}/nodes/work`)", vast)
    page.wait_for_selector("[data-grid=items] a")
    grid = page.locator("[data-grid=items]")
    began = page.evaluate("performance.now()")
    grid.evaluate("(grid) => grid.scrollTo(0, grid.scrollHeight)")
    page.wait_for_selector(f"[data-grid=items] a:has-text('sku-{MANY - 1:05d}')")
    end = page.evaluate("performance.now()") - began
    page.get_by_role("searchbox").fill("sku-65432")
    page.wait_for_selector("text=1 of 100,000 items")
    assert page.locator("[data-grid=items] a").all_inner_texts() == ["sku-65432"]
    # Also as it was in the middle of its history.
    middle = large.read(f"/api/v1/runs/{vast}")["last"] - MANY // 2
    began = page.evaluate("performance.now()")
    page.evaluate("(address) => ren.router.go(address)", f"/runs/{vast}?as_of={middle}")
    until(page, f"ren.page.store.isPast && ren.page.store.snapshot?.as_of === {middle}")
    past = page.evaluate("performance.now()") - began
    counts = page.evaluate("ren.page.store.counts('work')")
    assert 0 < counts["pending"] < MANY and sum(counts.values()) == MANY
    print(
        f"{MANY} items: shown after {milliseconds:.0f} ms, heap {heap / 1e6:.1f} MB, to the last one in {end:.0f} ms, "
        f"as of an event in {past:.0f} ms"
    )
    assert milliseconds < 6000 * PATIENCE and heap < 80e6


def test_a_fork_of_many_items_is_shown_while_it_is_made(
    large: ConsoleService, vast: str, open_console: Callable[..., Page]
) -> None:
    last = large.read(f"/api/v1/runs/{vast}")["last"]
    page = open_console(large)
    assert large.post(f"/api/v1/runs/{vast}:fork", {"at": last - 10, "id": "vaster"}).status == 201
    page.evaluate("ren.router.go('/runs/vaster')")
    until(page, "ren.page.store?.snapshot?.status === 'succeeded' && !ren.page.store.isPreparing", 60 * PATIENCE)
    until(page, f"ren.page.store.counts('work').skipped === {MANY - 1}")
    assert page.evaluate("ren.page.store.counts('work').failed") == 1
    page.wait_for_selector(".run-head:has-text('forked from vast')")


def test_a_hundred_thousand_events_scroll(large: ConsoleService, vast: str, open_console: Callable[..., Page]) -> None:
    page = open_console(large, f"/runs/{vast}/journal")
    page.wait_for_selector("[data-grid=run-events] [role=row]:has-text('run.succeeded')")
    grid = page.locator("[data-grid=run-events]")
    assert int(grid.get_attribute("aria-rowcount")) > MANY
    times = sorted(grid.evaluate(SCROLL))
    middle, slow = times[len(times) // 2], times[int(len(times) * 0.95)]
    print(f"{MANY} events: {middle:.0f} ms to a frame, 95 % within {slow:.0f} ms, the slowest {times[-1]:.0f} ms")
    assert grid.locator("[role=row]").count() < 80
    # What a person would call smooth is 17 to 33; this fails when a frame draws more than the rows that are seen.
    assert middle < 100 * PATIENCE and slow < 400 * PATIENCE
    page.wait_for_selector("[data-grid=run-events] [role=row]:has-text('run.succeeded')")


def test_the_list_holds_only_what_is_seen(large: ConsoleService, open_console: Callable[..., Page]) -> None:
    page = open_console(large, "/runs/large/nodes/work")
    page.wait_for_selector("[data-grid=items] a")
    grid = page.locator("[data-grid=items]")
    assert grid.get_attribute("aria-rowcount") == str(ITEMS + 1)
    assert grid.locator("[role=row]").count() < 80
    grid.evaluate("(grid) => grid.scrollTo(0, grid.scrollHeight)")
    page.wait_for_selector(f"[data-grid=items] a:has-text('sku-{ITEMS - 1:05d}')")
    assert grid.locator("[role=row]").count() < 80


def test_any_event_of_a_long_history_is_found(large: ConsoleService, open_console: Callable[..., Page]) -> None:
    page = open_console(large, "/runs/large/journal")
    page.wait_for_selector("[data-grid=run-events] [role=row]:has-text('run.succeeded')")
    grid = page.locator("[data-grid=run-events]")
    events = large.read("/api/v1/runs/large")["version"]
    for share in (0.5, 0.1, 0.9, 0):
        grid.evaluate("(grid, share) => grid.scrollTo(0, grid.scrollHeight * share)", share)
        # The head row is the first; one in the middle of what is seen is there, and read.
        wanted = min(int(events * share) + 12, events)
        row = page.locator(f"[data-grid=run-events] [aria-rowindex='{wanted}']:has-text('.')")
        row.wait_for()
        version = wanted - 1
        sequence = int(row.locator(".cell").first.inner_text().replace(",", ""))
        assert large.read(f"/api/v1/journal/events/{sequence}")["version"] == version
    assert "run.created" in grid.locator("[aria-rowindex='2']").inner_text()


def test_following_costs_little(large: ConsoleService, open_console: Callable[..., Page]) -> None:
    """At about 200 events a second: under 15 % of a core, at most five paints a second."""
    page = open_console(large)
    run = large.begin("shop", {"count": 4000, "seconds": 0.6})
    page.evaluate("(run) => ren.router.go('/runs/' + run)", run)
    until(page, "document.querySelector('.heatmap canvas')?.height > 10")
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    before, head, paints, began = metrics(session), large.head, page.evaluate("ren.painter.paints"), time.monotonic()
    time.sleep(10)
    seconds = time.monotonic() - began
    share = (metrics(session)["TaskDuration"] - before["TaskDuration"]) / seconds
    rate = (large.head - head) / seconds
    painted = (page.evaluate("ren.painter.paints") - paints) / seconds
    print(f"{rate:.0f} events/s: {share:.1%} of a core, {painted:.1f} paints/s")
    assert rate > 50, "too little happened to measure anything"
    # Meant are 15 %; the time of a task grows when others want the core, too.
    assert share < 0.4 * PATIENCE
    assert painted <= 5.5
    large.post(f"/api/v1/runs/{run}:stop", {"mode": "now"})
    wait_for("the end", lambda: large.status(run) == "stopped")
