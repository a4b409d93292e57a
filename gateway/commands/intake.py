"""`switchboard intake`: the journal of what providers sent, and projecting it once more."""

from __future__ import annotations

from base64 import b64encode
from typing import Any, Literal

import msgspec
import rich_click as click

from gateway.commands.channel_care import find_named_channel
from gateway.commands.exits import CommandFailed, WrongUsage
from gateway.commands.given import given_settings
from gateway.commands.moments import channel_option, dry_run_option, since_option, until_option
from gateway.commands.output import count_things, json_option, print_json, print_line, print_table, say_aside
from gateway.commands.running import open_tables, run_operator, waiting
from gateway.projector import Projector
from gateway.runtime import open_runtime
from gateway.settings import Settings
from inbox.audit.actions import record_audit
from inbox.intake.actions.dismiss import dismiss_events
from inbox.intake.api import event_state
from inbox.intake.batch import Failure
from inbox.intake.queries import EventSelection, count_replayable, find_raw_events, list_raw_events, replayable_ids
from inbox.kit.callers import SYSTEM
from inbox.kit.clock import show_time
from inbox.kit.db import Row, tx
from inbox.kit.ids import CHANNEL, show_id

MAX_ITEMS = 1000
REPLAYED_AT_ONCE = 100
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
@click.option("--code", metavar="CODE", help="Only those in quarantine for this reason, such as parse_error.")
@since_option
@until_option
@channel_option
@click.option("--limit", type=click.IntRange(1, MAX_ITEMS), default=20, show_default=True, help="The most to print.")
@json_option
def show_requests(*, limit: int, as_json: bool, **choice: Any) -> None:
    """List journaled requests, the newest first."""
    settings = given_settings(serving=False)
    rows = run_operator(settings, lambda: _list(settings, choice, limit))
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
@click.option("--code", metavar="CODE", help="What is in quarantine for this reason, such as parse_error.")
@since_option
@until_option
@channel_option
@dry_run_option
@json_option
def replay_requests(*, request_ids: tuple[int, ...], dry_run: bool, as_json: bool, **choice: Any) -> None:
    """Project journaled requests once more: after a parser was mended, or to fetch something out of quarantine.

    What is stored already is not stored twice, and what waits for its turn is left to it. It exits with 1 if something
    still cannot be projected.
    """
    _check_choice(request_ids, choice)
    settings = given_settings()
    asked, failures = run_operator(settings, lambda: _replay(settings, list(request_ids), choice, dry_run=dry_run))
    done = 0 if dry_run else asked - len(failures)
    if as_json:
        print_json({"selected": asked, "replayed": done, "failures": failures, "dry_run": dry_run})
    elif dry_run:
        print_line(f"{count_things(asked, 'request{s}')} would be projected once more")
    else:
        for failure in failures:
            say_aside(f"{failure.raw_event_id}: {failure.error} ({failure.code})", label="failed", color="red")
        print_line(f"{done} of {asked} requests are projected")
    if failures:
        raise CommandFailed(f"{count_things(len(failures), 'request{s}')} cannot be projected")


@intake.command(name="dismiss")
@click.argument("request_ids", metavar="ID...", type=int, nargs=-1)
@click.option("--quarantine", is_flag=True, help="Everything in quarantine.")
@click.option("--code", metavar="CODE", help="What is in quarantine for this reason, such as nobodys_message.")
@since_option
@until_option
@channel_option
@dry_run_option
@json_option
def dismiss_requests(*, request_ids: tuple[int, ...], dry_run: bool, as_json: bool, **choice: Any) -> None:
    """Close what is in quarantine and will never be projected; it goes with the journal's retention."""
    _check_choice(request_ids, choice)
    settings = given_settings(serving=False)
    count = run_operator(settings, lambda: _dismiss(settings, list(request_ids), choice, dry_run=dry_run))
    if as_json:
        print_json({"dismissed": 0 if dry_run else count, "selected": count, "dry_run": dry_run})
    else:
        print_line(f"{count_things(count, 'request{s}')} {'would be ' * dry_run}dismissed")


def show_request(row: Row, *, whole: bool = False) -> ShownRequest:
    """A journaled request's row as it is printed."""
    shown = ShownRequest(
        id=row["id"],
        channel_id=show_id(CHANNEL, row["channel_id"]),
        kind=row["kind"],
        state=event_state(row),
        received_at=show_time(row["received_at"]),
        request_id=row["request_id"],
        code=row["code"],
        error=row["error"],
        method=row["method"],
        url=row["url"],
    )
    return _with_content(shown, row) if whole else shown


def _check_choice(ids: tuple[int, ...], choice: dict[str, Any]) -> None:
    narrowed = any(choice[name] for name in ("code", "since", "until", "channel"))
    if bool(ids) == (narrowed or choice["quarantine"]):
        raise WrongUsage("name the requests by their numbers, or by --quarantine, --code, --since, --until, --channel")


def _with_content(shown: ShownRequest, row: Row) -> ShownRequest:
    shown.headers = msgspec.json.decode(row["headers"], type=dict[str, str])
    try:
        shown.body, shown.encoding = row["body"].decode(), "text"
    except UnicodeDecodeError:
        shown.body, shown.encoding = b64encode(row["body"]).decode(), "base64"
    return shown


async def _list(settings: Settings, choice: dict[str, Any], limit: int) -> list[Row]:
    async with open_tables(settings):
        return await list_raw_events(await _selection([], choice), limit=limit)


async def _find(settings: Settings, request_id: int) -> list[Row]:
    async with open_tables(settings):
        return await find_raw_events([request_id])


async def _replay(
    settings: Settings, ids: list[int], choice: dict[str, Any], *, dry_run: bool
) -> tuple[int, list[Failure]]:
    """In the journal's order, some at a time; how many there were, and what still cannot be projected."""
    async with open_runtime(settings) as runtime:
        await runtime.directory.refresh()
        known = [row["id"] for row in await find_raw_events(ids)] if ids else []
        if len(known) < len(set(ids)):
            raise CommandFailed(f"the journal has no request {min(set(ids) - set(known))}")
        selection = await _selection(ids, choice)
        count = await count_replayable(selection)
        if dry_run:
            return count, []
        failures: list[Failure] = []
        projector, last = Projector(runtime), 0
        with waiting(f"Projecting {count} requests"):
            while some := await replayable_ids(selection, after=last, limit=REPLAYED_AT_ONCE):
                last = some[-1]
                failures += await projector.replay(some)
        async with tx():
            await record_audit(SYSTEM, "intake.replayed", facts={"count": count, "failed": len(failures)})
        return count, failures


async def _dismiss(settings: Settings, ids: list[int], choice: dict[str, Any], *, dry_run: bool) -> int:
    async with open_tables(settings):
        selection = msgspec.structs.replace(await _selection(ids, choice), state="quarantine")
        if dry_run:
            return await count_replayable(selection)
        total, dismissed = 0, 1
        while dismissed:
            async with tx():
                dismissed = await dismiss_events(selection, actor=SYSTEM)
            total += dismissed
        return total


async def _selection(ids: list[int], choice: dict[str, Any]) -> EventSelection:
    quarantine = choice.get("quarantine") or choice["code"]
    return EventSelection(
        ids=ids,
        state="quarantine" if quarantine else choice.get("state"),
        channel_id=(await find_named_channel(choice["channel"])).id if choice["channel"] else None,
        code=choice["code"],
        since=choice["since"],
        until=choice["until"],
    )
