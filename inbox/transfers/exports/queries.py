"""Reading what is exported: ids in their order under a query, then the objects as the API shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from inbox.contacts.api.shapes import show_contact
from inbox.contacts.companies.api import show_company
from inbox.contacts.companies.queries import find_companies
from inbox.contacts.queries import find_contacts
from inbox.contacts.segments.fields import FIELDS as CONTACT_FIELDS
from inbox.contacts.segments.fields import read_contact_query
from inbox.conversations.api.conversations import show_conversations
from inbox.conversations.api.entries import show_entry
from inbox.conversations.queries import find_conversations, find_entries
from inbox.conversations.search import FIELDS as CONVERSATION_FIELDS
from inbox.conversations.search import read_conversation_query
from inbox.kit.db import fetch, fetch_value
from inbox.kit.errors import FieldError, Problem
from inbox.kit.query import compile_query
from inbox.transfers.exports.flat import FREE

THREADS = "conversation c JOIN contact ct ON ct.id = c.contact_id"
SOURCES = {
    "contacts": ("contact c", "c.id"),
    "companies": ("company c", "c.id"),
    "conversations": (THREADS, "c.id"),
    "messages": ("entry e JOIN conversation c ON c.id = e.conversation_id JOIN contact ct ON ct.id = c.contact_id "
                 "AND e.type IN ('message', 'note', 'call')", "e.id"),
}  # fmt: skip
TABLES = {"contacts": "contact", "companies": "company", "conversations": "conversation"}
KEYS_MOST = 500
"""The most columns that the keys of free-form JSON get."""


def check_export_query(kind: str, q: str | None) -> None:
    """The problem `invalid_query` for one that cannot be asked of this kind."""
    if q is None:
        return
    if kind == "companies":
        error = FieldError(pointer="/q", code="invalid", detail="companies are exported whole, without a query")
        raise Problem("validation_failed", error.detail, errors=[error])
    (read_contact_query if kind == "contacts" else read_conversation_query)(q, pointer="/q")


async def count_exported(kind: str, q: str | None) -> int:
    """How many rows the export will have about now."""
    args: list[Any] = []
    source, _ = SOURCES[kind]
    return int(await fetch_value(f"SELECT count(*) FROM {source} WHERE {_condition(kind, q, args)}", *args))  # noqa: S608 (compiled from our own text)


async def list_exported_ids(kind: str, q: str | None, *, after: UUID, limit: int) -> list[UUID]:
    """The next ids, in their order: what is made meanwhile comes at the end, and nothing twice."""
    args: list[Any] = [after, limit]
    source, key = SOURCES[kind]
    condition = _condition(kind, q, args)
    rows = await fetch(f"SELECT {key} AS id FROM {source} WHERE {key} > $1 AND {condition} ORDER BY {key} LIMIT $2",  # noqa: S608 (as above)
                       *args)  # fmt: skip
    return [row["id"] for row in rows]


async def load_exported(kind: str, ids: Sequence[UUID]) -> list[Any]:
    """These objects as the API shows them, in the order of their ids."""
    if kind == "contacts":
        contacts = await find_contacts(ids)
        return [show_contact(contacts[one]) for one in ids if one in contacts]
    if kind == "companies":
        companies = await find_companies(ids)
        return [show_company(companies[one]) for one in ids if one in companies]
    if kind == "messages":
        entries = await find_entries(list(ids))
        return [show_entry(entries[one]) for one in ids if one in entries]
    threads = await find_conversations(ids)
    return list(await show_conversations([threads[one] for one in ids if one in threads]))


async def find_free_columns(kind: str) -> list[str]:
    """A column for each key that any object has in its free-form JSON."""
    columns: list[str] = []
    for name in FREE[kind]:
        sql = f"SELECT DISTINCT k FROM {TABLES[kind]}, jsonb_object_keys({name}) AS k ORDER BY k LIMIT {KEYS_MOST}"  # noqa: S608 (ours)
        columns += [f"{name}.{row['k']}" for row in await fetch(sql)]
    return columns


def _condition(kind: str, q: str | None, args: list[Any]) -> str:
    if not q:
        return "true"
    if kind == "contacts":
        return compile_query(read_contact_query(q), CONTACT_FIELDS, args)
    return compile_query(read_conversation_query(q), CONVERSATION_FIELDS, args)


def encode_lines(objects: Sequence[Any]) -> bytes:
    """Objects as JSON lines."""
    return b"".join(msgspec.json.encode(one) + b"\n" for one in objects)
