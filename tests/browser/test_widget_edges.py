"""The chat where something is short or late: storage, links, identities, answers that cross, long waits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import APIResponse, Browser, Route

from tests.browser.fake_visitor_server import FakeVisitorServer
from tests.browser.stage import eventually
from tests.browser.visitor_data import CHANNEL, CODES
from tests.browser.widget_page import Shopper, serving_chat, visit

LOOK_MS = 50
FULL = """
Object.defineProperty(window, 'localStorage', { value: new Proxy(localStorage, {
  set() { throw new DOMException('full', 'QuotaExceededError'); },
}) });
"""


@pytest.fixture
def server(browser: Browser) -> Iterator[FakeVisitorServer]:
    """A gateway of the test's own."""
    with serving_chat(browser) as opened:
        yield opened


def test_full_storage_loses_no_message(browser: Browser, server: FakeVisitorServer) -> None:
    """Where the browser keeps nothing more, what is written waits in the page, and is sent once and in order."""
    context = browser.new_context()
    context.add_init_script(FULL)
    shopper = Shopper(context, server.shop + "/").open()
    server.fail("POST /messages", 503, 503)
    for word in ("one", "two", "three"):
        shopper.write(word).sees(word)
    eventually(lambda: [one["text"] for one in server.accepted.values()] == ["one", "two", "three"])
    eventually(lambda: shopper.chat.locator(".state", has_text="Sending").count() == 0)
    assert shopper.bubbles() == ["one", "two", "three"]
    assert shopper.errors == []


def test_a_link_that_was_used_says_so_and_takes_nothing(
    browser: Browser, server: FakeVisitorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session that the browser has goes on; the visitor reads, in their language, why the link did not open."""
    context = browser.new_context(locale="de-DE")
    page = context.new_page()
    page.goto(f"{server.url}/widget/v1/frame?channel={CHANNEL}")
    page.locator(".start").click()
    page.locator("textarea").fill("Mine")
    page.locator("textarea").press("Enter")
    page.locator(".bubble", has_text="Mine").wait_for()
    server.fail("POST /sessions", 401)
    monkeypatch.setitem(CODES, 401, "token_expired")
    other = context.new_page()
    other.goto(f"{server.url}/widget/v1/frame?channel={CHANNEL}#resume=used")
    other.get_by_text("schon benutzt").wait_for()
    assert "resume_link" not in {name for _, asked in server.heard if asked for name in asked}
    other.get_by_role("alert").get_by_role("button").click()
    other.locator(".bubble", has_text="Mine").wait_for()
    assert server.sessions == 1


def test_who_they_are_is_said_when_the_session_begins(browser: Browser, server: FakeVisitorServer) -> None:
    """What a site says of its visitor before anybody chats is told with the first session, once."""
    shopper = visit(browser, server)
    shopper.page.evaluate("switchboard('identify', { name: 'Kim', attributes: { plan: 'gold' } })")
    shopper.open().write("Hello").sees("Hello")
    told = ("identify", {"profile": {"name": "Kim", "attributes": {"plan": "gold"}}})
    eventually(lambda: told in server.heard)
    shopper.write("Again").sees("Again")
    assert server.heard.count(told) == 1


def test_a_logout_in_one_tab_is_one_in_all(browser: Browser, server: FakeVisitorServer) -> None:
    """No other tab logs the visitor in again with the proof it was handed before."""
    first = visit(browser, server).open()
    second = Shopper(first.page.context, server.shop + "/").open()
    for shopper in (first, second):
        shopper.page.evaluate("switchboard('identify', { jwt: 'a.b.c' })")
    first.write("Hello").sees("Hello")
    second.sees("Hello")
    eventually(lambda: server.counts["POST /identify"] == 2)
    first.page.evaluate("switchboard('logout')")
    eventually(lambda: second.bubbles() == [])
    begun = len(server.heard)
    second.write("Who am I?")
    eventually(lambda: [asked for name, asked in server.heard[begun:] if name == "session"])
    assert all("identity" not in asked for name, asked in server.heard[begun:] if name == "session")


def test_what_comes_while_the_list_is_read_stays(browser: Browser, server: FakeVisitorServer) -> None:
    """A message told to one tab by another, while its own list is on the way, is not lost with the older answer."""
    first = visit(browser, server).open().write("Hello")
    first.sees("Hello")
    for number in range(40):
        server.say(f"old {number}")
    first.sees("old 39")
    context = first.page.context
    held: list[tuple[Route, APIResponse]] = []
    context.route("**/widget/v1/messages?limit=30", lambda route: held.append((route, route.fetch())), times=1)
    second = Shopper(context, server.shop + "/")
    second.launcher.click()

    def is_held() -> bool:
        second.page.wait_for_timeout(LOOK_MS)
        return bool(held)

    eventually(is_held)
    server.say("meanwhile")
    first.sees("meanwhile")
    [(route, answer)] = held
    route.fulfill(response=answer)
    second.sees("meanwhile")
    eventually(lambda: second.bubbles()[-2:] == ["old 39", "meanwhile"])
    assert server.counts["GET /stream"] == 1


def test_a_long_wait_is_told_and_not_sat_out(
    browser: Browser, server: FakeVisitorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit that holds for hours shows the message as not sent, with the reason, to be tried again."""
    shopper = visit(browser, server).open()
    server.fail("POST /messages", 429, Retry_After="40000")
    monkeypatch.setitem(CODES, 429, "quota_exceeded")
    shopper.write("Hello")
    shopper.chat.get_by_text("too much at once").wait_for()
    shopper.chat.get_by_role("button", name="Try again").click()
    eventually(lambda: len(server.accepted) == 1)
    assert shopper.bubbles() == ["Hello"]
