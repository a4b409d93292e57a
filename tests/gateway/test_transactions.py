"""One transaction a request: committed before the answer, rolled back with a refusal, remembered under a key."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from tests.api import Api, open_api
from tests.gateway.things import GATE, ROUTES, Gate, count_things, run_things, send_thing
from tests.outage import cuttable_line


def test_only_what_changes_something_opens_a_transaction(database_url: str) -> None:
    """Reads borrow a connection a statement; writes have one transaction around the handler."""

    async def steps(api: Api) -> None:
        assert (await send_thing(api)).json() == {"made": "a", "count": 1, "in_transaction": True}
        assert (await api.call("GET", "/v1/things")).json() == {"count": 1, "in_transaction": False}

    run_things(database_url, steps)


@pytest.mark.parametrize(("how", "status"), [("problem", 409), ("status", 409), ("bug", 500)])
def test_a_refusal_undoes_everything(database_url: str, how: str, status: int) -> None:
    """A problem, an answer of 400 and above, and a bug all leave nothing behind, and no key is used up."""

    async def steps(api: Api) -> None:
        for _ in range(2):
            assert (await send_thing(api, key="k", path=f"/v1/things/{how}")).status_code == status
        assert await count_things(api) == 0
        assert (await send_thing(api, key="k")).status_code == 201

    run_things(database_url, steps)


def test_a_repeated_request_is_answered_the_same_and_acts_once(database_url: str) -> None:
    """P18: the replay has the same status, body and type, says so, and nothing happens again."""

    async def steps(api: Api) -> None:
        first, again = [await send_thing(api, key="order 8841/é".encode().hex()) for _ in range(2)]
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again.headers["content-type"] == first.headers["content-type"]
        assert "idempotency-replayed" not in first.headers
        assert again.headers["idempotency-replayed"] == "true"
        assert again.headers["x-request-id"] != first.headers["x-request-id"]
        assert await count_things(api) == 1

    run_things(database_url, steps)


def test_an_answer_without_a_body_is_replayed_too(database_url: str) -> None:
    """What was answered with nothing is answered with nothing again."""

    async def steps(api: Api) -> None:
        first, again = [await send_thing(api, key="k", path="/v1/things/fine") for _ in range(2)]
        assert (first.status_code, first.content, again.status_code, again.content) == (201, b"", 201, b"")
        assert again.headers["idempotency-replayed"] == "true"
        assert await count_things(api) == 1

    run_things(database_url, steps)


def test_headers_that_belong_to_what_was_done_are_repeated(database_url: str) -> None:
    """Link, ETag and Location come with the replay as they came first; what belongs to the moment does not."""

    async def steps(api: Api) -> None:
        first, again = [await send_thing(api, key="k", path="/v1/things/placed") for _ in range(2)]
        for name in ("link", "etag", "location"):
            assert again.headers[name] == first.headers[name]
        assert first.headers["x-moment"] == "1"
        assert "x-moment" not in again.headers

    run_things(database_url, steps)


def test_replays_do_not_wait_for_each_other(database_url: str) -> None:
    """What was answered once is answered to all who ask at once: none is told that a request is running."""

    async def steps(api: Api) -> None:
        first = await send_thing(api, key="k")
        answers = await asyncio.gather(*(send_thing(api, key="k") for _ in range(20)))
        assert {(answer.status_code, answer.content) for answer in answers} == {(201, first.content)}
        refused = await asyncio.gather(*(send_thing(api, "b", key="k") for _ in range(20)))
        assert {answer.json()["code"] for answer in refused} == {"idempotency_key_reused"}

    run_things(database_url, steps)


@pytest.mark.parametrize(
    ("name", "path", "query"), [("b", "/v1/things", ""), ("a", "/v1/things/fine", ""), ("a", "/v1/things", "?x=1")]
)
def test_a_key_cannot_be_used_for_another_request(database_url: str, name: str, path: str, query: str) -> None:
    """Another body, path or query under the same key is refused, and does nothing."""

    async def steps(api: Api) -> None:
        await send_thing(api, key="k")
        refused = await send_thing(api, name, key="k", path=path + query)
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
        assert await count_things(api) == 1

    run_things(database_url, steps)


def test_keys_of_other_api_keys_are_free(database_url: str) -> None:
    """Two programs that happen to choose the same key do not meet."""

    async def steps(api: Api) -> None:
        await send_thing(api, "a", key="k")
        headers = {"Idempotency-Key": "k"}
        other = await api.call(
            "POST", "/v1/things", json={"name": "b"}, headers=headers, key=await api.make_key("admin")
        )
        assert (other.status_code, "idempotency-replayed" in other.headers) == (201, False)
        assert await count_things(api) == 2

    run_things(database_url, steps)


def test_fifty_at_once_act_once(database_url: str) -> None:
    """P18: of 50 concurrent requests with one key one acts; the others get its answer, or are told to wait."""

    async def steps(api: Api) -> None:
        answers = await asyncio.gather(*(send_thing(api, key="k") for _ in range(50)))
        made = [answer for answer in answers if answer.status_code == 201]
        waiting = [answer for answer in answers if answer.status_code != 201]
        assert sum("idempotency-replayed" not in answer.headers for answer in made) == 1
        assert len({answer.content for answer in made}) == 1
        assert {answer.json()["code"] for answer in waiting} <= {"request_in_progress"}
        assert all(answer.headers["retry-after"] == "1" for answer in waiting)
        assert await count_things(api) == 1

    run_things(database_url, steps)


def test_a_running_request_holds_its_key(database_url: str) -> None:
    """While the first is still running the second is told so at once; afterwards it gets the answer."""

    async def steps(api: Api) -> None:
        gate = GATE["wait"] = Gate()
        first = asyncio.create_task(send_thing(api, key="k", path="/v1/things/wait"))
        await gate.entered.wait()
        second = await send_thing(api, key="k", path="/v1/things/wait")
        assert (second.status_code, second.json()["code"]) == (409, "request_in_progress")
        gate.opened.set()
        assert (await first).status_code == 201
        third = await send_thing(api, key="k", path="/v1/things/wait")
        assert third.headers["idempotency-replayed"] == "true"

    run_things(database_url, steps)


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\u00e9"])
def test_a_key_is_up_to_255_printable_characters(database_url: str, key: str) -> None:
    """Anything else is refused rather than cut or mangled."""

    async def steps(api: Api) -> None:
        headers = {"Idempotency-Key": key.encode("latin-1")}
        refused = await api.call("POST", "/v1/things", json={"name": "a"}, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
        assert await count_things(api) == 0

    run_things(database_url, steps)


def test_a_file_sent_again_is_the_same_request(database_url: str) -> None:
    """A form is the same form under a new boundary; another file under the same key is refused."""

    async def steps(api: Api) -> None:
        async def upload(content: bytes) -> httpx.Response:
            files = {"file": ("a.bin", content)}
            return await api.call("POST", "/v1/files", files=files, headers={"Idempotency-Key": "k"})

        content = bytes(range(256)) * 5000
        first, again, other = await upload(content), await upload(content), await upload(content[:-1])
        assert first.json() == {"size": len(content), "count": 1}
        assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
        assert other.json()["code"] == "idempotency_key_reused"

    run_things(database_url, steps)


def test_an_outage_is_503_and_passes(database_url: str) -> None:
    """While the database is away every call is `dependency_down` with Retry-After, and afterwards all is well."""

    async def main() -> None:
        async with cuttable_line(database_url) as line, open_api(line.url, controllers=ROUTES) as api:
            assert (await send_thing(api, key="k")).status_code == 201
            await line.cut()
            read = await api.call("GET", "/v1/things")
            for answer in [read, await send_thing(api, "b"), await send_thing(api, "b", key="l")]:
                assert (answer.status_code, answer.json()["code"]) == (503, "dependency_down")
                assert answer.headers["retry-after"] == "2"
            await line.mend()
            assert (await send_thing(api, key="k")).headers["idempotency-replayed"] == "true"
            assert await count_things(api) == 1

    asyncio.run(main())


def test_an_outage_in_the_middle_leaves_nothing(database_url: str) -> None:
    """A connection lost under a running handler is 503 as well, and what it did is undone."""

    async def main() -> None:
        async with cuttable_line(database_url) as line, open_api(line.url, controllers=ROUTES) as api:
            gate = GATE["wait"] = Gate()
            running = asyncio.create_task(send_thing(api, key="k", path="/v1/things/wait"))
            await gate.entered.wait()
            await line.cut()
            gate.opened.set()
            assert (await running).json()["code"] == "dependency_down"
            await line.mend()
            assert await count_things(api) == 0

    asyncio.run(main())
