"""Laying and lifting legal holds."""

from __future__ import annotations

from typing import Literal, TypeAlias
from uuid import UUID

import msgspec

from inbox.audit.actions import record_audit
from inbox.contacts.holds import refuse_erasing
from inbox.kit.callers import Actor
from inbox.kit.db import Row, execute, fetch_one, fetch_value
from inbox.kit.errors import Problem
from inbox.kit.ids import show_id

Subject: TypeAlias = Literal["contact", "conversation"]

# Under the subject's lock, so that an erasure and a hold asked for at once see each other.
LOCK = {
    "contact": "SELECT id AS contact_id FROM contact WHERE id = $1 FOR NO KEY UPDATE",
    "conversation": "SELECT contact_id FROM conversation WHERE id = $1 FOR NO KEY UPDATE",
}
LAY = """
INSERT INTO legal_hold (subject_id, subject, reason, actor) VALUES ($1, $2, $3, $4::jsonb)
ON CONFLICT (subject_id) DO UPDATE SET reason = excluded.reason
"""
LIFT = "DELETE FROM legal_hold WHERE subject_id = $1 AND subject = $2 RETURNING subject_id"


async def lay_hold(subject: Subject, subject_id: UUID, *, reason: str, actor: Actor) -> None:
    """Nothing of it may be taken away from now on; laid again, the reason is the new one."""
    row: Row | None = await fetch_one(LOCK[subject], subject_id)
    if row is None:
        raise Problem("not_found", f"There is no {subject} {_shown(subject, subject_id)}")
    await refuse_erasing([row["contact_id"]])
    await execute(LAY, subject_id, subject, reason, msgspec.json.encode(actor).decode())
    target = _shown(subject, subject_id)
    await record_audit(actor, "legal_hold.laid", target=target, facts={"reason": reason})


async def lift_hold(subject: Subject, subject_id: UUID, *, actor: Actor) -> None:
    """It may go its way again; what grew old meanwhile goes with the next round of retention."""
    if await fetch_value(LIFT, subject_id, subject) is None:
        raise Problem("not_found", f"No legal hold lies on {_shown(subject, subject_id)}")
    await execute("DELETE FROM retention_place")
    await record_audit(actor, "legal_hold.lifted", target=_shown(subject, subject_id))


def _shown(subject: Subject, subject_id: UUID) -> str:
    return show_id("ctc" if subject == "contact" else "cnv", subject_id)
