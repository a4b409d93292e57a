"""The console as an agent has it: signed in, a conversation open, its parts by what they are called."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from gateway.web.assets import FOLDER, MEDIA_TYPES
from gateway.web.policy import MAIL_FRAME_POLICY
from tests.browser.chromium import PATIENCE_MS
from tests.browser.stage import BrowserSite, Person

SOURCES = FOLDER / "console"
QUIET = ("Failed to load resource", "WebSocket connection to")
"""What Chromium says of each answer that is no success and each line that is cut: that is tested otherwise."""

MOMENT_MS = 7_000
"""Longer than typing counts without a further key: whoever begins anew after that is told anew."""
LATER_MS = 30_000
LATER_IS_THERE = """(ms) => new Promise((done, fail) => {
  setTimeout(() => fail(new Error('later.js was not fetched')), ms);
  const isThere = () => performance.getEntriesByType('resource').some(({ name }) => name.endsWith('/later.js'));
  const look = () => (isThere() ? done() : setTimeout(look, 20));
  look();
})"""
STILL_MS = 250
STILL = """(ms) => new Promise((done) => {
  let timer = setTimeout(done, ms);
  new MutationObserver(() => { clearTimeout(timer); timer = setTimeout(done, ms); })
    .observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
})"""

NO_UNDO: Mapping[str, Any] = {"undo": 0}
"""Messages leave at once: what an agent has chosen for the seconds in which one can be taken back."""
KEEP_PREFS = """(all) => {
  const isMail = self.origin === 'null';
  if (!isMail && !localStorage.getItem('switchboard.console')) localStorage.setItem('switchboard.console', all);
}"""


@contextmanager
def open_desk(
    browser: Browser,
    site: BrowserSite,
    person: Person,
    *,
    path: str = "/console",
    prefs: Mapping[str, Any] = NO_UNDO,
    complain: bool = True,
    **context: Any,
) -> Iterator[Page]:
    """A page of this agent's own, with what they prefer; with whatever the page itself complains of it fails."""
    shown = {"viewport": {"width": 1360, "height": 860}, "locale": "en-GB", **context}
    opened = browser.new_context(**shown)
    errors: list[str] = []
    try:
        sign_in(opened, site, person)
        opened.add_init_script(f"({KEEP_PREFS})({json.dumps(json.dumps(dict(prefs)))})")
        page = opened.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: _complain(errors, said))
        page.goto(f"{site.url}{path}")
        yield page
        assert not (complain and errors), errors
    finally:
        opened.close()


def sign_in(context: BrowserContext, site: BrowserSite, person: Person) -> None:
    """The session's cookie, as the login form gets it."""
    answer = context.request.post(
        f"{site.url}/v1/session",
        data={"email": person.email, "password": person.password},
        headers={"Origin": site.url},
    )
    assert answer.ok, answer.text()


def wait_until_live(page: Page) -> None:
    """Until events come to this page as they happen, which its developer drawer tells."""
    drawer = page.locator(".drawer")
    page.keyboard.press("Control+Shift+D")
    expect(drawer.locator(".standing")).to_contain_text("online")
    page.keyboard.press("Control+Shift+D")
    expect(drawer).to_have_count(0)


def wait_until_drawn(page: Page) -> None:
    """Until the frame stands and its list is loaded."""
    expect(page.locator(".shell")).to_be_visible()
    expect(page.locator(".virtual")).not_to_have_attribute("aria-busy", "true")
    page.evaluate(LATER_IS_THERE, LATER_MS)


def wait_until_still(page: Page) -> None:
    """Until nothing on the page has changed for a moment: what was to be drawn is drawn."""
    page.evaluate(STILL, STILL_MS)


def show_moment(act: Callable[[], object], shown: Locator) -> None:
    """Do what shows for a few seconds only, as typing does, until it was seen: the first time nobody may listen yet."""
    ends = time.monotonic() + PATIENCE_MS / 1000
    while not shown.is_visible():
        assert time.monotonic() < ends, f"{shown} was never seen"
        act()
        with suppress(PlaywrightTimeout):
            shown.wait_for(timeout=MOMENT_MS)


def serve_sources(page: Page, site: BrowserSite) -> str:
    """The console's modules one by one, as they are written, at the site's own origin; where they are."""
    base = f"{site.url}/sources/"

    def answer(route: Route) -> None:
        path = SOURCES / route.request.url.removeprefix(base)
        kind = MEDIA_TYPES[path.suffix]
        headers = {"Content-Security-Policy": MAIL_FRAME_POLICY} if path.suffix == ".html" else {}
        route.fulfill(body=path.read_bytes(), content_type=kind, headers=headers)

    page.route(f"{base}**", answer)
    return base


def thread_path(conversation_id: str) -> str:
    """Where a conversation is open."""
    return f"/console/c/{conversation_id}"


def _complain(errors: list[str], said: Any) -> None:
    if said.type == "error" and not any(words in said.text for words in QUIET):
        errors.append(said.text)
