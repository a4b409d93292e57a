"""Command groups that know their commands by name and import one only when it is used: the one place that does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, NamedTuple

import click
from rich_click import RichCommand, RichGroup

from gateway.commands.exits import CommandFailed, ExitCode
from gateway.commands.output import say_aside


class Lazy(NamedTuple):
    """Where a command is, as "module:name", and the line that lists show of it."""

    place: str
    help: str


class LazyGroup(RichGroup):
    """A group whose commands stand in a table. Listing them costs nothing: stand-ins carry the help lines."""

    def __init__(self, *args: Any, table: Mapping[str, Lazy], **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.commands: dict[str, click.Command] = {
            name: RichCommand(name=name, help=lazy.help) for name, lazy in table.items()
        }
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table, not of the alphabet."""
        return list(self._table)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command to be run: here it is imported."""
        name, found, rest = super().resolve_command(ctx, args)
        return name, self.load_command(name) if name and name in self._table else found, rest

    def load_command(self, name: str) -> click.Command:
        """A command itself, in place of its stand-in."""
        module, _, attribute = self._table[name].place.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def load_all(self) -> Iterator[tuple[str, click.Command]]:
        """Every command with its name, in order: for the reference page."""
        return ((name, self.load_command(name)) for name in self._table)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a failure that was expected is one line on standard error and an exit code."""
        try:
            return super().invoke(ctx)
        except CommandFailed as failed:
            say_aside(failed.message, label="error", color="red")
            return ctx.exit(failed.exit_code)
        except KeyboardInterrupt:
            return ctx.exit(ExitCode.INTERRUPTED)
