"""Finds where in a mail the words of others stand: quoted runs with what introduces them, and older mails whole."""

from __future__ import annotations

from enum import Enum, auto

import msgspec

from channels.email.quoting.attribution import COLONS, Weight, find_attribution, find_inner_attribution
from channels.email.quoting.delimiters import Delimiter, find_headers, read_delimiter, read_role, read_title
from channels.email.quoting.lines import QUOTATIONS, Lines, Mark, is_rule


class Kind(Enum):
    """Whose a line is."""

    BLANK = auto()
    WORDS = auto()
    INTRODUCTION = auto()
    QUOTE = auto()


class Ending(Enum):
    """What begins where the reading ends."""

    NOTHING = auto()
    FORWARD = auto()  # a mail passed on, which says so
    LETTER = auto()  # an older mail with its headers: replied to or, if nobody added a word, passed on
    ATTRIBUTED = auto()  # an older mail that only an attribution tells, and that may hide an answer beneath it


class Scan(msgspec.Struct):
    """`kinds` of the lines before `end`; from there on all is what `ending` says."""

    kinds: list[Kind]
    end: int
    ending: Ending = Ending.NOTHING


class Found(msgspec.Struct):
    """Something that lines `start` to `end` say; `ending` is what follows if no quoted line does."""

    start: int
    end: int
    ending: Ending


def scan_lines(lines: Lines) -> Scan:
    """Reads from above to where all the rest is an older mail. Each line is looked at a bounded number of times."""
    kinds: list[Kind] = []
    at, floor = 0, 0
    while (at := len(kinds)) < len(lines.texts):
        if not lines.texts[at]:
            kinds.append(Kind.BLANK)
            continue
        quoted = _is_quoted(lines, at, kinds)
        found = _read_quoted(lines, at, kinds) if quoted else _read_words(lines, at, floor)
        if found is None:
            kinds.append(Kind.QUOTE if quoted else Kind.WORDS)
            while quoted and len(kinds) < len(lines.marks) and lines.marks[len(kinds)] is Mark.CITED:
                kinds.append(Kind.QUOTE)
        elif found.ending is Ending.FORWARD or not lines.quotes_at(found.end):
            return _finish(lines, found, kinds)
        else:
            kinds[found.start :] = [Kind.INTRODUCTION] * (found.end - found.start)
        floor = len(kinds) if kinds[-1] is not Kind.WORDS else floor
    return Scan(kinds, len(kinds))


def _is_quoted(lines: Lines, at: int, kinds: list[Kind]) -> bool:
    mark = lines.marks[at]
    if mark is Mark.INDENTED:
        return _before(kinds) in {Kind.INTRODUCTION, Kind.QUOTE}
    return mark is Mark.CITED


def _before(kinds: list[Kind]) -> Kind | None:
    """The kind of the last line that is not blank. Indented lines ask, so blanks are stepped over one run at a time."""
    at = len(kinds) - 1
    while at >= 0 and kinds[at] is Kind.BLANK:
        at -= 1
    return kinds[at] if at >= 0 else None


def _read_quoted(lines: Lines, at: int, kinds: list[Kind]) -> Found | None:
    """A quoted run that nothing introduces and that begins as a mail passed on is one."""
    if kinds and kinds[-1] is Kind.QUOTE:
        return None
    inner = lines.texts[at].lstrip("> ＞")
    if inner and read_delimiter(inner) is Delimiter.FORWARD and _before(kinds) not in {Kind.INTRODUCTION, Kind.QUOTE}:
        return Found(at, at + 1, Ending.FORWARD)
    return None


def _read_words(lines: Lines, at: int, floor: int) -> Found | None:
    mark, text = lines.marks[at], lines.texts[at]
    if mark is Mark.FORWARDED:
        return Found(at, at + 1, Ending.FORWARD)
    if mark is Mark.ENDING:
        return Found(at, at + 1, Ending.LETTER)
    return _read_delimited(lines, at, text) or _read_headers(lines, at, text) or _read_attributed(lines, at, floor)


def _read_delimited(lines: Lines, at: int, text: str) -> Found | None:
    match read_delimiter(text):
        case Delimiter.FORWARD:
            return Found(at, at + 1, Ending.FORWARD)
        case Delimiter.ORIGINAL:
            below = lines.after_blanks(at + 1)
            end = find_headers(lines, below) if below < len(lines.texts) and read_role(lines.texts[below]) else None
            return Found(at, end or at + 1, Ending.LETTER)
    return None


def _read_headers(lines: Lines, at: int, text: str) -> Found | None:
    if read_role(text) is None or (end := find_headers(lines, at)) is None:
        return None
    above = lines.before_blanks(at)
    if above >= 0 and read_title(lines.texts[above]) is Delimiter.FORWARD:
        return Found(above, end, Ending.FORWARD)
    return Found(at, end, Ending.LETTER)


def _read_attributed(lines: Lines, at: int, floor: int) -> Found | None:
    """An attribution that ends here. Few lines end like one, so few are looked at closely.

    One that words stand before on its line (in HTML; plain lines are cut there) stays with the words.
    """
    text = lines.texts[at]
    ends = text[-1] in COLONS or text[:2] == "--" == text[-2:]
    quoted = lines.quotes_at(at + 1) if ends else _quoted_next(lines, at)
    if not ends and not quoted:
        return None
    if find_inner_attribution(text):
        return None
    start, weight = find_attribution(lines, at, floor)
    if weight is Weight.SURE or (weight is Weight.FAIR and quoted):
        return Found(start, at + 1, Ending.ATTRIBUTED)
    return Found(at, at + 1, Ending.ATTRIBUTED) if quoted and lines.marks[at] is Mark.INTRODUCING else None


def _quoted_next(lines: Lines, at: int) -> bool:
    """As `quotes_at`, over one blank line at most: it is asked for every line."""
    following = lines.marks[at + 1 : at + 3]
    return bool(QUOTATIONS.intersection(following)) and lines.quotes_at(at + 1)


def _finish(lines: Lines, found: Found, kinds: list[Kind]) -> Scan:
    """The end lies above the line or the title that stands over the older mail."""
    end = found.start
    above = lines.before_blanks(end)
    while above >= 0 and lines.marks[above] not in QUOTATIONS and _crowns(lines.texts[above]):
        end = above
        above = lines.before_blanks(end)
    return Scan(kinds[:end], end, found.ending)


def _crowns(text: str) -> bool:
    return is_rule(text) or (read_title(text) is Delimiter.ORIGINAL and len(text.split()) > 1)
