"""`switchboard config`: all that is set, and all that is wrong."""

from __future__ import annotations

from pathlib import Path

from tests.gateway.commands.shell import KEY, Shell


def test_show_masks_secrets_and_tells_where_values_come_from(tmp_path: Path) -> None:
    """Nobody learns a key by looking at the settings; it is seen that it was set."""
    shell = Shell({"SWITCHBOARD_SECRET_KEY": KEY, "SWITCHBOARD_DATA_DIR": str(tmp_path)})
    rows = {row["name"]: row for row in shell.read("config", "show")}
    assert (rows["SWITCHBOARD_SECRET_KEY"]["value"], rows["SWITCHBOARD_SECRET_KEY"]["source"]) == ("***", "env")
    assert rows["SWITCHBOARD_PORT"]["source"] == "default"
    assert KEY not in shell.run("config", "show").output


def test_check_tells_everything_at_once_and_ends_with_3() -> None:
    """Each wrong setting is named in one go, as is the misspelt name that may be the reason."""
    shell = Shell({"SWITCHBOARD_PORT": "x", "SWITCHBOARD_SECRT_KEY": KEY})
    told = shell.read("config", "check", code=3)
    assert not told["ok"]
    assert {line.split()[0] for line in told["problems"]} == {"SWITCHBOARD_PORT", "SWITCHBOARD_SECRET_KEY"}
    assert "SWITCHBOARD_SECRET_KEY" in told["warnings"][0]


def test_check_is_content_with_complete_settings() -> None:
    """Settings that will do end with 0."""
    assert Shell({"SWITCHBOARD_SECRET_KEY": KEY}).read("config", "check")["ok"]


def test_a_command_without_its_settings_says_so_in_words() -> None:
    """Nothing starts half set up: the exit code is 3 and no traceback is shown."""
    result = Shell({}).run("serve", code=3)
    assert "SWITCHBOARD_SECRET_KEY" in result.stderr
    assert "Traceback" not in result.output


def test_the_schema_describes_every_setting() -> None:
    """A program can check settings before they are deployed."""
    output = Shell({}).run("config", "schema").stdout
    assert '"SWITCHBOARD_DATABASE_URL"' in output
