"""Projecting the journal: facts become contacts, conversations, entries, consents and jobs, set by set."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from inbox.intake.actions.apply import apply_facts
from inbox.intake.batch import (
    Fact,
    Failure,
    FindSibling,
    Lane,
    MailRules,
    Missed,
    ParsedEvent,
    Projection,
    one_each,
    sort_out,
)
from inbox.kit.db import execute, fetch, fetch_one

RULES = MailRules()
CLAIM = "SELECT projected_id FROM lane WHERE channel_id = $1 FOR NO KEY UPDATE SKIP LOCKED"

KEEP_NEW = """
INSERT INTO event_key (channel_id, key, raw_event_id)
SELECT k.channel_id, k.key, k.raw_event_id FROM unnest($1::uuid[], $2::text[], $3::bigint[])
     AS k(channel_id, key, raw_event_id)
ORDER BY k.channel_id, k.key
ON CONFLICT DO NOTHING
RETURNING channel_id, key
"""

# What found no place has not happened, so that a replay can let it happen.
FORGET = """
DELETE FROM event_key USING unnest($1::uuid[], $2::text[]) AS missed(channel_id, key)
WHERE event_key.channel_id = missed.channel_id AND event_key.key = missed.key
"""

SET_ASIDE = """
INSERT INTO quarantine AS q (channel_id, raw_event_id, code, error)
SELECT $1, f.raw_event_id, f.code, f.error FROM unnest($2::bigint[], $3::text[], $4::text[])
     AS f(raw_event_id, code, error)
ON CONFLICT (channel_id, raw_event_id) DO UPDATE
SET code = excluded.code, error = excluded.error, attempts = q.attempts + 1, resolved_at = NULL
"""


async def project_events(
    lane: Lane,
    parsed: Sequence[ParsedEvent],
    *,
    find_sibling: FindSibling,
    now: datetime,
    window: timedelta,
    rules: MailRules = RULES,
) -> Projection | None:
    """Project the next requests of a channel, in the open transaction; None when another process is at it.

    The lane's row is both the lock and the cursor: what was projected meanwhile is passed over, and a crash leaves
    the cursor where it was.
    """
    channel_id = lane.route.channel_id
    claimed = await fetch_one(CLAIM, channel_id)
    if claimed is None:
        return None
    due = [one for one in parsed if one.raw_event_id > claimed["projected_id"]]
    if not due:
        return Projection()
    projection = await _project(lane, due, find_sibling=find_sibling, now=now, window=window, rules=rules)
    await execute("UPDATE lane SET projected_id = $2 WHERE channel_id = $1", channel_id, due[-1].raw_event_id)
    return projection


async def replay_events(
    lane: Lane,
    parsed: Sequence[ParsedEvent],
    *,
    find_sibling: FindSibling,
    now: datetime,
    window: timedelta,
    rules: MailRules = RULES,
) -> list[Failure]:
    """Project requests once more, wherever the lane stands; what already happened does not happen again."""
    projection = await _project(lane, parsed, find_sibling=find_sibling, now=now, window=window, rules=rules)
    failures = list(projection.failures)
    failed = {failure.raw_event_id for failure in failures}
    resolved = [one.raw_event_id for one in parsed if one.raw_event_id not in failed]
    await execute(
        "UPDATE quarantine SET resolved_at = now() WHERE channel_id = $1 AND raw_event_id = ANY($2)",
        lane.route.channel_id,
        resolved,
    )
    return failures


async def _project(
    lane: Lane,
    parsed: Sequence[ParsedEvent],
    *,
    find_sibling: FindSibling,
    now: datetime,
    window: timedelta,
    rules: MailRules,
) -> Projection:
    facts, misplaced = sort_out(parsed, lane, find_sibling)
    fresh = await _keep_new(facts)
    missed = await apply_facts(fresh, now=now, window=window, rules=rules)
    failures = one_each([*misplaced, *await _forget(missed)])
    await set_aside(lane.route.channel_id, failures)
    return Projection(due=parsed, failures=failures, known=len(facts) - len(fresh))


async def _forget(missed: Sequence[Missed]) -> list[Failure]:
    if missed:
        channel_ids, keys = zip(*(_named(one.fact) for one in missed), strict=True)
        await execute(FORGET, channel_ids, keys)
    return [Failure(raw_event_id=one.fact.raw_event_id, code=one.code, error=one.error) for one in missed]


async def set_aside(channel_id: UUID, failures: Sequence[Failure]) -> None:
    """Keep what could not be projected where operators see it; the others go on."""
    if not failures:
        return
    ids, codes, errors = zip(*((one.raw_event_id, one.code, one.error[:2000]) for one in failures), strict=True)
    await execute(SET_ASIDE, channel_id, ids, codes, errors)


async def _keep_new(facts: Sequence[Fact]) -> list[Fact]:
    """The facts nobody has told before: the unique key decides, in the transaction of their effects."""
    first = {_named(fact): fact for fact in reversed(facts)}
    if not first:
        return []
    channel_ids, keys = zip(*first, strict=True)
    raw_ids = [fact.raw_event_id for fact in first.values()]
    rows = await fetch(KEEP_NEW, channel_ids, keys, raw_ids)
    new = {(row["channel_id"], row["key"]) for row in rows}
    return [fact for fact in facts if first[_named(fact)] is fact and _named(fact) in new]


def _named(fact: Fact) -> tuple[UUID, str]:
    return fact.route.channel_id, fact.event.key
