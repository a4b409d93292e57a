"""Webhooks over HTTP: what can be saved, what is shown, and what is refused at the very field."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from channels.egress import EgressRefused
from channels.errors import Unreachable
from channels.http import Http
from gateway.openapi import event_sample
from inbox.kit.clock import utc_now
from inbox.kit.db import execute, fetch_value
from inbox.kit.ids import WEBHOOK, read_id
from inbox.kit.secrets import SecretBox
from inbox.webhooks.actions.endpoints import MAX_WEBHOOKS, Workshop, open_webhook
from inbox.webhooks.api import EventTypeController, WebhookController, WebhookDeliveryController
from inbox.webhooks.queries import find_webhook
from tests.api import Api, open_api
from tests.channels.local_server import answering
from tests.inbox.webhooks.endpoints import claim, fan_out, refused, settle, tell, tried

CONTROLLERS = [WebhookController, WebhookDeliveryController, EventTypeController]
BOX = SecretBox(["a test's own key"])
URL = "https://crm.example.org/hook"
PUBLIC = ["93.184.215.14"]


def run(url: str, body: Callable[[Api], Awaitable[None]], *, addresses: list[str] | None = None) -> None:
    """A test's body with the API, in a network where every name has these addresses."""

    async def opened() -> None:
        http = Http(resolve=answering(addresses or PUBLIC))
        workshop = Workshop(box=BOX, check_url=http.check_egress, overlap=timedelta(hours=24))
        given = {"workshop": workshop, "event_sample": event_sample}
        async with open_api(url, controllers=CONTROLLERS, dependencies=given) as api:
            await body(api)
        await http.aclose()

    asyncio.run(opened())


async def make(api: Api, **fields: Any) -> Any:
    """A new webhook as the API answers it."""
    answer = await api.call("POST", "/v1/webhooks", json={"url": URL, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def get(api: Api, path: str) -> Any:
    """What a GET that has to succeed answers."""
    answer = await api.call("GET", path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_webhook_is_made_shown_changed_and_removed(database_url: str) -> None:
    """The secret is in the first answer and in no other; headers are named, their values never shown."""

    async def body(api: Api) -> None:
        made = await make(api, types=["message.*"], headers={"Authorization": "Bearer t0psecret"}, description="CRM")
        secret = made.pop("secret")
        Webhook(secret)
        assert secret.startswith("whsec_")
        path = f"/v1/webhooks/{made['id']}"
        assert await get(api, path) == made == (await get(api, "/v1/webhooks"))["data"][0]
        assert made["header_names"] == ["Authorization"]
        changed = await api.call("PATCH", path, json={"payload": "thin", "description": None})
        assert changed.json() == made | {
            "payload": "thin", "description": None, "version": 2, "updated_at": changed.json()["updated_at"],
        }  # fmt: skip
        kept = open_webhook(await find_webhook(read_id(WEBHOOK, made["id"])), BOX)
        assert (kept.secrets[0].secret, kept.headers) == (secret, {"Authorization": "Bearer t0psecret"})
        assert (await api.call("DELETE", path)).status_code == 204
        assert (await api.call("GET", path)).status_code == 404
        assert (await get(api, "/v1/webhooks"))["data"] == []

    run(database_url, body)


def test_secrets_lie_sealed(database_url: str) -> None:
    """Whoever reads the table reads neither the signing secret nor the headers."""

    async def body(api: Api) -> None:
        made = await make(api, headers={"Authorization": "Bearer t0psecret"})
        row = str(dict(await find_webhook(read_id(WEBHOOK, made["id"]))))
        assert "t0psecret" not in row
        assert made["secret"][6:] not in row

    run(database_url, body)


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"url": "https://u:p@crm.example.org/"}, "/url"), ({"url": "https://crm.example.org:0/"}, "/url"),
        ({"url": "https://crm.example.org\\@evil"}, "/url"), ({"url": "https://crm.example\t.org/"}, "/url"),
        ({"url": "ftp://crm.example.org/"}, "/url"), ({"url": "https:///hook"}, "/url"), ({"url": "hook"}, "/url"),
        ({"types": ["mesage.*"]}, "/types/0"), ({"types": []}, "/types"),
        ({"headers": {"webhook-id": "x"}}, "/headers/webhook-id"), ({"headers": {"A": "b\nc"}}, "/headers/A"),
        ({"payload": "fat"}, "/payload"), ({"unknown": 1}, ""),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_at_its_field(database_url: str, fields: dict[str, Any], pointer: str) -> None:
    """Each refusal says which member is wrong, and nothing is saved (T16)."""

    async def body(api: Api) -> None:
        answer = await api.call("POST", "/v1/webhooks", json={"url": URL, **fields})
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
        assert pointer in [error["pointer"] for error in answer.json()["errors"]] or not pointer
        assert await fetch_value("SELECT count(*) FROM webhook") == 0

    run(database_url, body)


@pytest.mark.parametrize(
    ("url", "addresses"),
    [
        ("http://169.254.169.254.nip.io/", ["169.254.169.254"]),
        ("https://localhost:5432", ["127.0.0.1"]),
        ("http://hook.example.org/", ["8.8.8.8", "fd00:ec2::254"]),
        ("http://2130706433/", ["127.0.0.1"]),
        ("http://①②⑦.⓪.⓪.①/", ["127.0.0.1"]),
        ("http://[64:ff9b::7f00:1]/", ["64:ff9b::7f00:1"]),
    ],
)
def test_a_url_that_leads_inside_is_not_saved(database_url: str, url: str, addresses: list[str]) -> None:
    """Neither at first nor by a change: what counts is what it resolves to, every address of it (T12, T15, T16)."""

    async def body(api: Api) -> None:
        refused_at_first = await api.call("POST", "/v1/webhooks", json={"url": url})
        assert refused_at_first.status_code == 422, refused_at_first.text
        assert refused_at_first.json()["errors"][0]["pointer"] == "/url"
        assert await fetch_value("SELECT count(*) FROM webhook") == 0

    run(database_url, body, addresses=addresses)


def test_a_change_is_checked_like_a_new_one(database_url: str) -> None:
    """A harmless URL cannot be swapped for one that leads inside; without a new URL none is looked up."""
    asked: list[str] = []

    async def check(url: str) -> None:
        asked.append(url)
        if "inside" in url:
            raise EgressRefused("not public")
        if "asleep" in url:
            raise Unreachable("no such name")

    async def body() -> None:
        workshop = Workshop(box=BOX, check_url=check, overlap=timedelta(hours=1))
        given = {"workshop": workshop, "event_sample": event_sample}
        async with open_api(database_url, controllers=CONTROLLERS, dependencies=given) as api:
            path = f"/v1/webhooks/{(await make(api))['id']}"
            assert (await api.call("PATCH", path, json={"url": "https://inside.example.org"})).status_code == 422
            assert (await get(api, path))["url"] == URL
            assert (await api.call("PATCH", path, json={"payload": "thin"})).status_code == 200
            assert asked == [URL, "https://inside.example.org"]
            assert (await api.call("PATCH", path, json={"url": "https://asleep.example.org"})).status_code == 200

    asyncio.run(body())


def test_a_bad_query_is_refused_where_it_goes_wrong(database_url: str) -> None:
    """The refusal names offset and length, as lists do."""

    async def body(api: Api) -> None:
        answer = await api.call("POST", "/v1/webhooks", json={"url": URL, "q": "is:open nosuch:1"})
        assert answer.json()["code"] == "invalid_query"
        [error] = answer.json()["errors"]
        assert (error["pointer"], error["offset"], error["length"]) == ("/q", 8, 6)

    run(database_url, body)


def test_a_rotation_shows_the_new_secret_once(database_url: str) -> None:
    """It is another, the old one goes on for the time asked for, and the audit log knows who did it."""

    async def body(api: Api) -> None:
        made = await make(api)
        path = f"/v1/webhooks/{made['id']}"
        rotated = (await api.call("POST", f"{path}/rotate-secret", json={"overlap_seconds": 3600})).json()
        assert rotated["secret"] not in {None, made["secret"]}
        assert "secret" not in await get(api, path)
        new, old = open_webhook(await find_webhook(read_id(WEBHOOK, made["id"])), BOX).secrets
        assert (new.secret, old.secret) == (rotated["secret"], made["secret"])
        assert old.expires_at is not None
        assert timedelta(minutes=59) < old.expires_at - utc_now() <= timedelta(hours=1)
        audited = "SELECT facts->>'overlap_seconds' FROM audit_event WHERE action = 'webhook.secret_rotated'"
        assert await fetch_value(audited) == "3600"

    run(database_url, body)


def test_enabling_forgives_and_disabling_says_why(database_url: str) -> None:
    """By request, with a time; enabled again, no old failure counts."""

    async def body(api: Api) -> None:
        path = f"/v1/webhooks/{(await make(api))['id']}"
        off = (await api.call("PATCH", path, json={"enabled": False})).json()
        assert (off["enabled"], off["disabled_reason"]) == (False, "by_request")
        assert off["disabled_at"] is not None
        assert (await api.call("POST", f"{path}/test", json={})).status_code == 409
        await execute("UPDATE webhook SET failing_since = now(), warned_at = now()")
        on = (await api.call("PATCH", path, json={"enabled": True})).json()
        assert (on["enabled"], on["disabled_reason"], on["disabled_at"], on["failing_since"]) == (True,) + (None,) * 3

    run(database_url, body)


def test_the_log_is_listed_filtered_and_paged(database_url: str) -> None:
    """The newest event first, with every try; a cursor of another filter is refused."""

    async def body(api: Api) -> None:
        path = f"/v1/webhooks/{(await make(api, types=['contact.*']))['id']}/deliveries"
        await tell("contact.created", "contact.updated", "contact.created")
        await fan_out()
        first, second, _ = await claim()
        await settle(tried(first), refused(second), now=utc_now())
        page = await get(api, f"{path}?limit=2")
        assert [one["state"] for one in page["data"]] == ["sending", "pending"]
        assert page["data"][1]["attempts"][0]["error"] == "http_status"
        assert page["data"][1]["next_attempt_at"] is not None
        rest = await get(api, f"{path}?limit=2&cursor={page['page']['next_cursor']}")
        assert [one["state"] for one in rest["data"]] == ["delivered"]
        assert await get(api, f"/v1/webhook-deliveries/{rest['data'][0]['id']}") == rest["data"][0]
        assert [one["type"] for one in (await get(api, f"{path}?type=contact.updated"))["data"]] == ["contact.updated"]
        assert len((await get(api, f"{path}?state=delivered"))["data"]) == 1
        mixed = await api.call("GET", f"{path}?state=failed&cursor={page['page']['next_cursor']}")
        assert mixed.json()["code"] == "cursor_mismatch"

    run(database_url, body)


def test_reading_is_not_changing(database_url: str) -> None:
    """`webhooks:read` sees endpoints and their log, and changes nothing; other scopes see nothing."""

    async def body(api: Api) -> None:
        made = await make(api)
        path = f"/v1/webhooks/{made['id']}"
        reader, stranger = await api.make_key("webhooks:read"), await api.make_key("events:read")
        for asked in ("/v1/webhooks", path, f"{path}/deliveries"):
            assert (await api.call("GET", asked, key=reader)).status_code == 200
            assert (await api.call("GET", asked, key=stranger)).status_code == 403
        for method, asked in (("POST", f"{path}/rotate-secret"), ("POST", f"{path}/test"), ("PATCH", path)):
            assert (await api.call(method, asked, key=reader, json={})).status_code == 403
        assert (await api.call("GET", "/v1/event-types", key=stranger)).status_code == 200

    run(database_url, body)


def test_only_who_may_read_events_may_have_them_sent(database_url: str) -> None:
    """A key for webhooks alone cannot carry off what it may not read, by a new endpoint or by turning one round."""

    async def body(api: Api) -> None:
        made = await make(api)
        writer, both = await api.make_key("webhooks:write"), await api.make_key("webhooks:write", "events:read")
        path = f"/v1/webhooks/{made['id']}"
        for method, where in (("POST", "/v1/webhooks"), ("PATCH", path)):
            refused = await api.call(method, where, key=writer, json={"url": URL})
            assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
        assert (await api.call("PATCH", path, key=both, json={"url": f"{URL}/2"})).status_code == 200

    run(database_url, body)


def test_of_two_who_change_the_same_version_one_wins(database_url: str) -> None:
    """If-Match holds for endpoints too."""

    async def body(api: Api) -> None:
        made = await make(api)
        path = f"/v1/webhooks/{made['id']}"
        tag = {"If-Match": f'"v{made["version"]}"'}
        first, second = [
            await api.call("PATCH", path, headers=tag, json={"description": words}) for words in ("one", "two")
        ]
        assert (first.status_code, second.status_code) == (200, 412)
        assert (await get(api, path))["description"] == "one"

    run(database_url, body)


def test_there_are_only_so_many(database_url: str) -> None:
    """Each event is matched against all of them, so a loop that makes webhooks ends."""

    async def body(api: Api) -> None:
        await make(api)
        copy = "INSERT INTO webhook (id, url, types, sealed) SELECT uuidv7(), url, types, sealed FROM webhook, "
        await execute(f"{copy} generate_series(2, {MAX_WEBHOOKS})")
        answer = await api.call("POST", "/v1/webhooks", json={"url": URL})
        assert answer.json()["code"] == "state_conflict"

    run(database_url, body)


def test_what_there_is_to_hear_of_is_listed(database_url: str) -> None:
    """Each type with words, a schema and a sample of itself."""

    async def body(api: Api) -> None:
        types = (await get(api, "/v1/event-types"))["data"]
        assert {"message.created", "webhook.disabled"} <= {one["id"] for one in types}
        assert all(one["sample"]["type"] == one["id"] and one["description"] for one in types)

    run(database_url, body)
