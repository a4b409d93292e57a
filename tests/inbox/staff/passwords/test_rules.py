"""What may be a password: length and no well-known one; nothing else is asked of it (NIST SP 800-63B 5.1.1.2)."""

from __future__ import annotations

import pytest

from inbox.staff.passwords.commonest import COMMONEST
from inbox.staff.passwords.rules import LEAST_CHARS, MOST_CHARS, find_weakness

OWN = ["Ana María Ruiz", "ana.maria.ruiz@example.org", "ana.maria.ruiz"]


@pytest.mark.parametrize(
    "password",
    ["plum under seven bridges", "correct-cart-battery", "ααββγγδδεεζζ", "🦉" * 6 + "owlsandmore", " leading space ok",
     "x7#kQ!2vLm9$", "a" * 250 + "bcdefg", "twelve chars"],
)  # fmt: skip
def test_any_characters_will_do(password: str) -> None:
    """Spaces, other scripts, emoji; no digit, capital or sign is asked for."""
    assert find_weakness(password, own_words=OWN) is None


@pytest.mark.parametrize(
    ("password", "code"), [("a1B2c3D4e5", "too_short"), ("", "too_short"), ("ab" * 129, "too_long")]
)
def test_length_has_bounds(password: str, code: str) -> None:
    """Twelve to 256 characters."""
    weakness = find_weakness(password)
    assert weakness is not None
    assert (weakness.code, weakness.pointer) == (code, "/password")
    assert weakness.limit in {LEAST_CHARS, MOST_CHARS}


@pytest.mark.parametrize(
    "password",
    ["passwordpassword", "Password2024!", "PASSWORD1234", "letmeinplease", "123456789012", "qwertyuiop12",
     "iloveyouforever", "administrator", "aaaaaaaaaaaa", "abababababab", "abcdefghijkl", "zyxwvutsrqpo",
     "switchboard2026", "correcthorsebatterystaple", "ana.maria.ruiz", "ANA MARÍA RUIZ", "ana.maria.ruiz@example.org",
     "passwordｐａｓｓword"],
)  # fmt: skip
def test_what_is_tried_first_is_refused(password: str) -> None:
    """Well-known words with what people put behind them, one key held down, rows and runs, and the agent's own name."""
    weakness = find_weakness(password, own_words=OWN)
    assert weakness is not None
    assert weakness.code == "too_common"


def test_the_list_is_in_lower_case() -> None:
    """Else what it holds would not be found."""
    assert len(COMMONEST) > 150
    assert all(word == word.lower() for word in COMMONEST)
