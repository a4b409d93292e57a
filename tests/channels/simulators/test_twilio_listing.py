"""The message list filters and pages as Twilio's does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from channels.simulators.ledger import Message
from channels.simulators.twilio.listing import MessagePage, page_twilio_messages, read_list_query
from channels.simulators.twilio.refusals import TwilioRefusal

PATH = "/2010-04-01/Accounts/AC1/Messages.json"
NOON = datetime(2026, 3, 1, 12, 0, 0, 500_000, tzinfo=UTC)


def _message(index: int, *, to: str = "+1", sent: datetime | None = NOON) -> Message:
    return Message(
        sid=f"SM{index}",
        account_sid="AC1",
        direction="outbound-api",
        sender="+2",
        to=to,
        body=str(index),
        status="sent",
        created=NOON,
        updated=NOON,
        sent=sent,
    )


def _bodies(query: str, messages: list[Message]) -> list[str]:
    return [message.body for message in page_twilio_messages(PATH, read_list_query(query), messages).messages]


def _follow(page: MessagePage, messages: list[Message]) -> MessagePage:
    assert page.next_page_uri is not None
    return page_twilio_messages(PATH, read_list_query(urlsplit(page.next_page_uri).query), messages)


def test_pages_follow_each_other_without_gap_or_repeat() -> None:
    """Following next_page_uri gives every message once, newest first, though new ones arrive meanwhile."""
    messages = [_message(index) for index in range(5)]
    first = page_twilio_messages(PATH, read_list_query("PageSize=2&To=%2B1"), messages)
    messages.append(_message(5))
    second = _follow(first, messages)
    third = _follow(second, messages)
    assert [message.body for page in (first, second, third) for message in page.messages] == ["4", "3", "2", "1", "0"]
    assert third.next_page_uri is None
    assert (second.page, third.page) == (1, 2)


def test_the_previous_page_leads_back() -> None:
    """previous_page_uri gives the page before, and the first page has none."""
    messages = [_message(index) for index in range(5)]
    first = page_twilio_messages(PATH, read_list_query("PageSize=2"), messages)
    second = _follow(first, messages)
    assert first.previous_page_uri is None
    assert second.previous_page_uri is not None
    back = page_twilio_messages(PATH, read_list_query(urlsplit(second.previous_page_uri).query), messages)
    assert back.messages == first.messages


def test_filters_choose_by_recipient_and_sender() -> None:
    """To and From keep what matches both."""
    messages = [_message(0, to="+1"), _message(1, to="+3")]
    assert _bodies("To=%2B3&From=%2B2", messages) == ["1"]
    assert _bodies("From=%2B9", messages) == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("DateSent=2026-03-01", ["1"]),
        ("DateSent%3E=2026-03-01", ["2", "1"]),
        ("DateSent%3C=2026-03-01", ["1", "0"]),
        ("DateSent%3E=2026-03-01T12:00:00Z", ["2", "1"]),
        ("DateSent%3E=2026-03-01T12:00:01Z", ["2"]),
        ("DateSent%3C=2026-02-28&DateSent%3E=2026-02-28", ["0"]),
    ],
)
def test_dates_include_the_time_they_name(query: str, found: list[str]) -> None:
    """DateSent means the day; with < and > the bound itself belongs, to the second; the unsent never match."""
    day = timedelta(days=1)
    sent = [NOON - day, NOON, NOON + day, None]
    assert _bodies(query, [_message(index, sent=at) for index, at in enumerate(sent)]) == found


@pytest.mark.parametrize("query", ["Colour=blue", "PageSize=0", "DateSent=yesterday", "PageToken=PASM99"])
def test_a_query_twilio_does_not_know_is_refused(query: str) -> None:
    """Unknown filters, sizes, dates and page tokens are refused with 20001."""
    with pytest.raises(TwilioRefusal) as refusal:
        _bodies(query, [_message(0)])
    assert refusal.value.body.code == 20001
