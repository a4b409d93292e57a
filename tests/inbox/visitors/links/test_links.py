"""Links to other devices: ours alone, for one chat, once, and for a day (security.md T54)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import msgspec
import pytest

from inbox.kit.db import fetch_value
from inbox.kit.secrets import SecretBox
from inbox.visitors.links.actions import make_resume_link, open_link, prune_resume_links
from inbox.visitors.links.link import (
    ResumeLink,
    check_resume_token,
    read_resume_token,
    resume_url,
    write_resume_token,
)
from inbox.visitors.queries import find_visitor
from tests.inbox.builders import apart, committed, refused, run_opened
from tests.inbox.visitors.chats import make_chat, make_visitor

BOX = SecretBox(["a key for the tests of links"])
NOW = datetime.now(UTC)
LINK = ResumeLink(
    id=uuid4(), visitor_id=uuid4(), channel_id=uuid4(), expires_at=(NOW + timedelta(hours=1)).replace(microsecond=0)
)


def test_a_token_holds_for_its_link_alone() -> None:
    """Another visitor, chat, number, end or key, and it is none of ours; nor after its time."""
    token = read_resume_token(write_resume_token(BOX, LINK))
    assert token
    assert check_resume_token(BOX, token, LINK, now=NOW)
    for name in ("id", "visitor_id", "channel_id"):
        assert not check_resume_token(BOX, token, msgspec.structs.replace(LINK, **{name: uuid4()}), now=NOW)
    assert not check_resume_token(SecretBox(["another key, as long as this"]), token, LINK, now=NOW)
    assert not check_resume_token(BOX, token, LINK, now=LINK.expires_at)
    later = msgspec.structs.replace(token, ends=token.ends + 9)
    assert not check_resume_token(BOX, later, LINK, now=NOW)


SOME_ID = "01a20221ad1572f482b4521f1e58ccd0"


@pytest.mark.parametrize("text", ["", "x", "a-b-c", f"{SOME_ID}-ff", f"{SOME_ID}-ff-{'a' * 21}", "é" * 60])
def test_what_is_no_token_is_none(text: str) -> None:
    """Whatever stands behind a `#` is read without an error."""
    assert read_resume_token(text) is None


def test_the_token_stands_behind_the_fragment() -> None:
    """A browser sends a fragment to no server, so no log ever has it."""
    url = resume_url("https://chat.example/", "cha_1", "TOKEN")
    assert url == "https://chat.example/widget/v1/frame?channel=cha_1#resume=TOKEN"


def test_a_link_opens_once(database_url: str) -> None:
    """Of two devices at the same moment one gets in; a link of a proven user is not made at all."""

    async def body() -> None:
        chat = await make_chat()
        channel_id = chat.route.channel_id
        visitor = await find_visitor(await make_visitor(chat))
        assert visitor
        link = await committed(make_resume_link(visitor, hours=1, now=NOW))
        text = write_resume_token(BOX, link)

        async def use() -> UUID:
            return await committed(open_link(BOX, text, channel_id, now=NOW))

        results = await asyncio.gather(apart(use()), apart(use()), return_exceptions=True)
        assert [one for one in results if one == visitor.id] == [visitor.id]
        assert (await refused(use())).code == "token_expired"
        proven = msgspec.structs.replace(visitor, verified=True)
        assert (await refused(committed(make_resume_link(proven, hours=1, now=NOW)))).code == "state_conflict"

    run_opened(database_url, body)


def test_what_is_stored_opens_nothing(database_url: str) -> None:
    """The database has a hash of the number, and not the number; what has ended is forgotten."""

    async def body() -> None:
        visitor = await find_visitor(await make_visitor(await make_chat()))
        assert visitor
        link = await committed(make_resume_link(visitor, hours=1, now=NOW))
        assert await fetch_value("SELECT count(*) FROM visitor_link WHERE token_hash = $1", link.id.bytes) == 0
        for _ in range(9):
            await committed(make_resume_link(visitor, hours=1, now=NOW))
        assert await fetch_value("SELECT count(*) FROM visitor_link") == 5
        await prune_resume_links(before=NOW + timedelta(hours=2))
        assert await fetch_value("SELECT count(*) FROM visitor_link") == 0

    run_opened(database_url, body)
