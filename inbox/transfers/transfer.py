"""An import or export: what was asked for, and how far it is. Plain data and pure decisions."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

import msgspec

from inbox.kit.callers import Actor

Direction: TypeAlias = Literal["import", "export"]
ExportKind: TypeAlias = Literal["contacts", "conversations", "messages", "companies"]
ImportKind: TypeAlias = Literal["contacts", "companies"]
TransferState: TypeAlias = Literal["running", "done", "failed", "canceled", "expired"]
Format: TypeAlias = Literal["csv", "jsonl"]
Mode: TypeAlias = Literal["create", "upsert"]

PERSON = "person"
"""The kind of an export of everything about one contact, for themselves."""


class ExportPlan(msgspec.Struct, kw_only=True, frozen=True):
    """What an export holds: a query as in the list, the columns of a CSV, or one person.

    `attributes` are the keys that get columns of their own, settled when the export begins.
    """

    q: str | None = None
    columns: list[str] | None = None
    bom: bool = False
    contact_id: UUID | None = None
    attributes: list[str] = []


class ImportConsent(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What everybody in the file allowed, who says so, and the proof of it."""

    purpose: str
    source: str
    proof: dict[str, Any]
    channel_id: str | None = None


class ImportPlan(msgspec.Struct, kw_only=True, frozen=True):
    """How rows are read: which column becomes what, whether known ones are changed, and whether anything is kept."""

    mapping: dict[str, str] | None = None
    mode: Mode = "create"
    dry_run: bool = False
    consent: ImportConsent | None = None


class Transfer(msgspec.Struct, kw_only=True, frozen=True):
    """As stored. `part` chunks are done of `parts`; an export goes on behind `place`."""

    id: UUID
    direction: Direction
    kind: str
    format: Literal["csv", "jsonl", "zip"]
    state: TransferState
    plan: dict[str, Any]
    part: int
    parts: int | None
    place: Any
    total: int | None
    done: int
    bytes: int
    counts: dict[str, int]
    source_key: str | None
    error: str | None
    actor: Actor
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime | None


class RowError(msgspec.Struct, kw_only=True, frozen=True):
    """Why a row of an import was refused: where in the file, and what of it. It never holds the value."""

    line: int
    code: str
    detail: str
    pointer: str | None = None


def part_key(transfer_id: UUID, number: int) -> str:
    """Where a chunk's file lies: a chunk done again after a crash is written over, never beside."""
    return f"transfers/{transfer_id.hex}/{number:08d}"
