"""What servers give as a reason, in our codes."""

from __future__ import annotations

from typing import get_args

import pytest

from channels.email.kinds import find_meaning
from channels.email.kinds.codes import SMTP, STATUSES, SUBJECTS, WORDS
from channels.errors import FailureCode


@pytest.mark.parametrize(
    ("status", "smtp", "text", "code"),
    [
        ("5.1.1", None, None, "hard_bounce"),
        ("4.2.2", None, None, "mailbox_full"),
        ("5.3.4", None, None, "content_too_large"),
        ("5.7.1", None, None, "spam_suspected"),
        ("5.7.1", None, "Message size exceeds the limit", "content_too_large"),
        ("5.7.1", None, "DMARC policy of the domain", "sender_unverified"),
        ("5.7.1", None, "You are not permitted to send to this group", "contact_blocked"),
        ("5.0.0", None, "User unknown", "hard_bounce"),
        ("5.0.0", "552", None, "mailbox_full"),
        ("5.0.0", None, None, "unknown"),
        ("5.4.999", None, None, "unreachable"),
        ("5.99.1", None, None, "unknown"),
        ("4.4.7", None, None, "timeout"),
        ("5.7.708", None, "Service unavailable", "soft_bounce"),
        (None, "550", None, "hard_bounce"),
        (None, "550", "blocked using Spamhaus", "spam_suspected"),
        (None, None, "Das Postfach ist voll", "mailbox_full"),
        (None, None, "用户不存在", "hard_bounce"),
        (None, None, None, "unknown"),
        ("5.1.1", None, "your spam filter says the mailbox is full", "hard_bounce"),
        ("2.0.0", None, "User unknown", "unknown"),
    ],
)
def test_reasons_become_codes(status: str | None, smtp: str | None, text: str | None, code: str) -> None:
    """A status that means one thing counts first, then words, then the rest: 5.7.1 and 550 are given for anything."""
    assert find_meaning(status, smtp=smtp, text=text).code == code


def test_every_code_of_the_tables_is_one_of_ours_and_helps() -> None:
    """Whatever comes back, the reader gets a code of the contract and a hint of what to do."""
    meanings = [*STATUSES.values(), *SUBJECTS.values(), *SMTP.values(), *(meaning for _, meaning in WORDS)]
    assert {meaning.code for meaning in meanings} <= set(get_args(FailureCode))
    assert all(meaning.fix and meaning.text for meaning in meanings)


def test_words_are_written_as_they_are_compared() -> None:
    """A phrase with a capital or a double blank would never be found."""
    phrases = [phrase for words, _ in WORDS for phrase in words]
    assert phrases == [" ".join(phrase.lower().split()) for phrase in phrases]
    assert len(phrases) == len(set(phrases))
