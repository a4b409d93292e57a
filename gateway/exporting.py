"""One chunk of an export: rows read, written to a file of their own, and noted, under the lock of the export's row.

Whoever dies in between has noted nothing: the chunk is done again, over the same file. So no row is lost or doubled. It
is no snapshot: a row is as it was when its chunk was read, in the order of ids, which is that of making.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import msgspec

from gateway.runtime import Runtime
from gateway.storage import Storage
from inbox.kit.clock import utc_now
from inbox.transfers.actions import close_transfer, store_chunk, store_prepared
from inbox.transfers.exports.cells import write_rows
from inbox.transfers.exports.flat import choose_columns, flatten
from inbox.transfers.exports.person import SECTIONS, list_held
from inbox.transfers.exports.queries import (
    count_exported,
    encode_lines,
    find_free_columns,
    list_exported_ids,
    load_exported,
)
from inbox.transfers.transfer import PERSON, ExportPlan, Transfer, part_key

CHUNK = 500
"""Rows of one chunk."""
START = str(UUID(int=0))


async def export_chunk(runtime: Runtime, transfer: Transfer) -> None:
    """The next chunk in the open transaction; the first thing is to know how much it will be."""
    plan = msgspec.convert(transfer.plan, ExportPlan)
    if transfer.started_at is None:
        await _prepare(transfer, plan)
    elif transfer.kind == PERSON:
        await _person_chunk(runtime, transfer, plan)
    else:
        await _chunk(runtime, transfer, plan)


async def _prepare(transfer: Transfer, plan: ExportPlan) -> None:
    if transfer.kind == PERSON:
        await store_prepared(transfer, total=len(SECTIONS))
        return
    free = await find_free_columns(transfer.kind) if transfer.format == "csv" and plan.columns is None else []
    settled = msgspec.structs.replace(plan, columns=choose_columns(transfer.kind, plan.columns, free))
    total = await count_exported(transfer.kind, plan.q)
    await store_prepared(transfer, total=total, plan=msgspec.to_builtins(settled))


async def _chunk(runtime: Runtime, transfer: Transfer, plan: ExportPlan) -> None:
    after = UUID(transfer.place or START)
    ids = await list_exported_ids(transfer.kind, plan.q, after=after, limit=CHUNK)
    shown = [msgspec.to_builtins(one) for one in await load_exported(transfer.kind, ids)]
    if transfer.format == "csv":
        rows = [flatten(transfer.kind, one) for one in shown]
        content = write_rows(plan.columns or [], rows, head=transfer.part == 0, bom=plan.bom)
    else:
        content = encode_lines(shown)
    await put_part(runtime.storage, transfer, content)
    await store_chunk(transfer, place=str(ids[-1]) if ids else str(after), rows=len(shown), size=len(content))
    if len(ids) < CHUNK:
        await _finish(runtime, transfer)


async def _person_chunk(runtime: Runtime, transfer: Transfer, plan: ExportPlan) -> None:
    section, after = transfer.place or (0, "")
    contacts = [plan.contact_id] if plan.contact_id else []
    lines, following = await list_held(section, contacts, after=after)
    content = "".join(f"{line}\n" for line in lines).encode()
    await put_part(runtime.storage, transfer, content)
    place = (section, following) if following else (section + 1, "")
    counts = {SECTIONS[section][0]: len(lines)}
    await store_chunk(transfer, place=place, rows=0 if following else 1, size=len(content), counts=counts)
    if place[0] == len(SECTIONS):
        await _finish(runtime, transfer)


async def _finish(runtime: Runtime, transfer: Transfer) -> None:
    expires = utc_now() + timedelta(hours=runtime.settings.export_hours)
    await close_transfer(transfer.id, "done", expires_at=expires)


async def put_part(storage: Storage, transfer: Transfer, content: bytes) -> None:
    """Write a chunk's file, whole or not at all."""

    async def pieces() -> AsyncIterator[bytes]:
        yield content

    await storage.put_file(part_key(transfer.id, transfer.part), pieces())
