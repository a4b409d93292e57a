"""Large requests go to the journal in pieces: whole, in their turn, and without making the others of a channel wait."""

from __future__ import annotations

import asyncio

import pytest

from inbox.intake.actions import large
from inbox.intake.actions.journal import journal_events
from inbox.intake.actions.large import PIECE_BYTES, journal_large_event
from inbox.intake.queries import kept_as_sent
from inbox.kit.db import execute, fetch, fetch_value
from inbox.kit.ids import new_id
from tests.inbox.builders import apart, committed, journal_row, run_opened

LARGE = bytes(range(256)) * (10 * PIECE_BYTES // 256) + b"the end"


def test_a_large_body_is_stored_byte_for_byte(database_url: str) -> None:
    """The pieces come together in their order, with all that belongs to the request; several on one connection."""

    async def body() -> None:
        channel = new_id()
        fields = {"kind": "inbound", "headers": '{"a": "b"}', "request_id": "req-1", "traceparent": "00-a-b-01"}
        for n in range(2):
            entry = journal_row(channel, LARGE + b"%d" % n, **fields)
            assert await committed(journal_large_event(entry)) == {channel}
        first, second = await fetch("SELECT * FROM raw_event ORDER BY id")
        assert (first["body"], second["body"]) == (LARGE + b"0", LARGE + b"1")
        assert {name: first[name] for name in fields} == fields
        assert 0 < first["id"] < second["id"]

    run_opened(database_url, body)


def test_small_requests_do_not_wait_for_a_large_one(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it draws its number a large body holds nobody up; numbers follow commits, so none is passed over."""

    async def body() -> None:
        channel, arrived, go_on = new_id(), asyncio.Event(), asyncio.Event()

        async def wait_before_the_turn(sql: str, *args: object) -> None:
            if sql == large.TURN:
                arrived.set()
                await go_on.wait()
            await execute(sql, *args)

        monkeypatch.setattr(large, "execute", wait_before_the_turn)
        writing = apart(committed(journal_large_event(journal_row(channel, LARGE))))
        await arrived.wait()
        assert await journal_events([journal_row(channel, b"small")]) == {channel}
        go_on.set()
        await writing
        await journal_events([journal_row(channel, b"later")])
        rows = await fetch("SELECT body FROM raw_event ORDER BY id")
        assert [row["body"] for row in rows] == [b"small", LARGE, b"later"]

    run_opened(database_url, body)


def test_a_large_request_is_kept_once(database_url: str) -> None:
    """A one-time key that was used stores nothing more, and a repeat is told from a replay with other words (T8)."""

    async def body() -> None:
        channel = new_id()
        first = journal_row(channel, LARGE, once_key="t1")
        assert await committed(journal_large_event(first)) == {channel}
        assert await committed(journal_large_event(journal_row(channel, LARGE, once_key="t1"))) == set()
        other = journal_row(channel, b"other words", once_key="t1")
        assert await journal_events([other]) == set()
        assert await kept_as_sent(first)
        assert not await kept_as_sent(other)
        assert await fetch_value("SELECT count(*) FROM raw_event") == 1

    run_opened(database_url, body)
