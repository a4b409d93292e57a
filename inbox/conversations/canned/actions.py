"""Keeping canned replies: checked when they are saved, so that none breaks when it is needed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from inbox.audit.actions import record_audit
from inbox.conversations.canned.queries import REPLIES, variants_of
from inbox.conversations.canned.variants import Variant, check_variants
from inbox.kit.callers import Actor
from inbox.kit.db import Row, execute, fetch_one
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import CANNED_REPLY, new_id, show_id
from inbox.kit.versions import check_version

INSERT = """
INSERT INTO canned_reply (id, owner_id, shortcut, name, folder, tags, variants, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
"""
SAVE = """
UPDATE canned_reply SET shortcut = $2, name = $3, folder = $4, tags = $5, variants = $6, version = version + 1,
                        updated_at = $7
WHERE id = $1
"""


class CannedContent(msgspec.Struct, kw_only=True, frozen=True):
    """What a canned reply holds; the shortcut is in lower case and begins with a slash."""

    shortcut: str
    name: str
    folder: str | None
    tags: list[str]
    variants: list[Variant]


async def create_canned(content: CannedContent, *, owner_id: UUID | None, now: datetime) -> UUID:
    """A new one: shared, or an agent's own."""
    _check(content.variants)
    reply_id = new_id()
    try:
        await execute(INSERT, reply_id, owner_id, *_columns(content), now)
    except asyncpg.UniqueViolationError as error:
        raise _taken(content.shortcut) from error
    return reply_id


async def update_canned(reply_id: UUID, changes: dict[str, Any], *, agent_id: UUID | None, now: datetime) -> None:
    """Change the named fields; what differs in nothing is no new version."""
    row = await _lock_canned(reply_id, agent_id=agent_id)
    before = CannedContent(
        shortcut=row["shortcut"],
        name=row["name"],
        folder=row["folder"],
        tags=row["tags"],
        variants=variants_of(row),
    )
    after = msgspec.structs.replace(before, **changes)
    if after == before:
        return
    _check(after.variants)
    try:
        await execute(SAVE, reply_id, *_columns(after), now)
    except asyncpg.UniqueViolationError as error:
        raise _taken(after.shortcut) from error


async def delete_canned(reply_id: UUID, *, agent_id: UUID | None, actor: Actor) -> None:
    """Forget it; what was written with it stays."""
    await _lock_canned(reply_id, agent_id=agent_id)
    await execute("DELETE FROM canned_reply WHERE id = $1", reply_id)
    await record_audit(actor, "canned_reply.deleted", target=show_id(CANNED_REPLY, reply_id))


async def _lock_canned(reply_id: UUID, *, agent_id: UUID | None) -> Row:
    sql = f"{REPLIES} WHERE id = $1 AND (owner_id IS NULL OR owner_id = $2) FOR UPDATE"
    row = await fetch_one(sql, reply_id, agent_id)
    if row is None:
        raise Problem("not_found", f"There is no canned reply {show_id(CANNED_REPLY, reply_id)}")
    check_version(reply_id, row["version"])
    return row


def _check(variants: Sequence[Variant]) -> None:
    problems = check_variants(variants)
    if problems:
        errors = [
            FieldError(pointer=f"/variants{problem.pointer}", code=problem.code, detail=problem.detail)
            for problem in problems
        ]
        raise Problem("template_invalid", f"{errors[0].pointer}: {errors[0].detail}", errors=errors)


def _columns(content: CannedContent) -> tuple[str, str, str | None, list[str], str]:
    variants = msgspec.json.encode(content.variants).decode()
    return content.shortcut, content.name, content.folder, content.tags, variants


def _taken(shortcut: str) -> Problem:
    error = FieldError(pointer="/shortcut", code="taken", detail=f"there is a canned reply {shortcut} already")
    return Problem("state_conflict", error.detail, errors=[error])
