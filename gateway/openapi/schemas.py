"""The components of the document: msgspec's schemas under names fit for clients."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any, TypeAlias

import msgspec
from msgspec import NODEFAULT, inspect

Schema: TypeAlias = dict[str, Any]

REF = "#/components/schemas/"
PAGE = re.compile(r"Page_(.+)_")
MOMENT = re.compile(r"(_at|_since|_until|^until|^timestamp)$")
"""Fields that hold a moment, which Python's side shows as text (thread-and-api.md 2.1)."""


def make_schemas(kinds: list[Any]) -> tuple[list[Schema], dict[str, Schema]]:
    """The schema of each type, and the components they refer to."""
    schemas, components = msgspec.json.schema_components(kinds, ref_template=REF + "{name}")
    renamed = {published_name(name): _published(schema) for name, schema in components.items()}
    for name, schema in renamed.items():
        schema["title"] = name
        for field, shape in schema.get("properties", {}).items():
            if MOMENT.search(field):
                _mark_moment(shape)
    return [_published(schema) for schema in schemas], dict(sorted(renamed.items()))


def published_name(name: str) -> str:
    """`AgentObject` is published as Agent, a page of them as AgentPage."""
    page = PAGE.fullmatch(name)
    return f"{published_name(page[1])}Page" if page else name.removesuffix("Object").removesuffix("Document")


def _published(node: Any) -> Any:
    """A schema with its references renamed, `const` where an enum has one value, and one level of unions."""
    if isinstance(node, list):
        return [_published(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {name: _published(value) for name, value in node.items()}
    if isinstance(found.get("$ref"), str):
        found["$ref"] = _renamed_ref(found["$ref"])
    if isinstance(found.get("discriminator"), dict):
        mapping = found["discriminator"]["mapping"]
        found["discriminator"]["mapping"] = {tag: _renamed_ref(ref) for tag, ref in mapping.items()}
        found["oneOf"] = found.pop("anyOf")
    if isinstance(found.get("enum"), list):
        found |= _typed_enum(found)
    return found


def _mark_moment(shape: Schema) -> None:
    for one in shape.get("anyOf", [shape]):
        if one.get("type") == "string":
            one["format"] = "date-time"


def _typed_enum(schema: Schema) -> Schema:
    """A client generator wants to know what an enum's values are."""
    kinds = {JSON_TYPES[type(value)] for value in schema["enum"]}
    return {"type": kinds.pop()} if len(kinds) == 1 else {"type": sorted(kinds)}


JSON_TYPES = {str: "string", int: "integer", bool: "boolean", type(None): "null", float: "number"}


def _renamed_ref(ref: str) -> str:
    return REF + published_name(ref.removeprefix(REF))


def names_used(schemas: Iterable[Schema], components: dict[str, Schema]) -> set[str]:
    """The components reached from these schemas."""
    seen: set[str] = set()
    waiting = list(schemas)
    while waiting:
        for name in _names_in(waiting.pop()):
            if name not in seen:
                seen.add(name)
                waiting.append(components[name])
    return seen


def _names_in(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str) and node["$ref"].startswith(REF):
            yield node["$ref"].removeprefix(REF)
        for value in node.values():
            yield from _names_in(value)
    elif isinstance(node, list):
        for item in node:
            yield from _names_in(item)


def require_told(components: dict[str, Schema], kinds: Iterable[Any], *, but: Collection[str]) -> None:
    """What only ever leaves us has all its fields, except those that are left out where they say nothing.

    So is what is at its default in a struct that says `omit_defaults`, and UNSET in any. `but` is what comes in too.
    """
    for info in _structs_in(list(inspect.multi_type_info(kinds))):
        schema = components.get(published_name(info.cls.__name__))
        if schema is None or schema["title"] in but:
            continue
        sparse = info.cls.__struct_config__.omit_defaults
        left_out = [field.encode_name for field in info.fields if _is_unset(field) or (sparse and not field.required)]
        require_all(schema, but=left_out)


def _is_unset(field: inspect.Field) -> bool:
    """Whether it is absent unless it is given: neither required nor with any other default."""
    return not field.required and field.default is NODEFAULT and field.default_factory is NODEFAULT


def _structs_in(waiting: list[Any]) -> Iterator[inspect.StructType]:
    """All structs that these types are made of, each once."""
    seen: set[Any] = set()
    while waiting:
        info = waiting.pop()
        waiting += [one for name in INNER for one in _listed(getattr(info, name, ()))]
        if isinstance(info, inspect.StructType) and info.cls not in seen:
            seen.add(info.cls)
            waiting += [field.type for field in info.fields]
            yield info


def _listed(inner: Any) -> tuple[Any, ...]:
    return inner if isinstance(inner, tuple) else (inner,)


INNER = ("types", "type", "item_type", "item_types", "key_type", "value_type")
"""Where a type keeps what it is made of."""


def require_all(schema: Schema, *, but: Collection[str] = ()) -> None:
    """An answer always has all its fields, nulls among them; what has a default is not absent for that."""
    if "properties" in schema:
        schema["required"] = [name for name in schema["properties"] if name not in but]
        for field in schema["properties"].values():
            field.pop("default", None)
