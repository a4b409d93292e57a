"""The mails of a batch: whose they are, which conversations they may belong to, and what is kept of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from channels.events import Address, Letter, MessageReceived
from inbox.contacts.contact import KnownIdentity
from inbox.contacts.matching import keep_address, match_key
from inbox.conversations.actions.store import lock_threads
from inbox.conversations.entry import NewEntry
from inbox.conversations.letters.actions import KeptIds, keep_mail_ids, take_turn
from inbox.conversations.letters.letter import ThreadMatch, tidy_subject
from inbox.conversations.letters.matching import (
    LetterIds,
    Relation,
    Windows,
    choose_by_ids,
    choose_by_topic,
    read_letter_ids,
)
from inbox.conversations.letters.queries import (
    NamedThread,
    find_named_threads,
    find_own_addresses,
    find_relations,
)
from inbox.conversations.letters.recipients import is_own_address
from inbox.conversations.letters.tags import check_reply_tag, read_reply_tags
from inbox.conversations.participants.additions import add_participants
from inbox.conversations.participants.participant import Key, NewParticipant, Role, choose_new, is_stranger
from inbox.conversations.participants.queries import known_participants
from inbox.conversations.thread import Held, Thread, actor_of
from inbox.intake.batch import Fact, MailRules, Missed

OWN = "it is from an address of our own, and we are nobody's customer"


class Sorted(msgspec.Struct, frozen=True):
    """Where a message belongs, None for a new conversation; why; and whether its sender is a stranger there."""

    conversation_id: UUID | None
    match: ThreadMatch
    stranger: bool = False


class MailBatch(msgspec.Struct, kw_only=True):
    """What the mails of a batch are sorted by, and what is to be stored of them; it grows as they happen."""

    rules: MailRules
    own: frozenset[str] = frozenset()
    relations: dict[str, list[Relation]] = {}
    named: dict[int, NamedThread] = {}
    known: dict[UUID, dict[Key, bool]] = {}
    kept: list[KeptIds] = []
    people: list[NewParticipant] = []
    heard: set[UUID] = set()

    @property
    def places(self) -> set[UUID]:
        """The conversations that any of them may belong to."""
        related = {one.conversation_id for found in self.relations.values() for one in found}
        return related | {one.at for one in self.named.values()}


async def open_mail(facts: Sequence[Fact], rules: MailRules) -> MailBatch:
    """What the mails among these facts are sorted by; nothing is asked where there are none."""
    own = await find_own_addresses() if any(_letter(fact) for fact in facts) else frozenset()
    return MailBatch(rules=rules, own=own)


def settle_senders(facts: Sequence[Fact], *, own: Collection[str]) -> tuple[list[Fact], list[Missed]]:
    """Mails from addresses of our own are nobody's, unless they name one other to answer: then that one wrote them.

    Web forms and mailing lists write so. Whoever is named that way is not proven to be it.
    """
    settled: list[Fact] = []
    missed: list[Missed] = []
    for fact in facts:
        found = _settle(fact, own)
        if found is None:
            missed.append(Missed(fact=fact, code="own_address", error=OWN))
        else:
            settled.append(found)
    return settled, missed


async def lock_related(
    mail: MailBatch,
    facts: Sequence[Fact],
    conversation_ids: Collection[UUID],
    *,
    contact_ids: Collection[UUID],
    closed_after: datetime,
) -> dict[UUID, Held]:
    """All conversations of a batch under their locks: those named, those of the contacts, those its mails lead to.

    An entry may move while we wait for the locks, so what the mails lead to is looked up again under them.
    """
    letters = [letter for fact in facts if (letter := _letter(fact))]
    if not letters:
        return await lock_threads(conversation_ids, contact_ids=contact_ids, closed_after=closed_after)
    ids = [one for letter in letters for one in read_letter_ids(letter).all]
    await take_turn(ids)
    await _look_up(mail, letters, ids)
    held = await lock_threads({*conversation_ids, *mail.places}, contact_ids=contact_ids, closed_after=closed_after)
    while mail.places:
        await _look_up(mail, letters, ids)
        missing = mail.places - held.keys()
        if not missing:
            break
        held |= await lock_threads(missing)
    mail.known = await known_participants(mail.places)
    return held


def sort_mail(
    mail: MailBatch,
    event: MessageReceived,
    *,
    sender: KnownIdentity,
    key: Key,
    own: Sequence[Thread],
    held: Mapping[UUID, Held],
    now: datetime,
    window: timedelta,
) -> Sorted:
    """Where a mail belongs: by the address it was sent to, by its ids, by its subject; and whether its sender does."""
    letter = event.letter or Letter()
    conversation_id, match = _named_thread(mail, letter, sender, now=now)
    if conversation_id is None:
        chosen = choose_by_ids(read_letter_ids(letter), mail.relations, contact_id=sender.contact_id)
        if chosen is not None and chosen.conversation_id in held:
            conversation_id, match = chosen.conversation_id, chosen.match
    if conversation_id is None:
        windows = Windows(subject=mail.rules.subject_window, reopen=window)
        thread, match = choose_by_topic(letter, own, now=now, windows=windows)
        conversation_id = thread.id if thread else None
    if conversation_id is None or conversation_id not in held:
        return Sorted(None, match)
    owner, known = held[conversation_id].thread.contact_id, mail.known.get(conversation_id, {})
    return Sorted(conversation_id, match, is_stranger(sender.contact_id, key, owner_id=owner, known=known))


def note_mail(
    mail: MailBatch, held: Held, entry: NewEntry, *, event: MessageReceived, sender: Key, sorted_: Sorted
) -> None:
    """What is kept of a mail beside its entry: its ids, by which the next of this batch may find it, and its people."""
    ids = read_letter_ids(event.letter or Letter())
    if entry.channel_id and entry.identity_id:
        mail.kept.append(KeptIds(entry_id=entry.id, channel_id=entry.channel_id, ids=ids))
        mail.heard.add(entry.identity_id)
    for name, relation in _relations(ids, held.thread):
        mail.relations.setdefault(name, []).append(relation)
    known = mail.known.setdefault(held.thread.id, {})
    fresh = choose_new(_people(mail, held, entry, event=event, sender=sender, sorted_=sorted_), known)
    mail.people += fresh
    known |= {one.key: one.verified or known.get(one.key, False) for one in fresh}


async def keep_mail(mail: MailBatch) -> None:
    """Store what was noted, once the entries are there."""
    await keep_mail_ids(mail.kept)
    verified = {(one.conversation_id, one.key): one for one in mail.people if one.verified}
    once = {(one.conversation_id, one.key): one for one in reversed(mail.people)}
    await add_participants(list((once | verified).values()))


async def _look_up(mail: MailBatch, letters: Sequence[Letter], ids: Sequence[str]) -> None:
    mail.relations = await find_relations(ids)
    tags = [tag.number for letter in letters for tag in read_reply_tags(letter.reply_tags)]
    mail.named = await find_named_threads(tags) if tags and mail.rules.box else {}


def _letter(fact: Fact) -> Letter | None:
    return fact.event.letter if isinstance(fact.event, MessageReceived) else None


def _settle(fact: Fact, own: Collection[str]) -> Fact | None:
    event, letter = fact.event, _letter(fact)
    if letter is None or not isinstance(event, MessageReceived) or not is_own_address(_kept(event.sender), own):
        return fact
    named = {_kept(one): one for one in letter.reply_to if not is_own_address(_kept(one), own)}
    if len(named) != 1 or letter.nature == "auto_reply":
        return None
    [writer] = named.values()
    sender = msgspec.structs.replace(writer, kind="email", name=writer.name or event.sender.name, verified=False)
    return msgspec.structs.replace(fact, event=msgspec.structs.replace(event, sender=sender))


def _named_thread(
    mail: MailBatch, letter: Letter, sender: KnownIdentity, *, now: datetime
) -> tuple[UUID | None, ThreadMatch]:
    for tag in read_reply_tags(letter.reply_tags):
        named, box = mail.named.get(tag.number), mail.rules.box
        if named is None or box is None:
            continue
        signed = check_reply_tag(
            box, tag, conversation_id=named.id, identity_ids=[sender.identity_id, *named.identity_ids], now=now
        )
        if signed is not None:
            whose = "" if signed == sender.identity_id else ", which was made for another address"
            because = f"it was sent to the conversation's reply address{whose}"
            return named.at, ThreadMatch(by="reply_address", because=because)
    return None, ThreadMatch(by="new", because="nothing ties it to a conversation")


def _relations(ids: LetterIds, thread: Thread) -> Iterator[tuple[str, Relation]]:
    for name in ids.all:
        yield (
            name,
            Relation(message_id=name, own=name == ids.own, conversation_id=thread.id, contact_id=thread.contact_id),
        )


def _people(
    mail: MailBatch, held: Held, entry: NewEntry, *, event: MessageReceived, sender: Key, sorted_: Sorted
) -> Iterator[NewParticipant]:
    """A stranger who writes, and whom a person's mail was sent to besides us: vouched for where the sender is."""
    wanted: list[tuple[str, Address, bool]] = [("from", event.sender, False)] if sorted_.stranger else []
    if event.letter is not None and event.letter.nature == "person":
        vouched = bool(entry.author.verified)
        wanted += [(one.role, one.address, vouched) for one in event.recipients if one.address.kind == "email"]
    for role, box, verified in wanted:
        address = _kept(box)
        key = match_key("email", address)
        if (role != "from" and key == sender[1]) or is_own_address(address, mail.own):
            continue
        yield NewParticipant(
            conversation_id=held.thread.id,
            kind="email",
            address=address,
            match_key=key,
            role=msgspec.convert(role, Role),
            verified=verified,
            added_by=actor_of(entry.author),
            name=tidy_subject(box.name),
        )


def _kept(address: Address) -> str:
    """A stranger's address in the form addresses are kept in."""
    return keep_address(address, default_country=None)
