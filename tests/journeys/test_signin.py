"""Signing in over the running gateway: links by mail, and streams that end with their session."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path
from typing import Any

import httpx
import msgspec

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
        self.client = httpx.AsyncClient(base_url=journey.url, timeout=30, headers={"Origin": journey.url})

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


class Link(msgspec.Struct, frozen=True):
    """A link that was mailed: where it leads in the API, and the token behind its #."""

    path: str
    token: str

    async def choose(self, page: Page, password: str) -> int:
        """Use it; the status of the answer."""
        return (await page.client.post(self.path, json={"token": self.token, "password": password})).status_code


async def mailed_link(post: Post, journey: Journey, *, at_least: int = 1) -> Link:
    """The last link in an agent's mail."""
    mail = (await post.received(ANA, at_least=at_least))[-1]
    found = re.search(re.escape(journey.url) + r"/console/(invitation|reset)#([\w-]{43})(?![\w-])", mail.text)
    assert found, mail.text
    path = {"invitation": "/v1/invitations/accept", "reset": "/v1/password-resets/complete"}[found[1]]
    return Link(path, found[2])


def test_links_come_by_mail(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """An invitation, then a forgotten password; who asks for an address of nobody's causes no mail."""

    async def body() -> None:
        # Other tests ask from this address as well.
        often: Any = {"SWITCHBOARD_PASSWORD_RESETS_PER_ADDRESS": "1000"}
        async with open_journey(database_url, redis_url, tmp_path, **often) as journey, open_post(journey) as post:
            agent = await take_on(password=None)
            nothing = await journey.client.post("/v1/password-resets", json={"email": ANA})
            assert nothing.status_code == 202
            invited = await journey.post(f"/v1/agents/{agent}/invitations", {"by_mail": True, "locale": "de"})
            assert invited["url"] is None
            link = await mailed_link(post, journey)
            [mail] = await post.received(ANA)
            assert mail.subject == "Ihr Konto bei 127.0.0.1"
            assert b"auto-submitted: auto" in mail.content.lower()
            async with Page(journey) as page:
                assert await link.choose(page, GOOD) == 200
                assert (await page.sign_in(GOOD)).status_code == 200
                page.client.headers["Accept-Language"] = "ja, zh-TW;q=0.8, en;q=0.5"
                for email in ("nobody@agents.example", ANA.upper()):
                    assert (await page.client.post("/v1/password-resets", json={"email": email})).status_code == 202
                link = await mailed_link(post, journey, at_least=2)
                assert (await post.received(ANA))[-1].subject == "127.0.0.1 的新密码"
                assert await link.choose(page, BETTER) == 200
                assert (await page.client.get("/v1/session")).status_code == 401
                assert await link.choose(page, GOOD) == 400
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
                async with asyncio.timeout(30):
                    ended = await streams[0]
                assert ended > began
                assert not streams[1].done()
                streams[1].cancel()
                await asyncio.wait(streams)

    asyncio.run(body())


def test_no_operation_acts_by_the_cookie_alone(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Of all that is published: another site's page changes nothing, whatever it sends, nor ours without a token."""
    kinds = ("application/json", "text/plain", "multipart/form-data; boundary=x")

    async def body() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey, Page(journey) as page:
            await take_on(role="admin")
            await page.sign_in(GOOD)
            token = page.client.headers.pop("X-CSRF-Token")
            document = (await page.client.get("/openapi.json")).json()
            # What names no security of its own has that of the whole document: a key or a session.
            guarded = [
                (method, re.sub(r"\{.*?\}", "1", path))
                for path, operations in document["paths"].items()
                for method, operation in operations.items()
                if method in {"post", "put", "patch", "delete"} and "security" not in operation
            ]
            assert len(guarded) > 50
            foreign = {"Origin": "https://evil.example", "X-CSRF-Token": token}
            for number, (method, path) in enumerate(guarded):
                kind = {"Content-Type": kinds[number % len(kinds)]}
                for headers, code in ((foreign, "origin_not_allowed"), ({}, "csrf_failed")):
                    answer = await page.client.request(method, path, headers=kind | headers, content=b"{}")
                    assert (answer.status_code, answer.json()["code"]) == (403, code), (method, path)

    asyncio.run(body())
