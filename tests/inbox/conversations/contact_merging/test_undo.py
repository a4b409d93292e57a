"""Undoing merges: exactly what was, what came after by its rule, and clear refusals."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from inbox.contacts.actions import update_contact
from inbox.contacts.contact import Contact, ContactChange
from inbox.contacts.erased import lend_ledger_box
from inbox.contacts.queries import find_contact
from inbox.conversations.actions.change import set_status
from inbox.conversations.contact_merging.actions import forget_merges
from inbox.conversations.contact_merging.queries import find_merge
from inbox.kit.db import execute, fetch, fetch_value
from inbox.kit.ids import show_id
from inbox.kit.secrets import SecretBox
from inbox.privacy.erasure.actions.runs import begin_erasure
from tests.inbox.builders import (
    AGENT,
    ANA,
    BEN,
    CAI,
    NOW,
    committed,
    make_channel,
    receive,
    refused,
    reply,
    run_opened,
    text_message,
)
from tests.inbox.conversations.contact_merging.merging import conversations_of, merge, owner_of, unmerge, writer

LATER = NOW + timedelta(days=3)


def bare(contact: Contact) -> dict[str, Any]:
    """A contact without what every change counts."""
    fields: dict[str, Any] = msgspec.to_builtins(contact)
    return {name: value for name, value in fields.items() if name not in {"version", "updated_at"}}


async def contacts(*ids: UUID) -> list[dict[str, Any]]:
    """These contacts as they are."""
    return [bare(await find_contact(contact_id)) for contact_id in ids]


def test_an_undo_restores_exactly(database_url: str) -> None:
    """Both contacts are field by field what they were, with their addresses and conversations; versions go on."""

    async def body() -> None:
        lane = await make_channel()
        ana, hers = await writer(
            lane, ANA, name="Ana", language="es", attributes={"a": {"b": 1}}, external={"crm": "1"}
        )
        ben, his = await writer(lane, BEN, name="Ben", attributes={"a": 2, "c": 3})
        before, version = await contacts(ana, ben), (await find_contact(ana)).version
        report = await unmerge(await merge(ana, ben, choices={("name", None): "from"}))
        assert await contacts(ana, ben) == before
        assert (await find_contact(ana)).version == version + 1
        assert (await conversations_of(ana), await conversations_of(ben)) == ({hers}, {his})
        assert set(report.restored_fields) == {
            ("name", None), ("language", None), ("external", "crm"),
        }  # fmt: skip
        assert (report.kept_fields, report.conversation_ids, report.lost_identity_ids) == ([], [hers], [])
        names = await fetch("SELECT event->>'name' AS name FROM entry WHERE conversation_id = $1 ORDER BY seq", hers)
        assert [row["name"] for row in names] == [None, "contact_merged", "contact_unmerged"]

    run_opened(database_url, body)


def test_what_was_changed_since_stays(database_url: str) -> None:
    """A field somebody set after the merge stays with the survivor and is named; a removed address is named as lost."""

    async def body() -> None:
        lane = await make_channel()
        ana, hers = await writer(lane, ANA, name="Ana", attributes={"plan": "gold"})
        ben, _ = await writer(lane, BEN)
        merge_id = await merge(ana, ben)
        await committed(update_contact(ben, ContactChange(name="Anna"), actor=AGENT))
        identity = await fetch_value("SELECT id FROM identity WHERE address = $1", ANA)
        await execute("DELETE FROM identity WHERE id = $1", identity)
        report = await unmerge(merge_id)
        assert (report.kept_fields, report.restored_fields) == ([("name", None)], [("attributes", "plan")])
        assert report.lost_identity_ids == [identity]
        assert ((await find_contact(ben)).name, (await find_contact(ana)).name) == ("Anna", "Ana")
        assert await conversations_of(ana) == {hers}

    run_opened(database_url, body)


def test_conversations_begun_since_follow_the_address_they_are_answered_at(database_url: str) -> None:
    """So that an answer reaches whoever wrote; those of the survivor's own addresses stay, and all are listed."""

    async def body() -> None:
        lane = await make_channel()
        ana, hers = await writer(lane, ANA)
        ben, his = await writer(lane, BEN)
        merge_id = await merge(ana, ben)
        for conversation_id in (hers, his):
            await committed(set_status(conversation_id, "closed", actor=AGENT, now=NOW))
        new_hers = await receive(lane, text_message("new", sender=ANA), now=LATER)
        await committed(set_status(new_hers, "closed", actor=AGENT, now=LATER))
        new_his = await receive(lane, text_message("new", sender=BEN), now=LATER + timedelta(days=3))
        report = await unmerge(merge_id)
        assert report.conversation_ids == [hers]
        assert report.followed_conversation_ids == [new_hers]
        assert report.kept_conversation_ids == [new_his]
        assert report.mixed_conversation_ids == []
        assert await conversations_of(ana) == {hers, new_hers}
        message = await reply(new_hers)
        to = await fetch_value("SELECT recipients->0->>'address' FROM entry WHERE id = $1", message)
        assert to == ANA

    run_opened(database_url, body)


def test_a_conversation_both_have_spoken_in_is_named(database_url: str) -> None:
    """After the merge Ben's words may join Ana's thread: it goes back with Ana, and the report points at it."""

    async def body() -> None:
        lane = await make_channel()
        ben, his = await writer(lane, BEN)
        await committed(set_status(his, "closed", actor=AGENT, now=NOW - timedelta(days=9)))
        ana, hers = await writer(lane, ANA)
        merge_id = await merge(ana, ben)
        assert await receive(lane, text_message("it is Ben", sender=BEN), now=LATER) == hers
        report = await unmerge(merge_id)
        assert report.mixed_conversation_ids == [hers]
        assert await owner_of(BEN) == ben
        message = await reply(hers)
        to = await fetch_value("SELECT recipients->0->>'address' FROM entry WHERE id = $1", message)
        assert to == ANA

    run_opened(database_url, body)


def test_merges_into_one_are_undone_in_any_order(database_url: str) -> None:
    """Where they touched different fields the order does not matter, and each gives back its own."""

    async def body() -> None:
        lane = await make_channel()
        ana, _ = await writer(lane, ANA, name="Ana")
        ben, _ = await writer(lane, BEN, language="de")
        cai, _ = await writer(lane, CAI)
        before = await contacts(ana, ben, cai)
        first, second = await merge(ana, cai), await merge(ben, cai)
        await unmerge(first)
        assert (await contacts(ana))[0] == before[0]
        assert (await find_contact(cai)).language == "de"
        await unmerge(second)
        assert await contacts(ana, ben, cai) == before

    run_opened(database_url, body)


def test_an_undo_that_needs_another_first_says_which(database_url: str) -> None:
    """A survivor that went itself, or a later merge over the same fields: refused, naming the merge; twice is too."""

    async def body() -> None:
        lane = await make_channel()
        ana, ben, cai = [(await writer(lane, number, name=f"n{number}"))[0] for number in (ANA, BEN, CAI)]
        before = await contacts(ana, ben, cai)
        take = {("name", None): "from"}
        first, second = await merge(ana, cai, choices=take), await merge(ben, cai, choices=take)
        assert show_id("mrg", second) in (await refused(unmerge(first))).detail
        await unmerge(second)
        third = await merge(cai, ben)
        assert show_id("mrg", third) in (await refused(unmerge(first))).detail
        await unmerge(third)
        await unmerge(first)
        assert await contacts(ana, ben, cai) == before
        assert (await refused(unmerge(first))).code == "state_conflict"
        undone = await find_merge(first)
        assert (undone.undone_at, undone.undone_by) == (NOW, AGENT)

    run_opened(database_url, body)


def test_what_is_forgotten_cannot_be_undone(database_url: str) -> None:
    """Erasing a contact's merges leaves no copy of who went into it, and the old id leads nowhere."""

    async def body() -> None:
        lane = await make_channel()
        ana, _ = await writer(lane, ANA, name="Ana")
        ben, _ = await writer(lane, BEN)
        merge_id = await merge(ana, ben)
        await committed(forget_merges([ben, ana]))
        assert (await refused(unmerge(merge_id))).code == "not_found"
        assert (await refused(find_contact(ana))).code == "not_found"
        assert await fetch_value("SELECT count(*) FROM contact_merge") == 0

    run_opened(database_url, body)


def test_nobody_is_brought_back_while_they_are_erased(database_url: str) -> None:
    """What a merge remembers of a person who is being erased cannot be taken out of it, past the erasure."""

    async def body() -> None:
        lane = await make_channel()
        (ana, _), (ben, _) = await writer(lane, ANA), await writer(lane, BEN)
        merge_id = await merge(ana, ben)
        lend_ledger_box(SecretBox(["a test's own key, long enough: 0123456789"]))
        await committed(begin_erasure(ben, reason="asked", actor=AGENT))
        assert (await refused(unmerge(merge_id))).code == "state_conflict"
        assert await owner_of(ANA) == ben

    run_opened(database_url, body)
