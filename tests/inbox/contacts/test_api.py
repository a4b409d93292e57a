"""Contacts over HTTP: the shapes, the refusals, the rights."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from gateway.settings import Settings
from inbox.contacts.api import ContactController, IdentityController
from inbox.contacts.patching import MAX_DEPTH
from inbox.kit.ids import new_id, show_id
from tests.api import Api, open_api
from tests.inbox.contacts.opened import add_channel_row

SETTINGS = msgspec.structs.replace(Settings(), default_country="BR")
CONTROLLERS = (ContactController, IdentityController)


@asynccontextmanager
async def contacts_api(database_url: str) -> AsyncIterator[Api]:
    """The API of contacts alone, in Brazil."""
    async with open_api(database_url, settings=SETTINGS, controllers=CONTROLLERS) as api:
        yield api


def run_api(database_url: str, body: Callable[[Api], Awaitable[None]]) -> None:
    """Run a test's body against that API."""

    async def opened() -> None:
        async with contacts_api(database_url) as api:
            await body(api)

    asyncio.run(opened())


async def make(api: Api, **fields: Any) -> dict[str, Any]:
    """A new contact, as it is answered."""
    answer = await api.call("POST", "/v1/contacts", json=fields)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_a_contact_in_json(database_url: str) -> None:
    """Every member is there, nulls too; ids say what they name, times are UTC to the millisecond."""

    async def body(api: Api) -> None:
        made = await make(api, name="Ana", identities=[{"kind": "phone", "address": "(11) 8765-4321"}])
        identity = made["identities"][0]
        assert {**made, "identities": []} == {
            "object": "contact",
            "id": made["id"],
            "version": 1,
            "name": "Ana",
            "language": None,
            "company": None,
            "blocked_at": None,
            "attributes": {},
            "external": {},
            "identities": [],
            "merged_ids": [],
            "created_at": made["created_at"],
            "updated_at": made["created_at"],
        }
        assert identity == {
            "object": "identity",
            "id": identity["id"],
            "kind": "phone",
            "address": "+551187654321",
            "proof": "none",
            "consents": [],
            "created_at": identity["created_at"],
        }
        assert made["id"].startswith("ctc_")
        assert identity["id"].startswith("idn_")
        assert made["created_at"].endswith("Z")
        assert (await api.call("GET", f"/v1/contacts/{made['id']}")).json() == made

    run_api(database_url, body)


def test_patch_is_a_merge_patch(database_url: str) -> None:
    """PATCH changes what it names, removes what is null, and takes nothing else."""

    async def body(api: Api) -> None:
        made = await make(api, name="Ana", attributes={"a": 1, "b": 2})
        path = f"/v1/contacts/{made['id']}"
        changed = (await api.call("PATCH", path, json={"attributes": {"a": None, "c": {"d": 1}}})).json()
        assert (changed["name"], changed["attributes"], changed["version"]) == ("Ana", {"b": 2, "c": {"d": 1}}, 2)
        for member in ("id", "version", "created_at", "identities", "account_id", "role"):
            refused = await api.call("PATCH", path, json={member: None})
            assert refused.status_code == 422
            assert refused.json()["errors"][0]["pointer"] == f"/{member}"

    run_api(database_url, body)


def test_values_have_bounds(database_url: str) -> None:
    """What is too long, too deep or has control characters is refused with a pointer, never with a 500."""
    deep: Any = 1
    for _ in range(MAX_DEPTH + 1):
        deep = {"a": deep}

    async def body(api: Api) -> None:
        for fields, pointer in (
            ({"name": ""}, "/name"),
            ({"name": "x" * 201}, "/name"),
            ({"name": "a\nb"}, "/name"),
            ({"language": "english please"}, "/language"),
            ({"attributes": deep}, "/attributes"),
            ({"attributes": {"a": "x" * 40_000}}, "/attributes"),
            ({"external": {"crm": 7}}, "/external"),
            ({"identities": [{"kind": "fax", "address": "1"}]}, "/identities/0/kind"),
            ({"identities": [{"kind": "phone", "address": "1"}] * 21}, "/identities"),
        ):
            answer = await api.call("POST", "/v1/contacts", json=fields)
            assert answer.status_code == 422, fields
            assert answer.json()["code"] == "validation_failed"
            assert answer.json()["errors"][0]["pointer"] == pointer
        nul = await api.call("POST", "/v1/contacts", json={"attributes": {"a": "\0"}})
        assert nul.status_code == 422

    run_api(database_url, body)


def test_every_bad_address_is_pointed_at(database_url: str) -> None:
    """All addresses that are none are named at once."""

    async def body(api: Api) -> None:
        identities = [
            {"kind": "phone", "address": "+1234567"},
            {"kind": "email", "address": "ana@example.org"},
            {"kind": "email", "address": "a@b>\r\nRCPT TO:<c@d"},
        ]
        answer = await api.call("POST", "/v1/contacts", json={"identities": identities})
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (422, "invalid_address")
        assert [error["pointer"] for error in problem["errors"]] == ["/identities/0/address", "/identities/2/address"]
        assert (await api.call("GET", "/v1/contacts")).json()["data"] == []

    run_api(database_url, body)


def test_an_address_of_somebody_else_is_a_conflict(database_url: str) -> None:
    """Adding it names the contact who has it."""

    async def body(api: Api) -> None:
        ana = await make(api, identities=[{"kind": "phone", "address": "+5511987654321"}])
        ben = await make(api)
        path = f"/v1/contacts/{ben['id']}/identities"
        answer = await api.call("POST", path, json={"kind": "phone", "address": "11 8765-4321"})
        assert (answer.status_code, answer.json()["code"]) == (409, "state_conflict")
        assert answer.json()["errors"][0]["pointer"] == "/address"
        assert ana["id"] in answer.json()["detail"]
        added = await api.call("POST", path, json={"kind": "email", "address": "Ben@Example.org"})
        assert [each["address"] for each in added.json()["identities"]] == ["Ben@example.org"]

    run_api(database_url, body)


def test_removing_an_address(database_url: str) -> None:
    """DELETE takes it away once; then it is not found."""

    async def body(api: Api) -> None:
        ana = await make(api, identities=[{"kind": "phone", "address": "+5511987654321"}])
        path = f"/v1/contacts/{ana['id']}/identities/{ana['identities'][0]['id']}"
        assert (await api.call("DELETE", path)).status_code == 204
        assert (await api.call("DELETE", path)).status_code == 404

    run_api(database_url, body)


def test_upsert_says_whether_it_created(database_url: str) -> None:
    """201 for a stranger, 200 for somebody known, 422 for nobody."""

    async def body(api: Api) -> None:
        asked = {"identities": [{"kind": "email", "address": "ana@example.org"}], "name": "Ana"}
        created = await api.call("POST", "/v1/contacts/upsert", json=asked)
        known = await api.call("POST", "/v1/contacts/upsert", json={**asked, "language": "es"})
        assert (created.status_code, known.status_code) == (201, 200)
        assert known.json()["id"] == created.json()["id"]
        assert known.json()["language"] == "es"
        nobody = await api.call("POST", "/v1/contacts/upsert", json={"name": "Ana"})
        assert (nobody.status_code, nobody.json()["errors"][0]["pointer"]) == (422, "/identities")

    run_api(database_url, body)


def test_the_list_is_filtered_and_paged(database_url: str) -> None:
    """Filters narrow, the cursor goes on where the page ended, and belongs to its filter."""

    async def body(api: Api) -> None:
        made = [await make(api, name=f"Ana {number}") for number in range(5)]
        ben = await make(api, name="Ben", identities=[{"kind": "phone", "address": "+5511987654321"}])

        async def ids(**params: Any) -> list[str]:
            answer = await api.call("GET", "/v1/contacts", params=params)
            assert answer.status_code == 200, answer.text
            return [each["id"] for each in answer.json()["data"]]

        assert await ids(identity="(11) 8765-4321") == [ben["id"]]
        assert await ids(identity="nobody@example.org") == []
        assert await ids(name="ANA") == [each["id"] for each in made[::-1]]
        assert await ids(updated_after="2026-01-01T00:00:00") == [ben["id"], *(each["id"] for each in made[::-1])]
        first = (await api.call("GET", "/v1/contacts", params={"name": "ana", "limit": 2})).json()
        assert first["page"]["has_more"]
        cursor = first["page"]["next_cursor"]
        assert await ids(name="ana", limit=2, cursor=cursor) == [made[2]["id"], made[1]["id"]]
        other = await api.call("GET", "/v1/contacts", params={"name": "b", "cursor": cursor})
        assert other.json()["code"] == "cursor_mismatch"

    run_api(database_url, body)


def test_consents_are_recorded_and_read_back(database_url: str) -> None:
    """PUT adds a line, the contact shows the newest, the history shows all."""

    async def body(api: Api) -> None:
        ana = await make(api, identities=[{"kind": "phone", "address": "+5511987654321"}])
        path = f"/v1/contacts/{ana['id']}/identities/{ana['identities'][0]['id']}/consents"
        channel = show_id("cha", await add_channel_row(new_id()))
        for state in ("granted", "revoked"):
            asked: dict[str, Any] = {"state": state, "channel_id": channel, "proof": {"form": "f-1"}}
            answer = await api.call("PUT", f"{path}/marketing", json=asked)
            assert answer.status_code == 200, answer.text
        assert (await api.call("PUT", f"{path}/support", json={"state": "granted"})).status_code == 200
        shown = (await api.call("GET", f"/v1/contacts/{ana['id']}")).json()["identities"][0]["consents"]
        found = [(each["purpose"], each["channel_id"], each["state"], each["source"], each["proof"]) for each in shown]
        assert found == [
            ("marketing", channel, "revoked", "integration", {"form": "f-1"}),
            ("support", None, "granted", "integration", {}),
        ]
        first = (await api.call("GET", path, params={"limit": 2})).json()
        cursor = first["page"]["next_cursor"]
        rest = (await api.call("GET", path, params={"limit": 2, "cursor": cursor})).json()
        states = [(each["purpose"], each["state"]) for each in first["data"] + rest["data"]]
        assert states == [("support", "granted"), ("marketing", "revoked"), ("marketing", "granted")]
        for purpose, wrong, status in (
            ("Marketing!", {"state": "granted"}, 422),
            ("marketing", {"state": "maybe"}, 422),
            ("marketing", {"state": "granted", "channel_id": show_id("cha", new_id())}, 422),
            ("marketing", {"state": "granted", "channel_id": "cha_x"}, 422),
        ):
            assert (await api.call("PUT", f"{path}/{purpose}", json=wrong)).status_code == status

    run_api(database_url, body)


def test_unknown_ids_are_not_found(database_url: str) -> None:
    """Ids of nobody, of another kind or of no kind at all: 404, and nothing else."""

    async def body(api: Api) -> None:
        ana = await make(api)
        for contact in (show_id("ctc", new_id()), "ctc_1", "x", ana["id"].replace("ctc", "cnv"), ana["id"].upper()):
            for method, path, asked in (
                ("GET", "", None),
                ("PATCH", "", {}),
                ("POST", "/identities", {"kind": "visitor", "address": "v"}),
                ("DELETE", f"/identities/{show_id('idn', new_id())}", None),
                ("GET", f"/identities/{show_id('idn', new_id())}/consents", None),
                ("PUT", f"/identities/{show_id('idn', new_id())}/consents/all", {"state": "revoked"}),
            ):
                answer = await api.call(method, f"/v1/contacts/{contact}{path}", json=asked)
                assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), (method, path, contact)

    run_api(database_url, body)


def test_scopes_are_asked_for(database_url: str) -> None:
    """Who may read may not write."""

    async def body(api: Api) -> None:
        reader = await api.make_key("contacts:read")
        stranger = await api.make_key("conversations:read")
        ana = await make(api)
        path = f"/v1/contacts/{ana['id']}"
        assert (await api.call("GET", path, key=reader)).status_code == 200
        assert (await api.call("GET", path, key=stranger)).status_code == 403
        assert (await api.call("PATCH", path, key=reader, json={"name": "x"})).status_code == 403
        assert (await api.call("POST", "/v1/contacts", key=reader, json={})).status_code == 403
        assert (await api.call("GET", path, key=None)).status_code == 401

    run_api(database_url, body)


def test_a_moment_that_cannot_be_stored_is_a_bad_query(database_url: str) -> None:
    """What is wrong with a query is told as such, also where only the database knows; a list has no other refusal."""

    async def body(api: Api) -> None:
        answer = await api.call("GET", "/v1/contacts", params={"updated_after": "0001-01-01T00:00:00+10:00"})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_query")

    run_api(database_url, body)
