"""Reading conversations, timelines and deliveries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from inbox.contacts.queries import revoked_consents
from inbox.conversations.thread import Thread
from inbox.kit.clock import show_in_sql
from inbox.kit.db import Row, fetch, fetch_one, fetch_value

MEDIA_OF_KIND = (("phone", "sms"), ("phone", "whatsapp"), ("whatsapp", "whatsapp"), ("email", "email"),
                 ("visitor", "webchat"))  # fmt: skip
"""Which media can write to which kind of address."""
CAN = ", ".join(f"('{kind}', '{medium}')" for kind, medium in MEDIA_OF_KIND)

# A visitor is written to in the chats they have opened, and in no other; a chat that knows no visitors says nothing.
# All of a page's ways in one JSON text: a list waits for it, and its rows one by one would cost it thrice as much. Each
# contact's addresses are looked up by the index (OFFSET 0): for a page of them Postgres would rather read small tables.
WAYS = f"""
SELECT coalesce(json_agg(way), '[]')::text FROM (
    SELECT i.contact_id, ch.id AS channel_id, ch.adapter, ch.medium, ch.provider, i.id AS identity_id, i.address,
           i.blocked_at IS NOT NULL AS blocked, ch.status = 'paused' AS paused, i.objected,
           CASE WHEN ch.medium = 'email' THEN i.bounced END AS bounced, (i.seen->>ch.id::text)::timestamptz AS seen_at
    FROM (
        SELECT held.* FROM {{asked}} CROSS JOIN LATERAL (
            SELECT i.id, i.contact_id, i.kind, i.address, i.created_at, ct.blocked_at,
                   EXISTS (SELECT FROM consent s WHERE s.identity_id = i.id AND s.state = 'revoked') AS objected,
                   (SELECT u.reason FROM undeliverable_address u WHERE u.identity_id = i.id) AS bounced,
                   CASE WHEN i.kind = 'visitor' THEN (
                       SELECT jsonb_object_agg(v.channel_id, v.last_seen_at) FROM visitor v WHERE v.address = i.address
                   ) END AS seen
            FROM identity i JOIN contact ct ON ct.id = i.contact_id WHERE i.contact_id = asked.contact_id OFFSET 0
        ) held OFFSET 0
    ) i
    JOIN (VALUES {CAN}) AS can(kind, medium) ON can.kind = i.kind
    JOIN channel ch ON ch.medium = can.medium AND ch.deleted_at IS NULL AND coalesce(i.seen ? ch.id::text, true)
    ORDER BY ch.created_at, ch.id, i.created_at, i.id
) way
"""  # noqa: S608 (our own media)
TARGETS = WAYS.format(asked="unnest($1::uuid[]) AS asked(contact_id)")

# Moments are read as the API shows them, also by those who read one row.
COLUMNS = f"""
c.id, c.number, c.version, c.subject, c.preview, c.status, {show_in_sql("c.snoozed_until")} AS snoozed_until,
c.priority, c.language, c.handler, c.contact_id, ct.name AS contact_name, c.assignee_id, a.name AS assignee_name,
c.media, c.tags, c.attributes, c.external, c.unread, c.last_seq, {show_in_sql("c.waiting_since")} AS waiting_since,
{show_in_sql("c.last_inbound_at")} AS last_inbound_at, {show_in_sql("c.last_outbound_at")} AS last_outbound_at,
{show_in_sql("c.created_at")} AS created_at, {show_in_sql("c.updated_at")} AS updated_at, c.reply_channel_id,
c.reply_identity_id, c.merged_into, c.csat
"""
TABLES = "FROM conversation c JOIN contact ct ON ct.id = c.contact_id LEFT JOIN agent a ON a.id = c.assignee_id"
CONVERSATIONS = f"SELECT {COLUMNS} {TABLES}"

ENTRIES = f"""
SELECT e.id, e.conversation_id, e.seq, e.type, e.direction, e.visibility, e.channel_id, e.medium, e.provider, e.author,
       e.recipients, e.in_reply_to,
       coalesce(e.client_message_id, e.moved_from->>'client_message_id') AS client_message_id, e.text, e.parts, e.event,
       e.identity_id, e.delivery_state, e.delivery_error, {show_in_sql("e.delivery_updated_at")} AS delivery_updated_at,
       e.provider_message_id, {show_in_sql("e.occurred_at")} AS occurred_at,
       {show_in_sql("e.created_at")} AS created_at, {show_in_sql("e.edited_at")} AS edited_at,
       {show_in_sql("e.redacted_at")} AS redacted_at, e.version,
       {show_in_sql("e.held_until")} AS held_until, e.approved_by, e.moved_from, e.letter
FROM entry e
"""  # noqa: S608 (our own columns)

# Every list comes with the feed's cursor of the same snapshot: from there on nothing is missed. That of conversations
# comes with the ways to their contacts as well, in its first row: one statement costs less than two. `place` is what it
# is sorted by, whole, for the cursor.
PLACE = "to_char(c.{column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
LIST = f"""
WITH page AS MATERIALIZED (
    SELECT {COLUMNS}, {PLACE} AS place {TABLES} {{where}}
    ORDER BY c.{{column}} {{way}}, c.id {{way}} LIMIT {{limit}}
)
SELECT head.cursor AS head, page.*, CASE WHEN row_number() OVER (ORDER BY page.place {{way}}, page.id {{way}}) = 1
       THEN ({WAYS.format(asked="(SELECT DISTINCT page.contact_id FROM page) asked")}) END AS ways
FROM feed_head head LEFT JOIN page ON true ORDER BY page.place {{way}}, page.id {{way}}
"""  # noqa: S608 (as above)
TIMELINE = f"""
SELECT head.cursor AS head, page.* FROM feed_head head JOIN conversation c ON c.id = $1 LEFT JOIN LATERAL (
    {ENTRIES} WHERE e.conversation_id = c.id AND e.seq > $2 AND e.seq < $3
    AND ($4::text[] IS NULL OR e.type = ANY($4)) AND ($5::text IS NULL OR e.visibility = $5)
    ORDER BY e.seq {{}} LIMIT $6
) page ON true ORDER BY page.seq
"""  # noqa: S608 (as above)
FIRST_ENTRIES, LAST_ENTRIES = TIMELINE.format("ASC"), TIMELINE.format("DESC")

Sort = Literal["updated_at", "-updated_at", "created_at", "-created_at"]


class Listed(msgspec.Struct, frozen=True):
    """The rows of a list, where the feed was when they were read, and the ways to the contacts for `sort_targets`."""

    head: int
    rows: list[Row]
    ways: str = "[]"


class ReplyTarget(msgspec.Struct, kw_only=True, frozen=True):
    """One way to write to a contact: an address of theirs by a channel of ours."""

    channel_id: UUID
    adapter: str
    medium: str
    provider: str
    identity_id: UUID
    address: str
    revoked: bool = False
    blocked: bool = False
    paused: bool = False
    bounced: str | None = None
    seen_at: datetime | None = None

    @property
    def remark(self) -> str | None:
        """Why it cannot be taken, or what holds up what takes it."""
        return self.why_not or ("the channel is paused: what is written waits" if self.paused else None)

    @property
    def why_not(self) -> str | None:
        """Why it cannot be taken; None where it can."""
        if self.blocked:
            return "the contact is blocked"
        if self.revoked:
            return "the contact opted out of this channel"
        return f"mail to this address came back: {self.bounced}" if self.bounced else None


class FoundTarget(ReplyTarget, kw_only=True, frozen=True):
    """A way as it is read; `objected` where its contact has ever taken a consent back for this address."""

    contact_id: UUID
    objected: bool


_targets = msgspec.json.Decoder(list[FoundTarget]).decode


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
    return await sort_targets(await fetch_value(TARGETS, list(contact_ids)), contact_ids)


async def sort_targets(ways: str, contact_ids: Iterable[UUID]) -> dict[UUID, list[ReplyTarget]]:
    """Ways as the database tells of them, by contact; it is asked once more where one has ever been objected to."""
    found = _targets(ways)
    revoked = await revoked_consents([(one.identity_id, one.channel_id) for one in found if one.objected])
    targets: dict[UUID, list[ReplyTarget]] = {contact_id: [] for contact_id in contact_ids}
    for one in found:
        is_revoked = bool(revoked) and (one.identity_id, one.channel_id) in revoked
        way = msgspec.structs.replace(one, revoked=True) if is_revoked else one
        targets.setdefault(one.contact_id, []).append(way)
    return targets


def order_targets(
    targets: Sequence[ReplyTarget], channel_id: UUID | None, identity_id: UUID | None
) -> list[ReplyTarget]:
    """The way used last first, then other channels to the same address, then the rest.

    Ways by a paused channel come after all others: what takes one waits until the channel is resumed.
    """
    if len(targets) < 2:
        return list(targets)
    return sorted(
        targets,
        key=lambda target: (
            target.paused,
            (target.channel_id, target.identity_id) != (channel_id, identity_id),
            target.identity_id != identity_id,
        ),
    )


async def find_conversation(conversation_id: UUID) -> Row | None:
    """One conversation with the names a list needs."""
    return await fetch_one(f"{CONVERSATIONS} WHERE c.id = $1", conversation_id)


async def conversation_exists(conversation_id: UUID) -> bool:
    """Whether there is such a conversation."""
    return bool(await fetch_value("SELECT EXISTS (SELECT FROM conversation WHERE id = $1)", conversation_id))


async def find_conversations(ids: Sequence[UUID]) -> dict[UUID, Row]:
    """Several conversations by id."""
    rows = await fetch(f"{CONVERSATIONS} WHERE c.id = ANY($1)", list(ids))
    return {row["id"]: row for row in rows}


async def list_conversations(
    narrowed: ConversationFilter,
    *,
    sort: Sort,
    after: tuple[datetime, UUID] | None,
    limit: int,
    also: Callable[[list[Any]], str] | None = None,
) -> Listed:
    """One page of conversations; `after` is `place`, the value sorted by, and id of the last row of the page before.

    `also` makes one more condition, over `conversation c`, and appends its values to the parameters.
    """
    column, descending = sort.lstrip("-"), sort.startswith("-")
    conditions, args = narrow_conversations(narrowed)
    if also is not None:
        conditions.append(also(args))
    if after is not None:
        args += after
        sign = "<" if descending else ">"
        conditions.append(f"(c.{column}, c.id) {sign} (${len(args) - 1}, ${len(args)})")
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    way = "DESC" if descending else "ASC"
    return _listed(await fetch(LIST.format(where=where, column=column, way=way, limit=int(limit)), *args))


def narrow_conversations(narrowed: ConversationFilter) -> tuple[list[str], list[Any]]:
    """The conditions of a filter over `conversation c`, and their parameters."""
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


async def read_timeline(
    conversation_id: UUID,
    *,
    after_seq: int | None = None,
    before_seq: int | None = None,
    types: Sequence[str] | None = None,
    visibility: str | None = None,
    limit: int,
) -> Listed | None:
    """Part of a timeline in the order of `seq`: the first after `after_seq`, else the last before `before_seq`.

    None where there is no such conversation.
    """
    forwards = after_seq is not None
    rows = await fetch(
        FIRST_ENTRIES if forwards else LAST_ENTRIES,
        conversation_id,
        after_seq if after_seq is not None else 0,
        before_seq if before_seq is not None else 2**31 - 1,
        list(types) if types else None,
        visibility,
        limit,
    )
    return _listed(rows) if rows else None


def _listed(rows: list[Row]) -> Listed:
    """A list that is empty is one row without an id."""
    first = rows[0]
    return Listed(first["head"], rows if first["id"] is not None else [], first.get("ways") or "[]")


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
        "SELECT r.id, r.channel_id, r.kind, r.method, r.url, r.headers, r.body, r.received_at, r.redacted_at "
        "FROM entry e JOIN raw_event r ON r.id = e.raw_event_id AND r.channel_id IN (SELECT id FROM channel) "
        "WHERE e.id = $1",
        entry_id,
    )


async def list_attempts(entry_ids: Sequence[UUID]) -> list[Row]:
    """All tries and reports of these messages, oldest first."""
    return await fetch(
        "SELECT d.entry_id, a.id, a.kind, a.outcome, a.error, a.detail, a.evidence, a.started_at, a.finished_at, "
        "d.id AS delivery_id, d.round, d.piece, d.channel_id, d.provider_message_id, d.state "
        "FROM delivery_attempt a JOIN delivery d ON d.id = a.delivery_id WHERE d.entry_id = ANY($1) ORDER BY a.id",
        list(entry_ids),
    )
