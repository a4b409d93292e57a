"""Files of visitors and agents through the running gateway, and what is left of a visitor who was erased."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

from inbox.attachments.stripping import strip_notes
from inbox.kit.db import execute, fetch_value
from inbox.kit.ids import read_id
from inbox.transfers.exports.person import SECTIONS, list_held
from tests.inbox.attachments.photos import JPEG, MAKER
from tests.journeys.chatting import Browser, open_chat
from tests.journeys.gateway import eventually, open_journey
from tests.journeys.test_webchat_services import answer, conversation_of


def test_files_go_both_ways_and_to_nobody_else(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """A picture is typed by its bytes and reaches the agent; another visitor finds no file, nor can they send it."""

    async def scenario() -> None:
        async with (
            open_journey(database_url, redis_url, tmp_path) as journey,
            Browser(journey, await open_chat(journey)) as browser,
            Browser(journey, browser.channel_id) as other,
        ):
            await browser.begin()
            await other.begin()
            page = await upload(browser, "door.png", b"<html><script>alert(1)</script></html>", "image/png")
            assert (page.status_code, page.json()["code"]) == (415, "unsupported_media")
            sent = await upload(browser, "door.png", PIXEL, "text/html")
            assert sent.status_code == 201, sent.text
            file = sent.json()
            assert (file["media_type"], file["width"], file["url"]) == (
                "image/png", 1, f"/widget/v1/attachments/{file['id']}",
            )  # fmt: skip
            stolen = await other.call(
                "POST", "/messages", {"client_message_id": "x", "attachment_ids": [file["id"]], "text": "mine"}
            )
            assert stolen.status_code == 422
            await browser.write("Look", attachment_ids=[file["id"]])
            conversation = await conversation_of(browser)
            got = await browser.call("GET", f"/attachments/{file['id']}")
            assert (got.status_code, got.content) == (200, PIXEL)
            assert got.headers["content-disposition"].startswith("attachment")
            assert "sandbox" in got.headers["content-security-policy"]
            assert (await other.call("GET", f"/attachments/{file['id']}")).status_code == 404
            [entry] = (await journey.get(f"/v1/conversations/{conversation['id']}/entries", types="message"))["data"]
            assert entry["parts"][1]["attachment"]["id"] == file["id"]
            ours = await journey.client.post("/v1/attachments", files={"file": ("a.png", PIXEL, "image/png")})
            image = {"type": "image", "attachment": {"id": ours.json()["id"]}}
            assert (await browser.call("GET", f"/attachments/{ours.json()['id']}")).status_code == 404
            await answer(journey, browser, conversation["id"], "This one", parts=[image])
            assert (await browser.call("GET", f"/attachments/{ours.json()['id']}")).content == PIXEL

    asyncio.run(scenario())


def test_photos_go_out_without_where_they_were_taken(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """To the agent and back to visitors (T30); the original is had by asking. What is too large shows nowhere (T29)."""

    async def scenario() -> None:
        async with (
            open_journey(database_url, redis_url, tmp_path) as journey,
            Browser(journey, await open_chat(journey)) as browser,
        ):
            await browser.begin()
            photo = (await upload(browser, "me.jpg", JPEG, "image/jpeg")).json()
            await browser.write("Look", attachment_ids=[photo["id"]])
            assert MAKER in JPEG
            own = await browser.call("GET", f"/attachments/{photo['id']}")
            assert own.content == strip_notes(JPEG, "image/jpeg")
            path = f"/v1/attachments/{photo['id']}"
            seen = await journey.client.get(path, follow_redirects=True)
            whole = await journey.client.get(path, params={"original": "true"}, follow_redirects=True)
            assert (seen.content, whole.content) == (own.content, JPEG)
            link = (await journey.client.get(path)).headers["location"]
            assert (await journey.client.get(f"{link}&original=1")).status_code == 404
            bomb = PIXEL[:16] + (50_000).to_bytes(4) + (50_000).to_bytes(4) + PIXEL[24:]
            kept = (await upload(browser, "bomb.png", bomb, "image/png")).json()
            assert (kept["media_type"], kept["width"]) == ("application/octet-stream", 50_000)
            big = await upload(browser, "big.png", PIXEL + bytes(2_000), "image/png")
            assert big.status_code == 201
            async with Browser(journey, await open_chat(journey, files={"max_bytes": 1_000})) as other:
                await other.begin()
                large = await upload(other, "big.png", PIXEL + bytes(2_000), "image/png")
                assert (large.status_code, large.json()["code"]) == (413, "attachment_too_large")

    asyncio.run(scenario())


def test_an_erased_visitor_is_nowhere(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Sessions, links, notices, files and ratings go with the person; before, all of it is theirs to have."""

    async def scenario() -> None:
        async with (
            open_journey(database_url, redis_url, tmp_path) as journey,
            Browser(journey, await open_chat(journey)) as browser,
        ):
            await browser.begin()
            await upload(browser, "door.png", PIXEL, "image/png")
            await browser.write("hi")
            conversation = await conversation_of(browser)
            path = f"/v1/conversations/{conversation['id']}"
            await answer(journey, browser, conversation["id"], "hello")
            question = await journey.post(f"{path}/csat-requests", {})
            await browser.call("POST", "/csat", {"entry_id": question["id"], "rating": 1, "comment": "a secret"})
            await browser.call("POST", "/resume-link", {})
            told = "INSERT INTO visitor_push (id, session_id, visitor_id, endpoint_hash, endpoint, p256dh, auth) "
            await execute(f"{told} SELECT id, id, visitor_id, '', 'https://push.example', '', '' FROM visitor_session")
            contact = (await journey.get(path))["contact"]["id"]
            held = await whole_export([read_id("ctc", contact)])
            assert {"visitor", "visitor_push", "csat_rating"} <= held.keys()
            await journey.post(f"/v1/contacts/{contact}/erase", {"reason": "asked", "confirm": contact}, status=202)

            async def gone() -> bool:
                return not [table for table in VISITOR_TABLES if await fetch_value(f"SELECT count(*) FROM {table}")]

            await eventually(gone)
            browser.channel_id = await open_chat(journey)

            async def closed() -> bool:
                return (await browser.call("GET", "/messages")).status_code == 401

            await eventually(closed)

    asyncio.run(scenario())


VISITOR_TABLES = (
    "visitor", "visitor_session", "visitor_push", "visitor_link", "visitor_upload", "csat_rating", "attachment",
    "entry",
)  # fmt: skip


async def whole_export(contact_ids: list[UUID]) -> dict[str, list[str]]:
    """Everything held on somebody, by what it is."""
    return {
        name: lines
        for place, (name, *_) in enumerate(SECTIONS)
        if (lines := (await list_held(place, contact_ids, after=""))[0])
    }


PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000000"
    "0200015e2d3f1d0000000049454e44ae426082"
)


async def upload(browser: Browser, name: str, content: bytes, media_type: str) -> Any:
    """A form with one file, as a browser sends it."""
    headers = {"Authorization": f"Bearer {browser.token}", "Origin": str(browser.origin)}
    return await browser.client.post("/attachments", files={"file": (name, content, media_type)}, headers=headers)
