"""One browser a module, and one running site for all tests of a process that ask for it.

While a browser is open, Playwright's event loop runs in this thread: nothing here may call `asyncio.run`.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import browsing, find_chromium
from tests.browser.stage import BrowserSite, open_site
from tests.database import Servers, cloned_database

FOLDER = Path(__file__).parent


@pytest.fixture(scope="module")
def browser(servers: Servers) -> Iterator[Browser]:
    """A real Chromium; tests open contexts of their own in it. (The servers have to be up before it.)"""
    with browsing() as opened:
        yield opened


@pytest.fixture(scope="session")
def site(servers: Servers, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserSite]:
    """A running Switchboard; without a browser none is started."""
    find_chromium()
    folder = tmp_path_factory.mktemp("site")
    clone = cloned_database(servers.database_url)
    with ThreadPoolExecutor(1) as apart:
        database_url = apart.submit(clone.__enter__).result()
        try:
            with open_site(folder, database_url=database_url, redis_url=redis_url) as opened:
                yield opened
        finally:
            apart.submit(clone.__exit__, None, None, None).result()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is in this folder drives a browser: `pytest -m browser` runs it, and it alone."""
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.browser)
