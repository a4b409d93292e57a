"""Writing down what a provider's list says of our sends; nothing is ever sent again from here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from inbox.conversations.actions.deliveries import PieceReport, apply_reports
from inbox.conversations.actions.store import lock_threads, store_threads
from inbox.kit.clock import show_time
from inbox.kit.db import execute, fetch
from inbox.repair.judging import Judgement

# What is found again as it was found before moves the end of the last finding, and adds none.
NOTE = """
WITH last AS (
    SELECT DISTINCT ON (a.delivery_id) a.id, a.delivery_id, a.kind, a.outcome FROM delivery_attempt a
    JOIN jsonb_to_recordset($1) AS n(delivery_id uuid) ON n.delivery_id = a.delivery_id
    ORDER BY a.delivery_id, a.id DESC
), found AS (
    SELECT n.*, l.id AS same
    FROM jsonb_to_recordset($1) AS n(delivery_id uuid, outcome text, detail text, evidence jsonb)
    LEFT JOIN last l ON l.delivery_id = n.delivery_id AND l.kind = 'reconcile' AND l.outcome = n.outcome
), again AS (
    UPDATE delivery_attempt a SET finished_at = $2, detail = f.detail, evidence = f.evidence
    FROM found f WHERE a.id = f.same
)
INSERT INTO delivery_attempt (delivery_id, kind, outcome, detail, evidence, started_at, finished_at)
SELECT delivery_id, 'reconcile', outcome, detail, evidence, $2, $2 FROM found WHERE same IS NULL
"""


async def apply_judgements(judgements: Sequence[Judgement], *, now: datetime) -> dict[str, int]:
    """Move what was found forward and keep the evidence of all, in the open transaction; how many there are of each.

    What is not unknown any more, since a report came meanwhile, is left as it is.
    """
    held = await lock_threads({judgement.send.conversation_id for judgement in judgements})
    open_ids = await _still_unknown([judgement.send.delivery_id for judgement in judgements])
    current = [judgement for judgement in judgements if judgement.send.delivery_id in open_ids]
    telling = [judgement for judgement in current if judgement.outcome != "too_early"]
    if telling:
        await execute(NOTE, msgspec.json.encode([_note(judgement) for judgement in telling]).decode(), now)
    found = [_report(judgement) for judgement in current if judgement.outcome == "found"]
    await apply_reports(held, found, now=now)
    await store_threads(list(held.values()), now=now)
    return dict(Counter(judgement.outcome for judgement in current))


async def _still_unknown(ids: Sequence[UUID]) -> set[UUID]:
    rows = await fetch("SELECT id FROM delivery WHERE id = ANY($1) AND state = 'unknown'", list(ids))
    return {row["id"] for row in rows}


def _report(judgement: Judgement) -> PieceReport:
    [message] = judgement.candidates
    return PieceReport(
        delivery_id=judgement.send.delivery_id,
        state=message.state or "sent",
        error=message.error,
        provider_message_id=message.provider_message_id,
    )


def _note(judgement: Judgement) -> dict[str, Any]:
    """A row of evidence: which messages fit, without a word of what they say."""
    shown = [
        {
            "provider_message_id": message.provider_message_id,
            "status": message.status,
            "created_at": show_time(message.created_at),
        }
        for message in judgement.candidates
    ]
    return {
        "delivery_id": judgement.send.delivery_id,
        "outcome": judgement.outcome,
        "detail": judgement.because,
        "evidence": {"messages": shown, "attempted_at": show_time(judgement.send.started_at)},
    }
