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
    ("past-overview", "/runs/small?as_of={failed}", ".travel input[type=range]"),
    ("past-node", "/runs/small/nodes/work?as_of={failed}", "[data-grid=items] a"),
    ("past-item", "/runs/small/items/work/sku-00007?as_of={failed}", ".trace"),
    ("replay", "/runs/small/replay?as_of={failed}", ".preview .sets"),
    ("compare", "/runs/small/compare?with=forked", ".verdict"),
    ("compare-which", "/runs/small/compare", "form.filters"),
    ("flows", "/flows", "tbody tr"),
    ("flow", "/flows/shop?start=1", "form.start input"),
    ("expression", '/flows/shop?rule={{">":[{{"var":"a"}},1]}}&data={{"a":2}}', "table.steps"),
    ("functions", "/functions", "tbody tr"),
    ("function", "/functions/console.work", "form.panel"),
    ("workers", "/workers", "main table, main .empty"),
    ("journal", "/journal", "[data-grid=journal-events] [role=row]:nth-child(2)"),
    ("journal-size", "/journal?view=size", ".size table"),
    ("journal-verify", "/journal?view=verify", ".verify button"),
    ("settings", "/settings", "#facts"),
    ("missing", "/nothing", ".empty"),
]


def address_of(service: object, address: str) -> str:
    """With the events that only the journal knows."""
    events = service.events("small")
    failed = next(event["sequence"] for event in events if event["type"] == "item.attempt_failed")
    return address.format(first=events[0]["sequence"], failed=failed)


def go(page: Page, service: object, name: str) -> None:
    """Shows a page as a click on a link does: without loading the console again."""
    _, address, there = next(each for each in PAGES if each[0] == name)
    page.evaluate("(address) => ren.router.go(address)", address_of(service, address))
    page.wait_for_selector(there)
