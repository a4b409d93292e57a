"""To whom a mail goes besides the contact. Pure.

An answer goes to the contact alone, unless its writer says more: `cc` and `bcc` by name, or `reply_all`. That takes in
who was vouched for; a stranger who wrote into the conversation is named by hand, or not at all.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal, TypeAlias

import msgspec

from inbox.contacts.matching import match_key
from inbox.conversations.entry import Recipient

WhyLeftOut: TypeAlias = Literal["unverified", "blocked", "opted_out"]

RECIPIENTS_MAX = 100
"""The most addresses of one mail: more is a mailing, and providers take it for one."""


class Addressed(msgspec.Struct, kw_only=True, frozen=True):
    """Somebody who takes part, as far as it matters to whom a mail goes."""

    address: str
    role: str
    verified: bool = True
    blocked: bool = False
    opted_out: bool = False


class LeftOut(msgspec.Struct, kw_only=True, frozen=True):
    """Somebody who takes part and does not get an answer to all."""

    address: str
    reason: WhyLeftOut


class Envelope(msgspec.Struct, kw_only=True, frozen=True):
    """Whom a mail goes to besides the contact, and who is left out of an answer to all."""

    others: list[Recipient]
    left_out: list[LeftOut]


def choose_recipients(
    to: str, *, cc: Sequence[str], bcc: Sequence[str], everybody: Sequence[Addressed], own: Collection[str]
) -> Envelope:
    """Each address once, the most open role first; never our own, and never the contact's a second time.

    `everybody` are those who take part, () where the answer does not go to all.
    """
    wanted: list[Recipient] = [Recipient(role="cc", address=address) for address in cc]
    wanted += [Recipient(role="cc", address=one.address) for one in everybody if _joins(one)]
    wanted += [Recipient(role="bcc", address=address) for address in bcc]
    others: dict[str, Recipient] = {}
    for one in wanted:
        if not is_own_address(one.address, own):
            others.setdefault(match_key("email", one.address), one)
    others.pop(match_key("email", to), None)
    return Envelope(others=list(others.values()), left_out=_left_out(everybody, others))


def is_own_address(address: str, own: Collection[str]) -> bool:
    """Whether this is an address of ours, also with a tag (RFC 5233) behind its name."""
    key = match_key("email", address)
    local, _, domain = key.rpartition("@")
    return key in own or f"{local.partition('+')[0]}@{domain}" in own


def _joins(one: Addressed) -> bool:
    return one.role != "bcc" and _why_left_out(one) is None


def _left_out(everybody: Sequence[Addressed], others: Collection[str]) -> list[LeftOut]:
    left = ((one, _why_left_out(one)) for one in everybody if match_key("email", one.address) not in others)
    return [LeftOut(address=one.address, reason=why) for one, why in left if why]


def _why_left_out(one: Addressed) -> WhyLeftOut | None:
    if one.blocked:
        return "blocked"
    if one.opted_out:
        return "opted_out"
    return None if one.verified else "unverified"
