"""A migration as plain SQL both ways, so that a reader sees the very statements the database sees."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder


def sql_migration(*, migration_id: str, description: str, up: str, down: str) -> MigrationManager:
    """A Piccolo migration that runs `up` forwards and `down` backwards, each in its transaction.

    Piccolo writes its bookkeeping after that transaction, so both must bear being run twice (IF [NOT] EXISTS).
    """
    manager = MigrationManager(migration_id=migration_id, app_name="switchboard", description=description)

    async def forwards() -> None:
        await _run(up)

    async def backwards() -> None:
        await _run(down)

    manager.add_raw(forwards)
    manager.add_raw_backwards(backwards)
    return manager


async def _run(sql: str) -> None:
    engine = engine_finder()
    transaction = engine.current_transaction.get() if engine else None
    if transaction is None:
        raise RuntimeError("a migration runs inside Piccolo's transaction")
    await transaction.connection.execute(sql)
