"""`switchboard keys`: who may use the API, and for what."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

import msgspec
import rich_click as click

from gateway.commands.exits import CommandFailed
from gateway.commands.given import given_settings
from gateway.commands.output import json_option, print_json, print_line, print_table, say_aside
from gateway.commands.running import open_tables, run_operator
from gateway.settings import Settings
from inbox.kit.callers import Scope
from inbox.kit.clock import show_time, utc_now
from inbox.kit.db import tx
from inbox.kit.ids import AGENT, API_KEY, read_id, show_id
from inbox.staff.actions import create_api_key, revoke_api_key
from inbox.staff.queries import KeyRow, list_api_keys

LIST_ITEMS = 1000


class ShownKey(msgspec.Struct, kw_only=True):
    """A key as it is printed; its secret once, when it is made."""

    id: str
    name: str
    prefix: str
    scopes: list[Scope]
    state: str
    agent_id: str | None
    expires_at: str | None
    last_used_at: str | None
    requests_per_minute: int | None
    created_at: str
    secret: str | None = None


@click.group()
def keys() -> None:
    """Make, list and revoke API keys."""


@keys.command(name="create")
@click.argument("name")
@click.option(
    "--scope", "scopes", multiple=True, type=click.Choice(get_args(Scope)), help="What it may do; repeatable."
)
@click.option("--agent", metavar="ID", help="The agent it acts for; by default it acts in its own name.")
@click.option("--days", type=click.IntRange(min=1), help="After how many days it expires; by default never.")
@click.option("--rate", type=click.IntRange(min=1), help="Requests a minute; by default what the settings say.")
@json_option
def create_key(
    *, name: str, scopes: tuple[Scope, ...], agent: str | None, days: int | None, rate: int | None, as_json: bool
) -> None:
    """Make an API key and print it. It is not shown again."""
    settings = given_settings(serving=False)
    if not scopes:
        raise click.UsageError(f"Name what it may do: --scope with one of {', '.join(get_args(Scope))}")
    row, secret = run_operator(settings, lambda: _create(settings, name, scopes, agent=agent, days=days, rate=rate))
    if as_json:
        print_json(msgspec.structs.replace(show_key(row), secret=secret))
    else:
        say_aside(f"{show_id(API_KEY, row.id)}, with {', '.join(row.scopes)}; keep it now, it is not shown again:")
        print_line(secret)


@keys.command(name="list")
@json_option
def show_keys(*, as_json: bool) -> None:
    """List the API keys, the newest first, revoked ones among them; never their secrets."""
    settings = given_settings(serving=False)
    shown = [show_key(row) for row in run_operator(settings, lambda: _list(settings))]
    if as_json:
        print_json(shown)
        return
    head = ["ID", "NAME", "BEGINS", "STATE", "LAST USED", "SCOPES"]
    print_table(
        head,
        [(key.id, key.name, key.prefix, key.state, key.last_used_at or "never", " ".join(key.scopes)) for key in shown],
    )


@keys.command(name="revoke")
@click.argument("key_id", metavar="ID")
def revoke_key(*, key_id: str) -> None:
    """End an API key for good; running gateways forget it within seconds."""
    settings = given_settings(serving=False)
    run_operator(settings, lambda: _revoke(settings, key_id))
    print_line(f"revoked: {key_id}")


def show_key(row: KeyRow) -> ShownKey:
    """A key's row as it is printed."""
    return ShownKey(
        id=show_id(API_KEY, row.id),
        name=row.name,
        prefix=row.prefix,
        scopes=row.scopes,
        state=_state(row),
        agent_id=show_id(AGENT, row.agent_id) if row.agent_id else None,
        expires_at=show_time(row.expires_at) if row.expires_at else None,
        last_used_at=show_time(row.last_used_at) if row.last_used_at else None,
        requests_per_minute=row.requests_per_minute,
        created_at=show_time(row.created_at),
    )


def _state(row: KeyRow) -> str:
    if row.revoked_at:
        return "revoked"
    return "expired" if row.expires_at and row.expires_at <= utc_now() else "good"


async def _create(
    settings: Settings,
    name: str,
    scopes: tuple[Scope, ...],
    *,
    agent: str | None,
    days: int | None,
    rate: int | None,
) -> tuple[KeyRow, str]:
    expires_at = utc_now() + timedelta(days=days) if days else None
    agent_id = read_id(AGENT, agent) if agent else None
    async with open_tables(settings), tx():
        return await create_api_key(
            name=name, scopes=scopes, agent_id=agent_id, expires_at=expires_at, requests_per_minute=rate
        )


async def _list(settings: Settings) -> list[KeyRow]:
    async with open_tables(settings):
        rows = await list_api_keys(after=None, limit=LIST_ITEMS + 1)
    if len(rows) > LIST_ITEMS:
        raise CommandFailed(f"there are more than {LIST_ITEMS} keys", hint="List them by the API: GET /v1/api-keys")
    return rows


async def _revoke(settings: Settings, key_id: str) -> None:
    async with open_tables(settings), tx():
        await revoke_api_key(read_id(API_KEY, key_id))
