"""The window that asks for notices, and the worker that shows them, in a browser; the push service alone is ours."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Browser, BrowserContext, Page, expect

from gateway.widget.webpush import show_encoded
from tests.browser.chromium import wait_until
from tests.browser.stage import BrowserSite, save_picture

# No browser of a test reaches the push service of its maker: this is all that is not real.
SUBSCRIBE = """
PushManager.prototype.subscribe = async function ({ applicationServerKey, userVisibleOnly }) {
  if (!userVisibleOnly || applicationServerKey.length !== 65) throw new Error('not as browsers want it');
  return { toJSON: () => (%s), options: { applicationServerKey: applicationServerKey.buffer } };
};
"""
STAY = "window.close = () => { document.body.dataset.closed = 'yes'; };"
"""The window that is done closes itself; here it only says so, and can be looked at as long as it takes."""
NOTICES = """
async () => {
  const shown = await (await navigator.serviceWorker.ready).getNotifications();
  return shown.map(({ title, body, tag, data }) => ({ title, body, tag, data }));
}
"""


def subscription() -> dict[str, Any]:
    """As a browser's own looks."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    keys = {"p256dh": show_encoded(point), "auth": show_encoded(os.urandom(16))}
    return {"endpoint": f"https://127.0.0.1:1/{os.urandom(6).hex()}", "expirationTime": None, "keys": keys}


@contextmanager
def open_window(browser: Browser, site: BrowserSite, **allowed: Any) -> Iterator[tuple[BrowserContext, Page, Page]]:
    """A chat by itself, and the window it opens."""
    context = browser.new_context(locale="en-GB", viewport={"width": 420, "height": 480}, **allowed)
    try:
        context.add_init_script(SUBSCRIBE % json.dumps(subscription()) + STAY)
        chat = context.new_page()
        chat.goto(f"{site.url}/widget/v1/frame?channel={site.web_channel}")
        chat.wait_for_function("() => window.subscribePush && !document.querySelector('[aria-busy=true]')")
        with context.expect_page() as opened:
            chat.evaluate("channel => { open(`notify?channel=${channel}`, '', 'popup'); }", site.web_channel)
        window = opened.value
        yield context, chat, window
    finally:
        context.close()


def test_a_visitor_asks_to_be_told(browser: Browser, site: BrowserSite) -> None:
    """The subscription is kept in the session of the chat that opened the window; the worker shows what it gets."""
    with open_window(browser, site, permissions=["notifications"]) as (context, chat, window):
        kept: list[int] = []
        chat.on("response", lambda answer: kept.append(answer.status) if "push-subscription" in answer.url else None)
        button = window.get_by_role("button", name="Turn on")
        expect(button).to_be_focused()
        save_picture(window, "widget-notify")
        button.press("Enter")
        expect(window.get_by_text("You will be told.")).to_be_visible()
        expect(window.locator("body")).to_have_attribute("data-closed", "yes")
        wait_until(chat, lambda: kept)
        assert kept == [204]
        page = context.new_page()
        page.goto(f"{site.url}/widget/v1/notify?channel={site.web_channel}")
        page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
        wire = context.new_cdp_session(page)
        found: list[str] = []
        wire.on(
            "ServiceWorker.workerRegistrationUpdated",
            lambda told: found.extend(one["registrationId"] for one in told["registrations"]),
        )
        wire.send("ServiceWorker.enable")
        wait_until(page, lambda: found)
        notice = {
            "title": "Bo · Shop",
            "body": "It left Madrid.",
            "tag": "c1",
            "url": "https://shop.example/",
            "lang": "en",
        }
        pushed = {"origin": site.url, "registrationId": found[0], "data": json.dumps(notice)}
        for _ in range(2):
            wire.send("ServiceWorker.deliverPushMessage", pushed)
        wait_until(page, lambda: page.evaluate(NOTICES))
        assert page.evaluate(NOTICES) == [
            {"title": "Bo · Shop", "body": "It left Madrid.", "tag": "c1", "data": {"url": "https://shop.example/"}}
        ]


def test_a_refusal_is_told(browser: Browser, site: BrowserSite) -> None:
    """Where the browser blocks them, the visitor reads how to change it; nothing is kept."""
    with open_window(browser, site) as (_, chat, window):
        asked = []
        chat.on("request", lambda request: asked.append(request.url) if "push" in request.url else None)
        window.get_by_role("button", name="Turn on").click()
        expect(window.get_by_text(re.compile("blocked"))).to_be_visible()
        assert not asked


def test_alone_the_window_can_do_nothing(browser: Browser, site: BrowserSite) -> None:
    """Opened by nobody, it has no session to keep anything in, and says so."""
    context = browser.new_context(locale="de-DE")
    try:
        page = context.new_page()
        faults: list[str] = []
        page.on("console", lambda told: faults.append(told.text) if told.type == "error" else None)
        page.goto(f"{site.url}/widget/v1/notify?channel={site.web_channel}")
        expect(page.get_by_text("Dieser Browser kann hier keine Benachrichtigungen zeigen.")).to_be_visible()
        assert page.locator("html").get_attribute("lang") == "de"
        assert not faults
    finally:
        context.close()
