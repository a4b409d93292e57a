"""Whose an address is: decided once, however many processes ask at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

import pytest

from channels.events import Address
from inbox.contacts.actions import find_or_create_identities, spell_address
from inbox.contacts.contact import KnownIdentity
from inbox.kit.db import fetch, fetch_value, tx
from tests.inbox.contacts.opened import committed, run_opened


def phone(value: str, name: str | None = None) -> Address:
    """The sender of a text message."""
    return Address(kind="phone", value=value, name=name)


async def meet(*addresses: Address) -> dict[Any, KnownIdentity]:
    """What a batch of the projection does about its senders."""
    return await committed(find_or_create_identities(addresses))


async def count_rows() -> tuple[int, int]:
    """How many contacts and identities there are."""
    return await fetch_value("SELECT count(*) FROM contact"), await fetch_value("SELECT count(*) FROM identity")


def test_a_stranger_becomes_a_contact_once(database_url: str) -> None:
    """Whoever writes first is made a contact with that address; the second message finds them."""

    async def body() -> None:
        first = await meet(phone("+12125550100", "Ana"))
        second = await meet(phone("+1 212 555 0100"))
        key = ("phone", "+12125550100")
        assert first[key].created
        assert second == {key: KnownIdentity(first[key].identity_id, first[key].contact_id, created=False)}
        row = (await fetch("SELECT c.name, i.address, i.proof FROM contact c JOIN identity i ON i.contact_id = c.id"))[
            0
        ]
        assert tuple(row) == ("Ana", "+12125550100", "provider")

    run_opened(database_url, body)


def test_spellings_of_one_person_in_one_batch_are_one(database_url: str) -> None:
    """With and without the Brazilian 9, in the same batch: one contact, under one key."""

    async def body() -> None:
        old, new = phone("+551187654321"), phone("+5511987654321")
        known = await meet(old, new, new)
        assert spell_address(old).key == spell_address(new).key
        assert set(known) == {spell_address(old).key}
        assert await count_rows() == (1, 1)

    run_opened(database_url, body)


def test_two_who_meet_the_same_strangers_make_each_once(database_url: str) -> None:
    """Concurrent batches over the same new addresses, in any order, agree on one contact and one identity each."""
    addresses = [phone(f"+1212555{number:04}") for number in range(64)]

    async def body() -> None:
        batches = [addresses, addresses[::-1], addresses[32:] + addresses[:32], addresses[::2], addresses[1::2]]
        answers = await asyncio.gather(*(meet(*batch) for batch in batches))
        contacts = [{key: known.contact_id for key, known in answer.items()} for answer in answers]
        for answer in contacts[1:]:
            assert answer.items() <= contacts[0].items()
        created = Counter(key for answer in answers for key, known in answer.items() if known.created)
        assert set(created.values()) == {1}
        assert await count_rows() == (64, 64)
        assert await fetch_value("SELECT count(*) FROM contact WHERE id NOT IN (SELECT contact_id FROM identity)") == 0

    run_opened(database_url, body)


def test_who_comes_second_waits_for_the_first(database_url: str) -> None:
    """While the first has not committed the second waits, and gets the same contact, or makes it if that failed."""

    async def body(*, fails: bool) -> None:
        address = phone("+12125550142" if fails else "+12125550143")
        met, go = asyncio.Event(), asyncio.Event()

        async def first() -> UUID:
            async with tx():
                known = await find_or_create_identities([address])
                met.set()
                await go.wait()
                if fails:
                    raise LookupError
            return known[spell_address(address).key].contact_id

        holder = asyncio.create_task(first())
        await met.wait()
        waiter = asyncio.create_task(meet(address))
        await asyncio.sleep(0.1)
        assert not waiter.done()
        go.set()
        known = (await waiter)[spell_address(address).key]
        if fails:
            with pytest.raises(LookupError):
                await holder
            assert known.created
        else:
            assert (known.contact_id, known.created) == (await holder, False)

    async def both() -> None:
        await body(fails=False)
        await body(fails=True)
        assert await count_rows() == (2, 2)

    run_opened(database_url, both)


@pytest.mark.parametrize(("known", "strangers", "statements"), [(64, 0, 1), (0, 64, 2), (32, 32, 2), (1, 0, 1)])
def test_statements_do_not_grow_with_the_batch(database_url: str, known: int, strangers: int, statements: int) -> None:
    """A batch costs one statement when all are known, and one more for any number of strangers."""
    addresses = [phone(f"+1212555{number:04}") for number in range(known + strangers)]

    async def body() -> None:
        await meet(*addresses[:known])
        asked: list[str] = []
        async with tx() as connection:
            with connection.query_logger(lambda record: asked.append(record.query)):  # the driver asks for types too
                await find_or_create_identities(addresses)
        assert len([query for query in asked if "identity" in query]) == statements

    run_opened(database_url, body)


def test_unreadable_senders_are_kept(database_url: str) -> None:
    """A sender that is no address still gets a contact: an inbound message is never lost for it."""

    async def body() -> None:
        odd = [phone("\0"), phone("AMAZON"), phone("72345"), phone("+999"), Address(kind="email", value="<>")]
        known = await meet(*odd)
        assert len(known) == 5
        rows = await fetch("SELECT kind, address, proof FROM identity ORDER BY kind, address")
        assert [tuple(row) for row in rows] == [
            ("email", "<>", "none"),
            ("phone", "72345", "provider"),
            ("phone", "999", "provider"),
            ("phone", "AMAZON", "provider"),
            ("phone", "unknown", "provider"),
        ]

    run_opened(database_url, body)
