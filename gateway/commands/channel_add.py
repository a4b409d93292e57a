"""`switchboard channels add`: asks for what is missing, checks it with the provider, stores it, says what is next."""

from __future__ import annotations

import sys
from typing import Any

import msgspec
import rich_click as click

from channels.contract import Adapter, ChannelSettings
from channels.http import Http
from channels.registry import UnfitAdapter, UnknownAdapter, find_adapter, load_adapters
from gateway.commands.channel_care import opened_runtime, print_steps
from gateway.commands.channel_settings import (
    WrongSetting,
    build_settings,
    is_secret,
    split_assignments,
    type_settings,
)
from gateway.commands.credentials import check_credentials
from gateway.commands.exits import WrongSettings, WrongUsage
from gateway.commands.given import given_settings
from gateway.commands.output import json_option, print_json, print_line, say_aside
from gateway.commands.running import run_operator, waiting
from gateway.settings import Settings
from inbox.accounts.actions import connect_channel
from inbox.accounts.api.shapes import ChannelSetupObject, show_setup
from inbox.accounts.queries import find_channel
from inbox.kit.callers import SYSTEM
from inbox.kit.db import tx

QUESTIONS = 20
"""After so many questions without an answer that will do, we stop asking."""


@click.command(name="add")
@click.argument("adapter")
@click.option("--name", help="What people call the channel; by default its first address.")
@click.option("--set", "assignments", multiple=True, metavar="NAME=VALUE", help="A setting of the channel; repeatable.")
@click.option("--check/--no-check", default=True, help="Ask the provider whether it knows the credentials.")
@json_option
def add_channel(*, adapter: str, name: str | None, assignments: tuple[str, ...], check: bool, as_json: bool) -> None:
    """Connect a number, mailbox or widget.

    Settings that are missing are asked for, secrets without showing them; where nobody can be asked, they are listed.
    At the end it prints what to enter at the provider, with the exact URLs.
    """
    settings = given_settings()
    chosen = _choose_adapter(adapter)
    channel_settings = ask_settings(chosen, assignments)
    setup = run_operator(settings, lambda: _connect(settings, chosen.name, channel_settings, name=name, check=check))
    if as_json:
        print_json(setup)
        return
    print_line(f"connected: {setup.channel_id}")
    print_line()
    print_steps(setup)


def ask_settings(adapter: Adapter, assignments: tuple[str, ...]) -> ChannelSettings:
    """The channel's settings from the command line and, where somebody is there, from their answers."""
    try:
        given = type_settings(split_assignments(assignments), adapter.settings)
    except WrongSetting as error:
        raise WrongUsage(str(error)) from error
    for _ in range(QUESTIONS):
        try:
            return build_settings(given, adapter.settings)
        except WrongSetting as error:
            given |= _answer(error, given, kind=adapter.settings)
    raise WrongUsage(f"these settings do not make a channel of {adapter.name}")


def _choose_adapter(name: str) -> Adapter:
    try:
        return find_adapter(load_adapters(Http()), name)
    except UnknownAdapter as error:
        raise WrongUsage(str(error)) from error
    except UnfitAdapter as error:
        raise WrongSettings(str(error)) from error


def _answer(wrong: WrongSetting, given: dict[str, Any], *, kind: type[ChannelSettings]) -> dict[str, Any]:
    """Ask for the setting that is missing, or for the one that is wrong; complain where nobody can answer."""
    asked = next((field for field in wrong.fields if field not in given), next(iter(wrong.fields), None))
    if asked is None or not somebody_is_there():
        raise WrongUsage(str(wrong), hint="Give settings by --set name=value.")
    if asked in given:
        say_aside(str(wrong), label="no", color="yellow")
    text = click.prompt(asked.replace("_", " "), hide_input=is_secret(kind, asked), err=True)
    return type_settings({asked: [text]}, kind)


def somebody_is_there() -> bool:
    """Whether questions can be answered."""
    return sys.stdin.isatty()


async def _connect(
    settings: Settings, adapter: str, channel_settings: ChannelSettings, *, name: str | None, check: bool
) -> ChannelSetupObject:
    async with opened_runtime(settings) as runtime:
        if check:
            with waiting("Asking the provider"):
                account = await check_credentials(runtime.http, channel_settings)
            say_aside(
                f"the provider knows the account: {account}" if account else "nothing to be asked of this provider"
            )
        called = name or next(iter(channel_settings.addresses), adapter)
        async with tx():
            channel_id = await connect_channel(
                adapter,
                called,
                settings=_plain(channel_settings),
                catalogue=runtime.catalogue,
                actor=SYSTEM,
            )
        return show_setup(await find_channel(channel_id), runtime.catalogue)


def _plain(settings: ChannelSettings) -> dict[str, Any]:
    """The settings as a request to the API would give them."""
    plain: dict[str, Any] = msgspec.to_builtins(settings)
    return plain
