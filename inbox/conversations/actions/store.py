"""Loading conversations under their row locks, and storing what was decided about them, set by set."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from inbox.conversations.entry import NewEntry
from inbox.conversations.thread import Held, Thread
from inbox.feed.actions import append_events
from inbox.kit.db import execute, fetch
from inbox.kit.errors import Problem
from inbox.kit.ids import show_id

COLUMNS = ", ".join(Thread.__struct_fields__)
CHANGING = [name for name in Thread.__struct_fields__ if name not in {"id", "contact_id", "created_at", "version"}]
ENTRY_COLUMNS = ", ".join(NewEntry.__struct_fields__)

# Always in the order of ids, so that two who want several never wait for each other in a circle.
LOCK = f"""
SELECT row_to_json(held)::text AS thread FROM (
    SELECT {COLUMNS} FROM conversation
    WHERE id = ANY($1) OR (contact_id = ANY($2) AND (status <> 'closed' OR closed_at > $3))
    ORDER BY id FOR NO KEY UPDATE
) held
"""  # noqa: S608 (the columns are our own struct's)

INSERT = f"""
INSERT INTO conversation ({COLUMNS}) SELECT {COLUMNS} FROM jsonb_populate_recordset(NULL::conversation, $1)
"""  # noqa: S608 (as above)

UPDATE = f"""
UPDATE conversation c
SET version = c.version + 1, {", ".join(f"{name} = new.{name}" for name in CHANGING)}
FROM jsonb_populate_recordset(NULL::conversation, $1) new WHERE c.id = new.id
"""  # noqa: S608 (as above)

APPEND = f"""
INSERT INTO entry ({ENTRY_COLUMNS}) SELECT {ENTRY_COLUMNS} FROM jsonb_populate_recordset(NULL::entry, $1)
"""  # noqa: S608 (as above)

LOCK_CONTACTS = "SELECT id, name FROM contact WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE"

_decode = msgspec.json.Decoder(Thread).decode


async def lock_contacts(contact_ids: Collection[UUID]) -> dict[UUID, str | None]:
    """Contacts under their locks, with their names.

    Whoever may open a conversation passes here, so that first messages at once make exactly one.
    """
    return {row["id"]: row["name"] for row in await fetch(LOCK_CONTACTS, list(contact_ids))}


async def lock_threads(
    ids: Collection[UUID] = (), *, contact_ids: Collection[UUID] = (), closed_after: datetime | None = None
) -> dict[UUID, Held]:
    """These conversations, and those of these contacts that are not closed or were closed lately, under their locks."""
    rows = await fetch(LOCK, list(ids), list(contact_ids), closed_after)
    threads = [_decode(row["thread"]) for row in rows]
    return {thread.id: Held(thread=thread) for thread in threads}


async def lock_thread(conversation_id: UUID) -> Held:
    """One conversation under its lock, or the `not_found` problem."""
    held = (await lock_threads([conversation_id])).get(conversation_id)
    if held is None:
        raise Problem("not_found", f"There is no conversation {show_id('cnv', conversation_id)}")
    return held


async def store_threads(held: Sequence[Held], *, now: datetime) -> None:
    """Write what was decided: conversations, their entries and the feed's telling, in this order."""
    changed = [one for one in held if one.entries or one.touched or one.fresh]
    for one in changed:
        one.thread.updated_at = now
    for sql, threads in ((INSERT, _threads(changed, fresh=True)), (UPDATE, _threads(changed, fresh=False))):
        if threads:
            await execute(sql, msgspec.json.encode(threads).decode())
    entries = [entry for one in changed for entry in one.entries]
    if entries:
        await execute(APPEND, msgspec.json.encode(entries).decode())
    await append_events([event for one in held for event in one.events])


def _threads(held: Sequence[Held], *, fresh: bool) -> list[Thread]:
    return [one.thread for one in held if one.fresh is fresh]
