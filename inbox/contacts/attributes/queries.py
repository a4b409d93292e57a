"""Reading what attributes are defined."""

from __future__ import annotations

from datetime import datetime
from typing import get_args
from uuid import UUID

import msgspec

from inbox.contacts.attributes.definition import AppliesTo, AttributeType, Definition, Rules
from inbox.kit.db import Row, fetch, fetch_one, fetch_value
from inbox.kit.errors import Problem
from inbox.kit.ids import show_id

RULES = """
SELECT coalesce((SELECT strict FROM attribute_policy WHERE applies_to = $1), false) AS strict,
       (SELECT coalesce(jsonb_object_agg(key, jsonb_build_object(
            'key', key, 'type', type, 'required', required, 'options', options)), '{}')
        FROM attribute_definition WHERE applies_to = $1)::text AS definitions
"""
COLUMNS = "id, applies_to, key, name, type, description, required, options, position, version, created_at, updated_at"
LIST = f"""
SELECT {COLUMNS} FROM attribute_definition
WHERE ($1::text IS NULL OR applies_to = $1)
    AND ($2::text IS NULL OR (applies_to, position, key) > ($2, $3, $4))
ORDER BY applies_to, position, key LIMIT $5
"""  # noqa: S608 (the columns are ours)

# Where the values lie; both names are ours.
USED = "SELECT EXISTS (SELECT FROM {table} WHERE attributes ? $1)"
WITH_OPTION = """
SELECT EXISTS (SELECT FROM {table} WHERE attributes @> jsonb_build_object($1::text, $2::text)
               OR attributes @> jsonb_build_object($1::text, jsonb_build_array($2::text)))
"""

_definitions = msgspec.json.Decoder(dict[str, Definition]).decode
_options = msgspec.json.Decoder(list[str]).decode


class DefinitionRow(msgspec.Struct, kw_only=True, frozen=True):
    """A definition as stored."""

    id: UUID
    applies_to: AppliesTo
    key: str
    name: str
    type: AttributeType
    description: str | None
    required: bool
    options: list[str]
    position: int
    version: int
    created_at: datetime
    updated_at: datetime


async def load_rules(applies_to: AppliesTo) -> Rules:
    """What holds for the attributes of this kind of object now."""
    row = await fetch_one(RULES, applies_to)
    return Rules(strict=row["strict"], definitions=_definitions(row["definitions"])) if row else Rules()


async def list_definitions(
    applies_to: AppliesTo | None, *, after: tuple[str, int, str] | None, limit: int
) -> list[DefinitionRow]:
    """One page of definitions, by kind of object, then by their position."""
    rows = await fetch(LIST, applies_to, *(after or (None, None, None)), limit)
    return [_definition_row(row) for row in rows]


async def find_definition(definition_id: UUID, *, lock: bool = False) -> DefinitionRow:
    """One definition, or the `not_found` problem."""
    ending = " FOR UPDATE" if lock else ""
    row = await fetch_one(f"SELECT {COLUMNS} FROM attribute_definition WHERE id = $1{ending}", definition_id)  # noqa: S608 (ours)
    if row is None:
        raise Problem("not_found", f"There is no attribute {show_id('atr', definition_id)}")
    return _definition_row(row)


async def has_values(definition: DefinitionRow) -> bool:
    """Whether any object has a value under the key."""
    return bool(await fetch_value(USED.format(table=definition.applies_to), definition.key))


async def has_option(definition: DefinitionRow, option: str) -> bool:
    """Whether any object has chosen this option."""
    return bool(await fetch_value(WITH_OPTION.format(table=definition.applies_to), definition.key, option))


async def strict_objects() -> dict[AppliesTo, bool]:
    """For each kind of object whether undefined keys are refused."""
    rows = await fetch("SELECT applies_to, strict FROM attribute_policy")
    stored = {row["applies_to"]: row["strict"] for row in rows}
    return {kind: stored.get(kind, False) for kind in get_args(AppliesTo)}


def _definition_row(row: Row) -> DefinitionRow:
    return msgspec.convert({**row, "options": _options(row["options"])}, DefinitionRow)
