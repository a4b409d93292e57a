"""Repairs over the API: chosen, counted, followed, audited, and only by admins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from inbox.kit.db import execute
from inbox.kit.ids import show_id
from tests.gateway.test_reconcile import journey
from tests.inbox.builders import rows_of
from tests.journeys.gateway import Journey, eventually

POISON = """
INSERT INTO raw_event (channel_id, kind, method, url, headers, body, received_at)
SELECT id, 'message', 'POST', 'https://x/message', '{}', convert_to('nonsense ' || n, 'UTF8'),
       now() - n * interval '1 hour'
FROM channel, generate_series(1, 3) n
"""
DEAD = """
INSERT INTO job (type, key, payload, state)
VALUES ('deliver_message', 'k', '{"type":"deliver_message","entry_id":"01a20000-0000-7000-8000-000000000000"}', 3)
"""
RUNNING = """
INSERT INTO repair (id, kind, channel_id, actor)
SELECT gen_random_uuid(), 'reconcile', id, '{"type":"system"}' FROM channel
"""
MENDED = "MessageSid=SM' || id || '&AccountSid=AC1&From=%2B12125550100&To=%2B15550001111&Body=hi"


async def quarantined(opened: Journey, *, of: int) -> list[dict[str, Any]]:
    """What lies in quarantine, once it is so much."""

    async def found() -> Any:
        rows = (await opened.get("/v1/intake", state="quarantine"))["data"]
        return rows if len(rows) == of else None

    rows: list[dict[str, Any]] = await eventually(found)
    return rows


async def replay(opened: Journey, **choice: Any) -> dict[str, int]:
    """Replay a choice, and wait for the end."""
    begun = await opened.post("/v1/intake/replay", choice, status=202)

    async def ended() -> Any:
        repair = await opened.get(f"/v1/repairs/{begun['id']}")
        return repair if repair["state"] == "done" else None

    counts: dict[str, int] = (await eventually(ended))["counts"]
    return counts


def test_the_journal_is_listed_shown_and_replayed_by_choice(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """By reason and time; a dry run changes nothing, a replay projects once, and again means nothing."""

    async def body(opened: Journey) -> None:
        await execute(POISON)
        rows = await quarantined(opened, of=3)
        assert {row["code"] for row in rows} == {"malformed"}
        page = await opened.get("/v1/intake", limit=2)
        assert len(page["data"]) == 2
        rest = await opened.get("/v1/intake", limit=2, cursor=page["page"]["next_cursor"])
        assert [row["id"] for row in page["data"] + rest["data"]] == sorted((row["id"] for row in rows), reverse=True)
        whole = await opened.get(f"/v1/intake/{rows[0]['id']}")
        assert (whole["body"][:8], whole["encoding"]) == ("nonsense", "text")
        await execute(f"UPDATE raw_event SET body = convert_to('{MENDED}', 'UTF8')")
        since = sorted(row["received_at"] for row in rows)[1]
        assert await replay(opened, code="malformed", since=since, dry_run=True) == {
            "selected": 2,
            "replayed": 0,
            "failed": 0,
        }
        assert await replay(opened, code="malformed", since=since) == {"selected": 2, "replayed": 2, "failed": 0}
        conversation = await opened.conversation_with("+12125550100")
        assert len(await opened.entries(conversation["id"], at_least=2)) == 2
        assert await replay(opened, since=since) == {"selected": 2, "replayed": 2, "failed": 0}
        assert len(await opened.entries(conversation["id"], at_least=2)) == 2
        left = await quarantined(opened, of=1)
        closed = await opened.post("/v1/intake/dismiss", {"ids": [left[0]["id"]]}, status=200)
        assert (closed["matched"], closed["changed"]) == (1, 1)
        assert (await opened.get("/v1/intake", state="quarantine"))["data"] == []
        audited = {row["action"] for row in await rows_of("audit_event")}
        assert {"intake.replayed", "intake.dismissed"} <= audited

    journey(database_url, redis_url, tmp_path, body)


def test_a_choice_of_nothing_is_refused(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """An empty choice would mean everything, so it is an error, and so is a journal that has no such request."""

    async def body(opened: Journey) -> None:
        for path in ("/v1/intake/replay", "/v1/intake/dismiss", "/v1/jobs/retry", "/v1/jobs/discard"):
            refused = await opened.client.post(path, json={})
            assert (path, refused.status_code) == (path, 422)
        assert (await opened.client.get("/v1/intake/99999")).status_code == 404
        assert (await opened.client.get(f"/v1/repairs/rpr_{'0' * 32}")).status_code == 404

    journey(database_url, redis_url, tmp_path, body)


def test_dead_jobs_and_the_hold_over_the_api(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Dead jobs are counted, retried and discarded by choice; a held outbox shows in the health, which stays 200."""

    async def body(opened: Journey) -> None:
        held = await opened.post("/v1/outbox/hold", {"reason": "a test"}, status=200)
        assert (held["held"], held["reason"]) == (True, "a test")
        health = await opened.get("/health/ready")
        assert {"name": "outbox", "state": "degraded", "reason": "Held"} in health["parts"]
        await execute(DEAD)
        await execute(DEAD)
        listed = (await opened.get("/v1/jobs", state="dead", type="deliver_message"))["data"]
        tried = await opened.post("/v1/jobs/retry", {"type": "deliver_message", "dry_run": True}, status=200)
        assert (tried["matched"], tried["changed"]) == (2, 0)
        done = await opened.post("/v1/jobs/retry", {"ids": [listed[0]["id"]]}, status=200)
        assert (done["matched"], done["changed"]) == (1, 1)
        gone = await opened.post("/v1/jobs/discard", {"type": "deliver_message"}, status=200)
        assert (gone["matched"], gone["changed"], gone["remaining"]) == (1, 1, 0)
        assert [job["state"] for job in (await opened.get("/v1/jobs"))["data"]] == ["waiting"]
        dropped = await opened.post("/v1/outbox/drop", {"before": "2099-01-01T00:00:00Z"}, status=200)
        assert (dropped["changed"], dropped["remaining"]) == (1, 0)
        assert not (await opened.post("/v1/outbox/release", {}, status=200))["held"]
        refused = await opened.client.post("/v1/outbox/drop", json={"before": "2099-01-01T00:00:00Z"})
        assert refused.json()["code"] == "state_conflict"

    journey(database_url, redis_url, tmp_path, body)


def test_one_comparison_of_a_channel_at_a_time(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """While one is running another is refused, with where to look; other channels are not concerned."""

    async def body(opened: Journey) -> None:
        await execute(RUNNING)
        since = (await rows_of("repair"))[0]["created_at"].isoformat()
        refused = await opened.client.post(f"/v1/channels/{opened.channel_id}/reconcile", json={"since": since})
        assert (refused.status_code, refused.json()["code"]) == (409, "state_conflict")
        [shown] = (await opened.get("/v1/repairs"))["data"]
        assert shown["id"] == show_id("rpr", (await rows_of("repair"))[0]["id"])

    journey(database_url, redis_url, tmp_path, body)
