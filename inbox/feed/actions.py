"""Writing the feed: rows inside the transaction of their cause, cursors by the sequencer after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from inbox.feed.events import EventType, NewEvent
from inbox.kit.callers import Actor
from inbox.kit.db import execute, fetch_value, wake_after_commit

SEQUENCER_LOCK = 0x5EED
BATCH = 1000
OWN_MOST = 20
"""The most events that a transaction numbers by itself."""

APPEND = """
INSERT INTO feed_event (id, type, conversation_id, entry_id, contact_id, channel_id, seq, actor, facts, changed,
                        traceparent, request_id)
SELECT id, type, conversation_id, entry_id, contact_id, channel_id, seq, actor, facts, changed, traceparent,
       request_id
FROM jsonb_populate_recordset(NULL::feed_event, $1)
"""

# Everybody who numbers the feed passes here one at a time: the lock is tried, so the others simply go on. What the
# statement sees is from before it had the lock; where another has numbered since, the head has moved, and nothing is
# done. A query with $3 numbers only if just so many events are without a cursor: those of its own transaction.
SEQUENCE = """
WITH unordered AS MATERIALIZED (
    SELECT position, row_number() OVER (ORDER BY position) AS n
    FROM (SELECT position FROM feed_event WHERE cursor IS NULL ORDER BY position LIMIT $1) AS first
), waiting AS MATERIALIZED (
    SELECT count(*) AS amount FROM unordered
), turn AS MATERIALIZED (
    SELECT CASE WHEN amount = 0 THEN true WHEN amount = coalesce($3, amount) THEN pg_try_advisory_xact_lock($2)
           ELSE false END AS ours FROM waiting
), head AS (
    UPDATE feed_head SET cursor = feed_head.cursor + amount
    FROM waiting, turn, (SELECT cursor FROM feed_head) AS seen
    WHERE ours AND amount > 0 AND feed_head.cursor = seen.cursor RETURNING feed_head.cursor - amount AS before
), given AS (
    UPDATE feed_event AS e SET cursor = head.before + unordered.n
    FROM unordered, head WHERE e.position = unordered.position RETURNING 1
)
SELECT CASE WHEN amount = 0 OR EXISTS (SELECT FROM head) THEN amount END FROM waiting
"""


# Positions grow with time: what is older than the first event to keep is found without an index on the time.
PRUNE = """
WITH kept AS (
    SELECT position FROM feed_event WHERE created_at >= now() - make_interval(days => $1) ORDER BY position LIMIT 1
), gone AS (
    DELETE FROM feed_event
    WHERE cursor IS NOT NULL AND position < coalesce((SELECT position FROM kept), 9223372036854775807)
      AND created_at < now() - make_interval(days => $1)
    RETURNING cursor
), mark AS (
    UPDATE feed_head SET pruned = greatest(pruned, coalesce((SELECT max(cursor) FROM gone), 0))
)
SELECT count(*) FROM gone
"""


async def append_event(
    type: EventType,  # noqa: A002 (the envelope's own word)
    *,
    actor: Actor,
    conversation_id: UUID | None = None,
    entry_id: UUID | None = None,
    contact_id: UUID | None = None,
    channel_id: UUID | None = None,
    seq: int | None = None,
    facts: dict[str, Any] | None = None,
    changed: Sequence[str] = (),
) -> None:
    """Tell one thing, in the open transaction. What concerns a conversation is told under its row lock."""
    event = NewEvent(
        type=type,
        actor=actor,
        conversation_id=conversation_id,
        entry_id=entry_id,
        contact_id=contact_id,
        channel_id=channel_id,
        seq=seq,
        facts=facts,
        changed=tuple(changed),
    )
    await append_events([event])


async def append_events(events: Sequence[NewEvent]) -> None:
    """Tell several things in their order, in the open transaction."""
    if not events:
        return
    await execute(APPEND, msgspec.json.encode(events).decode())
    wake_after_commit("feed", things=len(events))


async def number_own(amount: int) -> str:
    """Number what the open transaction has told, as its last act before the commit, unless others' is waiting as well.

    Then it is read as soon as it is committed, without a second commit to wait for. The topic to wake: `numbered`, or
    `feed` where it is left to `sequence_events`. It waits for nobody: whoever holds the lock is about to commit.
    """
    if amount > OWN_MOST or await fetch_value(SEQUENCE, amount + 1, SEQUENCER_LOCK, amount) is None:
        return "feed"
    return "numbered"


async def sequence_events() -> int | None:
    """Give committed events their cursors, in the order they were written; returns how many.

    None if another is at it: what was committed after that one looked is still to be numbered, so try again soon.

    A row that commits later gets a later cursor, so a reader who remembers one cursor never skips anything. Within a
    conversation positions are given under its row lock, so there the cursor follows `seq`.
    """
    numbered: int | None = await fetch_value(SEQUENCE, BATCH, SEQUENCER_LOCK, None)
    return numbered


async def prune_events(*, older_than_days: int) -> int:
    """Forget events older than the retention; a reader who asks for them is told to list anew."""
    return int(await fetch_value(PRUNE, older_than_days))
