"""Entries that were there before the search become findable."""

from __future__ import annotations

import pytest

from inbox.conversations.search.actions import index_backlog
from inbox.kit.db import execute, fetch_value
from tests.inbox.builders import connect_apart, run_opened
from tests.inbox.conversations.search.stories import tell_stories

FORGET = "UPDATE entry SET search = NULL"
REMEMBER = "INSERT INTO search_backlog (up_to_id) SELECT id FROM entry ORDER BY id DESC LIMIT 1"
FOUND = "SELECT count(*) FROM entry WHERE search @@ 'order|merci|parcel|holiday|订'::tsquery"


@pytest.mark.parametrize("batch", [2, 3, 500])
def test_all_that_is_old_is_indexed_once(database_url: str, monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    """Batch by batch everything with words becomes findable, what was redacted does not, and the backlog ends."""

    async def body() -> None:
        monkeypatch.setattr("inbox.conversations.search.actions.BATCH", batch)
        await tell_stories()
        before = await fetch_value("SELECT count(*) FROM entry WHERE search IS NOT NULL")
        await execute("UPDATE entry SET redacted_at = now() WHERE text LIKE '%parcel%'")
        await execute(FORGET)
        await execute(REMEMBER)
        assert await fetch_value(FOUND) == 0
        await index_backlog()
        assert await fetch_value(FOUND) == 4
        assert await fetch_value("SELECT count(*) FROM entry WHERE search IS NOT NULL") == before - 1
        assert not await fetch_value("SELECT count(*) FROM search_backlog")

    run_opened(database_url, body)


def test_one_process_is_enough(database_url: str) -> None:
    """While another process is at the backlog there is nothing to do for this one, and nothing is waited for."""

    async def body() -> None:
        await tell_stories()
        await execute(FORGET)
        await execute(REMEMBER)
        other = await connect_apart(database_url)
        transaction = other.transaction()
        await transaction.start()
        await other.execute("SELECT FROM search_backlog FOR UPDATE")
        await index_backlog()
        assert await fetch_value(FOUND) == 0
        await transaction.rollback()
        await other.close()
        await index_backlog()
        assert await fetch_value(FOUND) == 5

    run_opened(database_url, body)
