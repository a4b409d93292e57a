"""Log lines: one JSON object a line on standard error, for our own events and for what libraries say.

Our code writes `log = structlog.get_logger()` and `log.info("webhook_taken", channel=channel_id, duration_ms=3.1)`: an
event's name is a word of ours, its fields are those of `gateway/redaction.py`. A phone number or mail address is given
as `address=` and printed as `address_hash`, a keyed hash. What is not allowed is dropped, and counted in the line.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import Any, TextIO

import msgspec
import structlog

from gateway.redaction import EVENT_NAME, UNNAMED, LogValue, describe_exception, keep_allowed, library_text
from gateway.settings import Settings
from inbox.kit.clock import show_time, utc_now
from inbox.kit.secrets import SecretBox
from inbox.kit.tracing import request_id, traceparent

HASH_PURPOSE = "log"
TRACE_ID = slice(3, 35)
"""Where in a traceparent its trace stands (W3C Trace Context 3.2.2)."""
QUIET = (
    "asyncio",
    "channels.vendors.twilio_rest",
    "httpcore",
    "httpx",
    "piccolo",
    "twilio",
    "twilio.async_http_client",
    "twilio.http_client",
)
"""Libraries that tell at INFO what must not be told, or nothing worth it: heard from WARNING on."""
SILENT = ("uvicorn.access",)
"""Our own line for each request says more, and no query string."""
LIBRARY_EVENT = "library_message"
HINTS = {
    "channels_behind": "new messages by them are refused for now: are there workers, and does the provider answer?",
    "commits_not_awaited": "synchronous_commit is off: a crash of the database forgets what was acknowledged last",
    "database_away": "webhooks of providers that hardly retry go to the spool until it is back",
    "database_refused": "`switchboard secrets status` and `switchboard doctor` tell what is wrong with it",
    "keys_guessed": "its unknown keys are refused unseen for the rest of the minute",
    "open_files_limited": "raise the hard limit of open files (ulimit -Hn), or lower SWITCHBOARD_CONNECTION_LIMIT",
    "quotas_counted_here": "limits hold for each process by itself until Redis answers again",
    "signatures_failing": "answered with 503 for a while, so that nothing is lost: was a secret rotated?",
    "spool_key_wrong": "left as it is until SWITCHBOARD_SECRET_KEY is the key it was written with",
    "tracing_not_installed": "an OTEL_EXPORTER_OTLP_ENDPOINT is set: pip install 'switchboard[otel]', or unset it",
    "spool_torn": "the torn end was copied aside; no provider was told it had arrived",
}
"""What helps, for events an operator has to act on: a sentence, and so never a field's value."""

Fields = MutableMapping[str, Any]
_dropped: Counter[str] = Counter()


def configure_logs(settings: Settings, *, stream: TextIO | None = None) -> None:
    """Send every log line of this process, ours and the libraries', the one way; may be called again.

    `stream` is standard error unless given. Without a secret key, as in a client command, addresses are dropped.
    """
    lines = _Lines(stream or sys.stderr, settings)
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, lines.write_event],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.ReturnLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    _route_libraries(lines, level)


def report_crashes() -> None:
    """Have what nobody caught logged like all else: Python's own report prints the message, and with it values."""
    sys.excepthook = _log_crash
    threading.excepthook = lambda crash: _log_crash(crash.exc_type, crash.exc_value, crash.exc_traceback)
    sys.unraisablehook = lambda crash: _log_crash(crash.exc_type, crash.exc_value, crash.exc_traceback)


def bind_fields(**fields: object) -> AbstractContextManager[None]:
    """Give these fields to every line written inside the `with`, in this task and those it starts.

    The request's id needs no binding: every line takes it from `inbox.kit.tracing`.
    """
    return structlog.contextvars.bound_contextvars(**fields)


def dropped_fields() -> Mapping[str, int]:
    """How many fields were dropped since the start, by event: what is counted here is a mistake in the calling code."""
    return dict(_dropped)


class _Lines:
    """Makes and writes lines: the one place where something becomes visible."""

    def __init__(self, stream: TextIO, settings: Settings) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._box = SecretBox([settings.secret_key]) if settings.secret_key else None
        self._render = RENDERERS[settings.log_format](stream)

    def write_event(self, _logger: object, _method: str, fields: Fields) -> str:
        """The last step of structlog's chain: an event of ours."""
        name = str(fields.pop("event", ""))
        error = _exception_of(fields)
        allowed, dropped = keep_allowed(self._attributed(fields))
        if not EVENT_NAME.fullmatch(name):
            name, dropped = UNNAMED, dropped + 1
        if dropped:
            _dropped[name] += dropped
            allowed["dropped_fields"] = dropped
        hint = {"hint": HINTS[name]} if name in HINTS else {}
        self._write({"event": name, **allowed, **hint, **(describe_exception(error) if error else {})})
        raise structlog.DropEvent

    def write_record(self, record: logging.LogRecord) -> None:
        """A message of a library."""
        fields = {"level": record.levelname.lower(), "logger": record.name, **structlog.contextvars.get_contextvars()}
        allowed, _ = keep_allowed(self._attributed(fields))
        error = record.msg if isinstance(record.msg, BaseException) else (record.exc_info or (None, None))[1]
        told: dict[str, LogValue] = {"text": library_text(record), "source": f"{record.filename}:{record.lineno}"}
        self._write({"event": LIBRARY_EVENT, **allowed, **told, **(describe_exception(error) if error else {})})

    def _attributed(self, fields: Fields) -> Fields:
        fields.setdefault("request", request_id())
        if (parent := traceparent()) is not None:
            fields.setdefault("trace", parent[TRACE_ID])
        address = fields.pop("address", None)
        if isinstance(address, str) and self._box:
            fields["address_hash"] = self._box.keyed_hash(address, HASH_PURPOSE)
        return fields

    def _write(self, fields: dict[str, LogValue]) -> None:
        first = {"time": show_time(utc_now()), "level": fields.pop("level", "info")}
        line = self._render({**first, **fields})
        with self._lock, suppress(OSError, ValueError):  # a full disk or a closed pipe must not fail a webhook
            self._stream.write(line + "\n")
            self._stream.flush()


def _exception_of(fields: Fields) -> BaseException | None:
    """The exception an event is about, given as structlog allows: True, an exception, or the triple of sys.exc_info."""
    given = fields.pop("exc_info", None)
    if isinstance(given, tuple):
        given = given[1]
    elif given and not isinstance(given, BaseException):
        given = sys.exc_info()[1]
    return given if isinstance(given, BaseException) else None


def _json_renderer(_stream: TextIO) -> Callable[[dict[str, LogValue]], str]:
    return lambda fields: msgspec.json.encode(fields).decode()


def _text_renderer(stream: TextIO) -> Callable[[dict[str, LogValue]], str]:
    """Lines for people; colours only on a terminal, and never where NO_COLOR asks for none (no-color.org)."""
    colors = stream.isatty() and not os.environ.get("NO_COLOR")
    render = structlog.dev.ConsoleRenderer(colors=colors, timestamp_key="time", sort_keys=False, pad_event_to=0)
    return lambda fields: render(None, "", {**fields})


RENDERERS: dict[str, Callable[[TextIO], Callable[[dict[str, LogValue]], str]]] = {
    "json": _json_renderer,
    "text": _text_renderer,
}


class _LibraryHandler(logging.Handler):
    """Hands what libraries log to our lines."""

    def __init__(self, lines: _Lines) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.write_record(record)


def _route_libraries(lines: _Lines, level: int) -> None:
    """One handler at the root; loggers that brought their own give them up."""
    logging.basicConfig(handlers=[_LibraryHandler(lines)], level=level, force=True)
    for name in list(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
    for name in QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    for name in SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _log_crash(_kind: type[BaseException], error: BaseException | None, _traceback: TracebackType | None) -> None:
    if isinstance(error, KeyboardInterrupt):
        return
    structlog.get_logger().critical("crashed", exc_info=error)
