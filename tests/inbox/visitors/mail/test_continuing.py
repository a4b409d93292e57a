"""Answers that nobody saw go by mail: in their time, once, and to nobody who must not get it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from channels.contract import Medium
from channels.limits import Limits
from channels.parts import Attachment, Image, Text
from channels.webchat.services import MailContinuation
from inbox.contacts.actions import record_consents
from inbox.contacts.contact import ConsentChange
from inbox.conversations.redaction.actions import redact_entry
from inbox.intake.batch import Lane
from inbox.kit.db import Row, execute, fetch, fetch_value
from inbox.privacy.actions import blank_entries
from inbox.visitors.mail.actions import claim_email, continue_by_mail, keep_email
from inbox.visitors.mail.words import PHRASES, say
from tests.inbox.builders import AGENT, NOW, PlainAdapter, committed, make_channel, run_opened
from tests.inbox.visitors.chats import agent_answers, hand_over, make_chat, make_visitor, visitor_writes

ANA = "ana@example.net"
RULES = MailContinuation(after_minutes=10)
LATER = NOW + timedelta(minutes=10)


class MailAdapter(PlainAdapter):
    """A mailbox that takes every mail."""

    name = "email-plain"
    medium: Medium = "email"
    limits = Limits(parts=frozenset({"text"}), text_chars=10_000, whole=True)


class Talk(msgspec.Struct, kw_only=True):
    """A conversation in a chat whose visitor has left, and a mailbox."""

    chat: Lane
    conversation_id: UUID
    visitor_id: UUID

    async def look(self, now: datetime = LATER, rules: MailContinuation = RULES) -> datetime | None:
        """Mail what is due."""
        channel_id = self.chat.route.channel_id
        work = continue_by_mail(
            self.conversation_id, {channel_id: rules}, names={channel_id: "Shop"},
            adapters={"email-plain": MailAdapter()}, now=now,
        )  # fmt: skip
        return await committed(work)


async def open_talk(*, email: str | None = ANA, mailbox: bool = True) -> Talk:
    """The visitor wrote, and left an address."""
    if mailbox:
        await make_channel("help@shop.example", adapter="email-plain", medium="email")
    chat = await make_chat()
    conversation_id = await visitor_writes(chat)
    visitor_id = await make_visitor(chat, email=email)
    return Talk(chat=chat, conversation_id=conversation_id, visitor_id=visitor_id)


async def mailed() -> list[Row]:
    """What went out by mail."""
    return await fetch(
        "SELECT e.event, e.recipients, e.letter, d.parts FROM entry e JOIN delivery d ON d.entry_id = e.id "
        "WHERE e.medium = 'email' ORDER BY e.seq"
    )


def words_of(row: Row) -> list[str]:
    """The texts of a mail."""
    return [part["text"] for part in msgspec.json.decode(row["parts"])]


def test_it_goes_in_its_time_and_once(database_url: str) -> None:
    """So long after the answer and the visitor's last sign; the next mail has only what is new."""

    async def body() -> None:
        talk = await open_talk()
        await agent_answers(talk.conversation_id)
        await hand_over()
        assert await talk.look(NOW + timedelta(minutes=9)) == LATER
        assert not await mailed()
        assert await talk.look() is None
        assert await talk.look() is None
        [row] = await mailed()
        assert words_of(row) == ["hello", say("answers", "en")]
        event = msgspec.json.decode(row["event"])
        assert (event["name"], event["to"]) == ("moved_to_email", {"channel": "email", "messages": 1})
        assert msgspec.json.decode(row["letter"]) == {"subject": "Your chat with Shop"}
        await agent_answers(talk.conversation_id)
        await hand_over()
        await talk.look()
        assert [words_of(one)[0] for one in await mailed()] == ["hello", "hello"]

    run_opened(database_url, body)


def test_what_mail_cannot_carry_is_named(database_url: str) -> None:
    """The words go all the same: better without the picture than not at all."""

    async def body() -> None:
        talk = await open_talk()
        picture = Image(attachment=Attachment(name="door.png", media_type="image/png", size=10))
        await agent_answers(talk.conversation_id, Text(text="This one"), picture)
        await hand_over()
        await talk.look()
        [row] = await mailed()
        assert words_of(row) == ["This one", "[door.png]", say("answers", "en")]

    run_opened(database_url, body)


def test_who_is_still_there_gets_no_mail(database_url: str) -> None:
    """The time runs from their last sign; what they read meanwhile is not mailed."""

    async def body() -> None:
        talk = await open_talk()
        await agent_answers(talk.conversation_id)
        await hand_over()
        await execute("UPDATE visitor SET last_seen_at = $1", LATER)
        assert await talk.look() == LATER + timedelta(minutes=10)
        await hand_over(state="read")
        assert await talk.look(LATER + timedelta(hours=1)) is None
        assert not await mailed()

    run_opened(database_url, body)


def test_what_is_still_ours_is_not_mailed(database_url: str) -> None:
    """A message that waits to be undone, or that failed, was never said; one of last week is old news."""

    async def body() -> None:
        talk = await open_talk()
        await agent_answers(talk.conversation_id)
        for state in ("scheduled", "queued", "failed", "canceled"):
            await hand_over(state=state)
            await talk.look()
        await hand_over()
        await talk.look(NOW + timedelta(days=8))
        assert not await mailed()

    run_opened(database_url, body)


def test_without_an_address_or_a_mailbox_it_waits(database_url: str) -> None:
    """Nothing counts as mailed; once there is both, it goes."""

    async def body() -> None:
        talk = await open_talk(email=None, mailbox=False)
        await agent_answers(talk.conversation_id)
        await hand_over()
        assert await talk.look() is None
        contact_id = await fetch_value("SELECT contact_id FROM conversation WHERE id = $1", talk.conversation_id)
        await committed(keep_email(talk.visitor_id, contact_id, ANA, conversation_id=talk.conversation_id))
        assert await talk.look() is None
        asked = await fetch_value("SELECT count(*) FROM job WHERE type = 'continue_by_mail'")
        assert asked == 1
        await make_channel("help@shop.example", adapter="email-plain", medium="email")
        await talk.look()
        assert len(await mailed()) == 1

    run_opened(database_url, body)


def test_a_chat_may_keep_to_itself(database_url: str) -> None:
    """Where it is turned off nothing is mailed."""

    async def body() -> None:
        talk = await open_talk()
        await agent_answers(talk.conversation_id)
        await hand_over()
        assert await talk.look(rules=MailContinuation(enabled=False)) is None
        assert not await mailed()

    run_opened(database_url, body)


def test_who_wants_no_mail_gets_none(database_url: str) -> None:
    """An address that opted out, is somebody's we blocked, or came back, is written to by nobody."""

    async def body() -> None:
        talk = await open_talk()
        await agent_answers(talk.conversation_id)
        await hand_over()
        contact_id = await fetch_value("SELECT contact_id FROM conversation WHERE id = $1", talk.conversation_id)
        identity_id = await committed(claim_email(contact_id, ANA))
        flag = "INSERT INTO undeliverable_address (identity_id, reason, since) VALUES ($1, 'no such user', now())"
        await execute(flag, identity_id)
        await talk.look()
        await execute("DELETE FROM undeliverable_address")
        change = ConsentChange(identity_id=identity_id, state="revoked", source="agent")
        await committed(record_consents([change]))
        await talk.look()
        assert not await mailed()

    run_opened(database_url, body)


def test_what_is_redacted_goes_from_the_mail_as_well(database_url: str) -> None:
    """The copy we keep of the mail says no more than the timeline."""

    async def body() -> None:
        talk = await open_talk()
        entries = [await agent_answers(talk.conversation_id) for _ in range(2)]
        await hand_over()
        await talk.look()
        await committed(redact_entry(talk.conversation_id, entries[0], reason="wrong person", actor=AGENT, now=LATER))
        [row] = await mailed()
        assert words_of(row) == ["[redacted]"]
        await committed(blank_entries(entries, now=LATER, unlink=False))

    run_opened(database_url, body)


def test_another_s_address_stays_theirs(database_url: str) -> None:
    """It is noted beside who typed it; the mail goes to it, and answers come back as a stranger's."""

    async def body() -> None:
        talk = await open_talk()
        owner = await visitor_writes(await make_chat(), visitor="vis_2")
        other = await fetch_value("SELECT contact_id FROM conversation WHERE id = $1", owner)
        identity_id = await committed(claim_email(other, ANA))
        mine = await fetch_value("SELECT contact_id FROM conversation WHERE id = $1", talk.conversation_id)
        assert await committed(claim_email(mine, ANA)) == identity_id
        told: Any = await fetch("SELECT id, attributes->>'email' AS email FROM contact ORDER BY created_at, id")
        assert {row["id"]: row["email"] for row in told} == {mine: ANA, other: None}
        assert await fetch_value("SELECT contact_id FROM identity WHERE id = $1", identity_id) == other

    run_opened(database_url, body)


def test_every_language_says_everything() -> None:
    """No phrase is missing, and none lost its names on the way."""
    for language, phrases in PHRASES.items():
        assert phrases.keys() == PHRASES["en"].keys(), language
        for phrase, words in phrases.items():
            for name in ("{name}", "{hours}"):
                assert (name in words) is (name in PHRASES["en"][phrase]), (language, phrase)
    assert say("subject", "pt-BR", name="Loja") == "Sua conversa com Loja"
    assert say("subject", "xx", name="Shop") == "Your chat with Shop"
