"""Mails made to hurt: ids that match anything (T43), structures that cost time or memory (T45)."""

from __future__ import annotations

import time
from itertools import count

import pytest

from channels.email.reading import READ_LIMITS, open_file, read_mail
from channels.email.reading.message_ids import read_ids, read_message_id
from tests.channels.email.reading.raw_mails import mail, parts

SECONDS = 2.0
"""Of processor time, the limit of the process around the reader; each takes a small part of it."""
MEGABYTE = 1_000_000


def many(piece: str, size: int = MEGABYTE) -> str:
    """A piece repeated up to a size."""
    return piece * (size // len(piece))


def numbered(piece: str, number: int) -> str:
    """A piece repeated, each with its number."""
    return "".join(piece.format(n) for n in range(number))


HEADERS = {
    "references": "References: " + numbered("<{}@x.example> ", 60_000),
    "folded references": "References:" + numbered("\n <{}@x.example>", 60_000),
    "one endless id": "References: <" + many("a"),
    "open ids": "In-Reply-To: " + many("<a"),
    "recipients": "To: " + numbered("Somebody <a{}@x.example>,\n ", 20_000),
    "recipient headers": numbered("To: <a{}@x.example>\n", 20_000).strip(),
    "open comments": "To: " + "(" * 5_000 + "\nFrom: " + many("(") + "\nIn-Reply-To: " + many("("),
    "comments": "From: " + many("(a) "),
    "open quotes": "From: " + many('"\\') + "\nTo: " + many('\\"'),
    "angles": "From: " + many("<") + "\nTo: " + many("<a@"),
    "groups": "To: " + many("a:;"),
    "open words": "Subject: " + many("=?a?q?"),
    "words": "Subject: " + many("=?utf-8?b?YQ?= "),
    "word beginnings": "From: " + many("=?") + "?=",
    "fields": many("a:\n").strip(),
    "no fields": many("x\n") + "From: a@x.example",
    "parameters": "Content-Type: text/plain" + many('; a="'),
    "sections": "Content-Disposition: attachment" + numbered("; f*{}*=%41", 60_000),
    "equals": "Content-Type: text/plain;x" + many(" ="),
    "a date": "Date: " + many("1 ") + many("("),
    "controls": "Subject: " + many("\x01"),
}
BODIES = {
    "100,000 parts": parts("mixed", *[b"\nx"] * 100_000),
    "empty parts": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n" * 250_000,
    "deep": b"".join(
        b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (n, n) for n in range(1_000_000, 1_005_000)
    ),
    "one boundary, deep": b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" * 20_000,
    "delimiters that are none": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--bX\n" * 500_000,
    "forwarded mails": parts("digest", *[b"\nSubject: " + b"=?a?q?a?= " * 1_000 + b"\n\nx"] * 1_000),
    "part headers": parts("mixed", *[b"X: y\n" * 2_500 + b"\nx"] * 300),
    "base64 of crumbs": b"Content-Transfer-Encoding: base64\n\n" + b"YQ==\n" * 600_000,
    "quoted-printable": b"Content-Transfer-Encoding: quoted-printable\n\n" + b"= " * 1_000_000,
    "beginnings of files": b"Subject: x\n\n" + b"begin 644 a\n" * 80_000,
    "files in text": b"Subject: x\n\n" + b"begin 644 a\nend\n" * 60_000,
    "flowed": b"Content-Type: text/plain; format=flowed\n\n" + b"a \n" * 300_000,
    "escapes": b"Content-Type: text/plain; charset=iso-2022-jp\n\n" + b"\x1b$B-!" * 200_000,
    "a slow codec": b"Content-Type: text/plain; charset=idna\n\n" + b"a" * MEGABYTE,
    "a guess": b"Content-Type: text/plain\n\n" + bytes(range(128, 256)) * 10_000,
    "metas": b"Content-Type: text/html\n\n\xff" + b"<meta " * 200_000,
    "no line": b"x" * MEGABYTE,
    "NUL": b"\0" * MEGABYTE,
    "carriage returns": b"From: a@x.example\n" + b"\r" * MEGABYTE + b"\n\nx",
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_hostile_header_is_read_in_time(name: str) -> None:
    """Whatever the size of a header, the words below it are read, long before the limit of time."""
    raw = mail("X-First: x", HEADERS[name], body="words")
    began = time.process_time()
    read = read_mail(raw)
    assert time.process_time() - began < SECONDS
    assert read.text is None or read.text.endswith("words") or "truncated" in read.flags
    assert len(read.references) + len(read.in_reply_to) <= 2 * READ_LIMITS.ids
    assert len(read.to) + len(read.cc) + len(read.bcc) <= READ_LIMITS.recipients


@pytest.mark.parametrize("name", BODIES)
def test_a_hostile_body_is_read_in_time(name: str) -> None:
    """Whatever its structure, a mail becomes no more parts and words than may be, long before the limit of time."""
    began = time.process_time()
    read = read_mail(BODIES[name])
    assert time.process_time() - began < SECONDS
    assert len(read.files) <= READ_LIMITS.parts
    assert len(read.text or "") <= READ_LIMITS.body_chars + READ_LIMITS.parts


def test_what_is_beyond_a_limit_is_flagged() -> None:
    """The flags tell what was left out."""
    header = mail("References: " + numbered("<{}@x>", 101), HEADERS["recipients"], "no field", "Date: x", body="words")
    assert set(read_mail(header).flags) == {"no_date", "too_many_ids", "too_many_recipients", "bad_header"}
    assert "too_many_parts" in read_mail(BODIES["100,000 parts"]).flags
    assert "too_deep" in read_mail(BODIES["deep"]).flags
    assert "truncated" in read_mail(mail(HEADERS["fields"])).flags
    assert "truncated" in read_mail(mail(body="x" * 2 * READ_LIMITS.body_chars)).flags


def test_a_big_file_is_kept_whole() -> None:
    """No limit of words or parts touches the bytes of a file."""
    line = b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVpBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWkFCQ0RFRkdI\n"
    raw = parts("mixed", b"\nwords", b"Content-Type: image/png\nContent-Transfer-Encoding: base64\n\n" + line * 100_000)
    began = time.process_time()
    read = read_mail(raw)
    assert time.process_time() - began < SECONDS
    assert (read.files[0].size, len(open_file(raw, "2"))) == (6_000_000, 6_000_000)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "<>",
        "< >",
        "<  >",
        "   ",
        "()",
        "(<a@x>)",
        "<\t>",
        "<a b@x>",
        "<" + "a" * 65_536 + "@x>",
        "<<>>",
        "a",
        "@",
        "nil",
        "<a@x",
        "a@x>",
        "\x00",
    ],
)
def test_what_is_no_id_matches_nothing(value: str) -> None:
    """Empty, blank, endless or unclosed ids are none: no thread is ever chosen by them."""
    read = read_mail(mail(f"Message-ID: {value}", f"In-Reply-To: {value}", f"References: {value}"))
    assert (read.message_id, read.in_reply_to, read.references) == (None, [], [])


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        ("<a@x>", ["a@x"]),
        ("<a@x> <b@x>", ["a@x", "b@x"]),
        ("<a@x><b@x>,<a@x>", ["a@x", "b@x"]),
        ("<a@x> (your mail of (last) <c@x> week) <b@x>", ["a@x", "b@x"]),
        ('Message from "Ann" of "Tue, 1 Jan" <a@x>', ["a@x"]),
        ("(open <a@x>", ["a@x"]),
        ("a@x", ["a@x"]),
        ("<a(1)@x>", ["a(1)@x"]),
        ("<\n a@x\n >", ["a@x"]),
        ("<20260101.1234>", ["20260101.1234"]),
        ("<用户@例子>", ["用户@例子"]),
    ],
)
def test_ids_are_found(value: str, ids: list[str]) -> None:
    """Several, glued, with comments between, folded, without brackets: RFC 5322 3.6.4 and 4.5.4, and what is sent."""
    read = read_mail(mail(f"In-Reply-To: {value}"))
    assert (read.in_reply_to, read_message_id([value.replace("\n", "")])) == (ids, ids[0])


def test_of_too_many_ids_the_first_and_the_last_stay() -> None:
    """The first began the thread, the last is what is answered."""
    numbers = count()
    ids, cut = read_ids([f"<{next(numbers)}@x>" for _ in range(300)], 100)
    assert (len(ids), ids[0], ids[1], ids[-1], cut) == (100, "0@x", "201@x", "299@x", True)
    assert read_mail(mail("References: " + numbered("<{}@x> ", 60_000))).references[-1] == "59999@x"
