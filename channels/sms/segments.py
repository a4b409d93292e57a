"""How many segments a text message takes, and in which alphabet: what a sender pays for. Pure.

GSM-7 and its extension table: 3GPP TS 23.038 6.2.1; lengths and the concatenation header: 3GPP TS 23.040 9.2.3.24.
A text with one character outside GSM-7 is sent whole as UCS-2 (UTF-16).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Literal

import msgspec

GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENDED = frozenset("\f^{}\\[~]|€")  # an escape and a second septet each
GSM = GSM_BASIC | GSM_EXTENDED

HEADER_BITS = 48  # the user data header of each segment of a concatenated message, 6 octets

ZERO_WIDTH_JOINER = "\u200d"
ZERO_WIDTH_NON_JOINER = "\u200c"
# Parts of a Hangul syllable that are drawn together: leading, vowel, trailing, and a whole one.
HANGUL = {("L", "L"), ("L", "V"), ("L", "LV"), ("V", "V"), ("V", "T"), ("LV", "V"), ("LV", "T"), ("T", "T")}


class Alphabet(msgspec.Struct, kw_only=True, frozen=True):
    """How one encoding counts: bits a unit, units in a lone segment and in each of several."""

    name: Literal["GSM-7", "UCS-2"]
    bits: int
    lone: int
    joined: int


GSM_7 = Alphabet(name="GSM-7", bits=7, lone=160, joined=153)
UCS_2 = Alphabet(name="UCS-2", bits=16, lone=70, joined=67)


class SegmentCount(msgspec.Struct, kw_only=True, frozen=True):
    """What a text costs. A unit is a septet in GSM-7 and 16 bits in UCS-2; a character is what a reader sees as one.

    `units` are the text's own, `units_left` fit into the last segment before another one is needed.
    """

    encoding: Literal["GSM-7", "UCS-2"]
    segments: int
    units: int
    units_left: int
    units_per_segment: int
    characters: int
    unicode_scalars: int
    message_bits: int
    total_bits: int


def count_segments(text: str) -> SegmentCount:
    """The segments of a message with this text; none for an empty one."""
    alphabet = GSM_7 if GSM.issuperset(text) else UCS_2
    # A carriage return and a line feed are one cluster to Unicode, but two characters of GSM-7.
    characters = list(text) if alphabet is GSM_7 else list(clusters(text))
    units = sum(_sizes(characters, alphabet))
    filled = [units] if 0 < units <= alphabet.lone else list(_fill(characters, alphabet))
    room = alphabet.joined if len(filled) > 1 else alphabet.lone
    header = HEADER_BITS * len(filled) if len(filled) > 1 else 0
    return SegmentCount(
        encoding=alphabet.name,
        segments=len(filled),
        units=units,
        units_left=room - filled[-1] if filled else room,
        units_per_segment=room,
        characters=len(characters),
        unicode_scalars=len(text),
        message_bits=units * alphabet.bits,
        total_bits=units * alphabet.bits + header,
    )


def clusters(text: str) -> Iterator[str]:
    """The characters as a reader counts them: flags, families of emoji and accented letters are one each.

    The rules of Unicode's UAX 29 that matter in messages: combining marks, variation selectors, joiners, skin tones,
    tag sequences, pairs of regional indicators, CR LF, and Hangul written in parts.
    """
    start = flags = 0
    for at, (before, after) in enumerate(pairwise(text), 1):
        flags = flags + 1 if _is_flag(before) else 0
        if not _belongs(before, after, odd_flag=flags % 2 == 1):
            yield text[start:at]
            start = at
    if text:
        yield text[start:]


def _belongs(before: str, after: str, *, odd_flag: bool) -> bool:
    if before < "\u0300" and after < "\u0300":
        return before == "\r" and after == "\n"
    if _is_flag(before) and _is_flag(after):
        return odd_flag
    if before == ZERO_WIDTH_JOINER and unicodedata.category(after) == "So":
        return True  # the next member of a family of emoji
    return _extends(after) or (_jamo(before), _jamo(after)) in HANGUL


def _is_flag(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _extends(character: str) -> bool:
    return (
        unicodedata.category(character) in {"Mn", "Me", "Mc"}
        or character in (ZERO_WIDTH_JOINER, ZERO_WIDTH_NON_JOINER)
        or "\U0001f3fb" <= character <= "\U0001f3ff"  # skin tones
        or "\U000e0020" <= character <= "\U000e007f"  # tags, as in the flag of Scotland
    )


def _jamo(character: str) -> str:
    if "\uac00" <= character <= "\ud7a3":
        return "LV"  # a finished syllable; one that ends in a consonant takes no vowel, which no writer adds
    if "\u1100" <= character <= "\u115f":
        return "L"
    if "\u1160" <= character <= "\u11a7":
        return "V"
    return "T" if "\u11a8" <= character <= "\u11ff" else ""


def _fill(characters: Iterable[str], alphabet: Alphabet) -> Iterator[int]:
    """The units in each segment of a concatenated message: no character is cut in two unless it is longer than one."""
    filled = 0
    for size in _sizes(characters, alphabet):
        if filled + size > alphabet.joined:
            yield filled
            filled = 0
        filled += size
    if filled:
        yield filled


def _sizes(characters: Iterable[str], alphabet: Alphabet) -> Iterator[int]:
    for character in characters:
        if alphabet is GSM_7:
            yield 2 if character in GSM_EXTENDED else 1
        elif _units(character) > alphabet.joined:
            yield from map(_units, character)
        else:
            yield _units(character)


def _units(text: str) -> int:
    """UTF-16 code units; a lone surrogate counts as the one it is."""
    return len(text) + sum(character > "\uffff" for character in text)
