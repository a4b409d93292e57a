"""Calendar invitations in mails (iMIP, RFC 6047; iCalendar, RFC 5545): enough for a line in the timeline. Pure.

Values are decoded by the library `icalendar`, which knows time zones by the names Windows gives them too. It is only
shown the few lines we want of the first event: whole calendars can hold rules that take for ever to unfold.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from icalendar import Event as CalendarEvent

from channels.email.mail import Mail, Mailbox, ReportPart

CALENDARS = frozenset({"text/calendar", "application/ics"})
MAX_CALENDAR_BYTES = 262_144
MAX_LINE_CHARS = 2_000
MAX_TEXT_CHARS = 300
WANTED = frozenset({"SUMMARY", "DTSTART", "DTEND", "DURATION", "ORGANIZER", "LOCATION", "UID", "STATUS"})
METHODS = frozenset({"PUBLISH", "REQUEST", "REPLY", "ADD", "CANCEL", "REFRESH", "COUNTER", "DECLINECOUNTER"})
TITLES = {
    "REQUEST": "Invitation",
    "CANCEL": "Cancelled",
    "REPLY": "Answer to an invitation",
    "COUNTER": "Other time proposed",
    "DECLINECOUNTER": "Other time declined",
    "REFRESH": "Asks for the invitation again",
}


class Invite(msgspec.Struct, kw_only=True, frozen=True):
    """One event of a calendar. A start without a time of day is a whole day, and `ends` is then the day after the last.

    A time without an offset is local to wherever the sender was: the zone it names is not known.
    """

    method: str
    summary: str | None = None
    starts: datetime | date | None = None
    ends: datetime | date | None = None
    organizer: Mailbox | None = None
    location: str | None = None
    uid: str | None = None
    repeats: bool = False

    @property
    def words(self) -> str:
        """One line for people: `Invitation: Fitting (2026-03-01 10:00 +0100), Shop 2, by Ann <ann@shop.example>`."""
        when = " to ".join(_show_moment(each) for each in (self.starts, self.ends) if each is not None)
        told = [f"{TITLES.get(self.method, 'Event')}: {self.summary or 'no title'}{f' ({when})' if when else ''}"]
        if self.location:
            told.append(self.location)
        if self.organizer:
            by = self.organizer
            told.append(f"by {by.name} <{by.address}>" if by.name else f"by {by.address}")
        return ", ".join(told)


def read_invite(mail: Mail) -> Invite | None:
    """The first invitation of a mail; None where there is none, or none that can be read."""
    for part in mail.reports:
        if part.media_type in CALENDARS:
            lines = _unfold_lines(part.content)
            method = _find_method(part, lines)
            event = _first_event(lines)
            if method and event:
                return _read_event(method, event)
    return None


def _show_moment(moment: datetime | date) -> str:
    return moment.strftime("%Y-%m-%d %H:%M %z").strip() if isinstance(moment, datetime) else moment.isoformat()


def _unfold_lines(content: bytes) -> list[str]:
    """The logical lines (RFC 5545 3.1); one longer than we show is cut."""
    lines: list[str] = []
    for line in content[:MAX_CALENDAR_BYTES].decode("utf-8", "replace").splitlines():
        if line[:1] in (" ", "\t") and lines:
            if len(lines[-1]) < MAX_LINE_CHARS:
                lines[-1] += line[1 : MAX_LINE_CHARS + 1]
        else:
            lines.append(line[:MAX_LINE_CHARS])
    return lines


def _find_method(part: ReportPart, lines: list[str]) -> str | None:
    """The method by the part's header or the calendar; without one it is a calendar somebody attached."""
    written = (line.partition(":")[2] for line in lines if line.upper().startswith("METHOD:"))
    method = (part.parameters.get("method") or next(written, "")).strip().upper()
    return method if method in METHODS else None


def _first_event(lines: list[str]) -> list[str]:
    """The lines of the first VEVENT that we read, the first of each name; nothing of alarms inside it."""
    kept: dict[str, str] = {}
    depth: list[str] = []
    for line in lines:
        name, _, kind = line.partition(":")
        if name.upper() == "BEGIN":
            depth.append(kind.strip().upper())
        elif name.upper() == "END":
            if depth[-1:] == ["VEVENT"]:
                break
            depth = depth[:-1]
        elif depth[-1:] == ["VEVENT"]:
            property_name = line.replace(";", ":").partition(":")[0].upper()
            kept.setdefault(property_name, line)
    return [line for name, line in kept.items() if name in WANTED or name == "RRULE"]


def _read_event(method: str, lines: list[str]) -> Invite:
    repeats = any(line.upper().startswith("RRULE") for line in lines)
    wanted = [line for line in lines if not line.upper().startswith("RRULE")]
    values = {name: value for line in wanted for name, value in _decode_line(line)}
    starts = _moment(values.get("DTSTART"))
    return Invite(
        method=method,
        summary=_plain(values.get("SUMMARY")),
        starts=starts,
        ends=_moment(values.get("DTEND")) or _add_duration(starts, values.get("DURATION")),
        organizer=_organizer(values.get("ORGANIZER")),
        location=_plain(values.get("LOCATION")),
        uid=_plain(values.get("UID")),
        repeats=repeats,
    )


def _decode_line(line: str) -> list[tuple[str, Any]]:
    """The value of one property as the library has it; none for one it cannot read."""
    try:
        event = CalendarEvent.from_ical(f"BEGIN:VEVENT\r\n{line}\r\nEND:VEVENT\r\n")
        return [(name.upper(), value) for name, value in event.items()]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError):
        return []


def _moment(value: Any) -> datetime | date | None:
    moment = _inside(value, "dt")
    return moment if isinstance(moment, date) else None


def _add_duration(starts: datetime | date | None, value: Any) -> datetime | date | None:
    length = _inside(value, "dt")
    try:
        return starts + length if starts and isinstance(length, timedelta) else None
    except OverflowError:
        return None


def _organizer(value: Any) -> Mailbox | None:
    address = (_plain(value) or "").removeprefix("mailto:").removeprefix("MAILTO:")
    name = _plain(_inside(value, "params", {}).get("CN"))
    return Mailbox(address=address, name=name) if "@" in address else None


def _plain(value: Any) -> str | None:
    """A text on one line, of a length that can be shown."""
    return " ".join(str(value).split())[:MAX_TEXT_CHARS] or None if value is not None else None


def _inside(value: Any, name: str, default: Any = None) -> Any:
    """A field of the library's value; the default for one it could not read, which fails on being asked."""
    try:
        return getattr(value, name, default)
    except ValueError:
        return default
