"""What is forgotten for visitors: who never wrote, sessions and links that ended, files that no message carried."""

from __future__ import annotations

from datetime import timedelta

from gateway.runtime import Runtime
from inbox.kit.clock import utc_now
from inbox.kit.db import tx
from inbox.visitors.actions import prune_visitors
from inbox.visitors.files.actions import BATCH, prune_uploads
from inbox.visitors.links.actions import prune_resume_links

UPLOAD_HOURS = 24
"""How long a file waits for the message that carries it."""
SESSION_DAYS = 1
"""How long a session that has ended is remembered."""
LINK_DAYS = 1
"""How long a link that has ended is remembered."""


async def prune_left_over(runtime: Runtime) -> None:
    """One round, a batch in each transaction; runs as a chore."""
    now = utc_now()
    async with tx():
        await prune_visitors(
            sessions_before=now - timedelta(days=SESSION_DAYS),
            visitors_before=now - timedelta(days=runtime.settings.visitor_days),
        )
    await prune_resume_links(before=now - timedelta(days=LINK_DAYS))
    gone = BATCH
    while gone == BATCH:
        async with tx():
            gone = await prune_uploads(before=now - timedelta(hours=UPLOAD_HOURS))
