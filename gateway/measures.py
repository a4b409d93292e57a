"""What is looked up when Prometheus asks: queues, the spool, the servers.

Looked up at most every few seconds, however many ask. What cannot be looked up in time is left out rather than shown as
it was: an old number looks like a healthy one.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from prometheus_client import Gauge, generate_latest

from gateway import metrics
from gateway.health import check_redis
from gateway.tasks import running
from inbox.kit.db import DB, POOL_WAITS, fetch, fetch_one
from inbox.kit.ids import CHANNEL, show_id

if TYPE_CHECKING:
    from gateway.runtime import Runtime

FRESH_SECONDS = 2.0
MEASURE_SECONDS = 1.5
LAG_SECONDS = 0.5
"""How often the event loop is asked to be on time."""
LAG_WINDOW = 20
"""Of how many such looks the worst is shown."""

JOBS = """
SELECT type, count(*) AS depth,
       coalesce(extract(epoch FROM now() - min(available_at) FILTER (WHERE state = 0)), 0)::float8 AS age
FROM job WHERE state < 2 GROUP BY type
"""
COUNTS = """
SELECT (SELECT count(*) FROM job WHERE state = 3) AS dead,
       (SELECT count(*) FROM delivery WHERE state = 'unknown') AS unknown,
       (SELECT count(*) FROM quarantine WHERE resolved_at IS NULL) AS quarantined,
       (SELECT count(*) FROM lane l JOIN raw_event r ON r.channel_id = l.channel_id AND r.id > l.projected_id)
       AS waiting,
       (SELECT count(*) FROM outbox_hold) AS held,
       (SELECT count(*) FROM webhook WHERE NOT enabled AND deleted_at IS NULL) AS disabled,
       -- In the words of its partial indexes: the log beside what waits is long.
       (SELECT count(*) FROM webhook_delivery WHERE state = 0) + (SELECT count(*) FROM webhook_delivery WHERE state = 1)
       + (SELECT count(*) FROM webhook_delivery WHERE state = 2 AND order_key IS NOT NULL) AS deliveries,
       (SELECT count(*) FROM erasure WHERE state = 'running') AS erasures,
       (SELECT coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)), 0)::float8
        FROM pg_replication_slots) AS slot
"""
MAILBOXES = """
SELECT p.channel_id, coalesce(p.lag_seconds, 0) AS lag,
       coalesce(extract(epoch FROM p.succeeded_at), 0)::float8 AS succeeded
FROM poll p JOIN channel c ON c.id = p.channel_id WHERE c.deleted_at IS NULL
"""
OF_COUNTS = {
    "dead": metrics.JOBS_DEAD,
    "unknown": metrics.SEND_UNKNOWN,
    "quarantined": metrics.QUARANTINE_OPEN,
    "waiting": metrics.INTAKE_WAITING,
    "held": metrics.OUTBOX_HELD,
    "disabled": metrics.WEBHOOK_ENDPOINTS_DISABLED,
    "deliveries": metrics.WEBHOOK_DELIVERIES_WAITING,
    "erasures": metrics.ERASURES_PENDING,
    "slot": metrics.REPLICATION_SLOT_BYTES,
}
OF_DATABASE = (
    metrics.JOBS_DEPTH,
    metrics.JOBS_OLDEST_AGE_SECONDS,
    metrics.IMAP_LAG_SECONDS,
    metrics.IMAP_LAST_SUCCESS_TIMESTAMP,
)


class Measures:
    """The measures of one process."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._at = -FRESH_SECONDS
        self._one_at_a_time = asyncio.Lock()
        self._lags: list[float] = []

    async def show(self) -> bytes:
        """Everything counted and measured, in Prometheus' text format."""
        async with self._one_at_a_time:
            if time.monotonic() - self._at >= FRESH_SECONDS:
                await self._measure()
                self._at = time.monotonic()
        return generate_latest(metrics.REGISTRY)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Look again and again how late the event loop is, and note each wait for a database connection."""
        POOL_WAITS.append(metrics.DB_POOL_WAIT_SECONDS.observe)
        try:
            async with running(self._watch_lag()):
                yield
        finally:
            POOL_WAITS.remove(metrics.DB_POOL_WAIT_SECONDS.observe)

    async def _measure(self) -> None:
        await asyncio.gather(self._ask_database(), self._ask_redis(), asyncio.to_thread(self._look_at_disk))
        pool = DB.pool
        metrics.DB_POOL_SIZE.set(pool.get_size() if pool else 0)
        metrics.DB_POOL_IN_USE.set(pool.get_size() - pool.get_idle_size() if pool else 0)

    async def _ask_database(self) -> None:
        try:
            async with asyncio.timeout(MEASURE_SECONDS):
                jobs, counts, mailboxes = await fetch(JOBS), await fetch_one(COUNTS), await fetch(MAILBOXES)
        except Exception:  # noqa: BLE001  whatever it fails with, the database does not answer
            metrics.DB_UP.set(0)
            _forget(OF_DATABASE)
            for gauge in OF_COUNTS.values():
                gauge.set(float("nan"))
            return
        metrics.DB_UP.set(1)
        _forget(OF_DATABASE)
        for row in jobs:
            metrics.JOBS_DEPTH.labels(row["type"]).set(row["depth"])
            metrics.JOBS_OLDEST_AGE_SECONDS.labels(row["type"]).set(max(0.0, row["age"]))
        for row in mailboxes:
            channel = show_id(CHANNEL, row["channel_id"])
            metrics.IMAP_LAG_SECONDS.labels(channel).set(row["lag"])
            metrics.IMAP_LAST_SUCCESS_TIMESTAMP.labels(channel).set(row["succeeded"])
        for name, gauge in OF_COUNTS.items():
            gauge.set((counts or {})[name])

    async def _ask_redis(self) -> None:
        client: Any = self._runtime.redis
        up, writable = await asyncio.gather(_works(client.ping()), _works(check_redis(client)()))
        metrics.REDIS_UP.set(up)
        metrics.REDIS_WRITABLE.set(writable)

    def _look_at_disk(self) -> None:
        spool = self._runtime.spool
        metrics.SPOOL_ITEMS.set(spool.count())
        metrics.SPOOL_BYTES.set(spool.size())
        metrics.SPOOL_OLDEST_AGE_SECONDS.set(spool.oldest_age(now=time.time()))
        usage = shutil.disk_usage(self._runtime.settings.data_dir)
        metrics.DISK_USED_SHARE.set(usage.used / usage.total)

    async def _watch_lag(self) -> None:
        while True:
            asked = time.monotonic()
            await asyncio.sleep(LAG_SECONDS)
            late = max(0.0, time.monotonic() - asked - LAG_SECONDS)
            self._lags = [*self._lags[1 - LAG_WINDOW :], late]
            metrics.EVENTLOOP_LAG_SECONDS.set(max(self._lags))


def _forget(gauges: Iterable[Gauge]) -> None:
    for gauge in gauges:
        gauge.clear()


async def _works(asked: Any) -> bool:
    try:
        async with asyncio.timeout(MEASURE_SECONDS):
            await asked
    except Exception:  # noqa: BLE001  whatever it fails with, it does not work
        return False
    return True
