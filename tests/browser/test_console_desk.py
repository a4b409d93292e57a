"""A day at the console: where the focus is, what is selected, what is searched, what is kept, and who is told."""

from __future__ import annotations

import re
import secrets
from typing import Any

from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.browser.desk import open_desk, thread_path
from tests.browser.stage import BrowserSite, eventually, save_picture

PATIENT_MS = 30_000
CATCH_NOTIFICATIONS = """
  window.told = [];
  window.Notification = class {
    static permission = 'granted';
    static requestPermission = async () => 'granted';
    constructor(title, { body, tag }) { window.told.push([title, body, tag]); }
    close() {}
  };
  document.hasFocus = () => false;
"""


def test_the_focus_stays_where_it_is_worked(browser: Browser, site: BrowserSite) -> None:
    """A view chosen by keys keeps the focus while counts change; a row that leaves hands it to the next."""
    person, words = site.hire("Noor Haddad"), _unique("take me")
    made = [_write_in(site, words) for _ in range(3)]
    with open_desk(browser, site, person, path="/console/view/unassigned") as page:
        _ready(page)
        link = page.get_by_role("link", name=re.compile("^Unassigned"))
        link.focus()
        page.keyboard.press("Enter")
        _write_in(site, words)
        expect(_rows(page).filter(has_text=words)).to_have_count(4, timeout=PATIENT_MS)
        expect(link).to_be_focused()
        for key in ("j", "j"):
            page.keyboard.press(key)
        expect(_rows(page).nth(1)).to_be_focused()
        leaving, following = (_rows(page).nth(at).get_attribute("data-id") for at in (1, 2))
        site.call("POST", f"/v1/conversations/{leaving}/assign", {"agent_id": person.id})
        expect(page.locator(f"#row-{leaving}")).to_have_count(0, timeout=PATIENT_MS)
        expect(page.locator(f"#row-{following}")).to_be_focused()
    assert len(made) == 3


def test_the_next_one_is_where_the_last_one_was(browser: Browser, site: BrowserSite) -> None:
    """What is taken from the list while it is open leaves; j opens what followed it, not the first of all."""
    words = _unique("one after the other")
    first, second, third = (_write_in(site, words) for _ in range(3))
    wanted = {"name": words, "query": f"{words} is:unassigned", "sort": "created_at"}
    view = site.call("POST", "/v1/views", wanted)["id"]
    with open_desk(browser, site, site.hire("Kim Sato"), path=f"/console/view/{view}") as page:
        _ready(page)
        expect(_rows(page)).to_have_count(3, timeout=PATIENT_MS)
        page.locator(f"#row-{second}").click()
        expect(_thread(page)).to_contain_text(words, timeout=PATIENT_MS)
        page.keyboard.press("m")
        expect(page.locator(f"#row-{second}")).to_have_count(0, timeout=PATIENT_MS)
        page.keyboard.press("j")
        expect(page).to_have_url(re.compile(f"/console/c/{third}"), timeout=PATIENT_MS)
        page.keyboard.press("k")
        expect(page).to_have_url(re.compile(f"/console/c/{first}"), timeout=PATIENT_MS)


def test_a_search_leaves_what_is_open_and_gives_the_view_back(browser: Browser, site: BrowserSite) -> None:
    """Typing keeps its focus and the conversation; examples go in by a press; Escape brings the view back."""
    words = _unique("lighthouse")
    conversation = _write_in(site, words)
    with open_desk(browser, site, site.hire("Ada Quill"), path=f"{thread_path(conversation)}?view=unassigned") as page:
        _ready(page)
        expect(_thread(page)).to_contain_text(words, timeout=PATIENT_MS)
        page.keyboard.press("/")
        expect(page.get_by_role("searchbox")).to_be_focused()
        page.get_by_role("button", name="is:unread").click()
        expect(page.get_by_role("heading", name="Search results")).to_be_visible(timeout=PATIENT_MS)
        page.keyboard.type(f" or {words}")
        expect(page).to_have_url(re.compile("q=is%3Aunread\\+or"), timeout=PATIENT_MS)
        expect(page.get_by_role("searchbox")).to_be_focused()
        expect(_thread(page)).to_contain_text(words)
        page.keyboard.press("Escape")
        expect(page.get_by_role("heading", name="Unassigned")).to_be_visible(timeout=PATIENT_MS)
        expect(_thread(page)).to_contain_text(words)


def test_nothing_is_changed_that_is_not_seen(browser: Browser, site: BrowserSite) -> None:
    """A selection ends with the list it was made in; what leaves the list leaves the selection."""
    words = _unique("choose us")
    first, second = _write_in(site, words), _write_in(site, words)
    with open_desk(browser, site, site.hire("Ira Bloom"), path="/console/view/unassigned") as page:
        _ready(page)
        for one in (first, second):
            page.locator(f"#row-{one} .mark").click()
        bar = page.get_by_role("toolbar", name="Selection")
        expect(bar).to_contain_text("2 selected")
        site.call("POST", f"/v1/conversations/{first}/close", {})
        expect(bar).to_contain_text("1 selected", timeout=PATIENT_MS)
        page.get_by_role("link", name=re.compile("^All")).click()
        expect(bar).to_be_hidden(timeout=PATIENT_MS)
        page.keyboard.press("e")
        assert site.call("GET", f"/v1/conversations/{second}")["status"] == "open"


def test_what_is_refused_is_told_and_changes_nothing(browser: Browser, site: BrowserSite) -> None:
    """A change the gateway does not make is told with its reason, the row stays, and it can be tried again."""
    conversation = _write_in(site, _unique("please close me"))
    with open_desk(browser, site, site.hire("Lee Park"), path=thread_path(conversation)) as page:
        _ready(page)
        expect(_thread(page).get_by_role("log")).to_be_visible(timeout=PATIENT_MS)
        problem = {"status": 409, "code": "state_conflict", "detail": "Somebody was quicker.", "hint": "Look again."}
        page.route("**/v1/conversations/bulk", lambda route: route.fulfill(status=409, json=problem))
        page.keyboard.press("e")
        expect(page.get_by_text("Somebody was quicker. Look again.")).to_be_visible(timeout=PATIENT_MS)
        expect(page.locator(f"#row-{conversation}")).to_be_visible()
        page.unroute("**/v1/conversations/bulk")
        page.keyboard.press("e")
        eventually(lambda: site.call("GET", f"/v1/conversations/{conversation}")["status"] == "closed", seconds=30)


def test_keys_do_nothing_while_they_write_or_are_held(browser: Browser, site: BrowserSite) -> None:
    """A letter in a field, a composition, one with Alt and one held down change nothing; pressed, it acts."""
    conversation = _write_in(site, _unique("leave me alone"))
    with open_desk(browser, site, site.hire("Eve Moran"), path=thread_path(conversation)) as page:
        _ready(page)
        expect(_thread(page).get_by_role("log")).to_be_visible(timeout=PATIENT_MS)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/bulk") else None)
        for how in ({"isComposing": True}, {"altKey": True}, {"repeat": True}):
            page.evaluate("(how) => document.body.dispatchEvent(new KeyboardEvent('keydown', how))", _key("e", how))
        page.get_by_role("textbox", name=re.compile("^(Reply|Write|Answer)")).first.focus()
        page.keyboard.type("seemed")
        assert asked == []
        page.evaluate("(how) => document.body.dispatchEvent(new KeyboardEvent('keydown', how))", _key("e", {}))
        eventually(lambda: site.call("GET", f"/v1/conversations/{conversation}")["status"] == "closed", seconds=30)


def test_the_map_of_the_keys_is_whole(browser: Browser, site: BrowserSite) -> None:
    """With no conversation open it names every key there is, the composer's too."""
    with open_desk(browser, site, site.hire("Bo Anders"), path="/console/view/snoozed") as page:
        _ready(page)
        page.keyboard.press("?")
        named = page.get_by_role("dialog").locator("dl > div")
        keys = {tuple(row.locator("kbd").all_inner_texts()) for row in named.all()}
        letters = {key[0] for key in keys if len(key) == 1}
        assert {"J", "K", "R", "N", "A", "M", "E", "Z", "T", "/", "?", "↵", "Esc"} <= letters
        assert {("Ctrl", "K"), ("Ctrl", "↵")} <= keys
        save_picture(page, "console keys without a conversation")


def test_a_view_is_renamed_and_deleted(browser: Browser, site: BrowserSite) -> None:
    """A saved view is shared by choice, changed in place, and gone from the rail once it is deleted."""
    word = f"finch{secrets.token_hex(3)}"
    _write_in(site, f"a {word} sits here")
    person = site.hire("Ola Berg")
    with open_desk(browser, site, person, path=f"/console/search?q={word}") as page:
        _ready(page)
        page.get_by_role("button", name="Save as a view").click()
        page.get_by_label("Name").fill(f"Birds {word}")
        page.get_by_label("Who sees it").select_option("Everybody")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("heading", name=f"Birds {word}")).to_be_visible(timeout=PATIENT_MS)
        expect(page.get_by_role("link", name=re.compile(f"Birds {word}.*1"))).to_be_visible(timeout=PATIENT_MS)
        page.get_by_role("button", name=f"Change the view “Birds {word}”").click()
        page.get_by_label("Name").fill(f"Owls {word}")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("link", name=re.compile(f"Owls {word}"))).to_be_visible(timeout=PATIENT_MS)
        shared = next(one for one in site.call("GET", "/v1/views")["data"] if one["name"] == f"Owls {word}")
        assert (shared["query"], shared["owner_id"]) == (word, None)
        page.get_by_role("button", name=f"Change the view “Owls {word}”").click()
        page.get_by_role("button", name="Delete this view").click()
        expect(page.get_by_role("link", name=re.compile(f"Owls {word}"))).to_have_count(0, timeout=PATIENT_MS)
        expect(page).to_have_url(f"{site.url}/console")


def test_whoever_is_elsewhere_is_called(browser: Browser, site: BrowserSite) -> None:
    """Where it was chosen, a message that is mine or nobody's calls me by name and words; a colleague's does not."""
    person, colleague = site.hire("Mia Chen"), site.hire("Tom Reed")
    theirs_phone, mine_phone = _phone(), _phone()
    for phone in (theirs_phone, mine_phone):
        site.text_in(phone, _unique("first of all"))
    theirs = site.conversation_with(theirs_phone)["id"]
    site.call("POST", f"/v1/conversations/{theirs}/assign", {"agent_id": colleague.id})
    mine = site.conversation_with(mine_phone)["id"]
    with open_desk(browser, site, person, path="/console/settings/preferences") as page:
        page.add_init_script(CATCH_NOTIFICATIONS)
        page.reload()
        page.get_by_label("Notify me of new messages while I am elsewhere").check(timeout=PATIENT_MS)
        page.goto(f"{site.url}/console/view/snoozed")
        _ready(page)
        site.text_in(theirs_phone, _unique("not for you"))
        words = _unique("come back please")
        site.text_in(mine_phone, words)
        eventually(lambda: words in page.evaluate("window.told.map((one) => one[1])"))
        told = page.evaluate("window.told")
    assert [one for one in told if one[2] == mine] == [[mine_phone, words, mine]]
    assert not [one for one in told if one[2] == theirs]


def test_a_page_whose_session_another_one_renewed_goes_on(browser: Browser, site: BrowserSite) -> None:
    """Signed out and in again on one page, a second one acts with the new session, without asking for a password."""
    conversation = _write_in(site, _unique("two pages"))
    person = site.hire("Uma Lind")
    with open_desk(browser, site, person, path=thread_path(conversation), complain=False) as page:
        _ready(page)
        page.route("**/v1/conversations/bulk", _with_an_old_token)
        page.keyboard.press("m")
        expect(page.get_by_text("Assigned to you")).to_be_visible(timeout=PATIENT_MS)
        assert site.call("GET", f"/v1/conversations/{conversation}")["assignee"]["id"] == person.id
        expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_person_is_blocked_exported_and_erased(browser: Browser, site: BrowserSite) -> None:
    """Each from the details; an export is fetched when it is made; erasing wants their id, and leaves no words."""
    words = _unique("forget me")
    phone = _phone()
    site.text_in(phone, words)
    conversation = site.conversation_with(phone)
    contact = conversation["contact"]["id"]
    with open_desk(browser, site, site.hire("Max Held"), path=thread_path(conversation["id"])) as page:
        details = page.get_by_role("complementary", name="Details")
        details.get_by_role("button", name="Block").click(timeout=PATIENT_MS)
        expect(details.get_by_text("Blocked", exact=True)).to_be_visible(timeout=PATIENT_MS)
        assert site.call("GET", f"/v1/contacts/{contact}")["blocked_at"]
        details.get_by_role("button", name="Unblock").click()
        expect(details.get_by_role("button", name="Block", exact=True)).to_be_visible(timeout=PATIENT_MS)
        details.get_by_role("button", name="Export data").click()
        with page.expect_download(timeout=PATIENT_MS) as fetched:
            page.get_by_role("button", name="Download").click(timeout=PATIENT_MS)
        assert fetched.value.path().stat().st_size > 0
        details.get_by_role("button", name="Erase…").click()
        dialog = page.get_by_role("dialog", name="Erase this person?")
        dialog.get_by_label("Reason").fill("They asked for it")
        dialog.get_by_label("Confirm").fill("not their id")
        dialog.get_by_role("button", name="Erase").click()
        expect(dialog.locator(".error:visible").first).to_be_visible(timeout=PATIENT_MS)
        dialog.get_by_label("Confirm").fill(contact)
        dialog.get_by_role("button", name="Erase").click()
        expect(dialog).to_have_count(0, timeout=PATIENT_MS)
        expect(page.get_by_text(words)).to_have_count(0, timeout=PATIENT_MS)


def _with_an_old_token(route: Route) -> None:
    """As of a page that has slept through a new session: its token belongs to none, the first time."""
    if route.request.headers.get("x-csrf-token") == _with_an_old_token.__dict__.get("fresh"):
        route.continue_()
        return
    _with_an_old_token.__dict__["fresh"] = route.request.headers["x-csrf-token"]
    route.continue_(headers={**route.request.headers, "x-csrf-token": "of-another-session"})


def _key(key: str, how: dict[str, Any]) -> dict[str, Any]:
    return {"key": key, "bubbles": True, "cancelable": True, **how}


def _ready(page: Page) -> None:
    expect(page.locator(".virtual")).not_to_have_attribute("aria-busy", "true", timeout=PATIENT_MS)
    expect(page.locator(".notice .list-skeleton")).to_have_count(0, timeout=PATIENT_MS)


def _rows(page: Page) -> Locator:
    return page.get_by_role("listbox", name="Conversations").get_by_role("option")


def _thread(page: Page) -> Locator:
    return page.get_by_role("region", name="Conversation", exact=True)


def _write_in(site: BrowserSite, words: str) -> str:
    phone = _phone()
    site.text_in(phone, words)
    return str(site.conversation_with(phone)["id"])


def _phone() -> str:
    return f"+1415{secrets.randbelow(9_000_000) + 1_000_000}"


def _unique(words: str) -> str:
    return f"{words} {secrets.token_hex(3)}"
