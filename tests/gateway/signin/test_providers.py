"""The setting of identity providers is read whole or refused at the start, quoting none of its secrets."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gateway.configuration import SettingsError, describe_settings, load_settings
from gateway.signin.oidc.providers import WrongProviders, read_providers

SECRET = "fj3-not-to-be-shown"
GOOD = {"id": "acme", "name": "Acme", "issuer": "https://id.acme.example", "client_id": "x", "client_secret": SECRET}


def setting(*providers: Any) -> str:
    """The setting."""
    return msgspec.json.encode(providers).decode()


def test_what_is_set() -> None:
    """Nothing is no provider; scopes and whether agents are made have their defaults."""
    assert read_providers("") == ()
    [one] = read_providers(setting(GOOD))
    assert (one.scopes, one.create_agents) == (("openid", "email", "profile"), False)
    assert one.start_path == "/auth/oidc/acme/start"
    assert one.callback_url("https://inbox.example.org/") == "https://inbox.example.org/auth/oidc/acme/callback"
    assert SECRET not in repr(one)


@pytest.mark.parametrize(
    "text",
    ["{}", "nonsense", "[1]", setting(GOOD, GOOD), setting(GOOD | {"issuer": "acme"}), setting(GOOD | {"id": "A/b"}),
     setting(GOOD | {"client_secret": ""}), setting(GOOD | {"scopes": ["email"]}), setting(GOOD | {"secret": SECRET}),
     setting(GOOD | {"issuer": "https://id.acme.example/?x=1"})],
)  # fmt: skip
def test_what_is_wrong_is_told_without_its_values(text: str) -> None:
    """Every slip is one that the process does not start with."""
    with pytest.raises(WrongProviders) as caught:
        read_providers(text)
    assert SECRET not in str(caught.value)


def test_the_secret_is_masked_and_slips_are_told_together() -> None:
    """`config show` masks it whole; wrong providers and origins stand in one list."""
    key = "0b7f6a19c2d84e53a6f1907be2c4d8f3"
    good, _ = load_settings({"SWITCHBOARD_SECRET_KEY": key, "SWITCHBOARD_OIDC_PROVIDERS": setting(GOOD)})
    shown = {row.name: row.value for row in describe_settings(good, {})}
    assert shown["SWITCHBOARD_OIDC_PROVIDERS"] == "***"
    wrong = {
        "SWITCHBOARD_OIDC_PROVIDERS": setting(GOOD | {"id": ""}),
        "SWITCHBOARD_ALLOWED_ORIGINS": "https://desk.example.org/path",
        "SWITCHBOARD_SIGNIN_MAIL_CHANNEL": "mail",
    }
    with pytest.raises(SettingsError) as caught:
        load_settings({"SWITCHBOARD_SECRET_KEY": key, **wrong})
    assert {problem.name for problem in caught.value.problems} == set(wrong)
    assert SECRET not in str(caught.value)
