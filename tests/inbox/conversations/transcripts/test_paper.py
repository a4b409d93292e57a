"""A transcript on paper says what was said; nothing in it is taken for an instruction to the printer."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO

import pytest
from pypdf import PdfReader

from inbox.conversations.transcripts.paper import print_transcript
from inbox.conversations.transcripts.rendering import Heading, Line

AT = datetime(2026, 11, 21, 9, 14, 2, tzinfo=UTC)


def printed(*words: str, contact: str = "Ana Ruiz", subject: str | None = None) -> bytes:
    """The PDF of a conversation with these messages."""
    lines = [Line(at=AT, who="Ana", by="email", text=text) for text in words]
    return print_transcript(Heading(number=1042, contact=contact, subject=subject), lines, zone=UTC)


def pages(document: bytes) -> int:
    """How many pages it has."""
    return len(PdfReader(BytesIO(document)).pages)


def words_of(document: bytes) -> str:
    """What can be read on them, without white space: lines end where the page does."""
    return "".join("".join(page.extract_text() for page in PdfReader(BytesIO(document)).pages).split())


def test_a_conversation_is_a_pdf_of_as_many_pages_as_it_needs() -> None:
    """A long one goes on over the page's end, one message as well as many."""
    short, long, many = printed("Hello"), printed("word " * 8000), printed(*["a line"] * 200)
    assert short.startswith(b"%PDF-")
    assert pages(short) == 1
    assert pages(long) > 3
    assert pages(many) > 3


@pytest.mark.parametrize(
    "words",
    ['#panic("x")', '#read("/etc/passwd")', "$x^2$ *bold* _it_ `raw` <label> @ref // c /* d", "]] #{", "\\", ""],
)
def test_markup_in_a_message_is_only_words(words: str) -> None:
    """What would stop or steer the printer in a template does neither in a message, a name or a subject."""
    document = printed(f"<{words}>", contact=words, subject=words)
    assert pages(document) == 1
    assert "".join(f"<{words}>".split()) in words_of(document)


def test_all_scripts_are_taken() -> None:
    """Letters of any script, signs and turned directions make a document."""
    assert pages(printed("Grüße, Привет, γειά, שלום, 你好, مرحبا, 👍, \u202etxt.exe")) == 1
