"""What a program composes by the book is read as it was written."""

from __future__ import annotations

from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8, EmailPolicy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.email.reading import open_file, read_mail

ALPHABETS = {
    "utf-8": "aZ 09.,-äß漢字かなЖяمرש€🙂éñ",
    "us-ascii": "aZ 09.,-_~'",
    "iso-8859-1": "aZ 09äöüßéñÅø£",
    "iso-8859-15": "aZ 09äß€š",
    "iso-8859-2": "aZ 09łąęźćż",
    "windows-1250": "aZ 09łąęźćżř",
    "windows-1251": "aZ 09жЯщЫё",
    "windows-1252": "aZ 09ä€–’",
    "windows-1256": "aZ 09مرحبا",
    "koi8-r": "aZ 09жЯщЫё",
    "iso-2022-jp": "aZ 09漢字かなカ",
    "shift_jis": "aZ 09漢字かなカ",
    "euc-jp": "aZ 09漢字かなカ",
    "gb2312": "aZ 09汉字您好",
    "gb18030": "aZ 09汉字您好€",
    "big5": "aZ 09漢字您好",
    "euc-kr": "aZ 09한국어",
    "utf-7": "aZ 09äß漢字",
}
"""Per charset, what people write in it."""


def lines(alphabet: str) -> st.SearchStrategy[str]:
    """Lines of text without blanks at their ends, which headers do not keep."""
    return st.text(alphabet, max_size=40).map(lambda text: " ".join(text.split()))


def composed(charset: str, subject: str, name: str, text: str, *, policy: EmailPolicy[Any] = SMTP) -> EmailMessage:
    """A mail with its words in a charset; what no line of its own can hold is encoded."""
    mail = EmailMessage(policy=policy)
    mail["Subject"] = subject
    mail["From"] = Address(name, "ann", "x.example")
    mail["Date"] = datetime(2026, 2, 13, 22, 38, 16, tzinfo=UTC)
    mail["Message-ID"] = "<a@x.example>"
    mail.set_content(text, charset=charset, cte="base64" if charset == "utf-7" else None)
    return mail


@pytest.mark.parametrize("charset", ALPHABETS)
@settings(max_examples=15)
@given(st.data())
def test_words_in_any_charset_are_read(charset: str, data: st.DataObject) -> None:
    """Subject, sender and text come back, whatever the charset and however the headers were folded."""
    subject, name = data.draw(lines(ALPHABETS[charset])), data.draw(lines(ALPHABETS[charset]))
    text = "\n".join(data.draw(st.lists(lines(ALPHABETS[charset]), max_size=4)))
    policy = data.draw(st.sampled_from([SMTP, SMTPUTF8]))
    read = read_mail(composed(charset, subject, name, text, policy=policy).as_bytes())
    assert (read.subject, read.text) == (subject, text if text.endswith("\n") else f"{text}\n")
    assert [(box.name or "", box.address) for box in read.senders] == [(name, "ann@x.example")]
    assert (read.clean_from, read.message_id, read.flags) == (True, "a@x.example", [])


@settings(max_examples=40)
@given(st.binary(max_size=300), lines(ALPHABETS["utf-8"]).filter(bool), st.sampled_from(["attachment", "inline"]))
def test_files_come_back_byte_for_byte(content: bytes, name: str, disposition: str) -> None:
    """A file of any bytes and name, beside the two forms of the words."""
    mail = composed("utf-8", "x", "Ann", "words")
    mail.add_alternative("<p>wörds</p>", subtype="html")
    mail.add_attachment(content, maintype="image", subtype="png", filename=name, disposition=disposition)
    raw = mail.as_bytes()
    read = read_mail(raw)
    assert (read.text, read.html) == ("words\n", "<p>wörds</p>\n")
    assert [(file.name, file.size, file.disposition) for file in read.files] == [(name, len(content), disposition)]
    assert open_file(raw, read.files[0].path) == content


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("Fri, 13 Feb 2026 22:38:16 +0100", "2026-02-13T21:38:16+00:00"),
        ("Fri, 13 Feb 2026 22:38:16 +0100 (CET)", "2026-02-13T21:38:16+00:00"),
        ("13 Feb 2026 22:38 -0000", "2026-02-13T22:38:00+00:00"),
        ("Fri, 13 Feb 26 22:38:16 GMT", "2026-02-13T22:38:16+00:00"),
        ("Fri Feb 13 22:38:16 2026", "2026-02-13T22:38:16+00:00"),
        ("2026-02-13T22:38:16Z", "2026-02-13T22:38:16+00:00"),
        ("Fri, 13 Feb 2026 23:59:60 +0000", "2026-02-13T23:59:59+00:00"),
        ("Fri, 13 Feb 2026 22:38:16 +9999", "2026-02-13T22:38:16+00:00"),
        ("Fri, 31 Feb 2026 22:38:16 +0100", None),
        ("13 Feb 1850 22:38:16 +0100", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates(value: str, read: str | None) -> None:
    """RFC 5322 3.3 and 4.3, ISO 8601; what is no time of this age is none, and a mail says that it has none."""
    mail = read_mail(f"Date: {value}\n\n".encode())
    assert mail.sent_at == (datetime.fromisoformat(read) if read else None)
    assert ("no_date" in mail.flags) == (read is None)
