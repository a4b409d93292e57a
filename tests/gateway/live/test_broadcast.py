"""Each event is read, matched and encoded once for all sockets, and who reads slowly costs nobody anything."""

from __future__ import annotations

import asyncio
import socket as sockets
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway import showing
from gateway.live import broadcast
from gateway.live import socket as live_sockets
from gateway.live.bus import LiveEvent
from gateway.live.frames import read_frame
from gateway.metrics import LIVE_SOCKETS_BEHIND, STREAM_DROPPED_SLOW
from gateway.sockets import PatientSocket
from inbox.conversations.api.envelopes import show_events
from inbox.feed.actions import append_event, sequence_events
from inbox.feed.queries import feed_head
from inbox.kit.callers import SYSTEM
from inbox.kit.db import tx, wake
from inbox.kit.ids import new_id
from tests.gateway.feeds import tell_names
from tests.gateway.live.site import Client, LiveSite, run_live
from tests.inbox.builders import ANA, apart, make_channel, receive, text_message, until

CROWD = 40
WIDE = ["w" * 1000] * 40
"""What makes an event of 40 KB."""


def count_calls(monkeypatch: pytest.MonkeyPatch, *names: str) -> Counter[str]:
    """How often these functions of `showing` are called."""
    calls: Counter[str] = Counter()

    def counting(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **named: Any) -> Any:
            calls[name] += 1
            return call(*args, **named)

        return counted

    for name in names:
        monkeypatch.setattr(showing, name, counting(name, getattr(showing, name)))
    return calls


@asynccontextmanager
async def crowd(site: LiveSite, wishes: list[dict[str, Any]]) -> AsyncIterator[list[Client]]:
    """A socket for each wish, all following."""
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(site.socket()) for _ in wishes]
        for client, wish in zip(clients, wishes, strict=True):
            await client.follow(**wish)
        yield clients


def test_a_crowd_costs_one_read_an_event(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many sockets and streams want it, by however many queries: one read and one match for each batch."""
    calls = count_calls(monkeypatch, "show_events", "find_each_matching")

    async def body(site: LiveSite) -> None:
        lane = await make_channel()
        wishes: list[dict[str, Any]] = [{} if n % 2 else {"q": f"is:open -tag:t{n}"} for n in range(CROWD)]
        async with crowd(site, wishes) as clients:
            await site.http.get("/v1/events")
            calls.clear()
            for number in range(5):
                await receive(lane, text_message(f"{number}", sender=ANA))
                await sequence_events()
                head = (await feed_head()).cursor
                wake(["sequenced"])
                for client in clients:
                    while int((await client.hear_of("event"))["event"]["cursor"], 16) < head:
                        pass
            # Five, and a few more where a batch came in two parts; never one a socket.
            assert calls.keys() == {"show_events", "find_each_matching"}
            assert all(5 <= amount < CROWD / 2 for amount in calls.values())

    run_live(database_url, redis_url, tmp_path, body)


def test_sockets_that_come_while_things_happen_miss_nothing(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Between the database that a socket reads and the others whom it joins there is no gap and no double."""

    async def body(site: LiveSite) -> None:
        await tell_names(*(f"{number}" for number in range(30)))

        async def follow() -> list[int]:
            async with site.socket() as client:
                await client.follow(cursor="000000000000")
                return [int((await client.hear_of("event"))["event"]["changed"][0]) for _ in range(120)]

        followers = []
        for number in range(30, 120, 3):
            followers.append(apart(follow()))
            await tell_names(*(f"{n}" for n in range(number, number + 3)))
            await asyncio.sleep(0.005)
        for told in await asyncio.gather(*followers):
            assert told == list(range(120))

    run_live(database_url, redis_url, tmp_path, body)


def test_falling_behind_the_hub_is_made_up_for(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """More events at once than the process keeps for its sockets: they read on from the database."""

    async def body(site: LiveSite) -> None:
        async with crowd(site, [{}, {}]) as clients:
            async with tx():
                for number in range(200):
                    await append_event("contact.updated", actor=SYSTEM, changed=[f"{number}"])
            await sequence_events()
            wake(["sequenced"])
            await tell_names("200")
            for client in clients:
                told = [int((await client.hear_of("event"))["event"]["changed"][0]) for _ in range(201)]
                assert told == list(range(201))

    run_live(database_url, redis_url, tmp_path, body, SWITCHBOARD_STREAM_BUFFER_EVENTS="20")


def failing(times: int, error: Exception, call: Callable[..., Any]) -> Callable[..., Any]:
    """A function that fails so often before it works."""
    left = [error] * times

    async def fail(*args: Any) -> Any:
        if left:
            raise left.pop()
        return await call(*args)

    return fail


def test_the_database_going_away_loses_nothing(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be read is told as soon as it can be."""

    async def body(site: LiveSite) -> None:
        async with crowd(site, [{}]) as [client]:
            monkeypatch.setattr(showing, "show_events", failing(2, ConnectionResetError(), show_events))
            monkeypatch.setattr(broadcast, "AGAIN_SECONDS", 0.05)
            await tell_names("a")
            await tell_names("b")
            assert [(await client.hear_of("event"))["event"]["changed"] for _ in range(2)] == [["a"], ["b"]]

    run_live(database_url, redis_url, tmp_path, body)


def test_what_cannot_be_told_ends_the_socket(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event that breaks our code is not passed over: the client is sent away, and resumes where it was."""

    async def body(site: LiveSite) -> None:
        async with crowd(site, [{}]) as [client]:
            await tell_names("a")
            cursor = (await client.hear_of("event"))["event"]["cursor"]
            monkeypatch.setattr(showing, "show_events", failing(2, KeyError("x"), show_events))
            await tell_names("b")
            assert await client.closed() == 1011
        async with site.socket() as client:
            await client.follow(cursor=cursor)
            assert (await client.hear_of("event"))["event"]["changed"] == ["b"]

    run_live(database_url, redis_url, tmp_path, body)


async def stall(site: LiveSite) -> sockets.socket:
    """A client with a small window that follows from the beginning and reads nothing."""
    sock = sockets.socket()
    sock.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, ("127.0.0.1", site.port))
    lines = [
        "GET /v1/realtime HTTP/1.1", "Host: x", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", f"Authorization: Bearer {site.key}",
    ]  # fmt: skip
    await loop.sock_sendall(sock, "\r\n".join([*lines, "", ""]).encode())
    await loop.sock_recv(sock, 1000)
    for frame in ({"type": "resume", "cursor": "000000000000"}, {"type": "subscribe", "id": "s1"}):
        payload = msgspec.json.encode(frame)
        assert read_frame(payload.decode())
        await loop.sock_sendall(sock, b"\x81%c\0\0\0\0" % (0x80 | len(payload)) + payload)
    return sock


def unsent(site: LiveSite) -> int:
    """The most that waits in our memory for one client."""
    wires = [one for one in site.server.connections._open if isinstance(one, PatientSocket)]
    return max((wire.unsent() for wire in wires), default=0)


def test_who_does_not_read_is_dropped_with_flat_memory(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much is told, a few chunks wait for it and no more; after its time it is let go. The others go on."""
    monkeypatch.setattr(live_sockets, "SLOW_SECONDS", 1.0)

    async def body(site: LiveSite) -> None:
        dropped = STREAM_DROPPED_SLOW._value.get()
        sock = await stall(site)
        most, told = 0, 0
        async with crowd(site, [{}]) as [client]:
            for number in range(150):
                async with tx():
                    await append_event("contact.updated", actor=SYSTEM, changed=[f"{number}", *WIDE])
                await sequence_events()
                wake(["sequenced"])
                assert (await client.hear_of("event"))["event"]["changed"][0] == f"{number}"
                most, told = max(most, unsent(site)), told + 40_000
            assert told > 10 * most
            assert most < 300_000

            async def gone() -> bool:
                return bool(STREAM_DROPPED_SLOW._value.get() > dropped)

            await until(gone)
            await tell_names("after")
            assert (await client.hear_of("event"))["event"]["changed"] == ["after"]
        sock.close()

    run_live(database_url, redis_url, tmp_path, body)


def test_who_reads_slowly_gets_everything(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """A client slower than what is told reads on from the database at its own pace, and then is level again."""

    async def body(site: LiveSite) -> None:
        behind = LIVE_SOCKETS_BEHIND._value.get()
        async with site.socket(max_queue=1) as client:
            await client.follow()
            for number in range(60):
                async with tx():
                    await append_event("contact.updated", actor=SYSTEM, changed=[f"{number}", *WIDE, *WIDE, *WIDE])
                await sequence_events()
                wake(["sequenced"])
            await asyncio.sleep(0.3)
            told = [(await client.hear_of("event"))["event"]["changed"][0] for _ in range(60)]
            assert told == [f"{number}" for number in range(60)]
            assert LIVE_SOCKETS_BEHIND._value.get() > behind + 1
            await tell_names("level")
            assert (await client.hear_of("event"))["event"]["changed"] == ["level"]

    run_live(database_url, redis_url, tmp_path, body)


def test_nothing_is_read_where_nobody_follows(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """With the last socket the process stops looking, and the next one begins at the present."""

    async def body(site: LiveSite) -> None:
        async def at_rest() -> bool:
            return site.runtime.broadcast.position is None and not site.runtime.hub._listeners

        await until(at_rest)
        for name in ("a", "b"):
            async with crowd(site, [{}]) as [client]:
                await tell_names(name)
                assert (await client.hear_of("event"))["event"]["changed"] == [name]
            await until(at_rest)
            await site.runtime.live.tell(LiveEvent("typing.started", new_id(), SYSTEM))

    run_live(database_url, redis_url, tmp_path, body)
