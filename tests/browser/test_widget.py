"""The chat of a website in a real browser: what visitors see, write and reach, by mouse, keyboard and screen reader."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.fake_visitor_server import FakeVisitorServer
from tests.browser.stage import eventually, save_picture
from tests.browser.visitor_data import SHOP, STRICT
from tests.browser.widget_page import FOCUS, FORM, HOST, QUESTION, Shopper, serving_chat, visit

ARTICLES = [{"title": "Where is my parcel?", "url": "https://shop.example/parcel"}]
RATING = {"kind": "event", "event": {"name": "csat_requested", "by": None, "facts": {}}}
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1)) [y](data:text/html,<script>alert(1)</script>)",
    "**<svg onload=alert(1)>** `<iframe srcdoc='<script>parent.alert(1)</script>'>`",
    'https://x.example/"onmouseover="alert(1)',
]
AT = """name => {
  const at = document.activeElement;
  return at && (at.classList.contains(name) || [at.textContent, at.title, at.name].includes(name)
    || (at.type === 'radio' && name === 'rating'));
}"""
LOOKS: dict[str, dict[str, Any]] = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "rtl": {},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
    "narrow": {"viewport": {"width": 320, "height": 640}},
    "forced": {"forced_colors": "active", "reduced_motion": "reduce"},
}


@pytest.fixture
def server(browser: Browser) -> Iterator[FakeVisitorServer]:
    """A gateway of the test's own."""
    with serving_chat(browser) as opened:
        yield opened


def test_a_visitor_and_an_agent_talk(browser: Browser, server: FakeVisitorServer) -> None:
    """A message goes out with its page, is acknowledged in place, and the answer is shown with its author."""
    shopper = visit(browser, server).open().write("Where is my order?")
    shopper.sees("Where is my order?")
    eventually(lambda: server.accepted)
    [sent] = server.accepted.values()
    assert sent["page"]["url"] == server.shop + "/"
    assert sent["text"] == "Where is my order?"
    server.converse(assignee={"name": "Ana"})
    server.say("It is **on its way**: [see](https://shop.example/o/1).")
    bubble = shopper.sees("It is on its way")
    expect(bubble.locator("b")).to_have_text("on its way")
    expect(bubble.locator("a")).to_have_attribute("href", "https://shop.example/o/1")
    expect(shopper.chat.locator(".theirs .name")).to_have_text("Ana")
    expect(shopper.chat.locator("h1")).to_have_text("Ana")
    expect(shopper.chat.locator(".mine .state")).to_contain_text("Sent")
    assert shopper.errors == []


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing(browser: Browser, server: FakeVisitorServer, look: str) -> None:
    """Home, conversation, forms, rating and menu pass WCAG 2.2 AA and good practice in every look."""
    server.config["home"]["articles"] = ARTICLES
    server.config["theme"]["color"] = "#ffd400" if look == "dark" else "#2457d6"
    server.pages["/rtl"] = (SHOP.replace('lang="en"', 'lang="ar" dir="rtl"') + server.script(), None)
    shopper = visit(browser, server, "/rtl" if look == "rtl" else "/", **LOOKS[look])
    shopper.launcher.click()
    shopper.chat.locator(".start").wait_for()
    shopper.wait_for("!document.getAnimations().length")
    shopper.check()
    save_picture(shopper.page, f"widget-{look}-home")
    shopper.chat.locator(".start").click()
    shopper.write("Hello").sees("Hello")
    for facts in ({"parts": [QUESTION], "author": {"type": "bot", "name": "Bo"}}, {"parts": [FORM]}, RATING):
        server.say("", **facts)
    server.say("Use `ZX-99` on https://shop.example, please.")
    server.tell("typing", {"name": "Ana", "typing": True})
    shopper.sees("ZX-99")
    shopper.chat.locator(".typing i").wait_for()
    shopper.check()
    save_picture(shopper.page, f"widget-{look}-chat")
    shopper.chat.locator(".scroll").evaluate("scroll => { scroll.scrollTop = 0; }")
    save_picture(shopper.page, f"widget-{look}-forms")
    shopper.chat.locator("button.more").click()
    shopper.chat.locator(".menu").wait_for()
    shopper.check()
    save_picture(shopper.page, f"widget-{look}-menu")


@pytest.mark.parametrize("locale", ["de", "ar"])
def test_it_reflows_at_320_pixels_and_doubled_text(browser: Browser, server: FakeVisitorServer, locale: str) -> None:
    """Nothing has to be scrolled sideways, and the composer stays in sight (WCAG 1.4.4, 1.4.10)."""
    server.pages["/own"] = (SHOP + server.script(locale=locale), None)
    shopper = visit(browser, server, "/own", viewport={"width": 320, "height": 600}).open()
    server.say("Averylongwordthatcannotbebrokenanywhereatallbutmustbe " * 3, parts=[FORM, QUESTION])
    shopper.chat.locator(".theirs").wait_for()
    shopper.frame.evaluate("document.documentElement.style.fontSize = '200%'")
    for where in ("main", ".scroll", ".composer"):
        shopper.wait_for(f"(e => e.scrollWidth <= e.clientWidth)(document.querySelector('{where}'))")
    box = shopper.composer.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 600
    save_picture(shopper.page, f"widget-doubled-{locale}")


def test_targets_are_large_enough(browser: Browser, server: FakeVisitorServer) -> None:
    """24 pixels for a mouse, 44 for a finger (WCAG 2.5.8, 2.5.5)."""
    measure = (
        "all => all.map(e => e.getBoundingClientRect()).filter(r => r.width).map(r => Math.min(r.width, r.height))"
    )
    for options, least in (({}, 24), (LOOKS["phone"], 44)):
        shopper = visit(browser, server, **options).open()
        server.say("", parts=[QUESTION])
        shopper.sees("What shall we do?")
        sizes = shopper.chat.locator("button").evaluate_all(measure)
        assert len(sizes) >= 6
        assert min(sizes) >= least


def test_the_keyboard_is_enough(browser: Browser, server: FakeVisitorServer) -> None:
    """From the page into the chat, through a choice and a rating, and by Esc back to where it began."""
    shopper = visit(browser, server)
    keys = shopper.page.keyboard
    shopper.launcher.wait_for()
    keys.press("Tab")
    assert shopper.launcher.get_attribute("aria-expanded") == "false"
    keys.press("Enter")
    shopper.wait_for("document.activeElement.tagName === 'H1'")
    _tab_to(shopper, "start")
    keys.press("Enter")
    shopper.wait_for("document.activeElement.tagName === 'TEXTAREA'")
    keys.type("First line")
    keys.press("Shift+Enter")
    keys.type("second line")
    keys.press("Enter")
    assert shopper.sees("First line").inner_text() == "First line\nsecond line"
    server.say("", parts=[QUESTION])
    server.say("", **RATING)
    shopper.chat.get_by_role("group").wait_for()
    _tab_to(shopper, "Wait", back=True)
    keys.press("Enter")
    eventually(lambda: any(one.get("parts") for one in server.accepted.values()))
    shopper.frame.evaluate("document.querySelector('.composer textarea').focus()")
    _tab_to(shopper, "rating", back=True)
    keys.press("Space")
    keys.press("ArrowRight")
    shopper.chat.get_by_role("group").get_by_role("radio").nth(1).wait_for(state="attached")
    _tab_to(shopper, "Send")
    keys.press("Enter")
    eventually(lambda: [data for name, data in server.heard if name == "csat"])
    keys.press("Escape")
    shopper.page.wait_for_function(f"document.querySelector('{HOST}').shadowRoot.activeElement?.tagName === 'BUTTON'")
    assert shopper.page.evaluate(FOCUS) == "BUTTON"
    expect(shopper.launcher).to_have_attribute("aria-expanded", "false")


def test_what_strangers_write_is_text(browser: Browser, server: FakeVisitorServer) -> None:
    """Markup and links that do harm are shown as they were written (security.md T31)."""
    shopper = visit(browser, server).open()
    for words in HOSTILE:
        server.say(words, author={"type": "agent", "name": words})
        shopper.write(words)
    server.say("", parts=[{**QUESTION, "text": HOSTILE[0], "options": [{"id": "a", "title": HOSTILE[1]}]}])
    server.say(
        "", kind="event", event={"name": "agent_joined", "by": {"type": "agent", "name": HOSTILE[0]}, "facts": {}}
    )
    shopper.sees(HOSTILE[0])
    shopper.chat.locator(".event").wait_for()
    eventually(lambda: len(shopper.bubbles()) == 2 * len(HOSTILE) + 1)
    texts = shopper.bubbles()
    assert texts.count(HOSTILE[0]) == 2
    assert texts.count(HOSTILE[2]) == 2
    harmful = "[...document.querySelectorAll('main img, main script, main iframe, main svg[onload], [onerror]')].length"
    assert shopper.frame.evaluate(harmful) == 0
    schemes = shopper.frame.evaluate("[...document.querySelectorAll('main a')].map(a => a.protocol)")
    assert set(schemes) <= {"https:"}
    assert shopper.errors == []


def test_a_strict_site_needs_two_sources(browser: Browser, server: FakeVisitorServer) -> None:
    """Under `script-src` and `frame-src` for the gateway alone, with Trusted Types enforced, all of it works."""
    policy = STRICT.format(server.url)
    server.pages["/strict"] = (f'<!doctype html><html lang="en"><title>Shop</title>{server.script()}', policy)
    shopper = visit(browser, server, "/strict").open().write("Hello")
    server.say("Hi")
    shopper.sees("Hi")
    assert shopper.errors == []
    assert (
        shopper.page.evaluate(
            f"getComputedStyle(document.querySelector('{HOST}').shadowRoot.querySelector('button')).position"
        )
        == "fixed"
    )


def test_nobody_else_is_asked_and_no_token_is_in_a_url(browser: Browser, server: FakeVisitorServer) -> None:
    """Every request of a whole session goes to the gateway or the shop, and the token is in no URL (T54)."""
    shopper = visit(browser, server).open().write("Hello")
    server.say(
        "", parts=[{"type": "image", "alt": "A pixel", "attachment": {"id": "att_1", "media_type": "image/png"}}]
    )
    shopper.chat.locator(".bubble img").wait_for()
    shopper.page.reload()
    shopper.open().sees("Hello")
    origins = {url.split("/", 3)[2] for url in shopper.requests if not url.startswith(("blob:", "data:"))}
    assert origins <= {server.url.split("/")[2], server.shop.split("/")[2]}
    assert server.token
    assert not [path for path in server.asked if "vst_" in path]


def test_nothing_is_loaded_before_it_is_wanted(browser: Browser, server: FakeVisitorServer) -> None:
    """A page that nobody chats on costs the loader alone; the frame comes by intent, or for a conversation."""
    shopper = visit(browser, server)
    shopper.launcher.wait_for()
    shopper.page.wait_for_timeout(200)
    assert server.asked == ["GET /widget/loader.js"]
    shopper.launcher.hover()
    eventually(lambda: server.counts["GET /config"])
    assert server.counts["POST /sessions"] == 0
    shopper.open().write("Hello").sees("Hello")
    eventually(lambda: server.conversation)
    server.say("Hi")
    shopper.sees("Hi")
    shopper.page.wait_for_function("Object.values(localStorage).some((one) => JSON.parse(one).talking)")
    begun = server.counts["GET /frame"]
    shopper.page.goto(server.shop + "/other")
    eventually(lambda: server.counts["GET /frame"] > begun)


def test_unread_messages_are_counted_on_the_launcher(browser: Browser, server: FakeVisitorServer) -> None:
    """While it is closed, what comes is counted on the button and in the title; opening it reads them."""
    shopper = visit(browser, server).open().write("Hello")
    eventually(lambda: server.accepted and server.streams)
    shopper.page.evaluate("switchboard('on', 'close', () => { window.shut = true; })")
    shopper.chat.get_by_role("button", name="Close").click()
    shopper.page.wait_for_function("window.shut")
    server.say("One")
    server.say("Two")
    shopper.page.wait_for_function("document.title.startsWith('(2) ')")
    expect(shopper.launcher).to_have_attribute("aria-label", "Chat – Harbour Books, unread: 2")
    assert not [data for name, data in server.heard if name == "read" and data["state"] == "read"]
    shopper.launcher.click()
    eventually(lambda: ("read", {"up_to_seq": 3, "state": "read"}) in server.heard)
    shopper.page.wait_for_function("document.title === 'Shop'")


def test_a_phone_shows_it_as_a_page_of_its_own(browser: Browser, server: FakeVisitorServer) -> None:
    """On a phone it fills the screen and nothing behind it can be reached; elsewhere the page stays usable."""
    for options, modal in ((LOOKS["phone"], True), ({}, False)):
        shopper = visit(browser, server, **options).open()
        dialog = shopper.page.locator(f"{HOST} dialog")
        assert dialog.evaluate("dialog => dialog.matches(':modal')") is modal
        box, size = dialog.bounding_box(), shopper.page.viewport_size
        assert box is not None
        assert size is not None
        assert (box["width"] == size["width"] and box["height"] == size["height"]) is modal
        shopper.chat.get_by_role("button", name="Close").click()
        dialog.wait_for(state="hidden")


def test_own_words_are_not_read_out_and_typing_is_said_once(browser: Browser, server: FakeVisitorServer) -> None:
    """The log is polite for what others say and silent for one's own; that somebody types is one announcement."""
    shopper = visit(browser, server).open()
    log = shopper.chat.locator("[role=log]")
    shopper.frame.evaluate("""() => {
      window.said = [];
      const watch = (found) => new MutationObserver(found);
      const log = document.querySelector('[role=log]');
      const typing = document.querySelector('.typing');
      watch((all) => all.forEach((one) => one.addedNodes.forEach((row) =>
        row.className && said.push(log.getAttribute('aria-live') + ' ' + row.className.split(' ')[0]))))
        .observe(log, { childList: true });
      watch(() => said.push(typing.textContent)).observe(typing, { childList: true });
    }""")
    shopper.write("Mine").sees("Mine")
    expect(shopper.chat.locator(".mine .state")).to_contain_text("Sent")
    expect(log).to_have_attribute("aria-live", "polite")
    for _ in range(3):
        server.tell("typing", {"name": "Ana", "typing": True})
        shopper.chat.locator(".typing i").wait_for()
    server.say("Theirs")
    shopper.sees("Theirs")
    said = shopper.frame.evaluate("said")
    assert "polite theirs" in said
    assert not [one for one in said if one.startswith("polite mine")]
    assert said.count("Ana is typing…") == 1
    expect(log).to_have_attribute("aria-live", "polite")


def _tab_to(shopper: Shopper, name: str, *, back: bool = False) -> None:
    """Press Tab until the focus is on what has this class, label or name."""
    for _ in range(40):
        if shopper.frame.evaluate(AT, name):
            return
        shopper.page.keyboard.press("Shift+Tab" if back else "Tab")
    raise AssertionError(f"no Tab leads to {name}")
