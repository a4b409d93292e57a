"""How an endpoint is doing: when its owner is warned, and when it is disabled. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from inbox.webhooks.schedule import Tempo

Step: TypeAlias = Literal["warn", "disable_gone", "disable_failing"]


class Health(msgspec.Struct, kw_only=True, frozen=True):
    """What is known of an endpoint: since when it only fails, and when its owner was warned of that."""

    failing_since: datetime | None = None
    warned_at: datetime | None = None


class Outcomes(msgspec.Struct, kw_only=True, frozen=True):
    """What a batch of tries came to: the first failure, and whether any was taken or answered 410."""

    failed_at: datetime | None = None
    succeeded: bool = False
    gone: bool = False


def judge_health(before: Health, seen: Outcomes, *, now: datetime, tempo: Tempo) -> tuple[Health, Step | None]:
    """How it is doing after these tries, and what is to be done about it.

    One success wipes out all failures before it. An endpoint is disabled only if it has been warned, and as long ago
    as the two waits lie apart, so that there was time to act on the warning.
    """
    if seen.gone:
        return Health(failing_since=before.failing_since or seen.failed_at, warned_at=before.warned_at), "disable_gone"
    if seen.succeeded:
        return Health(), None
    if seen.failed_at is None:
        return before, None
    since = before.failing_since or seen.failed_at
    after = Health(failing_since=since, warned_at=before.warned_at)
    if before.warned_at is None:
        due = now - since >= tempo.warn_after
        return (Health(failing_since=since, warned_at=now), "warn") if due else (after, None)
    grace = tempo.disable_after - tempo.warn_after
    due = now - since >= tempo.disable_after and now - before.warned_at >= grace
    return after, "disable_failing" if due else None
