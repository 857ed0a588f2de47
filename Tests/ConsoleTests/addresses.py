"""The pages of the console, and what is on each of them when it is there."""

from __future__ import annotations

from playwright.sync_api import Page

#: Name, address, and a selector of what comes last.
PAGES = [
    ("home", "/", "#health"),
    ("runs", "/runs", "table.runs tbody tr"),
    ("overview", "/runs/small", ".heatmap canvas"),
    ("waiting", "/runs/asks", "a.node.ask"),
    ("node", "/runs/small/nodes/work?state=failed", "[data-grid=items] a"),
    ("plain-node", "/runs/small/nodes/export", ".json"),
    ("item", "/runs/small/items/work/sku-00007", ".trace"),
    ("timeline", "/runs/small/timeline", ".timeline canvas"),
    ("logs", "/runs/small/logs", "[data-grid=log] .log-row"),
    ("run-journal", "/runs/small/journal?seq={first}", ".hashes"),
    ("flows", "/flows", "tbody tr"),
    ("flow", "/flows/shop?start=1", "form.start input"),
    ("functions", "/functions", "tbody tr"),
    ("function", "/functions/console.work", "form.panel"),
    ("workers", "/workers", "main table, main .empty"),
    ("journal", "/journal", "[data-grid=journal-events] [role=row]:nth-child(2)"),
    ("settings", "/settings", "#facts"),
    ("missing", "/nothing", ".empty"),
]


def go(page: Page, service: object, name: str) -> None:
    """Shows a page as a click on a link does: without loading the console again."""
    _, address, there = next(each for each in PAGES if each[0] == name)
    if "{first}" in address:
        address = address.format(first=service.read("/api/v1/runs/small")["first"])
    page.evaluate("(address) => ren.router.go(address)", address)
    page.wait_for_selector(there)
