"""`switchboard jobs`: what waits, what runs and what is dead."""

from __future__ import annotations

from typing import Any

import msgspec
import rich_click as click

from gateway.commands.exits import CommandFailed, WrongUsage
from gateway.commands.given import given_settings
from gateway.commands.output import count_things, json_option, print_json, print_line, print_table
from gateway.commands.running import open_tables, run_operator
from gateway.settings import Settings
from inbox.kit.clock import show_time
from inbox.kit.db import Row, tx
from inbox.outbox.actions import retry_jobs
from inbox.outbox.jobs import decode_job, job_facts
from inbox.outbox.queries import STATES, count_jobs, list_jobs

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
@click.option("--limit", type=click.IntRange(1, PAGE_JOBS), default=50, show_default=True, help="The most to print.")
@json_option
def show_jobs(*, state: str | None, limit: int, as_json: bool) -> None:
    """List jobs in the order they were asked for, and count them all."""
    settings = given_settings(serving=False)
    rows, counts = run_operator(settings, lambda: _list(settings, state, limit))
    shown = [show_job(row) for row in rows]
    if as_json:
        print_json({"counts": counts, "jobs": shown})
        return
    print_table(
        ["ID", "STATE", "TYPE", "TRIES", "DUE", "ERROR"],
        [(job.id, job.state, job.job["type"], job.attempts, job.due_at, job.error) for job in shown],
    )
    print_line(", ".join(f"{count} {name}" for name, count in counts.items()))


@jobs.command(name="retry")
@click.argument("job_ids", metavar="ID...", type=int, nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every dead job.")
@json_option
def retry_dead_jobs(*, job_ids: tuple[int, ...], everything: bool, as_json: bool) -> None:
    """Bring dead jobs back to life, with all their tries. It exits with 1 if one of them is not dead."""
    if bool(job_ids) == everything:
        raise WrongUsage("name the jobs by their numbers, or --all")
    settings = given_settings(serving=False)
    retried = run_operator(settings, lambda: _retry(settings, list(job_ids)))
    if as_json:
        print_json({"retried": retried})
    else:
        print_line(f"{count_things(retried, 'job{s}')} to be tried again")
    if retried < len(job_ids):
        raise CommandFailed(f"{len(job_ids) - retried} of the jobs named are not dead")


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


async def _list(settings: Settings, state: str | None, limit: int) -> tuple[list[Row], dict[str, int]]:
    async with open_tables(settings):
        return await list_jobs(state=state, limit=limit), await count_jobs()


async def _retry(settings: Settings, ids: list[int]) -> int:
    """The named jobs, or page by page every dead one."""
    async with open_tables(settings), tx():
        if ids:
            return await retry_jobs(ids)
        retried, last = 0, 0
        while rows := await list_jobs(state="dead", limit=PAGE_JOBS, after=last):
            last = rows[-1]["id"]
            retried += await retry_jobs([row["id"] for row in rows])
        return retried
