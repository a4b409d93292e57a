"""The commands that put things right, over a real database: what they print, change and refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.database import run_sql
from tests.gateway.commands.shell import KEY, Shell
from tests.gateway.commands.test_operators import DEAD_JOB, NEW_CHANNEL, poison


@pytest.fixture
def shell(database_url: str, redis_url: str, tmp_path: Path) -> Shell:
    """The command, with a migrated database of the test's own."""
    return Shell(
        {
            "SWITCHBOARD_DATABASE_URL": database_url,
            "SWITCHBOARD_REDIS_URL": redis_url,
            "SWITCHBOARD_DATA_DIR": str(tmp_path / "data"),
            "SWITCHBOARD_SECRET_KEY": KEY,
            "SWITCHBOARD_PUBLIC_URL": "https://inbox.example.org",
            "SWITCHBOARD_EGRESS_ALLOW": "127.0.0.1",
        }
    )


def test_the_outbox_is_held_and_released_after_asking(shell: Shell, database_url: str) -> None:
    """`hold` says why, `status` how much waits; `release` asks first, and drops what is too old if it is told to."""
    assert not shell.read("outbox", "status")["held"]
    assert shell.read("outbox", "hold", "--reason", "an outage")["reason"] == "an outage"
    old = DEAD_JOB.replace("3, 12, 'gone'", "0, 0, NULL").replace("fetch_media", "deliver_message")
    run_sql(
        database_url,
        old.replace("attachment_id", "entry_id"),
        "UPDATE job SET created_at = now() - interval '2 hours'",
    )
    assert shell.read("outbox", "status")["waiting"] == 1
    refused = shell.run("outbox", "release", "--drop-before", "1h", typed="n\n", code=1)
    assert "1 of them will be given up" in refused.stderr
    assert shell.read("outbox", "status")["held"]
    released = shell.read("outbox", "release", "--drop-before", "1h", "--yes")
    assert (released["held"], released["waiting"]) == (False, 0)
    assert shell.read("jobs", "list", "--state", "dead")["counts"]["dead"] == 1
    assert "not held" in shell.run("outbox", "release").output


def test_dead_jobs_are_retried_and_deleted_by_choice(shell: Shell, database_url: str) -> None:
    """By time and type as well as by number; --dry-run only counts, and nothing is chosen by accident."""
    run_sql(database_url, DEAD_JOB, DEAD_JOB, "UPDATE job SET created_at = now() - interval '3 days' WHERE id = 1")
    shell.run("jobs", "delete", code=2)
    shell.run("jobs", "retry", "--all", "--since", "1h", code=2)
    assert [job["id"] for job in shell.read("jobs", "list", "--since", "1d", "--type", "fetch_media")["jobs"]] == [2]
    assert shell.read("jobs", "retry", "--since", "1d", "--dry-run") == {"retried": 1, "dry_run": True}
    assert shell.read("jobs", "retry", "--since", "1d", "--type", "fetch_media")["retried"] == 1
    assert shell.read("jobs", "delete", "--until", "2d")["deleted"] == 1
    assert shell.read("jobs", "list")["counts"] == {"waiting": 1, "running": 0, "dead": 0}
    shell.run("jobs", "delete", "2", code=1)


def test_quarantine_is_narrowed_and_dismissed(shell: Shell, database_url: str) -> None:
    """By reason, channel and time; what is dismissed is not listed any more, and can still be looked at."""
    channel = shell.read(*NEW_CHANNEL)["channel_id"]
    poison(database_url, channel)
    [row] = shell.read("intake", "list", "--code", "malformed", "--channel", "Support", "--since", "1h")
    assert shell.read("intake", "list", "--code", "parse_error") == []
    shell.run("intake", "dismiss", code=2)
    assert shell.read("intake", "dismiss", "--code", "malformed", "--dry-run")["selected"] == 1
    assert shell.read("intake", "dismiss", "--code", "malformed")["dismissed"] == 1
    assert shell.read("intake", "list", "--state", "quarantine") == []
    assert "nonsense" in shell.run("intake", "show", str(row["id"])).stdout


def test_a_comparison_needs_a_span_and_a_provider_with_a_list(shell: Shell) -> None:
    """A span beyond our memory is refused; a provider that does not answer fails the repair, told by the exit code."""
    shell.run("reconcile", code=2)
    assert "cannot be told from what is new" in shell.run("reconcile", "--since", "100d", code=2).stderr
    assert "no channel" in shell.run("reconcile", "--since", "2h", code=1).stderr
    shell.read(*NEW_CHANNEL, "--set", "api_url=http://127.0.0.1:9")
    told = shell.read("reconcile", "--since", "2h", "--channel", "Support", code=1)
    assert (told[0]["state"], told[0]["kind"]) == ("failed", "reconcile")
    assert shell.read("outbox", "unknown") == []


def test_a_backup_is_made_checked_and_restored_by_command(
    shell: Shell, database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    """create, verify, restore: each says what it did, and a broken or misplaced backup ends with 1 and the reason."""
    shell.read(*NEW_CHANNEL)
    made = shell.read("backup", "create", str(tmp_path / "copy.tar"))
    assert (made["attachments"], made["rows"]["entry"]) == (0, 0)
    assert shell.read("backup", "verify", str(tmp_path / "copy.tar"))["problems"] == []
    assert (
        "not empty" in shell.run("backup", "restore", str(tmp_path / "copy.tar"), "--into", database_url, code=1).stderr
    )
    into = ("backup", "restore", str(tmp_path / "copy.tar"), "--into", empty_database_url)
    assert "nothing leaves it" in shell.run(*into).output
    with (tmp_path / "copy.tar").open("r+b") as file:
        file.truncate(3000)
    shell.run("backup", "verify", str(tmp_path / "copy.tar"), code=1)
    shell.run("backup", "verify", str(tmp_path / "nothing"), code=1)
