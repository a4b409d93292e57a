"""The audit log over HTTP: it is read here, and changed nowhere."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from litestar import Controller, get
from litestar.params import QueryParameter

from inbox.audit.queries import After, AuditFilter, list_audit_events
from inbox.kit.callers import ActorType
from inbox.kit.clock import show_time
from inbox.kit.db import Row
from inbox.kit.ids import AUDIT_EVENT, show_id
from inbox.kit.pages import DEFAULT_LIMIT, Page, PageCursor, PageLimit, cut_page, read_cursor

WORD_CHARS = 100
Word: TypeAlias = Annotated[str, msgspec.Meta(max_length=WORD_CHARS)]


class AuditActor(msgspec.Struct, kw_only=True, frozen=True):
    """Who did it; the name is the one they had then."""

    type: ActorType
    id: str | None = None
    name: str | None = None


class AuditEventObject(msgspec.Struct, kw_only=True, frozen=True):
    """Something that was done. `target` is the id of the thing it was done to, and `facts` say more of it."""

    object: Literal["audit_event"] = "audit_event"
    id: str
    at: str
    actor: AuditActor
    action: str
    target: str | None
    facts: dict[str, Any]
    request_id: str | None


_actor = msgspec.json.Decoder(AuditActor).decode
_facts = msgspec.json.Decoder(dict[str, Any]).decode


class AuditController(Controller):
    """What was done to keys, settings and data, and by whom."""

    path = "/audit-log"
    tags = ("Audit log",)

    @get(opt={"scope": "admin"}, operation_id="listAuditEvents", summary="Read the audit log")
    async def list_audit_events(
        self,
        *,
        actor: Annotated[Word | None, QueryParameter(description="What this agent or API key did, by id.")] = None,
        action: Annotated[Word | None, QueryParameter(description="Only this action: `api_key.created`.")] = None,
        target: Annotated[Word | None, QueryParameter(description="What was done to this thing, by id.")] = None,
        since: Annotated[datetime | None, QueryParameter(description="From this moment on.")] = None,
        until: Annotated[datetime | None, QueryParameter(description="Before this moment.")] = None,
        limit: PageLimit = DEFAULT_LIMIT,
        cursor: PageCursor = None,
    ) -> Page[AuditEventObject]:
        """The newest first. Events are kept for the retention of the deployment and can be changed by nobody."""
        narrowed = AuditFilter(actor=actor, action=action, target=target, since=_zoned(since), until=_zoned(until))
        after = read_cursor(cursor, After, of=["audit-log", narrowed])
        rows = await list_audit_events(narrowed, after=after, limit=limit + 1)
        key = lambda row: (row["at"], row["id"])  # noqa: E731 (the one line the page needs)
        return cut_page(rows, limit, key=key, of=["audit-log", narrowed], show=show_audit_event)


def show_audit_event(row: Row) -> AuditEventObject:
    """An event's row."""
    return AuditEventObject(
        id=show_id(AUDIT_EVENT, row["id"]),
        at=show_time(row["at"]),
        actor=_actor(row["actor"]),
        action=row["action"],
        target=row["target"],
        facts=_facts(row["facts"]),
        request_id=row["request_id"],
    )


def _zoned(moment: datetime | None) -> datetime | None:
    """One that names no zone is taken as UTC."""
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
