"""A person's way through a run, once with the mouse and once with the keyboard alone."""

from __future__ import annotations

import json
from collections.abc import Callable

from conftest import ConsoleService, until
from playwright.sync_api import Page
from service import wait_for


def test_with_the_mouse(own: ConsoleService, open_console: Callable[..., Page]) -> None:
    """Start from the form, watch, pause, resume, see a traceback in two clicks, answer, and read the result."""
    page = open_console(own)
    page.get_by_role("link", name="Flows", exact=True).click()
    page.get_by_role("row", name="shop").get_by_role("link", name="Start…").click()
    page.get_by_label("count").fill("200")
    page.get_by_label("seconds").fill("0.8")
    page.get_by_role("checkbox", name="review").check()
    page.get_by_label("Id").fill("first")
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url("**/runs/first")
    page.wait_for_selector(".heatmap canvas")

    page.get_by_role("button", name="Pause").click()
    assert "in flight will finish" in page.locator("dialog").inner_text()
    page.get_by_label("Why").fill("lunch")
    page.locator("dialog").get_by_role("button", name="Pause", exact=True).click()
    page.wait_for_selector(".run-head .badge:has-text('paused')")
    asked = next(event for event in own.events("first") if event["type"] == "run.pause_requested")
    assert asked["reason"] == "lunch"
    # What was done names its event, and leads to it.
    page.locator(".toast a").first.click()
    page.wait_for_selector(f".detail h2:has-text('Event {asked['sequence']}')")
    page.get_by_role("button", name="Resume").click()
    page.wait_for_selector(".run-head .badge:has-text('running')")

    page.get_by_role("link", name="Overview").click()
    page.wait_for_selector(".causes li:has-text('TimeoutError')", timeout=30_000)
    # Two clicks from the failed run to the traceback of one item.
    page.locator(".causes").get_by_role("link", name="list").click()
    page.locator("[data-grid=items] a").first.click()
    page.wait_for_selector(".trace:has-text('raise TimeoutError')")

    page.get_by_role("button", name="Answer…").click(timeout=30_000)
    page.locator("dialog").get_by_label("approved").check()
    page.locator("dialog").get_by_label("note").fill("fine")
    page.get_by_role("button", name="Send the answer").click()
    assert own.finish("first") == "succeeded"
    page.get_by_role("link", name="Overview").click()
    page.wait_for_selector(".run-head .badge:has-text('succeeded')")
    page.wait_for_selector(".json:has-text('exported: 198')")
    answer = next(event for event in own.events("first") if event["type"] == "signal.received")
    payload = own.read(f"/api/v1/journal/events/{answer['sequence']}")["payload_json"]
    assert payload == {"approved": True, "note": "fine"}
    with page.expect_download() as download:
        page.get_by_role("button", name="Report").click()
    report = download.value.path().read_text()
    assert "TimeoutError" in report and "<script" not in report and "http" not in report.replace("http://www.w3", "")


def test_with_the_keyboard_alone(own: ConsoleService, open_console: Callable[..., Page]) -> None:
    page = open_console(own)
    page.wait_for_selector("text=No run yet")
    keys = page.keyboard
    press = keys.press
    press("g")
    press("f")
    page.wait_for_url("**/flows")
    page.wait_for_selector("tbody tr")
    press("Control+k")
    page.wait_for_selector("dialog[open]")
    keys.type("flow shop")
    page.wait_for_selector("[role=option]:has-text('shop')")
    press("Enter")
    page.wait_for_url("**/flows/shop")
    page.wait_for_selector("h1:has-text('shop')")
    press("S")
    until(page, "document.activeElement.closest('form.start')")
    keys.type("120")
    press("Tab")
    press("Control+a")
    keys.type("2")
    press("Enter")
    page.wait_for_url("**/runs/*")
    page.wait_for_selector(".heatmap canvas")
    run = page.url.rpartition("/")[2]

    press("p")
    page.wait_for_selector("dialog[open]")
    keys.type("by hand")
    press("Enter")
    page.wait_for_selector(".run-head .badge:has-text('paused')", timeout=30_000)
    press("p")
    page.wait_for_selector(".run-head .badge:has-text('running')")

    press("3")
    page.wait_for_url("**/logs")
    press("4")
    page.wait_for_url("**/journal")
    page.wait_for_selector("[data-grid=run-events] [role=row]:nth-child(3)")
    press("[")
    page.wait_for_selector(".detail h2")
    newest = int(page.url.partition("seq=")[2])
    press("[")
    until(page, f"!location.search.includes('seq={newest}')")
    press("g")
    press("g")
    keys.type(str(own.read(f"/api/v1/runs/{run}")["first"]))
    press("Enter")
    page.wait_for_selector(".detail:has-text('run.created')")
    press("1")
    page.wait_for_selector(".heatmap canvas")
    assert own.finish(run, 60) == "succeeded"

    page.evaluate("(run) => ren.router.go(`/runs/${run}/nodes/work?state=failed`)", run)
    page.wait_for_selector("[data-grid=items] a")
    press("j")
    page.wait_for_selector("[data-grid=items] [aria-selected=true]")
    press("Enter")
    page.wait_for_selector(".trace")
    press("Escape")
    page.wait_for_url("**/nodes/work*")
    page.wait_for_selector("[data-grid=items] a")
    press("t")
    page.wait_for_selector("html[data-theme]")
    # A list that has the focus takes the arrow keys.
    page.locator("[data-grid=items]").focus()
    press("ArrowDown")
    page.wait_for_selector("[data-grid=items][aria-activedescendant]")
    press("Enter")
    page.wait_for_selector(".item-page")


def test_letters_can_be_switched_off(service: ConsoleService, open_console: Callable[..., Page]) -> None:
    page = open_console(service, "/settings")
    page.get_by_label("single letters are commands").uncheck()
    page.locator("h1").click()
    page.keyboard.press("t")
    page.keyboard.press("g")
    page.keyboard.press("h")
    page.wait_for_timeout(200)
    assert page.url.endswith("/settings") and page.get_attribute("html", "data-theme") is None
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")


def test_a_function_is_tried(service: ConsoleService, open_console: Callable[..., Page]) -> None:
    page = open_console(service, "/functions/console.work")
    page.get_by_label("sku").fill("sku-00007")
    page.get_by_role("button", name="Call it").click()
    page.wait_for_selector(".trace:has-text('TimeoutError')")
    page.get_by_label("sku").fill("sku-00008")
    page.get_by_role("button", name="Call it").click()
    page.wait_for_selector(".json:has-text('sku-00008')")


def test_a_refusal_is_shown_where_it_was_asked(
    own: ConsoleService, open_console: Callable[..., Page], watch: list
) -> None:
    page = open_console(own, "/flows/shop?start=1")
    watch[-1].expected.append("status of 422")
    page.get_by_role("button", name="Write it as JSON").click()
    page.get_by_label("JSON").fill('{"count": "many"}')
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_selector("form [role=alert]:has-text('count')")
    assert own.read("/api/v1/runs")["items"] == []
    page.get_by_label("JSON").fill("{count: 3}")
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_selector("form [role=alert]:has-text('is no JSON')")


def test_no_button_for_what_this_ren_cannot_do(service: ConsoleService, open_console: Callable[..., Page]) -> None:
    """What is offered is what `/openapi.json` has."""
    paths = service.read("/openapi.json")["paths"]
    page = open_console(service, "/runs/small/nodes/work?state=failed")
    page.wait_for_selector("[data-grid=items] a")
    can = page.evaluate("ren.page.can")
    assert can == {
        "retry": "/api/v1/runs/{run}:retry" in paths,
        "skip": "/api/v1/runs/{run}:skip" in paths,
        "fork": "/api/v1/runs/{run}:fork" in paths,
        "state": "/api/v1/runs/{run}/state" in paths,
    }, json.dumps(can)
    assert (page.get_by_role("button", name="Retry").count() > 0) == can["retry"]
    assert (page.get_by_role("link", name="Replay").count() > 0) == can["state"]


def test_what_waits_is_answered_from_home(own: ConsoleService, open_console: Callable[..., Page]) -> None:
    run = own.begin("shop", {"count": 3, "review": True})
    own.until_node(run, "review", "waiting")
    page = open_console(own)
    page.locator(".card.ask").get_by_role("button", name="Answer…").click()
    page.get_by_label("approved").check()
    page.get_by_role("button", name="Send the answer").click()
    assert own.finish(run) == "succeeded"
    wait_for("the card to go", lambda: page.locator(".card.ask").count() == 0)
