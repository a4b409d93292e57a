"""Applying a chunk of rows: each row for itself, whatever becomes of the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

import msgspec

from inbox.contacts.actions import create_contact, record_consents, upsert_contact
from inbox.contacts.api.contacts import change_of
from inbox.contacts.api.shapes import NewContact, spell_identities
from inbox.contacts.attributes.definition import Definition
from inbox.contacts.attributes.queries import load_rules
from inbox.contacts.companies.actions import create_company, update_company
from inbox.contacts.companies.company import CompanyChange, spell_domains
from inbox.contacts.companies.queries import find_domain_owners
from inbox.contacts.contact import ALL_PURPOSES, ConsentChange, Identity
from inbox.contacts.queries import find_contact
from inbox.kit.db import execute, fetch, savepoint
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import CHANNEL, IMPORT, read_id, show_id
from inbox.transfers.imports.mapping import ImportedRow, read_row
from inbox.transfers.imports.rows import FileRow, explain_problem
from inbox.transfers.transfer import ImportConsent, ImportPlan, RowError, Transfer

ADD_ERRORS = """
INSERT INTO transfer_error (transfer_id, line, code, pointer, detail)
SELECT $1, line, code, pointer, detail
FROM jsonb_to_recordset($2::jsonb) AS r(line bigint, code text, pointer text, detail text)
ON CONFLICT DO NOTHING
"""
BY_EXTERNAL = """
SELECT DISTINCT c.id FROM company c
JOIN unnest($1::text[], $2::text[]) AS pair(system, value)
    ON c.external @> jsonb_build_object(pair.system, pair.value)
"""
ATTRIBUTES_OF: dict[str, Literal["contact", "company"]] = {"contacts": "contact", "companies": "company"}


class Applied(msgspec.Struct):
    """What came of a chunk."""

    counts: Counter[str]
    errors: list[RowError]


class _Undone(Exception):
    """A dry run's rows go again."""


async def apply_rows(
    transfer: Transfer, rows: Sequence[FileRow], *, plan: ImportPlan, default_country: str | None
) -> Applied:
    """Apply rows in the open transaction; of a dry run nothing stays, but what would have come of it is told."""
    applied = Applied(Counter(), [])
    types = (await load_rules(ATTRIBUTES_OF[transfer.kind])).definitions
    try:
        async with savepoint():
            for row in rows:
                await _try_row(transfer, row, plan=plan, types=types, applied=applied, country=default_country)
            _keep_unless(plan)
    except _Undone:
        applied.counts["undone"] += len(rows)
    await execute(ADD_ERRORS, transfer.id, msgspec.json.encode(applied.errors).decode())
    return applied


async def _try_row(
    transfer: Transfer,
    row: FileRow,
    *,
    plan: ImportPlan,
    types: Mapping[str, Definition],
    applied: Applied,
    country: str | None,
) -> None:
    try:
        async with savepoint():
            _check_read(row)
            read = read_row(transfer.kind, transfer.format, row.row, mapping=plan.mapping or {}, types=types)
            became = await _apply(transfer, read, plan=plan, line=row.line, country=country)
        applied.counts.update(became)
    except Problem as problem:
        code, pointer, detail = explain_problem(problem)
        applied.counts["failed"] += 1
        applied.errors.append(RowError(line=row.line, code=code, pointer=pointer, detail=detail))


def _keep_unless(plan: ImportPlan) -> None:
    if plan.dry_run:
        raise _Undone


def _check_read(row: FileRow) -> None:
    if row.error:
        error = FieldError(pointer="/", code="invalid", detail=row.error)
        raise Problem("validation_failed", row.error, errors=[error])


async def _apply(
    transfer: Transfer, read: ImportedRow, *, plan: ImportPlan, line: int, country: str | None
) -> list[str]:
    """What came of a row, by the names that are counted."""
    if read.company is not None:
        return [await _apply_company(transfer, read.company, plan)]
    if read.contact is None:
        return []
    contact_id, created = await _apply_contact(transfer, read.contact, plan=plan, country=country)
    became = ["created" if created else "updated"]
    identities = (await find_contact(contact_id)).identities
    if read.opt_out:
        await record_consents([_revoked(transfer, one, line) for one in identities])
        became.append("opted_out")
    elif plan.consent is not None:
        became += await _consent(transfer, identities, plan.consent, line=line)
    return became


async def _apply_contact(
    transfer: Transfer, contact: NewContact, *, plan: ImportPlan, country: str | None
) -> tuple[UUID, bool]:
    identities = spell_identities(contact.identities, country)
    if not identities and not contact.external and not contact.name:
        detail = "a contact needs an address, an external id or a name"
        raise Problem(
            "validation_failed", detail, errors=[FieldError(pointer="/identities", code="required", detail=detail)]
        )
    if plan.mode == "upsert" and (identities or contact.external):
        return await upsert_contact(change_of(contact), identities, actor=transfer.actor)
    return await create_contact(change_of(contact), identities, actor=transfer.actor), True


async def _apply_company(transfer: Transfer, company: CompanyChange, plan: ImportPlan) -> str:
    known = await _find_company(company) if plan.mode == "upsert" else None
    if known is not None:
        await update_company(known, company, actor=transfer.actor)
        return "updated"
    if company.name is msgspec.UNSET:
        detail = "a company needs a name"
        raise Problem("validation_failed", detail, errors=[FieldError(pointer="/name", code="required", detail=detail)])
    await create_company(company, actor=transfer.actor)
    return "created"


async def _find_company(company: CompanyChange) -> UUID | None:
    """Whichever has one of its ids in other systems, or one of its domains."""
    external = company.external if isinstance(company.external, dict) else {}
    pairs = {system: value for system, value in external.items() if value}
    found = {row["id"] for row in await fetch(BY_EXTERNAL, list(pairs), list(pairs.values()))}
    if company.domains is not msgspec.UNSET:
        found |= set((await find_domain_owners(spell_domains(company.domains))).values())
    if len(found) > 1:
        raise Problem("state_conflict", "These belong to several companies", hint="Change one by its id")
    return found.pop() if found else None


async def _consent(transfer: Transfer, identities: Sequence[Identity], given: ImportConsent, *, line: int) -> list[str]:
    """An import never overrules what somebody has taken back."""
    willing = [one for one in identities if not _has_revoked(one, given.purpose)]
    channel = read_id(CHANNEL, given.channel_id) if given.channel_id else None
    proof: dict[str, Any] = {**given.proof, "import_id": show_id(IMPORT, transfer.id), "line": line}
    await record_consents(
        [
            ConsentChange(
                identity_id=one.id,
                state="granted",
                source=given.source,
                purpose=given.purpose,
                channel_id=channel,
                proof=proof,
            )
            for one in willing
        ]
    )
    return ["consented"] * bool(willing) + ["opt_outs_kept"] * (len(willing) < len(identities))


def _has_revoked(identity: Identity, purpose: str) -> bool:
    return any(line.state == "revoked" and line.purpose in {purpose, ALL_PURPOSES} for line in identity.consents)


def _revoked(transfer: Transfer, identity: Identity, line: int) -> ConsentChange:
    proof = {"import_id": show_id(IMPORT, transfer.id), "line": line}
    return ConsentChange(identity_id=identity.id, state="revoked", source="import", proof=proof)
