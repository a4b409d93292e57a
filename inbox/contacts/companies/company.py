"""A company as it is stored, what may change of it, and which one a mail address suggests. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import idna
import msgspec

from inbox.contacts.contact import Attributes, ContactName, ExternalIds, Identity
from inbox.kit.errors import FieldError, Problem

MAX_DOMAINS = 100
MAX_DOMAIN_CHARS = 253
"""The longest name of a host, written out (RFC 1035 2.3.4, less the length octets)."""

Domain: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_DOMAIN_CHARS, examples=["example.org"])]
Domains: TypeAlias = Annotated[list[Domain], msgspec.Meta(max_length=MAX_DOMAINS)]


class Company(msgspec.Struct, kw_only=True, frozen=True):
    """A company with the number of its contacts."""

    id: UUID
    name: str
    domains: list[str]
    attributes: dict[str, Any]
    external: dict[str, str]
    contacts: int
    version: int
    created_at: datetime
    updated_at: datetime


class CompanyChange(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What a company is to become, as a merge patch (RFC 7396); `domains` replaces them all."""

    name: ContactName | msgspec.UnsetType = msgspec.UNSET
    domains: Domains | msgspec.UnsetType = msgspec.UNSET
    attributes: Attributes | msgspec.UnsetType | None = msgspec.UNSET
    external: ExternalIds | msgspec.UnsetType | None = msgspec.UNSET


class Suggestion(msgspec.Struct, kw_only=True, frozen=True):
    """A company that somebody may belong to, and why we think so."""

    company_id: UUID
    because: list[str]


def proven_domains(identities: Iterable[Identity]) -> dict[str, str]:
    """The mail domains that say something of a person, with the address each comes from.

    Anybody can write any address into a From line, so only proven ones count.
    """
    return {
        one.address.rpartition("@")[2]: one.address
        for one in identities
        if one.kind == "email" and one.proof != "none" and "@" in one.address
    }


def suggest_companies(domains: Mapping[str, str], owners: Mapping[str, UUID]) -> list[Suggestion]:
    """The companies that hold these domains, each once."""
    reasons: dict[UUID, list[str]] = {}
    for domain, address in domains.items():
        if domain in owners:
            reasons.setdefault(owners[domain], []).append(f"the proven address {address} is of its domain {domain}")
    return [Suggestion(company_id=company_id, because=because) for company_id, because in reasons.items()]


def spell_domains(given: Iterable[str]) -> list[str]:
    """Domains in lower case and ASCII (IDNA 2008), each once, in order; the problem names every one that is none."""
    spelled: dict[str, None] = {}
    errors = []
    for index, text in enumerate(given):
        try:
            domain = idna.encode(text.strip().removesuffix("."), uts46=True, transitional=False).decode()
        except idna.IDNAError:
            domain = ""
        if "." in domain:
            spelled[domain] = None
        else:
            detail = "not the name of a mail domain, such as example.org"
            errors.append(FieldError(pointer=f"/domains/{index}", code="wrong_value", detail=detail))
    if errors:
        raise Problem("validation_failed", f"{errors[0].pointer}: {errors[0].detail}", errors=errors)
    return sorted(spelled)
