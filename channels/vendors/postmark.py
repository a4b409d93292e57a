"""Postmark: its API for sending, and its error codes.

https://postmarkapp.com/developer/api/email-api and https://postmarkapp.com/developer/api/overview#error-codes
"""

from __future__ import annotations

import msgspec

from channels.contract import Sent
from channels.errors import Misconfigured, OptedOut, OutcomeUnknown, Rejected, SendFailed, Throttled, Unreachable
from channels.http import Http, Response
from channels.vendors.answers import (
    ADDRESS,
    AUTH,
    KEY,
    LATER,
    NOT_OURS,
    SHORTER,
    SLOWER,
    TOO_FAST,
    Meaning,
    refuse,
    status_meaning,
)

API_URL = "https://api.postmarkapp.com"
AUTH_HEADER = "x-postmark-server-token"
SEND_SECONDS = 60.0

CODES: dict[int, Meaning] = {
    10: AUTH,
    100: Meaning(Unreachable, "provider_down", "Postmark is under maintenance", LATER),
    300: Meaning(Rejected, "invalid_address", "an address or a field of the message is not valid", ADDRESS),
    400: NOT_OURS,
    401: NOT_OURS,
    402: Meaning(Rejected, "unknown", "Postmark could not read the request"),
    403: Meaning(Rejected, "unknown", "Postmark could not read the request"),
    405: Meaning(Misconfigured, "provider_quota", "the account has no credits left", "buy credits at Postmark"),
    406: Meaning(
        OptedOut, "opted_out", "the recipient bounced, complained or was suppressed", "reactivate them at Postmark"
    ),
    409: Meaning(Rejected, "unknown", "Postmark could not read the request"),
    411: Meaning(Rejected, "media_rejected", "Postmark carries no files of this type", "send another type of file"),
    412: Meaning(Misconfigured, "sender_unverified", "the account waits for approval", "ask Postmark for approval"),
    413: Meaning(Misconfigured, "provider_auth", "the account may not send", KEY),
    429: TOO_FAST,
    430: Meaning(Throttled, "provider_quota", "too much mail waits at Postmark", SLOWER),
    501: Meaning(Rejected, "content_too_large", "the message is too large", SHORTER),
    1235: Meaning(Misconfigured, "provider_auth", "the message stream does not exist", "check message_stream"),
    1236: Meaning(Misconfigured, "provider_auth", "the message stream is archived", "check message_stream"),
}


class Answered(msgspec.Struct, rename={"error_code": "ErrorCode", "message": "Message", "message_id": "MessageID"}):
    """The body of any answer."""

    error_code: int = -1
    message: str = ""
    message_id: str = ""


async def send_by_postmark(http: Http, body: bytes, *, api_url: str, server_token: str) -> Sent:
    """Hand a message over; the id is Postmark's own. Sending is not idempotent, so a doubt is OutcomeUnknown."""
    answer = await http.request(
        "POST",
        f"{api_url.rstrip('/')}/email",
        headers={AUTH_HEADER: server_token, "content-type": "application/json", "accept": "application/json"},
        content=body,
        timeout=SEND_SECONDS,
    )
    answered = _read(answer)
    if not 200 <= answer.status < 300 or answered.error_code > 0:
        raise read_refusal(answer)
    if answered.error_code != 0 or not answered.message_id:
        raise OutcomeUnknown("Postmark's answer cannot be read", code="unknown")
    return Sent(provider_message_id=answered.message_id, detail=answered.message or None)


def read_refusal(answer: Response) -> SendFailed:
    """The SendFailed that an answer of failure stands for, by its code or else by its HTTP status."""
    answered = _read(answer)
    meaning = CODES.get(answered.error_code) or status_meaning(answer.status)
    code = str(answered.error_code if answered.error_code > 0 else answer.status)
    return refuse(meaning, answer, reason=answered.message, provider_code=code)


def _read(answer: Response) -> Answered:
    try:
        return msgspec.json.decode(answer.body, type=Answered)
    except (msgspec.DecodeError, ValueError):  # not Postmark's own: a proxy's page, or nothing
        return Answered()
