"""What a mail server's refusal means: RFC 5321 4.2.3 for reply codes, RFC 3463 for the enhanced ones. Pure."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

import msgspec

from channels.errors import FailureCode, Misconfigured, Rejected, SendFailed, Throttled, Unreachable

MAX_TEXT_CHARS = 300
CLOSING = 421

Phase: TypeAlias = Literal["greeting", "login", "sender", "recipient", "content"]

WORDS: dict[Phase, str] = {
    "greeting": "the mail server took no mail",
    "login": "the mail server refused our login",
    "sender": "the mail server refused our address",
    "recipient": "the mail server refused the recipient",
    "content": "the mail server refused the mail",
}
LOGIN_CODES = {530, 534, 535, 538}  # RFC 4954 6: authentication required, too weak, wrong, needs encryption
LOGIN_DETAILS = {"7.8", "7.9", "7.11"}

# The part of an enhanced code after its class, as it is for good.
PERMANENT: dict[str, FailureCode] = {
    "1.0": "invalid_address",
    "1.1": "hard_bounce",
    "1.2": "invalid_address",
    "1.3": "invalid_address",
    "1.6": "hard_bounce",
    "1.10": "hard_bounce",
    "2.0": "hard_bounce",
    "2.1": "hard_bounce",
    "2.2": "mailbox_full",
    "2.3": "content_too_large",
    "3.4": "content_too_large",
    "4.4": "unreachable",
    "4.6": "unreachable",
    "6.0": "unsupported_content",
    "6.1": "unsupported_content",
    "6.3": "unsupported_content",
    "6.7": "invalid_address",
    "6.9": "invalid_address",
}
# Where the enhanced code says nothing, the reply code does, and then the step it was given at.
PERMANENT_CODES: dict[tuple[Phase, int], FailureCode] = {
    ("sender", 552): "content_too_large",
    ("recipient", 552): "mailbox_full",
    ("recipient", 553): "invalid_address",
    ("recipient", 501): "invalid_address",
    ("content", 552): "content_too_large",
}
PERMANENT_PHASES: dict[Phase, FailureCode] = {
    "greeting": "blocked_by_carrier",
    "login": "provider_auth",
    "sender": "sender_unverified",
    "recipient": "hard_bounce",
    "content": "unknown",
}
# X.7.X, security and policy, means another thing at every step.
POLICY: dict[Phase, FailureCode] = {**PERMANENT_PHASES, "recipient": "blocked_by_carrier", "content": "spam_suspected"}
OURS: frozenset[FailureCode] = frozenset({"provider_auth", "sender_unverified"})
"""Failures of the account and not of the mail: every mail will fail alike."""

FIXES: dict[FailureCode, str] = {
    "provider_auth": "check smtp_user and smtp_password, or connect the mailbox anew",
    "sender_unverified": "allow the account to send from the channel's address",
    "content_too_large": "send fewer or smaller files",
    "invalid_address": "check the address for typing errors",
    "hard_bounce": "check the address: nobody can be reached there",
}

# From the first digit on; whoever sends no enhanced code begins with words.
_ENHANCED = re.compile(r"[245]\.([0-9]{1,3}\.[0-9]{1,3})(?![0-9])")
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")


class Answer(msgspec.Struct, frozen=True):
    """One reply of a server: its code, and its text with the lines joined."""

    code: int
    text: str

    @property
    def detail(self) -> str | None:
        """The enhanced code without its class, "1.1"."""
        found = _ENHANCED.match(self.text)
        return found[1] if found else None

    @property
    def shown(self) -> str:
        """What people read, in one line."""
        return f"{self.code} {self.text}".strip()

    @property
    def name(self) -> str:
        """The code a support page explains: the enhanced one where there is one."""
        found = _ENHANCED.match(self.text)
        return found[0] if found else str(self.code)


def read_answer(code: int, text: str) -> Answer:
    """A server's reply, cut to what may be stored and shown; of several lines the repeated codes are dropped."""
    flat = " ".join(_UNFIT.sub(" ", text).split())
    found = _ENHANCED.match(flat)
    if found:
        head, rest = found[0], flat[found.end() :]
        flat = head + rest.replace(f" {head} ", " ")
    return Answer(code, flat[:MAX_TEXT_CHARS])


def refusal_of(answer: Answer, phase: Phase) -> SendFailed:
    """The failure a refusal is: to be tried again for 4xx, final for 5xx, the operator's where it is the account."""
    reason = f"{WORDS[phase]}: {answer.shown}"
    return _temporary(answer, phase, reason) if 400 <= answer.code < 500 else _permanent(answer, phase, reason)


def _temporary(answer: Answer, phase: Phase, reason: str) -> SendFailed:
    if answer.code == CLOSING:
        return Unreachable(reason, provider_code=answer.name)
    if phase == "login":
        return Unreachable(reason, code="provider_auth", provider_code=answer.name)
    if answer.detail == "2.2" or (phase == "recipient" and answer.code == 452 and answer.detail is None):
        return Unreachable(reason, code="mailbox_full", provider_code=answer.name)
    if answer.code in {450, 452} or (answer.detail or "").startswith("7."):  # grey lists, quotas, policies
        return Throttled(reason, provider_code=answer.name)
    code: FailureCode = "soft_bounce" if phase == "recipient" else "provider_down"
    return Unreachable(reason, code=code, provider_code=answer.name)


def _permanent(answer: Answer, phase: Phase, reason: str) -> SendFailed:
    code = _permanent_code(answer, phase)
    kind = Misconfigured if code in OURS else Rejected
    return kind(reason, code=code, provider_code=answer.name, fix=FIXES.get(code))


def _permanent_code(answer: Answer, phase: Phase) -> FailureCode:
    detail = answer.detail or ""
    if answer.code in LOGIN_CODES or detail in LOGIN_DETAILS:
        return "provider_auth"
    if detail.startswith("7."):
        return POLICY[phase]
    if phase in {"greeting", "login"}:  # what an address is like cannot be meant yet
        return PERMANENT_PHASES[phase]
    if phase == "sender" and detail.startswith("1."):
        return "sender_unverified"
    return PERMANENT.get(detail) or PERMANENT_CODES.get((phase, answer.code)) or PERMANENT_PHASES[phase]
