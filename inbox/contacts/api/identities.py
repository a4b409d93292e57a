"""The addresses of a contact over HTTP, and what was allowed for each."""

from __future__ import annotations

from typing import Annotated, TypeAlias
from uuid import UUID

from litestar import Controller, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, PathParameter

from inbox.contacts.actions import add_identities, change_consent, remove_identity
from inbox.contacts.api.shapes import (
    ConsentObject,
    ContactObject,
    IdentityObject,
    NewConsent,
    NewIdentity,
    show_consent,
    show_contact,
    show_identity,
    spell_identities,
)
from inbox.contacts.contact import ConsentChange, Identity
from inbox.contacts.patching import check_free_json
from inbox.contacts.queries import find_contact, list_consents
from inbox.kit.callers import Caller
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import UnknownId, read_id, show_id
from inbox.kit.pages import DEFAULT_LIMIT, Page, PageCursor, PageLimit, cut_page, read_cursor

READ = {"scope": "contacts:read"}
WRITE = {"scope": "contacts:write"}
ADD = {**WRITE, "problems": ["state_conflict", "invalid_address"]}
REMOVE = {**WRITE, "problems": ["state_conflict"]}
Purpose: TypeAlias = Annotated[
    str,
    PathParameter(pattern="^[a-z][a-z0-9_]{0,49}$", description="What the consent is for; `all` covers every purpose."),
]


class IdentityController(Controller):
    """How a contact can be reached, and whether they want it."""

    path = "/contacts/{contact_id:str}/identities"
    tags = ("Contacts",)

    @post("/", opt=ADD, operation_id="addIdentity", summary="Add an address")
    async def add_identity(
        self,
        *,
        caller: NamedDependency[Caller],
        contact_id: FromPath[str],
        data: JSONBody[NewIdentity],
        default_country: NamedDependency[str | None],
    ) -> ContactObject:
        """An address the contact has as well. One that somebody else has is a `state_conflict` naming them."""
        contact = read_id("ctc", contact_id)
        spelled = spell_identities([data], default_country, base="")
        await add_identities(contact, spelled, actor=caller.actor)
        return show_contact(await find_contact(contact))

    @delete(
        "/{identity_id:str}",
        opt=REMOVE,
        operation_id="removeIdentity",
        summary="Remove an address",
    )
    async def remove_identity(
        self, *, caller: NamedDependency[Caller], contact_id: FromPath[str], identity_id: FromPath[str]
    ) -> None:
        """Refused while an open conversation is answered there, and where it would lose an opt-out."""
        await remove_identity(read_id("ctc", contact_id), read_id("idn", identity_id), actor=caller.actor)

    @get(
        "/{identity_id:str}/consents",
        opt=READ,
        operation_id="listConsents",
        summary="List what was allowed and taken back, the newest first",
    )
    async def list_consents(
        self,
        *,
        contact_id: FromPath[str],
        identity_id: FromPath[str],
        limit: PageLimit = DEFAULT_LIMIT,
        cursor: PageCursor = None,
    ) -> Page[ConsentObject]:
        """The whole ledger of one address: nothing in it is ever changed."""
        contact, identity = read_id("ctc", contact_id), read_id("idn", identity_id)
        contact = (await find_contact(contact)).id  # the one it lives on in, if it was merged away
        await _check_identity(contact, identity)
        of = [contact_id, identity_id]
        after = read_cursor(cursor, int, of=of)
        rows = await list_consents(contact, identity, after=after, limit=limit + 1)
        return cut_page(rows, limit, key=lambda row: row.id, of=of, show=show_consent)

    @put(
        "/{identity_id:str}/consents/{purpose:str}",
        opt=WRITE,
        operation_id="recordConsent",
        summary="Record an opt-in or opt-out",
    )
    async def record_consent(
        self,
        *,
        caller: NamedDependency[Caller],
        contact_id: FromPath[str],
        identity_id: FromPath[str],
        purpose: Purpose,
        data: JSONBody[NewConsent],
    ) -> IdentityObject:
        """Adds a line to the ledger; the newest line counts."""
        contact, actor = read_id("ctc", contact_id), caller.actor
        check_free_json(data.proof, pointer="/proof")
        change = ConsentChange(
            identity_id=read_id("idn", identity_id),
            state=data.state,
            source=actor.type,
            purpose=purpose,
            channel_id=_read_channel(data.channel_id),
            proof=data.proof,
        )
        await change_consent(contact, change, actor=actor)
        return show_identity(await _check_identity(contact, change.identity_id))


async def _check_identity(contact_id: UUID, identity_id: UUID) -> Identity:
    contact = await find_contact(contact_id)
    for identity in contact.identities:
        if identity.id == identity_id:
            return identity
    raise Problem("not_found", f"The contact has no identity {show_id('idn', identity_id)}")


def _read_channel(channel_id: str | None) -> UUID | None:
    try:
        return read_id("cha", channel_id) if channel_id is not None else None
    except UnknownId:
        error = FieldError(pointer="/channel_id", code="unknown", detail="There is no such channel")
        raise Problem("validation_failed", "The channel does not exist", errors=[error]) from None
