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
