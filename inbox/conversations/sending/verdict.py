"""Whether a message can go by a way, how it would look there, and what it would lose. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias
from uuid import UUID

import msgspec

from channels.errors import CannotCarry
from channels.limits import Limits, fit
from channels.parts import MEDIA_PARTS, AnyPart, Text, plain_text

ReasonCode: TypeAlias = Literal[
    "no_channel", "channel_paused", "adapter_missing", "contact_blocked", "opted_out", "window_closed",
    "channel_cannot", "undeliverable",
]  # fmt: skip
HOLDING: frozenset[ReasonCode] = frozenset({"channel_paused"})
"""With these a message is taken, and waits."""
CountSegments: TypeAlias = Callable[[str], Any]
"""How many segments a text takes; the gateway hands it in, since it belongs to a medium."""


class Way(msgspec.Struct, kw_only=True, frozen=True):
    """One way to somebody: a channel of ours to an address. `identity_id` is None for whom we do not know yet."""

    channel_id: UUID
    adapter: str
    medium: str
    status: str
    address: str
    identity_id: UUID | None = None
    revoked: bool = False
    blocked: bool = False
    bounced: str | None = None
    last_inbound_at: datetime | None = None


class Reason(msgspec.Struct, kw_only=True, frozen=True):
    """What stands in the way or holds it up: a code, a sentence, and the part it is about."""

    code: ReasonCode
    detail: str
    pointer: str | None = None


class Loss(msgspec.Struct, kw_only=True, frozen=True):
    """A part that arrives, but not as what it is."""

    pointer: str
    feature: str
    becomes: str = "text"


class Fitted(msgspec.Struct, kw_only=True, frozen=True):
    """One message the channel would carry."""

    text: str
    parts: list[AnyPart]
    segments: Any = None


class Verdict(msgspec.Struct, kw_only=True, frozen=True):
    """Whether it can go, why not, until when it can, and what would arrive."""

    reasons: list[Reason]
    until: datetime | None
    pieces: list[Fitted]
    lost: list[Loss]

    @property
    def can_send(self) -> bool:
        """Whether nothing stands in the way; what only has to wait can be sent."""
        return all(reason.code in HOLDING for reason in self.reasons)


def judge_way(way: Way, parts: list[AnyPart], limits: Limits | None, *, count: CountSegments, now: datetime) -> Verdict:
    """All that stands in the way, not the first thing only."""
    if limits is None:
        missing = Reason(code="adapter_missing", detail=f"the adapter {way.adapter} is not installed")
        return Verdict(reasons=[missing], until=None, pieces=[], lost=[])
    until = window_end(way, limits)
    reasons = [*_why_not(way), *_why_late(way, limits, until, now)]
    try:
        pieces = [_fitted(piece.parts, limits, count) for piece in fit(parts, limits)] if parts else []
    except CannotCarry as refused:
        reasons.append(Reason(code="channel_cannot", detail=str(refused), pointer=refused.pointer))
        pieces = []
    return Verdict(reasons=reasons, until=until, pieces=pieces, lost=find_losses(parts, limits))


def window_end(way: Way, limits: Limits) -> datetime | None:
    """Until when free text may be sent; None where there is no such limit, or it never began."""
    if limits.reply_window_hours is None or way.last_inbound_at is None:
        return None
    return way.last_inbound_at + timedelta(hours=limits.reply_window_hours)


def find_losses(parts: Sequence[AnyPart], limits: Limits) -> list[Loss]:
    """The parts that would be put into words, and markup that would be read as signs."""
    losses = []
    for at, part in enumerate(parts):
        kind = str(type(part).__struct_config__.tag)
        if isinstance(part, Text):
            if part.format != "plain":
                losses.append(Loss(pointer=f"/parts/{at}", feature=part.format))
        elif not isinstance(part, MEDIA_PARTS) and kind not in limits.parts:
            losses.append(Loss(pointer=f"/parts/{at}", feature=kind))
    return losses


def _why_not(way: Way) -> list[Reason]:
    reasons = []
    if way.status != "active":
        reasons.append(
            Reason(code="channel_paused", detail="the channel is paused: the message waits until it is resumed")
        )
    if way.blocked:
        reasons.append(Reason(code="contact_blocked", detail="the contact is blocked: nothing is written to them"))
    if way.revoked:
        reasons.append(Reason(code="opted_out", detail="the contact does not want messages from this channel"))
    if way.bounced:
        reasons.append(Reason(code="undeliverable", detail=f"mail to this address came back: {way.bounced}"))
    return reasons


def _why_late(way: Way, limits: Limits, until: datetime | None, now: datetime) -> list[Reason]:
    if limits.reply_window_hours is None or (until is not None and now < until):
        return []
    hours = limits.reply_window_hours
    return [Reason(code="window_closed", detail=f"free text goes only for {hours} hours after the contact's last one")]


def _fitted(parts: list[AnyPart], limits: Limits, count: CountSegments) -> Fitted:
    words = plain_text([part for part in parts if not isinstance(part, MEDIA_PARTS)])
    return Fitted(text=plain_text(parts), parts=parts, segments=count(words) if limits.counts_segments else None)
