"""One message: load, check, say that it is being sent, send outside any transaction, record.

A worker may die anywhere in between. Before the attempt is noted, nothing was sent and another worker begins anew;
after it, nobody knows, so the message becomes `unknown` and is never sent again by itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from uuid import UUID

import msgspec
import structlog

from channels.contract import OutboundMessage, Sent
from channels.errors import OptedOut, OutcomeUnknown, Paced, SendFailed, Throttled
from channels.events import Address, DeliveryError
from channels.parts import MEDIA_PARTS, AnyPart
from gateway.carrying import carried_files
from gateway.directory import LiveChannel
from gateway.handover import (
    Asked,
    Landed,
    Ready,
    begin_sends,
    fail_piece,
    record_outcomes,
    this_origin,
)
from gateway.letters import open_letter
from gateway.metrics import PROVIDER_THROTTLED_SECONDS, SEND_ATTEMPTS, SEND_LATENCY_SECONDS
from gateway.outcomes import Done, Outcome, TryAgain
from gateway.runtime import Runtime
from inbox.contacts.actions import record_consents
from inbox.contacts.contact import ConsentChange
from inbox.conversations.actions.deliveries import EndedAttempt, end_attempts, stored_parts
from inbox.conversations.actions.store import lock_thread_of, store_threads
from inbox.conversations.letters.actions import flag_undeliverable
from inbox.conversations.thread import record_change
from inbox.kit.callers import SYSTEM
from inbox.kit.clock import utc_now
from inbox.kit.db import TRANSIENT, Row, tx
from inbox.kit.ids import read_id, show_id
from inbox.outbox.actions import finish_job
from inbox.outbox.jobs import ClaimedJob, DeliverMessage

log = structlog.get_logger()

RECORD_PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 5.0, 5.0)
"""Seconds between tries to write down what the provider answered, in all about as long as a job's lease."""


async def deliver_message(runtime: Runtime, claimed: ClaimedJob, job: DeliverMessage) -> Outcome:
    """Hand over the pieces that are not with the provider yet, one after the other."""
    asked = Asked(
        entry_id=job.entry_id,
        conversation_id=UUID(claimed.key),
        channel_id=UUID(claimed.lane),
        directory=runtime.directory,
        origin=this_origin(),
    )
    while True:
        ready = await runtime.batches.of(begin_sends).do(asked)
        if not isinstance(ready, Ready):
            return ready
        try:
            sent = await _send_counted(runtime, ready)
        except SendFailed as failed:
            return await _failed(runtime, claimed, ready, failed=failed)
        await _record(runtime, _landed(claimed, ready, sent))
        if ready.is_last:
            return Done(settled=True)


async def _send_counted(runtime: Runtime, ready: Ready) -> Sent:
    """As `_send`, counted, timed and traced: how the provider answered, and how soon."""
    live, began = ready.live, time.perf_counter()
    with runtime.tracer.span("send", channel=live.id, provider=live.provider, message=ready.piece["id"]) as span:
        try:
            sent = await _send(runtime, ready)
        except SendFailed as failed:
            span.note(outcome=send_outcome(failed), code=failed.code, provider_code=failed.provider_code)
            _count(live, send_outcome(failed), seconds=time.perf_counter() - began)
            if isinstance(failed, Throttled) and failed.after and not isinstance(failed, Paced):
                PROVIDER_THROTTLED_SECONDS.labels(live.provider).inc(failed.after)
            raise
        span.note(outcome="sent")
    _count(live, "sent", seconds=time.perf_counter() - began)
    return sent


def send_outcome(failed: SendFailed) -> str:
    """The word by which a failed attempt is counted."""
    if isinstance(failed, OutcomeUnknown):
        return "unknown"
    if isinstance(failed, Throttled):
        return "throttled"
    return "retry" if failed.retry else "failed"


def _count(live: LiveChannel, outcome: str, *, seconds: float) -> None:
    SEND_ATTEMPTS.labels(live.provider, outcome).inc()
    SEND_LATENCY_SECONDS.labels(live.provider).observe(seconds)


async def _send(runtime: Runtime, ready: Ready) -> Sent:
    piece, live = ready.piece, ready.live
    adapter, parts = runtime.adapters[live.adapter], stored_parts(piece["parts"])
    letter = await open_letter(runtime, ready)
    try:
        async with carried_files(runtime, adapter, parts) as files:
            message = OutboundMessage(
                reference=show_id("msg", piece["id"]),
                to=Address(kind=piece["kind"], value=piece["address"]),
                parts=[_fetchable(runtime, part) for part in parts],
                files=files,
                letter=letter,
            )
            return await adapter.send(live.account, message)
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


async def _failed(runtime: Runtime, claimed: ClaimedJob, ready: Ready, *, failed: SendFailed) -> Outcome:
    error = delivery_error(failed)
    if isinstance(failed, OutcomeUnknown):
        unknown = Landed(claimed=claimed, ready=ready, origin=this_origin(), state="unknown", error=error)
        await _record(runtime, unknown)
        return Done()
    if failed.retry:
        await _insist(lambda: _end(ready, outcome="retry", error=error))
        after = failed.after if isinstance(failed, Throttled) else None
        counted = not isinstance(failed, Paced)
        return TryAgain(failed.reason, after=after, last=lambda: fail_piece(ready.piece, error), counted=counted)
    await _insist(lambda: _give_up(claimed, ready, failed, error=error))
    return Done(settled=True)


def _landed(claimed: ClaimedJob, ready: Ready, sent: Sent) -> Landed:
    return Landed(
        claimed=claimed,
        ready=ready,
        origin=this_origin(),
        state="sent",
        provider_message_id=sent.provider_message_id,
        detail=sent.detail,
    )


async def _record(runtime: Runtime, landed: Landed) -> None:
    await _insist(lambda: runtime.batches.of(record_outcomes).do(landed))


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
        await _end_attempt(ready, outcome="failed", error=error)
        if isinstance(failed, OptedOut):
            await _remember_opt_out(ready.piece, failed)
        await fail_piece(ready.piece, error)
        if error.code == "hard_bounce" and ready.live.medium == "email":
            await flag_undeliverable([(ready.piece["address"], error.message)], now=utc_now())
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
    held = await lock_thread_of(piece["entry_id"])
    if held is None:
        return
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


async def _end(ready: Ready, *, outcome: str, error: DeliveryError) -> None:
    async with tx():
        await _end_attempt(ready, outcome=outcome, error=error)


async def _end_attempt(ready: Ready, *, outcome: str, error: DeliveryError) -> None:
    ended = EndedAttempt(id=ready.attempt_id, outcome=outcome, error=error, detail=error.message)
    await end_attempts([ended], now=utc_now())
