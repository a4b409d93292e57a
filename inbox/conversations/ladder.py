"""How far an outgoing message got: a ladder that is only ever climbed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

State: TypeAlias = Literal[
    "scheduled", "queued", "sending", "unknown", "sent", "delivered", "read",
    "failed", "undelivered", "expired", "canceled", "received",
]  # fmt: skip

STEPS: tuple[State, ...] = ("scheduled", "queued", "sending", "unknown", "sent", "delivered", "read")
ENDS: tuple[State, ...] = ("failed", "undelivered", "expired", "canceled")
RETRYABLE: tuple[State, ...] = ("failed", "undelivered", "expired", "unknown")
"""From here a person may ask for another round."""

RANK = {state: rank for rank, state in enumerate(STEPS)}


def later_state(old: State, new: State) -> State:
    """The further of two states of one message: reports come late and out of order, the state never goes back.

    `unknown` is passed by any report. An end is passed by nothing, and does not undo what has arrived.
    """
    if old in ENDS:
        return old
    if new in ENDS:
        return old if RANK[old] >= RANK["delivered"] else new
    return new if RANK[new] > RANK[old] else old


def overall_state(pieces: Sequence[State]) -> State:
    """The state of a message sent in several pieces: as good as its worst piece."""
    for end in ENDS:
        if end in pieces:
            return end
    if "unknown" in pieces:
        return "unknown"
    return min(pieces, key=RANK.__getitem__)
