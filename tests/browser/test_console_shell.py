"""The console's frame against a running gateway: signed in, listed, searched, changed, and live."""

from __future__ import annotations

import re
import secrets
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.desk import open_desk, thread_path, wait_until_drawn
from tests.browser.stage import BrowserSite, eventually, save_picture


def test_an_agent_signs_in_and_out(browser: Browser, site: BrowserSite) -> None:
    """A wrong password is told and keeps the address; the right one leads in; signing out ends the session."""
    agent = site.hire("Bo Anders")
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{site.url}/console/view/mine")
    page.get_by_label("E-mail").fill(agent.email)
    page.get_by_label("Password").fill("not this one at all")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("no agent has this mail address and this password")
    expect(page.get_by_label("E-mail")).to_have_value(agent.email)
    page.get_by_label("Password").fill(agent.password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Mine")).to_be_visible()
    assert page.url.endswith("/console/view/mine")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    assert context.request.get(f"{site.url}/v1/session").status == 401
    context.close()


def test_what_comes_in_is_listed_at_once(browser: Browser, site: BrowserSite) -> None:
    """A text appears at the top without a reload, and the title counts what is unread."""
    with open_desk(browser, site, site.hire("Mia Chen")) as page:
        wait_until_drawn(page)
        words = _unique("where is my parcel")
        _, phone = _write_in(site, words)
        row = _row(page, words)
        expect(row).to_be_visible()
        expect(row).to_contain_text(phone)
        expect(row).to_contain_text("Unassigned")
        expect(page).to_have_title(re.compile(r"^\(\d+\) Open · Switchboard"))


def test_a_conversation_leaves_a_view_it_no_longer_meets(browser: Browser, site: BrowserSite) -> None:
    """The gateway tells what is in a view: taken by somebody, a conversation goes from Unassigned."""
    agent, words = site.hire("Mia Chen"), _unique("please call me")
    conversation, _ = _write_in(site, words)
    with open_desk(browser, site, agent, path="/console/view/unassigned") as page:
        wait_until_drawn(page)
        expect(_row(page, words)).to_be_visible()
        site.call("POST", f"/v1/conversations/{conversation}/assign", {"agent_id": agent.id})
        expect(_row(page, words)).to_have_count(0)
        page.get_by_role("link", name=re.compile("^Mine")).click()
        expect(_row(page, words)).to_be_visible()
        expect(page.get_by_role("link", name=re.compile("^Mine"))).to_have_attribute("aria-current", "page")


def test_a_search_tells_where_it_is_wrong(browser: Browser, site: BrowserSite) -> None:
    """What is not understood is marked in the words themselves with what may stand there; right, it can be kept."""
    words = _unique("zebra finch")
    _write_in(site, words)
    with open_desk(browser, site, site.hire("Ada Quill")) as page:
        wait_until_drawn(page)
        page.keyboard.press("/")
        page.keyboard.type("is:opn zebra")
        wrong = page.get_by_role("alert").filter(has_text="opn")
        expect(wrong.locator("mark")).to_have_text("opn")
        expect(wrong).to_contain_text("open, pending, snoozed, closed")
        save_picture(page, "console search wrong")
        page.get_by_role("searchbox").fill(f"is:open {words}")
        expect(_row(page, words)).to_be_visible()
        expect(_row(page, words).locator("mark").first).to_have_text("zebra")
        expect(page).to_have_url(re.compile(r"/console/search\?q=is"))
        page.get_by_role("button", name="Save as a view").click()
        page.get_by_label("Name").fill("Finches")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("heading", name="Finches")).to_be_visible()
        expect(_row(page, words)).to_be_visible()


def test_the_address_is_the_state(browser: Browser, site: BrowserSite) -> None:
    """A link opens the same view and conversation; back closes it; reload changes nothing; a wrong link says so."""
    words = _unique("deep link")
    conversation, _ = _write_in(site, words)
    with open_desk(browser, site, site.hire("Kim Sato"), path="/console/view/unassigned") as page:
        _row(page, words).click()
        expect(page).to_have_url(f"{site.url}/console/c/{conversation}?view=unassigned")
        expect(_thread(page)).to_contain_text(words)
        page.reload()
        expect(page.get_by_role("heading", name="Unassigned")).to_be_visible()
        expect(_thread(page)).to_contain_text(words)
        page.go_back()
        expect(page.get_by_role("heading", name="Choose a conversation")).to_be_visible()
        assert page.url.endswith("/console/view/unassigned")
        page.goto(f"{site.url}/console/c/cnv_00000000000070008000000000000000")
        expect(page.get_by_role("heading", name="There is no such conversation")).to_be_visible()


def test_everything_by_keys(browser: Browser, site: BrowserSite) -> None:
    """Without a mouse: two chosen and tagged, one opened, taken, closed, brought back; another by the palette."""
    agent, tag, words = site.hire("Noor Haddad"), f"k{secrets.token_hex(3)}", _unique("by keys alone")
    first, second = (_write_in(site, words)[0] for _ in range(2))
    with open_desk(browser, site, agent, path=_search_path(words)) as page:
        expect(_rows(page)).to_have_count(2)
        for key in ("j", "x", "j", "x", "t"):
            page.keyboard.press(key)
        expect(page.get_by_role("combobox", name="Add a tag")).to_be_focused()
        page.keyboard.type(tag)
        expect(page.get_by_role("option", name=f"New tag “{tag}”")).to_be_visible()
        page.keyboard.press("Enter")
        eventually(lambda: all(tag in _conversation(site, one)["tags"] for one in (first, second)))
        expect(_rows(page).first).to_contain_text(tag)
        expect(page.get_by_role("toolbar", name="Selection")).to_be_hidden()
        page.keyboard.press("Enter")
        expect(_thread(page).get_by_role("log")).to_be_focused()
        opened = page.url.split("/c/")[1].split("?")[0]
        page.keyboard.press("m")
        eventually(lambda: (_conversation(site, opened)["assignee"] or {}).get("id") == agent.id)
        page.keyboard.press("e")
        eventually(lambda: _conversation(site, opened)["status"] == "closed")
        page.locator(".toast").filter(has_text="Closed").get_by_role("button", name="Undo").press("Enter")
        eventually(lambda: _conversation(site, opened)["status"] == "open")
        page.keyboard.press("Control+k")
        palette = page.get_by_role("dialog")
        expect(palette.get_by_role("combobox")).to_be_focused()
        page.keyboard.type(words)
        expect(palette.get_by_role("option", name=re.compile(words))).to_have_count(2)
        save_picture(page, "console palette")
        page.keyboard.press("Enter")
        expect(_thread(page)).to_contain_text("by keys alone")


def test_letters_can_be_switched_off(browser: Browser, site: BrowserSite) -> None:
    """Whoever dictates turns keys of one letter off: they do nothing any more, also after a reload; Ctrl+K does."""
    conversation, _ = _write_in(site, _unique("keep me open"))
    with open_desk(browser, site, site.hire("Lee Park"), path=thread_path(conversation)) as page:
        wait_until_drawn(page)
        page.keyboard.press("?")
        expect(page.get_by_role("dialog", name="Keyboard shortcuts").or_(page.get_by_role("dialog"))).to_contain_text(
            "Snooze"
        )
        save_picture(page, "console keys")
        page.get_by_label("Use keys of one letter").uncheck()
        page.keyboard.press("Escape")
        page.reload()
        wait_until_drawn(page)
        page.keyboard.press("e")
        page.keyboard.press("Control+k")
        expect(page.get_by_role("combobox")).to_be_focused()
        assert _conversation(site, conversation)["status"] == "open"


def test_several_are_changed_at_once(browser: Browser, site: BrowserSite) -> None:
    """A selection is closed with one press and brought back with another."""
    words = _unique("bulk of them")
    made = [_write_in(site, words)[0] for _ in range(3)]
    with open_desk(browser, site, site.hire("Ira Bloom"), path=_search_path(f"is:open {words}")) as page:
        expect(_rows(page)).to_have_count(len(made))
        for conversation in made:
            page.locator(f"#row-{conversation} .mark").click()
        expect(page.get_by_role("toolbar", name="Selection")).to_contain_text("3 selected")
        save_picture(page, "console selection")
        page.get_by_role("toolbar", name="Selection").get_by_role("button", name="Close").click()
        undo = page.locator(".toast").filter(has_text="Closed").get_by_role("button", name="Undo")
        undo.focus()
        expect(_rows(page)).to_have_count(0)
        undo.press("Enter")
        eventually(lambda: all(_conversation(site, one)["status"] == "open" for one in made))


def test_the_first_message_can_be_ours(browser: Browser, site: BrowserSite) -> None:
    """To a number nobody has written from: the message leaves, and its conversation opens."""
    phone, words = _phone(), _unique("your order is ready")
    with open_desk(browser, site, site.hire("Eve Moran")) as page:
        wait_until_drawn(page)
        page.keyboard.press("c")
        page.get_by_label("To", exact=True).fill(phone)
        page.get_by_label("Channel").select_option(label="SMS · Shop line")
        page.get_by_label("Message", exact=True).fill(words)
        page.get_by_role("button", name="Send", exact=True).click()
        expect(_thread(page)).to_contain_text(words)
        eventually(lambda: [text for text in site.texts_on(phone) if text["body"] == words])


def test_who_is_there_is_seen(browser: Browser, site: BrowserSite) -> None:
    """A colleague who signs in is shown as online, and as gone once their page is closed."""
    name = f"Uma {secrets.token_hex(3)}"
    colleague = site.hire(name)
    with open_desk(browser, site, site.hire("Tom Reed")) as page:
        wait_until_drawn(page)
        with open_desk(browser, site, colleague) as other:
            wait_until_drawn(other)
            expect(page.locator(".online")).to_contain_text(name)
        expect(page.locator(".online").get_by_text(name)).to_have_count(0)


@pytest.mark.parametrize("role", ["admin", "agent"])
def test_people_are_invited_by_administrators_alone(browser: Browser, site: BrowserSite, role: str) -> None:
    """An administrator makes a link that sets a first password and opens the console; others are offered none."""
    with open_desk(browser, site, site.hire("Max Held", role=role), path="/console/settings/agents") as page:
        expect(page.get_by_role("heading", name="People")).to_be_visible()
        if role == "agent":
            expect(page.get_by_role("button", name="Invite")).to_have_count(0)
            return
        email = f"{secrets.token_hex(4)}@desk.example"
        page.get_by_label("Name").fill("Nina Novak")
        page.get_by_label("E-mail").fill(email)
        page.get_by_role("button", name="Invite", exact=True).click()
        link = page.get_by_role("textbox", name="Link").input_value()
    fresh = browser.new_context()
    guest = fresh.new_page()
    guest.goto(link)
    expect(guest).to_have_url(f"{site.url}/console/invitation")  # the token is taken out of the address
    guest.get_by_label("Password").fill("four words that rhyme")
    guest.get_by_role("button", name="Save password").click()
    guest.get_by_role("link", name="Sign in").click()
    guest.get_by_label("E-mail").fill(email)
    guest.get_by_label("Password").fill("four words that rhyme")
    guest.get_by_role("button", name="Sign in").click()
    expect(guest.get_by_role("heading", name="Open")).to_be_visible()
    fresh.close()


def test_a_web_chat_is_added_in_one_form(browser: Browser, site: BrowserSite) -> None:
    """Name and sites are enough; what to put into the site is shown with the channel's own id."""
    with open_desk(browser, site, site.hire("Pia Rossi"), path="/console/settings/channels") as page:
        expect(page.get_by_text("Shop line")).to_be_visible()
        name = _unique("Help on the site")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Sites that may show it").fill("https://shop.example")
        page.get_by_role("button", name="Add channel").click()
        snippet = page.get_by_role("dialog").locator("pre").first
        expect(snippet).to_contain_text("/widget/loader.js")
        save_picture(page, "console channel steps")
        made = next(one for one in site.call("GET", "/v1/channels", limit=200)["data"] if one["name"] == name)
        expect(snippet).to_contain_text(made["id"])
        assert made["settings"]["origins"] == ["https://shop.example"]


def test_first_steps_lead_to_a_first_channel(browser: Browser, site: BrowserSite) -> None:
    """Without a channel an empty list says what to do first, and links there."""
    with open_desk(browser, site, site.hire("Zoe Hart")) as page:
        page.route(
            "**/v1/channels?*",
            lambda route: route.fulfill(json={"data": [], "page": {"next_cursor": None, "has_more": False}}),
        )
        page.goto(f"{site.url}/console/view/snoozed")
        expect(page.get_by_role("heading", name="Let’s get your first message")).to_be_visible()
        save_picture(page, "console first steps")
        page.get_by_role("button", name="Connect a channel").click()
        expect(page.get_by_role("heading", name="No channel yet")).to_be_visible()


def test_only_this_origin_is_asked(browser: Browser, site: BrowserSite) -> None:
    """Every request of the console goes to the gateway that served it, and none carries the session in its address."""
    asked: list[str] = []
    conversation, _ = _write_in(site, _unique("no strangers"))
    with open_desk(browser, site, site.hire("Ola Berg")) as page:
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{site.url}{thread_path(conversation)}")
        wait_until_drawn(page)
        expect(_thread(page)).to_contain_text("no strangers")
        cookies = {one["name"]: one["value"] for one in page.context.cookies()}
    assert asked
    assert [url for url in asked if not url.startswith((site.url, "data:", "blob:"))] == []
    assert not any(cookies["switchboard_session"] in url for url in asked)


def _write_in(site: BrowserSite, words: str) -> tuple[str, str]:
    phone = _phone()
    site.text_in(phone, words)
    return str(site.conversation_with(phone)["id"]), phone


def _search_path(words: str) -> str:
    """A list of what has these words alone, whatever else happens on the site."""
    return f"/console/search?q={quote(words)}"


def _conversation(site: BrowserSite, conversation_id: str) -> Any:
    return site.call("GET", f"/v1/conversations/{conversation_id}")


def _rows(page: Page) -> Locator:
    return page.get_by_role("listbox", name="Conversations").get_by_role("option")


def _row(page: Page, words: str) -> Locator:
    return _rows(page).filter(has_text=words)


def _thread(page: Page) -> Locator:
    return page.get_by_role("region", name="Conversation", exact=True)


def _phone() -> str:
    return f"+1415{secrets.randbelow(9_000_000) + 1_000_000}"


def _unique(words: str) -> str:
    return f"{words} {secrets.token_hex(3)}"
