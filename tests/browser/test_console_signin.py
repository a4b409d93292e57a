"""Signing in by an identity provider, in a browser, over the running gateway; and a gateway that is away meanwhile."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.stage import BrowserSite, open_site, save_picture
from tests.database import Servers, cloned_database
from tests.gateway.signin.provider import IdentityProvider, open_provider, provider_setting

PATIENT_MS = 30_000


@pytest.fixture(scope="module")
def provider() -> Iterator[IdentityProvider]:
    """An identity provider on loopback, with real signatures."""
    with _serving_provider() as serving:
        yield serving


@pytest.fixture(scope="module")
def acme(
    browser: Browser,
    servers: Servers,
    provider: IdentityProvider,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[BrowserSite]:
    """A gateway whose agents may come by the provider."""
    clone = cloned_database(servers.database_url)
    with ThreadPoolExecutor(1) as apart:
        url = apart.submit(clone.__enter__).result()
        try:
            setting = {"SWITCHBOARD_OIDC_PROVIDERS": provider_setting(provider)}
            folder = tmp_path_factory.mktemp("acme")
            with open_site(folder, database_url=url, redis_url=servers.redis_url, **setting) as opened:
                yield opened
        finally:
            apart.submit(clone.__exit__, None, None, None).result()


def test_an_agent_comes_in_by_a_provider(browser: Browser, acme: BrowserSite, provider: IdentityProvider) -> None:
    """The provider's button is there beside the password; the way back leads to where one wanted to go."""
    person = acme.hire("Ana Ruiz")
    provider.claims |= {"sub": "1", "email": person.email, "name": person.name}
    with _guest(browser) as page:
        page.goto(f"{acme.url}/console/view/mine")
        expect(page.get_by_label("Password")).to_be_visible(timeout=PATIENT_MS)
        save_picture(page, "console sign in by a provider")
        page.get_by_role("link", name="Continue with Acme").click()
        expect(page.get_by_role("heading", name="Mine")).to_be_visible(timeout=PATIENT_MS)
        expect(page).to_have_url(f"{acme.url}/console/view/mine")
        expect(page.get_by_role("button", name=re.compile("Ana Ruiz"))).to_be_visible()


def test_whom_nobody_knows_is_told_so(browser: Browser, acme: BrowserSite, provider: IdentityProvider) -> None:
    """Vouched for, but none of the team: the sign-in page says what to do, once, and keeps nothing in its address."""
    provider.claims |= {"sub": "2", "email": "stranger@example.org"}
    with _guest(browser) as page:
        page.goto(f"{acme.url}/console")
        page.get_by_role("link", name="Continue with Acme").click()
        expect(page.get_by_role("alert")).to_contain_text("Ask an administrator", timeout=PATIENT_MS)
        expect(page).to_have_url(f"{acme.url}/console")
        page.reload()
        expect(page.get_by_label("Password")).to_be_visible(timeout=PATIENT_MS)
        expect(page.get_by_role("alert").filter(has_text="administrator")).to_have_count(0)


def test_a_gateway_that_is_away_is_no_reason_to_sign_in(browser: Browser, acme: BrowserSite) -> None:
    """While nobody answers who one is, the page says that, asks for no password, and goes on by itself."""
    with _guest(browser) as page:
        page.route("**/v1/session", lambda route: route.fulfill(status=500, json={"status": 500, "code": "internal"}))
        page.goto(f"{acme.url}/console")
        expect(page.get_by_role("heading", name="The gateway does not answer")).to_be_visible(timeout=PATIENT_MS)
        expect(page.get_by_label("Password")).to_have_count(0)
        page.unroute("**/v1/session")
        expect(page.get_by_label("Password")).to_be_visible(timeout=PATIENT_MS)


@contextmanager
def _guest(browser: Browser) -> Iterator[Page]:
    """A browser without a session; whoever sits there is signed in at the provider."""
    context = browser.new_context(viewport={"width": 1360, "height": 860})
    try:
        yield context.new_page()
    finally:
        context.close()


@contextmanager
def _serving_provider() -> Iterator[IdentityProvider]:
    """It with a loop of its own, since the browser's is in this thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    opened = open_provider()
    try:
        yield asyncio.run_coroutine_threadsafe(opened.__aenter__(), loop).result()
    finally:
        asyncio.run_coroutine_threadsafe(opened.__aexit__(None, None, None), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
