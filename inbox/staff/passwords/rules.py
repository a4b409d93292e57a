"""What may be a password: long enough, and none of those that are tried first (NIST SP 800-63B 5.1.1.2). Pure.

No rules about its letters, digits and signs: they make passwords no harder to guess, and harder to remember.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from itertools import pairwise

from inbox.kit.errors import FieldError
from inbox.staff.passwords.commonest import COMMONEST

LEAST_CHARS = 12
MOST_CHARS = 256
FEW_CHARS = 4
"""A password made of fewer different characters is one key held down."""
OWN_WORD_CHARS = 4
"""Words of the agent's own name or address count from this length on."""


def normal_form(password: str) -> str:
    """The same password however a keyboard composes its letters (Unicode NFKC)."""
    return unicodedata.normalize("NFKC", password)


def find_weakness(password: str, *, own_words: Iterable[str] = ()) -> FieldError | None:
    """Why this is no good password, or None. `own_words` are the agent's name, address and the like."""
    plain = normal_form(password)
    if len(plain) < LEAST_CHARS:
        return _weak("too_short", f"a password has at least {LEAST_CHARS} characters", limit=LEAST_CHARS)
    if len(plain) > MOST_CHARS:
        return _weak("too_long", f"a password has at most {MOST_CHARS} characters", limit=MOST_CHARS)
    if _stem(plain) in COMMONEST or len(set(plain.lower())) < FEW_CHARS or _is_a_run(plain.lower()):
        return _weak("too_common", "this is among the passwords that are tried first")
    if plain.lower() in {word.lower() for word in own_words if len(word) >= OWN_WORD_CHARS}:
        return _weak("too_common", "this is the agent's own name or address")
    return None


def _stem(password: str) -> str:
    """The word in it, without the digits and signs people put behind: `Password2024!` is `password`."""
    low = password.lower()
    return low if low in COMMONEST else low.rstrip("0123456789!?.,_-#*$@ ")


def _is_a_run(low: str) -> bool:
    """Whether it is one piece again and again, or characters in their order, up or down."""
    again = any(low == (low[:size] * len(low))[: len(low)] for size in range(1, len(low) // 2 + 1))
    steps = {ord(after) - ord(before) for before, after in pairwise(low)}
    return again or steps in ({1}, {-1})


def _weak(code: str, detail: str, *, limit: int | None = None) -> FieldError:
    return FieldError(pointer="/password", code=code, detail=detail, limit=limit)
