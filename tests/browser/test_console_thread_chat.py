"""A web chat in the console: typing both ways, buttons, a form, files, and the question how it went."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.browser.desk import open_desk, show_moment, thread_path
from tests.browser.stage import ANSWER_SECONDS, BrowserSite, Person, eventually, save_picture

SHOP = "http://127.0.0.1:9"
"""The site that the chat stands on; nothing is served there."""


class Guest:
    """A visitor of the shop, as the widget speaks for them."""

    def __init__(self, site: BrowserSite) -> None:
        self.site = site
        self.client = httpx.Client(base_url=f"{site.url}/widget/v1", headers={"Origin": SHOP}, timeout=ANSWER_SECONDS)
        body = {"channel_id": site.web_channel, "locale": "en", "page": None}
        session = self.post("/sessions", body)
        self.client.headers["Authorization"] = f"Bearer {session['token']}"

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """What an accepted request answers."""
        answer = self.client.post(path, json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def say(self, words: str) -> str:
        """Write; the conversation's id, once the gateway has it."""
        self.post("/messages", {"client_message_id": secrets.token_hex(8), "text": words})

        def found() -> Any:
            found = self.site.call("GET", "/v1/conversations", q=f'"{words}"')["data"]
            return found[0]["id"] if found else None

        return str(eventually(found))

    def seen(self) -> list[Any]:
        """The parts of what was written to them."""
        answer = self.client.get("/messages")
        assert answer.is_success, answer.text
        return [part for entry in answer.json()["data"] if entry["direction"] == "outbound" for part in entry["parts"]]


@pytest.fixture(scope="module")
def agent(site: BrowserSite) -> Person:
    """One for all."""
    return site.hire("Bo Larsen")


@pytest.fixture
def guest(site: BrowserSite) -> Iterator[Guest]:
    """A visitor of a test's own."""
    visitor = Guest(site)
    yield visitor
    visitor.client.close()


def test_a_chat_goes_both_ways_at_once(browser: Browser, site: BrowserSite, *, agent: Person, guest: Guest) -> None:
    """The visitor's typing shows, an answer reaches them, and what they read is told."""
    conversation = guest.say(f"hello {secrets.token_hex(4)}")
    with open_desk(browser, site, agent, path=thread_path(conversation)) as page:
        _ready(page)
        show_moment(lambda: guest.post("/typing", {"typing": True}), page.get_by_text("is writing…"))
        save_picture(page, "console thread chat typing")
        _reply(page).fill("Hi there, how can I help?")
        page.get_by_role("button", name="Send", exact=True).click()
        eventually(lambda: [part["text"] for part in guest.seen()] == ["Hi there, how can I help?"])


def test_buttons_are_offered_in_a_chat(browser: Browser, site: BrowserSite, *, agent: Person, guest: Guest) -> None:
    """Buttons are built a line each and sent as choices; where the channel has none, the menu says so."""
    conversation = guest.say(f"which one {secrets.token_hex(4)}")
    with open_desk(browser, site, agent, path=thread_path(conversation)) as page:
        _ready(page)
        page.get_by_role("button", name="Offer more").click()
        page.get_by_role("menuitem", name="Buttons").click()
        page.get_by_label("Question").fill("Which colour?")
        page.get_by_role("textbox", name="Buttons").fill("Red\nBlue")
        save_picture(page, "console thread buttons")
        page.get_by_role("button", name="Add", exact=True).click()
        page.get_by_role("button", name="Send", exact=True).click()
        part: Any = eventually(lambda: next((part for part in guest.seen() if part["type"] == "choices"), None))
        assert (part["text"], [one["title"] for one in part["options"]]) == ("Which colour?", ["Red", "Blue"])
        expect(page.get_by_role("log").get_by_text("Blue")).to_be_visible()


def test_a_file_is_uploaded_and_shown(browser: Browser, site: BrowserSite, *, agent: Person, guest: Guest) -> None:
    """A chosen file goes up with its progress, leaves with the words, and is shown in the timeline."""
    conversation = guest.say(f"the invoice please {secrets.token_hex(4)}")
    with open_desk(browser, site, agent, path=thread_path(conversation)) as page:
        _ready(page)
        file = FilePayload(name="invoice.txt", mimeType="text/plain", buffer=b"12 EUR")
        page.locator(".composer input[type=file]").set_input_files(file)
        expect(page.get_by_role("list", name="Files")).to_contain_text("invoice.txt")
        _reply(page).fill("Here it is")
        page.get_by_role("button", name="Send", exact=True).click()
        expect(page.get_by_role("log").get_by_role("link", name="invoice.txt")).to_be_visible()
        eventually(lambda: [part["type"] for part in guest.seen()] == ["text", "file"])


def test_the_visitor_is_asked_how_it_went(browser: Browser, site: BrowserSite, *, agent: Person, guest: Guest) -> None:
    """The question is asked from the composer; what they answer stands in the timeline and in the details."""
    conversation = guest.say(f"thanks a lot {secrets.token_hex(4)}")
    with open_desk(browser, site, agent, path=thread_path(conversation)) as page:
        _ready(page)
        page.get_by_role("button", name="Offer more").click()
        page.get_by_role("menuitem", name="Ask how it went").click()
        expect(page.get_by_text("asked how it went").first).to_be_visible()
        asked = eventually(lambda: site.call("GET", f"/v1/conversations/{conversation}")["csat"])
        guest.post("/csat", {"entry_id": asked["entry_id"], "rating": 5, "comment": "quick"})
        expect(page.get_by_role("complementary", name="Details").get_by_text("5 / 5")).to_be_visible()
        save_picture(page, "console thread csat")


def _ready(page: Page) -> None:
    page.get_by_role("log", name="Messages").get_by_role("article").first.wait_for()
    page.get_by_role("button", name="Web chat").wait_for()


def _reply(page: Page) -> Any:
    return page.get_by_role("textbox", name="Reply")
