"""Every kind of entry and part the API can bring has its look in the console; the entries are told by a fake API."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.axe import check_axe
from tests.browser.desk import serve_sources
from tests.browser.stage import BrowserSite, save_picture

CONVERSATION = "cnv_1"
CUSTOMER = {"type": "contact", "id": "ctc_1", "name": "Ana Ruiz", "address": "+34600111222", "verified": True}
AGENT = {"type": "agent", "id": "agt_1", "name": "Bo Larsen", "address": None, "verified": None}
BOT = {"type": "bot", "id": "bot_1", "name": "Helper", "address": None, "verified": None}


def _attachment(name: str, media_type: str, **more: Any) -> dict[str, Any]:
    facts = {"id": f"att_{name.partition('.')[0]}", "name": name, "media_type": media_type, "size": 183_220}
    stored = {"scan": "clean", "state": "stored", "url": f"/v1/attachments/{name}", "width": None, "height": None}
    return {**facts, **stored, **more}


PARTS: list[tuple[dict[str, Any], str]] = [
    (
        {"type": "text", "text": "It is *broken*, see [the page](https://shop.example/a)", "format": "markdown"},
        "the page",
    ),
    ({"type": "text", "text": "Thanks", "quoted": "> earlier words", "signature": "Ana, Calle 1"}, "Thanks"),
    (
        {"type": "image", "attachment": _attachment("door.png", "image/png", width=64, height=48), "alt": "A door"},
        "A door",
    ),
    ({"type": "sticker", "attachment": _attachment("smile.png", "image/png")}, "smile.png"),
    ({"type": "audio", "attachment": _attachment("memo.ogg", "audio/ogg")}, "memo.ogg"),
    ({"type": "video", "attachment": _attachment("clip.mp4", "video/mp4")}, "clip.mp4"),
    ({"type": "file", "attachment": _attachment("invoice.pdf", "application/pdf")}, "invoice.pdf"),
    ({"type": "file", "attachment": _attachment("bad.zip", "application/zip", scan="infected")}, "virus"),
    (
        {"type": "image", "attachment": _attachment("late.png", "image/png", state="pending", url=None)},
        "Still being fetched",
    ),
    (
        {"type": "location", "latitude": 40.4, "longitude": -3.7, "name": "The shop", "address": "Gran Vía 1"},
        "Gran Vía 1",
    ),
    ({"type": "contact_card", "name": "Luis", "phones": ["+34600"], "emails": ["l@x.org"]}, "Luis"),
    ({"type": "template", "name": "order_update", "language": "es", "variables": {"1": "8841"}}, "order_update"),
    (
        {
            "type": "choices",
            "text": "Which colour?",
            "options": [{"id": "r", "title": "Red"}, {"id": "b", "title": "Blue"}],
        },
        "Blue",
    ),
    ({"type": "choice_reply", "id": "b", "title": "Blue it is"}, "Blue it is"),
    (
        {"type": "form", "id": "f", "title": "Your details", "fields": [{"name": "e", "label": "E-mail"}]},
        "Your details",
    ),
    (
        {"type": "form_reply", "form_id": "f", "values": [{"name": "e", "label": "E-mail", "value": "ana@x.org"}]},
        "ana@x.org",
    ),
    (
        {"type": "link_preview", "url": "https://shop.example/b", "title": "Blue mug", "description": "12 EUR"},
        "Blue mug",
    ),
    ({"type": "unsupported", "provider_type": "poll", "fallback": "[a poll]"}, "[a poll]"),
    ({"type": "hologram", "fallback": "[a hologram]"}, "[a hologram]"),
]
CALL = {
    "id": "cal_1", "direction": "inbound", "state": "completed", "outcome": "answered", "duration_s": 75,
    "recording": _attachment("call.ogg", "audio/ogg"),
    "transcript": [
        {"speaker": "Ana", "start": 0.0, "end": 2.0, "text": "Hello, where is my order?"},
        {"speaker": "Bo", "start": 2.5, "end": 5.0, "text": "On its way, it comes tomorrow."},
    ],
}  # fmt: skip
FAILED = {
    "code": "opted_out",
    "provider_code": "21610",
    "message": "they opted out",
    "retryable": False,
    "fix": "use e-mail",
}


def _entries() -> list[dict[str, Any]]:
    kinds = [_entry(seq, parts=[part], text=words) for seq, (part, words) in enumerate(PARTS, start=1)]
    event = {
        "name": "assigned",
        "actor": AGENT,
        "from": None,
        "to": {"id": "agt_2", "name": "Mina"},
        "reason": "speaks Spanish",
    }
    tagged = {"name": "tagged", "actor": AGENT, "from": None, "to": "vip", "reason": None}
    last = len(kinds)
    return [
        *kinds,
        _entry(last + 1, type="event", direction="internal", event=event, channel=None, author=AGENT),
        _entry(last + 2, type="event", direction="internal", event=tagged, channel=None, author=AGENT),
        _entry(last + 3, type="call", call=CALL, channel={"type": "voice", "channel_id": "cha_2"}),
        _entry(last + 4, text="gone", parts=[], redacted_at="2026-11-20T12:00:00.000Z"),
        _entry(last + 5, text="Better so", author=BOT, direction="outbound", edited_at="2026-11-20T12:00:00.000Z",
               approved_by=AGENT, reactions=[{"emoji": "👍", "author": CUSTOMER, "at": "2026-11-20T12:00:00.000Z"}]),
        _entry(last + 6, text="No way", author=AGENT, direction="outbound", state="failed", error=FAILED),
        *[_entry(last + 7 + at, text=f"It is {state}", author=AGENT, direction="outbound", state=state)
          for at, state in enumerate(("queued", "sending", "sent", "delivered", "read", "unknown", "canceled"))],
        _entry(last + 14, type="note", direction="internal", text="For us alone", author=AGENT, channel=None),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def page(browser: Browser, site: BrowserSite) -> Iterator[Page]:
    """A timeline of everything, mounted as the console does."""
    context = browser.new_context(locale="en-GB", viewport={"width": 900, "height": 900})
    opened = context.new_page()
    serve_sources(opened, site)
    opened.route("**/v1/attachments/**", _send_file)
    opened.goto(f"{site.url}/console")
    opened.evaluate(MOUNT, _entries())
    opened.get_by_role("log").get_by_text("For us alone").wait_for()
    yield opened
    context.close()


def test_each_kind_of_part_is_shown(page: Page) -> None:
    """What came is on the page, by its words, its name, or what stands for it; nothing is dropped."""
    for seq, (_, words) in enumerate(PARTS, start=1):
        shown = page.locator(f"#ent_{seq}")
        said = shown.inner_text() + " ".join(shown.locator("[alt], [aria-label]").evaluate_all(NAMES))
        assert words in said, (seq, words, said)
    save_picture(page, "console thread kinds")


def test_how_far_a_message_got_has_a_sign_and_a_name(page: Page) -> None:
    """Each state of a delivery is told to eyes and ears; one that failed says why, and what helps."""
    first = len(PARTS) + 7
    names = ["Waiting to be sent", "Sending…", "Sent", "Delivered", "Read", "It is not known", "Not sent: taken back"]
    for at, name in enumerate(names):
        expect(page.locator(f"#ent_{first + at}").get_by_role("img", name=name, exact=False).first).to_be_attached()
    expect(page.locator(f"#ent_{first - 1}")).to_contain_text("They opted out. Use e-mail.")


def test_a_call_has_its_recording_and_what_was_said(page: Page) -> None:
    """A call tells its outcome and length; each line of its transcript leads to its place in the recording."""
    call = page.locator(f"#ent_{len(PARTS) + 3}")
    expect(call).to_contain_text("1:15")
    expect(call.locator("audio")).to_have_count(1)
    expect(call.get_by_role("button", name="0:03")).to_be_enabled()
    call.scroll_into_view_if_needed()
    save_picture(page, "console thread call")


def test_changes_in_a_row_are_one_line_that_opens(page: Page) -> None:
    """Two changes are folded; opened, each says who, what and why."""
    folded = page.get_by_text("2 changes")
    folded.click()
    expect(page.get_by_text("Bo Larsen assigned it to Mina")).to_be_visible()
    expect(page.get_by_text("speaks Spanish")).to_be_visible()
    folded.click()


def test_marks_on_a_message_are_told(page: Page) -> None:
    """Edited, redacted, written by a bot and approved by whom, and reactions."""
    at = len(PARTS)
    expect(page.locator(f"#ent_{at + 4}")).to_contain_text("Redacted")
    expect(page.locator(f"#ent_{at + 4}")).not_to_contain_text("gone")
    bot = page.locator(f"#ent_{at + 5}")
    for words in ("edited", "Bot", "approved by Bo Larsen", "👍"):
        expect(bot).to_contain_text(words)


def test_a_picture_opens_large_and_closes_by_the_keyboard(page: Page) -> None:
    """The lightbox is a dialog named like its picture; Esc closes it and gives the focus back."""
    button = page.get_by_role("button", name="Open the picture A door")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="A door")).to_be_visible()
    page.keyboard.press("Escape")
    expect(button).to_be_focused()


def test_all_kinds_are_accessible(page: Page) -> None:
    """WCAG 2.2 AA by axe with everything on the page."""
    check_axe(page, leave_out=frozenset({"landmark-one-main", "page-has-heading-one", "region", "video-caption"}))


def _entry(seq: int, *, state: str | None = None, error: Any = None, **more: Any) -> dict[str, Any]:
    delivery = {"state": state or "received", "updated_at": None, "held_until": None, "error": error}
    moment = f"2026-11-20T{6 + seq // 8:02d}:{seq % 8 * 7:02d}:00.000Z"  # too far apart to be a group
    told = {
        "object": "entry", "type": "message", "id": f"ent_{seq}", "conversation_id": CONVERSATION, "seq": seq,
        "version": 1, "direction": "inbound", "channel": {"type": "sms", "channel_id": "cha_1"}, "author": CUSTOMER,
        "recipients": [], "text": "", "parts": [], "event": None, "letter": None, "delivery": delivery,
        "occurred_at": moment,
    }  # fmt: skip
    words = {"parts": [{"type": "text", "text": more["text"], "format": "plain"}]} if more.get("text") else {}
    return {**told, **words, **more}


def _send_file(route: Route) -> None:
    if route.request.url.endswith(".png"):
        route.fulfill(body=_picture(), content_type="image/png")
    else:
        route.fulfill(status=404)


def _picture() -> bytes:
    """A PNG of 64 by 48, all of one blue."""
    rows = b"".join(b"\0" + bytes((96, 125, 211)) * 64 for _ in range(48))
    header = struct.pack(">IIBBBBB", 64, 48, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


NAMES = "(all) => all.map((one) => one.getAttribute('alt') || one.getAttribute('aria-label'))"
MOUNT = """async (entries) => {
  const [{ createBus }, { createCommands }, { createStore }, { mountTimeline }] = await Promise.all(
    ['bus', 'commands', 'store', 'timeline/timeline'].map((name) => import(`/sources/${name}.js`)));
  const page = (data) => ({ data, page: { has_more: false } });
  const api = { get: async (path) => page(path.includes('/entries') ? entries : []), post: async () => ({}) };
  const bus = createBus(), store = createStore({ api, bus });
  store.set('channels', [{ id: 'cha_1', name: 'Shop line' }, { id: 'cha_2', name: 'Phone line' }]);
  store.putConversation({
    id: 'cnv_1', number: 7, version: 1, subject: 'Everything', status: 'open', tags: [], channels: ['sms', 'voice'],
    contact: { id: 'ctc_1', name: 'Ana Ruiz' }, assignee: null, handler: 'human', counts: { unread: 0 },
    priority: { level: 'normal', because: [] },
  });
  const css = ['app', 'timeline/timeline'].map((name) => new Promise((done) => {
    const link = document.createElement('link');
    document.head.append(Object.assign(link, { rel: 'stylesheet', href: `/sources/${name}.css`, onload: done }));
  }));
  await Promise.all(css);
  const box = document.createElement('div');
  box.className = 'timeline';
  box.style.setProperty('block-size', '900px');
  document.body.replaceChildren(box);
  const live = { send: () => true };
  mountTimeline(box, { conversationId: 'cnv_1', api, bus, store, live, commands: createCommands() });
}"""
