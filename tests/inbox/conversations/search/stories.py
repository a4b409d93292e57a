"""A small inbox for searches: who wrote what, and what became of it."""

from __future__ import annotations

from uuid import UUID

from channels.parts import AnyPart, Text
from inbox.conversations.actions.change import add_note
from inbox.kit.db import execute, fetch_value
from tests.inbox.builders import ANA, BEN, BO, CAI, NOW, committed, make_channel, receive, reply, text_message


async def tell_stories() -> dict[str, UUID]:
    """Three conversations: Ana's late order, which Bo answered; Ben's thanks, closed; Cai's in Chinese, unassigned."""
    lane = await make_channel()
    ana = await receive(lane, text_message("Where is my order 8841? It is late.", sender=ANA, name="Ana Ruiz"))
    ben = await receive(lane, text_message("Merci, c'était très bien!", sender=BEN, name="Ben Öztürk"))
    cai = await receive(lane, text_message("我的订单什么时候到", sender=CAI, name="蔡"))
    await reply(ana, "Sorry, the parcel leaves tomorrow.")
    await write_note(ana, "She ordered on a public holiday")
    agent = await make_agent("Bo Berg", "bo@desk.test")
    await execute(
        "UPDATE conversation SET assignee_id = $2, tags = '{vip,late}', subject = 'Order 8841', language = 'en', "
        """attributes = '{"order": "8841", "gift": true}', priority = '{"score":9,"level":"high"}' WHERE id = $1""",
        ana, agent,
    )  # fmt: skip
    await execute("UPDATE conversation SET status = 'closed', unread = 0, waiting_since = NULL WHERE id = $1", ben)
    return {"ana": ana, "ben": ben, "cai": cai, "agent": agent, "channel": lane.route.channel_id}


async def write_note(conversation_id: UUID, text: str) -> None:
    """A note among ourselves."""
    parts: list[AnyPart] = [Text(text=text)]
    await committed(add_note(conversation_id, parts=parts, author=BO, now=NOW))


async def make_agent(name: str, email: str) -> UUID:
    """Somebody who may hold conversations."""
    agent_id: UUID = await fetch_value(
        "INSERT INTO agent (id, name, email) VALUES (gen_random_uuid(), $1, $2) RETURNING id", name, email
    )
    return agent_id
