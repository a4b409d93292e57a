"""The chat and the site it is on: single-page sites, commands before loading, identity, events, tabs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.fake_visitor_server import FakeVisitorServer
from tests.browser.stage import eventually
from tests.browser.visitor_data import CHANNEL
from tests.browser.widget_page import HOST, Shopper, serving_chat, visit

EARLY = """<script>
window.switchboard = function () { (switchboard.q = switchboard.q || []).push(arguments); };
window.heard = [];
switchboard('on', 'open', () => heard.push('open'));
switchboard('on', 'message', () => heard.push('message'));
switchboard('identify', { user_id: '8841', hash: 'beef', name: 'Kim' });
switchboard('setPage', { title: 'Basket' });
switchboard('open');
</script>"""
TOKEN_LIKE = "vst_"
INTRUDE = """(host) => {
  const target = document.querySelector(host).shadowRoot.querySelector('iframe').contentWindow;
  const stranger = document.createElement('iframe');
  document.body.append(stranger);
  stranger.contentWindow.eval(`window.go = (target) => {
    const wire = new MessageChannel();
    wire.port1.onmessage = () => { parent.leaked = true; };
    target.postMessage({ open: true }, '*', [wire.port2]);
  }`);
  stranger.contentWindow.go(target);
}"""


@pytest.fixture
def server(browser: Browser) -> Iterator[FakeVisitorServer]:
    """A gateway of the test's own."""
    with serving_chat(browser) as opened:
        yield opened


def test_commands_from_before_loading_are_done(browser: Browser, server: FakeVisitorServer) -> None:
    """What the site asked for while the script was on its way happens in order: identity, page, opening, events."""
    server.pages["/early"] = (f'<!doctype html><html lang="en"><title>Shop</title>{EARLY}{server.script()}', None)
    shopper = visit(browser, server, "/early")
    eventually(lambda: [data for name, data in server.heard if name == "session"])
    begun = server.heard[0][1]
    assert begun["identity"] == {"user_id": "8841", "hash": "beef", "name": "Kim"}
    assert begun["page"] == {"url": server.shop + "/early", "title": "Basket", "referrer": ""}
    shopper.chat.locator(".start").wait_for()
    server.say("Hi")
    shopper.page.wait_for_function("heard.join() === 'open,message'")


def test_a_single_page_site_keeps_its_chat(browser: Browser, server: FakeVisitorServer) -> None:
    """A second copy of the script, a replaced body and a new address leave one chat, which knows where it is."""
    shopper = visit(browser, server).open().write("One")
    shopper.sees("One")
    shopper.page.evaluate(f"""() => {{
      document.body.replaceWith(document.createElement('body'));
      const again = document.createElement('script');
      again.src = '{server.url}/widget/loader.js';
      again.dataset.channel = '{CHANNEL}';
      document.body.append(again);
      history.pushState({{}}, '', '/basket');
      document.title = 'Basket';
    }}""")
    eventually(lambda: server.counts["GET /widget/loader.js"] == 2)
    assert shopper.page.locator(HOST).count() == 1
    shopper.page.evaluate("switchboard('close'); switchboard('open')")
    shopper.write("Two").sees("Two")
    eventually(lambda: len(server.accepted) == 2)
    assert list(server.accepted.values())[1]["page"] == {
        "url": f"{server.shop}/basket",
        "title": "Basket",
        "referrer": "",
    }
    shopper.page.evaluate("document.documentElement.replaceChildren(document.createElement('body'))")
    shopper.page.evaluate("switchboard('open')")
    shopper.sees("Two")
    assert shopper.errors == []


def test_a_login_is_told_and_a_logout_wipes(browser: Browser, server: FakeVisitorServer) -> None:
    """Who a visitor is reaches the session; after `logout` nothing of them is left in the browser."""
    shopper = visit(browser, server).open().write("Hello")
    shopper.sees("Hello")
    shopper.page.evaluate("switchboard('identify', { jwt: 'a.b.c' })")
    eventually(lambda: ("identify", {"identity": {"jwt": "a.b.c"}}) in server.heard)
    shopper.page.evaluate("switchboard('identify', { name: 'Kim', email: 'kim@example.org' })")
    eventually(lambda: ("identify", {"profile": {"name": "Kim", "email": "kim@example.org"}}) in server.heard)
    server.say("Secret")
    shopper.sees("Secret")
    shopper.page.evaluate("switchboard('logout')")
    shopper.chat.locator(".start").wait_for()
    eventually(lambda: any(name == "logout" for name, _ in server.heard))
    kept = shopper.frame.evaluate("JSON.stringify(localStorage)")
    assert TOKEN_LIKE not in kept
    eventually(lambda: shopper.bubbles() == [])


def test_the_site_cannot_read_the_chat(browser: Browser, server: FakeVisitorServer) -> None:
    """The page has neither token nor words: its storage holds how the button looks, its events tell no text."""
    shopper = visit(browser, server)
    shopper.page.evaluate("window.told = []; switchboard('on', 'message', (...all) => told.push(all))")
    shopper.open().write("Hello").sees("Hello")
    server.say("Confidential")
    shopper.sees("Confidential")
    shopper.page.wait_for_function("told.length === 1")
    seen = shopper.page.evaluate("JSON.stringify([told, {...localStorage}, document.documentElement.innerHTML])")
    assert "Confidential" not in seen
    assert TOKEN_LIKE not in seen
    assert (
        shopper.page.evaluate(f"document.querySelector('{HOST}').shadowRoot.querySelector('iframe').contentDocument")
        is None
    )


def test_a_frame_of_strangers_gets_no_word_in(browser: Browser, server: FakeVisitorServer) -> None:
    """A second sender cannot take over the chat's channel to the site."""
    shopper = visit(browser, server).open()
    shopper.page.evaluate(INTRUDE, HOST)
    server.say("Hi")
    shopper.sees("Hi")
    assert shopper.page.evaluate("window.leaked") is None


def test_two_tabs_share_one_connection(browser: Browser, server: FakeVisitorServer) -> None:
    """One stream and one session for both; what is said reaches both; the second takes over when the first goes."""
    first = visit(browser, server).open().write("Hello")
    first.sees("Hello")
    second = Shopper(first.page.context, server.shop + "/").open()
    second.sees("Hello")
    eventually(lambda: len(server.streams) == 1)
    server.say("To both")
    first.sees("To both")
    second.sees("To both")
    assert server.sessions == 1
    assert server.counts["GET /stream"] == 1
    second.write("From the second")
    first.sees("From the second")
    eventually(lambda: len(server.accepted) == 2)
    first.page.close()
    eventually(lambda: server.counts["GET /stream"] == 2)
    server.say("Still there")
    second.sees("Still there")
    eventually(lambda: second.bubbles() == ["Hello", "To both", "From the second", "Still there"])


def test_options_choose_colour_side_and_language(browser: Browser, server: FakeVisitorServer) -> None:
    """What the script's tag says wins over the channel's settings; a light colour gets dark words."""
    tag = server.script(color="#ffe14d", position="left", locale="de", mode="dark")
    server.pages["/own"] = (f'<!doctype html><html lang="en"><title>Shop</title>{tag}', None)
    shopper = visit(browser, server, "/own").open()
    box = shopper.launcher.bounding_box()
    assert box is not None
    assert box["x"] == 20
    assert shopper.chat.get_by_role("button", name="Senden").count() == 1
    style = "(e => [getComputedStyle(e).backgroundColor, getComputedStyle(e).color])(document.querySelector('.send'))"
    background, words = shopper.frame.evaluate(style)
    assert background == "rgb(255, 225, 77)"
    assert words in {"lab(0 0 0)", "rgb(0, 0, 0)"}
    assert shopper.frame.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    icon = shopper.launcher.evaluate("button => getComputedStyle(button).color")
    assert icon in {"lab(0 0 0)", "rgb(0, 0, 0)"}


def test_a_page_from_right_to_left_has_it_on_the_left(browser: Browser, server: FakeVisitorServer) -> None:
    """The button stands where lines end, unless the site says otherwise."""
    server.pages["/ar"] = (f'<!doctype html><html lang="ar" dir="rtl"><title>متجر</title>{server.script()}', None)
    shopper = visit(browser, server, "/ar").open()
    box = shopper.launcher.bounding_box()
    assert box is not None
    assert box["x"] == 20
    assert shopper.frame.evaluate("document.documentElement.dir") == "rtl"
