"""Passwords are kept by Argon2id at its recommended strength, off the event loop."""

from __future__ import annotations

import asyncio
import threading

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY

from inbox.staff.passwords import hashing
from inbox.staff.passwords.hashing import check_password, hash_password, is_outdated

SECRET = "plum under seven bridges"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def test_the_recommended_strength() -> None:
    """RFC 9106's second choice: 64 MiB, three passes; two hashes of one password differ."""

    async def body() -> tuple[str, str, bool]:
        return await hash_password(SECRET), await hash_password(SECRET), await check_password(None, SECRET)

    one, other, nobodys = asyncio.run(body())
    assert extract_parameters(one) == RFC_9106_LOW_MEMORY
    assert one != other
    assert not nobodys
    assert not is_outdated(one)
    assert is_outdated(QUICK.hash(SECRET))


def test_right_and_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the very password is right, however its letters were composed; a broken hash is nobody's."""
    monkeypatch.setattr(hashing, "HASHER", QUICK)
    hashing._nobodys_hash.cache_clear()

    async def body() -> None:
        stored = await hash_password("cafe\u0301 under seven bridges")
        assert await check_password(stored, "caf\u00e9 under seven bridges")
        for wrong in ("", "cafe under seven bridges", "caf\u00e9 under seven bridges ", hashing.NOBODYS):
            assert not await check_password(stored, wrong)
        for broken in (None, "", "nonsense", "$argon2id$v=19$broken", stored[:-4]):
            assert not await check_password(broken, SECRET)
        assert not await check_password(None, hashing.NOBODYS)

    asyncio.run(body())
    hashing._nobodys_hash.cache_clear()


def test_the_loop_goes_on_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hash is made in a thread of its own, and no more than two at a time."""
    threads: set[str] = set()
    gate = threading.Event()

    class Slow:
        def hash(self, password: str) -> str:
            threads.add(threading.current_thread().name)
            assert gate.wait(60)
            return password

    monkeypatch.setattr(hashing, "HASHER", Slow())

    async def body() -> None:
        waiting = [asyncio.create_task(hash_password(f"{n}")) for n in range(6)]
        for _ in range(100):
            await asyncio.sleep(0.001)
        assert not any(task.done() for task in waiting)
        gate.set()
        assert await asyncio.gather(*waiting) == [f"{n}" for n in range(6)]

    asyncio.run(body())
    assert len(threads) <= hashing.AT_A_TIME
    assert threading.current_thread().name not in threads
