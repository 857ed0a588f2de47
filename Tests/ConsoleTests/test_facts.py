"""What pages say of the work besides its state: how it is limited, how much there is, how it went of late."""

from __future__ import annotations

from collections.abc import Callable

from conftest import ConsoleService, Watch, until
from playwright.sync_api import Page


def test_a_node_says_how_it_calls(service: ConsoleService, open_console: Callable[..., Page]) -> None:
    page = open_console(service, "/runs/small/nodes/work")
    page.wait_for_selector(".node-page .line:has-text('function console.work · 64 at a time · retries 1')")
    # Tries that were begun, of those that the flow allows.
    row = page.locator("[data-grid=items] [role=row]")
    row.filter(has_text="sku-00007").get_by_text("2/2").wait_for()
    row.filter(has_text="sku-00006").get_by_text("1/2").wait_for()


def test_log_lines_are_counted_by_level_and_chosen_by_attempt(
    service: ConsoleService, open_console: Callable[..., Page]
) -> None:
    lines = service.read("/api/v1/runs/small/logs?limit=10000")["items"]
    grave = sum(line["level"] in ("warning", "error") for line in lines)
    second = sum(line.get("attempt") == 2 for line in lines)
    assert 0 < grave < len(lines) and 0 < second < len(lines)
    page = open_console(service, "/runs/small/logs")
    levels = page.get_by_label("The least grave level")
    levels.get_by_role("button", name=f"debug {len(lines)}", exact=True).wait_for()
    levels.get_by_role("button", name=f"warning {grave}", exact=True).click()
    page.get_by_text(f"{grave} of {len(lines)} lines match").wait_for()
    # What is not listed is still counted.
    levels.get_by_role("button", name=f"debug {len(lines)}", exact=True).click()
    page.get_by_label("Attempt").select_option("2")
    page.get_by_text(f"{second} of {len(lines)} lines match").wait_for()
    assert "attempt=2" in page.url


def test_a_function_tells_how_it_did_of_late(service: ConsoleService, open_console: Callable[..., Page]) -> None:
    page = open_console(service, "/functions/console.work")
    row = page.get_by_role("row", name="small work succeeded 29 1")
    row.wait_for()
    page.locator("section:has(#late) li", has_text="TimeoutError").get_by_role("link", name="small").click()
    page.wait_for_selector("[data-grid=items] a:has-text('sku-00007')")
    until(page, "document.querySelectorAll('[data-grid=items] a').length === 1")


def test_health_tells_what_was_verified_and_settings_what_the_doctor_says(
    own: ConsoleService, open_console: Callable[..., Page]
) -> None:
    page = open_console(own)
    health = page.locator(".health")
    health.get_by_role("link", name="not verified since ren began").click()
    page.get_by_role("button", name="Check every hash").click()
    page.wait_for_selector("h2:has-text('The journal is whole')")
    page.get_by_role("link", name="Home", exact=True).click()
    health.get_by_role("link", name="verified").wait_for()
    said = health.inner_text()
    assert "not verified" not in said and "free" in said and "last append" in said, said
    health.get_by_role("link", name="verified").click()
    page.wait_for_selector(".verify:has-text('verified')")
    page.evaluate("ren.router.go('/settings')")
    page.get_by_role("button", name="Is everything in order?").click()
    page.wait_for_selector(".facts-list:has-text('liblmdb'):has-text('is writable')")


def test_a_command_is_refused_when_its_preview_is_not_true_any_more(
    own: ConsoleService, open_console: Callable[..., Page], watch: list[Watch]
) -> None:
    run = own.begin("shop", {"count": 110})
    assert own.finish(run) == "succeeded"
    page = open_console(own, f"/runs/{run}")
    watch[-1].expected.append("409 (Conflict)")
    page.get_by_role("button", name="Retry all 2").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_text("2 items of work").wait_for()
    # Somebody else settles one of the two meanwhile.
    assert own.post(f"/api/v1/runs/{run}:skip", {"node": "work", "key": "sku-00007", "value": 1}).status == 202
    own.finish(run)
    dialog.get_by_role("button", name="Retry", exact=True).click()
    dialog.get_by_text("what is shown here was not true any more").wait_for()
    dialog.get_by_text("1 item of work").wait_for()
    reopened = [event for event in own.events(run) if event["type"] == "run.reopened"]
    dialog.get_by_role("button", name="Retry", exact=True).click()
    dialog.wait_for(state="hidden")
    assert len([event for event in own.events(run) if event["type"] == "run.reopened"]) == len(reopened) + 1


def test_what_waits_for_a_person_is_left_to_do(service: ConsoleService, open_console: Callable[..., Page]) -> None:
    page = open_console(service, "/runs/asks")
    page.wait_for_selector(".heatmap canvas")
    # The list and five items are done; the question and the export are not.
    assert page.evaluate("ren.page.store.progress") == {"done": 6, "total": 8}
    assert page.evaluate("[ren.page.store.unbegun, ren.page.store.inFlight]") == [2, 0]
    service.put("flow: waits\nnodes:\n  ask: {pause: {message: Go on?, signal: go}}\n")
    service.begin("waits", id="only-waits")
    service.until_node("only-waits", "ask", "waiting")
    page.evaluate("ren.router.go('/runs/only-waits')")
    page.get_by_role("progressbar", name="The run").wait_for()
    assert page.get_by_role("progressbar", name="The run").get_attribute("aria-valuenow") == "0"
    service.post("/api/v1/runs/only-waits:stop")
    service.finish("only-waits")


def test_a_fork_asks_whether_what_is_to_run_once_may_run_again(
    service: ConsoleService, open_console: Callable[..., Page]
) -> None:
    service.put(
        "flow: sends\ninput: {type: object, properties: {count: {type: integer}}}\n"
        "nodes:\n  send: {function: console.export, with: {count: {var: input.count}}, once: true}\n"
    )
    service.begin("sends", {"count": 1}, id="sent")
    assert service.finish("sent") == "succeeded"
    page = open_console(service, "/runs/sent/replay")
    form = page.locator(".fork")
    form.locator(".sets", has_text="Keeps its result").wait_for()
    page.get_by_text("Another input").click()
    form.get_by_label("count").fill("2")
    form.locator(".sets", has_text="Asks a person").wait_for()
    form.get_by_label("may run again although it is to run once").check()
    form.locator(".sets", has_text="Looked at again").wait_for()
    # It can be taken back.
    form.get_by_label("may run again although it is to run once").uncheck()
    form.locator(".sets", has_text="Asks a person").wait_for()
