"""Segments: what a text costs, against Twilio's own calculator and the tables of 3GPP TS 23.038."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.sms.segments import GSM_BASIC, GSM_EXTENDED, SegmentCount, clusters, count_segments


def vectors() -> Iterator[dict[str, Any]]:
    """Twilio's published cases; none where the folder of test data is not given."""
    folder = os.environ.get("SWITCHBOARD_TESTDATA")
    if folder:
        lines = (Path(folder) / "sms" / "twilio_vectors.jsonl").read_text(encoding="utf-8").splitlines()
        yield from (case for case in map(json.loads, lines) if case["kind"] == "segments")


@pytest.mark.skipif("SWITCHBOARD_TESTDATA" not in os.environ, reason="SWITCHBOARD_TESTDATA is not set")
def test_all_published_cases_hold() -> None:
    """Every figure of every case of Twilio's calculator is ours as well."""
    cases = list(vectors())
    wrong = [
        (case["id"], name)
        for case in cases
        for name, expected in case["expect"].items()
        if getattr(count_segments(case["body"]), name) != expected
    ]
    assert (len(cases), wrong) == (28, [])


def test_an_empty_text_takes_no_segment() -> None:
    """A message of files alone costs no text."""
    assert count_segments("") == SegmentCount(
        encoding="GSM-7", segments=0, units=0, units_left=160, units_per_segment=160, characters=0, unicode_scalars=0,
        message_bits=0, total_bits=0,
    )  # fmt: skip


def test_the_alphabet_is_that_of_the_standard() -> None:
    """GSM-7 has 127 characters beside the escape, and ten more behind it."""
    assert (len(GSM_BASIC), len(GSM_EXTENDED), GSM_BASIC & GSM_EXTENDED) == (127, 10, frozenset())


@pytest.mark.parametrize("character", sorted(GSM_BASIC))
def test_a_basic_character_is_one_septet(character: str) -> None:
    """160 of any basic character are one segment, 161 are two."""
    assert (count_segments(character * 160).segments, count_segments(character * 161).segments) == (1, 2)


@pytest.mark.parametrize("character", sorted(GSM_EXTENDED))
def test_an_extended_character_is_two_septets(character: str) -> None:
    """80 of them are one segment; beyond that 76 fit into each, for a pair is never cut."""
    counts = [count_segments(character * times) for times in (80, 81, 152, 153)]
    assert [(c.segments, c.units) for c in counts] == [(1, 160), (2, 162), (2, 304), (3, 306)]


def test_one_foreign_character_makes_it_all_ucs_2() -> None:
    """A single typographic quote costs the whole text its 7-bit alphabet."""
    plain, quoted = count_segments("a" * 71), count_segments("a" * 70 + "’")
    assert (plain.encoding, plain.segments, quoted.encoding, quoted.segments) == ("GSM-7", 1, "UCS-2", 2)


@pytest.mark.parametrize(
    "cluster", ["😀", "🇮🇹", "👨‍👩‍👧‍👦", "👍🏽", "❤️‍🔥", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "e\u0301", "각", "\u1100\u1161\u11a8", "क्षि"[:2]]
)
def test_what_a_reader_sees_as_one_counts_as_one(cluster: str) -> None:
    """Emoji of many code points, flags, accents and syllables are one character each, twice in a row two."""
    assert [len(list(clusters(cluster * times))) for times in (1, 2)] == [1, 2]


def test_a_joiner_between_letters_joins_nothing() -> None:
    """Only emoji form families."""
    assert list(clusters("a\u200db")) == ["a\u200d", "b"]


def test_a_character_is_not_cut_in_two() -> None:
    """An emoji of eleven units that does not fit at the end goes whole into the next segment."""
    family = "👨‍👩‍👧‍👦"
    counted = count_segments("ж" * 60 + family)
    assert (counted.segments, counted.units, counted.units_left) == (2, 71, 67 - 11)


def test_a_character_longer_than_a_segment_is_cut() -> None:
    """An endless pile of accents ends up in as many segments as it takes."""
    counted = count_segments("Z" + "\u0351" * 200)
    assert (counted.segments, counted.characters, counted.units_left) == (3, 1, 0)


def test_a_line_break_of_two_characters_stays_in_gsm_7() -> None:
    """CR LF is two septets, not a reason for another alphabet."""
    counted = count_segments("a\r\nb")
    assert (counted.encoding, counted.units, counted.characters) == ("GSM-7", 4, 4)


@settings(deadline=None)  # a busy machine is no failure
@given(st.text(max_size=400))
def test_the_figures_agree_with_each_other(text: str) -> None:
    """Units fill the segments, bits follow from units, and clusters are the text in order."""
    counted = count_segments(text)
    bits = 7 if counted.encoding == "GSM-7" else 16
    capacity = counted.segments * counted.units_per_segment
    assert counted.message_bits == counted.units * bits
    assert counted.total_bits == counted.message_bits + (48 * counted.segments if counted.segments > 1 else 0)
    assert counted.units <= capacity or not text
    assert 0 <= counted.units_left <= counted.units_per_segment
    assert counted.characters <= counted.unicode_scalars == len(text)
    assert "".join(clusters(text)) == text
