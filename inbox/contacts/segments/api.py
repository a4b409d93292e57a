"""Segments over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias
from uuid import UUID

import msgspec
from litestar import Controller, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from inbox.contacts.segments.actions import CHANGING, create_segment, delete_segment, update_segment
from inbox.contacts.segments.queries import Segment, count_contacts, find_segment, list_segments
from inbox.kit.callers import Caller
from inbox.kit.clock import show_time
from inbox.kit.ids import read_id, show_id
from inbox.kit.pages import DEFAULT_LIMIT, Page, PageCursor, PageLimit, cut_page, read_cursor

READ = {"scope": "contacts:read"}
WRITE = {"scope": "contacts:write", "problems": ["state_conflict", "invalid_query"]}

SegmentName: TypeAlias = Annotated[
    str,
    msgspec.Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+(?![\s\S])", examples=["Gold customers"]),
]
Description: TypeAlias = Annotated[str, msgspec.Meta(max_length=500)]
QueryText: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        max_length=1000,
        description="The question, as `q=` of the list of contacts takes it.",
        examples=["attr.plan:gold has:email -is:opted_out seen:>=30d"],
    ),
]
Position: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=32_767)]


class NewSegment(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A question about contacts, to be asked again."""

    name: SegmentName
    query: QueryText
    description: Description | None = None
    position: Position = 0


class SegmentPatch(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What to change; what is absent stays."""

    name: SegmentName | msgspec.UnsetType = msgspec.UNSET
    query: QueryText | msgspec.UnsetType = msgspec.UNSET
    description: Description | msgspec.UnsetType | None = msgspec.UNSET
    position: Position | msgspec.UnsetType = msgspec.UNSET


class SegmentObject(msgspec.Struct, kw_only=True, frozen=True):
    """A saved question; who is in it is found when it is asked."""

    object: Literal["segment"] = "segment"
    id: str
    version: int
    name: SegmentName
    query: QueryText
    description: str | None
    position: int
    created_at: str
    updated_at: str


class SegmentCount(msgspec.Struct, kw_only=True, frozen=True):
    """How many contacts are in a segment now."""

    object: Literal["segment_count"] = "segment_count"
    segment_id: Annotated[str, msgspec.Meta(examples=["seg_019aa5c1d2e37f4f8a6b9c0d1e2f3a4b"])]
    count: int


class SegmentController(Controller):
    """Groups of contacts that are always up to date."""

    path = "/segments"
    tags = ("Segments",)

    @get("/", opt=READ, operation_id="listSegments", summary="List segments")
    async def list_segments(
        self, *, limit: PageLimit = DEFAULT_LIMIT, cursor: PageCursor = None
    ) -> Page[SegmentObject]:
        """By their position, then by name."""
        after = read_cursor(cursor, tuple[int, str, UUID], of="segments")
        rows = await list_segments(after=after, limit=limit + 1)
        return cut_page(rows, limit, key=_place, of="segments", show=show_segment)

    @post("/", opt=WRITE, operation_id="createSegment", summary="Save a segment")
    async def create_segment(self, *, caller: NamedDependency[Caller], data: JSONBody[NewSegment]) -> SegmentObject:
        """An `invalid_query` says which characters of the question are not understood."""
        fields = {name: getattr(data, name) for name in CHANGING}
        return show_segment(await find_segment(await create_segment(fields, actor=caller.actor)))

    @get("/{segment_id:str}", opt=READ, operation_id="getSegment", summary="Get a segment")
    async def get_segment(self, segment_id: FromPath[str]) -> SegmentObject:
        """One question; `/v1/contacts?segment=` asks it."""
        return show_segment(await find_segment(read_id("seg", segment_id)))

    @get("/{segment_id:str}/count", opt={**READ, "problems": ["invalid_query"]}, operation_id="countSegment",
         summary="Count who is in a segment")  # fmt: skip
    async def count_segment(self, segment_id: FromPath[str]) -> SegmentCount:
        """As of now."""
        segment = await find_segment(read_id("seg", segment_id))
        return SegmentCount(segment_id=show_id("seg", segment.id), count=await count_contacts(segment.query))

    @patch("/{segment_id:str}", opt=WRITE, operation_id="updateSegment", summary="Change a segment")
    async def update_segment(
        self, *, caller: NamedDependency[Caller], segment_id: FromPath[str], data: JSONBody[SegmentPatch]
    ) -> SegmentObject:
        """Its name, its question, its place."""
        segment = read_id("seg", segment_id)
        await update_segment(segment, msgspec.to_builtins(data), actor=caller.actor)
        return show_segment(await find_segment(segment))

    @delete("/{segment_id:str}", opt={"scope": "contacts:write"}, operation_id="deleteSegment",
            summary="Delete a segment")  # fmt: skip
    async def delete_segment(self, *, caller: NamedDependency[Caller], segment_id: FromPath[str]) -> None:
        """Contacts stay as they are."""
        await delete_segment(read_id("seg", segment_id), actor=caller.actor)


def show_segment(segment: Segment) -> SegmentObject:
    """A segment as the API shows it."""
    return SegmentObject(
        id=show_id("seg", segment.id),
        version=segment.version,
        name=segment.name,
        query=segment.query,
        description=segment.description,
        position=segment.position,
        created_at=show_time(segment.created_at),
        updated_at=show_time(segment.updated_at),
    )


def _place(segment: Segment) -> tuple[int, str, UUID]:
    return segment.position, segment.name.lower(), segment.id
