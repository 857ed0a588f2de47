"""What people write into forms is sent as they wrote it."""

from __future__ import annotations

from collections.abc import Callable

from conftest import ConsoleService
from playwright.sync_api import Page

#: Beyond what a number of JavaScript holds exactly.
HUGE = 12345678901234567
FLOW = """
flow: huge
input:
  type: object
  required: [number]
  properties: {number: {type: integer}, note: {type: string}, more: {type: object}}
nodes:
  export: {function: console.export, with: {count: 1}}
output: {var: input}
"""


def test_whole_numbers_are_sent_and_shown_exactly(own: ConsoleService, open_console: Callable[..., Page]) -> None:
    own.put(FLOW)
    page = open_console(own, "/flows/huge")
    page.get_by_role("button", name="Start a run").click()
    page.get_by_label("number").fill(str(HUGE))
    page.get_by_label("more").fill(f'{{"deep": {HUGE + 1}, "half": 1.5}}')
    page.get_by_role("button", name="Write it as JSON").click()
    page.get_by_role("button", name="Write it in fields").click()
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_selector(".run-head .badge:has-text('succeeded')")
    run = page.url.rsplit("/", 1)[1]
    wanted = {"number": HUGE, "more": {"deep": HUGE + 1, "half": 1.5}}
    assert own.read(f"/api/v1/runs/{run}/result") == wanted
    page.get_by_role("link", name="input", exact=True).click()
    for number in (HUGE, HUGE + 1):
        page.wait_for_selector(f".json .literal:text-is('{number}')")
    # A fork keeps what nobody changed.
    page.evaluate("ren.router.go(location.pathname.replace('/journal', '/replay'))")
    page.locator(".fork summary").first.click()
    page.get_by_label("note").fill("again")
    page.get_by_role("button", name="Fork").click()
    page.wait_for_selector("text=forked from")
    fork = page.url.rsplit("/", 1)[1]
    own.finish(fork)
    assert own.read(f"/api/v1/runs/{fork}/result") == wanted | {"note": "again"}


def test_json_becomes_fields_only_as_a_whole(own: ConsoleService, open_console: Callable[..., Page]) -> None:
    own.put(FLOW)
    page = open_console(own, "/flows/huge")
    page.get_by_role("button", name="Start a run").click()
    page.get_by_label("note").fill("kept")
    # What is missing is no reason to stay in the fields.
    page.get_by_role("button", name="Write it as JSON").click()
    text = page.get_by_label("JSON", exact=True)
    assert '"note": "kept"' in text.input_value()
    for given, said in [
        ('{"number": 1, "extra": 2}', "no field that holds extra"), ('{"number": "one"}', "no field that holds number"),
        ("{", "no JSON"), ("[]", "no object"),
    ]:
        text.fill(given)
        page.get_by_role("button", name="Write it in fields").click()
        page.wait_for_selector(f"[role=alert]:has-text('{said}')")
        assert text.input_value() == given
    text.fill('{"number": 7}')
    page.get_by_role("button", name="Write it in fields").click()
    assert page.get_by_label("number").input_value() == "7"
    assert page.get_by_label("note").input_value() == ""


def test_what_is_null_stays_null(own: ConsoleService, open_console: Callable[..., Page]) -> None:
    own.put("""
flow: nulls
input:
  type: object
  properties:
    limit: {type: [integer, "null"], default: null}
    flag: {type: [boolean, "null"], default: null}
    word: {type: [string, "null"], default: null}
nodes:
  export: {function: console.export, with: {count: 1}}
output: {var: input}
""")
    page = open_console(own, "/flows/nulls?start=1")
    page.get_by_label("limit").wait_for()
    page.get_by_role("button", name="Write it as JSON").click()
    page.get_by_role("button", name="Write it in fields").click()
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_selector(".run-head .badge:has-text('succeeded')")
    run = page.url.rsplit("/", 1)[1]
    assert own.read(f"/api/v1/runs/{run}/result") == {"limit": None, "flag": None, "word": None}
    # Nor does a fork change what nobody wrote.
    page.evaluate("ren.router.go(location.pathname + '/replay')")
    with page.expect_request("**:fork?dry_run=true") as asked:
        page.wait_for_selector(".fork .preview")
    assert "set" not in asked.value.post_data_json


def test_a_fork_has_what_its_form_says(own: ConsoleService, open_console: Callable[..., Page]) -> None:
    own.put(FLOW)
    own.begin("huge", {"number": 1, "note": "old", "more": {"a": 1}}, id="whole")
    assert own.finish("whole") == "succeeded"
    page = open_console(own, "/runs/whole/replay")
    form = page.locator(".fork")
    form.locator("summary").first.click()
    preview = page.expect_request("**:fork?dry_run=true")
    with preview as asked:
        form.get_by_label("note").fill("")
    assert asked.value.post_data_json["set"] == {"input": {"number": 1, "more": {"a": 1}}}
    # What is no number is said, though the browser keeps it to itself.
    form.get_by_label("number").fill("")
    form.get_by_label("number").press_sequentially("-")
    form.get_by_text("number is no number").wait_for()
    form.get_by_label("number").fill("1")
    form.get_by_role("button", name="Write it as JSON").click()
    with page.expect_request("**:fork?dry_run=true") as asked:
        form.get_by_label("JSON", exact=True).fill('{"number": 2, "extra": [1]}')
    wanted = {"number": 2, "extra": [1]}
    assert asked.value.post_data_json["set"] == {"input": wanted}
    # A closed part of the form does not hold up the rest.
    form.locator("summary").first.click()
    form.get_by_role("button", name="Fork").click()
    page.wait_for_selector("text=forked from")
    fork = page.url.rsplit("/", 1)[1]
    own.finish(fork)
    assert own.read(f"/api/v1/runs/{fork}/result") == wanted
    # What no field holds is shown as JSON at once: fields would lose it.
    page.evaluate("ren.router.go(location.pathname + '/replay')")
    form.locator("summary").first.click()
    assert '"extra"' in form.get_by_label("JSON", exact=True).input_value()


def test_a_number_too_large_is_refused(own: ConsoleService, open_console: Callable[..., Page]) -> None:
    own.put(FLOW)
    page = open_console(own, "/flows/huge?start=1")
    page.get_by_label("number").fill("1")
    page.get_by_label("more").fill('{"a": 1e400}')
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_selector("[role=alert]:has-text('1e400 is too large')")
