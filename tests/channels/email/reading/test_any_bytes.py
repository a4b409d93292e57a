"""No bytes make the reader fail."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.email.mail import Mail
from channels.email.reading import open_file, read_mail
from tests.channels.email.reading.raw_mails import part, parts

PIECES = [
    b"\n",
    b"\r\n",
    b"\r",
    b"\0",
    b"--b\n",
    b"--b--\n",
    b"--",
    b"Content-Type: ",
    b"multipart/mixed; boundary=b",
    b"text/html",
    b"message/rfc822",
    b"charset=",
    b"iso-2022-jp",
    b"utf-16",
    b"utf-7",
    b"hz",
    b"\x1b$B",
    b"\xff\xfe",
    b"Content-Transfer-Encoding: ",
    b"base64",
    b"quoted-printable",
    b"uuencode",
    b"begin 644 a\n",
    b"end\n",
    b"From: ",
    b"a@x.example",
    b"<",
    b">",
    b"(",
    b'"',
    b"=?utf-8?b?",
    b"=?",
    b"?=",
    b"filename*0*=",
    b"utf-8''%ff",
    b";",
    b"=",
    b"Date: ",
    b"Fri, 31 Feb 2026",
    b"References: ",
    b"format=flowed",
    b"multipart/related; start=x; boundary=b",
    b"Content-ID: <x>",
    b"text/calendar",
    b"From ",
]
SEED = b"From: Ann <a@x.example>\nSubject: =?utf-8?q?x?=\n" + parts(
    "mixed", part("text/plain; charset=utf-8; format=flowed", "words \nmore"), part("image/png; name=a.png", "QUJD")
)
KINDS = st.one_of(st.binary(max_size=9), st.sampled_from(PIECES))


def check(raw: bytes) -> Mail:
    """It reads, can be sent to another process, and each of its files can be opened."""
    read = read_mail(raw)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(read), type=Mail) == read
    assert [len(open_file(raw, file.path)) for file in read.files] == [file.size for file in read.files]
    assert not {"\r", "\n", "\0"} & set("".join(value for _, value in read.headers))
    return read


@given(st.binary(max_size=300))
def test_any_bytes_are_read(raw: bytes) -> None:
    """Noise is a mail with flags."""
    check(raw)


@settings(max_examples=300)
@given(st.lists(KINDS, max_size=60).map(b"".join))
def test_any_pieces_of_mails_are_read(raw: bytes) -> None:
    """What mails are made of, in any order."""
    check(raw)


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, len(SEED)), st.integers(0, 30), KINDS), max_size=8))
def test_any_damage_of_a_mail_is_read(damage: list[tuple[int, int, bytes]]) -> None:
    """Bytes put in, lost or changed anywhere in a mail."""
    raw = SEED
    for place, lost, put in damage:
        raw = raw[:place] + put + raw[place + lost :]
    check(raw)
