"""What an agent does in the inbox, by the API alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from inbox.kit.db import execute, tx
from inbox.kit.ids import new_id
from inbox.outbox.actions import enqueue_jobs
from inbox.outbox.jobs import DeliverMessage, NewJob
from tests.journeys.gateway import Journey, eventually, open_journey

Walk = Callable[[Journey], Awaitable[None]]


def test_a_list_is_walked_page_by_page_and_its_cursor_is_bound_to_its_filter(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    """Pages follow each other without a repeat, by body and by Link; a cursor of another filter is refused."""

    async def walk(journey: Journey) -> None:
        handsets = [f"+3460011122{number}" for number in range(5)]
        for handset in handsets:
            await journey.twilio.text_in(handset, "Hola")
            await journey.conversation_with(handset)
        seen, path = [], "/v1/conversations?status=open&limit=2"
        while path:
            answer = await journey.client.get(path)
            seen += [one["id"] for one in answer.json()["data"]]
            assert "event-cursor" in answer.headers
            link = answer.headers.get("link", "")
            assert bool(link) is answer.json()["page"]["has_more"]
            path = link.partition(">")[0].lstrip("<")
        assert len(seen) == len(set(seen)) == 5
        cursor = (await journey.get("/v1/conversations", status="open", limit=2))["page"]["next_cursor"]
        other = await journey.client.get("/v1/conversations", params={"status": "closed", "limit": 2, "cursor": cursor})
        assert (other.status_code, other.json()["code"]) == (400, "cursor_mismatch")
        hostile = await journey.client.get("/v1/conversations", params={"sort": "id;select pg_sleep(5)"})
        assert hostile.status_code in {400, 422}

    _run(walk, database_url, redis_url, tmp_path)


def test_every_change_is_an_entry_with_its_reason(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Assigning, tagging, noting, snoozing, closing: each is told in the timeline, once."""

    async def walk(journey: Journey) -> None:
        conversation = await _begin(journey)
        path = f"/v1/conversations/{conversation['id']}"
        agent = await journey.post("/v1/agents", {"name": "Bo", "email": "bo@example.org"})
        other = await journey.post("/v1/agents", {"name": "Cy", "email": "cy@example.org"})
        claim = {"agent_id": agent["id"], "if_unassigned": True}
        assert (await journey.post(f"{path}/assign", claim, status=200))["assignee"]["name"] == "Bo"
        refused = await journey.post(f"{path}/assign", claim | {"agent_id": other["id"]}, status=409)
        assert refused["code"] == "already_assigned"
        for _ in range(2):
            assert (await journey.client.put(f"{path}/tags/vip")).json()["tags"] == ["vip"]
        await journey.post(f"{path}/notes", {"text": "Knows the owner", "agent_id": agent["id"]})
        until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        assert (await journey.post(f"{path}/snooze", {"until": until}, status=200))["status"] == "snoozed"
        closed = await journey.post(f"{path}/close", {"reason": "answered by phone"}, status=200)
        assert (closed["status"], closed["snoozed_until"]) == ("closed", None)
        entries = await journey.entries(conversation["id"], at_least=6)
        told = [entry["event"]["name"] if entry["event"] else entry["type"] for entry in entries]
        assert told == ["message", "assigned", "tagged", "note", "snoozed", "status_changed"]
        assert [entry["seq"] for entry in entries] == list(range(1, 7))
        assert entries[-1]["event"]["reason"] == "answered by phone"
        assert entries[3]["author"]["name"] == "Bo"
        assert entries[3]["visibility"] == "internal"

    _run(walk, database_url, redis_url, tmp_path)


def test_a_text_wakes_and_reopens(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """A message of the contact opens a closed conversation again within the window, with the reason in the timeline."""

    async def walk(journey: Journey) -> None:
        conversation = await _begin(journey)
        await journey.post(f"/v1/conversations/{conversation['id']}/close", {}, status=200)
        await journey.twilio.text_in(ANA, "One more thing")
        entries = await journey.entries(conversation["id"], at_least=4)
        assert [entry["event"]["name"] for entry in entries if entry["event"]] == ["status_changed", "reopened"]
        assert entries[-2]["event"]["reason"]
        assert (await journey.conversation_with(ANA))["status"] == "open"

    _run(walk, database_url, redis_url, tmp_path)


def test_patch_merges_and_refuses_what_it_does_not_know(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """PATCH is a JSON merge patch; fields that are not the caller's to set are refused (security.md T59)."""

    async def walk(journey: Journey) -> None:
        path = f"/v1/conversations/{(await _begin(journey))['id']}"

        async def patched(body: dict[str, Any]) -> Any:
            return (await journey.client.patch(path, json=body)).json()

        assert (await patched({"attributes": {"order": "8841", "size": "M"}}))["attributes"]["size"] == "M"
        after = await patched({"attributes": {"size": None}, "subject": "Late", "priority": "high"})
        assert (after["attributes"], after["subject"]) == ({"order": "8841"}, "Late")
        assert (after["priority"]["level"], after["priority"]["pinned"]) == ("high", True)
        for field in ("id", "account_id", "created_at", "last_seq", "contact"):
            answer = await journey.client.patch(path, json={field: "x"})
            assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")

    _run(walk, database_url, redis_url, tmp_path)


def test_reading_counts_down(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """`unread` counts the contact's messages after the last one read; reading is told, can be taken back, and moves no
    conversation up the list: it is a new version of it, and no news."""

    async def walk(journey: Journey) -> None:
        conversation = await _begin(journey)
        await journey.twilio.text_in(ANA, "second")
        await journey.entries(conversation["id"], at_least=2)
        path = f"/v1/conversations/{conversation['id']}"
        before = (await journey.client.get(path)).json()
        first = await journey.post(f"{path}/read", {"up_to_seq": 1}, status=200)
        assert (first["counts"]["unread"], first["updated_at"]) == (1, before["updated_at"])
        assert first["version"] > before["version"]
        assert (await journey.post(f"{path}/read", {}, status=200))["counts"]["unread"] == 0
        assert (await journey.post(f"{path}/unread", {}, status=200))["counts"]["unread"] == 1

    _run(walk, database_url, redis_url, tmp_path)


def test_a_key_may_do_what_its_scopes_say(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Without the scope a route answers 403 scope_missing, without a key 401, and nothing happens."""

    async def walk(journey: Journey) -> None:
        conversation = await _begin(journey)
        reader = await journey.post("/v1/api-keys", {"name": "reader", "scopes": ["conversations:read"]})
        path = f"/v1/conversations/{conversation['id']}/messages"
        headers = {"Authorization": f"Bearer {reader['secret']}"}
        refused = await journey.client.post(path, json={"text": "hi"}, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
        assert (await journey.client.get("/v1/conversations", headers=headers)).status_code == 200
        nobody = await journey.client.post(path, json={"text": "hi"}, headers={"Authorization": ""})
        assert (nobody.status_code, nobody.json()["code"]) == (401, "unauthenticated")
        assert len(await journey.entries(conversation["id"])) == 1

    _run(walk, database_url, redis_url, tmp_path)


def test_a_dead_job_is_seen_and_brought_back(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """A job that has failed for good is listed with its error, and done when it is retried after the repair."""

    async def walk(journey: Journey) -> None:
        async with tx():
            lost = DeliverMessage(entry_id=new_id())
            await enqueue_jobs([NewJob(job=lost, key=str(new_id()), lane=str(new_id()))])
            await execute("UPDATE job SET state = 3, error = 'a bug of yesterday'")
        [dead] = (await journey.get("/v1/jobs", state="dead"))["data"]
        assert (dead["type"], dead["error"]) == ("deliver_message", "a bug of yesterday")
        assert (await journey.post(f"/v1/jobs/{dead['id']}/retry", {}, status=200))["state"] == "waiting"

        async def gone() -> object:
            return not (await journey.get("/v1/jobs"))["data"]

        await eventually(gone)
        assert (await journey.post(f"/v1/jobs/{dead['id']}/retry", {}, status=404))["code"] == "not_found"

    _run(walk, database_url, redis_url, tmp_path)


ANA = "+34600111222"


async def _begin(journey: Journey) -> Any:
    await journey.twilio.text_in(ANA, "Hola")
    return await journey.conversation_with(ANA)


def _run(walk: Walk, database_url: str, redis_url: str, folder: Path) -> None:
    async def open_and_walk() -> None:
        async with open_journey(database_url, redis_url, folder) as journey:
            await walk(journey)

    asyncio.run(open_and_walk())
