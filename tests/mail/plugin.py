"""The fixtures of mail: a real Dovecot, or a loud skip where there is none; in CI there has to be one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.mail.dovecot import Dovecot, find_dovecot, running_dovecot


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """One for the session: every test takes a mailbox of its own, by a name of its own."""
    missing = find_dovecot()
    if missing:
        pytest.skip(missing)
    with running_dovecot() as server:
        yield server
