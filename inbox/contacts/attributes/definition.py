"""What one attribute takes, and how a value of it is stored. Pure.

Values are stored in one spelling each, so that equal ones are equal JSON and an index finds them: moments in UTC with
milliseconds, telephone numbers in E.164, mail addresses with their domain in lower case, lists of options in the order
of the definition.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec

from inbox.contacts.matching import normalise_address
from inbox.kit.errors import FieldError, Problem

AppliesTo: TypeAlias = Literal["contact", "conversation", "company"]
AttributeType: TypeAlias = Literal[
    "text", "number", "boolean", "date", "datetime", "select", "multiselect", "url", "email", "phone"
]

MAX_TEXT_CHARS = 2000
MAX_URL_CHARS = 2000
MAX_OPTIONS = 200
OPTION_TYPES: frozenset[AttributeType] = frozenset({"select", "multiselect"})
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

AttributeKey: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[a-z][a-z0-9_]{0,49}(?![\s\S])",
        description="The member of `attributes`: lower case letters, digits and _.",
        examples=["order_date"],
    ),
]
Option: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class Definition(msgspec.Struct, kw_only=True, frozen=True):
    """What a key of `attributes` takes; `options` are the values of a select or multiselect, in their order."""

    key: str
    type: AttributeType
    required: bool = False
    options: tuple[str, ...] = ()


class Rules(msgspec.Struct, kw_only=True, frozen=True):
    """What holds for the attributes of one kind of object; where it is `strict`, undefined keys are refused."""

    strict: bool = False
    definitions: dict[str, Definition] = {}


def settle_attributes(
    rules: Rules, after: dict[str, Any], *, touched: Collection[str], complete: bool, pointer: str = "/attributes"
) -> dict[str, Any]:
    """The attributes as they are stored, or the `validation_failed` problem with every value that is refused.

    Only the keys `touched` are judged, so that what was there before a definition stays and hinders nobody; with
    `complete`, as for a new object, the required ones must all be there.
    """
    settled, errors = dict(after), []
    wanted = [key for key, one in rules.definitions.items() if one.required and (complete or key in touched)]
    errors += [_error(pointer, key, "required", "this attribute is required") for key in wanted if key not in after]
    for key in touched:
        if key not in after:
            continue
        definition = rules.definitions.get(key)
        if definition is None and rules.strict:
            errors.append(_error(pointer, key, "unknown_attribute", "no attribute is defined by this name"))
        elif definition is not None:
            try:
                settled[key] = settle_value(definition, after[key])
            except ValueError as error:
                errors.append(_error(pointer, key, "wrong_value", str(error)))
    if errors:
        raise Problem("validation_failed", f"{errors[0].pointer}: {errors[0].detail}", errors=errors)
    return settled


def settle_value(definition: Definition, value: Any) -> Any:
    """The value as it is stored; ValueError says what the attribute takes."""
    return SETTLERS[definition.type](value, definition)


def value_fits(definition: Definition, value: Any) -> bool:
    """Whether a stored value is one the definition takes."""
    try:
        settle_value(definition, value)
    except ValueError:
        return False
    return True


def _text(value: Any, _: Definition) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT_CHARS:
        raise ValueError(f"a text of at most {MAX_TEXT_CHARS} characters")
    return value


def _number(value: Any, _: Definition) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
        raise ValueError("a number")
    return value


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number longer than any that is reckoned with
        return False


def _boolean(value: Any, _: Definition) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")  # noqa: TRY004 (one kind of error says what the attribute takes)
    return value


def _date(value: Any, _: Definition) -> str:
    if not isinstance(value, str) or not DAY.fullmatch(value):
        raise ValueError("a day such as 2026-11-21")
    return date.fromisoformat(value).isoformat()


def _datetime(value: Any, _: Definition) -> str:
    try:
        given = msgspec.convert(value, datetime)
        moment = given.astimezone(UTC) if given.tzinfo else None
    except (msgspec.ValidationError, OverflowError):
        moment = None
    if moment is None:
        raise ValueError("a moment with its time zone, such as 2026-11-21T09:14:03.120Z")
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _select(value: Any, definition: Definition) -> str:
    if not isinstance(value, str) or value not in definition.options:
        raise ValueError(f"one of the options: {_listed(definition)}")
    return value


def _multiselect(value: Any, definition: Definition) -> list[str]:
    if not isinstance(value, list) or any(one not in definition.options for one in value):
        raise ValueError(f"a list of some of the options: {_listed(definition)}")
    return [option for option in definition.options if option in value]


def _url(value: Any, _: Definition) -> str:
    if not isinstance(value, str) or len(value) > MAX_URL_CHARS or not _is_web_url(value):
        raise ValueError(f"a web address of at most {MAX_URL_CHARS} characters, such as https://example.org/")
    return value


def _is_web_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and text.isprintable() and " " not in text


def _email(value: Any, _: Definition) -> str:
    if not isinstance(value, str):
        raise ValueError("a mail address")  # noqa: TRY004 (as above)
    return normalise_address("email", value, default_country=None)


def _phone(value: Any, _: Definition) -> str:
    if not isinstance(value, str):
        raise ValueError("a telephone number")  # noqa: TRY004 (as above)
    return normalise_address("phone", value, default_country=None)


SETTLERS: Mapping[AttributeType, Callable[[Any, Definition], Any]] = {
    "text": _text,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
    "select": _select,
    "multiselect": _multiselect,
    "url": _url,
    "email": _email,
    "phone": _phone,
}


def _listed(definition: Definition) -> str:
    return ", ".join(definition.options)


def _error(pointer: str, key: str, code: str, detail: str) -> FieldError:
    escaped = key.replace("~", "~0").replace("/", "~1")  # RFC 6901 section 3
    return FieldError(pointer=f"{pointer}/{escaped}", code=code, detail=detail)
