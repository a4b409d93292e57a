"""When a delivery is tried again, and how an answer is to be read. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Literal, TypeAlias

import msgspec

RETRY_SECONDS = (5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
"""5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h: ten tries over about three days (Standard Webhooks)."""
JITTER = 0.2
"""How much longer or shorter a wait may be, so that what failed together does not come back together."""
EXCERPT_CHARS = 500

ErrorKind: TypeAlias = Literal[
    "http_status", "redirect", "gone", "throttled", "timeout", "unreachable", "connection_broken", "address_refused",
    "not_sendable", "answer_too_large", "answer_unreadable",
]  # fmt: skip
"""Why a try failed. `address_refused`: the URL leads to an address we do not call."""

THROTTLING = frozenset({429, 502, 504})
"""Answers that slow the whole endpoint down, not just the one delivery (Standard Webhooks)."""
GONE = 410


class Attempt(msgspec.Struct, kw_only=True, frozen=True):
    """One try: when, for how long, what was answered. `error` is None where it was taken; `response` is an excerpt."""

    number: int
    at: datetime
    duration_ms: int
    status: int | None = None
    error: ErrorKind | None = None
    response: str | None = None


class Tempo(msgspec.Struct, kw_only=True, frozen=True):
    """The waits of one deployment: between tries, for a throttled endpoint, and until one that only fails is told off.

    `disable_after` is how long an endpoint may fail with no success between, `warn_after` when its owner is told.
    """

    retry_seconds: tuple[float, ...] = RETRY_SECONDS
    throttle_seconds: float = 60.0
    warn_after: timedelta = timedelta(days=2)
    disable_after: timedelta = timedelta(days=5)

    def next_try(self, tries: int, *, after: float | None, now: datetime, random: Random) -> datetime | None:
        """When to try again after so many tries failed; None after the last. `after`, in seconds, is never undercut."""
        if tries > len(self.retry_seconds):
            return None
        wait = self.retry_seconds[tries - 1] * (1 + random.uniform(-JITTER, JITTER))
        if after is not None:
            wait = max(wait, after * (1 + random.uniform(0, JITTER)))
        return now + timedelta(seconds=wait)

    def throttle(self, attempt: Attempt, after: float | None) -> float | None:
        """For how many seconds the endpoint is left alone; None where it need not be."""
        if attempt.status not in THROTTLING:
            return None
        return self.throttle_seconds if after is None else after


def read_status(status: int) -> ErrorKind | None:
    """What an answer's status means: only 2xx is success, and a redirect is not followed."""
    if 200 <= status < 300:
        return None
    if status in THROTTLING:
        return "throttled"
    if status == GONE:
        return "gone"
    return "redirect" if 300 <= status < 400 else "http_status"


def cut_excerpt(body: bytes) -> str | None:
    """The beginning of an answer as text that can be stored and shown; None where there is nothing to show."""
    text = body[: EXCERPT_CHARS * 4].decode(errors="replace")
    shown = "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in text)
    return shown[:EXCERPT_CHARS] or None
