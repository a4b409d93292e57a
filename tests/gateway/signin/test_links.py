"""Invitations and password resets: links that are good once, for a while, and for one agent (T56)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from gateway.settings import Settings
from gateway.signin.limits import MAILS_EACH
from gateway.signin.routes import SIGNIN_CONTROLLERS
from inbox.kit.clock import utc_now
from inbox.kit.db import execute, fetch, fetch_value, tx
from inbox.kit.ids import AGENT, read_id, show_id
from inbox.kit.secrets import SecretBox
from inbox.staff.actions import add_agent, change_agent, delete_agent
from inbox.staff.invitations.actions import make_link, prune_links
from tests.api import Api
from tests.gateway.signin.browsers import ANA, GOOD, HOME, Browser, make_agent, open_door

BETTER = "a whole other sentence"
ROOMY = Settings(public_url=HOME, password_resets_per_address=1000, signin_failures_per_address=1000)


def run(database_url: str, steps: Callable[[Api], Awaitable[None]], *, settings: Settings = ROOMY) -> None:
    """A test's steps at the door."""

    async def main() -> None:
        given = {"secret_box": SecretBox(["a key that seals what waits to be mailed"])}
        more: dict[str, Any] = {"api_routes": SIGNIN_CONTROLLERS, "dependencies": given}
        async with open_door(database_url, settings=settings, **more) as api:
            await steps(api)

    asyncio.run(main())


PATHS = {"invitation": "/v1/invitations/accept", "reset": "/v1/password-resets/complete"}


class Way(msgspec.Struct, frozen=True):
    """A link: what it is for, and its token."""

    purpose: str
    token: str


async def choose(api: Api, link: Way, password: str = GOOD) -> Any:
    """Use a link."""
    return await api.call("POST", PATHS[link.purpose], key=None, json={"token": link.token, "password": password})


async def link(purpose: Any, email: str = ANA, *, hours: float = 1) -> Way:
    """A link of the agent of this address."""
    agent_id = await fetch_value("SELECT id FROM agent WHERE email = $1", email)
    async with tx():
        made = await make_link(agent_id, purpose, lasts=timedelta(hours=hours))
    return Way(purpose, made.token)


def test_an_invited_agent_chooses_a_password(database_url: str) -> None:
    """An administrator gets the link, the agent signs in; it opens nothing a second time."""

    async def steps(api: Api) -> None:
        agent = (await api.call("POST", "/v1/agents", json={"name": "Ana", "email": ANA})).json()
        made = await api.call("POST", f"/v1/agents/{agent['id']}/invitations", json={})
        assert made.status_code == 201, made.text
        invitation = made.json()
        page, _, token = invitation["url"].partition("#")
        assert page == f"{HOME}/console/invitation", "what stands behind # is sent to no server"
        assert invitation["id"].startswith("inv_")
        path = Way("invitation", token)
        weak = await choose(api, path, "passwordpassword")
        assert (weak.status_code, weak.json()["errors"][0]["code"]) == (422, "too_common")
        chosen = await choose(api, path)
        assert (chosen.status_code, chosen.json()["email"]) == (200, ANA)
        assert "set-cookie" not in chosen.headers
        assert (await Browser(api).sign_in()).status_code == 200
        again = await choose(api, path, BETTER)
        assert (again.status_code, again.json()["code"]) == (400, "token_invalid")
        assert (await Browser(api).sign_in()).status_code == 200

    run(database_url, steps)


def test_only_administrators_invite(database_url: str) -> None:
    """A link is as good as the agent's password: `agents:write` is not enough, nor is there one for nobody."""

    async def steps(api: Api) -> None:
        agent_id = show_id(AGENT, await make_agent())
        writer = await api.make_key("agents:write", "agents:read")
        refused = await api.call("POST", f"/v1/agents/{agent_id}/invitations", key=writer, json={})
        assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
        nobody = await api.call("POST", f"/v1/agents/agt_{'0' * 32}/invitations", json={})
        assert nobody.status_code == 404

    run(database_url, steps)


@pytest.mark.parametrize("token", ["", "a", "a" * 43, "a" * 5000, "\x00", "ÿ", "../..", "' OR true--"])
def test_a_wrong_token_is_one_refusal(database_url: str, token: str) -> None:
    """Empty, short, unknown, long or hostile: no other answer than that it opens nothing, or cannot be a token."""

    async def steps(api: Api) -> None:
        await make_agent()
        await execute("INSERT INTO agent_link SELECT id, id, 'reset', '', now(), now() + interval '1 day' FROM agent")
        for purpose in PATHS:
            answer = await choose(api, Way(purpose, token))
            assert answer.json()["code"] in {"token_invalid", "validation_failed"}
            assert answer.status_code in {400, 422}

    run(database_url, steps)


def test_a_link_is_for_one_thing_and_a_while(database_url: str) -> None:
    """Over, of another purpose, replaced, of an agent let go, or mailed to an address they had: `token_invalid`."""

    async def steps(api: Api) -> None:
        agent_id = await make_agent()
        dead = [
            await link("reset", hours=-0.1),
            Way("invitation", (await link("reset")).token),
            await link("invitation"),
        ]
        good = await link("invitation")
        for path in dead:
            assert (await choose(api, path)).json()["code"] == "token_invalid"
        assert (await choose(api, good, BETTER)).status_code == 200
        moved = await link("reset")
        async with tx():
            await change_agent(agent_id, {"email": "ana@elsewhere.example"})
        assert (await choose(api, moved)).json()["code"] == "token_invalid"
        last = await link("reset", "ana@elsewhere.example")
        async with tx():
            await delete_agent(agent_id)
        assert (await choose(api, last)).json()["code"] == "token_invalid"

    run(database_url, steps)


def test_a_new_password_ends_links_and_sessions(database_url: str) -> None:
    """Whoever got hold of a session or of another link is out."""

    async def steps(api: Api) -> None:
        await make_agent()
        browser = Browser(api)
        await browser.sign_in()
        other, used = await link("invitation"), await link("reset")
        assert (await choose(api, used, BETTER)).status_code == 200
        assert (await choose(api, other)).json()["code"] == "token_invalid"
        assert (await browser.call("GET", "/v1/session")).status_code == 401

    run(database_url, steps)


def test_asking_for_a_reset_tells_nothing(database_url: str) -> None:
    """Known or not, the same answer after the same work: one job, which holds no token."""

    async def steps(api: Api) -> None:
        await make_agent()
        answers = [
            await api.call("POST", "/v1/password-resets", key=None, json={"email": email})
            for email in (ANA, "nobody@example.org")
        ]
        assert [answer.status_code for answer in answers] == [202, 202]
        assert answers[0].json() == answers[1].json() == {"object": "accepted_password_reset"}
        jobs = [row["payload"] for row in await fetch("SELECT payload::text FROM job ORDER BY id")]
        assert [job.replace("nobody@example.org", ANA) for job in jobs] == [jobs[0]] * 2
        assert await fetch_value("SELECT count(*) FROM agent_link") == 0

    run(database_url, steps)


def test_a_mailed_invitation_is_shown_to_nobody(database_url: str) -> None:
    """The answer has no link, and what waits to be mailed holds it sealed."""

    async def steps(api: Api) -> None:
        async with tx():
            agent = await add_agent(name="Ana", email=ANA)
        path = f"/v1/agents/{show_id(AGENT, agent.id)}/invitations"
        made = (await api.call("POST", path, json={"by_mail": True})).json()
        assert made["url"] is None
        payload = await fetch_value("SELECT payload FROM job")
        assert str(read_id("inv", made["id"])) in payload
        assert '"sealed": "' in payload

    run(database_url, steps)


def test_links_are_asked_for_and_tried_five_times(database_url: str) -> None:
    """In half an hour, by address (T56); a good link does not count."""

    async def steps(api: Api) -> None:
        await make_agent()
        assert (await choose(api, await link("reset"), BETTER)).status_code == 200
        told = [
            (await api.call("POST", "/v1/password-resets", key=None, json={"email": ANA})).status_code for _ in range(4)
        ]
        told.append((await choose(api, Way("reset", "a" * 43))).status_code)
        assert told == [202] * 4 + [400]
        asked = await api.call("POST", "/v1/password-resets", key=None, json={"email": ANA})
        for refused in (asked, await choose(api, await link("invitation"))):
            assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")
            assert int(refused.headers["retry-after"]) <= 1800

    run(database_url, steps, settings=Settings(public_url=HOME))


def test_a_weak_password_uses_no_try_up(database_url: str) -> None:
    """Whoever has a good link looks for a password as long as they like."""

    async def steps(api: Api) -> None:
        await make_agent()
        good = await link("reset")
        told = [(await choose(api, good, "passwordpassword")).status_code for _ in range(7)]
        assert told == [422] * 7
        assert (await choose(api, good, BETTER)).status_code == 200

    run(database_url, steps, settings=Settings(public_url=HOME))


def test_nobodys_mailbox_is_flooded(database_url: str) -> None:
    """From however many addresses it is asked: five mails in half an hour, and no other answer than before."""

    async def steps(api: Api) -> None:
        await make_agent()
        for number in range(9):
            email = ANA.upper() if number % 2 else ANA
            answer = await api.call("POST", "/v1/password-resets", key=None, json={"email": email})
            assert (answer.status_code, answer.json()["object"]) == (202, "accepted_password_reset")
        assert await fetch_value("SELECT count(*) FROM job") == MAILS_EACH == 5
        other = await api.call("POST", "/v1/password-resets", key=None, json={"email": "bo@example.org"})
        assert other.status_code == 202
        assert await fetch_value("SELECT count(*) FROM job") == MAILS_EACH + 1

    run(database_url, steps)


def test_a_mail_is_in_the_language_of_who_asks(database_url: str) -> None:
    """By what was said for an invitation, else by the browser that asks; English where that likes none of ours."""

    async def steps(api: Api) -> None:
        agent = show_id(AGENT, await make_agent())
        path, french = f"/v1/agents/{agent}/invitations", {"Accept-Language": "fr-CH, de;q=0.7"}
        await api.call("POST", path, json={"by_mail": True, "locale": "ar"}, headers=french)
        await api.call("POST", path, json={"by_mail": True}, headers=french)
        await api.call("POST", "/v1/password-resets", key=None, json={"email": ANA}, headers={"Accept-Language": "ja"})
        rows = await fetch("SELECT payload->>'locale' AS locale FROM job ORDER BY id")
        assert [row["locale"] for row in rows] == ["ar", "fr", "en"]
        unknown = await api.call("POST", path, json={"by_mail": True, "locale": "tlh"})
        assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/locale")

    run(database_url, steps)


def test_links_that_are_over_are_forgotten(database_url: str) -> None:
    """Nothing of them stays."""

    async def steps(api: Api) -> None:
        await make_agent()
        await link("reset", hours=1)
        await prune_links(now=utc_now())
        assert await fetch_value("SELECT count(*) FROM agent_link") == 1
        await prune_links(now=utc_now() + timedelta(hours=2))
        assert await fetch_value("SELECT count(*) FROM agent_link") == 0

    run(database_url, steps)
