"""Taking a mailbox for oneself, storing what was read from it with the place to go on from, and how it went."""

from __future__ import annotations

from uuid import UUID

import msgspec

from inbox.intake.actions.journal import JournalEntry, journal_events
from inbox.kit.db import execute, fetch_one, fetch_value

# The holder itself, anybody where the last one let go or died, and nobody else.
CLAIM = """
INSERT INTO poll AS p (channel_id, holder, held_until) VALUES ($1, $2, now() + make_interval(secs => $3))
ON CONFLICT (channel_id) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
WHERE (p.holder IS NULL OR p.holder = excluded.holder OR p.held_until < now())
  AND ($4 OR p.retry_at IS NULL OR p.retry_at <= now())
RETURNING p.cursor, p.failures
"""
HOLD = """
UPDATE poll SET held_until = now() + make_interval(secs => $3) WHERE channel_id = $1 AND holder = $2 RETURNING true
"""
RELEASE = "UPDATE poll SET holder = NULL, held_until = NULL WHERE channel_id = $1 AND holder = $2"
# What is well again has no failure any more. Where nothing was new the row is written as well: it says so.
MOVE = """
UPDATE poll
SET cursor = $3, lag_seconds = $4, succeeded_at = now(), failures = 0, failing_since = NULL, failed_at = NULL,
    retry_at = NULL, code = NULL, reason = NULL, fix = NULL
WHERE channel_id = $1 AND holder = $2
RETURNING true
"""
FAIL = """
UPDATE poll
SET failures = failures + 1, failing_since = coalesce(failing_since, now()), failed_at = now(),
    retry_at = now() + make_interval(secs => $3), code = $4, reason = $5, fix = $6
WHERE channel_id = $1 AND holder = $2
"""


class PollLost(Exception):
    """Another process reads this mailbox now: what was just read is stored by that one."""


class Claimed(msgspec.Struct, frozen=True):
    """A mailbox that is ours to read: where to go on, None for the beginning, and how often it failed in a row."""

    cursor: str | None
    failures: int


class PollFailure(msgspec.Struct, kw_only=True, frozen=True):
    """Why a mailbox cannot be read at the moment: our code, a sentence without any secret, and what helps."""

    code: str
    reason: str
    fix: str | None


async def claim_poll(channel_id: UUID, *, holder: UUID, seconds: float, at_once: bool = False) -> Claimed | None:
    """Take a mailbox for so long; None while another process holds it, or, unless `at_once`, until its next try."""
    row = await fetch_one(CLAIM, channel_id, holder, seconds, at_once)
    return Claimed(row["cursor"], row["failures"]) if row else None


async def hold_poll(channel_id: UUID, *, holder: UUID, seconds: float) -> bool:
    """Hold it for so long from now; False where another process has it."""
    return bool(await fetch_value(HOLD, channel_id, holder, seconds))


async def release_poll(channel_id: UUID, *, holder: UUID) -> None:
    """Let another process have it at once."""
    await execute(RELEASE, channel_id, holder)


async def journal_polled(entry: JournalEntry, cursor: str, *, holder: UUID, lag_seconds: float) -> None:
    """Write a fetched mail down and move the cursor behind it, in the open transaction: both or neither.

    PollLost where another process holds the mailbox. `lag_seconds` is how long the mail had lain there.
    """
    await move_poll(entry.channel_id, cursor, holder=holder, lag_seconds=lag_seconds)
    await journal_events([entry])


async def move_poll(channel_id: UUID, cursor: str, *, holder: UUID, lag_seconds: float = 0.0) -> None:
    """All is read up to this cursor, and all is well; PollLost where another process holds the mailbox."""
    if not await fetch_value(MOVE, channel_id, holder, cursor, lag_seconds):
        raise PollLost


async def record_poll_failure(channel_id: UUID, failure: PollFailure, *, holder: UUID, retry_seconds: float) -> None:
    """It cannot be read; it is tried again in so long."""
    await execute(FAIL, channel_id, holder, retry_seconds, failure.code, failure.reason, failure.fix)
