"""What the outside asks of erasures as a whole."""

from __future__ import annotations

from inbox.kit.db import fetch_value


async def count_pending_erasures() -> int:
    """How many erasures have been asked for and are not over."""
    return int(await fetch_value("SELECT count(*) FROM erasure WHERE state = 'running'"))
