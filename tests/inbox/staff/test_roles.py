"""What roles may do."""

from __future__ import annotations

from typing import get_args

import pytest

from inbox.kit.callers import Scope
from inbox.staff.roles import SCOPES_OF, Role, needs_admin


def test_every_role_has_its_scopes() -> None:
    """An administrator holds all by `admin`; an agent converses, and administers nothing."""
    assert set(SCOPES_OF) == set(get_args(Role))
    assert SCOPES_OF["admin"] == {"admin"}
    assert SCOPES_OF["agent"] <= set(get_args(Scope))
    assert not {"admin", "agents:write", "channels:admin", "webhooks:write", "messages:raw"} & SCOPES_OF["agent"]


@pytest.mark.parametrize(
    ("role", "changed", "signs_in", "needed"),
    [
        ("agent", ["name"], True, False),
        ("agent", ["email"], False, False),
        ("agent", ["email"], True, True),
        ("admin", ["email"], False, True),
        ("admin", ["name"], True, False),
        ("agent", ["role"], False, True),
        ("admin", ["name", "role"], False, True),
        ("agent", [], True, False),
    ],
)
def test_what_makes_more_of_somebody(role: Role, changed: list[str], signs_in: bool, needed: bool) -> None:
    """A role, and the address by which an account could be taken over."""
    assert needs_admin(role, changed, signs_in=signs_in) is needed
