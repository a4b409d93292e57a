"""Which fields win in a merge and which go back after it, as values in and values out."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from inbox.conversations.contact_merging.fields import (
    BLOCKED,
    Place,
    apply_changes,
    changes_of,
    plan_fields,
    read_fields,
    revert_changes,
    show_place,
    write_fields,
)

NAME: Place = ("name", None)
PLACES = st.sampled_from(
    [NAME, ("language", None), BLOCKED, ("attributes", "a"), ("attributes", "b"), ("external", "a")]
)
FIELDS = st.dictionaries(PLACES, st.sampled_from(["1", "2", "3"]))
CHOICES = st.dictionaries(PLACES, st.sampled_from(["from", "into"]))


def row(**fields: Any) -> dict[str, Any]:
    """A stored contact."""
    empty: dict[str, Any] = {
        "name": None,
        "language": None,
        "company_id": None,
        "blocked_at": None,
        "attributes": {},
        "external": {},
    }
    return {**empty, **fields}


def test_the_survivor_keeps_its_own_and_gets_what_only_the_other_had() -> None:
    """Each field says what becomes of it, and why."""
    plans = {
        plan.place: plan
        for plan in plan_fields({NAME: "Ana", ("language", None): "es"}, {NAME: "Ben", ("external", "crm"): "7"}, {})
    }
    assert (plans[NAME].result, plans[NAME].conflict, plans[NAME].taken) == ("Ben", True, "into")
    assert (plans["language", None].result, plans["language", None].conflict) == ("es", False)
    assert plans["external", "crm"].result == "7"
    assert all(plan.because for plan in plans.values())


def test_a_choice_wins_but_never_lifts_a_block() -> None:
    """Choosing a side takes its value, or its having none; who was blocked stays blocked."""
    plans = plan_fields({BLOCKED: "then"}, {NAME: "Ben"}, {NAME: "from", BLOCKED: "into"})
    assert {plan.place: plan.result for plan in plans} == {NAME: None, BLOCKED: "then"}


@given(from_fields=FIELDS, into_fields=FIELDS, choices=CHOICES)
def test_an_undo_right_away_is_exact(
    from_fields: dict[Place, Any], into_fields: dict[Place, Any], choices: dict[Place, Any]
) -> None:
    """Whatever was merged, by whatever choices: without a change in between the survivor is what it was."""
    changes = changes_of(plan_fields(from_fields, into_fields, choices))
    reverted = revert_changes(apply_changes(into_fields, changes), changes)
    assert reverted.fields == into_fields
    assert reverted.kept == []


@given(from_fields=FIELDS, into_fields=FIELDS, later=FIELDS)
def test_a_later_word_is_never_taken_back(
    from_fields: dict[Place, Any], into_fields: dict[Place, Any], later: dict[Place, Any]
) -> None:
    """A field that differs from what the merge made of it was set by somebody since, and stays as they set it."""
    changes = changes_of(plan_fields(from_fields, into_fields, {}))
    merged = apply_changes(into_fields, changes)
    now = {**merged, **later}
    reverted = revert_changes(now, changes)
    for place, value in later.items():
        if merged.get(place) != value:
            assert reverted.fields[place] == value
    assert {*reverted.kept, *reverted.restored} == {change.place for change in changes}


@given(fields=FIELDS)
def test_columns_and_fields_say_the_same(fields: dict[Place, Any]) -> None:
    """A contact's row comes apart into fields and together again."""
    assert read_fields(write_fields(fields)) == fields
    assert read_fields(row(name="Ana")) == {NAME: "Ana"}


def test_a_place_is_a_json_pointer() -> None:
    """Slashes and tildes of a member are escaped (RFC 6901)."""
    assert show_place(NAME) == "/name"
    assert show_place(("attributes", "a/b~c")) == "/attributes/a~1b~0c"
