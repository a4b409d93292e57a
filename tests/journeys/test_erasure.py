"""A person is erased while everything runs, and stays erased whatever is restored (security.md T64, T68)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from gateway.backup.create import Source, create_backup
from gateway.backup.programs import find_program, run_program
from gateway.backup.restore import Target, restore_backup
from gateway.ledger import LEDGER_FILE, read_ledger_file
from gateway.settings import Settings
from gateway.storage import open_storage
from inbox.kit.db import fetch_value
from inbox.kit.secrets import SecretBox
from tests.gateway.runtimes import open_test_runtime
from tests.journeys.gateway import SECRET, Journey, eventually, open_journey

ANA, BEN = "+34600111222", "+34600111333"
CANARIES = (
    b"600111222",
    b"Canarydoe",
    b"canary-words",
    b"canary-answer",
    b"canary-note",
    b"canary-draft",
    b"canary-mail",
)
PHOTO = b"\x89PNG\r\n\x1a\n canary-words in a photo"


def test_an_erased_person_is_nowhere_and_stays_so(
    database_url: str, empty_database_url: str, redis_url: str, tmp_path: Path
) -> None:
    """0 hits in a dump, the files, the spool and the data directory, then again after an older backup is restored.

    Their opt-out is effective for whoever writes from the address next, who is somebody new; others lose nothing.
    """

    async def walk() -> None:
        async with open_journey(database_url, redis_url, tmp_path / "live") as journey:
            contact = await _fill(journey)
            assert await _hits(database_url, tmp_path / "live") > 5
            await _back_up(journey, tmp_path / "backup")
            await _erase(journey, contact)
            assert await _hits(database_url, tmp_path / "live") == 0
            [other] = (await journey.get("/v1/contacts", identity=BEN))["data"]
            [kept] = (await journey.get("/v1/conversations", contact=other["id"]))["data"]
            assert kept["preview"] == "I am somebody else"
            assert (await journey.client.get(f"/v1/contacts/{contact}")).status_code == 404
            await _comes_back(journey)
        ledger = tmp_path / "live" / LEDGER_FILE
        assert all(canary not in ledger.read_bytes() for canary in CANARIES)
        await _restore(tmp_path, empty_database_url, ledger)
        assert await _hits(empty_database_url, tmp_path / "new") == 0
        async with open_test_runtime(empty_database_url, tmp_path / "new"):
            assert await fetch_value("SELECT count(*) FROM contact") == 1
            assert (
                await fetch_value("SELECT jsonb_array_length(revoked) FROM erased_identity WHERE kind = 'phone'") == 1
            )
        assert len(read_ledger_file(tmp_path / "new" / LEDGER_FILE).lines) == 1

    asyncio.run(walk())


async def _fill(journey: Journey) -> str:
    """Everything we keep of a person: messages both ways, a file, a note, a draft, attributes, an opt-out."""
    await journey.twilio.text_in(BEN, "I am somebody else")
    await journey.twilio.text_in(ANA, "canary-words one")
    conversation = await journey.conversation_with(ANA)
    await journey.conversation_with(BEN)
    path, contact = f"/v1/conversations/{conversation['id']}", str(conversation["contact"]["id"])
    body = {"name": "Ana Canarydoe", "attributes": {"about": "canary-words"}}
    answer = await journey.client.patch(f"/v1/contacts/{contact}", json=body, headers={"Idempotency-Key": "c1"})
    assert answer.status_code == 200
    await journey.post(f"/v1/contacts/{contact}/identities", {"kind": "email", "address": "canary-mail@example.org"})
    files = {"file": ("Canarydoe.png", PHOTO, "image/png")}
    uploaded = (await journey.client.post("/v1/attachments", files=files)).json()
    message = await journey.client.post(
        f"{path}/messages", json={"text": "canary-answer"}, headers={"Idempotency-Key": "answer-1"}
    )
    await journey.delivery(message.json()["id"], "delivered", "sent")
    await journey.post(f"{path}/notes", {"text": f"canary-note about Ana Canarydoe, {ANA}"})
    image = {"type": "image", "attachment": {"id": uploaded["id"]}}
    await journey.post(f"{path}/drafts", {"parts": [{"type": "text", "text": "canary-draft"}, image]})
    await journey.twilio.text_in(ANA, "STOP")
    await eventually(lambda: _opted_out(journey, contact))
    return contact


async def _opted_out(journey: Journey, contact: str) -> bool:
    found = await journey.get("/v1/contacts", q="is:opted_out")
    return contact in [one["id"] for one in found["data"]]


async def _erase(journey: Journey, contact: str) -> None:
    refused = await journey.client.post(f"/v1/contacts/{contact}/erase", json={"reason": "asked", "confirm": "yes"})
    assert refused.status_code == 422
    await _held_for_court(journey, contact)
    erasure = await journey.post(f"/v1/contacts/{contact}/erase", {"reason": "asked", "confirm": contact}, status=202)

    async def over() -> Any:
        found = await journey.get(f"/v1/erasures/{erasure['id']}")
        return found if found["state"] == "done" else None

    done = await eventually(over)
    assert done["progress"]["done"] == done["progress"]["total"]
    assert done["counts"]["identities"] == 2
    await eventually(_no_jobs)
    events = (await journey.get("/v1/events", types=["contact.erased"]))["data"]
    assert [event["data"]["contact_id"] for event in events] == [contact]
    audited = await journey.get("/v1/audit-log", target=contact)
    assert "contact.erased" in [one["action"] for one in audited["data"]]


async def _held_for_court(journey: Journey, contact: str) -> None:
    """Under a legal hold nobody is erased; when it is lifted they may be."""
    hold = f"/v1/contacts/{contact}/legal-hold"
    assert (await journey.client.put(hold, json={"reason": "case 7"})).status_code == 200
    body = {"reason": "asked", "confirm": contact}
    refused = await journey.post(f"/v1/contacts/{contact}/erase", body, status=409)
    assert (refused["code"], "legal-hold" in refused["hint"]) == ("state_conflict", True)
    assert (await journey.client.delete(hold)).status_code == 204


async def _no_jobs() -> bool:
    return not await fetch_value("SELECT count(*) FROM job")


async def _comes_back(journey: Journey) -> None:
    await journey.twilio.text_in(ANA, "hello, who is there")
    conversation = await journey.conversation_with(ANA)
    assert conversation["contact"]["name"] is None
    path = f"/v1/conversations/{conversation['id']}/messages"
    refused = await journey.post(path, {"text": "welcome"}, status=409)
    assert refused["code"] == "contact_opted_out"


async def _back_up(journey: Journey, target: Path) -> None:
    runtime = journey.runtime
    source = Source(
        url=runtime.database_url, key_id=runtime.box.key_ids[0], storage=runtime.storage, spool=runtime.spool.folder
    )
    await create_backup(source, target)


async def _restore(folder: Path, url: str, ledger: Path) -> None:
    storage = open_storage(Settings(secret_key=SECRET, data_dir=folder / "new"))
    target = Target(url=url, storage=storage, spool=folder / "new" / "spool", ledgers=(ledger,))
    restored = await restore_backup(folder / "backup", target, box=SecretBox([SECRET]))
    assert restored.redone == {"erasures": 1}


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def _hits(url: str, data_dir: Path) -> int:
    """How often anything of the person stands in a plain dump, or in any file of the data directory."""
    dump = data_dir.parent / "plain.sql"
    program = await find_program("pg_dump", server=0, pg_bin=None)
    await run_program(program, "--inserts", f"--file={dump}", url=url)
    files = [dump, *_files(data_dir)]
    # A dump writes bytes as hex: a canary is looked for in both spellings.
    found = sum(
        path.read_bytes().count(word) for path in files for one in CANARIES for word in (one, one.hex().encode())
    )
    dump.unlink()
    return found
