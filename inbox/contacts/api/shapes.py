"""Contacts as the API speaks of them: what is asked, and what is answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec

from channels.events import AddressKind
from inbox.contacts.actions.identities import Spelled
from inbox.contacts.contact import (
    Attributes,
    Consent,
    ConsentState,
    Contact,
    ContactChange,
    Employer,
    Identity,
    Proof,
)
from inbox.contacts.matching import MAX_ADDRESS_CHARS, match_key, normalise_address
from inbox.kit.clock import show_time
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import show_id

MAX_IDENTITIES = 20


class NewIdentity(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """An address to be added: a telephone number, a mail address, or a provider's id."""

    kind: Annotated[AddressKind, msgspec.Meta(examples=["phone"])]
    address: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ADDRESS_CHARS)]


class NewContact(ContactChange, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A person, with the addresses we know them by."""

    identities: Annotated[list[NewIdentity], msgspec.Meta(max_length=MAX_IDENTITIES)] = msgspec.field(
        default_factory=list
    )


class NewConsent(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What the contact said: for one channel of ours or for all, and how we know."""

    state: ConsentState
    channel_id: str | None = None
    proof: dict[str, Any] = {}


class ConsentObject(msgspec.Struct, kw_only=True, frozen=True):
    """One line of the consent ledger; `channel_id` is null where it holds for all channels."""

    object: Literal["consent"] = "consent"
    id: str
    purpose: Annotated[str, msgspec.Meta(examples=["marketing"])]
    channel_id: str | None
    state: ConsentState
    source: str
    proof: dict[str, Any]
    created_at: str


class IdentityObject(msgspec.Struct, kw_only=True, frozen=True):
    """An address of a contact, with the newest consent of each purpose and channel."""

    object: Literal["identity"] = "identity"
    id: str
    kind: Annotated[AddressKind, msgspec.Meta(examples=["phone"])]
    address: str
    proof: Proof
    consents: list[ConsentObject]
    created_at: str


class CompanyReference(msgspec.Struct, kw_only=True, frozen=True):
    """The company a contact belongs to."""

    object: Literal["company"] = "company"
    id: str
    name: Annotated[str, msgspec.Meta(examples=["Ruiz Travel"])]


class ContactObject(msgspec.Struct, kw_only=True, frozen=True):
    """A person. `merged_ids` are the ids of contacts that were merged into this one: they all lead here."""

    object: Literal["contact"] = "contact"
    id: str
    version: int
    name: str | None
    language: str | None
    company: CompanyReference | None
    blocked_at: str | None
    attributes: Attributes
    external: Annotated[dict[str, str], msgspec.Meta(examples=[{"crm": "C-55"}])]
    identities: list[IdentityObject]
    merged_ids: Annotated[list[str], msgspec.Meta(examples=[[]])]
    created_at: str
    updated_at: str


def show_contact(contact: Contact) -> ContactObject:
    """A contact as the API shows it."""
    return ContactObject(
        id=show_id("ctc", contact.id),
        version=contact.version,
        name=contact.name,
        language=contact.language,
        company=_show_employer(contact.company),
        blocked_at=show_time(contact.blocked_at) if contact.blocked_at else None,
        attributes=contact.attributes,
        external=contact.external,
        identities=[show_identity(identity) for identity in contact.identities],
        merged_ids=[show_id("ctc", merged) for merged in contact.merged_ids],
        created_at=show_time(contact.created_at),
        updated_at=show_time(contact.updated_at),
    )


def _show_employer(company: Employer | None) -> CompanyReference | None:
    return CompanyReference(id=show_id("cmp", company.id), name=company.name) if company else None


def show_identity(identity: Identity) -> IdentityObject:
    """An address as the API shows it."""
    return IdentityObject(
        id=show_id("idn", identity.id),
        kind=identity.kind,
        address=identity.address,
        proof=identity.proof,
        consents=[show_consent(consent) for consent in identity.consents],
        created_at=show_time(identity.created_at),
    )


def show_consent(consent: Consent) -> ConsentObject:
    """A line of the ledger as the API shows it."""
    return ConsentObject(
        id=str(consent.id),
        purpose=consent.purpose,
        channel_id=show_id("cha", consent.channel_id) if consent.channel_id else None,
        state=consent.state,
        source=consent.source,
        proof=consent.proof,
        created_at=show_time(consent.created_at),
    )


def spell_identities(
    given: Sequence[NewIdentity], default_country: str | None, *, base: str = "/identities"
) -> list[Spelled]:
    """The addresses in their stored form; the `invalid_address` problem points at every one that is none."""
    spelled, errors = [], []
    for index, identity in enumerate(given):
        pointer = f"{base}/{index}/address" if base else "/address"
        try:
            address = normalise_address(identity.kind, identity.address, default_country=default_country)
            spelled.append(Spelled((identity.kind, match_key(identity.kind, address)), address, pointer=pointer))
        except ValueError as error:
            errors.append(FieldError(pointer=pointer, code="invalid_address", detail=str(error)))
    if errors:
        raise Problem("invalid_address", f"{errors[0].pointer}: {errors[0].detail}", errors=errors)
    return spelled
