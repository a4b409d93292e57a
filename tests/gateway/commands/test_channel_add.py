"""`switchboard channels add` asks for what is missing."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from channels.http import Http
from channels.sms.twilio import TwilioSms, TwilioSmsSettings
from gateway.commands import channel_add
from gateway.commands.channel_add import ask_settings

SID = "AC" + "5" * 32


def answer(*typed: str, given: tuple[str, ...] = ()) -> tuple[TwilioSmsSettings, str]:
    """The settings somebody at a terminal ends up with, and all they saw."""
    found: list[TwilioSmsSettings] = []

    @click.command()
    def ask() -> None:
        settings = ask_settings(TwilioSms(Http()), given)
        assert isinstance(settings, TwilioSmsSettings)
        found.append(settings)

    result = CliRunner().invoke(ask, input="\n".join([*typed, ""]), catch_exceptions=False)
    return found[0], result.output


@pytest.fixture(autouse=True)
def _somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel_add, "somebody_is_there", lambda: True)


def test_each_missing_setting_is_asked_for() -> None:
    """The account, its token and a number: no question for what has a default, and no secret on the screen."""
    settings, seen = answer(SID, "t0ken", "+14155550199, +14155550100")
    assert (settings.account_sid, settings.auth_token) == (SID, "t0ken")
    assert settings.numbers == ["+14155550199", "+14155550100"]
    assert "auth token" in seen
    assert "t0ken" not in seen


def test_a_wrong_answer_is_asked_for_again() -> None:
    """What will not do is said in the adapter's words, and asked once more."""
    settings, seen = answer("AC123", "t0ken", SID, "+14155550199")
    assert settings.account_sid == SID
    assert "32 hexadecimal digits" in seen


def test_what_was_given_is_not_asked_for() -> None:
    """Settings of the command line are used as they are."""
    settings, seen = answer("t0ken", given=(f"account_sid={SID}", "numbers=+14155550199"))
    assert settings.account_sid == SID
    assert "account sid" not in seen
