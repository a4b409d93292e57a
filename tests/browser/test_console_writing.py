"""Writing in the console: files by all three ways, drafts of other devices and of bots, what an undo brings back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.browser.desk import open_desk, thread_path
from tests.browser.stage import BrowserSite, eventually, save_picture
from tests.browser.threads import (
    PATIENT_MS,
    drafts_of,
    entry_of,
    got,
    log_of,
    mail_channel,
    one_agent,
    reply_of,
    send_button,
    texted,
    wait_for_way,
)

FILE = FilePayload(name="by-button.pdf", mimeType="application/pdf", buffer=b"%PDF-1.4 one")
GIVE = """([target, kind, name, words]) => {
  const given = new DataTransfer();
  if (name) given.items.add(new File(['%PDF-1.4 two'], name, { type: 'application/pdf' }));
  if (words) given.setData('text/plain', words);
  const where = document.querySelector(target);
  const make = kind === 'paste'
    ? () => new ClipboardEvent('paste', { clipboardData: given, bubbles: true, cancelable: true })
    : (type) => new DragEvent(type, { dataTransfer: given, bubbles: true, cancelable: true });
  return (kind === 'paste' ? ['paste'] : ['dragover', 'drop']).map((type) => where.dispatchEvent(make(type)));
}"""
"""Paste into, or drop on, an element; whether the browser was left to do what it does."""
COMPOSE = """(area) => area.dispatchEvent(new KeyboardEvent('keydown', {
  key: 'Enter', ctrlKey: true, isComposing: true, bubbles: true, cancelable: true }))"""


def test_files_come_by_button_by_paste_and_by_drop(browser: Browser, site: BrowserSite) -> None:
    """All three lead into the same list, dropped anywhere on the conversation; each can be taken out again."""
    with _written_to(browser, site) as (page, _, conversation):
        page.locator(".composer input[type=file]").set_input_files(FILE)
        page.evaluate(GIVE, [".composer textarea", "paste", "by-paste.pdf", ""])
        page.evaluate(GIVE, [".log", "drop", "by-drop.pdf", ""])
        files = page.get_by_role("list", name="Files")
        for name in ("by-button.pdf", "by-paste.pdf", "by-drop.pdf"):
            expect(files).to_contain_text(name, timeout=PATIENT_MS)
        save_picture(page, "console writing files")
        page.get_by_role("button", name="Remove by-paste.pdf").click()
        expect(files.get_by_role("listitem")).to_have_count(2)
        expect(send_button(page)).to_be_enabled(timeout=PATIENT_MS)
        send_button(page).click()
        expect(log_of(page).get_by_role("link", name="by-drop.pdf")).to_be_visible(timeout=PATIENT_MS)
        expect(files).to_be_hidden()
        eventually(lambda: _files_sent(site, conversation) == ["by-button.pdf", "by-drop.pdf"], seconds=30)


def test_words_that_are_pasted_or_dragged_stay_words(browser: Browser, site: BrowserSite) -> None:
    """A copied table cell is words and their picture: the words are meant. Dragged words are left to the browser."""
    with _written_to(browser, site) as (page, _, _conversation):
        assert page.evaluate(GIVE, [".composer textarea", "paste", "cell.pdf", "a cell"]) == [True]
        assert page.evaluate(GIVE, [".composer textarea", "drop", "", "dragged words"]) == [True, True]
        expect(page.get_by_role("list", name="Files")).to_be_hidden()


def test_a_note_takes_no_files_and_says_so(browser: Browser, site: BrowserSite) -> None:
    """What is dropped on a note neither goes to the customer nor away without a word."""
    with _written_to(browser, site) as (page, _, _conversation):
        page.get_by_role("tab", name="Note").click()
        page.evaluate(GIVE, [".log", "drop", "secret.pdf", ""])
        expect(page.get_by_text("A note carries no files.")).to_be_visible()
        page.get_by_role("tab", name="Reply").click()
        expect(page.get_by_role("list", name="Files")).to_be_hidden()


def test_files_are_part_of_the_draft(browser: Browser, site: BrowserSite) -> None:
    """Words and files are there after a reload and on another device, and leave together from there."""
    with _written_to(browser, site) as (page, _, conversation):
        page.locator(".composer input[type=file]").set_input_files(FILE)
        reply_of(page).fill("Here it is")
        eventually(lambda: {part["type"] for part in _parts(site, conversation)} == {"text", "file"}, seconds=30)
        page.reload()
        expect(page.get_by_role("list", name="Files")).to_contain_text("by-button.pdf", timeout=PATIENT_MS)
        expect(reply_of(page)).to_have_value("Here it is")
        with open_desk(browser, site, one_agent(site), path=thread_path(conversation)) as other:
            expect(other.get_by_role("list", name="Files")).to_contain_text("by-button.pdf", timeout=PATIENT_MS)
            expect(reply_of(other)).to_have_value("Here it is")
            send_button(other).click()
            expect(log_of(other).get_by_role("link", name="by-button.pdf")).to_be_visible(timeout=PATIENT_MS)
        expect(reply_of(page)).to_have_value("", timeout=PATIENT_MS)
        expect(page.get_by_role("list", name="Files")).to_be_hidden()


def test_a_draft_that_left_while_nobody_looked_is_gone(browser: Browser, site: BrowserSite) -> None:
    """Sent from a phone while this page was closed, its words are not here again; nor do they become a draft again."""
    with _written_to(browser, site) as (page, phone, conversation):
        reply_of(page).fill("It is on its way")
        draft = _draft(site, conversation, "It is on its way")
        page.goto("about:blank")
        site.call("POST", f"/v1/drafts/{draft['id']}/send", {"version": draft["version"]})
        page.go_back()
        expect(entry_of(page, "It is on its way")).to_be_visible(timeout=PATIENT_MS)
        expect(reply_of(page)).to_have_value("", timeout=PATIENT_MS)
        reply_of(page).fill("Anything else?")
        _draft(site, conversation, "Anything else?")
        assert got(site, phone) == ["It is on its way"]


def test_what_was_added_to_a_draft_that_has_left_is_another(browser: Browser, site: BrowserSite) -> None:
    """Words that were typed while the line was down are kept, here and with the conversation."""
    with _written_to(browser, site) as (page, _, conversation):
        reply_of(page).fill("It is on its way")
        draft = _draft(site, conversation, "It is on its way")
        page.context.set_offline(True)
        reply_of(page).fill("It is on its way, and the lid as well")
        site.call("POST", f"/v1/drafts/{draft['id']}/send", {"version": draft["version"]})
        page.context.set_offline(False)
        _draft(site, conversation, "It is on its way, and the lid as well")
        expect(reply_of(page)).to_have_value("It is on its way, and the lid as well")


def test_a_draft_of_another_device_is_offered_and_never_taken(browser: Browser, site: BrowserSite) -> None:
    """While words stand here, those of the other device are shown beside them; one chooses which stay."""
    with _written_to(browser, site) as (page, _, conversation):
        reply_of(page).fill("From this desk")
        draft = _draft(site, conversation, "From this desk")
        change = {"text": "From my phone", "version": draft["version"]}
        site.call("PATCH", f"/v1/drafts/{draft['id']}", change)
        card = page.get_by_text("This draft was changed on another device:")
        expect(card).to_be_visible(timeout=PATIENT_MS)
        expect(reply_of(page)).to_have_value("From this desk")
        save_picture(page, "console writing clash")
        page.get_by_role("button", name="Use that one").click()
        expect(reply_of(page)).to_have_value("From my phone")
        expect(card).to_have_count(0)


def test_what_a_bot_proposes_is_sent_changed_or_discarded(browser: Browser, site: BrowserSite) -> None:
    """A proposal appears as it is made; an agent approves it, makes it their own, or discards it."""
    with _written_to(browser, site) as (page, phone, conversation):
        _propose(site, conversation, "Your parcel comes on Tuesday")
        proposal = page.locator(".collision").filter(has_text="Helper proposes: Your parcel comes")
        expect(proposal).to_be_visible(timeout=PATIENT_MS)
        save_picture(page, "console writing proposal")
        proposal.get_by_role("button", name="Send").click()
        expect(entry_of(page, "Your parcel comes on Tuesday")).to_contain_text("approved by", timeout=PATIENT_MS)
        expect(proposal).to_have_count(0)
        eventually(lambda: got(site, phone) == ["Your parcel comes on Tuesday"], seconds=30)

        _propose(site, conversation, "Anything else?")
        page.get_by_role("button", name="Edit", exact=True).click(timeout=PATIENT_MS)
        expect(reply_of(page)).to_have_value("Anything else?")
        expect(page.get_by_text("Helper proposes:")).to_have_count(0, timeout=PATIENT_MS)

        _propose(site, conversation, "Buy our mug")
        page.get_by_role("button", name="Discard").click(timeout=PATIENT_MS)
        expect(page.get_by_text("Buy our mug")).to_have_count(0, timeout=PATIENT_MS)
        eventually(lambda: all(draft["author"]["type"] != "bot" for draft in drafts_of(site, conversation)))


def test_what_is_composed_with_an_input_method_is_not_sent(browser: Browser, site: BrowserSite) -> None:
    """Enter that ends a composition belongs to the input method, with Ctrl as well; afterwards Ctrl+Enter sends."""
    with _written_to(browser, site) as (page, phone, _conversation):
        reply_of(page).fill("すし")
        expect(send_button(page)).to_be_enabled(timeout=PATIENT_MS)
        assert reply_of(page).evaluate(COMPOSE)
        expect(reply_of(page)).to_have_value("すし")
        reply_of(page).press("Control+Enter")
        expect(entry_of(page, "すし")).to_be_visible(timeout=PATIENT_MS)
        eventually(lambda: got(site, phone) == ["すし"], seconds=30)


def test_a_slash_says_where_there_is_nothing_to_offer(browser: Browser, site: BrowserSite) -> None:
    """Without canned replies the slash is answered all the same, and Enter is a line break."""
    with _written_to(browser, site) as (page, _, _conversation):
        page.route("**/v1/canned-replies?*", lambda route: route.fulfill(json={"data": [], "page": {}}))
        page.get_by_role("button", name="Canned replies (/)").click()
        expect(page.get_by_text("There are no canned replies yet.")).to_be_visible(timeout=PATIENT_MS)
        page.keyboard.press("Enter")
        expect(reply_of(page)).to_have_value("/\n")
        expect(page.get_by_text("There are no canned replies yet.")).to_be_hidden(timeout=PATIENT_MS)


def test_an_undone_mail_comes_back_whole(browser: Browser, site: BrowserSite) -> None:
    """Subject and copies of a mail that is taken back are where they were written."""
    agent = one_agent(site)
    body = {"to": "ana@customers.example", "channel": "email", "channel_id": mail_channel(site), "subject": "Invoice"}
    begun = site.call("POST", "/v1/messages", {**body, "text": "Here is your invoice", "agent_id": agent.id})
    path = thread_path(begun["conversation_id"])
    with open_desk(browser, site, agent, path=path, prefs={"undo": 30}) as page:
        wait_for_way(page, "E-mail · Mail")
        page.get_by_role("button", name="Cc, Bcc").click()
        page.get_by_label("Subject", exact=True).fill("About your mug")
        page.get_by_label("Cc", exact=True).fill("luis@customers.example")
        reply_of(page).fill("It is blue")
        expect(page.get_by_text("Cc luis@customers.example")).to_be_visible(timeout=PATIENT_MS)
        save_picture(page, "console writing mail")
        send_button(page).click()
        expect(page.get_by_label("Subject", exact=True)).to_have_value("")
        entry_of(page, "It is blue").get_by_role("button", name="Undo").click(timeout=PATIENT_MS)
        expect(reply_of(page)).to_have_value("It is blue", timeout=PATIENT_MS)
        expect(page.get_by_label("Subject", exact=True)).to_have_value(re.compile("About your mug"))
        expect(page.get_by_label("Cc", exact=True)).to_have_value("luis@customers.example")


def test_whoever_writes_is_answered_where_they_wrote(browser: Browser, site: BrowserSite) -> None:
    """A way chosen by hand holds for what is being written; a new message of theirs begins anew."""
    with _written_to(browser, site) as (page, phone, conversation):
        contact = site.call("GET", f"/v1/conversations/{conversation}")["contact"]["id"]
        mail_channel(site)
        site.call("POST", f"/v1/contacts/{contact}/identities", {"kind": "email", "address": f"a{phone[1:]}@c.example"})
        page.reload()
        wait_for_way(page)
        page.get_by_role("button", name="SMS · Shop line").click()
        page.get_by_role("menuitemradio", name="E-mail · Mail").click()
        expect(page.get_by_role("button", name="E-mail · Mail")).to_be_visible()
        site.text_in(phone, "I am still on my phone")
        wait_for_way(page)


@contextmanager
def _written_to(browser: Browser, site: BrowserSite) -> Iterator[tuple[Page, str, str]]:
    """A conversation that is open, its phone, its id."""
    phone, conversation = texted(site, "hello there")
    with open_desk(browser, site, one_agent(site), path=thread_path(conversation)) as page:
        log_of(page).get_by_text("hello there").wait_for(timeout=PATIENT_MS)
        wait_for_way(page)
        yield page, phone, conversation


def _propose(site: BrowserSite, conversation: str, words: str) -> None:
    site.call("POST", f"/v1/conversations/{conversation}/drafts", {"text": words, "bot": "Helper"})


def _draft(site: BrowserSite, conversation: str, words: str) -> Any:
    """The draft that says this, once it is there."""
    return eventually(lambda: next((one for one in drafts_of(site, conversation) if one["text"] == words), None))


def _parts(site: BrowserSite, conversation: str) -> list[Any]:
    return [part for draft in drafts_of(site, conversation) for part in draft["parts"]]


def _files_sent(site: BrowserSite, conversation: str) -> list[str]:
    sent = site.call("GET", f"/v1/conversations/{conversation}/entries")["data"][-1]
    return [part["attachment"]["name"] for part in sent["parts"] if "attachment" in part]
