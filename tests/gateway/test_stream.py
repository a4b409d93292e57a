"""The feed as server-sent events: resumed by cursor without a gap or a repeat, narrowed, reset, and ended in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from random import Random
from typing import Any, cast

import msgspec
import pytest
from litestar import Litestar
from litestar.di import Provide

from gateway import following
from gateway.following import Wanted
from gateway.hub import FeedHub
from gateway.live.rights import Rights
from gateway.stream import Holder, StreamController, follow_feed
from inbox.feed.events import show_cursor
from inbox.feed.queries import feed_head
from inbox.kit.callers import SYSTEM, Caller
from inbox.kit.db import execute
from inbox.kit.ids import new_id, show_id
from tests.gateway.feeds import Frame, read_frames, running_hub, tell_names
from tests.inbox.builders import apart, make_channel, receive, run_opened, text_message

ALL = Wanted(None, None)
NOBODY = Caller(key_id=new_id(), name="test", scopes=frozenset(), actor=SYSTEM)
EVENTS = 300
CUTS = 50


async def always(_: Caller) -> bool:
    """Everybody may."""
    return True


def frames_of(
    hub: FeedHub, *, asked: str | None = None, wanted: Wanted = ALL, heartbeat: float = 5
) -> AsyncGenerator[Frame, None]:
    """What a browser would see of a stream, frame by frame."""

    async def read() -> AsyncGenerator[Frame, None]:
        stream = cast("AsyncGenerator[bytes, None]", follow_feed(hub, wanted, asked=asked, heartbeat=heartbeat))
        async with aclosing(stream):
            async for chunk in stream:
                for frame in read_frames(chunk):
                    yield frame

    return read()


async def take(stream: AsyncIterator[Frame], count: int) -> list[Frame]:
    """The next frames."""
    async with asyncio.timeout(30):
        return [await anext(stream) for _ in range(count)]


def names(frames: list[Frame]) -> list[str]:
    """What was told, of those frames that tell something of ours."""
    told = [msgspec.json.decode(frame.data) for frame in frames if frame.event == "contact.updated" and frame.data]
    return [event["changed"][0] for event in told]


@asynccontextmanager
async def open_stream(hub: FeedHub, **options: Any) -> AsyncIterator[AsyncIterator[Frame]]:
    """A stream, closed at the end."""
    async with aclosing(frames_of(hub, **options)) as stream:
        yield stream


def test_a_stream_begins_with_the_head_and_goes_on_live(database_url: str) -> None:
    """`ready` says where the feed ends; what is told afterwards follows, each with its cursor and type."""

    async def body() -> None:
        await tell_names("before")
        async with running_hub() as hub, open_stream(hub) as stream:
            [ready] = await take(stream, 1)
            assert (ready.event, ready.id, ready.data) == ("ready", None, '{"cursor":"000000000001"}')
            await tell_names("a", "b")
            told = await take(stream, 2)
            assert names(told) == ["a", "b"]
            assert [(frame.id, frame.event) for frame in told] == [
                (show_cursor(2), "contact.updated"), (show_cursor(3), "contact.updated"),
            ]  # fmt: skip
            assert told[0].data is not None
            assert msgspec.json.decode(told[0].data)["cursor"] == show_cursor(2)

    run_opened(database_url, body)


def test_fifty_cuts_lose_and_repeat_nothing(database_url: str) -> None:
    """A client that is cut off at any moment and comes back with its last id sees every event once, in order."""

    async def body() -> None:
        random = Random(5)

        async def write() -> None:
            for number in range(0, EVENTS, 5):
                await tell_names(*(f"{n}" for n in range(number, number + 5)), hear=random.random() < 0.5)
                await asyncio.sleep(random.random() / 100)

        seen: list[str] = []
        last = show_cursor(0)
        cuts = 0
        async with running_hub(poll_seconds=0.01) as hub:
            writing = apart(write())
            while len(seen) < EVENTS:
                cuts += 1
                async with open_stream(hub, asked=last, heartbeat=1) as stream:
                    for _ in range(random.randint(1, EVENTS // CUTS) if len(seen) < EVENTS - 20 else EVENTS):
                        [frame] = await take(stream, 1)
                        last = frame.id or last
                        seen += names([frame])
                        if len(seen) == EVENTS:
                            break
            await writing
        assert seen == [f"{n}" for n in range(EVENTS)]
        assert cuts >= CUTS

    run_opened(database_url, body)


def test_many_clients_cut_at_random_miss_nothing(database_url: str) -> None:
    """Clients of one hub that come and go while others stay each see everything once."""

    async def body() -> None:
        async def client(seed: int) -> list[str]:
            random, seen, last = Random(seed), list[str](), show_cursor(0)
            while len(seen) < 100:
                async with open_stream(hub, asked=last, heartbeat=1) as stream:
                    for _ in range(random.randint(1, 30)):
                        [frame] = await take(stream, 1)
                        last = frame.id or last
                        seen += names([frame])
                        if len(seen) == 100:
                            break
            return seen

        async with running_hub(poll_seconds=0.01) as hub:
            clients = [apart(client(seed)) for seed in range(8)]
            for number in range(0, 100, 4):
                await tell_names(*(f"{n}" for n in range(number, number + 4)))
                await asyncio.sleep(0.002)
            for seen in await asyncio.gather(*clients):
                assert seen == [f"{n}" for n in range(100)]

    run_opened(database_url, body)


def test_what_comes_both_ways_is_told_once(database_url: str) -> None:
    """An event that is in the database and in the hub's queue while the stream catches up comes once."""

    async def body() -> None:
        async with running_hub() as hub:
            stream = frames_of(hub, asked=show_cursor(0))
            async with aclosing(stream):
                opening = apart(take(stream, 1))
                await tell_names(*(f"{n}" for n in range(40)))
                await opening
                told: list[str] = []
                while len(told) < 40:
                    told += names(await take(stream, 1))
                await tell_names("last")
                assert names(await take(stream, 1)) == ["last"]
                assert told == [f"{n}" for n in range(40)]

    run_opened(database_url, body)


def test_a_slow_client_is_cut_off_and_comes_back(database_url: str) -> None:
    """A stream that falls too far behind ends; resumed from its last id it misses nothing."""

    async def body() -> None:
        async with running_hub(buffer=10, poll_seconds=0.01) as hub:
            stream = cast("AsyncGenerator[bytes, None]", follow_feed(hub, ALL, asked=None, heartbeat=0.02))
            async with aclosing(stream):
                while await anext(stream) != b": alive\n\n":
                    pass
                for n in range(30):
                    await tell_names(f"{n}")
                got = [frame for chunk in [chunk async for chunk in stream] for frame in read_frames(chunk)]
            seen = names(got)
            assert len(seen) < 30
            async with open_stream(hub, asked=got[-1].id if got else show_cursor(0)) as resumed:
                while len(seen) < 30:
                    seen += names(await take(resumed, 1))
            assert seen == [f"{n}" for n in range(30)]

    run_opened(database_url, body)


@pytest.mark.parametrize("asked", [show_cursor(1), "nonsense", "ent_1"])
def test_a_cursor_that_cannot_be_resumed_is_reset(database_url: str, asked: str) -> None:
    """An expired or foreign cursor is answered with `reset` and the head to go on from, then with what is new."""

    async def body() -> None:
        await tell_names("a", "b", "c")
        await execute("UPDATE feed_head SET pruned = 2")
        await execute("DELETE FROM feed_event WHERE cursor <= 2")
        async with running_hub() as hub, open_stream(hub, asked=asked) as stream:
            reset, ready = await take(stream, 2)
            assert (reset.event, reset.id, ready.event) == ("reset", show_cursor(3), "ready")
            assert reset.data is not None
            assert msgspec.json.decode(reset.data)["code"] in {"cursor_expired", "invalid_cursor"}
            await tell_names("d")
            assert names(await take(stream, 1)) == ["d"]

    run_opened(database_url, body)


def test_the_oldest_cursor_that_is_kept_still_resumes(database_url: str) -> None:
    """The edge of retention: the newest forgotten cursor has missed nothing yet."""

    async def body() -> None:
        await tell_names("a", "b", "c")
        await execute("UPDATE feed_head SET pruned = 2")
        await execute("DELETE FROM feed_event WHERE cursor <= 2")
        async with running_hub() as hub, open_stream(hub, asked=show_cursor(2)) as stream:
            ready, third = await take(stream, 2)
            assert ready.event == "ready"
            assert names([third]) == ["c"]

    run_opened(database_url, body)


def test_a_narrowed_stream_moves_its_cursor_over_what_it_passes(database_url: str) -> None:
    """By type and by conversation; what is passed over moves the client's last id, so it is not read again."""

    async def body() -> None:
        lane = await make_channel()
        first = await receive(lane, text_message(sender="+12125550101"))
        await tell_names("noise")
        wanted = Wanted(frozenset({"message.created"}), first)
        async with running_hub() as hub, open_stream(hub, wanted=wanted, asked=show_cursor(0)) as stream:
            ready, message, passed = await take(stream, 3)
            assert (ready.event, message.event, passed.event) == ("ready", "message.created", None)
            assert passed.id == show_cursor((await feed_head()).cursor)
            await receive(lane, text_message(sender="+12125550102"))
            await tell_names("noise")
            [passed] = await take(stream, 1)
            assert (passed.event, passed.data) == (None, None)
            assert passed.id == show_cursor((await feed_head()).cursor)
            await receive(lane, text_message("again", sender="+12125550101"))
            await tell_names("noise")
            [told] = await take(stream, 1)
            assert told.event == "message.created"
            assert told.data is not None
            assert msgspec.json.decode(told.data)["conversation_id"] == show_id("cnv", first)

    run_opened(database_url, body)


def test_a_silent_stream_shows_life(database_url: str) -> None:
    """While nothing is told, a comment now and then keeps proxies and clients from giving up."""

    async def body() -> None:
        async with running_hub() as hub:
            stream = cast("AsyncGenerator[bytes, None]", follow_feed(hub, ALL, asked=None, heartbeat=0.02))
            async with aclosing(stream):
                chunks = [await anext(stream) for _ in range(4)]
        assert chunks[0] == b"retry: 2000\n\n"
        assert chunks[2:] == [b": alive\n\n"] * 2

    run_opened(database_url, body)


def test_who_may_no_more_is_not_told_the_past_to_its_end(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that is still reading on from its cursor ends as soon as one that follows (T51)."""
    monkeypatch.setattr(following, "READ_BATCH", 5)

    async def never(_: Caller) -> bool:
        return False

    async def body() -> None:
        await tell_names(*(f"{number}" for number in range(30)))
        async with running_hub() as hub:
            holder = Holder(NOBODY, Rights(never))
            options: Any = {"asked": show_cursor(0), "heartbeat": 5, "holder": holder}
            stream = cast("AsyncGenerator[bytes, None]", follow_feed(hub, ALL, **options))
            async with aclosing(stream), asyncio.timeout(30):
                told = [frame for _ in range(3) for frame in read_frames(await anext(stream))]
                await holder.rights.check()
                told += [frame for chunk in [chunk async for chunk in stream] for frame in read_frames(chunk)]
        assert names(told) == ["0", "1", "2", "3", "4"]

    run_opened(database_url, body)


def test_streams_end_when_the_process_stops(database_url: str) -> None:
    """At a stop every stream ends by itself, also one that is just beginning."""

    async def body() -> None:
        async with running_hub() as hub, open_stream(hub) as stream:
            await take(stream, 1)
            hub.stop()
            async with asyncio.timeout(30):
                assert [frame async for frame in stream] == []
            async with asyncio.timeout(30), open_stream(hub) as late:
                assert [frame.event async for frame in late] == ["ready"]

    run_opened(database_url, body)


def test_the_route_resumes_by_its_header(database_url: str) -> None:
    """Over HTTP: `Last-Event-ID` goes before `after`, the type is an event stream, and nothing may cache it."""

    async def body() -> None:
        await tell_names("a", "b", "c")
        async with running_hub() as hub:
            app = Litestar(
                [StreamController],
                dependencies={
                    "hub": Provide(lambda: hub, sync_to_thread=False),
                    "stream_heartbeat_seconds": Provide(lambda: 1.0, sync_to_thread=False),
                    "caller": Provide(lambda: NOBODY, sync_to_thread=False),
                    "rights": Provide(lambda: Rights(always), sync_to_thread=False),
                },
            )
            headers, text = await fetch_stream(
                app, f"after={show_cursor(0)}&types=contact.updated", last=show_cursor(2)
            )
        assert headers["content-type"].startswith("text/event-stream")
        assert headers["cache-control"] == "no-store"
        frames = read_frames(text)
        assert frames[0].event == "ready"
        assert names(frames) == ["c"]

    run_opened(database_url, body)


async def fetch_stream(app: Litestar, query: str, *, last: str) -> tuple[dict[str, str], bytes]:
    """Headers and body of a stream, from a client that goes once it has seen an event."""
    told, seen, started = asyncio.Event(), bytearray(), dict[str, str]()
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": "/events/stream", "raw_path": b"/events/stream", "query_string": query.encode(), "root_path": "",
        "headers": [(b"last-event-id", last.encode())], "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip

    async def receive_message() -> Any:
        if told.is_set():
            return {"type": "http.disconnect"}
        await told.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        started.update({key.decode(): value.decode() for key, value in message.get("headers", [])})
        seen.extend(message.get("body", b""))
        if b"contact.updated" in seen:
            told.set()

    async with asyncio.timeout(30):
        await app(cast("Any", scope), receive_message, send)
    return started, bytes(seen)
