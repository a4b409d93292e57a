"""Long conversations: read back to their beginning without a jump, and opened at a message far back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.desk import open_desk, serve_sources, thread_path
from tests.browser.stage import BrowserSite, save_picture
from tests.browser.threads import PATIENT_MS, log_of, one_agent, texted

NOTES = 170
"""More than three pages of entries, all of one day."""
TO_THE_TOP = """async () => {
  const log = document.querySelector('.log');
  const frame = () => new Promise(requestAnimationFrame);
  const entries = () => [...document.querySelectorAll('.entry')];
  const count = entries().length;
  log.scrollTop = 0;
  await frame();
  const edge = log.getBoundingClientRect().top;
  const first = entries().find((one) => one.getBoundingClientRect().bottom > edge);
  const before = first.getBoundingClientRect().top;
  while (entries().length === count) await new Promise((done) => setTimeout(done, 20));
  await frame();
  return first.getBoundingClientRect().top - before;
}"""
ROWS = """async ([base, days]) => {
  const { buildRows } = await import(`${base}timeline/rows.js`);
  const entries = days.map((day, at) => ({
    id: `ent_${at}`, seq: at + 1, type: 'message', direction: 'inbound', author: { id: 'ctc_1' },
    occurred_at: `2026-11-${day}T12:00:00.000Z`,
  }));
  return buildRows(entries, { zone: 'UTC' }).map((row) => row.key);
}"""


@pytest.fixture(scope="module")
def long_one(site: BrowserSite) -> str:
    """A conversation of many notes."""
    _, conversation = texted(site, "the very first word")
    agent = one_agent(site)

    def note(number: int) -> None:
        words = f"note number {number} {'and so on ' * (number % 9)}"
        site.call("POST", f"/v1/conversations/{conversation}/notes", {"text": words, "agent_id": agent.id})

    with ThreadPoolExecutor(4) as several:
        list(several.map(note, range(NOTES)))
    return conversation


def test_it_is_read_back_from_the_very_top(browser: Browser, site: BrowserSite, long_one: str) -> None:
    """Whoever pulls the bar to the top goes on reading what they saw there, though its day's name moves up."""
    with open_desk(browser, site, one_agent(site), path=thread_path(long_one)) as page:
        log_of(page).get_by_role("article").first.wait_for(timeout=PATIENT_MS)
        expect(page.get_by_role("img", name="Loading what came before")).to_be_attached()
        moved = []
        while page.get_by_text("The beginning of this conversation").count() == 0:
            moved.append(abs(page.evaluate(TO_THE_TOP)))
        assert moved, "everything was on the first page"
        assert max(moved) <= 2, moved
        expect(log_of(page).get_by_text("the very first word")).to_have_count(1)


def test_a_link_leads_far_back(browser: Browser, site: BrowserSite, long_one: str) -> None:
    """A link to a message opens at it, however much came after; one to no message says so, and shows the end."""
    first = site.call("GET", f"/v1/conversations/{long_one}/entries", after_seq=0, limit=5)["data"][0]["id"]
    with open_desk(browser, site, one_agent(site), path=f"{thread_path(long_one)}#{first}") as page:
        expect(log_of(page).get_by_text("the very first word")).to_be_in_viewport(timeout=PATIENT_MS)
        save_picture(page, "console long link")
        page.evaluate("location.hash = '#ent_0123'")
        expect(page.get_by_text("The message of this link is not in this conversation.")).to_be_visible()
        expect(page.get_by_role("button", name="To the newest")).to_be_hidden(timeout=PATIENT_MS)


def test_a_day_that_comes_again_is_said_again(page_of_sources: tuple[Page, str]) -> None:
    """A message that was long on its way stands where it arrived: its day is named there, and the next once more."""
    page, base = page_of_sources
    keys: list[Any] = page.evaluate(ROWS, [base, ["20", "21", "20", "21"]])
    days = [key for key in keys if key.startswith("day:")]
    assert len(days) == len(set(days)) == 4


@pytest.fixture
def page_of_sources(browser: Browser, site: BrowserSite) -> Any:
    """A page of the site's origin with the console's modules at hand, and where they are."""
    page = browser.new_page(locale="en-GB")
    base = serve_sources(page, site)
    page.goto(f"{site.url}/console")
    yield page, base
    page.close()
