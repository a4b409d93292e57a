"""Companies over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Controller, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from inbox.contacts.companies.actions import create_company, delete_company, update_company
from inbox.contacts.companies.company import Company, CompanyChange, Domains, proven_domains, suggest_companies
from inbox.contacts.companies.queries import (
    CompanyFilter,
    find_companies,
    find_company,
    find_domain_owners,
    list_companies,
)
from inbox.contacts.contact import Attributes, ContactName, ExternalIds
from inbox.contacts.queries import find_contact
from inbox.kit.callers import Caller
from inbox.kit.clock import show_time
from inbox.kit.ids import read_id, show_id
from inbox.kit.pages import DEFAULT_LIMIT, Page, PageCursor, PageLimit, cut_page, read_cursor

READ = {"scope": "contacts:read"}
WRITE = {"scope": "contacts:write", "problems": ["state_conflict"]}


class NewCompany(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A company. Mail from its domains suggests it for a contact; a domain belongs to one company."""

    name: Annotated[ContactName, msgspec.Meta(examples=["Ruiz Travel"])]
    domains: Domains = []
    attributes: Attributes = {}
    external: ExternalIds = {}


class CompanyObject(msgspec.Struct, kw_only=True, frozen=True):
    """A company; `contacts` is how many belong to it."""

    object: Literal["company"] = "company"
    id: str
    version: int
    name: Annotated[str, msgspec.Meta(examples=["Ruiz Travel"])]
    domains: Annotated[list[str], msgspec.Meta(examples=[["example.org"]])]
    attributes: Attributes
    external: Annotated[dict[str, str], msgspec.Meta(examples=[{"crm": "C-55"}])]
    contacts: int
    created_at: str
    updated_at: str


class CompanySuggestion(msgspec.Struct, kw_only=True, frozen=True):
    """A company a contact may belong to, and why we think so."""

    object: Literal["company_suggestion"] = "company_suggestion"
    company: CompanyObject
    because: Annotated[
        list[str], msgspec.Meta(examples=[["the proven address ana@example.org is of its domain example.org"]])
    ]


class CompanyController(Controller):
    """Whom contacts work for. A contact belongs to at most one company."""

    path = "/companies"
    tags = ("Companies",)

    @get("/", opt=READ, operation_id="listCompanies", summary="List companies, the newest first")
    async def list_companies(
        self,
        *,
        name: Annotated[str | None, QueryParameter(description="Those whose name contains this, in any case.")] = None,
        domain: Annotated[str | None, QueryParameter(description="The one that holds this mail domain.")] = None,
        limit: PageLimit = DEFAULT_LIMIT,
        cursor: PageCursor = None,
    ) -> Page[CompanyObject]:
        """Companies we wrote down."""
        narrowed = CompanyFilter(name=name, domain=domain)
        after = read_cursor(cursor, tuple[datetime, UUID], of=["companies", narrowed])
        rows = await list_companies(narrowed, after=after, limit=limit + 1)
        return cut_page(rows, limit, key=_age, of=["companies", narrowed], show=show_company)

    @post("/", opt=WRITE, operation_id="createCompany", summary="Create a company")
    async def create_company(self, *, caller: NamedDependency[Caller], data: JSONBody[NewCompany]) -> CompanyObject:
        """A domain that another one holds is a `state_conflict` naming it."""
        change = CompanyChange(name=data.name, domains=data.domains, attributes=data.attributes, external=data.external)
        return show_company(await find_company(await create_company(change, actor=caller.actor)))

    @get("/{company_id:str}", opt=READ, operation_id="getCompany", summary="Get a company")
    async def get_company(self, company_id: FromPath[str]) -> CompanyObject:
        """One company; its contacts are listed by `/v1/contacts?company=`."""
        return show_company(await find_company(read_id("cmp", company_id)))

    @patch("/{company_id:str}", opt=WRITE, operation_id="updateCompany", summary="Change a company")
    async def update_company(
        self, *, caller: NamedDependency[Caller], company_id: FromPath[str], data: JSONBody[CompanyChange]
    ) -> CompanyObject:
        """A JSON merge patch: members left out stay, nulls are removed; `domains` replaces the list."""
        company = read_id("cmp", company_id)
        await update_company(company, data, actor=caller.actor)
        return show_company(await find_company(company))

    @delete("/{company_id:str}", opt={"scope": "contacts:write"}, operation_id="deleteCompany",
            summary="Delete a company")  # fmt: skip
    async def delete_company(self, *, caller: NamedDependency[Caller], company_id: FromPath[str]) -> None:
        """Its contacts stay, and belong to no company."""
        await delete_company(read_id("cmp", company_id), actor=caller.actor)


class SuggestionController(Controller):
    """Which company a contact may belong to."""

    path = "/contacts"
    tags = ("Companies",)

    @get("/{contact_id:str}/suggested-companies", opt=READ, operation_id="listSuggestedCompanies",
         summary="List the companies a contact may belong to")  # fmt: skip
    async def list_suggested_companies(self, contact_id: FromPath[str]) -> Page[CompanySuggestion]:
        """By the domains of proven mail addresses alone, since anybody can write any address into a From line."""
        contact = await find_contact(read_id("ctc", contact_id))
        domains = proven_domains(contact.identities)
        suggestions = suggest_companies(domains, await find_domain_owners(domains.keys()))
        companies = await find_companies([one.company_id for one in suggestions])
        return Page(
            data=[
                CompanySuggestion(company=show_company(companies[one.company_id]), because=one.because)
                for one in suggestions
                if one.company_id in companies
            ]
        )


def show_company(company: Company) -> CompanyObject:
    """A company as the API shows it."""
    return CompanyObject(
        id=show_id("cmp", company.id),
        version=company.version,
        name=company.name,
        domains=company.domains,
        attributes=company.attributes,
        external=company.external,
        contacts=company.contacts,
        created_at=show_time(company.created_at),
        updated_at=show_time(company.updated_at),
    )


def _age(company: Company) -> tuple[datetime, UUID]:
    return company.created_at, company.id
