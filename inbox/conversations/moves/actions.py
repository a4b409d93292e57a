"""Merging two conversations, splitting one, and undoing either, in the open transaction.

Locks are taken as everywhere: contacts first, so that nothing of theirs comes in meanwhile, then both conversations.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from inbox.audit.actions import record_audit
from inbox.contacts.holds import refuse_held
from inbox.conversations.actions.store import lock_contacts, lock_threads, merged_away, store_threads
from inbox.conversations.moves.plan import (
    Before,
    Found,
    Kind,
    Place,
    close_merged,
    give_back,
    leave_merged,
    leave_split,
    make_stubs,
    note_standing,
    open_merge,
    open_split,
    plan_places,
    restore_standing,
    take_in,
)
from inbox.conversations.moves.queries import Move, find_move, find_places, find_root, later_moves
from inbox.conversations.moves.rows import (
    count_unread,
    find_movable,
    move_entries,
    move_writing,
    remember_move,
    renew_preview,
    return_entries,
    return_writing,
    sum_up,
)
from inbox.conversations.participants.additions import bring_participants, take_back_participants
from inbox.conversations.thread import Held, open_thread
from inbox.kit.callers import Actor
from inbox.kit.db import execute, fetch, fetch_value
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import CONVERSATION_MOVE, new_id, show_id
from inbox.kit.versions import check_version

ENTRIES_MAX = 5000
"""The most entries that go over at once: each is told to the feed, in one transaction."""
WRITTEN = """
SELECT count(*) FROM entry WHERE conversation_id = $1 AND seq > $2 AND type <> 'event'
"""


async def merge_conversations(
    source_id: UUID, target_id: UUID, *, across_contacts: bool, actor: Actor, now: datetime, reason: str | None = None
) -> UUID:
    """Let one conversation go on in another: its entries follow at the end of the other's; the id of the merge.

    `merge_cycle` where that one is, or has gone into, this very one.
    """
    source, target = await _hold_pair(source_id, target_id)
    await _check_merge(source, target, across_contacts=across_contacts)
    await refuse_held(conversation_ids=[source_id])
    entries = await find_movable(source_id)
    _check_count(entries)
    before = Before(source=note_standing(source.thread), target=note_standing(target.thread))
    before = msgspec.structs.replace(before, source_read_seq=source.thread.read_seq)
    added = open_merge(source, target, actor=actor, now=now, reason=reason)
    places = plan_places(entries, after=target.thread.last_seq)
    take_in(source, target, places, actor=actor)
    leave_merged(source, target_id, places, actor=actor, now=now, reason=reason)
    drafts, scheduled = await move_writing(source_id, target_id)
    before = msgspec.structs.replace(before, added_tags=added, draft_ids=drafts, scheduled_ids=scheduled)
    return await _carry_out("merge", source, target, places=places, before=before, actor=actor, now=now, reason=reason)


async def split_conversation(
    source_id: UUID, *, chosen: Collection[UUID] | int, actor: Actor, now: datetime, reason: str | None = None
) -> UUID:
    """Let some entries, or all from a seq on, go on in a conversation of their own; the id of the split."""
    source = await _hold_one(source_id)
    entries = await find_movable(source_id)
    moving = _choose_entries(entries, chosen)
    _check_count(moving)
    await _check_rest(source_id, {entry.id for entry in moving})
    before = Before(source=note_standing(source.thread), target=None, source_read_seq=source.thread.read_seq)
    target = await _open_beside(source, now=now)
    open_split(source, target, actor=actor, now=now, reason=reason)
    places = plan_places(moving, after=target.thread.last_seq)
    take_in(source, target, places, actor=actor)
    leave_split(source, target.thread.id, places, actor=actor, now=now, reason=reason)
    return await _carry_out("split", source, target, places=places, before=before, actor=actor, now=now, reason=reason)


async def undo_move(move_id: UUID, *, actor: Actor, now: datetime, reason: str | None = None) -> None:
    """Bring the entries of a merge or split back into the places they had; `state_conflict` where that cannot be."""
    move = await find_move(move_id)
    source, target = await _hold_pair(move.source_id, move.target_id)
    move = await find_move(move_id)  # as it is now that nobody else can undo it
    await _check_undo(move, source, target)
    places = await find_places(move_id)
    quiet = move.before.target_seq == target.thread.last_seq, move.before.source_seq == source.thread.last_seq
    stubs = make_stubs(places, of=target.thread.id, into=source.thread.id, actor=actor, now=now, undo=True)
    await return_entries(move_id, source.thread.id, target.thread.id, places, stubs=stubs)
    await return_writing(source.thread.id, target.thread.id, move.before)
    await take_back_participants(move_id)
    _part(move, source, target, now=now)
    await sum_up(source)
    await sum_up(target)
    await _restore(move, source, target, places=places, quiet=quiet)
    give_back(source, target, places, kind=move.kind, actor=actor, now=now, reason=reason)
    await store_threads([source, target], now=now)
    await execute(
        "UPDATE conversation_move SET undone_at = $2, undone_by = $3 WHERE id = $1",
        move_id, now, msgspec.json.encode(actor).decode(),
    )  # fmt: skip
    await _record(f"conversation.{move.kind}_undone", move.id, source, target=target, actor=actor, count=len(places))


async def why_no_undo(moves: Sequence[Move]) -> dict[UUID, str]:
    """For each of these that cannot be undone any more, the reason."""
    later = await later_moves([move.id for move in moves])
    reasons = {move.id: "it is undone already" for move in moves if move.undone_at}
    for move in moves:
        if move.id not in reasons and move.id in later:
            shown = show_id(CONVERSATION_MOVE, later[move.id])
            reasons[move.id] = f"its entries have moved on: undo {shown} first"
        elif move.id not in reasons and (written := await _written_since(move)):
            reasons[move.id] = f"{written} entries were written in the new conversation since: merge it instead"
    return reasons


async def _hold_pair(source_id: UUID, target_id: UUID) -> tuple[Held, Held]:
    """Both conversations under their locks, and their contacts before them."""
    if source_id == target_id:
        raise Problem("merge_cycle", "A conversation cannot be merged into itself")
    await _lock_contacts_of([source_id, target_id])
    held = await lock_threads([source_id, target_id])
    for one in (source_id, target_id):
        if one not in held:
            raise Problem("not_found", f"There is no conversation {show_id('cnv', one)}")
        check_version(one, held[one].thread.version)
    return held[source_id], held[target_id]


async def _hold_one(source_id: UUID) -> Held:
    await _lock_contacts_of([source_id])
    held = (await lock_threads([source_id])).get(source_id)
    if held is None:
        raise Problem("not_found", f"There is no conversation {show_id('cnv', source_id)}")
    check_version(source_id, held.thread.version)
    if held.thread.merged_into is not None:
        raise merged_away(await find_root(source_id) or held.thread.merged_into)
    return held


async def _lock_contacts_of(conversation_ids: list[UUID]) -> None:
    rows = await fetch("SELECT contact_id FROM conversation WHERE id = ANY($1)", conversation_ids)
    await lock_contacts({row["contact_id"] for row in rows})


async def _check_merge(source: Held, target: Held, *, across_contacts: bool) -> None:
    if source.thread.merged_into is not None:
        raise merged_away(await find_root(source.thread.id) or source.thread.merged_into)
    if target.thread.merged_into is not None:
        root = await find_root(target.thread.id)
        if root == source.thread.id:
            raise Problem("merge_cycle", "That conversation is merged into this one", hint="Undo that merge first")
        raise merged_away(root or target.thread.merged_into)
    if source.thread.contact_id != target.thread.contact_id and not across_contacts:
        detail = "The conversations are with different contacts"
        raise Problem("state_conflict", detail, hint="Merge the contacts, or say across_contacts")


def _choose_entries(entries: Sequence[Found], chosen: Collection[UUID] | int) -> list[Found]:
    if isinstance(chosen, int):
        moving = [entry for entry in entries if entry.seq >= chosen]
        missing = not moving
        pointer, detail = "/from_seq", "there is no entry from there on"
    else:
        moving = [entry for entry in entries if entry.id in set(chosen)]
        missing = len(moving) < len(set(chosen))
        pointer, detail = "/entry_ids", "not all of these are entries of this conversation"
    if missing:
        error = FieldError(pointer=pointer, code="unknown_value", detail=detail)
        raise Problem("validation_failed", detail, errors=[error])
    return moving


def _check_count(entries: Sequence[Found]) -> None:
    if len(entries) > ENTRIES_MAX:
        raise Problem("state_conflict", f"At most {ENTRIES_MAX} entries move at once; these are {len(entries)}")


async def _check_rest(source_id: UUID, moving: set[UUID]) -> None:
    """A split leaves something that somebody said on both sides."""
    rows = await fetch("SELECT id FROM entry WHERE conversation_id = $1 AND type <> 'event'", source_id)
    said = {row["id"] for row in rows}
    if not said & moving or said <= moving:
        detail = "Both conversations need at least one message, note or call"
        raise Problem("state_conflict", detail, hint="Choose other entries")


async def _open_beside(source: Held, *, now: datetime) -> Held:
    """A new conversation with the same contact, there before anything moves into it."""
    fresh = open_thread(source.thread.contact_id, now=now)
    fresh.thread.subject = source.thread.subject
    await store_threads([fresh], now=now)
    return Held(thread=fresh.thread)


async def _carry_out(
    kind: Kind,
    source: Held,
    target: Held,
    *,
    places: list[Place],
    before: Before,
    actor: Actor,
    now: datetime,
    reason: str | None,
) -> UUID:
    """Write it all down, the record of the move first."""
    move_id, source_id, target_id = new_id(), source.thread.id, target.thread.id
    before = msgspec.structs.replace(before, source_seq=source.thread.last_seq, target_seq=target.thread.last_seq)
    await remember_move(
        move_id, kind, places, source=source_id, target=target_id, before=before, actor=actor, reason=reason, now=now
    )
    stubs = make_stubs(places, of=source_id, into=target_id, actor=actor, now=now)
    await move_entries(source_id, target_id, places, stubs=stubs)
    await bring_participants(source_id, target_id, move_id=move_id)
    await sum_up(source)
    await sum_up(target)
    await store_threads([target, source], now=now)
    await _record(f"conversation.{PAST[kind]}", move_id, source, target=target, actor=actor, count=len(places))
    return move_id


PAST: dict[Kind, str] = {"merge": "merged", "split": "split"}


async def _check_undo(move: Move, source: Held, target: Held) -> None:
    reasons = await why_no_undo([move])
    if move.id in reasons:
        raise Problem("state_conflict", f"This cannot be undone: {reasons[move.id]}")
    frozen = target.thread.merged_into if move.kind == "merge" else source.thread.merged_into
    if frozen is not None:
        raise merged_away(frozen)


async def _written_since(move: Move) -> int:
    """What was said in a conversation that a split made, and would have no place after the undo."""
    if move.kind == "merge":
        return 0
    return int(await fetch_value(WRITTEN, move.target_id, move.before.target_seq))


def _part(move: Move, source: Held, target: Held, *, now: datetime) -> None:
    """What was merged lives again; what a split made ends, and leads back."""
    if move.kind == "merge":
        source.thread.merged_into = None
        restore_standing(source.thread, move.before.source)
    else:
        close_merged(target.thread, source.thread.id, now=now)


async def _restore(
    move: Move, source: Held, target: Held, *, places: Sequence[Place], quiet: tuple[bool, bool]
) -> None:
    """Each as it stood, if nothing was added to it since; what was read meanwhile stays read."""
    before, read = move.before, target.thread.read_seq
    if move.kind == "merge":
        seen = max((place.from_seq for place in places if place.to_seq <= read), default=0)
        source.thread.read_seq = max(before.source_read_seq, seen)
        target.thread.tags = [tag for tag in target.thread.tags if tag not in before.added_tags]
    if quiet[0] and before.target is not None:
        restore_standing(target.thread, before.target)
    if quiet[1]:
        restore_standing(source.thread, before.source)
    for held in (source, target):
        await count_unread(held.thread)
        await renew_preview(held.thread)


async def _record(action: str, move_id: UUID, source: Held, *, target: Held, actor: Actor, count: int) -> None:
    facts = {
        "move_id": show_id(CONVERSATION_MOVE, move_id),
        "target": show_id("cnv", target.thread.id),
        "entries": count,
    }
    await record_audit(actor, action, target=show_id("cnv", source.thread.id), facts=facts)
