"""Opening hours: by the clocks of their zone, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from channels.webchat.hours import ALWAYS, DAYS, Hours, choose_words, hours_state

OFFICE = {day: [{"opens": "09:00", "closes": "13:00"}, {"opens": "14:00", "closes": "17:00"}] for day in DAYS[:5]}


def hours(zone: str = "Europe/Madrid", **more: Any) -> Hours:
    """Opening hours, by default those of an office."""
    return msgspec.convert({"zone": zone, "week": OFFICE, **more}, Hours)


def at(text: str) -> datetime:
    """A moment of UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "state", "until"),
    [
        ("2026-11-20T07:59:59", "away", "2026-11-20T08:00"),
        ("2026-11-20T08:00:00", "open", "2026-11-20T12:00"),
        ("2026-11-20T12:00:00", "away", "2026-11-20T13:00"),
        ("2026-11-20T16:00:00", "away", "2026-11-23T08:00"),  # Friday evening: Monday
        ("2026-07-20T07:00:00", "open", "2026-07-20T11:00"),  # summer time
    ],
)
def test_an_office_keeps_its_hours(now: str, state: str, until: str) -> None:
    """The end of a span is outside of it; over the weekend Monday is told."""
    found = hours_state(hours(), at(now))
    assert (found.state, found.until) == (state, at(until))
    assert found.opens_at == (at(until) if state == "away" else None)


def test_without_hours_somebody_is_always_there() -> None:
    """So is where every day is open whole: days meet without a gap."""
    assert hours_state(None, at("2026-11-20T03:00")) == ALWAYS
    whole = hours(week={day: [{"opens": "00:00", "closes": "24:00"}] for day in DAYS})
    assert hours_state(whole, at("2026-11-20T22:59:59")) == ALWAYS
    night = hours(week={"fri": [{"opens": "22:00", "closes": "24:00"}], "sat": [{"opens": "00:00", "closes": "02:00"}]})
    assert hours_state(night, at("2026-11-20T22:30")).until == at("2026-11-21T01:00")


def test_exceptions_replace_a_date() -> None:
    """A holiday is closed, a fair is open on a Sunday; where nothing opens within a year, nothing is told."""
    christmas = hours(exceptions={"2026-12-25": [], "2026-12-27": [{"opens": "10:00", "closes": "11:00"}]})
    assert hours_state(christmas, at("2026-12-25T09:00")).opens_at == at("2026-12-27T09:00")
    assert hours_state(christmas, at("2026-12-27T09:30")).state == "open"
    assert hours_state(hours(week={}), at("2026-12-25T09:00")).opens_at is None


@pytest.mark.parametrize(
    ("opens", "closes", "begin", "end"),
    [
        ("01:00", "02:30", "2026-03-29T00:00", "2026-03-29T01:00"),  # it ends with the leap
        ("02:30", "04:00", "2026-03-29T01:00", "2026-03-29T02:00"),  # it begins with it
        ("01:00", "05:00", "2026-03-29T00:00", "2026-03-29T03:00"),  # an hour less
    ],
)
def test_where_the_clocks_skip_an_hour(opens: str, closes: str, begin: str, end: str) -> None:
    """In Madrid 02:00 became 03:00 on 29 March 2026."""
    spring = hours(week={"sun": [{"opens": opens, "closes": closes}]})
    assert hours_state(spring, at(begin) - timedelta(seconds=1)).opens_at == at(begin)
    assert hours_state(spring, at(begin)).until == at(end)
    assert hours_state(spring, at(end)).state == "away"


def test_a_span_that_the_clocks_skip_whole_is_none() -> None:
    """From 02:10 to 02:50 of that night nobody ever came."""
    skipped = hours(week={"sun": [{"opens": "02:10", "closes": "02:50"}]})
    assert hours_state(skipped, at("2026-03-29T00:30")).opens_at == at("2026-04-05T00:10")


def test_where_the_clocks_repeat_an_hour() -> None:
    """On 25 October 2026 it was 02:30 twice in Madrid: somebody is there from the first to the last of it."""
    autumn = hours(week={"sun": [{"opens": "02:30", "closes": "02:45"}]})
    assert hours_state(autumn, at("2026-10-25T00:29")).opens_at == at("2026-10-25T00:30")
    assert hours_state(autumn, at("2026-10-25T01:20")).until == at("2026-10-25T01:45")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"zone": "Mars/Olympus"}, "IANA"),
        ({"zone": "../../etc/passwd"}, "IANA"),
        ({"week": {"mon": [{"opens": "17:00", "closes": "09:00"}]}}, "closes after"),
        ({"week": {"mon": [{"opens": "9:00", "closes": "17:00"}]}}, "matching"),
        ({"week": {"someday": []}}, "Invalid enum"),
    ],
)
def test_what_cannot_be_kept_is_refused(wrong: dict[str, Any], told: str) -> None:
    """When the channel is set up, not when somebody asks."""
    with pytest.raises(msgspec.ValidationError, match=told):
        hours(**wrong)


def test_words_come_in_the_reader_s_language() -> None:
    """Else in the chat's own, else in any there are."""
    words = {"en": "away", "pt": "fora", "de-CH": "weg"}
    assert choose_words(words, "pt-BR", default="en") == "fora"
    assert choose_words(words, "fr", default="de-CH") == "weg"
    assert choose_words(words, "fr", default="fr") == "away"
    assert choose_words({}, "fr", default="en") is None
