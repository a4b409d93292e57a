"""Legal holds over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Controller, delete, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from inbox.contacts.queries import find_contact
from inbox.kit.callers import Actor, Caller
from inbox.kit.clock import show_time
from inbox.kit.db import Row
from inbox.kit.ids import read_id, show_id
from inbox.kit.pages import DEFAULT_LIMIT, Page, PageCursor, PageLimit, cut_page, read_cursor
from inbox.privacy.holds.actions import Subject, lay_hold, lift_hold
from inbox.privacy.holds.queries import find_hold, list_holds

ADMIN = {"scope": "admin"}
LAY = {**ADMIN, "problems": ["state_conflict", "not_found"]}
LIFT = {**ADMIN, "problems": ["not_found"]}
EXAMPLE = "ctc_019aa5c1d2e37f4f8a6b9c0d1e2f3a4b"


class NewHold(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Why it must be kept: the case, say."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500, examples=["case 2026-114"])]


class HoldObject(msgspec.Struct, kw_only=True, frozen=True):
    """A legal hold; its id is that of the contact or conversation it lies on."""

    object: Literal["legal_hold"] = "legal_hold"
    id: Annotated[str, msgspec.Meta(examples=[EXAMPLE])]
    subject: Subject
    reason: Annotated[str, msgspec.Meta(examples=["case 2026-114"])]
    laid_by: Annotated[str | None, msgspec.Meta(examples=["agt_019aa5c1d2e37f4f8a6b9c0d1e2f3a4b"])]
    laid_at: str


_actor = msgspec.json.Decoder(Actor).decode


class HoldController(Controller):
    """What lies under a legal hold: no retention, redaction, merge or erasure touches it until the hold is lifted."""

    tags = ("Privacy",)

    @get("/legal-holds", opt=ADMIN, operation_id="listLegalHolds", summary="List legal holds")
    async def list_holds(self, *, limit: PageLimit = DEFAULT_LIMIT, cursor: PageCursor = None) -> Page[HoldObject]:
        """All that are in force."""
        after = read_cursor(cursor, UUID, of="legal-holds")
        rows = await list_holds(after=after, limit=limit + 1)
        return cut_page(rows, limit, key=lambda row: row["subject_id"], of="legal-holds", show=show_hold)

    @put("/contacts/{contact_id:str}/legal-hold", opt=LAY, operation_id="holdContact",
         summary="Lay a legal hold on a contact", status_code=200)  # fmt: skip
    async def hold_contact(
        self, *, caller: NamedDependency[Caller], contact_id: FromPath[str], data: JSONBody[NewHold]
    ) -> HoldObject:
        """It covers the contact and all their conversations, also those to come."""
        contact = (await find_contact(read_id("ctc", contact_id))).id
        await lay_hold("contact", contact, reason=data.reason, actor=caller.actor)
        return show_hold(await find_hold(contact))

    @delete("/contacts/{contact_id:str}/legal-hold", opt=LIFT, operation_id="releaseContact",
            summary="Lift the legal hold of a contact")  # fmt: skip
    async def release_contact(self, *, caller: NamedDependency[Caller], contact_id: FromPath[str]) -> None:
        """Holds on single conversations of theirs stay."""
        contact = (await find_contact(read_id("ctc", contact_id))).id
        await lift_hold("contact", contact, actor=caller.actor)

    @put("/conversations/{conversation_id:str}/legal-hold", opt=LAY, operation_id="holdConversation",
         summary="Lay a legal hold on a conversation", status_code=200)  # fmt: skip
    async def hold_conversation(
        self, *, caller: NamedDependency[Caller], conversation_id: FromPath[str], data: JSONBody[NewHold]
    ) -> HoldObject:
        """Its contact cannot be erased or merged away either; other conversations of theirs are not covered."""
        conversation = read_id("cnv", conversation_id)
        await lay_hold("conversation", conversation, reason=data.reason, actor=caller.actor)
        return show_hold(await find_hold(conversation))

    @delete("/conversations/{conversation_id:str}/legal-hold", opt=LIFT, operation_id="releaseConversation",
            summary="Lift the legal hold of a conversation")  # fmt: skip
    async def release_conversation(self, *, caller: NamedDependency[Caller], conversation_id: FromPath[str]) -> None:
        """A hold on its contact goes on covering it."""
        await lift_hold("conversation", read_id("cnv", conversation_id), actor=caller.actor)


def show_hold(row: Row) -> HoldObject:
    """A hold as the API shows it."""
    return HoldObject(
        id=show_id("ctc" if row["subject"] == "contact" else "cnv", row["subject_id"]),
        subject=row["subject"],
        reason=row["reason"],
        laid_by=_actor(row["actor"]).id,
        laid_at=show_time(row["created_at"]),
    )
