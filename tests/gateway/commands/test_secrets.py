"""`switchboard secrets`: what is told of keys, and the way from one key to the next (security.md T67)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from inbox.kit.db import fetch_value
from inbox.kit.secrets import SecretBox
from tests.gateway.commands.shell import KEY, Shell
from tests.gateway.commands.test_operators import NEW_CHANNEL
from tests.inbox.builders import run_opened

NEXT = "5b1e9c7d2f8a4036b9e1c5d70f2a8463"


@pytest.fixture
def environment(database_url: str, redis_url: str, tmp_path: Path) -> dict[str, str]:
    """A database with one channel, sealed with the first key."""
    settings = {
        "SWITCHBOARD_DATABASE_URL": database_url,
        "SWITCHBOARD_REDIS_URL": redis_url,
        "SWITCHBOARD_DATA_DIR": str(tmp_path),
        "SWITCHBOARD_SECRET_KEY": KEY,
        "SWITCHBOARD_PUBLIC_URL": "https://inbox.example.org",
    }
    Shell(settings).run(*NEW_CHANNEL)
    return settings


def roles(shell: Shell, *, code: int = 0) -> list[tuple[str, str, int]]:
    """Which key of what role has sealed how much."""
    shown: list[dict[str, Any]] = shell.read("secrets", "status", code=code)
    return [(use["key_id"], use["role"], use["count"]) for use in shown]


def test_the_way_from_one_key_to_the_next(environment: dict[str, str]) -> None:
    """The new key first and the old one beside it, then rotate; afterwards the old key is not needed any more."""
    first, second = (SecretBox([key]).key_ids[0] for key in (KEY, NEXT))
    assert roles(Shell(environment)) == [(first, "newest", 1)]
    both = Shell(environment | {"SWITCHBOARD_SECRET_KEY": NEXT, "SWITCHBOARD_OLD_SECRET_KEYS": KEY})
    assert roles(both) == [(first, "old", 1)]
    assert both.read("secrets", "rotate") == {"key_id": second, "resealed": 1, "left": 0}
    assert roles(both) == [(second, "newest", 1)]
    alone = Shell(environment | {"SWITCHBOARD_SECRET_KEY": NEXT})
    assert alone.read("channels", "show", "Support")["problem"] is None
    assert "0 secrets sealed anew" in alone.run("secrets", "rotate").stdout


def test_a_key_that_is_not_at_hand_is_told(environment: dict[str, str]) -> None:
    """`status` exits with 1 and names it, `rotate` leaves what it cannot open; no key is ever printed."""
    lost = Shell(environment | {"SWITCHBOARD_SECRET_KEY": NEXT})
    assert roles(lost, code=1) == [(SecretBox([KEY]).key_ids[0], "missing", 1)]
    assert lost.read("secrets", "rotate", code=1)["left"] == 1
    told = lost.run("secrets", "status", code=1)
    assert not any(key in told.output for key in (KEY, NEXT))
    assert "***" in Shell(environment | {"SWITCHBOARD_OLD_SECRET_KEYS": NEXT}).run("config", "show").stdout


def test_a_rotation_is_in_the_audit_log(environment: dict[str, str], database_url: str) -> None:
    """To which key, and how much of it."""
    both = Shell(environment | {"SWITCHBOARD_SECRET_KEY": NEXT, "SWITCHBOARD_OLD_SECRET_KEYS": KEY})
    both.run("secrets", "rotate")

    async def facts() -> str:
        return str(await fetch_value("SELECT facts FROM audit_event WHERE action = 'secrets.rotated'"))

    told = json.loads(run_opened(database_url, facts))
    assert told == {"key_id": SecretBox([NEXT]).key_ids[0], "resealed": 1, "left": 0}


def test_old_keys_are_checked(environment: dict[str, str]) -> None:
    """A stray comma does not become a key."""
    wrong = Shell(environment | {"SWITCHBOARD_OLD_SECRET_KEYS": f"{KEY},abc"})
    assert "SWITCHBOARD_OLD_SECRET_KEYS" in wrong.run("secrets", "status", code=3).output
    wrong = Shell(environment | {"SWITCHBOARD_TRUSTED_PROXIES": "10.0.0.0/8,proxy.example"})
    assert "SWITCHBOARD_TRUSTED_PROXIES" in wrong.run("secrets", "status", code=3).output
