"""The id of a request: taken or made, echoed, and gone afterwards."""

from __future__ import annotations

import asyncio

import pytest
from litestar import get

from gateway.tracing import choose_request_id, read_trace
from inbox.kit.tracing import request_id
from tests.api import open_api

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize("given", ["a", "order-8841/retry:2", "x" * 128])
def test_a_sane_id_is_kept(given: str) -> None:
    """A client's id of up to 128 visible ASCII characters is used as it is."""
    assert choose_request_id([(b"x-request-id", given.encode())]) == given


@pytest.mark.parametrize("given", [b"", b"x" * 129, b"a b", b"a\tb", b"a\r\nSet-Cookie: x", b"caf\xc3\xa9", b"\x00"])
def test_any_other_id_is_replaced(given: bytes) -> None:
    """What is empty, long, or could break a header or a log line is replaced by an id of ours."""
    chosen = choose_request_id([(b"x-request-id", given)])
    assert len(chosen) == 32
    assert chosen.isalnum()


def test_the_trace_id_is_read_from_traceparent() -> None:
    """W3C Trace Context: version, trace id, span id, flags; anything else is no trace."""
    assert read_trace([(b"traceparent", f"00-{TRACE}-00f067aa0ba902b7-01".encode())]) == TRACE
    assert read_trace([(b"traceparent", TRACE.encode())]) is None
    assert read_trace([]) is None


def test_every_answer_carries_the_id(database_url: str) -> None:
    """Answers, refusals and failures alike name the request; problems repeat it, and inner code knows it."""

    @get("/v1-id", opt={"public": True})
    async def tell() -> str:
        return request_id() or ""

    @get("/v1-bug", opt={"public": True})
    async def fail() -> None:
        raise ValueError("a value")

    async def run() -> None:
        async with open_api(database_url, routes=[tell, fail]) as api:
            headers = {"X-Request-Id": "mine-1"}
            assert (await api.call("GET", "/v1-id", headers=headers)).text == "mine-1"
            for path in ("/v1-id", "/v1/agents", "/v1/nothing", "/nothing", "/v1-bug"):
                answer = await api.call("GET", path, headers=headers, key=None)
                assert answer.headers["x-request-id"] == "mine-1"
                if answer.status_code >= 400:
                    assert answer.json()["request_id"] == "mine-1"
        assert request_id() is None

    asyncio.run(run())


def test_nothing_is_kept_by_caches(database_url: str) -> None:
    """Answers are `no-store` and `nosniff` unless they say otherwise (T50)."""

    async def run() -> None:
        async with open_api(database_url) as api:
            answer = await api.call("GET", "/v1/agents")
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["x-content-type-options"] == "nosniff"

    asyncio.run(run())
