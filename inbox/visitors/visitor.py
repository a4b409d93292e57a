"""A visitor as stored, what they say of themselves, and where they stand in the inbox. Plain data."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from inbox.contacts.contact import MAX_NAME_CHARS

URL_CHARS = 2_000
TITLE_CHARS = 300
READABLE = r"^[^\x00-\x1f\x7f]*(?![\s\S])"
Line = Annotated[str, msgspec.Meta(max_length=MAX_NAME_CHARS, pattern=READABLE)]
Url = Annotated[str, msgspec.Meta(max_length=URL_CHARS, pattern=READABLE)]


class VisitorPage(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The page of the site a visitor looks at, as their browser says."""

    url: Annotated[Url, msgspec.Meta(examples=["https://shop.example/orders/8841"])]
    title: Annotated[str, msgspec.Meta(max_length=TITLE_CHARS, pattern=READABLE, examples=["Your order"])] | None = None
    referrer: Url | None = None


class Profile(msgspec.Struct, kw_only=True, frozen=True):
    """What visitors, or the page they look at, say of themselves: nobody has proven it."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    attributes: dict[str, Any] = {}
    user_id: str | None = None


class Proof(msgspec.Struct, kw_only=True, frozen=True):
    """Who a visitor has proven to be: a user of a system. Name and mail address are there where they were signed."""

    system: str
    user_id: str
    name: str | None = None
    email: str | None = None

    @property
    def address(self) -> str:
        """The identity they write from, on whichever channel of the system."""
        return f"{self.system}:{self.user_id}"


class Browser(msgspec.Struct, kw_only=True, frozen=True):
    """From where a session is asked for; of the network address a keyed hash is kept."""

    locale: str | None = None
    user_agent: str | None = None
    address_hash: str | None = None
    page: VisitorPage | None = None


class Visitor(msgspec.Struct, kw_only=True, frozen=True):
    """A visitor as stored. `address` is the identity they write from; `wrote_at` is None until they first write."""

    id: UUID
    channel_id: UUID
    address: str
    verified: bool
    user_id: str | None
    name: str | None
    email: str | None
    proven_email: str | None
    phone: str | None
    attributes: dict[str, Any]
    locale: str | None
    user_agent: str | None
    page: VisitorPage | None
    wrote_at: datetime | None
    created_at: datetime
    last_seen_at: datetime


class VisitorSession(msgspec.Struct, kw_only=True, frozen=True):
    """A browser that may speak as a visitor."""

    id: UUID
    visitor_id: UUID
    expires_at: datetime


class KnownSession(msgspec.Struct, kw_only=True, frozen=True):
    """A session that holds, and whose it is."""

    session: VisitorSession
    visitor: Visitor


class Standing(msgspec.Struct, kw_only=True, frozen=True):
    """Where a visitor stands in the inbox.

    `identity_ids` are the addresses whose messages are theirs to see, None of them before they are a contact.
    `conversation_id` is the conversation they are in: the one that is open, else the last.
    """

    contact_id: UUID | None = None
    contact_name: str | None = None
    identity_ids: frozenset[UUID] = frozenset()
    conversation_id: UUID | None = None


class View(msgspec.Struct, kw_only=True, frozen=True):
    """What a visitor may look at: messages of these identities, on their own channel alone unless they are proven."""

    identity_ids: frozenset[UUID]
    channel_id: UUID | None


NOWHERE = Standing()


def view_of(visitor: Visitor, standing: Standing) -> View:
    """What this visitor may look at."""
    return View(identity_ids=standing.identity_ids, channel_id=None if visitor.verified else visitor.channel_id)
