"""Segments and the language of `q=` over contacts: every field finds whom it says, and nobody else."""

from __future__ import annotations

import pytest

from inbox.contacts.segments.fields import FIELDS, HOLDINGS, STATES, read_contact_query
from inbox.kit.db import execute
from inbox.kit.errors import Problem
from tests.api import Api
from tests.inbox.contacts.people import run_people
from tests.inbox.contacts.test_api import make

# Ana has a mail address that is proven and writes German, Ben a phone that has opted out, Cai nothing but a name.
FOUND = {
    "": {"Ana Ruiz", "Ben", "Cai Li"},
    "ruiz": {"Ana Ruiz"},
    "555010": {"Ben"},
    "name:RUI": {"Ana Ruiz"},
    "email:Ana@ACME.example": {"Ana Ruiz"},
    "phone:+12125550101": {"Ben"},
    "address:ana@acme.example,+12125550101": {"Ana Ruiz", "Ben"},
    "domain:acme.example": {"Ana Ruiz"},
    "domain:example": set(),
    "company:acme": {"Ana Ruiz"},
    "-has:company": {"Ben", "Cai Li"},
    "language:DE": {"Ana Ruiz"},
    "attr.plan:gold": {"Ana Ruiz"},
    "attr.plan:gold,free": {"Ana Ruiz", "Ben"},
    "attr.seats:5": {"Ana Ruiz"},
    "attr.likes:tea": {"Ben"},
    "attr.vip:true": {"Ana Ruiz"},
    "external.crm:C-1": {"Ana Ruiz"},
    "has:phone": {"Ben"},
    "has:address -is:opted_out": {"Ana Ruiz"},
    "is:opted_out": {"Ben"},
    "is:proven": {"Ana Ruiz"},
    "is:blocked": {"Cai Li"},
    "is:merged": set(),
    "is:open OR is:waiting": set(),
    "has:conversation": set(),
    "tag:vip": set(),
    "channel:sms": set(),
    "created:>=1d": {"Ana Ruiz", "Ben", "Cai Li"},
    "before:2020-01-01": set(),
    "seen:>=1d": set(),
}


async def fill(api: Api) -> None:
    """The three."""
    acme = (await api.call("POST", "/v1/companies", json={"name": "Acme"})).json()
    await make(
        api, name="Ana Ruiz", language="de", company_id=acme["id"],
        attributes={"plan": "gold", "seats": 5, "vip": True}, external={"crm": "C-1"},
        identities=[{"kind": "email", "address": "ana@acme.example"}],
    )  # fmt: skip
    ben = await make(
        api, name="Ben", attributes={"plan": "free", "likes": ["tea", "5"]},
        identities=[{"kind": "phone", "address": "+12125550101"}],
    )  # fmt: skip
    cai = await make(api, name="Cai Li")
    await execute("UPDATE identity SET proof = 'confirmed' WHERE kind = 'email'")
    consent = f"/v1/contacts/{ben['id']}/identities/{ben['identities'][0]['id']}/consents/all"
    assert (await api.call("PUT", consent, json={"state": "revoked"})).status_code == 200
    assert (await api.call("POST", f"/v1/contacts/{cai['id']}/block")).json()["blocked_at"] is not None


async def names(api: Api, **params: object) -> set[str]:
    """Who is listed."""
    answer = await api.call("GET", "/v1/contacts", params=params)
    assert answer.status_code == 200, answer.text
    return {one["name"] for one in answer.json()["data"]}


def test_each_field_finds_whom_it_says(database_url: str) -> None:
    """One question after the other, asked of the same three contacts."""

    async def body(api: Api) -> None:
        await fill(api)
        for query, expected in FOUND.items():
            assert await names(api, q=query) == expected, query

    run_people(database_url, body)


@pytest.mark.parametrize("query", [f"is:{state}" for state in STATES] + [f"has:{thing}" for thing in HOLDINGS])
def test_every_state_can_be_asked(query: str) -> None:
    """What the description promises is understood."""
    assert read_contact_query(query).root is not None


def test_every_field_is_tried_above() -> None:
    """A field that is added gets its question."""
    asked = " ".join(FOUND)
    assert [field for field in FIELDS if field and f"{field.rstrip('.')}" not in asked] == ["updated", "after"]


@pytest.mark.parametrize(("query", "offset"), [("name:x shoe:38", 7), ("is:asleep", 3), ("company:cmp_1", 8)])
def test_a_wrong_question_is_pointed_at(query: str, offset: int) -> None:
    """An unknown field or value is refused with its place in the text."""
    with pytest.raises(Problem) as caught:
        read_contact_query(query)
    assert (caught.value.code, caught.value.errors[0].offset) == ("invalid_query", offset)


def test_a_segment_is_asked_anew_each_time(database_url: str) -> None:
    """Its list and its count follow the contacts and its own changes; it can be narrowed by another question."""

    async def body(api: Api) -> None:
        await fill(api)
        made = (await api.call("POST", "/v1/segments", json={"name": "Reachable", "query": "has:address"})).json()
        path = f"/v1/segments/{made['id']}"
        assert await names(api, segment=made["id"]) == {"Ana Ruiz", "Ben"}
        assert await names(api, segment=made["id"], q="attr.plan:gold") == {"Ana Ruiz"}
        assert (await api.call("GET", f"{path}/count")).json()["count"] == 2
        await make(api, name="Dan", identities=[{"kind": "phone", "address": "+12125550104"}])
        assert (await api.call("GET", f"{path}/count")).json()["count"] == 3
        changed = await api.call("PATCH", path, json={"query": "has:address is:opted_out"})
        assert changed.json()["version"] == 2
        assert await names(api, segment=made["id"]) == {"Ben"}
        assert (await api.call("DELETE", path)).status_code == 204
        assert (await api.call("GET", "/v1/contacts", params={"segment": made["id"]})).status_code == 404

    run_people(database_url, body)


def test_a_segment_that_cannot_be_asked_is_not_saved(database_url: str) -> None:
    """The refusal points into the query; a name is taken once, in any case."""

    async def body(api: Api) -> None:
        wrong = await api.call("POST", "/v1/segments", json={"name": "x", "query": "shoe:38"})
        assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (400, "/query")
        assert (
            await api.call("POST", "/v1/segments", json={"name": "Gold", "query": "attr.plan:gold"})
        ).status_code == 201
        taken = await api.call("POST", "/v1/segments", json={"name": "GOLD", "query": ""})
        assert (taken.status_code, taken.json()["code"]) == (409, "state_conflict")
        listed = (await api.call("GET", "/v1/segments")).json()["data"]
        assert [one["name"] for one in listed] == ["Gold"]

    run_people(database_url, body)


def test_pages_go_with_their_question(database_url: str) -> None:
    """A cursor goes on under the same q, and is refused under another, or when the segment has changed."""

    async def body(api: Api) -> None:
        await fill(api)
        segment = (await api.call("POST", "/v1/segments", json={"name": "All", "query": "-name:zoe"})).json()
        params = {"segment": segment["id"], "limit": 2}
        first = (await api.call("GET", "/v1/contacts", params=params)).json()
        params["cursor"] = first["page"]["next_cursor"]
        rest = (await api.call("GET", "/v1/contacts", params=params)).json()
        assert [one["name"] for one in (*first["data"], *rest["data"])] == ["Cai Li", "Ben", "Ana Ruiz"]
        await api.call("PATCH", f"/v1/segments/{segment['id']}", json={"query": "-name:bob"})
        refused = await api.call("GET", "/v1/contacts", params=params)
        assert refused.json()["code"] == "cursor_mismatch"

    run_people(database_url, body)
