"""`switchboard outbox`: hold back everything that leaves, and let it go again; and what nobody knows was sent."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import rich_click as click

from gateway.commands.channel_care import find_named_channel
from gateway.commands.exits import CommandFailed
from gateway.commands.given import given_settings
from gateway.commands.moments import MOMENT, channel_option
from gateway.commands.output import count_things, json_option, print_json, print_line, print_table
from gateway.commands.running import open_tables, run_operator
from gateway.settings import Settings
from inbox.kit.callers import SYSTEM
from inbox.kit.clock import utc_now
from inbox.kit.db import tx
from inbox.repair.actions.hold import count_droppable, drop_sends, hold_outbox, release_outbox
from inbox.repair.api.messages import UnsettledMessage, show_unsettled
from inbox.repair.api.shapes import OutboxObject, show_outbox
from inbox.repair.queries import list_unsettled, outbox_status

MOST = 200


@click.group()
def outbox() -> None:
    """Hold back everything that leaves, and let it go again."""


@outbox.command(name="status")
@json_option
def show_status(*, as_json: bool) -> None:
    """Say whether anything leaves, and how much waits."""
    settings = given_settings(serving=False)
    _print_status(run_operator(settings, lambda: _status(settings)), as_json=as_json)


@outbox.command(name="hold")
@click.option("--reason", default="held by an operator", show_default=True, help="Why, for whoever asks.")
@json_option
def hold_everything(*, reason: str, as_json: bool) -> None:
    """Let no message and no webhook leave until `outbox release`. What has been begun still ends."""
    settings = given_settings(serving=False)
    _print_status(run_operator(settings, lambda: _hold(settings, reason)), as_json=as_json)


@outbox.command(name="release")
@click.option("--drop-before", type=MOMENT, help="First give up what was to be sent before then: 1h, 2d, or a time.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def release_everything(*, drop_before: datetime | None, yes: bool, as_json: bool) -> None:
    """Let things leave again, in their order, after giving up what is too old if you say so.

    What is given up is dead, and its messages are `expired`: a person may send one of them again.
    """
    settings = given_settings(serving=False)
    status, old = run_operator(settings, lambda: _look(settings, drop_before))
    if not status.held:
        _print_status(status, as_json=as_json)
        return
    if not yes:
        given_up = f" {count_things(old, 'of them')} will be given up." if drop_before else ""
        click.confirm(f"{count_things(status.waiting, 'job{s}')} will leave.{given_up} Go on?", abort=True, err=True)
    _print_status(run_operator(settings, lambda: _release(settings, drop_before)), as_json=as_json)


@outbox.command(name="unknown")
@channel_option
@json_option
def show_unknown(*, channel: str | None, as_json: bool) -> None:
    """List messages that may have been sent or not, with what speaks for either.

    `switchboard reconcile` looks them up at the provider; POST /v1/messages/ID/retry sends one again.
    """
    settings = given_settings(serving=False)
    shown = run_operator(settings, lambda: _unknown(settings, channel))
    if as_json:
        print_json(shown)
        return
    rows = [(one.id, one.message.created_at, one.attempts[-1].outcome, one.attempts[-1].detail) for one in shown]
    print_table(["MESSAGE", "WRITTEN", "LAST", "EVIDENCE"], rows)


def _print_status(status: OutboxObject, *, as_json: bool) -> None:
    if as_json:
        print_json(status)
        return
    words = f"held since {status.held_at}: {status.reason}" if status.held else "not held: things leave"
    print_line(words)
    facts: list[tuple[str, Any]] = [("waiting", status.waiting), ("running", status.running)]
    print_table(["", ""], [*facts, ("oldest", status.oldest_at or "-")])


async def _status(settings: Settings) -> OutboxObject:
    async with open_tables(settings):
        return show_outbox(await outbox_status())


async def _hold(settings: Settings, reason: str) -> OutboxObject:
    async with open_tables(settings):
        async with tx():
            await hold_outbox(reason, actor=SYSTEM)
        return show_outbox(await outbox_status())


async def _look(settings: Settings, drop_before: datetime | None) -> tuple[OutboxObject, int]:
    async with open_tables(settings):
        old = await count_droppable(drop_before) if drop_before else 0
        return show_outbox(await outbox_status()), old


async def _release(settings: Settings, drop_before: datetime | None) -> OutboxObject:
    async with open_tables(settings):
        dropped = 1
        while drop_before and dropped:
            async with tx():
                dropped = await drop_sends(drop_before, actor=SYSTEM, now=utc_now())
        async with tx():
            if not await release_outbox(actor=SYSTEM):
                raise CommandFailed("somebody else has released it meanwhile")
        return show_outbox(await outbox_status())


async def _unknown(settings: Settings, channel: str | None) -> list[UnsettledMessage]:
    async with open_tables(settings):
        channel_id = (await find_named_channel(channel)).id if channel else None
        ids = await list_unsettled(channel_id=channel_id, after=None, limit=MOST)
        shown = await show_unsettled(ids)
        return list(shown.values())
