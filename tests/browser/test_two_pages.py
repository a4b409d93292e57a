"""A visitor on a shop's page and an agent in the console, in two windows of one browser, over the running gateway."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, FrameLocator, Page, expect

from tests.browser.chromium import serving
from tests.browser.desk import open_desk, show_moment, thread_path
from tests.browser.line import Line, open_line_to
from tests.browser.stage import BrowserSite, cloned_apart, eventually, save_picture
from tests.database import Servers

CUTS = 50
EVENTS = 5_000
SAID = re.compile(r"\b([av])-(\d{4})\b")
CATCH_UP_SECONDS = 180
SETTLED_SECONDS = 300
"""How long the last of all that may take on a machine that does much else."""
THROTTLED = 429
ROUND = 4
ANSWERS = 6
"""The visitor writes so many messages between two cuts, and each of them has so many answers."""

SHOP = """<!doctype html><html lang="en"><title>Lantern shop</title><h1>Lantern shop</h1>
<script src="{url}/widget/loader.js" data-channel="{channel}" async></script></html>"""


@contextmanager
def open_shop(browser: Browser, site: BrowserSite) -> Iterator[tuple[Page, FrameLocator]]:
    """A visitor's window on a site of another origin, with the chat open."""
    with serving() as shop:
        shop.pages["/"] = SHOP.format(url=site.url, channel=site.web_channel)
        context = browser.new_context(viewport={"width": 900, "height": 760}, locale="en-GB")
        try:
            page = context.new_page()
            page.goto(f"{shop.url}/")
            page.get_by_role("button", name=re.compile("chat", re.IGNORECASE)).click()
            frame = page.frame_locator("iframe")
            frame.get_by_role("button", name="Send us a message").click()
            yield page, frame
        finally:
            context.close()


def test_a_visitor_and_an_agent_talk_across_two_pages(browser: Browser, site: BrowserSite) -> None:
    """What one writes the other reads at once, sees being typed, and sees when it was read; it is one conversation."""
    agent = site.hire("Bo Larsen")
    with open_desk(browser, site, agent) as desk, open_shop(browser, site) as (shop, chat):
        _say(chat, "Do you ship to Iceland?")
        row = desk.get_by_text("Do you ship to Iceland?").first
        expect(row).to_be_visible()
        row.click()
        expect(_log(desk).get_by_text("Do you ship to Iceland?")).to_be_visible()
        show_moment(lambda: _type(chat, "I am at Vik"), desk.get_by_text(re.compile("typing|writing")).first)
        _answer(desk, "We do, within four days.")
        expect(chat.get_by_role("log").get_by_text("We do, within four days.")).to_be_visible()
        told = _log(desk).get_by_role("article").filter(has_text="within four days")
        expect(told.get_by_role("img", name="Read")).to_be_visible()
        chat.get_by_role("textbox").press("Enter")
        expect(_log(desk).get_by_text("I am at Vik")).to_be_visible()
        save_picture(desk, "two pages console")
        save_picture(shop, "two pages shop")


def test_nothing_is_lost_or_doubled_over_a_line_that_is_cut(
    browser: Browser, servers: Servers, redis_url: str, tmp_path: Path
) -> None:
    """50 cuts during 5,000 events: visitor and agent end with every message once and in the order it was stored.

    How many events a message makes, up to five, its way decides: there are rounds until there were enough.
    """
    with _cut_site(servers, redis_url, tmp_path) as (site, line):
        agent = site.hire("Mina Haddad")
        with open_shop(browser, site) as (_, chat):
            _say(chat, "v-0000")
            conversation = _only_conversation(site)
            with open_desk(browser, site, agent, path=thread_path(conversation)) as desk:
                expect(_log(desk).get_by_text("v-0000")).to_be_visible()
                rounds = _talk(site, line, chat, conversation=conversation)
                said = 1 + rounds * ROUND * (1 + ANSWERS)
                stored = eventually(lambda: _settled(site, conversation, said=said), seconds=SETTLED_SECONDS) or []
                for told in (_log(desk), chat.get_by_role("log")):
                    _wait_for_all(told, stored)
                    assert _read(told) == stored
                save_picture(desk, "console after fifty cuts")


def _talk(site: BrowserSite, line: Line, chat: FrameLocator, *, conversation: str) -> int:
    """Both write, and the line is cut between and while they do, until enough has happened; how many rounds it took."""
    done = 0
    with ThreadPoolExecutor(1) as colleague:
        while done < CUTS or _events_of(site, conversation) < EVENTS:
            first = done * ROUND * ANSWERS
            answers = colleague.submit(_answer_by_api, site, conversation, range(first, first + ROUND * ANSWERS))
            for number in range(done * ROUND + 1, (done + 1) * ROUND + 1):
                _say(chat, f"v-{number:04}")
            (line.take_down if done % 5 == 4 else line.cut)()
            _wait_for(answers)
            line.put_up()
            done += 1
    return done


def _answer_by_api(site: BrowserSite, conversation: str, numbers: range) -> None:
    """As a good client does: where the channel is behind with sending, it waits and asks again with the same key."""
    path = f"/v1/conversations/{conversation}/messages"
    for number in numbers:
        words = f"a-{number:04}"
        while True:
            answer = site.client.post(path, json={"text": words}, headers={"Idempotency-Key": words})
            if answer.status_code != THROTTLED:
                break
            time.sleep(float(answer.headers["Retry-After"]))
        assert answer.is_success, answer.text


def _wait_for(work: Future[None]) -> None:
    work.result(timeout=CATCH_UP_SECONDS)


def _wait_for_all(log: Any, stored: list[str]) -> None:
    """Until a page shows as many messages as there are; whether they are the right ones is another question."""
    with suppress(TimeoutError):
        eventually(lambda: len(_read(log)) == len(stored), seconds=CATCH_UP_SECONDS)


@contextmanager
def _cut_site(servers: Servers, redis_url: str, folder: Path) -> Iterator[tuple[BrowserSite, Line]]:
    """A site whose browsers reach it over a line of its own; our own calls go past it."""
    with cloned_apart(servers.database_url) as database_url:
        settings = {f"SWITCHBOARD_VISITOR_{what}_PER_MINUTE": "100000" for what in ("MESSAGES", "REQUESTS")}
        site = BrowserSite(folder, database_url=database_url, redis_url=redis_url, settings=settings)
        try:
            with open_line_to(site.port) as line:
                site.be_reached_at(f"http://127.0.0.1:{line.port}")
                site.open()
                yield site, line
        finally:
            site.close()


def _only_conversation(site: BrowserSite) -> str:
    return str(eventually(lambda: site.call("GET", "/v1/conversations")["data"])[0]["id"])


def _settled(site: BrowserSite, conversation: str, *, said: int) -> list[str] | None:
    """What was said, in the order it is stored, once all of it is there and has arrived."""
    entries: list[Any] = []
    while True:
        after = entries[-1]["seq"] if entries else 0
        page = site.call("GET", f"/v1/conversations/{conversation}/entries", after_seq=after, limit=200)
        entries += page["data"]
        if not page["page"]["has_more"]:
            break
    messages = [entry for entry in entries if entry["type"] == "message"]
    done = {"received", "delivered", "read"}
    whole = len(messages) == said
    return (
        [entry["text"] for entry in messages]
        if whole and {one["delivery"]["state"] for one in messages} <= done
        else None
    )


def _events_of(site: BrowserSite, conversation: str) -> int:
    seen, cursor = 0, None
    while page := site.call(
        "GET", "/v1/events", conversation=conversation, limit=200, **({"after": cursor} if cursor else {})
    ):
        seen += len(page["data"])
        if not page["data"] or not page["page"]["has_more"]:
            return seen
        cursor = page["data"][-1]["cursor"]
    return seen


def _read(log: Any) -> list[str]:
    """The messages a page shows, from the top."""
    return ["-".join(found) for found in SAID.findall(log.inner_text())]


def _say(chat: FrameLocator, words: str) -> None:
    box = chat.get_by_role("textbox")
    box.fill(words)
    box.press("Enter")


def _type(chat: FrameLocator, words: str) -> None:
    box = chat.get_by_role("textbox")
    box.clear()
    box.press_sequentially(words)


def _answer(desk: Page, words: str) -> None:
    box = desk.get_by_role("textbox", name="Reply")
    box.fill(words)
    box.press("Control+Enter")


def _log(desk: Page) -> Any:
    return desk.get_by_role("log")
