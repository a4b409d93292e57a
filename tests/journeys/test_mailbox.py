"""A mailbox from its connection to the conversation, through the API and a real mail server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.journeys.gateway import Journey, eventually, open_journey
from tests.mail.dovecot import PASSWORD, Dovecot, make_mail


def run_journey(database_url: str, redis_url: str, folder: Path, body: Callable[[Journey], Awaitable[None]]) -> None:
    """Run a test's body with everything running."""

    async def scenario() -> None:
        async with open_journey(database_url, redis_url, folder) as journey:
            await body(journey)

    asyncio.run(scenario())


async def connect_mailbox(journey: Journey, server: Dovecot, user: str, **changes: Any) -> str:
    """A channel of a mailbox on this machine; its id."""
    settings = {
        "address": "help@shop.example",
        "smtp_host": "127.0.0.1",
        "imap_host": "127.0.0.1",
        "imap_port": server.port,
        "imap_security": "none",
        "imap_user": user,
        "imap_password": PASSWORD,
        "start": "all",
        **changes,
    }
    body = {"adapter": "email-imap", "name": user, "settings": settings}
    return str((await journey.post("/v1/channels", body))["id"])


async def health_of(journey: Journey, channel_id: str, state: str) -> Any:
    """The channel's health, once it is in this state."""

    async def found() -> Any:
        health = await journey.get(f"/v1/channels/{channel_id}/health")
        return health if health["state"] == state else None

    return await eventually(found)


def test_mail_comes_into_conversations(database_url: str, redis_url: str, tmp_path: Path, dovecot: Dovecot) -> None:
    """What lies in the mailbox and what comes into it; health says that it was read, and when."""
    dovecot.drop(make_mail(1, sender="ada@customer.example"), user="journey")

    async def body(journey: Journey) -> None:
        channel = await connect_mailbox(journey, dovecot, "journey")
        conversation = await journey.conversation_with("ada@customer.example")
        [entry] = await journey.entries(conversation["id"])
        assert entry["parts"][0]["text"] == "Where is my order 1?"
        dovecot.drop(make_mail(2, sender="ben@customer.example"), user="journey")
        await journey.conversation_with("ben@customer.example")
        health = await health_of(journey, channel, "ok")
        assert (health["problem"], health["quarantined"], health["last_read_at"] is None) == (None, 0, False)
        measured = (await journey.client.get("/metrics")).text
        [told] = [line for line in measured.splitlines() if line.startswith("switchboard_imap_last_success_timestamp{")]
        assert channel in told
        assert time.time() - float(told.split()[-1]) < 60

    run_journey(database_url, redis_url, tmp_path, body)


def test_a_wrong_password_is_told_and_mended(
    database_url: str, redis_url: str, tmp_path: Path, dovecot: Dovecot
) -> None:
    """The operator reads what is wrong and what helps; new settings are tried at once, and nothing was lost."""
    dovecot.drop(make_mail(3, sender="cai@customer.example"), user="mended")

    async def body(journey: Journey) -> None:
        channel = await connect_mailbox(journey, dovecot, "mended", imap_password="wrong-word")
        problem = (await health_of(journey, channel, "failing"))["problem"]
        assert problem["code"] == "provider_auth"
        assert "refuses the login" in problem["reason"]
        assert "imap_password" in problem["fix"]
        assert "wrong-word" not in str(problem)
        patch = {"settings": {"imap_password": PASSWORD}}
        assert (await journey.client.patch(f"/v1/channels/{channel}", json=patch)).status_code == 200
        await journey.conversation_with("cai@customer.example")
        assert (await health_of(journey, channel, "ok"))["problem"] is None

    run_journey(database_url, redis_url, tmp_path, body)


def test_no_mailbox_leads_into_our_network(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """A host that is not public is refused when it is saved, and nothing is connected to (security.md T17)."""

    async def body(journey: Journey) -> None:
        settings = {
            "address": "help@shop.example", "smtp_host": "127.0.0.1", "imap_host": "10.0.0.7", "imap_password": "x",
        }  # fmt: skip
        refused = await journey.post(
            "/v1/channels", {"adapter": "email-imap", "name": "Inside", "settings": settings}, status=422
        )
        assert [error["pointer"] for error in refused["errors"]] == ["/settings/imap_host"]

    run_journey(database_url, redis_url, tmp_path, body)
