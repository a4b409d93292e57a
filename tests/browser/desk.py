"""The console as an agent has it: signed in, a conversation open, its parts by what they are called."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Route

from gateway.web.assets import FOLDER, MEDIA_TYPES
from gateway.web.policy import MAIL_FRAME_POLICY
from tests.browser.stage import BrowserSite, Person

SOURCES = FOLDER / "console"
QUIET = "Failed to load resource"
"""What Chromium says of each answer that is not a success; that such answers come is tested otherwise."""

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
        page.set_default_timeout(8000)
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
    if said.type == "error" and QUIET not in said.text:
        errors.append(said.text)
