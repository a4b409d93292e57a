"""Reading erasures and their ledger."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from inbox.contacts.erased import hash_address
from inbox.kit.db import Row, fetch, fetch_one
from inbox.kit.errors import Problem
from inbox.kit.ids import ERASURE, show_id
from inbox.privacy.erasure.traces import Erasure, LedgerLine

COLUMNS = "id, contact_ids, state, reason, actor, step, place, counts, traces, requested_at, erased_at, finished_at"
PAGE = f"SELECT {COLUMNS} FROM erasure WHERE ($1::uuid IS NULL OR id < $1) ORDER BY id DESC LIMIT $2"  # noqa: S608 (ours)
LEDGER = """
SELECT jsonb_build_object('id', e.id, 'erased_at', e.erased_at, 'contact_ids', e.contact_ids, 'addresses', (
    SELECT coalesce(jsonb_agg(jsonb_build_object('kind', i.kind, 'hash', encode(i.hash, 'hex'), 'revoked', i.revoked)
                    ORDER BY i.kind, i.hash), '[]')
    FROM erased_identity i WHERE i.erasure_id = e.id))::text AS line
FROM erasure e WHERE e.erased_at IS NOT NULL AND NOT (e.id = ANY($1)) ORDER BY e.id
"""
LATE = """
SELECT i.contact_id FROM identity i JOIN erasure x ON x.id = $2
WHERE i.id = $1 AND EXISTS (
    SELECT FROM conversation c JOIN entry e ON e.conversation_id = c.id
    JOIN raw_event r ON r.channel_id = e.channel_id AND r.id = e.raw_event_id
    WHERE c.contact_id = i.contact_id AND r.received_at <= x.erased_at)
"""
IDENTITIES = """
SELECT id, contact_id, kind, match_key, created_at FROM identity
WHERE id > $1 AND created_at < $2 ORDER BY id LIMIT $3
"""
PAGE_ROWS = 2000

_line = msgspec.json.Decoder(LedgerLine).decode


async def find_erasure(erasure_id: UUID, *, lock: bool = False) -> Erasure:
    """One erasure, or the `not_found` problem."""
    ending = " FOR UPDATE" if lock else ""
    row = await fetch_one(f"SELECT {COLUMNS} FROM erasure WHERE id = $1{ending}", erasure_id)  # noqa: S608 (ours)
    if row is None:
        raise Problem("not_found", f"There is no erasure {show_id(ERASURE, erasure_id)}")
    return read_erasure(row)


async def list_erasures(*, after: UUID | None, limit: int) -> list[Erasure]:
    """One page, the newest first."""
    return [read_erasure(row) for row in await fetch(PAGE, after, limit)]


def read_erasure(row: Row) -> Erasure:
    """An erasure's row."""
    values = dict(row)
    for name in ("actor", "counts", "place"):
        values[name] = values[name] and msgspec.json.decode(values[name])
    return msgspec.convert(values, Erasure)


async def read_ledger(*, besides: Collection[UUID] = ()) -> list[LedgerLine]:
    """The ledger's lines, the oldest first, without those of these erasures."""
    return [_line(row["line"]) for row in await fetch(LEDGER, list(besides))]


async def find_returned(line: LedgerLine, key: bytes) -> list[UUID]:
    """Contacts that an erasure took and that are there again, as in a database restored from before it.

    By their ids, and by the hashes of addresses we held before it: whoever wrote anew afterwards is somebody new.
    """
    wanted: Mapping[tuple[str, str], Any] = {(one.kind, one.hash): one for one in line.addresses}
    rows = await fetch("SELECT id FROM contact WHERE id = ANY($1)", line.contact_ids)
    found = {row["id"] for row in rows}
    after: UUID | None = UUID(int=0)
    while after is not None and wanted:
        after, owners = await _hash_page(wanted, key, after=after, before=line.erased_at)
        found |= owners
    return sorted(found)


async def find_late_owner(identity_id: UUID, erasure_id: UUID) -> UUID | None:
    """Whose the address is, if something of theirs came in before that erasure; None if all of it is newer."""
    row = await fetch_one(LATE, identity_id, erasure_id)
    return row["contact_id"] if row else None


async def _hash_page(
    wanted: Mapping[tuple[str, str], Any], key: bytes, *, after: UUID, before: datetime
) -> tuple[UUID | None, set[UUID]]:
    rows = await fetch(IDENTITIES, after, before, PAGE_ROWS)
    owners = {
        row["contact_id"]
        for row in rows
        if (row["kind"], hash_address(key, row["kind"], row["match_key"]).hex()) in wanted
    }
    return (rows[-1]["id"] if len(rows) == PAGE_ROWS else None), owners
