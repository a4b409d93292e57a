"""Which names may be expanded, and by whom."""

from __future__ import annotations

import pytest

from inbox.kit.callers import Actor, Caller, Scope
from inbox.kit.errors import Problem
from inbox.kit.expand import read_expand
from inbox.kit.ids import new_id

ALLOWED: dict[str, Scope | None] = {"contact": "contacts:read", "last_entry": None}


def caller(*scopes: Scope) -> Caller:
    """Somebody who holds these."""
    return Caller(key_id=new_id(), name="x", scopes=frozenset(scopes), actor=Actor(type="integration"))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (None, set()), ("", set()), (",", set()), ("contact", {"contact"}),
        ("contact, last_entry,contact", {"contact", "last_entry"}),
    ],
)  # fmt: skip
def test_names_are_separated_by_commas(text: str | None, names: set[str]) -> None:
    """Spaces and repetitions do not matter."""
    assert read_expand(text, ALLOWED, caller=caller("contacts:read")) == names


@pytest.mark.parametrize("text", ["contacts", "contact.identities", "contact,owner", "CONTACT"])
def test_an_unknown_name_is_refused(text: str) -> None:
    """It points at the parameter and says which names there are; nothing nests."""
    with pytest.raises(Problem) as caught:
        read_expand(text, ALLOWED, caller=caller("admin"))
    assert caught.value.code == "invalid_query"
    assert caught.value.errors[0].pointer == "?expand"
    assert "contact, last_entry" in caught.value.detail


def test_expanding_shows_nothing_a_key_could_not_read() -> None:
    """What needs a scope where it stands needs it here; `admin` holds all."""
    with pytest.raises(Problem) as caught:
        read_expand("contact", ALLOWED, caller=caller("conversations:read"))
    assert caught.value.code == "scope_missing"
    assert read_expand("contact", ALLOWED, caller=caller("admin")) == {"contact"}
    assert read_expand("last_entry", ALLOWED, caller=caller("conversations:read")) == {"last_entry"}
