"""How a command ends: the exit codes, and the failures that are expected and so told in one line."""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar

import rich_click as click


class ExitCode(IntEnum):
    """What a script can tell from the status of a command."""

    OK = 0
    FAILED = 1
    USAGE = 2
    CONFIGURATION = 3
    UNREACHABLE = 4
    NOT_ALLOWED = 5
    INTERRUPTED = 130


EXIT_CODES = {
    ExitCode.OK: "It did what was asked.",
    ExitCode.FAILED: "It could not be done, or problems were found; the last line says what.",
    ExitCode.USAGE: "The command line was not understood.",
    ExitCode.CONFIGURATION: "Settings are missing or wrong; all of them are listed.",
    ExitCode.UNREACHABLE: "The database, the gateway or the provider does not answer.",
    ExitCode.NOT_ALLOWED: "The API key is missing, unknown, or lacks a scope; or a provider refused the credentials.",
    ExitCode.INTERRUPTED: "It was interrupted (Ctrl-C).",
}


class CommandFailed(click.ClickException):
    """An expected failure: its text is all that is shown. `hint` says what to do next."""

    exit_code: ClassVar[int] = ExitCode.FAILED

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(f"{message}\n{hint}" if hint else message)


class WrongUsage(CommandFailed):
    """What was typed cannot be meant."""

    exit_code = ExitCode.USAGE


class WrongSettings(CommandFailed):
    """The settings do not allow it."""

    exit_code = ExitCode.CONFIGURATION


class Unreached(CommandFailed):
    """Somebody does not answer."""

    exit_code = ExitCode.UNREACHABLE


class NotAllowed(CommandFailed):
    """Somebody answers no."""

    exit_code = ExitCode.NOT_ALLOWED
