"""A person's way through a run, once with the mouse and once with the keyboard alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

from conftest import HERE, ConsoleService, until
from playwright.sync_api import Page
from service import wait_for

SDK = HERE.parents[1] / "Sources" / "RenAssets" / "python"


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
    own.mark("held")
    page.get_by_role("button", name="Resume").click()
    page.wait_for_selector(".run-head .badge:has-text('running')")

    page.get_by_role("link", name="Overview").click()
    page.wait_for_selector(".causes li:has-text('×2')", timeout=30_000)
    # Two clicks from the failed run to the traceback of one item.
    page.locator(".causes").get_by_role("link", name="list").click()
    page.locator("[data-grid=items] a").first.click()
    page.wait_for_selector(".trace:has-text('raise TimeoutError')")
    # What it was called with leads to the same failure without ren.
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy as pytest").click()
    page.wait_for_selector(".toast:has-text('The test')")
    test = own.folder / "test_copied.py"
    test.write_text(page.evaluate("navigator.clipboard.readText()"))
    tried = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(test)],
        env={**os.environ, "PYTHONPATH": str(SDK)}, capture_output=True, text=True,
    )
    assert tried.returncode == 1 and "TimeoutError: read of sku-00" in tried.stdout, tried.stdout + tried.stderr

    # Exactly the failed are tried again, while the others go on.
    own.mark("healed")
    page.get_by_role("button", name="Retry 2 failed").first.click()
    page.wait_for_selector("dialog .sets:has-text('2 items of work (numbers 7, 107)')")
    page.get_by_label("Why").fill("the shop answers again")
    before = own.head
    page.locator("dialog").get_by_role("button", name="Retry", exact=True).click()
    until(page, "ren.page.store.counts('work').failed === 0")
    again = [event for event in own.events("first") if event["sequence"] > before]
    own.mark("held", there=False)
    assert [event["reason"] for event in again if event["type"] == "run.reopened"] == ["the shop answers again"]
    assert {event["key"] for event in again if event["type"] == "item.started"} == {"sku-00007", "sku-00107"}

    page.get_by_role("button", name="Answer…").click(timeout=30_000)
    page.locator("dialog").get_by_label("approved").check()
    page.locator("dialog").get_by_label("note").fill("fine")
    page.get_by_role("button", name="Send the answer").click()
    assert own.finish("first") == "succeeded"
    page.get_by_role("link", name="Overview").click()
    page.wait_for_selector(".run-head .badge:has-text('succeeded')")
    page.wait_for_selector(".json:has-text('exported: 200')")
    answer = next(event for event in own.events("first") if event["type"] == "signal.received")
    payload = own.read(f"/api/v1/journal/events/{answer['sequence']}")["payload_json"]
    assert payload == {"approved": True, "note": "fine"}
    with page.expect_download() as download:
        page.get_by_role("button", name="Report").click()
    report = download.value.path().read_text()
    assert "<script" not in report and "http" not in report.replace("http://www.w3", "")
    assert "first" in report and "200 / 200" in report

    # Back to the first item that failed, as all views show it.
    page.get_by_role("link", name="Journal").last.click()
    page.get_by_label("Type").select_option("item")
    failed = next(event for event in own.events("first") if event["type"] == "item.failed")
    page.locator("[data-jump]").fill(str(failed["sequence"]))
    page.keyboard.press("Enter")
    page.wait_for_selector(".changed:has-text('nodes.work.failed')")
    page.get_by_role("link", name="the run as of this event").click()
    page.wait_for_selector(f".travel:has-text('event {failed['sequence']:,}')")
    page.get_by_role("link", name="Overview").click()
    then = own.read(f"/api/v1/runs/first/state?at={failed['sequence']}")["nodes"]["work"]
    until(page, "ren.page.store.isPast && ren.page.store.counts('work')")
    counts = page.evaluate("ren.page.store.counts('work')")
    assert {state: counts[state] for state in counts} == {state: then.get(state, 0) for state in counts}
    assert page.get_by_role("button", name="Retry").count() == 0, "the past is not changed"
    page.get_by_role("slider").focus()
    page.keyboard.press("ArrowLeft")
    until(page, f"!location.search.includes('as_of={failed['sequence']}')")
    page.keyboard.press("ArrowRight")
    until(page, f"location.search.includes('as_of={failed['sequence']}')")

    # A fork from there, without the question.
    page.get_by_role("link", name="Fork").click()
    kept = then["succeeded"] + then["failed"]
    page.wait_for_selector(f".fork .sets:has-text('work: {kept} of 200 items, {200 - kept} run again')")
    page.wait_for_selector(f".fork .preview:has-text('keeps 1 node and {kept} items')")
    page.get_by_text("Another input").click()
    page.locator(".fork").get_by_label("review").uncheck()
    page.get_by_text("Another version of the flow").click()
    page.locator(".fork").get_by_label("Id").fill("second")
    page.wait_for_selector(".fork .sets:has-text('Looked at again')")
    page.locator(".fork").get_by_role("button", name="Fork").click()
    page.wait_for_url("**/runs/second")
    assert own.finish("second") == "succeeded"
    assert not any(event["type"] == "signal.received" for event in own.events("second"))
    # Each names the other, and they can be laid side by side.
    page.get_by_role("link", name="Compare").click()
    page.get_by_role("link", name="first, its parent").click()
    page.wait_for_selector(".verdict:has-text('are the same records')")
    page.wait_for_selector("section:has-text('/review')")
    page.wait_for_selector("section:has-text('Results') >> text=The same.")
    page.get_by_role("row", name="review").get_by_role("link", name="differs").click()
    page.wait_for_selector("h2:has-text('Outputs of review')")
    page.get_by_role("row", name="Run").get_by_role("link", name="first").click()
    page.wait_for_selector(".run-head:has-text('forked into')")


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

    # The failed one again: the list of failures, chosen, and retried.
    press("Control+k")
    page.wait_for_selector("dialog[open]")
    keys.type("node work")
    page.wait_for_selector("[role=option]:has-text('work')")
    press("Enter")
    page.wait_for_url("**/nodes/work")
    page.wait_for_selector("[data-grid=items] a")
    press("/")
    keys.type("sku-00007")
    until(page, "document.querySelectorAll('[data-grid=items] a').length === 1")
    press("Escape")
    press("j")
    page.wait_for_selector("[data-grid=items] [aria-selected=true]")
    press("Enter")
    page.wait_for_selector(".trace")
    press("Escape")
    page.wait_for_url("**/nodes/work*")
    page.wait_for_selector("[data-grid=items] a")
    own.mark("healed")
    press("R")
    page.wait_for_selector("dialog .sets:has-text('of work')")
    press("Enter")
    until(page, "ren.page.store.counts('work').failed === 0")
    assert own.finish(run, 60) == "succeeded"
    press("t")
    page.wait_for_selector("html[data-theme]")
    # A list that has the focus takes the arrow keys.
    while not page.evaluate("document.activeElement.matches('[data-grid=items]')"):
        press("Tab")
    press("ArrowDown")
    page.wait_for_selector("[data-grid=items][aria-activedescendant]")
    press("Enter")
    page.wait_for_selector(".item-page")

    # Back in time, a fork, and both side by side.
    failed = next(event for event in own.events(run) if event["type"] == "item.failed")
    press("4")
    page.wait_for_selector("[data-grid=run-events] [role=row]:nth-child(3)")
    press("g")
    press("g")
    keys.type(str(failed["sequence"]))
    press("Enter")
    page.wait_for_selector(".detail:has-text('item.failed')")
    press("v")
    page.wait_for_selector(f".travel:has-text('event {failed['sequence']:,}')")
    page.wait_for_selector(".fork .sets")
    press("[")
    until(page, f"!location.search.includes('as_of={failed['sequence']}')")
    press("]")
    until(page, f"location.search.includes('as_of={failed['sequence']}')")
    page.wait_for_selector(".fork .sets")
    press("F")
    press("Enter")
    page.wait_for_url(lambda url: run not in url and "/runs/" in url)
    fork = page.url.rpartition("/")[2]
    assert own.finish(fork, 60) == "succeeded"
    press("6")
    page.wait_for_url("**/compare")
    page.wait_for_selector(".compare form")
    press("/")
    keys.type(run)
    press("Enter")
    page.wait_for_selector(".verdict:has-text('are the same records')")


def test_what_waits_is_answered_by_keys(own: ConsoleService, open_console: Callable[..., Page]) -> None:
    run = own.begin("shop", {"count": 3, "review": True})
    own.until_node(run, "review", "waiting")
    page = open_console(own, f"/runs/{run}")
    page.wait_for_selector("button:has-text('Answer…')")
    page.keyboard.press("a")
    page.wait_for_selector("dialog[open]")
    until(page, "document.activeElement.matches('dialog input')")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    assert own.finish(run) == "succeeded"


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
    page.get_by_label("JSON", exact=True).fill('{"count": "many"}')
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_selector("form [role=alert]:has-text('count')")
    assert own.read("/api/v1/runs")["items"] == []
    page.get_by_label("JSON", exact=True).fill("{count: 3}")
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_selector("form [role=alert]:has-text('is no JSON')")


def test_an_expression_is_tried(service: ConsoleService, open_console: Callable[..., Page]) -> None:
    page = open_console(service, "/flows/shop")
    page.get_by_label("Expression, as JSONLogic").fill('{"+": [{"var": "input.count"}, 1]}')
    page.get_by_label("Data that it reads").fill('{"input": {"count": 2}}')
    page.get_by_role("button", name="Evaluate").click()
    page.wait_for_selector("form .json:has-text('3')")
    assert page.locator("table.steps tbody tr").count() == 2
    # It stands in the address.
    page.reload()
    page.wait_for_selector("form .json:has-text('3')")
    page.get_by_label("Expression, as JSONLogic").fill('{"nosuch": 1}')
    page.get_by_role("button", name="Evaluate").click()
    page.wait_for_selector("form li:has-text('nosuch')")


def test_the_journal_is_checked(service: ConsoleService, open_console: Callable[..., Page]) -> None:
    page = open_console(service, "/journal")
    page.get_by_role("link", name="Verify").click()
    page.get_by_role("button", name="Check every hash").click()
    page.wait_for_selector("h2:has-text('The journal is whole')")
    anchor = page.locator(".verify .code").inner_text()
    assert anchor.split(":")[0].isdigit() and len(anchor.split(":")[1]) == 64
    page.get_by_role("link", name="Size").click()
    page.wait_for_selector("[aria-label='By run'] a:has-text('small')")


def test_history_is_proved(service: ConsoleService, open_console: Callable[..., Page]) -> None:
    page = open_console(service, "/runs/small/replay")
    page.get_by_role("button", name="Replay its decisions").click()
    page.wait_for_selector(".good:has-text('follow')")
    page.get_by_role("button", name="Audit").click()
    page.wait_for_selector(".good:has-text('are whole')")


def test_why_is_told(service: ConsoleService, open_console: Callable[..., Page]) -> None:
    page = open_console(service, "/runs/small/items/work/sku-00007")
    page.get_by_role("button", name="Why did this item").click()
    page.wait_for_selector(".why:has-text('2 of 2 attempts used')")
    page.locator(".why a").first.click()
    page.wait_for_selector(".detail:has-text('item.failed')")


def test_an_input_that_is_too_long_to_be_shown_stays_as_it_is(
    service: ConsoleService, open_console: Callable[..., Page]
) -> None:
    service.put(
        "flow: wide\ninput: {type: object, properties: {names: {type: array}, loud: {type: boolean, default: false}}}\n"
        "nodes:\n  one: {function: console.export, with: {count: 1}}\n"
    )
    service.begin("wide", {"names": ["x" * 100] * 1000, "loud": True}, id="wide")
    assert service.finish("wide") == "succeeded"
    page = open_console(service, "/runs/wide/replay")
    page.wait_for_selector(".fork .sets")
    page.get_by_text("Another input").click()
    page.wait_for_selector("text=Its input is too long to be changed here")
    page.locator(".fork").get_by_role("button", name="Fork").click()
    page.wait_for_url(lambda url: "/runs/wide" not in url)
    fork = page.url.rpartition("/")[2]
    assert service.read(f"/api/v1/runs/wide/diff?with={fork}")["input"]["same"]


def test_every_view_is_as_of_the_event(service: ConsoleService, open_console: Callable[..., Page]) -> None:
    events = service.events("small")
    failed = next(event for event in events if event["type"] == "item.attempt_failed")
    query = f"?as_of={failed['sequence']}"
    page = open_console(service, f"/runs/small/nodes/work{query}")
    page.wait_for_selector("[data-grid=items] a")
    items = service.read(f"/api/v1/runs/small/nodes/work/items{query}")["items"]
    assert page.locator("[data-grid=items] .badge").all_inner_texts() == [
        item["state"] for item in items[: page.locator("[data-grid=items] .badge").count()]
    ]
    page.locator("[data-grid=items] a", has_text="sku-00007").click()
    page.wait_for_selector(".item-page .badge:has-text('retrying')")
    assert page.url.endswith(query)
    page.wait_for_selector(".item-page .latest li")
    assert page.locator(".item-page .latest li").count() == 2
    page.get_by_role("link", name="Journal").last.click()
    page.wait_for_selector(f"[role=status]:has-text('{failed['version']} events')")
    page.get_by_role("link", name="Logs").click()
    page.wait_for_selector("[data-grid=log] .log-row:has-text('next at')")
    assert page.locator("[data-grid=log]:has-text('#2')").count() == 0, "the second attempt had not begun"
    page.get_by_role("link", name="Timeline").click()
    page.wait_for_selector(".timeline canvas")
    assert page.get_by_role("row", name="export").count() == 0
    page.get_by_role("button", name="Back to now").click()
    page.get_by_role("row", name="export").wait_for()
    assert "as_of" not in page.url


def test_an_item_is_skipped(own: ConsoleService, open_console: Callable[..., Page]) -> None:
    run = own.begin("shop", {"count": 20})
    assert own.finish(run) == "succeeded"
    page = open_console(own, f"/runs/{run}/items/work/sku-00007")
    page.get_by_role("button", name="Skip…").click()
    page.locator("dialog").get_by_label("JSON").fill('{"sku": "by hand"}')
    page.get_by_label("Why").fill("seen in the shop")
    page.locator("dialog").get_by_role("button", name="Skip it").click()
    page.wait_for_selector(".item-page .badge:has-text('succeeded')")
    page.wait_for_selector(".json:has-text('by hand')")
    assert own.finish(run) == "succeeded"


def test_what_waits_is_answered_from_home(own: ConsoleService, open_console: Callable[..., Page]) -> None:
    run = own.begin("shop", {"count": 3, "review": True})
    own.until_node(run, "review", "waiting")
    page = open_console(own)
    page.locator(".card.ask").get_by_role("button", name="Answer…").click()
    page.get_by_label("approved").check()
    page.get_by_role("button", name="Send the answer").click()
    assert own.finish(run) == "succeeded"
    wait_for("the card to go", lambda: page.locator(".card.ask").count() == 0)
