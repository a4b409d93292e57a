"""`switchboard import` and `switchboard export`: files in and out of a running gateway, with a progress bar."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import rich_click as click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gateway.commands.client import GatewayClient, open_gateway
from gateway.commands.exits import CommandFailed, WrongUsage
from gateway.commands.output import count_things, json_option, print_json, print_line, print_table
from gateway.commands.spoken import SpokenRowError, SpokenTransfer
from gateway.commands.tail import key_option, url_option

LOOK_SECONDS = 0.3
SHOWN_ERRORS = 50
EXPORTED = click.Choice(["contacts", "conversations", "messages", "companies"])
IMPORTED = click.Choice(["contacts", "companies"])
FORMATS = click.Choice(["csv", "jsonl"])


@click.command(name="export")
@click.argument("kind", type=EXPORTED)
@click.option(
    "--output", "-o", required=True, type=click.Path(path_type=Path, dir_okay=False), help="Where to write it."
)
@click.option("--format", "form", type=FORMATS, help="As the file's name says, else CSV.")
@click.option("--query", metavar="QUERY", help="Only what this finds, as in q=.")
@click.option("--column", "columns", multiple=True, metavar="NAME", help="Only this column; repeatable.")
@click.option("--bom", is_flag=True, help="Begin with a byte order mark, for Excel.")
@url_option
@key_option
@json_option
def export_command(
    *, kind: str, output: Path, form: str | None, query: str | None, columns: tuple[str, ...], bom: bool,
    url: str | None, key: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Write contacts, conversations, messages or companies to a file."""
    body = {"kind": kind, "format": form or _format_of(output), "bom": bom}
    body |= {name: value for name, value in {"q": query, "columns": list(columns) or None}.items() if value}
    done = asyncio.run(_export(open_gateway(url=url, key=key), body, output))
    if as_json:
        print_json(done)
    else:
        print_line(f"{output}: {count_things(done.progress.done, 'row{s}')}")


@click.command(name="import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--kind", type=IMPORTED, default="contacts", show_default=True, help="What the rows are.")
@click.option("--format", "form", type=FORMATS, help="As the file's name says, else CSV.")
@click.option(
    "--map",
    "mapping",
    multiple=True,
    metavar="COLUMN=FIELD",
    help="Which column becomes which field: 'Mobile=phone', 'Plan=attributes.plan'; repeatable.",
)
@click.option("--upsert", is_flag=True, help="Change who is found by an address or external id.")
@click.option("--dry-run", is_flag=True, help="Try all of it, and keep nothing.")
@url_option
@key_option
@json_option
def import_command(
    *, file: Path, kind: str, form: str | None, mapping: tuple[str, ...], upsert: bool, dry_run: bool,
    url: str | None, key: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Take contacts or companies from a file. Rows that are refused are listed, and the others are taken."""
    options: dict[str, Any] = {"kind": kind, "format": form or _format_of(file), "dry_run": dry_run}
    options |= {"mode": "upsert" if upsert else "create"}
    if mapping:
        options["mapping"] = dict(_pair(one) for one in mapping)
    done, errors = asyncio.run(_import(open_gateway(url=url, key=key), options, file))
    if as_json:
        print_json({**msgspec.to_builtins(done), "errors": msgspec.to_builtins(errors)})
    else:
        _print_report(done, errors)
    if done.counts.get("failed"):
        raise CommandFailed(f"{count_things(done.counts['failed'], 'row{s}')} refused")


def _print_report(done: SpokenTransfer, errors: list[SpokenRowError]) -> None:
    counted = ", ".join(f"{count} {name}" for name, count in sorted(done.counts.items())) or "no rows"
    print_line(f"{done.id}: {counted}")
    if errors:
        print_table(["LINE", "CODE", "PLACE", "WHY"], [(e.line, e.code, e.pointer or "", e.detail) for e in errors])


async def _export(client: GatewayClient, body: dict[str, Any], output: Path) -> SpokenTransfer:
    async with client:
        begun = await client.post("/exports", body, SpokenTransfer)
        done = await _follow(begun, lambda: client.get(f"/exports/{begun.id}", SpokenTransfer))
        beside = output.with_name(f".{output.name}.part")
        try:
            with await asyncio.to_thread(beside.open, "wb") as file:
                async for piece in client.download(f"/exports/{begun.id}/file"):
                    await asyncio.to_thread(file.write, piece)
            beside.replace(output)
        finally:
            beside.unlink(missing_ok=True)
        return done


async def _import(
    client: GatewayClient, options: dict[str, Any], path: Path
) -> tuple[SpokenTransfer, list[SpokenRowError]]:
    content = await asyncio.to_thread(path.read_bytes)
    async with client:
        fields = {"options": msgspec.json.encode(options).decode()}
        begun = await client.upload("/imports/upload", content, SpokenTransfer, name=path.name, fields=fields)
        done = await _follow(begun, lambda: client.get(f"/imports/{begun.id}", SpokenTransfer))
        errors = []
        async for error in client.get_all(f"/imports/{begun.id}/errors", SpokenRowError):
            errors.append(error)
            if len(errors) == SHOWN_ERRORS:
                break
        return done, errors


async def _follow(begun: SpokenTransfer, look: Callable[[], Awaitable[SpokenTransfer]]) -> SpokenTransfer:
    """Until it is over, a bar on standard error where somebody looks."""
    console = Console(stderr=True)
    seen = sys.stderr.isatty() and console.is_terminal
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not seen, transient=True) as bar:
        task, now = bar.add_task(begun.kind, total=None), begun
        while now.state == "running":
            bar.update(task, completed=now.progress.done, total=now.progress.total)
            await asyncio.sleep(LOOK_SECONDS)
            now = await look()
    if now.state != "done":
        raise CommandFailed(f"{now.id} is {now.state}: {now.error or 'somebody ended it'}")
    return now


def _format_of(path: Path) -> str:
    return "jsonl" if path.suffix in {".jsonl", ".ndjson"} else "csv"


def _pair(text: str) -> tuple[str, str]:
    column, equals, field = text.rpartition("=")
    if not equals or not column or not field:
        raise WrongUsage(f"{text!r} is not COLUMN=FIELD")
    return column, field
