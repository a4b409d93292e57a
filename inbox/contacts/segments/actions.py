"""Saving segments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg

from inbox.audit.actions import record_audit
from inbox.contacts.segments.fields import read_contact_query
from inbox.contacts.segments.queries import find_segment
from inbox.kit.callers import Actor
from inbox.kit.db import execute
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import new_id, show_id
from inbox.kit.versions import check_version

CHANGING = ("name", "description", "query", "position")
INSERT = "INSERT INTO segment (id, name, description, query, position) VALUES ($1, $2, $3, $4, $5)"
UPDATE = """
UPDATE segment SET name = $2, description = $3, query = $4, position = $5, version = version + 1, updated_at = now()
WHERE id = $1
"""


async def create_segment(fields: Mapping[str, Any], *, actor: Actor) -> UUID:
    """A new segment; its query has to be one that can be asked."""
    segment_id = new_id()
    await _write(INSERT, segment_id, fields)
    await record_audit(actor, "segment.created", target=show_id("seg", segment_id))
    return segment_id


async def update_segment(segment_id: UUID, patch: Mapping[str, Any], *, actor: Actor) -> None:
    """Change what the patch names."""
    known = await find_segment(segment_id, lock=True)
    check_version(segment_id, known.version)
    await _write(UPDATE, segment_id, {name: patch.get(name, getattr(known, name)) for name in CHANGING})
    await record_audit(actor, "segment.updated", target=show_id("seg", segment_id))


async def delete_segment(segment_id: UUID, *, actor: Actor) -> None:
    """Forget the question; nobody in it is touched."""
    known = await find_segment(segment_id, lock=True)
    check_version(segment_id, known.version)
    await execute("DELETE FROM segment WHERE id = $1", segment_id)
    await record_audit(actor, "segment.deleted", target=show_id("seg", segment_id))


async def _write(sql: str, segment_id: UUID, fields: Mapping[str, Any]) -> None:
    read_contact_query(fields["query"], pointer="/query")
    try:
        await execute(sql, segment_id, *(fields[name] for name in CHANGING))
    except asyncpg.UniqueViolationError:
        detail = f"A segment is called {fields['name']} already"
        error = FieldError(pointer="/name", code="taken", detail=detail)
        raise Problem("state_conflict", detail, errors=[error]) from None
