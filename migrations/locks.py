"""What a statement of a migration means for a system at work: the lock it takes, and whether that can be borne. Pure.

https://www.postgresql.org/docs/current/explicit-locking.html and, for what rewrites or scans a table,
https://www.postgresql.org/docs/current/sql-altertable.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

BRIEF = "a moment's exclusive lock"
WRITES_WAIT = "writes wait until it is done"
ALL_WAIT = "everybody waits until the table is read or rewritten"

_TOKEN = re.compile(r"--[^\n]*|'(?:[^']|'')*'|\"[^\"]*\"|(\$\w*\$).*?\1|;|[^;'\"$-]+|.", re.DOTALL)
_CREATED = re.compile(r"CREATE (?:UNLOGGED )?TABLE (?:IF NOT EXISTS )?(\w+)", re.IGNORECASE)
_INDEXED = re.compile(r"CREATE (?:UNIQUE )?INDEX (?:IF NOT EXISTS )?\w+ ON (\w+)", re.IGNORECASE)
_ALTERED = re.compile(r"ALTER TABLE (?:IF EXISTS )?(?:ONLY )?(\w+)", re.IGNORECASE)


class Verdict(msgspec.Struct, kw_only=True, frozen=True):
    """A statement, what it makes others wait for, and whether it may run while they work."""

    statement: str
    effect: str
    online: bool = True


RULES: tuple[tuple[str, str, bool], ...] = (
    (r"CREATE (UNIQUE )?INDEX CONCURRENTLY", "built beside reads and writes", True),
    (r"CREATE (UNIQUE )?INDEX", WRITES_WAIT, False),
    (r"ALTER TABLE .*ALTER (COLUMN )?\w+ (SET DATA )?TYPE", ALL_WAIT, False),
    (r"ALTER TABLE .*SET NOT NULL", ALL_WAIT, False),
    (
        r"ALTER TABLE .*ADD COLUMN .*(GENERATED|DEFAULT (gen_random_uuid|clock_timestamp|random|nextval))",
        ALL_WAIT,
        False,
    ),
    (r"ALTER TABLE .*ADD (CONSTRAINT|CHECK|FOREIGN KEY|UNIQUE|PRIMARY KEY)(?!.*NOT VALID)", ALL_WAIT, False),
    (r"ALTER TABLE", BRIEF, True),
    (r"(CREATE (OR REPLACE )?TRIGGER|DROP TRIGGER|DROP INDEX|DROP TABLE|DROP FUNCTION)", BRIEF, True),
    (r"CREATE (UNLOGGED )?TABLE", "a new table: nobody waits", True),
    (r"CREATE (OR REPLACE )?FUNCTION", "nobody waits", True),
    (r"DO .*ADD CONSTRAINT(?!.*NOT VALID)", ALL_WAIT, False),
    (r"DO .*ALTER TABLE", BRIEF, True),
    (r"(INSERT INTO|DO )", "nobody waits", True),
    (r"(UPDATE|DELETE)", "the rows it changes are locked until it is done", False),
)
"""The first that matches a statement's beginning judges it; what none knows is not let through."""


def judge_migration(up: str, indexes: Sequence[str] = ()) -> list[Verdict]:
    """Every statement with its effect; on a table the migration makes itself nobody waits for anything."""
    statements = [*split_statements(up), *indexes]
    created = {found[1] for statement in statements if (found := _CREATED.match(statement))}
    return [_judge(statement, created) for statement in statements]


def split_statements(sql: str) -> Iterator[str]:
    """The statements of a script, without comments and with single spaces; quotes and bodies stay whole."""
    kept: list[str] = []
    for found in _TOKEN.finditer(sql):
        piece = found[0]
        if piece == ";":
            yield from _whole(kept)
            kept = []
        elif not piece.startswith("--"):
            kept.append(piece)
    yield from _whole(kept)


def _whole(pieces: list[str]) -> Iterator[str]:
    statement = " ".join("".join(pieces).split())
    if statement:
        yield statement


def _judge(statement: str, created: set[str]) -> Verdict:
    touched = _INDEXED.match(statement) or _ALTERED.match(statement)
    if touched and touched[1] in created:
        return Verdict(statement=statement, effect="a new table: nobody waits")
    for pattern, effect, online in RULES:
        if re.match(pattern, statement, re.IGNORECASE):
            return Verdict(statement=statement, effect=effect, online=online)
    return Verdict(statement=statement, effect="not known: judge it by hand", online=False)
