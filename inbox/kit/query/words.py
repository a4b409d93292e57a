"""The words of a text as the search sees them, and where they stand in it. Pure.

The database's `search_vector` (migration 08) cuts stored texts in the same way; there is one list of signs in each.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

import msgspec

MAX_WORD_CHARS = 100
KEPT_CLUSTERS = 4096
"""Foreign letters whose spelling is remembered."""
MIN_PREFIX_CHARS = 2
"""A single letter is looked for as a word: half of all words begin with one."""

# Marks that change no word: soft hyphens, accents, vowel points, joiners, signs of direction and variants.
DROPPED = re.compile(
    "[\u00ad\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640"
    "\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u200b-\u200f\u202a-\u202e\u2060-\u2064"
    "\u20d0-\u20f0\ufe00-\ufe0f\ufeff]+"
)
FOLDED = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "þ": "th", "ø": "o", "đ": "d", "ł": "l", "ı": "i", "ħ": "h", "ŧ": "t",
     "ð": "d", "ς": "σ"}
)  # fmt: skip
# Scripts without spaces between words, and pictures: each sign is a word.
SIGNS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2600-\u27bf\u2e80-\u2fdf\u3005-\u3007\u3021-\u302f"
    "\u3031-\u3035\u3038-\u30fa\u30fc-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U0001f000-\U0001faff\U00020000-\U0003ffff"
)
BETWEEN = (
    "\u0001-\u002f\u003a-\u0060\u007b-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u00d7\u00f7"
    "\u02c2-\u02df\u055a-\u055f\u0589\u058a\u05be\u05c0\u05c3\u05c6\u05f3\u05f4\u0600-\u060f\u061b-\u061f"
    "\u066a-\u066d\u06d4\u06dd\u06de\u06e9\u06fd\u06fe\u0700-\u070f\u0964\u0965\u0970\u1360-\u1368\u1680"
    "\u1800-\u180e\u2000-\u25ff\u27c0-\u2bff\u2e00-\u2e7f\u3000-\u3004\u3008-\u3020\u3030\u3036\u3037"
    "\u30fb\ue000-\uf8ff\ufe10-\ufe6f\uff00-\uffff"
)
PIECES = re.compile(f"[{SIGNS}]|[^{SIGNS}{BETWEEN}]+")


class Word(msgspec.Struct, frozen=True):
    """One word in the spelling that equal words share, and the characters of the text it was made of."""

    spelling: str
    start: int
    end: int


def cut_words(text: str) -> list[Word]:
    """The words of a text, with their places in it."""
    folded, origins = _fold(text)
    return [
        Word(piece[0][:MAX_WORD_CHARS], origins[piece.start()][0], origins[piece.end() - 1][1])
        for piece in PIECES.finditer(folded)
    ]


def show_tsquery(text: str, *, prefix: bool) -> str | None:
    """What finds these words, one behind the other, as a tsquery; the last may be a beginning. None without words."""
    spellings = [word.spelling for word in cut_words(text)]
    if not spellings:
        return None
    ending = ":*" if prefix and may_go_on(spellings[-1]) else ""
    return " <-> ".join(f"'{spelling}'" for spelling in spellings) + ending


def may_go_on(spelling: str) -> bool:
    """Whether it is looked for as the beginning of a word as well."""
    return len(spelling) >= MIN_PREFIX_CHARS


def _fold(text: str) -> tuple[str, list[tuple[int, int]]]:
    """The text as it is cut, and for each of its characters the span of the text it comes from."""
    if text.isascii():
        return text.lower(), [(place, place + 1) for place in range(len(text))]
    folded: list[str] = []
    origins: list[tuple[int, int]] = []
    for start, end in _clusters(text):
        made = _fold_cluster(text[start:end])
        folded.append(made)
        origins += [(start, end)] * len(made)
    return "".join(folded), origins


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Spans that are folded by themselves: a character and the marks upon it, or the letters of one Korean syllable."""
    start = 0
    for place in range(1, len(text) + 1):
        if place == len(text) or not _continues(text[place]):
            yield start, place
            start = place


def _continues(character: str) -> bool:
    return unicodedata.combining(character) != 0 or "\u1160" <= character <= "\u11ff"


@lru_cache(maxsize=KEPT_CLUSTERS)
def _fold_cluster(cluster: str) -> str:
    bare = DROPPED.sub("", unicodedata.normalize("NFKD", cluster))
    return "".join(_lower(character) for character in unicodedata.normalize("NFC", bare)).translate(FOLDED)


def _lower(character: str) -> str:
    """One letter for one letter, as the database does it."""
    lowered = character.lower()
    return lowered if len(lowered) == 1 else character


def holds_words(text: str) -> bool:
    """Whether there is anything in it to look for."""
    return PIECES.search(_fold(text)[0]) is not None
