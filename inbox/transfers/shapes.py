"""Imports and exports as the API speaks of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from inbox.kit.clock import show_time
from inbox.kit.ids import EXPORT, IMPORT, show_id
from inbox.transfers.transfer import ExportKind, Format, ImportConsent, ImportKind, Mode, Transfer, TransferState

QUERY_CHARS = 1000
MAX_COLUMNS = 200
EXAMPLE_COUNTS = {"created": 118, "updated": 2, "failed": 1}


class NewExport(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What to export: all of a kind, or what a query or a segment finds.

    A CSV has the columns named, else all, with one for each attribute; `bom` is for Excel, which takes a file without a
    byte order mark for something other than UTF-8.
    """

    kind: ExportKind
    format: Format = "csv"
    q: Annotated[str, msgspec.Meta(min_length=1, max_length=QUERY_CHARS, examples=["has:email"])] | None = None
    segment_id: str | None = None
    columns: (
        Annotated[list[str], msgspec.Meta(min_length=1, max_length=MAX_COLUMNS, examples=[["id", "name", "phone"]])]
        | None
    ) = None
    bom: bool = False


class TransferProgress(msgspec.Struct, kw_only=True, frozen=True):
    """How many rows are done, and how many there are, as far as that is known; of a person, kinds of things."""

    done: int
    total: int | None


class ExportObject(msgspec.Struct, kw_only=True, frozen=True):
    """An export. `file` is where it can be downloaded, once it is `done` and until `expires_at`."""

    object: Literal["export"] = "export"
    id: str
    kind: Literal["contacts", "conversations", "messages", "companies", "person"]
    format: Literal["csv", "jsonl", "zip"]
    state: TransferState
    progress: TransferProgress
    bytes: int
    q: str | None
    contact_id: Annotated[str | None, msgspec.Meta(examples=[None])]
    file: Annotated[str | None, msgspec.Meta(examples=["/v1/exports/exp_019aa5c1d2e37f4f8a6b9c0d1e2f3a4b/file"])]
    error: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    expires_at: str | None


class ImportOptions(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How a file is to be read.

    `mapping` says which column of a CSV becomes which field (`name`, `phone`, `email`, `external.crm`,
    `attributes.plan`, `opt_out`, ...); without it, columns are fields of the same name. `create` makes new ones and
    refuses who is there, `upsert` changes who is found by an address or external id. A dry run keeps nothing.
    """

    kind: ImportKind
    format: Format = "csv"
    mode: Mode = "create"
    mapping: Annotated[dict[str, str], msgspec.Meta(examples=[{"Full name": "name", "Mobile": "phone"}])] | None = None
    dry_run: bool = False
    consent: ImportConsent | None = None


class NewImport(ImportOptions, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """An import of a file that was uploaded to /v1/attachments."""

    attachment_id: str


class ImportObject(msgspec.Struct, kw_only=True, frozen=True):
    """An import. `counts` say what came of its rows; those that failed are listed under `errors`."""

    object: Literal["import"] = "import"
    id: str
    kind: ImportKind
    format: Format
    mode: Mode
    dry_run: bool
    state: TransferState
    progress: TransferProgress
    counts: Annotated[dict[str, int], msgspec.Meta(examples=[EXAMPLE_COUNTS])]
    error: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None


class RowErrorObject(msgspec.Struct, kw_only=True, frozen=True):
    """A row that was refused: its line in the file (of a CSV the first of its lines), and why."""

    object: Literal["import_error"] = "import_error"
    id: Annotated[str, msgspec.Meta(examples=["17"])]
    line: Annotated[int, msgspec.Meta(examples=[17])]
    code: Annotated[str, msgspec.Meta(examples=["wrong_value"])]
    pointer: Annotated[str | None, msgspec.Meta(examples=["/attributes/plan"])]
    detail: Annotated[str, msgspec.Meta(examples=["one of the options: free, gold"])]


def show_export(transfer: Transfer) -> ExportObject:
    """An export as the API shows it."""
    shown, plan = show_id(EXPORT, transfer.id), transfer.plan
    contact = plan.get("contact_id")
    return ExportObject(
        id=shown,
        kind=transfer.kind,  # type: ignore[arg-type]  # the kinds that exports are made with
        format=transfer.format,
        state=transfer.state,
        progress=TransferProgress(done=transfer.done, total=transfer.total),
        bytes=transfer.bytes,
        q=plan.get("q"),
        contact_id=f"ctc_{contact.replace('-', '')}" if contact else None,
        file=f"/v1/exports/{shown}/file" if transfer.state == "done" else None,
        error=transfer.error,
        **_moments(transfer),
        expires_at=show_time(transfer.expires_at) if transfer.expires_at else None,
    )


def show_import(transfer: Transfer) -> ImportObject:
    """An import as the API shows it."""
    plan = transfer.plan
    return ImportObject(
        id=show_id(IMPORT, transfer.id),
        kind=transfer.kind,  # type: ignore[arg-type]  # the kinds that imports are made with
        format=transfer.format,  # type: ignore[arg-type]  # no import is a zip
        mode=plan["mode"],
        dry_run=plan["dry_run"],
        state=transfer.state,
        progress=TransferProgress(done=transfer.done, total=transfer.total),
        counts=transfer.counts,
        error=transfer.error,
        **_moments(transfer),
    )


def _moments(transfer: Transfer) -> dict[str, Any]:
    moments = {name: getattr(transfer, name) for name in ("created_at", "started_at", "finished_at")}
    return {name: moment and show_time(moment) for name, moment in moments.items()}
