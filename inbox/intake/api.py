"""The journal over HTTP: what providers sent, and how far it is projected."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec
from litestar import Controller, get
from litestar.params import FromPath, QueryParameter

from inbox.intake.queries import EventSelection, EventState, find_raw_events, list_raw_events
from inbox.kit.clock import show_time
from inbox.kit.db import Row
from inbox.kit.errors import Problem
from inbox.kit.ids import CHANNEL, read_id, show_id
from inbox.kit.pages import DEFAULT_LIMIT, Page, PageCursor, PageLimit, cut_page, read_cursor

ADMIN = {"scope": "admin"}

_headers = msgspec.json.Decoder(dict[str, str]).decode


class JournaledObject(msgspec.Struct, kw_only=True, frozen=True):
    """One request as a provider sent it. `code` and `error` say why it could not be projected, if so.

    `kind` is the webhook, or `reconciled` for what was found in the provider's own list.
    """

    object: Literal["journaled_request"] = "journaled_request"
    id: int
    channel_id: str
    kind: str
    state: EventState
    code: str | None
    error: str | None
    method: str
    url: str
    request_id: str | None
    received_at: str


class WholeJournaledObject(JournaledObject, kw_only=True, frozen=True):
    """The same with its headers and its body, which is in base64 where it is not text."""

    headers: dict[str, str]
    body: str
    encoding: Literal["text", "base64"]


class IntakeController(Controller):
    """What came in, byte by byte."""

    path = "/intake"
    tags = ("Intake",)

    @get("/", opt={**ADMIN, "problems": ["not_found"]}, operation_id="listIntake", summary="List journaled requests")
    async def list_intake(
        self,
        *,
        wanted: Annotated[
            EventState | None,
            QueryParameter(name="state", description="Only those waiting, projected, or in quarantine."),
        ] = None,
        channel: Annotated[str | None, QueryParameter(max_length=100, description="Only this channel's.")] = None,
        code: Annotated[str | None, QueryParameter(max_length=100, description="Why it is in quarantine.")] = None,
        since: Annotated[datetime | None, QueryParameter(description="Received from this moment on.")] = None,
        until: Annotated[datetime | None, QueryParameter(description="Received before this moment.")] = None,
        limit: PageLimit = DEFAULT_LIMIT,
        cursor: PageCursor = None,
    ) -> Page[JournaledObject]:
        """The newest first, for as long as the journal keeps them."""
        channel_id = read_id(CHANNEL, channel) if channel else None
        selection = EventSelection(
            state=wanted, channel_id=channel_id, code=code, since=_zoned(since), until=_zoned(until)
        )
        before = read_cursor(cursor, int, of=["intake", selection])
        rows = await list_raw_events(selection, limit=limit + 1, before=before)
        return cut_page(rows, limit, key=lambda row: row["id"], of=["intake", selection], show=show_journaled)

    @get("/{number:int}", opt=ADMIN, operation_id="getIntake", summary="Get a journaled request")
    async def get_intake(self, *, number: FromPath[int]) -> WholeJournaledObject:
        """One request with its headers and its body: it holds what customers wrote."""
        rows = await find_raw_events([number]) if 0 < number < 2**63 else []
        if not rows:
            raise Problem("not_found", f"The journal has no request {number}, or has it no longer")
        return _show_whole(rows[0])


def show_journaled(row: Row) -> JournaledObject:
    """A journaled request's row, without what it says."""
    return JournaledObject(
        id=row["id"],
        channel_id=show_id(CHANNEL, row["channel_id"]),
        kind=row["kind"],
        state=event_state(row),
        code=row["code"],
        error=row["error"],
        method=row["method"],
        url=row["url"],
        request_id=row["request_id"],
        received_at=show_time(row["received_at"]),
    )


def event_state(row: Row) -> EventState:
    """Where a journaled request stands."""
    if row["code"] is not None and row["resolved_at"] is None:
        return "quarantine"
    return "projected" if row["id"] <= row["projected_id"] else "waiting"


def _show_whole(row: Row) -> WholeJournaledObject:
    try:
        body, is_text = row["body"].decode(), True
    except UnicodeDecodeError:
        body, is_text = b64encode(row["body"]).decode(), False
    return WholeJournaledObject(
        **msgspec.structs.asdict(show_journaled(row)),
        headers=_headers(row["headers"]),
        body=body,
        encoding="text" if is_text else "base64",
    )


def _zoned(moment: datetime | None) -> datetime | None:
    """One that names no zone is taken as UTC."""
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
