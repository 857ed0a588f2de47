"""Offers a service with runs to look at, and pages of a real browser that know its token.

Every page is watched: an error or warning in its console, a script that failed, or a request to anywhere but the
service under test fails the test.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "ServiceTests"))

from service import Service, wait_for  # noqa: E402

SECONDS = 15
SCREENSHOTS = HERE / "screenshots"


def until(page: Page, condition: str, seconds: float = SECONDS) -> None:
    """Asks the page until the condition holds.

    Playwright's own `wait_for_function` evaluates text in the page again and again, which the console forbids.
    """
    wait_for(condition, lambda: page.evaluate(condition), seconds)


class ConsoleService(Service):
    """The service with this folder's functions and flows."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        shutil.copytree(HERE / "functions", folder / "functions", dirs_exist_ok=True)

    def mark(self, name: str, there: bool = True) -> None:
        """`healed`: what failed works from here on; `held`: the last of every hundred items go on while it is there."""
        path = self.folder / "functions" / name
        path.touch() if there else path.unlink()

    def start(self, **more: object) -> ConsoleService:
        super().start(**more)
        if not self.read("/api/v1/flows")["items"]:
            for flow in sorted((HERE / "flows").glob("*.yaml")):
                self.put(flow.read_text())
        return self


def served(folder: Path) -> Iterator[ConsoleService]:
    made = ConsoleService(folder)
    try:
        made.start()
    except BaseException:
        made.end()
        raise
    yield made
    if made.process:
        assert made.stop() == 0, made.output.read_text()[-2000:]


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleService]:
    """With one run of each kind that pages show: `small` (30 items, one failed), its fork, `asks`, `hostile`."""
    for made in served(tmp_path_factory.mktemp("console")):
        made.begin("shop", {"count": 30}, id="small")
        made.begin("shop", {"count": 5, "review": True}, id="asks")
        made.begin("hostile", id="hostile")
        assert made.finish("small") == "succeeded" and made.finish("hostile") == "succeeded"
        made.until_node("asks", "review", "waiting")
        opened = next(event["sequence"] for event in made.events("small") if event["type"] == "map.opened")
        fork = {"at": opened, "id": "forked", "set": {"input.seconds": 0.01}}
        assert made.post("/api/v1/runs/small:fork", fork).status == 201
        assert made.finish("forked") == "succeeded"
        yield made


@pytest.fixture
def own(tmp_path: Path) -> Iterator[ConsoleService]:
    yield from served(tmp_path)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    assert program, "no Chromium: `Tools/prepare --tests` installs it"
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield made
        made.close()


class Watch:
    """What a page did that it should not."""

    def __init__(self, authority: str) -> None:
        self.authority = authority
        self.seen: list[str] = []
        #: While the service is away its requests fail, and the browser says so.
        self.is_service_away = False
        #: Parts of what the browser says of refusals that the test is about.
        self.expected: list[str] = []

    def context(self, context: BrowserContext) -> None:
        context.on("request", lambda request: self.requested(request.url))
        context.on("page", self.page)

    def page(self, page: Page) -> None:
        page.on("console", lambda message: self.said(message.type, message.text))
        page.on("pageerror", lambda error: self.seen.append(f"script failed: {error}"))
        page.on("websocket", lambda socket: self.requested(socket.url))

    def requested(self, url: str) -> None:
        scheme, _, rest = url.partition("://")
        if scheme in ("http", "https", "ws", "wss") and rest.split("/")[0] != self.authority:
            self.seen.append(f"request to {url}")

    def said(self, kind: str, text: str) -> None:
        is_expected = self.is_service_away or any(part in text for part in self.expected)
        if kind in ("error", "warning") and not is_expected:
            self.seen.append(f"console {kind}: {text}")


@pytest.fixture
def watch() -> Iterator[list[Watch]]:
    watches: list[Watch] = []
    yield watches
    assert [seen for each in watches for seen in each.seen] == []


@pytest.fixture
def open_console(browser: Browser, watch: list[Watch]) -> Iterator[Callable[..., Page]]:
    """Opens the console of a service as `ren open` does: by a link that works once."""
    contexts: list[BrowserContext] = []

    def open_page(service: Service, path: str = "/", **options: object) -> Page:
        options = {"viewport": {"width": 1280, "height": 900}} | options
        context = browser.new_context(**options)
        contexts.append(context)
        watched = Watch(service.authority)
        watched.context(context)
        watch.append(watched)
        page = context.new_page()
        page.set_default_timeout(SECONDS * 1000)
        code = service.post("/api/v1/links").json["code"]
        page.goto(f"{service.address}{path}#code={code}")
        until(page, "globalThis.ren?.api.token && location.hash === ''")
        return page

    yield open_page
    for context in contexts:
        context.close()
