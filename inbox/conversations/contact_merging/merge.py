"""What is asked for when contacts are merged, and what is remembered of it. Plain data."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from inbox.conversations.contact_merging.fields import FieldChange, Place, Side
from inbox.kit.callers import Actor


class MergeOrder(msgspec.Struct, kw_only=True, frozen=True):
    """Which contact is to go on in which, whose fields are to win, and in which versions the two were seen."""

    from_id: UUID
    into_id: UUID
    choices: dict[Place, Side] = {}
    reason: str | None = None
    from_version: int | None = None
    into_version: int | None = None


class UndoReport(msgspec.Struct, kw_only=True, frozen=True):
    """What an undo gave back, and what stays with the survivor because it came after the merge."""

    restored_fields: list[Place]
    kept_fields: list[Place]
    identity_ids: list[UUID]
    lost_identity_ids: list[UUID]
    conversation_ids: list[UUID]
    followed_conversation_ids: list[UUID]
    kept_conversation_ids: list[UUID]
    mixed_conversation_ids: list[UUID]


class ContactMerge(msgspec.Struct, kw_only=True, frozen=True):
    """One merge as it is remembered: enough to undo it. `from_contact` is the row that went."""

    id: UUID
    from_id: UUID
    into_id: UUID
    from_contact: dict[str, Any]
    changes: list[FieldChange]
    identity_ids: list[UUID]
    conversation_ids: list[UUID]
    actor: Actor
    reason: str | None
    created_at: datetime
    undone_at: datetime | None
    undone_by: Actor | None
    undone: UndoReport | None
