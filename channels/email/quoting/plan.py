"""Decides for every line of a mail whether it is new, quoted or signature."""

from __future__ import annotations

from enum import Enum, auto

import msgspec

from channels.email.quoting.lines import Lines, Mark
from channels.email.quoting.scan import Ending, Kind, Scan, scan_lines
from channels.email.quoting.signature import find_signature


class Place(Enum):
    """Where a line goes."""

    NEW = auto()
    QUOTED = auto()
    SIGNATURE = auto()


class Plan(msgspec.Struct):
    """A place for every line, and whether a mail passed on is among the new ones."""

    places: list[Place]
    forwarded: bool = False


class Stretch(msgspec.Struct):
    """Lines from `start` to `end` of one kind: words, of which those from `signed` on are a signature, or a quote."""

    start: int
    end: int
    is_words: bool
    signed: int

    @property
    def has_words(self) -> bool:
        """Whether somebody says something here, beyond a signature."""
        return self.is_words and self.signed > self.start


def plan_lines(lines: Lines, *, forward: bool = False) -> Plan:
    """Gives each line its place.

    Quotes with answers between them stay where they are, with all above the last answer: whoever answers line by
    line is not understood without the lines. So does a quote without an attribution that words follow, for somebody
    chose it. A whole quoted mail is taken away, be the answer above it, beneath it, or both. An older mail with
    nothing written above it is one passed on, or hides its answer, and stays; `forward` says that the subject marks
    the mail as passed on.
    """
    scan = scan_lines(lines)
    stretches = _stretch(lines, scan)
    kept = _last_kept(lines, stretches, scan)
    places = [Place.NEW] * len(lines.texts)
    for number, stretch in enumerate(stretches):
        if stretch.is_words and number >= kept:
            _assign(places, stretch.signed, stretch.end, place=Place.SIGNATURE)
        elif number > kept:
            _assign(places, stretch.start, stretch.end, place=Place.QUOTED)
    shown, forwarded = _judge_ending(scan, stretches, forward=forward)
    if not shown:
        _assign(places, scan.end, len(places), place=Place.QUOTED)
    return Plan(places, forwarded)


def _assign(places: list[Place], start: int, end: int, *, place: Place) -> None:
    places[start:end] = [place] * (end - start)


def _stretch(lines: Lines, scan: Scan) -> list[Stretch]:
    """Groups lines that belong together; blank lines go with those above."""
    stretches: list[Stretch] = []
    for at, kind in enumerate(scan.kinds):
        is_words = kind is Kind.WORDS
        if kind is not Kind.BLANK and (not stretches or stretches[-1].is_words is not is_words):
            stretches.append(Stretch(at, at, is_words, at))
        if stretches:
            stretches[-1].end = at + 1
    stretches = _mend(lines, stretches, scan.kinds)
    _sign(lines, stretches)
    if Mark.SIGNED in lines.marks and not any(stretch.has_words for stretch in stretches):
        _sign(Lines(lines.texts, [Mark.PLAIN if mark is Mark.SIGNED else mark for mark in lines.marks]), stretches)
    return stretches


def _sign(lines: Lines, stretches: list[Stretch]) -> None:
    """Finds each stretch's signature. Who writes inside the element for it is heard: see the second call."""
    for stretch in stretches:
        stretch.signed = find_signature(lines, stretch.start, stretch.end) if stretch.is_words else stretch.end


def _mend(lines: Lines, stretches: list[Stretch], kinds: list[Kind]) -> list[Stretch]:
    """Joins quotes that were torn by a long link, which mail clients break without marking the rest."""
    mended: list[Stretch] = []
    for number, stretch in enumerate(stretches):
        inside = 0 < number < len(stretches) - 1
        torn = stretch.is_words and inside and _is_torn(lines, stretch, kinds)
        if mended and not mended[-1].is_words and (torn or not stretch.is_words):
            mended[-1].end = stretch.end
        else:
            mended.append(stretch)
    return mended


def _is_torn(lines: Lines, stretch: Stretch, kinds: list[Kind]) -> bool:
    if stretch.end - stretch.start > MOST_TORN_LINES or kinds[stretch.start - 1] is not Kind.QUOTE:
        return False
    above, words = lines.texts[stretch.start - 1], lines.texts[stretch.start].split()
    if words[0].lstrip("(<[").startswith(("http://", "https://")) and len(words) <= 2:
        return True
    return any(above.rfind(opens) > above.rfind(closes) and closes in words[0] for opens, closes in ("()", "<>", "[]"))


MOST_TORN_LINES = 2


def _last_kept(lines: Lines, stretches: list[Stretch], scan: Scan) -> int:
    """The last stretch up to which quotes stay in their places; -1 if none do."""
    last = max((number for number, stretch in enumerate(stretches) if stretch.has_words), default=-1)
    inner = [number for number in range(last) if not stretches[number].is_words]
    if not inner:
        return -1
    whole = len(inner) == 1 and last == inner[0] + 1 and last in {len(stretches) - 1, len(stretches) - 2}
    trailing = any(not stretch.is_words for stretch in stretches[last + 1 :])
    introduced = scan.kinds[stretches[inner[0]].start] is Kind.INTRODUCTION
    return -1 if whole and introduced and not trailing else last


def _judge_ending(scan: Scan, stretches: list[Stretch], *, forward: bool) -> tuple[bool, bool]:
    """Whether the older mail at the end is shown, and whether it is one passed on."""
    if scan.ending is Ending.FORWARD:
        return True, True
    if scan.ending is Ending.LETTER and forward:
        return True, True
    silent = not any(stretch.has_words or not stretch.is_words for stretch in stretches)
    return silent, silent and scan.ending is Ending.LETTER
