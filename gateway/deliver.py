"""One message: load, check, say that it is being sent, send outside any transaction, record.

A worker may die anywhere in between. Before the attempt is noted, nothing was sent and another worker begins anew;
after it, nobody knows, so the message becomes `unknown` and is never sent again by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import msgspec
import structlog

from channels.contract import OutboundMessage, Sent
from channels.errors import OptedOut, OutcomeUnknown, SendFailed, Throttled
from channels.events import Address, DeliveryError
from channels.parts import MEDIA_PARTS, AnyPart
from gateway.directory import ChannelAway, LiveChannel
from gateway.outcomes import Done, NotNow, Outcome, TryAgain
from gateway.runtime import Runtime
from inbox.contacts.actions import record_consents
from inbox.contacts.contact import ConsentChange
from inbox.contacts.queries import revoked_consents
from inbox.conversations.actions.deliveries import (
    PieceReport,
    apply_reports,
    begin_attempt,
    end_attempt,
    next_piece,
    open_attempt,
    stored_parts,
)
from inbox.conversations.actions.store import lock_thread, store_threads
from inbox.conversations.ladder import State
from inbox.conversations.thread import record_change
from inbox.kit.callers import SYSTEM
from inbox.kit.clock import utc_now
from inbox.kit.db import TRANSIENT, Row, tx
from inbox.kit.ids import read_id, show_id
from inbox.outbox.actions import finish_job
from inbox.outbox.jobs import ClaimedJob, DeliverMessage

log = structlog.get_logger()

PAUSED_SECONDS = 30
"""How often a message looks whether its paused channel runs again."""

RECORD_PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 5.0, 5.0)
"""Seconds between tries to write down what the provider answered, in all about as long as a job's lease."""

OPTED_OUT = DeliveryError(code="opted_out", message="The contact does not want messages from this channel")
UNKNOWN = DeliveryError(
    code="unknown",
    message="The worker ended while the message was being handed over: it may have been sent",
    fix="Ask the contact or look at the provider's log before sending it again",
)
CHANNEL_AWAY = DeliveryError(code="provider_auth", message="The channel's settings could not be read")
CHANNEL_GONE = DeliveryError(
    code="unreachable", message="The channel or the address was removed", fix="Answer by another channel"
)


class Ready(msgspec.Struct, frozen=True):
    """A piece that is to be handed over now."""

    piece: Row
    attempt_id: int
    live: LiveChannel


async def deliver_message(runtime: Runtime, claimed: ClaimedJob, job: DeliverMessage) -> Outcome:
    """Hand over the pieces that are not with the provider yet, one after the other."""
    while True:
        ready = await _begin(runtime, job.entry_id)
        if not isinstance(ready, Ready):
            return ready
        try:
            sent = await _send(runtime, ready)
        except SendFailed as failed:
            return await _failed(claimed, ready, failed)
        await _insist(lambda: _record_sent(ready, sent))  # noqa: B023 (awaited before the next piece)


async def _begin(runtime: Runtime, entry_id: UUID) -> Ready | Outcome:
    """Note that the next piece is about to be sent, or say why it is not."""
    piece = await next_piece(entry_id)
    if piece is None:
        return Done()
    try:
        live = await runtime.directory.look_up(piece["channel_id"])
    except ChannelAway as away:
        return TryAgain(str(away), last=lambda: _move(piece, "failed", CHANNEL_AWAY))
    if live is not None and live.status != "active":
        return NotNow(utc_now() + timedelta(seconds=PAUSED_SECONDS), "the channel is paused")
    return await _note_attempt(piece, live)


async def _note_attempt(seen: Row, live: LiveChannel | None) -> Ready | Outcome:
    async with tx():
        await lock_thread(seen["conversation_id"])  # before any row of the delivery, as the projection does
        piece = await next_piece(seen["entry_id"])  # again: who held the lock may just have recorded that it was sent
        if piece is None:
            return Done()
        stopped = await _why_not(piece, live)
        if stopped is not None or live is None:
            await _move(piece, *(stopped or ("failed", CHANNEL_GONE)))
            return Done()
        attempt_id = await begin_attempt(piece["id"], now=utc_now())
        await _move(piece, "sending")
    return Ready(piece, attempt_id, live)


async def _why_not(piece: Row, live: LiveChannel | None) -> tuple[State, DeliveryError] | None:
    if live is None or piece["address"] is None:
        return "failed", CHANNEL_GONE
    lost = await open_attempt(piece["id"])
    if lost is not None:
        await end_attempt(lost, outcome="unknown", error=UNKNOWN, detail=None, now=utc_now())
        return "unknown", UNKNOWN
    if await revoked_consents([(piece["identity_id"], piece["channel_id"])]):
        return "failed", OPTED_OUT
    return None


async def _send(runtime: Runtime, ready: Ready) -> Sent:
    piece, live = ready.piece, ready.live
    message = OutboundMessage(
        reference=show_id("msg", piece["id"]),
        to=Address(kind=piece["kind"], value=piece["address"]),
        parts=[_fetchable(runtime, part) for part in stored_parts(piece["parts"])],
    )
    try:
        return await runtime.adapters[live.adapter].send(live.account, message)
    except SendFailed:
        raise
    except Exception as error:
        # An adapter's bug: whether anything left us is not known, and a second try might double it.
        log.exception("adapter_broke", channel=show_id("cha", live.id), adapter=live.adapter)
        raise OutcomeUnknown(f"the adapter broke: {type(error).__name__}", code="unknown") from error


def _fetchable(runtime: Runtime, part: AnyPart) -> AnyPart:
    """The provider fetches files from us, by a signed address that ends."""
    if not isinstance(part, MEDIA_PARTS) or part.attachment.id is None:
        return part
    url = runtime.media_url(read_id("att", part.attachment.id))
    return msgspec.structs.replace(part, attachment=msgspec.structs.replace(part.attachment, url=url))


async def _failed(claimed: ClaimedJob, ready: Ready, failed: SendFailed) -> Outcome:
    error = delivery_error(failed)
    if isinstance(failed, OutcomeUnknown):
        await _insist(lambda: _record(ready, state="unknown", error=error))
        return Done()
    if failed.retry:
        await _insist(lambda: _end(ready, outcome="retry", error=error))
        after = failed.after if isinstance(failed, Throttled) else None
        return TryAgain(failed.reason, after=after, last=lambda: _move(ready.piece, "failed", error))
    await _insist(lambda: _give_up(claimed, ready, failed, error=error))
    return Done(settled=True)


async def _insist(write: Callable[[], Awaitable[None]]) -> None:
    """Wait for a database that is away: what the provider answered is known here and nowhere else.

    Every such write may be made twice, so that it is no matter whether a commit that broke off went through.
    """
    for seconds in RECORD_PAUSES:
        try:
            return await write()
        except TRANSIENT as error:
            log.warning("record_waits", error=type(error).__name__)
            await asyncio.sleep(seconds)
    return await write()


async def _give_up(claimed: ClaimedJob, ready: Ready, failed: SendFailed, *, error: DeliveryError) -> None:
    async with tx():
        await end_attempt(ready.attempt_id, outcome="failed", error=error, detail=failed.reason, now=utc_now())
        if isinstance(failed, OptedOut):
            await _remember_opt_out(ready.piece, failed)
        await _move(ready.piece, "failed", error)
        await finish_job(claimed)


def delivery_error(failed: SendFailed) -> DeliveryError:
    """What people and programs read of a failed send."""
    return DeliveryError(
        code=failed.code,
        provider_code=failed.provider_code,
        message=failed.reason,
        retryable=failed.retry,
        fix=failed.fix,
    )


async def _remember_opt_out(piece: Row, failed: OptedOut) -> None:
    """The provider knows of an opt-out that we did not: into the ledger, and told in the timeline."""
    held = await lock_thread(piece["conversation_id"])
    now = utc_now()
    record_change(
        held,
        "consent_changed",
        event_type="contact.consent_changed",
        changed=("consent",),
        actor=SYSTEM,
        now=now,
        after="revoked",
        reason=f"provider: {failed.reason}",
    )
    await store_threads([held], now=now)
    change = ConsentChange(
        identity_id=piece["identity_id"],
        state="revoked",
        source="provider",
        channel_id=piece["channel_id"],
        proof={"provider_code": failed.provider_code, "reason": failed.reason},
    )
    await record_consents([change])


async def _record_sent(ready: Ready, sent: Sent) -> None:
    await _record(ready, state="sent", provider_message_id=sent.provider_message_id, detail=sent.detail)


async def _record(
    ready: Ready,
    *,
    state: State,
    provider_message_id: str | None = None,
    error: DeliveryError | None = None,
    detail: str | None = None,
) -> None:
    async with tx():
        await end_attempt(ready.attempt_id, outcome=state, error=error, detail=detail, now=utc_now())
        await _move(ready.piece, state, error, provider_message_id=provider_message_id)


async def _end(ready: Ready, *, outcome: str, error: DeliveryError) -> None:
    async with tx():
        await end_attempt(ready.attempt_id, outcome=outcome, error=error, detail=error.message, now=utc_now())


async def _move(
    piece: Row, state: State, error: DeliveryError | None = None, *, provider_message_id: str | None = None
) -> None:
    """Move one piece and its message forward, under the conversation's lock."""
    held = await lock_thread(piece["conversation_id"])
    report = PieceReport(delivery_id=piece["id"], state=state, error=error, provider_message_id=provider_message_id)
    now = utc_now()
    await apply_reports({held.thread.id: held}, [report], now=now)
    await store_threads([held], now=now)
