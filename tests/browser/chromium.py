"""A real Chromium, and a site that counts what is asked of it."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

MISSING = "Chromium is not installed: what browsers make of mail HTML and of our pages was not tested"
PATIENCE_MS = 30_000
"""How long anything on a page may take to come about: machines that do much else are slow. No test waits it out."""
LAUNCH_MS = 120_000
SETTLED_MS = 400
"""How long a page is watched after it has loaded: timers, animations and refreshes of 0 seconds have passed by then."""
LOOK_MS = 50

expect.set_options(timeout=PATIENCE_MS)


class Site:
    """Serves `pages` by their paths and remembers all requests for anything else."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        self.asked: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.url = f"http://{self.host}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                """Answer, and remember."""
                page = site.pages.get(self.path)
                if page is None:
                    site.asked.append(self.path)
                self.send_response(200 if page is not None else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write((page or "").encode("utf-8", "replace"))

            do_POST = do_GET  # noqa: N815 - the server's name for it

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        return Handler


class Visit:
    """What happened while a page was looked at: dialogs, requests but that for the page, navigations away from it."""

    def __init__(self, browser: Browser, url: str) -> None:
        page = self.page = browser.new_page()
        self.dialogs: list[str] = []
        self.requests: list[str] = []
        self.moves: list[str] = []
        page.on("dialog", self._dismiss)
        page.on("request", lambda request: None if request.url == url else self.requests.append(request.url))
        page.on("framenavigated", lambda frame: self._moved(frame.url, own=url))
        page.on("popup", lambda popup: self.moves.append(popup.url))
        page.goto(url)
        page.wait_for_timeout(SETTLED_MS)

    def _dismiss(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _moved(self, url: str, *, own: str) -> None:
        if url not in {own, "about:blank", "about:srcdoc"}:
            self.moves.append(url)


@contextmanager
def serving() -> Iterator[Site]:
    """A site of the test's own."""
    site = Site()
    thread = threading.Thread(target=site.server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield site
    finally:
        site.server.shutdown()
        site.server.server_close()
        thread.join()


@contextmanager
def browsing() -> Iterator[Browser]:
    """The distribution's Chromium; skips aloud where there is none, but never in CI."""
    program = find_chromium()
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=program, args=flags, timeout=LAUNCH_MS)
        try:
            yield browser
        finally:
            browser.close()


def wait_until(page: Page, came: Callable[[], object], *, ms: float = PATIENCE_MS) -> None:
    """Until something holds that events of the page bring about: what `page.on` hears comes in while we wait here."""
    ends = time.monotonic() + ms / 1000
    while not came():
        if time.monotonic() > ends:
            raise TimeoutError(f"it did not come about within {ms:g} ms")
        page.wait_for_timeout(LOOK_MS)


def find_chromium() -> str:
    """Where it is."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    return program
