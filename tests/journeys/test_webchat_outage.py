"""A chat goes on over what breaks: the database, the worker, Redis."""

from __future__ import annotations

import asyncio
from pathlib import Path

from inbox.kit.db import execute, fetch_value
from tests.journeys.chatting import Browser, open_chat
from tests.journeys.gateway import eventually, open_journey
from tests.journeys.test_webchat import said
from tests.outage import cuttable_line


def test_what_is_written_while_the_database_is_away_is_kept(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Who has chatted lately goes on writing: the spool keeps it, and it is there once and in order afterwards."""

    async def scenario() -> None:
        async with (
            cuttable_line(database_url) as line,
            open_journey(line.url, redis_url, tmp_path) as journey,
            Browser(journey, await open_chat(journey)) as browser,
        ):
            await browser.begin()
            await browser.write("before")
            await said(browser, 1)
            await line.cut()
            first = await browser.write("during")
            await browser.write("and after it")
            await browser.write("during", client_message_id=first)
            assert (await browser.call("GET", "/messages")).status_code == 503
            await line.mend()

            async def all_there() -> bool:
                answer = await browser.call("GET", "/messages")
                return answer.status_code == 200 and len(answer.json()["data"]) == 3

            assert await eventually(all_there)
            words = [entry["text"] for entry in (await browser.history())["data"]]
            assert words == ["before", "during", "and after it"]

    asyncio.run(scenario())


def test_a_worker_that_dies_leaves_no_answer_unknown(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """A message whose handing over broke off is handed over again: it is our own chat, so it cannot be there twice."""

    async def scenario() -> None:
        async with (
            open_journey(database_url, redis_url, tmp_path) as journey,
            Browser(journey, await open_chat(journey)) as browser,
        ):
            await browser.begin()
            await browser.write("hello")
            place = (await said(browser, 1))[0]["conversation_id"]
            body = {"text": "It broke off", "undo_seconds": 2}
            message = await journey.post(f"/v1/conversations/{place}/messages", body)
            await execute(  # as a worker leaves it that dies between asking and writing down the answer
                "INSERT INTO delivery_attempt (delivery_id, kind, outcome) SELECT id, 'send', 'started' FROM delivery "
                "WHERE state = 'scheduled'"
            )
            assert (await journey.delivery(message["id"], "sent", "unknown"))["state"] == "sent"
            assert [entry["text"] for entry in await said(browser, 2)] == ["hello", "It broke off"]
            outcomes = "SELECT count(*) FROM delivery_attempt WHERE outcome = 'unknown'"
            assert await fetch_value(outcomes) == 1

    asyncio.run(scenario())
