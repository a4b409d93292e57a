"""Saved views and the numbers beside them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from inbox.conversations.views.actions import MAX_VIEWS
from inbox.kit.db import execute
from inbox.kit.ids import show_id
from tests.inbox.conversations.search.opened import Inbox, open_inbox
from tests.inbox.conversations.search.stories import make_agent

BUILT_IN = ["open", "mine", "unassigned", "waiting", "snoozed", "closed", "all"]


async def save(inbox: Inbox, *, expect: int = 201, **body: Any) -> Any:
    """The answer to saving a view."""
    made = {"name": "VIPs", "query": "tag:vip", **body}
    answer = await inbox.api.call("POST", "/v1/views", key=inbox.key, json=made)
    assert answer.status_code == expect, answer.text
    return answer.json()


def test_views_are_saved_changed_and_deleted(database_url: str) -> None:
    """A view is a query, an order and a place under a name; each change is a version, checked by If-Match."""

    async def body() -> None:
        async with open_inbox(database_url) as inbox:
            view = await save(inbox, sort="created_at", position=3)
            assert view["id"].startswith("viw_")
            assert (view["query"], view["sort"], view["version"], view["built_in"]) == (
                "tag:vip",
                "created_at",
                1,
                False,
            )
            path = f"/v1/views/{view['id']}"
            change = {"query": "tag:late"}
            changed = await inbox.api.call("PATCH", path, key=inbox.key, json=change, headers={"If-Match": '"v1"'})
            assert (changed.json()["query"], changed.json()["version"]) == ("tag:late", 2)
            late = await inbox.api.call("PATCH", path, key=inbox.key, json={"name": "x"}, headers={"If-Match": '"v1"'})
            assert late.json()["code"] == "version_mismatch"
            assert (await inbox.get(path))["query"] == "tag:late"
            gone = await inbox.api.call("DELETE", path, key=inbox.key)
            assert gone.status_code == 204
            await inbox.get(path, expect=404)

    asyncio.run(body())


def test_views_are_listed_in_their_order(database_url: str) -> None:
    """Those built in first, then by position; an agent's own are seen by that agent alone."""

    async def body() -> None:
        async with open_inbox(database_url) as inbox:
            bo = show_id("agt", inbox.told["agent"])
            await save(inbox, name="second", position=2)
            await save(inbox, name="own", position=1, agent_id=bo)
            names = [view["name"] for view in (await inbox.get("/v1/views"))["data"]]
            assert names[len(BUILT_IN) :] == ["own", "second"]
            ids = [view["id"] for view in (await inbox.get("/v1/views"))["data"]]
            assert ids[: len(BUILT_IN)] == BUILT_IN
            kim = await inbox.api.make_key("conversations:read", agent_id=await make_agent("Kim", "kim@desk.test"))
            assert [view["name"] for view in (await inbox.get("/v1/views", key=kim))["data"]][-1] == "second"
            await inbox.get(f"/v1/views/{ids[len(BUILT_IN)]}", key=kim, expect=404)
            await inbox.get("/v1/conversations", view=ids[len(BUILT_IN)], key=kim, expect=404)

    asyncio.run(body())


def test_a_view_is_checked_when_it_is_saved(database_url: str) -> None:
    """A query that cannot be asked is refused with its place in the body; nothing is kept."""

    async def body() -> None:
        async with open_inbox(database_url) as inbox:
            problem = await save(inbox, query="tag:vip is:opne", expect=400)
            assert (problem["errors"][0]["pointer"], problem["errors"][0]["offset"]) == ("/query", 11)
            view = await save(inbox)
            path = f"/v1/views/{view['id']}"
            answer = await inbox.api.call("PATCH", path, key=inbox.key, json={"query": "("})
            assert answer.json()["code"] == "invalid_query"
            assert (await inbox.get(path))["query"] == "tag:vip"

    asyncio.run(body())


def test_what_is_built_in_stays(database_url: str) -> None:
    """Views built in can be looked at, but neither changed nor deleted; there is an end to how many are saved."""

    async def body() -> None:
        async with open_inbox(database_url) as inbox:
            assert (await inbox.get("/v1/views/mine"))["built_in"] is True
            for method in ("PATCH", "DELETE"):
                answer = await inbox.api.call(method, "/v1/views/mine", key=inbox.key, json={"name": "x"})
                assert answer.json()["code"] == "state_conflict", answer.text
            many = (
                "INSERT INTO saved_view (id, name, query) SELECT gen_random_uuid(), 'x', '' FROM generate_series(1, $1)"
            )
            await execute(many, MAX_VIEWS)
            assert (await save(inbox, expect=409))["code"] == "state_conflict"
            await save(inbox, agent_id=show_id("agt", inbox.told["agent"]))

    asyncio.run(body())


def test_the_list_of_a_view(database_url: str) -> None:
    """`view` narrows the list and gives its order; `q` narrows further; `me` is whoever looks."""

    async def body() -> None:
        async with open_inbox(database_url) as inbox:
            assert await inbox.found(view="mine") == ["ana"]
            assert await inbox.found(view="closed") == ["ben"]
            assert await inbox.found(view="all", q="订单") == ["cai"]
            await execute("UPDATE conversation SET updated_at = created_at + make_interval(secs => number::int)")
            oldest = await save(inbox, query="", sort="updated_at")
            assert await inbox.found(view=oldest["id"]) == ["ana", "ben", "cai"]
            assert await inbox.found(view=oldest["id"], sort="-updated_at") == ["cai", "ben", "ana"]
            await inbox.get("/v1/conversations", view="nothing", expect=404)

    asyncio.run(body())


def test_badges_of_all_views_come_in_one_statement(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each view's number is that of its list; a view that asks for `me` has none where nobody is."""

    async def body() -> None:
        async with open_inbox(database_url) as inbox:
            await save(inbox, name="late", query="tag:late order")
            counts = await inbox.get("/v1/conversations/counts")
            numbers = {one["name"]: one["count"] for one in counts["data"]}
            assert numbers == {
                "Open": 2, "Mine": 1, "Unassigned": 1, "Waiting for us": 1, "Snoozed": 0, "Closed": 1, "All": 3,
                "late": 1,
            }  # fmt: skip
            assert {one["exact"] for one in counts["data"]} == {True}
            nobody = await inbox.get("/v1/conversations/counts", key=inbox.api.admin_key)
            assert next(one["count"] for one in nobody["data"] if one["key"] == "mine") is None
            monkeypatch.setattr("inbox.conversations.views.queries.COUNTED_MOST", 1)
            monkeypatch.setattr("inbox.conversations.views.api.COUNTED_MOST", 1)
            few = (await inbox.get("/v1/conversations/counts"))["data"]
            assert [(one["count"], one["exact"]) for one in few if one["key"] in {"open", "closed"}] == [
                (1, False), (1, True),
            ]  # fmt: skip

    asyncio.run(body())


def test_conversations_are_counted_by_what_they_are(database_url: str) -> None:
    """By status all of them; by assignee, tag and channel those that are not closed; narrowed by `q`."""

    async def body() -> None:
        async with open_inbox(database_url) as inbox:

            async def counted(by: str, **params: Any) -> dict[str | None, int]:
                answer = await inbox.get("/v1/conversations/counts", by=by, **params)
                return {one["key"]: one["count"] for one in answer["data"]}

            assert await counted("status") == {"open": 2, "closed": 1}
            bo = show_id("agt", inbox.told["agent"])
            assert await counted("assignee") == {bo: 1, None: 1}
            assert await counted("tag") == {"vip": 1, "late": 1}
            assert await counted("channel", q="-assignee:me") == {"sms": 1}
            assert await counted("status", q="merci") == {"closed": 1}
            await inbox.get("/v1/conversations/counts", by="mood", expect=400)

    asyncio.run(body())
