"""What facts do: people, conversations, deliveries and consents, each kind in a few statements for the whole batch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from channels.email.html.shown import name_pictures
from channels.events import Address, AddressKind, ConsentChanged, DeliveryReported, MessageReceived
from channels.parts import MEDIA_PARTS, AnyPart, Attachment
from inbox.attachments.actions import BoundAttachment, ExpectedAttachment, bind_attachments, expect_attachments
from inbox.contacts.actions import confirm_owners, find_or_create_identities, record_consents
from inbox.contacts.contact import ConsentChange, KnownIdentity
from inbox.contacts.matching import keep_address, match_key
from inbox.conversations.actions.deliveries import apply_reports, log_reports
from inbox.conversations.actions.store import HeldContact, lock_contacts, store_threads
from inbox.conversations.arrival import Arrival, receive_message
from inbox.conversations.entry import Recipient
from inbox.conversations.letters.actions import flag_undeliverable, unflag_undeliverable
from inbox.conversations.letters.letter import ThreadMatch, keep_letter, tidy_subject
from inbox.conversations.opening import choose_thread
from inbox.conversations.scheduled.actions.hold import hold_on_reply
from inbox.conversations.thread import Held, contact_author, open_thread, record_change
from inbox.intake.actions.acknowledge import Candidate, choose_acknowledged, send_acknowledged
from inbox.intake.actions.mail import (
    MailBatch,
    Sorted,
    keep_mail,
    lock_related,
    note_mail,
    open_mail,
    settle_senders,
    sort_mail,
)
from inbox.intake.actions.reports import Report, hard_bounces, match_reports
from inbox.intake.batch import Fact, MailRules, Missed
from inbox.kit.callers import Actor
from inbox.kit.ids import UnknownId, new_id, read_id, show_id
from inbox.kit.tracing import within_trace
from inbox.outbox.actions import enqueue_jobs
from inbox.outbox.jobs import FetchMedia, NewJob


class Batch(msgspec.Struct, kw_only=True):
    """Everything one batch is about to store, and what it needs to decide."""

    now: datetime
    window: timedelta
    people: dict[tuple[AddressKind, str], KnownIdentity]
    contacts: dict[UUID, HeldContact]
    held: dict[UUID, Held]
    of_contact: dict[UUID, list[Held]]
    mail: MailBatch
    candidates: list[Candidate] = []
    attachments: list[ExpectedAttachment] = []
    bound: list[BoundAttachment] = []
    fetches: list[NewJob] = []
    consents: list[ConsentChange] = []


async def apply_facts(given: Sequence[Fact], *, now: datetime, window: timedelta, rules: MailRules) -> list[Missed]:
    """Let these facts happen, in the open transaction and in their order; those about nothing of ours are returned.

    Locks are taken in one order everywhere: identities, contacts, conversations.
    """
    mail = await open_mail(given, rules)
    facts, missed = settle_senders(given, own=mail.own)
    if not facts:
        return missed
    reports, strange = await match_reports([fact for fact in facts if isinstance(fact.event, DeliveryReported)])
    senders = dict.fromkeys(
        _sender(fact.event.sender) for fact in facts if not isinstance(fact.event, DeliveryReported)
    )
    people = await find_or_create_identities([*reversed(senders)])  # of several spellings the last counts: the first
    contacts = {known.contact_id for known in people.values()}
    held_contacts = await lock_contacts(contacts) if contacts else {}
    await confirm_owners(people)
    held = await lock_related(
        mail, facts, {report.conversation_id for report in reports}, contact_ids=contacts, closed_after=now - window
    )
    of_contact: dict[UUID, list[Held]] = {}
    for one in held.values():
        of_contact.setdefault(one.thread.contact_id, []).append(one)
    batch = Batch(
        now=now, window=window, people=people, contacts=held_contacts, held=held, of_contact=of_contact, mail=mail
    )
    for fact in facts:
        with within_trace(fact.traceparent):
            _happen(batch, fact)
    with within_trace(_only_trace(facts)):
        await _store(batch, reports)
    return [*missed, *strange]


def _happen(batch: Batch, fact: Fact) -> None:
    if isinstance(fact.event, MessageReceived):
        _receive(batch, fact, fact.event)
    elif isinstance(fact.event, ConsentChanged):
        _consent(batch, fact, fact.event)


def _only_trace(facts: Sequence[Fact]) -> str | None:
    """The trace of what all these facts do together, if they are of one."""
    traces = {fact.traceparent for fact in facts}
    return traces.pop() if len(traces) == 1 else None


async def _store(batch: Batch, reports: Sequence[Report]) -> None:
    pieces = [report.piece for report in reports]
    await log_reports(pieces, now=batch.now)
    await apply_reports(batch.held, [report.piece for report in reports if not report.of_copy], now=batch.now)
    await flag_undeliverable(hard_bounces(reports), now=batch.now)
    await hold_on_reply(list(batch.held.values()), now=batch.now)
    acknowledged = await choose_acknowledged(batch.candidates, batch.mail.rules.acknowledgement, now=batch.now)
    await store_threads(list(batch.held.values()), now=batch.now)
    await keep_mail(batch.mail)
    await unflag_undeliverable(batch.mail.heard)
    await expect_attachments(batch.attachments)
    await bind_attachments(batch.bound)
    await record_consents(batch.consents)
    await enqueue_jobs(batch.fetches)
    await send_acknowledged(acknowledged)


def _fetch_job(expected: ExpectedAttachment) -> NewJob:
    return NewJob(job=FetchMedia(attachment_id=expected.id), key=f"media:{expected.id}", lane=str(expected.channel_id))


def _receive(batch: Batch, fact: Fact, event: MessageReceived) -> None:
    sender = _sender(event.sender)
    known = batch.people[_key(sender)]
    held, sorted_ = _place_of(batch, event, known)
    contact = batch.contacts[known.contact_id]
    parts, expected = _expect_files(event.parts, channel_id=fact.route.channel_id)
    verified = sender.verified and not sorted_.stranger
    arrival = Arrival(
        route=fact.route,
        contact_id=known.contact_id,
        identity_id=known.identity_id,
        author=contact_author(
            known.contact_id, name=sender.name or contact.name, address=sender.value, verified=verified
        ),
        parts=parts,
        recipients=_recipients(event),
        provider_message_id=event.provider_message_id,
        raw_event_id=fact.raw_event_id,
        occurred_at=event.occurred_at or fact.received_at,
        blocked=contact.blocked,
        in_reply_to=_answered(event),
        letter=keep_letter(event.letter, sorted_.match) if event.letter else None,
    )
    fresh = not held.entries and held.fresh
    entry = receive_message(held, arrival, because=sorted_.match.because, now=batch.now)
    if event.letter:
        note_mail(batch.mail, held, entry, event=event, sender=_key(sender), sorted_=sorted_)
        batch.candidates += [_candidate(fact, event, held, arrival=arrival)] if fresh and not arrival.quiet else []
    batch.bound += _held_files(parts, entry_id=entry.id, channel_id=fact.route.channel_id)
    batch.attachments += [msgspec.structs.replace(one, entry_id=entry.id) for one in expected]
    batch.fetches += [_fetch_job(one) for one in expected]


def _candidate(fact: Fact, event: MessageReceived, held: Held, *, arrival: Arrival) -> Candidate:
    """One who may be told that their mail has come: it began a conversation."""
    return Candidate(
        held=held,
        route=fact.route,
        identity_id=arrival.identity_id,
        address=_sender(event.sender).value,
        verified=bool(arrival.author.verified),
        letter=arrival.letter,
    )


def _consent(batch: Batch, fact: Fact, event: ConsentChanged) -> None:
    known = batch.people[_key(_sender(event.sender))]
    held, _ = _thread_of(batch, known.contact_id)
    name = batch.contacts[known.contact_id].name
    actor = Actor(type="contact", id=show_id("ctc", known.contact_id), name=name)
    entry = record_change(
        held,
        "consent_changed",
        event_type="contact.consent_changed",
        changed=("consent",),
        actor=actor,
        now=batch.now,
        after=event.state,
        reason=f"{event.source}: {event.words}" if event.words else event.source,
    )
    batch.consents.append(
        ConsentChange(
            identity_id=known.identity_id,
            state=event.state,
            source=event.source,
            channel_id=fact.route.channel_id,
            proof={"entry_id": show_id("ent", entry.id), "words": event.words},
        )
    )


def _place_of(batch: Batch, event: MessageReceived, known: KnownIdentity) -> tuple[Held, Sorted]:
    """The conversation a message joins or begins, and why; mail has rules of its own."""
    if event.letter is None:
        held, because = _thread_of(batch, known.contact_id, anew=event.anew)
        return held, Sorted(None, ThreadMatch(by="open_conversation", because=because))
    own = [one.thread for one in batch.of_contact.get(known.contact_id, ())]
    key = _key(_sender(event.sender))
    found = sort_mail(
        batch.mail, event, sender=known, key=key, own=own, held=batch.held, now=batch.now, window=batch.window
    )
    held = batch.held[found.conversation_id] if found.conversation_id else _open(batch, known.contact_id)
    held.thread.subject = held.thread.subject or tidy_subject(event.letter.subject)
    return held, found


def _thread_of(batch: Batch, contact_id: UUID, *, anew: bool = False) -> tuple[Held, str]:
    known = batch.of_contact.get(contact_id, ())
    opening = choose_thread((held.thread for held in known), now=batch.now, window=None if anew else batch.window)
    held = batch.held[opening.thread.id] if opening.thread else _open(batch, contact_id)
    return held, opening.because


def _open(batch: Batch, contact_id: UUID) -> Held:
    held = open_thread(contact_id, now=batch.now, closed=batch.contacts[contact_id].blocked)
    batch.held[held.thread.id] = held
    batch.of_contact.setdefault(contact_id, []).append(held)
    return held


def _expect_files(parts: list[AnyPart], *, channel_id: UUID) -> tuple[list[AnyPart], list[ExpectedAttachment]]:
    """Give every file that lies at the provider a name of ours; its address there is not shown to anybody.

    A file that was uploaded to us before its message has its name.
    """
    ours: list[AnyPart] = []
    expected = []
    names: dict[str, str] = {}
    for part in parts:
        if isinstance(part, MEDIA_PARTS) and not _is_held(part.attachment):
            file, attachment_id = part.attachment, new_id()
            expected.append(
                ExpectedAttachment(
                    id=attachment_id,
                    channel_id=channel_id,
                    name=file.name,
                    media_type=file.media_type,
                    source_url=file.url,
                )
            )
            named = msgspec.structs.replace(file, id=show_id("att", attachment_id), url=None)
            ours.append(msgspec.structs.replace(part, attachment=named))
            names |= {file.url: named.id} if file.url and named.id else {}
        else:
            ours.append(part)
    return name_pictures(ours, names), expected


def _held_files(parts: Sequence[AnyPart], *, entry_id: UUID, channel_id: UUID) -> list[BoundAttachment]:
    """The files of a message that we hold already: from now on they belong to it."""
    files = [part.attachment for part in parts if isinstance(part, MEDIA_PARTS) and _is_held(part.attachment)]
    return [
        BoundAttachment(id=read_id("att", file.id), entry_id=entry_id, channel_id=channel_id)
        for file in files
        if file.id
    ]


def _is_held(file: Attachment) -> bool:
    return file.id is not None and file.state == "stored"


def _answered(event: MessageReceived) -> UUID | None:
    """The entry a message answers, where our own door has said so; providers name messages in their own way."""
    try:
        return read_id("ent", event.in_reply_to) if event.in_reply_to and event.sender.kind == "visitor" else None
    except UnknownId:
        return None


def _recipients(event: MessageReceived) -> list[Recipient]:
    others = [Recipient(role=one.role, address=one.address.value) for one in event.recipients]
    named = event.to is None or event.to in {other.address for other in others} or (event.letter and others)
    return others if named or event.to is None else [Recipient(role="to", address=event.to), *others]


def _sender(address: Address) -> Address:
    return msgspec.structs.replace(address, value=keep_address(address, default_country=None))


def _key(address: Address) -> tuple[AddressKind, str]:
    return address.kind, match_key(address.kind, address.value)
