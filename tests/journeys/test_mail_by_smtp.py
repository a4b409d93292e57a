"""Mail over real SMTP both ways, from a customer's program to the desk and back."""

from __future__ import annotations

import asyncio
from pathlib import Path

from channels.simulators.mail import DraftFile
from channels.simulators.mail.server import MailFault
from tests.journeys.gateway import open_journey
from tests.journeys.post import open_post

ANA = "ana@mail.example"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001e221bc33"
    "0000000049454e44ae426082"
)


def test_a_mail_is_answered_and_the_answer_found_again(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Words, HTML and a file come in; the answer goes out with a file, and what comes back is the same conversation."""

    async def body() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey, open_post(journey) as post:
            file = DraftFile(name="mug.png", media_type="image/png", content=PNG)
            written = await post.write(ANA, "My mug is broken", name="Ana Ruiz", subject="Order 12", files=(file,))
            conversation = (await journey.conversation_with(ANA))["id"]
            [first] = await journey.entries(conversation)
            assert first["provider"]["message_id"] == written.message_id
            assert first["text"].startswith("My mug is broken")
            upload = await journey.client.post("/v1/attachments", files={"file": ("offer.png", PNG, "image/png")})
            assert upload.status_code == 201, upload.text
            parts = [
                {"type": "text", "text": "We send you a new one"},
                {"type": "image", "attachment": {"id": upload.json()["id"]}},
            ]
            sent = await journey.post(f"/v1/conversations/{conversation}/messages", {"parts": parts})
            assert (await journey.delivery(sent["id"], "sent", "failed", "unknown"))["state"] == "sent"
            [received] = await post.received(ANA)
            assert received.text.startswith("We send you a new one")
            assert received.in_reply_to == written.message_id
            assert [(each.name, each.size) for each in received.files] == [("offer.png", len(PNG))]
            assert received.message_id.startswith("msg_")
            await post.answer(received, "Vielen Dank!", language="de")
            entries = await journey.entries(conversation, at_least=3)
            assert entries[-1]["text"] == "Vielen Dank!"
            assert not post.mail.ledger.doubled

    asyncio.run(body())


TROUBLES: list[tuple[MailFault, str, int]] = [
    ("defer", "sent", 1),
    ("leave", "sent", 1),
    ("fail", "sent", 1),
    ("refuse", "failed", 0),
    ("cut", "unknown", 0),
    ("drop", "unknown", 1),
]
"""What the customer's server does, how the message ends, and how often the customer has it."""


def test_whatever_the_server_does_nobody_has_it_twice(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """What it did not take is tried again until it does; what it may have taken is said to be unknown, and left."""

    async def body() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey, open_post(journey) as post:
            for fault, ends, copies in TROUBLES:
                customer = f"{fault}@mail.example"
                await post.write(customer, "Hello", html=False)
                conversation = (await journey.conversation_with(customer))["id"]
                post.mail.faults.next_mails = [fault]
                sent = await journey.post(f"/v1/conversations/{conversation}/messages", {"text": "Hi"})
                delivery = await journey.delivery(sent["id"], "sent", "failed", "unknown")
                assert (delivery["state"], bool(delivery["error"])) == (ends, ends != "sent"), fault
                assert len(post.mail.ledger.inbox_of(customer)) == copies, fault
            assert not post.mail.ledger.doubled

    asyncio.run(body())
