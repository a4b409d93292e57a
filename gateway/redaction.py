"""What may stand in a log line: known fields of known kinds. Pure.

Names that are not in the tables below, and values that are not of their field's kind, are dropped and counted. What
other people's libraries say is cut to what their code says, without the values they put in. Exceptions are told by
type and place: their messages hold values (Postgres quotes the row, a decoder the text), so they are never printed.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from traceback import walk_tb
from types import TracebackType
from typing import Any, TypeAlias
from uuid import UUID

from inbox.kit import ids

LogValue: TypeAlias = str | int | float | list[str]

IDS: dict[str, ids.Prefix] = {
    "channel": ids.CHANNEL,
    "conversation": ids.CONVERSATION,
    "message": ids.MESSAGE,
    "entry": ids.ENTRY,
    "contact": ids.CONTACT,
    "identity": ids.IDENTITY,
    "agent": ids.AGENT,
    "attachment": ids.ATTACHMENT,
    "api_key": ids.API_KEY,
    "feed_event": ids.EVENT,
    "job": ids.JOB,
    "draft": ids.DRAFT,
    "scheduled_message": ids.SCHEDULED_MESSAGE,
    "canned_reply": ids.CANNED_REPLY,
    "webhook": ids.WEBHOOK,
    "webhook_delivery": ids.WEBHOOK_DELIVERY,
    "session": ids.SESSION,
}
"""Fields that name things of ours: a UUID (shown with this prefix), an id as shown, or the number of a row."""
REQUEST = "request"
"""Our own or the caller's X-Request-Id, which the caller is to find again; but no phone number, no mail address."""
TRACES = frozenset({"trace", "span"})
"""W3C trace context: hex."""
NUMBERS = frozenset({
    "attempt", "backlog", "batch", "count", "cursor", "duration_ms", "errno", "lag_ms", "limit", "pid",
    "port", "raw_event", "retry_after_seconds", "rows", "rss_bytes", "seq", "size_bytes", "status", "wait_seconds",
})  # fmt: skip
WORDS = frozenset({
    "adapter", "code", "component", "error", "hook", "level", "logger", "medium", "method", "mode",
    "outcome", "provider", "provider_code", "reason", "role", "setting", "signal", "source", "sqlstate",
    "state", "step", "table", "type", "version",
})  # fmt: skip
"""Fields of our own vocabulary: one word of it, never a sentence. `route`, beside them, is a template, not a path."""
HASHES = frozenset({"address_hash"})

UNNAMED = "unnamed_event"
TEXT_CHARS = 200
FRAMES = 20
LARGEST_NUMBER = 2**53
OUR_ROOT = Path(__file__).parents[1]
OUR_PACKAGES = frozenset({"gateway", "channels", "inbox", "migrations"})
HIDDEN = "…"

EVENT_NAME = re.compile(r"[a-z][a-z0-9_.]{0,63}")
SHOWN_ID = re.compile(r"[a-z]{3}_[0-9a-f]{32}")
REQUEST_ID = re.compile(r"[\x21-\x3f\x41-\x7e]{1,128}")
UUID_TEXT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,79}")
ROUTE = re.compile(r"/[A-Za-z0-9_.:/{}-]{0,99}")
HEX = re.compile(r"[0-9a-f]{16,64}")
PHONE = re.compile(r"\+?\(?\d(?:[\s().-]{0,2}\d){6,}")
SCRUBS = (
    (re.compile(r"://[^\s/]*@"), "://[secret]@"),
    (re.compile(r"(?i)\b(bearer|basic)\s+\S+"), r"\1 [secret]"),
    (re.compile(r"(?i)\b(\w*(?:key|token|secret|password|signature))(\s*[=:]\s*)\S+"), r"\1\2[secret]"),
    (re.compile(r"[^\s<>\"',;/\[\]]+@[^\s<>\"',;]+"), "[mail]"),
    (re.compile(r"(?=[A-Za-z0-9_+/=-]*\d)[A-Za-z0-9_+/=-]{20,}|[A-Za-z0-9+/=]{40,}"), "[token]"),
    (PHONE, "[number]"),
)
"""What looks like credentials, a mail address, a token or a phone number, and what stands for it."""
FIRST_VALUE = re.compile(r"['\"<({\[=]|: ")
"""Where a ready-made message stops being words of the library and begins to quote."""


def keep_allowed(fields: Mapping[str, Any]) -> tuple[dict[str, LogValue], int]:
    """The fields that may be printed, as they are printed, and how many were dropped; None is no value at all."""
    given = {name: value for name, value in fields.items() if value is not None}
    shown = {name: SHOWN[name](value) for name, value in given.items() if name in SHOWN}
    kept = {name: value for name, value in shown.items() if value is not None}
    return kept, len(given) - len(kept)


def _shown_id(value: Any, *, prefix: ids.Prefix) -> LogValue | None:
    if isinstance(value, UUID) or (isinstance(value, str) and UUID_TEXT.fullmatch(value)):
        return ids.show_id(prefix, UUID(str(value)))
    return _matching(value, pattern=SHOWN_ID) if isinstance(value, str) else _shown_number(value)


def _shown_number(value: Any) -> int | float | None:
    return value if isinstance(value, int | float) and abs(value) < LARGEST_NUMBER else None


def _matching(value: Any, *, pattern: re.Pattern[str]) -> str | None:
    text = str(value) if isinstance(value, str | UUID) else ""
    return text if pattern.fullmatch(text) and not PHONE.fullmatch(text) else None


def _shown_word(value: Any) -> str | None:
    if isinstance(value, BaseException):
        return type(value).__name__
    return _checked_word(str(value)) if isinstance(value, str | int) else None


@lru_cache(maxsize=1024)
def _checked_word(text: str) -> str | None:
    return text if WORD.fullmatch(text) and scrub_text(text) == text else None


def _shown_route(value: Any) -> str | None:
    steps = value.split("/") if isinstance(value, str) and ROUTE.fullmatch(value) else [""]
    return value if len(steps) > 1 and all(scrub_text(step) == step for step in steps) else None


SHOWN: dict[str, Callable[[Any], LogValue | None]] = {
    **{name: partial(_shown_id, prefix=prefix) for name, prefix in IDS.items()},
    REQUEST: partial(_matching, pattern=REQUEST_ID),
    **dict.fromkeys(TRACES | HASHES, partial(_matching, pattern=HEX)),
    **dict.fromkeys(NUMBERS, _shown_number),
    **dict.fromkeys(WORDS, _shown_word),
    "route": _shown_route,
}
"""How each field is shown: this is the allow list."""


def scrub_text(text: str) -> str:
    """Text without what looks like credentials, tokens, mail addresses and phone numbers."""
    for pattern, replacement in SCRUBS:
        text = pattern.sub(replacement, text)
    return text


def library_text(record: logging.LogRecord) -> str:
    """What a library says, in its own words: arguments hidden but for numbers, the first line, cut where it quotes."""
    if not isinstance(record.msg, str):
        return type(record.msg).__name__
    text = _filled_template(record.msg, record.args) if record.args else FIRST_VALUE.split(record.msg, 1)[0]
    line = (text.strip().splitlines() or [""])[0]
    return scrub_text("".join(sign for sign in line if sign.isprintable()))[:TEXT_CHARS].strip()


def _filled_template(template: str, args: Any) -> str:
    hidden: Any = tuple(map(_hide, args)) if isinstance(args, tuple) else {name: _hide(args[name]) for name in args}
    try:
        return str(template % hidden)
    except (TypeError, ValueError, KeyError):
        return template


def _hide(value: Any) -> Any:
    if isinstance(value, BaseException):
        return type(value).__name__
    return value if isinstance(value, int | float) else HIDDEN


def describe_exception(error: BaseException) -> dict[str, LogValue]:
    """An exception without its message: types along the chain, frames as file:line, codes of Postgres and the OS."""
    kinds = list(islice(_chain_names(error), FRAMES))
    codes, _ = keep_allowed({name: getattr(error, name, None) for name in ("sqlstate", "errno")})
    told: dict[str, LogValue] = {"error": type(error).__name__, **codes}
    return told | ({"causes": kinds[1:]} if kinds[1:] else {}) | {"frames": _our_frames(error.__traceback__)}


def _chain_names(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        yield type(error).__name__
        if isinstance(error, BaseExceptionGroup):
            yield from (name for inner in error.exceptions for name in _chain_names(inner))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _our_frames(traceback: TracebackType | None) -> list[str]:
    """Our own frames, outermost first, and the innermost one, whosever it is."""
    frames = [(frame.f_code.co_filename, line, frame.f_code.co_name) for frame, line in walk_tb(traceback)]
    last = len(frames) - 1
    shown = [_frame_name(*frame) for at, frame in enumerate(frames) if at == last or _is_ours(frame[0])]
    return shown[-FRAMES:]


def _is_ours(filename: str) -> bool:
    path = Path(filename)
    return path.is_relative_to(OUR_ROOT) and path.relative_to(OUR_ROOT).parts[0] in OUR_PACKAGES


def _frame_name(filename: str, line: int, function: str) -> str:
    path = Path(filename)
    short = path.relative_to(OUR_ROOT) if _is_ours(filename) else Path(*path.parts[-2:])
    return f"{short.as_posix()}:{line} {function}"
