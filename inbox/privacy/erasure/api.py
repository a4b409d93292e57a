"""Erasing people over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from inbox.contacts.queries import find_contact
from inbox.kit.callers import Caller
from inbox.kit.clock import show_time
from inbox.kit.ids import ERASURE, read_id, show_id
from inbox.kit.pages import DEFAULT_LIMIT, Page, PageCursor, PageLimit, cut_page, read_cursor
from inbox.privacy.erasure.actions.runs import begin_erasure, refuse_unconfirmed
from inbox.privacy.erasure.queries import find_erasure, list_erasures
from inbox.privacy.erasure.traces import STEPS, Erasure

ADMIN = {"scope": "admin"}
CONTACT = "ctc_019aa5c1d2e37f4f8a6b9c0d1e2f3a4b"
ERASE = {
    **ADMIN,
    "problems": ["validation_failed", "state_conflict", "not_found"],
    "request_example": {"reason": "request of the person, ticket 88", "confirm": CONTACT},
}


class EraseRequest(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Why, for the audit log (name nobody in it), and the contact's id once more: it cannot be undone."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    confirm: Annotated[str, msgspec.Meta(max_length=40, examples=[CONTACT])]


class ErasureProgress(msgspec.Struct, kw_only=True, frozen=True):
    """How many of its steps are done."""

    done: int
    total: int


class ErasureObject(msgspec.Struct, kw_only=True, frozen=True):
    """A person who is being erased, or was: the ids of the contact and of those merged into it are all that is left.

    `counts` say how much was found where; `erased_at` is when the person was out of reach.
    """

    object: Literal["erasure"] = "erasure"
    id: str
    state: Literal["running", "done"]
    contact_ids: Annotated[list[str], msgspec.Meta(examples=[[CONTACT]])]
    reason: str | None
    progress: ErasureProgress
    counts: Annotated[dict[str, int], msgspec.Meta(examples=[{"identities": 2, "entries": 41}])]
    requested_at: str
    erased_at: str | None
    finished_at: str | None


class ErasureController(Controller):
    """Erasures, under way and done."""

    path = "/erasures"
    tags = ("Privacy",)

    @get("/", opt=ADMIN, operation_id="listErasures", summary="List erasures")
    async def list_erasures(
        self, *, limit: PageLimit = DEFAULT_LIMIT, cursor: PageCursor = None
    ) -> Page[ErasureObject]:
        """The newest first. They are kept for ever: they are the ledger."""
        after = read_cursor(cursor, UUID, of="erasures")
        rows = await list_erasures(after=after, limit=limit + 1)
        return cut_page(rows, limit, key=lambda row: row.id, of="erasures", show=show_erasure)

    @get("/{erasure_id:str}", opt=ADMIN, operation_id="getErasure", summary="See how far an erasure is")
    async def get_erasure(self, erasure_id: FromPath[str]) -> ErasureObject:
        """One erasure with what it found so far."""
        return show_erasure(await find_erasure(read_id(ERASURE, erasure_id)))


class ContactErasureController(Controller):
    """Erasing one person."""

    path = "/contacts"
    tags = ("Privacy",)

    @post("/{contact_id:str}/erase", opt=ERASE, operation_id="eraseContact", summary="Erase a person",
          status_code=202)  # fmt: skip
    async def erase_contact(
        self, *, caller: NamedDependency[Caller], contact_id: FromPath[str], data: JSONBody[EraseRequest]
    ) -> ErasureObject:
        """The contact, their addresses and conversations go with all copies; nothing brings them back, no restore
        either. What they opted out of stays effective. Whoever writes from their address later is somebody new.
        """
        asked = read_id("ctc", contact_id)
        refuse_unconfirmed(data.confirm, asked)
        contact = await find_contact(asked)
        erasure_id = await begin_erasure(contact.id, reason=data.reason, actor=caller.actor)
        return show_erasure(await find_erasure(erasure_id))


def show_erasure(erasure: Erasure) -> ErasureObject:
    """An erasure as the API shows it."""
    done = len(STEPS) if erasure.state == "done" else STEPS.index(erasure.step)
    return ErasureObject(
        id=show_id(ERASURE, erasure.id),
        state=erasure.state,
        contact_ids=[show_id("ctc", one) for one in erasure.contact_ids],
        reason=erasure.reason,
        progress=ErasureProgress(done=done, total=len(STEPS)),
        counts=erasure.counts,
        requested_at=show_time(erasure.requested_at),
        erased_at=show_time(erasure.erased_at) if erasure.erased_at else None,
        finished_at=show_time(erasure.finished_at) if erasure.finished_at else None,
    )
