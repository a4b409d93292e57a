"""The id of a request: taken or made, echoed, and gone afterwards."""

from __future__ import annotations

import asyncio

import pytest
from litestar import get

from gateway.tracing import choose_request_id, read_traceparent
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


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (f"00-{TRACE}-00f067aa0ba902b7-01", True),
        (TRACE, False),
        (f"ff-{TRACE}-00f067aa0ba902b7-01", False),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", False),
        (f"00-{TRACE}-{'0' * 16}-01", False),
        (f"00-{TRACE.upper()}-00f067aa0ba902b7-01", False),
        ("", False),
    ],
)
def test_only_a_valid_traceparent_is_followed(given: str, *, kept: bool) -> None:
    """W3C Trace Context 3.2: version, trace id, span id, flags, ids not all zero; anything else is no trace."""
    assert read_traceparent([(b"traceparent", given.encode())]) == (given if kept else None)


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
    """What may hold a secret is `no-store`; what was read its reader may keep, and must ask again; all is `nosniff`."""

    async def run() -> None:
        async with open_api(database_url) as api:
            key = await api.call("POST", "/v1/api-keys", json={"name": "other", "scopes": ["events:read"]})
            assert key.json()["secret"]
            refused = await api.call("GET", "/v1/agents", key=None)
            read = await api.call("GET", "/v1/agents")
            told = [answer.headers["cache-control"] for answer in (key, refused, read)]
            assert told == ["no-store", "no-store", "private, no-cache"]
            assert all(one.headers["x-content-type-options"] == "nosniff" for one in (key, refused, read))

    asyncio.run(run())
