"""How a conversation looks: to axe in light, dark, from right to left and on a phone; and to us, in pictures."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.axe import check_axe
from tests.browser.desk import NO_UNDO, open_desk, thread_path, wait_until_still
from tests.browser.stage import BrowserSite, Person, eventually, save_picture

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
NARROW: dict[str, Any] = {"viewport": {"width": 320, "height": 640}}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "rtl": {"prefs": {**NO_UNDO, "dir": "rtl"}},
    "phone": PHONE,
    "narrow": NARROW,
}


@pytest.fixture(scope="module")
def told(site: BrowserSite) -> tuple[Person, str]:
    """An agent, and a conversation with something of everything that a text can bring about."""
    phone = f"+1555{secrets.randbelow(10**7):07d}"
    agent = site.hire("Bo Larsen")
    site.text_in(
        phone, "Hi, my parcel says delivered but nothing came. Order 8841, see https://shop.example/track/8841"
    )
    conversation = str(site.conversation_with(phone)["id"])
    path = f"/v1/conversations/{conversation}"
    contact = site.call("GET", path)["contact"]["id"]
    site.call(
        "PATCH", f"/v1/contacts/{contact}", {"name": "Ana Ruiz", "language": "es", "attributes": {"plan": "gold"}}
    )
    site.call("PATCH", path, {"subject": "Order 8841 never came", "priority": "high"})
    site.call("POST", f"{path}/assign", {"agent_id": agent.id})
    site.call("PUT", f"{path}/tags/vip")
    site.call("POST", f"{path}/messages", {"text": "Let me look, one moment.", "agent_id": agent.id})
    site.call("POST", f"{path}/notes", {"text": "Courier **lost** it in Leeds, send a new one", "agent_id": agent.id})
    eventually(lambda: site.texts_on(phone)[-1]["author"] != "handset")
    site.text_in(phone, "شكرا جزيلا، أنا في الانتظار")
    return agent, conversation


@pytest.mark.parametrize("look", LOOKS)
def test_a_conversation_is_accessible(
    browser: Browser, site: BrowserSite, told: tuple[Person, str], *, look: str
) -> None:
    """WCAG 2.2 AA by axe, each way it can look; and nothing is wider than the page."""
    agent, conversation = told
    with open_desk(browser, site, agent, path=thread_path(conversation), **LOOKS[look]) as page:
        _settle(page)
        check_axe(page)
        _has_no_sideways_scroll(page)
        save_picture(page, f"console thread {look}")
        page.get_by_role("tab", name="Note").click()
        check_axe(page)
        save_picture(page, f"console thread {look} note")


def test_its_menus_and_dialogs_are_accessible(browser: Browser, site: BrowserSite, told: tuple[Person, str]) -> None:
    """What opens over the conversation holds to the same rules."""
    agent, conversation = told
    with open_desk(browser, site, agent, path=thread_path(conversation)) as page:
        _settle(page)
        page.get_by_role("textbox", name="Reply").fill("A new one leaves today, Ana.")
        article = page.get_by_role("article").filter(has_text="my parcel says")
        article.get_by_role("button", name="More about this message").click()
        expect(page.get_by_role("menu")).to_be_visible()
        check_axe(page)
        save_picture(page, "console thread menu")
        page.get_by_role("menuitem", name="Redact").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        check_axe(page)
        save_picture(page, "console thread redact")
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        page.get_by_role("button", name="SMS · Shop line").click()
        expect(page.get_by_role("menu")).to_be_visible()
        check_axe(page)
        save_picture(page, "console thread ways")


def test_the_details_tell_and_take(browser: Browser, site: BrowserSite, told: tuple[Person, str]) -> None:
    """The panel names the person, their addresses and reasons; what is changed there is changed in the API."""
    agent, conversation = told
    with open_desk(browser, site, agent, path=thread_path(conversation)) as page:
        _settle(page)
        details = page.get_by_role("complementary", name="Details")
        plan = details.get_by_label("plan")
        expect(plan).to_have_value("gold")
        plan.fill("silver")
        plan.press("Tab")
        contact = site.call("GET", f"/v1/conversations/{conversation}")["contact"]["id"]
        eventually(lambda: site.call("GET", f"/v1/contacts/{contact}")["attributes"]["plan"] == "silver")
        details.get_by_role("button", name="Ana Ruiz").click()
        details.get_by_role("textbox", name="Name").fill("Ana María Ruiz")
        details.get_by_role("button", name="Save").click()
        expect(details.get_by_role("button", name="Ana María Ruiz")).to_be_visible()
        expect(page.get_by_role("heading", level=1, name="Ana María Ruiz")).to_be_visible()
        site.call("PATCH", f"/v1/contacts/{contact}", {"name": "Ana Ruiz", "attributes": {"plan": "gold"}})


def test_two_contacts_that_are_one_are_merged_and_parted(browser: Browser, site: BrowserSite) -> None:
    """A likely duplicate is offered with its reasons; a merge shows what it would do, and can be undone."""
    number = f"+1555{secrets.randbelow(10**7):07d}"
    name = f"Ines {secrets.token_hex(4)} Acosta"
    site.text_in(number, "hola")
    conversation = site.conversation_with(number)
    mine = conversation["contact"]["id"]
    site.call("PATCH", f"/v1/contacts/{mine}", {"name": name})
    mail = f"{secrets.token_hex(4)}@customers.example"
    other = site.call("POST", "/v1/contacts", {"name": name, "identities": [{"kind": "email", "address": mail}]})["id"]
    with open_desk(browser, site, site.hire("Bo Larsen"), path=thread_path(conversation["id"])) as page:
        details = page.get_by_role("complementary", name="Details")
        details.get_by_role("button", name="Compare").click()
        dialog = page.get_by_role("dialog", name="Merge these two?")
        expect(dialog).to_contain_text("1 address")
        save_picture(page, "console thread merge")
        dialog.get_by_role("button", name="Merge").click()
        undo = page.locator(".toast").get_by_role("button", name="Undo")
        undo.focus()
        expect(details.get_by_text(mail)).to_be_visible()
        undo.press("Enter")
        expect(details.get_by_text(mail)).to_have_count(0)
        assert site.call("GET", f"/v1/contacts/{other}")["id"] == other


def _settle(page: Page) -> None:
    """Everything is there and nothing moves."""
    page.get_by_role("log", name="Messages").get_by_text("one moment").wait_for()
    page.get_by_role("button", name="SMS · Shop line").wait_for()
    page.get_by_role("log", name="Messages").get_by_text("الانتظار").wait_for()
    wait_until_still(page)


def _has_no_sideways_scroll(page: Page) -> None:
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"{wide} px wider than the page"
