"""What may stand in a log line: the allow list, the scrubbing of foreign text, and exceptions without their words."""

from __future__ import annotations

import ast
import logging
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from gateway.redaction import (
    EVENT_NAME,
    IDS,
    NUMBERS,
    SHOWN,
    WORDS,
    describe_exception,
    keep_allowed,
    library_text,
    scrub_text,
)
from gateway.telemetry import HINTS

ROOT = Path(__file__).parents[2]
BODY = "canary sentence: my parcel never came"
PHONE = "+34 600 111 222"
PLAIN_PHONE = "34600111222"
MAIL = "canary.ana@mail.example"
TOKEN = "canary7f3e9b1c4d8a2f6e0b5c9d3a7f1e"
PRIVATE = (BODY, PHONE, PLAIN_PHONE, f"+{PLAIN_PHONE}", MAIL, TOKEN, f"Bearer {TOKEN}", f"{BODY}\n{PHONE}")
VALUE = UUID("0193a5c1-d2e3-7f4f-8a6b-9c0d1e2f3a4b")


@pytest.mark.parametrize("private", PRIVATE)
def test_no_allowed_field_carries_private_text(private: str) -> None:
    """T66: a body, number, mail address or token given to the wrong field is dropped and counted, never printed.

    A caller's own X-Request-Id may look like a token: that one is the caller's to see again.
    """
    fields = {name: private for name in SHOWN if (name, private) != ("request", TOKEN)}
    assert keep_allowed(fields) == ({}, len(fields))


@pytest.mark.parametrize("value", [BODY.encode(), [PHONE], {"to": PHONE}, object(), float("nan"), 2**60])
def test_values_of_no_kind_are_dropped(value: object) -> None:
    """Bytes, collections, objects and absurd numbers are nobody's field value."""
    fields = {name: value for name in SHOWN if not (name in WORDS and isinstance(value, int))}
    assert keep_allowed(fields) == ({}, len(fields))


def test_unknown_fields_are_dropped_and_counted() -> None:
    """A field stands in the list or nowhere; None is no value, and so no mistake."""
    assert keep_allowed({"body": "x", "to": PHONE, "outcome": "stored", "trace": None}) == ({"outcome": "stored"}, 2)


def test_things_of_ours_are_named_as_the_api_names_them() -> None:
    """A UUID of ours is shown with the prefix of its field, so that a line leads to the API and back."""
    kept, dropped = keep_allowed(dict.fromkeys(IDS, VALUE))
    assert (kept, dropped) == keep_allowed(dict.fromkeys(IDS, str(VALUE)))
    assert dropped == 0
    assert kept["conversation"] == "cnv_0193a5c1d2e37f4f8a6b9c0d1e2f3a4b"
    assert keep_allowed(kept) == (kept, 0)
    assert keep_allowed({"job": 17}) == ({"job": 17}, 0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("outcome", "stored"),
        ("code", "contact_opted_out"),
        ("adapter", "sms-twilio"),
        ("provider_code", 21610),
        ("provider_code", "63016"),
        ("setting", "SWITCHBOARD_SEND_RETRY_BASE_SECONDS"),
        ("version", "0.1.0"),
        ("route", "/v1/conversations/{conversation_id}/messages"),
        ("route", "/v1/conversations/bulk"),
        ("method", "POST"),
        ("request", "0193a5c1d2e37f4f8a6b9c0d1e2f3a4b"),
        ("trace", "4bf92f3577b34da6a3ce929d0e0e4736"),
        ("address_hash", "b1139321dbc047b5ea12df36"),
        ("duration_ms", 3.25),
        ("count", 0),
    ],
)
def test_the_usual_values_pass(name: str, value: object) -> None:
    """The lines stay useful: words of ours, codes, routes, references and figures are printed."""
    kept, dropped = keep_allowed({name: value})
    assert dropped == 0
    assert str(kept[name]) == str(value)


@pytest.mark.parametrize("route", ["/hooks/canary7f3e9b1c4d8a2f6e0b5c9d3a7f1e", "/v1/contacts/34600111222", "/a?b=c"])
def test_a_path_with_something_in_it_is_no_route(route: str) -> None:
    """Only templates are routes: a path filled with a number or a token is dropped."""
    assert keep_allowed({"route": route}) == ({}, 1)


def test_an_exception_given_as_a_word_is_its_type() -> None:
    """`error=error` prints what kind it is, not what it says."""
    assert keep_allowed({"error": ValueError(BODY)}) == ({"error": "ValueError"}, 0)


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("call +34 600-111-222 now", "call [number] now"),
        ("call (600) 111 2222 now", "call [number] now"),
        ("from ana.b+c@mail.example: hi", "from [mail] hi"),
        ("GET redis://:pass@cache:6379/0", "GET redis://[secret]@cache:6379/0"),
        ("Authorization: Bearer abc", "Authorization: Bearer [secret]"),
        ("api_key=abc token: xyz", "api_key=[secret] token: [secret]"),
        ("sid AC0123456789abcdef0123456789abcdef", "sid [token]"),
        ("took 12 ms, status 503, port 8000", "took 12 ms, status 503, port 8000"),
        ("Application startup failed. Exiting.", "Application startup failed. Exiting."),
    ],
)
def test_foreign_text_is_scrubbed(text: str, scrubbed: str) -> None:
    """What looks private is replaced by its kind; ordinary words and small figures stay."""
    assert scrub_text(text) == scrubbed


@pytest.mark.parametrize(
    ("message", "args", "text"),
    [
        ("Started server process [%d]", (123456,), "Started server process [123456]"),
        ("HTTP Request: %s %s", ("POST", f"https://x/?To={PHONE}"), "HTTP Request: … …"),
        ("failed: %r", (ValueError(BODY),), "failed: 'ValueError'"),
        ("to %(to)s", ({"to": PHONE},), "to …"),
        ("wrong %d", (BODY,), "wrong %d"),
        (f"Query Params: {{'To': '{PHONE}', 'Body': '{BODY}'}}", (), "Query Params"),
        (f"Task exception was never retrieved\nfuture: {BODY}", (), "Task exception was never retrieved"),
        (f"Exception in callback send('{BODY}')", (), "Exception in callback send"),
        (OSError(BODY), (), "OSError"),
        ({"to": PHONE}, (), "dict"),
        ("a\x1b[31mb\x00c", (), "a"),
        ("", (), ""),
        ("%s " * 500, ("x",) * 500, ("… " * 100).strip()),
    ],
)
def test_a_library_is_quoted_without_the_values_it_put_in(message: Any, args: tuple[Any, ...], text: str) -> None:
    """Of a library's message only what its code says is printed: one line, short, no arguments but numbers."""
    record = logging.LogRecord("library", logging.ERROR, "file.py", 1, message, args, None)
    assert library_text(record) == text


def fail_deeply() -> None:
    """Raise an error with private text from another with private text."""
    try:
        int(BODY)
    except ValueError as error:
        found = RuntimeError(PHONE)
        found.add_note(TOKEN)
        raise found from error


def fail_together() -> None:
    """Raise that error in a group with another."""
    try:
        fail_deeply()
    except RuntimeError as error:
        raise ExceptionGroup(BODY, [error, KeyError(MAIL)]) from None


def test_an_exception_is_told_by_types_and_places() -> None:
    """Chained errors, notes and groups give their types and our frames, and not a word of what they say."""
    with pytest.raises(ExceptionGroup) as caught:
        fail_together()
    told = describe_exception(caught.value)
    assert told["error"] == "ExceptionGroup"
    assert told["causes"] == ["RuntimeError", "ValueError", "KeyError"]
    assert all(private not in str(told) for private in PRIVATE)


def test_frames_are_ours_and_the_innermost() -> None:
    """The way through our own code is shown as file and line, other people's code only where it broke."""
    with pytest.raises(TypeError) as caught:
        keep_allowed(Bad())  # type: ignore[arg-type] # the mistake is the point
    frames = describe_exception(caught.value)["frames"]
    assert isinstance(frames, list)
    assert frames[0].startswith("gateway/redaction.py:")
    assert frames[0].endswith(" keep_allowed")
    assert frames[-1].startswith("gateway/test_redaction.py:")


class Bad:
    """No mapping at all."""

    def items(self) -> None:
        """Break innermost, outside our packages."""
        raise TypeError(BODY)


def test_codes_of_postgres_and_the_system_are_told() -> None:
    """What the database or the kernel says in codes helps and holds no value; the detail quotes the row and stays."""
    unique = asyncpg.UniqueViolationError(f"Key (value)=({PHONE}) already exists.")
    assert describe_exception(unique) == {"error": "UniqueViolationError", "sqlstate": "23505", "frames": []}
    assert describe_exception(OSError(28, BODY)) == {"error": "OSError", "errno": 28, "frames": []}


def test_a_loop_of_causes_ends() -> None:
    """Errors that name each other as cause are told once and again, but not for ever."""
    first, second = ValueError(), KeyError()
    first.__cause__, second.__cause__ = second, first
    causes = describe_exception(first)["causes"]
    assert isinstance(causes, list)
    assert len(causes) < 20


def test_the_lists_do_not_overlap() -> None:
    """Every field has one kind."""
    assert not WORDS & NUMBERS
    assert not (WORDS | NUMBERS) & set(IDS)


def log_calls() -> list[tuple[str, ast.Call]]:
    """Every call like `log.info(...)` of a structlog logger in our packages, with its place."""
    files = [file for package in ("gateway", "channels", "inbox") for file in (ROOT / package).rglob("*.py")]
    return [
        (f"{file.relative_to(ROOT)}:{node.lineno}", node)
        for file in files
        if "import structlog" in file.read_text()
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and is_log_call(node.func)
    ]


def is_log_call(function: ast.expr) -> bool:
    """Whether a called thing is a method of a logger, by our names for loggers."""
    named = isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name)
    levels = {"debug", "info", "warning", "error", "critical", "exception"}
    return named and function.attr in levels and function.value.id.strip("_").lower() in {"log", "logger"}  # type: ignore[attr-defined] # `named` has told


def event_name(call: ast.Call) -> str:
    """The event a log call names, empty where it is put together or has arguments."""
    constant = call.args[0] if len(call.args) == 1 else None
    return str(constant.value) if isinstance(constant, ast.Constant) else ""


def is_printed(field: ast.keyword) -> bool:
    """Whether a field is on the list and, where its value stands in the code, that value is one of its kind."""
    if field.arg in {"address", "exc_info"}:
        return True
    constant = isinstance(field.value, ast.Constant) and field.value.value is not None
    return field.arg in SHOWN and not (constant and keep_allowed({field.arg: field.value.value})[1])  # type: ignore[attr-defined] # `constant` has told


def test_every_event_of_ours_has_a_name() -> None:
    """An event is a constant word, so that it can be searched for and holds no value."""
    assert [place for place, call in log_calls() if not EVENT_NAME.fullmatch(event_name(call))] == []


def test_every_field_of_ours_is_printed() -> None:
    """Our own log calls use fields of the list with values of their kind, so nothing is dropped when it matters."""
    calls = log_calls()
    assert [f"{place} {field.arg}" for place, call in calls for field in call.keywords if not is_printed(field)] == []


def test_every_hint_belongs_to_an_event() -> None:
    """A hint whose event was renamed would never be seen."""
    assert set(HINTS) <= {event_name(call) for _, call in log_calls()}
