"""Signing in by an identity provider, over the running gateway and a provider with real signatures (T57)."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import msgspec

from gateway.signin.oidc.attempt import HOME
from inbox.kit.db import fetch_value, tx
from inbox.staff.actions import add_agent, delete_agent
from inbox.staff.subjects.queries import find_agent_of_email, find_subject
from tests.gateway.signin.provider import ANA, IdentityProvider, open_provider, provider_setting
from tests.journeys.gateway import Journey, open_journey

START = "/auth/oidc/acme/start"


class Door(msgspec.Struct):
    """The gateway and the provider."""

    journey: Journey
    provider: IdentityProvider

    def browser(self) -> httpx.AsyncClient:
        """A browser without a history."""
        return httpx.AsyncClient(base_url=self.journey.url, timeout=30)

    async def leave(self, browser: httpx.AsyncClient, **asked: str) -> str:
        """Go to the provider and sign in there; where it sends the browser."""
        sent = await browser.get(START, params=asked)
        assert sent.status_code == 303, sent.text
        there = urlsplit(sent.headers["location"])
        assert f"{there.scheme}://{there.netloc}" == self.provider.issuer
        return self.provider.authorize(dict(parse_qsl(there.query)))

    async def sign_in(self, **asked: str) -> httpx.Response:
        """The whole way with a new browser; the last answer."""
        async with self.browser() as browser:
            return await browser.get(await self.leave(browser, **asked))


def run(
    body: Callable[[Door], Awaitable[None]],
    database_url: str,
    redis_url: str,
    folder: Path,
    *,
    failures: str = "1000",
    **provider: Any,
) -> None:
    """A test's body with everything running; nobody is hindered by having failed often, unless that is the test."""

    async def opened() -> None:
        async with open_provider() as idp:
            more: dict[str, Any] = {
                "SWITCHBOARD_OIDC_PROVIDERS": provider_setting(idp, **provider),
                "SWITCHBOARD_SIGNIN_FAILURES_PER_ADDRESS": failures,
                "SWITCHBOARD_TRUSTED_PROXIES": "127.0.0.0/8",
            }
            async with open_journey(database_url, redis_url, folder, **more) as journey:
                async with tx():
                    await add_agent(name="Ana", email="Ana@example.org")
                await body(Door(journey, idp))

    asyncio.run(opened())


def test_an_agent_signs_in_by_a_provider(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Linked by a verified address once, bound to issuer and subject from then on, with each algorithm taken."""

    async def body(door: Door) -> None:
        async with door.browser() as browser:
            back = await browser.get(await door.leave(browser, return_to="/console/c/cnv_1"))
            assert (back.status_code, back.headers["location"]) == (303, "/console/c/cnv_1")
            assert 'switchboard_signin=""' in str(back.headers.get_list("set-cookie"))
            session = (await browser.get("/v1/session")).json()
            assert session["agent"]["email"] == "Ana@example.org"
            assert (await browser.get("/v1/agents/me")).json()["id"] == session["agent"]["id"]
        agent_id = await find_subject(door.provider.issuer, ANA["sub"])
        assert agent_id == await find_agent_of_email("ana@example.org")
        door.provider.claims = {"sub": ANA["sub"], "email": "someone-else@example.org", "email_verified": False}
        for algorithm in ("RS256", "ES256", "EdDSA"):
            door.provider.algorithm = algorithm
            assert (await door.sign_in()).status_code == 303, algorithm
        methods = (await door.journey.get("/v1/session/methods"))["oidc"]
        assert methods == [{"id": "acme", "name": "Acme", "start_url": START}]
        log = await door.journey.get("/v1/audit-log", action="agent.subject_bound")
        assert len(log["data"]) == 1

    run(body, database_url, redis_url, tmp_path)


LIES: list[dict[str, Any]] = [
    {"email_verified": False},
    {"email_verified": ...},
    {"email_verified": "true"},
    {"email": ...},
    {"email": "bo@example.org"},
    {"aud": "somebody-else"},
    {"aud": ["switchboard-at-acme", "somebody-else"]},
    {"azp": "somebody-else"},
    {"iss": "https://other.example"},
    {"nonce": "of another attempt"},
    {"nonce": ...},
    {"exp": 1_000_000_000},
    {"exp": ...},
    {"sub": ...},
    {"sub": ""},
    {"iat": 99_999_999_999},
]


def test_a_token_that_proves_nothing_is_refused(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Any wrong or missing claim, another key, `none`, and an HMAC with the public key: 403, and nobody is bound."""

    async def body(door: Door) -> None:
        for lie in LIES:
            door.provider.lies = lie
            answer = await door.sign_in()
            assert (answer.status_code, answer.json()["code"]) == (403, "signin_refused"), (lie, answer.text)
        door.provider.lies = {}
        for algorithm in ("none", "HS256", "stolen"):
            door.provider.algorithm = algorithm
            answer = await door.sign_in()
            assert (answer.status_code, answer.json()["code"]) == (403, "signin_refused"), (algorithm, answer.text)
        assert await fetch_value("SELECT count(*) FROM agent_subject") == 0
        assert await fetch_value("SELECT count(*) FROM agent_session") == 0

    run(body, database_url, redis_url, tmp_path)


def test_who_comes_back_is_who_left(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """A state comes back once, with its own browser; another browser, another state and a second time are 403."""

    async def body(door: Door) -> None:
        async with door.browser() as browser, door.browser() as other:
            url = await door.leave(browser)
            assert (await other.get(url)).status_code == 403
            assert (await browser.get(url.replace("state=", "state=x"))).status_code == 403
            assert (await browser.get(url.split("?")[0])).status_code == 403
            kept = dict(browser.cookies)
            assert (await browser.get(url)).status_code == 303
            again = await other.get(url, headers={"Cookie": f"switchboard_signin={kept['switchboard_signin']}"})
            assert (again.status_code, "before" in again.json()["detail"]) == (403, True)
            page = await other.get(url, headers={"Accept": "text/html,*/*"})
            assert (page.status_code, page.headers["location"]) == (303, "/console?signin_error=signin_refused")
            for elsewhere in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:1"):
                back = await browser.get(await door.leave(browser, return_to=elsewhere))
                assert back.headers["location"] == "/console"

    run(body, database_url, redis_url, tmp_path)


def test_who_is_no_agent_is_refused(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Nobody becomes an agent by signing in; an agent who was let go, and a subject after their address, neither."""

    async def body(door: Door) -> None:
        assert (await door.sign_in()).status_code == 303
        door.provider.lies = {"sub": "somebody who got her address later"}
        assert (await door.sign_in()).status_code == 403
        door.provider.lies = {"email": "new@example.org", "sub": "3"}
        assert (await door.sign_in()).status_code == 403
        agent_id = await find_agent_of_email("ana@example.org")
        assert agent_id is not None
        async with tx():
            await delete_agent(agent_id)
        door.provider.lies = {}
        assert (await door.sign_in()).status_code == 403
        assert (await door.journey.client.get("/auth/oidc/other/start")).status_code == 404

    run(body, database_url, redis_url, tmp_path)


def test_a_trusted_provider_makes_agents(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Marked `create_agents` it does, of the role agent, if it has verified their address; new keys are found."""

    async def body(door: Door) -> None:
        door.provider.published = ["RS256"]
        door.provider.lies = {"email": "new@example.org", "sub": "3", "name": "New\nOne"}
        async with door.browser() as browser:
            assert (await browser.get(await door.leave(browser))).status_code == 303
            me = (await browser.get("/v1/agents/me")).json()
        assert (me["name"], me["email"], me["role"]) == ("New One", "new@example.org", "agent")
        door.provider.lies = {"email": "x@example.org", "sub": "4", "email_verified": False}
        assert (await door.sign_in()).status_code == 403
        assert door.provider.fetched == ["description", "keys"]

    run(body, database_url, redis_url, tmp_path, create_agents=True)


def test_another_spelling_is_another_mailbox(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """A verified address that only Unicode holds to be an agent's opens nothing: somebody else can have that one."""

    async def body(door: Door) -> None:
        async with tx():
            await add_agent(name="Mini", email="mini@example.org", role="admin")
        for spelled in ("mİni@example.org", "MİNİ@example.org"):
            door.provider.lies = {"email": spelled, "sub": "an attacker"}
            assert (await door.sign_in()).status_code == 403, spelled
        door.provider.lies = {"email": "Mini@Example.org", "sub": "herself"}
        assert (await door.sign_in()).status_code == 303

    run(body, database_url, redis_url, tmp_path)


def test_a_directory_that_says_nothing_of_addresses(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Marked `emails_verified` it is believed where the claim is missing, and never where it says otherwise."""

    async def body(door: Door) -> None:
        for said in (False, "true", None):
            door.provider.lies = {"email_verified": said}
            assert (await door.sign_in()).status_code == 403, said
        door.provider.lies = {"email_verified": ...}
        assert (await door.sign_in()).status_code == 303

    run(body, database_url, redis_url, tmp_path, emails_verified=True)


def test_a_page_cannot_use_up_its_readers_tries(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """A picture whose address is the callback, shown a thousand times to somebody in the office, locks nobody out."""

    async def body(door: Door) -> None:
        office = {"X-Forwarded-For": f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::7"}
        async with door.browser() as browser:
            browser.headers.update(office)
            for number in range(20):
                answer = await browser.get("/auth/oidc/acme/callback", params={"state": str(number)})
                assert answer.status_code == 403
            assert (await browser.get(await door.leave(browser))).status_code == 303

    run(body, database_url, redis_url, tmp_path, failures="5")


def test_where_somebody_wanted_to_go(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """A path that no header can hold is the console; one of ours is kept as it is."""

    async def body(door: Door) -> None:
        for asked, gone in {"/console/é": HOME, "/console/漢": HOME, "/console/a?q=b": "/console/a?q=b"}.items():
            answer = await door.sign_in(return_to=asked)
            assert (answer.status_code, answer.headers["location"]) == (303, gone)

    run(body, database_url, redis_url, tmp_path)


def test_who_was_not_let_in_is_written_down(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """A person the provider vouches for and we do not know; without their address, which is theirs."""

    async def body(door: Door) -> None:
        door.provider.lies = {"email": "bo@example.org", "sub": "2"}
        assert (await door.sign_in()).status_code == 403
        [told] = (await door.journey.get("/v1/audit-log", action="session.refused"))["data"]
        assert told["facts"] == {"method": "oidc", "address": "127.0.0.1", "reason": "signin_refused"}
        assert "bo@example.org" not in str(told)

    run(body, database_url, redis_url, tmp_path)


def test_somebody_is_bound_anew(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Unbound, an agent keeps their work and loses the session; whoever has the address next is bound."""

    async def body(door: Door) -> None:
        async with door.browser() as browser:
            await browser.get(await door.leave(browser))
            me = (await browser.get("/v1/agents/me")).json()["id"]
            door.provider.lies = {"sub": "her new account"}
            assert (await door.sign_in()).status_code == 403
            gone = await door.journey.client.delete(f"/v1/agents/{me}/signin/subjects")
            assert gone.status_code == 204
            assert (await browser.get("/v1/agents/me")).status_code == 401
        async with door.browser() as browser:
            assert (await browser.get(await door.leave(browser))).status_code == 303
            assert (await browser.get("/v1/agents/me")).json()["id"] == me
        door.provider.lies = {}
        assert (await door.sign_in()).status_code == 403

    run(body, database_url, redis_url, tmp_path)


def test_a_provider_that_is_away_is_told_of_kindly(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """People come back to the sign-in page, programs hear 503; and it is not asked again for each who tries."""

    async def body(door: Door) -> None:
        door.provider.issuer = "https://it.speaks.for.another"
        for _ in range(5):
            page = await door.journey.client.get(START, headers={"Accept": "text/html"})
            assert (page.status_code, page.headers["location"]) == (303, "/console?signin_error=dependency_down")
        told = await door.journey.client.get(START)
        assert (told.status_code, told.json()["code"]) == (503, "dependency_down")
        assert door.provider.fetched == ["description"]

    run(body, database_url, redis_url, tmp_path)
