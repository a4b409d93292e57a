"""Whether a Postgres keeps what it has confirmed: a webhook is acknowledged after its commit, so a commit must last."""

from __future__ import annotations

import asyncpg

MUST_BE_ON = ("fsync", "full_page_writes")
CONNECT_SECONDS = 10.0


class NotDurable(RuntimeError):
    """This Postgres may lose or tear what it has confirmed; we do not work with it."""


async def check_durability(database_url: str) -> str | None:
    """Refuse a Postgres that can lose confirmed commits beyond the last second; return a warning or None.

    Raises NotDurable when `fsync` or `full_page_writes` is off, and asyncpg's own errors when it cannot be asked.
    """
    connection = await asyncpg.connect(database_url, timeout=CONNECT_SECONDS)
    try:
        rows = await connection.fetch(
            "SELECT name, setting FROM pg_settings WHERE name = ANY($1)", [*MUST_BE_ON, "synchronous_commit"]
        )
    finally:
        await connection.close()
    return judge_durability({row["name"]: row["setting"] for row in rows})


def judge_durability(settings: dict[str, str]) -> str | None:
    """Raise NotDurable, or return a warning text, or None; `settings` as `pg_settings` shows them."""
    off = [name for name in MUST_BE_ON if settings.get(name) == "off"]
    if off:
        raise NotDurable(
            f"This Postgres runs with {' and '.join(f'{name}=off' for name in off)}: a crash can lose or damage "
            "messages that were already acknowledged. Switch it on in the server's configuration and reload it."
        )
    if settings.get("synchronous_commit") == "off":
        return (
            "This Postgres runs with synchronous_commit=off: a crash can lose the last moments of acknowledged "
            "messages. Set synchronous_commit=on for this role or database."
        )
    return None
