"""Whatever happens in whatever order: no entry is lost or doubled, and no timeline has a hole."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from random import Random
from uuid import UUID

import pytest

from inbox.conversations.actions.change import mark_read, set_status
from inbox.intake.batch import Lane
from inbox.kit.db import fetch
from inbox.kit.errors import Problem
from tests.inbox.builders import AGENT, ANA, BEN, NOW, committed, make_channel, receive, reply, run_opened, text_message
from tests.inbox.conversations.moves.threads import check_timelines, merge, note, split, undo

STEPS = 100
FEWEST = 2
"""How often each kind of move has to have come about, for the test to say anything."""
EXPECTED = {"conversation_merged", "merge_cycle", "state_conflict", "validation_failed", "channel_cannot"}


class Desk:
    """People who write and an agent who answers, merges and splits, by chance."""

    def __init__(self, seed: int, lane: Lane) -> None:
        self.chance = Random(seed)
        self.lane = lane
        self.now = NOW
        self.written: set[UUID] = set()
        self.done: Counter[str] = Counter()

    async def step(self) -> None:
        """One thing, which may be refused for a reason."""
        self.now += timedelta(seconds=1)
        often, seldom = [self.hear, self.join, self.part, self.revert], [self.answer, self.jot, self.close, self.see]
        act = self.chance.choice([*often, *often, self.join, *seldom])
        try:
            await act()
        except Problem as problem:
            if problem.code not in EXPECTED:
                raise
        else:
            self.done[act.__name__] += 1

    async def hear(self) -> None:
        """Somebody writes."""
        await receive(self.lane, text_message("hi", sender=self.chance.choice([ANA, BEN])), now=self.now)

    async def answer(self) -> None:
        """An answer."""
        self.written.add(await reply(await self.any_conversation(), now=self.now))

    async def jot(self) -> None:
        """A note."""
        self.written.add(await note(await self.any_conversation(), "note", now=self.now))

    async def join(self) -> None:
        """Two become one."""
        await merge(await self.any_conversation(), await self.any_conversation(), across=True, now=self.now)

    async def part(self) -> None:
        """One becomes two, at a place or by picking."""
        conversation = await self.any_conversation()
        rows = await fetch("SELECT id, seq FROM entry WHERE conversation_id = $1 ORDER BY seq", conversation)
        if not rows:
            return
        if self.chance.random() < 0.5:
            await split(conversation, self.chance.choice(rows)["seq"], now=self.now)
        else:
            picked = self.chance.sample(rows, self.chance.randint(1, len(rows)))
            await split(conversation, [row["id"] for row in picked], now=self.now)

    async def revert(self) -> None:
        """One of the last moves is undone."""
        moves = await fetch("SELECT id FROM conversation_move WHERE undone_at IS NULL ORDER BY created_at DESC LIMIT 4")
        if moves:
            await undo(self.chance.choice(moves)["id"], now=self.now)

    async def close(self) -> None:
        """It is done."""
        await committed(set_status(await self.any_conversation(), "closed", actor=AGENT, now=self.now))

    async def see(self) -> None:
        """All of it is read."""
        await committed(mark_read(await self.any_conversation(), up_to_seq=None, actor=AGENT, now=self.now))

    async def any_conversation(self) -> UUID:
        """One of those there are, mostly one that is not merged away."""
        live = self.chance.random() < 0.8
        rows = await fetch("SELECT id FROM conversation WHERE merged_into IS NULL OR NOT $1 ORDER BY id", live)
        return UUID(int=self.chance.choice(rows)["id"].int)


async def check_feed() -> None:
    """Who follows the feed ends up knowing where every entry is, and sees each timeline grow by one."""
    heights: dict[UUID, int] = {}
    places: dict[UUID, tuple[UUID, int]] = {}
    told = await fetch("SELECT type, conversation_id, entry_id, seq FROM feed_event ORDER BY position")
    for event in told:
        where, seq = event["conversation_id"], event["seq"]
        if seq is None:
            continue
        assert seq <= heights.get(where, 0) + 1
        heights[where] = max(seq, heights.get(where, 0))
        if event["entry_id"]:
            places[event["entry_id"]] = (where, seq)
    stored = await fetch(
        "SELECT id, conversation_id, seq FROM entry WHERE event->>'name' IS DISTINCT FROM 'entry_moved'"
    )
    assert places == {row["id"]: (row["conversation_id"], row["seq"]) for row in stored}
    last = await fetch("SELECT id, last_seq FROM conversation")
    assert heights == {row["id"]: row["last_seq"] for row in last}


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_lost_or_doubled(seed: int, database_url: str) -> None:
    """Messages, notes, merges, splits and undos in any order keep every entry once, in timelines without holes."""

    async def body() -> None:
        desk = Desk(seed, await make_channel())
        await desk.hear()
        for _ in range(STEPS):
            await desk.step()
            await check_timelines()
        heard = 1 + desk.done["hear"]
        messages = await fetch("SELECT id, direction, type FROM entry WHERE type <> 'event'")
        assert sum(row["direction"] == "inbound" for row in messages) == heard
        assert desk.written <= {row["id"] for row in messages}
        assert len(messages) == heard + len(desk.written)
        await check_feed()
        assert min(desk.done[act] for act in ("join", "part", "revert")) >= FEWEST, desk.done

    run_opened(database_url, body)
