"""Visitors of web chats as agents see them: what they look at, and what they say of themselves."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import Controller, get
from litestar.params import FromPath

from inbox.kit.clock import show_time
from inbox.kit.ids import read_id, show_id
from inbox.visitors.queries import list_contact_visitors
from inbox.visitors.visitor import Visitor, VisitorPage

READ = {"scope": "contacts:read"}


class ContactVisitorObject(msgspec.Struct, kw_only=True, frozen=True):
    """A contact in one web chat, by one browser or, `verified`, as a user of the site.

    Name, mail address, telephone number and attributes are as somebody said: where it is not `verified`, nobody has
    proven any of it. `page` is what they looked at last.
    """

    object: Literal["contact_visitor"] = "contact_visitor"
    id: str
    channel_id: str
    verified: bool
    user_id: Annotated[str | None, msgspec.Meta(examples=["8841"])]
    name: str | None
    email: Annotated[str | None, msgspec.Meta(examples=["ana@example.org"])]
    phone: str | None
    attributes: Annotated[dict[str, Any], msgspec.Meta(examples=[{"plan": "gold"}])]
    locale: Annotated[str | None, msgspec.Meta(examples=["es"])]
    user_agent: str | None
    page: VisitorPage | None
    last_seen_at: str
    created_at: str


class ContactVisitorList(msgspec.Struct, kw_only=True, frozen=True):
    """The latest visitors that a contact is."""

    data: list[ContactVisitorObject]


class ContactVisitorController(Controller):
    """Who writes to us, and what they allowed."""

    path = "/contacts"
    tags = ("Contacts",)

    @get(
        "/{contact_id:str}/visitors",
        opt=READ,
        operation_id="listContactVisitors",
        summary="See a contact's visits to web chats",
    )
    async def list_contact_visitors(self, contact_id: FromPath[str]) -> ContactVisitorList:
        """In which chats the contact is, who was there last first; at most 50."""
        visitors = await list_contact_visitors(read_id("ctc", contact_id))
        return ContactVisitorList(data=[show_visitor(visitor) for visitor in visitors])


def show_visitor(visitor: Visitor) -> ContactVisitorObject:
    """A visitor's row, as agents see it."""
    return ContactVisitorObject(
        id=show_id("vis", visitor.id),
        channel_id=show_id("cha", visitor.channel_id),
        verified=visitor.verified,
        user_id=visitor.user_id,
        name=visitor.name,
        email=visitor.email,
        phone=visitor.phone,
        attributes=visitor.attributes,
        locale=visitor.locale,
        user_agent=visitor.user_agent,
        page=visitor.page,
        last_seen_at=show_time(visitor.last_seen_at),
        created_at=show_time(visitor.created_at),
    )
