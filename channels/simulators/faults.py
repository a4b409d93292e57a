"""How a simulated provider misbehaves: what may go wrong, and the choice of what does. Provider-neutral."""

from __future__ import annotations

from random import Random
from typing import Annotated, Literal, TypeAlias

import msgspec

Chance: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1)]
Seconds: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=60)]

CallFault: TypeAlias = Literal["none", "throttle", "unavailable", "error", "cut", "drop", "hang", "error_after"]
"""What happens to one call of our REST side.

throttle: 429 with Retry-After; unavailable: 503 that says nothing was taken; error: 5xx that does not say, nothing
taken; cut: closed without an answer, nothing taken; drop: taken,
then closed without an answer; hang: taken, never answered; error_after: taken, then answered 5xx.
"""

WebhookFault: TypeAlias = Literal["none", "duplicate", "reorder"]
"""What happens to one webhook: sent several times over, or held back while later ones overtake it."""


class Outcome(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How a message to one recipient ends, and the provider's code for why."""

    status: Literal["delivered", "sent", "undelivered", "failed"]
    code: int | None = None


class Faults(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Everything that may go wrong; the default is a provider without faults.

    Chances are 0-1 for each call, message or webhook, times are in seconds and the longest of an even spread. What
    `next_calls` and `next_webhooks` name happens first, one entry each, in order.
    """

    answer_delay: Seconds = 0
    throttled: Chance = 0
    retry_after: Annotated[int, msgspec.Meta(ge=0)] = 1
    retry_after_date: bool = False  # says when, not how long: the other form of Retry-After (RFC 9110 10.2.3)
    unavailable: Chance = 0
    broken: Chance = 0
    broken_status: Annotated[int, msgspec.Meta(ge=500, le=599)] = 500
    broken_after: Chance = 0
    cut: Chance = 0
    dropped: Chance = 0
    hanging: Chance = 0
    next_calls: list[CallFault] = []
    refused: dict[str, int] = {}  # recipient -> the provider's error code

    undelivered: Chance = 0
    failed: Chance = 0
    outcomes: dict[str, Outcome] = {}  # recipient -> how every message to it ends

    webhook_delay: Seconds = 0
    duplicated: Chance = 0
    copies: Annotated[int, msgspec.Meta(ge=2, le=20)] = 2
    reordered: Chance = 0
    held_back: Seconds = 0.5  # how long a copy or an overtaken webhook waits
    next_webhooks: list[WebhookFault] = []


def choose_call_fault(faults: Faults, dice: Random) -> CallFault:
    """What happens to this call; uses up the first forced fault."""
    if faults.next_calls:
        return faults.next_calls.pop(0)
    chances: tuple[tuple[CallFault, float], ...] = (
        ("throttle", faults.throttled),
        ("unavailable", faults.unavailable),
        ("error", faults.broken),
        ("error_after", faults.broken_after),
        ("cut", faults.cut),
        ("drop", faults.dropped),
        ("hang", faults.hanging),
    )
    return next((fault for fault, chance in chances if chance and dice.random() < chance), "none")


def choose_webhook_fault(faults: Faults, dice: Random) -> WebhookFault:
    """What happens to this webhook; uses up the first forced fault."""
    if faults.next_webhooks:
        return faults.next_webhooks.pop(0)
    chances: tuple[tuple[WebhookFault, float], ...] = (
        ("duplicate", faults.duplicated),
        ("reorder", faults.reordered),
    )
    return next((fault for fault, chance in chances if chance and dice.random() < chance), "none")


def choose_outcome(faults: Faults, dice: Random, *, recipient: str) -> Outcome:
    """How the message to this recipient ends."""
    if outcome := faults.outcomes.get(recipient):
        return outcome
    if faults.undelivered and dice.random() < faults.undelivered:
        return Outcome(status="undelivered")
    if faults.failed and dice.random() < faults.failed:
        return Outcome(status="failed")
    return DELIVERED


def choose_pause(dice: Random, longest: float) -> float:
    """How long something waits, in seconds: evenly spread up to the longest."""
    return dice.uniform(0, longest) if longest else 0.0


DELIVERED = Outcome(status="delivered")
