"""Reply addresses: only what we signed, for whom we signed it, and while it holds (security T32, T34)."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from inbox.conversations.letters.tags import check_reply_tag, read_reply_tags, sign_reply_address
from inbox.kit.secrets import SecretBox
from tests.inbox.builders import NOW
from tests.inbox.conversations.letters.post import BOX, HELP

CONVERSATION, OTHER = UUID(int=7), UUID(int=8)
ANA, BEN = UUID(int=1), UUID(int=2)
OTHER_BOX = SecretBox(["another-key-another-key-another-key"])


def signed_address(*, days: int = 30, box: SecretBox = BOX, number: int = 1042) -> str:
    """A reply address that was made now."""
    address = sign_reply_address(
        box, HELP, number=number, conversation_id=CONVERSATION, identity_id=ANA, expires=NOW + timedelta(days=days)
    )
    assert address is not None
    return address


def tag_of(address: str) -> str:
    """What stands behind the plus."""
    return address.partition("+")[2].partition("@")[0]


def checked(text: str, *, conversation: UUID = CONVERSATION, days: int = 0) -> UUID | None:
    """Whose tag it is, looked at so many days later."""
    found = [
        check_reply_tag(BOX, tag, conversation_id=conversation, identity_ids=[BEN, ANA], now=NOW + timedelta(days=days))
        for tag in read_reply_tags([text])
    ]
    return next((one for one in found if one), None)


def test_a_tag_leads_back_to_its_conversation_and_person() -> None:
    """With its mark or without, and where a host folded it."""
    tag = tag_of(signed_address())
    assert 1042 in [one.number for one in read_reply_tags([tag])]
    assert checked(tag) == checked(tag[1:]) == checked(tag.upper()) == ANA


def test_a_tag_ends() -> None:
    """On the last day it holds, the day after no longer."""
    tag = tag_of(signed_address(days=30))
    assert checked(tag, days=30) == ANA
    assert checked(tag, days=31) is None


@pytest.mark.parametrize("at", range(2, 40))
def test_a_tag_with_any_sign_changed_is_none(at: int) -> None:
    """Number, day and MAC: there is nothing in it that can be changed."""
    tag = tag_of(signed_address())
    if at >= len(tag) - 1 or tag[at] == "-":  # the last sign has two bits that say nothing
        return
    changed = tag[:at] + ("a" if tag[at] != "a" else "b") + tag[at + 1 :]
    found = read_reply_tags([changed])
    assert all(one.number != 1042 for one in found) or checked(changed) is None


def test_a_tag_of_another_key_or_conversation_is_none() -> None:
    """It is signed for one conversation by us."""
    assert checked(tag_of(signed_address(box=OTHER_BOX))) is None
    assert checked(tag_of(signed_address()), conversation=OTHER) is None


@pytest.mark.parametrize(
    "text", ["", "c", "x" * 70_000, "c1-2-3", "ctt-9-" + "a" * 25, "sales", "1-zzzzz-" + "a" * 26, "c--" + "a" * 26]
)
def test_other_tags_are_not_ours(text: str) -> None:
    """People have tags of their own, and strangers invent some: they are read as nothing, at once."""
    assert checked(text) is None


def test_an_address_that_would_be_too_long_gets_no_tag() -> None:
    """64 characters stand before an @; then the plain address is answered to."""
    long = f"{'x' * 40}@us.example"
    assert sign_reply_address(
        BOX, long, number=1, conversation_id=CONVERSATION, identity_id=ANA, expires=NOW
    ) is None  # fmt: skip
    assert len(signed_address(number=2_000_000_000).partition("@")[0]) <= 64
