"""Passwords hashed quickly: how long a real hash takes is tested by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from inbox.staff.passwords import hashing
from tests.gateway.signin.browsers import QUICK


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    hashing._nobodys_hash.cache_clear()
    monkeypatch.setattr(hashing, "HASHER", QUICK)
    yield
    hashing._nobodys_hash.cache_clear()
