"""The outbox as a whole: held and released."""

from __future__ import annotations

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from inbox.kit.callers import Caller
from inbox.kit.clock import utc_now
from inbox.repair.actions.hold import count_droppable, drop_sends, hold_outbox, release_outbox
from inbox.repair.api.shapes import ChangedObject, DropRequest, HoldRequest, OutboxObject, show_outbox, zoned
from inbox.repair.queries import outbox_status

ADMIN = {"scope": "admin"}
CHANGE = {**ADMIN, "problems": ["state_conflict"]}


class OutboxController(Controller):
    """Whether anything leaves."""

    path = "/outbox"
    tags = ("Outbox",)

    @get("/", opt=ADMIN, operation_id="getOutbox", summary="See whether anything leaves")
    async def get_outbox(self) -> OutboxObject:
        """Whether the outbox is held, by whom and why, and how much waits in it."""
        return show_outbox(await outbox_status())

    @post("/hold", opt=ADMIN, operation_id="holdOutbox", summary="Let nothing leave", status_code=200)
    async def hold_outbox(self, *, caller: NamedDependency[Caller], data: JSONBody[HoldRequest]) -> OutboxObject:
        """Messages, webhooks and scheduled messages wait until it is released; what some worker has begun
        (`running`) still ends. Held already, it stays held for the first reason.
        """
        await hold_outbox(data.reason, actor=caller.actor)
        return show_outbox(await outbox_status())

    @post("/drop", opt=CHANGE, operation_id="dropOutbox", summary="Give up what waits for too long", status_code=200)
    async def drop_outbox(self, *, caller: NamedDependency[Caller], data: JSONBody[DropRequest]) -> ChangedObject:
        """While the outbox is held: what was to be sent before a moment is not, 500 a call; call again while any are
        `remaining`. Its jobs are dead and its messages `expired`, so that a person may send one of them again.
        """
        before = zoned(data.before) or utc_now()
        matched = await count_droppable(before)
        changed = 0 if data.dry_run else await drop_sends(before, actor=caller.actor, now=utc_now())
        remaining = max(matched - changed, 0)
        return ChangedObject(
            id="outbox.dropped", matched=matched, changed=changed, remaining=remaining, dry_run=data.dry_run
        )

    @post("/release", opt=ADMIN, operation_id="releaseOutbox", summary="Let things leave again", status_code=200)
    async def release_outbox(self, *, caller: NamedDependency[Caller]) -> OutboxObject:
        """What waited is sent now, in its order."""
        await release_outbox(actor=caller.actor)
        return show_outbox(await outbox_status())
