"""What pages say of the work besides its state: how it is limited, how much there is, how it went of late."""

from __future__ import annotations

from collections.abc import Callable

from conftest import ConsoleService, Watch, until
from playwright.sync_api import Page, Route
from service import wait_for


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


def test_nothing_is_retried_before_it_is_told_what_that_does(
    own: ConsoleService, open_console: Callable[..., Page]
) -> None:
    run = own.begin("shop", {"count": 110})
    assert own.finish(run) == "succeeded"
    page = open_console(own, f"/runs/{run}/nodes/work?state=failed")
    held: list[Route] = []
    page.route("**:retry?dry_run=true", lambda route: held.append(route))
    page.wait_for_selector("[data-grid=items] a")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("R")
    button = page.locator("dialog[open]").get_by_role("button", name="Retry", exact=True)
    button.wait_for()
    wait_for("the question what it does", lambda: held or page.wait_for_timeout(20))
    assert button.is_disabled()
    held[0].continue_()
    page.unroute("**:retry?dry_run=true")
    own.mark("healed")
    button.click()
    # What was chosen is retried: it is not chosen any more.
    page.get_by_role("button", name="Retry 1 failed").wait_for()


def test_a_stopped_run_goes_on(own: ConsoleService, open_console: Callable[..., Page]) -> None:
    own.mark("healed")
    own.mark("held")
    run = own.begin("shop", {"count": 200, "seconds": 0.01})
    wait_for("some items", lambda: own.read(f"/api/v1/runs/{run}/nodes/work").get("succeeded", 0) > 10)
    own.post(f"/api/v1/runs/{run}:stop")
    assert own.finish(run) == "stopped"
    own.mark("held", there=False)
    node = own.read(f"/api/v1/runs/{run}/nodes/work")
    page = open_console(own, f"/runs/{run}")
    page.get_by_role("button", name="Go on…").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_text(f"{node['cancelled']} item").wait_for()
    if node["pending"]:
        dialog.get_by_text(f"{node['pending']} item").wait_for()
    dialog.get_by_role("button", name="Go on", exact=True).click()
    page.wait_for_selector(".run-head .badge:has-text('succeeded')")


def test_the_selected_item_stands_in_the_address(service: ConsoleService, open_console: Callable[..., Page]) -> None:
    page = open_console(service, "/runs/small/nodes/work")
    page.wait_for_selector("[data-grid=items] a")
    for _ in range(4):
        page.keyboard.press("j")
    page.wait_for_url("**?at=3")
    page.reload()
    selected = page.locator("[data-grid=items] [aria-selected=true]")
    selected.get_by_text("sku-00003").wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url("**/items/work/sku-00003")
    page.go_back()
    selected.get_by_text("sku-00003").wait_for()
    # A stretch drawn on the map of the overview is where the list begins.
    page.evaluate("ren.router.go('/runs/small')")
    box = page.locator(".heatmap canvas").bounding_box()
    page.mouse.move(box["x"] + 20 * 16 + 8, box["y"] + 8)
    page.mouse.down()
    page.mouse.move(box["x"] + 24 * 16 + 8, box["y"] + 8)
    page.mouse.up()
    page.wait_for_url("**/nodes/work?at=20")
    selected.get_by_text("sku-00020").wait_for()


def test_a_fork_tells_of_kept_items_what_the_parent_did(
    service: ConsoleService, open_console: Callable[..., Page]
) -> None:
    last = [event["sequence"] for event in service.events("small") if event["type"] == "item.succeeded"][-1]
    fork = service.post("/api/v1/runs/small:fork", {"at": last}).json["run"]
    service.finish(fork)
    page = open_console(service, f"/runs/{fork}/items/work/sku-00000")
    page.wait_for_selector("dd:has-text('small/work/sku-00000')")
    page.wait_for_selector("[aria-label='Log of the attempt'] :text('reads')")


def test_an_event_of_another_run_is_a_time(service: ConsoleService, open_console: Callable[..., Page]) -> None:
    events = [event["sequence"] for event in service.events("small")]
    other = next(event["sequence"] for event in service.events("asks") if event["sequence"] > events[0] + 2)
    own = max(sequence for sequence in events if sequence <= other)
    page = open_console(service, f"/runs/small/replay?as_of={other}")
    page.locator(".travel a").get_by_text(f"event {own}", exact=True).wait_for()
    # What it changed is told of this run's event: its links lead into this run.
    page.locator("section:has(#changed) .loading").wait_for(state="detached")
    shown = page.locator("section:has(#changed)").inner_text()
    for change in service.read(f"/api/v1/journal/events/{own}/changes")["changes"]:
        assert change["path"].split(".")[0] in shown, shown


def test_the_journal_is_read_for_one_item(service: ConsoleService, open_console: Callable[..., Page]) -> None:
    page = open_console(service, "/runs/small/items/work/sku-00007")
    page.get_by_role("link", name="Open in Journal").click()
    page.wait_for_url("**/journal?node=work&item=sku-00007")
    wanted = [event for event in service.events("small") if event.get("key") == "sku-00007"]
    page.wait_for_selector(f"text=/^{len(wanted)} of [0-9]+ events fit/")
    page.get_by_placeholder("Key of an item").fill("sku-00008")
    page.wait_for_selector("text=/^2 of [0-9]+ events fit/")
    # What the filter hides is said to be hidden.
    page.evaluate("(seq) => ren.router.set({ seq })", wanted[0]["sequence"])
    page.wait_for_selector("text=is not among those that fit the filter")


def test_a_pause_tells_how_long_calls_may_take(own: ConsoleService, open_console: Callable[..., Page]) -> None:
    own.put("""
flow: slow
nodes:
  hold: {function: console.gate, with: {path: never}, timeout: 2m}
""")
    run = own.begin("slow")
    own.until_node(run, "hold", "running")
    page = open_console(own, f"/runs/{run}")
    page.get_by_role("button", name="Pause", exact=True).click()
    page.get_by_text("1 call in flight will finish (hold: at most 2m).").wait_for()


def test_what_nobody_knows_waits_for_a_person(own: ConsoleService, open_console: Callable[..., Page]) -> None:
    own.put("""
flow: careful
nodes:
  pay: {function: console.gate, with: {path: never}, once: true}
""")
    run = own.begin("careful")
    own.until_node(run, "pay", "running")
    own.kill()
    own.start()
    own.until_node(run, "pay", "unknown")
    page = open_console(own)
    need = page.locator("section:has(#needs)")
    need.get_by_text("nobody knows whether it was done").wait_for()
    need.get_by_role("link", name="Look").click()
    page.wait_for_url(f"**/runs/{run}/nodes/pay")
    page.evaluate("(run) => ren.router.go(`/runs/${run}`)", run)
    page.get_by_text("whether it was done only a person can tell").wait_for()
