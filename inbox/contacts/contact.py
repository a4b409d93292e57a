"""A contact as it is stored: the person, their addresses, and what they allowed. Plain data."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

import msgspec

from channels.events import AddressKind

Proof: TypeAlias = Literal["none", "provider", "confirmed"]
ConsentState: TypeAlias = Literal["granted", "revoked"]

MAX_NAME_CHARS = 200

ContactName: TypeAlias = Annotated[
    str, msgspec.Meta(min_length=1, max_length=MAX_NAME_CHARS, pattern=r"^[^\x00-\x1f\x7f]+(?![\s\S])")
]
LanguageTag: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        max_length=35,
        pattern="^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$",
        description="A language tag (BCP 47).",
        examples=["pt-BR"],
    ),
]
CompanyId: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        max_length=40,
        description="The company they belong to.",
        examples=["cmp_019aa5c1d2e37f4f8a6b9c0d1e2f3a4b"],
    ),
]
Attributes: TypeAlias = Annotated[dict[str, Any], msgspec.Meta(examples=[{"order": "8841"}])]
SystemName: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
ExternalId: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
ExternalIds: TypeAlias = Annotated[dict[SystemName, ExternalId | None], msgspec.Meta(examples=[{"crm": "C-55"}])]

ALL_PURPOSES = "all"
"""What STOP takes back and START gives: it covers every purpose."""
SUPPORT = "support"
"""The purpose of a reply to somebody who wrote to us."""


class Consent(msgspec.Struct, kw_only=True, frozen=True):
    """One line of the ledger: for one purpose, on one channel of ours or (None) on all. `proof` says how we know."""

    id: int
    purpose: str
    channel_id: UUID | None
    state: ConsentState
    source: str
    proof: dict[str, Any]
    created_at: datetime


class Identity(msgspec.Struct, kw_only=True, frozen=True):
    """One address, how sure we are that it is theirs, and the newest consents per purpose and channel."""

    id: UUID
    kind: AddressKind
    address: str
    proof: Proof
    created_at: datetime
    consents: list[Consent]


class Employer(msgspec.Struct, kw_only=True, frozen=True):
    """The company a contact belongs to."""

    id: UUID
    name: str


class Contact(msgspec.Struct, kw_only=True, frozen=True):
    """A person. `attributes` and `external` (ids in other systems) belong to whoever writes them.

    `merged_ids` are contacts that live on in this one: their ids still lead here.
    """

    id: UUID
    name: str | None
    language: str | None
    company: Employer | None = None
    blocked_at: datetime | None = None
    attributes: dict[str, Any]
    external: dict[str, str]
    merged_ids: list[UUID] = []
    version: int
    created_at: datetime
    updated_at: datetime
    identities: list[Identity]


class ContactChange(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What a contact is to become, as a merge patch (RFC 7396): what is absent stays, a null empties or removes.

    `external` names the contact in other systems, such as {"crm": "C-55"}.
    """

    name: ContactName | msgspec.UnsetType | None = msgspec.UNSET
    language: LanguageTag | msgspec.UnsetType | None = msgspec.UNSET
    company_id: CompanyId | msgspec.UnsetType | None = msgspec.UNSET
    attributes: Attributes | msgspec.UnsetType | None = msgspec.UNSET
    external: ExternalIds | msgspec.UnsetType | None = msgspec.UNSET


class KnownIdentity(msgspec.Struct, frozen=True):
    """Whose an address is; `created` where this transaction was the first to meet it."""

    identity_id: UUID
    contact_id: UUID
    created: bool = False


class ConsentChange(msgspec.Struct, kw_only=True, frozen=True):
    """A line to be added to the ledger. `source` is who says so: keyword, provider, agent, integration, ..."""

    identity_id: UUID
    state: ConsentState
    source: str
    purpose: str = ALL_PURPOSES
    channel_id: UUID | None = None
    proof: dict[str, Any] = {}
