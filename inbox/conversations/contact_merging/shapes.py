"""Merges as the API speaks of them: what is asked, and what is answered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from inbox.contacts.api.shapes import ContactObject, IdentityObject
from inbox.contacts.contact import Contact
from inbox.conversations.contact_merging.fields import FieldChange, FieldPlan, Place, Side, read_fields, show_place
from inbox.conversations.contact_merging.merge import ContactMerge, MergeOrder, UndoReport
from inbox.kit.callers import Actor, ActorType
from inbox.kit.clock import show_time
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import UnknownId, read_id, show_id
from inbox.kit.versions import Version

ContactId: TypeAlias = Annotated[str, msgspec.Meta(max_length=40, examples=["ctc_019aa5c1d2e37f4f8a6b9c0d1e2f3a4b"])]
OtherId: TypeAlias = Annotated[str, msgspec.Meta(max_length=40, examples=["ctc_019aa5c1d2e37f4f8a6b9c0d1e2f3a4c"])]
MergeId: TypeAlias = Annotated[str, msgspec.Meta(max_length=40, examples=["mrg_019aa5c1d2e37f4f8a6b9c0d1e2f3a4b"])]
Why: TypeAlias = Annotated[str, msgspec.Meta(max_length=500)]
WarningCode: TypeAlias = Literal["both_proven", "both_open", "conflicts", "blocked"]
Pointer: TypeAlias = Annotated[str, msgspec.Meta(examples=["/attributes/plan"])]


class MergeChoices(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Whose value is kept, field by field: `from` or `into`. What is not named keeps the survivor's, if any."""

    name: Side | msgspec.UnsetType = msgspec.UNSET
    language: Side | msgspec.UnsetType = msgspec.UNSET
    company: Side | msgspec.UnsetType = msgspec.UNSET
    attributes: Annotated[dict[str, Side], msgspec.Meta(examples=[{}])] = {}
    external: Annotated[dict[str, Side], msgspec.Meta(examples=[{}])] = {}


class NewMerge(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Which contact goes on in which. With versions, it is refused if either has changed since they were read."""

    from_: ContactId = msgspec.field(name="from")
    into: OtherId
    choices: MergeChoices = MergeChoices()
    reason: Why | None = None
    from_version: Version | None = None
    into_version: Version | None = None


class UndoMerge(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Which merge is undone."""

    merge_id: MergeId


class MergeActor(msgspec.Struct, kw_only=True, frozen=True):
    """Who did it; the name is the one they had then."""

    type: ActorType
    id: str | None = None
    name: str | None = None


class MergedField(msgspec.Struct, kw_only=True, frozen=True):
    """What becomes of one field, and why; null is a field that is not there."""

    pointer: Pointer
    from_: Any = msgspec.field(name="from")
    into: Any
    result: Any
    taken: Side
    conflict: bool
    because: str


class MovedConversations(msgspec.Struct, kw_only=True, frozen=True):
    """How many conversations move, how many of them are open, and the latest of them."""

    total: int
    open: int
    ids: list[str]


class OptOut(msgspec.Struct, kw_only=True, frozen=True):
    """What somebody took back for one address: it stays so, whoever the address belongs to."""

    identity_id: str
    address: str
    purpose: str
    channel_id: str | None
    because: str


class MergeWarning(msgspec.Struct, kw_only=True, frozen=True):
    """What deserves a second look; none of it hinders the merge."""

    code: WarningCode
    detail: str


class MergePreview(msgspec.Struct, kw_only=True, frozen=True):
    """What a merge would do; nothing has happened yet."""

    object: Literal["contact_merge_preview"] = "contact_merge_preview"
    from_: ContactObject = msgspec.field(name="from")
    into: ContactObject
    fields: list[MergedField]
    identities: list[IdentityObject]
    conversations: MovedConversations
    opt_outs: list[OptOut]
    warnings: list[MergeWarning]


class ChangedField(msgspec.Struct, kw_only=True, frozen=True):
    """One field of the surviving contact before and after."""

    pointer: Pointer
    before: Any
    after: Any


class UndoObject(msgspec.Struct, kw_only=True, frozen=True):
    """What went back, and what stayed with the surviving contact because it came after the merge.

    Conversations begun since follow the address they are answered at. `mixed_conversation_ids` are those in which an
    address of the other contact has spoken since: have a look at them.
    """

    restored_fields: list[Pointer]
    kept_fields: list[Pointer]
    identity_ids: list[str]
    lost_identity_ids: list[str]
    conversation_ids: list[str]
    followed_conversation_ids: list[str]
    kept_conversation_ids: list[str]
    mixed_conversation_ids: list[str]


class ContactMergeObject(msgspec.Struct, kw_only=True, frozen=True):
    """A merge that was done; `undo` says what came of parting the two again."""

    object: Literal["contact_merge"] = "contact_merge"
    id: str
    from_id: ContactId
    into_id: OtherId
    changes: list[ChangedField]
    identity_ids: list[str]
    conversation_ids: list[str]
    actor: MergeActor
    reason: str | None
    created_at: str
    undone_at: str | None
    undone_by: MergeActor | None
    undo: UndoObject | None


def read_order(asked: NewMerge) -> MergeOrder:
    """What is to be merged, as asked for."""
    return MergeOrder(
        from_id=_contact(asked.from_, "/from"),
        into_id=_contact(asked.into, "/into"),
        choices=read_choices(asked.choices),
        reason=asked.reason,
        from_version=asked.from_version,
        into_version=asked.into_version,
    )


def read_choices(asked: MergeChoices) -> dict[Place, Side]:
    """The choices by the places of their fields."""
    plain = {"name": asked.name, "language": asked.language, "company_id": asked.company}
    chosen: dict[Place, Side] = {(name, None): side for name, side in plain.items() if side is not msgspec.UNSET}
    chosen |= {("attributes", key): side for key, side in asked.attributes.items()}
    return chosen | {("external", key): side for key, side in asked.external.items()}


def show_plan(plan: FieldPlan) -> MergedField:
    """What becomes of a field."""
    return MergedField(
        pointer=_pointer(plan.place),
        from_=_value(plan.place, plan.from_value),
        into=_value(plan.place, plan.into_value),
        result=_value(plan.place, plan.result),
        taken=plan.taken,
        conflict=plan.conflict,
        because=plan.because,
    )


def show_merge(merge: ContactMerge) -> ContactMergeObject:
    """A merge as the API shows it."""
    return ContactMergeObject(
        id=show_id("mrg", merge.id),
        from_id=show_id("ctc", merge.from_id),
        into_id=show_id("ctc", merge.into_id),
        changes=[_show_change(change) for change in merge.changes],
        identity_ids=[show_id("idn", one) for one in merge.identity_ids],
        conversation_ids=[show_id("cnv", one) for one in merge.conversation_ids],
        actor=_show_actor(merge.actor),
        reason=merge.reason,
        created_at=show_time(merge.created_at),
        undone_at=show_time(merge.undone_at) if merge.undone_at else None,
        undone_by=_show_actor(merge.undone_by) if merge.undone_by else None,
        undo=show_undo(merge.undone) if merge.undone else None,
    )


def show_undo(report: UndoReport) -> UndoObject:
    """What an undo did, as the API shows it."""
    return UndoObject(
        restored_fields=[_pointer(place) for place in report.restored_fields],
        kept_fields=[_pointer(place) for place in report.kept_fields],
        identity_ids=[show_id("idn", one) for one in report.identity_ids],
        lost_identity_ids=[show_id("idn", one) for one in report.lost_identity_ids],
        conversation_ids=[show_id("cnv", one) for one in report.conversation_ids],
        followed_conversation_ids=[show_id("cnv", one) for one in report.followed_conversation_ids],
        kept_conversation_ids=[show_id("cnv", one) for one in report.kept_conversation_ids],
        mixed_conversation_ids=[show_id("cnv", one) for one in report.mixed_conversation_ids],
    )


def contact_fields(contact: Contact) -> dict[Place, Any]:
    """A contact's fields by their places, as their stored row would give them."""
    row: Mapping[str, Any] = {
        "name": contact.name,
        "language": contact.language,
        "company_id": str(contact.company.id) if contact.company else None,
        "blocked_at": contact.blocked_at.isoformat() if contact.blocked_at else None,
        "attributes": contact.attributes,
        "external": contact.external,
    }
    return read_fields(row)


def _show_actor(actor: Actor) -> MergeActor:
    return MergeActor(type=actor.type, id=actor.id, name=actor.name)


def _show_change(change: FieldChange) -> ChangedField:
    place = change.place
    return ChangedField(pointer=_pointer(place), before=_value(place, change.before), after=_value(place, change.after))


def _pointer(place: Place) -> str:
    return "/company" if place == ("company_id", None) else show_place(place)


def _value(place: Place, value: Any) -> Any:
    """A company by its id as the API shows it, a moment in our spelling, the rest as it is."""
    if value is None or place[1] is not None:
        return value
    if place[0] == "company_id":
        return f"cmp_{value.replace('-', '')}"
    return show_time(msgspec.convert(value, datetime)) if place[0] == "blocked_at" else value


def _contact(text: str, pointer: str) -> Any:
    try:
        return read_id("ctc", text)
    except UnknownId:
        error = FieldError(pointer=pointer, code="unknown", detail="There is no such contact")
        raise Problem("validation_failed", "The contact does not exist", errors=[error]) from None
