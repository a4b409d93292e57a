"""A conversation in the console by its parts, and somebody to have it with."""

from __future__ import annotations

import secrets
from functools import cache
from typing import Any

from playwright.sync_api import Locator, Page

from tests.browser.stage import BrowserSite, Person

PATIENT_MS = 30_000
"""How long a page may take: a slow machine has time, a quick one does not wait."""


@cache
def one_agent(site: BrowserSite) -> Person:
    """One for all tests of a process: each has a conversation of its own."""
    return site.hire("Bo Larsen")


def texted(site: BrowserSite, words: str) -> tuple[str, str]:
    """A phone that has just texted, and the conversation's id."""
    phone = f"+1555{secrets.randbelow(10**7):07d}"
    site.text_in(phone, words)
    return phone, str(site.conversation_with(phone)["id"])


def got(site: BrowserSite, phone: str) -> list[str]:
    """What the phone has been sent."""
    return [text["body"] for text in site.texts_on(phone) if text["author"] != "handset"]


def log_of(page: Page) -> Locator:
    """What was said."""
    return page.get_by_role("log", name="Messages")


def entry_of(page: Page, words: str) -> Locator:
    """The message with these words."""
    return log_of(page).get_by_role("article").filter(has_text=words)


def details_of(page: Page) -> Locator:
    """The panel beside the conversation."""
    return page.get_by_role("complementary", name="Details")


def reply_of(page: Page) -> Locator:
    """Where an answer is written."""
    return page.get_by_role("textbox", name="Reply")


def send_button(page: Page) -> Locator:
    """What sends it."""
    return page.get_by_role("button", name="Send", exact=True)


def wait_for_way(page: Page, name: str = "SMS · Shop line") -> None:
    """The composer knows by which way an answer leaves."""
    page.get_by_role("button", name=name).wait_for(timeout=PATIENT_MS)


def drafts_of(site: BrowserSite, conversation: str) -> list[Any]:
    """The open drafts of a conversation."""
    return list(site.call("GET", f"/v1/conversations/{conversation}/drafts", state="open")["data"])


def mail_channel(site: BrowserSite) -> str:
    """A channel for mails; it does not matter whether they can be delivered."""
    for channel in site.call("GET", "/v1/channels", limit=100)["data"]:
        if channel["adapter"] == "email-postmark":
            return str(channel["id"])
    settings = {"address": "care@shop.example", "server_token": "0" * 36, "hook_secret": "h" * 32}
    body = {"adapter": "email-postmark", "name": "Mail", "settings": {**settings, "api_url": site.phones}}
    return str(site.call("POST", "/v1/channels", body)["id"])
