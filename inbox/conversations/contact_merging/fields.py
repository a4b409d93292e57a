"""Whose fields win when two contacts become one, and which go back when they part again. Pure.

A contact's fields are its own columns and the members of its free JSON, each by its place; a member counts as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import msgspec

Side: TypeAlias = Literal["from", "into"]
Place: TypeAlias = tuple[str, str | None]
"""A column, and the member where the column is free JSON."""

PLAIN = ("name", "language", "company_id")
FREE = ("attributes", "external")
BLOCKED: Place = ("blocked_at", None)


class FieldPlan(msgspec.Struct, kw_only=True, frozen=True):
    """What becomes of one field, and why. None is a field that is not there; `conflict` where the two differ."""

    place: Place
    from_value: Any
    into_value: Any
    result: Any
    taken: Side
    conflict: bool
    because: str


class FieldChange(msgspec.Struct, kw_only=True, frozen=True):
    """What a merge made of one field of the survivor."""

    place: Place
    before: Any
    after: Any


class Reverted(msgspec.Struct, kw_only=True, frozen=True):
    """The survivor's fields after an undo: those that went back, and those that somebody has changed since."""

    fields: dict[Place, Any]
    restored: list[Place]
    kept: list[Place]


def read_fields(row: Mapping[str, Any]) -> dict[Place, Any]:
    """The fields of a stored contact, by their places; what is null is not there."""
    plain = {(name, None): row[name] for name in (*PLAIN, BLOCKED[0])}
    free = {(column, key): value for column in FREE for key, value in row[column].items()}
    return {place: value for place, value in {**plain, **free}.items() if value is not None}


def write_fields(fields: Mapping[Place, Any]) -> dict[str, Any]:
    """Those fields as columns."""
    columns: dict[str, Any] = {name: fields.get((name, None)) for name in (*PLAIN, BLOCKED[0])}
    for column in FREE:
        columns[column] = {key: value for (name, key), value in fields.items() if name == column}
    return columns


def plan_fields(
    from_fields: Mapping[Place, Any], into_fields: Mapping[Place, Any], choices: Mapping[Place, Side]
) -> list[FieldPlan]:
    """What becomes of every field that either contact has.

    The survivor keeps what it has and gets what only the other one had; `choices` overrule that, also to leave a field
    behind. A block outlives the merge, whoever had it.
    """
    places = dict.fromkeys([*into_fields, *from_fields])
    return [_plan_field(place, from_fields.get(place), into_fields.get(place), choices.get(place)) for place in places]


def _plan_field(place: Place, from_value: Any, into_value: Any, choice: Side | None) -> FieldPlan:
    if choice is not None and place != BLOCKED:
        taken, because = choice, "it was chosen"
    elif into_value is None:
        taken, because = "from", "only the contact that is merged away has it"
    elif from_value is None:
        taken, because = "into", "only the surviving contact has it"
    elif from_value == into_value:
        taken, because = "into", "both have the same"
    else:
        taken, because = "into", "both have one, and the surviving contact's is kept"
    return FieldPlan(
        place=place,
        from_value=from_value,
        into_value=into_value,
        result=from_value if taken == "from" else into_value,
        taken=taken,
        conflict=place != BLOCKED and None not in (from_value, into_value) and from_value != into_value,
        because=because,
    )


def changes_of(plans: Iterable[FieldPlan]) -> list[FieldChange]:
    """What the plans change of the survivor."""
    return [
        FieldChange(place=plan.place, before=plan.into_value, after=plan.result)
        for plan in plans
        if plan.into_value != plan.result
    ]


def apply_changes(fields: Mapping[Place, Any], changes: Iterable[FieldChange]) -> dict[Place, Any]:
    """The fields after the changes."""
    return _with_values(fields, {change.place: change.after for change in changes})


def revert_changes(fields: Mapping[Place, Any], changes: Sequence[FieldChange]) -> Reverted:
    """The fields without what the merge made of them; one that has changed since is somebody's later word and stays."""
    restored = [change for change in changes if fields.get(change.place) == change.after]
    return Reverted(
        fields=_with_values(fields, {change.place: change.before for change in restored}),
        restored=[change.place for change in restored],
        kept=[change.place for change in changes if change not in restored],
    )


def show_place(place: Place) -> str:
    """A field's place as a JSON pointer into the contact (RFC 6901)."""
    column, key = place
    return f"/{column}" if key is None else f"/{column}/{key.replace('~', '~0').replace('/', '~1')}"


def _with_values(fields: Mapping[Place, Any], values: Mapping[Place, Any]) -> dict[Place, Any]:
    return {place: value for place, value in {**fields, **values}.items() if value is not None}
