"""`switchboard channels` with mailboxes: connecting one, and reading one back, over a real mail server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.database import run_sql
from tests.gateway.commands.shell import KEY, Shell
from tests.gateway.commands.test_operators import NEW_CHANNEL
from tests.mail.dovecot import PASSWORD, Dovecot, make_mail


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


def adding(server: Dovecot, user: str, password: str = PASSWORD) -> list[str]:
    """The command that connects a mailbox."""
    settings = {
        "address": f"{user}@shop.example", "smtp_host": "127.0.0.1", "imap_host": "127.0.0.1",
        "imap_port": server.port, "imap_security": "none", "imap_user": user, "imap_password": password,
    }  # fmt: skip
    given = [argument for name, value in settings.items() for argument in ("--set", f"{name}={value}")]
    return ["channels", "add", "email-imap", "--name", user, *given]


def test_a_mailbox_is_tried_before_it_is_stored(shell: Shell, dovecot: Dovecot) -> None:
    """A wrong password is said at once, with what helps, and nothing is connected."""
    dovecot.maildir("tried")
    refused = shell.run(*adding(dovecot, "tried", "wrong-word"), code=None)
    assert refused.exit_code != 0
    assert "refuses the login" in refused.stderr
    assert "wrong-word" not in refused.output
    assert shell.read("channels", "list") == []
    assert "tried at 127.0.0.1" in shell.run(*adding(dovecot, "tried")).stderr


def test_a_mailbox_is_read_back(shell: Shell, dovecot: Dovecot, database_url: str) -> None:
    """What arrived since then is journaled, as often as it is asked for, and the audit log knows."""
    dovecot.drop(make_mail(1), make_mail(2), user="backfilled")
    shell.run(*adding(dovecot, "backfilled"))
    done = shell.read("channels", "backfill", "backfilled", "--since", "1h")
    assert done["mails"] == 2
    assert done["bytes"] > 500
    assert len(shell.read("intake", "list", "--channel", "backfilled")) == 2
    assert "2 mails read" in shell.run("channels", "backfill", "backfilled", "--since", "1h").output
    counted = "SELECT count(*) = 2 FROM audit_event WHERE action = 'channel.backfilled'"
    run_sql(database_url, f"DO $$ BEGIN ASSERT ({counted}); END $$")


def test_what_might_come_twice_is_not_read_back_unasked(shell: Shell, dovecot: Dovecot, database_url: str) -> None:
    """Beyond the time for which it is known what was stored, a person has to say that it is meant."""
    dovecot.drop(make_mail(3), user="ancient")
    shell.run(*adding(dovecot, "ancient"))
    run_sql(database_url, "UPDATE channel SET created_at = now() - interval '20 years'")
    refused = shell.run("channels", "backfill", "ancient", "--since", "2010-01-01", code=1)
    assert "might come twice" in refused.stderr
    assert shell.read("channels", "backfill", "ancient", "--since", "2010-01-01", "--old")["mails"] == 1


def test_only_mailboxes_are_read_back(shell: Shell) -> None:
    """A channel whose provider calls us has `reconcile`."""
    shell.run(*NEW_CHANNEL)
    assert "is no mailbox" in shell.run("channels", "backfill", "Support", "--since", "1h", code=1).stderr
