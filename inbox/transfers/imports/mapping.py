"""What a row says: columns mapped to fields, cells read as the type their attribute has. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from inbox.contacts.api.shapes import NewContact
from inbox.contacts.attributes.definition import Definition
from inbox.contacts.companies.company import CompanyChange
from inbox.kit.errors import FieldError, Problem

ADDRESSES = ("phone", "email", "whatsapp", "visitor")
PLAIN = {"contacts": ("name", "language", "company_id", "opt_out", *ADDRESSES), "companies": ("name", "domains")}
PASSED_OVER = frozenset({
    "object", "id", "version", "company", "opted_out", "blocked_at", "merged_ids", "contacts", "created_at",
    "updated_at",
})  # fmt: skip
"""What our own exports hold that is not for the taking: it is left aside."""
BETWEEN = re.compile(r"\s*;\s*")
YES, NO = frozenset({"true", "yes", "1", "y"}), frozenset({"false", "no", "0", "n", ""})
KEPT = {"contacts": ("name", "language", "company_id", "attributes", "external", "identities"),
        "companies": ("name", "domains", "attributes", "external")}  # fmt: skip


class ImportedRow(msgspec.Struct, kw_only=True, frozen=True):
    """A row as it was meant: a contact or a company, and whether the person has opted out."""

    contact: NewContact | None = None
    company: CompanyChange | None = None
    opt_out: bool = False


def settle_mapping(kind: str, head: Sequence[str], mapping: Mapping[str, str] | None) -> dict[str, str]:
    """Which column becomes which field; without a mapping those named like fields. The problem names any other."""
    given = mapping if mapping is not None else {name: name for name in head if name not in PASSED_OVER}
    errors = [
        FieldError(
            pointer=f"/mapping/{column}",
            code="unknown_value",
            detail=f"no field of {kind}",
            allowed=[*PLAIN[kind], "external.SYSTEM", "attributes.KEY"],
        )
        for column, field in given.items()
        if field not in PLAIN[kind] and field.partition(".")[0] not in {"external", "attributes"}
    ]
    errors += [
        FieldError(pointer=f"/mapping/{column}", code="unknown_value", detail="the file has no such column")
        for column in given
        if head and column not in head
    ]
    if errors:
        raise Problem("validation_failed", f"{errors[0].pointer}: {errors[0].detail}", errors=errors)
    return dict(given)


def read_row(
    kind: str, form: str, row: Mapping[str, Any], *, mapping: Mapping[str, str], types: Mapping[str, Definition]
) -> ImportedRow:
    """What a row asks for; the `validation_failed` problem where that cannot be."""
    fields = _from_cells(row, mapping, types) if form == "csv" else dict(row)
    opt_out = _yes_or_no(str(fields.pop("opt_out", "")))
    given = _plain_object(kind, fields)
    try:
        if kind == "contacts":
            return ImportedRow(contact=msgspec.convert(given, NewContact), opt_out=opt_out)
        return ImportedRow(company=msgspec.convert(given, CompanyChange))
    except msgspec.ValidationError as error:
        pointer = _pointer(str(error))
        detail = str(error).partition(" - at ")[0]
        raise Problem(
            "validation_failed", detail, errors=[FieldError(pointer=pointer, code="invalid", detail=detail)]
        ) from None


def _from_cells(row: Mapping[str, str], mapping: Mapping[str, str], types: Mapping[str, Definition]) -> dict[str, Any]:
    """Empty cells say nothing: they change nothing and empty nothing."""
    made: dict[str, Any] = {}
    for column, field in mapping.items():
        text = row.get(column, "").strip()
        if not text:
            continue
        name, _, key = field.partition(".")
        if name in ADDRESSES:
            made.setdefault("identities", []).extend({"kind": name, "address": one} for one in BETWEEN.split(text))
        elif name == "attributes":
            made.setdefault(name, {})[key] = read_cell(types.get(key), text)
        elif name == "external":
            made.setdefault(name, {})[key] = text
        else:
            made[name] = BETWEEN.split(text) if name == "domains" else text
    return made


def _plain_object(kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Only what may be taken of an object, also of one our own export wrote."""
    given = {name: fields[name] for name in KEPT[kind] if name in fields}
    company = fields.get("company")
    if kind == "contacts" and "company_id" not in given and isinstance(company, dict):
        given["company_id"] = company.get("id")
    if isinstance(given.get("identities"), list):
        given["identities"] = [
            {name: one.get(name) for name in ("kind", "address")} if isinstance(one, dict) else one
            for one in given["identities"]
        ]
    unknown = fields.keys() - set(KEPT[kind]) - PASSED_OVER
    if unknown:
        name = min(unknown)
        error = FieldError(pointer=f"/{name}", code="unknown_value", detail=f"no field of {kind}")
        raise Problem("validation_failed", error.detail, errors=[error])
    return given


def read_cell(definition: Definition | None, text: str) -> Any:
    """A cell as its attribute's type; what does not read as one is left a text, which the definition then refuses."""
    return CELLS.get(definition.type if definition else "text", _as_is)(text)


def _as_is(text: str) -> Any:
    return text


def _number(text: str) -> Any:
    try:
        return msgspec.json.decode(text, type=int | float)
    except msgspec.DecodeError:
        return text


def _boolean(text: str) -> Any:
    word = text.lower()
    return True if word in YES else False if word in NO else text


def _several(text: str) -> Any:
    return [one for one in BETWEEN.split(text) if one]


def _yes_or_no(text: str) -> bool:
    """An opt-out that cannot be read is refused: neither reading of it would be safe."""
    word = text.strip().lower()
    if word not in YES | NO:
        error = FieldError(pointer="/opt_out", code="invalid", detail="write true or false")
        raise Problem("validation_failed", error.detail, errors=[error])
    return word in YES


def _pointer(words: str) -> str:
    path = words.partition("`$")[2].rstrip("`")
    return re.sub(r"\[(\d+)\]", r"/\1", path.replace(".", "/")) or "/"


CELLS: Mapping[str, Callable[[str], Any]] = {"number": _number, "boolean": _boolean, "multiselect": _several}
