"""`?expand=contact,last_entry`: objects that an answer names, given whole beside it. One level deep, by allow list."""

from __future__ import annotations

from collections.abc import Mapping

from inbox.kit.callers import Caller, Scope
from inbox.kit.errors import FieldError, Problem

EXPAND_CHARS = 200


def read_expand(text: str | None, allowed: Mapping[str, Scope | None], *, caller: Caller) -> frozenset[str]:
    """The names asked for, separated by commas.

    `allowed` says which there are, and which scope each needs: expanding shows nothing that the key could not read
    where it stands. An unknown name is the problem `invalid_query`, a missing scope `scope_missing`.
    """
    names = frozenset(name.strip() for name in (text or "").split(",") if name.strip())
    unknown = sorted(names - allowed.keys())
    if unknown:
        detail = f"{unknown[0][:40]!r} cannot be expanded here; there are: {', '.join(sorted(allowed))}"
        error = FieldError(pointer="?expand", code="unknown_value", detail=detail)
        raise Problem("invalid_query", detail, errors=[error])
    for name in sorted(names):
        scope = allowed[name]
        if scope is not None and not caller.may(scope):
            raise Problem("scope_missing", f"expanding {name} needs the scope {scope}")
    return names
