"""An attempt to sign in comes back to the browser it left with, and nowhere else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from gateway.signin.oidc.attempt import (
    LASTS,
    Attempt,
    BrokenAttempt,
    begin_attempt,
    local_path,
    open_attempt,
    seal_attempt,
)
from inbox.kit.secrets import SecretBox

NOW = datetime(2026, 11, 22, tzinfo=UTC)
BOX = SecretBox(["one key of a gateway, long enough"])


def attempt(return_to: str | None = None) -> Attempt:
    """One, with the numbers one to three as its random parts."""
    numbers = count(1)
    return begin_attempt("acme", return_to, now=NOW, random=lambda: f"{next(numbers):043d}")


def test_what_left_comes_back() -> None:
    """State, nonce and verifier are three, and none of them can be read in the cookie."""
    made = attempt()
    sealed = seal_attempt(made, BOX)
    assert open_attempt(sealed, BOX, provider="acme", state=made.state, now=NOW + LASTS / 2) == made
    assert len({made.state, made.nonce, made.verifier}) == 3
    assert made.verifier not in sealed
    assert made.state.encode() not in made.state_hash


def test_anything_else_is_broken() -> None:
    """Another state, provider, key or browser, too late, cut, or changed."""
    made = attempt()
    sealed = seal_attempt(made, BOX)
    other = SecretBox(["another key of a gateway, long enough"])
    tries = [
        (None, BOX, "acme", made.state, NOW),
        ("", BOX, "acme", made.state, NOW),
        ("nonsense", BOX, "acme", made.state, NOW),
        ("é", BOX, "acme", made.state, NOW),
        (sealed[:-4], BOX, "acme", made.state, NOW),
        (seal_attempt(made, other), BOX, "acme", made.state, NOW),
        (sealed, BOX, "other", made.state, NOW),
        (sealed, BOX, "acme", "", NOW),
        (sealed, BOX, "acme", made.nonce, NOW),
        (sealed, BOX, "acme", "é", NOW),
        (sealed, BOX, "acme", made.state, NOW + LASTS + timedelta(seconds=1)),
    ]
    for given, box, provider, state, now in tries:
        with pytest.raises(BrokenAttempt):
            open_attempt(given, box, provider=provider, state=state, now=now)


@pytest.mark.parametrize("path", ["/console", "/console/c/cnv_1?view=mine", "/sim"])
def test_our_own_pages_are_returned_to(path: str) -> None:
    """A path of ours, with its query."""
    assert local_path(path) == path


@pytest.mark.parametrize(
    "path",
    [None, "", "console", "//evil.example", "/\\evil.example", "https://evil.example", "javascript:1", "/a b", "/\tx",
     "/" + "a" * 1000, "\\\\evil.example"],
)  # fmt: skip
def test_nothing_leads_elsewhere(path: str | None) -> None:
    """What browsers could take for another host is the console."""
    assert local_path(path) == "/console"
