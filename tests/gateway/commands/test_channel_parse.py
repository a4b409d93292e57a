"""`switchboard channels parse`: one line of JSON a file, whatever the file."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

import channels.sms
from tests.gateway.commands.shell import Shell

SAMPLES = Path(channels.sms.__file__).parent / "samples" / "twilio"
FILES = sorted(str(path) for path in SAMPLES.iterdir() if path.suffix in {".http", ".json"})
CREDENTIALS = (
    "--verify", "--set", "account_sid=ACf1d0c7a94be34c18a2906d57b8e3a4c1",
    "--set", "auth_token=0123456789abcdef0123456789abcdef", "--set", "numbers=+14155550199",
)  # fmt: skip
OWN = [file for file in FILES if "subaccount" not in file]


def parse(*arguments: str, code: int = 0, typed: str | None = None) -> list[dict[str, Any]]:
    """The lines that the command prints."""
    result = Shell({}).run("channels", "parse", *arguments, code=code, typed=typed)
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_every_sample_gives_the_events_that_are_expected_of_it() -> None:
    """A line has `file`, `ok`, `error` and `events`; the events are those of the contract with their tag."""
    for line in parse("sms-twilio", *FILES):
        expected = json.loads((SAMPLES / "expected" / Path(line["file"]).with_suffix(".json").name).read_text())
        assert list(line) == ["file", "ok", "error", "events"]
        assert (line["ok"], line["error"]) == (True, None)
        for event, wanted in zip(line["events"], expected, strict=True):
            assert {name: event[name] for name in wanted if name != "parts"} | {"sender": wanted.get("sender")} == {
                name: value for name, value in wanted.items() if name != "parts"
            } | {"sender": wanted.get("sender")}


def test_signatures_are_checked_only_where_asked() -> None:
    """With --verify and the right secrets the samples pass; with a wrong token each is forged, which exits with 1."""
    assert all(line["ok"] for line in parse("sms-twilio", *CREDENTIALS, *OWN))
    wrong = [text.replace("0123456789abcdef0123456789abcdef", "f" * 32) for text in CREDENTIALS]
    forged = parse("sms-twilio", *wrong, *OWN, code=1)
    assert {line["ok"] for line in forged} == {False}
    assert all(line["error"].startswith("Forged") and line["events"] == [] for line in forged)


def test_no_input_is_a_traceback(tmp_path: Path) -> None:
    """Noise, nothing, folders and files that are not there get their line and their reason."""
    noise = Random(7)
    files = [str(tmp_path), str(tmp_path / "missing.http")]
    for name in ("a.http", "b.json", "c.eml", "d.form", "e"):
        (tmp_path / name).write_bytes(noise.randbytes(5_000))
        (tmp_path / f"empty-{name}").write_bytes(b"")
        files += [str(tmp_path / name), str(tmp_path / f"empty-{name}")]
    lines = parse("sms-twilio", *files, code=1)
    assert [line["file"] for line in lines] == files
    assert all(not line["ok"] and line["error"] and line["events"] == [] for line in lines)


def test_one_bad_file_stops_no_other(tmp_path: Path) -> None:
    """The good files of a list are parsed beside the bad one, and the exit code tells of it."""
    (tmp_path / "bad.http").write_bytes(b"\0")
    good, bad = parse("sms-twilio", FILES[0], str(tmp_path / "bad.http"), code=1)
    assert (good["ok"], bad["ok"]) == (True, False)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("MessageSid=SM1&AccountSid=AC1&From=%2B14155550143&To=%2B14155550199&MessageStatus=sent", "delivery_reported"),
        ("MessageSid=SM1&AccountSid=AC1&From=%2B14155550143&To=%2B14155550199&Body=hi", "message_received"),
    ],
)
def test_a_bare_form_is_taken_for_what_it_is(body: str, kind: str) -> None:
    """A form body without a URL, here on standard input, is a report or a message by its fields."""
    [line] = parse("sms-twilio", "-", typed=body)
    assert [event["type"] for event in line["events"]] == [kind]


def test_an_unknown_adapter_is_a_usage_error_with_the_nearest_one() -> None:
    """A misspelt adapter gets the exit code 2 and the right name."""
    result = Shell({}).run("channels", "parse", "sms-twilo", FILES[0], code=2)
    assert "sms-twilio" in result.stderr


@pytest.mark.parametrize("arguments", [("--verify",), ("--set", "colour=red"), ("--set", "x")])
def test_settings_that_will_not_do_are_a_usage_error(arguments: tuple[str, ...]) -> None:
    """Checking without secrets, unknown settings and what is no setting end with 2 and a reason."""
    assert Shell({}).run("channels", "parse", "sms-twilio", *arguments, FILES[0], code=2).stderr
