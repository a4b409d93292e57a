"""Carrying repairs on, step by step, as jobs or in an operator's command; and beginning them by the clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import msgspec
import structlog

from channels.contract import Reconciling
from channels.errors import OutcomeUnknown, SendFailed, Throttled
from gateway.directory import LiveChannel
from gateway.outcomes import Done, Outcome, TryAgain
from gateway.projector import Projector
from gateway.reconcile import CannotReconcile, StepTaken, take_reconcile_step
from gateway.runtime import Runtime
from inbox.accounts.queries import live_channels
from inbox.intake.queries import EventSelection, replayable_ids
from inbox.kit.callers import SYSTEM
from inbox.kit.clock import utc_now
from inbox.kit.db import tx
from inbox.kit.errors import Problem
from inbox.outbox.actions import finish_job
from inbox.outbox.jobs import ClaimedJob, RepairStep
from inbox.repair.actions.runs import (
    NewRepair,
    Step,
    begin_repair,
    enqueue_step,
    fail_repair,
    prune_repairs,
    resume_repairs,
    store_step,
)
from inbox.repair.queries import Repair, RepairKind, find_repair, last_reconciled

log = structlog.get_logger()

REPLAYED_A_STEP = 100
OVERLAP = timedelta(minutes=10)
"""How far a comparison by the clock looks back behind the last one: providers list late."""
IN_FLIGHT = timedelta(minutes=2)
"""What is younger may still be on its way to us."""
IDLE_SECONDS = 300.0
KEPT_DAYS = 30
PATIENCE_SECONDS = 60.0
"""The longest a command waits for a provider that asks it to."""


async def take_repair_step(runtime: Runtime, claimed: ClaimedJob, job: RepairStep) -> Outcome:
    """One step of a repair, and the job for the next."""
    try:
        repair = await find_repair(job.repair_id)
    except Problem:  # it was forgotten meanwhile
        return Done()
    if repair.state != "running":
        return Done()
    try:
        await STEPS[repair.kind](runtime, repair)
    except SendFailed as failed:
        return await _provider_failed(job.repair_id, failed)
    except CannotReconcile as refused:
        await _fail(job.repair_id, str(refused))
        return Done()
    except StepTaken:
        return Done()
    async with tx():
        if (await find_repair(repair.id)).state == "running":
            await enqueue_step(repair.id, channel_id=repair.channel_id)
        await finish_job(claimed)
    return Done(settled=True)


async def run_repair(runtime: Runtime, repair_id: UUID) -> None:
    """Take all steps here, one after the other; a provider that asks us to wait is obeyed."""
    while (repair := await find_repair(repair_id)).state == "running":
        try:
            await STEPS[repair.kind](runtime, repair)
        except Throttled as throttled:
            await asyncio.sleep(min(throttled.after or 1.0, PATIENCE_SECONDS))
        except (SendFailed, CannotReconcile) as failed:
            await _fail(repair_id, str(failed))
        except StepTaken:
            await asyncio.sleep(runtime.settings.poll_seconds)


async def begin_due_reconciles(runtime: Runtime) -> int:
    """Compare each channel with its provider's list where that is due; runs as a chore, returns how many were begun.

    It begins where the last one ended, so that an outage of ours is looked back over whole, up to a setting.
    """
    settings, now = runtime.settings, utc_now()
    if not settings.reconcile_minutes:
        return 0
    made = {row.id: row.created_at for row in await live_channels()}
    begun = 0
    for live in runtime.directory.all_channels():
        if not isinstance(runtime.adapters[live.adapter], Reconciling) or live.id not in made:
            continue
        last = await last_reconciled(live.id) or made[live.id]
        if now - last < timedelta(minutes=settings.reconcile_minutes) + IN_FLIGHT:
            continue
        since = max(last - OVERLAP, made[live.id], now - timedelta(hours=settings.reconcile_window_hours))
        begun += await _begin(live, since=since, until=now - IN_FLIGHT)
    return begun


async def tend_repairs() -> None:
    """Go on with what was left lying, and forget what ended long ago; runs as a chore."""
    async with tx():
        resumed = await resume_repairs(idle_seconds=IDLE_SECONDS)
        await prune_repairs(older_than_days=KEPT_DAYS)
    if resumed:
        log.warning("repairs_resumed", count=resumed)


async def _begin(live: LiveChannel, *, since: datetime, until: datetime) -> bool:
    wanted = NewRepair(kind="reconcile", channel_id=live.id, since=since, until=until, automatic=True)
    try:
        async with tx():
            await begin_repair(wanted, actor=SYSTEM)
    except Problem:  # one is at it: this process or another
        return False
    return True


async def _replay_some(runtime: Runtime, repair: Repair) -> None:
    """The next requests of the selection, projected once more; each in a transaction of its own, and never twice."""
    selection = msgspec.convert(repair.selection, EventSelection, strict=False)
    after = int(repair.place.get("after", 0))
    ids = await replayable_ids(selection, after=after, limit=REPLAYED_A_STEP)
    failures = [] if repair.dry_run else await Projector(runtime).replay(ids)
    place = {"after": ids[-1]} if len(ids) == REPLAYED_A_STEP else None
    replayed = 0 if repair.dry_run else len(ids) - len(failures)
    counts = {"selected": len(ids), "failed": len(failures), "replayed": replayed}
    async with tx():
        if not await store_step(repair, Step(place=place, counts=counts)):
            raise StepTaken


async def _provider_failed(repair_id: UUID, failed: SendFailed) -> Outcome:
    if failed.retry or isinstance(failed, OutcomeUnknown):
        after = failed.after if isinstance(failed, Throttled) else None
        return TryAgain(failed.reason, after=after, last=partial(fail_repair, repair_id, failed.reason))
    await _fail(repair_id, failed.reason)
    return Done()


async def _fail(repair_id: UUID, error: str) -> None:
    async with tx():
        await fail_repair(repair_id, error)


STEPS: dict[RepairKind, Callable[[Runtime, Repair], Awaitable[None]]] = {
    "reconcile": take_reconcile_step,
    "replay": _replay_some,
}
