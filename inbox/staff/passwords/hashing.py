"""Hashes of passwords by Argon2id (RFC 9106), made beside the event loop and few at a time.

A hash takes 64 MiB and about a tenth of a second by the library's recommended parameters; two at a time keep a crowd at
the door from taking memory and processors from everybody else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from typing import ParamSpec, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from inbox.staff.passwords.rules import normal_form

P = ParamSpec("P")
T = TypeVar("T")

AT_A_TIME = 2
HASHER = PasswordHasher()
THREADS = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="password")
NOBODYS = "nobody has this password"


async def hash_password(password: str) -> str:
    """What is stored of a password; two hashes of the same password differ."""
    return await _beside(HASHER.hash, normal_form(password))


async def check_password(stored: str | None, password: str) -> bool:
    """Whether this is the password whose hash is stored.

    Where none is stored the same time is spent on a hash of nothing, so that waiting tells nobody who has a password.
    """
    return await _beside(_is_right, stored, normal_form(password))


def is_outdated(stored: str) -> bool:
    """Whether a hash was made with other parameters than today's, and is to be made anew when the password is known."""
    return HASHER.check_needs_rehash(stored)


def _is_right(stored: str | None, password: str) -> bool:
    nobodys = _nobodys_hash()  # made by the first try, whosever it is
    try:
        HASHER.verify(stored or nobodys, password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return HASHER.hash(NOBODYS)


async def _beside(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    return await asyncio.get_running_loop().run_in_executor(THREADS, partial(work, *args, **kwargs))
