"""Our own corpus: what each client of each language writes must come apart as it was put together."""

from __future__ import annotations

import pytest

from channels.email.quoting import split_html, split_text
from channels.parts import strip_tags
from tests.channels.email.quoting.letters import Letter, read_html_letters, read_text_letters

TEXT_LETTERS = read_text_letters()
HTML_LETTERS = read_html_letters()
WANTED_LANGUAGES = {"en", "de", "fr", "es", "pt", "it", "nl", "pl", "ru", "sv", "da", "ja", "zh", "ar"}


@pytest.mark.parametrize("letter", TEXT_LETTERS, ids=lambda letter: letter.name)
def test_plain_replies_come_apart(letter: Letter) -> None:
    """A plain reply gives exactly its words, its signature and the older mail, whoever's client wrote it."""
    split = split_text(letter.body)
    assert split.new == letter.words
    assert split.signature == letter.signature
    assert _words(split.quoted) == _words(letter.quote)
    assert not split.forwarded


@pytest.mark.parametrize("letter", TEXT_LETTERS, ids=lambda letter: letter.name)
def test_plain_replies_come_apart_with_carriage_returns(letter: Letter) -> None:
    """The lines of a mail end in CRLF on the wire; that changes nothing."""
    split = split_text(letter.body.replace("\n", "\r\n"))
    assert (split.new, split.signature) == (letter.words, letter.signature)


@pytest.mark.parametrize("letter", HTML_LETTERS, ids=lambda letter: letter.name)
def test_html_replies_come_apart(letter: Letter) -> None:
    """An HTML reply shows its words, its signature and the older mail in three pieces."""
    split = split_html(letter.body)
    assert _shown(split.new) == _shown(letter.words)
    assert _shown(split.signature) == _shown(letter.signature)
    assert _shown(split.quoted) == _shown(letter.quote)
    assert not split.forwarded


@pytest.mark.parametrize("letter", TEXT_LETTERS + HTML_LETTERS, ids=lambda letter: letter.name)
def test_words_alone_stay_whole(letter: Letter) -> None:
    """The same words without an older mail are all new."""
    if "<" in letter.words:
        assert split_html(letter.words).new == letter.words
    else:
        assert split_text(letter.words).new == letter.words


def test_corpus_is_wide() -> None:
    """The corpus holds at least 80 mails and each language we promise, as text and as HTML."""
    assert len(TEXT_LETTERS) + len(HTML_LETTERS) >= 80
    assert {letter.name[:2] for letter in TEXT_LETTERS} >= WANTED_LANGUAGES
    assert {letter.name.split()[1] for letter in HTML_LETTERS if letter.name.startswith("gmail")} >= WANTED_LANGUAGES


def _words(text: str | None) -> list[str]:
    return (text or "").split()


def _shown(html: str | None) -> list[str] | None:
    return None if html is None else strip_tags(html).split()
