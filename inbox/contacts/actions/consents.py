"""The ledger of what people allowed: lines are added, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import msgspec

from inbox.audit.actions import record_audit
from inbox.contacts.contact import ConsentChange
from inbox.contacts.queries import find_survivor
from inbox.feed.actions import append_event
from inbox.kit.callers import Actor
from inbox.kit.db import execute, fetch_one
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import show_id

RECORD = """
INSERT INTO consent (identity_id, purpose, channel_id, state, source, proof)
SELECT identity_id, purpose, channel_id, state, source, proof
FROM ROWS FROM (jsonb_to_recordset($1::jsonb)
    AS (identity_id uuid, purpose text, channel_id uuid, state text, source text, proof jsonb))
    WITH ORDINALITY AS line(identity_id, purpose, channel_id, state, source, proof, place)
ORDER BY place
"""
OWNED = "SELECT FROM identity WHERE id = $1 AND contact_id = $2 FOR KEY SHARE"


async def record_consents(changes: Sequence[ConsentChange]) -> None:
    """Add lines to the ledger, the last being the newest; one statement however many."""
    if changes:
        await execute(RECORD, msgspec.json.encode(changes).decode())


async def change_consent(contact_id: UUID, change: ConsentChange, *, actor: Actor) -> None:
    """Record what a contact allowed or took back for one of their addresses, and tell it."""
    owner = await find_survivor(contact_id) or contact_id
    if await fetch_one(OWNED, change.identity_id, owner) is None:
        raise Problem("not_found", f"The contact has no identity {show_id('idn', change.identity_id)}")
    try:
        await record_consents([change])
    except asyncpg.ForeignKeyViolationError:
        error = FieldError(pointer="/channel_id", code="unknown", detail="There is no such channel")
        raise Problem("validation_failed", "The channel does not exist", errors=[error]) from None
    await append_event(
        "contact.consent_changed",
        actor=actor,
        contact_id=owner,
        channel_id=change.channel_id,
        facts=consent_facts(change),
        changed=["identities"],
    )
    target = show_id("ctc", owner)
    await record_audit(actor, "contact.consent_changed", target=target, facts=consent_facts(change))


def consent_facts(change: ConsentChange) -> dict[str, str]:
    """What the feed tells of a change: which address by its id, never the address itself."""
    return {
        "identity_id": show_id("idn", change.identity_id),
        "purpose": change.purpose,
        "state": change.state,
        "source": change.source,
    }
