"""`switchboard migrate`: the tables, up to this release or back."""

from __future__ import annotations

import rich_click as click

from gateway.commands.exits import CommandFailed
from gateway.commands.given import given_settings
from gateway.commands.output import count_things, json_option, print_json, print_line
from gateway.commands.running import open_tables, run_operator, waiting
from gateway.migrate import PlannedMigration, migrate_database, pending_migrations, plan_migrations, revert_database
from gateway.settings import Settings

STATEMENT_CHARS = 100
"""How much of a statement the plan shows; --json has it whole."""


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 if migrations are missing.")
@click.option("--plan", is_flag=True, help="Change nothing; show every statement that would run, and who waits for it.")
@click.option("--back", type=click.IntRange(min=1), metavar="N", help="Undo the newest N migrations.")
@json_option
def migrate(*, check: bool, plan: bool, back: int | None, as_json: bool) -> None:
    """Bring the database's tables up to this release, or back.

    `serve` and `work` do the same when they start; however many start at once, one migrates.
    """
    settings = given_settings(serving=False)
    if plan:
        _print_plan(run_operator(settings, lambda: _plan(settings)), as_json=as_json)
        return
    if check:
        names, done = run_operator(settings, lambda: list_pending(settings)), "to run"
    elif back:
        names, done = run_operator(settings, lambda: _go_back(settings, back)), "undone"
    else:
        names, done = run_operator(settings, lambda: _go_forward(settings)), "run"
    _print_migrations(names, done, as_json=as_json)
    if check and names:
        raise CommandFailed(f"{count_things(len(names), 'migration{s}')} missing", hint="Run: switchboard migrate")


async def list_pending(settings: Settings) -> list[str]:
    """The migrations the database of these settings lacks."""
    async with open_tables(settings) as url:
        return await pending_migrations(url)


async def _plan(settings: Settings) -> list[PlannedMigration]:
    async with open_tables(settings) as url:
        return await plan_migrations(url)


async def _go_forward(settings: Settings) -> list[str]:
    async with open_tables(settings) as url:
        with waiting("Migrating"):
            return await migrate_database(url)


async def _go_back(settings: Settings, steps: int) -> list[str]:
    async with open_tables(settings) as url:
        with waiting("Undoing"):
            return await revert_database(url, steps=steps)


def _print_migrations(names: list[str], done: str, *, as_json: bool) -> None:
    if as_json:
        print_json({done.replace(" ", "_"): names})
        return
    for name in names:
        print_line(f"{done}: {name}")
    if not names:
        print_line("nothing to do" if done != "to run" else "the tables are those of this release")


def _print_plan(planned: list[PlannedMigration], *, as_json: bool) -> None:
    if as_json:
        print_json({"to_run": planned})
        return
    for migration in planned:
        print_line(f"to run: {migration.id} {migration.description}")
        for verdict in migration.statements:
            mark = " " if verdict.online else "!"
            print_line(f"  {mark} {verdict.statement[:STATEMENT_CHARS]}")
            print_line(f"      {verdict.effect}")
    if not planned:
        print_line("the tables are those of this release")
