"""What an endpoint asked for, and the secrets it is signed with. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, TypeAlias
from uuid import UUID

import msgspec

from inbox.kit.errors import FieldError

Payload: TypeAlias = Literal["full", "thin"]
Ordering: TypeAlias = Literal["none", "conversation"]
DisabledReason: TypeAlias = Literal["by_request", "gone", "failing"]

MAX_SECRETS = 5
"""Secrets that sign at one time: the new one and those it replaced, while they overlap."""
MAX_HEADERS = 20
HEADER_CHARS = 1000

EVERYTHING = "*"
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?")
OURS = frozenset({
    "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "cookie", "host",
    "keep-alive", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade", "user-agent",
})  # fmt: skip
"""Headers that frame the request or that we fill in ourselves; so are all that begin with `webhook-`."""


class SigningSecret(msgspec.Struct, frozen=True):
    """A secret in its published form, `whsec_` and base64; it signs until `expires_at`, or for good."""

    secret: str
    expires_at: datetime | None = None


class Sealed(msgspec.Struct, kw_only=True, frozen=True):
    """What is kept sealed of an endpoint: its secrets, the newest first, and the headers it wants."""

    secrets: tuple[SigningSecret, ...]
    headers: dict[str, str] = {}


class Wish(msgspec.Struct, kw_only=True, frozen=True):
    """Which events an endpoint gets: of these types, told since `since`, and of conversations that match `query`."""

    webhook_id: UUID
    types: tuple[str, ...]
    query: str | None
    ordered: bool
    since: datetime

    def wants(self, event_type: str, told_at: datetime) -> bool:
        """Whether the event may go there, the query aside."""
        return told_at >= self.since and matches_type(self.types, event_type)


def matches_type(patterns: Iterable[str], event_type: str) -> bool:
    """Whether a type is among these: named as it is, by the wildcard of its group (`message.*`), or by `*`."""
    group = event_type.partition(".")[0]
    return any(pattern in {event_type, f"{group}.*", EVERYTHING} for pattern in patterns)


def refuse_types(patterns: Sequence[str], known: Collection[str]) -> list[FieldError]:
    """What is wrong with a filter of types: patterns that no event will ever match."""
    groups = {f"{name.partition('.')[0]}.*" for name in known}
    fine = {EVERYTHING, *groups, *known}
    return [
        FieldError(
            pointer=f"/types/{at}",
            code="unknown_value",
            detail=f"no event is of the type {pattern!r}; see GET /v1/event-types",
        )
        for at, pattern in enumerate(patterns)
        if pattern not in fine
    ]


def refuse_headers(headers: Mapping[str, str]) -> list[FieldError]:
    """What is wrong with the headers an endpoint wants."""
    return [
        FieldError(pointer=f"/headers/{_escaped(name)}", code="not_allowed", detail=detail)
        for name, value in headers.items()
        if (detail := _header_fault(name, value))
    ]


def _header_fault(name: str, value: str) -> str | None:
    if not _HEADER_NAME.fullmatch(name):
        return "this is no name of a header (RFC 9110 5.1)"
    if name.lower() in OURS or name.lower().startswith("webhook-"):
        return "this header is ours to fill in"
    if len(value) > HEADER_CHARS or not _HEADER_VALUE.fullmatch(value):
        return f"a value is 1 to {HEADER_CHARS} printable ASCII characters"
    return None


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")  # RFC 6901


def rotate_secrets(
    secrets: Iterable[SigningSecret], new: str, *, now: datetime, overlap: timedelta
) -> tuple[SigningSecret, ...]:
    """The new secret before those it replaces, which go on signing until the overlap ends, and never longer."""
    until = now + overlap
    old = [
        SigningSecret(one.secret, until if one.expires_at is None else min(one.expires_at, until))
        for one in live_secrets(secrets, now)
    ]
    return (SigningSecret(new), *(old if overlap else ())[: MAX_SECRETS - 1])


def live_secrets(secrets: Iterable[SigningSecret], now: datetime) -> list[SigningSecret]:
    """Those that sign at this moment, the newest first."""
    return [one for one in secrets if one.expires_at is None or one.expires_at > now]
