"""Who takes part in a conversation, over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import Controller, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from channels.events import AddressKind
from inbox.contacts.matching import match_key, normalise_address
from inbox.contacts.queries import find_contact
from inbox.conversations.api.mailing import CopyAddress
from inbox.conversations.api.requests import Line
from inbox.conversations.participants.actions import invite_participant, remove_participant
from inbox.conversations.participants.participant import NewParticipant
from inbox.conversations.participants.queries import Participant, list_participants
from inbox.conversations.queries import find_conversation
from inbox.kit.callers import Caller
from inbox.kit.clock import show_time, utc_now
from inbox.kit.db import Row
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import CONTACT, CONVERSATION, PARTICIPANT, read_id, show_id
from inbox.kit.pages import Page

READ = {"scope": "conversations:read", "problems": ["not_found"]}
ADD = {
    "scope": "conversations:write",
    "problems": ["not_found", "invalid_address", "state_conflict", "validation_failed"],
}
REMOVE = {"scope": "conversations:write", "problems": ["not_found"]}


class NewParticipantObject(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Who is to take part: a mail address, or the one of a contact."""

    address: CopyAddress | None = None
    contact_id: Annotated[str | None, msgspec.Meta(examples=[None])] = None
    name: Line | None = None


class ParticipantObject(msgspec.Struct, kw_only=True, frozen=True):
    """Somebody who takes part besides the contact.

    `role` is how they came in: by writing (`from`) or by being written to. Those who are not `verified` wrote without
    being asked by anybody; an answer to all leaves them out. The contact takes part as `contact`, always.
    """

    object: Literal["participant"] = "participant"
    id: str
    role: Literal["contact", "from", "to", "cc", "bcc"]
    kind: Annotated[AddressKind | None, msgspec.Meta(examples=["email"])]
    address: Annotated[str | None, msgspec.Meta(examples=["ben@example.org"])]
    name: str | None
    verified: bool
    contact_id: str | None
    created_at: str


class ParticipantController(Controller):
    """Those who take part."""

    path = "/conversations/{conversation_id:str}/participants"
    tags = ("Conversations",)

    @get(opt=READ, operation_id="listParticipants", summary="List who takes part")
    async def list_participants(self, *, conversation_id: FromPath[str]) -> Page[ParticipantObject]:
        """The contact first, then the others in the order they came: at most 100."""
        row = await _conversation(conversation_id)
        people = await list_participants(row["id"])
        return Page(data=[_show_contact(row), *map(show_participant, people)])

    @post(opt=ADD, operation_id="addParticipant", summary="Let somebody take part")
    async def add_participant(
        self,
        *,
        caller: NamedDependency[Caller],
        conversation_id: FromPath[str],
        data: JSONBody[NewParticipantObject],
    ) -> ParticipantObject:
        """What they write counts as theirs, and an answer to all goes to them. A stranger who wrote is vouched for."""
        row = await _conversation(conversation_id)
        address, name = await _address(data)
        wanted = NewParticipant(
            conversation_id=row["id"],
            kind="email",
            address=address,
            match_key=match_key("email", address),
            role="cc",
            verified=True,
            added_by=caller.actor,
            name=data.name or name,
        )
        await invite_participant(wanted, actor=caller.actor, now=utc_now())
        people = await list_participants(row["id"])
        return show_participant(next(one for one in people if one.key == wanted.key))

    @delete("/{participant_id:str}", opt=REMOVE, operation_id="removeParticipant", summary="Take somebody out")
    async def remove_participant(
        self, *, caller: NamedDependency[Caller], conversation_id: FromPath[str], participant_id: FromPath[str]
    ) -> None:
        """What they wrote stays. Should they write again, they are a stranger."""
        found = read_id(PARTICIPANT, participant_id)
        await remove_participant(read_id(CONVERSATION, conversation_id), found, actor=caller.actor, now=utc_now())


def show_participant(one: Participant) -> ParticipantObject:
    """A participant's row."""
    return ParticipantObject(
        id=show_id(PARTICIPANT, one.id),
        role=one.role,
        kind=one.kind,
        address=one.address,
        name=one.contact_name or one.name,
        verified=one.verified,
        contact_id=show_id(CONTACT, one.contact_id) if one.contact_id else None,
        created_at=show_time(one.created_at),
    )


async def _conversation(conversation_id: str) -> Row:
    row = await find_conversation(read_id(CONVERSATION, conversation_id))
    if row is None:
        raise Problem("not_found", f"There is no conversation {conversation_id}")
    return row


def _show_contact(row: Row) -> ParticipantObject:
    shown = show_id(CONTACT, row["contact_id"])
    return ParticipantObject(
        id=shown, role="contact", kind=None, address=None, name=row["contact_name"], verified=True, contact_id=shown,
        created_at=row["created_at"],
    )  # fmt: skip


async def _address(data: NewParticipantObject) -> tuple[str, str | None]:
    """The address that is named, or the contact's first of mail."""
    if (data.address is None) == (data.contact_id is None):
        detail = "name exactly one of address, contact_id"
        error = FieldError(pointer="/address", code="required", detail=detail)
        raise Problem("validation_failed", detail, errors=[error])
    if data.contact_id is not None:
        contact = await find_contact(read_id(CONTACT, data.contact_id))
        address = next((one.address for one in contact.identities if one.kind == "email"), None)
        if address is None:
            raise Problem("state_conflict", "The contact has no mail address", hint="Add one to the contact first")
        return address, contact.name
    try:
        return normalise_address("email", data.address or "", default_country=None), None
    except ValueError as wrong:
        error = FieldError(pointer="/address", code="invalid_address", detail=str(wrong))
        raise Problem("invalid_address", f"/address: {wrong}", errors=[error]) from None
