"""Objects given whole beside the conversations and entries that name them."""

from __future__ import annotations

from uuid import UUID

from inbox.conversations.api.conversations import show_conversations
from inbox.conversations.api.entries import show_entry
from inbox.conversations.api.expansion import IN_CONVERSATIONS, IN_ENTRIES, expand_entries
from inbox.conversations.queries import find_conversations, find_entries
from inbox.kit.db import execute, tx
from inbox.kit.ids import new_id, show_id
from tests.inbox.builders import make_channel, receive, reply, run_opened, text_message
from tests.inbox.conversations.moves.threads import entries_of, note

ALL = frozenset(IN_CONVERSATIONS)


async def make_threads(count: int) -> list[UUID]:
    """Conversations with a message and a note, every second one held by an agent."""
    lane, agent = await make_channel(), new_id()
    await execute(
        "INSERT INTO agent (id, name, email, created_at, updated_at) VALUES ($1, 'Bo', $2, now(), now())",
        agent,
        f"{agent}@x",
    )
    made = [
        await receive(lane, text_message("hi", sender=f"+1212555{number:04d}")) for number in range(1000, 1000 + count)
    ]
    await execute("UPDATE conversation SET assignee_id = $1 WHERE id = ANY($2)", agent, made[::2])
    for conversation in made:
        await note(conversation, "aside")
    return made


def test_what_is_asked_for_is_whole(database_url: str) -> None:
    """Contact with identities, agent or null, last entry and last message, the ways to answer; the rest is null."""

    async def body() -> None:
        ids = await make_threads(2)
        rows = await find_conversations(ids)
        held, free = await show_conversations([rows[one] for one in ids], expand=ALL)
        assert held.expanded
        assert free.expanded
        assert held.expanded.contact
        assert held.expanded.contact.id == held.contact.id
        assert held.expanded.contact.identities[0].address == "+12125551000"
        assert held.expanded.assignee
        assert (held.expanded.assignee.name, free.expanded.assignee) == ("Bo", None)
        assert held.expanded.last_entry
        assert held.expanded.last_message
        assert (held.expanded.last_entry.text, held.expanded.last_message.text) == ("aside", "hi")
        assert [target.address for target in held.expanded.reply_targets or []] == ["+12125551000"]
        [one] = await show_conversations([rows[ids[0]]], expand=frozenset({"last_entry"}))
        assert one.expanded
        assert (one.expanded.contact, one.expanded.reply_targets) == (None, None)
        [plain] = await show_conversations([rows[ids[0]]])
        assert plain.expanded is None

    run_opened(database_url, body)


def test_a_page_takes_a_statement_an_expansion(database_url: str) -> None:
    """However many conversations: the number of statements is that of the expansions."""

    async def body() -> None:
        ids = await make_threads(7)
        rows = list((await find_conversations(ids)).values())
        counts = [await count_statements(rows[:size], expand) for size in (1, 7) for expand in (frozenset(), ALL)]
        assert counts[0] == counts[2]
        assert counts[1] == counts[3] == counts[0] + len(ALL - {"reply_targets"})

    run_opened(database_url, body)


async def count_statements(rows: list[object], expand: frozenset[str]) -> int:
    """How many statements showing these takes."""
    asked: list[str] = []
    async with tx() as connection:
        with connection.query_logger(lambda record: asked.append(record.query)):
            await show_conversations(rows, expand=expand)
    return len(asked)


def test_an_entry_comes_with_the_one_it_answers(database_url: str) -> None:
    """What answers nothing has null; without asking there is nothing."""

    async def body() -> None:
        conversation = await receive(await make_channel(), text_message("question"))
        first = (await entries_of(conversation))[0]["id"]
        answer = await reply(conversation, "answer", in_reply_to=first)
        rows = list((await find_entries([first, answer])).values())
        rows.sort(key=lambda row: row["seq"])
        shown = [show_entry(row) for row in rows]
        expanded = await expand_entries(shown, rows, frozenset(IN_ENTRIES))
        assert expanded[0].expanded
        assert expanded[0].expanded.in_reply_to is None
        assert expanded[1].expanded
        assert expanded[1].expanded.in_reply_to
        assert expanded[1].expanded.in_reply_to.id == show_id("ent", first)
        assert [one.expanded for one in await expand_entries(shown, rows, frozenset())] == [None, None]

    run_opened(database_url, body)
