"""Making, changing and dissolving companies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from inbox.audit.actions import record_audit
from inbox.contacts.attributes.actions import hold_attributes
from inbox.contacts.companies.company import CompanyChange, spell_domains
from inbox.contacts.companies.queries import find_domain_owners
from inbox.contacts.patching import check_free_json, merge_patch
from inbox.feed.actions import append_event
from inbox.feed.events import EventType
from inbox.kit.callers import Actor
from inbox.kit.db import execute, fetch, fetch_one
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import new_id, show_id
from inbox.kit.versions import check_version

EMPTY: dict[str, Any] = {"name": "", "attributes": {}, "external": {}}
INSERT = "INSERT INTO company (id, name, attributes, external) VALUES ($1, $2, $3::jsonb, $4::jsonb)"
LOCK = "SELECT name, attributes, external, version FROM company WHERE id = $1 FOR NO KEY UPDATE"
UPDATE = """
UPDATE company SET name = $2, attributes = $3::jsonb, external = $4::jsonb, version = version + 1, updated_at = now()
WHERE id = $1
"""
DROP_DOMAINS = "DELETE FROM company_domain WHERE company_id = $1 AND domain <> ALL($2)"
# Domains are claimed in their order, so that two who want the same ones never wait in a circle.
CLAIM_DOMAINS = """
INSERT INTO company_domain (domain, company_id) SELECT domain, $1 FROM unnest($2::text[]) AS domain ORDER BY domain
ON CONFLICT (domain) DO NOTHING
"""
DOMAINS = "SELECT domain FROM company_domain WHERE company_id = $1"
LEAVE = """
WITH theirs AS (SELECT id FROM contact WHERE company_id = $1 ORDER BY id FOR NO KEY UPDATE)
UPDATE contact SET company_id = NULL, version = version + 1, updated_at = now()
FROM theirs WHERE contact.id = theirs.id RETURNING contact.id
"""


async def create_company(change: CompanyChange, *, actor: Actor) -> UUID:
    """A new company; `state_conflict` names whichever has one of its domains."""
    company_id = new_id()
    after = await _patched(EMPTY, change, new=True)
    await execute(INSERT, company_id, *_columns(after))
    await _set_domains(company_id, change)
    await _tell("company.created", company_id, actor=actor)
    return company_id


async def update_company(company_id: UUID, change: CompanyChange, *, actor: Actor) -> None:
    """Change what the patch names, and tell it; nothing happens where nothing changes."""
    row = await fetch_one(LOCK, company_id)
    if row is None:
        raise _unknown(company_id)
    check_version(company_id, row["version"])
    before = {"name": row["name"], **{name: msgspec.json.decode(row[name]) for name in ("attributes", "external")}}
    after = await _patched(before, change, new=False)
    changed = [name for name in after if after[name] != before[name]]
    if await _set_domains(company_id, change):
        changed.append("domains")
    if changed:
        await execute(UPDATE, company_id, *_columns(after))
        await _tell("company.updated", company_id, actor=actor, changed=changed)


async def delete_company(company_id: UUID, *, actor: Actor) -> None:
    """Its contacts stay, and belong to no company."""
    left = await fetch(LEAVE, company_id)  # contacts are locked before their company, as where one is given a company
    if await fetch_one("DELETE FROM company WHERE id = $1 RETURNING id", company_id) is None:
        raise _unknown(company_id)
    await _tell("company.deleted", company_id, actor=actor, facts={"contacts": len(left)})
    await record_audit(actor, "company.deleted", target=show_id("cmp", company_id), facts={"contacts": len(left)})


async def _set_domains(company_id: UUID, change: CompanyChange) -> bool:
    """Let the company hold these domains and no others; True if that changed anything."""
    if change.domains is msgspec.UNSET:
        return False
    wanted = spell_domains(change.domains)
    before = {row["domain"] for row in await fetch(DOMAINS, company_id)}
    await execute(DROP_DOMAINS, company_id, wanted)
    await execute(CLAIM_DOMAINS, company_id, wanted)
    owners = await find_domain_owners(wanted)
    taken = [
        FieldError(pointer="/domains", code="taken", detail=f"{domain} is held by {show_id('cmp', owners[domain])}")
        for domain in wanted
        if owners[domain] != company_id
    ]
    if taken:
        raise Problem("state_conflict", taken[0].detail, errors=taken, hint="Take it from there first")
    return before != set(wanted)


async def _patched(before: dict[str, Any], change: CompanyChange, *, new: bool) -> dict[str, Any]:
    patch: dict[str, Any] = msgspec.to_builtins(change)
    patch.pop("domains", None)
    check_free_json(patch.get("attributes"), pointer="/attributes")
    after: dict[str, Any] = EMPTY | merge_patch(before, patch)
    for name in ("attributes", "external"):
        check_free_json(after[name], pointer=f"/{name}")
    if new or "attributes" in patch:
        given = patch.get("attributes") if "attributes" in patch else {}
        after["attributes"] = await hold_attributes(
            "company", given, before=before["attributes"], after=after["attributes"], new=new
        )
    return after


def _columns(values: dict[str, Any]) -> list[str]:
    return [values["name"], *(msgspec.json.encode(values[name]).decode() for name in ("attributes", "external"))]


async def _tell(
    event_type: EventType,
    company_id: UUID,
    *,
    actor: Actor,
    changed: Sequence[str] = (),
    facts: dict[str, Any] | None = None,
) -> None:
    told = {"company_id": show_id("cmp", company_id), **(facts or {})}
    await append_event(event_type, actor=actor, facts=told, changed=changed)


def _unknown(company_id: UUID) -> Problem:
    return Problem("not_found", f"There is no company {show_id('cmp', company_id)}")
