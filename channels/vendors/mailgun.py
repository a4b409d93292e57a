"""Mailgun: the signatures of its webhooks, and its API for sending.

https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks and
https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages/post-v3--domain-name--messages.mime
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from hashlib import sha256

import msgspec

from channels.contract import Sent, WebhookRequest
from channels.errors import Forged, Malformed, OutcomeUnknown, SendFailed
from channels.forms import FormField, read_form, write_form
from channels.http import Http, Response
from channels.signatures import valid_hmac
from channels.vendors.answers import CLASSES, NOBODY, NOT_OURS, Meaning, refuse, status_meaning

API_URL = "https://api.mailgun.net"
MAX_AGE_SECONDS = 9 * 3_600
"""It tries again for nearly eight hours, with the signature it has made."""
MAX_AHEAD_SECONDS = 900
MAX_EVENT_BYTES = 1_000_000
"""Of an event, which has to be read before its signature can be checked; one has a few thousand."""
SEND_SECONDS = 60.0

SIGNATURE_FIELDS = frozenset({"timestamp", "token", "signature"})

# Of a 400 or 403, by words of its message: Mailgun has no codes.
WORDS: tuple[tuple[re.Pattern[str], Meaning], ...] = (
    (re.compile(r"not a valid address|need at least one recipient", re.IGNORECASE), NOBODY),
    (re.compile(r"not allowed to send|authorized recipients|not (found|verified)", re.IGNORECASE), NOT_OURS),
)  # fmt: skip


class Signature(msgspec.Struct, kw_only=True, frozen=True):
    """What signs a webhook; it covers nothing but itself."""

    timestamp: str
    token: str
    signature: str


class SignedEvent(msgspec.Struct):
    """An event, as far as its signature."""

    signature: Signature


class Accepted(msgspec.Struct):
    """The body of a success."""

    id: str
    message: str = ""


class Refused(msgspec.Struct):
    """The body of a failure."""

    message: str = ""


def read_signature(request: WebhookRequest) -> Signature | None:
    """What signs a form (of a field that is repeated the last) or an event in JSON; None where it is not all there."""
    try:
        if request.headers.get("content-type", "").lower().startswith("application/json"):
            return _signature_of_event(request.body)
        found = {field.name: field.text for field in read_form(request.headers, request.body, only=SIGNATURE_FIELDS)}
        return msgspec.convert(found, Signature)
    except (Malformed, msgspec.MsgspecError, ValueError, RecursionError):
        return None


def verify_token(key: str, request: WebhookRequest, *, now: float | None = None) -> None:
    """Raise Forged unless Mailgun made this token with the account's signing key, and lately."""
    signed = read_signature(request)
    if signed is None or not re.fullmatch(r"[0-9]{1,12}", signed.timestamp, re.ASCII):
        raise Forged("the signature, its token or its time is missing, or not in the form Mailgun gives it")
    content = (signed.timestamp + signed.token).encode("utf-8", "replace")
    if not signed.token or not valid_hmac(signed.signature, content, key=key):
        raise Forged("not signed with this account's key")
    age = (time.time() if now is None else now) - int(signed.timestamp)
    if not -MAX_AHEAD_SECONDS <= age <= MAX_AGE_SECONDS:
        raise Forged("signed too long ago, or in the future: check the clock of this machine")


async def send_by_mailgun(
    http: Http, mime: bytes, *, recipients: Sequence[str], reference: str, url: str, api_key: str
) -> Sent:
    """Hand a whole mail over; the id is its Message-ID. Sending is not idempotent, so a doubt is OutcomeUnknown."""
    fields = [FormField(name="to", value=recipient.encode()) for recipient in recipients]
    fields.append(FormField(name="v:switchboard_reference", value=reference.encode()))
    fields.append(FormField(name="message", value=mime, file_name="message.mime", media_type="message/rfc822"))
    content_type, content = write_form(fields, boundary=sha256(mime).hexdigest())
    answer = await http.request(
        "POST",
        url,
        headers={"content-type": content_type},
        content=content,
        auth=("api", api_key),
        timeout=SEND_SECONDS,
    )
    if not 200 <= answer.status < 300:
        raise read_refusal(answer)
    try:
        accepted = msgspec.json.decode(answer.body, type=Accepted)
    except (msgspec.DecodeError, ValueError) as error:
        raise OutcomeUnknown("Mailgun's answer cannot be read", code="unknown") from error
    if not accepted.id.strip("<> "):
        raise OutcomeUnknown("Mailgun's answer names no message", code="unknown")
    return Sent(provider_message_id=accepted.id.strip("<> "), detail="queued")


def read_refusal(answer: Response) -> SendFailed:
    """The SendFailed that an answer of failure stands for."""
    try:
        message = msgspec.json.decode(answer.body, type=Refused).message
    except (msgspec.DecodeError, ValueError):  # a plain "Forbidden", a proxy's page, or nothing
        message = ""
    meaning = status_meaning(answer.status)
    if answer.status in {400, 403} or meaning is CLASSES[4]:
        meaning = next((known for words, known in WORDS if words.search(message[:1_000])), meaning)
    return refuse(meaning, answer, reason=message, provider_code=str(answer.status))


def _signature_of_event(body: bytes) -> Signature | None:
    if len(body) > MAX_EVENT_BYTES:  # msgspec itself ends with an error where it is too deep
        return None
    return msgspec.json.decode(body, type=SignedEvent).signature
