"""Likely duplicates over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import Controller, get
from litestar.params import FromPath

from inbox.contacts.api.shapes import ContactObject, show_contact
from inbox.contacts.duplicates.queries import find_duplicates
from inbox.kit.ids import read_id
from inbox.kit.pages import DEFAULT_LIMIT, Page, PageLimit


class DuplicateObject(msgspec.Struct, kw_only=True, frozen=True):
    """A contact that may be the same person: how much speaks for it, 0 to 100, and what."""

    object: Literal["duplicate"] = "duplicate"
    contact: ContactObject
    score: Annotated[int, msgspec.Meta(examples=[60])]
    because: Annotated[list[str], msgspec.Meta(examples=[["both are C-55 in crm"]])]


class DuplicateController(Controller):
    """Who may be the same person."""

    path = "/contacts"
    tags = ("Contacts",)

    @get("/{contact_id:str}/duplicates", opt={"scope": "contacts:read"}, operation_id="listDuplicates",
         summary="List contacts that may be the same person")  # fmt: skip
    async def list_duplicates(
        self, *, contact_id: FromPath[str], limit: PageLimit = DEFAULT_LIMIT
    ) -> Page[DuplicateObject]:
        """The likeliest first, with the reasons. None of them is ever merged without being asked for."""
        found = await find_duplicates(read_id("ctc", contact_id), limit=limit)
        return Page(
            data=[
                DuplicateObject(contact=show_contact(other), score=likeness.score, because=likeness.because)
                for other, likeness in found
            ]
        )
