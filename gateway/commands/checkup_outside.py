"""What the doctor asks the outside: the gateway if it runs, the public URL, and each channel's provider."""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict
from datetime import datetime, timedelta

import httpx
from prometheus_client.parser import text_string_to_metric_families

from channels.contract import Checking
from gateway.commands.findings import Finding
from gateway.commands.verdicts import Reached, judge_reach, judge_report, judge_signatures
from gateway.runtime import Runtime
from gateway.settings import Settings
from inbox.accounts.catalogue import UnreadableChannel
from inbox.accounts.queries import ChannelRow, live_channels
from inbox.kit.clock import utc_now

ASK_SECONDS = 5.0
LIVE = "/health/live"


async def look_at_gateway(runtime: Runtime) -> list[Finding]:
    """The gateway of SWITCHBOARD_URL, the public URL, and what the gateway has counted of signatures."""
    settings = runtime.settings
    async with httpx.AsyncClient(timeout=ASK_SECONDS, trust_env=False) as client:
        here = await reach(client, settings.gateway_url)
        there = await reach(client, settings.public_url)
        counted = await _count_signatures(client, settings) if here.ours else None
    findings = [_judge_here(settings, here), judge_reach(settings.public_url, there, gateway_answers=here.ours)]
    return [*findings, *(judge_signatures(counted) if counted is not None else [])]


async def reach(client: httpx.AsyncClient, url: str) -> Reached:
    """Ask for the liveness of a gateway at this address."""
    try:
        answer = await client.get(url.rstrip("/") + LIVE)
    except httpx.HTTPError as error:
        tls = _certificate_error(error)
        return Reached(error=tls.verify_message if tls else type(error).__name__, tls=tls is not None)
    if answer.is_redirect:
        return Reached(status=answer.status_code, location=str(answer.next_request.url if answer.next_request else ""))
    ours = answer.status_code == httpx.codes.OK and b'"object":"health"' in answer.content
    return Reached(status=answer.status_code, ours=ours)


def _certificate_error(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error


def _judge_here(settings: Settings, here: Reached) -> Finding:
    if here.ours:
        return Finding(name="gateway", verdict="ok", detail=f"answers at {settings.gateway_url}")
    fix = "start `switchboard serve`, or set SWITCHBOARD_URL to where it listens"
    return Finding(name="gateway", verdict="warning", detail=f"does not answer at {settings.gateway_url}", fix=fix)


async def _count_signatures(client: httpx.AsyncClient, settings: Settings) -> dict[str, tuple[float, float]] | None:
    """Webhooks and forged ones by channel, as the gateway counted them; None where it does not let us read that."""
    headers = {"authorization": f"Bearer {settings.metrics_token}"} if settings.metrics_token else {}
    try:
        answer = await client.get(f"{settings.gateway_url.rstrip('/')}/metrics", headers=headers)
    except httpx.HTTPError:
        return None
    return read_signatures(answer.text) if answer.status_code == httpx.codes.OK else None


def read_signatures(page: str) -> dict[str, tuple[float, float]]:
    """Webhooks and forged ones by channel, from a page of measures."""
    received: defaultdict[str, float] = defaultdict(float)
    forged: defaultdict[str, float] = defaultdict(float)
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if sample.name == "switchboard_inbound_received_total" and sample.labels["channel"]:
                received[sample.labels["channel"]] += sample.value
            elif sample.name == "switchboard_inbound_signature_failures_total":
                forged[sample.labels["channel"]] += sample.value
    return {channel: (count, forged[channel]) for channel, count in received.items()}


async def look_at_providers(runtime: Runtime) -> list[Finding]:
    """What each channel's provider says, all at once; a channel that cannot be opened is told of elsewhere."""
    asked = [_ask_provider(runtime, row) for row in await live_channels()]
    return [finding for findings in await asyncio.gather(*asked) for finding in findings]


async def _ask_provider(runtime: Runtime, row: ChannelRow) -> list[Finding]:
    adapter = runtime.adapters.get(row.adapter)
    if not isinstance(adapter, Checking):
        return []
    try:
        account = runtime.catalogue.open_account(row.id, row.adapter, sealed=row.settings)
    except UnreadableChannel:
        return []
    before = utc_now()
    report = await adapter.check_account(account)
    ahead = surely_ahead(report.clock, before, utc_now()) if report.clock else None
    return judge_report(f"channel {row.name}", report, ahead=ahead)


def surely_ahead(clock: datetime, before: datetime, after: datetime) -> timedelta:
    """How far our clock is ahead of one that was read to the second, some time between two looks at ours: at least."""
    if before > clock + timedelta(seconds=1):
        return before - clock - timedelta(seconds=1)
    return min(after - clock, timedelta())
