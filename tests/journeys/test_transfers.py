"""Data in and out of a running gateway: by the API, by the command line, and for one person."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from gateway.commands.client import GatewayClient
from gateway.commands.transfers import _export, _import
from tests.journeys.gateway import Journey, eventually, open_journey

Walk = Callable[[Journey], Awaitable[None]]
ANA = "+34600111222"
PEOPLE = "Full name,Mobile,Plan\nAna Ruiz,+34600111222,gold\nBen,+34600111333,free\n,,\nCai,no-phone-at-all,free\n"
OPTIONS = {"kind": "contacts", "mapping": {"Full name": "name", "Mobile": "phone", "Plan": "attributes.plan"}}


def _run(walk: Walk, database_url: str, redis_url: str, folder: Path) -> None:
    async def run() -> None:
        async with open_journey(database_url, redis_url, folder) as journey:
            await walk(journey)

    asyncio.run(run())


async def _over(journey: Journey, path: str) -> Any:
    async def look() -> Any:
        found = await journey.get(path)
        return found if found["state"] != "running" else None

    return await eventually(look)


def test_people_come_in_and_go_out_by_the_api(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """A form with a file, its rows and errors; then an export of what a query finds, told in the feed."""

    async def walk(journey: Journey) -> None:
        form = {"file": ("people.csv", PEOPLE.encode(), "text/csv")}
        begun = await journey.client.post("/v1/imports/upload", files=form, data={"options": json.dumps(OPTIONS)})
        assert begun.status_code == 202, begun.text
        path = f"/v1/imports/{begun.json()['id']}"
        done = await _over(journey, path)
        assert (done["state"], done["counts"]) == ("done", {"created": 2, "failed": 1})
        [error] = (await journey.get(f"{path}/errors"))["data"]
        assert (error["line"], error["code"]) == (5, "invalid_address")
        body = {"kind": "contacts", "q": "attr.plan:gold", "columns": ["name", "phone", "attributes.plan"]}
        export = await journey.post("/v1/exports", body, status=202)
        shown = await _over(journey, f"/v1/exports/{export['id']}")
        assert shown["progress"] == {"done": 1, "total": 1}
        file = await journey.client.get(shown["file"])
        assert file.text == f"name,phone,attributes.plan\r\nAna Ruiz,{ANA},gold\r\n"
        assert "contacts-" in file.headers["content-disposition"]
        for wrong in ({"columns": ["shoe"]}, {"kind": "companies"}, {"q": "shoe:38"}):
            refused = await journey.client.post("/v1/exports", json={**body, **wrong})
            assert refused.status_code in {400, 422}, refused.text
        told = (await journey.get("/v1/events", types=["import.finished", "export.finished"]))["data"]
        assert [event["type"] for event in told] == ["import.finished", "export.finished"]
        assert (await journey.get("/v1/imports"))["data"][0]["id"] == done["id"]
        assert (await journey.get("/v1/exports"))["data"][0]["id"] == shown["id"]
        audited = [one["action"] for one in (await journey.get("/v1/audit-log", target=export["id"]))["data"]]
        assert audited == ["export.downloaded", "export.finished", "export.started"]

    _run(walk, database_url, redis_url, tmp_path)


def test_the_command_line_takes_and_writes_files(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """`import` uploads, follows and lists what was refused; `export` writes a whole file under its name, or none."""

    async def walk(journey: Journey) -> None:
        source, target = tmp_path / "people.csv", tmp_path / "messages.jsonl"
        source.write_text(PEOPLE)
        key = journey.client.headers["authorization"].removeprefix("Bearer ")
        done, errors = await _import(GatewayClient(journey.url, key), OPTIONS, source)
        assert (done.counts["created"], [one.line for one in errors]) == (2, [5])
        await journey.twilio.text_in(ANA, "hello there")
        await journey.conversation_with(ANA)
        body = {"kind": "messages", "format": "jsonl"}
        await _export(GatewayClient(journey.url, key), body, target)
        [entry] = [json.loads(line) for line in target.read_text().splitlines()]
        assert entry["text"] == "hello there"
        assert not target.with_name(f".{target.name}.part").exists()

    _run(walk, database_url, redis_url, tmp_path / "data")


def test_a_person_gets_all_we_hold_on_them(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """One zip: profile, addresses, consents, conversations, entries, requests and audit lines, and nobody else's."""

    async def walk(journey: Journey) -> None:
        await journey.twilio.text_in(ANA, "my words")
        await journey.twilio.text_in("+34600111333", "somebody else's")
        conversation = await journey.conversation_with(ANA)
        await journey.conversation_with("+34600111333")
        message = await journey.post(f"/v1/conversations/{conversation['id']}/messages", {"text": "our answer"})
        await journey.delivery(message["id"], "sent", "delivered")
        contact = conversation["contact"]["id"]
        export = await journey.post(f"/v1/contacts/{contact}/export", {}, status=202)
        shown = await _over(journey, f"/v1/exports/{export['id']}")
        assert shown["state"] == "done", shown
        archive = zipfile.ZipFile(io.BytesIO((await journey.client.get(shown["file"])).content))
        lines = [json.loads(line) for line in archive.read("data.jsonl").decode().splitlines()]
        kinds = {line["object"] for line in lines}
        assert kinds >= {"contact", "identity", "conversation", "entry", "delivery", "request", "audit_event"}
        texts = [line["text"] for line in lines if line["object"] == "entry"]
        assert texts == ["my words", "our answer"]
        assert b"somebody" not in archive.read("data.jsonl")

    _run(walk, database_url, redis_url, tmp_path)
