"""Headers and parts, byte by byte."""

from __future__ import annotations

from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import SMTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.compose.addresses import Box
from channels.email.compose.entity import file_entity, group_entities, new_boundary, text_entity, tidy_name
from channels.email.compose.headers import boxes_header, ids_header, token_header, words_header

CHARACTERS = st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"])


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("Order 12", b"Subject: Order 12\r\n"),
        ("", b"Subject: \r\n"),
        ("Grüße", b"Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\n"),
        ("=?utf-8?q?x?=", b"Subject: =?utf-8?b?PT91dGYtOD9xP3g/PQ==?=\r\n"),
        ("two  spaces", b"Subject: =?utf-8?b?dHdvICBzcGFjZXM=?=\r\n"),
        ("word " * 20 + "end", b"Subject: " + b"word " * 13 + b"word\r\n " + b"word " * 6 + b"end\r\n"),
    ],
)
def test_words_are_written_so_that_they_are_read_the_same(text: str, header: bytes) -> None:
    """ASCII as it is, folded at spaces; everything else in encoded words."""
    assert words_header("Subject", text) == header


@given(st.text(CHARACTERS, max_size=300).map(str.strip))
def test_any_words_come_back(text: str) -> None:
    """By the library's own decoder; no encoded word exceeds 75 characters (RFC 2047 2), and none is torn."""
    header = words_header("Subject", text)
    value = header.removeprefix(b"Subject: ").removesuffix(b"\r\n").decode()
    assert all(len(line) <= 78 for line in header.decode().split("\r\n"))
    assert str(make_header(decode_header(value.replace("\r\n", "")))) == text


@pytest.mark.parametrize(
    ("name", "written"),
    [
        (None, "a@b.example"),
        ("Ann Lee", "Ann Lee <a@b.example>"),
        ("Lee, Ann", '"Lee, Ann" <a@b.example>'),
        ('A "B" \\C', '"A \\"B\\" \\\\C" <a@b.example>'),
        ("Ångström", "=?utf-8?b?w4VuZ3N0csO2bQ==?= <a@b.example>"),
        ("a@evil.example", '"a@evil.example" <a@b.example>'),
    ],
)
def test_names_stand_beside_their_address(name: str | None, written: str) -> None:
    """Plain, quoted or encoded, as RFC 5322 3.4 and RFC 2047 5 want it."""
    assert boxes_header("To", [Box(address="a@b.example", name=name)]) == f"To: {written}\r\n".encode()


def test_lists_stand_on_lines_of_their_own() -> None:
    """Addresses and ids, so that no line grows with their number."""
    assert boxes_header("Cc", [Box(address="a@b"), Box(address="c@d")]) == b"Cc: a@b,\r\n c@d\r\n"
    assert ids_header("References", ["a@b", "c@d"]) == b"References: <a@b>\r\n <c@d>\r\n"


@pytest.mark.parametrize("name", ["a.pdf", "a b.pdf", "a;b=c.pdf", "ä" * 100, "a'b%20.pdf", "日本語.txt", "a*0.pdf"])
def test_names_of_files_come_back(name: str) -> None:
    """Short ASCII in quotes, others by RFC 2231, in as many sections as it takes."""
    header = token_header("Content-Disposition", "attachment", {"filename": name})
    assert message_from_bytes(header + b"\r\n", policy=SMTP).get_filename() == name
    assert all(len(line) <= 78 for line in header.split(b"\r\n"))


@pytest.mark.parametrize(
    ("name", "tidy"),
    [
        ("../../etc/passwd", "_.._etc_passwd"),
        ("C:\\x\\y.doc", "C:_x_y.doc"),
        ("inv\u202efdp.exe", "inv_fdp.exe"),
        ("\u200b.htaccess", "_.htaccess"),
        ("a\r\nX: y", "a__X: y"),
        ("x" * 300 + ".pdf", "x" * 146 + ".pdf"),
        ("...", "file"),
    ],
)
def test_names_of_files_are_harmless(name: str, tidy: str) -> None:
    """No folders, nothing invisible, an end; the ending stays (T27)."""
    assert tidy_name(name) == tidy


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("plain\nwords", "7bit"),
        ("From the desk", "quoted-printable"),
        ("trailing ", "quoted-printable"),
        ("x" * 79, "quoted-printable"),
        ("Grüße", "quoted-printable"),
        ("こんにちは", "base64"),
    ],
)
def test_words_are_encoded_as_little_as_they_need(text: str, encoding: str) -> None:
    """And are the same to who decodes them, on lines that every server takes."""
    entity = text_entity(text, "plain")
    part = message_from_bytes(entity.headers + b"\r\n" + entity.body, policy=SMTP)
    assert part["Content-Transfer-Encoding"] == encoding
    assert part.get_content().replace("\r\n", "\n") == f"{text}\n"
    assert all(len(line) <= 78 for line in entity.body.split(b"\r\n"))


def test_groups_part_what_they_hold() -> None:
    """Boundaries differ, come from the seed alone, and cannot stand in any encoded part."""
    boundary = new_boundary("msg_1")
    inner = group_entities(
        "related", [text_entity("=_", "html"), file_entity(b"x", media_type="a/b", name=None)], boundary=boundary
    )
    outer = group_entities("mixed", [inner, text_entity("--=_", "plain")], boundary=boundary)
    read = message_from_bytes(outer.headers + b"\r\n" + outer.body, policy=SMTP)
    assert [part.get_content_type() for part in read.walk()] == [
        "multipart/mixed", "multipart/related", "text/html", "a/b", "text/plain",
    ]  # fmt: skip
    first, second = new_boundary("msg_1"), new_boundary("msg_1")
    assert [first(), first()] == [second(), second()]
    assert first() != first()
