"""Changing a conversation for people: fields, status, tags, what has been read; and opening one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from channels.parts import AnyPart
from inbox.contacts.actions import lock_contact
from inbox.contacts.attributes.actions import hold_attributes
from inbox.contacts.patching import check_free_json, merge_patch
from inbox.conversations.actions.store import lock_thread, lock_threads, store_threads
from inbox.conversations.entry import Author
from inbox.conversations.thread import (
    Held,
    Level,
    Priority,
    Status,
    change_status,
    open_thread,
    record_change,
    tell,
    write_note,
)
from inbox.kit.callers import SYSTEM, Actor
from inbox.kit.db import fetch, fetch_value
from inbox.kit.errors import FieldError, Problem

TAGS_MAX = 50
WAKE_BATCH = 100

SCORES: dict[Level, int] = {"low": 10, "normal": 0, "high": 70, "urgent": 90}
"""The score a person's word for the priority stands for."""


async def open_conversation(contact_id: UUID, *, subject: str | None, actor: Actor, now: datetime) -> UUID:
    """A new conversation that we begin, also where others of the contact are open."""
    owner = (await lock_contact(contact_id))["id"]  # the one it lives on in, if it was merged away
    held = open_thread(owner, now=now)
    held.thread.subject = subject
    record_change(
        held, "opened", event_type="conversation.updated", changed=(), actor=actor, now=now, reason="begun by us"
    )
    await store_threads([held], now=now)
    return held.thread.id


async def add_note(conversation_id: UUID, *, parts: list[AnyPart], author: Author, now: datetime) -> UUID:
    """A note among ourselves; the id of its entry."""
    held = await lock_thread(conversation_id)
    entry = write_note(held, parts=parts, author=author, now=now)
    await store_threads([held], now=now)
    return entry.id


async def set_status(
    conversation_id: UUID,
    status: Status,
    *,
    actor: Actor,
    now: datetime,
    until: datetime | None = None,
    reason: str | None = None,
) -> None:
    """Open, pending, snoozed until a moment, or closed."""
    _check_wake_time(status, until, now=now)
    held = await lock_thread(conversation_id)
    change_status(held, status, actor=actor, now=now, until=until, reason=reason)
    await store_threads([held], now=now)


async def patch_conversation(conversation_id: UUID, changes: Mapping[str, Any], *, actor: Actor, now: datetime) -> None:
    """Set `subject`, `language`, `attributes`, `external`, `handler` or `priority`, and `status` with `snoozed_until`.

    Only what differs is told. Attributes and external ids are merged (RFC 7396): null removes a key.
    """
    held = await lock_thread(conversation_id)
    for name in ("subject", "language", "handler"):
        if name in changes:
            _set_field(held, name, changes[name], actor=actor, now=now)
    for name in ("attributes", "external"):
        if name in changes:
            patched = _patched_json(getattr(held.thread, name), changes[name], pointer=f"/{name}")
            if name == "attributes":
                before = held.thread.attributes
                patched = await hold_attributes("conversation", changes[name], before=before, after=patched, new=False)
            _set_field(held, name, patched, actor=actor, now=now)
    if "priority" in changes:
        _set_priority(held, changes["priority"], actor=actor, now=now)
    if "status" in changes or "snoozed_until" in changes:
        _patch_status(held, changes, actor=actor, now=now)
    await store_threads([held], now=now)


async def tag_conversation(conversation_id: UUID, tag: str, *, present: bool, actor: Actor, now: datetime) -> None:
    """Add a tag or take it off; nothing happens where nothing changes."""
    held = await lock_thread(conversation_id)
    if (tag in held.thread.tags) is present:
        return
    if present and len(held.thread.tags) >= TAGS_MAX:
        raise Problem("state_conflict", f"A conversation has at most {TAGS_MAX} tags")
    others = [known for known in held.thread.tags if known != tag]
    held.thread.tags = sorted([*others, tag]) if present else others
    record_change(
        held,
        "tagged" if present else "untagged",
        event_type="conversation.updated",
        changed=("tags",),
        actor=actor,
        now=now,
        before=None if present else tag,
        after=tag if present else None,
    )
    await store_threads([held], now=now)


async def mark_read(conversation_id: UUID, *, up_to_seq: int | None, actor: Actor, now: datetime) -> None:
    """Everything up to an entry has been seen; None means all. Reading less than before changes nothing."""
    held = await lock_thread(conversation_id)
    seen = min(held.thread.last_seq if up_to_seq is None else up_to_seq, held.thread.last_seq)
    if seen > held.thread.read_seq:
        await _set_read(held, seen, actor=actor, now=now)


async def mark_unread(conversation_id: UUID, *, actor: Actor, now: datetime) -> None:
    """The last message of the contact counts as not seen."""
    held = await lock_thread(conversation_id)
    last = await fetch_value(
        "SELECT max(seq) FROM entry WHERE conversation_id = $1 AND direction = 'inbound'", conversation_id
    )
    if last is not None and held.thread.read_seq >= last:
        await _set_read(held, last - 1, actor=actor, now=now)


async def wake_snoozed(*, now: datetime) -> int:
    """Open what has slept long enough; a chore, done by whoever comes first."""
    due = await fetch(
        "SELECT id FROM conversation WHERE status = 'snoozed' AND snoozed_until <= $1 "
        "ORDER BY id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED",
        now,
        WAKE_BATCH,
    )
    if not due:
        return 0
    held = await lock_threads([row["id"] for row in due])
    for one in held.values():
        change_status(one, "open", name="woke", actor=SYSTEM, now=now, reason="the snooze has ended")
    await store_threads(list(held.values()), now=now)
    return len(held)


NAMES = {"subject": "subject_changed", "handler": "handed_off"}


def _set_field(held: Held, name: str, value: Any, *, actor: Actor, now: datetime) -> None:
    before = getattr(held.thread, name)
    if before == value:
        return
    setattr(held.thread, name, value)
    record_change(
        held,
        NAMES.get(name, "attribute_changed"),
        event_type="conversation.updated",
        changed=(name,),
        actor=actor,
        now=now,
        before=before,
        after=value,
    )


def _set_priority(held: Held, level: Level | None, *, actor: Actor, now: datetime) -> None:
    """A person's word pins the priority; null unpins it."""
    before = held.thread.priority
    pinned = (
        Priority(score=SCORES[level], level=level, pinned=True, because=["set by a person"]) if level else Priority()
    )
    if pinned == before:
        return
    held.thread.priority = pinned
    record_change(
        held,
        "priority_changed",
        event_type="conversation.updated",
        changed=("priority",),
        actor=actor,
        now=now,
        before=before.level,
        after=pinned.level,
    )


def _patched_json(old: dict[str, Any], patch: dict[str, Any] | None, *, pointer: str) -> dict[str, Any]:
    """Free-form JSON as the patch wants it; a null in place of the object empties it."""
    patched: dict[str, Any] = {} if patch is None else merge_patch(old, patch)
    check_free_json(patched, pointer=pointer)
    return patched


def _patch_status(held: Held, changes: Mapping[str, Any], *, actor: Actor, now: datetime) -> None:
    """What is absent stays: `snoozed_until` alone moves the end of a snooze."""
    status: Status = changes.get("status", held.thread.status)
    until = changes.get("snoozed_until", held.thread.snoozed_until if status == "snoozed" else None)
    if (status, until) != (held.thread.status, held.thread.snoozed_until):
        _check_wake_time(status, until, now=now)
        change_status(held, status, actor=actor, now=now, until=until)


def _check_wake_time(status: Status, until: datetime | None, *, now: datetime) -> None:
    """A snooze ends in the future, and nothing else does: what slept without an end would never wake."""
    if status == "snoozed" and (until is None or until.tzinfo is None or until <= now):
        error = FieldError(pointer="/snoozed_until", code="wrong_time", detail="a moment in the future, with its zone")
        raise Problem("validation_failed", "A snooze needs the moment it ends", errors=[error])
    if status != "snoozed" and until is not None:
        error = FieldError(pointer="/snoozed_until", code="wrong_time", detail="only what is snoozed wakes")
        raise Problem("validation_failed", "Only a snooze has a moment it ends", errors=[error])


async def _set_read(held: Held, seen: int, *, actor: Actor, now: datetime) -> None:
    held.thread.read_seq, held.seen = seen, True
    held.thread.unread = await fetch_value(
        "SELECT count(*) FROM entry WHERE conversation_id = $1 AND seq > $2 AND direction = 'inbound'",
        held.thread.id,
        seen,
    )
    tell(held, "conversation.read", actor=actor, facts={"up_to_seq": seen}, changed=["unread"])
    await store_threads([held], now=now)
