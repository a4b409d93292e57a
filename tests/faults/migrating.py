"""The newest migration undone and run again while the gateways work, and killed in the middle."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time

import asyncpg
import msgspec

from tests.faults.run import Stage
from tests.faults.site import Site
from tests.faults.waiting import wait_for

REACHED_SECONDS = 20.0
LOOK_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 2.0

SCHEMA = """
SELECT md5(string_agg(line, ';' ORDER BY line)) AS sum FROM (
    SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default) AS line
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
) AS lines
"""
RAN = "SELECT count(*) AS n FROM migration"
WAITS = """
SELECT extract(epoch FROM clock_timestamp() - query_start)::float8 AS seconds
FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND wait_event <> 'tuple' AND query NOT LIKE '%migration%'
"""
HELD_UP = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ILIKE '%INSERT INTO %migration%'"


class Waits(msgspec.Struct):
    """The longest that a statement of the running system waited for a lock, in seconds."""

    longest: float = 0.0


async def change_schema(stage: Stage) -> None:
    """Back, half-way forward and killed there, and forward: the same tables as before."""
    site = stage.site
    before, ran = await _schema(site), await _count(site)
    waits = Waits()
    watching = asyncio.create_task(_watch(site, waits))
    await run_command(site, "migrate", "--back", "1")
    stage.most("P24", "migrations_left", value=await _count(site), limit=ran - 1)
    await kill_half_way(site)
    await run_command(site, "migrate")
    watching.cancel()
    await asyncio.wait([watching])
    stage.none_of("P24", other_schema=float(await _schema(site) != before), missing=ran - await _count(site))
    stage.most("P24", "longest_lock_wait_s", value=waits.longest, limit=LONGEST_WAIT_SECONDS)


async def kill_half_way(site: Site) -> None:
    """The statements have run, that they have is not written down yet: a lock on the book-keeping holds that up."""
    if site.postgres is None:
        raise RuntimeError("Postgres is not the run's own")
    connection = await asyncpg.connect(site.postgres.url)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE migration IN SHARE MODE")
            process = await start_command(site, "migrate")
            await wait_for(lambda: site.rows(HELD_UP), seconds=REACHED_SECONDS)
            process.send_signal(signal.SIGKILL)
            await process.wait()
    finally:
        await connection.close()


async def run_command(site: Site, *arguments: str) -> None:
    """A command of ours to its good end."""
    process = await start_command(site, *arguments)
    if await process.wait():
        raise RuntimeError(f"switchboard {' '.join(arguments)} failed")


async def start_command(site: Site, *arguments: str) -> asyncio.subprocess.Process:
    """A command of ours beside everything else."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "gateway", *arguments),
        env=os.environ | site.environment("run", port=site.ports[0]),
        stdout=subprocess.DEVNULL,
    )


async def _watch(site: Site, waits: Waits) -> None:
    while True:
        began = time.monotonic()
        for row in await site.rows(WAITS):
            waits.longest = max(waits.longest, row["seconds"])
        await asyncio.sleep(max(0.0, LOOK_SECONDS - (time.monotonic() - began)))


async def _schema(site: Site) -> str:
    [row] = await site.rows(SCHEMA)
    return str(row["sum"])


async def _count(site: Site) -> int:
    [row] = await site.rows(RAN)
    return int(row["n"])
