"""How texts are cut into the words that are looked for, in any script."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, strategies

from inbox.kit.query.words import cut_words, holds_words, show_tsquery


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Where's my order #8841?", "where s my order 8841"),
        ("ana.ruiz@x.org, +34 600-111", "ana ruiz x org 34 600 111"),
        ("Où ÉTAIT l'été à Zürich", "ou etait l ete a zurich"),
        ("Straße Łódź Ørsted ısı Œuvre", "strasse lodz orsted isi oeuvre"),
        ("Привет, Ёлка и Йод", "привет елка и иод"),
        ("ΟΔΟΣ οδος", "οδοσ οδοσ"),
        ("我的订单8841", "我 的 订 单 8841"),
        ("ガラス か", "ガ ラ ス か"),
        ("한국어 주문", "한 국 어 주 문"),
        ("مَرْحَبًا", "مرحبا"),
        ("ok 👍🏽 now", "ok 👍 🏽 now"),
        ("ﬁne Ⅳ ½", "fine iv 1 2"),
        ("a\u00adb c\u200dd", "ab cd"),
        ("!? -- …", ""),
    ],
)
def test_texts_are_cut_in_any_script(text: str, words: str) -> None:
    """Case, accents and marks are gone; where a script has no spaces each sign is a word."""
    assert " ".join(word.spelling for word in cut_words(text)) == words
    assert holds_words(text) is bool(words)


def test_words_know_where_they_stood() -> None:
    """Each word names the characters of the text it was made of, however many they were."""
    text = "Ça coûte “12 €”, İstanbul e\u0301te\u0301"
    assert [text[word.start : word.end] for word in cut_words(text)] == [
        "Ça", "coûte", "12", "İstanbul", "e\u0301te\u0301",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "prefix", "query"),
    [
        ("order", True, "'order':*"),
        ("order", False, "'order'"),
        ("it's", True, "'it' <-> 's'"),
        ("ana@x.org", True, "'ana' <-> 'x' <-> 'org':*"),
        ("订单", True, "'订' <-> '单'"),
        ("--", True, None),
        ("a'b:*&|!", False, "'a' <-> 'b'"),
    ],
)
def test_words_are_looked_for_in_a_row(text: str, prefix: bool, query: str | None) -> None:
    """A word of several pieces is a phrase; the last may go on, if it is more than a letter."""
    assert show_tsquery(text, prefix=prefix) == query


@given(strategies.text(max_size=80))
def test_places_lie_in_the_text_and_in_order(text: str) -> None:
    """Whatever the text, words are not empty, lie within it, and follow one another."""
    words = cut_words(text)
    assert all(word.spelling and 0 <= word.start < word.end <= len(text) for word in words)
    assert all(before.start <= after.start for before, after in pairwise(words))
