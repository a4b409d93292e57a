"""The line above a quotation: "On Monday, 2 April 2012 at 14:20, Anna <anna@example.com> wrote:"."""

from __future__ import annotations

import re
from enum import IntEnum

from channels.email.quoting.lines import QUOTATIONS, Lines
from channels.email.quoting.words import INNER_LEADS, LEADS, WEEKDAY_STEMS, WEEKDAYS, WROTE, WROTE_THEN


class Weight(IntEnum):
    """How sure an attribution is: one of weight FAIR needs a quoted line after it, a SURE one needs nothing."""

    NONE = 0
    FAIR = 1
    SURE = 2


LONGEST_ATTRIBUTION = 600  # characters, over at most
MOST_LINES = 6  # lines, as a client wraps long names and addresses
LONGEST_NAME = 120  # characters after the verb, where the language puts the name last
MOST_NAME_WORDS = 6
MOST_TERSE_WORDS = 4  # with the verb
MOST_DATED_WORDS = 8  # with the verb, date and time

TIME = re.compile(r"(?<![\d.])\d{1,2}(?:[:.hH時时點点]\s?|時 )\d{2}(?![\d.])")
ADDRESS_LAST = re.compile(r"@[^\s@]{1,250}[>)\]\"'»]$")
# Dashes may surround the whole: "---- On Mon, 02 Apr 2012 14:20 Anna wrote ----".
STROKES = "-–—─_* \t"
COLONS = ":："


def find_attribution(lines: Lines, end: int, floor: int) -> tuple[int, Weight]:
    """Where the attribution that ends with line `end` begins, not before `floor`, and how sure that is.

    Where a language puts the name first, an address must show that it is one.
    """
    start, best, joined = end, Weight.NONE, ""
    for at in range(end, max(floor, end - MOST_LINES + 1) - 1, -1):
        text = lines.texts[at]
        if at != end and (_parts(text, joined) or lines.marks[at] in QUOTATIONS):
            break
        joined = f"{text} {joined}".strip()
        if len(joined) > LONGEST_ATTRIBUTION:
            break
        weight, begins = weigh_attribution(joined)
        if weight and begins:
            return at, weight
        if weight > best and ("@" in joined or at == end):
            start, best = at, weight
    return start, best


def _parts(text: str, joined: str) -> bool:
    """Whether a line cannot belong to the attribution that goes on as `joined`: a blank one, unless it tears an
    address from its bracket, and one that introduces something itself."""
    return text[-1] in COLONS if text else not joined.startswith("<")


def weigh_attribution(joined: str) -> tuple[Weight, bool]:
    """How sure it is that the words are an attribution, and whether they begin as one does."""
    bare = joined.strip(STROKES).rstrip(": ：").rstrip(STROKES).casefold()
    says, begins = _says_wrote(bare), _begins(bare)
    addressed, time = "@" in bare, TIME.search(bare) is not None
    dated = any(map(str.isdecimal, TIME.sub("", bare) if time else bare))
    if not (begins or addressed):
        return _weigh_terse(joined, bare, dated=dated and time) if says else Weight.NONE, False
    if dated and (says or (begins and time and ADDRESS_LAST.search(bare))) and (addressed or time):
        return Weight.SURE, begins
    if (says and (dated or addressed)) or (dated and ((time and begins) or ADDRESS_LAST.search(bare))):
        return Weight.FAIR, begins
    if says and begins and joined[-1] in COLONS and len(bare.split()) <= MOST_DATED_WORDS:
        return Weight.FAIR, begins  # "On Monday, Anna wrote:" tells no date, and is one all the same above a quote
    return _weigh_address(joined, bare, dated=dated and time) if addressed else Weight.NONE, begins


def _weigh_terse(joined: str, bare: str, *, dated: bool) -> Weight:
    """ "Anna Berg wrote:" and "---- Anna Berg wrote ----" tell no date; more words than a name has are a sentence."""
    if joined[:2] == joined[-2:] == "--":
        return Weight.SURE
    most = MOST_DATED_WORDS if dated else MOST_TERSE_WORDS
    return Weight.FAIR if 1 < len(bare.split()) <= most and "," not in bare else Weight.NONE


def _weigh_address(joined: str, bare: str, *, dated: bool) -> Weight:
    """ "Quoting Anna <anna@example.com>:" and mutt's "* Anna <anna@example.com> [2012-04-02 14:20]:"."""
    short = len(bare.split()) <= (MOST_DATED_WORDS if dated else MOST_NAME_WORDS)
    proven = short and joined[-1] in COLONS and (dated or ADDRESS_LAST.search(bare))
    return Weight.FAIR if proven else Weight.NONE


def find_inner_attribution(text: str) -> int:
    """Where in a line of words an attribution begins that shares it ("Thanks On Wed, 4 Apr ... wrote:"), or 0."""
    if len(text) > LONGEST_ATTRIBUTION or text[-1:] not in {":", "："}:
        return 0
    last = list(INNER.finditer(text))[-1:]
    if not last or not text[: last[0].start("before")].strip(STROKES):
        return 0
    found = last[0]
    if weigh_attribution(text[found.end("before") :])[0] is not Weight.SURE:
        return 0
    return found.end("before") if found["before"].isspace() else found.start("before")


def _says_wrote(bare: str) -> bool:
    if bare.endswith(WROTE):
        return True
    for verb in WROTE_THEN:
        if verb not in bare:
            continue
        head, _, name = bare.partition(verb)
        if _stands_alone(head, name) and len(name) <= LONGEST_NAME:
            return "@" in name or len(name.split()) <= MOST_NAME_WORDS
    return False


def _stands_alone(head: str, rest: str) -> bool:
    return not (head[-1:].isalpha() or rest[:1].isalpha())


def _begins(bare: str) -> bool:
    first = bare.partition(" ")[0].strip(".,(")
    if first[:1].isdecimal():
        return "@" not in first and not TIME.fullmatch(first)
    return first in WEEKDAYS or first.startswith(WEEKDAY_STEMS) or (bare.startswith(LEADS) and _is_lead(bare))


def _is_lead(bare: str) -> bool:
    """Whether the lead is a whole word; Chinese, Japanese and Hebrew join it to what follows."""
    return any(bare.startswith(lead) and not bare[len(lead) : len(lead) + 1].isalpha() for lead in LEADS) or not (
        bare[0].isascii()
    )


_DATE_FOLLOWS = "|".join(map(re.escape, sorted(WEEKDAYS)))
INNER = re.compile(
    rf"(?<=\S)(?P<before>\s|-{{2,20}}\s?)(?:{'|'.join(sorted(INNER_LEADS))})\s(?:\d|(?i:{_DATE_FOLLOWS}))"
)
