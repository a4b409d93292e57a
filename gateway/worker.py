"""Claims jobs, runs them, and finishes, puts back or buries them. Any number of workers may run on any host."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable
from contextlib import suppress
from datetime import datetime, timedelta
from random import Random
from typing import Any

import asyncpg
import structlog

from gateway.jobs import run_job
from gateway.metrics import JOBS_FINISHED, JOBS_RETRIES
from gateway.outcomes import Done, NotNow, Outcome, TryAgain
from gateway.runtime import Runtime
from gateway.spans import Span
from gateway.tasks import end_tasks
from inbox.kit.clock import utc_now
from inbox.kit.db import TRANSIENT, on_wake, tx
from inbox.kit.tracing import working_for
from inbox.outbox.actions import (
    CHANNEL,
    LeaseLost,
    bury_job,
    claim_jobs,
    finish_job,
    put_back_job,
    recover_leases,
    release_jobs,
    renew_leases,
    rest_lane,
)
from inbox.outbox.jobs import Backoff, ClaimedJob, job_type

log = structlog.get_logger()

HANG_UP_SECONDS = 1.0
RENEWALS = 3
"""How often a lease is renewed in the time it lasts."""
GATHER_SECONDS = 0.01
"""How long a busy worker waits before it claims again: each claim is a commit, and looks at every lane."""


class Worker:
    """One process's worker. A channel's lane may use `worker_channel_share` of its places, so a slow one cannot hog."""

    def __init__(self, runtime: Runtime) -> None:
        settings = runtime.settings
        self.runtime = runtime
        self.places = settings.worker_concurrency
        self.lane_places = max(1, math.floor(settings.worker_concurrency * settings.worker_channel_share))
        self.lease = settings.job_lease_seconds
        self.backoff = Backoff(
            base_seconds=settings.send_retry_base_seconds,
            max_seconds=settings.send_retry_max_seconds,
            attempts=settings.send_attempts,
        )
        self.random = Random()
        self._running: dict[asyncio.Task[None], ClaimedJob] = {}
        self._holding: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._stopping = False

    async def run(self) -> None:
        """Work until stopped: woken by commits here, by NOTIFY from elsewhere, and by the clock."""
        unhook = on_wake("jobs", self._wake.set)
        self._holding = asyncio.create_task(self._hold_leases())
        listener = asyncio.create_task(self._listen())
        try:
            while not self._stopping:
                self._wake.clear()
                claimed = await self._claim()
                if not claimed or len(self._running) >= self.places:
                    await self._wait()
        finally:
            unhook()
            await end_tasks([listener])

    async def _wait(self) -> None:
        """Until woken, or the clock says so. While busy a moment longer: what ends together is replaced together."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self.runtime.settings.poll_seconds):
                await self._wake.wait()
        if self._running:
            await asyncio.sleep(GATHER_SECONDS)

    async def stop(self, *, seconds: float) -> None:
        """Claim no more, let what runs end, and give back what does not end in time."""
        self._stopping = True
        self._wake.set()
        if self._running:
            _, unfinished = await asyncio.wait(self._running, timeout=seconds)
            for task in unfinished:
                task.cancel()
            if unfinished:
                await asyncio.wait(unfinished, timeout=1)
        if self._holding is not None:
            self._holding.cancel()

    async def recover(self) -> None:
        """Put back what dead workers held; runs as a chore, every few seconds."""
        recovered = await recover_leases(attempts=self.backoff.attempts)
        if recovered:
            log.warning("leases_recovered", count=recovered)
            self._wake.set()

    async def _claim(self) -> int:
        free = self.places - len(self._running)
        if free <= 0:
            return 0
        lanes = Counter(job.lane for job in self._running.values() if job.lane)
        full = [lane for lane, running in lanes.items() if running >= self.lane_places]
        try:
            claimed = await claim_jobs(
                limit=free, lease_seconds=self.lease, full_lanes=full, paused_lanes=self._paused_lanes()
            )
        except TRANSIENT as error:
            log.warning("claim_failed", error=type(error).__name__)
            return 0
        except Exception:
            log.exception("claim_broke")
            return 0
        kept = [] if self._stopping else self._keep_shares(claimed, lanes)
        for job in kept:
            task = asyncio.create_task(self._run(job))
            self._running[task] = job
            task.add_done_callback(self._done)
        await self._give_back([job for job in claimed if job not in kept])
        return len(kept)

    def _paused_lanes(self) -> list[str]:
        return [str(live.id) for live in self.runtime.directory.all_channels() if live.status == "paused"]

    def _keep_shares(self, claimed: list[ClaimedJob], lanes: Counter[str]) -> list[ClaimedJob]:
        kept = []
        for job in claimed:
            if not job.lane or lanes[job.lane] < self.lane_places:
                lanes[job.lane] += 1
                kept.append(job)
        return kept

    async def _give_back(self, jobs: list[ClaimedJob]) -> None:
        if jobs:
            with suppress(*TRANSIENT):
                await release_jobs([job.id for job in jobs], lease_id=jobs[0].lease_id)

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        self._wake.set()

    async def _run(self, job: ClaimedJob) -> None:
        with working_for(job.request_id), self._span(job):
            try:
                await settle(job, run_job(self.runtime, job), backoff=self.backoff, random=self.random)
            except LeaseLost:
                log.warning("lease_lost", job=job.id)
            except TRANSIENT as error:
                log.warning("job_interrupted", job=job.id, error=type(error).__name__)
            except Exception:
                log.exception("job_unsettled", job=job.id)

    def _span(self, job: ClaimedJob) -> Span:
        return self.runtime.tracer.span(
            f"job {job_type(job.job)}",
            kind="consumer",
            parent=job.traceparent,
            job=job.id,
            type=job_type(job.job),
            attempt=job.attempts,
            request=job.request_id,
        )

    async def _hold_leases(self) -> None:
        """Hold on to all that runs, until stopped: also to what still runs while we wait for its end."""
        while True:
            await asyncio.sleep(self.lease / RENEWALS)
            with suppress(*TRANSIENT):
                await renew_leases(list(self._running.values()), lease_seconds=self.lease)

    async def _listen(self) -> None:
        """Hear NOTIFY on a connection of our own; it does not reconnect by itself, so we do."""
        while not self._stopping:
            with suppress(*TRANSIENT):
                await self._hear()
            await asyncio.sleep(self.runtime.settings.poll_seconds)

    async def _hear(self) -> None:
        gone = asyncio.Event()
        connection = await asyncpg.connect(self.runtime.database_url, timeout=5)
        try:
            connection.add_termination_listener(lambda *_: gone.set())
            await connection.add_listener(CHANNEL, lambda *_: self._wake.set())
            self._wake.set()
            await gone.wait()
        finally:
            await _hang_up(connection)


async def _hang_up(connection: Any) -> None:
    """Close a connection, also one whose server is gone."""
    try:
        await connection.close(timeout=HANG_UP_SECONDS)
    except TRANSIENT:
        connection.terminate()


async def settle(job: ClaimedJob, running: Awaitable[Outcome], *, backoff: Backoff, random: Random) -> None:
    """Await a job and let its row follow its outcome."""
    try:
        outcome = await running
    except (*TRANSIENT, LeaseLost, asyncio.CancelledError):
        raise
    except Exception as error:
        log.exception("job_failed", job=job.id, type=type(job.job).__name__)
        outcome = TryAgain(f"{type(error).__name__}: {error}")
    match outcome:
        case Done(settled=settled):
            if not settled:
                await finish_job(job)
            _count(job, "done")
        case NotNow():
            await put_back_job(job, at=outcome.at, error=outcome.reason, counted=False)
            _count(job, "postponed")
        case TryAgain():
            await _again_or_dead(job, outcome, _next_try(job, outcome, backoff=backoff, random=random))


def _next_try(job: ClaimedJob, outcome: TryAgain, *, backoff: Backoff, random: Random) -> datetime | None:
    if outcome.counted:
        return backoff.next_try(job.attempts, after=outcome.after, now=utc_now(), random=random)
    return utc_now() + timedelta(seconds=outcome.after or backoff.base_seconds)


async def _again_or_dead(job: ClaimedJob, outcome: TryAgain, at: datetime | None) -> None:
    if at is not None:
        async with tx():
            if outcome.after and job.lane:
                await rest_lane(job.lane, seconds=outcome.after)
            await put_back_job(job, at=at, error=outcome.error, counted=outcome.counted)
        _count(job, "retry")
        JOBS_RETRIES.labels(job_type(job.job)).inc()
        return
    async with tx():
        if outcome.last:
            await outcome.last()
            await finish_job(job)
        else:
            log.error("job_dead", job=job.id, type=type(job.job).__name__)
            await bury_job(job, error=outcome.error)
    _count(job, "failed" if outcome.last else "dead")


def _count(job: ClaimedJob, outcome: str) -> None:
    JOBS_FINISHED.labels(job_type(job.job), outcome).inc()
