"""The door of the live socket: whom it lets in, by which proof, from which pages (security.md T51, T52)."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from gateway.live import realtime
from inbox.kit.callers import SYSTEM
from inbox.kit.db import execute, fetch_value, tx
from inbox.staff.actions import create_api_key, revoke_api_key
from inbox.staff.sessions.actions import end_session
from tests.gateway.feeds import tell_names
from tests.gateway.live.site import LiveSite, no_sockets, run_live, told_names
from tests.inbox.builders import committed, until

EVIL = "https://evil.example"


async def refused(site: LiveSite, **options: Any) -> int:
    """With which status a handshake is refused."""
    with pytest.raises(InvalidStatus) as told:
        async with site.socket(**options):
            raise AssertionError("it was let in")
    return int(told.value.response.status_code)


def test_pages_of_other_origins_are_refused_before_the_handshake(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    """With a good cookie or key, a foreign Origin, `null`, or with a cookie none at all, is 403: there is no 101."""

    async def body(site: LiveSite) -> None:
        _, _, agent = await site.agent()
        session_id, cookie = await site.session(agent)
        good = {"Cookie": cookie}
        for origin in (EVIL, "null", f"{site.url}.evil.example", f"https://127.0.0.1:{site.port}"):
            assert await refused(site, key=None, headers=good, origin=origin) == 403
            assert await refused(site, origin=origin) == 403
            assert await refused(site, key=None, origin=origin) == 403
        assert await refused(site, key=None, headers=good) == 403
        for origin in (site.url, "https://desk.example"):
            async with site.socket(key=None, headers=good, origin=origin) as client:
                assert (await client.hear())["type"] == "ready"
        await committed(end_session(session_id, actor=SYSTEM))
        async with site.socket(key=None, headers=good, origin=site.url) as client:
            assert await client.closed() == 4401

    run_live(database_url, redis_url, tmp_path, body, SWITCHBOARD_ALLOWED_ORIGINS="https://desk.example")


def test_a_ticket_opens_one_socket_once(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Shown in the first frame within its minute it lets its caller in; again, late, or made up it does not."""

    async def body(site: LiveSite) -> None:
        tickets = [await ticket(site) for _ in range(2)]
        async with site.socket(key=None) as client:
            await client.say("ping")
            assert (await client.hear())["type"] == "pong"
            await client.say("authenticate", ticket=tickets[0])
            await client.follow()
            await tell_names("a")
            assert await told_names(client, 1) == ["a"]
            assert (await client.ask("authenticate", ticket=tickets[1]))["code"] == "state_conflict"
        await execute("UPDATE stream_ticket SET expires_at = now() - interval '1 second'")
        made_up = "tkt_" + "x" * 43
        for bad in (tickets[0], tickets[1], made_up, "", "sk_no_ticket"):
            async with site.socket(key=None) as client:
                await client.say("authenticate", ticket=bad)
                assert await client.closed() == 4401
        async with site.socket(key=None) as client:
            await client.say("subscribe", id="s1")
            assert await client.closed() == 4401
        stored = await fetch_value("SELECT string_agg(encode(hash, 'escape') || caller, ' ') FROM stream_ticket")
        assert not any(one[4:] in stored for one in tickets)

    run_live(database_url, redis_url, tmp_path, body)


async def ticket(site: LiveSite) -> str:
    """A ticket of the site's key."""
    answer = await site.http.post("/v1/stream-tickets")
    assert answer.status_code == 201, answer.text
    assert set(answer.json()) == {"object", "ticket", "expires_at"}
    return str(answer.json()["ticket"])


def test_a_ticket_of_a_revoked_key_opens_nothing(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Between the ticket and its use the key may have gone."""

    async def body(site: LiveSite) -> None:
        async with tx():
            row, secret = await create_api_key(name="gone", scopes=["events:read"])
        answer = await site.http.post("/v1/stream-tickets", headers={"Authorization": f"Bearer {secret}"})
        await committed(revoke_api_key(row.id))
        async with site.socket(key=None) as client:
            await client.say("authenticate", ticket=answer.json()["ticket"])
            assert await client.closed() == 4401

    run_live(database_url, redis_url, tmp_path, body)


def test_without_key_cookie_and_ticket_a_socket_ends(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever says nothing is let go in time, and one address may not have very many of those."""
    monkeypatch.setattr(realtime, "PENDING_MOST", 2)

    async def body(site: LiveSite) -> None:
        async with site.socket(key=None) as one, site.socket(key=None) as other:
            for client in (one, other):
                assert await client.ask("ping") == {"type": "pong"}  # so both wait by now
            assert await refused(site, key=None) == 503
        await until(partial(no_sockets, site))
        monkeypatch.setattr(realtime, "AUTHENTICATE_SECONDS", 0.2)
        for _ in range(3):
            async with site.socket(key=None) as again:
                assert await again.closed() == 4401

    run_live(database_url, redis_url, tmp_path, body)


def test_bad_keys_and_lacking_scopes_are_refused_before_the_handshake(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    """As a request would be: 401, 403, and 404 at any other path."""

    async def body(site: LiveSite) -> None:
        async with tx():
            _, narrow = await create_api_key(name="narrow", scopes=["contacts:read"])
        assert await refused(site, key="sk_" + "x" * 43) == 401
        assert await refused(site, key="nonsense") == 401
        assert await refused(site, key=narrow) == 403
        assert await refused(site, path="/v1/events/stream") == 404
        assert await refused(site, path="/v1/realtime/%") == 404

    run_live(database_url, redis_url, tmp_path, body)


def test_the_log_holds_no_secrets(
    database_url: str, redis_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither tickets, keys, cookies nor a query somebody put in the URL are written down (T54)."""

    async def body(site: LiveSite) -> None:
        given = await ticket(site)
        async with site.socket(key=None, path=f"/v1/realtime?ticket={given}") as client:
            await client.say("authenticate", ticket=given)
            await client.follow()
        assert await refused(site, path=f"/v1/realtime?ticket={given}", origin=EVIL) == 403
        await until(partial(no_sockets, site))
        told = capsys.readouterr()
        assert not any(secret in told.out + told.err for secret in (given[4:], site.key[3:]))

    run_live(database_url, redis_url, tmp_path, body)
