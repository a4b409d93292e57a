"""The door of the live socket: who is let in, what is told, and how it ends (security.md T51, T52, T72)."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gateway.live import realtime
from gateway.live.rights import CHECK_SECONDS
from gateway.metrics import LIVE_SOCKETS
from gateway.standings import FRESH_SECONDS
from inbox.feed.queries import feed_head
from inbox.kit.callers import SYSTEM
from inbox.kit.db import execute, fetch_value, tx
from inbox.staff.actions import change_agent, create_api_key, revoke_api_key
from inbox.staff.sessions.actions import end_session
from tests.gateway.feeds import tell_names
from tests.gateway.live.site import Client, LiveSite, run_live
from tests.inbox.builders import apart, committed, until
from tests.journeys.gateway import eventually

EVIL = "https://evil.example"


async def refused(site: LiveSite, **options: Any) -> int:
    """With which status a handshake is refused."""
    with pytest.raises(InvalidStatus) as told:
        async with site.socket(**options):
            raise AssertionError("it was let in")
    return int(told.value.response.status_code)


async def told_names(client: Client, count: int) -> list[str]:
    """The names of the next events of `tell_names`."""
    return [(await client.hear_of("event"))["event"]["changed"][0] for _ in range(count)]


def test_what_happens_is_told(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """`ready`, `subscribed`, then each event once, in order, with its cursor and the subscriptions it is for."""

    async def body(site: LiveSite) -> None:
        await tell_names("before")
        async with site.socket() as client:
            ready = await client.hear()
            assert ready == {"type": "ready", "cursor": "000000000001", "heartbeat_seconds": 15.0}
            await client.say("subscribe", id="s1")
            assert await client.hear() == {"type": "subscribed", "id": "s1"}
            await tell_names("a", "b")
            first, second = await client.hear(), await client.hear()
            assert [one["event"]["changed"] for one in (first, second)] == [["a"], ["b"]]
            assert first["subscriptions"] == ["s1"]
            assert (first["event"]["object"], first["event"]["cursor"]) == ("event", "000000000002")
            assert await client.ask("ping") == {"type": "pong"}

    run_live(database_url, redis_url, tmp_path, body)


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


def test_what_is_revoked_is_told_nothing_more(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Sockets and streams of a key or session end within 5 s of its end, as do those of an agent whose role changed."""

    assert CHECK_SECONDS + FRESH_SECONDS < 5  # a look at all of them, and the age of what it may see

    async def body(site: LiveSite) -> None:
        _, _, agent = await site.agent()
        _, cookie = await site.session(agent)
        async with tx():
            row, secret = await create_api_key(name="soon gone", scopes=["events:read"])
        by_cookie: dict[str, Any] = {"key": None, "headers": {"Cookie": cookie}, "origin": site.url}
        stream = apart(read_stream(site, secret))
        async with site.socket(key=secret) as one, site.socket(**by_cookie) as other, site.socket() as third:
            for client in (one, other, third):
                await client.follow()
            await committed(revoke_api_key(row.id))
            await committed(change_agent(agent, {"role": "admin"}))
            assert [await one.closed(), await other.closed()] == [4401, 4401]
            await stream
            await tell_names("a")
            assert await told_names(third, 1) == ["a"]

    run_live(database_url, redis_url, tmp_path, body)


async def read_stream(site: LiveSite, key: str) -> bytes:
    """All of an event stream, once it has ended."""
    headers = {"Authorization": f"Bearer {key}"}
    async with site.http.stream("GET", "/v1/events/stream", headers=headers) as answer:
        return await answer.aread()


def test_a_client_resumes_by_cursor(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Cut off at any moment and back with its last cursor it has every event once, in order, whoever told them."""

    async def body(site: LiveSite) -> None:
        random, seen, last, cuts = Random(3), list[int](), "000000000000", 0
        writing = apart(write(400, random))
        while len(seen) < 400:
            cuts += 1
            async with site.socket() as client:
                await client.follow(cursor=last)
                for _ in range(random.randint(1, 20) if len(seen) < 350 else 400 - len(seen)):
                    event = (await client.hear_of("event"))["event"]
                    seen.append(int(event["changed"][0]))
                    last = event["cursor"]
                    if len(seen) == 400:
                        break
                client.wire.transport.abort()
        await writing
        assert seen == list(range(400))
        assert cuts > 20

    run_live(database_url, redis_url, tmp_path, body)


async def write(amount: int, random: Random) -> None:
    """Numbered things, some told in this process, some as by another."""
    for first in range(0, amount, 4):
        await tell_names(*(f"{number}" for number in range(first, first + 4)), hear=random.random() < 0.7)
        await asyncio.sleep(random.random() / 100)


def test_a_cursor_that_is_too_old_is_reset(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """`reset` says where to go on, then 4409; the same for what is no cursor of ours."""

    async def all_numbered() -> bool:
        return (await feed_head()).cursor == 3

    async def body(site: LiveSite) -> None:
        await tell_names("a", "b", "c")
        await eventually(all_numbered)
        await execute("UPDATE feed_head SET pruned = 2")
        for cursor, code in (("000000000001", "cursor_expired"), ("nonsense", "invalid_cursor")):
            async with site.socket() as client:
                await client.hear()
                reset = await client.ask("resume", cursor=cursor)
                assert reset == {"type": "reset", "code": code, "cursor": "000000000003"}
                assert await client.closed() == 4409
        async with site.socket() as client:
            await client.follow(cursor="000000000002")
            assert await told_names(client, 1) == ["c"]
            assert (await client.ask("resume", cursor="000000000003"))["code"] == "state_conflict"

    run_live(database_url, redis_url, tmp_path, body)


def test_a_process_that_stops_sends_its_clients_elsewhere(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """At SIGTERM every socket, let in or not, is closed with 1012, and no new one is taken."""

    async def body(site: LiveSite) -> None:
        async with site.socket() as following, site.socket() as idle, site.socket(key=None) as waiting:
            await following.follow()
            await idle.hear()
            await waiting.say("ping")
            await waiting.hear()
            site.stop()
            assert [await one.closed() for one in (following, idle, waiting)] == [1012, 1012, 1012]
        with pytest.raises((InvalidStatus, OSError)):
            async with site.socket():
                raise AssertionError("it was let in")

    run_live(database_url, redis_url, tmp_path, body, SWITCHBOARD_DRAIN_SECONDS="0.5")


def test_nobody_has_too_many_sockets(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One more than a session, a key's share or the process may have is closed with 4429; others are not in the way."""
    monkeypatch.setattr(realtime, "SESSION_SOCKETS", 1)

    async def body(site: LiveSite) -> None:
        _, own, agent = await site.agent()
        _, cookie = await site.session(agent)
        by_cookie: dict[str, Any] = {"key": None, "headers": {"Cookie": cookie}, "origin": site.url}
        async with site.socket() as one, site.socket() as two, site.socket(**by_cookie) as mine:
            assert [(await client.hear())["type"] for client in (one, two, mine)] == ["ready"] * 3
            async with site.socket() as third, site.socket(**by_cookie) as second:
                assert [await third.closed(), await second.closed()] == [4429, 4429]
            async with site.socket(key=own) as fourth:
                assert (await fourth.hear())["type"] == "ready"
                async with site.socket(key=own) as fifth:
                    assert await fifth.closed() == 4429

    limits = {"SWITCHBOARD_STREAM_LIMIT": "4", "SWITCHBOARD_API_KEY_SHARE": "0.5"}
    run_live(database_url, redis_url, tmp_path, body, **limits)


def test_a_large_frame_or_a_flood_ends_a_socket(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """More than 64 KB is 1009, more than 600 frames in a minute 4429, and nothing but nonsense 4400."""

    async def body(site: LiveSite) -> None:
        async with site.socket() as client:
            await client.hear()
            assert (await client.ask("nonsense"))["code"] == "validation_failed"
            with suppress(ConnectionClosed):
                await client.wire.send("x" * 10_000_000)
            assert await client.closed() == 1009
        async with site.socket() as client:
            await client.hear()
            with suppress(ConnectionClosed):
                for _ in range(700):
                    await client.say("ping")
            assert await client.closed() == 4429
        async with site.socket() as client:
            await client.hear()
            with suppress(ConnectionClosed):
                for _ in range(20):
                    await client.wire.send("no JSON")
            assert await client.closed() == 4400

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


async def no_sockets(site: LiveSite) -> bool:
    """Whether all have gone."""
    return not len(site.server.connections) or LIVE_SOCKETS._value.get() == 0
