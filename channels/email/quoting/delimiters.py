"""Lines that part mails: "-----Original Message-----", "Begin forwarded message:", and blocks of headers."""

from __future__ import annotations

import re
from enum import Enum, auto

import msgspec

from channels.email.quoting.attribution import TIME
from channels.email.quoting.lines import Lines
from channels.email.quoting.words import BEGINS, FORWARDED_BY, FORWARDS, HEADERS, LONGEST_HEADER, ORIGINALS


class Delimiter(Enum):
    """Whether what follows is the mail replied to, or one passed on."""

    ORIGINAL = auto()
    FORWARD = auto()


STROKES = "-_=*—–─━ \t"
LONGEST_DELIMITER = 160  # characters
ZONE = re.compile(r"[+-]\d{4}\b")  # of RFC 5322, 3.3
MOST_BLOCK_LINES = 24
MOST_CONTINUATIONS = 6  # lines a header of many recipients may go on for


def read_delimiter(text: str) -> Delimiter | None:
    """What a line with strokes around it says, and those that Apple's clients write without."""
    if len(text) > LONGEST_DELIMITER:
        return None
    if text.lstrip("* ")[:2].strip(STROKES) == "":
        core = text.strip(STROKES).casefold()
        return _named(core) or (Delimiter.FORWARD if core.startswith(FORWARDED_BY) else None)
    return Delimiter.FORWARD if text[-1] in ":：" and name_of(text) in BEGINS else None


def name_of(text: str) -> str:
    """A title without its ornaments, in lower case."""
    return text.strip(STROKES + ":：").casefold()


def _named(core: str) -> Delimiter | None:
    core = core.rstrip(" :：")
    if core in FORWARDS:
        return Delimiter.FORWARD
    return Delimiter.ORIGINAL if core in ORIGINALS else None


def read_title(text: str) -> Delimiter | None:
    """What a line says that stands without strokes right above a block of headers."""
    return _named(name_of(text)) if len(text) <= LONGEST_DELIMITER else None


class Block(msgspec.Struct):
    """Headers found one under the other: the roles of HEADERS, and what speaks for a mail's own."""

    roles: set[str]
    addressed: bool = False
    timed: bool = False
    zoned: bool = False

    def add(self, role: str, text: str) -> None:
        """Takes in a header."""
        self.roles.add(role)
        if role == "date":
            self.timed = self.timed or TIME.search(text[:LONGEST_DELIMITER]) is not None
            self.zoned = self.zoned or ZONE.search(text[:LONGEST_DELIMITER]) is not None

    def is_mail(self) -> bool:
        """A booking and an error report have from, to and a date as well: a mail has an address, and a time or a
        subject, or all four."""
        if self.roles >= {"from", "date", "to", "subject"}:
            return True
        if self.roles >= {"from", "subject"} and self.roles & {"date", "to"}:
            return self.addressed or self.timed
        if self.roles >= {"from", "date"}:
            return self.addressed and self.timed
        return self.addressed and self.zoned and "to" in self.roles


def find_headers(lines: Lines, start: int) -> int | None:
    """The line after the block of headers that begins at `start`; None if there is none."""
    block, end, gaps = Block(roles=set()), start, 0
    for at in range(start, min(start + MOST_BLOCK_LINES, len(lines.texts))):
        text = lines.texts[at]
        role = read_role(text)
        if role is None:
            gaps += 1
            if _is_over(lines, at, gaps):
                break
        else:
            gaps, end = 0, at + 1
            block.add(role, text)
        block.addressed = block.addressed or "@" in text
    return end if block.is_mail() else None


def _is_over(lines: Lines, at: int, gaps: int) -> bool:
    """A blank line ends the block unless the next line is a header again; long headers go on over some lines."""
    if lines.texts[at]:
        return gaps > MOST_CONTINUATIONS
    following = lines.after_blanks(at)
    return following == len(lines.texts) or following > at + 1 or read_role(lines.texts[following]) is None


def read_role(text: str) -> str | None:
    """What a line's header is about: "from", "date", "to", "copy", "subject", "extra"; None if it is no header."""
    head = text[: LONGEST_HEADER + 1]
    colon = head.find(":")
    if colon < 0:
        colon = head.find("：")
    return HEADERS.get(head[:colon].strip("* _>\t").casefold()) if colon > 0 else None
