"""The one cursor rule of every list: `?limit=&cursor=` in, `{"data": [...], "page": {...}}` out.

A cursor is opaque to clients: base64url of the JSON array `[mark, key]`, where `key` is the sort key of the last row
they have, and `mark` a short hash of the filter, so that a cursor is refused under another filter. A list reads
`limit + 1` rows after the key, in the order of the key, and hands them to `cut_page`.
"""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Annotated, Any, Generic, TypeAlias, TypeVar, overload

import msgspec
from litestar.params import QueryParameter

from inbox.kit.errors import Code, FieldError, Problem

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
CURSOR_CHARS = 1000
MARK_BYTES = 6

PageLimit: TypeAlias = Annotated[int, QueryParameter(ge=1, le=MAX_LIMIT, description="The most items of one page.")]
PageCursor: TypeAlias = Annotated[
    str | None,
    QueryParameter(max_length=CURSOR_CHARS, description="`next_cursor` of the page before; the first page has none."),
]

Key = TypeVar("Key")
Row = TypeVar("Row")
Shown = TypeVar("Shown")


class PageCount(msgspec.Struct, kw_only=True, frozen=True):
    """How many items the whole list has, and whether that was counted or estimated."""

    value: int
    exact: bool


class PageInfo(msgspec.Struct, kw_only=True, frozen=True):
    """Where the list goes on: the cursor of the next page, or null at the end; `count` where it was asked for."""

    next_cursor: str | None = None
    has_more: bool = False
    count: PageCount | None = None


class Page(msgspec.Struct, Generic[Shown], kw_only=True, frozen=True):
    """One page of a list."""

    data: list[Shown]
    page: PageInfo = PageInfo()


@overload
def read_cursor(cursor: str | None, key: type[Key], *, of: object) -> Key | None: ...
@overload
def read_cursor(cursor: str | None, key: Any, *, of: object) -> Any: ...
def read_cursor(cursor: str | None, key: Any, *, of: object) -> Any:
    """The sort key to go on after, or None for the first page.

    `key` is its type, such as `tuple[datetime, UUID]`; `of` is what is listed: the values of every filter, as anything
    msgspec can encode.
    """
    if cursor is None:
        return None
    mark, raw = _open_cursor(cursor)
    if mark != _mark(of):
        raise _refusal("cursor_mismatch", "this cursor was made by a list with another filter")
    try:
        return msgspec.json.decode(raw, type=key)
    except msgspec.DecodeError as error:
        raise _refusal("invalid_cursor", "this cursor was not made by this list") from error


def show_cursor(key: object, *, of: object) -> str:
    """The cursor of the rows after this sort key, under this filter."""
    return urlsafe_b64encode(msgspec.json.encode([_mark(of), key])).rstrip(b"=").decode()


def cut_page(
    rows: Sequence[Row], limit: int, *, key: Callable[[Row], object], of: object, show: Callable[[Row], Shown]
) -> Page[Shown]:
    """The page of up to `limit + 1` rows: the last one only proves that there are more."""
    kept, more = rows[:limit], len(rows) > limit
    cursor = show_cursor(key(kept[-1]), of=of) if more else None
    return Page(data=[show(row) for row in kept], page=PageInfo(next_cursor=cursor, has_more=more))


def _open_cursor(cursor: str) -> tuple[str, msgspec.Raw]:
    try:
        text = b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(text, type=tuple[str, msgspec.Raw])
    except (NotBase64, ValueError, RecursionError) as error:
        raise _refusal("invalid_cursor", "take the cursor from `page.next_cursor`, unchanged") from error


def _mark(of: object) -> str:
    return sha256(msgspec.json.encode(of, order="deterministic")).digest()[:MARK_BYTES].hex()


def _refusal(code: Code, detail: str) -> Problem:
    error = FieldError(pointer="?cursor", code=code, detail=detail)
    return Problem(code, detail, errors=[error], hint="Start again from the first page, without a cursor.")
