"""What a provider's list proves about a send whose end nobody saw, and which spans may be asked for."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.contract import ListedMessage
from inbox.kit.errors import Problem
from inbox.kit.ids import new_id
from inbox.repair.judging import EARLIER, LATER, LISTED_AFTER, Outcome, UnknownSend, judge_sends
from inbox.repair.spans import MARGIN, check_span
from tests.inbox.builders import ANA, BEN, NOW

TRIED = NOW - timedelta(minutes=20)


def a_send(text: str = "yes", *, at: datetime = TRIED, files: int = 0) -> UnknownSend:
    """A piece handed over in a second, its outcome unknown."""
    return UnknownSend(
        delivery_id=new_id(),
        conversation_id=new_id(),
        recipient=ANA,
        text=text,
        files=files,
        started_at=at,
        ended_at=at + timedelta(seconds=1),
    )


def listed(text: str = "yes", *, sid: str = "SM1", at: datetime = TRIED, **changes: Any) -> ListedMessage:
    """A message as the provider lists it."""
    fields: dict[str, Any] = {
        "direction": "outbound", "key": f"{sid}:sent", "provider_message_id": sid, "sender": "+1", "recipient": ANA,
        "text": text, "files": 0, "created_at": at, "content": b"{}", "status": "sent", "state": "sent",
    }  # fmt: skip
    return ListedMessage(**fields | changes)


def judged(sends: list[UnknownSend], messages: list[ListedMessage]) -> list[Outcome]:
    """The outcome of each send."""
    return [one.outcome for one in judge_sends(sends, messages, now=NOW)]


def test_one_message_that_fits_one_send_is_that_send() -> None:
    """Same recipient, words, files and time, and nothing else that fits either of them."""
    [judgement] = judge_sends([a_send(), a_send("no")], [listed()], now=NOW)[:1]
    assert (judgement.outcome, [one.provider_message_id for one in judgement.candidates]) == ("found", ["SM1"])


@pytest.mark.parametrize(
    "other",
    [
        listed("yes!"),
        listed(recipient=BEN),
        listed(files=1),
        listed(direction="inbound"),
        listed(at=TRIED - EARLIER - timedelta(seconds=1)),
        listed(at=TRIED + LATER + timedelta(seconds=2)),
    ],
)
def test_what_differs_in_anything_is_another_message(other: ListedMessage) -> None:
    """Other words, recipient, number of files, direction or time: it proves nothing."""
    assert judged([a_send()], [other]) == ["not_found"]


def test_composition_and_trimming_make_no_difference() -> None:
    """Providers compose characters and cut blanks at the ends."""
    assert judged([a_send("cafe\u0301 ")], [listed("caf\u00e9")]) == ["found"]


def test_more_than_one_way_to_fit_proves_nothing() -> None:
    """Two messages for a send, one message for two sends, two for two: each stays unknown, and shows what fits."""
    assert judged([a_send()], [listed(), listed(sid="SM2")]) == ["ambiguous"]
    assert judged([a_send(), a_send()], [listed()]) == ["ambiguous", "ambiguous"]
    both = judge_sends([a_send(), a_send()], [listed(), listed(sid="SM2")], now=NOW)
    assert [(one.outcome, len(one.candidates)) for one in both] == [("ambiguous", 2), ("ambiguous", 2)]


def test_absence_says_nothing_before_its_time() -> None:
    """What was tried a moment ago may yet be listed."""
    fresh = a_send(at=NOW - LISTED_AFTER)
    assert judged([fresh], []) == ["too_early"]
    assert judged([a_send(at=NOW - LISTED_AFTER - timedelta(seconds=1))], []) == ["not_found"]


@given(st.lists(st.sampled_from("ab"), max_size=5), st.lists(st.sampled_from("abc"), max_size=5))
def test_no_message_is_ever_found_twice(sends: list[str], messages: list[str]) -> None:
    """However many look alike: a message proves one send at most, and a send is found by one message alone."""
    lists = [listed(text, sid=f"SM{number}") for number, text in enumerate(messages)]
    judgements = judge_sends([a_send(text) for text in sends], lists, now=NOW)
    found = [one.candidates[0].provider_message_id for one in judgements if one.outcome == "found"]
    assert len(found) == len(set(found))
    assert all((one.outcome == "not_found") == (one.send.text not in messages) for one in judgements)


def test_a_span_ends_now_at_the_latest_and_begins_within_memory() -> None:
    """Nothing that is not remembered may be compared, since it would all look new."""
    kept = timedelta(days=90)
    assert check_span(TRIED, None, now=NOW, kept=kept) == (TRIED, NOW)
    assert check_span(TRIED, NOW + timedelta(days=1), now=NOW, kept=kept) == (TRIED, NOW)
    for since in (None, NOW, NOW - kept + MARGIN - timedelta(seconds=1)):
        with pytest.raises(Problem):
            check_span(since, None, now=NOW, kept=kept)
