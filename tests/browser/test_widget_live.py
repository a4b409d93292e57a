"""The chat on a site and a real gateway behind it: both sides of a conversation, files, rating, another device."""

from __future__ import annotations

import secrets
from typing import Any

from playwright.sync_api import Browser, FilePayload

from tests.browser.desk import show_moment
from tests.browser.fake_visitor_server import FakeVisitorServer
from tests.browser.stage import BrowserSite, eventually, save_picture
from tests.browser.visitor_data import PIXEL, SHOP
from tests.browser.widget_page import Shopper, serving_chat, visit


def test_a_whole_conversation_on_a_real_gateway(browser: Browser, site: BrowserSite) -> None:
    """Written on a shop's page, answered by the API; read receipts, typing, a file, a question, a rating, the end."""
    with serving_chat(browser) as shop:
        shopper = _enter(browser, shop, site)
        words = f"Is it {secrets.token_hex(4)}?"
        shopper.write(words).sees(words)
        eventually(lambda: "Sent" in shopper.chat.locator(".mine .state").last.inner_text())
        conversation = eventually(lambda: _find(site, words))
        path = f"/v1/conversations/{conversation['id']}"
        _reply(site, path, {"type": "text", "text": "It is **here**.", "format": "markdown"})
        shopper.sees("It is here.")
        eventually(lambda: _states(site, path)[-1] == "read")
        show_moment(lambda: site.call("POST", f"{path}/typing", {"typing": True}), shopper.chat.locator(".typing i"))
        _send_file(shopper)
        eventually(lambda: any("image" in _kinds(entry) for entry in _entries(site, path)))
        _reply(
            site,
            path,
            {
                "type": "choices",
                "text": "Which?",
                "options": [{"id": "a", "title": "This"}, {"id": "b", "title": "That"}],
            },
        )
        shopper.chat.get_by_role("button", name="That").click()
        eventually(lambda: any("choice_reply" in _kinds(entry) for entry in _entries(site, path)))
        shopper.chat.get_by_role("button", name="That", disabled=True).wait_for()
        site.call("POST", f"{path}/csat-requests")
        group = shopper.chat.get_by_role("group")
        group.get_by_text("Great").click()
        shopper.chat.locator(".card").get_by_role("button", name="Send").click()
        shopper.chat.get_by_text("You rated: Great").wait_for()
        save_picture(shopper.page, "widget-live")
        before = shopper.bubbles()
        shopper.page.reload()
        shopper.open().sees("It is here.")
        eventually(lambda: shopper.bubbles() == before)
        assert shopper.errors == []


def test_a_link_takes_the_chat_to_another_device(browser: Browser, site: BrowserSite) -> None:
    """What was said is there on the other device, which goes on with it."""
    with serving_chat(browser) as shop:
        shopper = _enter(browser, shop, site)
        words = f"Moving {secrets.token_hex(4)}"
        shopper.write(words).sees(words)
        conversation = eventually(lambda: _find(site, words))
        shopper.chat.get_by_role("button", name="Menu").click()
        shopper.chat.get_by_role("button", name="Continue on another device").click()
        shopper.chat.get_by_role("dialog").get_by_role("button", name="OK").click()
        link = shopper.chat.get_by_role("dialog").get_by_role("link").inner_text()
        other = browser.new_context().new_page()
        other.goto(link)
        start = other.locator(".start")
        start.wait_for()
        eventually(lambda: "Go on" in start.inner_text())
        start.click()
        other.locator(".bubble", has_text=words).wait_for()
        other.locator("textarea").fill("Here now")
        other.locator("textarea").press("Enter")
        path = f"/v1/conversations/{conversation['id']}"
        eventually(lambda: any(entry["text"] == "Here now" for entry in _entries(site, path)))


def _enter(browser: Browser, shop: FakeVisitorServer, site: BrowserSite) -> Shopper:
    """A shop of another origin with the real gateway's chat on it."""
    tag = f'<script src="{site.url}/widget/loader.js" data-channel="{site.web_channel}" async></script>'
    shop.pages["/real"] = (SHOP + tag, None)
    return visit(browser, shop, "/real").open()


def _find(site: BrowserSite, words: str) -> Any:
    for conversation in site.call("GET", "/v1/conversations", channel="webchat")["data"]:
        if any(entry["text"] == words for entry in _entries(site, f"/v1/conversations/{conversation['id']}")):
            return conversation
    return None


def _entries(site: BrowserSite, path: str) -> list[Any]:
    return [entry for entry in site.call("GET", f"{path}/entries")["data"] if entry["type"] == "message"]


def _kinds(entry: Any) -> set[str]:
    return {part["type"] for part in entry["parts"]}


def _states(site: BrowserSite, path: str) -> list[str]:
    return [entry["delivery"]["state"] for entry in _entries(site, path) if entry["direction"] == "outbound"]


def _reply(site: BrowserSite, path: str, part: dict[str, Any]) -> None:
    site.call("POST", f"{path}/messages", {"parts": [part]})


def _send_file(shopper: Shopper) -> None:
    file: FilePayload = {"name": "pixel.png", "mimeType": "image/png", "buffer": PIXEL}
    shopper.chat.locator("input[type=file]").set_input_files([file])
    shopper.wait_for("document.querySelector('.files li') && !document.querySelector('progress')")
    shopper.composer.press("Enter")
    shopper.chat.locator(".bubble img").wait_for()
