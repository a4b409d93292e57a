"""Cursors: opaque, bound to the filter, and stable."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.kit.errors import Problem
from inbox.kit.pages import cut_page, read_cursor, show_cursor

KEY = (datetime(2026, 11, 21, 9, 14, 3, 120_456, tzinfo=UTC), UUID(int=7))
KIND = tuple[datetime, UUID]


def refusal(cursor: str, *, of: object = "agents") -> str:
    """The code a cursor is refused with."""
    with pytest.raises(Problem) as caught:
        read_cursor(cursor, KIND, of=of)
    return caught.value.code


def test_a_cursor_brings_back_the_exact_key() -> None:
    """The key comes back as it was, to the microsecond: cutting it would skip or repeat rows."""
    assert read_cursor(show_cursor(KEY, of="agents"), KIND, of="agents") == KEY


def test_the_first_page_has_no_cursor() -> None:
    """Without a cursor the list begins at its beginning."""
    assert read_cursor(None, KIND, of="agents") is None


def test_a_cursor_is_refused_under_another_filter() -> None:
    """A cursor goes on where its own list stood; under another filter it would skip rows unnoticed."""
    assert refusal(show_cursor(KEY, of=["open"]), of=["closed"]) == "cursor_mismatch"


def test_the_order_of_filter_fields_does_not_matter() -> None:
    """A filter is the same filter however its mapping was built."""
    cursor = show_cursor(KEY, of={"status": "open", "tag": "vip"})
    assert read_cursor(cursor, KIND, of={"tag": "vip", "status": "open"}) == KEY


@pytest.mark.parametrize(
    "cursor",
    ["", "zzz", "%%%", "é", "W10", urlsafe_b64encode(b"[" * 500 + b"]" * 500).decode(), "eyJhIjoxfQ", "A" * 900],
)
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    """Anything but a cursor of ours is `invalid_cursor`, never an error of ours."""
    assert refusal(cursor) == "invalid_cursor"


def test_a_cursor_of_another_list_is_refused() -> None:
    """A key of the wrong shape is found out even where the filters look alike."""
    assert refusal(show_cursor(17, of="agents")) == "invalid_cursor"


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    """Whatever is sent as a cursor is either read or refused with a problem."""
    with suppress(Problem):
        read_cursor(text, KIND, of="agents")


def test_the_row_beyond_the_limit_only_proves_there_are_more() -> None:
    """`limit + 1` rows give `limit` items and the cursor of the last one given."""
    page = cut_page([1, 2, 3], 2, key=lambda row: row, of="n", show=str)
    assert page.data == ["1", "2"]
    assert page.page.has_more
    assert page.page.next_cursor is not None
    assert re.fullmatch(r"[A-Za-z0-9_-]+", page.page.next_cursor)
    assert read_cursor(page.page.next_cursor, int, of="n") == 2


def test_the_last_page_has_no_cursor() -> None:
    """At the end nothing leads on."""
    page = cut_page([1, 2], 2, key=lambda row: row, of="n", show=str)
    assert (page.page.has_more, page.page.next_cursor) == (False, None)
