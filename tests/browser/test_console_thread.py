"""A conversation in the console against a running gateway: said, written, sent, taken back, and seen by others."""

from __future__ import annotations

import re
import secrets
from functools import cache
from typing import Any

from playwright.sync_api import Browser, Page, expect

from tests.browser.desk import open_desk, show_moment, thread_path
from tests.browser.stage import ACCOUNT, TOKEN, BrowserSite, Person, eventually, save_picture

SECOND_NUMBER = "+15550002333"
UNDO_SECONDS = 60
"""The most there is: a slow machine may take its time to press Undo."""
NOTES = 70
"""More than a page of entries."""
SCROLL_UP = """async () => {
  const log = document.querySelector('.log');
  log.scrollTop = 500;
  await new Promise(requestAnimationFrame);
  const reference = [...document.querySelectorAll('[data-row]')].find((one) => one.getBoundingClientRect().top > 200);
  const before = reference.getBoundingClientRect().top;
  const count = document.querySelectorAll('.entry').length;
  for (let tries = 0; tries < 200 && document.querySelectorAll('.entry').length === count; tries += 1) {
    await new Promise((done) => setTimeout(done, 25));
  }
  await new Promise(requestAnimationFrame);
  return reference.getBoundingClientRect().top - before;
}"""
UNREACHABLE_HANDSET = 30003
"""Twilio's code for a handset that is off or not there."""


def test_an_answer_leaves_by_the_way_that_was_chosen(browser: Browser, site: BrowserSite) -> None:
    """Two numbers lead to one phone: the answer leaves by the one that was chosen, and the timeline says which."""
    second = _second_line(site)
    agent, phone, conversation = _somebody(site, "is my order on its way?")
    with open_desk(browser, site, agent, path=thread_path(conversation)) as page:
        _write(page, "By the first number")
        _send(page)
        page.get_by_role("button", name="SMS · Shop line").click()
        page.get_by_role("menuitemradio", name="SMS · Second line").click()
        _write(page, "By the second number")
        _send(page)
        expect(_log(page).get_by_text("Second line")).to_be_visible()
        told = eventually(lambda: _received(site, phone, 2))
        assert [(text["peer"], text["body"]) for text in told] == [
            ("+15550002222", "By the first number"),
            (second, "By the second number"),
        ]
        expect(_entry(page, "By the second number").get_by_role("img", name="Delivered")).to_be_visible()


def test_a_note_stays_inside(browser: Browser, site: BrowserSite) -> None:
    """A note looks and is called otherwise than a reply, is shown as internal, and reaches nobody."""
    agent, phone, conversation = _somebody(site, "can I have a refund")
    with open_desk(browser, site, agent, path=thread_path(conversation)) as page:
        page.get_by_role("tab", name="Note").click()
        expect(page.get_by_role("button", name="SMS · Shop line")).to_be_hidden()
        page.get_by_role("textbox", name="Note for your team").fill("She is a regular, say yes")
        page.get_by_role("button", name="Add note").click()
        expect(_entry(page, "She is a regular")).to_contain_text("Internal note")
        save_picture(page, "console thread note")
        entry = eventually(lambda: _stored(site, conversation, "note"))
        assert (entry["visibility"], _received(site, phone, 1)) == ("internal", [])


def test_a_message_can_be_taken_back(browser: Browser, site: BrowserSite) -> None:
    """Within the time for it, Undo takes a message back: nothing arrives, and the words are where they were written."""
    agent, phone, conversation = _somebody(site, "hello?")
    with open_desk(browser, site, agent, path=thread_path(conversation), prefs={"undo": UNDO_SECONDS}) as page:
        _write(page, "Dear Sir or Madman")
        _send(page)
        _entry(page, "Dear Sir").get_by_role("button", name="Undo").click()
        expect(_reply(page)).to_have_value("Dear Sir or Madman")
        expect(_entry(page, "Dear Sir").get_by_role("img", name="Not sent: taken back")).to_be_visible()
        assert _stored(site, conversation, "message")["delivery"]["state"] == "canceled"
        assert _received(site, phone, 1) == []


def test_a_message_that_failed_says_why_and_is_sent_again(browser: Browser, site: BrowserSite) -> None:
    """What was not delivered says why and how to mend it; Retry sends the same message once more."""
    agent, phone, conversation = _somebody(site, "text me when it is ready")
    faults = {"outcomes": {phone: {"status": "undelivered", "code": UNREACHABLE_HANDSET}}}
    site.tell_phones("faults", faults)
    try:
        with open_desk(browser, site, agent, path=thread_path(conversation)) as page:
            _write(page, "Come and get it")
            _send(page)
            retry = _entry(page, "Come and get it").get_by_role("button", name="Retry")
            retry.wait_for()
            expect(_entry(page, "Come and get it")).to_contain_text("Not delivered")
            save_picture(page, "console thread failed")
            site.tell_phones("faults", {})
            retry.click()
            delivered = _entry(page, "Come and get it").get_by_role("img", name="Delivered")
            expect(delivered).to_be_visible()
            expect(retry).to_have_count(0)
    finally:
        site.tell_phones("faults", {})


def test_words_that_do_not_leave_are_kept_and_leave_once(browser: Browser, site: BrowserSite) -> None:
    """Where the gateway cannot be reached the words stay, over a reload too, and trying again sends them once."""
    agent, phone, conversation = _somebody(site, "anybody there?")
    with open_desk(browser, site, agent, path=thread_path(conversation)) as page:
        page.route("**/messages", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
        _write(page, "Yes, here we are")
        _send(page)
        expect(_log(page).get_by_role("alert")).to_contain_text("Not sent")
        page.reload()
        expect(_entry(page, "Yes, here we are")).to_contain_text("Not sent")
        page.unroute("**/messages")
        _log(page).get_by_role("button", name="Try again").click()
        assert [text["body"] for text in eventually(lambda: _received(site, phone, 1))] == ["Yes, here we are"]
        expect(_entry(page, "Yes, here we are")).to_have_count(1)
        expect(_log(page).get_by_role("alert")).to_have_count(0)


def test_a_draft_survives_a_reload_and_reaches_another_device(browser: Browser, site: BrowserSite) -> None:
    """What is being written is there after a reload, and on the agent's other device."""
    agent, _, conversation = _somebody(site, "what are your hours")
    path = thread_path(conversation)
    with open_desk(browser, site, agent, path=path) as page:
        _write(page, "We are open from nine")
        page.reload()
        expect(_reply(page)).to_have_value("We are open from nine")
        eventually(lambda: site.call("GET", f"/v1/conversations/{conversation}/drafts")["data"])
        with open_desk(browser, site, agent, path=path) as other:
            expect(_reply(other)).to_have_value("We are open from nine")
            _reply(other).fill("We are open from nine to five")
            expect(page.get_by_text("This draft was changed on another device")).to_be_visible()
            page.get_by_role("button", name="Use that one").click()
            expect(_reply(page)).to_have_value("We are open from nine to five")


def test_two_agents_see_each_other(browser: Browser, site: BrowserSite) -> None:
    """Who has it open and who writes is told; an answer that came while one wrote asks before a second one leaves."""
    agent, phone, conversation = _somebody(site, "is the shop open on sunday")
    colleague = site.hire("Mina Haddad")
    path = thread_path(conversation)
    with open_desk(browser, site, agent, path=path) as bo, open_desk(browser, site, colleague, path=path) as mina:
        expect(bo.get_by_text("Mina Haddad is viewing")).to_be_visible()
        words = _reply(mina)
        show_moment(lambda: words.press_sequentially("Yes"), bo.get_by_text("Mina Haddad is writing an answer"))
        save_picture(bo, "console thread collision")
        _write(bo, "No, on Sunday we rest")
        _reply(mina).fill("Yes, from ten to four")
        _send(mina)
        expect(bo.get_by_text("Mina Haddad answered while you were writing")).to_be_visible()
        _send(bo)
        expect(bo.get_by_role("button", name="Send anyway")).to_be_visible()
        expect(_reply(bo)).to_have_value("No, on Sunday we rest")
        told = eventually(lambda: _received(site, phone, 1))
        assert [text["body"] for text in told] == ["Yes, from ten to four"]


def test_a_canned_reply_is_filled_in_by_its_slash(browser: Browser, site: BrowserSite) -> None:
    """A slash lists canned replies as one types; Enter puts the chosen one in, its variables filled by the gateway."""
    word = f"hi{secrets.token_hex(3)}"
    text = "Hello {{ contact.name }}, this is {{ agent.name }}."
    site.call("POST", "/v1/canned-replies", {"shortcut": f"/{word}", "name": "Greeting", "variants": [{"text": text}]})
    agent, _, conversation = _somebody(site, "hi", name="Ana Ruiz")
    with open_desk(browser, site, agent, path=thread_path(conversation)) as page:
        _reply(page).press_sequentially(f"Thanks. /{word[:4]}")
        expect(page.get_by_role("option", name=re.compile("Greeting")).first).to_be_visible()
        save_picture(page, "console thread canned")
        _reply(page).press("Enter")
        expect(_reply(page)).to_have_value("Thanks. Hello Ana Ruiz, this is Bo Larsen.")


def test_a_closed_way_says_why(browser: Browser, site: BrowserSite) -> None:
    """Who opted out cannot be written to: the composer says so, offers a note, and has nothing to send with."""
    agent, phone, conversation = _somebody(site, "stop writing to me please")
    site.text_in(phone, "STOP")
    eventually(lambda: not site.call("GET", f"/v1/conversations/{conversation}")["reply_route"]["can_reply"])
    with open_desk(browser, site, agent, path=thread_path(conversation)) as page:
        expect(page.get_by_text("Can’t send by SMS")).to_be_visible()
        _reply(page).fill("But why?")
        expect(page.get_by_role("button", name="Send", exact=True)).to_be_disabled()
        expect(page.get_by_text("Opted out of").first).to_be_visible()
        save_picture(page, "console thread opted out")
        page.get_by_role("button", name="Write a note").click()
        expect(page.get_by_role("textbox", name="Note for your team")).to_be_focused()


def test_an_answer_can_leave_later(browser: Browser, site: BrowserSite) -> None:
    """Send later keeps the answer below the log until its time; taken back, its words return."""
    agent, phone, conversation = _somebody(site, "remind me tomorrow")
    with open_desk(browser, site, agent, path=thread_path(conversation)) as page:
        _write(page, "Here is your reminder")
        page.get_by_role("button", name="Other ways to send").click()
        page.get_by_role("menuitem", name="Send later").click()
        page.get_by_role("button", name="Schedule").click()
        waiting = page.get_by_role("article", name="Leaves later")
        expect(waiting).to_contain_text("Here is your reminder")
        save_picture(page, "console thread scheduled")
        waiting.get_by_role("button", name="Take back").click()
        expect(_reply(page)).to_have_value("Here is your reminder")
        expect(waiting).to_have_count(0)
        assert _received(site, phone, 1) == []


def test_an_agent_who_is_no_administrator_can_do_their_work(browser: Browser, site: BrowserSite) -> None:
    """Without the rights of an administrator one answers all the same, and what one may not do is not offered."""
    _, phone, conversation = _somebody(site, "is anybody there who is not the boss")
    with open_desk(browser, site, site.hire("Wei Chen", role="agent"), path=thread_path(conversation)) as page:
        _write(page, "Me, I am Wei")
        _send(page)
        told = eventually(lambda: _received(site, phone, 1))
        assert [text["body"] for text in told] == ["Me, I am Wei"]
        details = page.get_by_role("complementary", name="Details")
        expect(details.get_by_role("button", name="Block")).to_be_visible()
        expect(details.get_by_role("button", name="Erase")).to_have_count(0)
        _entry(page, "not the boss").get_by_role("button", name="More about this message").click()
        expect(page.get_by_role("menuitem", name="Copy text")).to_be_visible()
        expect(page.get_by_role("menuitem", name="What the provider sent")).to_have_count(0)


def test_a_long_conversation_is_read_back_without_losing_the_place(browser: Browser, site: BrowserSite) -> None:
    """What came before is loaded as one scrolls up, what one reads stays where it is, and what is new is counted."""
    agent, phone, conversation = _somebody(site, "the very first word")
    for number in range(NOTES):
        note = {"text": f"note number {number}", "agent_id": agent.id}
        site.call("POST", f"/v1/conversations/{conversation}/notes", note)
    with open_desk(browser, site, agent, path=thread_path(conversation)) as page:
        _log(page).get_by_text(f"note number {NOTES - 1}").wait_for()
        eventually(lambda: site.call("GET", f"/v1/conversations/{conversation}")["counts"]["unread"] == 0)
        expect(_log(page).get_by_text("the very first word")).to_have_count(0)
        moved = page.evaluate(SCROLL_UP)
        assert abs(moved) <= 2, f"what was read moved by {moved} px"
        expect(_log(page).get_by_text("the very first word")).to_have_count(1)
        site.text_in(phone, "something new")
        page.get_by_role("button", name="1 new message").click()
        expect(_log(page).get_by_text("something new")).to_be_in_viewport()
        eventually(lambda: site.call("GET", f"/v1/conversations/{conversation}")["counts"]["unread"] == 0)


def test_what_was_searched_for_is_marked(browser: Browser, site: BrowserSite) -> None:
    """Opened from a search, its words are marked; a link to a message opens at it."""
    agent, phone, conversation = _somebody(site, "the blue mug is broken")
    site.text_in(phone, "sorry, the green one")
    entries = eventually(lambda: _all(site, conversation, 2))
    path = f"{thread_path(conversation)}?q=mug+is%3Aopen#{entries[0]['id']}"
    with open_desk(browser, site, agent, path=path) as page:
        expect(_log(page).locator("mark")).to_have_text(["mug"])
        expect(page.locator(f"#{entries[0]['id']}")).to_have_class(re.compile("flash"))


def test_everything_by_the_keyboard(browser: Browser, site: BrowserSite) -> None:
    """Reply, note, send and menus work without a mouse, and the focus is where one would look for it."""
    agent, phone, conversation = _somebody(site, "no mouse here")
    with open_desk(browser, site, agent, path=thread_path(conversation)) as page:
        _log(page).get_by_text("no mouse here").wait_for()
        page.keyboard.press("n")
        expect(page.get_by_role("textbox", name="Note for your team")).to_be_focused()
        page.keyboard.type("By hand")
        page.keyboard.press("Control+Enter")
        expect(_entry(page, "By hand")).to_contain_text("Internal note")
        page.keyboard.press("Escape")
        expect(_log(page)).to_be_focused()
        page.keyboard.press("r")
        expect(_reply(page)).to_be_focused()
        expect(page.get_by_role("button", name="SMS · Shop line")).to_be_visible()
        page.keyboard.type("By key")
        expect(page.get_by_role("button", name="Send", exact=True)).to_be_enabled()
        page.keyboard.press("Control+Enter")
        expect(_entry(page, "By key")).to_be_visible()
        more = _entry(page, "By key").get_by_role("button", name="More about this message")
        more.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("menuitem", name="Copy text")).to_be_focused()
        page.keyboard.press("ArrowDown")
        expect(page.get_by_role("menuitem", name="Copy link")).to_be_focused()
        page.keyboard.press("Escape")
        expect(more).to_be_focused()
        assert [text["body"] for text in eventually(lambda: _received(site, phone, 1))] == ["By key"]


def _somebody(site: BrowserSite, words: str, *, name: str | None = None) -> tuple[Person, str, str]:
    """An agent, a phone that has just texted, and the conversation's id."""
    phone = f"+1555{secrets.randbelow(10**7):07d}"
    site.text_in(phone, words)
    conversation = site.conversation_with(phone)
    if name:
        site.call("PATCH", f"/v1/contacts/{conversation['contact']['id']}", {"name": name})
    return _agent(site), phone, str(conversation["id"])


@cache
def _agent(site: BrowserSite) -> Person:
    """One for all tests: each has a conversation of its own."""
    return site.hire("Bo Larsen")


def _second_line(site: BrowserSite) -> str:
    settings = {"account_sid": ACCOUNT, "auth_token": TOKEN, "numbers": [SECOND_NUMBER], "api_url": site.phones}
    site.tell_phones(f"numbers/{SECOND_NUMBER}", {"number": SECOND_NUMBER, "account_sid": ACCOUNT})
    site.call("POST", "/v1/channels", {"adapter": "sms-twilio", "name": "Second line", "settings": settings})
    return SECOND_NUMBER


def _log(page: Page) -> Any:
    return page.get_by_role("log", name="Messages")


def _entry(page: Page, words: str) -> Any:
    return _log(page).get_by_role("article").filter(has_text=words)


def _reply(page: Page) -> Any:
    return page.get_by_role("textbox", name="Reply")


def _write(page: Page, words: str) -> None:
    _reply(page).fill(words)


def _send(page: Page) -> None:
    page.get_by_role("button", name="Send", exact=True).click()


def _received(site: BrowserSite, phone: str, at_least: int) -> list[Any]:
    """What the phone got, once it is so much."""
    got = [text for text in site.texts_on(phone) if text["author"] != "handset"]
    return got if len(got) >= at_least else []


def _stored(site: BrowserSite, conversation: str, kind: str) -> Any:
    """Our latest entry of this kind."""
    entries = site.call("GET", f"/v1/conversations/{conversation}/entries", limit=50)["data"]
    ours = [entry for entry in entries if entry["type"] == kind and entry["direction"] != "inbound"]
    return ours[-1] if ours else None


def _all(site: BrowserSite, conversation: str, at_least: int) -> list[Any]:
    entries = list(site.call("GET", f"/v1/conversations/{conversation}/entries", limit=50)["data"])
    return entries if len(entries) >= at_least else []
