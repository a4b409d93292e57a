"""The sessions a process remembers: for moments, and over an outage of the database."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from gateway.widget import visitor_auth
from gateway.widget.visitor_auth import SessionRing
from inbox.kit.clock import utc_now
from inbox.kit.db import TRANSIENT, close_database, open_database
from inbox.kit.errors import Problem
from inbox.visitors.actions import OpenedSession, meet_stranger, open_session, revoke_session
from inbox.visitors.visitor import Browser, Profile
from tests.inbox.builders import committed, run_opened
from tests.inbox.visitors.chats import make_chat
from tests.outage import cuttable_line

LASTS = timedelta(days=1)


STRANGE = (None, "", "Bearer", "Bearer sk_" + "x" * 43, "Basic vst_" + "x" * 43, "Bearer vst_short",
           "Bearer vst_" + "x" * 43, "vst_" + "x" * 43)  # fmt: skip


def test_nothing_but_a_token_of_ours_opens(database_url: str) -> None:
    """What is no token is not looked up; one that was never given is refused alike."""

    async def scenario() -> None:
        for authorization in STRANGE:
            with pytest.raises(Problem) as refused:
                await SessionRing().admit(authorization)
            assert refused.value.code == "unauthenticated"

    run_opened(database_url, scenario)


def test_an_ended_session_is_forgotten_soon(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it ended at once, elsewhere within seconds."""

    async def scenario() -> None:
        ring, opened = SessionRing(), await a_session()
        bearer = f"Bearer {opened.token}"
        assert (await ring.admit(bearer)).session == opened.session
        await committed(revoke_session(opened.session.id, now=utc_now()))
        assert (await ring.admit(bearer)).session == opened.session  # for a few seconds
        ring.forget(opened.session.id)
        with pytest.raises(Problem):
            await ring.admit(bearer)
        another = await a_session()
        monkeypatch.setattr(visitor_auth, "CACHE_SECONDS", -1.0)
        await ring.admit(f"Bearer {another.token}")
        await committed(revoke_session(another.session.id, now=utc_now()))
        with pytest.raises(Problem):
            await ring.admit(f"Bearer {another.token}")

    run_opened(database_url, scenario)


def test_who_was_here_lately_goes_on_without_the_database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of sessions this process has seen it is sure while the database is away; of others it says so, and lets nobody
    in by guessing."""
    monkeypatch.setattr(visitor_auth, "CACHE_SECONDS", -1.0)

    async def scenario() -> None:
        async with cuttable_line(database_url) as line:
            await open_database(line.url, size=2)
            try:
                ring, known, unknown = SessionRing(), await a_session(), await a_session()
                await ring.admit(f"Bearer {known.token}")
                await line.cut()
                assert (await ring.admit(f"Bearer {known.token}")).visitor == known.visitor
                with pytest.raises(TRANSIENT):
                    await ring.admit(f"Bearer {unknown.token}")
            finally:
                await close_database()

    asyncio.run(scenario())


async def a_session() -> OpenedSession:
    """A session of somebody new."""
    channel_id = (await make_chat()).route.channel_id
    visitor = await committed(meet_stranger(channel_id, Profile(), Browser(), now=utc_now()))
    return await committed(open_session(visitor, lasts=LASTS, now=utc_now()))
