"""Who a visitor is, is decided by proof alone, once (security.md T53)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from channels.webchat.identity import hash_user_id
from tests.journeys.chatting import IDENTITY_SECRET, Browser, open_chat
from tests.journeys.gateway import Journey, eventually, open_journey

OTHER_SECRET = "f" * 32


def test_an_anonymous_thread_goes_to_the_user_who_logs_in(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """What was written before a login is the known contact's after it, on proof alone; another browser of theirs sees
    it, and after the logout nobody."""

    async def scenario() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey:
            chat = await open_chat(journey, verification="optional", identity_secret=IDENTITY_SECRET)
            known = await journey.post("/v1/contacts", {"name": "Ana Ruiz", "external": {"user": "42"}})
            async with Browser(journey, chat) as laptop, Browser(journey, chat) as phone:
                await laptop.begin()
                async with laptop.listening() as stream:
                    await laptop.write("I am not logged in yet")
                    before = await stream.until("conversation")
                    session = await laptop.identify(identity=proof("42"))
                    assert session["visitor"]["verified"] is True
                    assert session["conversation"]["id"] == before["id"]
                    await stream.until("reset")
                assert (await contact_of(journey, before["id"])) == known["id"]
                assert [one["text"] for one in (await laptop.history())["data"]] == ["I am not logged in yet"]
                await phone.begin(identity=proof("42"))
                assert [one["text"] for one in (await phone.history())["data"]] == ["I am not logged in yet"]
                assert (await laptop.call("POST", "/logout")).status_code == 204
                assert (await laptop.call("GET", "/messages")).status_code == 401
                laptop.token = None
                assert (await laptop.begin())["conversation"] is None
                assert (await phone.history())["data"]

    asyncio.run(scenario())


def test_nothing_but_a_proof_opens_a_users_history(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Where a chat asks for proof, an empty, null, foreign or altered one is a 401, and no session of anybody else
    reads what the user has written."""

    async def scenario() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey:
            chat = await open_chat(journey, verification="required", identity_secret=IDENTITY_SECRET)
            other = await open_chat(journey, verification="required", identity_secret=OTHER_SECRET, user_system="crm")
            async with Browser(journey, chat) as ana, Browser(journey, chat) as eve, Browser(journey, other) as apart:
                await ana.begin(identity=proof("42"))
                await ana.write("my secret")
                await eventually_wrote(ana, 1)
                for forged in FORGERIES:
                    answer = await eve.call("POST", "/sessions", {"channel_id": chat, "identity": forged})
                    assert (answer.status_code, answer.json()["code"]) == (401, "identity_required"), forged
                await eve.begin(identity=proof("43"))
                assert (await eve.history())["data"] == []
                await apart.begin(identity=proof("42", OTHER_SECRET))
                assert (await apart.history())["data"] == []
                apart.token = ana.token
                answer = await apart.call("POST", "/sessions", {"channel_id": other})
                assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
                unknown = await eve.call("GET", "/messages", headers={"Authorization": f"Bearer vst_{'x' * 43}"})
                assert unknown.status_code == 401

    asyncio.run(scenario())


def test_an_optional_proof_that_fails_leaves_somebody_unknown(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    """Where a proof is optional, a wrong one is no login: the chat goes on, of the claim nothing is kept."""

    async def scenario() -> None:
        async with (
            open_journey(database_url, redis_url, tmp_path) as journey,
            Browser(journey, await open_chat(journey, verification="optional", identity_secret=IDENTITY_SECRET)) as eve,
        ):
            claimed = {"user_id": "42", "hash": "0" * 64, "name": "Ana", "email": "ana@example.org"}
            session = await eve.begin(identity=claimed)
            told = session["visitor"]
            assert (told["verified"], told["name"], told["email"]) == (False, None, None)

    asyncio.run(scenario())


def test_a_typed_mail_address_matches_nobody(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Whoever says they are somebody we know by mail is still a stranger, whose thread stays their own."""

    async def scenario() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey:
            known = await journey.post(
                "/v1/contacts", {"name": "Ana", "identities": [{"kind": "email", "address": "ana@example.org"}]}
            )
            async with Browser(journey, await open_chat(journey)) as eve:
                await eve.begin(identity={"user_id": "42", "name": "Ana", "email": "ana@example.org"})
                await eve.identify(profile={"email": "ana@example.org", "attributes": {"plan": "gold"}})
                await eve.write("hello")
                conversation = (await eventually_wrote(eve, 1))["conversation"]
                stranger = await contact_of(journey, conversation)
                assert stranger != known["id"]
                [visit] = (await journey.get(f"/v1/contacts/{stranger}/visitors"))["data"]
                assert (visit["verified"], visit["email"]) == (False, "ana@example.org")
                assert visit["attributes"] == {"plan": "gold"}
                assert (await journey.get(f"/v1/contacts/{known['id']}/visitors"))["data"] == []

    asyncio.run(scenario())


def test_sessions_made_before_a_chat_asked_for_proof_end_there(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    """A chat that wants proof from now on wants it of every call, also of those who were let in before."""

    async def scenario() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey:
            chat = await open_chat(journey)
            async with Browser(journey, chat) as browser:
                await browser.begin()
                wanted = {"settings": {"verification": "required", "identity_secret": IDENTITY_SECRET}}
                answer = await journey.client.patch(f"/v1/channels/{chat}", json=wanted)
                assert answer.status_code == 200, answer.text
                await journey.runtime.directory.refresh()
                for method, path, body in (("GET", "/messages", None), ("POST", "/messages", {"text": "x"})):
                    refused = await browser.call(method, path, body and {"client_message_id": "1", **body})
                    assert (refused.status_code, refused.json()["code"]) == (401, "identity_required")
                await browser.identify(identity=proof("42"))
                assert (await browser.history())["data"] == []

    asyncio.run(scenario())


def proof(user_id: str, secret: str = IDENTITY_SECRET) -> dict[str, str]:
    """What a site's server hands its page."""
    return {"user_id": user_id, "hash": hash_user_id(secret, user_id)}


FORGERIES: list[Any] = [
    None,
    {},
    {"user_id": "42"},
    {"user_id": "42", "hash": None},
    {"user_id": "42", "hash": ""},
    {"user_id": "42", "hash": "0" * 64},
    {"user_id": "42", "hash": hash_user_id(OTHER_SECRET, "42")},
    {"user_id": "42", "hash": hash_user_id(IDENTITY_SECRET, "43")},
    {"user_id": "", "hash": hash_user_id(IDENTITY_SECRET, "")},
    {"user_id": " 42", "hash": hash_user_id(IDENTITY_SECRET, " 42")},
    {"jwt": ""},
    {"jwt": "eyJhbGciOiJub25lIn0.eyJzdWIiOiI0MiJ9."},
]


async def contact_of(journey: Journey, conversation_id: str) -> str:
    """Whose a conversation is."""
    return str((await journey.get(f"/v1/conversations/{conversation_id}"))["contact"]["id"])


async def eventually_wrote(browser: Browser, messages: int) -> Any:
    """The conversation once so much is in it."""

    async def found() -> Any:
        data = (await browser.history())["data"]
        return {"conversation": data[0]["conversation_id"], "data": data} if len(data) >= messages else None

    return await eventually(found)
