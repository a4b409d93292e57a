"""Merging and splitting conversations over HTTP, and the way back."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from inbox.conversations.api.conversations import show_conversations
from inbox.conversations.api.requests import Because, Line
from inbox.conversations.api.shapes import ConversationObject
from inbox.conversations.moves.actions import merge_conversations, split_conversation, undo_move, why_no_undo
from inbox.conversations.moves.plan import Kind
from inbox.conversations.moves.queries import After, Move, find_move, list_moves
from inbox.conversations.queries import find_conversation, find_conversations
from inbox.kit.callers import ActorType, Caller
from inbox.kit.clock import show_time, utc_now
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import CONVERSATION_MOVE, read_id, show_id
from inbox.kit.pages import DEFAULT_LIMIT, Page, PageCursor, PageLimit, cut_page, read_cursor

SPLIT_MAX = 1000
READ = {"scope": "conversations:read"}
SPLIT = {"scope": "conversations:write", "problems": ["validation_failed", "state_conflict", "conversation_merged"]}
MERGE = {**SPLIT, "problems": [*SPLIT["problems"], "merge_cycle"]}


class MergeInto(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Into which conversation. With `across_contacts`, which needs `contacts:write` too, it may be somebody else's."""

    into: Annotated[str, msgspec.Meta(examples=["cnv_019aa5c1d2e37f4f8a6b9c0d1e2f3a4c"])]
    across_contacts: bool = False
    reason: Line | None = None


class SplitOff(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What goes on in a conversation of its own: everything from a `seq` on, or these entries."""

    from_seq: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1, examples=[7])] | None = None
    entry_ids: Annotated[list[str], msgspec.Meta(min_length=1, max_length=SPLIT_MAX)] | None = None
    reason: Line | None = None


class MoveActor(msgspec.Struct, kw_only=True, frozen=True):
    """Who did it."""

    type: ActorType
    id: str | None = None
    name: str | None = None


class MoveObject(msgspec.Struct, kw_only=True, frozen=True):
    """Entries that went from one conversation into another; `why_not` says what stands in the way of an undo."""

    object: Literal["conversation_move"] = "conversation_move"
    id: str
    kind: Kind
    source_id: Annotated[str, msgspec.Meta(examples=["cnv_019aa5c1d2e37f4f8a6b9c0d1e2f3a4b"])]
    target_id: Annotated[str, msgspec.Meta(examples=["cnv_019aa5c1d2e37f4f8a6b9c0d1e2f3a4c"])]
    entries: int
    actor: MoveActor
    reason: str | None
    undoable: bool
    why_not: str | None
    undone_by: MoveActor | None
    undone_at: str | None
    created_at: str


class MoveResult(MoveObject, kw_only=True, frozen=True):
    """A move with both conversations as they are after it."""

    source: ConversationObject
    target: ConversationObject


class MoveController(Controller):
    """Conversations that become one, or two."""

    path = "/conversations"
    tags = ("Conversations",)

    @post("/{conversation_id:str}/merge", opt=MERGE, operation_id="mergeConversation",
          summary="Merge a conversation into another", status_code=200)  # fmt: skip
    async def merge_conversation(
        self, *, caller: NamedDependency[Caller], conversation_id: FromPath[str], data: JSONBody[MergeInto]
    ) -> MoveResult:
        """Its entries follow at the end of the other's timeline; it is closed, and refuses changes from then on."""
        if data.across_contacts and not caller.may("contacts:write"):
            raise Problem("scope_missing", "across_contacts needs the scope contacts:write")
        source, target = read_id("cnv", conversation_id), _named(data.into)
        move_id = await merge_conversations(
            source, target, across_contacts=data.across_contacts, actor=caller.actor, now=utc_now(), reason=data.reason
        )
        return await _shown_result(move_id)

    @post("/{conversation_id:str}/split", opt=SPLIT, operation_id="splitConversation",
          summary="Split a conversation in two", status_code=200)  # fmt: skip
    async def split_conversation(
        self, *, caller: NamedDependency[Caller], conversation_id: FromPath[str], data: JSONBody[SplitOff]
    ) -> MoveResult:
        """The entries begin a new conversation with the same contact; stubs stay in their places."""
        source = read_id("cnv", conversation_id)
        move_id = await split_conversation(
            source, chosen=_chosen(data), actor=caller.actor, now=utc_now(), reason=data.reason
        )
        return await _shown_result(move_id)

    @get("/{conversation_id:str}/moves", opt=READ, operation_id="listMoves", summary="List merges and splits")
    async def list_moves(
        self, *, conversation_id: FromPath[str], limit: PageLimit = DEFAULT_LIMIT, cursor: PageCursor = None
    ) -> Page[MoveObject]:
        """Those a conversation took part in, the newest first, undone ones among them."""
        identity = read_id("cnv", conversation_id)
        if await find_conversation(identity) is None:
            raise Problem("not_found", f"There is no conversation {conversation_id}")
        after = read_cursor(cursor, After, of=["moves", identity])
        moves = await list_moves(identity, after=after, limit=limit + 1)
        reasons = await why_no_undo(moves)
        return cut_page(
            moves,
            limit,
            key=lambda move: (move.created_at, move.id),
            of=["moves", identity],
            show=lambda move: MoveObject(**_facts(move, reasons.get(move.id))),
        )

    @post("/{conversation_id:str}/moves/{move_id:str}/undo", opt=SPLIT, operation_id="undoMove",
          summary="Undo a merge or a split", status_code=200)  # fmt: skip
    async def undo_move(
        self,
        *,
        caller: NamedDependency[Caller],
        conversation_id: FromPath[str],
        move_id: FromPath[str],
        data: JSONBody[Because],
    ) -> MoveResult:
        """Every entry back in the place it had. What was written since stays where it was written."""
        identity, move = read_id("cnv", conversation_id), await find_move(read_id(CONVERSATION_MOVE, move_id))
        if identity not in {move.source_id, move.target_id}:
            raise Problem("not_found", f"The conversation had no part in {move_id}")
        await undo_move(move.id, actor=caller.actor, now=utc_now(), reason=data.reason)
        return await _shown_result(move.id)


async def _shown_result(move_id: UUID) -> MoveResult:
    move = await find_move(move_id)
    rows = await find_conversations([move.source_id, move.target_id])
    source, target = await show_conversations([rows[move.source_id], rows[move.target_id]])
    reasons = await why_no_undo([move])
    return MoveResult(**_facts(move, reasons.get(move.id)), source=source, target=target)


def _facts(move: Move, why_not: str | None) -> dict[str, Any]:
    return {
        "id": show_id(CONVERSATION_MOVE, move.id),
        "kind": move.kind,
        "source_id": show_id("cnv", move.source_id),
        "target_id": show_id("cnv", move.target_id),
        "entries": move.entries,
        "actor": msgspec.convert(move.actor, MoveActor, from_attributes=True),
        "reason": move.reason,
        "undoable": why_not is None,
        "why_not": why_not,
        "undone_by": msgspec.convert(move.undone_by, MoveActor | None, from_attributes=True),
        "undone_at": show_time(move.undone_at) if move.undone_at else None,
        "created_at": show_time(move.created_at),
    }


def _named(conversation_id: str) -> UUID:
    try:
        return read_id("cnv", conversation_id)
    except ValueError as error:
        raise _refusal("/into", "there is no such conversation") from error


def _chosen(data: SplitOff) -> list[UUID] | int:
    """The one way the entries are named."""
    if (data.from_seq is None) == (data.entry_ids is None):
        raise _refusal("/from_seq", "name either from_seq or entry_ids")
    if data.from_seq is not None:
        return data.from_seq
    try:
        return [read_id("ent", one) for one in data.entry_ids or []]
    except ValueError as error:
        raise _refusal("/entry_ids", "one of these is no id of an entry") from error


def _refusal(pointer: str, detail: str) -> Problem:
    return Problem(
        "validation_failed", detail, errors=[FieldError(pointer=pointer, code="unknown_value", detail=detail)]
    )
