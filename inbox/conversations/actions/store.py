"""Loading conversations under their row locks, and storing what was decided about them, set by set."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from inbox.conversations.entry import NewEntry
from inbox.conversations.moves.queries import find_root
from inbox.conversations.thread import Held, Thread
from inbox.feed.actions import append_events
from inbox.kit.db import execute, fetch, fetch_value
from inbox.kit.errors import Problem
from inbox.kit.ids import show_id
from inbox.kit.versions import check_version

COLUMNS = ", ".join(Thread.__struct_fields__)
CHANGING = [name for name in Thread.__struct_fields__ if name not in {"id", "contact_id", "created_at", "version"}]
ENTRY_COLUMNS = ", ".join(NewEntry.__struct_fields__)

# Always in the order of ids, so that two who want several never wait for each other in a circle.
LOCK = f"""
SELECT row_to_json(held)::text AS thread FROM (
    SELECT {COLUMNS} FROM conversation
    WHERE id = ANY($1) OR (contact_id = ANY($2) AND merged_into IS NULL AND (status <> 'closed' OR closed_at > $3))
    ORDER BY id FOR NO KEY UPDATE
) held
"""  # noqa: S608 (the columns are our own struct's)

INSERT = f"""
INSERT INTO conversation ({COLUMNS}) SELECT {COLUMNS} FROM jsonb_populate_recordset(NULL::conversation, $1)
"""  # noqa: S608 (as above)

UPDATE = f"""
UPDATE conversation c
SET version = c.version + 1, {", ".join(f"{name} = new.{name}" for name in CHANGING)}
FROM jsonb_populate_recordset(NULL::conversation, $1) new WHERE c.id = new.id AND c.id = ANY($2)
"""  # noqa: S608 (as above)

APPEND = f"""
INSERT INTO entry ({ENTRY_COLUMNS}) SELECT {ENTRY_COLUMNS} FROM jsonb_populate_recordset(NULL::entry, $1)
"""  # noqa: S608 (as above)

PLACE = "SELECT conversation_id FROM entry WHERE id = $1"
LOCK_CONTACTS = """
SELECT id, name, blocked_at IS NOT NULL AS blocked FROM contact WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE
"""

_decode = msgspec.json.Decoder(Thread).decode


class HeldContact(msgspec.Struct, frozen=True):
    """What a conversation needs to know of a contact that is held."""

    name: str | None
    blocked: bool


async def lock_contacts(contact_ids: Collection[UUID]) -> dict[UUID, HeldContact]:
    """Contacts under their locks; one that was merged away meanwhile is left out.

    Whoever may open a conversation passes here, so that first messages at once make exactly one.
    """
    rows = await fetch(LOCK_CONTACTS, list(contact_ids))
    return {row["id"]: HeldContact(row["name"], row["blocked"]) for row in rows}


async def lock_threads(
    ids: Collection[UUID] = (), *, contact_ids: Collection[UUID] = (), closed_after: datetime | None = None
) -> dict[UUID, Held]:
    """These conversations, and those of these contacts that are not closed or were closed lately, under their locks."""
    rows = await fetch(LOCK, list(ids), list(contact_ids), closed_after)
    threads = [_decode(row["thread"]) for row in rows]
    return {thread.id: Held(thread=thread) for thread in threads}


async def lock_thread(conversation_id: UUID) -> Held:
    """One conversation under its lock, to be changed; `not_found`, or `conversation_merged` where it has gone."""
    held = (await lock_threads([conversation_id])).get(conversation_id)
    if held is None:
        raise Problem("not_found", f"There is no conversation {show_id('cnv', conversation_id)}")
    check_version(conversation_id, held.thread.version)
    if held.thread.merged_into is not None:
        raise merged_away(await find_root(conversation_id) or held.thread.merged_into)
    return held


async def lock_thread_by(find_place: Callable[[], Awaitable[UUID]]) -> Held:
    """The conversation something is in, under its lock: where it has moved while we waited, the one it is in now."""
    place = await find_place()
    while True:
        try:
            held = await lock_thread(place)
        except Problem as refused:
            before, place = place, await find_place()
            if refused.code != "conversation_merged" or place == before:
                raise
            continue
        before, place = place, await find_place()
        if place == before:
            return held


def merged_away(target_id: UUID) -> Problem:
    """The refusal to change a conversation that is merged into another."""
    target = show_id("cnv", target_id)
    return Problem("conversation_merged", f"It is merged into {target}", hint=f"Go on with {target}")


async def lock_thread_of(entry_id: UUID) -> Held | None:
    """The conversation an entry is in, under its lock; None where there is no such entry.

    The entry may move to another conversation until we hold the lock of the one it is in.
    """
    place = await fetch_value(PLACE, entry_id)
    while place is not None:
        held = (await lock_threads([place]))[place]
        before, place = place, await fetch_value(PLACE, entry_id)
        if place == before:
            return held
    return None


async def store_threads(held: Sequence[Held], *, now: datetime) -> None:
    """Write what was decided: conversations, their entries and the feed's telling, in this order."""
    changed = [one for one in held if one.news or one.seen]
    for one in changed:
        if one.news:
            one.thread.updated_at = now
    if opened := _threads(changed, fresh=True):
        await execute(INSERT, msgspec.json.encode(opened).decode())
    if known := _threads(changed, fresh=False):  # the ids as well: the planner cannot see into JSON
        await execute(UPDATE, msgspec.json.encode(known).decode(), [thread.id for thread in known])
    entries = [entry for one in changed for entry in one.entries]
    if entries:
        await execute(APPEND, msgspec.json.encode(entries).decode())
    await append_events([event for one in held for event in one.events])


def _threads(held: Sequence[Held], *, fresh: bool) -> list[Thread]:
    return [one.thread for one in held if one.fresh is fresh]
