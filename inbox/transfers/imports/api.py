"""Imports over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, MultipartBody

from inbox.accounts.queries import find_channel
from inbox.attachments.queries import find_attachment
from inbox.attachments.storage import FileStore
from inbox.kit.callers import Actor, Caller
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import CHANNEL, IMPORT, new_id, read_id
from inbox.kit.pages import DEFAULT_LIMIT, Page, PageCursor, PageLimit, cut_page, read_cursor
from inbox.transfers.actions import begin_transfer, cancel_transfer
from inbox.transfers.imports.mapping import settle_mapping
from inbox.transfers.queries import find_transfer, list_row_errors, list_transfers
from inbox.transfers.shapes import ImportObject, ImportOptions, NewImport, RowErrorObject, show_import
from inbox.transfers.transfer import ImportPlan, RowError, Transfer

CHUNK_BYTES = 65_536
ADMIN: dict[str, Any] = {"scope": "admin"}
OPTIONS_CHARS = 20_000
FILE_EXAMPLE = "(the bytes of people.csv)"
OPTIONS_EXAMPLE = '{"kind":"contacts","mode":"upsert","mapping":{"Full name":"name","Mobile":"phone"}}'
BEGIN = {
    **ADMIN,
    "problems": ["validation_failed", "not_found", "attachment_too_large", "state_conflict"],
    "request_example": {"attachment_id": "att_019aa5c1d2e37f4f8a6b9c0d1e2f3a4b", "kind": "contacts", "mode": "upsert"},
}

ImportFile: TypeAlias = Annotated[
    UploadFile,
    msgspec.Meta(
        description="The file, in UTF-8.",
        extra_json_schema={"type": "string", "format": "binary", "examples": [FILE_EXAMPLE]},
    ),
]


class ImportForm(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A form with the file, and what else an import is asked with as JSON in `options`."""

    file: ImportFile
    options: Annotated[
        str, msgspec.Meta(max_length=OPTIONS_CHARS, examples=[OPTIONS_EXAMPLE], description="JSON: kind, mapping, ...")
    ]


class ImportController(Controller):
    """People and companies from a file."""

    path = "/imports"
    tags = ("Imports",)

    @get("/", opt=ADMIN, operation_id="listImports", summary="List imports")
    async def list_imports(self, *, limit: PageLimit = DEFAULT_LIMIT, cursor: PageCursor = None) -> Page[ImportObject]:
        """The newest first."""
        after = read_cursor(cursor, UUID, of="imports")
        rows = await list_transfers("import", after=after, limit=limit + 1)
        return cut_page(rows, limit, key=lambda row: row.id, of="imports", show=show_import)

    @post("/", opt=BEGIN, operation_id="createImport", summary="Begin an import of an uploaded file", status_code=202)
    async def create_import(
        self,
        *,
        caller: NamedDependency[Caller],
        data: JSONBody[NewImport],
        storage: NamedDependency[FileStore],
        import_limit_bytes: NamedDependency[int],
    ) -> ImportObject:
        """Each row for itself: what is refused of one holds up no other. It never overrules an opt-out, and takes
        consents only with their source and proof.
        """
        row = await find_attachment(read_id("att", data.attachment_id))
        if row.state != "stored" or row.storage_key is None:
            raise Problem("state_conflict", "The file is not there")
        pieces = await storage.open_file(row.storage_key)
        return await _begin(data, pieces, storage=storage, most=import_limit_bytes, actor=caller.actor)

    @post("/upload", opt=BEGIN | {"request_example": {"file": FILE_EXAMPLE, "options": OPTIONS_EXAMPLE}},
          operation_id="uploadImport", summary="Begin an import with its file", status_code=202)  # fmt: skip
    async def upload_import(
        self,
        *,
        caller: NamedDependency[Caller],
        data: MultipartBody[ImportForm],
        storage: NamedDependency[FileStore],
        import_limit_bytes: NamedDependency[int],
    ) -> ImportObject:
        """The same in one request: a form (multipart/form-data) with the fields `file` and `options`."""
        try:
            options = msgspec.json.decode(data.options, type=ImportOptions)
        except msgspec.DecodeError as wrong:
            detail = str(wrong)
            error = FieldError(pointer="/options", code="invalid", detail=detail)
            raise Problem("validation_failed", detail, errors=[error]) from wrong
        return await _begin(options, _read(data.file), storage=storage, most=import_limit_bytes, actor=caller.actor)

    @get("/{import_id:str}", opt=ADMIN, operation_id="getImport", summary="See how far an import is")
    async def get_import(self, import_id: FromPath[str]) -> ImportObject:
        """One import."""
        return show_import(await _found(import_id))

    @get("/{import_id:str}/errors", opt=ADMIN, operation_id="listImportErrors", summary="List rows that were refused")
    async def list_import_errors(
        self, *, import_id: FromPath[str], limit: PageLimit = DEFAULT_LIMIT, cursor: PageCursor = None
    ) -> Page[RowErrorObject]:
        """In the order of the file, with the line of each and why; never what stood there."""
        transfer = await _found(import_id)
        after = read_cursor(cursor, int, of=["import-errors", import_id])
        rows = await list_row_errors(transfer.id, after=after, limit=limit + 1)
        return cut_page(rows, limit, key=lambda row: row.line, of=["import-errors", import_id], show=_show_error)

    @post("/{import_id:str}/cancel", opt={**ADMIN, "problems": ["state_conflict"]}, operation_id="cancelImport",
          summary="Cancel an import", status_code=200)  # fmt: skip
    async def cancel_import(self, *, caller: NamedDependency[Caller], import_id: FromPath[str]) -> ImportObject:
        """No further row is taken; those that were stay."""
        transfer = await _found(import_id)
        await cancel_transfer(transfer.id, "import", actor=caller.actor)
        return show_import(await find_transfer(transfer.id))


async def _found(import_id: str) -> Transfer:
    return await find_transfer(read_id(IMPORT, import_id), direction="import")


async def _begin(
    options: ImportOptions, pieces: AsyncIterator[bytes], *, storage: FileStore, most: int, actor: Actor
) -> ImportObject:
    settle_mapping(options.kind, [], options.mapping)
    await _check_consent(options)
    transfer_id = new_id()
    key = f"transfers/{transfer_id.hex}/source"
    await storage.put_file(key, _limited(pieces, most))
    plan = ImportPlan(mapping=options.mapping, mode=options.mode, dry_run=options.dry_run, consent=options.consent)
    await begin_transfer("import", options.kind, format=options.format, plan=plan, actor=actor, source_key=key,
                         transfer_id=transfer_id)  # fmt: skip
    return show_import(await find_transfer(transfer_id))


async def _check_consent(options: ImportOptions) -> None:
    given = options.consent
    if given is None:
        return
    missing = [name for name in ("purpose", "source", "proof") if not getattr(given, name)]
    if missing:
        errors = [FieldError(pointer=f"/consent/{name}", code="required", detail="say how we know") for name in missing]
        raise Problem("validation_failed", "A consent needs a purpose, a source and a proof", errors=errors)
    if given.channel_id:
        await find_channel(read_id(CHANNEL, given.channel_id))


async def _limited(pieces: AsyncIterator[bytes], most: int) -> AsyncIterator[bytes]:
    size = 0
    async for piece in pieces:
        size += len(piece)
        if size > most:
            raise Problem("attachment_too_large", f"An import takes {most} bytes", hint="Cut the file into several")
        yield piece


async def _read(file: UploadFile) -> AsyncIterator[bytes]:
    while piece := await file.read(CHUNK_BYTES):
        yield piece


def _show_error(error: RowError) -> RowErrorObject:
    return RowErrorObject(
        id=str(error.line), line=error.line, code=error.code, pointer=error.pointer, detail=error.detail
    )
