"""JSON bodies, decoded straight into the type a handler asks for, with a pointer to what is wrong in them.

Litestar would decode to dictionaries first and convert leniently: numbers in strings would pass, and the pointers
would be lost. What passes here is strict JSON (RFC 8259) without U+0000, which Postgres cannot store.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from litestar import Request

from inbox.kit.errors import FieldError, Problem

# An escaped NUL: `\u0000` after an even number of backslashes.
NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
PATH = re.compile(r"^(?P<words>.*?)(?: - at (?P<place>.*))?$", re.DOTALL)
STEP = re.compile(r"\.([^.\[\]`]+)|\[(\d+)\]")

# msgspec's words -> our code; a group `field` names a field below the place, a group `limit` is the bound.
WORDINGS = [
    (re.compile(pattern), code)
    for pattern, code in (
        (r"Object missing required field `(?P<field>.+)`", "required"),
        (r"Object contains unknown field `(?P<field>.+)`", "unknown_field"),
        (r"Expected `\w+` of length <= (?P<limit>\d+)", "too_long"),
        (r"Expected `\w+` of length >= (?P<limit>\d+)", "too_short"),
        (r"Expected `\w+` <=? (?P<limit>-?\d+)", "too_large"),
        (r"Expected `\w+` >=? (?P<limit>-?\d+)", "too_small"),
        (r"(Number|Integer value) out of range", "too_large"),
        (r"Expected `str` matching regex", "wrong_format"),
        (r"Invalid (enum )?value", "unknown_value"),
        (r"Invalid (RFC3339|UUID|ISO8601|base64)", "wrong_format"),
        (r"Expected ", "wrong_type"),
    )
]


class TypedRequest(Request[Any, Any, Any]):
    """A request whose JSON body is decoded as the type of its handler's `data`."""

    async def json(self) -> Any:
        """The body as the handler's type, or a Problem."""
        self._refuse_other_types()
        field = self.route_handler.parsed_data_field
        return decode_json_body(await self.body(), field.annotation if field else Any)

    def _refuse_other_types(self) -> None:
        name = self.content_type[0].lower()
        if name and name != "application/json" and not name.endswith("+json"):
            raise Problem(
                "unsupported_media", f"a body of type {name[:100]} is not read here", hint="Send application/json."
            )


def decode_json_body(body: bytes, kind: Any) -> Any:
    """A JSON body as a value of the given type, or a Problem that points at what is wrong."""
    try:
        value = msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise refuse_value(str(error)) from error
    except RecursionError as error:
        raise Problem("malformed_json", "the body is nested too deeply") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Problem("malformed_json", f"the body cannot be read: {error}") from error
    if NUL.search(body):
        raise Problem("validation_failed", "the character U+0000 cannot be stored")
    return value


async def refuse_unstorable(request: Request[Any, Any, Any]) -> None:
    """Refuse U+0000 in path and query, before it reaches a statement."""
    if "\0" in request.scope["path"]:
        raise Problem("not_found", "there is nothing at this path")
    if b"%00" in request.scope["query_string"] or b"\0" in request.scope["query_string"]:
        raise Problem("invalid_query", "the character U+0000 is in no value we have")


def refuse_value(message: str) -> Problem:
    """The problem behind msgspec's "Expected `int`, got `str` - at `$.parts[0].x`"."""
    words, place = PATH.match(message).group("words", "place")  # type: ignore[union-attr]  # it matches any text
    pattern, code = next((known for known in WORDINGS if known[0].match(words)), (PATH, "invalid"))
    found = pattern.match(words).groupdict()  # type: ignore[union-attr]  # as above, or it was matched a line ago
    pointer = json_pointer(place or "") + (f"/{_escape(found['field'])}" if found.get("field") else "")
    limit = int(found["limit"]) if found.get("limit") else None
    error = FieldError(pointer=pointer, code=code, detail=words, limit=limit)
    return Problem("validation_failed", f"{pointer or 'the body'}: {words}", errors=[error])


def json_pointer(place: str) -> str:
    """msgspec's path as a JSON pointer (RFC 6901): "`$.parts[0].text`" is /parts/0/text.

    Under a key of a mapping msgspec says `[...]`, not which one: there the pointer ends at the mapping.
    """
    known = place.partition("[...]")[0]
    return "".join(f"/{_escape(name or index)}" for name, index in STEP.findall(known))


def _escape(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")
