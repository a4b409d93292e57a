"""What a web chat offers besides messages, through the running gateway: ratings, mail, links, an end."""

from __future__ import annotations

import asyncio
from email import message_from_bytes
from io import BytesIO
from pathlib import Path
from typing import Any

from pypdf import PdfReader

from inbox.kit.db import execute
from tests.journeys.chatting import Browser, open_chat
from tests.journeys.gateway import Journey, eventually, open_journey
from tests.journeys.post import open_post

ANA = "ana@example.net"


async def conversation_of(browser: Browser) -> Any:
    """The visitor's conversation, once they have one."""

    async def found() -> Any:
        return (await browser.begin())["conversation"]

    return await eventually(found)


async def answer(journey: Journey, browser: Browser, conversation_id: str, text: str, **more: Any) -> Any:
    """An agent's answer, once the visitor can read it."""
    sent = await journey.post(f"/v1/conversations/{conversation_id}/messages", {"text": text, **more})

    async def shown() -> Any:
        return [entry for entry in (await browser.history())["data"] if entry["id"] == sent["id"]]

    [entry] = await eventually(shown)
    return entry


async def leave() -> None:
    """Let it be as if the visitor's last sign were half an hour ago."""
    await execute("UPDATE visitor SET last_seen_at = last_seen_at - interval '30 minutes'")


def test_an_address_of_somebody_else_merges_nobody(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Who types another's address gets nothing of theirs; it is noted, and the list of duplicates shows it."""

    async def scenario() -> None:
        async with (
            open_journey(database_url, redis_url, tmp_path) as journey,
            Browser(journey, await open_chat(journey)) as browser,
        ):
            ana = await journey.post("/v1/contacts", {"name": "Ana", "identities": [{"kind": "email", "address": ANA}]})
            await browser.begin()
            await browser.write("hi")
            conversation = await conversation_of(browser)
            kept = await browser.call("POST", "/email", {"email": ANA})
            assert (kept.status_code, kept.json()) == (200, {"state": "kept"})
            contact_id = (await journey.get(f"/v1/conversations/{conversation['id']}"))["contact"]["id"]
            stranger = await journey.get(f"/v1/contacts/{contact_id}")
            assert contact_id != ana["id"]
            assert ([one["kind"] for one in stranger["identities"]], stranger["attributes"]) == (
                ["visitor"], {"email": ANA},
            )  # fmt: skip
            assert len((await journey.get(f"/v1/contacts/{ana['id']}"))["identities"]) == 1
            alike = await journey.get(f"/v1/contacts/{contact_id}/duplicates")
            assert [one["contact"]["id"] for one in alike["data"]] == [ana["id"]]

    asyncio.run(scenario())


def test_an_answer_nobody_saw_goes_on_by_mail(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Once, with the conversation's own reply address; the customer's answer is back in the same conversation."""

    async def scenario() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey, open_post(journey) as post:
            chat = await open_chat(journey, continue_by_mail={"after_minutes": 0.01})
            async with Browser(journey, chat) as browser:
                await browser.begin(locale="es")
                await browser.write("Where is my parcel?")
                conversation = await conversation_of(browser)
                path = f"/v1/conversations/{conversation['id']}"
                await browser.call("POST", "/email", {"email": ANA})
                seen = await answer(journey, browser, conversation["id"], "One moment")
                await browser.call("POST", "/read", {"up_to_seq": seen["seq"], "state": "read"})

                async def was_read() -> bool:
                    return bool((await journey.get(f"/v1/messages/{seen['id']}"))["delivery"]["state"] == "read")

                await eventually(was_read)
                await leave()
                for text in ("It left Madrid.", "It comes on Monday."):
                    await journey.post(f"{path}/messages", {"text": text})
                [mail, *_] = await post.received(ANA)
                assert "One moment" not in mail.text
                assert mail.answer_to.startswith("help+c")
                assert "Responde a este correo" in mail.text
                await post.answer(mail, "Gracias!")

                async def answered() -> Any:
                    entries = (await journey.get(f"{path}/entries", limit=200))["data"]
                    found = [one for one in entries if one["direction"] == "inbound" and one["text"] == "Gracias!"]
                    return entries if found else None

                entries = await eventually(answered)
                moved = [one for one in entries if one["event"] and one["event"]["name"] == "moved_to_email"]
                mails = await post.received(ANA)
                told = "\n".join(one.text for one in mails)
                assert (told.count("It left Madrid."), told.count("It comes on Monday.")) == (1, 1)
                assert len(moved) == len(mails)
                assert moved[0]["recipients"] == [{"role": "to", "address": ANA}]
                assert (await journey.get(path))["reply_route"]["channel"] == "email"
                shown = [one["event"]["name"] for one in (await browser.history())["data"] if one["kind"] == "event"]
                assert "moved_to_email" in shown

    asyncio.run(scenario())


def test_a_closed_chat_is_rated(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """The question comes by itself with the close, the answer reaches the list, the conversation and the feed."""

    async def scenario() -> None:
        async with (
            open_journey(database_url, redis_url, tmp_path) as journey,
            Browser(journey, await open_chat(journey, csat={"enabled": True})) as browser,
        ):
            await browser.begin()
            await browser.write("hi")
            conversation = await conversation_of(browser)
            await answer(journey, browser, conversation["id"], "hello")
            ended = await browser.call("POST", "/end")
            assert ended.status_code == 204, ended.text

            async def asked() -> Any:
                return (await browser.begin())["conversation"]["csat"]

            question = await eventually(asked)
            rated = await browser.call(
                "POST", "/csat", {"entry_id": question["entry_id"], "rating": 5, "comment": "kind"}
            )
            assert rated.status_code == 204, rated.text
            page = await journey.get("/v1/csat", conversation=conversation["id"])
            assert (page["summary"]["average"], page["data"][0]["comment"]) == (5.0, "kind")
            whole = await journey.get(f"/v1/conversations/{conversation['id']}")
            assert (whole["status"], whole["csat"]["rating"]) == ("closed", 5)

            async def told() -> Any:
                return (await journey.get("/v1/events", types="csat.received"))["data"]

            [event] = await eventually(told)
            assert event["data"]["facts"]["rating"] == 5
            wrong = await browser.call("POST", "/csat", {"entry_id": question["entry_id"], "rating": 6})
            assert wrong.status_code == 422
            await browser.write("one more")

            async def reopened() -> Any:
                return (await journey.get(f"/v1/conversations/{conversation['id']}"))["status"] == "open"

            await eventually(reopened)

    asyncio.run(scenario())


def test_a_visitor_gets_the_transcript_of_what_they_see(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Never notes; to the address we know, not to one that is named beside it; three times an hour."""

    async def scenario() -> None:
        async with (
            open_journey(database_url, redis_url, tmp_path) as journey,
            open_post(journey) as post,
            Browser(journey, await open_chat(journey)) as browser,
        ):
            await browser.begin()
            none = await browser.call("POST", "/transcript", {"email": ANA})
            assert (none.status_code, none.json()["code"]) == (409, "state_conflict")
            await browser.write("My mug arrived broken")
            conversation = await conversation_of(browser)
            path = f"/v1/conversations/{conversation['id']}"
            await journey.post(f"{path}/notes", {"text": "a difficult one"})
            await answer(journey, browser, conversation["id"], "We send you a new one")
            assert (await browser.call("POST", "/transcript", {})).status_code == 422
            await browser.call("POST", "/email", {"email": ANA})
            sent = await browser.call("POST", "/transcript", {"email": "other@example.net"})
            assert sent.status_code == 202, sent.text
            [mail] = await post.received(ANA)
            [content] = [
                part.get_payload(decode=True)
                for part in message_from_bytes(mail.content).walk()
                if part.get_content_type() == "application/pdf"
            ]
            assert isinstance(content, bytes)
            words = "".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages)
            assert "My mug arrived broken" in words
            assert "We send you a new one" in words
            assert "difficult" not in words
            assert not post.mail.ledger.inbox_of("other@example.net")
            again = [await browser.call("POST", "/transcript", {}) for _ in range(3)]
            assert 429 in {one.status_code for one in again}

    asyncio.run(scenario())


def test_a_link_opens_the_chat_on_one_other_device(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """The same visitor, proven no more than before; used once, and not in another chat."""

    async def scenario() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey, open_post(journey) as post:
            chat = await open_chat(journey)
            async with Browser(journey, chat) as browser, Browser(journey, chat) as phone:
                await browser.begin()
                await browser.write("hi")
                conversation = await conversation_of(browser)
                made = (await browser.call("POST", "/resume-link", {})).json()["url"]
                place, _, token = made.partition("#resume=")
                assert place == f"{journey.url}/widget/v1/frame?channel={chat}"
                assert token not in place
                phone.channel_id = await open_chat(journey)
                elsewhere = await phone.call(
                    "POST", "/sessions", {"channel_id": phone.channel_id, "resume_link": token}
                )
                assert (elsewhere.status_code, elsewhere.json()["code"]) == (401, "token_expired")
                phone.channel_id = chat
                session = await phone.begin(resume_link=token)
                assert session["visitor"] == browser.session["visitor"]
                assert session["conversation"]["id"] == conversation["id"]
                assert session["token"] != browser.token
                async with Browser(journey, chat) as third:
                    again = await third.call("POST", "/sessions", {"channel_id": chat, "resume_link": token})
                    assert (again.status_code, again.json()["code"]) == (401, "token_expired")
                    forged = token[:-1] + ("A" if token[-1] != "A" else "B")
                    bad = await third.call("POST", "/sessions", {"channel_id": chat, "resume_link": forged})
                    assert bad.status_code == 401
                mailed = await browser.call("POST", "/resume-link", {"email": ANA})
                assert mailed.json() == {"url": None}
                [mail] = await post.received(ANA)
                assert f"{journey.url}/widget/v1/frame?channel={chat}#resume=" in mail.text

    asyncio.run(scenario())
