"""What can be asked for: every kind of job, typed. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeAlias, get_args
from uuid import UUID

import msgspec


class DeliverMessage(msgspec.Struct, kw_only=True, frozen=True, tag="deliver_message"):
    """Hand an entry's pieces to its provider. Jobs of one conversation run in the order they were asked for."""

    entry_id: UUID


class FetchMedia(msgspec.Struct, kw_only=True, frozen=True, tag="fetch_media"):
    """Fetch one file that lies at the provider, and keep it."""

    attachment_id: UUID


Job: TypeAlias = DeliverMessage | FetchMedia
JOB_TYPES = tuple(str(kind.__struct_config__.tag) for kind in get_args(Job))


class NewJob(msgspec.Struct, kw_only=True, frozen=True):
    """A job with its order (`key`: one at a time, oldest first) and its lane (how much of the workers it may use)."""

    job: Job
    key: str
    lane: str = ""


class ClaimedJob(msgspec.Struct, kw_only=True, frozen=True):
    """A job we hold a lease on. `attempts` counts this one."""

    id: int
    job: Job
    key: str
    lane: str
    attempts: int
    lease_id: UUID
    request_id: str | None


class Backoff(msgspec.Struct, kw_only=True, frozen=True):
    """How long to wait between tries: doubling from `base_seconds` up to `max_seconds`, `attempts` tries in all."""

    base_seconds: float
    max_seconds: float
    attempts: int

    def next_try(self, attempt: int, *, after: float | None, now: datetime, random: Random) -> datetime | None:
        """When to try again after the given try failed; None when it was the last. `after`, in seconds, is obeyed.

        Jitter of up to 20 % spreads what failed together; a provider's Retry-After is only ever lengthened by it.
        """
        if attempt >= self.attempts:
            return None
        wait = min(self.base_seconds * 2 ** (attempt - 1), self.max_seconds)
        wait *= 1 + random.uniform(-0.2, 0.2)
        if after is not None:
            wait = max(wait, after * (1 + random.uniform(0, 0.2)))
        return now + timedelta(seconds=wait)


_decode: Callable[[str | bytes], Job] = msgspec.json.Decoder(Job).decode


def decode_job(payload: str | bytes) -> Job:
    """A stored job as its type."""
    return _decode(payload)


def job_facts(job: Job) -> dict[str, Any]:
    """A job as plain data, for lists and logs."""
    facts: dict[str, Any] = msgspec.to_builtins(job)
    return facts
