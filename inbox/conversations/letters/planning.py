"""What a message of ours says and whom it reaches where it goes as mail: settled when it is written."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from channels.parts import AnyPart, plain_text
from inbox.contacts.actions.identities import find_identities
from inbox.contacts.matching import match_key
from inbox.contacts.queries import blocked_contacts, revoked_consents
from inbox.conversations.entry import Recipient
from inbox.conversations.letters.letter import MailOptions, StoredLetter, is_message_id, tidy_subject
from inbox.conversations.letters.queries import find_answered, find_own_addresses, sent_message_id
from inbox.conversations.letters.recipients import Addressed, LeftOut, choose_recipients
from inbox.conversations.letters.subjects import answer_subject
from inbox.conversations.participants.participant import NewParticipant
from inbox.conversations.participants.queries import Participant, list_participants
from inbox.kit.callers import Actor
from inbox.kit.db import Row
from inbox.kit.errors import FieldError, Problem

FIRST_LINE_CHARS = 70
"""How much of the words stands for a subject that nobody gave."""
REFERENCES_MAX = 30
"""The most ids we pass on: the first, which began it all, and the newest (RFC 5322 3.6.4 sets no limit)."""
DEFAULT = MailOptions()

_stored_letter = msgspec.json.Decoder(StoredLetter).decode


class MailTarget(msgspec.Struct, kw_only=True, frozen=True):
    """Where a mail goes: the contact's address by a channel of ours, in a conversation or before there is one."""

    address: str
    channel_id: UUID
    conversation_id: UUID | None
    subject: str | None


class MailPlan(msgspec.Struct, kw_only=True, frozen=True):
    """The letter, its recipients besides the contact, and who is left out of an answer to all."""

    letter: StoredLetter
    others: list[Recipient]
    left_out: list[LeftOut]


def refuse_mail_options(asked: MailOptions | None, *, medium: str) -> None:
    """The `channel_cannot` problem where something is asked of a medium that only mail has."""
    for name in MailOptions.__struct_fields__:
        if asked is not None and medium != "email" and getattr(asked, name) != getattr(DEFAULT, name):
            detail = f"{medium} has no {name}: only mail does"
            error = FieldError(pointer=f"/{name}", code="channel_cannot", detail=detail)
            raise Problem("channel_cannot", detail, errors=[error], hint="Leave it out, or send it by email")


async def plan_mail(
    target: MailTarget, asked: MailOptions | None, *, parts: list[AnyPart], in_reply_to: UUID | None = None
) -> MailPlan:
    """Subject, chain of references and recipients of a mail; a problem where one of them may not be written to."""
    wanted = asked or DEFAULT
    answered = await _answered(target.conversation_id, in_reply_to)
    subject = wanted.subject or _subject_of(target.subject, answered, parts)
    chain = _chain(answered) if answered else []
    letter = StoredLetter(
        subject=subject,
        in_reply_to=chain[-1:],
        references=chain,
        automatic=wanted.automatic,
        quotes=answered["id"] if answered and wanted.quote else None,
    )
    await _refuse_recipients([*wanted.cc, *wanted.bcc], channel_id=target.channel_id)
    people = await list_participants(target.conversation_id) if target.conversation_id and wanted.reply_all else []
    envelope = choose_recipients(
        target.address,
        cc=wanted.cc,
        bcc=wanted.bcc,
        everybody=await _addressed(people, channel_id=target.channel_id),
        own=await find_own_addresses(),
    )
    return MailPlan(letter=letter, others=envelope.others, left_out=envelope.left_out)


async def _answered(conversation_id: UUID | None, in_reply_to: UUID | None) -> Row | None:
    """The mail that is named, if it is one of this conversation; else the newest of it."""
    if conversation_id is None:
        return None
    named = await find_answered(conversation_id, in_reply_to) if in_reply_to else None
    return named or await find_answered(conversation_id, None)


def _subject_of(topic: str | None, answered: Row | None, parts: list[AnyPart]) -> str:
    """That of the conversation, marked as an answer where it is one; else that of the mail; else the first words."""
    if answered is not None:
        topic = topic or _letter_of(answered).subject
    first = tidy_subject(topic) or tidy_subject(plain_text(parts).partition("\n")[0][:FIRST_LINE_CHARS]) or ""
    return answer_subject(first) if answered is not None and topic else first


def _chain(answered: Row) -> list[str]:
    """The references of the answered mail and its own id, the oldest first."""
    letter = _letter_of(answered)
    own = letter.message_id
    if answered["direction"] == "outbound" and answered["delivery_id"]:
        own = sent_message_id(
            answered["addresses"],
            delivery_id=answered["delivery_id"],
            provider_message_id=answered["provider_message_id"],
        )
    before = letter.references or letter.in_reply_to[:1]
    chain = [one for one in dict.fromkeys([*before, *([own] if own else [])]) if is_message_id(one)]
    return chain if len(chain) <= REFERENCES_MAX else [chain[0], *chain[-REFERENCES_MAX + 1 :]]


def _letter_of(answered: Row) -> StoredLetter:
    return _stored_letter(answered["letter"]) if answered["letter"] else StoredLetter()


async def _refuse_recipients(addresses: Sequence[str], *, channel_id: UUID) -> None:
    """Whoever opted out of this channel, or is blocked, gets no copy either."""
    if not addresses:
        return
    known = await find_identities([("email", match_key("email", address)) for address in addresses])
    revoked = await revoked_consents([(one.identity_id, channel_id) for one in known.values()])
    blocked = await blocked_contacts({one.contact_id for one in known.values()})
    for address in addresses:
        one = known.get(("email", match_key("email", address)))
        if one and (one.identity_id, channel_id) in revoked:
            raise Problem("contact_opted_out", f"{address} does not want messages from this channel")
        if one and one.contact_id in blocked:
            raise Problem("contact_blocked", f"{address} is blocked: nothing is written to them")


async def _addressed(people: Sequence[Participant], *, channel_id: UUID) -> list[Addressed]:
    mail = [one for one in people if one.kind == "email"]
    revoked = await revoked_consents([(one.identity_id, channel_id) for one in mail if one.identity_id])
    return [
        Addressed(
            address=one.address,
            role=one.role,
            verified=one.verified,
            blocked=one.blocked,
            opted_out=(one.identity_id, channel_id) in revoked,
        )
        for one in mail
    ]


def mail_recipients(others: Sequence[Recipient], *, actor: Actor, conversation_id: UUID) -> list[NewParticipant]:
    """Whom a mail of ours was sent to as well: they take part from now on."""
    return [
        NewParticipant(
            conversation_id=conversation_id,
            kind="email",
            address=one.address,
            match_key=match_key("email", one.address),
            role=one.role,
            verified=True,
            added_by=actor,
        )
        for one in others
    ]
