"""Tickets let their caller in once, and are forgotten; what agents say of their work is told once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec

from inbox.feed.actions import sequence_events
from inbox.feed.queries import events_after
from inbox.kit.callers import Actor, Caller
from inbox.kit.db import fetch_value
from inbox.kit.ids import AGENT, new_id, show_id
from inbox.staff.availability.actions import change_availability
from inbox.staff.availability.queries import Availability, find_availability
from inbox.staff.tickets.actions import TICKET, TICKET_SECONDS, issue_ticket, prune_tickets, redeem_ticket
from tests.inbox.builders import NOW, committed, run_opened
from tests.inbox.conversations.search.stories import make_agent

CALLER = Caller(
    key_id=new_id(),
    name="Bo",
    scopes=frozenset({"events:read", "agents:read"}),
    actor=Actor(type="agent", id="agt_1", name="Bo"),
    kind="session",
)
AT_THE_END = NOW + timedelta(seconds=TICKET_SECONDS)


def test_a_ticket_lets_its_caller_in_once(database_url: str) -> None:
    """Of many who show it at the same time one is let in, as exactly who asked for it; afterwards nobody."""

    async def body() -> None:
        ticket, expires_at = await issue_ticket(CALLER, now=NOW)
        assert TICKET.fullmatch(ticket)
        assert expires_at == AT_THE_END
        shown = await asyncio.gather(*(redeem_ticket(ticket, now=NOW) for _ in range(10)))
        assert [one for one in shown if one is not None] == [CALLER]
        assert await redeem_ticket(ticket, now=NOW) is None

    run_opened(database_url, body)


def test_a_ticket_lasts_a_minute_and_is_forgotten(database_url: str) -> None:
    """At its end it opens nothing; then it is removed, and those that are still good are not."""

    async def body() -> None:
        early, _ = await issue_ticket(CALLER, now=NOW)
        late, _ = await issue_ticket(CALLER, now=NOW + timedelta(seconds=1))
        assert await redeem_ticket(early, now=AT_THE_END) is None
        assert await prune_tickets(now=AT_THE_END) == 1
        assert await fetch_value("SELECT count(*) FROM stream_ticket") == 1
        assert await redeem_ticket(late, now=AT_THE_END) == CALLER
        assert await redeem_ticket("tkt_%", now=NOW) is None

    run_opened(database_url, body)


def test_availability_is_told_when_it_changes(database_url: str) -> None:
    """Said again it is no event, and neither is what holds from the beginning."""

    async def body() -> None:
        bo, cy = [await make_agent(name, f"{name}@desk.test") for name in ("Bo", "Cy")]
        actor = Actor(type="agent", id=show_id(AGENT, bo), name="Bo")
        for minutes, state in enumerate(("available", "busy", "busy", "away", "available")):
            at = NOW + timedelta(minutes=minutes)
            said = await committed(change_availability(bo, state, actor=actor, now=at))  # type: ignore[arg-type]  # states
            assert said.state == state
        assert await find_availability([bo, cy]) == {bo: Availability("available", NOW + timedelta(minutes=4))}
        await sequence_events()
        rows = await events_after(0, limit=10)
        assert [row["type"] for row in rows] == ["agent.availability_changed"] * 3
        facts = {"agent_id": show_id(AGENT, bo), "from": "available", "to": "busy"}
        assert msgspec.json.decode(rows[0]["facts"]) == facts

    run_opened(database_url, body)
