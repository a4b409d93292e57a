"""The API's door: quotas told and held, guesses counted by address, places shared (T55, T56, P21, P22)."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import Any
from uuid import UUID

import pytest
from litestar import Controller, get

from gateway.admission import Places
from gateway.settings import Settings
from inbox.kit.errors import Problem
from inbox.kit.ids import new_id
from tests.api import Api, open_api

GUESS = "sk_" + "g" * 43


class Gate:
    """Holds requests until the test lets them go on."""

    def __init__(self) -> None:
        self.inside = 0
        self.open = asyncio.Event()


def slow_controller(gate: Gate) -> type[Controller]:
    """A route that waits for the gate, and a stream's that does."""

    class SlowController(Controller):
        path = "/slow"

        @get("/", opt={"scope": "agents:read"}, operation_id="waitHere", summary="Wait")
        async def wait(self) -> dict[str, bool]:
            gate.inside += 1
            await gate.open.wait()
            return {"done": True}

        @get("/live", opt={"scope": "agents:read", "live": True}, operation_id="waitLive", summary="Wait")
        async def wait_live(self) -> dict[str, bool]:
            gate.inside += 1
            await gate.open.wait()
            return {"done": True}

    return SlowController


def run(url: str, body: Any, *, redis_url: str | None = None, routes: tuple[Any, ...] = (), **settings: Any) -> None:
    """A test's body with the API under these settings."""

    async def opened() -> None:
        more: dict[str, Any] = {"redis_url": redis_url} if redis_url else {}
        async with open_api(url, settings=Settings(**settings), api_routes=routes, **more) as api:
            await body(api)

    asyncio.run(opened())


def test_every_answer_tells_what_is_left(database_url: str, redis_url: str) -> None:
    """Successes, refusals, unknown paths and public routes below /v1 carry RateLimit-Policy and RateLimit."""

    async def body(api: Api) -> None:
        key = await api.make_key("agents:read")
        told = []
        for method, path in (("GET", "/v1/agents"), ("GET", "/v1/agents/agt_x"), ("POST", "/v1/agents")):
            answer = await api.call(method, path, key=key, json={})
            assert answer.headers["ratelimit-policy"] == '"key";q=600;w=60'
            told.append(answer.headers["ratelimit"].partition(";t=")[0])
        assert told == ['"key";r=599', '"key";r=598', '"key";r=597']
        for path, status in (("/v1/agents", 401), ("/v1/nothing", 404), ("/v1/meta", 200)):
            answer = await api.call("GET", path, key=None)
            assert (answer.status_code, answer.headers["ratelimit-policy"]) == (status, '"address";q=60;w=60')
        assert "ratelimit" not in (await api.call("GET", "/health/live", key=None)).headers

    run(database_url, body, redis_url=redis_url)


def test_a_used_up_quota_is_refused_in_its_own_words(database_url: str) -> None:
    """429, `quota_exceeded`, its problem type and Retry-After; another key is none the wiser."""

    async def body(api: Api) -> None:
        key, other = await api.make_key("agents:read"), await api.make_key("agents:read")
        answers = [await api.call("GET", "/v1/agents", key=key) for _ in range(7)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
        refused = answers[-1]
        assert refused.json()["code"] == "quota_exceeded"
        assert refused.json()["type"].endswith("/problems/quota-exceeded")
        assert refused.json()["retryable"] is True
        assert refused.headers["ratelimit"].startswith('"key";r=0;t=')
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert (await api.call("GET", "/v1/agents", key=other)).status_code == 200

    run(database_url, body, key_requests_per_minute=5)


def test_a_key_may_have_a_rate_of_its_own(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given when it is made or afterwards, told by the headers, and taken back with null."""
    monkeypatch.setattr("gateway.auth.CACHE_SECONDS", 0.0)

    async def body(api: Api) -> None:
        made = await api.call(
            "POST", "/v1/api-keys", json={"name": "crm", "scopes": ["agents:read"], "requests_per_minute": 9000}
        )
        assert (made.status_code, made.json()["requests_per_minute"]) == (201, 9000)
        path, secret = f"/v1/api-keys/{made.json()['id']}", made.json()["secret"]

        async def policy() -> str:
            return str((await api.call("GET", "/v1/agents", key=secret)).headers["ratelimit-policy"])

        assert await policy() == '"key";q=9000;w=60'
        changed = await api.call("PATCH", path, json={"requests_per_minute": 50, "name": "erp"})
        assert (changed.json()["requests_per_minute"], changed.json()["name"]) == (50, "erp")
        assert await policy() == '"key";q=50;w=60'
        assert (await api.call("PATCH", path, json={"requests_per_minute": None})).json()["requests_per_minute"] is None
        assert await policy() == '"key";q=600;w=60'
        for wrong in ({"requests_per_minute": 0}, {"scopes": ["admin"]}, {"requests_per_minute": "9"}):
            assert (await api.call("PATCH", path, json=wrong)).status_code == 422
        assert (await api.call("PATCH", path, key=secret, json={"requests_per_minute": 9})).status_code == 403

    run(database_url, body)


def test_guesses_are_counted_by_address(database_url: str) -> None:
    """After so many wrong keys an address hears 429, whatever X-Forwarded-For it makes up; good keys go on (T55)."""

    async def body(api: Api) -> None:
        good = await api.make_key("agents:read")
        assert (await api.call("GET", "/v1/agents", key=good)).status_code == 200
        statuses = []
        for number in range(40):
            headers = {"X-Forwarded-For": f"203.0.113.{number}", "Forwarded": f"for=203.0.113.{number}"}
            guess = f"sk_{number:043d}"
            statuses.append((await api.call("GET", "/v1/agents", key=guess, headers=headers)).status_code)
        assert statuses == [401] * 30 + [429] * 10
        assert (await api.call("GET", "/v1/agents", key=good)).status_code == 200, "its own door stays open"
        fresh = await api.make_key("agents:read")
        refused = await api.call("GET", "/v1/agents", key=fresh)
        assert (refused.status_code, refused.headers["ratelimit-policy"]) == (429, '"address";q=30;w=60')

    run(database_url, body, failed_keys_per_minute=30)


def test_without_a_key_nothing_is_guessed(database_url: str) -> None:
    """A page can have its reader's browser ask without a proof, again and again: that locks nobody's office out."""

    async def body(api: Api) -> None:
        statuses = {(await api.call("GET", "/v1/agents", key=None)).status_code for _ in range(40)}
        assert statuses == {401}
        fresh = await api.make_key("agents:read")
        assert (await api.call("GET", "/v1/agents", key=fresh)).status_code == 200

    run(database_url, body, failed_keys_per_minute=5)


def test_behind_a_proxy_of_ours_each_client_counts(database_url: str) -> None:
    """What a trusted proxy names is believed, so one guesser behind it does not lock the others out."""

    async def body(api: Api) -> None:
        async def guess(client: str) -> int:
            headers = {"X-Forwarded-For": f"198.51.100.1, {client}"}
            return (await api.call("GET", "/v1/agents", key=GUESS, headers=headers)).status_code

        assert [await guess("203.0.113.1") for _ in range(4)] == [401, 401, 401, 429]
        assert await guess("203.0.113.2") == 401

    run(database_url, body, failed_keys_per_minute=3, trusted_proxies=("127.0.0.1",))


def test_guessing_asks_nothing_of_the_database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once an address has guessed too often, its unknown keys are not looked up."""

    async def body(api: Api) -> None:
        looks = 0

        async def nobody(_: bytes) -> None:
            nonlocal looks
            looks += 1

        monkeypatch.setattr("gateway.auth.find_caller", nobody)
        for number in range(20):
            await api.call("GET", "/v1/agents", key=f"sk_{number:043d}")
        assert looks == 5

    run(database_url, body, failed_keys_per_minute=5)


def test_unknown_and_revoked_keys_are_told_alike(database_url: str) -> None:
    """One answer, in about the same time: nobody learns whether a key was ever good (T56).

    Of the quickest: what a busy machine adds to the others says nothing of us.
    """

    async def body(api: Api) -> None:
        revoked = await api.make_key("agents:read")
        keys = (await api.call("GET", "/v1/api-keys")).json()["data"]
        mine = next(key for key in keys if key["prefix"] == revoked[:9])
        await api.call("DELETE", f"/v1/api-keys/{mine['id']}")
        answers: dict[str, list[float]] = {revoked: [], GUESS: []}
        bodies = set()
        for _ in range(100):
            for key, times in answers.items():
                began = time.perf_counter()
                answer = await api.call("GET", "/v1/agents", key=key)
                times.append(time.perf_counter() - began)
                told = {name: value for name, value in answer.json().items() if name != "request_id"}
                bodies.add((answer.status_code, str(told)))
        assert len(bodies) == 1
        known, unknown = (statistics.mean(sorted(times)[:25]) for times in answers.values())
        assert abs(known - unknown) < 0.01

    run(database_url, body, failed_keys_per_minute=10_000)


def test_too_many_at_once_are_refused_at_once(database_url: str) -> None:
    """Beyond the places 503 `overloaded` with Retry-After, without waiting; one key gets no more than its share."""

    async def body(api: Api) -> None:
        loud, quiet = await api.make_key("agents:read"), await api.make_key("agents:read")
        waiting = [asyncio.create_task(api.call("GET", "/v1/slow", key=loud)) for _ in range(4)]
        await until(lambda: gate.inside == 4)
        refused = await asyncio.wait_for(api.call("GET", "/v1/slow", key=loud), 30)  # the others wait at the gate
        assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")
        waiting += [asyncio.create_task(api.call("GET", "/v1/slow", key=quiet)) for _ in range(4)]
        await until(lambda: gate.inside == 8)
        full = await asyncio.wait_for(api.call("GET", "/v1/agents", key=api.admin_key), 30)
        assert (full.status_code, full.json()["code"], full.headers["retry-after"]) == (503, "overloaded", "1")
        assert (await api.call("GET", "/health/live", key=None)).status_code == 200
        gate.open.set()
        assert {answer.status_code for answer in await asyncio.gather(*waiting)} == {200}
        assert (await api.call("GET", "/v1/agents", key=loud)).status_code == 200

    gate = Gate()
    run(database_url, body, routes=(slow_controller(gate),), api_concurrency=8)


def test_streams_have_places_of_their_own(database_url: str) -> None:
    """However many streams are open, requests are served; and streams are bounded too."""

    async def body(api: Api) -> None:
        key = await api.make_key("agents:read")
        streams = [asyncio.create_task(api.call("GET", "/v1/slow/live", key=key)) for _ in range(2)]
        await until(lambda: gate.inside == 2)
        assert (await api.call("GET", "/v1/agents", key=key)).status_code == 200
        assert (await api.call("GET", "/v1/slow/live", key=key)).status_code == 503
        gate.open.set()
        await asyncio.gather(*streams)

    gate = Gate()
    run(database_url, body, routes=(slow_controller(gate),), api_concurrency=1, stream_limit=2, api_key_share=1.0)


def test_a_place_that_breaks_is_free_again() -> None:
    """Whatever a request ends with, its place and its holder's share are given back."""
    places, holder = Places(2, share=0.5), new_id()

    def break_down() -> None:
        with places.take() as place:
            place.hold(holder)
            raise ZeroDivisionError

    for _ in range(5):
        with pytest.raises(ZeroDivisionError):
            break_down()
    with places.take() as place:
        place.hold(holder)
        with places.take() as second, pytest.raises(Problem):
            second.hold(holder)
        with places.take() as third:
            third.hold(UUID(int=1))
    assert (places.taken, dict(places.of)) == (0, {})


async def until(true: Any) -> None:
    """Wait for it."""
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 (a handler is watched)
            await asyncio.sleep(0.01)
