"""The demo's page: customer and agent in two halves of one screen, by text, mail and chat, on a running demo."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import product

import httpx
import pytest
from playwright.sync_api import Browser, FrameLocator, Page, ViewportSize, expect

from gateway.demo.seeding import CHAT_NAME, CUSTOMER_MAIL, CUSTOMER_PHONE, DEMO_API_KEY, MAIL_NAME
from tests.browser.axe import check_axe
from tests.browser.chromium import find_chromium
from tests.browser.stage import ANSWER_SECONDS, READY_SECONDS, eventually, save_picture
from tests.ports import free_ports

STOP_SECONDS = 180.0
SLOW_MS = 60_000
"""How long a message may take through gateway, worker and simulated provider on a busy machine."""
DESKTOP: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A demo as a newcomer starts it, with hardly any traffic of its own. It has to end flawless, our own part too."""
    find_chromium()
    (port,) = free_ports(1)
    folder = tmp_path_factory.mktemp("demo")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SWITCHBOARD_")}
    command = [sys.executable, "-m", "gateway", "demo", "--rate", "0.2", f"--port={port}", f"--data-dir={folder}"]
    with subprocess.Popen(
        [*command, "--json"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        try:
            eventually(lambda: is_up(f"http://127.0.0.1:{port}") or running.poll() is not None, seconds=READY_SECONDS)
            yield f"http://127.0.0.1:{port}"
        finally:
            running.send_signal(signal.SIGINT)
            _, told = running.communicate(timeout=STOP_SECONDS)
    assert running.returncode == 0, told.decode()


def is_up(url: str) -> bool:
    """Whether the page is there."""
    with suppress(httpx.TransportError):
        return httpx.get(f"{url}/sim/api/scenery").status_code == 200
    return False


@pytest.fixture
def page(demo: str, browser: Browser) -> Iterator[Page]:
    """The page with Bo signed in; nothing it does may end in an error of its scripts, or ask another origin."""
    context = browser.new_context(viewport=DESKTOP)
    opened, failures, strangers = context.new_page(), [], []
    opened.on("pageerror", lambda error: failures.append(str(error)))
    opened.on("request", lambda asked: strangers.append(asked.url) if is_foreign(asked.url, demo) else None)
    opened.goto(f"{demo}/sim")
    opened.get_by_role("button", name="Sign in as Bo").click()
    expect(opened.get_by_text("Bo Larsen · bo@demo.example")).to_be_visible(timeout=SLOW_MS)
    yield opened
    context.close()
    assert (failures, strangers) == ([], [])


def is_foreign(url: str, own: str) -> bool:
    """Whether this is none of our addresses, nor data or a blob of the page's own."""
    return not url.startswith((own, "data:", "blob:", "about:"))


def console_of(page: Page) -> FrameLocator:
    """The agent's half."""
    return page.frame_locator("iframe[title^='The console']")


def answer(page: Page, heard: str, words: str, *, channel: str) -> None:
    """As Bo: read what came, which is open by itself, and answer it where it came from, as is proposed."""
    console = console_of(page)
    expect(console.get_by_role("main").get_by_text(heard).last).to_be_visible(timeout=SLOW_MS)
    expect(console.get_by_text(f"· {channel}").last).to_be_visible(timeout=SLOW_MS)
    console.get_by_placeholder("Write an answer").fill(words)
    console.get_by_role("button", name="Send", exact=True).click()


def test_a_text_goes_over_and_its_answer_comes_back(page: Page) -> None:
    """Written on the phone it opens in the console; answered there it is on the phone, and all steps are ticked."""
    page.get_by_role("textbox", name="Text message").fill("One of the mugs is broken")
    page.keyboard.press("Enter")
    answer(page, "One of the mugs is broken", "A new one ships today. Bo", channel="Customer care Europe")
    screen = page.get_by_role("log", name="Texts")
    expect(screen.get_by_text("A new one ships today. Bo")).to_be_visible(timeout=SLOW_MS)
    expect(page.get_by_label("Done:")).to_have_count(3)
    check_axe(page)
    save_picture(page, "sim-text")


def test_a_mail_goes_over_and_its_answer_comes_back(page: Page) -> None:
    """Written in the mail program, answered in the console, read in the mail program, and answered again."""
    page.get_by_role("tab", name="Mail").click()
    page.get_by_role("button", name="Write").click()
    page.get_by_label("Subject").fill("Invoice")
    page.get_by_label("Your words").fill("Please send me the invoice of order 8841.")
    page.locator("form").get_by_role("button", name="Send").click()
    answer(page, "Please send me the invoice", "Here you are.", channel=MAIL_NAME)
    row = page.get_by_role("button", name="Here you are.")
    expect(row).to_be_visible(timeout=2 * SLOW_MS)
    check_axe(page)
    row.click()
    page.get_by_role("button", name="Answer").click()
    page.get_by_label("Re:").fill("Perfect, thank you")
    page.locator("form").get_by_role("button", name="Send").click()
    expect(console_of(page).get_by_text("Perfect, thank you").last).to_be_visible(timeout=SLOW_MS)
    save_picture(page, "sim-mail")


def test_a_chat_in_the_shop_goes_over_and_its_answer_comes_back(page: Page) -> None:
    """The shop shows the widget as any site would; who is logged in there is known to the agent by name."""
    page.get_by_role("tab", name="Shop").click()
    shop = page.frame_locator("iframe[title^='The shop']")
    expect(shop.get_by_role("button", name="Log out Ana")).to_be_visible(timeout=SLOW_MS)
    shop.get_by_role("button", name="Ask us anything").click()
    chat = shop.frame_locator("iframe")
    write = chat.get_by_role("textbox", name="Write a message")
    chat.get_by_role("button", name="Send us a message").or_(write).first.click(timeout=SLOW_MS)
    write.fill("Do you have this lamp in green?")
    write.press("Enter")
    answer(page, "Do you have this lamp in green?", "From Friday on, yes.", channel=CHAT_NAME)
    expect(chat.get_by_text("From Friday on, yes.")).to_be_visible(timeout=SLOW_MS)
    save_picture(page, "sim-chat")


def test_it_is_one_person_on_all_of_them(page: Page, demo: str) -> None:
    """The same Ana wrote by text, mail and chat: one contact holds all three of her addresses."""
    asked = {
        "headers": {"Authorization": f"Bearer {DEMO_API_KEY}"},
        "params": {"identity": CUSTOMER_PHONE},
        "timeout": ANSWER_SECONDS,
    }
    (contact,) = httpx.get(f"{demo}/v1/contacts", **asked).json()["data"]  # type: ignore[arg-type]  # of two kinds
    addresses = {identity["address"] for identity in contact["identities"]}
    assert {CUSTOMER_PHONE, CUSTOMER_MAIL} <= addresses
    assert contact["name"] == "Ana Ruiz"


def test_every_screen_is_accessible(page: Page) -> None:
    """axe finds nothing on the three screens, light and dark, beside each other and on a phone."""
    for scheme, size in product(("light", "dark"), (DESKTOP, PHONE)):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of its words
        page.set_viewport_size(size)
        for tab in ("Mail", "Shop", "Phone"):
            page.get_by_role("tab", name=tab).click()
            check_axe(page)
        save_picture(page, f"sim-{scheme}-{size['width']}")


def test_on_a_phone_one_half_is_shown_at_a_time(page: Page) -> None:
    """Where there is no room for two, a switch turns between both, and nothing is wider than the screen."""
    page.set_viewport_size(PHONE)
    agent = page.locator("iframe[title^='The console']")
    expect(agent).to_be_hidden()
    page.get_by_role("button", name="Agent", exact=True).click()
    expect(agent).to_be_visible()
    expect(page.get_by_role("textbox", name="Text message")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_shop_itself_is_accessible(demo: str, browser: Browser) -> None:
    """axe finds nothing on the shop, logged in and out, small and large."""
    page = browser.new_page()
    page.goto(f"{demo}/sim/shop")
    for name in ("Log out Ana", "Log in"):
        expect(page.get_by_role("button", name=name)).to_be_visible()
        check_axe(page)
        page.get_by_role("button", name=name).click()
    page.set_viewport_size(PHONE)
    check_axe(page)
    save_picture(page, "sim-shop")
    page.close()


def test_another_page_cannot_play_the_customer(demo: str) -> None:
    """Nobody is asked who they are, so only our own page may write: a browser says truly whose page it is."""
    path = f"{demo}/sim/api/phones/{CUSTOMER_PHONE}/texts"
    foreign = {"Sec-Fetch-Site": "cross-site"}
    asked = {"to": "+16505550100", "text": "from elsewhere"}
    answered = httpx.post(path, json=asked, headers=foreign, timeout=ANSWER_SECONDS)
    assert (answered.status_code, answered.json()["code"]) == (403, "origin_not_allowed")
