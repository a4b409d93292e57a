"""Merges and undos in any order, among messages: people are never lost, and end as they began."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest

from inbox.contacts.queries import find_contact
from inbox.conversations.actions.change import set_status
from inbox.conversations.contact_merging.actions import merge_contacts, unmerge_contacts
from inbox.conversations.contact_merging.merge import MergeOrder
from inbox.intake.batch import Lane
from inbox.kit.db import fetch, fetch_value
from inbox.kit.errors import Problem
from tests.inbox.builders import AGENT, NOW, committed, make_channel, receive, run_opened, text_message
from tests.inbox.conversations.contact_merging.merging import writer
from tests.inbox.conversations.contact_merging.test_undo import contacts

STEPS = 45
PEOPLE = 5
NUMBERS = [f"+1212555010{number}" for number in range(PEOPLE)]
EXPECTED = {"merge_cycle", "state_conflict"}

STANDING = "SELECT id FROM contact_merge WHERE undone_at IS NULL ORDER BY id DESC"
OWNERS = "SELECT address, contact_id FROM identity ORDER BY address"
HOMELESS = """
SELECT i.address FROM identity i WHERE NOT EXISTS (SELECT FROM contact c WHERE c.id = i.contact_id)
UNION ALL SELECT c.id::text FROM conversation c WHERE NOT EXISTS (SELECT FROM contact p WHERE p.id = c.contact_id)
UNION ALL SELECT m.from_id::text FROM contact_merge m JOIN contact c ON c.id = m.from_id WHERE m.undone_at IS NULL
"""


class Desk:
    """People who write, and somebody who merges and parts them by chance."""

    def __init__(self, seed: int, lane: Lane, people: list[UUID]) -> None:
        self.chance = Random(seed)
        self.lane = lane
        self.people = people
        self.now: datetime = NOW
        self.done: Counter[str] = Counter()

    async def step(self) -> None:
        """One thing, which may be refused for a reason."""
        self.now += timedelta(hours=7)
        act = self.chance.choice([self.hear, self.hear, self.close, self.join, self.join, self.part])
        try:
            await act()
            self.done[act.__name__] += 1
        except Problem as problem:
            self.done[problem.code] += 1

    async def hear(self) -> None:
        """Somebody writes."""
        await receive(self.lane, text_message("hi", sender=self.chance.choice(NUMBERS)), now=self.now)

    async def close(self) -> None:
        """A conversation is done."""
        rows = await fetch("SELECT id FROM conversation WHERE status <> 'closed' ORDER BY id")
        if rows:
            await committed(set_status(self.chance.choice(rows)["id"], "closed", actor=AGENT, now=self.now))

    async def join(self) -> None:
        """Two become one."""
        one, other = self.chance.choices(self.people, k=2)
        choices: Any = {("name", None): self.chance.choice(["from", "into"])}
        order = MergeOrder(from_id=one, into_id=other, choices=choices)
        await committed(merge_contacts(order, actor=AGENT, now=self.now))

    async def part(self) -> None:
        """One becomes two, whichever merge it was."""
        rows = await fetch(STANDING)
        if rows:
            merge_id = self.chance.choice(rows)["id"]
            await committed(unmerge_contacts(merge_id, actor=AGENT, now=self.now))


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_is_merged_comes_apart_again(database_url: str, seed: int) -> None:
    """In between everybody has a home and every id an answer; with all undone everybody is who they were."""

    async def body() -> None:
        lane = await make_channel()
        people = [(await writer(lane, number, name=f"N{number}", attributes={number[1:]: 1}))[0] for number in NUMBERS]
        before, owners = await contacts(*people), await fetch(OWNERS)
        desk = Desk(seed, lane, people)
        for _ in range(STEPS):
            await desk.step()
            assert await fetch(HOMELESS) == []
        for person in people:
            assert person in {(found := await find_contact(person)).id, *found.merged_ids}
        while merge_id := await fetch_value(STANDING):
            await committed(unmerge_contacts(merge_id, actor=AGENT, now=desk.now))
        assert await contacts(*people) == before
        assert await fetch(OWNERS) == owners
        assert set(desk.done) - {"hear", "close", "join", "part"} <= EXPECTED
        assert min(desk.done[name] for name in ("hear", "join", "part", "state_conflict")) >= 2

    run_opened(database_url, body)
