"""The tables of languages: whole, and at odds with themselves nowhere."""

from __future__ import annotations

import msgspec
import pytest

from channels.email.quoting.languages import LANGUAGES, Language
from channels.email.quoting.words import HEADERS, LONGEST_HEADER, SENT_FROM, SIGNOFFS, WROTE

PROMISED = {"en", "de", "fr", "es", "pt", "it", "nl", "pl", "ru", "sv", "da", "ja", "zh", "ar"}
NEEDED = ("wrote", "weekdays", "senders", "dates", "recipients", "subjects", "originals", "forwards", "sent_from",
          "signoffs", "disclaimers")  # fmt: skip


def test_promised_languages_are_whole() -> None:
    """Each language we promise has every kind of word we look for."""
    tables = {language.code: language for language in LANGUAGES}
    assert tables.keys() >= PROMISED
    missing = [(code, field) for code in PROMISED for field in NEEDED if not getattr(tables[code], field)]
    assert missing == []


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.code)
def test_words_can_be_found(language: Language) -> None:
    """No entry is empty, padded or listed twice: an empty lead would begin every line."""
    for field in msgspec.structs.fields(Language):
        words = getattr(language, field.name)
        if isinstance(words, tuple):
            assert len(set(words)) == len(words), field.name
            assert all(word and word == word.strip() for word in words), field.name


def test_words_are_looked_up_as_they_are_folded() -> None:
    """All words are compared in the form `casefold` gives: "grüßen" is written "grüssen" there."""
    assert "mit freundlichen grüssen" in SIGNOFFS
    for words in (SIGNOFFS, SENT_FROM, WROTE, HEADERS):
        assert all(word == word.casefold() for word in words)


def test_headers_fit_the_look() -> None:
    """No header word is longer than what is looked at, and words that two languages share mean what most mails mean."""
    assert max(map(len, HEADERS)) < LONGEST_HEADER
    assert {word: HEADERS[word] for word in ("de", "van", "a", "data", "an", "from")} == {
        "de": "from", "van": "from", "a": "to", "data": "date", "an": "to", "from": "from",
    }  # fmt: skip
