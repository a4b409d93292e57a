"""What must not be destroyed for the time being: whoever takes words or people out asks here first."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from inbox.kit.db import fetch_one
from inbox.kit.errors import Problem
from inbox.kit.ids import show_id

# A conversation is held by itself or by its contact, a contact by itself or by one of its conversations.
HELD = """
SELECT h.subject, h.subject_id FROM legal_hold h
WHERE h.subject_id = ANY($1) OR h.subject_id = ANY($2)
   OR h.subject_id IN (SELECT c.contact_id FROM conversation c WHERE c.id = ANY($1))
   OR ($3 AND h.subject_id IN (SELECT c.id FROM conversation c WHERE c.contact_id = ANY($2)))
ORDER BY h.subject_id LIMIT 1
"""
ERASING = "SELECT id FROM erasure WHERE state = 'running' AND contact_ids && $1 LIMIT 1"


async def refuse_held(*, conversation_ids: Collection[UUID] = (), contact_ids: Collection[UUID] = ()) -> None:
    """The `state_conflict` problem where a legal hold lies on one of these, or on what belongs to it."""
    row = await fetch_one(HELD, list(conversation_ids), list(contact_ids), bool(contact_ids))
    if row is not None:
        subject = row["subject"]
        shown = show_id("ctc" if subject == "contact" else "cnv", row["subject_id"])
        raise Problem(
            "state_conflict",
            f"A legal hold lies on the {subject} {shown}: nothing of it may be taken away",
            hint=f"Lift it first: DELETE /v1/{subject}s/{shown}/legal-hold",
        )


async def refuse_erasing(contact_ids: Collection[UUID]) -> None:
    """The `state_conflict` problem where one of these contacts is being erased."""
    row = await fetch_one(ERASING, list(contact_ids))
    if row is not None:
        erasure = show_id("ers", row["id"])
        raise Problem("state_conflict", "The contact is being erased", hint=f"See GET /v1/erasures/{erasure}")
