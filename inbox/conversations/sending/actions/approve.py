"""Letting a draft go: its author's words, approved by whoever sends it, once however often it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from channels.contract import Adapter
from inbox.conversations.actions.reply import Reply, reply_to_conversation
from inbox.conversations.actions.store import lock_thread, store_threads
from inbox.conversations.drafts.actions import hold_draft, settle_draft
from inbox.conversations.drafts.queries import content_of, find_draft
from inbox.conversations.entry import Author
from inbox.conversations.scheduled.actions.schedule import schedule_message
from inbox.conversations.scheduled.plan import Plan
from inbox.kit.callers import Actor
from inbox.kit.db import Row
from inbox.kit.errors import FieldError, Problem

_author = msgspec.json.Decoder(Author).decode


class Timing(msgspec.Struct, kw_only=True, frozen=True):
    """When a draft leaves: at once (held back for `hold_seconds`), or at a moment, unless something prevents it."""

    hold_seconds: float = 0
    send_at: datetime | None = None
    cancel_on_reply: bool = False
    only_if_open: bool = False


async def send_draft(
    draft_id: UUID,
    timing: Timing,
    *,
    actor: Actor,
    adapters: Mapping[str, Adapter],
    now: datetime,
    version: int | None = None,
) -> UUID:
    """The id of the entry it became, or of the scheduled message. One that was sent before is what it became then.

    `version` says which words are approved: where they have been changed meanwhile, nothing is sent.
    """
    known, row = await _held(draft_id, version=version)
    if known is not None:
        return known
    if not content_of(row).parts:
        detail = "there is nothing in the draft yet"
        raise Problem("validation_failed", detail, errors=[FieldError(pointer="/text", code="required", detail=detail)])
    if timing.send_at is None:
        return await _send(row, timing, actor=actor, adapters=adapters, now=now)
    return await _schedule(row, timing, timing.send_at, actor=actor, adapters=adapters, now=now)


async def _held(draft_id: UUID, *, version: int | None) -> tuple[UUID | None, Row]:
    """The draft under its locks, and what became of it if it was sent: that counts, whatever version is named."""
    try:
        _, row = await hold_draft(draft_id, version=version)
    except Problem as problem:
        if problem.code == "conversation_merged" and (row := await find_draft(draft_id))["state"] == "sent":
            return row["entry_id"], row  # what was sent stays where it was written, whatever it is merged into
        if problem.code != "version_mismatch":
            raise
        _, row = await hold_draft(draft_id)
        if row["state"] == "open":
            raise
    return row["entry_id"] or (row["scheduled_message_id"] if row["state"] != "open" else None), row


async def _send(row: Row, timing: Timing, *, actor: Actor, adapters: Mapping[str, Adapter], now: datetime) -> UUID:
    content, author = content_of(row), _author(row["author"])
    reply = Reply(
        parts=content.parts,
        author=author,
        medium=content.medium,
        channel_id=content.channel_id,
        in_reply_to=content.in_reply_to,
        mail=content.mail,
        hold_seconds=timing.hold_seconds,
        approved_by=_approver(author, actor),
    )
    entry_id = await reply_to_conversation(row["conversation_id"], reply, adapters=adapters, now=now)
    held = await lock_thread(row["conversation_id"])  # as the reply has left it
    await settle_draft(
        held, row["id"], "sent", actor=actor, now=now, entry_id=entry_id, approved_by=_approver(author, actor)
    )
    await store_threads([held], now=now)
    return entry_id


async def _schedule(
    row: Row, timing: Timing, send_at: datetime, *, actor: Actor, adapters: Mapping[str, Adapter], now: datetime
) -> UUID:
    content, author = content_of(row), _author(row["author"])
    plan = Plan(
        send_at=send_at,
        parts=content.parts,
        author=author,
        medium=content.medium,
        channel_id=content.channel_id,
        in_reply_to=content.in_reply_to,
        mail=content.mail,
        cancel_on_reply=timing.cancel_on_reply,
        only_if_open=timing.only_if_open,
        approved_by=_approver(author, actor),
        draft_id=row["id"],
    )
    scheduled_id = await schedule_message(row["conversation_id"], plan, actor=actor, adapters=adapters, now=now)
    held = await lock_thread(row["conversation_id"])
    await settle_draft(held, row["id"], "scheduled", actor=actor, now=now, scheduled_id=scheduled_id)
    await store_threads([held], now=now)
    return scheduled_id


def _approver(author: Author, actor: Actor) -> Actor | None:
    """Who let it go, where these are not their own words. A bot's draft always has somebody else who did."""
    return None if (author.type, author.id) == (actor.type, actor.id) else actor
