"""The console's connection: cut, blocked or expired, nothing is missed, doubled or lost."""

from __future__ import annotations

import re
import secrets

from playwright.sync_api import Browser, WebSocketRoute, expect

from tests.browser.desk import open_desk, thread_path, wait_until_drawn, wait_until_live
from tests.browser.stage import BrowserSite, eventually, save_picture

BACK_MS = 60_000
"""How long a page may take to be back: between its tries it waits up to 8 s, and two of eight go another way."""
CUTS = 5
TEXTS_A_CUT = 3


def test_what_was_missed_is_caught_up_and_counted(browser: Browser, site: BrowserSite) -> None:
    """Offline the page says so; back again it reads what came in between, says how much, and shows each once."""
    phone, first = _phone(), _unique("before the tunnel")
    site.text_in(phone, first)
    conversation = site.conversation_with(phone)["id"]
    with open_desk(browser, site, site.hire("Bo Anders"), path=thread_path(conversation)) as page:
        wait_until_drawn(page)
        wait_until_live(page)
        page.context.set_offline(True)
        expect(page.get_by_text("You are offline")).to_be_visible()
        save_picture(page, "console offline")
        missed = [_unique("in the tunnel") for _ in range(TEXTS_A_CUT)]
        for words in missed:
            site.text_in(phone, words)
        eventually(lambda: len(_messages_told(site, conversation)) == 1 + len(missed))
        page.context.set_offline(False)
        expect(page.get_by_text(re.compile(r"Caught up, [1-9]\d* events"))).to_be_visible()
        save_picture(page, "console caught up")
        for words in [first, *missed]:
            expect(page.get_by_role("log").get_by_text(words)).to_have_count(1)


def test_every_event_comes_once_however_often_the_line_is_cut(browser: Browser, site: BrowserSite) -> None:
    """The line is reset while texts come: the drawer has every event once and in order, the thread every text once."""
    phone = _phone()
    site.text_in(phone, _unique("hello"))
    conversation = site.conversation_with(phone)["id"]
    with open_desk(browser, site, site.hire("Bo Anders"), path=thread_path(conversation)) as page:
        wait_until_drawn(page)
        sent = []
        for _ in range(CUTS):
            for _ in range(TEXTS_A_CUT):
                sent.append(_unique("word"))
                site.text_in(phone, sent[-1])
            page.evaluate("dispatchEvent(new Event('offline'))")  # the page drops its socket and comes back by itself
            page.evaluate("dispatchEvent(new Event('online'))")
        for words in sent:
            expect(page.get_by_role("log").get_by_text(words)).to_have_count(1)
        told = _messages_told(site, conversation)[1:]
        assert len(told) == len(sent)
        page.keyboard.press("Control+Shift+D")
        shown = page.locator(".drawer summary code:last-child")
        expect(shown.get_by_text(told[-1])).to_have_count(1)
        cursors = shown.all_inner_texts()
        assert set(told) <= set(cursors)
        assert cursors == sorted(set(cursors), reverse=True)


def test_a_blocked_socket_is_replaced_by_a_stream(browser: Browser, site: BrowserSite) -> None:
    """Where a proxy lets no WebSocket through, the same events are read by fetch."""
    with open_desk(browser, site, site.hire("Mia Chen"), path="/console/view/snoozed") as page:
        page.route_web_socket(re.compile("/v1/realtime"), _refuse)
        page.goto(f"{site.url}/console")
        wait_until_drawn(page)
        page.keyboard.press("Control+Shift+D")
        expect(page.locator(".drawer .standing")).to_contain_text("fetch")
        expect(page.locator(".drawer .standing")).to_contain_text("online")
        words = _unique("by the stream")
        site.text_in(_phone(), words)
        expect(page.get_by_role("option").filter(has_text=words)).to_be_visible()


def test_an_ended_session_loses_nothing_that_was_typed(browser: Browser, site: BrowserSite) -> None:
    """The login is asked for over the page; what was written is still there, and what was asked for is done."""
    phone = _phone()
    site.text_in(phone, _unique("are you there"))
    conversation, agent = site.conversation_with(phone)["id"], site.hire("Kim Sato")
    with open_desk(browser, site, agent, path=thread_path(conversation)) as page:
        wait_until_drawn(page)
        written = page.get_by_role("textbox", name=re.compile("^(Reply|Write|Answer)")).first
        written.fill("A long and thoughtful answer")
        page.context.clear_cookies()  # noticed when the draft is to be kept
        dialog = page.get_by_role("dialog", name="Please sign in again")
        expect(dialog).to_be_visible()
        save_picture(page, "console session over")
        page.keyboard.press("Escape")
        expect(dialog).to_be_visible()
        expect(dialog.get_by_label("E-mail")).to_have_value(agent.email)
        dialog.get_by_label("Password").fill(agent.password)
        page.keyboard.press("Enter")
        expect(dialog).to_have_count(0)
        expect(written).to_have_value("A long and thoughtful answer")
        path = f"/v1/conversations/{conversation}/drafts"
        eventually(lambda: [one for one in site.call("GET", path)["data"] if "thoughtful" in str(one)])


def test_the_drawer_shows_what_was_asked_as_curl(browser: Browser, site: BrowserSite) -> None:
    """A request is copied with the place of a key instead of a key, and without the session's cookie or token."""
    with open_desk(browser, site, site.hire("Dev Patel")) as page:
        wait_until_drawn(page)
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.get_by_role("button", name="Developer drawer").click()
        page.get_by_role("tab", name="Requests").click()
        key = page.locator(".drawer details").filter(has_text="/v1/conversations?").last.get_attribute("data-key")
        line = page.locator(f'.drawer details[data-key="{key}"]')
        line.locator("summary").click()
        line.get_by_role("button", name="Copy as curl").click()
        expect(page.locator(".toast").get_by_text("Copied")).to_be_visible()
        copied = page.evaluate("navigator.clipboard.readText()")
        save_picture(page, "console drawer")
        token = page.context.cookies()[0]["value"]
    assert copied.startswith(f"curl '{site.url}/v1/conversations?")
    assert "Bearer $SWITCHBOARD_API_KEY" in copied
    assert token not in copied
    assert "csrf" not in copied.lower()


def test_it_says_that_it_tries_while_nobody_answers(browser: Browser, site: BrowserSite) -> None:
    """Between the loss of its connection and the next one the page says so, and goes on by itself."""
    line = Gate()
    with open_desk(browser, site, site.hire("Mia Chen"), path="/console/view/snoozed") as page:
        page.route_web_socket(re.compile("/v1/realtime"), line.pass_on)
        page.route("**/v1/events/stream*", lambda route: route.abort())
        page.goto(f"{site.url}/console")
        wait_until_drawn(page)
        before = _unique("before that")
        site.text_in(_phone(), before)
        expect(page.get_by_role("option").filter(has_text=before)).to_be_visible()
        line.close()
        expect(page.get_by_text("Reconnecting…")).to_be_visible()
        save_picture(page, "console reconnecting")
        words = _unique("while you were away")
        site.text_in(_phone(), words)
        line.open = True
        expect(page.get_by_text(re.compile("Caught up"))).to_be_visible(timeout=BACK_MS)
        expect(page.get_by_role("option").filter(has_text=words)).to_be_visible()


class Gate:
    """Lets sockets through while it is open."""

    def __init__(self) -> None:
        self.open = True
        self.sockets: list[WebSocketRoute] = []

    def pass_on(self, route: WebSocketRoute) -> None:
        """One socket of the page."""
        if not self.open:
            route.close(code=1000)
            return
        route.connect_to_server()
        self.sockets.append(route)

    def close(self) -> None:
        """End those that are, let none in."""
        self.open = False
        for route in self.sockets:
            route.close(code=1001)


def _refuse(route: WebSocketRoute) -> None:
    """As a proxy that knows no WebSockets."""
    route.close(code=1000)


def _messages_told(site: BrowserSite, conversation: str) -> list[str]:
    """The cursors of the events by which its messages were told."""
    events = site.call("GET", "/v1/events", conversation=conversation, limit=200)["data"]
    return [event["cursor"] for event in events if event["type"] == "message.created"]


def _phone() -> str:
    return f"+1415{secrets.randbelow(9_000_000) + 1_000_000}"


def _unique(words: str) -> str:
    return f"{words} {secrets.token_hex(3)}"
