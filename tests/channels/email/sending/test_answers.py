"""What a refusal means: whether to try again, whose fault it is, and what people read."""

from __future__ import annotations

import pytest

from channels.email.sending.answers import Phase, read_answer, refusal_of
from channels.errors import FailureCode, Misconfigured, Rejected, SendFailed, Throttled, Unreachable

CASES: list[tuple[int, str, Phase, type[SendFailed], FailureCode]] = [
    (421, "4.3.2 shutting down", "greeting", Unreachable, "provider_down"),
    (554, "no SMTP service here", "greeting", Rejected, "blocked_by_carrier"),
    (535, "5.7.8 wrong password", "login", Misconfigured, "provider_auth"),
    (454, "4.7.0 try later", "login", Unreachable, "provider_auth"),
    (530, "5.7.0 authentication required", "sender", Misconfigured, "provider_auth"),
    (550, "5.7.60 not your address", "sender", Misconfigured, "sender_unverified"),
    (553, "sender unknown", "sender", Misconfigured, "sender_unverified"),
    (552, "5.3.4 too big", "sender", Rejected, "content_too_large"),
    (550, "5.1.1 no such user", "recipient", Rejected, "hard_bounce"),
    (550, "no such user", "recipient", Rejected, "hard_bounce"),
    (550, "5.1.2 no such host", "recipient", Rejected, "invalid_address"),
    (553, "what is this", "recipient", Rejected, "invalid_address"),
    (552, "full", "recipient", Rejected, "mailbox_full"),
    (554, "5.7.1 you are on a list", "recipient", Rejected, "blocked_by_carrier"),
    (450, "4.7.1 greylisted", "recipient", Throttled, "provider_quota"),
    (451, "4.3.0 local trouble", "recipient", Unreachable, "soft_bounce"),
    (452, "4.2.2 full", "recipient", Unreachable, "mailbox_full"),
    (452, "4.5.3 too many", "content", Throttled, "provider_quota"),
    (451, "4.3.0 local trouble", "content", Unreachable, "provider_down"),
    (554, "5.7.1 spam", "content", Rejected, "spam_suspected"),
    (550, "5.6.1 no such type", "content", Rejected, "unsupported_content"),
    (554, "transaction failed", "content", Rejected, "unknown"),
]


@pytest.mark.parametrize(("code", "text", "phase", "kind", "word"), CASES)
def test_each_refusal_says_what_to_do(
    code: int, text: str, phase: Phase, kind: type[SendFailed], word: FailureCode
) -> None:
    """4xx is tried again, 5xx is not; a wrong account is the operator's, a wrong address the author's."""
    failed = refusal_of(read_answer(code, text), phase)
    assert (type(failed), failed.code) == (kind, word)
    assert str(code) in failed.reason
    assert text in failed.reason


def test_the_enhanced_code_is_the_providers_own() -> None:
    """It is what support pages explain; without one it is the reply code."""
    assert refusal_of(read_answer(550, "5.1.1 no"), "recipient").provider_code == "5.1.1"
    assert refusal_of(read_answer(550, "no"), "recipient").provider_code == "550"


def test_an_answer_of_many_lines_is_one_line() -> None:
    """What a server says may be anything: it is cut, flattened, and cannot break a log line or a page."""
    answer = read_answer(550, "5.1.1 nobody\n5.1.1 of that \x1b[31mname\r\n" + "x" * 1_000)
    assert answer.detail == "1.1"
    assert answer.text.startswith("5.1.1 nobody of that [31mname xxx")
    assert len(answer.text) <= 300
    assert answer.text.isprintable()
