"""The forms Twilio posts to us, and its signature over them.

Sources: https://www.twilio.com/docs/messaging/guides/webhook-request, .../guides/track-outbound-message-status and
https://www.twilio.com/docs/usage/security#validating-requests.
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlencode
from uuid import uuid4

import phonenumbers

from channels.signatures import sign_content
from channels.simulators.ledger import Message
from channels.simulators.twilio.refusals import DELIVERY_ERRORS

API_VERSION = "2010-04-01"
FINAL_STATUSES = ("delivered", "undelivered")  # those that carry the carrier's time
FAILED_STATUSES = ("undelivered", "failed")


def sign_twilio_webhook(token: str, url: str, form: dict[str, str]) -> str:
    """`X-Twilio-Signature`: base64 of HMAC-SHA1 over the URL and each field's name and value, sorted by name."""
    signed = url + "".join([name + form[name] for name in sorted(form)])
    return sign_content(signed.encode(), key=token, digest="sha1", encoding="base64")


def pack_twilio_webhook(token: str, url: str, form: dict[str, str]) -> tuple[bytes, dict[str, str]]:
    """Body and headers of one signed webhook; copies and retries of it carry the same idempotency token."""
    headers = {
        "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
        "User-Agent": "TwilioProxy/1.1",
        "Accept": "*/*",
        "I-Twilio-Idempotency-Token": str(uuid4()),
        "X-Twilio-Signature": sign_twilio_webhook(token, url, form),
    }
    return urlencode(form).encode(), headers


def text_form(message: Message, *, api_url: str, opt_out: str | None = None) -> dict[str, str]:
    """What the incoming-message webhook says about a text; unknown places stay blank, as Twilio leaves them.

    `opt_out` is the OptOutType that Advanced Opt-Out adds: STOP, START or HELP.
    """
    sender = message.sender or ""
    form = {
        "ToCountry": country_of(message.to),
        "ToState": "",
        "SmsMessageSid": message.sid,
        "NumMedia": str(len(message.media)),
        "ToCity": "",
        "FromZip": "",
        "SmsSid": message.sid,
        "FromState": "",
        "SmsStatus": "received",
        "FromCity": "",
        "Body": message.body,
        "FromCountry": country_of(sender),
        "To": message.to,
        "ToZip": "",
        "NumSegments": str(message.segments),
        "MessageSid": message.sid,
        "AccountSid": message.account_sid,
        "From": sender,
        "ApiVersion": API_VERSION,
    }
    if message.service:
        form["MessagingServiceSid"] = message.service
    if opt_out:
        form["OptOutType"] = opt_out
    for index, file in enumerate(message.media):
        form[f"MediaContentType{index}"] = file.content_type
        form[f"MediaUrl{index}"] = api_url + media_path(message, file.sid)
    return form


def report_form(message: Message) -> dict[str, str]:
    """What the status callback says, for the status the message has now."""
    form = {
        "SmsSid": message.sid,
        "SmsStatus": message.status,
        "MessageStatus": message.status,
        "To": message.to,
        "MessageSid": message.sid,
        "AccountSid": message.account_sid,
        "ApiVersion": API_VERSION,
    }
    if message.sender:
        form["From"] = message.sender
    if message.service:
        form["MessagingServiceSid"] = message.service
    if message.status in FINAL_STATUSES:
        form["RawDlrDoneDate"] = f"{message.updated:%y%m%d%H%M}"
    if message.status in FAILED_STATUSES and message.error_code is not None:
        form["ErrorCode"] = str(message.error_code)
        form["ErrorMessage"] = DELIVERY_ERRORS.get(message.error_code, "Unknown error")
    return form


def media_path(message: Message, media_sid: str) -> str:
    """Where a file of a message lies, below the API's origin."""
    return f"/{API_VERSION}/Accounts/{message.account_sid}/Messages/{message.sid}/Media/{media_sid}"


@lru_cache(maxsize=10_000)
def country_of(number: str) -> str:
    """The two-letter country of a number, blank where it has none."""
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number)) or ""
    except phonenumbers.NumberParseException:
        return ""
