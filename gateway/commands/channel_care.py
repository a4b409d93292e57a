"""`switchboard channels list|show|setup|pause|resume`: looking after the channels there are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import rich_click as click

from gateway.commands.exits import CommandFailed
from gateway.commands.given import given_settings
from gateway.commands.output import json_option, print_json, print_line, print_table
from gateway.commands.running import run_operator, waiting
from gateway.runtime import Runtime, open_runtime
from gateway.settings import Settings
from inbox.accounts.actions import ChannelChange, update_channel
from inbox.accounts.api.shapes import ChannelObject, ChannelSetupObject, show_channel, show_setup
from inbox.accounts.queries import ChannelRow, ChannelStatus, live_channels
from inbox.kit.callers import SYSTEM
from inbox.kit.db import tx
from inbox.kit.ids import CHANNEL, show_id

channel_argument = click.argument("channel", metavar="CHANNEL")


@click.command(name="list")
@json_option
def show_channels(*, as_json: bool) -> None:
    """List the channels, the oldest first."""
    settings = given_settings()
    shown = run_operator(settings, lambda: _list(settings))
    if as_json:
        print_json(shown)
        return
    print_table(
        ["ID", "NAME", "ADAPTER", "STATUS", "ADDRESSES"],
        [(one.id, one.name, one.adapter, one.problem or one.status, " ".join(one.addresses)) for one in shown],
    )


@click.command(name="show")
@channel_argument
@json_option
def show_one_channel(*, channel: str, as_json: bool) -> None:
    """Show one channel, named by its id or its name, without its secrets."""
    settings = given_settings()
    shown = run_operator(settings, lambda: _show(settings, channel))
    if as_json:
        print_json(shown)
        return
    facts: dict[str, Any] = {name: getattr(shown, name) for name in ("id", "name", "adapter", "status", "problem")}
    facts |= {f"settings.{name}": _in_words(value) for name, value in (shown.settings or {}).items()}
    facts |= {f"settings.{name}": "set" if held else "not set" for name, held in (shown.secrets or {}).items()}
    print_table(["", ""], [(name, value) for name, value in facts.items() if value is not None])


def _in_words(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else value


@click.command(name="setup")
@channel_argument
@json_option
def print_setup(*, channel: str, as_json: bool) -> None:
    """Print what to enter where at the provider, with the exact URLs."""
    settings = given_settings()
    setup = run_operator(settings, lambda: _setup(settings, channel))
    if as_json:
        print_json(setup)
    else:
        print_steps(setup)


@click.command(name="pause")
@channel_argument
def pause_channel(*, channel: str) -> None:
    """Send nothing by a channel; it still takes messages, and what is queued waits."""
    _change_status(channel, "paused")


@click.command(name="resume")
@channel_argument
def resume_channel(*, channel: str) -> None:
    """Send by a paused channel again."""
    _change_status(channel, "active")


def print_steps(setup: ChannelSetupObject) -> None:
    """The steps of setting a channel up, numbered, the value to copy on a line of its own."""
    for number, step in enumerate(setup.steps, 1):
        print_line(f"{number}. {step.title}")
        print_line(f"   {step.detail}")
        if step.value:
            print_line()
            print_line(f"       {step.value}")
            print_line()


@asynccontextmanager
async def opened_runtime(settings: Settings) -> AsyncIterator[Runtime]:
    """The runtime of a command that needs the adapters and the keys of the channels."""
    runtime = open_runtime(settings)
    with waiting("Opening the database"):
        opened = await runtime.__aenter__()
    try:
        yield opened
    finally:
        await runtime.__aexit__(None, None, None)


async def find_named_channel(name: str) -> ChannelRow:
    """The channel of an id, or the only one of a name."""
    rows = await live_channels()
    found = [row for row in rows if name in {show_id(CHANNEL, row.id), row.name}]
    if len(found) == 1:
        return found[0]
    if found:
        raise CommandFailed(f"{len(found)} channels are called {name!r}: name one by its id")
    known = ", ".join(row.name for row in rows) or "none"
    raise CommandFailed(f"there is no channel {name!r}; there are: {known}")


async def _list(settings: Settings) -> list[ChannelObject]:
    async with opened_runtime(settings) as runtime:
        return [show_channel(row, runtime.catalogue) for row in await live_channels()]


async def _show(settings: Settings, name: str) -> ChannelObject:
    async with opened_runtime(settings) as runtime:
        return show_channel(await find_named_channel(name), runtime.catalogue)


async def _setup(settings: Settings, name: str) -> ChannelSetupObject:
    async with opened_runtime(settings) as runtime:
        return show_setup(await find_named_channel(name), runtime.catalogue)


def _change_status(name: str, status: ChannelStatus) -> None:
    settings = given_settings()
    changed = run_operator(settings, lambda: _set_status(settings, name, status=status))
    print_line(f"{status}: {changed.name} ({show_id(CHANNEL, changed.id)})")


async def _set_status(settings: Settings, name: str, *, status: ChannelStatus) -> ChannelRow:
    async with opened_runtime(settings) as runtime:
        row = await find_named_channel(name)
        async with tx():
            await update_channel(row.id, ChannelChange(status=status), catalogue=runtime.catalogue, actor=SYSTEM)
        return row
