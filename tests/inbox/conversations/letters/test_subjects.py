"""Subjects are compared without the marks mail programs of many languages put before them."""

from __future__ import annotations

import time

import pytest

from inbox.conversations.letters.subjects import answer_subject, is_answer, normalise_subject


@pytest.mark.parametrize(
    "subject",
    [
        "Re: Order 8841", "RE: order 8841", "AW: Order 8841", "Antw: Order 8841", "WG: AW: Order 8841",
        "TR: Order 8841", "RV: Order 8841", "RES: Order 8841", "ENC: Order 8841", "R: Order 8841",
        "I: Order 8841", "SV: Order 8841", "VS: Order 8841", "VB: Order 8841", "Odp: Order 8841",
        "PD: Order 8841", "Ответ: Order 8841", "回复：Order 8841", "答复: Order 8841", "转发: Order 8841",
        "返信: Order 8841", "رد: Order 8841", "إعادة توجيه: Order 8841", "Ynt: Order 8841", "ΑΠ: Order 8841",
        "회신: Order 8841", "Re[2]: Order 8841", "Re (3): Order 8841", "Re: Fwd: RE: AW: Order  8841",
        "Fw : Order 8841",
    ],
)  # fmt: skip
def test_marks_of_any_language_do_not_change_a_subject(subject: str) -> None:
    """What answers or passes on in 14 languages and more is about the same as what it answers."""
    assert normalise_subject(subject) == "order 8841"


@pytest.mark.parametrize(
    "subject",
    ["Order 8841", "Regarding order 8841", "Resolution: order 8841", "Invoice: order 8841", "Trip: order 8841"],
)
def test_words_that_only_begin_alike_are_no_marks(subject: str) -> None:
    """A mark is a whole word before a colon, of those that mail programs write."""
    assert not is_answer(subject)
    assert normalise_subject(subject) == subject.lower()


def test_tags_of_lists_stay() -> None:
    """Two lists may discuss the same; the mark may stand before or behind the tag."""
    assert normalise_subject("Re: [users] Re: Hello") == normalise_subject("[users] Hello") == "[users] hello"
    assert normalise_subject("[devel] Hello") != normalise_subject("[users] Hello")
    assert is_answer("[users] Re: Hello")


def test_an_answer_is_marked_once() -> None:
    """However often it goes to and fro, in whatever language it was marked already."""
    assert answer_subject("Order 8841") == "Re: Order 8841"
    assert answer_subject(answer_subject("Order 8841")) == "Re: Order 8841"
    assert answer_subject("AW: Order 8841") == "AW: Order 8841"


def test_nothing_is_no_subject() -> None:
    """Marks alone, spaces, and no header at all are the same nothing."""
    assert {normalise_subject(one) for one in (None, "", "  ", "Re:", "Re: Fwd: ")} == {""}


@pytest.mark.parametrize("subject", ["Re: " * 300_000, "[" * 300_000, "re" + " " * 300_000 + ":", "[a]" * 100_000])
def test_a_hostile_subject_takes_no_time(subject: str) -> None:
    """Subjects are strangers' text: what takes long for one would hold up all."""
    began = time.process_time()
    normalise_subject(subject)
    is_answer(subject)
    assert time.process_time() - began < 1
