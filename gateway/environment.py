"""Environment variables as a typed struct: read, explained when wrong, shown with secrets masked, and documented.

Works for any msgspec struct whose fields are renamed to the variables they come from and are annotated by `setting()`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec
from msgspec import inspect
from msgspec.structs import FieldInfo

Secrecy: TypeAlias = Literal["open", "address", "secret"]
"""What may be shown of a value: all; an address without the credentials in it; nothing."""

MASK = "***"
UNITS = {
    "_bytes": "bytes",
    "_seconds": "seconds",
    "_hours": "hours",
    "_days": "days",
    "_events": "events",
}
"""A field's unit by the end of its name; others name theirs."""
NEAR_ENOUGH = 0.6
"""How alike (0 to 1, difflib's ratio) an unknown name must be to a known one to be taken for a slip of it."""
CREDENTIALS = re.compile(r"://.*@")
PARAMETER = re.compile(r"=[^&#]*")
ASSIGNMENT = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")
COMMENT = re.compile(r"\s+#.*$")


class SettingProblem(msgspec.Struct, frozen=True):
    """One variable that is wrong: what is wrong, never quoting the value, and what to do."""

    name: str
    problem: str
    fix: str


class SettingsError(Exception):
    """The settings are not usable: all that is wrong with them, not just the first, and what else looks doubtful.

    Among the `warnings` may stand the reason: a name misspelt is a setting missing.
    """

    def __init__(self, problems: list[SettingProblem], warnings: list[str]) -> None:
        self.problems = problems
        self.warnings = warnings
        lines = [f"{found.name} {found.problem}: {found.fix}" for found in problems]
        super().__init__("\n  ".join(["these settings need attention:", *lines, *warnings]))


class SettingRow(msgspec.Struct, frozen=True):
    """One setting as `switchboard config show` prints it, secrets masked."""

    name: str
    value: str
    source: Literal["env", ".env", "default"]
    unit: str
    help: str


def setting(
    help_text: str,
    *,
    unit: str = "",
    form: str = "",
    schemes: tuple[str, ...] = (),
    secrecy: Secrecy = "open",
    ge: float | None = None,
    le: float | None = None,
) -> msgspec.Meta:
    """What a field is annotated with.

    A help of one line, and where they apply the unit, words for the accepted form, the schemes a URL may have, how
    secret the value is, and the least (`ge`) and greatest (`le`) number.
    """
    extra = {"unit": unit, "form": form or _address_form(schemes), "schemes": schemes, "secrecy": secrecy}
    return msgspec.Meta(description=help_text, extra=extra, ge=ge, le=le)


def _address_form(schemes: tuple[str, ...]) -> str:
    return "an address that begins with " + " or ".join(f"{scheme}://" for scheme in schemes) if schemes else ""


def read_environment(
    kind: type[msgspec.Struct], environ: Mapping[str, str]
) -> tuple[dict[str, Any], list[SettingProblem]]:
    """The values that are set, by field name, and everything that is wrong with them. Empty means not set."""
    values: dict[str, Any] = {}
    problems: list[SettingProblem] = []
    for field in msgspec.structs.fields(kind):
        text = environ.get(field.encode_name, "").strip()
        if not text:
            continue
        try:
            values[field.name] = _decode_text(text, field)
        except msgspec.ValidationError:
            default = f" (the default is {field.default})" if field.default else ""
            fix = f"correct or remove it{default}"
            problems.append(SettingProblem(field.encode_name, f"is not {expected_form(field)}", fix))
    return values, problems


def _decode_text(text: str, field: FieldInfo) -> Any:
    listed = isinstance(_bare_type(field), inspect.VarTupleType)
    value = [part.strip() for part in text.split(",") if part.strip()] if listed else text
    schemes = _extra(field).get("schemes")
    if schemes and not _is_address(text, schemes):
        raise msgspec.ValidationError
    return msgspec.convert(value, field.type, strict=False, dec_hook=_to_path)


def _is_address(url: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(url)
        port_is_number = parts.port is None or parts.port > 0
    except ValueError:
        return False
    printable = url.isprintable() and " " not in url
    leads_somewhere = bool(parts.netloc or parts.path.strip("/") or parts.query)
    return parts.scheme in schemes and port_is_number and printable and leads_somewhere


def _to_path(kind: type, text: str) -> Any:
    return kind(text).expanduser()


def expected_form(field: FieldInfo) -> str:
    """What a field accepts, in words: "a whole number from 1 to 65535"."""
    bare = _bare_type(field)
    return str(_extra(field).get("form") or FORMS[type(bare)](bare))


def _bare_type(field: FieldInfo) -> inspect.Type:
    kind = inspect.type_info(field.type)
    while isinstance(kind, inspect.Metadata | inspect.UnionType):
        kind = kind.type if isinstance(kind, inspect.Metadata) else kind.types[0]
    return kind


def _extra(field: FieldInfo) -> dict[str, Any]:
    kind = inspect.type_info(field.type)
    return (kind.extra or {}) if isinstance(kind, inspect.Metadata) else {}


FORMS: dict[type, Callable[[Any], str]] = {
    inspect.BoolType: lambda _: "true or false",
    inspect.IntType: lambda kind: f"a whole number from {kind.ge} to {kind.le}",
    inspect.FloatType: lambda kind: f"a number from {kind.ge:g} to {kind.le:g}",
    inspect.LiteralType: lambda kind: "one of " + ", ".join(kind.values),
    inspect.VarTupleType: lambda _: "a list separated by commas",
    inspect.CustomType: lambda _: "a path",
    inspect.StrType: lambda _: "text",
}


def read_env_file(path: Path) -> tuple[dict[str, str], list[SettingProblem]]:
    """The `NAME=value` lines of a file, and the lines that are none; both empty when there is no such file.

    Blank lines, lines beginning with #, `export ` and quotes around a value are understood; nothing is expanded.
    """
    try:
        lines = path.read_text().splitlines() if path.is_file() else []
    except (OSError, UnicodeDecodeError) as error:
        return {}, [
            SettingProblem(path.name, f"cannot be read ({type(error).__name__})", "make it a readable text file")
        ]
    values: dict[str, str] = {}
    problems: list[SettingProblem] = []
    for number, line in enumerate(lines, 1):
        found = ASSIGNMENT.fullmatch(line.strip())
        if found:
            values[found[1]] = _unquoted(found[2])
        elif line.strip() and not line.lstrip().startswith("#"):
            problems.append(SettingProblem(f"{path.name} line {number}", "is not NAME=value", "correct or remove it"))
    return values, problems


def _unquoted(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return COMMENT.sub("", text)


def name_unknown(kind: type[msgspec.Struct], names: Iterable[str], *, prefix: str) -> list[str]:
    """A warning for each name with this prefix that is no setting, with the one it may have been meant for."""
    known = [field.encode_name for field in msgspec.structs.fields(kind)]
    unknown = {name for name in names if name.startswith(prefix)} - set(known)
    return [_unknown_warning(name, known, prefix=prefix) for name in sorted(unknown)]


def _unknown_warning(name: str, known: list[str], *, prefix: str) -> str:
    tails = [other.removeprefix(prefix) for other in known]
    near = difflib.get_close_matches(name.removeprefix(prefix), tails, n=1, cutoff=NEAR_ENOUGH)
    return f"{name} is not a setting" + (f"; did you mean {prefix}{near[0]}?" if near else "")


def show_settings(settings: msgspec.Struct, *, env: Mapping[str, str], file: Mapping[str, str]) -> list[SettingRow]:
    """Every setting with the value in force, masked, and where it came from; the environment wins over the file."""
    return [
        SettingRow(
            name=field.encode_name,
            value=_shown_value(getattr(settings, field.name), _extra(field).get("secrecy", "open")),
            source="env" if env.get(field.encode_name) else ".env" if file.get(field.encode_name) else "default",
            unit=field_unit(field),
            help=field_help(field),
        )
        for field in msgspec.structs.fields(type(settings))
    ]


def field_unit(field: FieldInfo) -> str:
    """What a field's number counts."""
    named: str = _extra(field).get("unit", "")
    return named or next((unit for end, unit in UNITS.items() if field.name.endswith(end)), "")


def field_help(field: FieldInfo) -> str:
    """A field's one-line help."""
    kind = inspect.type_info(field.type)
    return (kind.extra_json_schema or {}).get("description", "") if isinstance(kind, inspect.Metadata) else ""


def _shown_value(value: Any, secrecy: Secrecy) -> str:
    text = _plain_value(value)
    if not text or secrecy == "open":
        return text
    return MASK if secrecy == "secret" else mask_address(text)


def _plain_value(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower() if value is not None else ""
    return ",".join(map(_plain_item, value)) if isinstance(value, tuple) else str(value)


def _plain_item(item: Any) -> str:
    return f"{item:g}" if isinstance(item, float) else str(item)


def mask_address(url: str) -> str:
    """A URL without user, password and the values of its parameters: where it leads is no secret, how to enter is."""
    return PARAMETER.sub(f"={MASK}", CREDENTIALS.sub(f"://{MASK}@", url))


def settings_table(kind: type[msgspec.Struct], sections: Mapping[str, str], shown: Mapping[str, str]) -> Iterator[str]:
    """Markdown lines: a heading before each field that begins a section, and a table row for every field.

    `shown` holds the words for defaults that depend on the machine, by field name.
    """
    for field in msgspec.structs.fields(kind):
        if field.name in sections:
            yield from (
                "",
                f"## {sections[field.name]}",
                "",
                "| Name | Default | Accepts | What for |",
                "|---|---|---|---|",
            )
        default = shown.get(field.name) or _plain_value(field.default)
        unit = field_unit(field)
        cells = [
            f"`{field.encode_name}`",
            f"`{default}`" if default else "not set",
            expected_form(field) + (f" ({unit})" if unit else ""),
            field_help(field),
        ]
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
