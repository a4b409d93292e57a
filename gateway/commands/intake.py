"""`switchboard intake`: the journal of what providers sent, and projecting it once more."""

from __future__ import annotations

from base64 import b64encode
from typing import Literal

import msgspec
import rich_click as click

from gateway.commands.exits import CommandFailed, WrongUsage
from gateway.commands.given import given_settings
from gateway.commands.output import count_things, json_option, print_json, print_line, print_table, say_aside
from gateway.commands.running import open_tables, run_operator, waiting
from gateway.projector import Projector
from gateway.runtime import open_runtime
from gateway.settings import Settings
from inbox.intake.batch import Failure
from inbox.intake.queries import find_raw_events, list_raw_events
from inbox.kit.clock import show_time
from inbox.kit.db import Row
from inbox.kit.ids import CHANNEL, read_id, show_id

MAX_ITEMS = 1000
STATES = ("waiting", "projected", "quarantine")


class ShownRequest(msgspec.Struct, kw_only=True):
    """A journaled request as it is printed; `body` in base64 where it is no text, and only where one is asked for."""

    id: int
    channel_id: str
    kind: str
    state: str
    received_at: str
    request_id: str | None
    code: str | None
    error: str | None
    method: str
    url: str
    headers: dict[str, str] | None = None
    body: str | None = None
    encoding: Literal["text", "base64"] | None = None


@click.group()
def intake() -> None:
    """Look into the journal of what providers sent, and replay it."""


@intake.command(name="list")
@click.option("--state", type=click.Choice(STATES), help="Only those that wait, are projected, or are in quarantine.")
@click.option("--channel", metavar="ID", help="Only what came in by this channel.")
@click.option("--limit", type=click.IntRange(1, MAX_ITEMS), default=20, show_default=True, help="The most to print.")
@json_option
def show_requests(*, state: str | None, channel: str | None, limit: int, as_json: bool) -> None:
    """List journaled requests, the newest first."""
    settings = given_settings(serving=False)
    rows = run_operator(settings, lambda: _list(settings, state, channel=channel, limit=limit))
    shown = [show_request(row) for row in rows]
    if as_json:
        print_json(shown)
        return
    print_table(
        ["ID", "RECEIVED", "CHANNEL", "KIND", "STATE", "WHY"],
        [
            (
                one.id,
                one.received_at,
                one.channel_id,
                one.kind,
                one.state,
                f"{one.code or ''} {one.error or ''}".strip(),
            )
            for one in shown
        ],
    )


@intake.command(name="show")
@click.argument("request_id", metavar="ID", type=int)
def show_one_request(*, request_id: int) -> None:
    """Print one journaled request, byte by byte, as JSON. It holds what customers wrote."""
    settings = given_settings(serving=False)
    rows = run_operator(settings, lambda: _find(settings, request_id))
    if not rows:
        raise CommandFailed(f"the journal has no request {request_id}")
    print_json(show_request(rows[0], whole=True))


@intake.command(name="replay")
@click.argument("request_ids", metavar="ID...", type=int, nargs=-1)
@click.option("--quarantine", is_flag=True, help="Everything in quarantine.")
@json_option
def replay_requests(*, request_ids: tuple[int, ...], quarantine: bool, as_json: bool) -> None:
    """Project journaled requests once more: after a parser was mended, or to fetch something out of quarantine.

    What is stored already is not stored twice. It exits with 1 if something still cannot be projected.
    """
    if bool(request_ids) == quarantine:
        raise WrongUsage("name the requests by their numbers, or --quarantine")
    settings = given_settings()
    asked, failures = run_operator(settings, lambda: _replay(settings, list(request_ids)))
    if as_json:
        print_json({"replayed": asked - len(failures), "failures": failures})
    else:
        for failure in failures:
            say_aside(f"{failure.raw_event_id}: {failure.error} ({failure.code})", label="failed", color="red")
        print_line(f"{asked - len(failures)} of {asked} requests are projected")
    if failures:
        raise CommandFailed(f"{count_things(len(failures), 'request{s}')} cannot be projected")


def show_request(row: Row, *, whole: bool = False) -> ShownRequest:
    """A journaled request's row as it is printed."""
    shown = ShownRequest(
        id=row["id"],
        channel_id=show_id(CHANNEL, row["channel_id"]),
        kind=row["kind"],
        state=_state(row),
        received_at=show_time(row["received_at"]),
        request_id=row["request_id"],
        code=row["code"],
        error=row["error"],
        method=row["method"],
        url=row["url"],
    )
    return _with_content(shown, row) if whole else shown


def _state(row: Row) -> str:
    if row["code"] is not None and row["resolved_at"] is None:
        return "quarantine"
    return "projected" if row["id"] <= row["projected_id"] else "waiting"


def _with_content(shown: ShownRequest, row: Row) -> ShownRequest:
    shown.headers = msgspec.json.decode(row["headers"], type=dict[str, str])
    try:
        shown.body, shown.encoding = row["body"].decode(), "text"
    except UnicodeDecodeError:
        shown.body, shown.encoding = b64encode(row["body"]).decode(), "base64"
    return shown


async def _list(settings: Settings, state: str | None, *, channel: str | None, limit: int) -> list[Row]:
    channel_id = read_id(CHANNEL, channel) if channel else None
    async with open_tables(settings):
        return await list_raw_events(state=state, channel_id=channel_id, limit=limit)


async def _find(settings: Settings, request_id: int) -> list[Row]:
    async with open_tables(settings):
        return await find_raw_events([request_id])


async def _replay(settings: Settings, ids: list[int]) -> tuple[int, list[Failure]]:
    async with open_runtime(settings) as runtime:
        await runtime.directory.refresh()
        if not ids:
            rows = await list_raw_events(state="quarantine", channel_id=None, limit=MAX_ITEMS)
            ids = sorted(row["id"] for row in rows)
        known = [row["id"] for row in await find_raw_events(ids)]
        if len(known) < len(set(ids)):
            raise CommandFailed(f"the journal has no request {min(set(ids) - set(known))}")
        with waiting(f"Projecting {len(known)} requests"):
            return len(known), await Projector(runtime).replay(known)
