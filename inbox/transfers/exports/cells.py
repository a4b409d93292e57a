"""CSV as spreadsheets and programs both read it (RFC 4180), with nothing in it that a spreadsheet would run. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet takes for the beginning of a formula (OWASP ASVS 1.2.10)."""
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
GUARD = "'"
BOM = "\ufeff"
BETWEEN = "; "


def write_rows(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], *, head: bool, bom: bool) -> bytes:
    """Rows as CSV; with `head`, after the names of the columns, and behind a byte order mark if that is wanted."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    if head:
        writer.writerow([show_cell(name) for name in columns])
    for row in rows:
        writer.writerow([show_cell(row.get(name)) for name in columns])
    return ((BOM if bom and head else "") + out.getvalue()).encode()


def show_cell(value: Any) -> str:
    """A value as text; lists are joined, objects are JSON, and what could be a formula begins with a `'`."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(one, str | int | float) for one in value):
        return guard_formula(BETWEEN.join(str(one) for one in value))
    if isinstance(value, dict | list):
        return guard_formula(msgspec.json.encode(value).decode())
    return guard_formula(str(value))


def guard_formula(text: str) -> str:
    """A plain number, such as that of a telephone, is no formula; a text that begins with a guard gets another."""
    if NUMBER.fullmatch(text):
        return text
    return GUARD + text if text.startswith((*STARTS, GUARD)) else text


def unguard_formula(text: str) -> str:
    """The text as it was before `guard_formula`; any other stays as it is."""
    return text[1:] if text.startswith(GUARD) and text[1:].startswith((*STARTS, GUARD)) else text
