"""A batch is nothing but its requests one after the other, however the journal is cut into batches."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.events import AnyEvent
from inbox.conversations.actions.change import set_status
from inbox.conversations.actions.deliveries import PieceReport, apply_reports
from inbox.conversations.actions.store import lock_thread, store_threads
from inbox.intake.batch import Failure, Lane, ParsedEvent
from inbox.kit.db import close_database, fetch, open_database, tx
from tests.inbox.builders import (
    AGENT,
    NOW,
    arrived,
    committed,
    consent_change,
    delivery_report,
    make_channel,
    project,
    receive,
    reply,
    text_message,
)

REQUESTS = 12
EXAMPLES = count(1)

WHO = st.integers(0, 2)
EVENT = st.one_of(
    st.tuples(st.just("message"), WHO, st.integers(0, 6), st.sampled_from([None, "Ana", "Ben"])),
    st.tuples(st.just("consent"), WHO, st.integers(0, 2), st.sampled_from(["revoked", "granted"])),
    st.tuples(
        st.just("report"), st.integers(0, 1), st.just(0), st.sampled_from(["sent", "delivered", "read", "failed"])
    ),
    st.tuples(st.just("stray"), st.just(0), st.just(0), st.just(None)),
    st.tuples(st.just("elsewhere"), st.just(0), st.just(0), st.just(None)),
)
REQUEST = st.one_of(st.none(), st.lists(EVENT, max_size=3))


class Side:
    """One of two worlds that are told the same."""

    def __init__(self, lane: Lane, base: int) -> None:
        self.lane = lane
        self.base = base
        self.numbers = [f"+1{base + who}" for who in range(3)]

    def requests(self, drawn: Sequence[Any], first: int) -> list[ParsedEvent]:
        """The journal's rows; None is one that could not be parsed."""
        return [self._request(first + n, one) for n, one in enumerate(drawn)]

    def _request(self, number: int, drawn: list[Any] | None) -> ParsedEvent:
        if drawn is not None:
            return arrived(number, *(self._event(number, place, one) for place, one in enumerate(drawn)))
        failure = Failure(raw_event_id=number, code="malformed", error="x")
        return ParsedEvent(raw_event_id=number, received_at=NOW, events=[], failure=failure)

    def _event(self, number: int, place: int, drawn: Any) -> AnyEvent:
        kind, who, key, detail = drawn
        if kind == "message":
            return text_message(f"m{key}", sender=self.numbers[who], key=f"m{key}", name=detail)
        if kind == "consent":
            return consent_change(detail, sender=self.numbers[who], key=f"c{key}")
        if kind == "report":
            return delivery_report(f"SM{self.base}/{who}", detail)
        if kind == "stray":
            return delivery_report(f"stray{number}/{place}", "delivered")
        return text_message("lost", sender=self.numbers[0], to="+12125559999")


async def prepare(base: int, *, closed_hours: int) -> Side:
    """Ana has a conversation with an answer in two pieces, Ben's was closed so many hours ago, Cai is a stranger."""
    side = Side(await make_channel(), 2_000_000_000 + 10 * base)
    ana, ben, _ = side.numbers
    earlier = NOW - timedelta(hours=closed_hours)
    answered = await receive(side.lane, text_message("?", sender=ana, key="first"))
    closed = await receive(side.lane, text_message("?", sender=ben, key="second"), now=earlier)
    await committed(set_status(closed, "closed", actor=AGENT, now=earlier))
    await hand_over(answered, await reply(answered, "word " * 30), side.base)
    return side


async def hand_over(conversation_id: UUID, entry_id: UUID, base: int) -> None:
    """Both pieces are with the provider, which calls them SM{base}/0 and SM{base}/1."""
    pieces = await fetch("SELECT id FROM delivery WHERE entry_id = $1 ORDER BY piece", entry_id)
    assert len(pieces) == 2
    async with tx():
        held = await lock_thread(conversation_id)
        told = [
            PieceReport(delivery_id=row["id"], state="sent", provider_message_id=f"SM{base}/{n}")
            for n, row in enumerate(pieces)
        ]
        await apply_reports({held.thread.id: held}, told, now=NOW)
        await store_threads([held], now=NOW)


async def world(side: Side) -> dict[str, Any]:
    """Everything the projection did, without ids and the side's own numbers."""
    told = {
        "conversations": "SELECT c.status, c.unread, c.last_seq, c.preview, c.waiting_since, c.media, c.updated_at, "
        "c.closed_at, ct.name, i.address FROM conversation c JOIN contact ct ON ct.id = c.contact_id "
        "JOIN identity i ON i.contact_id = ct.id WHERE i.address = ANY($1) ORDER BY i.address, c.number",
        "entries": "SELECT i.address, dense_rank() OVER (PARTITION BY i.address ORDER BY c.number) AS nth, e.seq, "
        "e.type, e.direction, e.text, e.author->>'name' AS author, e.event - 'actor' AS event, "
        "e.delivery_state FROM entry e "
        "JOIN conversation c ON c.id = e.conversation_id JOIN identity i ON i.contact_id = c.contact_id "
        "WHERE i.address = ANY($1) ORDER BY i.address, c.number, e.seq",
        "consents": "SELECT i.address, s.state, s.source FROM consent s JOIN identity i ON i.id = s.identity_id "
        "WHERE i.address = ANY($1) ORDER BY s.id",
        "deliveries": "SELECT d.piece, d.state, array_agg(a.outcome ORDER BY a.id) AS log FROM delivery d "
        "JOIN entry e ON e.id = d.entry_id JOIN identity i ON i.id = e.identity_id "
        "LEFT JOIN delivery_attempt a ON a.delivery_id = d.id WHERE i.address = ANY($1) GROUP BY d.id ORDER BY d.piece",
        "told": "SELECT i.address, f.type, f.seq, f.facts FROM feed_event f JOIN identity i USING (contact_id) "
        "WHERE i.address = ANY($1) ORDER BY i.address, f.type = 'message.delivery_updated', f.position",
    }
    seen: dict[str, Any] = {name: await plain(side, sql, side.numbers) for name, sql in told.items()}
    sql = "SELECT raw_event_id, code FROM quarantine WHERE channel_id = $1 ORDER BY 1"
    seen["quarantine"] = await plain(side, sql, side.lane.route.channel_id)
    sql = "SELECT l.projected_id, (SELECT array_agg(key ORDER BY key) FROM event_key WHERE channel_id = $1) FROM lane l WHERE channel_id = $1"  # noqa: E501 (one statement)
    seen["lane"] = await plain(side, sql, side.lane.route.channel_id)
    return seen


async def plain(side: Side, sql: str, argument: object) -> list[list[str]]:
    """Rows as words, the numbers of the side made alike."""
    text = msgspec.json.encode([[str(value) for value in row.values()] for row in await fetch(sql, argument)]).decode()
    for who, number in enumerate(side.numbers):
        text = text.replace(number, f"<{who}>")
    rows: list[list[str]] = msgspec.json.decode(text.replace(str(side.base), "<base>"))
    return rows


async def compare(drawn: Sequence[Any], cuts: Sequence[int], closed_hours: int) -> None:
    """The same requests in batches on one side, one by one on the other: both worlds are alike."""
    sides = [await prepare(2 * next(EXAMPLES) + n, closed_hours=closed_hours) for n in range(2)]
    batches, singles = (side.requests(drawn, first=10) for side in sides)
    rest = list(batches)
    for cut in [*cuts, len(rest)]:
        if rest[:cut]:
            assert await project(sides[0].lane, *rest[:cut])
        rest = rest[cut:]
    for one in singles:
        assert await project(sides[1].lane, one)
    in_batches, one_by_one = [await world(side) for side in sides]
    assert in_batches == one_by_one


def test_a_batch_equals_its_requests_one_by_one(database_url: str) -> None:
    """Duplicates, several people, reports, STOP, strays and failures end alike however the journal is cut."""
    with asyncio.Runner() as runner:
        runner.run(open_database(database_url, size=2))

        @settings(
            max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(st.lists(REQUEST, max_size=REQUESTS), st.lists(st.integers(1, 8), max_size=3), st.sampled_from([1, 48]))
        def alike(drawn: list[Any], cuts: list[int], closed_hours: int) -> None:
            runner.run(compare(drawn, cuts, closed_hours))

        try:
            alike()
        finally:
            runner.run(close_database())
