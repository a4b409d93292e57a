"""What the doctor makes of servers, providers and queues, from what they say of themselves. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import msgspec

from channels.contract import AccountReport
from gateway.commands.findings import Finding, Verdict, judge_clock, judge_count

OLDEST_POSTGRES = 140_000
"""As `server_version_num` tells it: older ones get no fixes any more."""
FULL_SHARE = 0.9
LOSES_KEYS = "allkeys"
LATE_JOB_SECONDS = 60.0
LATE_ERASURE_HOURS = 1.0
FORGED_SHARE = 0.5
FEW_WEBHOOKS = 10
"""Below this many a share says nothing."""


class Reached(msgspec.Struct, kw_only=True, frozen=True):
    """What came of asking for an address: a status and where it leads, or why there was no answer."""

    status: int | None = None
    location: str | None = None
    ours: bool = False
    error: str | None = None
    tls: bool = False


class Queues(msgspec.Struct, kw_only=True, frozen=True):
    """What waits, as the database has it; ages in seconds, of what could be done now and is not."""

    oldest_job: float
    lost_leases: int
    held: int
    unknown: int
    disabled: int
    erasures: int
    oldest_erasure: float


def judge_postgres(number: int, version: str, *, size: str) -> Finding:
    """The server's release and the size of the database."""
    detail = f"Postgres {version}, {size}"
    if number < OLDEST_POSTGRES:
        fix = "upgrade it: releases before 14 get no fixes any more"
        return Finding(name="database", verdict="warning", detail=detail, fix=fix)
    return Finding(name="database", verdict="ok", detail=detail)


def judge_memory(info: Mapping[str, Any]) -> Finding:
    """Whether Redis will go on taking values: how full it is, and what it does when it is full (INFO memory)."""
    limit, used = int(info.get("maxmemory") or 0), int(info.get("used_memory") or 0)
    policy = str(info.get("maxmemory_policy") or "unknown")
    if not limit:
        return Finding(name="redis memory", verdict="ok", detail=f"{used / 1e6:.0f} MB in use, no limit set")
    detail = f"{used / 1e6:.0f} of {limit / 1e6:.0f} MB in use, {policy}"
    if policy == "noeviction" and used >= limit * FULL_SHARE:
        fix = "raise maxmemory, or set maxmemory-policy to volatile-lru: full, it refuses what we write"
        return Finding(name="redis memory", verdict="problem", detail=detail, fix=fix)
    if policy == "noeviction":
        fix = "set maxmemory-policy to volatile-lru: once it is full, it would refuse what we write"
        return Finding(name="redis memory", verdict="warning", detail=detail, fix=fix)
    return Finding(name="redis memory", verdict="ok", detail=detail)


def judge_reach(url: str, reached: Reached, *, gateway_answers: bool) -> Finding:
    """Whether the public URL leads to this gateway; where that is not running, nothing can be expected to answer."""
    name, host = "public address", urlsplit(url).hostname
    if reached.ours:
        return Finding(name=name, verdict="ok", detail=f"{url} leads to this gateway")
    verdict: Verdict = "problem" if gateway_answers else "warning"
    if reached.tls:
        fix = "renew the certificate, or serve the whole chain; providers refuse what we refuse"
        detail = f"{host} shows a certificate that is not accepted: {reached.error}"
        return Finding(name=name, verdict="problem", detail=detail, fix=fix)
    if reached.error:
        fix = "check DNS, the firewall and the proxy, and that `switchboard serve` runs"
        return Finding(name=name, verdict=verdict, detail=f"{host} does not answer: {reached.error}", fix=fix)
    if reached.location:
        elsewhere = urlsplit(reached.location)
        fix = f"set SWITCHBOARD_PUBLIC_URL to where it really is, such as {elsewhere.scheme}://{elsewhere.netloc}"
        detail = f"{url} leads on to {elsewhere.netloc}, which signatures do not cover"
        return Finding(name=name, verdict="problem", detail=detail, fix=fix)
    if reached.status in {502, 503, 504}:
        detail = f"the proxy at {host} has nobody behind it (it answered {reached.status})"
        fix = "start `switchboard serve`, or have the proxy pass on to it"
        return Finding(name=name, verdict=verdict, detail=detail, fix=fix)
    fix = "have the proxy pass every path on to this gateway, or set SWITCHBOARD_PUBLIC_URL right"
    detail = f"what answers at {url} is not this gateway (/health/live answered {reached.status})"
    return Finding(name=name, verdict="problem", detail=detail, fix=fix)


def judge_report(name: str, report: AccountReport, *, ahead: timedelta | None) -> list[Finding]:
    """What a provider says of one channel. `ahead` is our clock against the provider's."""
    findings = [
        Finding(
            name=name,
            verdict="ok" if check.ok else "problem",
            detail=f"{check.title}: {check.detail}",
            fix=check.fix,
        )
        for check in report.checks
    ]
    clock = judge_clock(ahead, whose=f"the provider of {name}") if ahead is not None else None
    return [*findings, *([clock] if clock and clock.verdict != "ok" else [])]


def judge_queues(queues: Queues) -> list[Finding]:
    """Whether somebody works, and what waits for a person."""
    unknown_fix = "`switchboard reconcile --since 2h` asks the provider; what stays unknown is a person's decision"
    return [
        _judge_workers(queues),
        judge_count("unknown sends", queues.unknown, what="message{s} nobody knows the fate of", fix=unknown_fix,
                    verdict="warning"),
        judge_count("webhooks", queues.disabled, what="webhook{s} of integrators disabled",
                    fix="tell their owners; then `switchboard webhooks enable` and `recover`", verdict="warning"),
        *_judge_erasures(queues),
    ]  # fmt: skip


def _judge_workers(queues: Queues) -> Finding:
    if queues.held:
        fix = "see `switchboard outbox status`, then `switchboard outbox release`"
        return Finding(name="workers", verdict="warning", detail="the outbox is held: nothing leaves", fix=fix)
    if queues.oldest_job > LATE_JOB_SECONDS:
        detail = f"a job has waited for {queues.oldest_job:.0f} s"
        fix = "start `switchboard work` (or `serve --with-worker`), or more of them; look for errors in their logs"
        return Finding(name="workers", verdict="problem", detail=detail, fix=fix)
    if queues.lost_leases:
        detail = f"{queues.lost_leases} jobs are held by workers that have vanished"
        fix = "a running `switchboard work` takes them over within seconds"
        return Finding(name="workers", verdict="warning", detail=detail, fix=fix)
    return Finding(name="workers", verdict="ok", detail="no job waits for long")


def _judge_erasures(queues: Queues) -> list[Finding]:
    late = queues.oldest_erasure > LATE_ERASURE_HOURS * 3600
    fix = "they are jobs: see that `switchboard work` runs, and `switchboard jobs list`" if late else None
    detail = f"{queues.erasures} under way" if queues.erasures else "none under way"
    return [Finding(name="erasures", verdict="warning" if late else "ok", detail=detail, fix=fix)]


def judge_keys(uses: Iterable[tuple[str, str, int]], *, known: frozenset[str], newest: str) -> list[Finding]:
    """Which keys have sealed what (column, key id, count): a missing one loses it, an old one is to be retired."""
    uses = list(uses)
    missing = {key: sum(n for _, key_id, n in uses if key_id == key) for _, key, _ in uses if key not in known}
    if missing:
        told = ", ".join(f"{key} ({count})" for key, count in sorted(missing.items()))
        fix = "add the keys they were sealed with to SWITCHBOARD_OLD_SECRET_KEYS"
        detail = f"secrets sealed with keys that are not given: {told}"
        return [Finding(name="secret key", verdict="problem", detail=detail, fix=fix)]
    old = sum(count for _, key, count in uses if key != newest)
    fix = "run `switchboard secrets rotate`, then take the old key out of SWITCHBOARD_OLD_SECRET_KEYS"
    return [judge_count("secret key", old, what="secret{s} still sealed with an old key", fix=fix, verdict="warning")]


def judge_signatures(counted: Mapping[str, tuple[float, float]]) -> list[Finding]:
    """Of each channel how many webhooks came and how many of them were forged, since the gateway started."""
    failing = [
        Finding(
            name="signatures",
            verdict="problem",
            detail=f"{forged:.0f} of {received:.0f} webhooks of {channel} were not signed with its secret",
            fix="was the provider's token rotated, or SWITCHBOARD_PUBLIC_URL changed? Set the new token or the old URL",
        )
        for channel, (received, forged) in sorted(counted.items())
        if received >= FEW_WEBHOOKS and forged > received * FORGED_SHARE
    ]
    return failing or [Finding(name="signatures", verdict="ok", detail="webhooks are signed as they should be")]
