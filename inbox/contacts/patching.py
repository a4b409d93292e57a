"""JSON that belongs to whoever writes it: merged by patches (RFC 7396), and kept within bounds. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from inbox.kit.errors import FieldError, Problem

MAX_BYTES = 32_768
"""The most that free-form JSON of one object may hold, in bytes."""
MAX_DEPTH = 20
"""How many levels of objects and arrays it may nest."""


def merge_patch(target: Any, patch: Any) -> Any:
    """The target as the patch wants it: objects are merged, a null removes its member, all else replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def check_free_json(value: Any, *, pointer: str) -> None:
    """The `validation_failed` problem for free-form JSON that is too large or nests too deep."""
    if _nests_deeper(value, MAX_DEPTH):
        raise _refuse_free(pointer, "too_deep", MAX_DEPTH, unit="levels")
    if len(msgspec.json.encode(value)) > MAX_BYTES:
        raise _refuse_free(pointer, "too_long", MAX_BYTES, unit="bytes of JSON")


def _nests_deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    members = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_nests_deeper(member, levels - 1) for member in members)


def _refuse_free(pointer: str, code: str, limit: int, *, unit: str) -> Problem:
    detail = f"{pointer} may have {limit} {unit}"
    return Problem(
        "validation_failed", detail, errors=[FieldError(pointer=pointer, code=code, detail=detail, limit=limit)]
    )
