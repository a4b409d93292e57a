"""Whether a message whose sending nobody saw the end of is in its provider's list. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, TypeAlias
from uuid import UUID

import msgspec

from channels.contract import ListedMessage

Outcome: TypeAlias = Literal["found", "not_found", "ambiguous", "too_early"]

EARLIER = timedelta(minutes=2)
"""How much before our attempt the provider may say it took a message: clocks differ."""
LATER = timedelta(minutes=30)
"""How long after our attempt it may: a call that hung may have been taken late."""
LISTED_AFTER = timedelta(minutes=5)
"""When a message that was taken is in the list for certain; before that its absence says nothing."""
REASONS: dict[Outcome, str] = {
    "found": "one message of the provider's list fits, and no other send of ours",
    "not_found": "it is not in the provider's list",
    "ambiguous": "more than one way fits, so nothing is known for certain",
    "too_early": "the provider may not have listed it yet",
}


class UnknownSend(msgspec.Struct, kw_only=True, frozen=True):
    """One piece whose outcome is not known: what was handed over, and from when to when."""

    delivery_id: UUID
    conversation_id: UUID
    recipient: str
    text: str
    files: int
    started_at: datetime
    ended_at: datetime


class Judgement(msgspec.Struct, kw_only=True, frozen=True):
    """What the list says of one send; `candidates` are the messages that fit, all of them."""

    send: UnknownSend
    outcome: Outcome
    candidates: list[ListedMessage]

    @property
    def because(self) -> str:
        """Why, in words."""
        return REASONS[self.outcome]


def judge_sends(sends: Sequence[UnknownSend], listed: Sequence[ListedMessage], *, now: datetime) -> list[Judgement]:
    """One judgement a send. `listed` are the messages to the same recipient that no delivery of ours is known to be.

    A message counts as found only where nothing else can be meant: a guess would end in a message sent twice, or never.
    """
    fitting = {send.delivery_id: [message for message in listed if fits_send(message, send)] for send in sends}
    claims = [message.provider_message_id for candidates in fitting.values() for message in candidates]
    return [
        Judgement(
            send=send,
            outcome=_outcome(send, fitting[send.delivery_id], claims, now),
            candidates=fitting[send.delivery_id],
        )
        for send in sends
    ]


def fits_send(message: ListedMessage, send: UnknownSend) -> bool:
    """Whether a listed message can be this send: same recipient, words and number of files, at about that time."""
    return (
        message.direction == "outbound"
        and message.recipient == send.recipient
        and message.files == send.files
        and _plain(message.text) == _plain(send.text)
        and send.started_at - EARLIER <= message.created_at <= send.ended_at + LATER
    )


def _outcome(send: UnknownSend, candidates: Sequence[ListedMessage], claims: Sequence[str], now: datetime) -> Outcome:
    if not candidates:
        return "not_found" if now - send.ended_at >= LISTED_AFTER else "too_early"
    alone = len(candidates) == 1 and claims.count(candidates[0].provider_message_id) == 1
    return "found" if alone else "ambiguous"


def _plain(text: str) -> str:
    """Providers compose characters and trim: neither makes it another message."""
    return unicodedata.normalize("NFC", text).strip()
