"""People over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, get_args
from uuid import UUID

from litestar import Controller, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, JSONBody, QueryParameter

from channels.events import AddressKind
from inbox.contacts.actions import block_contact, create_contact, update_contact, upsert_contact
from inbox.contacts.api.shapes import ContactObject, NewContact, show_contact, spell_identities
from inbox.contacts.contact import ContactChange
from inbox.contacts.matching import match_key, normalise_address
from inbox.contacts.queries import ContactFilter, find_contact, list_contacts
from inbox.contacts.segments.queries import find_segment
from inbox.kit.callers import Caller
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import read_id
from inbox.kit.pages import DEFAULT_LIMIT, Page, PageCursor, PageLimit, cut_page, read_cursor

READ = {"scope": "contacts:read"}
LIST = {**READ, "problems": ["invalid_query", "not_found"]}
WRITE = {"scope": "contacts:write"}
NAME = {**WRITE, "problems": ["state_conflict", "invalid_address"]}


class ContactController(Controller):
    """Who writes to us, and what they allowed."""

    path = "/contacts"
    tags = ("Contacts",)

    @get("/", opt=LIST, operation_id="listContacts", summary="List contacts, the newest first")
    async def list_contacts(
        self,
        *,
        default_country: NamedDependency[str | None],
        identity: Annotated[str | None, QueryParameter(description="Those who have this address.")] = None,
        name: Annotated[str | None, QueryParameter(description="Those whose name contains this, in any case.")] = None,
        updated_after: Annotated[datetime | None, QueryParameter(description="Those changed since.")] = None,
        company: Annotated[str | None, QueryParameter(description="Those who belong to this company.")] = None,
        blocked: Annotated[bool | None, QueryParameter(description="Those who are blocked, or are not.")] = None,
        q: Annotated[
            str | None, QueryParameter(description="Those a query finds: `attr.plan:gold has:email -is:opted_out`.")
        ] = None,
        segment: Annotated[str | None, QueryParameter(description="Those in this segment.")] = None,
        limit: PageLimit = DEFAULT_LIMIT,
        cursor: PageCursor = None,
    ) -> Page[ContactObject]:
        """People who wrote to us or whom we wrote down."""
        narrowed = ContactFilter(
            identities=None if identity is None else _possible_keys(identity, default_country),
            name=name,
            updated_after=_aware(updated_after),
            company_id=read_id("cmp", company) if company else None,
            blocked=blocked,
            queries=await _read_queries(q, segment),
        )
        after = read_cursor(cursor, tuple[datetime, UUID], of=narrowed)
        rows = await list_contacts(narrowed, after=after, limit=limit + 1)
        return cut_page(rows, limit, key=lambda row: (row.created_at, row.id), of=narrowed, show=show_contact)

    @post("/", opt=NAME, operation_id="createContact", summary="Create a contact")
    async def create_contact(
        self,
        *,
        caller: NamedDependency[Caller],
        data: JSONBody[NewContact],
        default_country: NamedDependency[str | None],
    ) -> ContactObject:
        """A person who has not written yet. An address somebody else has is a `state_conflict` naming them."""
        identities = spell_identities(data.identities, default_country)
        contact_id = await create_contact(change_of(data), identities, actor=caller.actor)
        return show_contact(await find_contact(contact_id))

    @post(
        "/upsert",
        opt=NAME,
        operation_id="upsertContact",
        summary="Create a contact or change the one there is",
        response_description="The contact was created",
        responses={200: ResponseSpec(ContactObject, description="The contact was changed", generate_examples=False)},
    )
    async def upsert_contact(
        self,
        *,
        caller: NamedDependency[Caller],
        data: JSONBody[NewContact],
        default_country: NamedDependency[str | None],
    ) -> Response[ContactObject]:
        """The contact with one of these identities or external ids is changed as by PATCH; else one is created."""
        identities = spell_identities(data.identities, default_country)
        if not identities and not data.external:
            detail = "Name at least one identity or external id to look for"
            error = FieldError(pointer="/identities", code="required", detail=detail)
            raise Problem("validation_failed", detail, errors=[error])
        contact_id, created = await upsert_contact(change_of(data), identities, actor=caller.actor)
        return Response(show_contact(await find_contact(contact_id)), status_code=201 if created else 200)

    @get("/{contact_id:str}", opt=READ, operation_id="getContact", summary="Get a contact")
    async def get_contact(self, contact_id: FromPath[str]) -> ContactObject:
        """One person."""
        return show_contact(await find_contact(read_id("ctc", contact_id)))

    @patch("/{contact_id:str}", opt=WRITE, operation_id="updateContact", summary="Change a contact")
    async def update_contact(
        self, *, caller: NamedDependency[Caller], contact_id: FromPath[str], data: JSONBody[ContactChange]
    ) -> ContactObject:
        """A JSON merge patch: members left out stay, nulls are removed."""
        contact = read_id("ctc", contact_id)
        await update_contact(contact, data, actor=caller.actor)
        return show_contact(await find_contact(contact))

    @post("/{contact_id:str}/block", opt=WRITE, operation_id="blockContact", summary="Block a contact",
          status_code=200)  # fmt: skip
    async def block_contact(self, *, caller: NamedDependency[Caller], contact_id: FromPath[str]) -> ContactObject:
        """Nothing is written to them. What they write is kept, but reopens nothing and is not counted as unread."""
        return await _block(contact_id, blocked=True, caller=caller)

    @post("/{contact_id:str}/unblock", opt=WRITE, operation_id="unblockContact", summary="Unblock a contact",
          status_code=200)  # fmt: skip
    async def unblock_contact(self, *, caller: NamedDependency[Caller], contact_id: FromPath[str]) -> ContactObject:
        """From now on they are heard as everybody is; what they wrote meanwhile stays where it is."""
        return await _block(contact_id, blocked=False, caller=caller)


async def _block(contact_id: str, *, blocked: bool, caller: Caller) -> ContactObject:
    contact = read_id("ctc", contact_id)
    await block_contact(contact, blocked=blocked, actor=caller.actor)
    return show_contact(await find_contact(contact))


def change_of(new: NewContact) -> ContactChange:
    """What a new contact says about the person, without the addresses."""
    return ContactChange(
        name=new.name,
        language=new.language,
        company_id=new.company_id,
        attributes=new.attributes,
        external=new.external,
    )


async def _read_queries(q: str | None, segment: str | None) -> tuple[str, ...]:
    """What is asked: a cursor goes with these very words, also where a segment is changed meanwhile."""
    saved = (await find_segment(read_id("seg", segment))).query if segment else None
    return tuple(text for text in (q, saved) if text is not None)


def _possible_keys(text: str, default_country: str | None) -> tuple[tuple[str, str], ...]:
    """What the address may mean, of each kind that could be spelled like this."""
    keys: list[tuple[str, str]] = []
    for kind in get_args(AddressKind):
        try:
            keys.append((kind, match_key(kind, normalise_address(kind, text, default_country=default_country))))
        except ValueError:
            continue
    return tuple(keys)


def _aware(moment: datetime | None) -> datetime | None:
    """A moment without a time zone is read as UTC, as every time we show is."""
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)
