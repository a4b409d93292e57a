"""The page docs/reference/commands.md, made from the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator

import click

from gateway.commands.exits import EXIT_CODES
from gateway.commands.lazy import LazyGroup
from gateway.commands.tree import switchboard

HEAD = """# Commands

One command, `switchboard`, with everything in it; each takes `--help`. Results go to standard output, all else to
standard error; `--json` prints results for programs. Colours are left out where nobody sees them or `NO_COLOR` is set.

Commands that look after a gateway (`channels`, `keys`, `intake`, `jobs`, `migrate`, `doctor`) open its database, so
they run where its settings are; `tail` and `send` speak to a running gateway over HTTP, named by `SWITCHBOARD_URL`
with a key in `SWITCHBOARD_API_KEY`, or else to the demo that runs on this machine.

This page is made from the commands by `commands_page()` in `gateway/commands/page.py`.

## Exit codes

| Code | Name | Meaning |
|---|---|---|"""


def commands_page() -> str:
    """The whole page."""
    codes = [f"| {code.value} | {code.name.lower().replace('_', ' ')} | {text} |" for code, text in EXIT_CODES.items()]
    return "\n".join([HEAD, *codes, *_describe_group(switchboard, "switchboard"), ""])


def _describe_group(group: click.Command, path: str) -> Iterator[str]:
    for name, command in _commands_of(group):
        called = f"{path} {name}"
        yield from _describe_command(command, called)
        yield from _describe_group(command, called)


def _commands_of(group: click.Command) -> list[tuple[str, click.Command]]:
    if isinstance(group, LazyGroup):
        return list(group.load_all())
    return list(group.commands.items()) if isinstance(group, click.Group) else []


def _describe_command(command: click.Command, called: str) -> Iterator[str]:
    level = "#" * called.count(" ")
    yield from ("", f"#{level} {called}", "", _joined(command.help or ""))
    if isinstance(command, click.Group):
        return
    arguments = [_argument(param) for param in command.params if isinstance(param, click.Argument)]
    options = [param for param in command.params if isinstance(param, click.Option)]
    yield from ("", "    " + " ".join([called, *(["[OPTIONS]"] if options else []), *arguments]))
    if options:
        yield from ("", "| Option | What for |", "|---|---|")
        yield from (f"| `{_option(option)}` | {_meaning(option)} |" for option in options)


def _argument(argument: click.Argument) -> str:
    name = argument.metavar or (argument.name or "").upper()
    return name if argument.nargs == 1 or name.endswith("...") else f"{name}..."


def _option(option: click.Option) -> str:
    """How it is written; click's own rendering differs from version to version."""
    names = ", ".join(option.opts) + "".join(f" / {name}" for name in option.secondary_opts)
    return names if option.is_flag else f"{names} {option.metavar or option.type.name.split()[0].upper()}"


def _meaning(option: click.Option) -> str:
    choices = f" One of: {', '.join(option.type.choices)}." if isinstance(option.type, click.Choice) else ""
    default = f" By default {option.default}." if option.show_default else ""
    return f"{option.help}{choices}{default}"


def _joined(text: str) -> str:
    """Paragraphs as single lines, as Markdown wraps them."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
