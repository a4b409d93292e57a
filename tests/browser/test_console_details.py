"""The panel beside a conversation: consent, addresses, blocking, exporting, erasing, and what a merge keeps."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, expect

from tests.browser.axe import check_axe
from tests.browser.desk import open_desk, thread_path
from tests.browser.stage import BrowserSite, eventually, save_picture
from tests.browser.threads import PATIENT_MS, details_of, entry_of, log_of, one_agent, send_button, texted, wait_for_way


def test_an_opt_out_is_recorded_and_closes_the_way(browser: Browser, site: BrowserSite) -> None:
    """Who says no is not written to; who says yes again is. The composer follows at once."""
    with _details(browser, site) as (page, contact, phone):
        _menu(page, phone, "They opted out")
        expect(details_of(page).get_by_text("Opted out of support")).to_be_visible(timeout=PATIENT_MS)
        expect(page.get_by_text("Can’t send by SMS")).to_be_visible(timeout=PATIENT_MS)
        assert [one["state"] for one in _identity(site, contact)["consents"]] == ["revoked"]
        _menu(page, phone, "They allowed it again")
        expect(details_of(page).get_by_text("Allowed support")).to_be_visible(timeout=PATIENT_MS)
        expect(page.get_by_text("Can’t send by SMS")).to_have_count(0, timeout=PATIENT_MS)


def test_addresses_come_and_go(browser: Browser, site: BrowserSite) -> None:
    """An address is added by its kind; it goes only after a question, and a wrong one is refused where it stands."""
    mail = f"{secrets.token_hex(4)}@customers.example"
    with _details(browser, site) as (page, contact, _):
        details_of(page).get_by_role("button", name="Add an address").click()
        form = page.get_by_role("dialog", name="Add an address")
        form.get_by_label("Address").fill("nonsense")
        form.get_by_role("button", name="Add").click()
        expect(form.get_by_label("Address")).to_have_attribute("aria-invalid", "true", timeout=PATIENT_MS)
        form.get_by_label("Address").fill(mail)
        form.get_by_role("button", name="Add").click()
        expect(details_of(page).get_by_text(mail)).to_be_visible(timeout=PATIENT_MS)
        _menu(page, mail, "Remove…")
        sure = page.get_by_role("dialog", name="Remove this address?")
        check_axe(page)
        sure.get_by_role("button", name="Remove").click()
        expect(details_of(page).get_by_text(mail)).to_have_count(0, timeout=PATIENT_MS)
        assert len(site.call("GET", f"/v1/contacts/{contact}")["identities"]) == 1


def test_somebody_is_blocked_and_let_in_again(browser: Browser, site: BrowserSite) -> None:
    """Blocking says what it does, shows at the name, and is undone in the same place."""
    with _details(browser, site) as (page, contact, _):
        details_of(page).get_by_role("button", name="Block").click()
        expect(details_of(page).get_by_text("Blocked", exact=True)).to_be_visible(timeout=PATIENT_MS)
        expect(page.get_by_text("what they write is kept, but nothing is sent")).to_be_visible()
        assert site.call("GET", f"/v1/contacts/{contact}")["blocked_at"]
        details_of(page).get_by_role("button", name="Unblock").click()
        expect(details_of(page).get_by_text("Blocked", exact=True)).to_have_count(0, timeout=PATIENT_MS)


def test_what_is_kept_of_somebody_is_exported(browser: Browser, site: BrowserSite) -> None:
    """The export is made in the background; when it is ready it is offered, and what comes is an archive."""
    with _details(browser, site) as (page, _, _phone):
        details_of(page).get_by_role("button", name="Export data").click()
        offered = page.get_by_role("button", name="Download")
        offered.wait_for(timeout=PATIENT_MS)
        with page.expect_download(timeout=PATIENT_MS) as coming:
            offered.click()
        assert coming.value.suggested_filename.endswith(".zip")


def test_erasing_asks_for_the_reason_and_the_id(browser: Browser, site: BrowserSite) -> None:
    """A wrong id erases nobody and says so at its field; the right one does."""
    with _details(browser, site) as (page, contact, phone):
        details_of(page).get_by_role("button", name="Erase…").click()
        form = page.get_by_role("dialog", name="Erase this person?")
        form.get_by_label("Reason").fill("they asked for it")
        form.get_by_label("Confirm").fill("ctc_wrong")
        form.get_by_role("button", name="Erase").click()
        expect(form.get_by_role("alert").or_(form.locator(".field .error")).first).to_be_visible(timeout=PATIENT_MS)
        save_picture(page, "console details erase")
        form.get_by_label("Confirm").fill(contact)
        form.get_by_role("button", name="Erase").click()
        expect(form).to_have_count(0, timeout=PATIENT_MS)
        eventually(lambda: not site.call("GET", "/v1/contacts", identity=phone)["data"], seconds=30)


def test_a_merge_keeps_what_was_chosen(browser: Browser, site: BrowserSite) -> None:
    """Where two differ the agent chooses whose word holds; what was chosen is what stays."""
    name = f"Ines {secrets.token_hex(4)} Acosta"
    with _details(browser, site, name=name, plan="gold") as (page, contact, _):
        mail = {"kind": "email", "address": f"{secrets.token_hex(4)}@customers.example"}
        site.call("POST", "/v1/contacts", {"name": name, "identities": [mail], "attributes": {"plan": "silver"}})
        page.reload()
        details_of(page).get_by_role("button", name="Compare").click(timeout=PATIENT_MS)
        dialog = page.get_by_role("dialog", name="Merge these two?")
        row = dialog.get_by_role("row", name="plan")
        expect(row.get_by_role("radio")).to_have_count(2)
        row.get_by_role("radio").nth(1).check()
        check_axe(page)
        dialog.get_by_role("button", name="Merge").click()
        expect(details_of(page).get_by_label("plan")).to_have_value("silver", timeout=PATIENT_MS)
        assert site.call("GET", f"/v1/contacts/{contact}")["attributes"]["plan"] == "silver"


def test_nothing_is_drawn_anew_under_ones_hands(browser: Browser, site: BrowserSite) -> None:
    """A message that comes takes neither the focus of whoever goes by the keyboard, nor an open menu, nor a field."""
    with _details(browser, site) as (page, _, phone):
        block = details_of(page).get_by_role("button", name="Block")
        block.focus()
        _hear(page, site, phone, "while you were there")
        expect(block).to_be_focused()
        assign = page.get_by_title("Assign", exact=True)
        assign.focus()
        _hear(page, site, phone, "and there")
        expect(assign).to_be_focused()
        more = page.get_by_role("button", name="More about this conversation")
        more.click()
        _hear(page, site, phone, "or anywhere")
        expect(page.get_by_role("menuitem").first).to_be_focused()
        more.click()
        expect(page.get_by_role("menu")).to_have_count(0)
        details_of(page).get_by_title("Change the name").click()
        name = details_of(page).get_by_role("textbox", name="Name")
        name.fill("Ana")
        _hear(page, site, phone, "at all")
        expect(name).to_be_focused()
        name.press("Enter")
        expect(page.get_by_role("heading", level=1, name="Ana")).to_be_visible(timeout=PATIENT_MS)


def test_a_subject_is_changed_or_left(browser: Browser, site: BrowserSite) -> None:
    """Enter keeps what was written, Escape what was there; the focus returns to the words."""
    with _details(browser, site) as (page, _, _phone):
        subject = page.get_by_title("Change the subject")
        subject.click()
        field = page.get_by_role("textbox", name="Subject")
        field.fill("Lost parcel")
        field.press("Enter")
        expect(subject).to_have_text("Lost parcel", timeout=PATIENT_MS)
        subject.focus()
        page.keyboard.press("Enter")
        expect(field).to_be_focused()
        page.keyboard.type("Something else")
        expect(field).to_have_value("Something else")
        field.press("Escape")
        expect(subject).to_have_text("Lost parcel")
        expect(subject).to_be_focused()


def test_a_button_that_is_pressed_is_there_when_it_is_let_go(browser: Browser, site: BrowserSite) -> None:
    """What is told meanwhile is drawn a moment later, or the press would be none."""
    with _details(browser, site) as (page, contact, phone):
        subject, name = page.get_by_title("Change the subject"), page.get_by_role("heading", level=1, name="Ana Ruiz")
        subject.hover()
        page.mouse.down()
        site.call("PATCH", f"/v1/contacts/{contact}", {"name": "Ana Ruiz"})
        _hear(page, site, phone, "at all")
        expect(name).to_have_count(0)
        page.mouse.up()
        field = page.get_by_role("textbox", name="Subject")
        expect(field).to_be_focused()
        field.press("Escape")
        expect(name).to_be_visible(timeout=PATIENT_MS)


def test_sections_stay_as_they_were_left(browser: Browser, site: BrowserSite) -> None:
    """What somebody folds away is folded in the next conversation too."""
    with _details(browser, site) as (page, _, _phone):
        why = details_of(page).locator("summary").filter(has_text="Why it is so")
        expect(details_of(page).get_by_text("Answer by")).to_be_visible()
        why.click()
        expect(details_of(page).get_by_text("Answer by")).to_be_hidden()
        page.reload()
        expect(why).to_be_visible(timeout=PATIENT_MS)
        expect(details_of(page).get_by_text("Answer by")).to_be_hidden()


@contextmanager
def _details(
    browser: Browser, site: BrowserSite, *, name: str | None = None, **attributes: Any
) -> Iterator[tuple[Page, str, str]]:
    """An open conversation with its panel, the contact's id, and their phone."""
    phone, conversation = texted(site, "hello there")
    contact = str(site.call("GET", f"/v1/conversations/{conversation}")["contact"]["id"])
    if name:
        site.call("PATCH", f"/v1/contacts/{contact}", {"name": name, "attributes": attributes})
    with open_desk(browser, site, one_agent(site), path=thread_path(conversation)) as page:
        log_of(page).get_by_text("hello there").wait_for(timeout=PATIENT_MS)
        wait_for_way(page)
        details_of(page).get_by_role("button", name="Add an address").wait_for(timeout=PATIENT_MS)
        expect(send_button(page)).to_be_disabled()
        yield page, contact, phone


def _menu(page: Page, address: str, item: str) -> None:
    details_of(page).get_by_role("button", name=f"More about {address}").click(timeout=PATIENT_MS)
    page.get_by_role("menuitem", name=item).click()


def _identity(site: BrowserSite, contact: str) -> Any:
    return site.call("GET", f"/v1/contacts/{contact}")["identities"][0]


def _hear(page: Page, site: BrowserSite, phone: str, words: str) -> None:
    """A message comes, and everything that shows it has been drawn: the list beside it is told last."""
    site.text_in(phone, words)
    expect(entry_of(page, words)).to_be_visible(timeout=PATIENT_MS)
    expect(page.get_by_role("region", name="Open").get_by_text(words).first).to_be_visible(timeout=PATIENT_MS)
