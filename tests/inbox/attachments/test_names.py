"""File names of strangers: harmless when kept, harmless in headers (security.md T27)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.attachments.names import MAX_NAME_BYTES, RESERVED, clean_file_name, content_disposition

HEADER = re.compile(r'attachment; filename="[A-Za-z0-9._ -]+"(; filename\*=UTF-8\'\'[A-Za-z0-9%._~-]+)?')


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("door.jpg", "door.jpg"),
        ("\u200b.htaccess", "htaccess"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\Ana\\door.jpg", "door.jpg"),
        ("a\r\nSet-Cookie:x", "aSet-Cookie_x"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("inv\u202efdp.exe", "invfdp.exe"),
        ("a\0b", "ab"),
        ("  . .", None),
        ("..", None),
        ("/", None),
        ("", None),
        (None, None),
        ('he said "hi".txt', "he said _hi_.txt"),
        ("Rechnung für Jörg.pdf", "Rechnung für Jörg.pdf"),
        ("フォト.png", "フォト.png"),
        ("x" * 300 + ".pdf", "x" * 146 + ".pdf"),
        ("é" * 300, "é" * 75),
        ("a." + "b" * 300, "a." + "b" * 148),
    ],
)
def test_names_are_kept_without_their_tricks(given: str | None, kept: str | None) -> None:
    """Paths, controls, invisible and reversing characters, devices and endless names do not survive."""
    assert clean_file_name(given) == kept


@pytest.mark.parametrize(
    ("given", "header"),
    [
        ("door.jpg", 'attachment; filename="door.jpg"'),
        (None, 'attachment; filename="file"'),
        ("für.pdf", "attachment; filename=\"f_r.pdf\"; filename*=UTF-8''f%C3%BCr.pdf"),
        ('a";b=c.txt', "attachment; filename=\"a__b_c.txt\"; filename*=UTF-8''a_%3Bb%3Dc.txt"),
    ],
)
def test_headers_follow_the_standards(given: str | None, header: str) -> None:
    """The plain form is ASCII that needs no quoting; what it loses is in the extended form (RFC 6266, RFC 8187)."""
    assert content_disposition(given) == header


@given(st.text(max_size=400))
def test_no_name_breaks_a_header_or_a_disk(text: str) -> None:
    """Whatever the name, the header is one well-formed line, and the kept name short, visible and no device."""
    assert HEADER.fullmatch(content_disposition(text))
    kept = clean_file_name(text)
    if kept is not None:
        assert len(kept.encode()) <= MAX_NAME_BYTES + 1
        assert "/" not in kept
        assert not kept.startswith(".")
        assert kept.partition(".")[0].lower() not in RESERVED
