"""`switchboard channels backfill`: a mailbox read once more from a day on, whatever its polling has seen."""

from __future__ import annotations

from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any

import msgspec
import rich_click as click

from channels.contract import Backfilling
from channels.errors import SendFailed
from gateway.commands.channel_care import channel_argument, find_named_channel, opened_runtime
from gateway.commands.exits import CommandFailed
from gateway.commands.given import given_settings
from gateway.commands.moments import MOMENT
from gateway.commands.output import count_things, json_option, print_json, print_line
from gateway.commands.running import run_operator, waiting
from gateway.poller import polled_entry
from gateway.runtime import Runtime
from gateway.settings import Settings
from inbox.accounts.queries import ChannelRow
from inbox.audit.actions import record_audit
from inbox.intake.actions.journal import journal_events
from inbox.kit.callers import SYSTEM
from inbox.kit.clock import show_time, utc_now
from inbox.kit.db import tx
from inbox.kit.ids import CHANNEL, show_id

WHAT_NEXT = "The running service puts into conversations what was not there yet."


class Backfilled(msgspec.Struct, frozen=True):
    """How many mails were read from a mailbox, and how many bytes they have."""

    channel_id: str
    mails: int
    bytes: int


@click.command(name="backfill")
@channel_argument
@click.option("--since", type=MOMENT, required=True, help="Mail that arrived from then on: 2h, 7d, or a time.")
@click.option("--old", is_flag=True, help="Also from a time of which it is no longer known what was stored.")
@json_option
def backfill_channel(*, channel: str, since: datetime, old: bool, as_json: bool) -> None:
    """Read a mailbox once more, from a moment on.

    For mail that was there before the channel was connected, or was moved into a folder late. What is in a conversation
    already is not put there again, and nothing is flagged or moved. It may be broken off and begun again.
    """
    settings = given_settings()
    done = run_operator(settings, lambda: _backfill(settings, channel, since, old=old))
    if as_json:
        print_json(done)
        return
    print_line(
        f"{count_things(done.mails, 'mail{s}')} read, {done.bytes} bytes. {WHAT_NEXT if done.mails else ''}".strip()
    )


async def _backfill(settings: Settings, name: str, since: datetime, *, old: bool) -> Backfilled:
    async with opened_runtime(settings) as runtime:
        row = await find_named_channel(name)
        adapter = runtime.adapters.get(row.adapter)
        if not isinstance(adapter, Backfilling):
            raise CommandFailed(f"{row.name} is no mailbox that can be read: {row.adapter} is sent what comes in")
        remembered = utc_now() - timedelta(days=settings.event_key_days)
        if since < remembered and row.created_at < remembered and not old:
            raise CommandFailed(
                f"what was stored before {show_time(remembered)} is no longer remembered, and might come twice",
                hint="Choose a later --since, or say --old if nothing of that time was stored.",
            )
        with waiting(f"Reading {row.name}"):
            done = await _read_all(runtime, row, since)
        facts = {"since": show_time(since), "mails": done.mails}
        async with tx():
            await record_audit(SYSTEM, "channel.backfilled", target=done.channel_id, facts=facts)
        return done


async def _read_all(runtime: Runtime, row: ChannelRow, since: datetime) -> Backfilled:
    adapter: Any = runtime.adapters[row.adapter]
    account = runtime.catalogue.open_account(row.id, row.adapter, sealed=row.settings)
    mails = size = 0
    try:
        async with aclosing(adapter.read_since(account, since)) as found:
            async for raw in found:
                await journal_events([polled_entry(row.id, raw)])
                mails, size = mails + 1, size + len(raw.body)
    except SendFailed as failed:
        raise CommandFailed(f"after {count_things(mails, 'mail{s}')}: {failed.reason}", hint=failed.fix) from failed
    return Backfilled(channel_id=show_id(CHANNEL, row.id), mails=mails, bytes=size)
