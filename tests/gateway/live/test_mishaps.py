"""What goes wrong at the wrong moment: nothing is told twice or left out, and nobody is left behind or let live on."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis.asyncio as redis
from litestar.types import Scope

from gateway import hub, topics
from gateway.live import broadcast, realtime, rights
from gateway.live.batch import Batch, Plan
from gateway.live.rights import Rights, checking_rights
from inbox.feed.queries import FeedHead, feed_head
from inbox.kit.callers import SYSTEM, Caller
from inbox.kit.db import fetch_value
from inbox.kit.ids import new_id
from tests.bench.sockets import mask
from tests.gateway.feeds import tell_names
from tests.gateway.live.site import LiveSite, no_sockets, run_live, told_names
from tests.gateway.live.test_broadcast import failing
from tests.inbox.builders import apart, until

START = "000000000000"
NAMES = [f"{number}" for number in range(40)]
DEEP = "[" * 60_000


class Gate:
    """Holds up every batch that is being read until it is opened, so that a client can change its mind meanwhile."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self.opened = asyncio.Event(), asyncio.Event()
        cover = Batch.cover

        async def held_up(batch: Batch, plans: set[Plan]) -> None:
            self.reached.set()
            await self.opened.wait()
            await cover(batch, plans)

        monkeypatch.setattr(Batch, "cover", held_up)


def test_who_goes_while_they_catch_up_is_read_for_no_more(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One reader a socket, whatever it says meanwhile, and none once it has gone."""

    async def body(site: LiveSite) -> None:
        gate = Gate(monkeypatch)
        await tell_names(*NAMES)
        async with site.socket() as client:
            await client.follow(cursor=START)
            await gate.reached.wait()
            said = [{"type": kind, "id": "s1"} for kind in ("unsubscribe", "subscribe")]
            client.wire.transport.write(b"".join(mask(msgspec.json.encode(one)) for one in said))  # both at once
            assert await client.hear_of("subscribed") == {"type": "subscribed", "id": "s1"}
        await until(partial(no_sockets, site))
        gate.opened.set()
        await until(partial(nobody_follows, site))

    run_live(database_url, redis_url, tmp_path, body)


async def nobody_follows(site: LiveSite) -> bool:
    """Whether nothing is told to anybody, nor read for them."""
    reading = [task for task in asyncio.all_tasks() if "_catch_up" in repr(task.get_coro())]
    return not site.runtime.broadcast._following and not reading


def test_what_is_subscribed_to_while_a_batch_is_read_is_not_passed_over(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that was read for one subscription alone does not move the cursor past what the next one asks for."""

    async def body(site: LiveSite) -> None:
        gate = Gate(monkeypatch)
        await tell_names(*NAMES)
        async with site.socket() as client:
            await client.follow(cursor=START, types=["note.created"])
            await gate.reached.wait()
            assert (await client.ask("subscribe", id="s2"))["type"] == "subscribed"
            gate.opened.set()
            assert await told_names(client, len(NAMES)) == NAMES

    run_live(database_url, redis_url, tmp_path, body)


def test_a_database_that_goes_as_somebody_comes_ends_no_broadcast(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that cannot find out where the feed ends tries again, for as long as anybody waits."""

    async def body(site: LiveSite) -> None:
        away, looks = [True], [0]

        async def feed_head_if_there() -> FeedHead:
            looks[0] += 1
            if away[0]:
                raise ConnectionResetError
            return await feed_head()

        async def looked_often(times: int = 1) -> bool:
            return looks[0] > seen + times

        monkeypatch.setattr(broadcast, "AGAIN_SECONDS", 0.01)
        monkeypatch.setattr(hub, "feed_head", feed_head_if_there)
        seen = looks[0]
        await until(looked_often)
        site.runtime.hub.cursor = None
        async with site.socket() as client:
            await client.follow()
            seen = looks[0]
            await until(partial(looked_often, 10))
            away[0] = False
            await tell_names("a")
            assert await told_names(client, 1) == ["a"]

    run_live(database_url, redis_url, tmp_path, body)


def test_a_socket_that_cannot_be_served_is_sent_away_in_words(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Where the database goes just after the handshake the client is closed with 1011, and no program error is told."""

    async def body(site: LiveSite) -> None:
        monkeypatch.setattr(realtime, "feed_head", failing(1, ConnectionResetError(), feed_head))
        async with site.socket() as client:
            assert await client.closed() == 1011
        async with site.socket() as client:
            assert (await client.hear())["type"] == "ready"

    run_live(database_url, redis_url, tmp_path, body)
    told = capsys.readouterr()
    assert "Traceback" not in told.out + told.err


def test_a_socket_that_comes_as_the_process_stops_is_sent_elsewhere(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it was asked for before and is let in after: it does not wait for what is told no more."""

    async def body(site: LiveSite) -> None:
        door: realtime.Realtime = site.server.app.state.realtime
        admit = door._admission.admit

        async def admit_slowly(scope: Scope, authorization: str | None) -> Caller:
            caller = await admit(scope, authorization)
            site.stop()
            return caller

        monkeypatch.setattr(door._admission, "admit", admit_slowly)
        async with site.socket() as client:
            assert await client.closed() == 1012
            assert not site.server.should_exit  # it was told before the server itself closed what was left

    run_live(database_url, redis_url, tmp_path, body, SWITCHBOARD_DRAIN_SECONDS="5")


@pytest.mark.parametrize("frame", [f'{{"type":"ping","deep":{DEEP}', f'{{"deep":{DEEP}', DEEP])
def test_frames_as_deep_as_they_are_long_are_refused(
    database_url: str, redis_url: str, tmp_path: Path, frame: str
) -> None:
    """They are no error of ours, neither before a socket is let in nor after."""

    async def body(site: LiveSite) -> None:
        async with site.socket() as client:
            await client.hear()
            await client.wire.send(frame)
            assert (await client.hear_of("problem"))["code"] in {"malformed_json", "validation_failed"}
        async with site.socket(key=None) as client:
            await client.wire.send(frame)
            assert await client.closed() == 4401

    run_live(database_url, redis_url, tmp_path, body)


def test_text_that_is_no_text_is_1007_and_no_error_of_ours(
    database_url: str, redis_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever sends invalid UTF-8 (RFC 6455 8.1) writes nothing into our log; a NUL or half a pair is refused."""

    async def body(site: LiveSite) -> None:
        async with site.socket(key=None) as client:
            await client.wire.send(b"\xff\xfe", text=True)
            assert await client.closed() == 1007
        async with site.socket() as client:
            await client.hear()
            for text in ("\\u0000", "\\ud800", "x\\u0000y"):
                await client.wire.send('{"type":"subscribe","id":"%s","q":"%s","agent":"%s"}' % ((text,) * 3))
                assert (await client.hear_of("problem", "subscribed"))["type"] == "problem"

    run_live(database_url, redis_url, tmp_path, body)
    told = capsys.readouterr()
    assert "Traceback" not in told.out + told.err


def test_keys_that_only_open_sockets_are_seen_as_well(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """The audit log says from where a key was used, whatever it was used for."""

    async def body(site: LiveSite) -> None:
        async with site.socket() as client:
            await client.hear()

        async def written() -> bool:
            await site.server.app.state.sightings.write()
            return bool(await fetch_value("SELECT count(*) FROM audit_event WHERE action = 'api_key.used'"))

        await until(written)

    run_live(database_url, redis_url, tmp_path, body)


def test_one_bad_end_keeps_nobody_else_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rights are looked at again and again, whatever breaks: at one look, or at the end of one follower."""
    monkeypatch.setattr(rights, "CHECK_SECONDS", 0.01)

    async def body() -> None:
        ended = asyncio.Event()
        answers: list[Any] = [KeyError("x"), False]

        async def valid(_: Caller) -> bool:
            answer = answers.pop(0) if answers else False
            if isinstance(answer, Exception):
                raise answer
            return bool(answer)

        def break_down() -> None:
            raise KeyError("y")

        watched = Rights(valid)
        caller = Caller(key_id=new_id(), name="test", scopes=frozenset(), actor=SYSTEM)
        with watched.watch(caller, break_down), watched.watch(caller, ended.set):
            async with checking_rights(watched), asyncio.timeout(30):
                await ended.wait()

    asyncio.run(body())


def test_one_message_that_breaks_us_is_not_the_last_we_hear(redis_url: str) -> None:
    """A process goes on hearing the others."""

    async def body() -> None:
        client, heard = redis.Redis.from_url(redis_url), asyncio.Event()

        def hear(data: bytes) -> None:
            if data == b"bad":
                raise KeyError("x")
            heard.set()

        def tell() -> None:
            tasks.append(apart(tell_both()))

        async def tell_both() -> None:
            await client.publish("mishap", b"bad")
            await client.publish("mishap", b"good")

        tasks: list[Any] = []
        hearing = apart(topics.hear_topic(client, "mishap", heard=hear, joined=tell, retry_seconds=0.05))
        async with asyncio.timeout(30):
            await heard.wait()
        hearing.cancel()
        await asyncio.wait([hearing, *tasks])
        await client.aclose()

    asyncio.run(body())
