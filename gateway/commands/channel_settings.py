"""An adapter's settings from the command line: `--set name=value`, typed as the adapter types them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import inspect

from channels.contract import ChannelSettings

_FIELD = re.compile(r"[a-z][a-z0-9_]*")


class WrongSetting(ValueError):
    """A setting is missing or wrong: `fields` are the settings it names, the likeliest first."""

    def __init__(self, message: str, fields: list[str]) -> None:
        super().__init__(message)
        self.fields = fields


def split_assignments(assignments: Iterable[str]) -> dict[str, list[str]]:
    """`name=value` texts as values by name; a name may be given again for a setting that is a list."""
    values: dict[str, list[str]] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or not name:
            raise WrongSetting(f"{assignment!r} is not name=value", [])
        values.setdefault(name.strip(), []).append(value)
    return values


def type_settings(values: Mapping[str, list[str]], kind: type[ChannelSettings]) -> dict[str, Any]:
    """The texts as plain values of their settings' types: lists are split at commas, of others the last one counts.

    What has settings of its own is written as JSON.
    """
    types = {field.name: field.type for field in msgspec.structs.fields(kind)}
    return {name: _type_value(name, texts, types.get(name)) for name, texts in values.items()}


def build_settings(given: Mapping[str, Any], kind: type[ChannelSettings]) -> ChannelSettings:
    """The settings as their adapter wants them; WrongSetting in the adapter's own words."""
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        known = kind.__struct_fields__
        named = [word for word in _FIELD.findall(str(error)) if word in known]
        raise WrongSetting(str(error), list(dict.fromkeys(named))) from None


def is_secret(kind: type[ChannelSettings], name: str) -> bool:
    """Whether a setting is typed `Secret`, be it optional."""
    field = next(field for field in msgspec.structs.fields(kind) if field.name == name)
    return any(
        isinstance(each, inspect.Metadata) and (each.extra_json_schema or {}).get("writeOnly")
        for each in _alternatives(inspect.type_info(field.type))
    )


def _type_value(name: str, texts: list[str], annotation: Any) -> Any:
    if annotation is None:
        return texts[-1]
    if _is_of(annotation, inspect.StructType, inspect.DictType):
        try:
            return msgspec.json.decode(texts[-1])
        except msgspec.DecodeError:
            raise WrongSetting(f'{name} is written as JSON, such as \'{{"key": "value"}}\'', [name]) from None
    if _is_of(annotation, inspect.ListType, inspect.VarTupleType):
        return [item.strip() for text in texts for item in text.split(",") if item.strip()]
    return texts[-1]


def _is_of(annotation: Any, *kinds: type[inspect.Type]) -> bool:
    return any(isinstance(each, kinds) for each in _alternatives(inspect.type_info(annotation)))


def _alternatives(kind: inspect.Type) -> Iterable[inspect.Type]:
    return kind.types if isinstance(kind, inspect.UnionType) else (kind,)
