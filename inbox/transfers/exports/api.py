"""Exports over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.response import Stream

from inbox.attachments.names import clean_file_name, content_disposition
from inbox.attachments.storage import FileStore
from inbox.audit.actions import record_audit
from inbox.contacts.queries import find_contact
from inbox.contacts.segments.queries import find_segment
from inbox.kit.callers import Caller
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import EXPORT, read_id, show_id
from inbox.kit.pages import DEFAULT_LIMIT, Page, PageCursor, PageLimit, cut_page, read_cursor
from inbox.transfers.actions import begin_transfer, cancel_transfer
from inbox.transfers.exports.flat import choose_columns
from inbox.transfers.exports.person import list_person_files
from inbox.transfers.exports.queries import check_export_query
from inbox.transfers.exports.zipping import stream_zip
from inbox.transfers.files import ENDINGS, MEDIA_TYPES
from inbox.transfers.queries import find_transfer, list_transfers
from inbox.transfers.shapes import ExportObject, NewExport, show_export
from inbox.transfers.transfer import PERSON, ExportPlan, Transfer, part_key

ADMIN: dict[str, Any] = {"scope": "admin"}
BEGIN = {**ADMIN, "problems": ["validation_failed", "invalid_query", "not_found"],
         "request_example": {"kind": "contacts", "format": "csv", "q": "has:email"}}  # fmt: skip
FILE = {**ADMIN, "problems": ["state_conflict", "not_found"], "example": "id,name\r\nctc_019a,Ana Ruiz\r\n"}


class ExportController(Controller):
    """Everything of a kind as a file."""

    path = "/exports"
    tags = ("Exports",)

    @get("/", opt=ADMIN, operation_id="listExports", summary="List exports")
    async def list_exports(self, *, limit: PageLimit = DEFAULT_LIMIT, cursor: PageCursor = None) -> Page[ExportObject]:
        """The newest first."""
        after = read_cursor(cursor, UUID, of="exports")
        rows = await list_transfers("export", after=after, limit=limit + 1)
        return cut_page(rows, limit, key=lambda row: row.id, of="exports", show=show_export)

    @post("/", opt=BEGIN, operation_id="createExport", summary="Begin an export", status_code=202)
    async def create_export(self, *, caller: NamedDependency[Caller], data: JSONBody[NewExport]) -> ExportObject:
        """It runs beside everything else, in the order of ids: no row is lost or doubled, each is as it was when its
        turn came. In CSV, what a spreadsheet would run as a formula begins with a `'`.
        """
        q = await _read_query(data)
        check_export_query(data.kind, q)
        if data.columns is not None:
            choose_columns(data.kind, data.columns, [])
        plan = ExportPlan(q=q, columns=data.columns, bom=data.bom)
        made = await begin_transfer("export", data.kind, format=data.format, plan=plan, actor=caller.actor)
        return show_export(await find_transfer(made))

    @get("/{export_id:str}", opt=ADMIN, operation_id="getExport", summary="See how far an export is")
    async def get_export(self, export_id: FromPath[str]) -> ExportObject:
        """One export."""
        return show_export(await _found(export_id))

    @get("/{export_id:str}/file", opt=FILE, operation_id="getExportFile", summary="Download an export",
         media_type="text/csv")  # fmt: skip
    async def get_export_file(
        self, caller: NamedDependency[Caller], export_id: FromPath[str], storage: NamedDependency[FileStore]
    ) -> Stream:
        """The whole file, for as long as it is kept. The audit log tells of it."""
        transfer = await _found(export_id)
        if transfer.state != "done":
            hint = "Begin it again" if transfer.state != "running" else "Wait until it is done"
            raise Problem("state_conflict", f"The export is {transfer.state}: it has no file", hint=hint)
        target = show_id(EXPORT, transfer.id)
        await record_audit(caller.actor, "export.downloaded", target=target, facts={"kind": transfer.kind})
        name = f"{transfer.kind}-{transfer.created_at:%Y-%m-%d}.{ENDINGS[transfer.format]}"
        headers = {"Content-Disposition": content_disposition(name), "Cache-Control": "no-store"}
        pieces = _person_zip(transfer, storage) if transfer.format == "zip" else _pieces(transfer, storage)
        return Stream(pieces, media_type=MEDIA_TYPES[transfer.format], headers=headers)

    @post("/{export_id:str}/cancel", opt={**ADMIN, "problems": ["state_conflict"]}, operation_id="cancelExport",
          summary="Cancel an export", status_code=200)  # fmt: skip
    async def cancel_export(self, *, caller: NamedDependency[Caller], export_id: FromPath[str]) -> ExportObject:
        """No further row is read, and what was written is deleted."""
        transfer = await _found(export_id)
        await cancel_transfer(transfer.id, "export", actor=caller.actor)
        return show_export(await find_transfer(transfer.id))


class PersonExportController(Controller):
    """Everything about one person."""

    path = "/contacts"
    tags = ("Privacy",)

    @post("/{contact_id:str}/export", opt={**ADMIN, "problems": ["not_found"]}, operation_id="exportContact",
          summary="Export everything about a person", status_code=202)  # fmt: skip
    async def export_contact(self, *, caller: NamedDependency[Caller], contact_id: FromPath[str]) -> ExportObject:
        """What they may ask for: all we hold on them, as JSON lines, with the files of their messages, in one zip."""
        contact = await find_contact(read_id("ctc", contact_id))
        plan = ExportPlan(contact_id=contact.id)
        made = await begin_transfer("export", PERSON, format="zip", plan=plan, actor=caller.actor)
        await record_audit(caller.actor, "contact.exported", target=show_id("ctc", contact.id))
        return show_export(await find_transfer(made))


async def _found(export_id: str) -> Transfer:
    return await find_transfer(read_id(EXPORT, export_id), direction="export")


async def _read_query(data: NewExport) -> str | None:
    if data.segment_id is None:
        return data.q
    if data.kind != "contacts" or data.q is not None:
        error = FieldError(pointer="/segment_id", code="invalid", detail="a segment is of contacts, and stands for q")
        raise Problem("validation_failed", error.detail, errors=[error])
    return (await find_segment(read_id("seg", data.segment_id))).query


async def _pieces(transfer: Transfer, storage: FileStore) -> AsyncIterator[bytes]:
    for number in range(transfer.part):
        async for piece in await storage.open_file(part_key(transfer.id, number)):
            yield piece


async def _person_zip(transfer: Transfer, storage: FileStore) -> AsyncIterator[bytes]:
    async for piece in stream_zip(_person_files(transfer, storage)):
        yield piece


async def _person_files(transfer: Transfer, storage: FileStore) -> AsyncIterator[tuple[str, AsyncIterator[bytes]]]:
    yield "data.jsonl", _pieces(transfer, storage)
    plan = msgspec.convert(transfer.plan, ExportPlan)
    for row in await list_person_files([plan.contact_id] if plan.contact_id else []):
        name = clean_file_name(row["name"]) or "file"
        try:
            yield f"files/{show_id('att', row['id'])}/{name}", await storage.open_file(row["storage_key"])
        except FileNotFoundError:
            continue
