"""Typed attributes: which values they take, how they are stored, and what a definition may still change."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from inbox.contacts.attributes.definition import (
    SETTLERS,
    AttributeType,
    Definition,
    Rules,
    settle_attributes,
    settle_value,
    value_fits,
)
from inbox.kit.errors import Problem
from tests.api import Api
from tests.inbox.contacts.people import run_people
from tests.inbox.contacts.test_api import make

DATE = {"applies_to": "contact", "key": "order_date", "name": "Order date", "type": "date"}
SHIRT = {"applies_to": "contact", "key": "shirt", "name": "Shirt", "type": "select", "options": ["s", "m"]}

TAKEN = [
    ("text", "x", "x"),
    ("number", 2.5, 2.5),
    ("boolean", False, False),
    ("date", "2026-11-21", "2026-11-21"),
    ("datetime", "2026-11-21T10:14:03.12+01:00", "2026-11-21T09:14:03.120Z"),
    ("select", "m", "m"),
    ("multiselect", ["m", "s", "m"], ["s", "m"]),
    ("url", "https://example.org/a?b=c", "https://example.org/a?b=c"),
    ("email", "Ana@Example.ORG", "Ana@example.org"),
    ("phone", "+34 600 111 222", "+34600111222"),
]
REFUSED = [
    ("text", 5), ("text", "x" * 2001), ("number", True), ("number", "5"), ("number", float("inf")), ("boolean", 1),
    ("date", "2026-02-30"), ("date", "20261121"), ("date", 20261121), ("datetime", "2026-11-21T10:14:03"),
    ("datetime", "2026-11-21"), ("select", "xl"), ("select", ["m"]), ("multiselect", "m"), ("multiselect", ["xl"]),
    ("url", "javascript:alert(1)"), ("url", "https://"), ("url", "http://a b/"), ("email", "ana"), ("email", 5),
    ("phone", "600 111 222"), ("phone", None), ("number", 10**400), ("datetime", "0001-01-01T00:00:00+10:00"),
]  # fmt: skip


def defined(kind: AttributeType, **more: Any) -> Definition:
    """A definition with two options."""
    return Definition(key="x", type=kind, options=("s", "m"), **more)


def test_every_type_has_its_rule() -> None:
    """A type without a rule for its values cannot be."""
    assert set(SETTLERS) == set(get_args(AttributeType))
    assert {kind for kind, _, _ in TAKEN} == {kind for kind, _ in REFUSED} == set(SETTLERS)


@pytest.mark.parametrize(("kind", "given", "stored"), TAKEN)
def test_equal_values_are_stored_alike(kind: AttributeType, given: Any, stored: Any) -> None:
    """One spelling each, so that an index finds them; and what is stored is taken again as it is."""
    assert settle_value(defined(kind), given) == stored
    assert settle_value(defined(kind), stored) == stored


@pytest.mark.parametrize(("kind", "given"), REFUSED)
def test_other_values_are_refused(kind: AttributeType, given: Any) -> None:
    """What is no value of the type is refused, whatever JSON it is."""
    assert not value_fits(defined(kind), given)


def test_only_what_is_written_is_judged() -> None:
    """Old values and missing ones hinder nobody who changes something else; every refusal is pointed at."""
    rules = Rules(
        strict=True,
        definitions={"a": Definition(key="a", type="number", required=True), "b": Definition(key="b", type="date")},
    )
    old = {"b": "yesterday", "free": 1}
    assert settle_attributes(rules, old, touched=[], complete=False) == old
    with pytest.raises(Problem) as caught:
        settle_attributes(rules, {**old, "c/d": 1}, touched=["b", "c/d"], complete=True)
    found = {(error.pointer, error.code) for error in caught.value.errors}
    assert found == {
        ("/attributes/a", "required"), ("/attributes/b", "wrong_value"), ("/attributes/c~1d", "unknown_attribute"),
    }  # fmt: skip


def test_a_definition_holds_from_now_on(database_url: str) -> None:
    """What lies there stays readable; what is written must fit, at creation too; what is required stays."""

    async def body(api: Api) -> None:
        ana = await make(api, name="Ana", attributes={"order_date": "yesterday", "n": 1})
        assert (await api.call("POST", "/v1/attributes", json={**DATE, "required": True})).status_code == 201
        path = f"/v1/contacts/{ana['id']}"
        assert (await api.call("GET", path)).json()["attributes"]["order_date"] == "yesterday"
        assert (await api.call("PATCH", path, json={"name": "Anna"})).status_code == 200
        wrong = await api.call("PATCH", path, json={"attributes": {"order_date": "soon"}})
        assert [error["pointer"] for error in wrong.json()["errors"]] == ["/attributes/order_date"]
        right = await api.call("PATCH", path, json={"attributes": {"order_date": "2026-11-21"}})
        assert right.json()["attributes"] == {"order_date": "2026-11-21", "n": 1}
        for patch in ({"attributes": {"order_date": None}}, {"attributes": None}):
            assert (await api.call("PATCH", path, json=patch)).status_code == 422
        missing = await api.call("POST", "/v1/contacts", json={"name": "Ben"})
        assert missing.json()["errors"][0]["code"] == "required"

    run_people(database_url, body)


def test_strictness_is_per_kind_of_object(database_url: str) -> None:
    """Where it is strict, undefined keys are refused, and can still be removed; elsewhere all stays free."""

    async def body(api: Api) -> None:
        ana = await make(api, attributes={"old": 1})
        policy = await api.call("PATCH", "/v1/attributes/policy", json={"contact": True})
        assert policy.json()["contact"] is True
        assert policy.json()["company"] is False
        path = f"/v1/contacts/{ana['id']}"
        refused = await api.call("PATCH", path, json={"attributes": {"new": 1}})
        assert refused.json()["errors"][0]["code"] == "unknown_attribute"
        assert (await api.call("PATCH", path, json={"attributes": {"old": None}})).json()["attributes"] == {}
        made = await api.call("POST", "/v1/companies", json={"name": "Acme", "attributes": {"new": 1}})
        assert made.status_code == 201

    run_people(database_url, body)


def test_a_definition_in_use_keeps_its_meaning(database_url: str) -> None:
    """Type and chosen options stay while there are values; the rest changes; dropping it loses no value."""

    async def body(api: Api) -> None:
        made = (await api.call("POST", "/v1/attributes", json=SHIRT)).json()
        again = await api.call("POST", "/v1/attributes", json=SHIRT)
        assert (again.status_code, again.json()["code"]) == (409, "state_conflict")
        path = f"/v1/attributes/{made['id']}"
        assert (await api.call("PATCH", path, json={"type": "text", "options": []})).status_code == 200
        assert (await api.call("PATCH", path, json={"type": "select", "options": ["s", "m"]})).status_code == 200
        ana = await make(api, attributes={"shirt": "m"})
        for patch, pointer in (({"type": "text", "options": []}, "/type"), ({"options": ["s"]}, "/options")):
            refused = await api.call("PATCH", path, json=patch)
            assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (409, pointer)
        changed = await api.call("PATCH", path, json={"options": ["m", "l"], "name": "Size"})
        assert (changed.json()["options"], changed.json()["name"]) == (["m", "l"], "Size")
        assert (await api.call("DELETE", path)).status_code == 204
        found = (await api.call("GET", f"/v1/contacts/{ana['id']}")).json()
        assert found["attributes"] == {"shirt": "m"}

    run_people(database_url, body)


def test_definitions_are_listed_in_their_order(database_url: str) -> None:
    """By kind of object, then by position; options go with choices and with nothing else."""

    async def body(api: Api) -> None:
        for key, position in (("b", 2), ("a", 1), ("c", 0)):
            body = {**DATE, "key": key, "position": position}
            assert (await api.call("POST", "/v1/attributes", json=body)).status_code == 201
        page = (await api.call("GET", "/v1/attributes", params={"applies_to": "contact", "limit": 2})).json()
        rest = await api.call(
            "GET", "/v1/attributes", params={"applies_to": "contact", "cursor": page["page"]["next_cursor"]}
        )
        assert [one["key"] for one in (*page["data"], *rest.json()["data"])] == ["c", "a", "b"]
        for wrong in ({**DATE, "options": ["x"]}, {**SHIRT, "options": []}, {**SHIRT, "options": ["x", "x"]}):
            assert (await api.call("POST", "/v1/attributes", json=wrong)).status_code == 422

    run_people(database_url, body)
