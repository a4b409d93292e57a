"""Writing the audit log, which nothing but time takes anything from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from inbox.kit.callers import Actor
from inbox.kit.clock import utc_now
from inbox.kit.db import execute, fetch_value
from inbox.kit.ids import new_id
from inbox.kit.tracing import request_id

PRUNE_BATCH = 1000

APPEND = """
INSERT INTO audit_event (id, at, actor, actor_id, action, target, facts, request_id, once)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (once) DO NOTHING
"""


async def record_audit(
    actor: Actor,
    action: str,
    *,
    target: str | None = None,
    facts: Mapping[str, Any] | None = None,
    once: str | None = None,
) -> None:
    """Write down that somebody did something, in the open transaction: it is told if, and only if, it happened.

    `action` is "thing.past_participle", such as "api_key.created"; `target` the id of the thing as the API shows it.
    `facts` are small, and hold neither secrets nor customers' words. What has the same `once` is written one time only.
    """
    await execute(
        APPEND,
        new_id(),
        utc_now(),
        msgspec.json.encode(actor).decode(),
        actor.id,
        action,
        target,
        msgspec.json.encode(dict(facts or {})).decode(),
        request_id(),
        once,
    )


async def prune_audit_log(*, older_than_days: int) -> int:
    """Forget what is older than the retention, a batch at a time; returns how many events that were.

    The database function that does it is the one way past its own trigger, and never goes below 30 days.
    """
    return int(await fetch_value("SELECT prune_audit_events($1, $2)", older_than_days, PRUNE_BATCH))
