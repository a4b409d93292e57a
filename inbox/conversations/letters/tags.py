"""Reply addresses that find their conversation: `support+c{tag}@example.org`. Pure.

A tag is `{number}-{day}-{mac}`: the conversation's number and the last day it holds, both in base 36, and a MAC in base
32 over the conversation, the identity it was made for and that day. All in lower case, since some hosts fold the part
before the @. There is one form of it and no older one: what is not signed by us is not there.
"""

from __future__ import annotations

import re
from base64 import b32decode, b32encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import msgspec

from inbox.kit.secrets import SecretBox

PURPOSE = "reply address"
MARK = "c"
"""What a tag of ours begins with in an address."""
LOCAL_CHARS_MAX = 64
"""The longest part before the @ (RFC 5321 4.5.3.1.1)."""
EPOCH = date(2026, 1, 1)
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
TAGS_READ = 10
"""The most tags of one mail that are looked at."""

_TAG = re.compile(r"([0-9a-z]{1,6})-([0-9a-z]{1,4})-([a-z2-7]{26})")


class ReplyTag(msgspec.Struct, frozen=True):
    """A tag as it is read: nothing of it is believed before its MAC was checked."""

    number: int
    day: int
    mac: str


def sign_reply_address(
    box: SecretBox, address: str, *, number: int, conversation_id: UUID, identity_id: UUID, expires: datetime
) -> str | None:
    """The address with its tag; None where it would be too long, so that the plain one is used."""
    local, _, domain = address.rpartition("@")
    day = (expires.astimezone(UTC).date() - EPOCH).days
    signature = box.sign(_signed_text(conversation_id, identity_id, day), purpose=PURPOSE)
    mac = b32encode(urlsafe_b64decode(f"{signature}==")).rstrip(b"=").decode().lower()
    tagged = f"{local}+{MARK}{_show(number)}-{_show(day)}-{mac}"
    return f"{tagged}@{domain}" if len(tagged) <= LOCAL_CHARS_MAX else None


def read_reply_tags(tags: Iterable[str]) -> list[ReplyTag]:
    """Those of a mail's tags that have the form of ours."""
    return list(dict.fromkeys(tag for text in list(tags)[:TAGS_READ] for tag in _readings(text.lower())))


def check_reply_tag(
    box: SecretBox, tag: ReplyTag, *, conversation_id: UUID, identity_ids: Iterable[UUID], now: datetime
) -> UUID | None:
    """The identity a tag was made for; None where it was not signed for any of these, or holds no longer."""
    if EPOCH + timedelta(days=tag.day) < now.astimezone(UTC).date():
        return None
    signature = urlsafe_b64encode(b32decode(f"{tag.mac}======".upper())).rstrip(b"=").decode()
    for identity_id in identity_ids:
        if box.check_signature(_signed_text(conversation_id, identity_id, tag.day), signature, purpose=PURPOSE):
            return identity_id
    return None


def _readings(text: str) -> Iterator[ReplyTag]:
    """With its mark, or where the mark was taken off already."""
    for form in (text.removeprefix(MARK), text):
        if found := _TAG.fullmatch(form):
            yield ReplyTag(int(found[1], 36), int(found[2], 36), found[3])


def _signed_text(conversation_id: UUID, identity_id: UUID, day: int) -> str:
    return f"{conversation_id.hex} {identity_id.hex} {day}"


def _show(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, len(DIGITS))
        digits = DIGITS[digit] + digits
    return digits or "0"
