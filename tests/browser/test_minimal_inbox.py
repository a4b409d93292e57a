"""The inbox of the documentation, as somebody runs it who copied it: from an origin of its own, with a key."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.axe import check_axe
from tests.browser.stage import BrowserSite, cloned_apart, eventually, open_site, save_picture
from tests.database import Servers

EXAMPLE = Path(__file__).parents[2] / "examples" / "minimal-inbox"
LINES = 100
HANDSET = "+15557770042"


class Quiet(SimpleHTTPRequestHandler):
    """Files of a folder, without a word."""

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def hosting(folder: Path) -> Iterator[str]:
    """The folder on a web server of its own; its origin."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    """The origin of the example."""
    with hosting(EXAMPLE) as origin:
        yield origin


@pytest.fixture(scope="module")
def gateway(servers: Servers, elsewhere: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserSite]:
    """A gateway that lets pages of that origin ask."""
    folder = tmp_path_factory.mktemp("site")
    with cloned_apart(servers.database_url) as database_url:
        allowed = {"SWITCHBOARD_ALLOWED_ORIGINS": elsewhere}
        with open_site(folder, database_url=database_url, redis_url=servers.redis_url, **allowed) as opened:
            yield opened


@pytest.fixture
def page(gateway: BrowserSite, browser: Browser, elsewhere: str) -> Iterator[Page]:
    """The example, opened."""
    opened = browser.new_page()
    opened.goto(elsewhere)
    yield opened
    opened.close()


def connect(page: Page, gateway: BrowserSite, *, key: str | None = None) -> None:
    """Give the page what it asks for."""
    held = gateway.client.headers["Authorization"].removeprefix("Bearer ")
    page.get_by_label("Gateway").fill(gateway.url)
    page.get_by_label("API key").fill(key or held)
    page.get_by_role("button", name="Connect").click()


def test_it_is_a_hundred_lines() -> None:
    """The page that says so counts right: HTML and JavaScript together, of lines that can be read."""
    lines = [line for name in ("index.html", "inbox.js") for line in (EXAMPLE / name).read_text().splitlines()]
    assert len(lines) <= LINES
    assert max(map(len, lines)) <= 140


def test_it_lists_opens_follows_and_answers(page: Page, gateway: BrowserSite) -> None:
    """From another origin: what came before is listed, what comes now appears, an answer reaches the phone."""
    gateway.text_in(HANDSET, "Is my parcel late?")
    gateway.conversation_with(HANDSET)
    connect(page, gateway)
    page.get_by_role("button", name="Is my parcel late?").click()
    log = page.get_by_role("log")
    expect(log.get_by_text("Is my parcel late?")).to_be_visible()
    gateway.text_in(HANDSET, "Hello?")
    expect(log.get_by_text("Hello?")).to_be_visible()
    page.get_by_label("Your answer").fill("It comes today.")
    page.keyboard.press("Enter")
    sent = log.locator("p", has_text="It comes today.")
    expect(sent).to_have_class("outbound delivered")
    expect(sent).to_have_count(1)
    eventually(lambda: [text for text in gateway.texts_on(HANDSET) if text["body"] == "It comes today."])
    check_axe(page)
    save_picture(page, "minimal-inbox")


def test_a_gateway_that_was_away_is_followed_again(page: Page, gateway: BrowserSite) -> None:
    """The line is cut by the gateway's restart; what was said meanwhile comes, once."""
    connect(page, gateway)
    expect(page.get_by_role("status")).to_have_text("Live")
    gateway.restart()
    handset = "+15557770043"
    gateway.text_in(handset, "Anybody there?")
    expect(page.get_by_role("button", name="Anybody there?")).to_have_count(1)


def test_what_is_refused_is_told(page: Page, gateway: BrowserSite) -> None:
    """A wrong key is said aloud, and nothing is asked for again and again."""
    connect(page, gateway, key="sk_wrong")
    expect(page.get_by_role("status")).to_contain_text("key")


def test_pages_of_origins_that_are_not_named_learn_nothing(gateway: BrowserSite, browser: Browser) -> None:
    """The same page from an origin nobody allowed: the browser keeps the answers from it, whatever key it has."""
    with hosting(EXAMPLE) as stranger:
        page = browser.new_page()
        page.goto(stranger)
        connect(page, gateway)
        expect(page.get_by_role("status")).to_have_text("Failed to fetch")
        page.close()
