"""The command as a test runs it: in this process, with an environment of its own."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import structlog
from click.testing import CliRunner, Result

from gateway.commands.tree import switchboard

KEY = "9f2c4e71b8d05a36e4c1f7082d9b6a53"


class Shell:
    """Runs commands with these settings and no others."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._environment: dict[str, str | None] = dict.fromkeys(
            (name for name in os.environ if name.startswith("SWITCHBOARD_")), None
        )
        self._environment |= settings

    def run(self, *arguments: str, code: int | None = 0, typed: str | None = None) -> Result:
        """One command; it must end with this exit code."""
        with kept_logging():
            result = CliRunner().invoke(switchboard, list(arguments), env=self._environment, input=typed)
        if code is not None:
            assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
        return result

    def read(self, *arguments: str, code: int | None = 0) -> Any:
        """What a command prints as JSON."""
        return json.loads(self.run(*arguments, "--json", code=code).stdout.splitlines()[0])


@contextmanager
def kept_logging() -> Iterator[None]:
    """Logging is the process's: a command sets it up, and the tests after it want theirs back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers = handlers
        root.setLevel(level)
        structlog.reset_defaults()
