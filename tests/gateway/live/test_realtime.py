"""The live socket: what it tells, how it is taken up again, and how it ends (security.md T51, T72)."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gateway.live import realtime
from gateway.live.rights import CHECK_SECONDS
from gateway.standings import FRESH_SECONDS
from inbox.feed.queries import feed_head
from inbox.kit.db import execute, tx
from inbox.staff.actions import change_agent, create_api_key, revoke_api_key
from tests.gateway.feeds import tell_names
from tests.gateway.live.site import LiveSite, run_live, told_names
from tests.inbox.builders import apart, committed
from tests.journeys.gateway import eventually


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
