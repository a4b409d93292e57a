"""Parts and their files: whatever the sender forgot, nothing of the mail is lost."""

from __future__ import annotations

import pytest

from channels.email.mail import Mail
from channels.email.reading import ReadLimits, open_file, read_mail
from tests.channels.email.reading.raw_mails import mail, part, parts

PLAIN = part("text/plain", "words")
PAGE = part("text/html", "<p>words</p>")
PICTURE = part("image/png", b"\x89PNG\r\n\x1a\n", "Content-ID: <pic@x>", "Content-Disposition: inline")
PDF = part(
    "application/pdf",
    "JVBERi0=",
    "Content-Transfer-Encoding: base64",
    "Content-Disposition: attachment; filename=a.pdf",
)


def names(mail: Mail) -> list[tuple[str | None, str, str]]:
    """Name, path and disposition of each file."""
    return [(file.name, file.path, file.disposition) for file in mail.files]


def test_a_usual_mail() -> None:
    """Alternatives beside a picture, in a mixed with a file: each is found by the path of RFC 3501 6.4.5."""
    raw = parts("mixed", parts("alternative", PLAIN, parts("related", PAGE, PICTURE, boundary="r"), boundary="a"), PDF)
    read = read_mail(raw)
    assert (read.text, read.html, read.flags) == ("words", "<p>words</p>", ["no_date"])
    assert names(read) == [(None, "1.2.2", "inline"), ("a.pdf", "2", "attachment")]
    assert (open_file(raw, "1.2.2"), open_file(raw, "2")) == (b"\x89PNG\r\n\x1a\n", b"%PDF-")
    assert read.files[0].content_id == "pic@x"


@pytest.mark.parametrize("path", ["", "0", "3", "1", "1.2", "1.2.2.1", "2.u1", "u1", "x", "1.2.2 "])
def test_a_path_that_leads_nowhere(path: str) -> None:
    """Only paths of the mail's own parts open anything."""
    raw = parts("mixed", parts("alternative", PLAIN, parts("related", PAGE, PICTURE, boundary="r"), boundary="a"), PDF)
    with pytest.raises(KeyError):
        open_file(raw, path)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_all_systems(end: str) -> None:
    """The same mail in LF, CRLF and bare CR reads the same."""
    raw = b"Subject: x\n" + parts("mixed", part("text/plain", "one\ntwo"), PDF)
    read = read_mail(raw.replace(b"\n", end.encode()))
    assert (read.subject, read.text, names(read)) == ("x", "one\ntwo", [("a.pdf", "2", "attachment")])


def test_line_ends_that_are_mixed() -> None:
    """A header in CRLF, delimiters in LF, a body with bare CRs, doubled CRs of a broken gateway."""
    head = b"Subject: x\r\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    raw = head + b"--b\n\r\none\rtwo\n--b\r\n\r\nthree\r\n--b--\r\n"
    read = read_mail(raw)
    assert (read.subject, read.text) == ("x", "one\ntwo\nthree")


@pytest.mark.parametrize(
    "before", [b"From ann@a.example  Sun Jun 16 17:50:14 2013\n", b"\xef\xbb\xbf", b"\r\n\r\n", b">From x\n"]
)
def test_what_stands_before_a_mail(before: bytes) -> None:
    """The line of an mbox, a byte order mark, blank lines: leftovers of what held the mail, and no flaw of it."""
    read = read_mail(before + b"Subject: x\nDate: Fri, 13 Feb 2026 22:38:16 +0100\n\nwords")
    assert (read.subject, read.text, read.flags) == ("x", "words", [])


@pytest.mark.parametrize(
    ("raw", "subject", "text"),
    [
        (b"", None, ""),
        (b"just words\nand more: words\n", None, "just words\nand more: words\n"),
        (b"\n\nwords", None, "\nwords"),
        (b"Subject: x", "x", ""),
        (b"Subject: x\nwords without a blank line\nmore", "x", "words without a blank line\nmore"),
        (b"Subject: x\nnot a field\nDate: Fri, 13 Feb 2026 22:38:16 +0100\n\nwords", "x", "words"),
        (b"Subject: x\n \ny\n\nwords", "x", "y\n\nwords"),
        (b"Subject : x\n\nwords", "x", "words"),
        (b"SUBJECT:x\n\ty\n\nwords", "x y", "words"),
    ],
)
def test_headers_that_are_none(raw: bytes, subject: str | None, text: str) -> None:
    """No header, no body, no blank line between them, a line that is no field: the rest is read."""
    read = read_mail(raw)
    assert (read.subject, read.text) == (subject, text)


@pytest.mark.parametrize(
    ("raw", "flag"),
    [
        (parts("mixed", PLAIN, PDF, end=False), "truncated"),
        (parts("mixed", PLAIN, PDF).replace(b"boundary=b", b"boundary=wrong"), "bad_structure"),
        (parts("mixed", PLAIN, PDF).replace(b"; boundary=b", b""), "bad_structure"),
        (parts("mixed", PLAIN, PDF).replace(b"\n--b--", b"--b--"), "bad_structure"),
        (parts("mixed", PLAIN, PDF)[:-3] + b"\n", "bad_structure"),
        (parts("mixed", parts("mixed", PLAIN, boundary="i", end=False), PDF), "bad_structure"),
        (parts("mixed", parts("mixed", PLAIN, PDF)), "bad_structure"),
    ],
)
def test_delimiters_that_are_missing_or_wrong(raw: bytes, flag: str) -> None:
    """An end cut off, a boundary that is not the body's, an inner one unclosed or the same as the outer."""
    read = read_mail(raw)
    assert (read.text or "").strip() == "words"
    assert [file.name for file in read.files] == ["a.pdf"]
    assert flag in read.flags


def test_a_multipart_without_any_delimiter_is_words() -> None:
    """What nobody can take apart is shown as it stands."""
    read = read_mail(b"Content-Type: multipart/mixed\n\njust words")
    assert (read.text, read.flags) == ("just words", ["bad_structure", "no_date"])


def test_delimiters_are_whole_lines() -> None:
    """A longer line that begins alike is content; blanks behind a delimiter are not."""
    raw = b"Content-Type: multipart/mixed; boundary=b\n\n--b \t\n\n--bold\n --b\nx--b\n--b-- \nepilogue"
    assert read_mail(raw).text == "--bold\n --b\nx--b"


def test_a_digest_holds_mails() -> None:
    """Parts of a digest without a type are mails (RFC 2046 5.1.5), named by their subjects."""
    raw = parts("digest", b"\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe/x?=\n\nbody", b"\nSubject:\n\nbody")
    read = read_mail(raw)
    assert [(file.name, file.media_type) for file in read.files] == [
        ("Grüße-x.eml", "message/rfc822"),
        (None, "message/rfc822"),
    ]
    assert open_file(raw, "2") == b"Subject:\n\nbody"


def test_a_forwarded_mail_is_one_file() -> None:
    """Its parts are its own: the words and files in it are not the mail's."""
    raw = parts("mixed", PLAIN, part("message/rfc822", b"Subject: inner\n" + parts("mixed", PLAIN, PDF, boundary="i")))
    read = read_mail(raw)
    assert (read.text, names(read)) == ("words", [("inner.eml", "2", "attachment")])
    assert [report.media_type for report in read.reports] == ["message/rfc822"]


def test_limits_cut_and_say_so() -> None:
    """Parts, depth, ids, recipients and length end where the limit is; what was read until there stays."""
    limits = ReadLimits(parts=3, depth=2, ids=4, recipients=2, body_chars=5)
    deep = parts("mixed", parts("mixed", parts("mixed", PLAIN, boundary="k"), boundary="j"), boundary="i")
    assert "too_deep" in read_mail(deep, limits=limits).flags
    many = read_mail(parts("mixed", *[PLAIN] * 5), limits=ReadLimits(parts=3))
    assert (many.text, many.flags) == ("words\nwords\nwords", ["no_date", "too_many_parts"])
    header = (
        "References: " + " ".join(f"<{n}@x>" for n in range(9)),
        "To: a@x.example, b@x.example",
        "Cc: c@x.example",
    )
    read = read_mail(mail(*header, body="words and more"), limits=limits)
    assert read.references == ["0@x", "6@x", "7@x", "8@x"]
    assert ([box.address for box in read.to], read.cc, read.text) == (["a@x.example", "b@x.example"], [], "words")
    assert read.flags == ["no_date", "too_many_ids", "too_many_recipients", "truncated"]


def test_header_names_and_values_are_clean() -> None:
    """Decoded, on one line, without NUL or controls, whatever stood in them; raw bytes are read as what they are."""
    raw = b"X-A: one\n two\x00\nX-B: =?utf-8?Q?a=0D=0Ab?=\nSubject: Gr\xfc\xdfe\nX-C: \xd0\xaf\n\n"
    read = read_mail(raw)
    assert read.headers == [("x-a", "one two"), ("x-b", "ab"), ("subject", "Grüße"), ("x-c", "Я")]
    assert "bad_header" in read.flags


def test_a_raw_header_in_japanese_is_read() -> None:
    """ISO-2022-JP is seven bits wide: its escapes are no controls to be thrown away."""
    assert read_mail(b"Subject: " + "漢字".encode("iso2022_jp") + b"\n\n").subject == "漢字"


def test_a_file_name_is_decoded_once() -> None:
    """A name that looks like an encoded word after decoding is that name."""
    raw = part("image/png; name==?utf-8?Q?=3D=3Futf-8=3FQ=3Fx=3F=3D?=", "x")
    assert read_mail(raw).files[0].name == "=?utf-8?Q?x?="


def test_raw_bytes_of_a_header_are_read_by_the_charset_of_the_body() -> None:
    """A client that declares KOI8-R for its words wrote its subject in it, too."""
    raw = b"Subject: " + "заказ".encode("koi8-r") + b"\nContent-Type: text/plain; charset=koi8-r\n\n"
    assert read_mail(raw).subject == "заказ"
