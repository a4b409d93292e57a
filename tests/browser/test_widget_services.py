"""What the chat offers besides words: choices, forms, hours, mail, another device, files."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, FilePayload, expect

from tests.browser.fake_visitor_server import FakeVisitorServer
from tests.browser.stage import eventually, save_picture
from tests.browser.visitor_data import CHANNEL
from tests.browser.widget_page import FORM, QUESTION, serving_chat, visit

AWAY = {"state": "away", "opens_at": "2030-01-07T09:00:00Z", "message": "Gone fishing.", "collect_email": True}
PIXEL_FILE: FilePayload = {"name": "pixel.png", "mimeType": "image/png", "buffer": b"\x89PNG small"}
TOO_LARGE: FilePayload = {"name": "big.png", "mimeType": "image/png", "buffer": b"x" * 200}
LOADED = "[...document.querySelectorAll('.bubble img')].every(i => i.naturalWidth && i.src.startsWith('blob:'))"


@pytest.fixture
def server(browser: Browser) -> Iterator[FakeVisitorServer]:
    """A gateway of the test's own."""
    with serving_chat(browser) as opened:
        yield opened


def test_a_choice_and_a_form_are_answered_once(browser: Browser, server: FakeVisitorServer) -> None:
    """Buttons and forms send what was chosen, name what they answer, and are done then."""
    shopper = visit(browser, server).open()
    asked, form = server.say("", parts=[QUESTION]), server.say("", parts=[FORM])
    shopper.chat.get_by_role("button", name="Wait").click()
    eventually(lambda: len(server.accepted) == 1)
    assert next(iter(server.accepted.values()))["in_reply_to"] == asked
    shopper.chat.get_by_role("button", name="Wait", disabled=True).wait_for()
    shopper.chat.get_by_label("Name").fill("Kim")
    shopper.chat.get_by_label("E-mail").fill("nonsense")
    shopper.chat.get_by_role("button", name="Send it").click()
    assert len(server.accepted) == 1
    shopper.chat.get_by_label("E-mail").fill("kim@example.org")
    shopper.chat.get_by_role("button", name="Send it").click()
    eventually(lambda: len(server.accepted) == 2)
    reply = list(server.accepted.values())[1]
    assert reply["in_reply_to"] == form
    values = {one["name"]: one["value"] for one in reply["parts"][0]["values"]}
    assert values == {"name": "Kim", "email": "kim@example.org"}
    shopper.chat.get_by_label("E-mail").wait_for(state="detached")


def test_what_is_asked_first_is_asked_once(browser: Browser, server: FakeVisitorServer) -> None:
    """The form before a chat stands before the composer, and is answered as `pre_chat`."""
    server.config["pre_chat"] = {**FORM, "fields": FORM["fields"][:2]}
    shopper = visit(browser, server).open()
    shopper.composer.wait_for(state="hidden")
    shopper.chat.get_by_label("Name").fill("Kim")
    shopper.chat.get_by_label("E-mail").fill("kim@example.org")
    save_picture(shopper.page, "widget-pre-chat")
    shopper.chat.get_by_role("button", name="Send it").click()
    shopper.composer.wait_for()
    eventually(lambda: server.accepted)
    assert next(iter(server.accepted.values()))["parts"][0]["form_id"] == "pre_chat"


def test_when_nobody_is_there_an_address_is_asked_for(browser: Browser, server: FakeVisitorServer) -> None:
    """Out of hours it says until when, and keeps a mail address."""
    server.config["hours"] = AWAY
    shopper = visit(browser, server, timezone_id="UTC").open()
    card = shopper.chat.locator(".notes .card")
    assert "Gone fishing. We are back Monday 09:00." in card.inner_text().replace(" at ", " ")
    save_picture(shopper.page, "widget-away")
    card.get_by_label("Email address").fill("kim@example.org")
    card.get_by_role("button", name="Save").click()
    eventually(lambda: ("email", {"email": "kim@example.org"}) in server.heard)
    card.get_by_label("Email address").wait_for(state="detached")


def test_the_menu_mails_moves_and_ends(browser: Browser, server: FakeVisitorServer) -> None:
    """A transcript by mail, a link for another device, and the end, each from the menu."""
    shopper = visit(browser, server).open().write("Hello")
    shopper.sees("Hello")
    for name in ("Email me the conversation", "Continue on another device", "End the chat"):
        shopper.chat.get_by_role("button", name="Menu").click()
        shopper.chat.get_by_role("button", name=name).click()
        dialog = shopper.chat.get_by_role("dialog", name=name)
        if name.startswith("Email"):
            dialog.get_by_label("Email address").fill("kim@example.org")
            save_picture(shopper.page, "widget-transcript")
        dialog.get_by_role("button", name="OK").click()
        dialog.get_by_role("status").wait_for()
        if name.startswith("Continue"):
            assert "#resume=" in dialog.get_by_role("link").inner_text()
        dialog.get_by_role("button", name="Close").click()
        dialog.wait_for(state="hidden")
    assert ("transcript", {"email": "kim@example.org"}) in server.heard
    assert [name for name, _ in server.heard if name in {"transcript", "resume-link", "end"}] == [
        "transcript",
        "resume-link",
        "end",
    ]
    shopper.chat.get_by_text("The chat was ended").wait_for()


def test_a_link_opens_the_chat_by_itself(browser: Browser, server: FakeVisitorServer) -> None:
    """On another device the chat is a page; what the link holds is handed over in a body and leaves the address."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{server.url}/widget/v1/frame?channel={CHANNEL}#resume=abc-1")
    page.locator(".start").wait_for()
    eventually(lambda: [data for name, data in server.heard if name == "session"])
    assert server.heard[0][1]["resume_link"] == "abc-1"
    expect(page).not_to_have_url(re.compile("#"))
    assert page.get_by_role("button", name="Close").count() == 0


def test_files_are_sent_by_button_paste_and_drop(browser: Browser, server: FakeVisitorServer) -> None:
    """Each way uploads; what is too large is said; the picture comes back by an authorised request."""
    server.config["files"]["max_bytes"] = 100
    shopper = visit(browser, server).open()
    shopper.chat.locator("input[type=file]").set_input_files([PIXEL_FILE])
    shopper.wait_for("document.querySelector('.files li') && !document.querySelector('progress')")
    for event, kind, holder in (("drop", "DragEvent", "dataTransfer"), ("paste", "ClipboardEvent", "clipboardData")):
        shopper.frame.evaluate(f"""() => {{
          const data = new DataTransfer();
          data.items.add(new File(['x'], '{event}.png', {{ type: 'image/png' }}));
          const target = document.querySelector('.composer textarea');
          target.dispatchEvent(new {kind}('{event}', {{ {holder}: data, bubbles: true, cancelable: true }}));
        }}""")
    shopper.wait_for("document.querySelectorAll('.files li').length === 3 && !document.querySelector('progress')")
    shopper.chat.locator("input[type=file]").set_input_files([TOO_LARGE])
    shopper.chat.get_by_text("too large").wait_for()
    save_picture(shopper.page, "widget-files")
    shopper.composer.press("Enter")
    eventually(lambda: server.accepted)
    [message] = server.accepted.values()
    assert len(message["attachment_ids"]) == 3
    shopper.chat.locator(".bubble img").nth(2).wait_for()
    shopper.wait_for(LOADED)
