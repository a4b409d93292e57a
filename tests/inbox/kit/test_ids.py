"""Ids: unique, in order, with one spelling that tells what they name."""

from __future__ import annotations

import copy
import pickle
from threading import Thread
from typing import get_args
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.kit import ids
from inbox.kit.ids import CONTACT, CONVERSATION, Prefix, UnknownId, new_id, read_id, show_id

MOMENT = 1_795_252_443_120
"""2026-11-21T09:14:03.120Z in milliseconds."""


def set_clock(monkeypatch: pytest.MonkeyPatch, milliseconds: list[int]) -> None:
    """Make the id clock read these times, one a call, from a fresh start."""
    readings = iter(milliseconds)
    monkeypatch.setattr(ids, "time_ns", lambda: next(readings) * 1_000_000)
    monkeypatch.setattr(ids, "_TICKS", ids._Ticks())


def test_an_id_is_a_uuid_of_version_7_and_begins_with_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 9562 5.7: 48 bits of milliseconds, then version 7 and the variant where every reader expects them."""
    set_clock(monkeypatch, [MOMENT])
    made = new_id()
    assert made.version == 7
    assert made.variant == RFC_4122
    assert made.int >> 80 == MOMENT


def test_ids_of_one_process_are_all_different_and_in_order() -> None:
    """Thousands of ids a millisecond still sort in the order they were made, as numbers and as text."""
    made = [new_id() for _ in range(20_000)]
    shown = [show_id(CONVERSATION, value) for value in made]
    assert len(set(made)) == len(made)
    assert made == sorted(made)
    assert shown == sorted(shown)


def test_ids_keep_their_order_when_the_clock_steps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock set back by an hour, and one that stands still, make no id that sorts before an earlier one."""
    times = [MOMENT, MOMENT, MOMENT - 3_600_000, MOMENT - 3_599_999, MOMENT + 1]
    set_clock(monkeypatch, times)
    made = [new_id() for _ in times]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_a_counter_at_its_highest_start_has_room_for_a_long_step_back() -> None:
    """The random start leaves the upper half of the counter's 42 bits free, so counting on never reaches the time."""
    ticks = ids._Ticks()
    all_ones = (1 << 48) - 1
    assert ticks.next(MOMENT, all_ones) == (MOMENT, (1 << 41) - 1)
    assert ticks.next(MOMENT - 1, all_ones) == (MOMENT, 1 << 41)


def test_the_time_and_the_counter_survive_in_the_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counting on across the border between the id's two random fields carries over and still sorts later."""
    set_clock(monkeypatch, [MOMENT, MOMENT])
    monkeypatch.setattr(ids, "urandom", ((1 << 30) - 1 << 32).to_bytes)
    first, second = new_id(), new_id()
    assert first < second
    assert second.version == 7
    assert second.variant == RFC_4122
    assert second.int >> 80 == MOMENT


def test_threads_never_make_the_same_id() -> None:
    """Reading and counting on is one step, whoever asks at the same time."""
    made: list[UUID] = []
    threads = [Thread(target=lambda: made.extend([new_id() for _ in range(2_000)])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 8_000


def test_an_id_is_a_uuid_like_any_other() -> None:
    """Ids made without the constructor's checks compare, hash, copy and pickle as those made with them."""
    made = new_id()
    same = UUID(str(made))
    assert made == same
    assert hash(made) == hash(same)
    assert pickle.loads(pickle.dumps(made)) == made
    assert copy.copy(made).is_safe == same.is_safe
    assert repr(made) == repr(same)


@given(st.uuids(), st.sampled_from(get_args(Prefix)))
def test_what_is_shown_can_be_read(value: UUID, prefix: Prefix) -> None:
    """Every uuid, with every prefix, comes back from the text it is shown as."""
    text = show_id(prefix, value)
    assert len(text) == 36
    assert read_id(prefix, text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cnv",
        "cnv_",
        "0193a5c1d2e37f4f8a6b9c0d1e2f3a4b",
        "cnv_0193A5C1D2E37F4F8A6B9C0D1E2F3A4B",
        "cnv_0193a5c1-d2e3-7f4f-8a6b-9c0d1e2f3a4b",
        "cnv_0193a5c1d2e37f4f8a6b9c0d1e2f3a4",
        "cnv_0193a5c1d2e37f4f8a6b9c0d1e2f3a4bc",
        "cnv_0193a5c1d2e37f4f8a6b9c0d1e2f3a4b\n",
        "cnv_0193a5c1_2e37f4f8a6b9c0d1e2f3a4b",
        "cnv_0x93a5c1d2e37f4f8a6b9c0d1e2f3a4b",
        "cnv_٠193a5c1d2e37f4f8a6b9c0d1e2f3a4b",
        "cnv_' OR 1=1 --",
        "ctc_0193a5c1d2e37f4f8a6b9c0d1e2f3a4b",
        "CNV_0193a5c1d2e37f4f8a6b9c0d1e2f3a4b",
        "cnv__0193a5c1d2e37f4f8a6b9c0d1e2f3a4b",
        "cnv_\x00",
    ],
)
def test_anything_else_is_an_unknown_id(text: str) -> None:
    """An id has one spelling: other kinds, lengths, cases, digits and separators name nothing."""
    with pytest.raises(UnknownId) as caught:
        read_id(CONVERSATION, text)
    assert isinstance(caught.value, ValueError)
    assert len(text) < 5 or text not in str(caught.value)


def test_every_kind_of_thing_has_its_own_prefix() -> None:
    """The named prefixes are those of the type, each once, so no two kinds of thing can be confused."""
    named = [value for name, value in vars(ids).items() if name.isupper() and value in get_args(Prefix)]
    assert sorted(named) == sorted(get_args(Prefix))
    with pytest.raises(UnknownId):
        read_id(CONVERSATION, show_id(CONTACT, new_id()))
