"""The console in its four looks: axe finds nothing in any of them, and pictures are kept for people."""

from __future__ import annotations

import re
import secrets
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.axe import check_axe
from tests.browser.desk import open_desk, thread_path, wait_until_still
from tests.browser.stage import BrowserSite, eventually, save_picture

ARABIC = "مرحبا، لم يصل طلبي حتى الآن. هل يمكنكم المساعدة؟"
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"context": {"color_scheme": "light", "viewport": {"width": 1440, "height": 900}}},
    "dark": {"context": {"color_scheme": "dark", "viewport": {"width": 1440, "height": 900}}},
    "rtl": {"context": {"viewport": {"width": 1440, "height": 900}}, "prefs": {"dir": "rtl"}},
    "phone": {"context": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}},
}


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing(browser: Browser, site: BrowserSite, look: str) -> None:
    """Login, list, conversation, dialogs and settings meet WCAG 2.2 AA as far as a program can tell."""
    conversation = _lively(site)
    _check_login(browser, site, look)
    how = LOOKS[look]
    with open_desk(browser, site, site.hire("Bo Anders"), prefs=how.get("prefs", {}), **how["context"]) as page:
        expect(page.get_by_role("option").first).to_be_visible()
        _check(page, look, "list")
        page.goto(f"{site.url}{thread_path(conversation)}")
        expect(page.get_by_role("log")).to_contain_text(ARABIC)
        _check(page, look, "thread")
        page.keyboard.press("Control+k")
        expect(page.get_by_role("dialog").get_by_role("option").first).to_be_visible()
        _check(page, look, "palette")
        page.keyboard.press("Escape")
        for section, word in (("channels", "Shop line"), ("preferences", "Theme"), ("sessions", "This browser")):
            page.goto(f"{site.url}/console/settings/{section}")
            expect(page.get_by_text(word, exact=True).first).to_be_visible()
            _check(page, look, section)


def test_nothing_is_cut_off_at_320_pixels(browser: Browser, site: BrowserSite) -> None:
    """At a width of 320, as at 400 % of 1280, nothing has to be scrolled sideways (WCAG 1.4.10)."""
    conversation = _lively(site)
    with open_desk(browser, site, site.hire("Bo Anders"), viewport={"width": 320, "height": 640}) as page:
        for path in ("/console", thread_path(conversation), "/console/settings/channels", "/console/settings/agents"):
            page.goto(f"{site.url}{path}")
            expect(page.locator(".shell")).to_be_visible()
            wait_until_still(page)
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= 320, f"{path} is {wide} px wide"


def test_a_phone_shows_one_pane_at_a_time(browser: Browser, site: BrowserSite) -> None:
    """List, conversation, details: each fills a phone, and the way back leads through them."""
    conversation = _lively(site)
    with open_desk(browser, site, site.hire("Bo Anders"), **LOOKS["phone"]["context"]) as page:
        page.locator(f"#row-{conversation}").tap()
        thread = page.get_by_role("region", name="Conversation", exact=True)
        expect(thread).to_be_visible()
        expect(page.get_by_role("listbox", name="Conversations")).to_be_hidden()
        page.get_by_role("button", name="Details").tap()
        expect(page.get_by_role("complementary", name="Details")).to_be_visible()
        save_picture(page, "console phone details")
        page.go_back()
        expect(page.get_by_role("listbox", name="Conversations")).to_be_visible()
        page.get_by_role("button", name="Open the menu").tap()
        page.get_by_role("link", name=re.compile("^Unassigned")).tap()
        expect(page.get_by_role("heading", name="Unassigned")).to_be_visible()


def test_panes_are_sized_by_keys_and_stay_so(browser: Browser, site: BrowserSite) -> None:
    """The line between list and conversation moves by arrow keys, within bounds, and is where it was after a reload."""
    with open_desk(browser, site, site.hire("Bo Anders")) as page:
        line = page.get_by_role("separator", name="Width of the list")
        line.focus()
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        expect(line).to_have_attribute("aria-valuenow", "392")
        page.reload()
        expect(page.get_by_role("separator", name="Width of the list")).to_have_attribute("aria-valuenow", "392")
        assert page.locator(".list").bounding_box()["width"] == pytest.approx(392, abs=1)  # type: ignore[index]  # it is shown


def _check(page: Page, look: str, place: str) -> None:
    wait_until_still(page)
    save_picture(page, f"console {look} {place}")
    check_axe(page)


def _check_login(browser: Browser, site: BrowserSite, look: str) -> None:
    context = browser.new_context(**LOOKS[look]["context"])
    page = context.new_page()
    page.goto(f"{site.url}/console")
    expect(page.get_by_label("Password")).to_be_visible()
    _check(page, look, "login")
    context.close()


def _lively(site: BrowserSite) -> str:
    """A conversation with a bit of everything the frame shows: tags, priority, a note, words from right to left."""
    phone = f"+9665{secrets.randbelow(90_000_000) + 10_000_000}"
    site.text_in(phone, ARABIC)
    conversation = site.conversation_with(phone)
    path = f"/v1/conversations/{conversation['id']}"
    site.call("PATCH", f"/v1/contacts/{conversation['contact']['id']}", {"name": "خالد المنصور"})
    site.call("PATCH", path, {"priority": "urgent", "subject": "طلب 8841"})
    for tag in ("vip", "returns"):
        site.call("PUT", f"{path}/tags/{tag}")
    site.call("POST", f"{path}/notes", {"text": "The carrier lost it; a new one leaves today."})
    eventually(lambda: "vip" in site.call("GET", path)["tags"])
    return str(conversation["id"])
