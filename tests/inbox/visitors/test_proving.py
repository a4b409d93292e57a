"""Whose thread a visitor's becomes when they prove who they are, and whose it never becomes (security.md T53)."""

from __future__ import annotations

from uuid import UUID

import pytest

from channels.events import Address
from inbox.contacts.actions import add_identities, create_contact, spell_address
from inbox.contacts.contact import ContactChange
from inbox.intake.batch import Lane
from inbox.kit.callers import SYSTEM
from inbox.kit.clock import utc_now
from inbox.kit.db import fetch_one, fetch_value
from inbox.visitors.actions import meet_stranger, meet_user, note_writing
from inbox.visitors.proving import OwnedAddress, is_nobody_else, join_contact
from inbox.visitors.queries import find_standing, find_visitor
from inbox.visitors.visitor import Browser, Profile, Proof, Standing, Visitor
from tests.inbox.builders import committed, run_opened
from tests.inbox.visitors.chats import make_chat, visitor_writes

NOW = utc_now()
PROOF = Proof(system="user", user_id="42", name="Ana Ruiz", email="ana@example.org")
OTHER = Proof(system="user", user_id="43")


def test_the_thread_goes_to_the_contact_who_bears_the_id(database_url: str) -> None:
    """A contact with the user's id of that system is the user: the stranger's thread is theirs, and their address
    is vouched for."""

    async def scenario() -> None:
        lane, before = await writing_stranger()
        known = await committed(create_contact(ContactChange(external={"user": "42"}), [], actor=SYSTEM))
        standing = await prove(lane, before)
        assert standing.contact_id == known
        assert await fetch_value("SELECT count(*) FROM contact") == 1
        row = await fetch_one("SELECT proof, contact_id FROM identity WHERE match_key = 'user:42'")
        assert row is not None
        assert (row["proof"], row["contact_id"]) == ("provider", known)

    run_opened(database_url, scenario)


def test_an_unknown_user_goes_on_as_the_stranger_they_were(database_url: str) -> None:
    """Where nobody bears the id, the stranger's own contact is the user from now on, and their thread stays."""

    async def scenario() -> None:
        lane, before = await writing_stranger()
        stranger = await find_standing(before)
        standing = await prove(lane, before)
        assert standing.contact_id == stranger.contact_id
        assert standing.conversation_id == stranger.conversation_id
        assert stranger.identity_ids < standing.identity_ids

    run_opened(database_url, scenario)


def test_who_only_looks_becomes_no_contact(database_url: str) -> None:
    """A proof alone fills no list: a user who writes nothing is nobody's contact."""

    async def scenario() -> None:
        lane = await make_chat()
        before = await stranger_of(lane)
        assert (await prove(lane, before)).contact_id is None
        assert await fetch_value("SELECT count(*) FROM contact") == 0

    run_opened(database_url, scenario)


def test_what_is_still_on_its_way_follows(database_url: str) -> None:
    """A message that was taken in, and is in the conversation only after the login, is the user's, known or not."""

    async def scenario() -> None:
        for proof, known in ((PROOF, True), (OTHER, False)):
            lane = await make_chat()
            before = await stranger_of(lane)
            await committed(note_writing(before, None, now=NOW))
            if known:
                await committed(create_contact(ContactChange(external={"user": "42"}), [], actor=SYSTEM))
            await prove(lane, await again(before), proof)
            conversation_id = await visitor_writes(lane, visitor=before.address)
            user = await committed(meet_user(lane.route.channel_id, proof, Browser(), now=NOW))
            assert (await find_standing(user)).conversation_id == conversation_id

    run_opened(database_url, scenario)


def test_who_used_the_browser_before_is_somebody_else(database_url: str) -> None:
    """Where one user follows another in the same browser, neither gets the other's thread."""

    async def scenario() -> None:
        lane, before = await writing_stranger()
        first = await prove(lane, before)
        user = await committed(meet_user(lane.route.channel_id, PROOF, Browser(), now=NOW))
        second = await prove(lane, user, OTHER)
        assert second.contact_id is None
        assert (await find_standing(user)) == first

    run_opened(database_url, scenario)


def test_a_person_who_is_more_than_the_visitor_stays_apart(database_url: str) -> None:
    """A stranger's contact that an agent has given another address is not merged away by a login: nobody gets a
    person's messages by proving to be somebody else."""

    async def scenario() -> None:
        lane, before = await writing_stranger()
        victim = (await find_standing(before)).contact_id
        assert victim is not None
        phone = spell_address(Address(kind="phone", value="+12125550100"))
        await committed(add_identities(victim, [phone], actor=SYSTEM))
        known = await committed(create_contact(ContactChange(external={"user": "42"}), [], actor=SYSTEM))
        standing = await prove(lane, before)
        assert standing.contact_id == known
        assert standing.conversation_id is None
        assert (await find_standing(before)).contact_id == victim

    run_opened(database_url, scenario)


def test_only_signed_mail_addresses_open_mail(database_url: str) -> None:
    """Of a user's mail they see what came from the address their site has signed; of one that anybody could have
    claimed, nothing."""

    async def scenario() -> None:
        lane, before = await writing_stranger()
        mails = [spell_address(Address(kind="email", value=one)) for one in ("Ana@example.org", "eve@example.org")]
        contact = ContactChange(external={"user": "42"})
        await committed(create_contact(contact, mails, actor=SYSTEM))
        standing = await prove(lane, before)
        keys = {await fetch_value("SELECT match_key FROM identity WHERE id = $1", one) for one in standing.identity_ids}
        assert keys == {"user:42", before.address, "ana@example.org"}

    run_opened(database_url, scenario)


@pytest.mark.parametrize(
    ("addresses", "alone"),
    [
        ([("visitor", "vis_1")], True),
        ([("visitor", "vis_1"), ("email", "ana@example.org")], True),
        ([("visitor", "vis_1"), ("email", "ana@home.example")], True),
        ([("visitor", "vis_1"), ("email", "eve@example.org")], False),
        ([("visitor", "vis_1"), ("visitor", "vis_2")], False),
        ([("visitor", "vis_1"), ("visitor", "user:43")], False),
        ([("visitor", "vis_1"), ("phone", "+12125550100")], False),
    ],
)
def test_who_is_surely_the_visitor(addresses: list[tuple[str, str]], *, alone: bool) -> None:
    """A contact with no address but the visitor's own, a mail address they left, and the one that was signed for."""
    visitor = Visitor(
        id=UUID(int=1), channel_id=UUID(int=2), address="vis_1", verified=False, user_id=None, name=None,
        email="Ana@home.example", proven_email=None, phone=None, attributes={}, locale=None, user_agent=None, page=None,
        wrote_at=None, created_at=NOW, last_seen_at=NOW,
    )  # fmt: skip
    owned = [OwnedAddress(kind=kind, match_key=key) for kind, key in addresses]
    assert is_nobody_else(owned, visitor, PROOF) is alone


async def stranger_of(lane: Lane) -> Visitor:
    """A visitor nobody knows."""
    return await committed(meet_stranger(lane.route.channel_id, Profile(), Browser(), now=NOW))


async def writing_stranger() -> tuple[Lane, Visitor]:
    """A chat, and a stranger in it who has written."""
    lane = await make_chat()
    visitor = await stranger_of(lane)
    await committed(note_writing(visitor, None, now=NOW))
    await visitor_writes(lane, visitor=visitor.address)
    return lane, await again(visitor)


async def again(visitor: Visitor) -> Visitor:
    """The visitor as they are now."""
    found = await find_visitor(visitor.id)
    assert found is not None
    return found


async def prove(lane: Lane, before: Visitor, proof: Proof = PROOF) -> Standing:
    """Where the user stands once the visitor has proven to be them."""
    user = await committed(meet_user(lane.route.channel_id, proof, Browser(), now=NOW))
    await committed(join_contact(before, proof, now=NOW))
    return await find_standing(user)
