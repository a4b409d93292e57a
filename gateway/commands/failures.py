"""Failures that any command over the database may meet, in words and as exit codes: the edge's one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

import asyncpg

from channels.registry import UnfitAdapter
from gateway.commands.exits import CommandFailed, Unreached, WrongSettings, WrongUsage
from gateway.embedded import EmbeddedError, NotDurable
from gateway.migrate import MigrationFailed
from inbox.kit.db import TRANSIENT
from inbox.kit.errors import Problem
from inbox.kit.ids import UnknownId
from inbox.kit.secrets import KeyMissing

Explanation: TypeAlias = Callable[[BaseException], CommandFailed]

REFUSED_BY_POSTGRES = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
)
OTHER_TABLES = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError)


@contextmanager
def explained_failures() -> Iterator[None]:
    """Turn what can be expected to fail into a CommandFailed; anything else is a bug and stays what it is."""
    try:
        yield
    except CommandFailed:
        raise
    except Exception as error:
        raise explain_failure(error) or error from error


def explain_failure(error: BaseException) -> CommandFailed | None:
    """The failure to show for an error, or None for one that nobody expected."""
    explain = next((explain for kinds, explain in EXPLAINED if isinstance(error, kinds)), None)
    return explain(error) if explain else None


def _explain_problem(error: BaseException) -> CommandFailed:
    hint = error.hint if isinstance(error, Problem) else None
    return CommandFailed(str(error), hint=hint)


def _explain_absence(error: BaseException) -> CommandFailed:
    """Files that cannot be read and servers that do not answer are both OSErrors; only files have a name."""
    if isinstance(error, OSError) and error.filename:
        return CommandFailed(f"{error.filename}: {error.strerror}")
    return Unreached(
        f"the database does not answer ({type(error).__name__})",
        hint="Is it running, and is SWITCHBOARD_DATABASE_URL right? `switchboard config show` tells what is in force.",
    )


EXPLAINED: tuple[tuple[tuple[type[BaseException], ...], Explanation], ...] = (
    ((Problem,), _explain_problem),
    ((UnknownId,), lambda error: WrongUsage(f"not an id of that kind: {error}")),
    ((EmbeddedError,), lambda error: Unreached(str(error))),
    ((NotDurable, UnfitAdapter, KeyMissing), lambda error: WrongSettings(str(error))),
    ((MigrationFailed,), lambda error: CommandFailed(f"the migrations did not run: {error}")),
    (
        OTHER_TABLES,
        lambda _: CommandFailed("the tables are those of another release", hint="Run: switchboard migrate"),
    ),
    (
        REFUSED_BY_POSTGRES,
        lambda error: WrongSettings(f"the database refuses us: {error}", hint="Check SWITCHBOARD_DATABASE_URL."),
    ),
    (TRANSIENT, _explain_absence),
)
