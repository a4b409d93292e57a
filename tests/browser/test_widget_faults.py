"""The chat when things go wrong: cut lines, slow and failing servers, sessions that end. Nothing is lost or doubled."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.fake_visitor_server import FakeVisitorServer
from tests.browser.stage import eventually, save_picture
from tests.browser.widget_page import serving_chat, visit

CUTS = 20
HASTE = "Math.random = () => 0.01;"
"""Pauses are random up to a bound: the tests wait for the shortest."""


DENY = "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } });"


@pytest.fixture
def server(browser: Browser) -> Iterator[FakeVisitorServer]:
    """A gateway of the test's own."""
    with serving_chat(browser) as opened:
        yield opened


def test_twenty_cuts_lose_and_double_nothing(browser: Browser, server: FakeVisitorServer) -> None:
    """The stream is cut again and again while both sides write: every message is there once, in order."""
    shopper = visit(browser, server).open()
    shopper.frame.evaluate(HASTE)
    shopper.write("begin").sees("begin")
    for number in range(CUTS):
        server.say(f"a{number}")
        eventually(lambda: server.streams)
        server.cut()
        server.say(f"b{number}")
        if number % 5 == 0:
            shopper.write(f"v{number}")
    shopper.sees(f"b{CUTS - 1}")
    eventually(lambda: len(server.accepted) == 5)
    shopper.wait_for("document.querySelectorAll('.bubble').length === 45")
    said = [entry["text"] for entry in sorted(server.entries.values(), key=lambda one: one["seq"])]
    eventually(lambda: shopper.bubbles() == said)
    assert server.counts["GET /stream"] > CUTS


def test_what_is_written_offline_outlives_the_page_and_is_sent_once(
    browser: Browser, server: FakeVisitorServer
) -> None:
    """While the gateway is away messages wait in storage, through a reload, and go out once when it is back."""
    shopper = visit(browser, server).open().write("Before")
    shopper.sees("Before")
    eventually(lambda: len(server.accepted) == 1)
    server.down = True
    server.cut()
    shopper.write("While away").write("And more")
    expect(shopper.chat.locator(".mine .state").filter(has_text="Sending")).to_have_count(2)
    shopper.chat.locator(".line", has_text="Connecting").wait_for()
    save_picture(shopper.page, "widget-offline")
    shopper.page.add_init_script(HASTE)
    shopper.page.reload()
    shopper.open().sees("And more")
    assert len(server.accepted) == 1
    server.down = False
    eventually(lambda: len(server.accepted) == 3)
    shopper.wait_for(
        "document.querySelectorAll('.mine .state').length === 3 && !document.body.textContent.includes('Sending')"
    )
    eventually(lambda: shopper.bubbles() == ["Before", "While away", "And more"])
    assert len({entry["client_message_id"] for entry in server.entries.values()}) == 3


def test_the_network_of_the_visitor_goes_and_comes(browser: Browser, server: FakeVisitorServer) -> None:
    """Offline is said, and the moment the network is back what waits is sent and what was missed is there."""
    shopper = visit(browser, server).open().write("One")
    shopper.sees("One")
    eventually(lambda: server.streams)
    shopper.page.context.set_offline(True)
    shopper.chat.locator(".line", has_text="offline").wait_for()
    shopper.write("Two")
    server.say("Missed")
    shopper.page.context.set_offline(False)
    shopper.sees("Missed")
    eventually(lambda: len(server.accepted) == 2)
    shopper.wait_for("document.querySelector('.line').textContent === ''")
    eventually(lambda: sorted(shopper.bubbles()) == ["Missed", "One", "Two"])


def test_a_busy_server_is_obeyed_and_a_refusal_is_shown(browser: Browser, server: FakeVisitorServer) -> None:
    """429 waits as long as it says, 503 is tried again; what is refused for good says why and can be sent again."""
    shopper = visit(browser, server).open()
    shopper.frame.evaluate(HASTE)
    server.fail("POST /messages", 429, 503, Retry_After="1")
    shopper.write("Patience")
    eventually(lambda: len(server.accepted) == 1)
    assert server.counts["POST /messages"] == 3
    server.fail("POST /messages", 422)
    shopper.write("Refused")
    failed = shopper.chat.locator(".failed", has_text="as the test wished")
    failed.wait_for()
    expect(shopper.chat.locator(".mine .state").last).to_contain_text("Not sent")
    save_picture(shopper.page, "widget-failed")
    failed.get_by_role("button", name="Try again").click()
    eventually(lambda: len(server.accepted) == 2)
    failed.wait_for(state="detached")


def test_a_cursor_that_is_too_old_lists_anew(browser: Browser, server: FakeVisitorServer) -> None:
    """After `reset` what was missed is listed, nothing is doubled, and older messages can still be asked for."""
    for number in range(70):
        server.say(f"m{number}")
    shopper = visit(browser, server).open()
    shopper.sees("m69")
    shopper.frame.evaluate(HASTE)
    shopper.chat.locator(".scroll").evaluate("scroll => { scroll.scrollTop = 0; }")
    shopper.wait_for("document.querySelectorAll('.bubble').length > 30")
    for number in range(70, 110):
        server.say(f"m{number}")
    shopper.sees("m109")
    server.forget_feed()
    server.cut()
    eventually(lambda: server.counts["GET /stream"] >= 2)
    server.say("after")
    shopper.sees("after")
    shopper.chat.locator(".scroll").evaluate("scroll => { scroll.scrollTop = 0; }")
    eventually(
        lambda: (
            shopper.bubbles()[:1] == ["m0"]
            or shopper.chat.locator(".scroll").evaluate("scroll => { scroll.scrollTop = 1; scroll.scrollTop = 0; }")
        )
    )
    eventually(lambda: shopper.bubbles() == [*(f"m{number}" for number in range(110)), "after"])


def test_a_session_that_is_ended_says_so(browser: Browser, server: FakeVisitorServer) -> None:
    """Revoked by us or refused: nothing of it is left, and a new chat can be begun."""
    shopper = visit(browser, server).open().write("Hello")
    shopper.sees("Hello")
    server.tell("session", {"state": "revoked"})
    notice = shopper.chat.get_by_role("alert")
    notice.get_by_text("ended").wait_for()
    eventually(lambda: shopper.bubbles() == [])
    server.end_session()
    notice.get_by_role("button").click()
    shopper.write("Again").sees("Again")
    eventually(lambda: server.sessions == 2)


def test_a_kept_session_that_is_over_is_replaced(browser: Browser, server: FakeVisitorServer) -> None:
    """Who comes back after their session has ended gets a new one, without a word."""
    shopper = visit(browser, server).open().write("Hello")
    shopper.sees("Hello")
    eventually(lambda: len(server.accepted) == 1)
    server.token = "vst_other"
    server.cut()
    shopper.page.reload()
    shopper.open()
    eventually(lambda: server.sessions == 2)
    shopper.write("Once more").sees("Once more")


def test_a_visitor_without_storage_can_chat(browser: Browser, server: FakeVisitorServer) -> None:
    """Where the browser grants the frame no storage the chat works for as long as the page is open."""
    context = browser.new_context()
    context.add_init_script(DENY)
    page = context.new_page()
    page.goto(server.shop + "/")
    page.locator("switchboard-chat button").click()
    frame = page.frame_locator("switchboard-chat iframe")
    frame.locator(".start").click()
    frame.locator("textarea").fill("Hello")
    frame.locator("textarea").press("Enter")
    frame.locator(".bubble", has_text="Hello").wait_for()
    eventually(lambda: len(server.accepted) == 1)
    server.say("Hi")
    frame.locator(".bubble", has_text="Hi").wait_for()


def test_a_chat_that_cannot_begin_can_be_closed(browser: Browser, server: FakeVisitorServer) -> None:
    """With the gateway away on a first visit, a phone's full screen still has a way out."""
    server.down = True
    shopper = visit(browser, server, viewport={"width": 390, "height": 844})
    shopper.launcher.click()
    shopper.chat.get_by_role("button", name="Close").click()
    shopper.page.locator("switchboard-chat dialog").wait_for(state="hidden")
