"""Where a browser wants to be told, checked before it is kept; and how it is told what. Pure."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from binascii import Error as NotBase64
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from inbox.kit.errors import FieldError, Problem

POINT_BYTES = 65
"""An uncompressed point of P-256: what a browser's key is (RFC 8291 section 3.1)."""
AUTH_BYTES = 16
ENDPOINT_CHARS = 2_000
BODY_CHARS = 120
"""How much of a message a notice shows."""

Encoded = Annotated[str, msgspec.Meta(max_length=200)]


EXAMPLE_POINT = "BJoo16V3Y4Vfwz7vhiOYj12xov5OTv1Cfr7FEJhPpeavPmlFIO1q63IIH5_jqsZROYhY-sJV9HNrdFdqOeiYiRc"


class PushKeys(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What a notice is encrypted for, in base64url."""

    p256dh: Annotated[Encoded, msgspec.Meta(examples=[EXAMPLE_POINT])]
    auth: Annotated[Encoded, msgspec.Meta(examples=["tBHItJI5svbpez7KI4CCXg"])]


class PushSubscription(msgspec.Struct, kw_only=True, frozen=True):
    """What a browser's `PushSubscription.toJSON()` gives; other members are passed over."""

    endpoint: Annotated[
        str, msgspec.Meta(max_length=ENDPOINT_CHARS, examples=["https://push.example/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV"])
    ]
    keys: PushKeys


class Subscription(msgspec.Struct, kw_only=True, frozen=True):
    """One as stored; its push service has asked us to wait until `rests_until`."""

    id: UUID
    visitor_id: UUID
    endpoint: str
    p256dh: str
    auth: str
    rests_until: datetime | None = None


class Notice(msgspec.Struct, kw_only=True, frozen=True):
    """What a browser shows. `tag` lets a newer notice of the same chat replace the older one, `url` is opened by it."""

    title: str
    body: str
    tag: str
    url: str | None = None
    lang: str | None = None


def check_subscription(asked: PushSubscription) -> None:
    """The `validation_failed` problem where nobody could be told anything there."""
    faults = []
    if urlsplit(asked.endpoint).scheme != "https":
        faults.append(
            FieldError(pointer="/endpoint", code="wrong_value", detail="an address that begins with https://")
        )
    point = read_encoded(asked.keys.p256dh)
    if point is None or len(point) != POINT_BYTES or point[:1] != b"\x04":
        faults.append(FieldError(pointer="/keys/p256dh", code="wrong_value", detail="a point of P-256, uncompressed"))
    secret = read_encoded(asked.keys.auth)
    if secret is None or len(secret) != AUTH_BYTES:
        faults.append(FieldError(pointer="/keys/auth", code="wrong_value", detail="16 bytes in base64url"))
    if faults:
        raise Problem("validation_failed", "No browser can be told there", errors=faults)


def read_encoded(text: str) -> bytes | None:
    """The bytes behind base64url with or without its padding; None where it is none."""
    try:
        return urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
    except (NotBase64, ValueError):
        return None


def hash_endpoint(endpoint: str) -> bytes:
    """By what one is found: an address is one browser's, whoever subscribes it."""
    return sha256(endpoint.encode()).digest()


def write_notice(row: Any, *, chat: str, url: str | None, lang: str | None) -> Notice:
    """The notice of a message: who wrote, and how it begins."""
    words = " ".join(row["text"].split())
    body = words if len(words) <= BODY_CHARS else f"{words[: BODY_CHARS - 1].rstrip()}…"
    title = f"{row['author_name']} · {chat}" if row["author_name"] else chat
    return Notice(title=title, body=body, tag=row["conversation_id"].hex, url=url, lang=lang)
