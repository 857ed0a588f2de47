"""A page of another origin, in a real browser: it can neither read, nor write, nor open a stream."""

from __future__ import annotations

import functools
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from service import Service

SECONDS = 5


class PageServer(BaseHTTPRequestHandler):
    """An empty page, and a service without any gate: what it is sent shows what the browser lets through."""

    taken: list[tuple[str, str]]

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer()

    def answer(self) -> None:
        type(self).taken.append((self.command, self.path))
        body = b"<!doctype html><title>elsewhere</title><p>hello"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Access-Control-Allow-Origin", "*")
        if self.path == "/sandboxed":  # its origin is `null`
            self.send_header("Content-Security-Policy", "sandbox allow-scripts allow-forms")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Elsewhere:
    def __init__(self) -> None:
        self.handler = type("Handler", (PageServer,), {"taken": []})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler)
        self.port = self.server.server_address[1]
        self.taken = self.handler.taken
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Elsewhere]:
    made = Elsewhere()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="module")
def ungated() -> Iterator[Elsewhere]:
    made = Elsewhere()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    assert program, "no Chromium: `Tools/prepare --tests` installs it"
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(
            executable_path=program,
            args=["--no-sandbox", "--host-resolver-rules=MAP evil.test 127.0.0.1, MAP *.evil.test 127.0.0.1"],
        )
        yield made
        made.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    made = context.new_page()
    made.set_default_timeout(SECONDS * 1000)
    yield made
    context.close()


# What a page may try. Each gives back what it got, or `refused`. Even with the right token there is no way.
ATTACKS = {
    "read": """async ({ren}) => (await fetch(ren + '/api/v1/runs')).text()""",
    "read an open resource": """async ({ren}) => (await fetch(ren + '/health/live')).text()""",
    "read with the token": """async ({ren, token}) =>
        (await fetch(ren + '/api/v1/runs', {headers: {Authorization: 'Bearer ' + token}})).text()""",
    "read blindly": """async ({ren}) =>
        (await (await fetch(ren + '/api/v1/runs', {mode: 'no-cors'})).text()) || 'refused'""",
    "write JSON": """async ({ren, token}) => (await fetch(ren + '/api/v1/flows/echo/runs', {method: 'POST', body: '{}',
        headers: {Authorization: 'Bearer ' + token, 'Content-Type': 'application/json'}})).text()""",
    "write text": """async ({ren}) =>
        (await fetch(ren + '/api/v1/flows/echo/runs', {method: 'POST', body: '{}'})).text()""",
    "write text blindly": """async ({ren}) => (await (await fetch(ren + '/api/v1/flows/echo/runs',
        {method: 'POST', mode: 'no-cors', body: '{}'})).text()) || 'refused'""",
    "write with a beacon": """async ({ren}) => {
        navigator.sendBeacon(ren + '/api/v1/flows/echo/runs', new Blob(['{}'], {type: 'text/plain'}));
        return 'refused' }""",
    "replace a flow": """async ({ren, token}) => (await fetch(ren + '/api/v1/flows', {method: 'PUT', body: 'flow: x',
        headers: {Authorization: 'Bearer ' + token, 'Content-Type': 'application/yaml'}})).text()""",
    "image": """({ren}) => new Promise((done) => { const image = new Image();
        image.onload = () => done('loaded'); image.onerror = () => done('refused');
        image.src = ren + '/api/v1/runs?x=1' })""",
    "script": """({ren}) => new Promise((done) => { const script = document.createElement('script');
        script.onload = () => done('loaded'); script.onerror = () => done('refused');
        script.src = ren + '/openapi.json'; document.body.append(script) })""",
    "socket": """({ren}) => new Promise((done) => {
        const socket = new WebSocket(ren.replace('http', 'ws') + '/api/v1/stream');
        socket.onopen = () => done('opened'); socket.onerror = () => done('refused') })""",
    "socket with the token": """({ren, token}) => new Promise((done) => {
        const socket = new WebSocket(ren.replace('http', 'ws') + '/api/v1/stream', ['ren.v1', 'ren.token.' + token]);
        socket.onopen = () => done('opened'); socket.onerror = () => done('refused') })""",
    "event stream": """({ren}) => new Promise((done) => { const source = new EventSource(ren + '/api/v1/events');
        source.onopen = () => { source.close(); done('opened') };
        source.onerror = () => { source.close(); done('refused') } })""",
    "frame": """({ren}) => new Promise((done) => { const frame = document.createElement('iframe');
        frame.onload = () => { try { done(frame.contentDocument.body.innerText || 'empty') } catch { done('refused') }
            if (frame.contentDocument === null) done('refused') };
        frame.src = ren + '/'; document.body.append(frame) })""",
}

# The last one has the origin `null`.
ORIGINS = ["127.0.0.1:{port}/", "localhost:{port}/", "evil.test:{port}/", "127.0.0.1:{port}/sandboxed"]


def visit(page: Page, origin: str, elsewhere: Elsewhere) -> None:
    page.goto("http://" + origin.format(port=elsewhere.port))


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_page_from_elsewhere_gets_nothing(
    quiet: Service, page: Page, elsewhere: Elsewhere, origin: str, attack: str
) -> None:
    head = quiet.head
    visit(page, origin, elsewhere)
    guarded = (
        "async (given) => { try { return await (%s)(given) } catch (error) { return 'refused' } }" % ATTACKS[attack]
    )
    assert page.evaluate(guarded, {"ren": quiet.address, "token": quiet.token}) == "refused"
    assert quiet.facts(after=head) == []


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_form_from_elsewhere_writes_nothing(
    quiet: Service, page: Page, elsewhere: Elsewhere, origin: str, kind: str
) -> None:
    head = quiet.head
    visit(page, origin, elsewhere)
    submit = """([action, kind]) => { const form = document.createElement('form');
        form.method = 'POST'; form.action = action; form.enctype = kind;
        const field = document.createElement('input');
        field.name = '{"input":{"x":"'; field.value = '"}}';
        form.append(field); document.body.append(form); form.submit() }"""
    with page.expect_response(lambda response: response.url.startswith(quiet.address)) as caught:
        page.evaluate(submit, [f"{quiet.address}/api/v1/flows/echo/runs", kind])
    assert caught.value.status == 403
    assert quiet.facts(after=head) == []


@pytest.mark.parametrize("origin", ORIGINS)
def test_the_browser_itself_would_let_it_through(
    page: Page, elsewhere: Elsewhere, ungated: Elsewhere, origin: str
) -> None:
    """What is refused above is refused by ren: the same page reads and writes a service without a gate."""
    visit(page, origin, elsewhere)
    ask = """async (there) => {
        const read = await (await fetch(there + '/read')).text();
        await fetch(there + '/write', {method: 'POST', mode: 'no-cors', body: '{}'});
        return read }"""
    assert "hello" in page.evaluate(ask, f"http://127.0.0.1:{ungated.port}")
    assert ("GET", "/read") in ungated.taken and ("POST", "/write") in ungated.taken
    ungated.taken.clear()


@pytest.mark.parametrize("name", ["evil.test", "127.0.0.1.evil.test", "localhost.evil.test"])
def test_a_name_that_was_bound_to_this_machine_gets_421(quiet: Service, page: Page, name: str) -> None:
    """DNS rebinding: for the browser, page and service are of one origin."""
    head = quiet.head
    response = page.goto(f"http://{name}:{quiet.port}/")
    assert response.status == 421
    ask = """async ([path, options]) => (await fetch(path, options)).status"""
    allowed = {"Authorization": f"Bearer {quiet.token}"}
    assert page.evaluate(ask, ["/api/v1/runs", {"headers": allowed}]) == 421
    start = {"method": "POST", "body": "{}", "headers": allowed | {"Content-Type": "application/json"}}
    assert page.evaluate(ask, ["/api/v1/flows/echo/runs", start]) == 421
    socket = functools.partial(page.evaluate, ATTACKS["socket with the token"])
    assert socket({"ren": f"http://{name}:{quiet.port}", "token": quiet.token}) == "refused"
    assert quiet.facts(after=head) == []


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_a_page_of_ren_itself_may_ask(quiet: Service, page: Page, name: str) -> None:
    """A browser is a client that we did not write, too: requests and the stream work for ren's own pages."""
    ren = f"http://{name}:{quiet.port}"
    assert page.goto(ren + "/").status == 200
    given = {"ren": ren, "token": quiet.token}
    assert "items" in page.evaluate(ATTACKS["read with the token"], given)
    assert page.evaluate(ATTACKS["socket with the token"], given) == "opened"
    talk = """({ren, token}) => new Promise((done, fail) => {
        const socket = new WebSocket(ren.replace('http', 'ws') + '/api/v1/stream', 'ren.v1');
        const heard = [];
        socket.onopen = () => { socket.send(JSON.stringify({op: 'hello', token}));
            socket.send(JSON.stringify({op: 'subscribe', id: 'a', topic: 'journal', since: 0})) };
        socket.onmessage = (message) => { heard.push(JSON.parse(message.data).op);
            if (heard.includes('events')) { socket.close(); done(heard) } };
        socket.onerror = fail })"""
    heard = page.evaluate(talk, given)
    assert heard[:2] == ["welcome", "subscribed"] and "events" in heard
