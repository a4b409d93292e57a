"""Failures at the edge: expected ones are one line and an exit code, bugs stay bugs."""

from __future__ import annotations

import asyncpg
import pytest

from gateway.commands.exits import CommandFailed, ExitCode
from gateway.commands.failures import explain_failure, explained_failures
from gateway.embedded import EmbeddedError, NotDurable
from gateway.migrate import MigrationFailed
from inbox.kit.errors import Problem
from inbox.kit.ids import UnknownId


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Problem("not_found", "There is no channel cha_1", hint="list them"), ExitCode.FAILED),
        (UnknownId("expected cha_ and 32 digits"), ExitCode.USAGE),
        (EmbeddedError("no room in /tmp"), ExitCode.UNREACHABLE),
        (NotDurable("fsync=off"), ExitCode.CONFIGURATION),
        (MigrationFailed("it says no"), ExitCode.FAILED),
        (ConnectionRefusedError(111, "refused"), ExitCode.UNREACHABLE),
        (TimeoutError(), ExitCode.UNREACHABLE),
        (PermissionError(13, "Permission denied", "/data/spool"), ExitCode.FAILED),
        (asyncpg.InvalidPasswordError("wrong password"), ExitCode.CONFIGURATION),
        (asyncpg.InvalidCatalogNameError("no such database"), ExitCode.CONFIGURATION),
        (asyncpg.UndefinedTableError("no table"), ExitCode.FAILED),
        (asyncpg.CannotConnectNowError("starting up"), ExitCode.UNREACHABLE),
    ],
)
def test_what_can_be_expected_to_fail_is_explained(error: Exception, code: ExitCode) -> None:
    """Each kind of trouble has its words and the exit code a script can act on."""
    explained = explain_failure(error)
    assert explained is not None
    assert explained.exit_code == code
    assert explained.message


def test_a_file_is_named_and_a_server_is_not_mistaken_for_one() -> None:
    """An OSError with a file name is about that file; one without is about who does not answer."""
    file = explain_failure(PermissionError(13, "Permission denied", "/data/spool"))
    server = explain_failure(FileNotFoundError(2, "No such file or directory"))
    assert file is not None
    assert file.message == "/data/spool: Permission denied"
    assert server is not None
    assert "does not answer" in server.message


def test_a_bug_is_not_dressed_up() -> None:
    """What nobody expected keeps its traceback."""
    with pytest.raises(ZeroDivisionError), explained_failures():
        _ = 1 // 0
    with pytest.raises(CommandFailed, match="as it is"), explained_failures():
        raise CommandFailed("as it is")
