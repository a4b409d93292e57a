"""Redacting: the words are nowhere any more, and everything around them goes on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from channels.parts import Attachment, Image, Text, Unsupported
from inbox.attachments.actions import ExpectedAttachment, StoredFile, expect_attachments, keep_fetched
from inbox.conversations.actions.change import add_note
from inbox.conversations.actions.reply import retry_message
from inbox.conversations.redaction.actions import redact_attachment, redact_entry
from inbox.conversations.redaction.blanks import attachment_ids, without_file
from inbox.intake.actions.journal import journal_events
from inbox.intake.actions.scrub import scrub_journal
from inbox.kit.db import execute, fetch, fetch_value
from inbox.kit.idempotency import RememberedAnswer, remember_answer
from inbox.kit.ids import new_id, show_id
from inbox.outbox.jobs import DeleteFile, ScrubJournal, decode_job
from tests.inbox.builders import (
    AGENT,
    BO,
    NOW,
    committed,
    journal_row,
    make_channel,
    one_row,
    receive,
    refused,
    reply,
    rows_of,
    run_opened,
    text_message,
)

SECRET = "4111 1111 1111 1111"
TABLES = ("entry", "conversation", "delivery", "raw_event", "draft", "draft_version", "scheduled_message",
          "remembered_request", "feed_event", "attachment", "audit_event", "job")  # fmt: skip


async def redact(conversation_id: UUID, entry_id: UUID) -> None:
    """Take it out."""
    await committed(redact_entry(conversation_id, entry_id, reason="card number", actor=AGENT, now=NOW))


async def heard(text: str = SECRET) -> tuple[UUID, UUID]:
    """A conversation with one message of the contact that was journaled, and its entry."""
    lane = await make_channel()
    channel_id = lane.route.channel_id
    await committed(
        journal_events(
            [journal_row(channel_id, f"Body={text}&MessageSid=SMX".encode(), url="https://x.test/?b=" + text)]
        )
    )
    raw_id = await fetch_value("SELECT id FROM raw_event")
    conversation = await receive(lane, text_message(text, key="SMX"))
    await execute("UPDATE entry SET raw_event_id = $1 WHERE type = 'message'", raw_id)
    return conversation, await fetch_value("SELECT id FROM entry WHERE type = 'message'")


async def where_found(words: str) -> list[str]:
    """The tables that hold these words anywhere."""
    found = []
    for table in TABLES:
        rows = await fetch(f"SELECT row_to_json(t)::text AS row, t::text AS plain FROM {table} t")
        encoded = words.encode().hex()
        if any(words in row["row"] or words in row["plain"] or encoded in row["plain"] for row in rows):
            found.append(table)
    return found


def test_the_words_are_nowhere_any_more(database_url: str) -> None:
    """Entry, preview, journal, pieces, search: none of the tables holds them; a hash of the raw body stays."""

    async def body() -> None:
        conversation, entry = await heard()
        assert await where_found(SECRET) == ["entry", "conversation", "raw_event"]
        await redact(conversation, entry)
        assert await where_found(SECRET) == []
        row = await one_row("entry", entry)
        assert (row["text"], row["redacted_at"], row["seq"], row["version"]) == ("[redacted]", NOW, 1, 2)
        assert row["search"] is None
        assert (await one_row("conversation", conversation))["preview"] == "[redacted]"
        [raw] = await rows_of("raw_event")
        assert (raw["body"], raw["url"], len(raw["body_sha256"])) == (b"", "https://x.test/", 32)

    run_opened(database_url, body)


def test_our_own_words_go_too(database_url: str) -> None:
    """What we sent: its pieces, the answer remembered for its key, which is not carried out again."""

    async def body() -> None:
        conversation = await receive(await make_channel(), text_message("hi"))
        entry = await reply(conversation, SECRET)
        await execute("UPDATE entry SET delivery_state = 'sent' WHERE id = $1", entry)
        await execute("UPDATE delivery SET state = 'sent'")
        key = await fetch_value(
            "INSERT INTO api_key (id, name, prefix, hash, scopes) VALUES ($1, 'x', 'x', 'x', '{}') RETURNING id",
            new_id(),
        )
        answer = msgspec.json.encode({"id": show_id("ent", entry), "text": SECRET})
        for name, told in (("k", answer), ("other", b"{}")):
            kept = RememberedAnswer(fingerprint=b"f", status=201, media_type="application/json", body=told)
            await committed(remember_answer(key, name, kept))
        await redact(conversation, entry)
        assert await where_found(SECRET) == []
        rows = {row["key"]: row for row in await rows_of("remembered_request", "key")}
        assert (rows["k"]["status"], rows["other"]["status"]) == (410, 201)
        assert b"gone_redacted" in rows["k"]["body"]
        assert (await refused(committed(retry_message(entry, actor=AGENT, now=NOW)))).code == "gone_redacted"

    run_opened(database_url, body)


def test_a_note_is_redacted(database_url: str) -> None:
    """Notes hold card numbers as well."""

    async def body() -> None:
        conversation = await receive(await make_channel(), text_message("hi"))
        note = await committed(add_note(conversation, parts=[Text(text=SECRET)], author=BO, now=NOW))
        await redact(conversation, note)
        assert await where_found(SECRET) == []
        assert (await one_row("conversation", conversation))["preview"] == "hi"

    run_opened(database_url, body)


def test_it_is_told_and_told_once(database_url: str) -> None:
    """The timeline, the feed and the audit log say who and why; redacting twice is redacting once."""

    async def body() -> None:
        conversation, entry = await heard()
        await redact(conversation, entry)
        await redact(conversation, entry)
        told = await fetch("SELECT type, entry_id, seq FROM feed_event WHERE type = 'message.redacted'")
        assert [(row["entry_id"], row["seq"]) for row in told] == [(entry, 1)]
        events = [msgspec.json.decode(row["event"]) for row in await rows_of("entry", "seq") if row["event"]]
        assert [(event["name"], event["reason"]) for event in events] == [("message_redacted", "card number")]
        [audit] = await fetch("SELECT * FROM audit_event WHERE action = 'entry.redacted'")
        assert (audit["target"], audit["facts"]) == (show_id("ent", entry), '{"reason": "card number"}')

    run_opened(database_url, body)


def test_what_is_on_its_way_is_not_redacted(database_url: str) -> None:
    """A queued message has to be canceled first: forgetting it would not stop it."""

    async def body() -> None:
        conversation = await receive(await make_channel(), text_message("hi"))
        entry = await reply(conversation, SECRET)
        for state in ("scheduled", "queued", "sending"):
            await execute("UPDATE entry SET delivery_state = $2 WHERE id = $1", entry, state)
            assert (await refused(_redaction(conversation, entry))).code == "state_conflict"
        assert (await one_row("entry", entry))["text"] == SECRET

    run_opened(database_url, body)


def test_only_what_was_said_in_this_conversation_is_redacted(database_url: str) -> None:
    """Entries of other conversations, events and what is not there are `not_found`."""

    async def body() -> None:
        conversation, entry = await heard()
        lane = await make_channel("+12125550111")
        other = await receive(lane, text_message("b", sender="+12125550122"))
        assert (await refused(_redaction(other, entry))).code == "not_found"
        assert (await refused(_redaction(conversation, new_id()))).code == "not_found"
        await redact(conversation, entry)
        event = await fetch_value("SELECT id FROM entry WHERE type = 'event'")
        assert (await refused(_redaction(conversation, event))).code == "not_found"

    run_opened(database_url, body)


async def _redaction(conversation_id: UUID, entry_id: UUID) -> None:
    await committed(redact_entry(conversation_id, entry_id, reason="x", actor=AGENT, now=NOW))


async def with_picture() -> tuple[UUID, UUID, UUID]:
    """A conversation whose message carries a stored picture beside words."""
    conversation, entry = await heard("look")
    picture = new_id()
    channel_id = (await one_row("entry", entry))["channel_id"]
    expected = ExpectedAttachment(
        id=picture,
        channel_id=channel_id,
        media_type="image/png",
        entry_id=entry,
        name="door.png",
        source_url="https://p/1",
    )
    await committed(expect_attachments([expected]))
    assert await committed(keep_fetched(picture, make_file("aa/1")))
    parts = [Text(text="look"), Image(attachment=Attachment(id=show_id("att", picture), name="door.png"))]
    await execute("UPDATE entry SET parts = $2, text = 'look [door.png]' WHERE id = $1", entry, encode(parts))
    return conversation, entry, picture


def make_file(key: str) -> StoredFile:
    """A file as it is kept."""
    return StoredFile(storage_key=key, size=3, sha256="ab", media_type="image/png", width=1, height=1)


def encode(value: Any) -> str:
    """As a jsonb column takes it."""
    return msgspec.json.encode(value).decode()


def test_a_file_alone_is_redacted(database_url: str) -> None:
    """The words beside it stay; what it was called and where it lay goes, and a job deletes its bytes."""

    async def body() -> None:
        conversation, entry, picture = await with_picture()
        await committed(redact_attachment(conversation, picture, reason="a face", actor=AGENT, now=NOW))
        row = await one_row("entry", entry)
        assert (row["text"], row["redacted_at"]) == ("look\n[redacted]", None)
        assert await where_found("door.png") == []
        file = await one_row("attachment", picture)
        assert (file["state"], file["storage_key"], file["source_url"], file["redacted_at"]) == (
            "failed",
            None,
            None,
            NOW,
        )
        jobs = [decode_job(row["payload"]) for row in await rows_of("job")]
        assert DeleteFile(storage_key="aa/1") in jobs
        assert any(isinstance(job, ScrubJournal) for job in jobs)
        assert (await refused(_file_redaction(conversation, new_id()))).code == "not_found"

    run_opened(database_url, body)


async def _file_redaction(conversation_id: UUID, attachment_id: UUID) -> None:
    await committed(redact_attachment(conversation_id, attachment_id, reason="x", actor=AGENT, now=NOW))


def test_files_go_with_their_message(database_url: str) -> None:
    """Redacting the message takes its files along, and a file that is fetched too late is not kept."""

    async def body() -> None:
        conversation, entry, picture = await with_picture()
        await redact(conversation, entry)
        assert (await one_row("attachment", picture))["redacted_at"] == NOW
        assert await committed(keep_fetched(picture, make_file("bb/2"), name="door.png")) is False
        assert (await one_row("attachment", picture))["storage_key"] is None
        assert await where_found("door.png") == []

    run_opened(database_url, body)


def test_repeats_in_the_journal_are_blanked(database_url: str) -> None:
    """A provider that sent the message again left its words again; other messages of the channel are not touched."""

    async def body() -> None:
        channel_id = (await make_channel()).route.channel_id
        bodies = [b"Body=a&MessageSid=SM1", b"Body=a&MessageSid=SM1", b"Body=b&MessageSid=SM2", b"id=%3Cm%40x%3E"]
        for one in bodies:
            await committed(journal_events([journal_row(channel_id, one)]))
        first, until = await fetch_value("SELECT min(id) FROM raw_event"), NOW + timedelta(days=7)
        assert await committed(scrub_journal(channel_id, ["SM1"], after=first, until=until)) is None
        assert [row["body"] for row in await rows_of("raw_event")] == [bodies[0], b"", *bodies[2:]]
        await committed(scrub_journal(channel_id, ["<m@x>", "%3Cm%40x%3E"], after=first, until=until))
        assert [row["body"] for row in await rows_of("raw_event")] == [bodies[0], b"", bodies[2], b""]

    run_opened(database_url, body)


def test_a_long_journal_is_gone_through_in_steps(database_url: str) -> None:
    """Each step says where it ended, until there is nothing behind it; what is a week younger is not looked at."""

    async def body() -> None:
        channel_id = (await make_channel()).route.channel_id
        await execute(
            "INSERT INTO raw_event (channel_id, kind, method, url, headers, body, received_at) "
            "SELECT $1, 'm', 'POST', '', '{}', 'SM1', now() + make_interval(days => n / 5000 * 6) "
            "FROM generate_series(0, 10099) n",
            channel_id,
        )
        first = await fetch_value("SELECT min(id) FROM raw_event")
        until = await fetch_value("SELECT min(received_at) FROM raw_event") + timedelta(days=7)
        reached = await committed(scrub_journal(channel_id, ["SM1"], after=first, until=until))
        assert reached is not None
        assert reached == first + 5000
        assert await committed(scrub_journal(channel_id, ["SM1"], after=reached, until=until)) is None
        assert await fetch_value("SELECT count(*) FROM raw_event WHERE redacted_at IS NULL") == 101

    run_opened(database_url, body)


def test_parts_without_a_file() -> None:
    """Only the part that carries the file is blanked; parts without files are left as they are."""
    one, two = Image(attachment=Attachment(id="att_1")), Image(attachment=Attachment(id="att_2"))
    assert attachment_ids([Text(text="x"), one, two, Image(attachment=Attachment())]) == ["att_1", "att_2"]
    assert without_file([Text(text="x"), one, two], "att_1") == [
        Text(text="x"), Unsupported(provider_type="redacted", fallback="[redacted]"), two,
    ]  # fmt: skip
