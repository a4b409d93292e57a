"""What clients say on their sockets: subscriptions, typing, viewing, presence."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from gateway.live import broadcast, bus
from gateway.live import session as sessions
from inbox.conversations.actions.change import set_status
from inbox.feed.actions import sequence_events
from inbox.kit.clock import utc_now
from inbox.kit.db import tx, wake
from inbox.kit.ids import CONVERSATION, new_id, show_id
from inbox.staff.actions import create_api_key
from tests.gateway.feeds import tell_names
from tests.gateway.live.site import LiveSite, run_live
from tests.inbox.builders import AGENT, ANA, BEN, committed, make_channel, receive, text_message, until


async def tell_feed() -> None:
    """Number what was told, and tell it."""
    await sequence_events()
    wake(["sequenced"])


async def open_two() -> tuple[UUID, UUID]:
    """Two conversations."""
    lane = await make_channel()
    first = await receive(lane, text_message("late", sender=ANA))
    second = await receive(lane, text_message("broken", sender=BEN))
    await tell_feed()
    return first, second


def shown(conversation: UUID) -> str:
    """Its id as the API has it."""
    return show_id(CONVERSATION, conversation)


def test_subscriptions_narrow_what_is_told(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """By type, conversation and query, as each event finds them; an event for several comes once and names them."""

    async def body(site: LiveSite) -> None:
        first, second = await open_two()
        async with site.socket() as client:
            await client.follow("one", conversation_id=shown(first))
            assert (await client.ask("subscribe", id="closed", q="is:closed"))["id"] == "closed"
            assert (await client.ask("subscribe", id="names", types=["contact.updated"]))["id"] == "names"
            await tell_names("noise")
            event = await client.hear_of("event")
            assert (event["event"]["changed"], event["subscriptions"]) == (["noise"], ["names"])
            for conversation in (second, first):
                await committed(set_status(conversation, "closed", actor=AGENT, now=utc_now()))
            await tell_feed()
            told: list[tuple[str, list[str]]] = []
            while len(told) < 2:
                event = await client.hear_of("event")
                if event["event"]["type"] == "conversation.status_changed":
                    told.append((event["event"]["conversation_id"], event["subscriptions"]))
            assert told == [(shown(second), ["closed"]), (shown(first), ["one", "closed"])]
            assert await client.ask("unsubscribe", id="nobody") == {
                "type": "problem", "code": "not_found", "detail": "there is no such subscription", "id": None,
                "errors": [],
            }  # fmt: skip
            for name in ("one", "closed"):
                await client.say("unsubscribe", id=name)
            await committed(set_status(first, "open", actor=AGENT, now=utc_now()))
            await tell_names("last")
            event = await client.hear_of("event")
            assert event["event"]["changed"] == ["last"]

    run_live(database_url, redis_url, tmp_path, body)


def test_a_subscription_that_cannot_be_is_refused(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its name, the code, and for a query the place of what is wrong; the socket goes on."""
    monkeypatch.setattr(sessions, "SUBSCRIPTIONS", 1)

    async def body(site: LiveSite) -> None:
        async with site.socket() as client:
            await client.hear()
            bad: list[tuple[dict[str, Any], str]] = [
                ({"q": "nonsense:1"}, "invalid_query"), ({"q": "is:open assignee:me"}, "invalid_query"),
                ({"conversation_id": "%"}, "not_found"), ({"conversation_id": "ent_1"}, "not_found"),
                ({"q": "is:open", "agent": "agt_%"}, "validation_failed"), ({"types": ["%"]}, "validation_failed"),
            ]  # fmt: skip
            for fields, code in bad:
                problem = await client.ask("subscribe", id="s1", **fields)
                assert (problem["type"], problem["code"]) == ("problem", code), fields
            told = await client.ask("subscribe", id="s1", q="is:open nonsense:1")
            assert (told["id"], told["errors"][0]["pointer"], told["errors"][0]["offset"]) == ("s1", "/q", 8)
            assert (await client.ask("subscribe", id="s1"))["type"] == "subscribed"
            assert (await client.ask("subscribe", id="s1", types=["note.created"]))["type"] == "subscribed"
            assert (await client.ask("subscribe", id="s2"))["code"] == "quota_exceeded"

    run_live(database_url, redis_url, tmp_path, body)


def test_what_was_passed_over_moves_the_cursor(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that wants little does not read again what was not for it."""
    monkeypatch.setattr(broadcast, "CURSOR_SECONDS", 0.05)

    async def body(site: LiveSite) -> None:
        async with site.socket() as client:
            await client.follow(types=["note.created"])
            await tell_names("a", "b", "c")
            while (frame := await client.hear())["cursor"] < "000000000003":  # numbered one by one, perhaps
                assert frame["type"] == "cursor"
            assert frame == {"type": "cursor", "cursor": "000000000003"}
            assert (await client.ask("ack", cursor="000000000003", unknown=1))["code"] == "validation_failed"
            assert (await client.ask("ack", cursor="000000000009"))["code"] == "invalid_cursor"
            await client.say("ack", cursor="000000000003")
            assert (await client.ask("ping")) == {"type": "pong"}
        async with site.socket() as client:
            await tell_names("d")
            await client.follow(types=["note.created"], cursor="000000000003")
            assert await client.hear() == {"type": "cursor", "cursor": "000000000004"}

    run_live(database_url, redis_url, tmp_path, body)


def test_typing_is_seen_by_those_who_look(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """By subscriptions to all, to that conversation and to queries it matches; it is not in the feed."""

    async def body(site: LiveSite) -> None:
        first, second = await open_two()
        bo, bos_key, _ = await site.agent()
        wanting: list[dict[str, Any]] = [
            {}, {"conversation_id": shown(first)}, {"q": "is:open"}, {"types": ["typing.started"]},
        ]  # fmt: skip
        unwanting: list[dict[str, Any]] = [
            {"conversation_id": shown(second)}, {"q": "is:closed"}, {"types": ["note.created"]},
        ]  # fmt: skip
        async with site.socket(key=bos_key) as typist, site.socket() as looker:
            await typist.hear()
            await looker.follow("other", conversation_id=shown(new_id()))
            for number, fields in enumerate([*wanting, *unwanting]):
                await looker.ask("subscribe", id="s1", **fields)
                await typist.say("typing", conversation_id=shown(first), typing=True)
                if number < len(wanting):
                    live = await looker.hear_live("typing.started")
                    assert live["actor"] == {"type": "agent", "id": bo, "name": "Bo"}
                    assert (live["conversation_id"], set(live)) == (
                        shown(first), {"type", "conversation_id", "actor", "timestamp"},
                    )  # fmt: skip
                await typist.say("typing", conversation_id=shown(first), typing=False)
                await typist.ask("ping")
            await looker.ask("subscribe", id="s1", types=["typing.stopped"])
            async with site.runtime.live.listen() as queue:
                answer = await site.http.post(f"/v1/conversations/{shown(first)}/typing", json={"typing": True})
                assert answer.status_code == 204
                assert queue.get_nowait().visible_to_contact
                note = {"typing": True, "internal": True}
                await site.http.post(f"/v1/conversations/{shown(second)}/typing", json=note)
                assert not queue.get_nowait().visible_to_contact
            await site.http.post(f"/v1/conversations/{shown(first)}/typing", json={"typing": False})
            assert (await looker.hear_of("live"))["event"]["conversation_id"] == shown(first)
            assert (await typist.ask("typing", conversation_id=shown(new_id()), typing=True))["code"] == "not_found"

    run_live(database_url, redis_url, tmp_path, body)


def test_those_who_may_not_are_told_and_tell_nothing(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """A key for events alone hears nothing of who types or is there, and cannot type; no agent, no presence."""

    async def body(site: LiveSite) -> None:
        first, _ = await open_two()
        async with tx():
            _, narrow = await create_api_key(name="narrow", scopes=["events:read"])
        async with site.socket(key=narrow) as client, site.socket() as looker:
            await client.follow()
            await looker.follow()
            typing = {"conversation_id": shown(first), "typing": True}
            assert (await client.ask("typing", **typing))["code"] == "scope_missing"
            assert (await client.ask("presence", state="online"))["code"] == "state_conflict"
            assert (await client.ask("viewing", conversation_id=shown(first)))["code"] == "state_conflict"
            await looker.say("typing", **typing)
            assert (await looker.hear_live("typing.started"))["conversation_id"] == shown(first)
            await tell_names("a")
            assert (await client.hear())["type"] == "event"
            answer = await site.http.post(
                f"/v1/conversations/{shown(first)}/typing",
                json={"typing": True},
                headers={"Authorization": f"Bearer {narrow}"},
            )
            assert answer.json()["code"] == "scope_missing"

    run_live(database_url, redis_url, tmp_path, body)


def test_two_agents_see_each_other_at_a_conversation(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who opens it is a viewer, who writes is composing until they stop, and who goes is gone after a moment."""
    monkeypatch.setattr(bus, "GRACE_SECONDS", 0.2)

    async def body(site: LiveSite) -> None:
        room, other = await open_two()
        bo, bos_key, _ = await site.agent("Bo")
        cy, cys_key, _ = await site.agent("Cy")
        async with site.socket(key=bos_key) as first:
            await first.follow()
            async with site.socket(key=cys_key) as second:
                await second.hear()
                await first.say("viewing", conversation_id=shown(room))
                await first.hear_live("conversation.viewing")
                await second.say("viewing", conversation_id=shown(room))
                seen = await first.hear_live("conversation.viewing")
                assert {one["id"]: one["state"] for one in seen["viewers"]} == {bo: "viewing", cy: "viewing"}
                await second.say("typing", conversation_id=shown(room), typing=True)
                seen = await first.hear_live("conversation.viewing")
                assert {one["id"]: one["state"] for one in seen["viewers"]} == {bo: "viewing", cy: "composing"}
                answer = (await site.http.get(f"/v1/conversations/{shown(room)}/viewers")).json()
                assert [(one["object"], one["id"], one["state"]) for one in answer["data"]] == sorted(
                    [("viewer", bo, "viewing"), ("viewer", cy, "composing")]
                )
                await second.say("typing", conversation_id=shown(room), typing=False)
                await second.say("viewing", conversation_id=shown(other))
                seen = await first.hear_live("conversation.viewing")
                assert {one["state"] for one in seen["viewers"]} == {"viewing"}
                assert len((await first.hear_live("conversation.viewing"))["viewers"]) == 1
                await first.say("viewing", conversation_id=None)
                assert (await first.hear_live("conversation.viewing"))["conversation_id"] == shown(other)
            while (seen := await first.hear_live("conversation.viewing"))["viewers"]:
                pass
            assert (await first.ask("viewing", conversation_id=shown(new_id())))["code"] == "not_found"

    run_live(database_url, redis_url, tmp_path, body)


def test_presence_is_of_the_moment_and_availability_stays(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Online, away, and offline some moments after the last socket; whether they take on work is theirs to say."""
    monkeypatch.setattr(bus, "GRACE_SECONDS", 0.2)

    async def body(site: LiveSite) -> None:
        bo, bos_key, _ = await site.agent("Bo")
        mine = {"Authorization": f"Bearer {bos_key}"}

        async def listed() -> tuple[str, str]:
            [one] = (await site.http.get("/v1/agents/presence")).json()["data"]
            return one["presence"], one["availability"]

        async def offline() -> bool:
            return (await listed())[0] == "offline"

        assert await listed() == ("offline", "available")
        async with site.socket() as looker:
            await looker.follow()
            async with site.socket(key=bos_key) as client:
                for state in ("online", "away"):
                    await client.say("presence", state=state)
                    told = await looker.hear_live("presence.changed")
                    assert (told["state"], told["actor"]["id"], told["conversation_id"]) == (state, bo, None)
                path = "/v1/agents/me/availability"
                assert (await site.http.get(path, headers=mine)).json()["changed_at"] is None
                for _ in range(2):
                    answer = await site.http.put(path, json={"state": "busy"}, headers=mine)
                    assert (answer.status_code, answer.json()["state"]) == (200, "busy")
                event = (await looker.hear_of("event"))["event"]
                assert (event["type"], event["data"]["facts"]) == (
                    "agent.availability_changed", {"agent_id": bo, "from": "available", "to": "busy"},
                )  # fmt: skip
                assert await listed() == ("away", "busy")
            assert (await looker.hear_live("presence.changed"))["state"] == "offline"
            await until(offline)
            assert await listed() == ("offline", "busy")
            assert (await site.http.put("/v1/agents/me/availability", json={"state": "busy"})).status_code == 404

    run_live(database_url, redis_url, tmp_path, body)
