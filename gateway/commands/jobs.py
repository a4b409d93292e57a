"""`switchboard jobs`: what waits, what runs and what is dead."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import rich_click as click

from gateway.commands.channel_care import find_named_channel
from gateway.commands.exits import CommandFailed, WrongUsage
from gateway.commands.given import given_settings
from gateway.commands.moments import channel_option, dry_run_option, since_option, until_option
from gateway.commands.output import count_things, json_option, print_json, print_line, print_table
from gateway.commands.running import open_tables, run_operator
from gateway.settings import Settings
from inbox.kit.callers import SYSTEM, Actor
from inbox.kit.clock import show_time, utc_now
from inbox.kit.db import Row, tx
from inbox.outbox.jobs import decode_job, job_facts
from inbox.outbox.queries import STATES, count_jobs, list_jobs
from inbox.repair.actions.jobs import JobSelection, count_dead_jobs, discard_dead_jobs, retry_dead_jobs

PAGE_JOBS = 500
STATE_NAMES = {number: name for name, number in STATES.items()}


class ShownJob(msgspec.Struct, kw_only=True):
    """A job as it is printed: `job` has its type and what it is about."""

    id: int
    state: str
    job: dict[str, Any]
    attempts: int
    due_at: str
    error: str | None
    created_at: str


@click.group()
def jobs() -> None:
    """See what waits, runs or is dead, and retry it."""


@jobs.command(name="list")
@click.option("--state", type=click.Choice(list(STATES)), help="Only those that are waiting, running or dead.")
@click.option("--type", "kind", metavar="TYPE", help="Only of this type, such as deliver_message.")
@since_option
@until_option
@channel_option
@click.option("--limit", type=click.IntRange(1, PAGE_JOBS), default=50, show_default=True, help="The most to print.")
@json_option
def show_jobs(*, limit: int, as_json: bool, **choice: Any) -> None:
    """List jobs in the order they were asked for, and count them all."""
    settings = given_settings(serving=False)
    rows, counts = run_operator(settings, lambda: _list(settings, choice, limit))
    shown = [show_job(row) for row in rows]
    if as_json:
        print_json({"counts": counts, "jobs": shown})
        return
    print_table(
        ["ID", "STATE", "TYPE", "TRIES", "DUE", "ERROR"],
        [(job.id, job.state, job.job["type"], job.attempts, job.due_at, job.error) for job in shown],
    )
    print_line(", ".join(f"{count} {name}" for name, count in counts.items()))


def choosing(command: Callable[..., None]) -> Callable[..., None]:
    """The ways of choosing dead jobs, by their numbers or by what they have in common."""
    options = [
        click.argument("job_ids", metavar="ID...", type=int, nargs=-1),
        click.option("--all", "everything", is_flag=True, help="Every dead job."),
        click.option("--type", "kind", metavar="TYPE", help="Only of this type, such as deliver_message."),
        since_option, until_option, channel_option, dry_run_option, json_option,
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@jobs.command(name="retry")
@choosing
def retry_chosen_jobs(*, as_json: bool, **choice: Any) -> None:
    """Bring dead jobs back to life, with all their tries. It exits with 1 if one of those named is not dead."""
    changed = _change(choice, retry_dead_jobs)
    _print_changed(changed, choice, done="retried", words="to be tried again", as_json=as_json)


@jobs.command(name="delete")
@choosing
def delete_chosen_jobs(*, as_json: bool, **choice: Any) -> None:
    """Let dead jobs go for good: they will never be done. A message among them has failed.

    It exits with 1 if one of those named is not dead.
    """

    async def discard(selection: JobSelection, *, actor: Actor) -> int:
        return await discard_dead_jobs(selection, actor=actor, now=utc_now())

    changed = _change(choice, discard)
    _print_changed(changed, choice, done="deleted", words="let go", as_json=as_json)


def show_job(row: Row) -> ShownJob:
    """A job's row as it is printed."""
    return ShownJob(
        id=row["id"],
        state=STATE_NAMES[row["state"]],
        job=job_facts(decode_job(row["payload"])),
        attempts=row["attempts"],
        due_at=show_time(row["available_at"]),
        error=row["error"],
        created_at=show_time(row["created_at"]),
    )


async def _list(settings: Settings, choice: dict[str, Any], limit: int) -> tuple[list[Row], dict[str, int]]:
    async with open_tables(settings):
        rows = await list_jobs(
            state=choice["state"],
            kind=choice["kind"],
            lane=str((await find_named_channel(choice["channel"])).id) if choice["channel"] else None,
            since=choice["since"],
            until=choice["until"],
            limit=limit,
        )
        return rows, await count_jobs()


def _change(choice: dict[str, Any], change: Callable[..., Awaitable[int]]) -> int:
    narrowing = ("job_ids", "kind", "since", "until", "channel")
    if bool(choice["everything"]) == any(choice[name] for name in narrowing):
        raise WrongUsage("name the jobs by their numbers, by --since, --until, --channel or --type, or --all")
    settings = given_settings(serving=False)
    return run_operator(settings, lambda: _change_jobs(settings, choice, change))


async def _change_jobs(settings: Settings, choice: dict[str, Any], change: Callable[..., Awaitable[int]]) -> int:
    """All of them, a bounded number in each transaction."""
    async with open_tables(settings):
        selection = JobSelection(
            ids=list(choice["job_ids"]),
            type=choice["kind"],
            channel_id=(await find_named_channel(choice["channel"])).id if choice["channel"] else None,
            since=choice["since"],
            until=choice["until"],
        )
        if choice["dry_run"]:
            return await count_dead_jobs(selection)
        total, changed = 0, 1
        while changed:
            async with tx():
                changed = await change(selection, actor=SYSTEM)
            total += changed
        return total


def _print_changed(changed: int, choice: dict[str, Any], *, done: str, words: str, as_json: bool) -> None:
    if as_json:
        print_json({done: changed, "dry_run": choice["dry_run"]})
    else:
        print_line(f"{count_things(changed, 'job{s}')} {'would be ' * choice['dry_run']}{words}")
    if changed < len(set(choice["job_ids"])):
        raise CommandFailed(f"{len(set(choice['job_ids'])) - changed} of the jobs named are not dead")
