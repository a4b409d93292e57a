"""What an HTTP API's answer of failure means for a message: one table for vendors that mean the same by a status. Pure.

None of them lets a request be repeated safely, so a 5xx leaves the outcome unknown; a 429 and a 503 were not processed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from channels.errors import (
    FailureCode,
    Misconfigured,
    OutcomeUnknown,
    Rejected,
    SendFailed,
    Throttled,
    Unreachable,
)
from channels.http import Response, retry_after_seconds

MAX_REASON_CHARS = 500  # an answer may be a page of a proxy; what is stored and shown is a sentence


class Meaning(NamedTuple):
    """The kind (may it be tried again?), our code, the meaning in words, and what helps."""

    kind: type[SendFailed]
    code: FailureCode
    text: str
    fix: str | None = None


KEY = "check the API key, and that it may send mail"
SENDER = "verify the domain or the address we send from at the provider"
ADDRESS = "check the recipient's address"
SHORTER = "send smaller files"
SLOWER = "send more slowly, or raise the account's limit"
LATER = "try again later"
PLACE = "check api_url"

AUTH = Meaning(Misconfigured, "provider_auth", "the credentials were not accepted", KEY)
NOT_OURS = Meaning(Misconfigured, "sender_unverified", "the sender is not verified", SENDER)
NOBODY = Meaning(Rejected, "invalid_address", "a recipient's address is not valid", ADDRESS)
TOO_FAST = Meaning(Throttled, "provider_quota", "too many requests", SLOWER)

STATUSES: dict[int, Meaning] = {
    401: AUTH,
    403: AUTH,
    404: Meaning(Misconfigured, "provider_auth", "the address of the API does not exist", PLACE),
    408: Meaning(Unreachable, "timeout", "the provider did not receive the whole request", LATER),
    413: Meaning(Rejected, "content_too_large", "the message is too large", SHORTER),
    429: TOO_FAST,
    503: Meaning(Unreachable, "provider_down", "the service is temporarily unavailable", LATER),
}
CLASSES: dict[int, Meaning] = {
    3: Meaning(Misconfigured, "provider_auth", "redirected: the address of the API is wrong", PLACE),
    4: Meaning(Rejected, "unknown", "the provider refused the message"),
    5: Meaning(OutcomeUnknown, "provider_down", "internal error at the provider: it may have been sent"),
}
NO_REASON = Meaning(OutcomeUnknown, "unknown", "an answer nobody documents")


def status_meaning(status: int, *, own: Mapping[int, Meaning] | None = None) -> Meaning:
    """The meaning of a status, by the vendor's own table, else by what all mean by it."""
    return (own or {}).get(status) or STATUSES.get(status) or CLASSES.get(status // 100, NO_REASON)


def refuse(meaning: Meaning, answer: Response, *, reason: str, provider_code: str) -> SendFailed:
    """The SendFailed of an answer; `reason` is the provider's own words, if it gave any."""
    told = (reason.replace("\0", "\ufffd") or meaning.text)[:MAX_REASON_CHARS]
    after = retry_after_seconds(answer.headers.get("retry-after"), now=datetime.now(UTC))
    if issubclass(meaning.kind, Throttled) or (issubclass(meaning.kind, Unreachable) and after is not None):
        return Throttled(told, after=after, provider_code=provider_code)
    return meaning.kind(told, code=meaning.code, provider_code=provider_code, fix=meaning.fix)
