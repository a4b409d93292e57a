"""Requests to the whole API that its description does not allow, generated from it (T39, T47, T56, T59, T60)."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from tests.journeys.chatting import SITE, Browser, open_chat
from tests.journeys.gateway import Journey, open_journey

FOREIGN = {
    "account_id": "1", "role": "admin", "created_at": "2020-01-01T00:00:00.000Z", "is_admin": True, "object": "agent",
    "__proto__": {"admin": True}, "constructor": {},
}  # fmt: skip
"""Fields that nobody may set, and that no request has."""
INJECTIONS = (
    "id;select pg_sleep(5)", "-created_at desc; drop table entry", ") OR 1=1--", "' OR pg_sleep(5)='",
    "1) UNION SELECT 1", "\\x27; select 1", "$1", "%' ESCAPE '", "id\u0000x",
)  # fmt: skip
FREE_TEXT = re.compile(
    r"/(text|reason|description|proof|query|q)$|/(attributes|external)/|/parts/|/settings/auth_token$|^/(code|type)$|password$|^/identity/(user_id|hash|jwt)$"
)
"""Places for words of people, where line ends belong; for words of programs, which go nowhere but into JSON; for a
secret, which goes over the wire encoded; for claims, which are compared with their proof; and for filters, which find
nothing by them."""
LINES = "a\r\nBcc: x@y.example"
UNLIMITED: Any = {
    f"SWITCHBOARD_VISITOR_{name}": "100000"
    for name in ("REQUESTS_PER_MINUTE", "MESSAGES_PER_MINUTE", "UPLOADS_PER_HOUR", "MAILS_PER_HOUR")
}
QUICK_SECONDS = 4.5


OWN_FIELDS = {"createAgent": frozenset({"role"}), "updateAgent": frozenset({"role"})}
"""Fields that a request has all the same, and who may set them has a test of its own."""
AS_BROWSERS_GIVE_IT = frozenset({"subscribeVisitorPush", "unsubscribeVisitorPush"})
"""Bodies that a browser makes: they may hold members that newer browsers know, which are passed over."""


class Asked:
    """One operation of the document, with an example of its body."""

    def __init__(self, method: str, path: str, operation: dict[str, Any]) -> None:
        self.method = method
        self.template = path
        self.path = re.sub(r"\{(\w+)\}", lambda found: _example_of(found[1], operation), path)
        self.name = operation["operationId"]
        self.by_visitor = any("visitor" in way for way in operation.get("security", []))
        self.parameters = [one for one in operation.get("parameters", []) if one.get("in") == "query"]
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        self.body: dict[str, Any] | None = content.get("example")
        self.fields = OWN_FIELDS.get(self.name, frozenset())
        self.headers: dict[str, str] = {}


def test_no_request_takes_a_field_it_does_not_have(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Every body of every operation, with one more field, is 422 `unknown_field` at that field, and changes nothing."""

    async def walk(journey: Journey, operations: list[Asked]) -> None:
        before = await rows(database_url)
        bodies = [one for one in operations if one.body is not None and one.name not in AS_BROWSERS_GIVE_IT]
        assert len(bodies) > 20
        for asked in bodies:
            for name, value in FOREIGN.items():
                if name in (asked.body or {}) or name in asked.fields:
                    continue
                answer = await ask(journey, asked, body={**(asked.body or {}), name: value})
                assert answer.status_code == 422, (asked.name, name, answer.text)
                assert f"/{name}" in [error["pointer"] for error in answer.json()["errors"]], (asked.name, answer.text)
        assert await rows(database_url) == before

    run(walk, database_url, redis_url, tmp_path)


def test_queries_are_never_part_of_a_statement(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """SQL in any query parameter or path is refused or finds nothing, at once, and never breaks anything (T60)."""

    async def walk(journey: Journey, operations: list[Asked]) -> None:
        before, tried = await rows(database_url), 0
        for asked in operations:
            if asked.method != "GET" or asked.template.endswith("/stream"):
                continue
            for parameter in asked.parameters:
                for words in INJECTIONS:
                    tried += 1
                    began = time.monotonic()
                    answer = await ask(journey, asked, query={parameter["name"]: words})
                    assert time.monotonic() - began < QUICK_SECONDS, (asked.name, parameter["name"], words)
                    assert answer.status_code in {200, 400, 404, 422}, (asked.name, parameter["name"], answer.text)
            if "{" in asked.template:
                path = re.sub(r"\{\w+\}", "x';select 1--", asked.template)
                answer = await journey.client.get(path, headers=asked.headers)
                assert answer.status_code in {404, 422}, (asked.name, answer.text)
        assert tried > 100
        assert await rows(database_url) == before

    run(walk, database_url, redis_url, tmp_path)


def test_a_sort_of_no_list_is_refused(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """`sort` and `status` are words of ours: anything else is a client's mistake, told as such."""

    async def walk(journey: Journey, _: list[Asked]) -> None:
        for name in ("sort", "status", "limit"):
            for words in INJECTIONS:
                answer = await journey.client.get("/v1/conversations", params={name: words})
                assert (answer.status_code, answer.json()["code"]) == (400, "invalid_query"), answer.text

    run(walk, database_url, redis_url, tmp_path)


def test_line_ends_are_in_no_header_and_no_address(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """CR and LF inside a subject, a name, an address or a key are 422: no mail header is made of them (T39)."""

    async def walk(journey: Journey, operations: list[Asked]) -> None:
        tried = []
        for asked in operations:
            for pointer, body in with_lines(asked.body):
                if FREE_TEXT.search(pointer) or asked.name in AS_BROWSERS_GIVE_IT:
                    continue
                tried.append(pointer)
                answer = await ask(journey, asked, body=body)
                assert answer.status_code in {400, 404, 409, 422}, (asked.name, pointer, answer.text)
        assert {"/subject", "/name", "/email", "/address", "/to"} <= set(tried)
        for path, body in ADDRESSED:
            answer = await journey.client.post(path, json=body)
            trimmed = answer.status_code == 201 and not re.search(r"\\[rn]", answer.text)
            assert answer.status_code == 422 or trimmed, (path, body, answer.text)

    run(walk, database_url, redis_url, tmp_path)


ADDRESSED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("/v1/contacts", {"identities": [{"kind": "email", "address": "a@b.example>\r\nRCPT TO:<c@d.example"}]}),
    ("/v1/contacts", {"identities": [{"kind": "phone", "address": "+34600111222\n"}]}),
    ("/v1/contacts", {"name": "Ana\r\nBcc: x@y.example"}),
    ("/v1/messages", {"to": "+34600111222\r\n", "text": "x"}),
    ("/v1/agents", {"name": "Bo", "email": "bo@x.example\r\nBcc: x@y.example"}),
)


def test_strange_json_breaks_no_operation(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """NUL, lone surrogates, depth and wrong types in any body are a refusal or are taken, never a 500 (T47)."""

    async def walk(journey: Journey, operations: list[Asked]) -> None:
        strange = [
            b'{"name":"a\\u0000"}',
            b'{"text":"\\ud800"}',
            b"[" * 50_000,
            b"null",
            b"[]",
            b'""',
            b"{}",
            b'{"a":1e999}',
        ]
        for asked in operations:
            if asked.body is None or "/outbox/" in asked.template:
                continue
            for body in strange:
                headers = {"Content-Type": "application/json", **asked.headers}
                answer = await journey.client.request(asked.method, asked.path, content=body, headers=headers)
                assert answer.status_code < 500, (asked.name, body[:40], answer.text)

    run(walk, database_url, redis_url, tmp_path)


def with_lines(body: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    """The body again and again, each time with line ends in another of its texts."""
    for name, value in body.items() if isinstance(body, dict) else ():
        place = f"{pointer}/{name}"
        if isinstance(value, str):
            yield place, {**body, name: LINES}
        for inner, changed in with_lines(value, place):
            yield inner, {**body, name: changed}


def _example_of(name: str, operation: dict[str, Any]) -> str:
    found: dict[str, Any] = next((one for one in operation["parameters"] if one.get("name") == name), {})
    return str(found.get("example", "1"))


async def ask(
    journey: Journey, asked: Asked, *, body: Any = None, query: dict[str, str] | None = None
) -> httpx.Response:
    """The operation, with this body or query."""
    options: dict[str, Any] = {} if body is None else {"json": body}
    return await journey.client.request(asked.method, asked.path, params=query, headers=asked.headers, **options)


async def rows(database_url: str) -> int:
    """How many things there are that requests make."""
    connection = await asyncpg.connect(database_url)
    try:
        tables = ("conversation", "entry", "contact", "agent", "api_key", "channel", "job", "webhook", "saved_view")
        known = [
            row[0] for row in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        ]
        return sum([await connection.fetchval(f"SELECT count(*) FROM {name}") for name in tables if name in known])
    finally:
        await connection.close()


async def enter_chat(journey: Journey) -> dict[str, str]:
    """What a visitor of a web chat shows who has just opened it."""
    async with Browser(journey, await open_chat(journey)) as visitor:
        await visitor.begin()
        return {"Authorization": f"Bearer {visitor.token}", "Origin": SITE}


def run(
    walk: Callable[[Journey, list[Asked]], Awaitable[None]], database_url: str, redis_url: str, folder: Path
) -> None:
    """Walk over the operations that the running gateway describes."""

    async def opened() -> None:
        async with open_journey(database_url, redis_url, folder, **UNLIMITED) as journey:
            shown = await enter_chat(journey)
            document = (await journey.client.get("/openapi.json")).json()
            operations = [
                Asked(method.upper(), path, operation)
                for path, methods in document["paths"].items()
                for method, operation in methods.items()
            ]
            for asked in operations:
                asked.headers = dict(shown) if asked.by_visitor else {}
            await walk(journey, operations)

    asyncio.run(opened())
