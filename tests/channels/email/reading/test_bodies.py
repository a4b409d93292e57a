"""Which parts are words, which are files, and which are for machines."""

from __future__ import annotations

import pytest

from channels.email.reading import open_file, read_mail
from tests.channels.email.reading.raw_mails import mail, part, parts

PLAIN = part("text/plain", "words")
PAGE = part("text/html", "<p>page</p>")
CALENDAR = part("text/calendar; method=REQUEST", "BEGIN:VCALENDAR\nEND:VCALENDAR")


def test_a_body_goes_on_after_a_picture() -> None:
    """Text, picture, text, as phones send it: one text, one file."""
    read = read_mail(
        parts("mixed", PLAIN, part("image/jpeg", "x", "Content-Disposition: inline; filename=a.jpg"), PLAIN)
    )
    assert (read.text, [file.name for file in read.files]) == ("words\nwords", ["a.jpg"])


def test_words_beside_html_are_not_lost() -> None:
    """A footer in plain text beside a page belongs to what is shown; the other form of the page does not."""
    read = read_mail(
        parts("mixed", parts("alternative", PLAIN, PAGE, boundary="a"), part("text/plain", "-- \nlist <l@x> & co"))
    )
    assert (read.text, read.html) == ("words\n-- \nlist <l@x> & co", "<p>page</p>")
    assert read.whole_html == "<p>page</p>\n<p>--<br>list &lt;l@x&gt; &amp; co</p>".replace("--<br>", "-- <br>")
    assert read_mail(parts("alternative", PLAIN, PAGE)).whole_html is None


@pytest.mark.parametrize(
    ("header", "shown", "file"),
    [
        ("Content-Disposition: attachment", False, True),
        ("Content-Disposition: attachment; filename=a.txt", False, True),
        ("Content-Disposition: ATTACHMENT;filename=a.txt", False, True),
        ("Content-Disposition: inline", True, False),
        ("Content-Disposition: inline; filename=a.txt", False, True),
        ("X-None: x", True, False),
    ],
)
def test_a_later_text_is_words_or_a_file(header: str, shown: bool, file: bool) -> None:
    """Behind the first part a text with a name is a file, and so is every attachment."""
    read = read_mail(parts("mixed", PLAIN, part("text/plain", "notes", header)))
    assert ("notes" in (read.text or ""), bool(read.files)) == (shown, file)


def test_a_named_text_that_opens_the_mail_is_both() -> None:
    """Its words are what the mail says, and its name is not lost."""
    read = read_mail(parts("mixed", part("text/plain", "words", "Content-Disposition: inline; filename=a.txt")))
    assert (read.text, [file.name for file in read.files]) == ("words", ["a.txt"])


def test_the_root_of_a_related_is_the_one_it_names() -> None:
    """RFC 2387 3.2: `start`; other texts in it are its files."""
    style = part("text/plain", "notes", "Content-ID: <n@x>")
    raw = parts("related", style, part("text/html", "<p>x</p>", "Content-ID: <root@x>"))
    read = read_mail(raw.replace(b"boundary=b", b'boundary=b; start="<root@x>"'))
    assert (read.html, read.text, [file.content_id for file in read.files]) == ("<p>x</p>", None, ["n@x"])


def test_reports_are_for_machines() -> None:
    """A delivery status and returned headers are no files; the returned mail is one."""
    status = part("message/delivery-status", "Final-Recipient: rfc822; a@x")
    read = read_mail(parts("report", PLAIN, status, part("text/rfc822-headers", "Subject: x")))
    assert ([report.media_type for report in read.reports], read.files, read.text) == (
        ["message/delivery-status", "text/rfc822-headers"],
        [],
        "words",
    )
    assert read.reports[0].content == b"Final-Recipient: rfc822; a@x"


def test_an_invitation_is_a_report_and_a_file() -> None:
    """Machines read its method, people open it."""
    read = read_mail(parts("alternative", PLAIN, CALENDAR))
    assert (read.reports[0].parameters, read.files[0].media_type) == ({"method": "REQUEST"}, "text/calendar")


def test_signed_mail_is_read_and_encrypted_mail_is_kept() -> None:
    """RFC 1847, RFC 8551, RFC 3156: the words of a signed mail; the file and a flag of an encrypted one."""
    signed = read_mail(parts("signed", PLAIN, part("application/pgp-signature; name=signature.asc", "x")))
    assert (signed.text, [file.name for file in signed.files], signed.flags) == (
        "words",
        ["signature.asc"],
        ["no_date"],
    )
    sealed = read_mail(
        parts("encrypted", part("application/pgp-encrypted", "Version: 1"), part("application/octet-stream", "x"))
    )
    assert ("encrypted" in sealed.flags, sealed.text, len(sealed.files)) == (True, None, 2)
    for kind, flag in (("enveloped-data", "encrypted"), ("signed-data", "signed_opaque")):
        opaque = read_mail(part(f"application/pkcs7-mime; smime-type={kind}; name=smime.p7m", "x"))
        assert (flag in opaque.flags, opaque.files[0].name) == (True, "smime.p7m")
    assert "encrypted" in read_mail(mail(body="-----BEGIN PGP MESSAGE-----\n\nx")).flags


def test_files_of_outlook_and_of_old_macintoshes() -> None:
    """winmail.dat stays a file; of an AppleDouble the data is one, its resources are not."""
    read = read_mail(parts("mixed", PLAIN, part("application/ms-tnef; name=winmail.dat", "x")))
    assert [file.name for file in read.files] == ["winmail.dat"]
    double = parts(
        "appledouble", part("application/applefile; name=a", "x"), part("image/jpeg; name=a.jpg", "y"), boundary="d"
    )
    assert [file.name for file in read_mail(parts("mixed", PLAIN, double)).files] == ["a.jpg"]


def test_alternatives_for_special_readers_are_skipped() -> None:
    """A newsletter's AMP page says what its HTML says."""
    read = read_mail(parts("alternative", PLAIN, part("text/x-amp-html", "<html amp>"), PAGE))
    assert (read.text, read.html, read.files) == ("words", "<p>page</p>", [])


@pytest.mark.parametrize(
    ("media_type", "text", "files"),
    [
        ("text/markdown", "words", 0),
        ("text/csv; name=a.csv", None, 1),
        ("application/pdf", None, 1),
        ("nonsense", "words", 0),
        ("text/html", None, 0),
        ("message/rfc822", None, 1),
    ],
)
def test_a_mail_of_one_part(media_type: str, text: str | None, files: int) -> None:
    """Text of any kind is words, and what has a name or is no text is a file at path 1."""
    raw = part(media_type, "words")
    read = read_mail(raw)
    assert (read.text, [file.path for file in read.files]) == (text, ["1"] * files)
    assert all(open_file(raw, file.path) == b"words" for file in read.files)


def test_uuencoded_files_are_taken_out_of_the_text() -> None:
    """Before MIME files stood in the words."""
    raw = mail(body="Look:\nbegin 644 a b.txt\n#0V%T\n`\nend\nDone")
    read = read_mail(raw)
    assert (read.text, [(file.name, file.size, file.path) for file in read.files]) == (
        "Look:\n\nDone",
        [("a b.txt", 3, "1.u1")],
    )
    assert open_file(raw, "1.u1") == b"Cat"
    assert read_mail(mail(body="begin 644 the day\nwith coffee\nend")).files == []


@pytest.mark.parametrize(
    ("encoding", "content", "text"),
    [
        ("BASE64", "R3LDvMOfZQ==", "Grüße"),
        ("base64", "R3LD\n vMOf\n ZQ", "Grüße"),
        ("base64 (x)", "R3LDvMOfZQ==", "Grüße"),
        ("base64", "R3LDvMOfZQ==\n_____\nfooter of a list", "Grüße"),
        ("base64", "R3LDvMOfZSBhdXMg!TcO8bm*NoZW4=", "Grüße aus München"),
        ("base64", "R3I=\nw7zDn2U=", "Grüße"),
        ("base64", "Just words, not encoded.", "Just words, not encoded."),
        ("base64", "Hello", "Hello"),
        ("quoted-printable", "Gr=C3=BC=c3=9Fe", "Grüße"),
        ("Quoted-Printable", "Gr=C3=BC= \n=C3=9Fe", "Grüße"),
        ("quoted-printable", "100 =% =XY a=b=", "100 =% =XY a=b"),
        ("8 bit", "Grüße", "Grüße"),
        ("", "Gr=C3=BC", "Gr=C3=BC"),
        ("x-unknown", "Grüße", "Grüße"),
        ("x-uuencode", "begin 644 x\n#0V%T\n`\nend\n", "Cat"),
    ],
)
def test_transfer_encodings(encoding: str, content: str, text: str) -> None:
    """RFC 2045 6 in any case, with blanks, garbage, footers and lost ends; words that are none of it stay."""
    raw = part("text/plain; charset=utf-8", content, f"Content-Transfer-Encoding: {encoding}")
    assert read_mail(raw).text == text


@pytest.mark.parametrize(
    ("parameters", "content", "text"),
    [
        ("format=flowed", "one \ntwo\nthree", "one two\nthree"),
        ("format=Flowed; delsp=yes", "東 \n京", "東京"),
        ("format=flowed", "> one \n> two\n>> three\nfour", "> one two\n>> three\nfour"),
        ("format=flowed", "> one \ntwo", "> one \ntwo"),
        ("format=flowed", " From me\n >no quote", "From me\n>no quote"),
        ("format=flowed", "bye \n-- \nAnn", "bye \n-- \nAnn"),
        ("format=fixed", "one \ntwo", "one \ntwo"),
    ],
)
def test_flowed_text(parameters: str, content: str, text: str) -> None:
    """RFC 3676: soft breaks go, quotes keep their depth, stuffing goes, the signature's line stays."""
    assert read_mail(part(f"text/plain; charset=utf-8; {parameters}", content)).text == text


def test_text_holds_nothing_no_database_takes() -> None:
    """NUL and controls go, line ends are line feeds, a page in an undeclared charset is read by its own word."""
    assert read_mail(mail(body="a\0b\x1bc\r\nd\re")).text == "abc\nd\ne"
    page = part("text/html", b'<meta charset="windows-1251">' + "Привет".encode("cp1251"))
    assert (read_mail(page).html or "").endswith("Привет")
