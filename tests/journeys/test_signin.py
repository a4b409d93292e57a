"""Signing in over the running gateway: links by mail, and streams that end with their session."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path
from typing import Any

import httpx

from inbox.kit.db import tx
from inbox.staff.actions import add_agent
from inbox.staff.passwords.actions import set_password
from inbox.staff.roles import Role
from tests.journeys.gateway import Journey, eventually, open_journey
from tests.journeys.post import Post, open_post

ANA = "ana@agents.example"
GOOD, BETTER = "plum under seven bridges", "a whole other sentence"


async def take_on(*, password: str | None = GOOD, role: Role = "agent", email: str = ANA) -> str:
    """An agent; the id."""
    async with tx():
        agent = await add_agent(name="Ana", email=email, role=role)
        if password:
            await set_password(agent.id, password)
    return f"agt_{agent.id.hex}"


class Page:
    """A browser at the gateway's own console."""

    def __init__(self, journey: Journey) -> None:
        self.client = httpx.AsyncClient(base_url=journey.url, timeout=10, headers={"Origin": journey.url})

    async def sign_in(self, password: str, email: str = ANA) -> httpx.Response:
        """By password."""
        answer = await self.client.post("/v1/session", json={"email": email, "password": password})
        if answer.status_code == 200:
            self.client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
        return answer

    async def __aenter__(self) -> Page:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()


async def mailed_link(post: Post, journey: Journey, *, at_least: int = 1) -> str:
    """The path of the API that the last link in an agent's mail stands for."""
    mail = (await post.received(ANA, at_least=at_least))[-1]
    found = re.search(re.escape(journey.url) + r"/console/(invitation|reset)/([\w-]{43})\b", mail.text)
    assert found, mail.text
    kind = {"invitation": "invitations", "reset": "password-resets"}[found[1]]
    return f"/v1/{kind}/{found[2]}"


def test_links_come_by_mail(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """An invitation, then a forgotten password; who asks for an address of nobody's causes no mail."""

    async def body() -> None:
        # Other tests ask from this address as well.
        often: Any = {"SWITCHBOARD_PASSWORD_RESETS_PER_ADDRESS": "1000"}
        async with open_journey(database_url, redis_url, tmp_path, **often) as journey, open_post(journey) as post:
            agent = await take_on(password=None)
            nothing = await journey.client.post("/v1/password-resets", json={"email": ANA})
            assert nothing.status_code == 202
            invited = await journey.post(f"/v1/agents/{agent}/invitations", {"by_mail": True})
            assert invited["url"] is None
            path = await mailed_link(post, journey)
            [mail] = await post.received(ANA)
            assert mail.subject == "Your account at 127.0.0.1"
            assert b"auto-submitted: auto" in mail.content.lower()
            async with Page(journey) as page:
                assert (await page.client.post(path, json={"password": GOOD})).status_code == 200
                assert (await page.sign_in(GOOD)).status_code == 200
                for email in ("nobody@agents.example", ANA.upper()):
                    assert (await page.client.post("/v1/password-resets", json={"email": email})).status_code == 202
                path = await mailed_link(post, journey, at_least=2)
                assert (await page.client.post(path, json={"password": BETTER})).status_code == 200
                assert (await page.client.get("/v1/session")).status_code == 401
                assert (await page.client.post(path, json={"password": GOOD})).status_code == 400
                assert (await page.sign_in(BETTER)).status_code == 200
            assert len(await post.received(ANA)) == 2
            assert post.mail.ledger.inbox_of("nobody@agents.example") == []
            actions = [one["action"] for one in (await journey.get("/v1/audit-log", limit=200))["data"]]
            assert {"agent.invited", "agent.password_reset_sent", "session.began", "session.revoked"} <= set(actions)

    asyncio.run(body())


async def read_stream(page: Page, told: list[str]) -> float:
    """Follow the feed until it ends; when that was."""
    async with page.client.stream("GET", "/v1/events/stream") as answer:
        told.append(str(answer.status_code))
        async for chunk in answer.aiter_text():
            told.extend(chunk.splitlines())
    return time.monotonic()


def test_a_stream_ends_with_its_session(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Revoked, it is told nothing more, within seconds; another agent's goes on."""

    async def body() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey:
            await take_on()
            await take_on(email="bo@agents.example")
            async with Page(journey) as page, Page(journey) as other:
                await page.sign_in(GOOD)
                await other.sign_in(GOOD, "bo@agents.example")
                told, others = list[str](), list[str]()
                streams = [
                    asyncio.create_task(read_stream(page, told)),
                    asyncio.create_task(read_stream(other, others)),
                ]

                async def both_ready() -> Any:
                    return all("event: ready" in heard for heard in (told, others))

                await eventually(both_ready)
                [session] = [
                    one
                    for one in (await journey.get("/v1/sessions"))["data"]
                    if one["agent_id"] == (await page.client.get("/v1/agents/me")).json()["id"]
                ]
                began = time.monotonic()
                assert (await journey.client.delete(f"/v1/sessions/{session['id']}")).status_code == 204
                async with asyncio.timeout(10):
                    ended = await streams[0]
                assert ended - began < 5
                assert not streams[1].done()
                streams[1].cancel()
                await asyncio.wait(streams)

    asyncio.run(body())
