"""What Twilio says of an account and its numbers: are the credentials good, and do the numbers call us?

https://www.twilio.com/docs/iam/api/account and https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource.
Reading changes nothing, and costs a request for the account and one for each number.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import msgspec

from channels.contract import AccountCheck, AccountReport
from channels.errors import SendFailed
from channels.http import Http, Response
from channels.vendors.twilio import TwilioSettings
from channels.vendors.twilio_rest import read_failure

API_VERSION = "2010-04-01"
MAX_NUMBERS = 20
"""How many numbers of a channel are looked at."""

Shape = TypeVar("Shape")


class AccountAnswer(msgspec.Struct):
    """The account; `status` is active, suspended or closed."""

    status: str = ""
    type: str = ""


class NumberAnswer(msgspec.Struct):
    """A number of the account and where it posts what it receives."""

    phone_number: str
    sms_url: str | None = None
    sms_method: str | None = None
    sms_fallback_url: str | None = None
    sms_application_sid: str | None = None


class NumbersAnswer(msgspec.Struct):
    """The numbers that match."""

    incoming_phone_numbers: list[NumberAnswer] = []


async def examine_twilio_account(
    http: Http, settings: TwilioSettings, *, numbers: Sequence[str], hook: str
) -> AccountReport:
    """The account, and of each number whether it posts to `hook`; what Twilio does not answer is not ok."""
    path = f"{API_VERSION}/Accounts/{settings.account_sid}"
    try:
        answer = await _ask(http, settings, f"{path}.json", ())
        checks = [judge_twilio_account(_decode(answer, AccountAnswer))]
        for number in numbers[:MAX_NUMBERS]:
            asked = await _ask(http, settings, f"{path}/IncomingPhoneNumbers.json", (("PhoneNumber", number),))
            checks.append(judge_twilio_number(number, _decode(asked, NumbersAnswer), hook=hook))
    except SendFailed as failed:
        return AccountReport(checks=[AccountCheck(title="account", ok=False, detail=failed.reason, fix=failed.fix)])
    return AccountReport(checks=checks, clock=_read_date(answer))


def judge_twilio_account(account: AccountAnswer) -> AccountCheck:
    """Whether the account may be used."""
    if account.status not in {"active", ""}:
        detail = f"Twilio says that the account is {account.status}"
        return AccountCheck(title="account", ok=False, detail=detail, fix="see the Twilio console")
    return AccountCheck(title="account", ok=True, detail="Twilio accepts the credentials")


def judge_twilio_number(number: str, found: NumbersAnswer, *, hook: str) -> AccountCheck:
    """Whether what this number receives is posted to us. Short codes are kept elsewhere, and not found here."""
    title = f"number {number}"
    held = next((one for one in found.incoming_phone_numbers if one.phone_number == number), None)
    if held is None:
        if not number.startswith("+"):
            return AccountCheck(title=title, ok=True, detail="is a short code, whose webhook cannot be looked up")
        fix = "buy or move the number to this account, or take it out of the channel's settings"
        return AccountCheck(title=title, ok=False, detail="the account does not hold it", fix=fix)
    if held.sms_application_sid:
        fix = f"see that the TwiML app {held.sms_application_sid} posts to {hook}"
        return AccountCheck(title=title, ok=True, detail="is answered by a TwiML app", fix=fix)
    if held.sms_url == hook and held.sms_method in {"POST", None}:
        return AccountCheck(title=title, ok=True, detail="posts what it receives to us")
    told = held.sms_url.partition("?")[0] if held.sms_url else "nowhere"
    fix = f"set its “A message comes in” webhook to {hook}, HTTP POST"
    return AccountCheck(title=title, ok=False, detail=f"posts what it receives to {told}, not to us", fix=fix)


async def _ask(http: Http, settings: TwilioSettings, path: str, query: Sequence[tuple[str, str]]) -> Response:
    url = f"{settings.api_url.rstrip('/')}/{path}"
    answer = await http.request("GET", url, params=query or None, auth=settings.credentials)
    if answer.status != 200:
        raise read_failure(answer, now=datetime.now(UTC))
    return answer


def _decode(answer: Response, shape: type[Shape]) -> Shape:
    try:
        return msgspec.json.decode(answer.body, type=shape)
    except msgspec.DecodeError as error:
        raise SendFailed("what answered is not Twilio", fix="check the setting api_url") from error


def _read_date(answer: Response) -> datetime | None:
    """The answer's Date header (RFC 9110 6.6.1)."""
    try:
        return parsedate_to_datetime(answer.headers.get("date", "")).astimezone(UTC)
    except ValueError:
        return None
