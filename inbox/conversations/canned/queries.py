"""Reading canned replies, and the values that fill one in for a conversation."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from inbox.contacts.queries import find_survivor
from inbox.conversations.canned.templates import Value
from inbox.conversations.canned.variants import Variant
from inbox.conversations.queries import find_contact_targets, order_targets
from inbox.kit.db import Row, fetch, fetch_one
from inbox.kit.errors import Problem
from inbox.kit.ids import CANNED_REPLY, show_id

REPLIES = """
SELECT id, owner_id, shortcut, name, folder, tags, variants, version, created_at, updated_at FROM canned_reply
"""
# A backslash would make what follows it literal; there is none in a shortcut, and in names it is looked for as it is.
PAGE = f"""
{REPLIES}
WHERE (owner_id IS NULL OR owner_id = $1)
  AND ($2::text IS NULL OR starts_with(shortcut, lower($2)) OR strpos(lower(name), lower(ltrim($2, '/'))) > 0)
  AND ($3::text IS NULL OR folder = $3) AND ($4::text IS NULL OR tags @> ARRAY[$4])
  AND ($5::text IS NULL OR (shortcut, id) > ($5, $6::uuid))
ORDER BY shortcut, id LIMIT $7
"""
CONVERSATION = """
SELECT c.number, c.subject, c.language, c.attributes, ct.name AS contact_name, ct.language AS contact_language,
       ct.attributes AS contact_attributes
FROM conversation c JOIN contact ct ON ct.id = c.contact_id WHERE c.id = $1
"""
CONTACT = """
SELECT NULL::bigint AS number, NULL AS subject, NULL AS language, '{}'::jsonb AS attributes, name AS contact_name,
       language AS contact_language, attributes AS contact_attributes
FROM contact WHERE id = $1
"""

_variants = msgspec.json.Decoder(list[Variant]).decode
_object = msgspec.json.Decoder(dict[str, Any]).decode


class CannedFilter(msgspec.Struct, kw_only=True, frozen=True):
    """Whose own replies are seen beside the shared ones, and what the list is narrowed to; None means no narrowing."""

    agent_id: UUID | None = None
    q: str | None = None
    folder: str | None = None
    tag: str | None = None


class Subject(msgspec.Struct, kw_only=True, frozen=True):
    """Whom a text is for: the language they are written to in, and the values of variables."""

    language: str | None = None
    values: dict[str, Value] = {}


async def find_canned(reply_id: UUID, *, agent_id: UUID | None) -> Row:
    """A shared reply, or this agent's own; else the `not_found` problem."""
    row = await fetch_one(f"{REPLIES} WHERE id = $1 AND (owner_id IS NULL OR owner_id = $2)", reply_id, agent_id)
    if row is None:
        raise Problem("not_found", f"There is no canned reply {show_id(CANNED_REPLY, reply_id)}")
    return row


async def list_canned(narrowed: CannedFilter, *, after: tuple[str, UUID] | None, limit: int) -> list[Row]:
    """One page of the canned replies an agent sees, by shortcut."""
    shortcut, last = after or (None, None)
    return await fetch(PAGE, narrowed.agent_id, narrowed.q, narrowed.folder, narrowed.tag, shortcut, last, limit)


def variants_of(row: Row) -> list[Variant]:
    """The texts of a canned reply."""
    return _variants(row["variants"])


async def find_subject(*, conversation_id: UUID | None = None, contact_id: UUID | None = None) -> Subject:
    """Whom a text is for: the contact of a conversation, one who has none yet, or nobody we know."""
    if conversation_id:
        row = await fetch_one(CONVERSATION, conversation_id)
        missing = f"There is no conversation {show_id('cnv', conversation_id)}"
    elif contact_id:
        row = await fetch_one(CONTACT, contact_id) or await fetch_one(CONTACT, await find_survivor(contact_id))
        missing = f"There is no contact {show_id('ctc', contact_id)}"
    else:
        return Subject()
    if row is None:
        raise Problem("not_found", missing)
    return Subject(language=row["language"] or row["contact_language"], values=_subject_values(row))


async def find_used_channel(conversation_id: UUID, *, medium: str | None) -> tuple[str | None, str | None]:
    """The medium and the name of the channel an answer would take: the one asked for, else the one used last."""
    row = await fetch_one(
        "SELECT contact_id, reply_channel_id, reply_identity_id FROM conversation WHERE id = $1", conversation_id
    )
    if row is None:
        return medium, None
    targets = (await find_contact_targets([row["contact_id"]]))[row["contact_id"]]
    ordered = order_targets(targets, row["reply_channel_id"], row["reply_identity_id"])
    chosen = next((target for target in ordered if medium in (None, target.medium)), None)
    if chosen is None:
        return medium, None
    return chosen.medium, await channel_name(chosen.channel_id)


async def channel_name(channel_id: UUID) -> str | None:
    """What a channel of ours is called."""
    row = await fetch_one("SELECT name FROM channel WHERE id = $1", channel_id)
    return row["name"] if row else None


async def agent_values(agent_id: UUID | None, *, name: str | None) -> dict[str, Value]:
    """The variables of whoever writes; a program has a name and no more."""
    row = await fetch_one("SELECT name, email FROM agent WHERE id = $1", agent_id) if agent_id else None
    shown = row["name"] if row else name
    return _given({
        "agent.name": shown, "agent.first_name": _first(shown), "agent.email": row["email"] if row else None,
    })  # fmt: skip


def _subject_values(row: Row) -> dict[str, Value]:
    values = {
        "conversation.number": row["number"],
        "conversation.subject": row["subject"],
        "conversation.language": row["language"],
        "contact.name": row["contact_name"],
        "contact.first_name": _first(row["contact_name"]),
        "contact.language": row["contact_language"],
    }
    attributes = (("conversation", row["attributes"]), ("contact", row["contact_attributes"]))
    more = {f"{of}.attributes.{name}": value for of, text in attributes for name, value in _object(text).items()}
    return _given(values | more)


def _given(values: dict[str, Any]) -> dict[str, Value]:
    """What can be shown: words and numbers that are there."""
    return {name: value for name, value in values.items() if isinstance(value, str | int | float) and value != ""}


def _first(name: str | None) -> str | None:
    return name.split()[0] if name and name.strip() else None
