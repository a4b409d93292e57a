"""The operator's commands over a real database: what they print, what they change, how they end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from inbox.kit.ids import read_id
from tests.database import run_sql
from tests.gateway.commands.shell import KEY, Shell

NEW_CHANNEL = (
    "channels", "add", "sms-twilio", "--no-check", "--name", "Support",
    "--set", "account_sid=AC" + "1" * 32, "--set", "auth_token=t0ken", "--set", "numbers=+14155550199",
)  # fmt: skip
DEAD_JOB = (
    "INSERT INTO job (type, key, lane, payload, state, attempts, error) VALUES ('fetch_media', 'k', '', "
    '\'{"type":"fetch_media","attachment_id":"01a20000-0000-7000-8000-000000000000"}\', 3, 12, \'gone\')'
)


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


def poison(database_url: str, channel: str, body: str = "nonsense") -> None:
    """A journaled request that no parser takes, in quarantine."""
    channel_id = read_id("cha", channel)
    run_sql(
        database_url,
        "INSERT INTO raw_event (channel_id, kind, method, url, headers, body, received_at) VALUES "
        f"('{channel_id}', 'message', 'POST', 'https://x/message', '{{}}', convert_to('{body}', 'UTF8'), now())",
        f"UPDATE lane SET projected_id = (SELECT max(id) FROM raw_event) WHERE channel_id = '{channel_id}'",
        "INSERT INTO quarantine (channel_id, raw_event_id, code, error) "
        f"SELECT '{channel_id}', max(id), 'malformed', 'broken' FROM raw_event",
    )


def test_keys_are_made_shown_once_and_revoked(shell: Shell) -> None:
    """The secret is printed when the key is made and never again; a revoked key is listed as such."""
    made = shell.read("keys", "create", "helpdesk", "--scope", "conversations:read", "--scope", "messages:send")
    assert made["secret"].startswith("sk_")
    listed = shell.run("keys", "list", "--json").stdout
    assert made["secret"] not in listed
    shell.run("keys", "revoke", made["id"])
    [row] = shell.read("keys", "list")
    assert (row["id"], row["state"], row["scopes"]) == (made["id"], "revoked", ["conversations:read", "messages:send"])


def test_a_key_needs_scopes_and_an_agent_that_is_there(shell: Shell) -> None:
    """A key that may do nothing, or acts for nobody, is refused in words."""
    assert "--scope" in shell.run("keys", "create", "x", code=2).stderr
    nobody = f"agt_{'0' * 32}"
    assert "agent" in shell.run("keys", "create", "x", "--scope", "admin", "--agent", nobody, code=1).stderr
    shell.run("keys", "revoke", "nonsense", code=2)
    shell.run("keys", "revoke", f"key_{'0' * 32}", code=1)


def test_a_channel_is_connected_shown_and_paused(shell: Shell) -> None:
    """`channels add` prints the exact webhook URL; no command ever prints a secret."""
    setup = shell.read(*NEW_CHANNEL)
    channel = setup["channel_id"]
    hook = f"https://inbox.example.org/hooks/sms-twilio/{channel}/message"
    assert hook in [step["value"] for step in setup["steps"]]
    assert hook in shell.run("channels", "setup", "Support").output
    shown = shell.read("channels", "show", channel)
    assert (shown["addresses"], shown["secrets"]["auth_token"]) == (["+14155550199"], True)
    assert "t0ken" not in shell.run("channels", "show", "Support").output
    shell.run("channels", "pause", "Support")
    assert [row["status"] for row in shell.read("channels", "list")] == ["paused"]
    shell.run("channels", "resume", channel)
    assert [row["status"] for row in shell.read("channels", "list")] == ["active"]


def test_the_same_number_twice_is_refused(shell: Shell) -> None:
    """A number belongs to one channel: the second one is told which has it."""
    channel = shell.read(*NEW_CHANNEL)["channel_id"]
    assert channel in shell.run(*NEW_CHANNEL, code=1).stderr
    assert "there is no channel" in shell.run("channels", "show", "Sales", code=1).stderr


def test_what_is_missing_of_a_channel_is_listed_where_nobody_can_be_asked(shell: Shell) -> None:
    """Without a terminal the command does not wait for answers: it says what to give, and ends with 2."""
    result = shell.run("channels", "add", "sms-twilio", "--no-check", code=2)
    assert "account_sid" in result.stderr
    assert "--set" in result.stderr
    assert "sms-twilio" in shell.run("channels", "add", "sms-twillio", code=2).stderr


def test_dead_jobs_are_listed_and_retried(shell: Shell, database_url: str) -> None:
    """A dead job comes back with all its tries; naming one that is not dead is told."""
    run_sql(database_url, DEAD_JOB)
    listed = shell.read("jobs", "list", "--state", "dead")
    [job] = listed["jobs"]
    assert (listed["counts"]["dead"], job["job"]["type"], job["error"]) == (1, "fetch_media", "gone")
    assert shell.read("jobs", "retry", str(job["id"]))["retried"] == 1
    assert shell.read("jobs", "list")["counts"] == {"waiting": 1, "running": 0, "dead": 0}
    shell.run("jobs", "retry", str(job["id"]), code=1)
    assert shell.read("jobs", "retry", "--all")["retried"] == 0
    shell.run("jobs", "retry", code=2)


def test_quarantine_is_listed_shown_and_replayed(shell: Shell, database_url: str) -> None:
    """A poison request is kept byte by byte; it is replayed in vain until it can be parsed, then it is projected."""
    channel = shell.read(*NEW_CHANNEL)["channel_id"]
    poison(database_url, channel)
    [row] = shell.read("intake", "list", "--state", "quarantine")
    assert (row["channel_id"], row["code"], row["error"]) == (channel, "malformed", "broken")
    whole: Any = shell.run("intake", "show", str(row["id"])).stdout
    assert '"body":"nonsense"' in whole
    told = shell.read("intake", "replay", "--quarantine", code=1)
    assert (told["replayed"], told["failures"][0]["raw_event_id"]) == (0, row["id"])
    mended = "MessageSid=SM1&AccountSid=AC1&From=%2B14155550143&To=%2B14155550199&Body=hi"
    run_sql(database_url, f"UPDATE raw_event SET body = convert_to('{mended}', 'UTF8')")
    tried = shell.read("intake", "replay", "--code", "malformed", "--since", "1h", "--dry-run")
    assert (tried["selected"], tried["replayed"]) == (1, 0)
    done = shell.read("intake", "replay", str(row["id"]))
    assert (done["replayed"], done["failures"]) == (1, [])
    assert shell.read("intake", "list", "--state", "quarantine") == []
    shell.run("intake", "show", "99999", code=1)
    shell.run("intake", "replay", "99999", code=1)


def test_migrations_are_planned_checked_and_undone(shell: Shell) -> None:
    """--check tells by its exit code whether the tables are those of this release, --back undoes the newest."""
    assert shell.read("migrate", "--check") == {"to_run": []}
    undone = shell.read("migrate", "--back", "1")["undone"]
    assert len(undone) == 1
    assert shell.read("migrate", "--check", code=1) == {"to_run": undone}
    assert [one["id"] for one in shell.read("migrate", "--plan")["to_run"]] == undone
    assert shell.read("migrate") == {"run": undone}


def test_the_doctor_finds_what_is_wrong(shell: Shell, database_url: str) -> None:
    """A healthy installation ends with 0; dead jobs and quarantine are problems with advice, and end with 1."""
    channel = shell.read(*NEW_CHANNEL)["channel_id"]
    assert shell.read("doctor", "--offline")["problems"] == 0
    poison(database_url, channel)
    run_sql(database_url, DEAD_JOB)
    findings = {found["name"]: found for found in shell.read("doctor", "--offline", code=1)["findings"]}
    assert (findings["jobs"]["verdict"], findings["quarantine"]["verdict"]) == ("problem", "problem")
    assert "switchboard jobs retry" in findings["jobs"]["fix"]
    assert "✗ jobs" in shell.run("doctor", "--offline", code=1).output


def test_a_channel_stored_with_another_key_is_found(shell: Shell, database_url: str, tmp_path: Path) -> None:
    """The doctor names the channel that no longer opens, and what to do."""
    shell.run(*NEW_CHANNEL)
    other = Shell(
        {
            "SWITCHBOARD_DATABASE_URL": database_url,
            "SWITCHBOARD_REDIS_URL": "redis://127.0.0.1:9",
            "SWITCHBOARD_DATA_DIR": str(tmp_path),
            "SWITCHBOARD_SECRET_KEY": KEY[::-1],
        }
    )
    findings = {found["name"]: found for found in other.read("doctor", "--offline", code=1)["findings"]}
    assert findings["channel Support"]["verdict"] == "problem"
    assert findings["redis"]["verdict"] == "warning"


def test_a_database_that_is_away_is_told_in_a_line(tmp_path: Path) -> None:
    """No traceback, no hang: the exit code is 4 and the text says what to look at."""
    shell = Shell(
        {
            "SWITCHBOARD_DATABASE_URL": "postgresql://127.0.0.1:9/x",
            "SWITCHBOARD_REDIS_URL": "redis://127.0.0.1:9",
            "SWITCHBOARD_DATA_DIR": str(tmp_path),
            "SWITCHBOARD_SECRET_KEY": KEY,
        }
    )
    for command in (("keys", "list"), ("jobs", "list"), ("migrate",), ("intake", "list"), ("channels", "list")):
        result = shell.run(*command, code=4)
        assert "SWITCHBOARD_DATABASE_URL" in result.stderr
        assert "Traceback" not in result.output


def test_the_description_of_the_api_needs_no_gateway(shell: Shell, tmp_path: Path) -> None:
    """`openapi` and `asyncapi` print what GET /openapi.json and /asyncapi.json serve, and write it to a file."""
    for command, told in (("openapi", '"/v1/conversations/{conversation_id}/messages"'), ("asyncapi", '"hearClient"')):
        target = tmp_path / f"{command}.json"
        shell.run(command, "--output", str(target))
        assert target.read_text() == shell.run(command).stdout
        assert told in target.read_text()
