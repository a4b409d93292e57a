"""`switchboard secrets`: which keys have sealed what is stored, and sealing it anew with the newest."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import rich_click as click

from gateway.commands.exits import CommandFailed
from gateway.commands.given import given_settings
from gateway.commands.output import count_things, json_option, print_json, print_line, print_table
from gateway.commands.running import open_tables, run_operator
from gateway.sealed import KeyUse, count_keys, reseal_all
from gateway.settings import Settings
from gateway.spool import count_spool_keys
from inbox.audit.actions import record_audit
from inbox.kit.callers import SYSTEM
from inbox.kit.db import tx
from inbox.kit.secrets import SecretBox


class ShownUse(msgspec.Struct, kw_only=True):
    """How much one key has sealed in one place, and what the key is to this gateway: newest, old or missing."""

    key_id: str
    role: str
    column: str
    count: int


@click.group()
def secrets() -> None:
    """See which keys stored secrets are sealed with, and rotate them."""


@secrets.command(name="status")
@json_option
def show_key_status(*, as_json: bool) -> None:
    """List the keys in use by their ids; it exits with 1 if one of them is not at hand."""
    settings = given_settings()
    shown = run_operator(settings, lambda: _status(settings))
    if as_json:
        print_json(shown)
    else:
        print_table(["KEY", "IS", "IN", "SECRETS"], [(use.key_id, use.role, use.column, use.count) for use in shown])
    if any(use.role == "missing" for use in shown):
        raise CommandFailed("a key in use is not at hand", hint="Name it in SWITCHBOARD_OLD_SECRET_KEYS.")


@secrets.command(name="rotate")
@json_option
def rotate_secrets(*, as_json: bool) -> None:
    """Seal every stored secret with SWITCHBOARD_SECRET_KEY; gateways that know the old key too go on meanwhile.

    It may be broken off and run again. It exits with 1 if a secret could not be opened.
    """
    settings = given_settings()
    done, left = run_operator(settings, lambda: _rotate(settings))
    if as_json:
        print_json({"key_id": _box(settings).key_ids[0], "resealed": done, "left": left})
    else:
        print_line(f"{count_things(done, 'secret{s}')} sealed anew with the key {_box(settings).key_ids[0]}")
    if left:
        raise CommandFailed(f"{left} could not be opened", hint="See `switchboard secrets status`.")


async def _status(settings: Settings) -> list[ShownUse]:
    async with open_tables(settings):
        stored = await count_keys()
    known = _box(settings).key_ids
    return [_show_use(use, known) for use in [*stored, *_spooled(settings.data_dir / "spool")]]


def _spooled(folder: Path) -> list[KeyUse]:
    """What still waits in the spool of this machine: it drains by itself, with a key that is at hand."""
    counts: Counter[str] = count_spool_keys(folder)
    return [KeyUse(column="spool", key_id=key, count=count) for key, count in sorted(counts.items())]


def _show_use(use: KeyUse, known: list[str]) -> ShownUse:
    role = "missing" if use.key_id not in known else "newest" if use.key_id == known[0] else "old"
    return ShownUse(key_id=use.key_id, role=role, column=use.column, count=use.count)


async def _rotate(settings: Settings) -> tuple[int, int]:
    done = left = 0
    box = _box(settings)
    async with open_tables(settings):
        async for batch in reseal_all(box):
            done, left = done + batch.done, left + batch.left
        async with tx():
            facts = {"key_id": box.key_ids[0], "resealed": done, "left": left}
            await record_audit(SYSTEM, "secrets.rotated", facts=facts)
    return done, left


def _box(settings: Settings) -> SecretBox:
    return SecretBox([settings.secret_key, *settings.old_secret_keys])
