"""People as an agent keeps them in order, by the API alone, while they go on writing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.journeys.gateway import Journey, eventually, open_journey

Walk = Callable[[Journey], Awaitable[None]]
OLD_PHONE, NEW_PHONE = "+34600111222", "+34600111333"


def test_two_handsets_become_one_person_and_two_again(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """STOP holds through merge and undo (T64), messages keep coming in, and each answer goes to who wrote."""

    async def walk(journey: Journey) -> None:
        old, new = [await _writes(journey, handset) for handset in (OLD_PHONE, NEW_PHONE)]
        await journey.twilio.text_in(OLD_PHONE, "STOP")
        await eventually(lambda: _cannot_reply(journey, old["id"]))
        order = {"from": old["contact"]["id"], "into": new["contact"]["id"]}
        preview = await journey.post("/v1/contacts/merge/preview", order, status=200)
        assert [one["address"] for one in preview["opt_outs"]] == [OLD_PHONE]
        assert {one["code"] for one in preview["warnings"]} == {"both_proven", "both_open"}
        merged = await journey.post("/v1/contacts/merge", order)
        assert [one["id"] for one in (await journey.get("/v1/conversations", contact=order["from"]))["data"]] == [
            one["id"] for one in (await journey.get("/v1/conversations", contact=order["into"]))["data"]
        ]
        refused = await journey.post(f"/v1/conversations/{old['id']}/messages", {"text": "hello"}, status=409)
        assert refused["code"] == "contact_opted_out"
        await journey.twilio.text_in(NEW_PHONE, "Still me")
        message = await journey.post(f"/v1/conversations/{new['id']}/messages", {"text": "We hear you"})
        assert message["recipients"] == [{"role": "to", "address": NEW_PHONE}]
        parted = await journey.post("/v1/contacts/unmerge", {"merge_id": merged["id"]}, status=200)
        assert parted["undo"]["conversation_ids"] == [old["id"]]
        again = await journey.post(f"/v1/conversations/{old['id']}/messages", {"text": "hello"}, status=409)
        assert again["code"] == "contact_opted_out"
        events = (await journey.get("/v1/events", types=["contact.merged", "contact.unmerged"]))["data"]
        assert [one["data"]["facts"]["merge_id"] for one in events] == [merged["id"], merged["id"]]
        audited = await journey.get("/v1/audit-log", target=order["into"])
        assert [one["action"] for one in audited["data"]] == ["contact.unmerged", "contact.merged"]

    _run(walk, database_url, redis_url, tmp_path)


def test_a_blocked_handset_is_kept_quiet(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """What it sends arrives in a closed conversation; answers are refused until it is unblocked."""

    async def walk(journey: Journey) -> None:
        conversation = await _writes(journey, OLD_PHONE)
        contact, path = conversation["contact"]["id"], f"/v1/conversations/{conversation['id']}"
        await journey.post(f"{path}/close", {}, status=200)
        await journey.post(f"/v1/contacts/{contact}/block", {}, status=200)
        before = len(await journey.entries(conversation["id"]))
        await journey.twilio.text_in(OLD_PHONE, "Buy now")
        await journey.entries(conversation["id"], at_least=before + 1)
        found = await journey.get(path)
        assert (found["status"], found["reply_route"]["reason"]) == ("closed", "the contact is blocked")
        refused = await journey.post(f"{path}/messages", {"text": "no"}, status=403)
        assert refused["code"] == "contact_blocked"
        await journey.post(f"/v1/contacts/{contact}/unblock", {}, status=200)
        await journey.post(f"{path}/messages", {"text": "yes"})

    _run(walk, database_url, redis_url, tmp_path)


def test_attributes_of_a_conversation_are_held_to_their_definition(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    """A conversation's typed attribute refuses another type by its pointer, and what is no attribute stays free."""

    async def walk(journey: Journey) -> None:
        definition = {"applies_to": "conversation", "key": "order_date", "name": "Order date", "type": "date"}
        await journey.post("/v1/attributes", definition)
        conversation = await _writes(journey, OLD_PHONE)
        path = f"/v1/conversations/{conversation['id']}"
        wrong = await journey.client.patch(path, json={"attributes": {"order_date": "soon"}})
        assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/attributes/order_date")
        right = await journey.client.patch(path, json={"attributes": {"order_date": "2026-11-21", "free": [1]}})
        assert right.json()["attributes"] == {"order_date": "2026-11-21", "free": [1]}

    _run(walk, database_url, redis_url, tmp_path)


async def _writes(journey: Journey, handset: str) -> dict[str, Any]:
    await journey.twilio.text_in(handset, "Hola")
    conversation: dict[str, Any] = await journey.conversation_with(handset)
    return conversation


async def _cannot_reply(journey: Journey, conversation_id: str) -> bool:
    route = (await journey.get(f"/v1/conversations/{conversation_id}"))["reply_route"]
    return not route["can_reply"]


def _run(walk: Walk, database_url: str, redis_url: str, folder: Path) -> None:
    async def opened() -> None:
        async with open_journey(database_url, redis_url, folder) as journey:
            await walk(journey)

    asyncio.run(opened())
