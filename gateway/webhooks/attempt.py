"""One try of one delivery: a signed POST past the guard against SSRF, and what its answer means."""

from __future__ import annotations

import time
from datetime import datetime

import msgspec

from channels.egress import EgressRefused
from channels.errors import Misconfigured, OutcomeUnknown, SendFailed, Unreachable
from channels.http import AnswerTooLarge, Http, Response, retry_after_seconds
from inbox.kit.clock import utc_now
from inbox.webhooks.endpoint import Payload, SigningSecret, live_secrets
from inbox.webhooks.schedule import Attempt, ErrorKind, cut_excerpt, read_status
from inbox.webhooks.signing import sign_body

ANSWER_BYTES = 20_000
"""How much of an answer is read; what is longer is cut off, and counts by its status all the same."""
CONTENT = {"content-type": "application/json", "user-agent": "Switchboard-Webhooks"}

FAULTS: dict[type[SendFailed], ErrorKind] = {
    EgressRefused: "address_refused",
    Misconfigured: "not_sendable",
    Unreachable: "unreachable",
}
BREAKS: dict[str, ErrorKind] = {"timeout": "timeout", "unreachable": "connection_broken"}
"""Kinds of a request that left us without a whole answer, by the code of its OutcomeUnknown."""


class Target(msgspec.Struct, kw_only=True, frozen=True):
    """Where a delivery goes, and with what."""

    url: str
    payload: Payload
    secrets: tuple[SigningSecret, ...]
    headers: dict[str, str]


async def try_delivery(
    http: Http,
    target: Target,
    *,
    message_id: str,
    body: bytes,
    number: int,
    seconds: float,
    traceparent: str | None = None,
) -> tuple[Attempt, float | None]:
    """POST it once; how that went, and the seconds its Retry-After asks for. It never raises for the other side."""
    now, began = utc_now(), time.perf_counter()
    try:
        answer = await http.request(
            "POST",
            target.url,
            headers={
                **target.headers,
                **CONTENT,
                **({"traceparent": traceparent} if traceparent else {}),
                **_signature(target, message_id, body=body, now=now),
            },
            content=body,
            timeout=seconds,
            max_bytes=ANSWER_BYTES,
        )
    except AnswerTooLarge as large:
        answer = Response(large.status, {}, b"")
    except SendFailed as failed:
        return _attempt(number, now, began=began, error=fault_of(failed)), None
    attempt = _attempt(
        number,
        now,
        began=began,
        status=answer.status,
        error=read_status(answer.status),
        response=cut_excerpt(answer.body),
    )
    return attempt, retry_after_seconds(answer.headers.get("retry-after"), now=utc_now())


def fault_of(failed: SendFailed) -> ErrorKind:
    """What to call a try that got no answer."""
    if isinstance(failed, OutcomeUnknown):
        return BREAKS.get(failed.code, "answer_unreadable")
    return FAULTS.get(type(failed), "unreachable")


def _signature(target: Target, message_id: str, *, body: bytes, now: datetime) -> dict[str, str]:
    secrets = [one.secret for one in live_secrets(target.secrets, now)]
    return sign_body(message_id, body, secrets=secrets, now=now)


def _attempt(
    number: int,
    at: datetime,
    *,
    began: float,
    status: int | None = None,
    error: ErrorKind | None = None,
    response: str | None = None,
) -> Attempt:
    duration = int((time.perf_counter() - began) * 1000)
    return Attempt(number=number, at=at, duration_ms=duration, status=status, error=error, response=response)
