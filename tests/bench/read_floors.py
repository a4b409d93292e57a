"""The two floors reading is measured beside: a handler that runs one indexed SELECT and encodes its rows.

The columns are those that the API's lists show, the names of contact and agent among them; what is stored as JSON is
put into the answer as it is. They stand on the same framework, server and pool as ours, without keys, middleware or
anything decided: what is left is what a list costs in any case. Run as a process:
`python -m tests.bench.read_floors --port P --database URL`.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import uvicorn
import uvloop
from litestar import Litestar, Response, get
from litestar.params import FromPath

LIST = """
SELECT c.id, c.number, c.version, c.subject, c.preview, c.status, c.snoozed_until, c.priority, c.language, c.handler,
       c.contact_id, ct.name AS contact_name, c.assignee_id, a.name AS assignee_name, c.media, c.tags, c.attributes,
       c.external, c.unread, c.last_seq, c.waiting_since, c.last_inbound_at, c.last_outbound_at, c.created_at,
       c.updated_at, c.reply_channel_id, c.reply_identity_id
FROM conversation c JOIN contact ct ON ct.id = c.contact_id LEFT JOIN agent a ON a.id = c.assignee_id
ORDER BY c.updated_at DESC, c.id DESC LIMIT 50
"""
ENTRIES = """
SELECT id, conversation_id, seq, type, direction, visibility, channel_id, medium, provider, author, recipients,
       in_reply_to, client_message_id, text, parts, event, delivery_state, delivery_error, delivery_updated_at,
       provider_message_id, occurred_at, created_at, edited_at, redacted_at, version
FROM entry WHERE conversation_id = $1 ORDER BY seq DESC LIMIT 50
"""
JSON_COLUMNS = ("priority", "attributes", "external", "author", "recipients", "parts", "event", "delivery_error")


def make_floors(pool: Any) -> Litestar:
    """An application with nothing but the two handlers."""

    @get("/list")
    async def read_list() -> Response[bytes]:
        return _answer(await pool.fetch(LIST))

    @get("/entries/{conversation_id:str}")
    async def read_entries(conversation_id: FromPath[str]) -> Response[bytes]:
        return _answer(await pool.fetch(ENTRIES, UUID(conversation_id.removeprefix("cnv_"))))

    return Litestar([read_list, read_entries], openapi_config=None, logging_config=None)


def _answer(rows: list[Any]) -> Response[bytes]:
    """The rows as JSON, what is JSON already put in as it is."""
    data = [_plain(dict(row)) for row in rows]
    return Response(msgspec.json.encode({"data": data}), media_type="application/json")


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    for name in JSON_COLUMNS:
        if row.get(name) is not None:
            row[name] = msgspec.Raw(row[name].encode())
    return row


async def run_floors(*, port: int, database: str) -> None:
    """Serve both floors until told to stop."""
    pool = await asyncpg.create_pool(database, reset=_leave_as_is)
    config = uvicorn.Config(
        make_floors(pool), host="127.0.0.1", port=port, loop="none", http="httptools", ws="none", backlog=2048,
        log_config=None, access_log=False, server_header=False, proxy_headers=False,
    )  # fmt: skip
    await uvicorn.Server(config).serve()


async def _leave_as_is(connection: object) -> None:
    """The reset asyncpg runs at each release is switched off, as ours is."""


def main() -> None:
    """Run the floors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database", required=True)
    args = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run_floors(port=args.port, database=args.database))


if __name__ == "__main__":
    main()
