"""Claims deliveries that are due, tries them side by side, and hands what came of it to the recorder."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

import structlog

from channels.http import Http
from gateway.metrics import WEBHOOK_ATTEMPTS
from gateway.spans import NO_TRACER, Tracer
from gateway.webhooks.attempt import Target, try_delivery
from gateway.webhooks.lanes import Lanes
from gateway.webhooks.recorder import Recorder
from inbox.conversations.api.envelopes import Envelope, show_events
from inbox.kit.clock import utc_now
from inbox.kit.db import TRANSIENT, Row, on_wake
from inbox.kit.ids import EVENT, show_id
from inbox.kit.secrets import SecretBox, WrongKey
from inbox.webhooks.actions.dispatch import ClaimedDelivery, claim_deliveries, give_back_deliveries
from inbox.webhooks.actions.endpoints import TOPIC, open_webhook
from inbox.webhooks.actions.record import Tried
from inbox.webhooks.payload import form_body
from inbox.webhooks.queries import find_targets
from inbox.webhooks.schedule import Attempt

log = structlog.get_logger()

GATHER_SECONDS = 0.005
"""How long places that become free are gathered before more is claimed: one statement then takes many."""
LEASE_TO_TIMEOUT = 2
LEASE_MARGIN_SECONDS = 5.0
"""A lease outlasts a try by so much that what came of it can be written down."""
KEPT_TARGETS = 1000


class WebhookSender:
    """One process's sender."""

    def __init__(
        self,
        http: Http,
        recorder: Recorder,
        *,
        box: SecretBox,
        lanes: Lanes,
        timeout: float,
        poll_seconds: float,
        tracer: Tracer = NO_TRACER,
    ) -> None:
        self.http = http
        self.recorder = recorder
        self.box = box
        self.lanes = lanes
        self.timeout = timeout
        self.lease = LEASE_TO_TIMEOUT * timeout + LEASE_MARGIN_SECONDS
        self.poll_seconds = poll_seconds
        self.tracer = tracer
        self._targets: dict[tuple[UUID, int], Target] = {}
        self._running: dict[asyncio.Task[None], ClaimedDelivery] = {}
        self._wake = asyncio.Event()
        self._stopping = False

    async def run(self) -> None:
        """Send until stopped: woken by what was queued here, by places that become free, and by the clock."""
        unhook = on_wake(TOPIC, self._wake.set)
        try:
            while not self._stopping:
                self._wake.clear()
                if not await self._start_due():
                    with suppress(TimeoutError):
                        async with asyncio.timeout(self.poll_seconds):
                            await self._wake.wait()
                await asyncio.sleep(GATHER_SECONDS)
        finally:
            unhook()

    async def stop(self, *, seconds: float) -> None:
        """Claim no more, let what runs end, and give back what does not end in time: it may come twice, not never."""
        self._stopping = True
        self._wake.set()
        if not self._running:
            return
        _, unfinished = await asyncio.wait(self._running, timeout=seconds)
        claimed = [self._running[task] for task in unfinished]
        for task in unfinished:
            task.cancel()
        if unfinished:
            await asyncio.wait(unfinished, timeout=1)
            await self._give_back(claimed)

    async def _start_due(self) -> int:
        """Claim what is due and there is room for, and begin it; returns how many."""
        try:
            claimed = await self._claim()
            if self._stopping:
                await self._give_back(claimed)
            elif claimed:
                await self._start(claimed)
        except TRANSIENT as error:
            log.warning("webhooks_wait", error=type(error).__name__)
            return 0
        except Exception:
            log.exception("webhooks_broke")
            return 0
        return len(claimed)

    async def _claim(self) -> list[ClaimedDelivery]:
        room = self.lanes.room()
        if room.limit <= 0 or self._stopping:
            return []
        return await claim_deliveries(
            room.known, room_elsewhere=room.elsewhere, limit=room.limit, lease_seconds=self.lease
        )

    async def _start(self, claimed: Sequence[ClaimedDelivery]) -> None:
        await self._load_targets({(one.webhook_id, one.version) for one in claimed})
        envelopes = await _form_envelopes([one.event for one in claimed])
        for one in claimed:
            self.lanes.begin(one.webhook_id)
            task = asyncio.create_task(self._run(one, envelopes.get(one.event["id"])))
            self._running[task] = one
            task.add_done_callback(self._done)

    async def _run(self, one: ClaimedDelivery, envelope: Envelope | None) -> None:
        """One try. Whatever goes wrong with it is its own failure, so that it can hold nobody up."""
        target, number = self._targets.get((one.webhook_id, one.version)), one.tried + 1
        try:
            if target is None or envelope is None:
                tried = _not_sendable(one)
            else:
                attempt, after = await self._try(one, target, envelope, number=number)
                tried = Tried(claimed=one, attempt=attempt, after=after)
        except Exception:
            log.exception("webhook_try_broke", webhook=one.webhook_id, webhook_delivery=one.id)
            tried = _not_sendable(one)
        except asyncio.CancelledError:
            self.lanes.leave(one.webhook_id)
            raise
        WEBHOOK_ATTEMPTS.labels(tried.attempt.error or "delivered").inc()
        self.lanes.end(one.webhook_id, failed=tried.attempt.error is not None)
        self.recorder.add(tried)

    async def _try(
        self, one: ClaimedDelivery, target: Target, envelope: Envelope, *, number: int
    ) -> tuple[Attempt, float | None]:
        """The POST, a step of the trace of what it tells; the endpoint is told which, so that its own steps follow."""
        facts = {"webhook": one.webhook_id, "webhook_delivery": one.id, "feed_event": one.event["id"]}
        parent = one.event["traceparent"]
        with self.tracer.span("webhook delivery", kind="client", parent=parent, attempt=number, **facts) as span:
            attempt, after = await try_delivery(
                self.http,
                target,
                message_id=show_id(EVENT, one.event["id"]),
                body=form_body(envelope, one.event, target.payload),
                number=number,
                seconds=self.timeout,
                traceparent=span.traceparent or parent,
            )
            span.note(status=attempt.status, code=attempt.error)
        return attempt, after

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        self._wake.set()

    async def _load_targets(self, wanted: set[tuple[UUID, int]]) -> None:
        """The endpoints as they are now, their secrets opened; each version once."""
        missing = {webhook_id for webhook_id, version in wanted if (webhook_id, version) not in self._targets}
        if len(self._targets) > KEPT_TARGETS:
            self._targets.clear()
            missing = {webhook_id for webhook_id, _ in wanted}
        for row in await find_targets(list(missing)) if missing else ():
            target = self._open_target(row)
            if target is not None:
                # Changed since it was claimed: the newer is as good for this delivery, and for all after it.
                self._targets |= {(row["id"], version): target for found, version in wanted if found == row["id"]}
                self._targets[row["id"], row["version"]] = target

    def _open_target(self, row: Row) -> Target | None:
        try:
            sealed = open_webhook(row, self.box)
        except WrongKey:
            log.error("webhook_secret_unreadable", webhook=row["id"])  # noqa: TRY400 (no bug of ours: the key is)
            return None
        return Target(url=row["url"], payload=row["payload"], secrets=sealed.secrets, headers=sealed.headers)

    async def _give_back(self, claimed: Sequence[ClaimedDelivery]) -> None:
        with suppress(*TRANSIENT):
            for lease_id in {one.lease_id for one in claimed}:
                mine = [one.id for one in claimed if one.lease_id == lease_id]
                await give_back_deliveries(mine, lease_id=lease_id)


async def _form_envelopes(rows: Sequence[Row]) -> dict[UUID, Envelope]:
    """The envelopes of these events by id; one that cannot be formed is left out, and takes no other with it."""
    events = list({row["id"]: row for row in rows}.values())
    try:
        return dict(zip((row["id"] for row in events), await show_events(events), strict=True))
    except TRANSIENT:
        raise
    except Exception:
        if len(events) == 1:
            log.exception("webhook_event_unreadable", feed_event=events[0]["id"])
            return {}
    found: dict[UUID, Envelope] = {}
    for row in events:
        found |= await _form_envelopes([row])
    return found


def _not_sendable(one: ClaimedDelivery) -> Tried:
    attempt = Attempt(number=one.tried + 1, at=utc_now(), duration_ms=0, error="not_sendable")
    return Tried(claimed=one, attempt=attempt)
