"""Channels over the API: connected, changed, paused, removed; their secrets stay inside."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from inbox.accounts.api import ChannelController, ChannelTypeController
from inbox.accounts.catalogue import Catalogue, UnreadableChannel
from inbox.accounts.queries import find_channel
from inbox.intake.actions import closing
from inbox.kit.db import execute, fetch, fetch_value
from inbox.kit.ids import new_id, read_id, show_id
from tests.api import Api, open_api
from tests.inbox.accounts.adapters import PUBLIC_URL, make_catalogue
from tests.inbox.contacts.opened import feed_types

SETTINGS = {"loft": "north", "token": "canary-t0p", "numbers": ["+12125550100"]}
NORTH = {"adapter": "sms-pigeon", "name": "North", "settings": SETTINGS}


def run_api(database_url: str, body: Callable[[Api], Awaitable[None]], *, catalogue: Catalogue | None = None) -> None:
    """Run a test's body against the API of channels alone."""

    async def opened() -> None:
        given = {"catalogue": catalogue or make_catalogue()}
        controllers = (ChannelController, ChannelTypeController)
        async with open_api(database_url, controllers=controllers, dependencies=given) as api:
            await body(api)

    asyncio.run(opened())


async def connect(api: Api, **fields: Any) -> dict[str, Any]:
    """A new channel, as it is answered."""
    answer = await api.call("POST", "/v1/channels", json={**NORTH, **fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_a_channel_in_json(database_url: str) -> None:
    """Every member is there but the secrets; its lane of the journal is there as well, and it is told."""

    async def body(api: Api) -> None:
        made = await connect(api)
        assert made == {
            "object": "channel",
            "id": made["id"],
            "version": 1,
            "name": "North",
            "adapter": "sms-pigeon",
            "medium": "sms",
            "provider": "pigeon",
            "status": "active",
            "addresses": ["+12125550100"],
            "settings": {"loft": "north", "numbers": ["+12125550100"], "api_url": "https://pigeons.example"},
            "secrets": {"token": True, "spare_token": False, "old_tokens": False},
            "problem": None,
            "created_at": made["created_at"],
            "updated_at": made["created_at"],
        }
        assert (await api.call("GET", f"/v1/channels/{made['id']}")).json() == made
        assert await fetch_value("SELECT channel_id FROM lane") == read_id("cha", made["id"])
        assert await feed_types() == [("channel.connected", [])]

    run_api(database_url, body)


def test_secrets_are_sealed_for_their_channel(database_url: str) -> None:
    """No answer and no column holds a secret; the sealed settings open as that channel's and no other's."""
    catalogue = make_catalogue()

    async def body(api: Api) -> None:
        made = await connect(api)
        other = await connect(api, settings={**SETTINGS, "numbers": []})
        for path in ("", f"/{made['id']}", f"/{made['id']}/setup"):
            assert "canary" not in (await api.call("GET", f"/v1/channels{path}")).text
        rows = await fetch("SELECT to_jsonb(c)::text AS all, settings FROM channel c")
        assert not any("canary" in row["all"] or b"canary" in row["settings"] for row in rows)
        row = await find_channel(read_id("cha", made["id"]))
        account = catalogue.open_account(row.id, row.adapter, sealed=row.settings)
        assert account.settings.token == "canary-t0p"  # type: ignore[attr-defined]  # the pigeons' settings
        assert account.hook_url == f"{PUBLIC_URL}/hooks/sms-pigeon/{made['id']}"
        with pytest.raises(UnreadableChannel):
            catalogue.open_account(read_id("cha", other["id"]), row.adapter, sealed=row.settings)

    run_api(database_url, body, catalogue=catalogue)


def test_a_patch_keeps_the_secret(database_url: str) -> None:
    """Name, status and settings change one by one, and the secret need not be sent again."""
    catalogue = make_catalogue()

    async def body(api: Api) -> None:
        made = await connect(api)
        path = f"/v1/channels/{made['id']}"
        paused = (await api.call("PATCH", path, json={"status": "paused"})).json()
        assert (paused["status"], paused["version"]) == ("paused", 2)
        asked = {"name": "N", "settings": {"numbers": ["+12125550101"]}}
        changed = (await api.call("PATCH", path, json=asked)).json()
        assert (changed["addresses"], changed["secrets"]["token"]) == (["+12125550101"], True)
        row = await find_channel(read_id("cha", made["id"]))
        settings = catalogue.open_account(row.id, row.adapter, sealed=row.settings).settings
        assert settings.token == "canary-t0p"  # type: ignore[attr-defined]  # the pigeons' settings
        same = (await api.call("PATCH", path, json=asked)).json()
        assert same == changed
        assert await feed_types() == [
            ("channel.connected", []),
            ("channel.updated", ["status"]),
            ("channel.updated", ["name", "addresses", "settings"]),
        ]

    run_api(database_url, body, catalogue=catalogue)


def test_what_does_not_fit_is_refused(database_url: str) -> None:
    """Unknown adapters, wrong settings and addresses inside our network: 422 with a pointer, and nothing is kept."""

    async def body(api: Api) -> None:
        for fields, pointer in (
            ({"adapter": "sms-raven"}, "/adapter"),
            ({"name": ""}, "/name"),
            ({"settings": {"loft": "north"}}, "/settings/token"),
            ({"settings": {**SETTINGS, "api_url": "http://127.0.0.1/"}}, "/settings/api_url"),
            ({"realm": "x"}, "/realm"),
        ):
            answer = await api.call("POST", "/v1/channels", json={**NORTH, **fields})
            assert answer.status_code == 422
            assert answer.json()["errors"][0]["pointer"] == pointer
            assert "canary" not in answer.text
        assert await fetch_value("SELECT count(*) FROM channel") == 0
        made = await connect(api)
        path = f"/v1/channels/{made['id']}"
        for asked in ({"settings": {"api_url": "http://127.0.0.1/"}}, {"status": "gone"}, {"adapter": "x"}):
            assert (await api.call("PATCH", path, json=asked)).status_code == 422

    run_api(database_url, body)


def test_one_number_is_on_one_live_channel(database_url: str) -> None:
    """The same number of the same account is refused while it is connected; another account's is another number."""

    async def body(api: Api) -> None:
        first = await connect(api)
        again = await api.call("POST", "/v1/channels", json=NORTH)
        assert (again.status_code, again.json()["code"]) == (409, "state_conflict")
        assert first["id"] in again.json()["detail"]
        await connect(api, settings={**SETTINGS, "loft": "south"})
        spare = await connect(api, settings={**SETTINGS, "numbers": ["+12125550109"]})
        taken = {"settings": {"numbers": ["+12125550109", "+12125550100"]}}
        assert (await api.call("PATCH", f"/v1/channels/{spare['id']}", json=taken)).status_code == 409
        assert (await api.call("DELETE", f"/v1/channels/{first['id']}")).status_code == 204
        assert (await api.call("PATCH", f"/v1/channels/{spare['id']}", json=taken)).status_code == 200

    run_api(database_url, body)


def test_connecting_a_number_twice_at_once_connects_it_once(database_url: str) -> None:
    """Of several who connect the same number at the same moment one succeeds."""

    async def body(api: Api) -> None:
        answers = await asyncio.gather(*(api.call("POST", "/v1/channels", json=NORTH) for _ in range(5)))
        assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]

    run_api(database_url, body)


def test_a_removed_channel_is_gone_and_its_secrets_too(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came by it stays, so the row does; nothing finds it any more, and its settings are soon empty."""
    monkeypatch.setattr(closing, "LATE_SECONDS", 0)

    async def body(api: Api) -> None:
        made = await connect(api)
        path = f"/v1/channels/{made['id']}"
        assert (await api.call("DELETE", path)).status_code == 204
        for method, asked in (("GET", None), ("PATCH", {"name": "x"}), ("DELETE", None)):
            assert (await api.call(method, path, json=asked)).status_code == 404
        assert (await api.call("GET", "/v1/channels")).json()["data"] == []
        assert await closing.settle_removed_channels() == 0
        assert await fetch_value("SELECT settings FROM channel") == b""
        assert (await feed_types())[-1] == ("channel.disconnected", [])

    run_api(database_url, body)


def test_setup_tells_the_exact_urls(database_url: str) -> None:
    """The steps carry the very URLs to copy."""

    async def body(api: Api) -> None:
        made = await connect(api)
        setup = (await api.call("GET", f"/v1/channels/{made['id']}/setup")).json()
        assert (setup["object"], setup["channel_id"]) == ("channel_setup", made["id"])
        assert setup["steps"] == [
            {
                "title": "Teach the way home",
                "detail": "Show them",
                "value": f"{PUBLIC_URL}/hooks/sms-pigeon/{made['id']}/message",
            }
        ]

    run_api(database_url, body)


def test_channel_types_are_capability_sheets(database_url: str) -> None:
    """A frontend draws composer and set-up form from them."""

    async def body(api: Api) -> None:
        (found,) = (await api.call("GET", "/v1/channel-types")).json()["data"]
        assert (found["object"], found["id"], found["medium"], found["provider"]) == (
            "channel_type",
            "sms-pigeon",
            "sms",
            "pigeon",
        )
        assert found["receives_by"] == "webhook"
        assert found["limits"]["parts"] == ["image", "text"]
        assert found["limits"]["text_chars"] == 20
        assert found["settings_schema"]["properties"]["token"]["writeOnly"] is True

    run_api(database_url, body)


def test_an_unreadable_channel_says_so(database_url: str) -> None:
    """With the wrong key, or without its adapter, a channel is listed with its trouble, and can be set up anew."""

    async def body(api: Api) -> None:
        lost = new_id()
        sql = "INSERT INTO channel (id, adapter, medium, provider, name, settings) VALUES ($1, $2, 'sms', 'r', 'R', '')"
        await execute(sql, lost, "sms-raven")
        made = await connect(api)
        await execute("UPDATE channel SET settings = $1 WHERE adapter = 'sms-pigeon'", b"\x01garbage")
        raven, pigeon = (await api.call("GET", "/v1/channels")).json()["data"]
        assert (raven["settings"], raven["secrets"]) == (None, None)
        assert "sms-raven" in raven["problem"]
        assert pigeon["problem"]
        assert (await api.call("GET", f"/v1/channels/{pigeon['id']}/setup")).status_code == 409
        renewed = await api.call("PATCH", f"/v1/channels/{made['id']}", json={"settings": SETTINGS})
        assert renewed.json()["problem"] is None
        assert (await api.call("DELETE", f"/v1/channels/{show_id('cha', lost)}")).status_code == 204

    run_api(database_url, body)


def test_channels_are_paged_oldest_first(database_url: str) -> None:
    """The list goes on where the page ended."""

    async def body(api: Api) -> None:
        made = [await connect(api, settings={**SETTINGS, "loft": str(number)}) for number in range(3)]
        first = (await api.call("GET", "/v1/channels", params={"limit": 2})).json()
        cursor = first["page"]["next_cursor"]
        rest = (await api.call("GET", "/v1/channels", params={"limit": 2, "cursor": cursor})).json()
        assert [each["id"] for each in first["data"] + rest["data"]] == [each["id"] for each in made]

    run_api(database_url, body)


def test_only_administrators_touch_channels(database_url: str) -> None:
    """Who reads conversations may see channels, and nothing more."""

    async def body(api: Api) -> None:
        reader = await api.make_key("conversations:read", "messages:send")
        path = f"/v1/channels/{(await connect(api))['id']}"
        assert (await api.call("GET", path, key=reader)).status_code == 200
        for method, where, asked in (
            ("POST", "/v1/channels", NORTH),
            ("PATCH", path, {}),
            ("DELETE", path, None),
            ("GET", f"{path}/setup", None),
        ):
            assert (await api.call(method, where, key=reader, json=asked)).status_code == 403

    run_api(database_url, body)
