"""A mail as lines, whatever it was written in: the words of each, and what its markup says of it."""

from __future__ import annotations

from enum import Enum, auto

import msgspec

from channels.email.quoting.words import WROTE

# Lines that are looked at. Whatever follows goes where the last of them went: a mail of so many lines is no letter.
MOST_LINES = 5_000
SHORTEST_RULE = 5  # strokes


class Mark(Enum):
    """What the form of a line says before anybody reads its words."""

    PLAIN = auto()
    CITED = auto()  # behind ">" or inside an element that a client uses for nothing but quotations
    INDENTED = auto()  # inside a bare <blockquote>: a quotation if something introduces it
    INTRODUCING = auto()  # where a client puts "Anna wrote:"
    SIGNED = auto()  # inside the element a client keeps for the signature
    FORWARDED = auto()  # inside the element a client keeps for a mail passed on
    ENDING = auto()  # a client's own mark: what follows is the mail replied to


QUOTATIONS = frozenset({Mark.CITED, Mark.INDENTED})


class Lines(msgspec.Struct):
    """`texts` are stripped, without invisible characters; "" is a blank line. `marks` are as many."""

    texts: list[str]
    marks: list[Mark]

    def after_blanks(self, at: int) -> int:
        """The first line from `at` on that is not blank, or the number of lines."""
        while at < len(self.texts) and not self.texts[at]:
            at += 1
        return at

    def before_blanks(self, at: int) -> int:
        """The last line before `at` that is not blank, or -1."""
        at -= 1
        while at >= 0 and not self.texts[at]:
            at -= 1
        return at

    def quotes_at(self, at: int) -> bool:
        """Whether the first line from `at` on that is not blank is quoted."""
        at = self.after_blanks(at)
        return at < len(self.texts) and self.marks[at] in QUOTATIONS


def is_cited(text: str) -> bool:
    """Whether a line begins with a quotation mark; ">>> look here <<<" is an ornament, "> wrote:" a torn address."""
    if text[:1] not in {">", "＞"} or text[-1] == "<":
        return False
    return text[-1] != ":" or text.strip(">: ").casefold() not in WROTE


def is_rule(text: str) -> bool:
    """Whether a line is nothing but a line: at least five strokes."""
    return len(text) >= SHORTEST_RULE and not text.strip("_-=—–─━* ")
