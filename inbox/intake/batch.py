"""What is projected: journaled requests of one channel, parsed, and made into facts about known channels. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias
from uuid import UUID

import msgspec

from channels.events import AnyEvent, ConsentChanged, DeliveryReported, MessageReceived
from inbox.conversations.thread import Route
from inbox.kit.secrets import SecretBox

PROJECTED = (MessageReceived, DeliveryReported, ConsentChanged)


class Failure(msgspec.Struct, kw_only=True, frozen=True):
    """Why a journaled request waits in quarantine: a stable code, and words for the operator."""

    raw_event_id: int
    code: str
    error: str


class ParsedEvent(msgspec.Struct, kw_only=True, frozen=True):
    """A journaled request and what its adapter made of it; `traceparent` is where its projection stands."""

    raw_event_id: int
    received_at: datetime
    events: list[AnyEvent]
    failure: Failure | None = None
    traceparent: str | None = None


class Projection(msgspec.Struct, kw_only=True, frozen=True):
    """What a batch came to: the requests that were due, those that failed, and how many facts were known already."""

    due: Sequence[ParsedEvent] = ()
    failures: Sequence[Failure] = ()
    known: int = 0


class Lane(msgspec.Struct, kw_only=True, frozen=True):
    """The channel whose journal is projected."""

    route: Route
    addresses: frozenset[str]


FindSibling: TypeAlias = Callable[[UUID, str], Route | None]
"""The live channel of the same adapter and credentials as the given one that holds an address of ours."""


class Fact(msgspec.Struct, kw_only=True, frozen=True):
    """One event on the channel it belongs to."""

    route: Route
    event: MessageReceived | DeliveryReported | ConsentChanged
    raw_event_id: int
    received_at: datetime
    traceparent: str | None = None


class Missed(msgspec.Struct, kw_only=True, frozen=True):
    """A fact that found no place, with the code and the words of its failure."""

    fact: Fact
    code: str
    error: str


class Acknowledgement(msgspec.Struct, kw_only=True, frozen=True):
    """The mail that says that one has come: a subject, a template of words, and how often it goes at most."""

    subject: str
    template: str
    hours: float
    per_minute: int


class MailRules(msgspec.Struct, kw_only=True, frozen=True):
    """By what mails are put into conversations: the keys of reply addresses, and for how long a subject holds."""

    box: SecretBox | None = None
    subject_window: timedelta = timedelta(days=30)
    acknowledgement: Acknowledgement | None = None


def sort_out(parsed: Sequence[ParsedEvent], lane: Lane, find_sibling: FindSibling) -> tuple[list[Fact], list[Failure]]:
    """Facts in journal order, each on the channel that holds its address; and what has no place.

    One vendor URL may serve several numbers, so an event may belong to a sibling of the channel that was called.
    """
    facts: list[Fact] = []
    failures: list[Failure] = [one.failure for one in parsed if one.failure]
    for one in parsed:
        for event in one.events:
            found = _place(event, lane, find_sibling)
            if isinstance(found, Route) and isinstance(event, PROJECTED):
                facts.append(
                    Fact(
                        route=found,
                        event=event,
                        raw_event_id=one.raw_event_id,
                        received_at=one.received_at,
                        traceparent=one.traceparent,
                    )
                )
            else:
                failures.append(_misplaced(one.raw_event_id, event, found))
    return facts, failures


def _place(event: AnyEvent, lane: Lane, find_sibling: FindSibling) -> Route | None:
    if event.to is None or event.to in lane.addresses:
        return lane.route
    return find_sibling(lane.route.channel_id, event.to)


def _misplaced(raw_event_id: int, event: AnyEvent, found: Route | None) -> Failure:
    if found is None:
        return Failure(
            raw_event_id=raw_event_id, code="nobodys_address", error="no channel holds the address it is for"
        )
    kind = type(event).__struct_config__.tag
    return Failure(raw_event_id=raw_event_id, code="unsupported_event", error=f"{kind} has no place in a timeline yet")


def one_each(failures: Iterable[Failure]) -> list[Failure]:
    """One failure a request, the last: several of its events may have failed, the quarantine has one line for it."""
    return list({failure.raw_event_id: failure for failure in failures}.values())
