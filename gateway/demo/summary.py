"""What a demo run ends with: its figures, for programs and for people."""

from __future__ import annotations

import msgspec

from gateway.demo.audit import Audit


class Summary(msgspec.Struct, kw_only=True, frozen=True):
    """The figures that `--json` prints, as one object. `first_stored_seconds` counts from the start of the process."""

    sent: int
    stored: int
    answered: int
    delivered: int
    lost: int
    doubled: int
    first_stored_seconds: float | None


def sum_up(audit: Audit, *, first_stored: float | None) -> Summary:
    """The figures of a run."""
    return Summary(
        sent=audit.sent,
        stored=audit.stored,
        answered=audit.answered,
        delivered=audit.delivered,
        lost=audit.lost,
        doubled=audit.doubled,
        first_stored_seconds=None if first_stored is None else round(first_stored, 3),
    )


def is_flawless(summary: Summary) -> bool:
    """Nothing was lost and nothing doubled."""
    return not (summary.lost or summary.doubled)
