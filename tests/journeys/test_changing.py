"""Merging, redacting, transcripts and changes to many, by the API alone, over a running gateway."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from inbox.kit.db import fetch_value
from tests.journeys.gateway import Journey, eventually, open_journey

ANA = "+34600111222"
CARD = "4111 1111 1111 1111"


def journey_of(walk: Any, database_url: str, redis_url: str, folder: Path) -> None:
    """Walk it."""

    async def run() -> None:
        async with open_journey(database_url, redis_url, folder) as journey:
            await walk(journey)

    asyncio.run(run())


async def begin(journey: Journey, text: str = "Hola", handset: str = ANA) -> Any:
    """A conversation that somebody began."""
    await journey.twilio.text_in(handset, text)
    return await journey.conversation_with(handset)


def test_two_conversations_become_one_and_two_again(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Answers on their way arrive, inbound goes on in the target, and the undo brings every entry back."""

    async def walk(journey: Journey) -> None:
        source = await begin(journey)
        opened = await journey.post("/v1/conversations", {"contact_id": source["contact"]["id"], "subject": "Order"})
        sent = await journey.post(f"/v1/conversations/{source['id']}/messages", {"text": "one moment"})
        before = await journey.entries(source["id"], at_least=2)
        merged = await journey.post(f"/v1/conversations/{source['id']}/merge", {"into": opened["id"]}, status=200)
        assert (merged["kind"], merged["undoable"], merged["source"]["merged_into"]) == ("merge", True, opened["id"])
        assert merged["target"]["last_seq"] == merged["entries"] + 2
        assert (await journey.delivery(sent["id"], "delivered"))["state"] == "delivered"
        moved = await journey.get(f"/v1/messages/{sent['id']}")
        assert (moved["conversation_id"], moved["moved_from"]["conversation_id"]) == (opened["id"], source["id"])

        await journey.twilio.text_in(ANA, "still there?")
        await eventually(lambda: has_text(journey, opened["id"], "still there?"))
        refused = await journey.post(f"/v1/conversations/{source['id']}/close", {}, status=409)
        assert refused["code"] == "conversation_merged"
        assert opened["id"] in refused["hint"]
        cycle = await journey.post(f"/v1/conversations/{opened['id']}/merge", {"into": source["id"]}, status=409)
        assert cycle["code"] == "merge_cycle"

        [listed] = (await journey.get(f"/v1/conversations/{opened['id']}/moves"))["data"]
        assert listed["id"] == merged["id"]
        undo = f"/v1/conversations/{source['id']}/moves/{merged['id']}/undo"
        undone = await journey.post(undo, {"reason": "not the same matter"}, status=200)
        assert (undone["undoable"], undone["why_not"], undone["source"]["merged_into"]) == (
            False, "it is undone already", None,
        )  # fmt: skip
        after = await journey.entries(source["id"], at_least=2)
        assert [(one["id"], one["seq"], one["text"]) for one in after[:2]] == [
            (one["id"], one["seq"], one["text"]) for one in before[:2]
        ]
        told = await journey.get("/v1/events", limit=200)
        types = [event["type"] for event in told["data"]]
        assert types.count("entry.moved") == 2 * merged["entries"]
        assert types.count("conversation.merged") == types.count("conversation.move_undone") == 2

    journey_of(walk, database_url, redis_url, tmp_path)


async def has_text(journey: Journey, conversation_id: str, text: str) -> bool:
    """Whether somebody has said this there."""
    entries = (await journey.get(f"/v1/conversations/{conversation_id}/entries", limit=200))["data"]
    return any(entry["text"] == text for entry in entries)


def test_a_split_and_what_it_refuses(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """By seq or by entries, not by both; the new conversation is open and with the same contact."""

    async def walk(journey: Journey) -> None:
        first = await begin(journey)
        await journey.twilio.text_in(ANA, "another matter")
        entries = await journey.entries(first["id"], at_least=2)
        path = f"/v1/conversations/{first['id']}/split"
        for body in ({}, {"from_seq": 2, "entry_ids": [entries[1]["id"]]}, {"entry_ids": ["x"]}, {"from_seq": 99}):
            assert (await journey.post(path, body, status=422))["code"] == "validation_failed"
        assert (await journey.post(path, {"from_seq": 1}, status=409))["code"] == "state_conflict"
        split = await journey.post(path, {"entry_ids": [entries[1]["id"]], "reason": "billing"}, status=200)
        assert (split["target"]["contact"], split["target"]["preview"]) == (first["contact"], "another matter")
        assert split["reason"] == "billing"
        key = await journey.post("/v1/api-keys", {"name": "r", "scopes": ["conversations:write"]})
        headers = {"Authorization": f"Bearer {key['secret']}"}
        across = {"into": split["target_id"], "across_contacts": True}
        answer = await journey.client.post(f"/v1/conversations/{first['id']}/merge", json=across, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")

    journey_of(walk, database_url, redis_url, tmp_path)


def test_a_card_number_is_taken_out(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Gone from the timeline, the search, the raw request and its repeats; feed and audit log tell it."""

    async def walk(journey: Journey) -> None:
        conversation = await begin(journey, f"my card is {CARD}")
        [entry] = await journey.entries(conversation["id"])
        raw = f"/v1/messages/{entry['id']}/raw"
        assert (await journey.client.get(raw)).status_code == 200
        body = {"entry_id": entry["id"], "reason": "card number"}
        shown = await journey.post(f"/v1/conversations/{conversation['id']}/redact", body, status=200)
        assert shown["preview"] == "[redacted]"
        gone = await journey.get(f"/v1/messages/{entry['id']}")
        assert (gone["text"], gone["seq"]) == ("[redacted]", 1)
        assert gone["redacted_at"]
        answer = await journey.client.get(raw)
        assert (answer.status_code, answer.json()["code"]) == (410, "gone_redacted")
        assert (await journey.get("/v1/conversations", q='"my card is"'))["data"] == []
        await eventually(nothing_waits)
        left = "SELECT count(*) FROM raw_event WHERE position('4111'::bytea IN body) > 0"
        assert await fetch_value(left) == 0
        events = (await journey.get("/v1/events", types="message.redacted"))["data"]
        assert [event["data"]["entry"]["text"] for event in events] == ["[redacted]"]
        log = (await journey.get("/v1/audit-log", target=entry["id"]))["data"]
        assert [(one["action"], one["facts"]) for one in log] == [
            ("entry.redacted", {"reason": "card number"}), ("message.raw_read", {}),
        ]  # fmt: skip

    journey_of(walk, database_url, redis_url, tmp_path)


async def nothing_waits() -> bool:
    """Whether every job is done."""
    return bool(await fetch_value("SELECT count(*) = 0 FROM job"))


def test_a_transcript_is_a_file(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """In four formats, with a name, without notes unless they are asked for; the audit log tells who took it."""

    async def walk(journey: Journey) -> None:
        conversation = await begin(journey, "<b>Hola</b>")
        path = f"/v1/conversations/{conversation['id']}"
        await journey.post(f"{path}/notes", {"text": "a difficult one"})
        kinds = {"text": "text/plain", "markdown": "text/markdown", "html": "text/html", "json": "application/json"}
        for form, kind in kinds.items():
            answer = await journey.client.get(f"{path}/transcript", params={"format": form})
            assert answer.headers["content-type"].startswith(kind)
            assert answer.headers["content-disposition"].startswith('attachment; filename="conversation-')
            assert answer.headers["content-security-policy"].startswith("default-src 'none'")
            assert "Hola" in answer.text
            assert "difficult" not in answer.text
            whole = await journey.client.get(f"{path}/transcript", params={"format": form, "visibility": "all"})
            assert "difficult" in whole.text
        html = await journey.client.get(f"{path}/transcript", params={"format": "html"})
        assert "&lt;b&gt;Hola&lt;/b&gt;" in html.text
        there = await journey.client.get(f"{path}/transcript", params={"time_zone": "America/New_York"})
        assert " EST]" in there.text or " EDT]" in there.text
        for zone in ("Mars/Olympus", "../../etc/passwd", "/etc/passwd", "x" * 65):
            bad = await journey.client.get(f"{path}/transcript", params={"time_zone": zone})
            assert (bad.status_code, bad.json()["code"]) == (400, "invalid_query")
        pdf = await journey.client.get(f"{path}/transcript", params={"format": "pdf"})
        assert (pdf.status_code, pdf.headers["content-type"], pdf.content[:5]) == (200, "application/pdf", b"%PDF-")
        log = await journey.get("/v1/audit-log", target=conversation["id"], action="conversation.transcript_read")
        assert len(log["data"]) == 11

    journey_of(walk, database_url, redis_url, tmp_path)


def test_many_are_changed_by_one_request(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """By id or by query, each with its result; repeated under its key it acts once."""

    async def walk(journey: Journey) -> None:
        made = [await begin(journey, "offer", f"+3460011122{number}") for number in range(3)]
        ids = [one["id"] for one in made]
        body = {"ids": [*ids, "cnv_" + "0" * 32, "nonsense"], "change": {"type": "tag", "tag": "spam"}}
        done = await journey.post("/v1/conversations/bulk", body, status=200)
        assert [(item["ok"], item["problem"] and item["problem"]["code"]) for item in done["data"]] == [
            (True, None), (True, None), (True, None), (False, "not_found"), (False, "not_found"),
        ]  # fmt: skip
        assert (done["changed"], done["refused"], done["has_more"]) == (3, 2, False)
        by_query = {"q": "tag:spam", "change": {"type": "close", "reason": "advertising"}}
        for replayed in (None, "true"):
            answer = await journey.client.post(
                "/v1/conversations/bulk", json=by_query, headers={"Idempotency-Key": "close-spam"}
            )
            assert answer.status_code == 200, answer.text
            assert answer.json()["changed"] == 3
            assert answer.headers.get("idempotency-replayed") == replayed
        log = await journey.get("/v1/audit-log", action="conversations.bulk_changed")
        assert len(log["data"]) == 2
        for wrong in (
            {"change": {"type": "close"}}, {"ids": ids, "q": "is:open", "change": {"type": "close"}},
            {"ids": ids, "change": {"type": "explode"}}, {"ids": ["x"] * 101, "change": {"type": "close"}},
        ):  # fmt: skip
            assert (await journey.post("/v1/conversations/bulk", wrong, status=422))["code"] == "validation_failed"
        bad = {"q": "is:nonsense", "change": {"type": "close"}}
        assert (await journey.post("/v1/conversations/bulk", bad, status=400))["code"] == "invalid_query"

    journey_of(walk, database_url, redis_url, tmp_path)


def test_of_two_agents_who_close_one_conversation_one_hears_of_it(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    """If-Match on a state change; and what has not changed is not sent again."""

    async def walk(journey: Journey) -> None:
        conversation = await begin(journey)
        path = f"/v1/conversations/{conversation['id']}"
        read = await journey.client.get(path, params={"expand": "contact,last_entry"})
        assert read.json()["expanded"]["contact"]["identities"][0]["address"] == ANA
        tag = (await journey.client.get(path)).headers["etag"]
        assert tag != read.headers["etag"]
        assert (await journey.client.get(path, headers={"If-None-Match": tag})).status_code == 304
        closes = [journey.client.post(f"{path}/close", json={}, headers={"If-Match": tag}) for _ in range(2)]
        answers = await asyncio.gather(*closes)
        assert sorted(answer.status_code for answer in answers) == [200, 412]
        assert (await journey.client.get(path, headers={"If-None-Match": tag})).status_code == 200
        unknown = await journey.client.get("/v1/conversations", params={"expand": "owner"})
        assert (unknown.status_code, unknown.json()["code"]) == (400, "invalid_query")

    journey_of(walk, database_url, redis_url, tmp_path)
