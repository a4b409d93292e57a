"""What may be set up and written over the API where mail goes out: nothing leads inside, nothing breaks out."""

from __future__ import annotations

import asyncio
import io
import logging
from pathlib import Path
from typing import Any

import pytest

from channels.simulators.mail import MailSimulator, ServerLooks
from tests.journeys.gateway import open_journey
from tests.journeys.post import OURS, open_post

ANA = "ana@mail.example"
BREAKING = "a\r\nBcc: eve@evil.example"
PASSWORD = "a-password-that-must-stay-ours"
MAILBOX = {"address": OURS, "smtp_host": "mail.example", "smtp_user": "help", "smtp_password": PASSWORD}
REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("/settings/smtp_host", {"smtp_host": "127.0.0.1", "smtp_port": 6379}),
    ("/settings/smtp_host", {"smtp_host": "169.254.169.254"}),
    ("/settings/smtp_host", {"smtp_host": "::1"}),
    ("/settings/smtp_host", {"smtp_host": "mail.example:25"}),
    ("/settings/oauth_token_url", {"oauth_token_url": "http://10.0.0.8/", "oauth_client_id": "c",
                                   "oauth_refresh_token": "r"}),
    ("/settings/oauth_token_url", {"oauth_token_url": "https://login.example/"}),
    ("/settings/address", {"address": "help@shop.example\r\nRCPT TO:<eve@evil.example>"}),
    ("/settings/name", {"name": BREAKING}),
    ("/settings/smtp_security", {"smtp_security": "none"}),
    ("/settings/smtp_user", {"smtp_user": None}),
    ("/settings/smtp_ca", {"smtp_ca": "no certificate"}),
    ("/settings/dkim_domain", {"dkim_domain": "shop.example"}),
    ("/settings/dkim_private_key", {"dkim_domain": "a.example", "dkim_selector": "s", "dkim_private_key": PASSWORD}),
]  # fmt: skip


async def _no_number(*_: object) -> str:
    """The simulated Twilio is inside as well."""
    return ""


def test_settings_that_lead_inside_or_show_secrets_are_refused(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """422 with the setting's name, whatever listens there (security.md T17), and no secret in the answer."""
    monkeypatch.setattr("tests.journeys.gateway._connect", _no_number)

    async def body() -> None:
        async with open_journey(database_url, redis_url, tmp_path, SWITCHBOARD_EGRESS_ALLOW="") as journey:
            for pointer, settings in REFUSED:
                wanted = {"adapter": "email-smtp", "name": "Mail", "settings": {**MAILBOX, **settings}}
                answer = await journey.client.post("/v1/channels", json=wanted)
                assert answer.status_code == 422, (pointer, answer.text)
                assert answer.json()["errors"][0]["pointer"] == pointer, answer.text
                assert PASSWORD not in answer.text

    asyncio.run(body())


def test_what_breaks_out_of_a_header_is_refused(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """A subject or an address with a line break is 422, and nobody gets a mail (security.md T39)."""

    async def body() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey, open_post(journey) as post:
            await post.write(ANA, "Hello")
            messages = f"/v1/conversations/{(await journey.conversation_with(ANA))['id']}/messages"
            for field, broken in (
                ("subject", BREAKING),
                ("cc", ["a@b.example>\r\nRCPT TO:<c@d.example"]),
                ("bcc", ["eve@evil.example\r\nSubject: x"]),
                ("cc", ["a@b.example> BODY=8BITMIME"]),
            ):
                answer = await journey.client.post(messages, json={"text": "Hi", field: broken})
                assert answer.status_code == 422, (broken, answer.text)
                assert field in answer.json()["errors"][0]["pointer"]
            sent = await journey.post(messages, {"text": "Hi", "subject": "Yours"})
            await journey.delivery(sent["id"], "sent")
            assert [(mail.recipients, mail.subject) for mail in post.mail.ledger.accepted] == [([ANA], "Yours")]

    asyncio.run(body())


def test_a_server_that_lost_its_tls_keeps_the_mail_waiting(
    database_url: str, redis_url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """No password is shown to it, the message stays queued, and no log has a secret (security.md T40)."""
    mail = MailSimulator(looks=ServerLooks(users={"help": PASSWORD}))
    secure = {"smtp_security": "starttls", "smtp_user": "help", "smtp_password": PASSWORD}
    logged = io.StringIO()
    handler = logging.StreamHandler(logged)

    async def body() -> None:
        async with (
            open_journey(database_url, redis_url, tmp_path) as journey,
            open_post(journey, mail=mail, **secure) as post,
        ):
            await post.write(ANA, "Hello")
            messages = f"/v1/conversations/{(await journey.conversation_with(ANA))['id']}/messages"
            sent = await journey.post(messages, {"text": "Hi"})
            async with asyncio.timeout(30):
                while mail.connections < 2:  # noqa: ASYNC110 - the server has no event for it
                    await asyncio.sleep(0.02)
            assert (await journey.delivery(sent["id"], "queued", "sending"))["state"]
            assert "AUTH" not in mail.log
            assert not mail.ledger.accepted

    logging.getLogger().addHandler(handler)
    try:
        asyncio.run(body())
    finally:
        logging.getLogger().removeHandler(handler)
    told = capfd.readouterr()
    assert PASSWORD not in logged.getvalue() + told.out + told.err
