"""Searches over HTTP: the list with `q`, its highlights, counts and pages, and single messages that are found."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from inbox.kit.db import execute
from inbox.kit.ids import show_id
from tests.inbox.builders import ANA, NOW, make_channel, receive, text_message
from tests.inbox.conversations.search.opened import open_inbox


def test_the_list_is_narrowed_by_a_query_and_plain_parameters(database_url: str) -> None:
    """`q` joins the plain parameters; `me` is the key's agent, or the agent named where the key is not bound."""

    async def body() -> None:
        async with open_inbox(database_url) as inbox:
            assert set(await inbox.found(q="order OR merci")) == {"ana", "ben"}
            assert await inbox.found(q="order OR merci", status="closed") == ["ben"]
            assert await inbox.found(q="assignee:me") == ["ana"]
            assert set(await inbox.found(q="")) == {"ana", "ben", "cai"}
            admin, agent = inbox.api.admin_key, show_id("agt", inbox.told["agent"])
            assert await inbox.found(q="assignee:me", key=admin, agent=agent) == ["ana"]
            problem = await inbox.get("/v1/conversations", q="is:open assignee:me", key=admin, expect=400)
            assert problem["errors"][0]["offset"] == 17

    asyncio.run(body())


def test_items_show_where_the_words_stand(database_url: str) -> None:
    """The newest entry with most of the words, else the subject or the name; matches as numbers, never as HTML."""

    async def highlight(inbox: Any, q: str) -> Any:
        [item] = (await inbox.get("/v1/conversations", q=q))["data"]
        return item["highlight"]

    async def body() -> None:
        async with open_inbox(database_url) as inbox:
            shown = await highlight(inbox, "order 8841 late")
            assert (shown["field"], shown["seq"]) == ("entry", 1)
            assert shown["snippet"] == "Where is my order 8841? It is late."
            parts = [shown["snippet"][one["offset"] :][: one["length"]] for one in shown["matches"]]
            assert parts == ["order", "8841", "late"]
            assert (await highlight(inbox, "tomo"))["snippet"] == "Sorry, the parcel leaves tomorrow."
            assert (await highlight(inbox, "ruiz"))["field"] == "contact"
            await execute("UPDATE conversation SET subject = 'Fragile glass'")
            assert (await highlight(inbox, "glass ruiz"))["field"] == "subject"
            assert (await highlight(inbox, "12125550100")) is None
            assert (await highlight(inbox, "tag:vip -merci")) is None

    asyncio.run(body())


def test_pages_of_a_search_follow_one_another(database_url: str) -> None:
    """A cursor goes on with the same search, and with no other."""

    async def body() -> None:
        async with open_inbox(database_url) as inbox:
            q = "is:open OR merci"
            page = await inbox.get("/v1/conversations", q=q, limit=1)
            seen = [inbox.names[one["id"]] for one in page["data"]]
            while cursor := page["page"]["next_cursor"]:
                other = await inbox.get("/v1/conversations", q="is:open", limit=1, cursor=cursor, expect=400)
                assert other["code"] == "cursor_mismatch"
                page = await inbox.get("/v1/conversations", q=q, limit=1, cursor=cursor)
                seen += [inbox.names[one["id"]] for one in page["data"]]
            assert sorted(seen) == ["ana", "ben", "cai"]

    asyncio.run(body())


def test_a_list_is_counted_on_demand(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`count` tells how many there are in all, of the query and the plain parameters together; else it is null."""

    async def body() -> None:
        async with open_inbox(database_url) as inbox:
            for kind in ("exact", "estimate"):
                page = (await inbox.get("/v1/conversations", q="order OR merci", limit=1, count=kind))["page"]
                assert page["count"] == {"value": 2, "exact": True}
            monkeypatch.setattr("inbox.conversations.search.queries.ESTIMATED_FROM", 1)
            page = (await inbox.get("/v1/conversations", q="is:open", count="estimate"))["page"]
            assert page["count"]["value"] >= 2
            assert page["count"]["exact"] is False
            page = (await inbox.get("/v1/conversations", status="closed", count="exact"))["page"]
            assert page["count"] == {"value": 1, "exact": True}
            assert (await inbox.get("/v1/conversations"))["page"]["count"] is None

    asyncio.run(body())


SQL: list[dict[str, str]] = [
    {"sort": "id;select pg_sleep(5)"},
    {"q": ") OR 1=1--"},
    {"q": "number:1;select pg_sleep(5)"},
    {"q": "sort:id"},
    {"q": "attr.x:1)) OR pg_sleep(5)"},
    {"q": "is:open'"},
    {"view": "'; drop table saved_view"},
    {"count": "all"},
]


def test_sql_in_filters_is_refused_at_once(database_url: str) -> None:
    """What looks like SQL is an unknown word of the language: a problem at once, and no statement."""

    async def body() -> None:
        async with open_inbox(database_url) as inbox:
            await inbox.get("/v1/conversations")
            for params in SQL:
                began = time.perf_counter()
                answer = await inbox.api.call("GET", "/v1/conversations", params=params)
                assert answer.status_code in {400, 404, 422}, answer.text
                assert time.perf_counter() - began < 4.5  # 0.1 s where nothing else runs; a sleep of 5 would show

    asyncio.run(body())


def test_a_refused_query_is_explained(database_url: str) -> None:
    """The problem has the parameter, the characters that are wrong, what may stand there, and what was meant."""

    async def body() -> None:
        async with open_inbox(database_url) as inbox:
            problem = await inbox.get("/v1/conversations", q="late is:opne", expect=400)
            assert (problem["code"], problem["hint"]) == ("invalid_query", "Did you mean `open`?")
            [error] = problem["errors"]
            assert (error["pointer"], error["offset"], error["length"]) == ("?q", 8, 4)
            assert "open" in error["allowed"]

    asyncio.run(body())


def test_messages_and_notes_are_found_one_by_one(database_url: str) -> None:
    """All words stand in one entry; it comes with its conversation and where they stand; the newest first."""

    async def hits(inbox: Any, q: str, **params: Any) -> list[str]:
        return [one["snippet"] for one in (await inbox.get("/v1/search", q=q, **params))["data"]]

    async def body() -> None:
        async with open_inbox(database_url) as inbox:
            [hit] = (await inbox.get("/v1/search", q="order late"))["data"]
            assert inbox.names[hit["conversation"]["id"]] == "ana"
            assert hit["conversation"]["contact"]["name"] == "Ana Ruiz"
            assert hit["entry"]["text"] == "Where is my order 8841? It is late."
            assert [hit["snippet"][one["offset"] :][: one["length"]] for one in hit["matches"]] == ["order", "late"]
            assert await hits(inbox, "order parcel") == []
            assert await hits(inbox, "order OR parcel") == [
                "Sorry, the parcel leaves tomorrow.", "Where is my order 8841? It is late.",
            ]  # fmt: skip
            assert await hits(inbox, "type:note") == ["She ordered on a public holiday"]
            assert await hits(inbox, "direction:inbound is:closed") == ["Merci, c'était très bien!"]
            assert await hits(inbox, "after:2030-01-01") == []
            assert (await inbox.get("/v1/search", q="type:mail", expect=400))["errors"][0]["offset"] == 5
            first = await inbox.get("/v1/search", q="tag:vip", limit=2)
            rest = await inbox.get("/v1/search", q="tag:vip", limit=2, cursor=first["page"]["next_cursor"])
            assert [one["entry"]["seq"] for one in first["data"] + rest["data"]] == [3, 2, 1]

    asyncio.run(body())


def test_redacted_words_are_found_nowhere(database_url: str) -> None:
    """What was redacted leads neither to its conversation nor to itself."""

    async def body() -> None:
        async with open_inbox(database_url) as inbox:
            await execute("UPDATE entry SET redacted_at = $1 WHERE text LIKE '%parcel%'", NOW)
            assert await inbox.found(q="parcel") == []
            assert (await inbox.get("/v1/search", q="parcel"))["data"] == []

    asyncio.run(body())


def test_a_common_word_is_found_by_walking_the_list(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Words that many entries have are looked for in another way, which finds the same."""

    async def body() -> None:
        async with open_inbox(database_url) as inbox:
            rare = await inbox.found(q="order late OR merci")
            for limit, value in (("RARE", 0), ("COMMON", 0)):
                monkeypatch.setattr(f"inbox.conversations.search.queries.{limit}", value)
                assert await inbox.found(q="order late OR merci") == rare
            lane = await make_channel("+12125550198")
            await receive(lane, text_message("order again", sender=ANA))
            assert await inbox.found(q="again") == ["ana"]

    asyncio.run(body())


def test_the_feed_tells_of_what_matches_now(database_url: str) -> None:
    """`q` keeps the events of conversations that match; the cursor moves over the others."""

    async def body() -> None:
        async with open_inbox(database_url) as inbox:
            await execute("UPDATE feed_event SET cursor = position")
            await execute("UPDATE feed_head SET cursor = (SELECT max(cursor) FROM feed_event)")
            everything = await inbox.get("/v1/events", limit=200)
            page = await inbox.get("/v1/events", limit=200, q="is:closed")
            assert {inbox.names[one["conversation_id"]] for one in page["data"]} == {"ben"}
            assert page["page"]["next_cursor"] == everything["page"]["next_cursor"]
            await execute("UPDATE conversation SET status = 'open'")
            assert (await inbox.get("/v1/events", q="is:closed"))["data"] == []
            assert (await inbox.get("/v1/events", q="is:shut", expect=400))["errors"][0]["offset"] == 3

    asyncio.run(body())
