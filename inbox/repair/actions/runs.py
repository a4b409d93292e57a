"""A repair from its beginning to its end: one row that says how far it is, and a job for its next step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from inbox.audit.actions import record_audit
from inbox.kit.callers import Actor
from inbox.kit.db import execute, fetch, fetch_value
from inbox.kit.errors import Problem
from inbox.kit.ids import CHANNEL, REPAIR, new_id, show_id
from inbox.outbox.actions import enqueue_jobs
from inbox.outbox.jobs import NewJob, RepairStep
from inbox.repair.queries import Repair, RepairKind

BATCH = 1000
AUDITED: dict[RepairKind, str] = {"reconcile": "channel.reconciled", "replay": "intake.replayed"}

BEGIN = """
INSERT INTO repair (id, kind, channel_id, since, until, selection, dry_run, automatic, actor)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING RETURNING id
"""

# Only from where it stood: of two that took the same step one is told that it was in vain.
GO_ON = """
UPDATE repair SET place = $3, counts = $4, updated_at = now(), state = $5,
                  finished_at = CASE WHEN $5 = 'running' THEN NULL ELSE now() END
WHERE id = $1 AND place = $2 AND state = 'running' RETURNING id
"""

# A step that kills or fails whoever takes it is dead as a job; so is its repair.
BURIED = """
UPDATE repair r SET state = 'failed', error = 'its next step broke: see the dead jobs', finished_at = now()
WHERE r.state = 'running' AND EXISTS (SELECT FROM job j WHERE j.key = 'repair:' || r.id AND j.state = 3)
"""

# Whoever took its steps was killed: the row says where to go on.
STRANDED = """
SELECT id, channel_id FROM repair r
WHERE r.state = 'running' AND r.updated_at < now() - make_interval(secs => $1)
  AND NOT EXISTS (SELECT FROM job j WHERE j.key = 'repair:' || r.id AND j.state < 2)
ORDER BY r.id LIMIT 100 FOR UPDATE SKIP LOCKED
"""

PRUNE = """
WITH old AS (
    SELECT id FROM repair WHERE state <> 'running' AND created_at < now() - make_interval(days => $1)
      AND id NOT IN (SELECT DISTINCT ON (channel_id) id FROM repair
                     WHERE kind = 'reconcile' AND state = 'done' AND NOT dry_run ORDER BY channel_id, until DESC)
    ORDER BY id LIMIT $2
), gone AS (
    DELETE FROM repair USING old WHERE repair.id = old.id RETURNING 1
)
SELECT count(*) FROM gone
"""


class NewRepair(msgspec.Struct, kw_only=True, frozen=True):
    """What is to be put right: a channel's messages of a span of time, or the journaled requests of a selection."""

    kind: RepairKind
    channel_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    selection: dict[str, Any] = {}
    dry_run: bool = False
    automatic: bool = False


class Step(msgspec.Struct, kw_only=True, frozen=True):
    """One step taken: where the next begins, None at the end, and what was found by this one."""

    place: dict[str, Any] | None
    counts: dict[str, int]


async def begin_repair(wanted: NewRepair, *, actor: Actor, as_job: bool = True) -> UUID:
    """Ask for a repair in the open transaction; of one channel only one at a time compares it with its provider's list.

    Not `as_job` where the caller takes the steps itself, as the command line does.
    """
    repair_id = new_id()
    made = await fetch_value(
        BEGIN,
        repair_id,
        wanted.kind,
        wanted.channel_id,
        wanted.since,
        wanted.until,
        _json(wanted.selection),
        wanted.dry_run,
        wanted.automatic,
        _json(actor),
    )
    if made is None:
        raise Problem("state_conflict", "The channel is being reconciled", hint="See GET /v1/repairs for how far it is")
    if not wanted.automatic:
        await record_audit(actor, AUDITED[wanted.kind], target=show_id(REPAIR, repair_id), facts=_facts(wanted))
    if as_job:
        await enqueue_step(repair_id, channel_id=wanted.channel_id)
    return repair_id


async def enqueue_step(repair_id: UUID, *, channel_id: UUID | None) -> None:
    """Ask for the next step."""
    lane = f"repair:{channel_id or ''}"
    await enqueue_jobs([NewJob(job=RepairStep(repair_id=repair_id), key=f"repair:{repair_id}", lane=lane)])


async def store_step(repair: Repair, step: Step) -> bool:
    """Write down how far a repair is; False if somebody else has taken this step already."""
    counts = Counter(repair.counts)
    counts.update(step.counts)
    state = "running" if step.place is not None else "done"
    place = repair.place if step.place is None else step.place
    stored = await fetch_value(GO_ON, repair.id, _json(repair.place), _json(place), _json(dict(counts)), state)
    return stored is not None


async def fail_repair(repair_id: UUID, error: str) -> None:
    """It cannot go on; what its steps did stays done."""
    sql = "UPDATE repair SET state = 'failed', error = $2, updated_at = now(), finished_at = now() WHERE id = $1"
    await execute(f"{sql} AND state = 'running'", repair_id, error[:500])


async def resume_repairs(*, idle_seconds: float) -> int:
    """Go on with repairs that nobody has worked on for so long; returns how many."""
    await execute(BURIED)
    rows = await fetch(STRANDED, idle_seconds)
    for row in rows:
        await enqueue_step(row["id"], channel_id=row["channel_id"])
    return len(rows)


async def prune_repairs(*, older_than_days: int) -> int:
    """Forget repairs that ended long ago, a batch at a time, but the last of each channel; returns how many."""
    return int(await fetch_value(PRUNE, older_than_days, BATCH))


def _facts(wanted: NewRepair) -> Mapping[str, Any]:
    return {
        "channel_id": wanted.channel_id and show_id(CHANNEL, wanted.channel_id),
        "since": wanted.since,
        "until": wanted.until,
        "dry_run": wanted.dry_run,
        **{name: value for name, value in wanted.selection.items() if name != "ids"},
    }


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
