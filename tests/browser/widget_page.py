"""A shop's page with the chat on it, as a test sees it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Frame, FrameLocator, Locator, Page

from tests.browser.axe import check_axe
from tests.browser.fake_visitor_server import FakeVisitorServer, faking
from tests.browser.stage import eventually

HOST = "switchboard-chat"
QUESTION: dict[str, Any] = {
    "type": "choices",
    "text": "What shall we do?",
    "options": [{"id": "a", "title": "Wait"}, {"id": "b", "title": "Send again", "description": "2 days"}],
}
FORM: dict[str, Any] = {
    "type": "form",
    "id": "address",
    "title": "Your address",
    "submit": "Send it",
    "fields": [
        {"name": "name", "label": "Name", "kind": "text", "required": True},
        {"name": "email", "label": "E-mail", "kind": "email", "required": True},
        {"name": "size", "label": "Size", "kind": "select", "required": False, "options": ["S", "M"]},
        {"name": "note", "label": "Note", "kind": "textarea", "required": False},
        {"name": "call", "label": "You may call me", "kind": "checkbox", "required": False},
    ],
}
FOCUS = """() => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return at?.tagName;
}"""


class Shopper:
    """One tab. What goes wrong in it is remembered in `errors`, what is asked of anybody in `requests`."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.page: Page = context.new_page()
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda said: self.errors.append(said.text) if _is_violation(said.text) else None)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("dialog", lambda dialog: self.errors.append(dialog.message))
        self.page.goto(address)

    @property
    def launcher(self) -> Locator:
        """The button on the site."""
        return self.page.locator(f"{HOST} button")

    @property
    def chat(self) -> FrameLocator:
        """What is in the frame."""
        return self.page.frame_locator(f"{HOST} iframe")

    @property
    def frame(self) -> Frame:
        """The frame, for scripts."""
        return self.page.frames[1]

    @property
    def composer(self) -> Locator:
        """Where messages are written."""
        return self.chat.locator(".composer textarea")

    def open(self) -> Shopper:
        """Open the chat, and there the conversation."""
        self.launcher.click()
        self.chat.locator("header").wait_for()  # drawn at once with all else
        if self.chat.locator(".start").is_visible():
            self.chat.locator(".start").click()
        return self

    def write(self, text: str) -> Shopper:
        """Write and send."""
        self.composer.fill(text)
        self.composer.press("Enter")
        return self

    def sees(self, text: str) -> Locator:
        """Wait until a bubble says so."""
        bubble = self.chat.locator(".bubble", has_text=text).last
        bubble.wait_for()
        return bubble

    def bubbles(self) -> list[str]:
        """What all of them say, from the oldest."""
        return self.chat.locator(".bubble").all_inner_texts()

    def wait_for(self, expression: str) -> None:
        """Until a script in the frame finds it true (the page forbids code of text: it cannot wait there)."""
        eventually(lambda: self.frame.evaluate(expression))

    def check(self) -> None:
        """Nothing axe finds, neither in the chat nor on the page."""
        check_axe(self.frame)
        check_axe(self.page.main_frame)


@contextmanager
def serving_chat(browser: Browser) -> Iterator[FakeVisitorServer]:
    """A gateway of a test's own; whoever visited it is gone afterwards."""
    with faking() as server:
        try:
            yield server
        finally:
            for context in browser.contexts:
                context.close()


def visit(browser: Browser, server: FakeVisitorServer, path: str = "/", **options: Any) -> Shopper:
    """A visitor with a browser of their own."""
    context = browser.new_context(**{"viewport": {"width": 1100, "height": 800}, "locale": "en-GB", **options})
    return Shopper(context, server.shop + path)


def _is_violation(text: str) -> bool:
    return "Content Security Policy" in text or "Trusted" in text
