"""The console's settings against a running gateway: what one likes, the team, sessions, channels, API keys."""

from __future__ import annotations

import re
import secrets

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.axe import check_axe
from tests.browser.desk import open_desk
from tests.browser.stage import BrowserSite, eventually, save_picture

PATIENT_MS = 30_000


def test_what_one_likes_holds_at_once_and_everywhere(browser: Browser, site: BrowserSite) -> None:
    """Theme and direction change the page, and a second one of the same browser, and are there after a reload."""
    with open_desk(browser, site, site.hire("Bo Anders"), path="/console/settings/preferences") as page:
        _open(page, "Looks")
        other = page.context.new_page()
        other.goto(f"{site.url}/console")
        expect(other.get_by_role("navigation", name="Views")).to_be_visible(timeout=PATIENT_MS)
        page.get_by_label("Theme").select_option("Dark")
        page.get_by_label("Direction").select_option("Right to left")
        for one in (page, other):
            expect(one.locator("html")).to_have_attribute("data-theme", "dark", timeout=PATIENT_MS)
            expect(one.locator("html")).to_have_attribute("dir", "rtl")
        page.get_by_label("Time to undo a message").select_option("20 seconds")
        page.reload()
        expect(page.get_by_label("Time to undo a message")).to_have_value("20", timeout=PATIENT_MS)
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_a_password_is_changed_with_the_one_before(browser: Browser, site: BrowserSite) -> None:
    """What is wrong is told at its field; changed, this page goes on, and so does another of the same browser."""
    person, fresh = site.hire("Kim Sato"), "entirely new words here"
    with open_desk(browser, site, person, path="/console/settings/preferences") as page:
        _open(page, "Looks")
        page.get_by_label("Current password").fill("not the one")
        page.get_by_label("New password").fill(fresh)
        page.get_by_role("button", name="Save password").click()
        expect(page.locator("[aria-invalid=true], form [role=alert]:visible").first).to_be_visible(timeout=PATIENT_MS)
        page.get_by_label("Current password").fill(person.password)
        page.get_by_role("button", name="Save password").click()
        expect(page.get_by_text("The password is set.")).to_be_visible(timeout=PATIENT_MS)
        page.get_by_role("button", name=re.compile("Kim Sato")).click()  # a change: it needs the new session's token
        expect(page.get_by_role("button", name=re.compile("Kim Sato"))).to_contain_text("Away")
    asked = httpx.post(f"{site.url}/v1/session", json={"email": person.email, "password": fresh})
    assert asked.status_code == 200, asked.text


def test_another_session_is_ended_from_here(browser: Browser, site: BrowserSite) -> None:
    """Both browsers are listed, this one marked; ended, the other one asks for the password over what is open."""
    person = site.hire("Ada Quill")
    with open_desk(browser, site, person, complain=False) as far:
        expect(far.get_by_role("navigation", name="Views")).to_be_visible(timeout=PATIENT_MS)
        with open_desk(browser, site, person, path="/console/settings/sessions") as page:
            _open(page, "Sessions")
            rows = page.locator(".setting")
            expect(rows).to_have_count(2, timeout=PATIENT_MS)
            expect(rows.filter(has_text="This browser")).to_have_count(1)
            rows.filter(has_not_text="This browser").get_by_role("button", name="End").click()
            expect(rows).to_have_count(1, timeout=PATIENT_MS)
        dialog = far.get_by_role("dialog", name="Please sign in again")
        expect(dialog).to_be_visible(timeout=PATIENT_MS)
        for _ in range(3):
            far.keyboard.press("Escape")
        far.mouse.click(3, 3)
        expect(dialog).to_be_visible()
        dialog.get_by_label("Password").fill(person.password)
        far.keyboard.press("Enter")
        expect(dialog).to_have_count(0, timeout=PATIENT_MS)


def test_administrators_change_who_is_in_the_team(browser: Browser, site: BrowserSite) -> None:
    """A role is changed and somebody is let go in a dialog; one's own row offers neither."""
    boss, other = site.hire("Max Held"), site.hire(f"Nina {secrets.token_hex(3)}", role="agent")
    with open_desk(browser, site, boss, path="/console/settings/agents") as page:
        _open(page, "People")
        expect(_row(page, boss.email).get_by_role("button", name="Change")).to_have_count(0)
        _row(page, other.email).get_by_role("button", name=f"Change {other.name}").click()
        page.get_by_role("dialog").get_by_label("Role").select_option("Administrator")
        page.get_by_role("button", name="Save").click()
        expect(_row(page, other.email)).to_contain_text("Administrator", timeout=PATIENT_MS)
        assert site.call("GET", f"/v1/agents/{other.id}")["role"] == "admin"
        _row(page, other.email).get_by_role("button", name=f"Change {other.name}").click()
        save_picture(page, "console settings change an agent")
        page.get_by_role("button", name="Remove from the team").click()
        expect(_row(page, other.email)).to_have_count(0, timeout=PATIENT_MS)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_api_key_is_made_shown_once_and_revoked(browser: Browser, site: BrowserSite, scheme: str) -> None:
    """With what it may do; its secret works and is nowhere on the page afterwards; revoked, it opens nothing."""
    name = f"CRM {secrets.token_hex(3)}"
    with open_desk(browser, site, site.hire("Pia Rossi"), path="/console/settings/keys", color_scheme=scheme) as page:
        _open(page, "API keys")
        page.get_by_role("button", name="Make the key").click()
        expect(page.locator("form .error:visible").first).to_be_visible(timeout=PATIENT_MS)
        page.get_by_label("Name").fill(name)
        page.get_by_label("contacts:read").check()
        page.get_by_label("conversations:read").check()
        page.get_by_label("It ends").select_option("After 30 days")
        page.get_by_role("button", name="Make the key").click()
        shown = page.get_by_role("dialog", name=name)
        secret = shown.locator("pre").inner_text(timeout=PATIENT_MS)
        save_picture(page, f"console settings api key {scheme}")
        check_axe(page)
        shown.get_by_role("button", name="Done").click()
        expect(_row(page, name)).to_contain_text("conversations:read")
        assert secret not in page.content()
        page.keyboard.press("Control+Shift+D")
        page.get_by_role("tab", name="Requests").click()
        made = page.locator(".drawer details").filter(has_text="POST").filter(has_text="/v1/api-keys")
        made.first.locator("summary").click()
        expect(made.first.locator("pre").last).to_contain_text('"secret": "…"')
        assert secret not in page.content()
        assert _asked(site, secret, "/v1/contacts") == 200
        assert _asked(site, secret, "/v1/api-keys") == 403
        _row(page, name).get_by_role("button", name="Revoke").click()
        page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
        expect(_row(page, name)).to_have_count(0, timeout=PATIENT_MS)
        eventually(lambda: _asked(site, secret, "/v1/contacts") == 401, seconds=30)


def test_agents_see_what_they_may_and_nothing_that_is_refused(browser: Browser, site: BrowserSite) -> None:
    """Without the right there is no form, no button and no section; nothing of what is shown is refused."""
    refused: list[str] = []
    with open_desk(browser, site, site.hire("Lee Park", role="agent")) as page:
        page.on("response", lambda answer: refused.append(answer.url) if answer.status == 403 else None)
        for section, heading in (("channels", "Channels"), ("agents", "People"), ("sessions", "Sessions")):
            page.goto(f"{site.url}/console/settings/{section}")
            _open(page, heading)
        expect(page.get_by_role("link", name="API keys")).to_have_count(0)
        page.goto(f"{site.url}/console/settings/channels")
        expect(page.get_by_text("Shop line")).to_be_visible(timeout=PATIENT_MS)
        expect(page.get_by_role("button", name=re.compile("Set up|Add channel"))).to_have_count(0)
        page.goto(f"{site.url}/console/settings/keys")
        _open(page, "Change your password")
    assert refused == []


def test_a_section_that_cannot_be_read_says_so(browser: Browser, site: BrowserSite) -> None:
    """With what the gateway said, and a button that tries again."""
    with open_desk(browser, site, site.hire("Ira Bloom")) as page:
        problem = {"status": 500, "code": "internal", "title": "Internal", "detail": "It broke on our side."}
        page.route("**/v1/sessions?*", lambda route: route.fulfill(status=500, json=problem))
        page.goto(f"{site.url}/console/settings/sessions")
        expect(page.get_by_role("alert")).to_contain_text("It broke on our side.", timeout=PATIENT_MS)
        page.unroute("**/v1/sessions?*")
        page.get_by_role("button", name="Try again").click()
        expect(page.get_by_text("This browser")).to_be_visible(timeout=PATIENT_MS)


def _open(page: Page, heading: str) -> None:
    expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible(timeout=PATIENT_MS)


def _row(page: Page, words: str) -> Locator:
    return page.locator(".setting").filter(has_text=words)


def _asked(site: BrowserSite, key: str, path: str) -> int:
    return httpx.get(f"{site.url}{path}", headers={"Authorization": f"Bearer {key}"}).status_code
