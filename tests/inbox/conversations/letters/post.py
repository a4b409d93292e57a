"""Mail for tests: a channel, mails that come in, and answers that go out, as plain functions."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

import msgspec

from channels.contract import Medium
from channels.events import Address, Addressee, Authentication, Letter, MessageReceived, Verdict
from channels.limits import Limits
from channels.parts import AnyPart, Text
from inbox.conversations.actions.reply import Reply, reply_to_conversation
from inbox.conversations.letters.letter import MailOptions, StoredLetter
from inbox.conversations.letters.tags import sign_reply_address
from inbox.intake.actions.project import project_events
from inbox.intake.batch import Acknowledgement, Lane, MailRules
from inbox.kit.db import execute, fetch, fetch_value, tx
from inbox.kit.secrets import SecretBox
from tests.inbox.builders import BO, NOW, WINDOW, PlainAdapter, arrived, committed, make_channel, no_sibling

HELP, SALES = "help@us.example", "sales@us.example"
ANA_MAIL, BEN_MAIL, EVE_MAIL = "ana@a.example", "ben@b.example", "eve@e.example"
BOX = SecretBox(["0b7f6a19c2d84e53a6f1907be2c4d8f3"])
RULES = MailRules(box=BOX)
ACKNOWLEDGING = MailRules(
    box=BOX,
    acknowledgement=Acknowledgement(
        subject="We have it", template="{{ channel.name }} has your mail.", hours=24, per_minute=20
    ),
)
NUMBERS = count(1)


class MailAdapter(PlainAdapter):
    """As `PlainAdapter`, on mail."""

    name = "email-plain"
    medium: Medium = "email"
    limits = Limits(parts=frozenset({"text", "html", "file"}), text_chars=10_000, whole=True)


ADAPTERS: dict[str, Any] = {"email-plain": MailAdapter(), "sms-plain": PlainAdapter()}


async def mail_channel(*addresses: str) -> Lane:
    """A mail channel of ours."""
    return await make_channel(*(addresses or (HELP,)), adapter="email-plain", medium="email")


def authenticated(*, aligned: bool = True, dmarc: Verdict = "pass") -> Authentication:
    """What a trusted host says of a mail."""
    return Authentication(by="mx.us.example", aligned=aligned, dmarc=dmarc)


def mail(
    subject: str | None = "Order 8841",
    *,
    sender: str = ANA_MAIL,
    name: str | None = None,
    text: str = "hello",
    verified: bool = True,
    to: tuple[str, ...] = (HELP,),
    cc: tuple[str, ...] = (),
    key: str | None = None,
    **letter: Any,
) -> MessageReceived:
    """A mail that came in; what is not said of its letter is made up, its Message-ID too."""
    number = next(NUMBERS)
    said = {"message_id": f"m{number}@mail.example", "authentication": authenticated(aligned=verified), **letter}
    proven = said["authentication"] is not None and said["authentication"].aligned
    people = [*(("to", one) for one in to), *(("cc", one) for one in cc)]
    return MessageReceived(
        key=key or f"mail:{number}",
        sender=Address(kind="email", value=sender, name=name, verified=proven),
        parts=[Text(text=text)],
        provider_message_id=f"p{number}",
        recipients=[
            Addressee(role=role, address=Address(kind="email", value=address))  # type: ignore[arg-type]  # one of two
            for role, address in people
        ],
        letter=Letter(subject=subject, **said),
    )


async def receive_mail(lane: Lane, *mails: MessageReceived, rules: MailRules = RULES, now: Any = NOW) -> UUID:
    """Let these mails arrive in one batch; the conversation of the last of them."""
    start = await fetch_value("SELECT projected_id FROM lane WHERE channel_id = $1", lane.route.channel_id)
    rows = [arrived(start + number, event) for number, event in enumerate(mails, 1)]
    async with tx():
        done = await project_events(lane, rows, find_sibling=no_sibling, now=now, window=WINDOW, rules=rules)
    assert done is not None
    found: UUID | None = await fetch_value(
        "SELECT conversation_id FROM entry WHERE channel_id = $1 AND raw_event_id = $2",
        lane.route.channel_id, start + len(mails),
    )  # fmt: skip
    return found or UUID(int=0)


async def answer(
    conversation_id: UUID, text: str = "we look into it", *, mail: MailOptions | None = None, **fields: Any
) -> UUID:
    """Our answer, queued; the id of its entry."""
    parts: list[AnyPart] = [Text(text=text)]
    written = Reply(parts=parts, author=BO, mail=mail, **fields)
    return await committed(reply_to_conversation(conversation_id, written, adapters=ADAPTERS, now=NOW))


async def letter_in(entry_id: UUID) -> StoredLetter:
    """What is stored of a mail."""
    stored = await fetch_value("SELECT letter FROM entry WHERE id = $1", entry_id)
    return msgspec.json.decode(stored, type=StoredLetter)


async def matches(conversation_id: UUID) -> list[str]:
    """By which rule each mail of a conversation came to be in it."""
    rows = await fetch(
        "SELECT letter->'match'->>'by' AS by FROM entry WHERE conversation_id = $1 AND direction = 'inbound' "
        "ORDER BY seq",
        conversation_id,
    )
    return [row["by"] for row in rows]


async def message_id_of(entry_id: UUID) -> str:
    """The Message-ID under which our mail goes."""
    delivery_id = await fetch_value("SELECT id FROM delivery WHERE entry_id = $1", entry_id)
    return f"msg_{delivery_id.hex}@us.example"


async def recipients_of(entry_id: UUID) -> list[tuple[str, str]]:
    """Roles and addresses."""
    stored = await fetch_value("SELECT recipients FROM entry WHERE id = $1", entry_id)
    return [(one["role"], one["address"]) for one in msgspec.json.decode(stored)]


def signed_tag(number: int, conversation_id: UUID, identity_id: UUID, *, days: int = 30) -> str:
    """The tag of an address by which somebody answers into a conversation."""
    expires = NOW + timedelta(days=days)
    address = sign_reply_address(
        BOX, HELP, number=number, conversation_id=conversation_id, identity_id=identity_id, expires=expires
    )
    return (address or "").partition("+")[2].partition("@")[0]


async def block(address: str) -> None:
    """Nothing is written to whoever has this address."""
    sql = "UPDATE contact SET blocked_at = now() WHERE id = (SELECT contact_id FROM identity WHERE match_key = $1)"
    await execute(sql, address)
