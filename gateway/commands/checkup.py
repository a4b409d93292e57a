"""What `switchboard doctor` looks at, one after the other; each look ends in findings and never in an exception."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from channels.contract import Hooked
from gateway.commands.checkup_outside import look_at_gateway, look_at_providers
from gateway.commands.checkup_queues import look_at_keys, look_at_queues, look_at_server
from gateway.commands.failures import explain_failure
from gateway.commands.findings import Finding, judge_clock, judge_count, judge_disk, judge_public_url
from gateway.commands.verdicts import judge_memory
from gateway.embedded import check_durability
from gateway.health import check_redis
from gateway.migrate import pending_migrations
from gateway.runtime import Runtime
from inbox.accounts.catalogue import UnreadableChannel
from inbox.accounts.queries import live_channels
from inbox.intake.queries import count_waiting
from inbox.kit.clock import utc_now
from inbox.kit.db import fetch_value
from inbox.outbox.queries import count_jobs

QUARANTINED = "SELECT count(*) FROM quarantine WHERE resolved_at IS NULL"
LOOK_SECONDS = 15.0
PROVIDERS = "providers"

Look: TypeAlias = Callable[[Runtime], Awaitable[list[Finding]]]


async def examine(runtime: Runtime, *, outside: bool) -> list[Finding]:
    """Everything there is to be found; what stands on the database is not looked at where that is away.

    With `outside` the gateway, the public URL and the providers are asked as well.
    """
    database = await _look(_database, runtime, name="database")
    findings = [*database, *await _look(_redis, runtime, name="redis"), *await _look(_spool, runtime, name="spool")]
    findings += await _look(_disk, runtime, name="disk")
    if outside:
        findings += await _look(look_at_gateway, runtime, name="gateway")
    if any(finding.verdict == "problem" for finding in database):
        return findings
    for name, look in (*ON_DATABASE, *(((PROVIDERS, look_at_providers),) if outside else ())):
        findings += await _look(look, runtime, name=name)
    return findings


async def _look(look: Look, runtime: Runtime, *, name: str) -> list[Finding]:
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            return await look(runtime)
    except Exception as error:  # noqa: BLE001 - that it cannot be looked at is itself a finding
        explained = explain_failure(error)
        detail, _, fix = (explained.message if explained else f"{type(error).__name__}: {error}").partition("\n")
        return [Finding(name=name, verdict="problem", detail=detail, fix=fix or None)]


async def _database(runtime: Runtime) -> list[Finding]:
    warning = await check_durability(runtime.database_url)
    missing = await pending_migrations(runtime.database_url)
    durable = Finding(name="database", verdict="ok", detail="it keeps what it confirms")
    if warning:
        durable = Finding(name="database", verdict="warning", detail=warning, fix="set synchronous_commit=on")
    tables = judge_count("tables", len(missing), what="migration{s} missing", fix="run: switchboard migrate")
    return [durable, tables]


async def _redis(runtime: Runtime) -> list[Finding]:
    """At the size in use: a full Redis still answers PING and takes small values."""
    try:
        await check_redis(runtime.redis)()
    except Exception as error:  # noqa: BLE001 - whatever it fails with, it does not do
        fix = "start it, give it memory, or check SWITCHBOARD_REDIS_URL; until then readers poll the database"
        detail = f"does not take a value of working size ({type(error).__name__})"
        return [Finding(name="redis", verdict="warning", detail=detail, fix=fix)]
    client: Any = runtime.redis
    memory = judge_memory(await client.info("memory"))
    return [Finding(name="redis", verdict="ok", detail="takes values of working size"), memory]


async def _spool(runtime: Runtime) -> list[Finding]:
    await asyncio.to_thread(runtime.spool.check_writable)
    waiting = await asyncio.to_thread(runtime.spool.count)
    torn = len(list(runtime.spool.folder.glob("*.torn")))
    return [
        judge_count(
            "spool",
            waiting,
            what="webhook{s} in the spool",
            fix="they drain by themselves while `serve` runs and the database answers",
            verdict="warning",
        ),
        *(
            [judge_count("spool", torn, what="torn end{s} of spool files", fix=f"look into {runtime.spool.folder}")]
            if torn
            else []
        ),
    ]


async def _disk(runtime: Runtime) -> list[Finding]:
    folder = runtime.settings.data_dir
    usage = await asyncio.to_thread(shutil.disk_usage, folder)
    return [judge_disk(usage.free, usage.total, folder=str(folder))]


async def _clock(runtime: Runtime) -> list[Finding]:
    """The answer's time lies between asking and hearing, so half of that is taken off."""
    before = utc_now()
    theirs = await fetch_value("SELECT clock_timestamp()")
    after = utc_now()
    return [judge_clock(before + (after - before) / 2 - theirs)]


async def _channels(runtime: Runtime) -> list[Finding]:
    findings, has_hooks = [], False
    for row in await live_channels():
        name = f"channel {row.name}"
        try:
            runtime.catalogue.open_account(row.id, row.adapter, sealed=row.settings)
        except UnreadableChannel as error:
            fix = "start with the SWITCHBOARD_SECRET_KEY it was stored with, or give the channel its settings anew"
            findings.append(Finding(name=name, verdict="problem", detail=str(error), fix=fix))
            continue
        has_hooks = has_hooks or isinstance(runtime.adapters[row.adapter], Hooked)
        resume = f"switchboard channels resume '{row.name}'"
        findings.append(
            Finding(name=name, verdict="ok", detail=f"{row.adapter}, {' '.join(row.addresses)}")
            if row.status == "active"
            else Finding(name=name, verdict="warning", detail="is paused: nothing is sent by it", fix=resume)
        )
    settings = runtime.settings
    return [judge_public_url(settings.public_url, demo=settings.demo, has_hooks=has_hooks), *findings]


async def _jobs(_: Runtime) -> list[Finding]:
    dead = (await count_jobs())["dead"]
    fix = "see `switchboard jobs list --state dead`, mend the cause, then `switchboard jobs retry --all`"
    return [judge_count("jobs", dead, what="dead job{s}", fix=fix)]


async def _intake(_: Runtime) -> list[Finding]:
    poisoned, waiting = await fetch_value(QUARANTINED), await count_waiting()
    fix = "see `switchboard intake list --state quarantine`, then `switchboard intake replay --quarantine`"
    return [
        judge_count("quarantine", poisoned, what="request{s} in quarantine", fix=fix),
        judge_count(
            "journal", waiting, what="request{s} to be projected", fix="start `switchboard serve` or `work`",
            verdict="warning",
        ),
    ]  # fmt: skip


ON_DATABASE: tuple[tuple[str, Look], ...] = (
    ("database", look_at_server),
    ("secret key", look_at_keys),
    ("clock", _clock),
    ("channels", _channels),
    ("workers", look_at_queues),
    ("jobs", _jobs),
    ("intake", _intake),
)
