"""Settings of a channel from the command line."""

from __future__ import annotations

import pytest

from channels.sms.twilio import TwilioSmsSettings
from channels.webchat.settings import WebchatSettings
from gateway.commands.channel_settings import (
    WrongSetting,
    build_settings,
    is_secret,
    split_assignments,
    type_settings,
)

GOOD = ("account_sid=AC" + "0" * 32, "auth_token=t=1", "numbers=+14155550100, +14155550101", "numbers=12345")


def test_assignments_become_typed_settings() -> None:
    """Values may hold an equals sign; a list is split at commas and may be given again."""
    given = type_settings(split_assignments(GOOD), TwilioSmsSettings)
    assert given["auth_token"] == "t=1"
    assert given["numbers"] == ["+14155550100", "+14155550101", "12345"]
    settings = build_settings(given, TwilioSmsSettings)
    assert settings.addresses == ("+14155550100", "+14155550101", "12345")


@pytest.mark.parametrize(
    ("assignments", "named"),
    [
        (GOOD[1:], "account_sid"),
        ((*GOOD, "account_sid=short"), "account_sid"),
        (GOOD[:2], "numbers"),
    ],
)
def test_what_is_missing_or_wrong_is_named(assignments: tuple[str, ...], named: str) -> None:
    """The setting to ask for is told by the adapter's own words, so that a question can be asked."""
    with pytest.raises(WrongSetting) as caught:
        build_settings(type_settings(split_assignments(assignments), TwilioSmsSettings), TwilioSmsSettings)
    assert named in caught.value.fields


def test_something_that_is_no_assignment_is_refused() -> None:
    """`--set x` has no value to set."""
    with pytest.raises(WrongSetting, match="name=value"):
        split_assignments(["x"])


def test_secrets_are_known_by_their_type() -> None:
    """What is typed Secret is asked for without showing it, be it optional; nothing else is."""
    assert is_secret(TwilioSmsSettings, "auth_token")
    assert is_secret(TwilioSmsSettings, "auth_token_secondary")
    assert not is_secret(TwilioSmsSettings, "account_sid")


def test_what_has_settings_of_its_own_is_json() -> None:
    """A web chat is set up in one line as well; what is no JSON is told by name."""
    given = type_settings(
        split_assignments(
            ['theme={"color": "#0a7d4f"}', "origins=https://shop.example,https://a.example", "native_apps=true"]
        ),
        WebchatSettings,
    )
    chat = build_settings(given, WebchatSettings)
    assert isinstance(chat, WebchatSettings)
    assert (chat.theme.color, chat.native_apps, len(chat.origins)) == ("#0a7d4f", True, 2)
    with pytest.raises(WrongSetting) as caught:
        type_settings(split_assignments(["theme=green"]), WebchatSettings)
    assert caught.value.fields == ["theme"]
