"""Drafts: nobody's words are lost or overwritten unseen, and however often one is sent, it is one message."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from inbox.conversations.drafts.draft import DRAFTS_MAX, VERSIONS_KEPT
from inbox.conversations.moves.actions import merge_conversations
from inbox.kit.db import execute, fetch, tx
from inbox.kit.ids import show_id
from tests.inbox.builders import (
    AGENT,
    NOW,
    apart,
    consent_change,
    count_rows,
    receive,
    rows_of,
    text_message,
    timeline,
)
from tests.inbox.conversations.writing import Desk, at_desk


async def told(kind: str) -> list[Any]:
    """The facts of what the feed tells of this kind, in order."""
    rows = [row for row in await rows_of("feed_event", "position") if row["type"].startswith(kind)]
    return [(row["type"], msgspec.json.decode(row["facts"])["version"]) for row in rows]


def test_a_draft_is_saved_version_by_version(database_url: str) -> None:
    """What differs is the next version, what does not is none; each is listed, the newest first."""

    async def steps(desk: Desk) -> None:
        made = await desk.draft("one")
        path = f"/drafts/{made['id']}"
        assert (made["state"], made["version"], made["channel"], made["text"]) == ("open", 1, "auto", "one")
        assert await desk.ask("GET", path) == made
        await desk.ask("PATCH", path, {"text": "two", "channel": "sms"})
        assert (await desk.ask("PATCH", path, {"text": "two"}))["version"] == 2
        emptied = await desk.ask("PATCH", path, {"text": None})
        assert (emptied["version"], emptied["parts"], emptied["channel"]) == (3, [], "sms")
        kept = (await desk.ask("GET", f"{path}/versions"))["data"]
        assert [(one["version"], one["text"], one["channel"]) for one in kept] == [
            (3, "", "sms"), (2, "two", "sms"), (1, "one", "auto"),
        ]  # fmt: skip
        restored = await desk.ask("POST", f"{path}/versions/1/restore")
        assert (restored["version"], restored["text"], restored["channel"]) == (4, "one", "auto")
        assert await desk.refuse("POST", f"{path}/versions/9/restore") == "not_found"
        assert await told("draft.") == [("draft.created", 1), *(("draft.updated", version) for version in (2, 3, 4))]

    at_desk(database_url, steps)


def test_only_so_many_versions_are_kept(database_url: str) -> None:
    """A composer that saves without end keeps the last ones; pages lead through them."""

    async def steps(desk: Desk) -> None:
        path = f"/drafts/{(await desk.draft('0'))['id']}"
        for number in range(1, VERSIONS_KEPT + 3):
            await desk.ask("PATCH", path, {"text": str(number)})
        assert await count_rows("draft_version") == VERSIONS_KEPT
        page = await desk.ask("GET", f"{path}/versions?limit=60")
        rest = await desk.ask("GET", f"{path}/versions", params={"limit": 60, "cursor": page["page"]["next_cursor"]})
        numbers = [one["version"] for one in page["data"] + rest["data"]]
        assert numbers == list(range(VERSIONS_KEPT + 3, 3, -1))

    at_desk(database_url, steps)


@pytest.mark.parametrize("way", ["version", "If-Match"])
def test_who_has_not_seen_the_newest_version_overwrites_nothing(database_url: str, way: str) -> None:
    """Of two who save over the same version one is told `version_mismatch`, and so is who approves or deletes it."""

    async def steps(desk: Desk) -> None:
        path = f"/drafts/{(await desk.draft())['id']}"

        def over(version: int, body: dict[str, Any]) -> dict[str, Any]:
            if way == "version":
                return {"json": {**body, "version": version}}
            return {"json": body, "headers": {"If-Match": f'"v{version}"'}}

        saves = [desk.api.call("PATCH", f"/v1{path}", **over(1, {"text": text})) for text in "abcde"]
        answers = await asyncio.gather(*saves)
        assert sorted(one.status_code for one in answers) == [200, 412, 412, 412, 412]
        assert {one.json()["code"] for one in answers if one.status_code == 412} == {"version_mismatch"}
        sent = await desk.api.call("POST", f"/v1{path}/send", **over(1, {}))
        assert (sent.status_code, await count_rows("job")) == (412, 0)
        assert (await desk.api.call("POST", f"/v1{path}/send", **over(2, {}))).status_code == 201

    at_desk(database_url, steps)


def test_drafts_are_no_part_of_the_timeline_and_the_feed_tells_no_word(database_url: str) -> None:
    """Neither entries nor preview nor the conversation's version change; events name the draft and no more."""

    async def steps(desk: Desk) -> None:
        before = await desk.ask("GET", desk.conversation)
        made = await desk.draft("top secret words")
        await desk.ask("PATCH", f"/drafts/{made['id']}", {"text": "other secret words"})
        assert await desk.ask("GET", desk.conversation) == before
        assert len(await timeline(desk.conversation_id)) == 1
        rows = await fetch("SELECT row_to_json(f)::text AS told FROM feed_event f WHERE type LIKE 'draft%'")
        assert len(rows) == 2
        assert all("secret" not in row["told"] and made["id"] in row["told"] for row in rows)

    at_desk(database_url, steps)


def test_the_author_stays_and_the_approver_is_recorded(database_url: str) -> None:
    """A bot's words go out in the bot's name; who let them go stands beside them; one's own need no approver."""

    async def steps(desk: Desk) -> None:
        bo, key = await desk.agent_key()
        proposed = await desk.draft("Refunded.", bot="Refund bot")
        sent = await desk.ask("POST", f"/drafts/{proposed['id']}/send", {}, status=201, key=key)
        assert (sent["author"]["type"], sent["author"]["name"]) == ("bot", "Refund bot")
        assert (sent["approved_by"]["type"], sent["approved_by"]["id"]) == ("agent", bo)
        kept = await desk.ask("GET", f"/drafts/{proposed['id']}")
        assert (kept["state"], kept["entry_id"], kept["approved_by"]["id"]) == ("sent", sent["id"], bo)
        own = await desk.ask("POST", f"{desk.conversation}/drafts", {"text": "Mine."}, status=201, key=key)
        sent = await desk.ask("POST", f"/drafts/{own['id']}/send", {}, status=201, key=key)
        assert (sent["author"]["id"], sent["approved_by"]) == (bo, None)
        for body in ({"bot": "B", "agent_id": bo}, {"bot": "B"}):
            assert await desk.refuse("POST", f"{desk.conversation}/drafts", body, key=key) == "validation_failed"

    at_desk(database_url, steps)


def test_who_may_only_propose_sends_nothing(database_url: str) -> None:
    """A bot's key saves drafts; sending them takes the scope of sending."""

    async def steps(desk: Desk) -> None:
        key = await desk.api.make_key("conversations:read", "conversations:write")
        made = await desk.ask("POST", f"{desk.conversation}/drafts", {"text": "x", "bot": "B"}, status=201, key=key)
        assert await desk.refuse("POST", f"/drafts/{made['id']}/send", {}, key=key) == "scope_missing"
        assert await count_rows("job") == 0

    at_desk(database_url, steps)


def test_sending_twice_is_one_message(database_url: str) -> None:
    """At once or later, with whichever version: one entry, one job, and every answer is that entry."""

    async def steps(desk: Desk) -> None:
        path = f"/drafts/{(await desk.draft('once'))['id']}"
        first = await asyncio.gather(*(desk.ask("POST", f"{path}/send", {}, status=201) for _ in range(6)))
        again = await desk.ask("POST", f"{path}/send", {"version": 1}, status=201)
        assert {one["id"] for one in [*first, again]} == {again["id"]}
        assert [text for _, text in await timeline(desk.conversation_id)] == ["hi", "once"]
        assert await count_rows("job") == 1
        assert [kind for kind, _ in await told("draft.")] == ["draft.created", "draft.sent"]

    at_desk(database_url, steps)


def test_what_is_sent_is_changed_no_more(database_url: str) -> None:
    """A sent draft is a record: neither saved, restored nor deleted; the list leaves it out unless it is asked for."""

    async def steps(desk: Desk) -> None:
        path = f"/drafts/{(await desk.draft())['id']}"
        await desk.ask("POST", f"{path}/send", {}, status=201)
        for method, more, body in (
            ("PATCH", "", {"text": "x"}),
            ("DELETE", "", None),
            ("POST", "/versions/1/restore", None),
        ):
            assert await desk.refuse(method, path + more, body) == "state_conflict"
        waiting = await desk.draft("second")
        await desk.draft("third")
        listed = await desk.ask("GET", f"{desk.conversation}/drafts?limit=1")
        assert [one["id"] for one in listed["data"]] == [waiting["id"]]
        rest = await desk.ask(
            "GET", f"{desk.conversation}/drafts", params={"limit": 1, "cursor": listed["page"]["next_cursor"]}
        )
        assert [one["text"] for one in rest["data"]] == ["third"]
        sent = await desk.ask("GET", f"{desk.conversation}/drafts?state=sent")
        assert [one["state"] for one in sent["data"]] == ["sent"]

    at_desk(database_url, steps)


def test_a_refused_draft_stays_a_draft(database_url: str) -> None:
    """What cannot be sent, or has nothing in it, is refused and can be changed and sent again."""

    async def steps(desk: Desk) -> None:
        made = await desk.draft(None)
        path = f"/drafts/{made['id']}"
        assert await desk.refuse("POST", f"{path}/send", {}) == "validation_failed"
        await desk.ask("PATCH", path, {"text": "now"})
        await receive(desk.lane, consent_change("revoked"))
        assert await desk.refuse("POST", f"{path}/send", {}) == "contact_opted_out"
        assert (await desk.ask("GET", path))["state"] == "open"
        await receive(desk.lane, consent_change("granted"))
        await desk.ask("POST", f"{path}/send", {}, status=201)

    at_desk(database_url, steps)


def test_drafts_have_an_end(database_url: str) -> None:
    """The draft beyond the limit is refused; one that is deleted makes room, and is gone with its versions."""

    async def steps(desk: Desk) -> None:
        made = await desk.draft()
        await execute(
            "INSERT INTO draft (id, conversation_id, author, saved_by) "
            "SELECT gen_random_uuid(), $1, $3, $3 FROM generate_series(2, $2)",
            desk.conversation_id, DRAFTS_MAX, '{"type":"system"}',
        )  # fmt: skip
        assert await desk.refuse("POST", f"{desk.conversation}/drafts", {}) == "state_conflict"
        await desk.ask("DELETE", f"/drafts/{made['id']}", status=204)
        assert await desk.refuse("GET", f"/drafts/{made['id']}") == "not_found"
        assert await count_rows("draft_version") == 0
        await desk.draft()

    at_desk(database_url, steps)


def test_a_merge_changes_nothing_about_what_was_sent(database_url: str) -> None:
    """Sent once more after its conversation was merged away, a draft is still the one message; an open one moved."""

    async def steps(desk: Desk) -> None:
        sent, waiting = await desk.draft("sent"), await desk.draft("open")
        entry = await desk.ask("POST", f"/drafts/{sent['id']}/send", {}, status=201)
        await desk.ask("POST", f"{desk.conversation}/close", {})
        target = await receive(desk.lane, text_message("again"), now=NOW + timedelta(days=9))
        source = desk.conversation_id
        async with tx():
            await merge_conversations(source, target, across_contacts=False, actor=AGENT, now=NOW)
            saving = apart(desk.ask("PATCH", f"/drafts/{waiting['id']}", {"text": "saved"}))
            await asyncio.sleep(0.1)
        assert (await saving)["conversation_id"] == show_id("cnv", target)
        assert (await desk.ask("POST", f"/drafts/{sent['id']}/send", {}, status=201))["id"] == entry["id"]

    at_desk(database_url, steps)
