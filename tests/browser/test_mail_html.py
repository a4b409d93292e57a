"""What a real browser makes of hostile mail: nothing happens, in the frame frontends use and without it."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import pytest
from playwright.sync_api import Browser

from channels.email.html import clean_html
from channels.email.html.shown import FRAME_POLICY
from tests.browser.chromium import Site, Visit, serving, wait_until
from tests.browser.vectors import LINKS, LOOKS, SCRIPTS

ALL = [*SCRIPTS, *LINKS, *LOOKS]
OWN = "<h1 id=own style='width:400px;height:40px;margin:0'>ours</h1>"
STIR = """() => {
  const seen = new Set();
  for (const element of document.querySelectorAll('.mail *')) {
    for (const name of element.getAttributeNames()) {
      if (name.startsWith('on')) seen.add('handler ' + name);
    }
    for (const name of ['mouseover', 'mouseenter', 'pointerenter', 'focus', 'error', 'load', 'toggle']) {
      element.dispatchEvent(new Event(name));
    }
    const where = getComputedStyle(element);
    if (where.position !== 'static') seen.add('position ' + where.position);
    if (where.backgroundImage !== 'none') seen.add('background');
    if (where.transform !== 'none') seen.add('transform');
    if (element.tagName === 'A' && element.hasAttribute('href')
        && !/^(https?|mailto|tel):$/.test(element.protocol)) seen.add('link ' + element.href);
    if (!(element instanceof HTMLElement) || element instanceof HTMLUnknownElement) seen.add('tag ' + element.tagName);
  }
  const top = document.elementFromPoint(20, 20);
  if (!top || top.id !== 'own') seen.add('covered');
  for (const mail of document.querySelectorAll('.mail')) { const html = mail.innerHTML; mail.innerHTML = html; }
  return [...seen];
}"""


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """The site all vectors point to."""
    with serving() as opened:
        yield opened


@pytest.fixture(autouse=True)
def _forget(site: Site) -> None:
    site.asked.clear()


def test_cleaned_mail_does_nothing_even_without_a_frame(browser: Browser, site: Site) -> None:
    """Cleaning alone stops every script, request, navigation and overlay, also when the page writes it once more."""
    assert len(SCRIPTS) >= 60
    shown = [clean_html(vector, files={"known": "att_known"}).html for vector in _aimed(site)]
    site.pages["/bare"] = _document("".join(f"<div class=mail>{html}</div>" for html in shown))
    visit = Visit(browser, f"{site.url}/bare")
    assert visit.page.evaluate(STIR) == []
    visit.page.wait_for_timeout(200)
    assert (visit.dialogs, visit.requests, visit.moves, site.asked) == ([], [], [], [])


def test_cleaned_mail_does_nothing_in_the_frame_frontends_use(browser: Browser, site: Site) -> None:
    """In a sandboxed frame, with the policy of FRAME_HEADERS: nothing, and the words are there."""
    shown = "".join(clean_html(vector).html for vector in _aimed(site))
    site.pages["/framed"] = _document(_frame(f"{shown}<p id=last>these words</p>"))
    visit = Visit(browser, f"{site.url}/framed")
    assert (visit.dialogs, visit.requests, visit.moves, site.asked) == ([], [], [], [])
    assert visit.page.frame_locator("iframe").locator("#last").inner_text() == "these words"


def test_the_frame_alone_holds_uncleaned_mail(browser: Browser, site: Site) -> None:
    """Should cleaning ever fail, sandbox and policy still let no script run and no request leave."""
    frames = "".join(_frame(vector) for vector in _sample(site))
    site.pages["/raw-framed"] = _document(frames)
    visit = Visit(browser, f"{site.url}/raw-framed")
    assert (visit.dialogs, site.asked) == ([], [])


def test_the_same_mail_uncleaned_is_seen_to_attack(browser: Browser, site: Site) -> None:
    """The check can fail: raw, the vectors open dialogs, ask the site and carry the reader away."""
    frames = "".join(f'<iframe srcdoc="{escape(vector)}"></iframe>' for vector in _sample(site))
    site.pages["/raw"] = _document(frames)
    visit = Visit(browser, f"{site.url}/raw")
    wait_until(visit.page, lambda: len(visit.dialogs) >= 10 and len(site.asked) >= 10)


def _aimed(site: Site) -> list[str]:
    return [vector.replace("$SITE", site.url).replace("$HOST", site.host) for vector in ALL]


def _sample(site: Site) -> list[str]:
    """Every third vector, since each needs a frame of its own: raw, one can swallow those that follow."""
    return _aimed(site)[1::3]


def _frame(html: str) -> str:
    policy = FRAME_POLICY.removesuffix("; sandbox")
    document = f'<meta http-equiv="Content-Security-Policy" content="{policy}">{html}'
    return f'<iframe sandbox="" srcdoc="{escape(document)}"></iframe>'


def _document(body: str) -> str:
    return f'<!doctype html><link rel=icon href="data:,"><body style="margin:0">{OWN}{body}'
