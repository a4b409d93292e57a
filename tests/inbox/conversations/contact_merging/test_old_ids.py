"""The id of a contact that was merged away goes on working, for who kept it in another system."""

from __future__ import annotations

from inbox.contacts.actions import change_consent, remove_identity, update_contact, upsert_contact
from inbox.contacts.companies.actions import create_company, delete_company
from inbox.contacts.companies.company import CompanyChange
from inbox.contacts.contact import ConsentChange, ContactChange
from inbox.contacts.queries import find_contact, list_consents
from inbox.conversations.actions.change import set_status
from inbox.kit.db import fetch, fetch_value
from inbox.kit.ids import show_id
from tests.inbox.builders import AGENT, ANA, BEN, NOW, committed, make_channel, refused, run_opened
from tests.inbox.contacts.test_contacts import phone
from tests.inbox.conversations.contact_merging.merging import merge, owner_of, unmerge, writer
from tests.inbox.conversations.moves.threads import merge as merge_threads


def test_consents_and_addresses_are_reached_by_the_old_id(database_url: str) -> None:
    """An opt-out that arrives for the old id counts, and is told of the contact there is."""

    async def body() -> None:
        lane = await make_channel()
        ana, hers = await writer(lane, ANA)
        ben, _ = await writer(lane, BEN)
        await merge(ana, ben)
        identity = await fetch_value("SELECT id FROM identity WHERE address = $1", ANA)
        change = ConsentChange(identity_id=identity, state="revoked", source="integration")
        await committed(change_consent(ana, change, actor=AGENT))
        assert [line.state for line in await list_consents(ben, identity, after=None, limit=5)] == ["revoked"]
        told = await fetch("SELECT contact_id FROM feed_event WHERE type = 'contact.consent_changed'")
        assert [row["contact_id"] for row in told] == [ben]
        await committed(set_status(hers, "closed", actor=AGENT, now=NOW))
        assert (await refused(committed(remove_identity(ana, identity, actor=AGENT)))).code == "state_conflict"
        other = await fetch_value("SELECT id FROM identity WHERE address = $1", BEN)
        assert (await refused(committed(remove_identity(ana, other, actor=AGENT)))).code == "state_conflict"

    run_opened(database_url, body)


def test_an_upsert_by_either_address_finds_the_survivor(database_url: str) -> None:
    """A system that knows the contact by one address or the other makes no third contact."""

    async def body() -> None:
        lane = await make_channel()
        ana, _ = await writer(lane, ANA)
        ben, _ = await writer(lane, BEN)
        await merge(ana, ben)
        for number in (ANA, BEN):
            change = ContactChange(attributes={number[1:]: True})
            assert await committed(upsert_contact(change, [phone(number)], actor=AGENT)) == (ben, False)
        assert (await find_contact(ana)).attributes == {ANA[1:]: True, BEN[1:]: True}

    run_opened(database_url, body)


def test_a_company_that_is_gone_does_not_come_back(database_url: str) -> None:
    """An undo restores all but what no longer exists."""

    async def body() -> None:
        lane = await make_channel()
        company = await committed(create_company(CompanyChange(name="Acme"), actor=AGENT))
        ana, _ = await writer(lane, ANA, company_id=show_id("cmp", company), name="Ana")
        ben, _ = await writer(lane, BEN)
        merge_id = await merge(ana, ben)
        assert (await find_contact(ben)).company is not None
        await committed(delete_company(company, actor=AGENT))
        report = await unmerge(merge_id)
        assert report.kept_fields == [("company_id", None)]
        restored = await find_contact(ana)
        assert (restored.name, restored.company) == ("Ana", None)

    run_opened(database_url, body)


def test_more_than_one_contact_may_hold_is_refused(database_url: str) -> None:
    """Two that are too large together stay two."""

    async def body() -> None:
        lane = await make_channel()
        ana, _ = await writer(lane, ANA, attributes={"a": "x" * 20_000})
        ben, _ = await writer(lane, BEN, attributes={"b": "x" * 20_000})
        assert (await refused(merge(ana, ben))).code == "validation_failed"
        assert await owner_of(ANA) == ana
        await committed(update_contact(ben, ContactChange(attributes=None), actor=AGENT))
        await merge(ana, ben)

    run_opened(database_url, body)


def test_conversations_that_were_merged_move_along(database_url: str) -> None:
    """One that lives on in another has no entries of its own: it moves without one, and comes back with its contact."""

    async def body() -> None:
        lane = await make_channel()
        ana, hers = await writer(lane, ANA)
        ben, his = await writer(lane, BEN)
        await merge_threads(hers, his, across=True)
        last = await fetch_value("SELECT last_seq FROM conversation WHERE id = $1", hers)
        report = await unmerge(await merge(ana, ben))
        assert report.conversation_ids == [hers]
        row = await fetch("SELECT contact_id, merged_into, last_seq FROM conversation WHERE id = $1", hers)
        assert tuple(row[0]) == (ana, his, last)

    run_opened(database_url, body)
