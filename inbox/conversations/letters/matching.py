"""Which conversation a mail belongs to, by its ids, its subject and its sender. Pure.

The order is that of trust: a signed reply address (tags.py), then Message-IDs, then the subject from the same contact.
A mail that none of these ties to a conversation begins a new one: people glue topics together far less often than
programs do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from channels.events import Letter
from inbox.conversations.letters.letter import ThreadMatch, is_message_id
from inbox.conversations.letters.subjects import is_answer, normalise_subject
from inbox.conversations.thread import Thread

IDS_MAX = 100
"""The most ids of one mail that are looked at: the first, which began it all, and the newest."""


class LetterIds(msgspec.Struct, kw_only=True, frozen=True):
    """The ids of a mail that can be believed to name something; `parents` are the nearest first."""

    own: str | None
    parents: list[str]

    @property
    def all(self) -> list[str]:
        """Every one of them."""
        return [*([self.own] if self.own else []), *self.parents]


class Relation(msgspec.Struct, kw_only=True, frozen=True):
    """A message that has an id for its own, or refers to it: in which conversation, with whom; `sent` by us."""

    message_id: str
    own: bool
    conversation_id: UUID
    contact_id: UUID
    sent: bool = False


class Chosen(msgspec.Struct, frozen=True):
    """The conversation to join, or None for a new one, and why."""

    conversation_id: UUID | None
    match: ThreadMatch


class Windows(msgspec.Struct, kw_only=True, frozen=True):
    """For how long a subject, and a conversation without one, are taken up again."""

    subject: timedelta
    reopen: timedelta


def read_letter_ids(letter: Letter) -> LetterIds:
    """The ids of a mail without those that are none: empty, spaced, cut, or longer than any program makes them."""
    own = letter.message_id if is_message_id(letter.message_id) else None
    nearest = [*letter.in_reply_to, *reversed(letter.references)]
    parents = [one for one in dict.fromkeys(nearest) if is_message_id(one) and one != own]
    if len(parents) > IDS_MAX:
        parents = [*parents[: IDS_MAX - 1], parents[-1]]
    return LetterIds(own=own, parents=parents)


def choose_by_ids(ids: LetterIds, relations: Mapping[str, Sequence[Relation]], *, contact_id: UUID) -> Chosen | None:
    """The conversation that the ids lead to; None where they lead nowhere.

    A parent that is known counts first, then a copy of this very mail, then a child of it that came before it. That two
    refer to one mail we never saw ties them only where they are of one contact: thousands may answer one circular.
    """
    for one in ids.parents:
        known = _best([relation for relation in relations.get(one, ()) if relation.own], contact_id)
        if known:
            because = "it answers a mail that we sent" if known.sent else "it answers a mail of this conversation"
            return _chosen(known, "message_id", because)
    named = relations.get(ids.own, ()) if ids.own else ()
    if copy := _best([one for one in named if one.own and one.contact_id == contact_id], contact_id):
        return _chosen(copy, "copy", "a mail with the same Message-ID is here")
    if late := _best([relation for relation in named if not relation.own], contact_id):
        return _chosen(late, "late_parent", "a mail that answers this one came before it")
    for one in ids.parents:
        siblings = [relation for relation in relations.get(one, ()) if not relation.own]
        if sibling := _best([each for each in siblings if each.contact_id == contact_id], contact_id):
            return _chosen(sibling, "shared_parent", "another mail of the contact answers the same one")
    return None


def choose_by_topic(
    letter: Letter, threads: Iterable[Thread], *, now: datetime, windows: Windows
) -> tuple[Thread | None, ThreadMatch]:
    """Among the contact's own conversations, the one of the same subject, or one that has no subject yet; else none."""
    known = sorted((one for one in threads if one.merged_into is None), key=_activity, reverse=True)
    topic, answer = normalise_subject(letter.subject), is_answer(letter.subject)
    if topic and (letter.nature == "person" or answer):
        for thread in known:
            current = _is_current(thread, answer=answer, now=now, windows=windows)
            if current and normalise_subject(thread.subject) == topic:
                because = "the contact wrote lately under the same subject"
                return thread, ThreadMatch(by="subject", because=because)
    for thread in known:
        talked = thread.subject is None and thread.status != "closed" and now - thread.updated_at <= windows.reopen
        if talked and (not topic or "email" not in thread.media):
            because = "the contact's open conversation has no subject of its own"
            return thread, ThreadMatch(by="open_conversation", because=because)
    return None, ThreadMatch(by="new", because="nothing ties it to a conversation")


def _is_current(thread: Thread, *, answer: bool, now: datetime, windows: Windows) -> bool:
    """What is closed is taken up again by an answer only: a new mail under an old subject is a new matter."""
    if thread.status == "closed" and not answer:
        return False
    return now - thread.updated_at <= windows.subject


def _best(relations: Sequence[Relation], contact_id: UUID) -> Relation | None:
    """Of several that claim one id: what we sent, then what is with this contact, then the oldest conversation."""
    return min(
        relations,
        key=lambda one: (not one.sent, one.contact_id != contact_id, one.conversation_id.hex),
        default=None,
    )


def _chosen(relation: Relation, by: str, because: str) -> Chosen:
    return Chosen(relation.conversation_id, msgspec.convert({"by": by, "because": because}, ThreadMatch))


def _activity(thread: Thread) -> tuple[datetime, str]:
    return thread.updated_at, thread.id.hex
