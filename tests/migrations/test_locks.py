"""What a migration's statements make a working system wait for."""

from __future__ import annotations

import pytest

from gateway.migrate import describe_migrations, known_migrations
from migrations.locks import judge_migration, split_statements


@pytest.mark.parametrize(
    ("statement", "online"),
    [
        ("CREATE TABLE IF NOT EXISTS entry (id uuid PRIMARY KEY)", True),
        ("CREATE UNLOGGED TABLE IF NOT EXISTS ticket (hash bytea PRIMARY KEY)", True),
        ("CREATE INDEX entry_seq ON entry (seq)", False),
        ("CREATE UNIQUE INDEX IF NOT EXISTS entry_seq ON entry (seq)", False),
        ("CREATE INDEX CONCURRENTLY IF NOT EXISTS entry_seq ON entry (seq)", True),
        ("ALTER TABLE entry ADD COLUMN IF NOT EXISTS words tsvector", True),
        ("ALTER TABLE entry ADD COLUMN stored text GENERATED ALWAYS AS (lower(text)) STORED", False),
        ("ALTER TABLE entry ADD COLUMN seen timestamptz NOT NULL DEFAULT clock_timestamp()", False),
        ("ALTER TABLE entry ALTER COLUMN seq TYPE bigint", False),
        ("ALTER TABLE entry ALTER COLUMN text SET NOT NULL", False),
        ("ALTER TABLE entry ADD CONSTRAINT positive CHECK (seq > 0)", False),
        ("ALTER TABLE entry ADD CONSTRAINT positive CHECK (seq > 0) NOT VALID", True),
        ("DO $$ BEGIN ALTER TABLE entry ADD CONSTRAINT positive CHECK (seq > 0); END $$", False),
        ("UPDATE entry SET text = ''", False),
        ("VACUUM FULL entry", False),
    ],
)
def test_a_statement_is_judged_by_its_lock(statement: str, online: bool) -> None:
    """What blocks others for longer than a moment is told, and so is what nobody has judged."""
    [verdict] = judge_migration(statement)
    assert (verdict.statement, verdict.online) == (statement, online)
    assert verdict.effect


def test_a_table_of_the_same_migration_has_nobody_to_wait() -> None:
    """An index of a table that is made a line above is built at once: it has no rows."""
    script = "CREATE TABLE IF NOT EXISTS fresh (id int);\nCREATE INDEX a ON fresh (id);\nCREATE INDEX b ON entry (id)"
    assert [verdict.online for verdict in judge_migration(script)] == [True, True, False]


def test_a_script_is_cut_at_its_statements_ends() -> None:
    """A semicolon in a comment, a string, a name or a function's body ends nothing."""
    script = """
        -- one; two
        SELECT ';', "a;b", 'it''s;';
        CREATE FUNCTION f() RETURNS int AS $body$ BEGIN; -- kept
        END $body$;
        SELECT 3 - 2
    """
    first, second, third = split_statements(script)
    assert first == """SELECT ';', "a;b", 'it''s;'"""
    assert second.startswith("CREATE FUNCTION f()")
    assert second.endswith("END $body$")
    assert third == "SELECT 3 - 2"


def test_every_migration_of_ours_runs_beside_a_working_system() -> None:
    """No migration makes anybody wait for longer than a moment (reliability.md P24)."""
    planned = describe_migrations()
    assert [migration.id for migration in planned] == list(known_migrations())
    blocking = [(one.id, verdict) for one in planned for verdict in one.statements if not verdict.online]
    assert blocking == []
