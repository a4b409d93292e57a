"""Reading imports and exports."""

from __future__ import annotations

from uuid import UUID

import msgspec

from inbox.kit.db import Row, fetch, fetch_one
from inbox.kit.errors import Problem
from inbox.kit.ids import show_id
from inbox.transfers.transfer import Direction, RowError, Transfer

COLUMNS = ", ".join(Transfer.__struct_fields__)
FIND = f"SELECT {COLUMNS} FROM transfer WHERE id = $1"  # noqa: S608 (the columns are our own struct's)
PAGE = f"""
SELECT {COLUMNS} FROM transfer WHERE direction = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3
"""  # noqa: S608 (as above)
ERRORS = """
SELECT line, code, pointer, detail FROM transfer_error WHERE transfer_id = $1 AND line > $2 ORDER BY line LIMIT $3
"""
JSON_COLUMNS = ("plan", "place", "counts", "actor")


async def find_transfer(transfer_id: UUID, *, direction: Direction | None = None, lock: bool = False) -> Transfer:
    """One import or export, or the `not_found` problem."""
    row = await fetch_one(f"{FIND} FOR UPDATE" if lock else FIND, transfer_id)
    if row is None or direction not in (None, row["direction"]):
        prefix, thing = ("imp", "import") if direction == "import" else ("exp", "export")
        raise Problem("not_found", f"There is no {thing} {show_id(prefix, transfer_id)}")  # type: ignore[arg-type]  # both are prefixes
    return read_transfer(row)


async def list_transfers(direction: Direction, *, after: UUID | None, limit: int) -> list[Transfer]:
    """One page, the newest first."""
    return [read_transfer(row) for row in await fetch(PAGE, direction, after, limit)]


async def list_row_errors(transfer_id: UUID, *, after: int | None, limit: int) -> list[RowError]:
    """One page of the rows an import refused, in the order of the file."""
    rows = await fetch(ERRORS, transfer_id, after if after is not None else -1, limit)
    return [msgspec.convert(dict(row), RowError) for row in rows]


def read_transfer(row: Row) -> Transfer:
    """A transfer's row."""
    values = dict(row)
    for name in JSON_COLUMNS:
        values[name] = values[name] and msgspec.json.decode(values[name])
    return msgspec.convert(values, Transfer)
