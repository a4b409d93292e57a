"""Finding whom to compare a contact with: by what an index finds, never by looking at everybody."""

from __future__ import annotations

from uuid import UUID

import msgspec

from inbox.contacts.contact import Contact
from inbox.contacts.duplicates.scoring import Likeness, bare_address, compare_contacts, written_addresses
from inbox.contacts.matching import match_key
from inbox.contacts.queries import find_contact, find_contacts
from inbox.kit.db import fetch

COMPARED = 100
"""The most contacts that one is compared with."""
WRITTEN_KEYS = ("email", "mail", "phone", "mobile", "telephone", "whatsapp")
"""Under which attributes addresses are looked for, beside those that are defined as mail address or phone."""

# The strongest grounds first: who merely has the same common name crowds nobody out.
CANDIDATES = """
SELECT id FROM (
    SELECT c.id, 1 AS ground FROM unnest($2::text[], $3::text[]) AS pair(system, value)
    JOIN contact c ON c.external @> jsonb_build_object(pair.system, pair.value)
    UNION ALL
    SELECT i.contact_id, 1 FROM unnest($4::text[]) AS wanted(match_key)
    JOIN identity i ON i.match_key = wanted.match_key AND i.kind IN ('phone', 'email', 'whatsapp')
    UNION ALL
    SELECT c.id, 2 FROM unnest($5::jsonb[]) AS wanted(member) JOIN contact c ON c.attributes @> wanted.member
    UNION ALL
    (SELECT c.id, 3 FROM contact c WHERE lower(c.name) = lower($6) AND c.id <> $1 ORDER BY c.id DESC LIMIT $7)
) found WHERE id <> $1 GROUP BY id ORDER BY min(ground), id DESC LIMIT $7
"""
ADDRESS_KEYS = "SELECT key FROM attribute_definition WHERE applies_to = 'contact' AND type IN ('email', 'phone')"


async def find_duplicates(contact_id: UUID, *, limit: int) -> list[tuple[Contact, Likeness]]:
    """Contacts that may be the same person, the likeliest first; two that nothing speaks for are not among them."""
    contact = await find_contact(contact_id)
    keys = {*WRITTEN_KEYS, *(row["key"] for row in await fetch(ADDRESS_KEYS))}
    addresses = _spellings(contact)
    rows = await fetch(
        CANDIDATES,
        contact.id,
        list(contact.external),
        list(contact.external.values()),
        addresses,
        [msgspec.json.encode({key: address}).decode() for key in sorted(keys) for address in addresses],
        contact.name,
        COMPARED,
    )
    others = (await find_contacts([row["id"] for row in rows])).values()
    scored = [(other, compare_contacts(contact, other)) for other in others]
    likely = [(other, likeness) for other, likeness in scored if likeness.score > 0]
    return sorted(likely, key=lambda pair: (-pair[1].score, pair[0].id))[:limit]


def _spellings(contact: Contact) -> list[str]:
    """Every spelling under which an address of a contact, or one written down of theirs, may be somebody else's."""
    addresses = {one.address for one in contact.identities}
    keys = {match_key(one.kind, one.address) for one in contact.identities} | addresses
    keys |= {key for _, key in written_addresses(contact)}
    bare = {bare_address(key) for key in keys}
    return sorted(keys | bare | {f"+{key}" for key in bare if key.isdecimal()})
