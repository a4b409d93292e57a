"""One browser and one running site for all tests of a process that ask for them.

While the browser is open, Playwright's event loop runs in this thread: nothing here may call `asyncio.run`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import browsing, find_chromium
from tests.browser.stage import BrowserSite, cloned_apart, open_site
from tests.database import Servers

FOLDER = Path(__file__).parent


@pytest.fixture(scope="session")
def browser(servers: Servers) -> Iterator[Browser]:
    """A real Chromium; tests open contexts of their own in it. (The servers have to be up before it.)"""
    with browsing() as opened:
        yield opened


@pytest.fixture(scope="session")
def site(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserSite]:
    """A running Switchboard; without a browser none is started."""
    find_chromium()
    folder = tmp_path_factory.mktemp("site")
    with (
        cloned_apart(servers.database_url) as database_url,
        open_site(folder, database_url=database_url, redis_url=servers.redis_url) as opened,
    ):
        yield opened


@pytest.fixture(autouse=True)
def _leave_nothing_open(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test opened in the browser is closed behind it, however the test ended."""
    browser = request.getfixturevalue("browser") if "browser" in request.fixturenames else None
    before = browser.contexts if browser else []
    yield
    for context in browser.contexts if browser else []:
        if context not in before:
            context.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is in this folder drives a browser: `pytest -m browser` runs it, and it alone."""
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.browser)
