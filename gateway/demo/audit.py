"""Whether anything was lost or doubled: the ledgers, phones and mailboxes against the timelines. Pure but for
`read_timelines`, which reads them over the API.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TypeAlias

import msgspec

from gateway.commands.client import PAGE_ITEMS, GatewayClient
from gateway.commands.spoken import SpokenContact, SpokenConversation, SpokenEntry, SpokenPage
from gateway.demo.phones import Written
from gateway.demo.watch import DELIVERED, ENDS, state_of

READERS = 8
"""Timelines read at a time."""
HONEST_ENDS = frozenset({"failed", "undelivered", "expired", "canceled", "unknown"})
"""States in which the API does not claim that a message arrived."""

Words: TypeAlias = tuple[str, str]
"""A text on a phone, a mail, or an answer in the chat: the address, and the words."""


class Timelines(msgspec.Struct, kw_only=True):
    """What the API tells of one run: how often each of the provider's messages is in a timeline, and what we wrote.

    `older` were written in earlier runs and moved in this one.
    """

    inbound: Counter[str]
    outbound: list[SpokenEntry]
    older: list[SpokenEntry]


class Audit(msgspec.Struct, kw_only=True, frozen=True):
    """The figures of a run. `waiting` counts replies that had not come to their end when they were taken."""

    sent: int
    stored: int
    answered: int
    delivered: int
    lost: int
    doubled: int
    waiting: int


def audit_run(told: Iterable[Written], arrived: Mapping[Words, int], timelines: Timelines, *, settled: bool) -> Audit:
    """Compare both sides.

    A message whose sender was told we have it must be in one timeline, once; a reply must have arrived, once, unless
    the API itself says that it failed or that nobody knows. Where there was no time to settle, what is still on its
    way is not missed.
    """
    messages = list(told)
    sids = [message.sid for message in messages]
    absent = sum(message.acknowledged and not timelines.inbound[message.sid] for message in messages)
    claimed = Counter(_words(entry) for entry in timelines.outbound if _is_claimed(entry, settled=settled))
    possible = Counter(_words(entry) for entry in [*timelines.outbound, *timelines.older])
    missing = sum(max(0, count - arrived.get(words, 0)) for words, count in claimed.items())
    surplus = sum(max(0, count - possible[words]) for words, count in arrived.items())
    return Audit(
        sent=len(messages),
        stored=sum(timelines.inbound[sid] > 0 for sid in sids),
        answered=len(timelines.outbound),
        delivered=sum(state_of(entry) in DELIVERED for entry in timelines.outbound),
        lost=(absent if settled else 0) + missing,
        doubled=sum(max(0, timelines.inbound[sid] - 1) for sid in sids) + surplus,
        waiting=sum(state_of(entry) not in ENDS for entry in timelines.outbound),
    )


def _is_claimed(entry: SpokenEntry, *, settled: bool) -> bool:
    """Whether the API answers for it that this message is, or by now should be, on its phone."""
    return state_of(entry) in DELIVERED or (settled and state_of(entry) not in HONEST_ENDS)


def _words(entry: SpokenEntry) -> Words:
    return (entry.recipients[0].address if entry.recipients else "", entry.text)


async def read_timelines(client: GatewayClient, *, since: str, numbers: Collection[str]) -> Timelines:
    """Every message of the conversations that moved since a moment, as the API shows moments.

    And of those with these numbers, where they are others: a report of delivery does not move a conversation.
    """
    moved = [each.id async for each in client.get_all("/conversations", SpokenConversation, updated_after=since)]
    entries = await _read_all(client, moved, since=since)
    seen = {entry.recipients[0].address for entry in entries if entry.direction == "outbound" and entry.recipients}
    others = [each for number in set(numbers) - seen for each in await _find_conversations(client, number)]
    return sort_entries([*entries, *await _read_all(client, others, since=since)], since=since)


def keep_ours(timelines: Timelines, is_ours: Callable[[SpokenEntry], bool]) -> Timelines:
    """Without our messages to people who are none of the demo's: whether those arrived, their own browsers know."""
    return Timelines(
        inbound=timelines.inbound,
        outbound=[entry for entry in timelines.outbound if is_ours(entry)],
        older=[entry for entry in timelines.older if is_ours(entry)],
    )


def sort_entries(entries: Iterable[SpokenEntry], *, since: str) -> Timelines:
    """Messages of the timelines by what they are to the check."""
    timelines = Timelines(inbound=Counter(), outbound=[], older=[])
    for entry in entries:
        if entry.direction == "inbound" and entry.provider and entry.provider.message_id:
            timelines.inbound[entry.provider.message_id] += 1
        elif entry.direction == "outbound" and entry.created_at >= since:
            timelines.outbound.append(entry)
        elif entry.direction == "outbound" and entry.delivery and (entry.delivery.updated_at or "") >= since:
            timelines.older.append(entry)
    return timelines


async def _find_conversations(client: GatewayClient, number: str) -> list[str]:
    contacts = [each.id async for each in client.get_all("/contacts", SpokenContact, identity=number)]
    return [
        each.id
        for contact in contacts
        async for each in client.get_all("/conversations", SpokenConversation, contact=contact)
    ]


async def _read_all(client: GatewayClient, conversations: Iterable[str], *, since: str) -> list[SpokenEntry]:
    room = asyncio.Semaphore(READERS)
    timelines = await asyncio.gather(*(_read_timeline(client, one, since=since, room=room) for one in conversations))
    return [entry for timeline in timelines for entry in timeline]


async def _read_timeline(
    client: GatewayClient, conversation: str, *, since: str, room: asyncio.Semaphore
) -> list[SpokenEntry]:
    """The messages from the last one back to those that are older than the moment."""
    entries: list[SpokenEntry] = []
    before: int | None = None
    while True:
        async with room:
            page = await client.get(
                f"/conversations/{conversation}/entries",
                SpokenPage[SpokenEntry],
                before_seq=before,
                types="message",
                limit=PAGE_ITEMS,
            )
        entries += page.data
        if not page.page.has_more or not page.data or page.data[0].created_at < since:
            return entries
        before = page.data[0].seq
