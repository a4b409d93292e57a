"""Where a signature begins: below "-- ", at "Sent from my phone", at the company's notice, at a sign-off with an
address."""

from __future__ import annotations

import re

from channels.email.quoting.lines import Lines, Mark, is_rule
from channels.email.quoting.words import DEVICES, DISCLAIMERS, SENT_FROM, SIGNOFFS

DELIMITERS = frozenset({"--", "—", "–", "- -", "-- --"})  # RFC 3676, 4.3 wants "-- "; a space is soon lost
MOST_SIGNATURE_LINES = 30  # below a delimiter; what is longer was parted from something else
MOST_FOOTER_LINES = 8
SHORTEST_FOOTER_RULE = 10  # characters
LONGEST_SENT_FROM = 90
LONGEST_SIGNOFF_LINE = 90
MOST_SIGNOFF_LINES = 10
MOST_NAME_WORDS = 5
MOST_PARTICLES = 2  # "van der"
NOTICE_TAIL = 12  # lines among which a company's notice is looked for
SHORTEST_NOTICE = 60
LONGEST_NOTICE = 4000  # characters of one line that are looked at
ORNAMENTS = "-_*[]<>| "
CONTACT = re.compile(r"\+?\(?\d[\d\s()./-]{6,20}\d|[\w.-]{1,64}@\w|\bwww\.|\bhttps?://")


def find_signature(lines: Lines, start: int, end: int) -> int:
    """Where among the words from `start` to `end` the signature begins; `end`, or blank lines above it, if there is
    none."""
    begin = _trim(lines, start, end)
    while (above := _find_lower(lines, start, begin)) < begin:
        begin = _trim(lines, start, above)
    begin = min(begin, _find_delimiter(lines, start, begin))
    return min(begin, _find_signoff(lines, start, begin)) if begin > start else begin


def _trim(lines: Lines, start: int, end: int) -> int:
    while end > start and not lines.texts[end - 1]:
        end -= 1
    return end


def _find_lower(lines: Lines, start: int, end: int) -> int:
    """What clients, lists and companies put below everything; each may stand over the other."""
    if end <= start:
        return end
    last = lines.texts[end - 1]
    if lines.marks[end - 1] is Mark.SIGNED or names_device(last):
        return end - 1
    if len(last) < SHORTEST_NOTICE and end - start > 1 and names_device(f"{lines.texts[end - 2]} {last}"):
        return end - 2 if names_device(lines.texts[end - 2]) else end
    return min(_find_footer(lines, start, end), _find_notice(lines, start, end))


def names_device(text: str) -> bool:
    """ "Sent from my iPhone" in any language, and nothing more: a sentence that begins so is somebody's words."""
    if len(text) > LONGEST_SENT_FROM:
        return False
    folded = text.strip(ORNAMENTS).casefold()
    if not folded.startswith(SENT_FROM) or "," in folded or "，" in folded:
        return False
    return any(device in folded for device in DEVICES)


def _find_footer(lines: Lines, start: int, end: int) -> int:
    """A mailing list's footer: a long line, and beneath it where to find the list."""
    for at in range(end - 1, max(start, end - MOST_FOOTER_LINES - 1) - 1, -1):
        text = lines.texts[at]
        if len(text) >= SHORTEST_FOOTER_RULE and is_rule(text):
            below = " ".join(lines.texts[at + 1 : end])
            return at if "http" in below or "www." in below else end
    return end


def _find_notice(lines: Lines, start: int, end: int) -> int:
    """A company's notice of secrecy, from the paragraph it begins in; never the first words of a mail."""
    first = lines.after_blanks(start)
    tail = range(max(first + 1, end - NOTICE_TAIL), end)
    long = [at for at in tail if len(lines.texts[at]) >= SHORTEST_NOTICE]
    folded = [lines.texts[at][:LONGEST_NOTICE].casefold() for at in long]
    joined = "\n".join(folded)
    phrases = [phrase for phrase in DISCLAIMERS if phrase in joined]
    noticed = (at for at, text in zip(long, folded, strict=True) if any(phrase in text for phrase in phrases))
    at = next(noticed, end) if phrases else end
    return _paragraph(lines, at, first) if at < end else end


def _paragraph(lines: Lines, at: int, first: int) -> int:
    """Where the paragraph of a line begins, by the last blank line above; the line itself if there is none near."""
    for above in range(at - 1, max(first, at - NOTICE_TAIL), -1):
        if not lines.texts[above]:
            return above + 1
    return at


def _find_delimiter(lines: Lines, start: int, end: int) -> int:
    """The first delimiter that has no more below it than a signature may have."""
    at, count = end, 0
    best = end
    while at > start and count <= MOST_SIGNATURE_LINES:
        at -= 1
        if lines.texts[at] in DELIMITERS:
            best = at
        count += bool(lines.texts[at])
    return best


def _find_signoff(lines: Lines, start: int, end: int) -> int:
    """ "Kind regards", a name, and a way to reach its bearer; without the last they are the person's own words."""
    first = lines.after_blanks(start)
    for at in range(end - 1, max(first, end - MOST_SIGNOFF_LINES), -1):
        text = lines.texts[at]
        if len(text) > LONGEST_SIGNOFF_LINE:
            return end
        named = _signed_name(text)
        if named is not None:
            below = [line for line in (named, *lines.texts[at + 1 : end]) if line]
            proven = below and _is_name(below[0]) and any(map(CONTACT.search, below[1:]))
            return at if proven else end
    return end


def _signed_name(text: str) -> str | None:
    """What follows a sign-off on its line, mostly nothing; None if the line does not begin with one."""
    head, _, name = text.partition(",")
    return name.strip() if head.rstrip(" .!;：،，、~-").casefold() in SIGNOFFS else None


def _is_name(text: str) -> bool:
    words = text.split()
    if len(words) > MOST_NAME_WORDS or any(not word[0].isalpha() and word[0] not in "(\"'" for word in words):
        return False
    return (
        not text[0].islower() and sum(word[0].islower() for word in words) <= MOST_PARTICLES and text[-1] not in "?!:"
    )
