"""The customer's screens of a demo over HTTP: what a phone and a mail program show, and what is written on them."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import httpx
import msgspec
import pytest

from channels.simulators.mail import ReceivedMail
from gateway.commands.demo import demo_settings
from gateway.configuration import load_settings
from gateway.demo.photos import take_photo
from gateway.demo.screen import Screen
from gateway.demo.seeding import CUSTOMER_MAIL, CUSTOMER_PHONE, LINES, MAIL_ADDRESS
from gateway.demo.stage import Stage, open_stage
from tests.ports import free_ports

OURS = LINES["orders"][0]
TEXTS = f"/sim/api/phones/{CUSTOMER_PHONE}/texts"
MAILS = f"/sim/api/mailboxes/{CUSTOMER_MAIL}/mails"


class Play(msgspec.Struct, frozen=True):
    """A running demo without traffic, and a browser."""

    stage: Stage
    client: httpx.AsyncClient

    async def read(self, path: str) -> Any:
        """The JSON of what has to be there."""
        answer = await self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def write(self, path: str, body: Any, *, status: int = 202) -> Any:
        """The JSON of what has to be answered so."""
        answer = await self.client.post(path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()


@asynccontextmanager
async def open_play(database_url: str, redis_url: str, folder: Path) -> AsyncIterator[Play]:
    """Everything a demo runs on."""
    (port,) = free_ports(1)
    named = {
        "SWITCHBOARD_DATABASE_URL": database_url,
        "SWITCHBOARD_REDIS_URL": redis_url,
        "SWITCHBOARD_DATA_DIR": str(folder),
    }
    settings, _ = load_settings(named, demo=True, env_file=folder / ".env")
    settings = demo_settings(settings, port=port, data_dir=folder)
    async with (
        open_stage(settings, Screen(aside=True), seed=7) as stage,
        httpx.AsyncClient(base_url=stage.url, timeout=30) as client,
    ):
        yield Play(stage, client)


@pytest.fixture
def play(database_url: str, redis_url: str, tmp_path: Path) -> Callable[[Callable[[Play], Awaitable[None]]], None]:
    """Run something on a demo."""

    def run(act: Callable[[Play], Awaitable[None]]) -> None:
        async def acting() -> None:
            async with open_play(database_url, redis_url, tmp_path) as opened:
                await act(opened)

        asyncio.run(acting())

    return run


def test_the_phone_and_the_mail_program(play: Callable[[Callable[[Play], Awaitable[None]]], None]) -> None:
    """What is written is on the screen at once, and what arrives is told and then shown; pictures come from here."""

    async def act(play: Play) -> None:
        scenery = await play.read("/sim/api/scenery")
        assert scenery["mail"] == MAIL_ADDRESS
        assert OURS in {one["number"] for one in scenery["numbers"]}
        await _text(play)
        await _mail(play)
        await _refuse(play)
        await _arrive(play)

    play(act)


async def _text(play: Play) -> None:
    picture = {"content_type": "image/png", "content": base64.b64encode(take_photo(Random(1))).decode()}
    screen = await play.write(TEXTS, {"to": OURS, "text": "Look", "picture": picture})
    (shown,) = screen["data"]
    assert (shown["author"], shown["peer"], shown["text"]) == ("handset", OURS, "Look")
    (address,) = shown["pictures"]
    taken = await play.client.get(address)
    assert (taken.status_code, taken.headers["content-type"]) == (200, "image/png")
    assert await play.read(TEXTS) == screen


async def _mail(play: Play) -> None:
    (written,) = (await play.write(MAILS, {"subject": "Invoice", "text": "Please"}))["data"]
    assert (written["direction"], written["peer"], written["subject"]) == ("out", MAIL_ADDRESS, "Invoice")
    play.stage.mail.ledger.record_mail(
        ReceivedMail(
            message_id="m1", envelope_from=MAIL_ADDRESS, recipients=[CUSTOMER_MAIL], at=written["at"] + 0.0005,
            subject="Re: Invoice", sender=MAIL_ADDRESS, reply_to="care+c1@demo.example", text="Here",
        )
    )  # fmt: skip
    shown = await play.write(MAILS, {"answering": "m1", "text": "Thanks"})
    assert [(one["direction"], one["subject"]) for one in shown["data"]] == [
        ("out", "Re: Invoice"), ("in", "Re: Invoice"), ("out", "Invoice"),
    ]  # fmt: skip
    assert shown["data"][0]["peer"] == "care+c1@demo.example"


async def _refuse(play: Play) -> None:
    """Nothing goes to numbers, mails and files there are not, and nothing but pictures."""
    await play.write(TEXTS, {"to": "+15550000000", "text": "x"}, status=404)
    await play.write(TEXTS, {"to": OURS, "picture": {"content_type": "text/html", "content": ""}}, status=415)
    await play.write(MAILS, {"answering": "none", "text": "x"}, status=404)
    assert (await play.client.get("/sim/api/media/none")).status_code == 404


async def _arrive(play: Play) -> None:
    """A page is told which of its screens has something new, and of no other phone's."""
    address = f"/sim/api/arrivals?phone={CUSTOMER_PHONE.replace('+', '%2B')}&mail={CUSTOMER_MAIL}"
    async with play.client.stream("GET", address) as told:
        lines = told.aiter_lines()
        assert await anext(lines) == "retry: 1000"
        handsets = play.stage.twilio.handsets
        (text,) = handsets.texts_on(CUSTOMER_PHONE)
        handsets.show_text(msgspec.structs.replace(text, handset="+15557770001", author="business"))
        handsets.show_text(msgspec.structs.replace(text, author="business"))
        assert [line async for line in _some(lines, 2)] == ["event: phone", "data: {}"]


async def _some(lines: AsyncIterator[str], count: int) -> AsyncIterator[str]:
    async for line in lines:
        if line:
            yield line
            count -= 1
        if not count:
            return


def test_the_shop_embeds_the_chat_as_any_site_would(play: Callable[[Callable[[Play], Awaitable[None]]], None]) -> None:
    """One line of script with the channel's id, under a policy without inline code; it is framed by our pages alone."""

    async def act(play: Play) -> None:
        channel = play.stage.chat.channel_id
        shop = await play.client.get("/sim/shop")
        assert f'<script src="/widget/loader.js" data-channel="{channel}" async></script>' in shop.text
        policy = shop.headers["content-security-policy"]
        assert "frame-ancestors 'self'" in policy
        assert "script-src 'self'" in policy
        page = await play.client.get("/sim")
        assert "frame-src 'self'" in page.headers["content-security-policy"]

    play(act)
