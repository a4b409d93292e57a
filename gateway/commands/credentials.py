"""Whether a provider knows the credentials of a channel: asked before they are stored."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import msgspec

from channels.contract import ChannelSettings
from channels.email.imap.checking import examine_mailbox
from channels.email.imap.session import open_imap
from channels.email.imap.settings import ImapSettings
from channels.email.oauth import AccessTokens
from channels.errors import SendFailed
from channels.http import Http, Response
from channels.vendors.twilio import TwilioSettings
from gateway.commands.exits import CommandFailed, NotAllowed, Unreached

REFUSALS = frozenset({401, 403, 404})


class TwilioAccountAnswer(msgspec.Struct):
    """What Twilio says of an account: https://www.twilio.com/docs/iam/api/account."""

    friendly_name: str = ""
    status: str = ""


async def check_credentials(http: Http, settings: ChannelSettings) -> str | None:
    """What the provider calls the account; None where there is no way to ask. CommandFailed if it does not know it."""
    check = next((check for kind, check in CHECKS.items() if isinstance(settings, kind)), None)
    try:
        return await check(http, settings) if check else None
    except SendFailed as failed:
        raise Unreached(
            f"the provider could not be asked: {failed.reason}", hint=failed.fix or "Skip the check with --no-check."
        ) from failed


async def check_twilio_account(http: Http, settings: ChannelSettings) -> str:
    """Ask Twilio for the account with its own credentials."""
    if not isinstance(settings, TwilioSettings):
        raise TypeError("these are not Twilio's settings")
    url = f"{settings.api_url.rstrip('/')}/2010-04-01/Accounts/{settings.account_sid}.json"
    answer = await http.request("GET", url, auth=settings.credentials)
    account = _read_twilio_account(answer)
    if account.status not in {"active", ""}:
        raise NotAllowed(f"Twilio says that the account is {account.status}", hint="See the Twilio console.")
    return account.friendly_name or settings.account_sid


def _read_twilio_account(answer: Response) -> TwilioAccountAnswer:
    if answer.status in REFUSALS:
        hint = "Check the account SID and the auth token in the Twilio console, or skip the check with --no-check."
        raise NotAllowed(f"Twilio does not accept the credentials (it answered {answer.status})", hint=hint)
    try:
        if answer.status != 200:
            raise Unreached(f"Twilio answered {answer.status}", hint="Try later, or skip the check with --no-check.")
        return msgspec.json.decode(answer.body, type=TwilioAccountAnswer)
    except msgspec.DecodeError as error:
        raise CommandFailed("what answered is not Twilio", hint="Check the setting api_url.") from error


async def check_mailbox(http: Http, settings: ChannelSettings) -> str:
    """Log in to the mailbox and look for its folders."""
    if not isinstance(settings, ImapSettings):
        raise TypeError("these are not a mailbox's settings")
    for check in await examine_mailbox(partial(open_imap, http, settings, tokens=AccessTokens(http)), settings):
        if not check.ok:
            raise NotAllowed(f"{check.title}: {check.detail}", hint=check.fix or "Skip the check with --no-check.")
    return f"{settings.user} at {settings.imap_host}"


CHECKS: dict[type[ChannelSettings], Callable[[Http, ChannelSettings], Awaitable[str]]] = {
    TwilioSettings: check_twilio_account,
    ImapSettings: check_mailbox,
}
