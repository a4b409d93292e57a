"""The settings of a Twilio account: what is refused when it is entered, and what is given away."""

from __future__ import annotations

import msgspec
import pytest

from channels.vendors.twilio import TwilioSettings
from tests.channels.vendors.test_twilio import post, verdict
from tests.channels.vendors.twilio_server import ACCOUNT, TOKEN


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"account_sid": "AC1"}, "account_sid"),
        ({"account_sid": "SK" + "0" * 32}, "account_sid"),
        ({"account_sid": ACCOUNT + "\n"}, "account_sid"),
        ({"auth_token": ""}, "auth_token"),
        ({"api_key_sid": "SK" + "0" * 32}, "belong together"),
        ({"api_key_secret": "s"}, "belong together"),
        ({"api_key_sid": "AC" + "0" * 32, "api_key_secret": "s"}, "api_key_sid"),
        ({"api_url": "ftp://api.twilio.com"}, "api_url"),
        ({"api_url": "https://user:pw@api.twilio.com"}, "api_url"),
        ({"api_url": "https://api.twilio.com/?a=1"}, "api_url"),
        ({"api_url": "https://"}, "api_url"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, str], complaint: str) -> None:
    """The operator reads which setting is wrong, when it is entered and not when the first message is lost."""
    settings = {"account_sid": ACCOUNT, "auth_token": TOKEN} | changes
    with pytest.raises(ValueError, match=complaint):
        TwilioSettings(**settings)
    with pytest.raises(msgspec.ValidationError, match=complaint):
        msgspec.convert(settings, TwilioSettings)


def test_an_api_key_sends_and_the_token_verifies() -> None:
    """With an API key the credentials are the key's, and the token still guards the webhooks."""
    key = {"api_key_sid": "SK" + "0" * 32, "api_key_secret": "secret"}
    plain = TwilioSettings(account_sid=ACCOUNT, auth_token=TOKEN)
    settings = TwilioSettings(account_sid=ACCOUNT, auth_token=TOKEN, **key)
    assert (plain.credentials, settings.credentials) == ((ACCOUNT, TOKEN), tuple(key.values()))
    assert verdict(post([("Body", "hi")]), settings)
    assert settings.realm == ACCOUNT


def test_the_text_of_settings_has_no_secret() -> None:
    """Settings in a traceback or a log line give nothing away."""
    settings = TwilioSettings(
        account_sid=ACCOUNT, auth_token=TOKEN, auth_token_secondary="second-secret", webhook_key="third-secret"
    )
    assert not [secret for secret in settings.signing_secrets if secret in f"{settings} {settings!r}"]
