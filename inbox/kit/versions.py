"""The version a client expects of the thing it changes (`If-Match`, RFC 9110 13.1.1), checked under the thing's lock.

The edge says what is expected (`expecting`); whoever locks a row says which version it has (`check_version`). So of two
who change the same version at once one wins, and the other is told `version_mismatch`. Without an If-Match the last
write wins; an If-Match that nobody checked is refused by the edge.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Annotated, TypeAlias
from uuid import UUID

import msgspec

from inbox.kit.errors import Problem

TAG = re.compile(r'(?<!W/)"v(\d{1,10})(?:-[0-9a-f]+)?"')
"""An ETag of ours; what follows the version tells representations apart, which a change does not care about."""

Version: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1, description="The version it is meant for.")]


class Expectation:
    """The versions a client would accept of the things its path names; `met` once somebody has checked."""

    def __init__(self, ids: Collection[UUID], versions: Collection[int]) -> None:
        self.ids = frozenset(ids)
        self.versions = frozenset(versions)
        self.met = False


_EXPECTED: ContextVar[Expectation | None] = ContextVar("expected_version", default=None)


@contextmanager
def expecting(expectation: Expectation | None) -> Iterator[None]:
    """Work for a client that expects this."""
    token = _EXPECTED.set(expectation)
    try:
        yield
    finally:
        _EXPECTED.reset(token)


def check_version(thing_id: UUID, version: int) -> None:
    """Refuse to go on with a thing, just locked, that is not as its client knows it; `version_mismatch`.

    It is asked once a request: what the request itself changes afterwards is no surprise to its client.
    """
    expected = _EXPECTED.get()
    if expected is None or thing_id not in expected.ids or expected.met:
        return
    if version not in expected.versions:
        raise mismatch(f"it has the version {version} now")
    expected.met = True


def mismatch(detail: str) -> Problem:
    """The refusal of a change that was meant for another version."""
    return Problem("version_mismatch", detail, hint="Read it again, put the change to it, and send its present version")


def read_versions(if_match: str) -> frozenset[int]:
    """The versions named in an If-Match header; weak tags and what is none of ours match nothing."""
    return frozenset(int(version) for version in TAG.findall(if_match))
