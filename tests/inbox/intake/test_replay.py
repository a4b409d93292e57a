"""What belongs elsewhere or to nobody, and the replay that lets it happen later, once."""

from __future__ import annotations

from uuid import UUID

import msgspec

from inbox.conversations.thread import Route
from inbox.intake.queries import EventSelection, EventState, find_raw_events, list_raw_events
from inbox.kit.db import fetch_value
from tests.inbox.builders import (
    BEN,
    arrived,
    consent_change,
    count_rows,
    make_channel,
    project,
    projected,
    replay,
    rows_of,
    run_opened,
    text_message,
)


def test_a_siblings_message_lands_on_the_sibling(database_url: str) -> None:
    """One vendor URL may serve several numbers: the entry is on the channel that holds the address."""

    async def body() -> None:
        called, sibling = await make_channel(), await make_channel("+12125550198")

        def find(channel_id: UUID, address: str) -> Route | None:
            assert channel_id == called.route.channel_id
            return sibling.route if address in sibling.addresses else None

        await project(called, arrived(1, text_message("hi", to="+12125550198")), find_sibling=find)
        [entry], [conversation] = await rows_of("entry"), await rows_of("conversation")
        assert entry["channel_id"] == conversation["reply_channel_id"] == sibling.route.channel_id
        assert (await projected(called), await projected(sibling)) == (1, 0)

    run_opened(database_url, body)


def test_nobodys_address_is_stored_once_somebody_holds_it(database_url: str) -> None:
    """A message to a number that no channel holds waits, and a replay stores it once a channel does."""

    async def body() -> None:
        lane = await make_channel()
        stray = arrived(1, text_message("hi", to="+12125559999"))
        await project(lane, stray)
        assert [row["code"] for row in await rows_of("quarantine", "raw_event_id")] == ["nobodys_address"]
        assert [one.code for one in await replay(lane, stray)] == ["nobodys_address"]
        [row] = await rows_of("quarantine", "raw_event_id")
        assert (row["attempts"], row["resolved_at"]) == (2, None)
        wider = msgspec.structs.replace(lane, addresses=lane.addresses | {"+12125559999"})
        assert await replay(wider, stray) == []
        [row] = await rows_of("quarantine", "raw_event_id")
        assert row["resolved_at"] is not None
        assert [entry["text"] for entry in await rows_of("entry")] == ["hi"]

    run_opened(database_url, body)


def test_replaying_what_happened_changes_nothing(database_url: str) -> None:
    """A replay of any part of the journal is harmless: what has happened does not happen again."""

    async def body() -> None:
        lane = await make_channel()
        rows = [arrived(1, text_message("a"), consent_change("revoked")), arrived(2, text_message("b", sender=BEN))]
        await project(lane, *rows)
        before = [await count_rows(table) for table in ("entry", "consent", "feed_event", "conversation", "job")]
        assert await replay(lane, *rows) == []
        assert [
            await count_rows(table) for table in ("entry", "consent", "feed_event", "conversation", "job")
        ] == before
        assert await projected(lane) == 2

    run_opened(database_url, body)


def test_what_is_replayed_ahead_of_the_lane_does_not_come_twice(database_url: str) -> None:
    """A replay may run ahead of the lane; the lane then passes what has happened."""

    async def body() -> None:
        lane = await make_channel()
        first, second = arrived(1, text_message("a")), arrived(2, text_message("b"))
        assert await replay(lane, second) == []
        await project(lane, first, second)
        assert sorted(entry["text"] for entry in await rows_of("entry")) == ["a", "b"]

    run_opened(database_url, body)


def test_the_operator_sees_what_waits_what_failed_and_what_is_done(database_url: str) -> None:
    """The journal lists by state: waiting, projected, in quarantine; a resolved request is projected again."""

    async def body() -> None:
        lane = await make_channel()
        sql = "INSERT INTO raw_event (channel_id, kind, method, url, headers, body, received_at) VALUES ($1, 'message', 'POST', '', '{}', '', now()) RETURNING id"  # noqa: E501 (one statement)
        ids = [await fetch_value(sql, lane.route.channel_id) for _ in range(3)]
        stray = arrived(ids[1], text_message(to="+12125559999"))
        await project(lane, arrived(ids[0], text_message("a")), stray)

        async def listed(state: EventState | None) -> list[int]:
            found = await list_raw_events(EventSelection(state=state, channel_id=lane.route.channel_id), limit=9)
            return [row["id"] for row in found]

        assert await listed(None) == ids[::-1]
        assert await listed("waiting") == [ids[2]]
        assert await listed("projected") == [ids[0]]
        assert await listed("quarantine") == [ids[1]]
        wider = msgspec.structs.replace(lane, addresses=lane.addresses | {"+12125559999"})
        await replay(wider, stray)
        assert await listed("projected") == [ids[1], ids[0]]
        [shown] = await find_raw_events([ids[1]])
        assert (shown["code"], shown["attempts"]) == ("nobodys_address", 1)

    run_opened(database_url, body)
