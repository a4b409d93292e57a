"""The record of a conversation goes out by mail: what was said, as a file, and never what was noted."""

from __future__ import annotations

import asyncio
from email import message_from_bytes
from io import BytesIO
from pathlib import Path

from pypdf import PdfReader

from tests.journeys.gateway import open_journey
from tests.journeys.post import open_post
from tests.journeys.test_mail_by_smtp import ANA


def test_a_transcript_is_sent_as_the_formal_record(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """The contact gets the whole conversation as a PDF, in its thread; asked twice it goes once."""

    async def body() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey, open_post(journey) as post:
            await post.write(ANA, "My mug arrived broken", subject="Mug")
            conversation = (await journey.conversation_with(ANA))["id"]
            path = f"/v1/conversations/{conversation}"
            await journey.post(f"{path}/notes", {"text": "a difficult one"})
            await journey.post(f"{path}/messages", {"text": "We send you a new one"})
            await post.received(ANA)
            asked = {"client_message_id": "record", "text": "The record."}
            sent = await journey.post(f"{path}/transcript", asked)
            assert (await journey.post(f"{path}/transcript", asked))["id"] == sent["id"]
            assert [part["type"] for part in sent["parts"]] == ["text", "file"]
            _, record = await post.received(ANA, at_least=2)
            assert record.subject == "Re: Mug"
            assert record.text.startswith("The record.")
            [file] = record.files
            assert (file.name, file.media_type) == ("conversation-1.pdf", "application/pdf")
            [content] = [
                part.get_payload(decode=True)
                for part in message_from_bytes(record.content).walk()
                if part.get_content_type() == file.media_type
            ]
            assert isinstance(content, bytes)
            words = "".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages)
            assert "My mug arrived broken" in words
            assert "We send you a new one" in words
            assert "difficult" not in words
            log = await journey.get("/v1/audit-log", target=conversation, action="conversation.transcript_sent")
            assert log["data"]
            wrong = await journey.post(f"{path}/transcript", {"time_zone": "Mars/Olympus"}, status=422)
            assert wrong["errors"][0]["pointer"] == "/time_zone"
            await asyncio.sleep(0.3)
            assert len(await post.received(ANA)) == 2

    asyncio.run(body())


def test_who_has_no_mail_address_gets_no_record(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """A conversation by text alone is refused, and says what it wants."""

    async def body() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey:
            await journey.twilio.text_in("+34600111222", "Hola")
            conversation = (await journey.conversation_with("+34600111222"))["id"]
            refused = await journey.post(f"/v1/conversations/{conversation}/transcript", {}, status=422)
            assert refused["code"] == "channel_cannot"

    asyncio.run(body())
