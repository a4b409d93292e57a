"""Reading companies."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import msgspec

from inbox.contacts.companies.company import Company
from inbox.kit.db import fetch
from inbox.kit.errors import Problem
from inbox.kit.ids import show_id

COMPANIES = """
SELECT row_to_json(found)::text AS company FROM (
    SELECT c.id, c.name, c.attributes, c.external, c.version, c.created_at, c.updated_at,
        (SELECT coalesce(json_agg(d.domain ORDER BY d.domain), '[]') FROM company_domain d WHERE d.company_id = c.id)
            AS domains,
        (SELECT count(*) FROM contact p WHERE p.company_id = c.id) AS contacts
    FROM company c
"""
END = ") found"
PAGE = f"""{COMPANIES}
WHERE ($1::text IS NULL OR strpos(lower(c.name), lower($1)) > 0)
    AND ($2::text IS NULL OR EXISTS (SELECT FROM company_domain d WHERE d.company_id = c.id AND d.domain = lower($2)))
    AND ($3::timestamptz IS NULL OR (c.created_at, c.id) < ($3, $4::uuid))
ORDER BY c.created_at DESC, c.id DESC LIMIT $5
{END} ORDER BY created_at DESC, id DESC
"""

_decode = msgspec.json.Decoder(Company).decode


class CompanyFilter(msgspec.Struct, kw_only=True, frozen=True):
    """What a list of companies is narrowed to; None means no narrowing."""

    name: str | None = None
    domain: str | None = None


async def list_companies(narrowed: CompanyFilter, *, after: tuple[datetime, UUID] | None, limit: int) -> list[Company]:
    """One page, the newest company first."""
    rows = await fetch(PAGE, narrowed.name, narrowed.domain, *(after or (None, None)), limit)
    return [_decode(row["company"]) for row in rows]


async def find_companies(ids: Collection[UUID]) -> dict[UUID, Company]:
    """Companies by id; those that do not exist are left out."""
    rows = await fetch(f"{COMPANIES} WHERE c.id = ANY($1) {END}", list(ids))
    found = [_decode(row["company"]) for row in rows]
    return {company.id: company for company in found}


async def find_company(company_id: UUID) -> Company:
    """One company, or the `not_found` problem."""
    found = await find_companies([company_id])
    if company_id not in found:
        raise Problem("not_found", f"There is no company {show_id('cmp', company_id)}")
    return found[company_id]


async def find_domain_owners(domains: Collection[str]) -> dict[str, UUID]:
    """Which company holds each of these domains; those that none holds are left out."""
    rows = await fetch("SELECT domain, company_id FROM company_domain WHERE domain = ANY($1)", list(domains))
    return {row["domain"]: row["company_id"] for row in rows}
