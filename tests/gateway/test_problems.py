"""Every failure is a problem document, and no failure tells more than it should."""

from __future__ import annotations

import asyncio
import json
from io import StringIO
from typing import get_args

import asyncpg
import pytest
from litestar import get

from gateway.problems import explain_error, problem_headers
from gateway.settings import Settings
from gateway.telemetry import configure_logs
from inbox.kit.errors import KINDS, Code, Problem
from inbox.kit.ids import UnknownId
from tests.api import open_api

FIELDS = {
    "type", "title", "status", "detail", "code", "retryable", "request_id", "instance", "errors", "hint",
}  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "not_found"),
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/v1/agents/agt_1", 404, "not_found"),
        ("GET", "/v1/agents/agt_" + "0" * 32, 404, "not_found"),
        ("GET", "/v1/agents/agt_%00", 404, "not_found"),
        ("GET", "/v1/agents/..%2f..%2fetc", 404, "not_found"),
        ("PUT", "/v1/agents", 405, "method_not_allowed"),
        ("GET", "/v1/agents?limit=0", 400, "invalid_query"),
        ("GET", "/v1/agents?limit=201", 400, "invalid_query"),
        ("GET", "/v1/agents?limit=ten", 400, "invalid_query"),
        ("GET", "/v1/agents?limit=99999999999999999999", 400, "invalid_query"),
        ("GET", "/v1/agents?cursor=%00", 400, "invalid_query"),
        ("GET", "/v1/agents?cursor=%ff", 400, "invalid_cursor"),
        ("GET", "/v1/agents?cursor=" + "a" * 1001, 400, "invalid_query"),
        ("GET", "/v1/agents?cursor=" + "a" * 1000, 400, "invalid_cursor"),
        ("POST", "/v1/agents", 400, "malformed_json"),
    ],
)
def test_refusals_of_the_frame_are_problems(database_url: str, method: str, path: str, status: int, code: str) -> None:
    """What the framework refuses looks like what we refuse: one document, one set of codes (RFC 9457)."""

    async def run() -> None:
        async with open_api(database_url) as api:
            answer = await api.call(method, path)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["content-type"] == "application/problem+json"
        assert set(answer.json()) == FIELDS
        assert answer.json()["status"] == status
        assert answer.json()["type"].endswith("/docs/problems/" + code.replace("_", "-"))

    asyncio.run(run())


def test_a_path_says_which_methods_it_has(database_url: str) -> None:
    """405 comes with Allow (RFC 9110 15.5.6)."""

    async def run() -> None:
        async with open_api(database_url) as api:
            allow = (await api.call("PUT", "/v1/agents")).headers["allow"]
        assert {"GET", "POST"} <= set(allow.split(", "))

    asyncio.run(run())


def test_options_lists_every_method_of_a_path(database_url: str) -> None:
    """OPTIONS answers with all the methods of a path, without a key, and touches nothing."""

    async def run() -> None:
        async with open_api(database_url) as api:
            answer = await api.call("OPTIONS", "/v1/agents/agt_1", key=None)
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["allow"] == "DELETE, GET, OPTIONS, PATCH"

    asyncio.run(run())


def test_a_bug_is_logged_without_its_values(database_url: str) -> None:
    """An unforeseen error answers 500 `internal`; the log has types and places, and neither shows the message."""
    lines = StringIO()

    @get("/bug", opt={"public": True})
    async def fail() -> None:
        raise ValueError("ana@example.org") from KeyError("+34600111222")

    async def run() -> None:
        configure_logs(Settings(), stream=lines)
        async with open_api(database_url, routes=[fail]) as api:
            answer = await api.call("GET", "/bug", key=None)
        assert (answer.status_code, answer.json()["code"]) == (500, "internal")
        assert "ana@" not in answer.text

    asyncio.run(run())
    failure = next(json.loads(line) for line in lines.getvalue().splitlines() if "request_failed" in line)
    assert (failure["error"], failure["causes"]) == ("ValueError", ["KeyError"])
    assert any("test_problems.py" in frame for frame in failure["frames"])
    assert "ana@" not in lines.getvalue()
    assert "600111222" not in lines.getvalue()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Problem("already_assigned", "Bo has it"), "already_assigned"),
        (UnknownId("agt"), "not_found"),
        (ConnectionRefusedError(), "dependency_down"),
        (TimeoutError(), "dependency_down"),
        (asyncpg.ConnectionDoesNotExistError(), "dependency_down"),
        (asyncpg.CannotConnectNowError(), "dependency_down"),
        (asyncpg.TooManyConnectionsError(), "dependency_down"),
        (asyncpg.DeadlockDetectedError(), "dependency_down"),
        (asyncpg.SerializationError(), "dependency_down"),
        (asyncpg.CharacterNotInRepertoireError(), "validation_failed"),
        (asyncpg.DataError(), "validation_failed"),
        (asyncpg.UndefinedTableError(), "internal"),
        (RecursionError(), "internal"),
    ],
)
def test_each_error_has_its_code(error: Exception, code: str) -> None:
    """What passes by itself may be tried again, what is the value's fault is not, and all else is ours."""
    assert explain_error(error).code == code


@pytest.mark.parametrize("code", get_args(Code))
def test_what_may_be_tried_again_and_is_short_says_when(code: Code) -> None:
    """Retry-After stands only with refusals that may pass, in whole seconds; a refusal may know better."""
    headers = problem_headers(Problem(code, "x"))
    assert "Retry-After" not in headers or KINDS[code].retryable
    assert problem_headers(Problem(code, "x", retry_after=2.1))["Retry-After"] == "3"
