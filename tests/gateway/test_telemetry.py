"""Log lines: one JSON object each, and nothing private in any of them, whoever wrote it and whatever went wrong."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from typing import Any, Literal, NoReturn
from uuid import UUID

import httpx
import msgspec
import pytest
import structlog
import uvicorn
from twilio.http.http_client import TwilioHttpClient

from gateway.settings import Settings
from gateway.telemetry import (
    HINTS,
    bind_fields,
    configure_logs,
    dropped_fields,
    report_crashes,
)
from inbox.kit.secrets import SecretBox
from inbox.kit.tracing import working_for

KEY = "9f2c4e71b8d05a36e4c1f7082d9b6a53"
BODY = "canary sentence"
PHONE = "+34600111222"
MAIL = "canary.ana@mail.example"
TOKEN = "canary7f3e9b1c4d8a2f6e0b5c9d3a7f1e"
PRIVATE = ("canary", "600111222", "600 111", KEY)
VALUE = UUID("0193a5c1-d2e3-7f4f-8a6b-9c0d1e2f3a4b")
log = structlog.get_logger()


@pytest.fixture
def output() -> Iterator[io.StringIO]:
    """Everything written, with Python's logging put back as it was afterwards."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level, sys.excepthook, threading.excepthook, sys.unraisablehook)
    root.handlers = []
    stream = io.StringIO()
    configure(stream)
    yield stream
    root.handlers, level, sys.excepthook, threading.excepthook, sys.unraisablehook = before
    root.setLevel(level)
    structlog.reset_defaults()


def configure(
    stream: io.StringIO,
    *,
    level: Literal["debug", "info", "warning", "error"] = "debug",
    form: Literal["json", "text"] = "json",
    key: str = KEY,
) -> None:
    """Logs to the stream."""
    configure_logs(Settings(secret_key=key, log_level=level, log_format=form), stream=stream)


def lines(output: io.StringIO) -> list[dict[str, Any]]:
    """The written lines; each must be one JSON object."""
    return [json.loads(line) for line in output.getvalue().splitlines()]


def assert_nothing_private(text: str) -> None:
    """No canary in what was written."""
    assert [canary for canary in PRIVATE if canary in text] == []


def test_a_line_is_one_json_object_with_time_level_and_event(output: io.StringIO) -> None:
    """A program finds the same three fields first in every line, and ours after them."""
    log.info("webhook_taken", channel=VALUE, medium="sms", outcome="stored", duration_ms=3.1)
    found = lines(output)[0]
    assert list(found)[:3] == ["time", "level", "event"]
    assert len(found.pop("time")) == len("2026-11-21T09:14:03.120Z")
    assert found == {
        "level": "info",
        "event": "webhook_taken",
        "channel": "cha_0193a5c1d2e37f4f8a6b9c0d1e2f3a4b",
        "medium": "sms",
        "outcome": "stored",
        "duration_ms": 3.1,
    }


def test_an_address_is_printed_as_its_keyed_hash(output: io.StringIO) -> None:
    """A number can be followed through the logs by who holds the key, and by nobody else."""
    log.info("contact_matched", address=PHONE)
    log.info("contact_matched", address=MAIL)
    first, second = lines(output)
    assert first["address_hash"] == SecretBox([KEY]).keyed_hash(PHONE, "log")
    assert first["address_hash"] != second["address_hash"]
    assert "dropped_fields" not in first
    assert_nothing_private(output.getvalue())


def test_without_a_key_addresses_are_left_out(output: io.StringIO) -> None:
    """A client command has no key: rather no hash than one that all numbers can be tried against."""
    configure(output, key="")
    log.info("contact_matched", address=PHONE)
    assert "address_hash" not in lines(output)[0]
    assert_nothing_private(output.getvalue())


def test_what_is_not_allowed_is_dropped_and_counted(output: io.StringIO) -> None:
    """An unknown field and an event that is no name leave their number in the line and in the process's count."""
    before = dropped_fields()
    log.info("webhook_taken", body=BODY, to=PHONE)
    log.info("got " + BODY)  # noqa: G003 - the mistake is the point
    log.info("said %s", BODY)
    taken, unnamed, _ = lines(output)
    assert taken["dropped_fields"] == 2
    assert unnamed["event"] == "unnamed_event"
    assert dropped_fields()["webhook_taken"] - before.get("webhook_taken", 0) == 2
    assert dropped_fields()["unnamed_event"] - before.get("unnamed_event", 0) == 2
    assert_nothing_private(output.getvalue())


def test_lines_of_one_request_carry_its_ids(output: io.StringIO) -> None:
    """Whatever is written inside, by us or a library, in this task or one it starts, can be found by X-Request-Id."""

    async def work() -> None:
        log.info("work_done")
        logging.getLogger("library").warning("careful")

    async def handle() -> None:
        with working_for("req-1"), bind_fields(trace="4bf92f3577b34da6a3ce929d0e0e4736", job=17):
            await asyncio.create_task(work())
        log.info("afterwards")

    asyncio.run(handle())
    ours, theirs, after = [line for line in lines(output) if line.get("logger") != "asyncio"]
    for line in (ours, theirs):
        assert (line["request"], line["trace"], line["job"]) == ("req-1", "4bf92f3577b34da6a3ce929d0e0e4736", 17)
    assert "request" not in after


@pytest.mark.parametrize(("level", "expected"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_the_level_holds_for_us_and_for_libraries(
    output: io.StringIO, level: Literal["debug", "info", "warning", "error"], expected: int
) -> None:
    """SWITCHBOARD_LOG_LEVEL decides for every line of the process."""
    configure(output, level=level)
    for name in ("debug", "info", "warning", "error"):
        getattr(log, name)("something_happened")
        getattr(logging.getLogger("library"), name)("said something")
    assert len(lines(output)) == 2 * expected


def test_talkative_libraries_are_kept_quiet(output: io.StringIO) -> None:
    """What httpx and twilio tell of each request, even when we debug, and uvicorn's access lines are not written."""
    for name in ("httpx", "twilio.http_client", "twilio.async_http_client", "asyncio"):
        logging.getLogger(name).info("HTTP Request: %s", PHONE)
    logging.getLogger("uvicorn.access").error("GET /?To=%s", PHONE)
    assert output.getvalue() == ""


def test_a_logger_with_its_own_handler_gives_it_up(output: io.StringIO) -> None:
    """No library writes past us: its handlers are removed and its messages come to our one."""
    own = io.StringIO()
    logger = logging.getLogger("library.own")
    logger.addHandler(logging.StreamHandler(own))
    logger.propagate = False
    configure(output)
    logger.error("to %s", PHONE)
    assert own.getvalue() == ""
    assert lines(output)[0]["text"] == "to …"
    assert lines(output)[0]["source"].startswith("test_telemetry.py:")


def fail(*private: str) -> NoReturn:
    """Break with private text in message, cause and note."""
    cause = KeyError(*private)
    cause.add_note(" ".join(private))
    raise RuntimeError(*private) from cause


def log_failures() -> None:
    """Our own code logs what it caught, in each of the ways it can be said."""
    try:
        fail(BODY, PHONE, MAIL, TOKEN)
    except RuntimeError as error:
        log.exception("send_failed", error=error)
        log.warning("send_failed", exc_info=error, reason=str(error))
        log.warning("send_failed", exc_info=(type(error), error, error.__traceback__))
        log.warning("send_failed", exc_info=True, stack_info=True)
        logging.getLogger("library").exception("Sending to %s failed", PHONE)
        logging.getLogger("library").warning(error)
        logging.getLogger("library").warning("failed", extra={"body": BODY}, stack_info=True)


def log_misplaced_values() -> None:
    """Our own code gives private values to the wrong fields, and binds them."""
    with bind_fields(body=BODY, to=PHONE, reason=TOKEN), working_for(PHONE):
        log.info("webhook_taken", outcome=BODY, code=MAIL, route=f"/hooks/{TOKEN}", source=f"Bearer {TOKEN}")
        log.bind(text=BODY, contact=PHONE).info("webhook_taken", count=PHONE, headers={"authorization": TOKEN})
        said = f"sent '{BODY}' to {PHONE} and {MAIL} with {TOKEN}"
        logging.getLogger("library").warning(said)


def leave_tasks_to_fail() -> None:
    """Tasks nobody waits for and callbacks fail in asyncio's hands."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(fail, BODY, PHONE)
        task = asyncio.create_task(raise_later())
        await asyncio.sleep(0.01)
        assert task.done()
        del task
        gc.collect()

    async def raise_later() -> None:
        fail(BODY, MAIL)

    asyncio.run(main())


def let_twilio_talk() -> None:
    """Twilio's client logs query and headers of each request at INFO: unheard, and harmless should it speak up."""
    client = TwilioHttpClient()
    request = {"method": "POST", "url": f"https://x/{TOKEN}", "params": {"To": PHONE, "Body": BODY}}
    client.log_request({**request, "headers": {"X-Canary": TOKEN}})
    client.logger.setLevel(logging.INFO)
    client.log_request({**request, "headers": {"X-Canary": TOKEN}})


def let_httpx_talk() -> None:
    """httpx logs each URL."""
    with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as client:
        client.get(f"https://provider.example/{TOKEN}", params={"To": PHONE})


def serve_a_broken_application() -> None:
    """Uvicorn reports what our application raises, and requests that are none."""

    async def application(scope: Any, _receive: Any, _send: Any) -> None:
        if scope["type"] == "http":
            fail(BODY, str(scope["query_string"]))

    async def main() -> None:
        server = uvicorn.Server(uvicorn.Config(application, port=0, log_config=None, lifespan="off"))
        running = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - uvicorn tells by this flag alone
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        for request in (f"GET /{TOKEN}?To={PHONE} HTTP/1.1\r\nHost: x\r\n\r\n", f"{BODY} {PHONE}\r\n\r\n"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request.encode())
            assert await reader.readline()
            writer.close()
            await writer.wait_closed()
        server.should_exit = True
        await running

    asyncio.run(main())


def crash_everywhere() -> None:
    """A thread dies, a finalizer fails, and the program itself ends on an error nobody caught."""
    report_crashes()
    thread = threading.Thread(target=fail, args=(BODY, PHONE), name=BODY)
    thread.start()
    thread.join()
    Unfinished()
    gc.collect()
    try:
        fail(BODY, TOKEN)
    except RuntimeError as error:
        sys.excepthook(type(error), error, error.__traceback__)


class Unfinished:
    """Fails when it goes, with itself in the report."""

    def __repr__(self) -> str:
        return BODY

    def __del__(self) -> None:
        fail(BODY, MAIL)


PATHS = [
    (log_failures, "send_failed"),
    (log_misplaced_values, "webhook_taken"),
    (leave_tasks_to_fail, "Task exception was never retrieved"),
    (let_twilio_talk, "Query Params"),
    (let_httpx_talk, ""),
    (serve_a_broken_application, "Exception in ASGI application"),
    (crash_everywhere, "crashed"),
]


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize(("path", "heard"), PATHS, ids=[path.__name__ for path, _ in PATHS])
def test_nothing_private_is_ever_written(
    output: io.StringIO, capfd: pytest.CaptureFixture[str], path: Any, heard: str, form: Literal["json", "text"]
) -> None:
    """T66: canary text, number, mail and token, sent down every path that ends in a log, leave no trace anywhere."""
    configure(output, form=form)
    path()
    assert heard in output.getvalue()
    assert_nothing_private(output.getvalue())
    captured = capfd.readouterr()
    assert_nothing_private(captured.out + captured.err)


def test_a_failure_is_told_with_type_and_place(output: io.StringIO) -> None:
    """Without its words an error is still found: its type, its causes, and the line it came from."""
    try:
        fail(BODY)
    except RuntimeError:
        log.exception("send_failed", channel=VALUE)
    found = lines(output)[0]
    assert (found["level"], found["error"], found["causes"]) == ("error", "RuntimeError", ["KeyError"])
    assert found["frames"][-1].startswith("gateway/test_telemetry.py:")
    assert found["frames"][-1].endswith(" fail")


def test_an_event_to_act_on_says_what_helps(output: io.StringIO) -> None:
    """Whoever is woken by a line finds the next step in it."""
    log.error("spool_key_wrong")
    assert lines(output)[0]["hint"] == HINTS["spool_key_wrong"]


def test_text_is_for_people(output: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text form is one plain line; on a terminal it has colours, unless NO_COLOR asks for none."""
    monkeypatch.setattr(output, "isatty", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")
    configure(output, form="text")
    log.info("webhook_taken", outcome="stored")
    plain = output.getvalue()
    assert plain.endswith("webhook_taken outcome=stored\n")
    assert "\x1b" not in plain
    monkeypatch.delenv("NO_COLOR")
    configure(output, form="text")
    log.info("webhook_taken", outcome="stored")
    assert "\x1b[" in output.getvalue().removeprefix(plain)


def test_a_stream_that_fails_harms_nobody(output: io.StringIO) -> None:
    """A full disk or a closed pipe costs the line, not the webhook that was being logged."""
    output.close()
    log.info("webhook_taken")
    logging.getLogger("library").error("said something")


def test_a_line_break_cannot_forge_a_line(output: io.StringIO) -> None:
    """Nobody who chooses a request id or makes a library complain can write a line of their own."""
    with working_for('x"}\n{"level":"info"'):
        log.info("webhook_taken")
        logging.getLogger("library").warning("bad\n%s", '{"event":"forged"}')
    assert [line["event"] for line in lines(output)] == ["webhook_taken", "library_message"]


def test_a_line_survives_its_own_encoding(output: io.StringIO) -> None:
    """Whatever characters a library prints, the line is valid JSON in UTF-8."""
    logging.getLogger("library").error("bad \ud800 %s \u202e \u0000", "\ud800")
    assert msgspec.json.decode(output.getvalue().encode())["text"] == "bad  …"
