"""Reading conversations, timelines and deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from inbox.contacts.queries import revoked_consents
from inbox.conversations.thread import Thread
from inbox.kit.db import Row, fetch, fetch_one

MEDIA_OF_KIND = (("phone", "sms"), ("phone", "whatsapp"), ("whatsapp", "whatsapp"), ("email", "email"),
                 ("visitor", "webchat"))  # fmt: skip
"""Which media can write to which kind of address."""

TARGETS = """
SELECT i.contact_id, ch.id AS channel_id, ch.adapter, ch.medium, ch.provider, i.id AS identity_id, i.kind, i.address
FROM identity i
JOIN unnest($2::text[], $3::text[]) AS can(kind, medium) ON can.kind = i.kind
JOIN channel ch ON ch.medium = can.medium AND ch.status = 'active' AND ch.deleted_at IS NULL
WHERE i.contact_id = ANY($1)
ORDER BY ch.created_at, ch.id, i.created_at, i.id
"""

CONVERSATIONS = """
SELECT c.id, c.number, c.version, c.subject, c.preview, c.status, c.snoozed_until, c.priority, c.language, c.handler,
       c.contact_id, ct.name AS contact_name, c.assignee_id, a.name AS assignee_name, c.media, c.tags, c.attributes,
       c.external, c.unread, c.last_seq, c.waiting_since, c.last_inbound_at, c.last_outbound_at, c.created_at,
       c.updated_at, c.reply_channel_id, c.reply_identity_id
FROM conversation c JOIN contact ct ON ct.id = c.contact_id LEFT JOIN agent a ON a.id = c.assignee_id
"""

ENTRIES = """
SELECT e.id, e.conversation_id, e.seq, e.type, e.direction, e.visibility, e.channel_id, e.medium, e.provider, e.author,
       e.recipients, e.in_reply_to, e.client_message_id, e.text, e.parts, e.event, e.delivery_state, e.delivery_error,
       e.delivery_updated_at, e.provider_message_id, e.occurred_at, e.created_at, e.edited_at, e.redacted_at, e.version
FROM entry e
"""

Sort = Literal["updated_at", "-updated_at", "created_at", "-created_at"]


class ReplyTarget(msgspec.Struct, kw_only=True, frozen=True):
    """One way to write to a contact: an address of theirs by a channel of ours."""

    channel_id: UUID
    adapter: str
    medium: str
    provider: str
    identity_id: UUID
    address: str
    revoked: bool


class ConversationFilter(msgspec.Struct, kw_only=True, frozen=True):
    """What a list is narrowed to; None and () mean no narrowing. `unassigned` asks for those nobody holds."""

    statuses: tuple[str, ...] = ()
    assignee_id: UUID | None = None
    unassigned: bool = False
    tag: str | None = None
    medium: str | None = None
    channel_id: UUID | None = None
    contact_id: UUID | None = None
    level: str | None = None
    unread: bool | None = None
    updated_after: datetime | None = None


async def find_reply_targets(thread: Thread) -> list[ReplyTarget]:
    """All ways to write to the contact of a conversation; first the one that was used last."""
    targets = await find_contact_targets([thread.contact_id])
    return order_targets(targets[thread.contact_id], thread.reply_channel_id, thread.reply_identity_id)


async def find_contact_targets(contact_ids: Sequence[UUID]) -> dict[UUID, list[ReplyTarget]]:
    """All ways to write to each of these contacts, the oldest channel first."""
    kinds, media = zip(*MEDIA_OF_KIND, strict=True)
    rows = await fetch(TARGETS, list(contact_ids), kinds, media)
    revoked = await revoked_consents([(row["identity_id"], row["channel_id"]) for row in rows])
    targets: dict[UUID, list[ReplyTarget]] = {contact_id: [] for contact_id in contact_ids}
    for row in rows:
        targets[row["contact_id"]].append(
            ReplyTarget(
                channel_id=row["channel_id"],
                adapter=row["adapter"],
                medium=row["medium"],
                provider=row["provider"],
                identity_id=row["identity_id"],
                address=row["address"],
                revoked=(row["identity_id"], row["channel_id"]) in revoked,
            )
        )
    return targets


def order_targets(
    targets: Sequence[ReplyTarget], channel_id: UUID | None, identity_id: UUID | None
) -> list[ReplyTarget]:
    """The way used last first, then other channels to the same address, then the rest."""
    return sorted(
        targets,
        key=lambda target: (
            (target.channel_id, target.identity_id) != (channel_id, identity_id),
            target.identity_id != identity_id,
        ),
    )


async def find_conversation(conversation_id: UUID) -> Row | None:
    """One conversation with the names a list needs."""
    return await fetch_one(f"{CONVERSATIONS} WHERE c.id = $1", conversation_id)


async def find_conversations(ids: Sequence[UUID]) -> dict[UUID, Row]:
    """Several conversations by id."""
    rows = await fetch(f"{CONVERSATIONS} WHERE c.id = ANY($1)", list(ids))
    return {row["id"]: row for row in rows}


async def list_conversations(
    narrowed: ConversationFilter, *, sort: Sort, after: tuple[datetime, UUID] | None, limit: int
) -> list[Row]:
    """One page of conversations; `after` is the sort value and id of the last row of the page before."""
    column, descending = sort.lstrip("-"), sort.startswith("-")
    conditions, args = _conditions(narrowed)
    if after is not None:
        args += after
        sign = "<" if descending else ">"
        conditions.append(f"(c.{column}, c.id) {sign} (${len(args) - 1}, ${len(args)})")
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    direction = "DESC" if descending else "ASC"
    order = f"ORDER BY c.{column} {direction}, c.id {direction} LIMIT {int(limit)}"
    return await fetch(f"{CONVERSATIONS} {where} {order}", *args)


def _conditions(narrowed: ConversationFilter) -> tuple[list[str], list[Any]]:
    asked: list[tuple[str, Any]] = [
        ("c.status = ANY({})", list(narrowed.statuses) or None),
        ("c.assignee_id = {}", narrowed.assignee_id),
        ("c.tags @> ARRAY[{}::text]", narrowed.tag),
        ("c.media @> ARRAY[{}::text]", narrowed.medium),
        ("c.reply_channel_id = {}", narrowed.channel_id),
        ("c.contact_id = {}", narrowed.contact_id),
        ("c.priority->>'level' = {}", narrowed.level),
        ("(c.unread > 0) = {}", narrowed.unread),
        ("c.updated_at > {}", narrowed.updated_after),
    ]
    used = [(condition, value) for condition, value in asked if value is not None]
    conditions = [condition.format(f"${number}") for number, (condition, _) in enumerate(used, 1)]
    if narrowed.unassigned:
        conditions.append("c.assignee_id IS NULL")
    return conditions, [value for _, value in used]


async def list_entries(
    conversation_id: UUID,
    *,
    after_seq: int | None = None,
    before_seq: int | None = None,
    types: Sequence[str] | None = None,
    visibility: str | None = None,
    limit: int,
) -> list[Row]:
    """Part of a timeline in the order of `seq`: the first after `after_seq`, else the last before `before_seq`."""
    forwards = after_seq is not None
    rows = await fetch(
        f"""{ENTRIES} WHERE e.conversation_id = $1 AND e.seq > $2 AND e.seq < $3
        AND ($4::text[] IS NULL OR e.type = ANY($4)) AND ($5::text IS NULL OR e.visibility = $5)
        ORDER BY e.seq {"ASC" if forwards else "DESC"} LIMIT $6""",
        conversation_id,
        after_seq if after_seq is not None else 0,
        before_seq if before_seq is not None else 2**31 - 1,
        list(types) if types else None,
        visibility,
        limit,
    )
    return rows if forwards else rows[::-1]


async def find_entry(entry_id: UUID) -> Row | None:
    """One entry."""
    return await fetch_one(f"{ENTRIES} WHERE e.id = $1", entry_id)


async def find_entries(ids: Sequence[UUID]) -> dict[UUID, Row]:
    """Several entries by id."""
    rows = await fetch(f"{ENTRIES} WHERE e.id = ANY($1)", list(ids))
    return {row["id"]: row for row in rows}


async def find_raw_event(entry_id: UUID) -> Row | None:
    """The journaled request an inbound message came in."""
    return await fetch_one(
        "SELECT r.id, r.channel_id, r.kind, r.method, r.url, r.headers, r.body, r.received_at "
        "FROM entry e JOIN raw_event r ON r.id = e.raw_event_id AND r.channel_id IN (SELECT id FROM channel) "
        "WHERE e.id = $1",
        entry_id,
    )


async def list_attempts(entry_id: UUID) -> list[Row]:
    """All tries and reports of a message, oldest first."""
    return await fetch(
        "SELECT a.id, a.kind, a.outcome, a.error, a.detail, a.started_at, a.finished_at, d.id AS delivery_id, "
        "d.round, d.piece, d.channel_id, d.provider_message_id, d.state "
        "FROM delivery_attempt a JOIN delivery d ON d.id = a.delivery_id WHERE d.entry_id = $1 ORDER BY a.id",
        entry_id,
    )
