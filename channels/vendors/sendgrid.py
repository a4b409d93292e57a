"""SendGrid: the signatures of its webhooks, and its API for sending.

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features,
https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/securing-your-parse-webhooks and
https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send
"""

from __future__ import annotations

import binascii
import re
import time
from base64 import b64decode
from functools import lru_cache
from hashlib import sha256

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from channels.contract import Sent, WebhookRequest
from channels.errors import Forged, OutcomeUnknown, SendFailed
from channels.http import Http, Response
from channels.vendors.answers import CLASSES, NOBODY, NOT_OURS, Meaning, refuse, status_meaning

API_URL = "https://api.sendgrid.com"
SIGNATURE = "x-twilio-email-event-webhook-signature"
TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
MAX_AGE_SECONDS = 73 * 3_600
"""It tries again for 72 hours, and does not say whether it signs anew."""
MAX_AHEAD_SECONDS = 900
SEND_SECONDS = 60.0
"""For a message with 27 MB of files over a slow line."""
MAX_SIGNATURE_CHARS = 200

STATUSES = {403: NOT_OURS}
# Of a 400, by the field that is at fault.
FIELDS: tuple[tuple[re.Pattern[str], Meaning], ...] = (
    (re.compile(r"personalizations\.\d+\.(to|cc|bcc)\b"), NOBODY),
    (re.compile(r"from\b"), NOT_OURS),
)


class ErrorItem(msgspec.Struct):
    """One thing wrong with a request."""

    message: str = ""
    field: str | None = None


class ErrorAnswer(msgspec.Struct):
    """The body of a failure."""

    errors: list[ErrorItem] = []


def check_public_key(name: str, value: str) -> None:
    """ValueError unless a setting is a verification key as SendGrid shows it."""
    if _load_key(value) is None:
        raise ValueError(f"{name} must be the verification key SendGrid shows: base64 in one line, of a P-256 key")


def verify_signature(key: str, request: WebhookRequest, *, now: float | None = None) -> None:
    """Raise Forged unless SendGrid signed this body lately: ECDSA over P-256 and SHA-256 of timestamp and raw body."""
    public, signature = _load_key(key), _to_signature(request.headers.get(SIGNATURE, ""))
    stamp = request.headers.get(TIMESTAMP, "")
    if public is None or not signature or not re.fullmatch(r"[0-9]{1,12}", stamp, re.ASCII):
        raise Forged("the signature or its time is missing, or not in the form SendGrid gives it")
    digest = sha256(stamp.encode())
    digest.update(request.body)
    try:
        public.verify(signature, digest.digest(), ECDSA(Prehashed(SHA256())))
    except InvalidSignature:
        raise Forged("not signed with this channel's key") from None
    age = (time.time() if now is None else now) - int(stamp)
    if not -MAX_AHEAD_SECONDS <= age <= MAX_AGE_SECONDS:
        raise Forged("signed too long ago, or in the future: check the clock of this machine")


async def send_by_sendgrid(http: Http, body: bytes, *, api_url: str, api_key: str) -> Sent:
    """Hand a message over; it names it in X-Message-Id. Sending is not idempotent, so a doubt is OutcomeUnknown."""
    answer = await http.request(
        "POST",
        f"{api_url.rstrip('/')}/v3/mail/send",
        headers={"authorization": f"Bearer {api_key}", "content-type": "application/json"},
        content=body,
        timeout=SEND_SECONDS,
    )
    if not 200 <= answer.status < 300:
        raise read_refusal(answer)
    given = answer.headers.get("x-message-id", "")
    if not given:
        raise OutcomeUnknown("SendGrid's answer names no message", code="unknown")
    return Sent(provider_message_id=given, detail="accepted")


def read_refusal(answer: Response) -> SendFailed:
    """The SendFailed that an answer of failure stands for."""
    try:
        errors = msgspec.json.decode(answer.body, type=ErrorAnswer).errors
    except (msgspec.DecodeError, ValueError):  # not SendGrid's own: a proxy's page, or nothing
        errors = []
    first = errors[0] if errors else ErrorItem()
    meaning = status_meaning(answer.status, own=STATUSES)
    if meaning is CLASSES[4]:
        meaning = next((known for field, known in FIELDS if field.match(first.field or "")), meaning)
    return refuse(meaning, answer, reason=first.message, provider_code=str(answer.status))


@lru_cache(maxsize=1024)
def _load_key(text: str) -> EllipticCurvePublicKey | None:
    try:
        key = load_der_public_key(b64decode(text, validate=True))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1) else None


def _to_signature(text: str) -> bytes:
    try:
        return b64decode(text, validate=True) if len(text) <= MAX_SIGNATURE_CHARS else b""
    except (ValueError, binascii.Error):
        return b""
