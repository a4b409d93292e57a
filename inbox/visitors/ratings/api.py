"""Ratings over HTTP: asked for, listed and summed up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from inbox.conversations.api.entries import EntryObject, show_entry
from inbox.conversations.api.shapes import Reference
from inbox.conversations.queries import find_entry
from inbox.kit.callers import Caller
from inbox.kit.clock import show_time, utc_now
from inbox.kit.db import Row
from inbox.kit.errors import Problem
from inbox.kit.ids import CSAT_RATING, read_id, show_id
from inbox.kit.pages import DEFAULT_LIMIT, PageCursor, PageInfo, PageLimit, cut_page, read_cursor
from inbox.visitors.ratings.actions import request_rating
from inbox.visitors.ratings.queries import After, RatingFilter, find_rating, list_ratings, sum_ratings
from inbox.visitors.ratings.rating import Comment, Score

READ = {"scope": "conversations:read", "problems": ["not_found"]}
ASK = {"scope": "conversations:write", "problems": ["channel_cannot", "not_found"]}


class CsatRatingObject(msgspec.Struct, kw_only=True, frozen=True):
    """What a visitor said of how they were helped, 1 to 5; `rating` is null until they answer.

    `entry_id` is the question in the timeline, `agent` who held the conversation then.
    """

    object: Literal["csat_rating"] = "csat_rating"
    id: str
    entry_id: str
    conversation_id: str
    contact: Reference
    agent: Reference | None
    channel_id: str | None
    rating: Score | None
    comment: Comment | None
    requested_at: str
    rated_at: str | None
    changed_at: str | None


class CsatSummary(msgspec.Struct, kw_only=True, frozen=True):
    """All ratings of a filter, not of the page alone; `ratings` counts those of 1, 2, 3, 4 and 5."""

    asked: int
    answered: int
    average: Annotated[float, msgspec.Meta(examples=[4.5])] | None
    ratings: Annotated[list[int], msgspec.Meta(examples=[[0, 0, 1, 2, 5]])]


class CsatPage(msgspec.Struct, kw_only=True, frozen=True):
    """One page of ratings, and what they come to."""

    data: list[CsatRatingObject]
    page: PageInfo
    summary: CsatSummary


class CsatController(Controller):
    """How visitors rate us."""

    path = "/csat"
    tags = ("Ratings",)

    @get(opt=READ, operation_id="listCsatRatings", summary="List ratings")
    async def list_csat_ratings(
        self,
        *,
        conversation: Annotated[str | None, QueryParameter(description="Those of this conversation.")] = None,
        contact: Annotated[str | None, QueryParameter(description="Those of this contact.")] = None,
        agent: Annotated[str | None, QueryParameter(description="Those of conversations this agent held.")] = None,
        channel_id: Annotated[str | None, QueryParameter(description="Those of this web chat.")] = None,
        rating: Annotated[Score | None, QueryParameter(description="Those of this rating.")] = None,
        answered: Annotated[bool | None, QueryParameter(description="Those with, or without, an answer.")] = None,
        since: Annotated[datetime | None, QueryParameter(description="Asked from this moment on.")] = None,
        until: Annotated[datetime | None, QueryParameter(description="Asked before this moment.")] = None,
        limit: PageLimit = DEFAULT_LIMIT,
        cursor: PageCursor = None,
    ) -> CsatPage:
        """The newest request first; `summary` is of all that the filter finds."""
        narrowed = RatingFilter(
            conversation_id=read_id("cnv", conversation) if conversation else None,
            contact_id=read_id("ctc", contact) if contact else None,
            agent_id=read_id("agt", agent) if agent else None,
            channel_id=read_id("cha", channel_id) if channel_id else None,
            rating=rating,
            answered=answered,
            since=_zoned(since),
            until=_zoned(until),
        )
        of = ["csat", narrowed]
        rows = await list_ratings(narrowed, after=read_cursor(cursor, After, of=of), limit=limit + 1)
        page = cut_page(rows, limit, key=lambda row: (row["requested_at"], row["entry_id"]), of=of, show=_show)
        return CsatPage(data=page.data, page=page.page, summary=_show_summary(await sum_ratings(narrowed)))

    @get("/{csat_rating_id:str}", opt=READ, operation_id="getCsatRating", summary="Get a rating")
    async def get_csat_rating(self, csat_rating_id: FromPath[str]) -> CsatRatingObject:
        """One rating."""
        return _show(await find_rating(read_id(CSAT_RATING, csat_rating_id)))


class CsatRequestController(Controller):
    """Asking how it was."""

    path = "/conversations"
    tags = ("Ratings",)

    @post("/{conversation_id:str}/csat-requests", opt=ASK, operation_id="requestCsatRating",
          summary="Ask for a rating")  # fmt: skip
    async def request_csat_rating(self, caller: NamedDependency[Caller], conversation_id: FromPath[str]) -> EntryObject:
        """The visitor sees the question in the chat. While one waits for its answer, that one is returned."""
        entry_id = await request_rating(read_id("cnv", conversation_id), actor=caller.actor, now=utc_now())
        row = await find_entry(entry_id)
        if row is None:
            raise Problem("not_found", "The question was erased")
        return show_entry(row)


def _show(row: Row) -> CsatRatingObject:
    agent = row["agent_id"]
    return CsatRatingObject(
        id=show_id(CSAT_RATING, row["entry_id"]),
        entry_id=show_id("ent", row["entry_id"]),
        conversation_id=show_id("cnv", row["conversation_id"]),
        contact=Reference(object="contact", id=show_id("ctc", row["contact_id"]), name=row["contact_name"]),
        agent=Reference(object="agent", id=show_id("agt", agent), name=row["agent_name"]) if agent else None,
        channel_id=show_id("cha", row["channel_id"]) if row["channel_id"] else None,
        rating=row["rating"],
        comment=row["comment"],
        requested_at=show_time(row["requested_at"]),
        rated_at=show_time(row["rated_at"]) if row["rated_at"] else None,
        changed_at=show_time(row["changed_at"]) if row["changed_at"] else None,
    )


def _show_summary(row: Row) -> CsatSummary:
    average = None if row["average"] is None else round(row["average"], 2)
    return CsatSummary(asked=row["asked"], answered=row["answered"], average=average, ratings=list(row["spread"]))


def _zoned(moment: datetime | None) -> datetime | None:
    """One that names no zone is taken as UTC."""
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
