"""Contacts: made, changed, found; one address has one owner."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from inbox.contacts.actions import (
    add_identities,
    create_contact,
    record_consents,
    remove_identity,
    update_contact,
    upsert_contact,
)
from inbox.contacts.actions.identities import Spelled
from inbox.contacts.contact import ConsentChange, ContactChange
from inbox.contacts.matching import match_key
from inbox.contacts.queries import ContactFilter, find_contact, find_contacts, list_contacts
from inbox.kit.callers import SYSTEM
from inbox.kit.db import execute, fetch_value
from inbox.kit.errors import Problem
from inbox.kit.ids import new_id, show_id
from tests.inbox.contacts.opened import committed, feed_types, run_opened

ANA, BEN, CAT = "+12125550100", "+12125550101", "+12125550102"


def phone(number: str, pointer: str = "/identities/0/address") -> Spelled:
    """A telephone number as a request names it."""
    return Spelled(("phone", match_key("phone", number)), number, pointer=pointer)


async def create(*numbers: str, **fields: Any) -> UUID:
    """A new contact."""
    identities = [phone(number) for number in numbers]
    return await committed(create_contact(ContactChange(**fields), identities, actor=SYSTEM))


async def change(contact_id: UUID, **fields: Any) -> None:
    """A patch, committed."""
    await committed(update_contact(contact_id, ContactChange(**fields), actor=SYSTEM))


async def upsert(*numbers: str, **fields: Any) -> tuple[UUID, bool]:
    """An upsert, committed."""
    identities = [phone(number) for number in numbers]
    return await committed(upsert_contact(ContactChange(**fields), identities, actor=SYSTEM))


async def refusal_of(work: Awaitable[Any]) -> Problem:
    """The problem that this work ends with."""
    with pytest.raises(Problem) as refused:
        await work
    return refused.value


def test_a_contact_is_what_was_written_down(database_url: str) -> None:
    """Name, language, attributes, external ids and addresses come back as they were given, and it is told."""

    async def body() -> None:
        ana = await create(
            ANA, BEN, name="Ana", language="es", attributes={"vip": True, "n": [1, None]}, external={"crm": "C-55"}
        )
        contact = await find_contact(ana)
        assert (contact.name, contact.language, contact.version) == ("Ana", "es", 1)
        assert contact.attributes == {"vip": True, "n": [1, None]}
        assert contact.external == {"crm": "C-55"}
        assert [identity.address for identity in contact.identities] == [ANA, BEN]
        assert {identity.proof for identity in contact.identities} == {"none"}
        assert await feed_types() == [("contact.created", [])]

    run_opened(database_url, body)


def test_a_contact_needs_no_phone(database_url: str) -> None:
    """A contact may have no address at all."""

    async def body() -> None:
        assert (await find_contact(await create(name="Ana"))).identities == []

    run_opened(database_url, body)


def test_an_address_has_one_owner(database_url: str) -> None:
    """An address that somebody else has is refused in every spelling, naming them, and leaves nothing behind."""

    async def body() -> None:
        ana = await create("+5511987654321")
        ben = await create(BEN)
        taken = phone("+551187654321", "/identities/1/address")
        for work in (
            create_contact(ContactChange(), [phone(CAT), taken], actor=SYSTEM),
            add_identities(ben, [phone(CAT), taken], actor=SYSTEM),
        ):
            problem = await refusal_of(committed(work))
            assert problem.code == "state_conflict"
            assert [(error.pointer, error.code) for error in problem.errors] == [("/identities/1/address", "taken")]
            assert show_id("ctc", ana) in problem.detail
        assert await fetch_value("SELECT count(*) FROM contact") == 2
        assert await fetch_value("SELECT count(*) FROM identity") == 2

    run_opened(database_url, body)


def test_adding_an_own_address_again_is_fine(database_url: str) -> None:
    """Who has the address already keeps it, once."""

    async def body() -> None:
        ana = await create(ANA)
        await committed(add_identities(ana, [phone(ANA), phone(BEN), phone(BEN)], actor=SYSTEM))
        contact = await find_contact(ana)
        assert [identity.address for identity in contact.identities] == [ANA, BEN]
        assert contact.version == 2

    run_opened(database_url, body)


def test_a_patch_changes_what_it_names(database_url: str) -> None:
    """A merge patch leaves alone what it does not name, and a null removes."""

    async def body() -> None:
        ana = await create(name="Ana", language="es", attributes={"a": {"b": 1, "c": 2}, "d": 3}, external={"crm": "1"})
        await change(ana, attributes={"a": {"b": None}, "e": 4}, language=None)
        contact = await find_contact(ana)
        assert (contact.name, contact.language) == ("Ana", None)
        assert contact.attributes == {"a": {"c": 2}, "d": 3, "e": 4}
        assert contact.external == {"crm": "1"}
        await change(ana, attributes=None, external={"crm": None, "shop": "7"})
        contact = await find_contact(ana)
        assert (contact.attributes, contact.external, contact.version) == ({}, {"shop": "7"}, 3)
        assert await feed_types() == [
            ("contact.created", []),
            ("contact.updated", ["language", "attributes"]),
            ("contact.updated", ["attributes", "external"]),
        ]

    run_opened(database_url, body)


def test_a_patch_without_effect_tells_nothing(database_url: str) -> None:
    """Where nothing changes there is no new version and no event."""

    async def body() -> None:
        ana = await create(name="Ana", attributes={"a": 1})
        await change(ana, name="Ana", attributes={"a": 1, "b": None}, external={})
        assert (await find_contact(ana)).version == 1
        assert await feed_types() == [("contact.created", [])]

    run_opened(database_url, body)


def test_patches_at_once_lose_nothing(database_url: str) -> None:
    """Two who change different attributes at once both succeed."""

    async def body() -> None:
        ana = await create(name="Ana")
        await asyncio.gather(*(change(ana, attributes={str(number): number}) for number in range(10)))
        contact = await find_contact(ana)
        assert contact.attributes == {str(number): number for number in range(10)}
        assert contact.version == 11

    run_opened(database_url, body)


def test_what_is_not_there_is_not_found(database_url: str) -> None:
    """Nobody is changed who does not exist."""

    async def body() -> None:
        nobody = new_id()
        ana = await create(ANA)
        theirs = (await find_contact(ana)).identities[0].id
        ben = await create()
        for work in (
            find_contact(nobody),
            change(nobody, name="x"),
            committed(add_identities(nobody, [phone(BEN)], actor=SYSTEM)),
            committed(remove_identity(ana, new_id(), actor=SYSTEM)),
            committed(remove_identity(ben, theirs, actor=SYSTEM)),
        ):
            assert (await refusal_of(work)).code == "not_found"
        assert await find_contacts([nobody]) == {}

    run_opened(database_url, body)


def test_upsert_finds_by_address_or_external_id(database_url: str) -> None:
    """The one contact that has any of the addresses or external ids is changed; a stranger is created."""

    async def body() -> None:
        ana, created = await upsert(ANA, name="Ana", external={"crm": "C-55"})
        assert created
        assert await upsert(ANA, BEN, name="Ana Ruiz") == (ana, False)
        assert await upsert(external={"crm": "C-55"}, language="es") == (ana, False)
        contact = await find_contact(ana)
        assert (contact.name, contact.language) == ("Ana Ruiz", "es")
        assert [identity.address for identity in contact.identities] == [ANA, BEN]
        other, created = await upsert(external={"crm": "C-5"})
        assert created
        assert other != ana

    run_opened(database_url, body)


def test_upsert_refuses_to_choose(database_url: str) -> None:
    """Where the addresses and ids belong to several contacts, they are named and none is changed."""

    async def body() -> None:
        ana, ben = await create(ANA, name="Ana"), await create(name="Ben", external={"crm": "2"})
        problem = await refusal_of(upsert(ANA, CAT, name="x", external={"crm": "2"}))
        assert problem.code == "state_conflict"
        assert show_id("ctc", ana) in problem.detail
        assert show_id("ctc", ben) in problem.detail
        assert await fetch_value("SELECT count(*) FROM identity") == 1
        assert (await find_contact(ana)).name == "Ana"

    run_opened(database_url, body)


@pytest.mark.parametrize("fields", [{"numbers": (ANA, BEN)}, {"numbers": (), "external": {"crm": "1"}}])
def test_upserts_at_once_make_one(database_url: str, fields: dict[str, Any]) -> None:
    """However many ask for the same stranger at once, one is created and all get that one."""

    async def body() -> None:
        numbers = fields["numbers"]
        rest = {name: value for name, value in fields.items() if name != "numbers"}
        answers = await asyncio.gather(*(upsert(*numbers, attributes={str(n): n}, **rest) for n in range(10)))
        assert len({contact_id for contact_id, _ in answers}) == 1
        assert sum(created for _, created in answers) == 1
        assert await fetch_value("SELECT count(*) FROM contact") == 1
        assert (await find_contact(answers[0][0])).attributes == {str(n): n for n in range(10)}

    run_opened(database_url, body)


def test_an_address_in_use_stays(database_url: str) -> None:
    """The address at which an open conversation is answered stays; once the conversation is closed it may go."""

    async def body() -> None:
        ana = await create(ANA, BEN)
        used, spare = (identity.id for identity in (await find_contact(ana)).identities)
        conversation = new_id()
        await execute(
            "INSERT INTO conversation (id, contact_id, reply_identity_id) VALUES ($1, $2, $3)", conversation, ana, used
        )
        await committed(remove_identity(ana, spare, actor=SYSTEM))
        assert (await refusal_of(committed(remove_identity(ana, used, actor=SYSTEM)))).code == "state_conflict"
        await execute("UPDATE conversation SET status = 'closed'")
        await committed(remove_identity(ana, used, actor=SYSTEM))
        assert (await find_contact(ana)).identities == []

    run_opened(database_url, body)


def test_an_opt_out_is_not_lost_with_its_address(database_url: str) -> None:
    """An address that opted out cannot be removed, or adding it again would lift the opt-out."""

    async def body() -> None:
        ana = await create(ANA)
        identity = (await find_contact(ana)).identities[0].id
        for state, refused in (("revoked", True), ("granted", False)):
            change = ConsentChange(identity_id=identity, state=state, source="keyword")  # type: ignore[arg-type]  # a loop
            await committed(record_consents([change]))
            if refused:
                problem = await refusal_of(committed(remove_identity(ana, identity, actor=SYSTEM)))
                assert problem.code == "state_conflict"
        await committed(remove_identity(ana, identity, actor=SYSTEM))

    run_opened(database_url, body)


def test_lists_are_narrowed_and_paged(database_url: str) -> None:
    """Newest first, by part of the name in any case, by address in any spelling, by time of change."""

    async def body() -> None:
        ids = [await create(name=f"Ana {number}%") for number in range(5)]
        ben = await create("+5511987654321", name="BEN_")

        async def found(after: Any = None, limit: int = 10, **narrowed: Any) -> list[UUID]:
            return [row.id for row in await list_contacts(ContactFilter(**narrowed), after=after, limit=limit)]

        assert await found() == [ben, *ids[::-1]]
        assert await found(name="ana") == ids[::-1]
        assert await found(name="%") == ids[::-1]
        assert await found(name="n_") == [ben]
        assert await found(identities=(("phone", match_key("phone", "+551187654321")),)) == [ben]
        assert await found(identities=()) == []
        last = (await list_contacts(ContactFilter(), after=None, limit=3))[-1]
        assert await found(after=(last.created_at, last.id)) == ids[2::-1]
        await change(ids[0], language="de")
        moment = (await find_contact(ids[0])).updated_at
        assert await found(updated_after=moment - timedelta(microseconds=1)) == [ids[0]]

    run_opened(database_url, body)


def test_one_page_is_one_statement_with_everything_in_it(database_url: str) -> None:
    """Identities and consents come with the contacts, each with its own."""

    async def body() -> None:
        ana, ben = await create(ANA, CAT), await create(BEN)
        theirs = {identity.address: identity.id for identity in (await find_contact(ana)).identities}
        change = ConsentChange(identity_id=theirs[CAT], state="revoked", source="keyword")
        await committed(record_consents([change]))
        found = await find_contacts([ana, ben])
        shown = {
            identity.address: [consent.state for consent in identity.consents]
            for contact in found.values()
            for identity in contact.identities
        }
        assert shown == {ANA: [], CAT: ["revoked"], BEN: []}

    run_opened(database_url, body)
