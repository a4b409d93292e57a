"""What people allowed: a ledger whose newest line counts."""

from __future__ import annotations

import itertools
from typing import Any
from uuid import UUID

import pytest

from channels.events import Address
from inbox.contacts.actions import change_consent, find_or_create_identities, record_consents, spell_address
from inbox.contacts.contact import ConsentChange, KnownIdentity
from inbox.contacts.queries import find_contact, list_consents, revoked_consents
from inbox.kit.callers import Actor
from inbox.kit.errors import Problem
from inbox.kit.ids import new_id
from tests.inbox.contacts.opened import add_channel_row, committed, feed_types, run_opened

AGENT = Actor(type="agent", id="agt_1", name="Bo")


async def somebody(value: str = "+12125550100") -> KnownIdentity:
    """Somebody who wrote to us."""
    address = Address(kind="phone", value=value)
    return (await committed(find_or_create_identities([address])))[spell_address(address).key]


async def record(identity: KnownIdentity, state: Any, channel: UUID | None, purpose: str = "all") -> None:
    """One line of the ledger."""
    change = ConsentChange(
        identity_id=identity.identity_id, state=state, source="keyword", purpose=purpose, channel_id=channel
    )
    await committed(record_consents([change]))


def test_stop_ends_that_channel_to_that_number_and_nothing_else(database_url: str) -> None:
    """STOP ends every send from that channel to that number and nothing else, and START restores it."""

    async def body() -> None:
        ana, ben = await somebody("+12125550100"), await somebody("+12125550101")
        one, other = await add_channel_row(new_id()), await add_channel_row(new_id())
        pairs = set(itertools.product((ana.identity_id, ben.identity_id), (one, other)))
        assert await revoked_consents(pairs) == set()
        await record(ana, "revoked", one)
        for purpose in ("support", "marketing", "all"):
            assert await revoked_consents(pairs, purpose=purpose) == {(ana.identity_id, one)}
        await record(ana, "granted", one)
        assert await revoked_consents(pairs) == set()

    run_opened(database_url, body)


@pytest.mark.parametrize(
    ("lines", "revoked"),
    [
        ([("revoked", "all", "own")], True),
        ([("revoked", "all", "own"), ("granted", "all", "own")], False),
        ([("granted", "all", "own"), ("revoked", "all", "own")], True),
        ([("revoked", "support", "own")], True),
        ([("revoked", "marketing", "own")], False),
        ([("revoked", "all", "own"), ("granted", "support", "own")], True),  # only START lifts STOP
        ([("revoked", "all", "own"), ("granted", "all", "everywhere")], True),  # so a form on a web page does not
        ([("revoked", "all", "everywhere")], True),
        ([("revoked", "all", "everywhere"), ("granted", "all", "everywhere")], False),
        ([("revoked", "all", "everywhere"), ("granted", "all", "own")], False),  # they wrote START here since
        ([("granted", "all", "own"), ("revoked", "all", "everywhere")], True),  # they want nothing more, anywhere
        ([("revoked", "all", "other")], False),
        ([("revoked", "support", "everywhere"), ("granted", "support", "own")], False),
        ([("revoked", "support", "own"), ("granted", "all", "own")], True),  # what was taken back by name stays so
    ],
)
def test_the_newest_word_counts(database_url: str, lines: list[tuple[str, str, str]], *, revoked: bool) -> None:
    """On a channel its own newest word counts, unless a newer one takes back everything on all channels."""

    async def body() -> None:
        ana = await somebody()
        own, other = await add_channel_row(new_id()), await add_channel_row(new_id())
        places = {"own": own, "other": other, "everywhere": None}
        for state, purpose, place in lines:
            await record(ana, state, places[place], purpose)
        found = await revoked_consents([(ana.identity_id, own)])
        assert found == ({(ana.identity_id, own)} if revoked else set())

    run_opened(database_url, body)


def test_lines_of_one_batch_keep_their_order(database_url: str) -> None:
    """STOP and START in one batch: the last of the batch is the newest."""

    async def body() -> None:
        ana, channel = await somebody(), await add_channel_row(new_id())
        states: list[Any] = ["revoked", "granted"] * 20 + ["revoked"]
        changes = [
            ConsentChange(
                identity_id=ana.identity_id, state=state, source="keyword", channel_id=channel, proof={"n": n}
            )
            for n, state in enumerate(states)
        ]
        await committed(record_consents(changes))
        assert await revoked_consents([(ana.identity_id, channel)])
        lines = await list_consents(ana.contact_id, ana.identity_id, after=None, limit=100)
        assert [line.proof["n"] for line in lines] == list(range(40, -1, -1))
        newest = (await find_contact(ana.contact_id)).identities[0].consents
        assert [(line.purpose, line.channel_id, line.state, line.proof) for line in newest] == [
            ("all", channel, "revoked", {"n": 40})
        ]

    run_opened(database_url, body)


def test_the_ledger_is_read_in_pages(database_url: str) -> None:
    """The history goes on after the last line one has, newest first, and belongs to its contact alone."""

    async def body() -> None:
        ana, ben = await somebody("+12125550100"), await somebody("+12125550101")
        for state in ("granted", "revoked", "granted"):
            await record(ana, state, None)
        first = await list_consents(ana.contact_id, ana.identity_id, after=None, limit=2)
        rest = await list_consents(ana.contact_id, ana.identity_id, after=first[-1].id, limit=2)
        assert [line.state for line in first + rest] == ["granted", "revoked", "granted"]
        assert await list_consents(ben.contact_id, ana.identity_id, after=None, limit=2) == []

    run_opened(database_url, body)


def test_a_consent_is_told_without_the_address(database_url: str) -> None:
    """The feed says whose consent for what changed, by ids."""

    async def body() -> None:
        ana, channel = await somebody(), await add_channel_row(new_id())
        change = ConsentChange(identity_id=ana.identity_id, state="revoked", source="agent", channel_id=channel)
        await committed(change_consent(ana.contact_id, change, actor=AGENT))
        assert await feed_types() == [("contact.consent_changed", ["identities"])]
        assert await revoked_consents([(ana.identity_id, channel)])

    run_opened(database_url, body)


def test_consent_needs_their_identity_and_our_channel(database_url: str) -> None:
    """Nothing is recorded for somebody else's address or for a channel there is not."""

    async def body() -> None:
        ana, ben = await somebody("+12125550100"), await somebody("+12125550101")
        strange = ConsentChange(identity_id=ben.identity_id, state="revoked", source="agent")
        nowhere = ConsentChange(identity_id=ana.identity_id, state="revoked", source="agent", channel_id=new_id())
        for change, code in ((strange, "not_found"), (nowhere, "validation_failed")):
            with pytest.raises(Problem) as refused:
                await committed(change_consent(ana.contact_id, change, actor=AGENT))
            assert refused.value.code == code
        assert await feed_types() == []

    run_opened(database_url, body)
