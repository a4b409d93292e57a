"""A mail's whole way over the API: in by a provider's webhook, into its thread, answered, and the answer's answer."""

from __future__ import annotations

import asyncio
import email
import email.policy
from email.message import EmailMessage
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from litestar import Litestar, post
from litestar.params import JSONBody

from channels.simulators.serving import serve_app
from tests.journeys.gateway import Journey, eventually, open_journey
from tests.ports import free_ports

HELP, ANA, BEN, EVE = "help@us.example", "ana@a.example", "ben@b.example", "eve@e.example"
NUMBERS = count(1)
HOOK_SECRET = "a-secret-in-the-url-0123456789"


class Provider:
    """Postmark's sending API, which keeps what it was handed."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []

    def app(self) -> Litestar:
        """As it is served."""

        @post("/email", status_code=200)
        async def take(data: JSONBody[dict[str, Any]]) -> dict[str, Any]:
            """A mail to be sent."""
            self.taken.append(data)
            return {"ErrorCode": 0, "Message": "OK", "MessageID": f"b7bc-{len(self.taken)}", "To": data["To"]}

        return Litestar([take], openapi_config=None, logging_config=None)

    def header(self, name: str) -> str:
        """A header of the newest mail."""
        return next((one["Value"] for one in self.taken[-1]["Headers"] if one["Name"].lower() == name.lower()), "")


class Mailer:
    """People who write to us through Postmark."""

    def __init__(self, journey: Journey, provider: Provider, origin: str) -> None:
        self.journey = journey
        self.provider = provider
        self.origin = origin
        self.hook = ""

    async def connect(self) -> None:
        """The channel."""
        settings: dict[str, Any] = {
            "address": HELP,
            "server_token": "t" * 36,
            "hook_secret": HOOK_SECRET,
            "api_url": self.origin,
        }
        settings |= {"verify_dkim": False, "signature": "{{ agent.name }}"}
        body = {"adapter": "email-postmark", "name": "Help", "settings": settings}
        channel = await self.journey.post("/v1/channels", body)
        steps = (await self.journey.get(f"/v1/channels/{channel['id']}/setup"))["steps"]
        self.hook = next(step["value"] for step in steps if step["value"] and "/inbound" in step["value"])

    async def write(self, subject: str, *, sender: str = ANA, to: str = HELP, **headers: str) -> None:
        """A mail that comes in, raw."""
        mail = EmailMessage(policy=email.policy.SMTP)
        mail["From"], mail["To"], mail["Subject"] = sender, to, subject
        for name, value in headers.items():
            mail[name.replace("_", "-")] = value
        mail.set_content("Where is it?")
        raw = mail.as_bytes().decode()
        body: dict[str, Any] = {
            "From": sender,
            "To": to,
            "Subject": subject,
            "RawEmail": raw,
            "MessageID": str(UUID(int=next(NUMBERS))),
            "Headers": [],
        }
        body |= {"FromFull": {"Email": sender, "Name": ""}, "ToFull": [{"Email": to, "Name": ""}], "Attachments": []}
        async with httpx.AsyncClient() as client:
            answer = await client.post(self.hook, json=body, auth=("switchboard", HOOK_SECRET))
        assert answer.status_code == 200, answer.text

    async def threads(self, count: int) -> list[Any]:
        """The conversations, as soon as there are so many."""

        async def found() -> Any:
            data = (await self.journey.get("/v1/conversations"))["data"]
            return data if len(data) >= count else None

        return list(await eventually(found))

    async def sent(self, count: int) -> dict[str, Any]:
        """The newest mail that was handed over, once there are so many."""

        async def found() -> Any:
            return len(self.provider.taken) >= count

        await eventually(found)
        return self.provider.taken[-1]


def test_a_mail_is_answered_and_its_answer_comes_back(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """By Message-ID, by the signed address; strangers are seen and not written to; the raw mail is there."""

    async def opened() -> None:
        provider, [port] = Provider(), free_ports(1)
        origin = f"http://127.0.0.1:{port}"
        async with (
            serve_app(provider.app(), port=port),
            open_journey(database_url, redis_url, tmp_path) as journey,
        ):
            await walk(Mailer(journey, provider, origin))

    asyncio.run(opened())


async def walk(mailer: Mailer) -> None:
    """The journey."""
    journey = mailer.journey
    await mailer.connect()
    await mailer.write("Order 8841", Message_ID="<1@a.example>")
    [thread] = await mailer.threads(1)
    assert thread["subject"] == "Order 8841"
    path = f"/v1/conversations/{thread['id']}"
    await journey.post(f"{path}/messages", {"text": "We look", "cc": [BEN], "quote": True})
    out = await mailer.sent(1)
    assert (out["To"], out["Cc"], out["Subject"]) == (ANA, BEN, "Re: Order 8841")
    assert "Where is it?" in out["TextBody"]
    assert mailer.provider.header("In-Reply-To") == "<1@a.example>"
    ours, back = mailer.provider.header("Message-ID"), out["ReplyTo"]
    # One after the other: a busy machine may be slow to parse one, which then joins behind the next.
    await mailer.write("what now", Message_ID="<2@a.example>", In_Reply_To=ours)
    await journey.entries(thread["id"], at_least=3)
    await mailer.write("and now", to=back, Message_ID="<3@a.example>")
    await journey.entries(thread["id"], at_least=4)
    await mailer.write("let me in", sender=EVE, In_Reply_To=ours, Message_ID="<4@e.example>")
    await mailer.write("Another matter", Message_ID="<5@a.example>")
    await mailer.threads(2)
    entries = await journey.entries(thread["id"], at_least=5)
    inbound = [entry for entry in entries if entry["direction"] == "inbound"]
    assert [entry["letter"]["match"]["by"] for entry in inbound] == ["new", "message_id", "reply_address", "message_id"]
    people = (await journey.get(f"{path}/participants"))["data"]
    assert {one["address"]: one["verified"] for one in people if one["address"]} == {BEN: True, EVE: False}
    await journey.post(f"{path}/messages", {"text": "To all of you", "reply_all": True})
    out = await mailer.sent(2)
    assert (out["To"], out["Cc"]) == (ANA, BEN)
    raw = await journey.client.get(f"/v1/messages/{inbound[0]['id']}/raw", params={"format": "file"})
    assert raw.headers["content-disposition"].startswith("attachment")
    assert "Order 8841" in raw.text
