"""Credentials are checked with the provider before they are stored, against the simulated Twilio."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import pytest

from channels.http import Http
from channels.simulators.twilio import TwilioAccount, TwilioSimulator, serve_simulator
from channels.sms.twilio import TwilioSmsSettings
from gateway.commands.credentials import check_credentials
from gateway.commands.exits import CommandFailed, NotAllowed, Unreached

SID, TOKEN = "AC" + "5" * 32, "6" * 32


def check(token: str = TOKEN, *, path: str = "", sid: str = SID) -> str | None:
    """What is found out about these credentials."""

    async def ask() -> str | None:
        twilio = TwilioSimulator([TwilioAccount(sid=SID, token=TOKEN)], [])
        async with serve_simulator(twilio) as url:
            http = Http(allow=[urlsplit(url).netloc])
            settings = TwilioSmsSettings(
                account_sid=sid, auth_token=token, numbers=["+14155550199"], api_url=url + path
            )
            try:
                return await check_credentials(http, settings)
            finally:
                await http.aclose()

    return asyncio.run(ask())


def test_good_credentials_give_the_accounts_name() -> None:
    """The operator sees whose account it is."""
    assert check()


@pytest.mark.parametrize(("token", "sid"), [("f" * 32, SID), (TOKEN, "AC" + "9" * 32)])
def test_wrong_credentials_are_refused(token: str, sid: str) -> None:
    """A wrong token or account is told before anything is stored, with the way around the check."""
    with pytest.raises(NotAllowed, match="--no-check"):
        check(token, sid=sid)


def test_something_else_behind_the_address_is_told() -> None:
    """An address that is not the API's is no good account, whatever it answers."""
    with pytest.raises(CommandFailed):
        check(path="/media")


def test_a_provider_that_does_not_answer_is_unreached() -> None:
    """A network that does not let us out is told from credentials that are wrong."""

    async def ask() -> None:
        http = Http(allow=["127.0.0.1"])
        settings = TwilioSmsSettings(
            account_sid=SID, auth_token=TOKEN, numbers=["+14155550199"], api_url="http://127.0.0.1:9"
        )
        await check_credentials(http, settings)

    with pytest.raises(Unreached, match="could not be asked"):
        asyncio.run(ask())
