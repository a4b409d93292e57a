"""The two moments of a send that are written down, before and after the provider is asked; many sends at once.

Each is one transaction for all sends that come to it together (gateway/together.py). A worker may die between the two:
the attempt stays open, and whoever finds it says `unknown`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias
from uuid import UUID

import msgspec

from channels.events import DeliveryError
from gateway.directory import ChannelAway, ChannelDirectory, LiveChannel
from gateway.outcomes import Done, NotNow, Outcome, TryAgain
from inbox.contacts.queries import revoked_consents
from inbox.conversations.actions.deliveries import (
    EndedAttempt,
    PieceReport,
    apply_reports,
    begin_attempts,
    end_attempts,
    next_pieces,
    open_attempts,
)
from inbox.conversations.actions.store import lock_threads, store_threads
from inbox.conversations.ladder import State
from inbox.conversations.thread import Held
from inbox.feed.events import NewEvent
from inbox.kit.clock import utc_now
from inbox.kit.db import Row, tx
from inbox.kit.tracing import request_id, traceparent
from inbox.outbox.actions import forget_jobs
from inbox.outbox.jobs import ClaimedJob

PAUSED_SECONDS = 30
"""How often a message looks whether its paused channel runs again."""

OPTED_OUT = DeliveryError(code="opted_out", message="The contact does not want messages from this channel")
BLOCKED = DeliveryError(
    code="contact_blocked",
    message="The contact was blocked before it left",
    fix="Unblock the contact, then send it again",
)
UNKNOWN = DeliveryError(
    code="unknown",
    message="The worker ended while the message was being handed over: it may have been sent",
    fix="Ask the contact or look at the provider's log before sending it again",
)
CHANNEL_AWAY = DeliveryError(code="provider_auth", message="The channel's settings could not be read")
CHANNEL_GONE = DeliveryError(
    code="unreachable", message="The channel or the address was removed", fix="Answer by another channel"
)

Threads: TypeAlias = dict[UUID, Held]


class Origin(msgspec.Struct, frozen=True):
    """In whose name something is told: the request and the place of a trace."""

    request_id: str | None
    traceparent: str | None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A message whose next piece is to be handed over: in which conversation and by which channel, its job says."""

    entry_id: UUID
    conversation_id: UUID
    channel_id: UUID
    directory: ChannelDirectory
    origin: Origin


class Ready(msgspec.Struct, frozen=True):
    """A piece that is to be handed over now."""

    piece: Row
    attempt_id: int
    live: LiveChannel

    @property
    def is_last(self) -> bool:
        """Whether the message is with the provider once this piece is."""
        return bool(self.piece["missing"] == 1)


class Landed(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a piece that was handed over; with a `sent` last piece its job is done."""

    claimed: ClaimedJob
    ready: Ready
    origin: Origin
    state: State
    provider_message_id: str | None = None
    error: DeliveryError | None = None
    detail: str | None = None


def this_origin() -> Origin:
    """That of the task at hand."""
    return Origin(request_id(), traceparent())


async def begin_sends(asked: Sequence[Asked]) -> list[Ready | Outcome]:
    """Note that the next piece of each is about to be sent, or say why it is not."""
    outcomes: dict[UUID, Ready | Outcome] = {}
    channels: dict[UUID, LiveChannel | None] = {}
    for one in asked:
        found = await _find_channel(one)
        if isinstance(found, Done | NotNow | TryAgain):
            outcomes[one.entry_id] = found
        else:
            channels[one.entry_id] = found
    if channels:
        async with tx():
            outcomes |= await _note_attempts([one for one in asked if one.entry_id in channels], channels)
    # Asked for twice at once, where a lease was lost: it is sent once.
    return [outcomes.pop(one.entry_id, NotNow(utc_now(), "it is just being sent")) for one in asked]


async def record_outcomes(landed: Sequence[Landed]) -> list[None]:
    """Write down what the providers answered. May be done twice: a commit that broke off may have gone through."""
    now = utc_now()
    reports = [_report(one) for one in landed]
    ended = [
        EndedAttempt(id=one.ready.attempt_id, outcome=one.state, error=one.error, detail=one.detail) for one in landed
    ]
    async with tx():
        threads = await lock_threads({one.ready.piece["conversation_id"] for one in landed})
        await end_attempts(ended, now=now)
        await move_pieces(
            threads, reports, origins={one.ready.piece["entry_id"]: one.origin for one in landed}, now=now
        )
        await forget_jobs([one.claimed for one in landed if one.state == "sent" and one.ready.is_last])
    return [None] * len(landed)


async def move_pieces(
    threads: Threads, reports: Sequence[PieceReport], *, origins: Mapping[UUID, Origin], now: datetime
) -> None:
    """Move pieces and their messages forward, under the locks of their conversations, each in its origin's name."""
    await apply_reports(threads, reports, now=now)
    for held in threads.values():
        held.events = [_in_the_name_of(origins, event) for event in held.events]
    await store_threads(list(threads.values()), now=now)


async def fail_message(entry_id: UUID, error: DeliveryError) -> None:
    """What is left of it will not be sent any more."""
    piece = (await next_pieces([entry_id])).get(entry_id)
    if piece is not None:
        await fail_piece(piece, error)


async def fail_piece(piece: Row, error: DeliveryError) -> None:
    """It will not be sent any more."""
    threads = await lock_threads([piece["conversation_id"]])
    report = PieceReport(delivery_id=piece["id"], state="failed", error=error)
    await move_pieces(threads, [report], origins={}, now=utc_now())


async def _find_channel(asked: Asked) -> LiveChannel | Outcome | None:
    try:
        live = await asked.directory.look_up(asked.channel_id)
    except ChannelAway as away:
        return TryAgain(str(away), last=lambda: fail_message(asked.entry_id, CHANNEL_AWAY))
    if live is not None and live.status != "active":
        return NotNow(utc_now() + timedelta(seconds=PAUSED_SECONDS), "the channel is paused")
    return live


async def _note_attempts(
    asked: Sequence[Asked], channels: Mapping[UUID, LiveChannel | None]
) -> dict[UUID, Ready | Outcome]:
    threads = await lock_threads({one.conversation_id for one in asked})  # before any row of the delivery, as all do
    pieces = await next_pieces(list(channels))
    outcomes: dict[UUID, Ready | Outcome] = {entry_id: Done() for entry_id in channels.keys() - pieces.keys()}
    for entry_id, piece in list(pieces.items()):
        if piece["conversation_id"] not in threads:
            outcomes[entry_id] = NotNow(utc_now(), "its conversation was merged meanwhile")
            del pieces[entry_id]
    stopped = await _stop_unwanted(pieces, channels)
    outcomes |= {entry_id: Done() for entry_id in stopped}
    going = {entry_id: piece for entry_id, piece in pieces.items() if entry_id not in stopped}
    now = utc_now()
    attempts = await begin_attempts([piece["id"] for piece in going.values()], now=now)
    sending = [PieceReport(delivery_id=piece["id"], state="sending") for piece in going.values()]
    origins = {one.entry_id: one.origin for one in asked}
    await move_pieces(threads, [*stopped.values(), *sending], origins=origins, now=now)
    for entry_id, piece in going.items():
        live = channels[entry_id]
        if live is not None:
            outcomes[entry_id] = Ready(piece, attempts[piece["id"]], live)
    return outcomes


async def _stop_unwanted(
    pieces: Mapping[UUID, Row], channels: Mapping[UUID, LiveChannel | None]
) -> dict[UUID, PieceReport]:
    """What is not to be sent, by message: how it ends instead. Attempts that were left open are closed."""
    lost = await open_attempts([piece["id"] for piece in pieces.values()])
    now = utc_now()
    await end_attempts([EndedAttempt(id=one, outcome="unknown", error=UNKNOWN) for one in lost.values()], now=now)
    revoked = await revoked_consents(
        [(one["identity_id"], one["channel_id"]) for one in pieces.values() if one["address"]]
    )
    found = {
        entry_id: _why_not(piece, channels[entry_id], lost=lost.keys(), revoked=revoked)
        for entry_id, piece in pieces.items()
    }
    return {
        entry_id: PieceReport(delivery_id=pieces[entry_id]["id"], state=why[0], error=why[1])
        for entry_id, why in found.items()
        if why is not None
    }


def _why_not(
    piece: Row, live: LiveChannel | None, *, lost: Collection[UUID], revoked: Collection[tuple[UUID, UUID]]
) -> tuple[State, DeliveryError] | None:
    if piece["id"] in lost and not (live and live.repeatable):
        return "unknown", UNKNOWN
    if live is None or piece["address"] is None:
        return "failed", CHANNEL_GONE
    if (piece["identity_id"], piece["channel_id"]) in revoked:
        return "failed", OPTED_OUT
    if piece["blocked"]:
        return "failed", BLOCKED
    return None


def _report(one: Landed) -> PieceReport:
    return PieceReport(
        delivery_id=one.ready.piece["id"],
        state=one.state,
        error=one.error,
        provider_message_id=one.provider_message_id,
    )


def _in_the_name_of(origins: Mapping[UUID, Origin], event: NewEvent) -> NewEvent:
    origin = origins.get(event.entry_id) if event.entry_id else None
    if origin is None:
        return event
    return msgspec.structs.replace(event, request_id=origin.request_id, traceparent=origin.traceparent)
