"""Writing, whole: to a stranger, taken back, sent later, held by an answer, approved from a draft."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.journeys.gateway import Journey, eventually, open_journey

ANA = "+34600111222"


def ahead(seconds: float) -> str:
    """A moment after now."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def bodies(journey: Journey) -> list[str]:
    """What the provider took, in order."""
    return [one.body for one in journey.twilio.ledger.accepted if one.to == ANA]


async def in_state(journey: Journey, made: Any, state: str) -> Any:
    """The scheduled message, once it is in this state."""

    async def found() -> Any:
        shown = await journey.get(f"/v1/scheduled-messages/{made['id']}")
        return shown if shown["state"] == state else None

    return await eventually(found)


def test_held_canceled_and_later_messages_reach_the_handset_as_they_should(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    """What was taken back never arrives, what was written after it does; what was planned arrives in its time, once."""

    async def walk() -> None:
        async with open_journey(database_url, redis_url, tmp_path, SWITCHBOARD_UNDO_SECONDS="20") as journey:
            first = await journey.post("/v1/messages", {"to": ANA, "text": "hello", "undo_seconds": 0})
            await journey.delivery(first["id"], "delivered")
            path = f"/v1/conversations/{first['conversation_id']}/messages"
            oops = await journey.post(path, {"text": "oops"})
            behind = await journey.post(path, {"text": "what I meant", "undo_seconds": 0})
            assert (oops["delivery"]["state"], behind["delivery"]["state"]) == ("scheduled", "queued")
            await journey.post(f"/v1/messages/{oops['id']}/cancel", {}, status=200)
            await journey.delivery(behind["id"], "delivered")
            later = await journey.post(path, {"text": "later", "send_at": ahead(0.6)}, status=202)
            left = await in_state(journey, later, "sent")
            await journey.delivery(left["entry_id"], "delivered")
            assert bodies(journey) == ["hello", "what I meant", "later"]
            entries = await journey.entries(first["conversation_id"], at_least=5)
            assert [entry["delivery"]["state"] for entry in entries if entry["type"] == "message"] == [
                "delivered", "canceled", "delivered", "delivered",
            ]  # fmt: skip
            assert [entry["seq"] for entry in entries] == [1, 2, 3, 4, 5]

    asyncio.run(walk())


def test_the_command_line_writes_to_anybody_in_one_call(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """`switchboard send --to` reaches a stranger and then the same conversation; the same key sends once."""

    async def send(journey: Journey, text: str, *more: str) -> Any:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SWITCHBOARD_")} | {
            "SWITCHBOARD_URL": journey.url,
            "SWITCHBOARD_API_KEY": str(journey.client.headers["authorization"]).removeprefix("Bearer "),
        }
        command = [sys.executable, "-m", "gateway", "send", "--to", ANA, "--json", *more, text]
        running = await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.PIPE)
        output, _ = await running.communicate()
        assert running.returncode == 0
        return json.loads(output)

    async def walk() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey:
            key = ("--idempotency-key", "k1")
            first, again = [await send(journey, "hello", *key) for _ in range(2)]
            other = await send(journey, "and more")
            assert (again["id"], other["conversation_id"]) == (first["id"], first["conversation_id"])
            await journey.delivery(other["id"], "delivered")
            assert bodies(journey) == ["hello", "and more"]

    asyncio.run(walk())


def test_an_answer_holds_the_reminder_and_a_draft_goes_out_in_its_authors_name(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    """The contact's own text comes in by the webhook before the reminder is due; the bot's draft is approved once."""

    async def walk() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey:
            first = await journey.post("/v1/messages", {"to": ANA, "text": "hello"})
            conversation = f"/v1/conversations/{first['conversation_id']}"
            reminder = {"text": "still there?", "send_at": ahead(3600), "cancel_on_reply": True}
            planned = await journey.post(f"{conversation}/messages", reminder, status=202)
            await journey.twilio.text_in(ANA, "yes!")
            held = await in_state(journey, planned, "held")
            assert (await journey.get(f"/v1/drafts/{held['draft_id']}"))["text"] == "still there?"
            draft = await journey.post(f"{conversation}/drafts", {"text": "Glad to hear.", "bot": "Helper"})
            path = f"/v1/drafts/{draft['id']}/send"
            sent = await asyncio.gather(*(journey.post(path, {"version": 1}) for _ in range(3)))
            assert len({entry["id"] for entry in sent}) == 1
            assert (sent[0]["author"]["type"], sent[0]["approved_by"]["type"]) == ("bot", "integration")
            await journey.delivery(sent[0]["id"], "delivered")
            assert bodies(journey) == ["hello", "Glad to hear."]

            async def told() -> Any:
                events = (await journey.get("/v1/events", limit=200))["data"]
                kinds = [event["type"] for event in events]
                return kinds if "draft.sent" in kinds else None

            kinds = await eventually(told)
            assert kinds.index("scheduled_message.held") < kinds.index("draft.sent")

    asyncio.run(walk())
