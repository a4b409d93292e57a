"""Sorting parsed requests into facts on the channels they belong to, and what has no place."""

from __future__ import annotations

from uuid import UUID

from channels.events import Address, AnyEvent, TypingStarted
from inbox.conversations.thread import Route
from inbox.intake.batch import Failure, Lane, ParsedEvent, one_each, sort_out
from inbox.kit.ids import new_id
from tests.inbox.builders import ANA, NOW, OURS, arrived, delivery_report, no_sibling, text_message

LANE = Lane(route=Route(channel_id=new_id(), medium="sms", provider="plain"), addresses=frozenset({OURS}))
SIBLING = Route(channel_id=new_id(), medium="sms", provider="plain")
TYPING = TypingStarted(key="t", sender=Address(kind="phone", value=ANA))


def find_sibling(channel_id: UUID, address: str) -> Route | None:
    """One sibling, asked for in the name of the channel that was called."""
    assert channel_id == LANE.route.channel_id
    return SIBLING if address == "+12125550198" else None


def places(*events: AnyEvent) -> list[Route]:
    """The channels of the facts these events make."""
    facts, failures = sort_out([arrived(1, *events)], LANE, find_sibling)
    assert not failures
    return [fact.route for fact in facts]


def test_an_event_belongs_to_the_channel_that_holds_its_address() -> None:
    """Ours where nothing is said or it is our address, the sibling's where it is the sibling's."""
    events = [text_message(), text_message(to=OURS), text_message(to="+12125550198")]
    assert places(*events) == [LANE.route, LANE.route, SIBLING]


def test_nobodys_address_is_set_aside() -> None:
    """What is for an address that no channel holds is a failure with a code, and its neighbours are facts."""
    parsed = [arrived(1, text_message(to="+12125559999")), arrived(2, text_message(to=OURS))]
    facts, failures = sort_out(parsed, LANE, no_sibling)
    assert [fact.raw_event_id for fact in facts] == [2]
    assert [(one.raw_event_id, one.code) for one in failures] == [(1, "nobodys_address")]


def test_an_event_without_a_place_in_the_timeline_is_set_aside() -> None:
    """An event we have no use for yet is kept for later, under its own code and name."""
    facts, failures = sort_out([arrived(4, TYPING)], LANE, no_sibling)
    assert facts == []
    assert [(one.raw_event_id, one.code) for one in failures] == [(4, "unsupported_event")]
    assert "typing_started" in failures[0].error


def test_one_request_fails_once() -> None:
    """Several failures of one request are one, the last; its good events are facts all the same."""
    parsed = [arrived(1, TYPING, text_message(), text_message(to="+12125559999"))]
    facts, failures = sort_out(parsed, LANE, no_sibling)
    assert len(facts) == 1
    assert [one.code for one in failures] == ["unsupported_event", "nobodys_address"]
    assert [one.code for one in one_each(failures)] == ["nobodys_address"]


def test_what_could_not_be_parsed_stays_a_failure() -> None:
    """The parser's failure is passed on as it is."""
    failure = Failure(raw_event_id=3, code="malformed", error="no body")
    facts, failures = sort_out(
        [ParsedEvent(raw_event_id=3, received_at=NOW, events=[], failure=failure)], LANE, no_sibling
    )
    assert (facts, failures) == ([], [failure])


def test_facts_keep_the_order_of_the_journal() -> None:
    """Facts follow the requests, and inside a request its events."""
    first, second, third = text_message("a"), delivery_report("SMx", "sent"), text_message("c")
    facts, _ = sort_out([arrived(1, first, second), arrived(2, third)], LANE, no_sibling)
    assert [fact.event for fact in facts] == [first, second, third]
