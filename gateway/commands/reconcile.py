"""`switchboard reconcile`: look up at the providers what was lost on the way."""

from __future__ import annotations

from datetime import datetime, timedelta

import rich_click as click

from channels.contract import Reconciling
from gateway.commands.channel_care import find_named_channel, opened_runtime
from gateway.commands.exits import CommandFailed, WrongUsage
from gateway.commands.given import given_settings
from gateway.commands.moments import MOMENT, channel_option, dry_run_option, until_option
from gateway.commands.output import json_option, print_json, print_line, print_table, say_aside
from gateway.commands.running import run_operator
from gateway.repairs import run_repair
from gateway.runtime import Runtime
from gateway.settings import Settings
from inbox.accounts.queries import ChannelRow, live_channels
from inbox.kit.callers import SYSTEM
from inbox.kit.clock import utc_now
from inbox.kit.db import tx
from inbox.kit.errors import Problem
from inbox.repair.actions.runs import NewRepair, begin_repair
from inbox.repair.api.shapes import RepairObject, show_repair
from inbox.repair.queries import find_repair
from inbox.repair.spans import check_span

WORDS = {
    "inbound_missing": "messages had not reached us",
    "reports_missing": "reports of delivery had been missed",
    "sends_found": "sends of unknown outcome were found",
    "sends_not_found": "are not in the provider's list: send them again if they are still wanted",
    "sends_ambiguous": "cannot be told apart: look at them before sending again",
    "sends_too_early": "are too young to say",
}


@click.command(name="reconcile")
@click.option("--since", type=MOMENT, required=True, help="From then on: 2h, 7d, or a time.")
@until_option
@channel_option
@dry_run_option
@json_option
def reconcile_command(
    *, since: datetime, until: datetime | None, channel: str | None, dry_run: bool, as_json: bool
) -> None:
    """Compare channels with their providers' own lists of messages.

    What never reached us is journaled and projected by the running service, reports that were missed are made up for,
    and sends of unknown outcome are looked up. Nothing is ever sent again by this: `switchboard outbox unknown` lists
    what a person has to decide.
    """
    settings = given_settings()
    repairs = run_operator(settings, lambda: _reconcile(settings, since, until=until, channel=channel, dry_run=dry_run))
    if as_json:
        print_json(repairs)
    else:
        for repair in repairs:
            _print_repair(repair)
    if any(repair.state == "failed" for repair in repairs):
        raise CommandFailed("not every channel could be compared")


def _print_repair(repair: RepairObject) -> None:
    print_line(
        f"{repair.channel_id}: {repair.counts.get('listed', 0)} messages listed" + (" (dry run)" * repair.dry_run)
    )
    print_table(["", ""], [(repair.counts[name], words) for name, words in WORDS.items() if repair.counts.get(name)])
    if repair.error:
        say_aside(repair.error, label="failed", color="red")


async def _reconcile(
    settings: Settings, since: datetime, *, until: datetime | None, channel: str | None, dry_run: bool
) -> list[RepairObject]:
    kept = timedelta(days=settings.event_key_days)
    try:
        begin, end = check_span(since, until, now=utc_now(), kept=kept)
    except Problem as refused:
        raise WrongUsage(f"--since: {refused.detail}") from refused
    async with opened_runtime(settings) as runtime:
        await runtime.directory.refresh()
        rows = await _chosen(runtime, channel)
        wanted = [
            NewRepair(kind="reconcile", channel_id=row.id, since=begin, until=end, dry_run=dry_run) for row in rows
        ]
        return [await _run(runtime, one) for one in wanted]


async def _chosen(runtime: Runtime, channel: str | None) -> list[ChannelRow]:
    rows = [await find_named_channel(channel)] if channel else await live_channels()
    able = [row for row in rows if isinstance(runtime.adapters.get(row.adapter), Reconciling)]
    if not able:
        raise CommandFailed("no channel chosen has a provider that keeps a list of its messages")
    return able


async def _run(runtime: Runtime, wanted: NewRepair) -> RepairObject:
    try:
        async with tx():
            repair_id = await begin_repair(wanted, actor=SYSTEM, as_job=False)
    except Problem as refused:
        raise CommandFailed(refused.detail, hint="Another process is at it; try again when it has ended.") from refused
    await run_repair(runtime, repair_id)
    return show_repair(await find_repair(repair_id))
