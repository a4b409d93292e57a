"""A channel's settings: read strictly, kept sealed, shown without their secrets. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import msgspec

from channels.contract import ChannelSettings
from inbox.kit.errors import FieldError, Problem

URL_SUFFIX = "_url"
"""How the names of settings end that we connect to."""

_MESSAGE = re.compile(r"(?P<words>.*?)(?: - at `\$(?P<place>[^`]*)`)?", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_NAMED = re.compile(r"Object (missing required|contains unknown) field `(?P<field>[^`]+)`")
_CODES = {"missing required": "required", "contains unknown": "unknown_field"}


def read_settings(given: Mapping[str, Any], kind: type[ChannelSettings]) -> ChannelSettings:
    """Settings as their adapter wants them, or the `validation_failed` problem that points below /settings."""
    try:
        return msgspec.convert(given, kind, strict=True)
    except msgspec.ValidationError as error:
        raise _refuse_settings(str(error), kind) from None


def merge_settings(before: ChannelSettings | None, patch: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with those members replaced that the patch names; a null goes back to the default.

    What the patch leaves out stays, so nobody needs a secret to change something beside it.
    """
    merged = {**_known(before), **patch}
    return {name: value for name, value in merged.items() if value is not None}


def show_settings(settings: ChannelSettings) -> tuple[dict[str, Any], dict[str, bool]]:
    """What may be seen: the settings without the secrets, and of each secret whether it is set."""
    shown = _known(settings)
    secrets = secret_names(type(settings))
    return (
        {name: value for name, value in shown.items() if name not in secrets},
        {name: bool(shown.get(name)) for name in sorted(secrets)},
    )


def urls_of(settings: ChannelSettings) -> Iterator[tuple[str, str]]:
    """The settings that are addresses we connect to: name and URL; a bare host becomes one for the check alone."""
    for name, value in _known(settings).items():
        if name.endswith(URL_SUFFIX) and isinstance(value, str):
            yield name, value
    for name, (host, port) in settings.endpoints.items():
        yield name, f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"


@cache
def settings_schema(kind: type[ChannelSettings]) -> dict[str, Any]:
    """The settings as a JSON Schema (2020-12), whose secrets are `writeOnly`."""
    (reference,), definitions = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    schema: dict[str, Any] = definitions.pop(reference["$ref"].removeprefix("#/$defs/"))
    for field in schema["properties"].values():
        if _is_secret(field):
            field["writeOnly"] = True
    return {**schema, "$defs": definitions} if definitions else schema


def secret_names(kind: type[ChannelSettings]) -> frozenset[str]:
    """The settings typed `Secret`, be they optional or lists of them."""
    properties = settings_schema(kind)["properties"]
    return frozenset(name for name, field in properties.items() if field.get("writeOnly"))


def _is_secret(schema: Any) -> bool:
    if isinstance(schema, list):
        return any(map(_is_secret, schema))
    return isinstance(schema, dict) and (schema.get("writeOnly") is True or any(map(_is_secret, schema.values())))


def _known(settings: ChannelSettings | None) -> dict[str, Any]:
    known: dict[str, Any] = msgspec.to_builtins(settings) if settings is not None else {}
    return known


def _refuse_settings(message: str, kind: type[ChannelSettings]) -> Problem:
    """msgspec's "Expected `str`, got `int` - at `$.numbers[0]`", or the adapter's own words, as a problem.

    An adapter's own check begins with the setting it is about, or names none.
    """
    words, place = _MESSAGE.fullmatch(message).group("words", "place")  # type: ignore[union-attr]  # it fits any text
    named = _NAMED.match(words)
    steps = [name or index for name, index in _STEP.findall(place or "")]
    if named:
        steps.append(named["field"])
    elif not steps and words.partition(" ")[0] in kind.__struct_fields__:
        steps.append(words.partition(" ")[0])
    pointer = "/".join(["/settings", *steps])
    code = _CODES[named[1]] if named else "invalid"
    error = FieldError(pointer=pointer, code=code, detail=words)
    return Problem("validation_failed", f"{pointer}: {words}", errors=[error])
