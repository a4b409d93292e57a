"""Other sites' pages act in nobody's name: the Origin, the token of our own page, and who may read answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.settings import Settings
from gateway.signin.forgery import check_page
from inbox.kit.db import fetch_value
from inbox.kit.errors import Problem
from inbox.staff.sessions.tokens import form_csrf_token
from tests.api import Api
from tests.gateway.signin.browsers import GOOD, HOME, Browser, make_agent, open_door

DESK = "https://desk.example.org"
NEIGHBOUR = "https://evil.example.org"
BODY = {"name": "Cy", "email": "cy@example.org"}
SITE = Settings(public_url=HOME, allowed_origins=(DESK,))


def run(database_url: str, steps: Callable[[Api, Browser], Awaitable[None]]) -> None:
    """Steps with an administrator's browser that has signed in."""

    async def main() -> None:
        async with open_door(database_url, settings=SITE) as api:
            await make_agent(role="admin")
            browser = Browser(api)
            assert (await browser.sign_in()).status_code == 200
            await steps(api, browser)

    asyncio.run(main())


def test_what_a_page_of_ours_changes_is_changed(database_url: str) -> None:
    """With the token and our own origin, an allowed one, or none where the browser says same-origin."""

    async def steps(_: Api, browser: Browser) -> None:
        assert (await browser.call("POST", "/v1/agents", json=BODY)).status_code == 201
        browser.origin = DESK
        assert (await browser.call("POST", "/v1/agents", json=BODY)).status_code == 409
        browser.origin = None
        answer = await browser.call("POST", "/v1/agents", json=BODY, headers={"Sec-Fetch-Site": "same-origin"})
        assert answer.status_code == 409

    run(database_url, steps)


def test_other_pages_change_nothing(database_url: str) -> None:
    """Another origin, `null` and none are refused even with the token, and our own without the right token."""

    async def steps(api: Api, browser: Browser) -> None:
        stranger = Browser(api)
        await stranger.sign_in()
        tries: list[tuple[str | None, str | None, str]] = [
            (NEIGHBOUR, browser.csrf, "origin_not_allowed"),
            ("null", browser.csrf, "origin_not_allowed"),
            ("http://inbox.example.org", browser.csrf, "origin_not_allowed"),
            (None, browser.csrf, "origin_not_allowed"),
            (HOME, None, "csrf_failed"),
            (HOME, "", "csrf_failed"),
            (HOME, stranger.csrf, "csrf_failed"),
            (HOME, (browser.csrf or "")[:-1], "csrf_failed"),
        ]
        for method, path in (("POST", "/v1/agents"), ("DELETE", "/v1/session"), ("PUT", "/v1/session/password")):
            for origin, token, code in tries:
                browser.origin, browser.csrf = origin, token
                answer = await browser.call(method, path, json=BODY)
                assert (answer.status_code, answer.json()["code"]) == (403, code), (method, origin, token)
        assert await fetch_value("SELECT count(*) FROM agent") == 1

    run(database_url, steps)


def test_reading_needs_no_token(database_url: str) -> None:
    """What only reads is answered; whether a page may see the answer its browser decides, by who is named in it."""

    async def steps(_: Api, browser: Browser) -> None:
        browser.csrf = None
        for origin, seen in ((DESK, DESK), (HOME, HOME), (NEIGHBOUR, None), ("null", None)):
            answer = await browser.call("GET", "/v1/agents", headers={"Origin": origin})
            assert answer.status_code == 200
            assert answer.headers.get("access-control-allow-origin") == seen
            assert answer.headers.get("access-control-allow-credentials") == ("true" if seen else None)
        plain = await browser.call("GET", "/v1/agents")
        assert "access-control-allow-origin" not in plain.headers

    run(database_url, steps)


def test_browsers_are_told_before_they_ask(database_url: str) -> None:
    """A preflight of an allowed origin names methods and headers; another's names none, so the browser stops there."""
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-csrf-token,content-type"}

    async def steps(api: Api, _: Browser) -> None:
        allowed = await api.call("OPTIONS", "/v1/agents", key=None, headers={**asked, "Origin": DESK})
        assert allowed.status_code == 204
        assert allowed.headers["access-control-allow-origin"] == DESK
        assert "POST" in allowed.headers["access-control-allow-methods"]
        assert {"x-csrf-token", "authorization"} <= set(allowed.headers["access-control-allow-headers"].split(", "))
        other = await api.call("OPTIONS", "/v1/agents", key=None, headers={**asked, "Origin": NEIGHBOUR})
        assert "access-control-allow-origin" not in other.headers
        assert other.headers["allow"]

    run(database_url, steps)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": HOME}, 200),
        ({"Origin": DESK}, 200),
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Origin": NEIGHBOUR}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
def test_no_other_page_signs_anybody_in(database_url: str, headers: dict[str, str], status: int) -> None:
    """A page that signs its reader in as somebody else would read what they then write; programs may sign in."""

    async def main() -> None:
        async with open_door(database_url, settings=SITE) as api:
            await make_agent()
            body = {"email": "ana@example.org", "password": GOOD}
            answer = await api.call("POST", "/v1/session", key=None, json=body, headers=headers)
            assert answer.status_code == status, answer.text

    asyncio.run(main())


def test_a_form_signs_nobody_in(database_url: str) -> None:
    """What a form of another site can send without asking is no JSON, and is not taken."""

    async def main() -> None:
        async with open_door(database_url, settings=SITE) as api:
            await make_agent()
            for kind in ("text/plain", "application/x-www-form-urlencoded"):
                answer = await api.call(
                    "POST", "/v1/session", key=None, content=b'{"email":"ana@example.org","password":"x"}',
                    headers={"Content-Type": kind, "Origin": NEIGHBOUR},
                )  # fmt: skip
                assert answer.status_code in {403, 415}
                assert "set-cookie" not in answer.headers

    asyncio.run(main())


@pytest.mark.parametrize(
    ("origin", "good"), [(HOME, True), (DESK, True), (NEIGHBOUR, False), ("null", False), (None, False)]
)
def test_a_socket_by_cookie_needs_an_allowed_origin(origin: str | None, good: bool) -> None:
    """Browsers let any page open a WebSocket, cookie and all: it is refused before it is accepted (T51)."""
    headers = [(b"origin", origin.encode())] if origin else []
    scope: Any = {"type": "websocket", "headers": headers}
    token = "a" * 43
    if good:
        check_page(scope, token, SITE)
        return
    with pytest.raises(Problem) as caught:
        check_page(scope, token, SITE)
    assert caught.value.code == "origin_not_allowed"


def test_each_session_has_a_token_of_its_own() -> None:
    """The page's token is made of the session's and tells nothing of it."""
    one, other = form_csrf_token("a" * 43), form_csrf_token("b" * 43)
    assert one != other
    assert len(one) == 43
    assert "a" * 8 not in one
