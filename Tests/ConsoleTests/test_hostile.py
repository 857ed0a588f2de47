"""What functions say and give is text, whatever is in it."""

from __future__ import annotations

from collections.abc import Callable

from conftest import ConsoleService
from playwright.sync_api import Page

ADDRESSES = [
    "/runs/hostile",
    "/runs/hostile/nodes/each",
    "/runs/hostile/nodes/fails",
    "/runs/hostile/logs",
    "/runs/hostile/journal",
    "/journal",
    "/",
]


def test_nothing_of_it_runs_or_becomes_an_element(service: ConsoleService, open_console: Callable[..., Page]) -> None:
    page = open_console(service)
    items = [item["key"] for item in service.read("/api/v1/runs/hostile/nodes/each/items")["items"]]
    assert "<b>script</b>" in items
    paths = ADDRESSES + [f"/runs/hostile/items/each/{key.replace('/', '%2F')}" for key in items]
    for path in paths:
        page.evaluate("(path) => ren.router.go(path)", path)
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(300)
        assert page.evaluate("globalThis.hacked") is None, path
        assert page.locator("main img, main b, main script").count() == 0, path


def test_it_is_shown_as_text(service: ConsoleService, open_console: Callable[..., Page]) -> None:
    page = open_console(service, "/runs/hostile/logs")
    page.wait_for_selector("[data-grid=log] .log-row")
    log = page.locator("[data-grid=log]")
    assert "<script>window.hacked = true</script>" in log.inner_text()
    # Colours are colours; a title or a cleared screen is nothing here.
    assert log.locator(".ansi-red").inner_text() == "red"
    assert "cleared" in log.inner_text() and "\x1b" not in log.inner_text()
    # Marks that would turn the line round are named.
    assert "abc ⟨U+202E⟩ gnp.exe" in log.inner_text()
    assert "three⟨00⟩four⟨07⟩" in log.inner_text()


def test_a_line_of_a_megabyte_does_not_hold_up_the_page(
    service: ConsoleService, open_console: Callable[..., Page]
) -> None:
    page = open_console(service, "/runs/hostile/logs?node=each&item=%3Cb%3Elong%3C%2Fb%3E")
    page.wait_for_selector("[data-grid=log] .log-row")
    longest = page.evaluate("Math.max(...[...document.querySelectorAll('main *')].map((e) => e.textContent.length))")
    assert longest < 50_000
    page.locator("[data-grid=log] .log-row").first.click()
    page.wait_for_selector(".detail pre")
    began = page.evaluate("performance.now()")
    page.keyboard.press("w")
    page.wait_for_selector(".log .log-line")
    assert page.evaluate("performance.now()") - began < 2000


def test_text_cannot_become_html(
    service: ConsoleService, open_console: Callable[..., Page], watch: list
) -> None:
    """The browser itself refuses: Trusted Types are required and there is no policy."""
    page = open_console(service)
    watch[-1].expected.append("requires 'TrustedHTML' assignment")
    refused = "() => { try { document.body.innerHTML = '<b>'; return 'taken' } catch (error) { return error.name } }"
    assert page.evaluate(refused) == "TypeError"


def test_items_named_as_steps_of_a_path_open(own: ConsoleService, open_console: Callable[..., Page]) -> None:
    """Browsers take `.` and `..` out of any path, also when they are encoded."""
    own.put(
        "flow: dots\ninput: {type: object}\nnodes:\n  each: {each: {var: input.keys}, key: {var: item}, "
        "function: console.export, with: {count: {var: index}}}\n"
    )
    own.begin("dots", {"keys": [".", ".."]}, id="dots")
    assert own.finish("dots") == "succeeded"
    for key in [".", ".."]:
        page = open_console(own, "/runs/dots/nodes/each")
        page.locator(f"[data-grid=items] a[href$='key={key}']").click()
        page.wait_for_selector(".item-page h2")
        assert page.locator(".item-page h2").first.inner_text() == key
        page = open_console(own, page.url.removeprefix(own.address))
        page.wait_for_selector(".item-page h2")
        assert page.locator(".item-page h2").first.inner_text() == key
