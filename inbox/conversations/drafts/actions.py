"""Saving drafts: every save is a version, and nobody overwrites what they have not seen.

All changes are made under the conversation's lock, then the draft's, so that the feed tells them in their order.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from channels.parts import plain_text
from inbox.conversations.actions.store import lock_thread, lock_thread_by, store_threads
from inbox.conversations.drafts.draft import (
    DRAFTS_MAX,
    VERSIONS_KEPT,
    DraftChange,
    DraftContent,
    DraftState,
    change_content,
)
from inbox.conversations.drafts.queries import DRAFTS, content_of, find_draft, find_draft_version
from inbox.conversations.entry import Author
from inbox.conversations.thread import Held, tell
from inbox.feed.events import EventType
from inbox.kit.callers import Actor
from inbox.kit.db import Row, execute, fetch_one, fetch_value
from inbox.kit.errors import Problem
from inbox.kit.ids import DRAFT, new_id, show_id
from inbox.kit.versions import check_version, mismatch

INSERT = """
INSERT INTO draft (id, conversation_id, author, medium, channel_id, in_reply_to, text, parts, mail, saved_by,
                   created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
"""
SAVE = """
UPDATE draft SET medium = $2, channel_id = $3, in_reply_to = $4, text = $5, parts = $6, mail = $7, saved_by = $8,
                 version = version + 1, updated_at = $9
WHERE id = $1
"""
KEEP = """
WITH old AS (
    DELETE FROM draft_version v USING draft d WHERE d.id = $1 AND v.draft_id = d.id AND v.version <= d.version - $2
)
INSERT INTO draft_version (draft_id, version, medium, channel_id, in_reply_to, text, parts, mail, saved_by, saved_at)
SELECT id, version, medium, channel_id, in_reply_to, text, parts, mail, saved_by, updated_at FROM draft WHERE id = $1
"""
SETTLE = """
UPDATE draft SET state = $2, scheduled_message_id = $3, entry_id = $4, approved_by = $5, version = version + 1,
                 updated_at = $6
WHERE id = $1 RETURNING version
"""


async def create_draft(
    conversation_id: UUID, content: DraftContent, *, author: Author, actor: Actor, now: datetime
) -> UUID:
    """A new draft in somebody's name; `actor` is who saved it."""
    held = await lock_thread(conversation_id)
    waiting = await fetch_value(
        "SELECT count(*) FROM draft WHERE conversation_id = $1 AND state <> 'sent'", conversation_id
    )
    if waiting >= DRAFTS_MAX:
        raise Problem("state_conflict", f"A conversation has at most {DRAFTS_MAX} drafts", hint="Delete one first")
    draft_id = await add_draft(held, content, author=author, actor=actor, now=now)
    await store_threads([held], now=now)
    return draft_id


async def add_draft(held: Held, content: DraftContent, *, author: Author, actor: Actor, now: datetime) -> UUID:
    """A new draft of a conversation that is held, told with what else is told of it."""
    draft_id = new_id()
    await execute(INSERT, draft_id, held.thread.id, _json(author), *_columns(content), _json(actor), now)
    await execute(KEEP, draft_id, VERSIONS_KEPT)
    tell_draft(held, "draft.created", draft_id, version=1, actor=actor)
    return draft_id


async def update_draft(
    draft_id: UUID, change: DraftChange, *, actor: Actor, now: datetime, version: int | None = None
) -> None:
    """Save what differs as the next version; what differs in nothing is no version."""
    held, row = await hold_draft(draft_id, version=version)
    _check_open(row)
    before = content_of(row)
    after = change_content(before, change)
    if after != before:
        await _save(held, row, after, actor=actor, now=now)


async def restore_draft(draft_id: UUID, kept: int, *, actor: Actor, now: datetime) -> None:
    """Bring an earlier version back, as the next one: nothing between is lost."""
    held, row = await hold_draft(draft_id)
    _check_open(row)
    await _save(held, row, content_of(await find_draft_version(draft_id, kept)), actor=actor, now=now)


async def delete_draft(draft_id: UUID, *, actor: Actor, now: datetime) -> None:
    """Forget a draft with all its versions; one that was sent or is to be sent stays for the record."""
    held, row = await hold_draft(draft_id)
    _check_open(row)
    await execute("DELETE FROM draft WHERE id = $1", draft_id)
    tell_draft(held, "draft.deleted", draft_id, version=row["version"], actor=actor)
    await store_threads([held], now=now)


async def hold_draft(draft_id: UUID, *, version: int | None = None) -> tuple[Held, Row]:
    """A draft under its lock, with its conversation under its own; else the `not_found` problem.

    The `version_mismatch` problem where it is meant in another version: by If-Match, or by `version`.
    """

    async def place() -> UUID:
        return UUID(int=(await find_draft(draft_id))["conversation_id"].int)

    held = await lock_thread_by(place)
    row = await fetch_one(f"{DRAFTS} WHERE id = $1 FOR UPDATE", draft_id)
    if row is None:
        raise Problem("not_found", f"There is no draft {show_id(DRAFT, draft_id)}")
    check_version(draft_id, row["version"])
    if version not in (None, row["version"]):
        raise mismatch(f"it has version {row['version']} by now")
    return held, row


async def settle_draft(
    held: Held,
    draft_id: UUID,
    state: DraftState,
    *,
    actor: Actor,
    now: datetime,
    scheduled_id: UUID | None = None,
    entry_id: UUID | None = None,
    approved_by: Actor | None = None,
) -> None:
    """A draft of a conversation that is held was sent, is to be sent later, or is open again."""
    approver = _json(approved_by) if approved_by else None
    version = await fetch_value(SETTLE, draft_id, state, scheduled_id, entry_id, approver, now)
    if version is None:
        return  # it was erased
    event: EventType = "draft.sent" if state == "sent" else "draft.updated"
    tell_draft(held, event, draft_id, version=version, actor=actor, entry_id=entry_id)


def tell_draft(
    held: Held, event: EventType, draft_id: UUID, *, version: int, actor: Actor, entry_id: UUID | None = None
) -> None:
    """The feed says which draft, never what is in it."""
    facts: dict[str, Any] = {"draft_id": show_id(DRAFT, draft_id), "version": version}
    tell(held, event, actor=actor, entry_id=entry_id, facts=facts)


async def _save(held: Held, row: Row, content: DraftContent, *, actor: Actor, now: datetime) -> None:
    await execute(SAVE, row["id"], *_columns(content), _json(actor), now)
    await execute(KEEP, row["id"], VERSIONS_KEPT)
    tell_draft(held, "draft.updated", row["id"], version=row["version"] + 1, actor=actor)
    await store_threads([held], now=now)


def _check_open(row: Row) -> None:
    if row["state"] != "open":
        hint = "Cancel the scheduled message first" if row["state"] == "scheduled" else "Write a new draft"
        raise Problem("state_conflict", f"The draft is {row['state']}", hint=hint)


def _columns(content: DraftContent) -> tuple[str | None, UUID | None, UUID | None, str, str, str | None]:
    parts = msgspec.json.encode(content.parts).decode()
    mail = _json(content.mail) if content.mail else None
    return content.medium, content.channel_id, content.in_reply_to, plain_text(content.parts), parts, mail


def _json(value: msgspec.Struct) -> str:
    return msgspec.json.encode(value).decode()
