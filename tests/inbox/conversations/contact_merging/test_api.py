"""Merging over HTTP: the preview says what the merge does, old ids answer, rights are asked for."""

from __future__ import annotations

from typing import Any

from inbox.kit.ids import new_id, show_id
from tests.api import Api
from tests.inbox.contacts.people import run_people
from tests.inbox.contacts.test_api import make


async def pair(api: Api) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two contacts that differ."""
    ana = await make(
        api,
        name="Ana",
        attributes={"plan": "gold", "shoe": 38},
        external={"crm": "1"},
        identities=[{"kind": "phone", "address": "+12125550100"}],
    )
    ben = await make(api, name="Ben", language="de", attributes={"plan": "free"})
    return ana, ben


def test_a_preview_is_what_the_merge_then_does(database_url: str) -> None:
    """Every field of the result is as foretold, and asking changes nothing."""

    async def body(api: Api) -> None:
        ana, ben = await pair(api)
        order = {"from": ana["id"], "into": ben["id"], "choices": {"name": "from", "attributes": {"shoe": "into"}}}
        preview = (await api.call("POST", "/v1/contacts/merge/preview", json=order)).json()
        fields = {field["pointer"]: field for field in preview["fields"]}
        assert (fields["/name"]["result"], fields["/name"]["conflict"]) == ("Ana", True)
        assert (fields["/attributes/plan"]["taken"], fields["/attributes/shoe"]["result"]) == ("into", None)
        assert [one["address"] for one in preview["identities"]] == ["+12125550100"]
        assert [one["code"] for one in preview["warnings"]] == ["conflicts"]
        assert (await api.call("GET", f"/v1/contacts/{ben['id']}")).json() == preview["into"] == ben
        merged = (await api.call("POST", "/v1/contacts/merge", json={**order, "reason": "same person"})).json()
        found = (await api.call("GET", f"/v1/contacts/{ana['id']}")).json()
        assert (found["id"], found["merged_ids"]) == (ben["id"], [ana["id"]])
        assert (found["name"], found["language"]) == ("Ana", "de")
        assert (found["attributes"], found["external"]) == ({"plan": "free"}, {"crm": "1"})
        assert {one["pointer"]: one["after"] for one in merged["changes"]} == {"/name": "Ana", "/external/crm": "1"}
        history = (await api.call("GET", f"/v1/contacts/{ana['id']}/merges")).json()["data"]
        assert history == [merged] == [(await api.call("GET", f"/v1/contacts/merges/{merged['id']}")).json()]

    run_people(database_url, body)


def test_an_undo_says_what_went_back(database_url: str) -> None:
    """The report is part of the merge from then on, and both contacts answer under their own ids."""

    async def body(api: Api) -> None:
        ana, ben = await pair(api)
        merged = (await api.call("POST", "/v1/contacts/merge", json={"from": ana["id"], "into": ben["id"]})).json()
        parted = (await api.call("POST", "/v1/contacts/unmerge", json={"merge_id": merged["id"]})).json()
        assert parted["undo"]["identity_ids"] == merged["identity_ids"] == [ana["identities"][0]["id"]]
        assert set(parted["undo"]["restored_fields"]) == {"/attributes/shoe", "/external/crm"}
        assert parted["undone_at"] is not None
        for before in (ana, ben):
            after = (await api.call("GET", f"/v1/contacts/{before['id']}")).json()
            assert {**after, "version": 0, "updated_at": ""} == {**before, "version": 0, "updated_at": ""}
        again = await api.call("POST", "/v1/contacts/unmerge", json={"merge_id": merged["id"]})
        assert (again.status_code, again.json()["code"]) == (409, "state_conflict")

    run_people(database_url, body)


def test_what_is_no_merge_is_refused(database_url: str) -> None:
    """Unknown contacts, the same one twice, an old version, unknown members (T59): each with its code and place."""

    async def body(api: Api) -> None:
        ana, ben = await pair(api)
        nobody = show_id("ctc", new_id())
        both = {"from": ana["id"], "into": ben["id"]}
        for order, status, code in (
            ({"from": ana["id"], "into": ana["id"]}, 409, "merge_cycle"),
            ({"from": nobody, "into": ben["id"]}, 404, "not_found"),
            ({"from": "x", "into": ben["id"]}, 422, "validation_failed"),
            ({**both, "into_version": 9}, 412, "version_mismatch"),
            ({**both, "undone_at": None}, 422, "validation_failed"),
            ({**both, "choices": {"name": "both"}}, 422, "validation_failed"),
        ):
            for path in ("/v1/contacts/merge", "/v1/contacts/merge/preview"):
                answer = await api.call("POST", path, json=order)
                assert (answer.status_code, answer.json()["code"]) == (status, code), (order, answer.text)

    run_people(database_url, body)


def test_merging_needs_the_right_to_change_contacts(database_url: str) -> None:
    """Reading contacts shows what was merged, and merges nobody."""

    async def body(api: Api) -> None:
        ana, ben = await pair(api)
        reader = await api.make_key("contacts:read")
        order = {"from": ana["id"], "into": ben["id"]}
        for path in ("/v1/contacts/merge", "/v1/contacts/merge/preview", "/v1/contacts/unmerge"):
            answer = await api.call("POST", path, key=reader, json=order)
            assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
        assert (await api.call("GET", f"/v1/contacts/{ana['id']}/merges", key=reader)).json()["data"] == []

    run_people(database_url, body)
