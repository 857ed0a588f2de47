"""Every page, in both themes: it is there, nobody is shut out of it, and it asks nobody but ren."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from addresses import PAGES, go
from axe_playwright_python.sync_playwright import Axe
from conftest import SCREENSHOTS, ConsoleService, until
from playwright.sync_api import Page, Route

NAMES = [name for name, _, _ in PAGES]
WIDTHS = [360, 2560]


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found]


def test_every_page_is_for_everybody(service: ConsoleService, open_console: Callable[..., Page]) -> None:
    """axe finds nothing in either theme; a picture of each page is left for people to look at."""
    SCREENSHOTS.mkdir(exist_ok=True)
    page = open_console(service, color_scheme="light")
    found = {}
    for name in NAMES:
        go(page, service, name)
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            page.wait_for_timeout(150)  # what comes by itself is painted
            page.screenshot(path=SCREENSHOTS / f"{name}-{theme}.png", full_page=True)
            if problems := violations(page):
                found[f"{name}, {theme}"] = problems
    assert found == {}


def test_dialogs_are_for_everybody(own: ConsoleService, open_console: Callable[..., Page]) -> None:
    run = own.begin("shop", {"count": 50, "seconds": 30})
    own.until_node(run, "work", "running")
    page = open_console(own, f"/runs/{run}")
    page.wait_for_selector(".heatmap canvas")
    for name, key in [("pause", "p"), ("keys", "?"), ("palette", "Control+k")]:
        page.keyboard.press(key)
        page.wait_for_selector("dialog[open]")
        page.screenshot(path=SCREENSHOTS / f"dialog-{name}.png")
        assert violations(page) == [], name
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog[open]", state="detached")
    page.get_by_role("button", name="Stop").click()
    page.screenshot(path=SCREENSHOTS / "dialog-stop.png")
    assert violations(page) == []
    page.get_by_role("button", name="Stop the run").click()
    page.wait_for_selector("text=The run is stopping")
    assert own.finish(run) == "stopped"


def test_dialogs_of_what_failed_and_waits_are_for_everybody(
    service: ConsoleService, open_console: Callable[..., Page]
) -> None:
    page = open_console(service)
    for name, path, button in [
        ("retry", "/runs/small/items/work/sku-00007", "Retry"),
        ("skip", "/runs/small/items/work/sku-00007", "Skip…"),
        ("answer", "/runs/asks", "Answer…"),
        ("signal", "/runs/asks", "Signal"),
    ]:
        page.evaluate("(path) => ren.router.go(path)", path)
        page.get_by_role("button", name=button, exact=True).click()
        page.wait_for_selector("dialog[open]" + (" .sets" if name in ("retry", "skip") else ""))
        page.screenshot(path=SCREENSHOTS / f"dialog-{name}.png")
        assert violations(page) == [], name
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog[open]", state="detached")


def test_what_is_not_there_is_said(
    service: ConsoleService, open_console: Callable[..., Page], watch: list
) -> None:
    page = open_console(service)
    watch[-1].expected.append("status of 404")
    page.evaluate("ren.router.go('/runs/nothing')")
    page.wait_for_selector("[role=alert]:has-text('there is no run')")
    page.get_by_role("link", name="All runs").click()
    page.wait_for_selector("table.runs")
    page.evaluate("ren.router.go('/runs/small?as_of=999999999')")
    page.wait_for_selector("[role=alert]:has-text('there is no event')")
    page.get_by_role("link", name="The run as it is now").click()
    page.wait_for_selector(".heatmap canvas")
    page.evaluate("ren.router.go('/runs/small?as_of=then')")
    page.wait_for_selector("[role=alert]:has-text('“then” is no number of an event')")
    page.evaluate("ren.router.go('/runs/small/nodes/nothing')")
    page.wait_for_selector("[role=alert]:has-text('nothing')")
    assert page.locator("[role=alert]").count() == 1
    # An event of another run is none of this one, and what was wrong goes with its address.
    page.evaluate("ren.router.go('/runs/small/journal?seq=1')")
    page.wait_for_selector("[role=alert]:has-text('is none of this run')")
    page.get_by_label("Type").select_option("run.*")
    page.evaluate("ren.router.set({ seq: null })")
    page.wait_for_selector("[role=alert]", state="detached")
    # Filters that nothing can fit are refused, not forgotten.
    watch[-1].expected.append("status of 400")
    for address in ("/runs?status=zzz", "/runs/small/logs?level=zzz"):
        page.evaluate("(address) => ren.router.go(address)", address)
        page.wait_for_selector("[role=alert]:has-text('zzz')")


@pytest.mark.parametrize("width", WIDTHS)
def test_pages_fit_narrow_and_wide_windows(
    service: ConsoleService, open_console: Callable[..., Page], width: int
) -> None:
    page = open_console(service, viewport={"width": width, "height": 800})
    for name in NAMES:
        go(page, service, name)
        page.wait_for_timeout(50)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{name} is {wide} wide"
        if width == WIDTHS[0]:
            page.screenshot(path=SCREENSHOTS / f"{name}-{width}.png", full_page=True)


def test_pages_fit_at_200_percent_and_nothing_moves(
    service: ConsoleService, open_console: Callable[..., Page]
) -> None:
    """Twice the size is half the window (WCAG 1.4.4, 1.4.10); nothing moves for those who want it so."""
    page = open_console(
        service, viewport={"width": 640, "height": 450}, device_scale_factor=2, reduced_motion="reduce")
    for name in NAMES:
        go(page, service, name)
        assert page.evaluate("document.documentElement.scrollWidth") <= 640, name
        assert page.evaluate("document.getAnimations().length") == 0, name


def test_an_address_is_a_state(service: ConsoleService, open_console: Callable[..., Page]) -> None:
    """Loading an address anew shows what it showed."""
    page = open_console(service, "/runs/small/nodes/work?state=failed&q=sku-0000")
    page.wait_for_selector("[data-grid=items] a")
    assert page.locator("[data-grid=items] a").all_inner_texts() == ["sku-00007"]
    page.get_by_role("button", name="all 30").click()
    until(page, "!location.search.includes('state')")
    page.reload()
    until(page, "document.querySelectorAll('[data-grid=items] a').length === 10")
    page.get_by_role("searchbox").fill("sku-00012")
    until(page, "location.search.includes('q=sku-00012')")
    until(page, "document.querySelectorAll('[data-grid=items] a').length === 1")
    page.go_back()


def test_a_filter_that_fits_nothing_says_so(service: ConsoleService, open_console: Callable[..., Page]) -> None:
    page = open_console(service, "/runs/small/nodes/work?q=nothing")
    page.wait_for_selector("text=0 of 30 items fit the filter")
    page.get_by_role("link", name="Clear it").click()
    page.wait_for_selector("[data-grid=items] a")
    page.evaluate("ren.router.go('/runs/small/logs?q=nothing')")
    page.wait_for_selector(r"text=/^0 of \d+ lines match$/")
    page.evaluate("ren.router.go('/runs?status=quarantined')")
    page.wait_for_selector("text=No run fits the filter")


def test_without_a_link_there_is_no_data(service: ConsoleService, browser: object, watch: list) -> None:
    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{service.address}/runs/small")
    page.wait_for_selector("text=This page needs a link from ren")
    assert [url for url in asked if "/api/" in url] == []
    page.get_by_label("Or paste the token").fill("wrong" * 10)
    page.get_by_role("button", name="Enter").click()
    page.wait_for_selector("text=the token is not the one of this ren")
    page.get_by_label("Or paste the token").fill(service.token)
    page.get_by_role("button", name="Enter").click()
    page.wait_for_selector("h1:has-text('small')")
    # Another tab of the same console gets it from this one.
    other = context.new_page()
    other.goto(f"{service.address}/flows")
    other.wait_for_selector("tbody tr")
    context.close()


def test_a_link_works_once(service: ConsoleService, open_console: Callable[..., Page], browser: object) -> None:
    code = service.post("/api/v1/links").json["code"]
    service.post("/api/v1/session", {"code": code})
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{service.address}/#code={code}")
    page.wait_for_selector("text=the code was used")
    context.close()


def test_a_cross_site_link_leads_to_a_page(service: ConsoleService, browser: object) -> None:
    """From a page of another origin: the console opens, and asks for its own link."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"data:text/html,<a href='{service.address}/runs/small?by=ms'>the run</a>")
    page.get_by_role("link").click()
    page.wait_for_selector("text=This page needs a link from ren")
    context.close()


@pytest.mark.parametrize("name", ["runs", "node"])
def test_enter_means_what_has_the_focus(
    service: ConsoleService, open_console: Callable[..., Page], name: str
) -> None:
    """Also on pages where Enter opens the row that is marked."""
    page = open_console(service)
    go(page, service, name)
    page.get_by_role("button", name="Keys").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Flows", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/flows")


def test_focus_stays_on_the_page_when_its_place_goes(own: ConsoleService, open_console: Callable[..., Page]) -> None:
    own.mark("held")
    run = own.begin("shop", {"count": 100, "seconds": 0.01})
    page = open_console(own, f"/runs/{run}")
    page.get_by_role("button", name="Stop", exact=True).focus()
    own.post(f"/api/v1/runs/{run}:stop", {"mode": "now"})
    page.wait_for_selector(".run-head .badge:has-text('stopped')")
    assert page.evaluate("document.activeElement.id") == "main"


def test_an_answer_that_comes_late_leaves_another_dialog_alone(
    own: ConsoleService, open_console: Callable[..., Page], watch: list
) -> None:
    own.mark("held")
    run = own.begin("shop", {"count": 100, "seconds": 0.01})
    page = open_console(own, f"/runs/{run}")
    held: list[Route] = []
    page.route("**:pause", lambda route: held.append(route))
    page.get_by_role("button", name="Pause", exact=True).click()
    page.locator("dialog").get_by_role("button", name="Pause", exact=True).click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Stop", exact=True).click()
    own.post(f"/api/v1/runs/{run}:stop", {"mode": "now"})
    own.finish(run)
    # Refused by now: that is said, and the other dialog stays.
    watch[-1].expected.append("status of 409")
    held[0].continue_()
    page.wait_for_selector(".toast:has-text('stopped')")
    assert page.locator("dialog h2").inner_text().startswith("Stop")
