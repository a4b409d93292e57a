"""An erasure from its beginning to its end: one row that says how far it is, and a job for its next step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from inbox.audit.actions import record_audit
from inbox.contacts.actions import lock_contact
from inbox.contacts.erased import find_ledger_key
from inbox.contacts.holds import refuse_erasing, refuse_held
from inbox.contacts.queries import find_contact
from inbox.conversations.contact_merging.actions import forget_merges
from inbox.feed.actions import append_event
from inbox.kit.callers import Actor
from inbox.kit.db import execute, fetch, fetch_value
from inbox.kit.errors import Problem
from inbox.kit.ids import ERASURE, new_id, show_id
from inbox.kit.secrets import SecretBox
from inbox.outbox.actions import enqueue_jobs
from inbox.outbox.jobs import EraseStep, NewJob
from inbox.privacy.erasure.traces import Erasure, LedgerLine, Step, Traces

BEGIN = "INSERT INTO erasure (id, contact_ids, reason, actor) VALUES ($1, $2, $3, $4::jsonb)"
GO_ON = """
UPDATE erasure SET step = $2, place = $3::jsonb, counts = $4::jsonb, updated_at = now() WHERE id = $1
"""
LEFT = """
SELECT EXISTS (SELECT FROM conversation WHERE contact_id = ANY($1)) OR EXISTS (SELECT FROM identity
    WHERE contact_id = ANY($1))
"""
CLOSE = """
UPDATE erasure SET state = 'done', traces = NULL, place = NULL, counts = $2::jsonb, updated_at = now(),
    finished_at = now()
WHERE id = $1
"""
STRANDED = """
SELECT id FROM erasure r WHERE r.state = 'running' AND r.updated_at < now() - make_interval(secs => $1)
  AND NOT EXISTS (SELECT FROM job j WHERE j.key = 'erasure:' || r.id AND j.state < 2)
ORDER BY r.id LIMIT 100 FOR UPDATE SKIP LOCKED
"""
# What a ledger says was erased, in a database that does not know of it; what it knows is begun again where need be.
AGAIN = """
INSERT INTO erasure (id, contact_ids, state, actor, step, erased_at, requested_at, finished_at)
VALUES ($1, $2, $3, $4::jsonb, 'vanish', $5, $5, CASE WHEN $3 = 'done' THEN now() END)
ON CONFLICT (id) DO UPDATE SET state = excluded.state, contact_ids = excluded.contact_ids, step = 'vanish',
    place = NULL, updated_at = now()
WHERE excluded.state = 'running'
"""
REMEMBER = """
INSERT INTO erased_identity (kind, hash, erasure_id, revoked)
SELECT kind, decode(hash, 'hex'), $2, revoked
FROM jsonb_to_recordset($1::jsonb) AS r(kind text, hash text, revoked jsonb)
ON CONFLICT DO NOTHING
"""
LIFT = """
DELETE FROM legal_hold WHERE subject_id = ANY($1)
    OR subject_id IN (SELECT id FROM conversation WHERE contact_id = ANY($1))
"""


async def begin_erasure(contact_id: UUID, *, reason: str, actor: Actor) -> UUID:
    """Ask for a person to be erased, in the open transaction; `state_conflict` under a legal hold, or if it runs."""
    owner = (await lock_contact(contact_id))["id"]
    contact = await find_contact(owner)
    ids = [owner, *contact.merged_ids]
    await refuse_erasing(ids)
    await refuse_held(contact_ids=[owner])
    await find_ledger_key(make=True)
    erasure_id = new_id()
    await execute(BEGIN, erasure_id, ids, reason, msgspec.json.encode(actor).decode())
    await enqueue_erasure(erasure_id)
    facts = {"erasure_id": show_id(ERASURE, erasure_id)}
    await record_audit(actor, "contact.erasure_requested", target=show_id("ctc", owner), facts=facts)
    return erasure_id


async def enqueue_erasure(erasure_id: UUID) -> None:
    """Ask for the next step."""
    await enqueue_jobs([NewJob(job=EraseStep(erasure_id=erasure_id), key=f"erasure:{erasure_id}", lane="erasure")])


async def resume_erasures(*, idle_seconds: float) -> int:
    """Go on with erasures that nobody has worked on for so long; returns how many."""
    rows = await fetch(STRANDED, idle_seconds)
    for row in rows:
        await enqueue_erasure(row["id"])
    return len(rows)


async def repeat_erasure(line: LedgerLine, returned: Sequence[UUID], *, actor: Actor) -> None:
    """Write down an erasure out of a ledger; with somebody returned, it is to be carried out again.

    What a restored hold lies on goes as well: it was lifted before the person could be erased.
    """
    ids = sorted({*line.contact_ids, *returned})
    state = "running" if returned else "done"
    await execute(AGAIN, line.id, ids, state, msgspec.json.encode(actor).decode(), line.erased_at)
    await execute(REMEMBER, msgspec.json.encode(line.addresses).decode(), line.id)
    if returned:
        await execute(LIFT, ids)
        facts = {"erasure_id": show_id(ERASURE, line.id)}
        await record_audit(actor, "contact.erasure_repeated", target=show_id("ctc", line.contact_ids[0]), facts=facts)


async def store_erasure_step(erasure: Erasure, *, step: Step, place: Any, counts: Mapping[str, int]) -> None:
    """Write down how far it is."""
    added = Counter(erasure.counts)
    added.update(counts)
    await execute(GO_ON, erasure.id, step, _json(place), _json(dict(added)))


async def close_erasure(erasure: Erasure, *, now: datetime) -> bool:
    """The end: the contact's row goes, and it is told; False where something came in between and has to go first."""
    await fetch("SELECT id FROM contact WHERE id = ANY($1) ORDER BY id FOR UPDATE", erasure.contact_ids)
    if await fetch_value(LEFT, erasure.contact_ids):
        return False
    await forget_merges(erasure.contact_ids)
    await execute("DELETE FROM contact WHERE id = ANY($1)", erasure.contact_ids)
    await execute(CLOSE, erasure.id, _json(erasure.counts))
    target, facts = erasure.contact_ids[0], {"erasure_id": show_id(ERASURE, erasure.id)}
    await append_event("contact.erased", actor=erasure.actor, contact_id=target, facts=facts)
    await record_audit(
        erasure.actor, "contact.erased", target=show_id("ctc", target), facts={**facts, **erasure.counts}
    )
    return True


def open_traces(erasure: Erasure, box: SecretBox) -> Traces:
    """What is looked for."""
    if erasure.traces is None:
        return Traces()
    plain = box.open_sealed(erasure.traces, bound_to=show_id(ERASURE, erasure.id))
    return msgspec.json.decode(plain, type=Traces)


async def save_traces(erasure: Erasure, traces: Traces, box: SecretBox) -> None:
    """Keep what is looked for, sealed, until the erasure is over."""
    sealed = box.seal(msgspec.json.encode(traces), bound_to=show_id(ERASURE, erasure.id))
    await execute("UPDATE erasure SET traces = $2 WHERE id = $1", erasure.id, sealed)


def refuse_unconfirmed(confirm: str, contact_id: UUID) -> None:
    """Whoever erases somebody says whom, twice."""
    if confirm != show_id("ctc", contact_id):
        detail = "`confirm` has to repeat the contact's id: an erasure cannot be undone"
        raise Problem("validation_failed", detail)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
