"""What commands print: results to standard output, for people or as JSON; all else to standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import click
import msgspec

COLUMN_GAP = 2

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def say_aside(text: str, *, label: str = "", color: str | None = None) -> None:
    """Something the reader should know, on standard error, after a coloured label where there is one."""
    styled = click.style(f"{label}: ", fg=color, bold=True) if label else ""
    click.echo(styled + text, err=True, color=_wants_color(sys.stderr.isatty()))


def print_line(text: str = "") -> None:
    """One line of the result."""
    click.echo(text, color=_wants_color(sys.stdout.isatty()))


def print_json(value: Any) -> None:
    """The result as one line of JSON."""
    click.echo(msgspec.json.encode(value).decode())


def print_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Rows under their column names, cut to nothing and aligned: it stays greppable."""
    cells = [[str("" if cell is None else cell) for cell in row] for row in rows]
    widths = [max(len(line[at]) for line in [head, *cells]) for at in range(len(head))]
    print_line(click.style(_aligned(head, widths), dim=True))
    for line in cells:
        print_line(_aligned(line, widths))


def count_things(count: int, thing: str) -> str:
    """A number and what it counts, where `{s}` stands for the ending of more or less than one: "2 dead jobs"."""
    return f"{count} {thing.format(s='' if count == 1 else 's')}"


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    return (" " * COLUMN_GAP).join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _wants_color(is_terminal: bool) -> bool:  # noqa: FBT001 - a plain predicate of one fact
    """No colour where it is not seen or not wanted (https://no-color.org)."""
    return is_terminal and not os.environ.get("NO_COLOR")
