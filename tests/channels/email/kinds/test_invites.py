"""Invitations to calendars, as one line for people."""

from __future__ import annotations

from datetime import UTC, date, datetime

import msgspec
import pytest

from channels.email.kinds import Invite, read_invite
from channels.email.mail import Mail, Mailbox, ReportPart
from tests.channels.email.kinds.mails import make_mail

HEAD = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\n"
ZONE = """BEGIN:VTIMEZONE\r\nTZID:W. Europe Standard Time\r\nBEGIN:STANDARD\r\nDTSTART:16010101T030000\r
TZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nRRULE:FREQ=SECONDLY\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"""
EVENT = """BEGIN:VEVENT\r
UID:1@client.example\r
SUMMARY;LANGUAGE=en:Fitting\\, second\r
  try\r
DTSTART;TZID="W. Europe Standard Time":20260302T100000\r
DTEND;TZID="W. Europe Standard Time":20260302T110000\r
LOCATION:Shop 2\r
ORGANIZER;CN="Ann, Client":mailto:ann@client.example\r
BEGIN:VALARM\r
SUMMARY:Reminder\r
END:VALARM\r
END:VEVENT\r
BEGIN:VEVENT\r
SUMMARY:Another\r
END:VEVENT\r
"""


def invited(calendar: str, **parameters: str) -> Mail:
    """A mail with this calendar."""
    part = ReportPart(media_type="text/calendar", parameters=parameters, content=calendar.encode())
    return msgspec.structs.replace(make_mail(), reports=[part])


def read(event: str, method: str = "") -> Invite | None:
    """The invitation with these lines of an event."""
    return read_invite(
        invited(f"{HEAD}BEGIN:VEVENT\r\n{event}\r\nEND:VEVENT\r\n", **({"method": method} if method else {}))
    )


def test_an_invitation_is_read() -> None:
    """Folded lines, escapes, Windows' names of zones, and a second event that is not the one."""
    invite = read_invite(invited(f"{HEAD}{ZONE}{EVENT}END:VCALENDAR\r\n"))
    assert invite is not None
    assert (invite.method, invite.summary, invite.location) == ("REQUEST", "Fitting, second try", "Shop 2")
    assert isinstance(invite.starts, datetime)
    assert invite.starts.astimezone(UTC) == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert invite.organizer == Mailbox(address="ann@client.example", name="Ann, Client")
    assert (invite.uid, invite.repeats) == ("1@client.example", False)


def test_an_invitation_is_a_line_for_people() -> None:
    """The timeline shows what, when, where and by whom."""
    invite = read_invite(invited(f"{HEAD}{EVENT}"))
    assert invite is not None
    assert invite.words == (
        "Invitation: Fitting, second try (2026-03-02 10:00 +0100 to 2026-03-02 11:00 +0100), Shop 2, "
        "by Ann, Client <ann@client.example>"
    )
    assert Invite(method="CANCEL").words == "Cancelled: no title"


@pytest.mark.parametrize(
    ("lines", "starts", "ends"),
    [
        ("DTSTART:20260302T100000Z\r\nDURATION:PT90M", "2026-03-02 10:00 +0000", "2026-03-02 11:30 +0000"),
        ("DTSTART;VALUE=DATE:20260302\r\nDTEND;VALUE=DATE:20260303", "2026-03-02", "2026-03-03"),
        ("DTSTART:20260302T100000", "2026-03-02 10:00", None),
        ("DTSTART;TZID=Nowhere/Atall:20260302T100000", "2026-03-02 10:00", None),
        ("DTSTART:99999999T999999Z\r\nDTEND:20260302T100000Z", None, "2026-03-02 10:00 +0000"),
        ("DTSTART:20260302T100000Z\r\nDURATION:P99999999W", "2026-03-02 10:00 +0000", None),
    ],
)
def test_times_are_read_as_far_as_they_are_known(lines: str, starts: str | None, ends: str | None) -> None:
    """Whole days, local times, durations; what is no time is left out, and the rest stays."""
    invite = read(lines)
    assert invite is not None
    told = [each for each in (starts, ends) if each]
    assert invite.words == f"Invitation: no title ({' to '.join(told)})"
    if starts and len(starts) == 10:
        assert type(invite.starts) is date


def test_the_method_is_that_of_the_part() -> None:
    """The header's method counts before the calendar's; without any it is a calendar somebody attached."""
    answer = read("SUMMARY:x", method="reply")
    assert answer is not None
    assert answer.method == "REPLY"
    assert read_invite(invited(f"BEGIN:VCALENDAR\r\n{EVENT}")) is None
    assert read("SUMMARY:x", method="drop table") is None
    assert read_invite(make_mail()) is None


def test_series_are_told_and_not_unfolded() -> None:
    """A rule without end is one word of the invitation."""
    invite = read("SUMMARY:x\r\nDTSTART:20260302T100000Z\r\nRRULE:FREQ=SECONDLY;COUNT=999999999")
    assert invite is not None
    assert invite.repeats


@pytest.mark.parametrize(
    "calendar",
    [
        "",
        "\x00\xff",
        HEAD,
        HEAD + "BEGIN:VEVENT\r\n" * 20_000,
        HEAD + "BEGIN:VEVENT\r\n" + "SUMMARY:x\r\n" * 20_000,
        HEAD + "BEGIN:VEVENT\r\nSUMMARY;" + "X=a;" * 60_000,
        HEAD + 'BEGIN:VEVENT\r\nSUMMARY;X="' + '"' * 200_000,
        HEAD + "BEGIN:VEVENT\r\nSUMMARY:" + "\r\n " * 80_000 + "x",
        HEAD + "BEGIN:VEVENT\r\nORGANIZER;CN=" + "\\" * 100_000 + ":mailto:x",
        HEAD + "BEGIN:VEVENT\r\nDTSTART;TZID=../../../etc/passwd:20260302T100000\r\n",
        HEAD + "BEGIN:VEVENT\r\nDTSTART;TZID=" + "a" * 100_000 + ":20260302T100000\r\n",
        HEAD + ZONE * 1_000 + EVENT,
    ],
)
def test_hostile_calendars_are_read_or_not_but_end(calendar: str) -> None:
    """Nothing a stranger writes makes the reader fail or the line long."""
    invite = read_invite(invited(calendar))
    assert invite is None or len(invite.words) < 2_000
