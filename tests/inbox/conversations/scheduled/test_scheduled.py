"""Scheduled messages: planned, changed, canceled, held by a reply; what they become stands in one place."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from inbox.conversations.scheduled.actions.leave import leave_when_due
from inbox.conversations.scheduled.plan import why_not_then
from inbox.conversations.scheduled.queries import BEGINNING, NOBODY, PAGE
from inbox.kit.clock import show_time
from inbox.kit.db import execute, fetch, fetch_value
from inbox.kit.ids import read_id
from tests.inbox.builders import (
    ANA,
    NOW,
    PlainAdapter,
    committed,
    consent_change,
    count_rows,
    receive,
    rows_of,
    text_message,
    timeline,
)
from tests.inbox.conversations.writing import Desk, at_desk

ADAPTERS = {"sms-plain": PlainAdapter()}


def ahead(**time: float) -> str:
    """A moment after now."""
    return (datetime.now(UTC) + timedelta(**time)).isoformat()


async def plan(desk: Desk, text: str = "later", **fields: Any) -> Any:
    """A message for tomorrow."""
    body = {"text": text, "send_at": ahead(days=1), **fields}
    return await desk.ask("POST", f"{desk.conversation}/messages", body, status=202)


async def come_due(made: Any) -> datetime | None:
    """Its time has come, and a worker is at it."""
    scheduled = read_id("sch", made["id"])
    await execute("UPDATE scheduled_message SET send_at = now() - interval '1 s' WHERE id = $1", scheduled)
    return await committed(leave_when_due(scheduled, adapters=ADAPTERS, now=NOW))


async def seen(desk: Desk, made: Any) -> Any:
    """What the API says of it now."""
    return await desk.ask("GET", f"/scheduled-messages/{made['id']}")


async def job_times() -> list[datetime]:
    """When the jobs of scheduled messages are due."""
    return [row["available_at"] for row in await rows_of("job") if row["type"] == "send_scheduled"]


def test_it_is_an_object_of_its_own_until_it_leaves(database_url: str) -> None:
    """No entry and no number before; then the next number, the same author, and the plan says which entry it is."""

    async def steps(desk: Desk) -> None:
        made = await plan(desk)
        assert (made["object"], made["state"], made["entry_id"]) == ("scheduled_message", "scheduled", None)
        [due] = await job_times()
        assert show_time(due) == made["send_at"]
        assert len(await timeline(desk.conversation_id)) == 1
        assert await come_due(made) is None
        left = await seen(desk, made)
        entry = await desk.ask("GET", f"/messages/{left['entry_id']}")
        assert (left["state"], entry["seq"], entry["text"], entry["delivery"]["state"]) == (
            "sent",
            2,
            "later",
            "queued",
        )
        assert entry["author"] == left["author"]
        assert await come_due(made) is None
        assert [text for _, text in await timeline(desk.conversation_id)] == ["hi", "later"]

    at_desk(database_url, steps)


@pytest.mark.parametrize(
    ("moment", "wrong"),
    [
        (NOW + timedelta(seconds=1), False),
        (NOW + timedelta(days=366), False),
        (NOW, True),
        (NOW - timedelta(days=1), True),
        (NOW + timedelta(days=367), True),
        ((NOW + timedelta(days=1)).replace(tzinfo=None), True),
    ],
)
def test_a_plan_is_for_the_future(moment: datetime, wrong: bool) -> None:
    """Neither for the past, nor for years ahead, nor for a moment without its zone."""
    assert (why_not_then(moment, now=NOW) is not None) is wrong


def test_what_could_never_be_sent_is_refused_at_once(database_url: str) -> None:
    """Past moments, opted-out contacts, channels that do not reach them, and options that only go with `send_at`."""

    async def steps(desk: Desk) -> None:
        path = f"{desk.conversation}/messages"
        for body in (
            {"send_at": ahead(seconds=-5)},
            {"send_at": "2030-01-01T00:00:00"},
            {"send_at": ahead(days=1), "undo_seconds": 5},
            {"cancel_on_reply": True},
            {"only_if_open": True},
        ):
            assert await desk.refuse("POST", path, {"text": "x", **body}) == "validation_failed", body
        late = {"text": "x", "send_at": ahead(days=1)}
        assert await desk.refuse("POST", path, {**late, "channel": "email"}) == "channel_cannot"
        await receive(desk.lane, consent_change("revoked"))
        assert await desk.refuse("POST", path, late) == "contact_opted_out"
        assert await count_rows("scheduled_message") == await count_rows("job") == 0

    at_desk(database_url, steps)


def test_the_same_client_message_is_one_plan(database_url: str) -> None:
    """A client that plans twice with its own id, also at once, has planned once."""

    async def steps(desk: Desk) -> None:
        made = await asyncio.gather(*(plan(desk, client_message_id="c1") for _ in range(4)))
        assert len({one["id"] for one in made}) == 1
        assert len(await job_times()) == 1

    at_desk(database_url, steps)


def test_it_is_changed_until_it_leaves(database_url: str) -> None:
    """Its time, words and options change under a version; its one job moves with it."""

    async def steps(desk: Desk) -> None:
        made = await plan(desk)
        path = f"/scheduled-messages/{made['id']}"
        later = ahead(days=3)
        changed = await desk.ask(
            "PATCH", path, {"text": "other", "send_at": later, "cancel_on_reply": True, "version": 1}
        )
        assert (changed["version"], changed["text"], changed["cancel_on_reply"]) == (2, "other", True)
        assert await job_times() == [datetime.fromisoformat(later)]
        assert (await desk.ask("PATCH", path, {"text": "other"}))["version"] == 2
        assert await desk.refuse("PATCH", path, {"text": "x", "version": 1}) == "version_mismatch"
        assert await desk.refuse("PATCH", path, {"send_at": ahead(days=-1)}) == "validation_failed"
        assert await committed(leave_when_due(read_id("sch", made["id"]), adapters=ADAPTERS, now=NOW)) == (
            datetime.fromisoformat(later)
        )
        await come_due(made)
        assert await desk.refuse("PATCH", path, {"text": "x"}) == "state_conflict"

    at_desk(database_url, steps)


def test_a_canceled_one_never_leaves(database_url: str) -> None:
    """Canceling, also twice, ends it with its job; a worker that comes all the same sends nothing."""

    async def steps(desk: Desk) -> None:
        made = await plan(desk)
        path = f"/scheduled-messages/{made['id']}"
        for _ in range(2):
            assert (await desk.ask("POST", f"{path}/cancel"))["state"] == "canceled"
        assert await job_times() == []
        assert await come_due(made) is None
        assert len(await timeline(desk.conversation_id)) == 1
        assert await desk.refuse("POST", f"{path}/send") == "state_conflict"
        assert [row["type"] for row in await rows_of("feed_event", "position") if "scheduled" in row["type"]] == [
            "scheduled_message.created", "scheduled_message.canceled",
        ]  # fmt: skip

    at_desk(database_url, steps)


def test_sending_now_is_one_message(database_url: str) -> None:
    """Asked several times, and with the worker at it as well: one entry, which every answer is; then no cancel."""

    async def steps(desk: Desk) -> None:
        made = await plan(desk)
        path = f"/scheduled-messages/{made['id']}"
        sends = [desk.ask("POST", f"{path}/send", status=201) for _ in range(4)]
        *entries, _ = await asyncio.gather(*sends, asyncio.create_task(come_due(made)))
        assert len({entry["id"] for entry in entries}) == 1
        assert len(await timeline(desk.conversation_id)) == 2
        assert await desk.refuse("POST", f"{path}/cancel") == "state_conflict"

    at_desk(database_url, steps)


def test_of_a_cancel_and_a_send_at_once_one_wins(database_url: str) -> None:
    """Either it was canceled and there is no entry, or it left and the cancel is refused; both happen here."""

    async def steps(desk: Desk) -> None:
        for first in ("cancel", "send") * 4:
            made = await plan(desk)
            before = len(await timeline(desk.conversation_id))
            cancel = desk.api.call("POST", f"/v1/scheduled-messages/{made['id']}/cancel")
            both = [cancel, come_due(made)] if first == "cancel" else [come_due(made), cancel]
            answers = await asyncio.gather(*(asyncio.create_task(one) for one in both))
            answer: Any = answers[0] if first == "cancel" else answers[1]
            state = (await seen(desk, made))["state"]
            entries = len(await timeline(desk.conversation_id)) - before
            assert (answer.status_code, state, entries) in ((200, "canceled", 0), (409, "sent", 1))

    at_desk(database_url, steps)


async def opted_out(desk: Desk) -> None:
    """They said STOP meanwhile."""
    await receive(desk.lane, consent_change("revoked"))


async def removed(desk: Desk) -> None:
    """The channel was deleted meanwhile."""
    await execute("UPDATE channel SET deleted_at = now()")


async def closed(desk: Desk) -> None:
    """The conversation was closed meanwhile."""
    await desk.ask("POST", f"{desk.conversation}/close", {})


@pytest.mark.parametrize(
    ("happens", "code"),
    [
        (opted_out, "contact_opted_out"), (removed, "channel_cannot"),
        (closed, "conversation_closed"),
    ],
)  # fmt: skip
def test_what_cannot_be_sent_when_due_has_failed_for_all_to_see(database_url: str, happens: Any, code: str) -> None:
    """It says why, the feed tells it, it is in the list of what waits, and nothing was written."""

    async def steps(desk: Desk) -> None:
        made = await plan(desk, only_if_open=True)
        await happens(desk)
        before = len(await rows_of("entry"))
        await come_due(made)
        failed = await seen(desk, made)
        assert (failed["state"], failed["reason"]["code"], failed["entry_id"]) == ("failed", code, None)
        last = (await rows_of("feed_event", "position"))[-1]
        facts = msgspec.json.decode(last["facts"])
        assert (last["type"], facts["reason"], facts["state"]) == ("scheduled_message.failed", code, "failed")
        assert len(await rows_of("entry")) == before
        listed = await desk.ask("GET", "/scheduled-messages")
        assert [one["id"] for one in listed["data"]] == [made["id"]]

    at_desk(database_url, steps)


def test_a_paused_channel_lets_it_wait_and_not_fail(database_url: str) -> None:
    """Due while its channel is paused it becomes a queued message, which leaves when the channel is resumed."""

    async def steps(desk: Desk) -> None:
        made = await plan(desk)
        await execute("UPDATE channel SET status = 'paused'")
        await come_due(made)
        entry = read_id("ent", (await seen(desk, made))["entry_id"])
        assert await fetch_value("SELECT delivery_state FROM entry WHERE id = $1", entry) == "queued"

    at_desk(database_url, steps)


def test_the_list_of_what_waits_does_not_walk_over_what_was_sent(database_url: str) -> None:
    """Pages of one state come in their order, from an index: the plan reads no row of another state."""

    async def steps(desk: Desk) -> None:
        await execute(FILL, desk.conversation_id)
        await execute("ANALYZE scheduled_message")
        listed = await desk.ask("GET", "/scheduled-messages?limit=2")
        more = await desk.ask("GET", f"/scheduled-messages?limit=9&cursor={listed['page']['next_cursor']}")
        assert [one["text"] for one in [*listed["data"], *more["data"]]] == ["2998", "2999", "3000", "3001"]
        args = (["failed", "scheduled"], BEGINNING, NOBODY, 3, None)
        page = PAGE.format(where="$5::uuid IS NULL")
        lines = [row[0] for row in await fetch(f"EXPLAIN (ANALYZE, TIMING off) {page}", *args)]
        assert not [line for line in lines if "Seq Scan on scheduled" in line or "Rows Removed" in line], lines

    at_desk(database_url, steps)


FILL = """
INSERT INTO scheduled_message (id, conversation_id, state, send_at, author, scheduled_by, text, parts)
SELECT gen_random_uuid(), $1, CASE WHEN n < 2998 THEN 'sent' WHEN n % 2 = 0 THEN 'failed' ELSE 'scheduled' END,
       now() + make_interval(secs => n), '{"type":"agent","id":"agt_1","name":"Bo"}', '{"type":"agent","id":"agt_1"}',
       n::text, '[]'
FROM generate_series(1, 3001) n
"""


def test_a_failed_one_can_be_planned_anew(database_url: str) -> None:
    """When what stood in its way is gone, another time makes it wait again, and then it leaves."""

    async def steps(desk: Desk) -> None:
        made = await plan(desk)
        await removed(desk)
        await come_due(made)
        await execute("UPDATE channel SET deleted_at = NULL")
        again = await desk.ask("PATCH", f"/scheduled-messages/{made['id']}", {"send_at": ahead(hours=1)})
        assert (again["state"], again["reason"]) == ("scheduled", None)
        await come_due(made)
        assert (await seen(desk, made))["state"] == "sent"

    at_desk(database_url, steps)


def test_without_the_option_a_closed_conversation_is_written_to(database_url: str) -> None:
    """As an answer would be: it is sent, and the conversation stays closed."""

    async def steps(desk: Desk) -> None:
        made = await plan(desk)
        await closed(desk)
        await come_due(made)
        assert (await seen(desk, made))["state"] == "sent"
        assert (await desk.ask("GET", desk.conversation))["status"] == "closed"

    at_desk(database_url, steps)


def test_a_reply_holds_what_was_for_a_silent_contact(database_url: str) -> None:
    """It becomes a draft with the same words and author; its job is gone. What was planned without the option stays."""

    async def steps(desk: Desk) -> None:
        silent, always = await plan(desk, "still there?", cancel_on_reply=True), await plan(desk, "news")
        await receive(desk.lane, text_message("I am here"))
        held = await seen(desk, silent)
        assert (held["state"], held["reason"]["code"]) == ("held", "contact_replied")
        draft = await desk.ask("GET", f"/drafts/{held['draft_id']}")
        assert (draft["text"], draft["state"], draft["author"]) == ("still there?", "open", held["author"])
        assert (await seen(desk, always))["state"] == "scheduled"
        assert len(await job_times()) == 1
        assert await come_due(silent) is None
        assert len(await timeline(desk.conversation_id)) == 2
        told = [row["type"] for row in await rows_of("feed_event", "position")]
        assert {"draft.created", "scheduled_message.held"} <= set(told)

    at_desk(database_url, steps)


def test_a_scheduled_draft_follows_what_becomes_of_it(database_url: str) -> None:
    """Waiting it is not changed; canceled or held it is open again; sent it knows its entry and its approver."""

    async def steps(desk: Desk) -> None:
        draft = await desk.draft("bot words", bot="B")
        path, later = f"/drafts/{draft['id']}", {"send_at": ahead(days=1), "cancel_on_reply": True}

        async def state() -> tuple[str, bool]:
            shown = await desk.ask("GET", path)
            return shown["state"], shown["scheduled_message_id"] is not None

        made = await desk.ask("POST", f"{path}/send", later, status=202)
        assert (await desk.ask("POST", f"{path}/send", later, status=202))["id"] == made["id"]
        assert (await state(), made["approved_by"]["type"]) == (("scheduled", True), "integration")
        assert await desk.refuse("PATCH", path, {"text": "x"}) == "state_conflict"
        await desk.ask("POST", f"/scheduled-messages/{made['id']}/cancel")
        assert await state() == ("open", False)
        made = await desk.ask("POST", f"{path}/send", later, status=202)
        await receive(desk.lane, text_message("wait"))
        assert ((await seen(desk, made))["draft_id"], await state()) == (draft["id"], ("open", False))
        made = await desk.ask("POST", f"{path}/send", later, status=202)
        await come_due(made)
        kept = await desk.ask("GET", path)
        entry = await desk.ask("GET", f"/messages/{kept['entry_id']}")
        assert (kept["state"], entry["author"]["type"], entry["approved_by"]["type"]) == ("sent", "bot", "integration")
        assert (await desk.ask("POST", f"{path}/send", {}, status=201))["id"] == entry["id"]

    at_desk(database_url, steps)


def test_plans_are_listed_by_their_time(database_url: str) -> None:
    """Of all conversations or one, the next first, page by page; by default what waits or has failed."""

    async def steps(desk: Desk) -> None:
        times = [ahead(days=day) for day in (3, 1, 2)]
        made = [await plan(desk, str(at), send_at=time) for at, time in enumerate(times)]
        await desk.ask("POST", f"/scheduled-messages/{made[2]['id']}/cancel")
        for path in ("/scheduled-messages", f"{desk.conversation}/scheduled-messages"):
            first = await desk.ask("GET", f"{path}?limit=1")
            rest = await desk.ask("GET", path, params={"limit": 1, "cursor": first["page"]["next_cursor"]})
            assert [one["text"] for one in first["data"] + rest["data"]] == ["1", "0"]
        canceled = await desk.ask("GET", "/scheduled-messages?state=canceled")
        assert [one["text"] for one in canceled["data"]] == ["2"]
        gone = "cnv_" + "0" * 32
        assert await desk.refuse("GET", f"/conversations/{gone}/scheduled-messages") == "not_found"

    at_desk(database_url, steps)


def test_what_was_erased_is_forgotten(database_url: str) -> None:
    """A job whose message is gone ends without a word."""

    async def steps(desk: Desk) -> None:
        made = await plan(desk)
        await execute("DELETE FROM scheduled_message")
        scheduled: UUID = read_id("sch", made["id"])
        assert await committed(leave_when_due(scheduled, adapters=ADAPTERS, now=NOW)) is None
        assert await fetch_value("SELECT count(*) FROM entry") == 1

    at_desk(database_url, steps)


@pytest.mark.parametrize("edge", ["0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00"])
def test_a_moment_at_the_edge_of_the_calendar_is_refused(database_url: str, edge: str) -> None:
    """One that has no place in UTC is past or too far ahead like its neighbours, wherever it is given."""

    async def steps(desk: Desk) -> None:
        made, draft = await plan(desk), await desk.draft()
        for method, path, body in (
            ("POST", f"{desk.conversation}/messages", {"text": "x"}),
            ("POST", "/messages", {"to": ANA, "text": "x"}),
            ("POST", f"/drafts/{draft['id']}/send", {}),
            ("PATCH", f"/scheduled-messages/{made['id']}", {}),
        ):
            assert await desk.refuse(method, path, {**body, "send_at": edge}) == "validation_failed", path

    at_desk(database_url, steps)
