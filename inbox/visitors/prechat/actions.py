"""What a visitor says of themselves reaches the contact they are: where nothing better is known, and unproven."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from inbox.contacts.actions import lock_contact, update_contact
from inbox.contacts.contact import ContactChange
from inbox.kit.callers import SYSTEM
from inbox.kit.db import Row, fetch_one, savepoint
from inbox.kit.errors import Problem
from inbox.visitors.mail.actions import claim_email

# Whose the conversation is, and what its visitor has said of themselves.
SAID = """
SELECT v.name, coalesce(v.proven_email, v.email) AS email, v.phone, v.attributes, c.contact_id
FROM conversation c JOIN identity i ON i.contact_id = c.contact_id AND i.kind = 'visitor'
JOIN visitor v ON v.address = i.address
WHERE c.id = $1 ORDER BY v.last_seen_at DESC LIMIT 1
"""


async def describe_contact(conversation_id: UUID) -> None:
    """Let the contact have the name, the mail address and the attributes that their visitor gave.

    What is known already stays as it is; an address that somebody else has is noted, and nobody is merged.
    """
    said = await fetch_one(SAID, conversation_id)
    if said is None:
        return
    row = await lock_contact(said["contact_id"])
    try:
        async with savepoint():
            await update_contact(row["id"], missing_facts(row, said), actor=SYSTEM)
    except Problem:  # the attributes are held to definitions, and these do not fit them
        if row["name"] is None and said["name"]:
            await update_contact(row["id"], ContactChange(name=said["name"]), actor=SYSTEM)
    if said["email"]:
        await claim_email(row["id"], said["email"])


def missing_facts(row: Row, said: Row) -> ContactChange:
    """What the visitor says and the contact has not."""
    known: dict[str, Any] = msgspec.json.decode(row["attributes"])
    told: dict[str, Any] = msgspec.json.decode(said["attributes"])
    told |= {"phone": said["phone"]} if said["phone"] else {}
    fresh = {name: value for name, value in told.items() if name not in known}
    return ContactChange(
        name=said["name"] if row["name"] is None and said["name"] else msgspec.UNSET,
        attributes=fresh or msgspec.UNSET,
    )
