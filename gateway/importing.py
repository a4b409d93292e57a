"""One chunk of an import. The file is cut into chunks first; then each is applied in one transaction, which also moves
the import on: whoever dies in between has done nothing, so no row is applied twice and none is passed over.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec

from gateway.runtime import Runtime
from gateway.storage import Storage
from inbox.kit.db import tx
from inbox.kit.errors import Problem
from inbox.transfers.actions import close_transfer, store_chunk, store_prepared
from inbox.transfers.imports.actions import apply_rows
from inbox.transfers.imports.mapping import settle_mapping
from inbox.transfers.imports.rows import FileRow, Unreadable, cut_chunks, cut_rows, read_head
from inbox.transfers.queries import find_transfer
from inbox.transfers.transfer import ImportPlan, Transfer, part_key

_rows = msgspec.json.Decoder(list[FileRow]).decode


async def prepare_import(runtime: Runtime, transfer: Transfer) -> None:
    """Cut the file into chunks. Done again after a crash, it writes the same chunks over the same files."""
    plan = msgspec.convert(transfer.plan, ImportPlan)
    try:
        content = await _read_all(runtime.storage, transfer.source_key or "")
        mapping = settle_mapping(transfer.kind, read_head(content, transfer.format), plan.mapping)
        most = runtime.settings.import_limit_rows
        chunks = await asyncio.to_thread(lambda: [*cut_chunks(cut_rows(content, transfer.format, most=most))])
    except FileNotFoundError:
        await _fail(transfer, "the file is gone")
        return
    except (Unreadable, Problem) as refused:
        await _fail(transfer, str(refused))
        return
    for number, chunk in enumerate(chunks):
        await runtime.storage.put_file(part_key(transfer.id, number), _pieces(msgspec.json.encode(chunk)))
    settled = msgspec.to_builtins(msgspec.structs.replace(plan, mapping=mapping))
    async with tx():
        await store_prepared(transfer, total=sum(map(len, chunks)), parts=len(chunks), plan=settled)


async def import_chunk(runtime: Runtime, transfer: Transfer) -> None:
    """The next chunk in the open transaction, under the lock of the import's row."""
    if transfer.part >= (transfer.parts or 0):
        await close_transfer(transfer.id, "done")
        return
    plan = msgspec.convert(transfer.plan, ImportPlan)
    rows = _rows(await _read_all(runtime.storage, part_key(transfer.id, transfer.part)))
    applied = await apply_rows(transfer, rows, plan=plan, default_country=runtime.settings.default_country)
    await store_chunk(transfer, place=rows[-1].line, rows=len(rows), counts=applied.counts)
    if transfer.part + 1 == transfer.parts:
        await close_transfer(transfer.id, "done")


async def _fail(transfer: Transfer, error: str) -> None:
    async with tx():
        if (await find_transfer(transfer.id, lock=True)).state == "running":
            await close_transfer(transfer.id, "failed", error=error)


async def _read_all(storage: Storage, key: str) -> bytes:
    return b"".join([piece async for piece in await storage.open_file(key)])


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content
