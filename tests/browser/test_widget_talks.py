"""Earlier conversations in the chat, on a real gateway: a new one begun, an old one read, a rating changed."""

from __future__ import annotations

import secrets
from typing import Any

from playwright.sync_api import Browser

from tests.browser.fake_visitor_server import FakeVisitorServer
from tests.browser.stage import BrowserSite, eventually, save_picture
from tests.browser.visitor_data import SHOP
from tests.browser.widget_page import Shopper, serving_chat, visit


def test_a_rating_can_be_changed(browser: Browser, site: BrowserSite) -> None:
    """What was said stands in the form again; the new answer takes its place, here and with us."""
    with serving_chat(browser) as shop:
        shopper = _enter(browser, shop, site)
        words = f"rated {secrets.token_hex(4)}"
        shopper.write(words).sees(words)
        conversation = eventually(lambda: _find(site, words))
        site.call("POST", f"/v1/conversations/{conversation['id']}/csat-requests")
        _rate(shopper, "Good")
        shopper.chat.get_by_role("button", name="Change").click()
        assert shopper.chat.get_by_role("radio", name="4").is_checked()
        _rate(shopper, "Great")
        rated = site.call("GET", "/v1/csat", conversation=conversation["id"])["data"]
        assert [one["rating"] for one in rated] == [5]
        shopper.check()
        assert shopper.errors == []


def test_another_conversation_is_begun_and_the_earlier_one_read(browser: Browser, site: BrowserSite) -> None:
    """The new one begins empty, beside the old one, which can be read and not written to; what is said meanwhile is
    where it belongs, and all of it is there after a reload."""
    with serving_chat(browser) as shop:
        shopper = _enter(browser, shop, site)
        first, second = (f"{word} {secrets.token_hex(4)}" for word in ("first", "second"))
        shopper.write(first).sees(first)
        earlier = eventually(lambda: _find(site, first))
        path = f"/v1/conversations/{earlier['id']}"
        site.call("POST", f"{path}/messages", {"text": "It is on its way."})
        shopper.sees("It is on its way.")
        site.call("POST", f"{path}/close", {})
        shopper.chat.get_by_role("button", name="Start a new conversation").click()
        eventually(lambda: shopper.bubbles() == [])
        shopper.write(second).sees(second)
        later = eventually(lambda: _find(site, second))
        assert later["id"] != earlier["id"]
        eventually(lambda: shopper.bubbles() == [second])
        shopper.chat.get_by_role("button", name="Home").click()
        shopper.chat.get_by_role("button", name="It is on its way.").click()
        shopper.sees(first)
        assert not shopper.composer.is_visible()
        save_picture(shopper.page, "widget-earlier")
        shopper.check()
        site.call("POST", f"/v1/conversations/{later['id']}/messages", {"text": "And this is new."})
        back = shopper.chat.get_by_role("button", name="Go on with the conversation · unread: 1")
        back.wait_for()
        assert shopper.bubbles() == [first, "It is on its way."]
        back.click()
        shopper.sees("And this is new.")
        assert shopper.bubbles() == [second, "And this is new."]
        eventually(lambda: _state(site, later["id"]) == "read")
        shopper.page.reload()
        shopper.open().sees("And this is new.")
        assert shopper.bubbles() == [second, "And this is new."]
        assert shopper.errors == []


def test_a_second_tab_follows_into_the_new_conversation(browser: Browser, site: BrowserSite) -> None:
    """What one tab begins, the other shows; neither mixes it with what was before."""
    with serving_chat(browser) as shop:
        one = _enter(browser, shop, site)
        old, new = (f"{word} {secrets.token_hex(4)}" for word in ("old", "new"))
        one.write(old).sees(old)
        conversation = eventually(lambda: _find(site, old))
        other = Shopper(one.page.context, shop.shop + "/").open()
        other.sees(old)
        site.call("POST", f"/v1/conversations/{conversation['id']}/close", {})
        one.chat.get_by_role("button", name="Start a new conversation").click()
        one.write(new).sees(new)
        other.sees(new)
        eventually(lambda: one.bubbles() == other.bubbles() == [new])
        begun = eventually(lambda: _find(site, new))
        site.call("POST", f"/v1/conversations/{begun['id']}/messages", {"text": "Hello again"})
        one.sees("Hello again")
        other.sees("Hello again")
        assert one.bubbles() == other.bubbles() == [new, "Hello again"]
        assert one.errors + other.errors == []


def _enter(browser: Browser, shop: FakeVisitorServer, site: BrowserSite) -> Shopper:
    channel = site.open_chat("Corner shop", csat={"enabled": True})
    script = f'<script src="{site.url}/widget/loader.js" data-channel="{channel}" async></script>'
    shop.pages["/"] = (SHOP + script, None)
    return visit(browser, shop).open()


def _rate(shopper: Shopper, word: str) -> None:
    shopper.chat.get_by_role("group").get_by_text(word).click()
    shopper.chat.locator(".card").get_by_role("button", name="Send").click()
    shopper.chat.get_by_text(f"You rated: {word}").wait_for()


def _find(site: BrowserSite, words: str) -> Any:
    found = site.call("GET", "/v1/conversations", channel="webchat")["data"]
    return next((one for one in found if any(entry["text"] == words for entry in _messages(site, one["id"]))), None)


def _state(site: BrowserSite, conversation_id: str) -> str:
    return str(_messages(site, conversation_id)[-1]["delivery"]["state"])


def _messages(site: BrowserSite, conversation_id: str) -> list[Any]:
    entries = site.call("GET", f"/v1/conversations/{conversation_id}/entries")["data"]
    return [entry for entry in entries if entry["type"] == "message"]
