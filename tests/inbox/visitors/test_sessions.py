"""Sessions of visitors: made, found by their token alone, ended, forgotten."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from inbox.kit.clock import utc_now
from inbox.kit.db import fetch, fetch_value, tx
from inbox.kit.ids import show_id
from inbox.visitors.actions import (
    carry_on,
    describe_visitor,
    meet_stranger,
    meet_user,
    note_writing,
    open_session,
    prune_visitors,
    revoke_session,
)
from inbox.visitors.queries import find_session, live_sessions
from inbox.visitors.tokens import hash_token, looks_like_token
from inbox.visitors.visitor import Browser, Profile, Proof, Visitor, VisitorPage
from tests.inbox.builders import committed, run_opened
from tests.inbox.visitors.chats import make_chat

NOW = utc_now()
MONTH = timedelta(days=30)
PROOF = Proof(system="user", user_id="42", name="Ana Ruiz", email="ana@example.org")


def test_a_session_is_found_by_its_token_alone(database_url: str) -> None:
    """A token has 256 random bits and is kept as its hash; whoever knows the database knows no token."""

    async def scenario() -> None:
        visitor = await stranger()
        opened = await committed(open_session(visitor, lasts=MONTH, now=NOW))
        assert looks_like_token(opened.token)
        found = await find_session(hash_token(opened.token))
        assert found is not None
        assert (found.visitor, found.session) == (visitor, opened.session)
        assert await find_session(hash_token(opened.token[:-1] + "x")) is None
        [row] = await fetch("SELECT row_to_json(s)::text AS kept FROM visitor_session s")
        assert opened.token[4:] not in row["kept"]

    run_opened(database_url, scenario)


def test_a_session_ends(database_url: str) -> None:
    """By logout at once, by itself when its time is over; one that is gone on with has new time."""

    async def scenario() -> None:
        visitor = await stranger()
        ended = await committed(open_session(visitor, lasts=MONTH, now=NOW))
        over = await committed(open_session(visitor, lasts=timedelta(seconds=-1), now=NOW))
        lasting = await committed(open_session(visitor, lasts=timedelta(hours=1), now=NOW))
        await committed(revoke_session(ended.session.id, now=NOW))
        await committed(carry_on(lasting.session, Browser(), lasts=MONTH, now=NOW))
        for gone in (ended, over):
            assert await find_session(hash_token(gone.token)) is None
        found = await find_session(hash_token(lasting.token))
        assert found is not None
        assert found.session.expires_at == NOW + MONTH
        ids = [one.session.id for one in (ended, over, lasting)]
        assert await live_sessions(ids) == {lasting.session.id: visitor.id}

    run_opened(database_url, scenario)


def test_a_proven_user_is_one_visitor_from_however_many_browsers(database_url: str) -> None:
    """Two browsers of one user on one chat are one visitor; on another chat they are another."""

    async def scenario() -> None:
        lane, other = await make_chat(), await make_chat()
        first, second = [
            await committed(meet_user(lane.route.channel_id, PROOF, Browser(locale=one), now=NOW))
            for one in ("es", "de")
        ]
        elsewhere = await committed(meet_user(other.route.channel_id, PROOF, Browser(), now=NOW))
        assert first.id == second.id != elsewhere.id
        assert (second.address, second.verified, second.locale) == ("user:42", True, "de")
        assert (second.name, second.proven_email) == ("Ana Ruiz", "ana@example.org")

    run_opened(database_url, scenario)


def test_what_is_said_of_a_visitor_proves_nothing(database_url: str) -> None:
    """It is kept beside them: a stranger's address is their own id, whatever they are called."""

    async def scenario() -> None:
        said = Profile(name="Ana", email="ana@example.org", user_id="42", attributes={"plan": "gold"})
        visitor = await stranger(said)
        assert visitor.address == show_id("vis", visitor.id)
        assert (visitor.verified, visitor.proven_email, visitor.user_id) == (False, None, "42")
        more = await committed(describe_visitor(visitor, Profile(phone="+34600111222", attributes={"size": "L"})))
        assert (more.name, more.phone, more.attributes) == ("Ana", "+34600111222", {"plan": "gold", "size": "L"})
        user = await committed(meet_user(visitor.channel_id, PROOF, Browser(), now=NOW))
        renamed = await committed(describe_visitor(user, Profile(email="eve@example.org", user_id="666")))
        assert (renamed.user_id, renamed.proven_email) == ("42", "ana@example.org")

    run_opened(database_url, scenario)


def test_passers_by_are_forgotten(database_url: str) -> None:
    """Who never wrote goes with their session after their time; who wrote stays, and so does who is still there."""

    async def scenario() -> None:
        visitors: dict[str, Visitor] = {name: await stranger() for name in ("passer-by", "writer", "reader")}
        for name in ("passer-by", "writer"):
            await committed(open_session(visitors[name], lasts=timedelta(days=1), now=NOW - MONTH))
        await committed(open_session(visitors["reader"], lasts=MONTH, now=NOW))
        await committed(note_writing(visitors["writer"], VisitorPage(url="https://shop.example/"), now=NOW - MONTH))
        later = NOW + timedelta(days=1)
        await committed(prune_visitors(sessions_before=NOW, visitors_before=later))
        kept = {row["id"] for row in await fetch("SELECT id FROM visitor")}
        assert kept == {visitors["writer"].id, visitors["reader"].id}
        assert await fetch_value("SELECT count(*) FROM visitor_session") == 1

    run_opened(database_url, scenario)


async def stranger(profile: Profile | None = None) -> Visitor:
    """A visitor nobody knows, on a chat of their own."""
    channel_id: UUID = (await make_chat()).route.channel_id
    async with tx():
        return await meet_stranger(channel_id, profile or Profile(), Browser(user_agent="Firefox"), now=NOW)
