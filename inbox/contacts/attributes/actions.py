"""Defining attributes, and holding what is written to the definitions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from inbox.audit.actions import record_audit
from inbox.contacts.attributes.definition import OPTION_TYPES, AppliesTo, AttributeType, settle_attributes
from inbox.contacts.attributes.queries import DefinitionRow, find_definition, has_option, has_values, load_rules
from inbox.kit.callers import Actor
from inbox.kit.db import execute
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import new_id, show_id
from inbox.kit.versions import check_version

INSERT = """
INSERT INTO attribute_definition (id, applies_to, key, name, type, description, required, options, position)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9)
"""
UPDATE = """
UPDATE attribute_definition SET name = $2, type = $3, description = $4, required = $5, options = $6::jsonb,
    position = $7, version = version + 1, updated_at = now()
WHERE id = $1
"""
SET_STRICT = """
INSERT INTO attribute_policy (applies_to, strict) VALUES ($1, $2)
ON CONFLICT (applies_to) DO UPDATE SET strict = excluded.strict
"""


class DefinitionChange(msgspec.Struct, kw_only=True, frozen=True):
    """Everything of a definition that may change."""

    name: str
    type: AttributeType
    description: str | None = None
    required: bool = False
    options: list[str] = []
    position: int = 0


async def hold_attributes(
    applies_to: AppliesTo, patch: Mapping[str, Any] | None, *, before: dict[str, Any], after: dict[str, Any], new: bool
) -> dict[str, Any]:
    """Attributes as the definitions have them, after a patch; the `validation_failed` problem names what they refuse.

    A null patch empties them all.
    """
    rules = await load_rules(applies_to)
    return settle_attributes(rules, after, touched=before if patch is None else patch, complete=new)


async def define_attribute(applies_to: AppliesTo, key: str, change: DefinitionChange, *, actor: Actor) -> UUID:
    """A new definition; values that lie under its key already stay as they are until they are written again."""
    _check_options(change)
    definition_id = new_id()
    try:
        await execute(
            INSERT, definition_id, applies_to, key, change.name, change.type, change.description, change.required,
            _json(change.options), change.position,
        )  # fmt: skip
    except asyncpg.UniqueViolationError:
        detail = f"An attribute of {applies_to} objects has the key {key} already"
        error = FieldError(pointer="/key", code="taken", detail=detail)
        raise Problem("state_conflict", detail, errors=[error]) from None
    await _audit(actor, "attribute.created", definition_id)
    return definition_id


async def redefine_attribute(definition_id: UUID, patch: Mapping[str, Any], *, actor: Actor) -> None:
    """Change what the patch names. While any object has a value, its type and the options in use stay."""
    known = await find_definition(definition_id, lock=True)
    check_version(definition_id, known.version)
    fields = {name: patch.get(name, getattr(known, name)) for name in DefinitionChange.__struct_fields__}
    change = DefinitionChange(**fields)
    _check_options(change)
    if change.type != known.type and await has_values(known):
        raise _in_use(f"Objects have values of {known.key}, so its type stays {known.type}", "/type")
    for option in known.options:
        if change.type == known.type and option not in change.options and await has_option(known, option):
            raise _in_use(f"Objects have chosen {option}, so it stays an option", "/options")
    await execute(
        UPDATE, definition_id, change.name, change.type, change.description, change.required, _json(change.options),
        change.position,
    )  # fmt: skip
    await _audit(actor, "attribute.updated", definition_id)


async def drop_attribute(definition_id: UUID, *, actor: Actor) -> DefinitionRow:
    """Forget the definition; values stay under their key, as free JSON."""
    known = await find_definition(definition_id, lock=True)
    check_version(definition_id, known.version)
    await execute("DELETE FROM attribute_definition WHERE id = $1", definition_id)
    await _audit(actor, "attribute.deleted", definition_id)
    return known


async def set_strictness(strict: Mapping[AppliesTo, bool], *, actor: Actor) -> None:
    """Refuse undefined keys from now on, or let them be, per kind of object."""
    for applies_to, wanted in strict.items():
        await execute(SET_STRICT, applies_to, wanted)
    await record_audit(actor, "attribute_policy.updated", facts={"strict": dict(strict)})


def _check_options(change: DefinitionChange) -> None:
    if (change.type in OPTION_TYPES) is not bool(change.options):
        detail = "select and multiselect need options, and nothing else has them"
    elif len(set(change.options)) < len(change.options):
        detail = "each option is listed once"
    else:
        return
    raise Problem(
        "validation_failed", detail, errors=[FieldError(pointer="/options", code="wrong_value", detail=detail)]
    )


def _in_use(detail: str, pointer: str) -> Problem:
    error = FieldError(pointer=pointer, code="in_use", detail=detail)
    return Problem("state_conflict", detail, errors=[error], hint="Define another attribute beside it")


async def _audit(actor: Actor, action: str, definition_id: UUID) -> None:
    await record_audit(actor, action, target=show_id("atr", definition_id))


def _json(options: list[str]) -> str:
    return msgspec.json.encode(options).decode()
