"""Beginning repairs and following them."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from inbox.accounts.catalogue import Catalogue
from inbox.accounts.queries import find_channel
from inbox.intake.actions.dismiss import dismiss_events
from inbox.intake.queries import count_replayable
from inbox.kit.callers import Caller
from inbox.kit.clock import utc_now
from inbox.kit.errors import Problem
from inbox.kit.ids import CHANNEL, REPAIR, read_id
from inbox.kit.pages import DEFAULT_LIMIT, Page, PageCursor, PageLimit, cut_page, read_cursor
from inbox.repair.actions.runs import NewRepair, begin_repair
from inbox.repair.api.shapes import (
    ChangedObject,
    EventChoice,
    ReconcileRequest,
    RepairObject,
    read_events,
    show_repair,
    zoned,
)
from inbox.repair.queries import find_repair, list_repairs
from inbox.repair.spans import check_span

ADMIN = {"scope": "admin"}
CHOOSE = {**ADMIN, "problems": ["validation_failed", "not_found"]}
RECONCILE = {**ADMIN, "problems": ["state_conflict", "channel_cannot", "validation_failed"]}


class RepairController(Controller):
    """What is being put right, and what was."""

    path = "/repairs"
    tags = ("Repairs",)

    @get("/", opt=ADMIN, operation_id="listRepairs", summary="List repairs")
    async def list_repairs(self, *, limit: PageLimit = DEFAULT_LIMIT, cursor: PageCursor = None) -> Page[RepairObject]:
        """The newest first. They are kept for 30 days."""
        after = read_cursor(cursor, UUID, of="repairs")
        rows = await list_repairs(after=after, limit=limit + 1)
        return cut_page(rows, limit, key=lambda row: row.id, of="repairs", show=show_repair)

    @get("/{repair_id:str}", opt=ADMIN, operation_id="getRepair", summary="See how far a repair is")
    async def get_repair(self, repair_id: FromPath[str]) -> RepairObject:
        """One repair with what it found so far."""
        return show_repair(await find_repair(read_id(REPAIR, repair_id)))


class ReconcileController(Controller):
    """Channels beside their providers' own lists."""

    path = "/channels"
    tags = ("Channels",)

    @post("/{channel_id:str}/reconcile", opt=RECONCILE, operation_id="reconcileChannel",
          summary="Look up at the provider what was lost", status_code=202)  # fmt: skip
    async def reconcile_channel(
        self,
        *,
        caller: NamedDependency[Caller],
        channel_id: FromPath[str],
        data: JSONBody[ReconcileRequest],
        catalogue: NamedDependency[Catalogue],
        event_key_days: NamedDependency[int],
    ) -> RepairObject:
        """Messages that never reached us are taken in, reports that were missed are made up for, and of sends whose
        outcome is not known it is looked up whether the provider has them. Nothing is ever sent again by this.
        """
        row = await find_channel(read_id(CHANNEL, channel_id))
        if not hasattr(catalogue.adapters.get(row.adapter), "list_messages"):
            raise Problem("channel_cannot", f"The provider of {row.name} keeps no list of its messages")
        now = utc_now()
        since, until = check_span(zoned(data.since), zoned(data.until), now=now, kept=timedelta(days=event_key_days))
        wanted = NewRepair(kind="reconcile", channel_id=row.id, since=since, until=until, dry_run=data.dry_run)
        return show_repair(await find_repair(await begin_repair(wanted, actor=caller.actor)))


class IntakeRepairController(Controller):
    """The journal, put right."""

    path = "/intake"
    tags = ("Intake",)

    @post("/replay", opt=CHOOSE, operation_id="replayIntake",
          summary="Project journaled requests once more", status_code=202)  # fmt: skip
    async def replay_intake(self, *, caller: NamedDependency[Caller], data: JSONBody[EventChoice]) -> RepairObject:
        """After a parser was mended, say. What has happened already does not happen twice; what waits for its turn is
        left to it.
        """
        selection = msgspec.to_builtins(read_events(data))
        wanted = NewRepair(kind="replay", selection=selection, dry_run=data.dry_run)
        return show_repair(await find_repair(await begin_repair(wanted, actor=caller.actor)))

    @post("/dismiss", opt=CHOOSE, operation_id="dismissIntake",
          summary="Close requests in quarantine", status_code=200)  # fmt: skip
    async def dismiss_intake(self, *, caller: NamedDependency[Caller], data: JSONBody[EventChoice]) -> ChangedObject:
        """They will never be projected, and nobody has to look at them again; they go with the journal's retention."""
        selection = msgspec.structs.replace(read_events(data), state="quarantine")
        matched = await count_replayable(selection)
        changed = 0 if data.dry_run else await dismiss_events(selection, actor=caller.actor)
        return ChangedObject(
            id="intake.dismissed", matched=matched, changed=changed, remaining=matched - changed, dry_run=data.dry_run
        )
