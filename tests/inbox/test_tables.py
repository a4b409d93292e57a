"""Piccolo's tables and the migrated database say the same."""

from __future__ import annotations

import asyncio
import pkgutil
from importlib import import_module

import asyncpg
import pytest
from piccolo.table import Table

import inbox
from inbox.kit.db import DB

COLUMNS = """
SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, NOT a.attnotnull AS nullable,
       a.attgenerated <> '' AS generated
FROM pg_attribute a WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped
"""
SPELLINGS = {"timestamptz": "timestamp with time zone", "varchar": "character varying", "bigserial": "bigint"}


def table_classes() -> list[type[Table]]:
    """Every Table bound to our engine, of any `tables.py` below inbox; tests have tables of their own."""
    for module in pkgutil.walk_packages(inbox.__path__, "inbox."):
        if module.name.endswith(".tables"):
            import_module(module.name)
    ours = [one for one in Table.__subclasses__() if one._meta._db is DB and one.__module__.startswith("inbox.")]
    return sorted(ours, key=lambda one: one._meta.tablename)


def declared(table: type[Table]) -> dict[str, tuple[str, bool]]:
    """A table's columns by name: the type in Postgres' spelling, and whether it may be null."""
    return {
        column._meta.db_column_name: (_spelled(column.column_type), bool(column._meta.null))
        for column in table._meta.columns
    }


def _spelled(kind: str) -> str:
    return SPELLINGS.get(kind.lower(), kind.lower())


@pytest.mark.parametrize("table", table_classes(), ids=lambda table: table._meta.tablename)
def test_a_table_is_as_the_migrations_made_it(table: type[Table], database_url: str) -> None:
    """Columns, types and nullability of a Table class are those of the database: they cannot drift apart.

    Generated columns are the database's own: Piccolo would write them.
    """

    async def real() -> dict[str, tuple[str, bool]]:
        connection = await asyncpg.connect(database_url)
        rows = await connection.fetch(COLUMNS, table._meta.tablename)
        await connection.close()
        return {row["name"]: (row["type"], row["nullable"]) for row in rows if not row["generated"]}

    assert declared(table) == asyncio.run(real())
