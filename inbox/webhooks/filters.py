"""The `q=` filter of an endpoint: checked when it is saved, asked of each conversation something is told of."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from inbox.conversations.search import find_matching, read_conversation_query


def check_filter(text: str) -> None:
    """Refuse a query that cannot be understood, with the place of what is wrong in it."""
    read_conversation_query(text, pointer="/q")


async def match_filter(text: str, conversation_ids: Collection[UUID]) -> set[UUID]:
    """Which of these conversations match the query as they are now."""
    return await find_matching(read_conversation_query(text, pointer="/q"), conversation_ids)
