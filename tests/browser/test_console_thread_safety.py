"""What customers write is shown in the console as words: nothing in it runs, loads, leads astray or becomes markup."""

from __future__ import annotations

import secrets
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Dialog, Locator, Page, expect

from tests.browser.chromium import serving, wait_until
from tests.browser.desk import open_desk, serve_sources, thread_path
from tests.browser.stage import BrowserSite, eventually, save_picture
from tests.browser.vectors import LINKS, LOOKS
from tests.browser.vectors import SCRIPTS as VECTORS

SCRIPTS = [
    "<img src=x onerror=window.hacked=1>",
    "<script>window.hacked=1</script>",
    "[click](javascript:window.hacked=1)",
    "<svg/onload=window.hacked=1>",
    'https://shop.example/"onmouseover="window.hacked=1',
]
PIXEL = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==")
MAIL = (
    '<h2 style="color:#7a1fa2">Invoice</h2><table style="background:#fafad2"><tr><td>Mug</td><td>12</td></tr></table>'
    '<p><a href="https://shop.example/track">track it</a></p>'
    '<img src="https://pixel.example/open.gif" width="90" height="30">'
)


def test_markup_in_a_message_stays_text(browser: Browser, site: BrowserSite) -> None:
    """Tags, handlers and script addresses in a text are shown as they were typed (security T31)."""
    phone = f"+1555{secrets.randbelow(10**7):07d}"
    for words in SCRIPTS:
        site.text_in(phone, words)
    conversation = site.conversation_with(phone)
    site.call("PATCH", f"/v1/contacts/{conversation['contact']['id']}", {"name": SCRIPTS[0]})
    note = {"text": SCRIPTS[1], "agent_id": site.hire("Mina").id}
    site.call("POST", f"/v1/conversations/{conversation['id']}/notes", note)
    with open_desk(browser, site, site.hire(SCRIPTS[0]), path=thread_path(conversation["id"])) as page:
        log = page.get_by_role("log", name="Messages")
        for words in SCRIPTS:
            expect(log.get_by_text(words, exact=True).first).to_be_visible()
        assert page.evaluate("window.hacked") is None
        assert log.locator("img, script, svg:not(.icon)").count() == 0
        assert [link for link in _links(page) if not link.startswith(("http://", "https://", "mailto:"))] == []


def test_a_mail_looks_as_it_was_written_and_loads_nothing_unasked(browser: Browser, site: BrowserSite) -> None:
    """A mail keeps its looks in a frame of its own origin; pictures of the web come when the agent asks for them."""
    conversation = _mailed(site, MAIL)
    with open_desk(browser, site, site.hire("Bo Larsen"), path=thread_path(conversation)) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.route("https://pixel.example/**", lambda route: route.fulfill(status=204))
        frame = page.frame_locator("iframe[title='The mail as it was written']")
        expect(frame.get_by_role("heading", name="Invoice")).to_be_visible()
        colour = frame.get_by_role("heading", name="Invoice").evaluate("h => getComputedStyle(h).color")
        assert colour == "rgb(122, 31, 162)"
        eventually(lambda: 120 < _height(page.locator("iframe")) < 400)  # the frame is as tall as the mail
        link = frame.get_by_role("link", name="track it")
        assert link.get_attribute("rel") == "noopener noreferrer nofollow"
        assert [url for url in asked if "pixel.example" in url] == []
        save_picture(page, "console thread mail")
        page.get_by_role("button", name="Show pictures").click()
        wait_until(page, lambda: "https://pixel.example/open.gif" in asked)


def test_the_pictures_of_a_mail_stand_in_it(browser: Browser, site: BrowserSite) -> None:
    """A picture that came with a mail is shown where the mail has it, once, without a request of the frame's own."""
    upload = site.client.post("/v1/attachments", files={"file": ("dot.png", PIXEL, "image/png")})
    attachment = upload.json()["id"]
    html = f'<table><tr><td><img src="cid:{attachment}" alt="A dot" width="40" height="40"></td></tr></table>'
    picture = {"type": "image", "attachment": {"id": attachment, "media_type": "image/png"}}
    conversation = _mailed(site, html, picture)
    with open_desk(browser, site, site.hire("Bo Larsen"), path=thread_path(conversation)) as page:
        shown = page.frame_locator("iframe").get_by_alt_text("A dot")
        expect(shown).to_be_visible()
        eventually(lambda: shown.evaluate("one => one.naturalWidth") == 1)
        assert str(shown.get_attribute("src")).startswith("data:image/png;base64,")
        expect(page.get_by_role("log").get_by_role("button", name="Open the picture")).to_have_count(0)


def test_hostile_mail_can_neither_run_nor_load_nor_leave(browser: Browser, site: BrowserSite) -> None:
    """Even HTML that no sanitiser has seen runs, loads and sends nothing where mails are shown (security T22)."""
    conversation = _mailed(site, MAIL)
    with serving() as other, _watched(browser, site, conversation) as (page, told):
        sources = serve_sources(page, site)
        for at in range(0, len(HOSTILE), AT_ONCE):
            mails = [vector.replace("$SITE", other.url) for vector in HOSTILE[at : at + AT_ONCE]]
            assert page.evaluate(SHOW, [sources, mails]) == len(mails), "each is shown"
            wait_until(page, lambda: len(page.frames) == 1 + page.locator("iframe").count())
            kept = [frame.evaluate(KEPT) for frame in page.frames[1:]]
            assert kept == [["null", 0]] * len(kept), "an origin of its own, and nothing active"
        assert other.asked == []
        assert told == []
        assert page.evaluate("location.pathname") == thread_path(conversation)


def test_the_page_that_shows_mails_does_nothing_by_itself(browser: Browser, site: BrowserSite) -> None:
    """Opened by others it is sandboxed by its policy and takes no HTML: no words of strangers under our name."""
    page = browser.new_page()
    try:
        page.goto(f"{site.url}/console")
        main = str(page.evaluate("document.querySelector('script[type=module]').src"))
        answer = page.goto(main.replace("main.js", "timeline/mail.html"))
        assert answer is not None
        assert "sandbox allow-scripts" in answer.headers["content-security-policy"]
        page.evaluate(STRANGE)
        assert page.locator("body").inner_text() == ""
    finally:
        page.close()


STRANGE = """() => new Promise((done) => {
  addEventListener('message', () => done());
  postMessage({ html: '<h1>Your account is locked</h1>', pictures: {} }, '*');
})"""
"""Done once whoever listens before us has heard it."""
AT_ONCE = 30
HOSTILE = [*VECTORS, *LINKS, *LOOKS]
KEPT = """() => [self.origin, document.querySelectorAll(
  'script:not([src$="mail.js"]), iframe, form, object, base, [onerror], [onload], a[href^="javascript:" i]').length]"""
SHOW = """async ([sources, mails]) => {
  const { mailPart } = await import(sources + 'timeline/mailframe.js');
  const box = document.querySelector('.later');
  box.replaceChildren();
  const shown = mails.map((html) => {
    const part = { type: 'html', html: html + '<table></table>', quoted: null, signature: null };
    const node = mailPart(part, { parts: [part, part], text: '' }, { mark: (nodes) => nodes });
    const frame = node.querySelector('iframe');
    frame.loading = 'eager';
    const told = new Promise((done) => addEventListener('message', function hear(event) {
      if (event.source !== frame.contentWindow || !event.data.height) return;
      removeEventListener('message', hear);
      done(true);
    }));
    box.append(node);
    return told;
  });
  await Promise.all(shown);
  await new Promise((done) => setTimeout(done, 250));
  return box.querySelectorAll('iframe').length;
}"""


@contextmanager
def _watched(browser: Browser, site: BrowserSite, conversation: str) -> Iterator[tuple[Page, list[str]]]:
    """A console that may complain of what it refused, and what it was made to open or say."""
    told: list[str] = []
    with open_desk(browser, site, site.hire("Bo Larsen"), path=thread_path(conversation), complain=False) as page:
        page.get_by_role("log", name="Messages").get_by_role("article").first.wait_for()
        page.on("popup", lambda popup: told.append(f"popup {popup.url}"))
        page.on("dialog", lambda dialog: _dismiss(dialog, told))
        yield page, told


def _dismiss(dialog: Dialog, told: list[str]) -> None:
    told.append(f"dialog {dialog.message}")
    dialog.dismiss()


def _mailed(site: BrowserSite, html: str, *more: Any) -> str:
    """A conversation that we began with a mail; it does not matter here whether it could be delivered."""
    channel = _mail_channel(site)
    to = f"{secrets.token_hex(4)}@customers.example"
    body = {"to": to, "channel": "email", "channel_id": channel, "subject": "Invoice", "agent_id": site.hire("Mina").id}
    sent = site.call("POST", "/v1/messages", {**body, "parts": [{"type": "html", "html": html}, *more]})
    return str(sent["conversation_id"])


def _mail_channel(site: BrowserSite) -> str:
    for channel in site.call("GET", "/v1/channels", limit=100)["data"]:
        if channel["adapter"] == "email-postmark":
            return str(channel["id"])
    settings = {
        "address": "care@shop.example",
        "server_token": "0" * 36,
        "hook_secret": "h" * 32,
        "api_url": site.phones,
    }
    body = {"adapter": "email-postmark", "name": "Mail", "settings": settings}
    return str(site.call("POST", "/v1/channels", body)["id"])


def _links(page: Page) -> list[str]:
    return list(page.evaluate("[...document.querySelectorAll('.log a')].map((one) => one.href)"))


def _height(element: Locator) -> float:
    box = element.bounding_box()
    return box["height"] if box else 0
