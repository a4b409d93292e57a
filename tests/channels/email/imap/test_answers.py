"""What servers answer, in the shapes they use, and what is never taken for an answer."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from channels.email.imap.answers import (
    Fetched,
    Lines,
    quote_server,
    read_code,
    read_fetched,
    read_found,
    read_next_uid,
    read_validity,
    write_day,
    write_name,
    write_quoted,
)

DONE = b"Fetch completed (0.001 + 0.000 secs)."


def test_a_mail_is_its_literal() -> None:
    """What stands in a mail is no answer of the server, whatever it looks like."""
    body = b"* 2 FETCH (UID 9 BODY[] {3}\r\nabc)"
    lines: Lines = [b"1 FETCH (UID 7 BODY[] {33}", bytearray(body), b")", DONE]
    assert read_fetched(lines) == {7: Fetched(7, body=body)}


def test_several_mails_are_told_apart() -> None:
    """Items may stand in any order, before the literal and behind it."""
    lines: Lines = [
        b"1 FETCH (BODY[] {1}", bytearray(b"a"), b" UID 7)",
        b"2 FETCH (UID 8 BODY[] {0}", bytearray(b""), b")", DONE,
    ]  # fmt: skip
    assert {uid: one.body for uid, one in read_fetched(lines).items()} == {7: b"a", 8: b""}


def test_sizes_and_arrivals_are_read() -> None:
    """The date has its zone; a day of one digit is padded with a space."""
    lines = [b'1 FETCH (UID 7 RFC822.SIZE 2048 INTERNALDATE " 2-Nov-2026 10:00:00 +0200")', DONE]
    arrived = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
    assert read_fetched(lines) == {7: Fetched(7, size=2048, arrived_at=arrived)}


def test_a_date_nobody_can_read_is_none() -> None:
    """It keeps no mail from being fetched."""
    assert read_fetched([b'1 FETCH (UID 7 INTERNALDATE "yesterday")', DONE])[7].arrived_at is None


@pytest.mark.parametrize(
    "told", [b"1 FETCH (FLAGS (\\Seen))", b"1 FETCH (UID 7 FLAGS (\\Seen \\Deleted))", b"1 FETCH (MODSEQ (12))"]
)
def test_flags_set_by_others_are_no_mails(told: bytes) -> None:
    """They are told between our answers, and change nothing in them, whether they come before or after."""
    mail: list[bytes | bytearray] = [b"1 FETCH (UID 7 BODY[] {1}", bytearray(b"a"), b")"]
    for lines in ([told, *mail, DONE], [*mail, told, DONE]):
        assert read_fetched(lines)[7].body == b"a"


def test_a_short_mail_may_stand_in_quotes() -> None:
    """RFC 3501 lets a server choose; of a mail that is gone it says NIL, which is no mail."""
    lines = [b'1 FETCH (UID 7 BODY[] "a \\"b\\" \\\\")', b"2 FETCH (UID 8 BODY[] NIL)", DONE]
    assert {uid: one.body for uid, one in read_fetched(lines).items()} == {7: b'a "b" \\', 8: None}


def test_numbers_in_the_last_line_are_not_found() -> None:
    """The tagged text of a search holds numbers in some servers."""
    assert read_found([b"4 2 3", b"12", b"1 2 3"]) == [2, 3, 4, 12]
    assert read_found([b"", b"Search completed (0.001 + 0.000 secs)."]) == []


def test_a_folder_tells_how_it_is_numbered() -> None:
    """Of a SELECT the two numbers count that a place is made of."""
    lines = [b"OK [UIDVALIDITY 3857529045] UIDs valid", b"OK [UIDNEXT 4392] next", b"3 EXISTS", b"[READ-WRITE] done"]
    assert (read_validity(lines), read_next_uid(lines)) == (3857529045, 4392)
    assert (read_validity([b"x"]), read_next_uid([])) == (None, None)


def test_what_the_server_says_is_cut_and_clean() -> None:
    """One line of printable words, without a secret of ours that it may say back."""
    lines = [b"first", b"[AUTHENTICATIONFAILED] no\r\n\x1b[31m hunter2 " + b"x" * 500]
    said = quote_server(lines, secrets=["hunter2", None])
    assert said.startswith("[AUTHENTICATIONFAILED] no")
    assert len(said) <= 200
    assert not any(word in said for word in ("hunter2", "\x1b", "\n"))
    assert (read_code(lines), read_code([b"no code"]), quote_server([], secrets=[])) == (
        "AUTHENTICATIONFAILED", None, "nothing",
    )  # fmt: skip


# RFC 3501 5.1.3 has the Chinese and Japanese one, and the ampersand.
@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("INBOX", '"INBOX"'),
        ("~peter/mail/台北/日本語", '"~peter/mail/&U,BTFw-/&ZeVnLIqe-"'),
        ("Fish & Chips", '"Fish &- Chips"'),
        ('a "quote" \\', '"a \\"quote\\" \\\\"'),
        ("Gelöscht", '"Gel&APY-scht"'),
        ("📬", '"&2D3c7A-"'),
    ],
)
def test_folders_are_named_as_imap_wants(name: str, written: str) -> None:
    """Modified UTF-7 in quotes."""
    assert write_name(name) == written


def test_words_are_quoted() -> None:
    """So that no user name ends the string it stands in."""
    assert write_quoted('a"b\\c') == '"a\\"b\\\\c"'


def test_days_are_in_english() -> None:
    """Whatever language the machine speaks."""
    assert write_day(datetime(2026, 3, 5, tzinfo=UTC)) == "5-Mar-2026"
