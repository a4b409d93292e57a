"""What was tried to send a message, and what it came in, as the API speaks of them."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from channels.events import DeliveryError
from inbox.kit.clock import show_time
from inbox.kit.db import Row
from inbox.kit.ids import show_id


class AttemptObject(msgspec.Struct, kw_only=True, frozen=True):
    """One try to hand a piece over, one report of it, or one look into the provider's list and its `evidence`.

    A look finds the message (`found`), or not (`not_found`), or cannot tell (`ambiguous`).
    """

    object: Literal["delivery_attempt"] = "delivery_attempt"
    id: int
    kind: Literal["send", "report", "reconcile"]
    outcome: str
    round: int
    piece: int
    channel_id: str
    provider_message_id: str | None
    error: DeliveryError | None
    detail: str | None
    evidence: dict[str, Any] | None
    started_at: str
    finished_at: str | None


class RawObject(msgspec.Struct, kw_only=True, frozen=True):
    """The provider's own request in which a message came; `body` in base64 where it is not text."""

    object: Literal["raw_event"] = "raw_event"
    id: int
    kind: str
    method: str
    url: str
    headers: dict[str, str]
    body: str
    encoding: Literal["text", "base64"]
    received_at: str


_object = msgspec.json.Decoder(dict[str, Any]).decode
_error = msgspec.json.Decoder(DeliveryError).decode


def show_attempt(row: Row) -> AttemptObject:
    """A row of the delivery log."""
    return AttemptObject(
        id=row["id"],
        kind=row["kind"],
        outcome=row["outcome"],
        round=row["round"],
        piece=row["piece"],
        channel_id=show_id("cha", row["channel_id"]),
        provider_message_id=row["provider_message_id"],
        error=_error(row["error"]) if row["error"] else None,
        detail=row["detail"],
        evidence=_object(row["evidence"]) if row["evidence"] else None,
        started_at=show_time(row["started_at"]),
        finished_at=show_time(row["finished_at"]) if row["finished_at"] else None,
    )
