"""Every column that holds something sealed, which keys are in use, and sealing all of it anew (security.md T67).

A new secret belongs in the table below, or a rotation leaves it behind.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any
from uuid import UUID

import msgspec
import structlog

from inbox.contacts.erased import KEY_PLACE
from inbox.kit.db import fetch, fetch_value, tx
from inbox.kit.ids import CHANNEL, ERASURE, WEBHOOK, show_id
from inbox.kit.secrets import KeyMissing, SecretBox, WrongKey
from inbox.visitors.push.actions import KEY_PLACE as PUSH_KEY_PLACE

log = structlog.get_logger()

BATCH = 100
"""Rows sealed anew in one transaction."""
FIRST = UUID(int=0)


class SealedColumn(msgspec.Struct, kw_only=True, frozen=True):
    """Where sealed bytes lie, and the place they were sealed for, by the id of their row."""

    table: str
    column: str
    place: Callable[[UUID], str]

    @property
    def name(self) -> str:
        """The column as operators read of it."""
        return f"{self.table}.{self.column}"


SEALED: tuple[SealedColumn, ...] = (
    SealedColumn(table="channel", column="settings", place=lambda channel_id: show_id(CHANNEL, channel_id)),
    SealedColumn(table="webhook", column="sealed", place=lambda webhook_id: show_id(WEBHOOK, webhook_id)),
    SealedColumn(table="ledger_key", column="sealed", place=lambda _: KEY_PLACE),
    SealedColumn(table="web_push_key", column="sealed", place=lambda _: PUSH_KEY_PLACE),
    SealedColumn(table="erasure", column="traces", place=lambda erasure_id: show_id(ERASURE, erasure_id)),
)


class KeyUse(msgspec.Struct, kw_only=True, frozen=True):
    """How many secrets of a column one key has sealed."""

    column: str
    key_id: str
    count: int


class Resealed(msgspec.Struct, kw_only=True):
    """What a batch came to: sealed anew, and left because they could not be opened."""

    column: str
    done: int = 0
    left: int = 0


async def count_keys() -> list[KeyUse]:
    """Which keys have sealed what lies in the database."""
    uses = []
    for one in SEALED:
        sql = (
            f"SELECT encode(substr({one.column}, 2, 4), 'hex') AS key_id, count(*) AS n FROM {one.table} "  # noqa: S608 (names of ours)
            f"WHERE length({one.column}) > 0 GROUP BY 1 ORDER BY 1"
        )
        uses += [KeyUse(column=one.name, key_id=row["key_id"], count=row["n"]) for row in await fetch(sql)]
    return uses


async def check_keys(box: SecretBox) -> None:
    """Raise KeyMissing unless every sealed secret can be opened."""
    missing = [use for use in await count_keys() if use.key_id not in box.key_ids]
    if missing:
        told = ", ".join(f"{use.key_id} ({use.count} in {use.column})" for use in missing)
        raise KeyMissing(
            f"stored secrets were sealed with other keys than those at hand ({', '.join(box.key_ids)}): {told}. "
            "Set SWITCHBOARD_SECRET_KEY to the key they were sealed with, or name it in SWITCHBOARD_OLD_SECRET_KEYS"
        )


async def reseal_all(box: SecretBox) -> AsyncIterator[Resealed]:
    """Seal everything anew that an older key has sealed, batch by batch; other work goes on meanwhile.

    A secret that is changed at the same moment is left as it was changed: it is sealed with the newest key already.
    """
    for one in SEALED:
        after = FIRST
        while rows := await _old_rows(one, box, after=after):
            after = rows[-1]["id"]
            async with tx():
                batch = await _reseal(one, rows, box)
            yield batch


async def _old_rows(one: SealedColumn, box: SecretBox, *, after: UUID) -> Sequence[Any]:
    return await fetch(
        f"SELECT id, {one.column} AS sealed FROM {one.table} "  # noqa: S608 (names of ours)
        f"WHERE id > $1 AND length({one.column}) > 0 AND substr({one.column}, 2, 4) <> decode($2, 'hex') "
        "ORDER BY id LIMIT $3",
        after,
        box.key_ids[0],
        BATCH,
    )


async def _reseal(one: SealedColumn, rows: Sequence[Any], box: SecretBox) -> Resealed:
    batch = Resealed(column=one.name)
    for row in rows:
        place = one.place(row["id"])
        try:
            anew = box.seal(box.open_sealed(row["sealed"], bound_to=place), bound_to=place)
        except WrongKey:
            log.exception("secret_unopened", component=one.table)
            batch.left += 1
            continue
        sql = f"UPDATE {one.table} SET {one.column} = $3 WHERE id = $1 AND {one.column} = $2 RETURNING true"  # noqa: S608 (as above)
        batch.done += bool(await fetch_value(sql, row["id"], row["sealed"], anew))
    return batch
