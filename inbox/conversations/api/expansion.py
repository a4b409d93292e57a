"""What may be expanded in conversations and entries, and the objects for a whole page: one statement an expansion."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

import msgspec
from litestar.params import QueryParameter

from inbox.contacts.api.shapes import ContactObject, show_contact
from inbox.contacts.queries import find_contacts
from inbox.conversations.api.entries import EntryObject, ExpandedEntry, show_entry
from inbox.conversations.queries import ENTRIES, ReplyTarget, find_entries, order_targets
from inbox.kit.callers import Scope
from inbox.kit.db import Row, fetch
from inbox.kit.expand import EXPAND_CHARS
from inbox.kit.ids import show_id
from inbox.staff.api import AgentObject, show_agent
from inbox.staff.queries import find_agents

IN_CONVERSATIONS: Mapping[str, Scope | None] = {
    "contact": "contacts:read",
    "assignee": "agents:read",
    "last_entry": None,
    "last_message": None,
    "reply_targets": None,
}
IN_ENTRIES: Mapping[str, Scope | None] = {"in_reply_to": None}

ExpandConversations: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        max_length=EXPAND_CHARS,
        description="Objects to be given whole, in `expanded`, separated by commas: `contact` (needs contacts:read), "
        "`assignee` (needs agents:read), `last_entry`, `last_message`, `reply_targets`.",
    ),
]
ExpandEntries: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        max_length=EXPAND_CHARS, description="`in_reply_to`, to be given the answered entry whole, in `expanded`."
    ),
]

LAST = f"""
{ENTRIES} JOIN conversation c ON c.id = e.conversation_id AND e.seq = c.last_seq WHERE c.id = ANY($1)
"""
LAST_MESSAGES = f"""
{ENTRIES} WHERE e.id IN (
    SELECT last.id FROM unnest($1::uuid[]) AS asked(id), LATERAL (
        SELECT m.id FROM entry m WHERE m.conversation_id = asked.id AND m.type = 'message' ORDER BY m.seq DESC LIMIT 1
    ) last
)
"""  # noqa: S608 (the columns are ours)


class ReplyTargetObject(msgspec.Struct, kw_only=True, frozen=True):
    """One way to write to the contact; `reason` says why it cannot be taken, or what holds it up."""

    object: Literal["reply_target"] = "reply_target"
    channel: str
    channel_id: str
    identity_id: str
    address: str
    can_reply: bool
    reason: str | None


class ExpandedConversation(msgspec.Struct, kw_only=True, frozen=True):
    """What was asked for by `expand`; the rest is null."""

    contact: ContactObject | None = None
    assignee: AgentObject | None = None
    last_entry: EntryObject | None = None
    last_message: EntryObject | None = None
    reply_targets: list[ReplyTargetObject] | None = None


class Whole(msgspec.Struct, kw_only=True, frozen=True):
    """The objects a page of conversations names, by id, as far as they were asked for."""

    wanted: frozenset[str]
    contacts: dict[UUID, ContactObject] = {}
    agents: dict[UUID, AgentObject] = {}
    last_entries: dict[UUID, EntryObject] = {}
    last_messages: dict[UUID, EntryObject] = {}


async def find_whole(rows: Sequence[Row], wanted: frozenset[str]) -> Whole:
    """Everything asked for of these conversations."""
    ids = [row["id"] for row in rows]
    contacts = await find_contacts(_unique(rows, "contact_id")) if "contact" in wanted and rows else {}
    agents = await find_agents(_unique(rows, "assignee_id")) if "assignee" in wanted else {}
    return Whole(
        wanted=wanted,
        contacts={one: show_contact(contact) for one, contact in contacts.items()},
        agents={one: show_agent(agent) for one, agent in agents.items()},
        last_entries=await _entries(LAST, ids) if "last_entry" in wanted else {},
        last_messages=await _entries(LAST_MESSAGES, ids) if "last_message" in wanted else {},
    )


def show_whole(row: Row, whole: Whole, targets: list[ReplyTarget]) -> ExpandedConversation:
    """The expanded objects of one conversation."""
    ordered = order_targets(targets, row["reply_channel_id"], row["reply_identity_id"])
    return ExpandedConversation(
        contact=whole.contacts.get(row["contact_id"]),
        assignee=whole.agents.get(row["assignee_id"]),
        last_entry=whole.last_entries.get(row["id"]),
        last_message=whole.last_messages.get(row["id"]),
        reply_targets=[_show_target(one) for one in ordered] if "reply_targets" in whole.wanted else None,
    )


async def expand_entries(
    shown: Sequence[EntryObject], rows: Sequence[Row], wanted: Collection[str]
) -> list[EntryObject]:
    """Entries with those they answer, if that was asked for."""
    if "in_reply_to" not in wanted:
        return list(shown)
    answered = await find_entries(_unique(rows, "in_reply_to"))
    return [
        msgspec.structs.replace(one, expanded=ExpandedEntry(in_reply_to=_maybe(answered.get(row["in_reply_to"]))))
        for one, row in zip(shown, rows, strict=True)
    ]


async def _entries(sql: str, ids: list[UUID]) -> dict[UUID, EntryObject]:
    return {row["conversation_id"]: show_entry(row) for row in await fetch(sql, ids)}


def _maybe(row: Row | None) -> EntryObject | None:
    return show_entry(row) if row else None


def _show_target(target: ReplyTarget) -> ReplyTargetObject:
    return ReplyTargetObject(
        channel=target.medium,
        channel_id=show_id("cha", target.channel_id),
        identity_id=show_id("idn", target.identity_id),
        address=target.address,
        can_reply=target.why_not is None,
        reason=target.remark,
    )


def _unique(rows: Sequence[Row], column: str) -> list[UUID]:
    return sorted({row[column] for row in rows if row[column] is not None})
