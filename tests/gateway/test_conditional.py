"""ETags: who has an answer already is not sent it again, and of two who change one version one wins."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from litestar import Controller, get
from litestar.response import Stream

from gateway.conditional import make_tag, matches
from inbox.kit.db import fetch_value
from tests.api import Api, open_api

AGENT = {"name": "Bo", "email": "bo@x.org"}


class TrickleController(Controller):
    """An answer in pieces, and one that is no JSON."""

    path = "/trickle"

    @get("/", opt={"scope": "admin"}, media_type="application/json")
    async def trickle(self) -> Stream:
        """Two pieces."""
        return Stream(iter([b'{"version":', b"1}"]))

    @get("/plain", opt={"scope": "admin"}, media_type="text/plain")
    async def plain(self) -> str:
        """Words."""
        return "words"


async def make_agent(api: Api) -> tuple[str, str]:
    """An agent's path, and the ETag it was answered with."""
    made = await api.call("POST", "/v1/agents", json=AGENT)
    assert made.status_code == 201
    return f"/v1/agents/{made.json()['id']}", made.headers["etag"]


def test_a_tag_is_the_version_and_the_answer() -> None:
    """Other words under the same version are another tag; a list has a weak one; what has no version too."""
    one, other = make_tag(b'{"id":"a","version":17}'), make_tag(b'{"id":"b","version":17}')
    assert one.startswith('"v17-')
    assert other.startswith('"v17-')
    assert one != other
    assert make_tag(b'{"data":[{"version":3}]}').startswith('W/"')
    assert make_tag(b'{"id":"a"}').startswith('W/"')
    assert make_tag(b'"not an object"').startswith('W/"')


@pytest.mark.parametrize(
    ("if_none_match", "holds"),
    [
        ('"v1-aa"', True), ('W/"v1-aa"', True), ('"v1-bb", "v1-aa"', True), ("*", True), (" * ", True),
        ('"v1-bb"', False), ("v1-aa", False), ("", False), ('"v1-a"', False),
    ],
)  # fmt: skip
def test_what_a_client_has_is_compared_weakly(if_none_match: str, holds: bool) -> None:
    """RFC 9110 13.1.2: a list of tags, or `*`; a tag is quoted, whole, and may be weak."""
    assert matches(if_none_match, '"v1-aa"') is holds


def test_who_has_the_answer_gets_304(database_url: str) -> None:
    """Of one object and of a list: no body, the same tag; after a change the new answer under a new tag."""

    async def run() -> None:
        async with open_api(database_url) as api:
            path, _ = await make_agent(api)
            for url in (path, "/v1/agents"):
                first = await api.call("GET", url)
                again = await api.call("GET", url, headers={"If-None-Match": first.headers["etag"]})
                assert (again.status_code, again.content) == (304, b"")
                assert again.headers["etag"] == first.headers["etag"]
                assert "content-type" not in again.headers
                assert again.headers["cache-control"] == "private, no-cache"
                assert again.headers["x-request-id"]
            await api.call("PATCH", path, json={"name": "Bob"})
            known = (await api.call("GET", "/v1/agents")).headers["etag"]
            await api.call("PATCH", path, json={"name": "Rob"})
            changed = await api.call("GET", "/v1/agents", headers={"If-None-Match": known})
            assert (changed.status_code, changed.json()["data"][0]["name"]) == (200, "Rob")
            assert changed.headers["etag"] != known

    asyncio.run(run())


def test_refusals_streams_and_other_texts_have_no_tag(database_url: str) -> None:
    """Only whole JSON answers are tagged; what comes in pieces passes through untouched."""

    async def run() -> None:
        async with open_api(database_url, api_routes=[TrickleController]) as api:
            missing = await api.call("GET", "/v1/agents/agt_" + "0" * 32, headers={"If-None-Match": "*"})
            trickled = await api.call("GET", "/v1/trickle", headers={"If-None-Match": "*"})
            plain = await api.call("GET", "/v1/trickle/plain", headers={"If-None-Match": "*"})
            assert [answer.status_code for answer in (missing, trickled, plain)] == [404, 200, 200]
            assert (trickled.json(), plain.text) == ({"version": 1}, "words")
            assert not any("etag" in answer.headers for answer in (missing, trickled, plain))
            assert missing.headers["cache-control"] == "no-store"

    asyncio.run(run())


def test_a_change_is_made_to_the_version_it_is_meant_for(database_url: str) -> None:
    """With If-Match an outdated change is refused and nothing of it stays; without it the last write wins."""

    async def run() -> None:
        async with open_api(database_url) as api:
            path, tag = await make_agent(api)
            changed = await api.call("PATCH", path, json={"name": "Bob"}, headers={"If-Match": tag})
            assert (changed.status_code, changed.json()["version"]) == (200, 2)
            late = await api.call("PATCH", path, json={"name": "Rob"}, headers={"If-Match": tag})
            assert (late.status_code, late.json()["code"]) == (412, "version_mismatch")
            gone = await api.call("DELETE", path, headers={"If-Match": tag})
            assert gone.status_code == 412
            assert (await api.call("GET", path)).json()["name"] == "Bob"
            for wanted in ('"v2"', "*", f"{tag}, {changed.headers['etag']}"):
                assert (await api.call("PATCH", path, json={"name": "Bob"}, headers={"If-Match": wanted})).is_success
            assert (await api.call("PATCH", path, json={"name": "Rob"})).json()["version"] == 3

    asyncio.run(run())


@pytest.mark.parametrize("if_match", ['W/"v1"', "v1", "nonsense", '"1"', '"v01x"', ""])
def test_what_is_no_strong_tag_of_ours_matches_nothing(if_match: str, database_url: str) -> None:
    """RFC 9110 13.1.1: If-Match compares strongly, and fails where nothing matches."""

    async def run() -> None:
        async with open_api(database_url) as api:
            path, _ = await make_agent(api)
            answer = await api.call("PATCH", path, json={"name": "Bob"}, headers={"If-Match": if_match})
            assert answer.status_code == 412

    asyncio.run(run())


def test_an_expectation_nobody_checks_is_refused(database_url: str) -> None:
    """If-Match is never passed over: where nothing has a version, nothing is done."""

    async def run() -> None:
        async with open_api(database_url) as api:
            answer = await api.call("POST", "/v1/agents", json=AGENT, headers={"If-Match": '"v1"'})
            assert (answer.status_code, answer.json()["code"]) == (412, "version_mismatch")
            assert await fetch_value("SELECT count(*) FROM agent") == 0
            key = (await api.call("POST", "/v1/api-keys", json={"name": "x", "scopes": ["admin"]})).json()["id"]
            kept = await api.call("DELETE", f"/v1/api-keys/{key}", headers={"If-Match": '"v1"'})
            assert kept.status_code == 412
            assert (await api.call("GET", f"/v1/api-keys/{key}")).json()["revoked_at"] is None

    asyncio.run(run())


def test_of_two_who_change_one_version_one_wins(database_url: str) -> None:
    """Ten at once with the same If-Match: one 200, nine 412, and one change in the row."""

    async def run() -> None:
        async with open_api(database_url) as api:
            path, tag = await make_agent(api)

            async def race(number: int) -> Any:
                return await api.call("PATCH", path, json={"name": f"n{number}"}, headers={"If-Match": tag})

            answers = await asyncio.gather(*(race(number) for number in range(10)))
            assert sorted(answer.status_code for answer in answers) == [200] + [412] * 9
            [won] = [answer.json() for answer in answers if answer.status_code == 200]
            now = (await api.call("GET", path)).json()
            assert (now["name"], now["version"]) == (won["name"], 2)

    asyncio.run(run())
