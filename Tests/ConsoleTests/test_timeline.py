"""The timeline of a run: areas while there are many items, bars while they are few, and nothing of the future."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from conftest import ConsoleService, until
from playwright.sync_api import Locator, Page

#: Of the drawing, in pixels: the axis, a row of a node, and a row of areas.
AXIS, ROW, AREA = 22, 46, 64


def opened(page: Page, address: str) -> Locator:
    page.evaluate("(address) => ren.router.go(address)", address)
    canvas = page.locator(".timeline canvas")
    canvas.wait_for()
    until(page, "document.querySelector('.timeline canvas').height > 100")
    return canvas


def coloured(page: Page, x: int, y: int, width: int, height: int) -> set[str]:
    """Which colours of the stylesheet are in a part of the drawing."""
    return set(
        page.evaluate(
            """([x, y, width, height]) => {
                const copy = document.createElement("canvas");
                [copy.width, copy.height] = [width, height];
                const context = copy.getContext("2d", { willReadFrequently: true });
                context.drawImage(document.querySelector(".timeline canvas"), -x, -y);
                const data = context.getImageData(0, 0, width, height).data;
                const probe = document.createElement("span");
                document.body.append(probe);
                const found = ["go", "bad", "warn", "ask"].filter((name) => {
                    probe.style.color = `var(--cell-${name})`;
                    const [r, g, b] = getComputedStyle(probe).color.match(/[0-9]+/g).map(Number);
                    for (let at = 0; at < data.length; at += 4) {
                        const isIt = data[at] === r && data[at + 1] === g && data[at + 2] === b;
                        if (isIt && data[at + 3] > 250) return true;
                    }
                    return false;
                });
                probe.remove();
                return found;
            }""",
            [x, y, width, height],
        )
    )


def test_few_items_have_bars_and_a_click_opens_one(
    service: ConsoleService, open_console: Callable[..., Page]
) -> None:
    page = open_console(service, color_scheme="light")
    canvas = opened(page, "/runs/small/timeline")
    timeline = service.read("/api/v1/runs/small/timeline")
    work = next(lane for lane in timeline["lanes"] if lane["node"] == "work")
    place = next(place for place, bar in enumerate(work["bars"]) if bar["key"] == "sku-00007")
    assert [span["kind"] for span in work["bars"][place]["spans"]][:2] == ["attempt", "retry_wait"]
    box = canvas.bounding_box()
    # `list` and the areas of `work` stand above its items.
    assert [lane["node"] for lane in timeline["lanes"]][:2] == ["list", "work"]
    top = AXIS + ROW + AREA + place * 16
    assert coloured(page, 150, top, int(box["width"]) - 150, 16) >= {"bad", "warn"}
    page.mouse.move(box["x"] + 60, box["y"] + top + 8)
    page.wait_for_selector(".timeline .tip:has-text('sku-00007')")
    page.mouse.click(box["x"] + 60, box["y"] + top + 8)
    page.wait_for_selector(".item-page")
    assert page.url.endswith("/runs/small/items/work/sku-00007")


def test_a_node_s_bar_opens_the_node(service: ConsoleService, open_console: Callable[..., Page]) -> None:
    page = open_console(service, color_scheme="light")
    box = opened(page, "/runs/asks/timeline").bounding_box()
    lanes = service.read("/api/v1/runs/asks/timeline")["lanes"]
    assert [lane["node"] for lane in lanes] == ["list", "work", "review"]
    y = AXIS + ROW + AREA + len(lanes[1]["bars"]) * 16 + 4 + ROW / 2
    assert coloured(page, 400, int(y) - 12, 400, 24) == {"ask"}, "it waits for a signal"
    page.mouse.click(box["x"] + 500, box["y"] + y)
    page.wait_for_url("**/runs/asks/nodes/review")


def test_the_items_are_there_without_a_pointer(service: ConsoleService, open_console: Callable[..., Page]) -> None:
    page = open_console(service, "/runs/small/timeline")
    summary = page.get_by_text("30 items in this stretch")
    summary.focus()
    page.keyboard.press("Enter")
    row = page.get_by_role("row", name="sku-00007")
    assert "attempt 1 failed, waits to be tried again after attempt 1" in row.inner_text()
    row.get_by_role("link").press("Enter")
    page.wait_for_url("**/runs/small/items/work/sku-00007")


@pytest.mark.parametrize("width", [400, 1280])
def test_many_items_are_areas_until_they_are_zoomed(
    own: ConsoleService, open_console: Callable[..., Page], width: int
) -> None:
    run = own.begin("shop", {"count": 400, "seconds": 0.2})
    assert own.finish(run) == "succeeded"
    page = open_console(own, color_scheme="light", viewport={"width": width, "height": 900})
    canvas = opened(page, f"/runs/{run}/timeline")
    assert page.get_by_text("items in this stretch").count() == 0
    page.wait_for_selector(".legend:has-text('where fewer than 200 items are at work')")
    label = 90 if width < 600 else 150
    box = canvas.bounding_box()
    assert coloured(page, label, AXIS + ROW, int(box["width"]) - label, AREA) >= {"go", "bad"}
    # A twentieth of the run: 64 items at once, and a few that follow.
    inside = box["width"] - label
    page.mouse.move(box["x"] + label + inside * 0.5, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + label + inside * 0.55, box["y"] + 100, steps=3)
    page.mouse.up()
    page.wait_for_selector("summary:has-text('items in this stretch')")
    assert "from=" in page.url and page.locator(".legend:has-text('click a bar')").count() == 1
    high = canvas.bounding_box()["height"]
    assert high > AXIS + AREA + 64 * 4
    assert coloured(page, label, AXIS + AREA, int(inside), int(high) - AXIS - AREA) >= {"go"}
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_nothing_behind_the_event_is_drawn(service: ConsoleService, open_console: Callable[..., Page]) -> None:
    """Events of the same millisecond come behind it: the address says which one is meant."""
    asked: list[str] = []
    page = open_console(service)
    page.on("request", lambda request: asked.append(request.url))
    events = service.events("small")
    opened_at = next(event["sequence"] for event in events if event["type"] == "map.opened")
    opened(page, f"/runs/small/timeline?as_of={opened_at + 1}")
    began = page.get_by_role("row", name="work").locator("td").nth(3)
    assert began.inner_text() == "1"
    page.evaluate("(address) => ren.router.go(address)", f"/runs/small?as_of={events[-1]['sequence']}")
    page.wait_for_selector(".sparkline")
    timelines = [url for url in asked if "/timeline" in url]
    assert timelines and all("as_of=" in url for url in timelines)
