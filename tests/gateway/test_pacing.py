"""A channel's own pace: who waits for it has not failed."""

from __future__ import annotations

from pathlib import Path

from channels.errors import Paced
from inbox.kit.db import fetch
from tests.gateway.posts import BACKOFF, Post, attempts, run_post, state_of


def test_waiting_for_the_pace_takes_none_of_the_tries(database_url: str, tmp_path: Path) -> None:
    """However often a message is told to wait, it is sent in the end: nothing was attempted, so nothing is counted."""

    async def body(post: Post) -> None:
        entry_id = await post.write()
        for _ in range(BACKOFF.attempts + 1):
            post.adapter.fail(Paced("two mails a minute"))
            await post.work()
            [job] = await fetch("SELECT attempts, error FROM job")
            assert (job["attempts"], job["error"]) == (0, "two mails a minute")
            assert await state_of(entry_id) == "sending"
        await post.work()
        assert await state_of(entry_id) == "sent"
        assert await attempts() == [*["retry"] * (BACKOFF.attempts + 1), "sent"]

    run_post(database_url, tmp_path, body)
