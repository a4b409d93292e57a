"""Twilio's codes in our words."""

from __future__ import annotations

from typing import get_args

import pytest

from channels.errors import FailureCode, OptedOut, OutcomeUnknown, Rejected, SendFailed, Throttled, Unreachable
from channels.vendors.twilio_codes import (
    CLASSES,
    CODES,
    MAX_REASON_CHARS,
    NO_REASON,
    STATUSES,
    explain_error,
    find_code,
)

ALL = [*CODES.values(), *STATUSES.values(), *CLASSES.values(), NO_REASON]


def test_every_row_of_the_table_is_complete() -> None:
    """Each code has a kind that says whether to try again, one of our codes, and words a person can read."""
    assert {meaning.code for meaning in ALL} <= set(get_args(FailureCode))
    assert SendFailed not in {meaning.kind for meaning in ALL}
    assert all(10 <= len(meaning.text) <= 100 and not meaning.text.endswith(".") for meaning in ALL)
    assert list(CODES) == sorted(CODES)


@pytest.mark.parametrize("code", [20500, 20504, 30410])
def test_what_may_have_been_sent_is_never_tried_again_by_itself(code: int) -> None:
    """Twilio says that a failed creation may have sent the message: the outcome is unknown, not a failure."""
    assert CODES[code].kind is OutcomeUnknown


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        (21610, 400, OptedOut),
        (None, 429, Throttled),
        (None, 503, Unreachable),
        (None, 500, OutcomeUnknown),
        (None, 502, OutcomeUnknown),
        (None, 504, OutcomeUnknown),
        (99_999, 400, Rejected),
        (99_999, 503, Unreachable),
        (20503, 500, Unreachable),
        (0, 418, Rejected),
    ],
)
def test_the_code_speaks_first_and_the_status_where_it_is_new(code: int | None, status: int, kind: type) -> None:
    """Twilio adds codes at any time; what to do then follows from the HTTP status."""
    assert find_code(code, status=status).kind is kind


@pytest.mark.parametrize(
    ("code", "ours", "retryable"),
    [
        ("30003", "unreachable", True),
        ("30005", "invalid_address", False),
        ("30007", "spam_suspected", False),
        ("21610", "opted_out", False),
        ("30410", "timeout", False),
        ("12345678901234567890", "unknown", False),
        ("", "unknown", False),
        (None, "unknown", False),
        ("-1", "unknown", False),
        ("٣٠٠٠٣", "unreachable", True),
        ("x", "unknown", False),
    ],
)
def test_a_report_is_explained(code: str | None, ours: str, retryable: bool) -> None:
    """A report of failure says in our words what happened; an unknown code keeps its number."""
    error = explain_error(code, text=None)
    assert (error.code, error.retryable, error.provider_code) == (ours, retryable, code or None)
    assert error.message


def test_twilios_own_words_come_first_and_are_bounded() -> None:
    """The provider's text is shown where there is one, cut to a sentence."""
    assert explain_error("30003", text="Handset off").message == "Handset off"
    assert len(explain_error("30003", text="x" * 10_000).message) == MAX_REASON_CHARS
