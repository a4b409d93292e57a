"""Who was not let in: written down for administrators; nobody locks agents out, or slips past the counting."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.settings import Settings
from inbox.audit.api import AuditController
from inbox.kit.db import execute, fetch_value, tx
from inbox.kit.ids import AGENT, new_id, show_id
from inbox.staff.passwords import actions, hashing
from inbox.staff.passwords.actions import set_password
from tests.api import Api
from tests.gateway.signin.browsers import ANA, GOOD, HOME, Browser, make_agent, open_door

WRONG = "not the password, no"
BETTER = "a whole other sentence"
PROXIED = Settings(public_url=HOME, trusted_proxies=("127.0.0.0/8",))
ROOMY = Settings(public_url=HOME, signin_failures_per_address=10_000, signin_failures_per_email=10_000)


def run(database_url: str, steps: Callable[[Api], Awaitable[None]], **more: Any) -> None:
    """A test's steps at the door."""

    async def main() -> None:
        async with open_door(database_url, **more) as api:
            await steps(api)

    asyncio.run(main())


async def sign_in(api: Api, email: str = ANA, password: str = WRONG, *, at: str = "203.0.113.9") -> int:
    """One try of a browser without a history, at this address; the status of the answer."""
    body = {"email": email, "password": password}
    return (await api.call("POST", "/v1/session", key=None, json=body, headers={"X-Forwarded-For": at})).status_code


def test_an_administrator_reads_who_was_not_let_in(database_url: str) -> None:
    """Each try of an agent's password, with where it came from; neither the password nor what was typed."""

    async def steps(api: Api) -> None:
        agent_id = show_id(AGENT, await make_agent())
        await sign_in(api, at="203.0.113.9")
        await sign_in(api, ANA.upper(), at="2001:db8:1:2::7")
        told = (await api.call("GET", "/v1/audit-log", params={"action": "session.refused"})).json()["data"]
        assert [one["target"] for one in told] == [agent_id] * 2
        assert [one["facts"] for one in told] == [
            {"method": "password", "address": address, "reason": "credentials_wrong"}
            for address in ("2001:db8:1:2::/64", "203.0.113.9")
        ]
        assert WRONG not in str(told)

    run(database_url, steps, settings=PROXIED, api_routes=[AuditController])


def test_a_wrong_old_password_is_written_down_too(database_url: str) -> None:
    """Whoever sits at an agent's open browser and guesses leaves a trace."""

    async def steps(api: Api) -> None:
        await make_agent()
        browser = Browser(api)
        await browser.sign_in()
        await browser.call("PUT", "/v1/session/password", json={"current_password": WRONG, "password": BETTER})
        assert await fetch_value("SELECT count(*) FROM audit_event WHERE action = 'session.refused'") == 1

    run(database_url, steps)


def test_strangers_do_not_fill_the_log(database_url: str) -> None:
    """Addresses of nobody are written once a minute, and never as they were typed: it may have been a password."""

    async def steps(api: Api) -> None:
        for number in range(40):
            assert await sign_in(api, f"{number}-secret@example.org", at=f"198.51.100.{number}") == 401
        rows = await fetch_value("SELECT count(*) FROM audit_event WHERE action = 'session.refused'")
        assert rows in (1, 2), "a minute may have ended meanwhile"
        assert await fetch_value("SELECT bool_or(e::text LIKE '%secret%') FROM audit_event e") is False

    run(database_url, steps, settings=PROXIED)


def test_nobody_is_locked_out_where_they_work(database_url: str) -> None:
    """A stranger uses an agent's tries up: from elsewhere nobody signs in, from where the agent did before they do."""

    async def steps(api: Api) -> None:
        await make_agent()
        assert await sign_in(api, password=GOOD, at="192.0.2.1") == 200
        told = [await sign_in(api, at=f"198.51.100.{number}") for number in range(11)]
        assert told == [401] * 10 + [429]
        assert await sign_in(api, password=GOOD, at="198.51.100.77") == 429
        assert await sign_in(api, password=GOOD, at="192.0.2.1") == 200
        assert await sign_in(api, "nobody@example.org", at="192.0.2.1") == 401

    run(database_url, steps, settings=PROXIED)


def test_where_they_work_tries_are_counted_as_well(database_url: str) -> None:
    """Who guesses from an address the agent has signed in from has ten tries more, and no others."""
    settings = Settings(public_url=HOME, signin_failures_per_address=10_000)

    async def steps(api: Api) -> None:
        await make_agent()
        assert await sign_in(api, password=GOOD) == 200
        told = [await sign_in(api) for _ in range(22)]
        assert told == [401] * 20 + [429] * 2
        assert await sign_in(api, password=GOOD) == 429

    run(database_url, steps, settings=settings)


@pytest.mark.parametrize("spelled", ["ANA@example.org", "ana@EXAMPLE.ORG"])
def test_letters_have_no_case(database_url: str, spelled: str) -> None:
    """As people type their address."""

    async def steps(api: Api) -> None:
        await make_agent()
        assert await sign_in(api, spelled, GOOD) == 200

    run(database_url, steps)


def test_no_spelling_gains_tries(database_url: str) -> None:
    """What Unicode lowers to the same letter is another address: else each dotted I would begin its own count."""

    async def steps(api: Api) -> None:
        await make_agent("mini@example.org")
        for spelled in ("mİni@example.org", "mınİ@example.org", "MİNİ@example.org"):
            assert await sign_in(api, spelled, GOOD) == 401
        assert await sign_in(api, "MINI@example.org", GOOD) == 200

    run(database_url, steps, settings=ROOMY)


def test_a_password_changed_meanwhile_opens_nothing(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever knows the old one and is being checked while it is replaced is not signed in after that."""
    real = hashing.check_password

    async def steps(api: Api) -> None:
        agent_id = await make_agent()

        async def overtaken(stored: str | None, password: str) -> bool:
            right = await real(stored, password)
            async with tx():
                await set_password(agent_id, BETTER)
            return right

        monkeypatch.setattr(actions, "check_password", overtaken)
        assert await sign_in(api, password=GOOD) == 401
        assert await fetch_value("SELECT count(*) FROM agent_session") == 0
        monkeypatch.setattr(actions, "check_password", real)
        assert await sign_in(api, password=BETTER) == 200

    run(database_url, steps)


def test_a_session_that_begins_while_the_password_changes_ends_with_it(database_url: str) -> None:
    """Either the new password is seen, or the session is among those it ends: never one that is left over."""

    async def steps(api: Api) -> None:
        agent_id = await make_agent()

        async def change() -> None:
            async with tx():
                await set_password(agent_id, f"{BETTER} {new_id().hex}")

        for _ in range(10):
            await execute("DELETE FROM agent_session")
            async with tx():
                await set_password(agent_id, GOOD)
            await asyncio.gather(sign_in(api, password=GOOD), change())
            assert await fetch_value("SELECT count(*) FROM agent_session WHERE revoked_at IS NULL") == 0

    run(database_url, steps, settings=ROOMY)
