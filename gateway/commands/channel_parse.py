"""`switchboard channels parse`: what an adapter makes of captured requests and mails, without a gateway."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import rich_click as click

from channels.captures import MAIL, NOWHERE, read_capture
from channels.contract import Account, Adapter, ChannelSettings, Hooked, RawEvent
from channels.events import AnyEvent
from channels.http import Http
from channels.registry import UnfitAdapter, UnknownAdapter, find_adapter, load_adapters
from gateway.commands.channel_settings import WrongSetting, build_settings, split_assignments, type_settings
from gateway.commands.exits import CommandFailed, WrongSettings, WrongUsage
from gateway.commands.output import print_json
from inbox.kit.clock import utc_now

CHANNEL_ID = "cha_00000000000000000000000000000000"
MAX_FILE_BYTES = 100_000_000
STANDARD_INPUT = "-"

# What stands in where nothing is verified and nobody named a setting: of the right form, and nobody's.
NEUTRAL: dict[str, dict[str, Any]] = {
    "sms-twilio": {"account_sid": "AC" + "0" * 32, "auth_token": "none", "numbers": ["+15550100000"]},
}


class Report(msgspec.Struct, kw_only=True):
    """One line of output: what a file gives."""

    file: str
    ok: bool
    error: str | None = None
    events: list[AnyEvent] = []


class Reading(NamedTuple):
    """How the files are to be read."""

    adapter: Adapter
    account: Account
    kind: str | None
    verify: bool


@click.command(name="parse")
@click.argument("adapter")
@click.argument("files", nargs=-1, required=True)
@click.option("--set", "assignments", multiple=True, metavar="NAME=VALUE", help="A setting of the channel; repeatable.")
@click.option("--verify", is_flag=True, help="Check signatures as well, with the settings given by --set.")
@click.option("--kind", help="The kind of webhook, where the URL does not say: message, status, ...")
def parse_files(
    *, adapter: str, files: tuple[str, ...], assignments: tuple[str, ...], verify: bool, kind: str | None
) -> None:
    """Print what captured requests (.http, .json, form bodies) or mails (.eml) give: one line of JSON a file.

    Each line has the keys `file`, `ok`, `error` and `events`. A `.json` file is a capture with `method`, `url`,
    `headers` and `body`, or `body_base64` where the body is no text; `-` reads a form body from standard input. It
    exits with 1 if any file failed.
    """
    reading = _prepare(adapter, assignments, kind=kind, verify=verify)
    failed = 0
    for file in files:
        report = parse_file(reading, file)
        failed += not report.ok
        print_json(report)
    if failed:
        raise CommandFailed(f"{failed} of {len(files)} files failed")


def parse_file(reading: Reading, file: str) -> Report:
    """What one file gives; whatever goes wrong is in the report."""
    try:
        raw = read_capture(file, _read_content(file), received_at=utc_now())
        events = _parse(reading, raw)
        msgspec.json.encode(events)
    except OSError as error:
        return Report(file=file, ok=False, error=error.strerror or type(error).__name__)
    except Exception as error:  # noqa: BLE001 - any bytes may be given to it, and an adapter may be anybody's
        return Report(file=file, ok=False, error=f"{type(error).__name__}: {error}")
    return Report(file=file, ok=True, events=events)


def _prepare(name: str, assignments: tuple[str, ...], *, kind: str | None, verify: bool) -> Reading:
    try:
        adapter = find_adapter(load_adapters(Http()), name)
    except UnknownAdapter as error:
        raise WrongUsage(str(error)) from error
    except UnfitAdapter as error:
        raise WrongSettings(str(error)) from error
    settings = _read_settings(adapter, assignments, verify=verify)
    account = Account(channel_id=CHANNEL_ID, settings=settings, hook_url=f"{NOWHERE}/hooks/{name}/{CHANNEL_ID}")
    return Reading(adapter, account, kind, verify)


def _read_settings(adapter: Adapter, assignments: tuple[str, ...], *, verify: bool) -> ChannelSettings:
    neutral: Mapping[str, Any] = {} if verify else NEUTRAL.get(adapter.name, {})
    try:
        given = type_settings(split_assignments(assignments), adapter.settings)
        return build_settings({**neutral, **given}, adapter.settings)
    except WrongSetting as error:
        hint = "Checking signatures needs the channel's settings: --set name=value" if verify else None
        raise WrongUsage(f"{adapter.name}: {error}", hint=hint) from error


def _read_content(file: str) -> bytes:
    if file == STANDARD_INPUT:
        return sys.stdin.buffer.read(MAX_FILE_BYTES)
    with Path(file).open("rb") as opened:
        content = opened.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise ValueError(f"the file is larger than {MAX_FILE_BYTES} bytes")
    return content


def _parse(reading: Reading, raw: RawEvent) -> list[AnyEvent]:
    adapter, account = reading.adapter, reading.account
    if reading.verify and isinstance(adapter, Hooked) and raw.kind != MAIL:
        adapter.verify(account, raw)
    *others, last = _likely_kinds(reading, raw)
    for kind in others:
        with suppress(Exception):  # told is what the last one says, if none fits
            return adapter.parse(account, msgspec.structs.replace(raw, kind=kind))
    return adapter.parse(account, msgspec.structs.replace(raw, kind=last))


def _likely_kinds(reading: Reading, raw: RawEvent) -> list[str]:
    """The kind that was asked for or that the URL names; where neither says, each that the adapter has.

    Messages come last: a report of delivery has fields that a message lacks, and not the other way round.
    """
    kinds: frozenset[str] = getattr(reading.adapter, "kinds", frozenset())
    if reading.kind is not None:
        return [reading.kind]
    if raw.kind in kinds or raw.kind == MAIL or not kinds:
        return [raw.kind]
    return sorted(kinds, key=lambda kind: (kind == "message", kind))
