"""`switchboard users`: what an operator does before anybody can sign in."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest

from tests.database import run_sql
from tests.gateway.commands.shell import KEY, Shell

MAIL = "ana@example.org"


@pytest.fixture
def shell(database_url: str, redis_url: str, tmp_path: Path) -> Shell:
    """The command, with a migrated database of the test's own."""
    return Shell(
        {
            "SWITCHBOARD_DATABASE_URL": database_url,
            "SWITCHBOARD_REDIS_URL": redis_url,
            "SWITCHBOARD_DATA_DIR": str(tmp_path),
            "SWITCHBOARD_SECRET_KEY": KEY,
            "SWITCHBOARD_PUBLIC_URL": "https://inbox.example.org",
        }
    )


def read_value(database_url: str, sql: str) -> object:
    """One value of the database."""

    async def body() -> object:
        connection = await asyncpg.connect(database_url)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(body())


def test_somebody_is_taken_on_with_a_link(shell: Shell, database_url: str) -> None:
    """The link is printed once and only its hash is kept; without a password or link they sign in by nothing."""
    made = shell.read("users", "add", MAIL, "--name", "Ana Ruiz", "--role", "admin")
    assert (made["name"], made["role"], made["password"]) == ("Ana Ruiz", "admin", None)
    assert made["url"].startswith("https://inbox.example.org/console/invitation#")
    [row] = shell.read("users", "list")
    assert (row["id"], row["signs_in_by"], row["url"]) == (made["id"], [], None)
    assert "nothing" in shell.run("users", "list").stdout
    again = shell.read("users", "invite", MAIL.upper())
    assert again["url"] != made["url"]
    assert read_value(database_url, "SELECT count(*) FROM agent_link") == 1
    printed = shell.run("users", "invite", made["id"])
    assert printed.stdout.startswith("https://")
    assert "24 hours" in printed.stderr


def test_a_password_is_made_typed_or_piped(shell: Shell, database_url: str) -> None:
    """Printed where it was made; from a pipe its first line; a weak one is refused."""
    made = shell.read("users", "add", MAIL, "--password")
    assert len(made["password"]) >= 20
    first = read_value(database_url, "SELECT hash FROM agent_password")
    shell.run("users", "password", MAIL, typed="plum under seven bridges\n")
    second = read_value(database_url, "SELECT hash FROM agent_password")
    assert first != second
    refused = shell.run("users", "password", MAIL, code=1, typed="password1234\n")
    assert "tried first" in refused.stderr
    generated = shell.run("users", "password", MAIL, "--generate").stdout.strip()
    assert len(generated) >= 20
    assert shell.read("users", "list")[0]["signs_in_by"] == ["password"]
    assert "plum" not in str(second)


def test_roles_and_sessions(shell: Shell, database_url: str) -> None:
    """A new role and a revocation end what there is; who does not exist is told so."""
    agent = shell.read("users", "add", MAIL)
    run_sql(
        database_url,
        "INSERT INTO agent_session SELECT gen_random_uuid(), id, 'x', 'password', '', '', 60, now(), now(), "
        "now() + interval '1 day', NULL FROM agent",
    )
    assert "ended: 1 session of" in shell.run("users", "sessions", "revoke", MAIL).stdout
    assert "ended: 0 sessions of" in shell.run("users", "sessions", "revoke", agent["id"]).stdout
    shell.run("users", "role", MAIL, "admin")
    assert shell.read("users", "list")[0]["role"] == "admin"
    assert "no agent has the mail address" in shell.run("users", "role", "x@example.org", "agent", code=1).stderr
    assert shell.run("users", "add", "nonsense", code=1).stderr
    assert shell.run("users", "add", MAIL, code=1).stderr


def test_somebody_is_unbound_from_a_provider(shell: Shell, database_url: str) -> None:
    """From one, then from what is left; the agent stays, and signs in by nothing."""
    shell.read("users", "add", MAIL)
    for issuer in ("https://id.acme.example", "https://login.example"):
        run_sql(database_url, f"INSERT INTO agent_subject SELECT '{issuer}', 'ana', id, now() FROM agent")
    assert "from 1 identity provider" in shell.run("users", "unbind", MAIL, "--issuer", "https://login.example").stdout
    assert shell.read("users", "list")[0]["signs_in_by"] == ["https://id.acme.example"]
    shell.run("users", "unbind", MAIL)
    assert shell.read("users", "list")[0]["signs_in_by"] == []
