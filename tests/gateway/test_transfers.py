"""Imports and exports as jobs: killed anywhere, they go on without a row lost or doubled."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from gateway import exporting, importing
from gateway.outcomes import TryAgain
from gateway.runtime import Runtime
from gateway.transfers import take_transfer_step, tend_all_transfers
from inbox.contacts.actions import change_consent, create_contact
from inbox.contacts.api.shapes import NewIdentity, spell_identities
from inbox.contacts.contact import ConsentChange, ContactChange
from inbox.contacts.queries import ContactFilter, find_contact, list_contacts
from inbox.kit.db import execute, fetch, fetch_value
from inbox.outbox.actions import claim_jobs, finish_job
from inbox.outbox.jobs import TransferStep
from inbox.transfers.actions import begin_transfer, cancel_transfer, expire_transfer, store_chunk
from inbox.transfers.queries import find_transfer, list_row_errors
from inbox.transfers.transfer import ExportPlan, ImportConsent, ImportPlan, Transfer, part_key
from tests.gateway.runtimes import open_test_runtime
from tests.inbox.builders import AGENT, committed, count_rows, rows_of

Body = Callable[[Runtime], Awaitable[None]]


def run_transfers(url: str, folder: Path, body: Body, **settings: Any) -> None:
    """Run a test's body with a runtime; nobody works beside it."""

    async def run() -> None:
        async with open_test_runtime(url, folder, **settings) as runtime:
            await body(runtime)

    asyncio.run(run())


async def step(runtime: Runtime) -> bool:
    """Take the next job, as a worker does; False where there is none."""
    claimed = await claim_jobs(limit=1, lease_seconds=30)
    for job in claimed:
        if isinstance(job.job, TransferStep):
            assert not isinstance(await take_transfer_step(runtime, job, job.job), TryAgain)
        else:
            await finish_job(job)
    return bool(claimed)


async def finish(runtime: Runtime, transfer_id: UUID) -> Transfer:
    """All steps, to the end."""
    while (await find_transfer(transfer_id)).state == "running":
        assert await step(runtime)
    return await find_transfer(transfer_id)


async def make_contacts(count: int) -> list[UUID]:
    """So many people, with addresses."""
    return [await make_contact(f"Person {number}", f"+3460000{number:04d}") for number in range(count)]


async def make_contact(name: str, phone: str, **more: Any) -> UUID:
    """One person."""
    identities = spell_identities([NewIdentity(kind="phone", address=phone)], None)
    return await committed(create_contact(ContactChange(name=name, **more), identities, actor=AGENT))


async def begin_export(kind: str = "contacts", form: str = "csv", **plan: Any) -> UUID:
    """An export that is asked for."""
    return await committed(begin_transfer("export", kind, format=form, plan=ExportPlan(**plan), actor=AGENT))


async def begin_import(
    runtime: Runtime, content: str, form: str = "csv", *, kind: str = "contacts", **plan: Any
) -> UUID:
    """An import of this file that is asked for."""

    async def pieces() -> AsyncIterator[bytes]:
        yield content.encode()

    await runtime.storage.put_file("transfers/source", pieces())
    wanted = begin_transfer("import", kind, format=form, plan=ImportPlan(**plan), actor=AGENT,
                            source_key="transfers/source")  # fmt: skip
    return await committed(wanted)


async def written(runtime: Runtime, transfer: Transfer) -> str:
    """The file of an export."""
    parts = [await runtime.storage.open_file(part_key(transfer.id, number)) for number in range(transfer.part)]
    return b"".join([piece for part in parts async for piece in part]).decode("utf-8-sig")


async def people() -> dict[str, Any]:
    """All contacts by name."""
    found = await list_contacts(ContactFilter(), after=None, limit=500)
    return {one.name or "": one for one in found}


def test_an_export_killed_in_the_middle_of_a_chunk_is_whole(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file of a chunk is written and its worker dies before the commit: each row is in the file once."""
    monkeypatch.setattr(exporting, "CHUNK", 2)

    async def body(runtime: Runtime) -> None:
        made = await make_contacts(5)
        transfer_id = await begin_export()
        await step(runtime)
        await step(runtime)

        async def die(*_: Any, **__: Any) -> bool:
            await store_chunk(*_, **__)
            raise KeyboardInterrupt

        with monkeypatch.context() as killed:
            killed.setattr(exporting, "store_chunk", die)
            with pytest.raises(KeyboardInterrupt):
                await step(runtime)
        assert (await find_transfer(transfer_id)).part == 1
        await execute("UPDATE job SET state = 0, lease_id = NULL, lease_until = NULL")
        done = await finish(runtime, transfer_id)
        rows = list(csv.DictReader(io.StringIO(await written(runtime, done), newline="")))
        assert [row["id"] for row in rows] == [f"ctc_{one.hex}" for one in made]
        assert (done.done, done.total, done.state) == (5, 5, "done")
        assert rows[3]["phone"] == "+34600000003"

    run_transfers(database_url, tmp_path, body)


def test_an_import_killed_in_the_middle_of_a_chunk_doubles_nobody(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows and the place of the import are one transaction: what died in it is done again, and what was done is not."""
    monkeypatch.setattr("inbox.transfers.imports.rows.ROWS_A_CHUNK", 3)

    async def body(runtime: Runtime) -> None:
        lines = "\n".join(f"Person {number},+3460000{number:04d}" for number in range(8))
        transfer_id = await begin_import(runtime, f"name,phone\n{lines}\n")
        await step(runtime)
        assert await count_rows("contact") == 3

        async def die(*_: Any, **__: Any) -> bool:
            await store_chunk(*_, **__)
            raise KeyboardInterrupt

        with monkeypatch.context() as killed:
            killed.setattr(importing, "store_chunk", die)
            with pytest.raises(KeyboardInterrupt):
                await step(runtime)
        assert await count_rows("contact") == 3
        await execute("DELETE FROM job WHERE type = 'transfer_step'")
        await execute("UPDATE transfer SET updated_at = now() - interval '1 hour'")
        await tend_all_transfers()
        done = await finish(runtime, transfer_id)
        assert (done.done, done.total, done.counts) == (8, 8, {"created": 8})
        assert await count_rows("contact") == 8

    run_transfers(database_url, tmp_path, body)


def test_a_formula_is_text_and_comes_back_as_it_was(database_url: str, tmp_path: Path) -> None:
    """T71: a contact called like a formula is text in a spreadsheet, and our own import reads the name again."""

    async def body(runtime: Runtime) -> None:
        formula = "=cmd|' /C calc'!A0"
        await make_contact(
            formula, "+34600111222", attributes={"plan": "@SUM(A1)", "seats": 3}, external={"crm": "C-1"}
        )
        done = await finish(runtime, await begin_export(bom=True))
        text = await written(runtime, done)
        [row] = csv.DictReader(io.StringIO(text, newline=""))
        assert (row["name"], row["attributes.plan"], row["phone"]) == (f"'{formula}", "'@SUM(A1)", "+34600111222")
        await execute("DELETE FROM contact")
        report = await finish(runtime, await begin_import(runtime, text))
        assert report.counts == {"created": 1}
        [contact] = (await people()).values()
        assert (contact.name, contact.attributes["plan"], contact.external) == (formula, "@SUM(A1)", {"crm": "C-1"})

    run_transfers(database_url, tmp_path, body)


def test_json_lines_of_each_kind_come_back(database_url: str, tmp_path: Path) -> None:
    """An export of contacts as JSON lines is what an import takes, and companies go both ways as well."""

    async def body(runtime: Runtime) -> None:
        await make_contact("Ana", "+34600111222", attributes={"deep": {"a": [1]}})
        text = await written(runtime, await finish(runtime, await begin_export(form="jsonl")))
        await execute("DELETE FROM contact")
        assert (await finish(runtime, await begin_import(runtime, text, "jsonl"))).counts == {"created": 1}
        assert (await people())["Ana"].attributes == {"deep": {"a": [1]}}
        companies = "name,domains,external.crm\nRuiz Travel,ruiz.example; ruiz.test,R-1\n"
        await finish(runtime, await begin_import(runtime, companies, kind="companies"))
        again = companies.replace("Ruiz Travel", "Ruiz & Co")
        report = await finish(runtime, await begin_import(runtime, again, kind="companies", mode="upsert"))
        assert report.counts == {"updated": 1}
        shown = await written(runtime, await finish(runtime, await begin_export("companies", "jsonl")))
        assert (msgspec.json.decode(shown)["name"], shown.count("\n")) == ("Ruiz & Co", 1)

    run_transfers(database_url, tmp_path, body)


def test_each_row_is_judged_for_itself(database_url: str, tmp_path: Path) -> None:
    """Refused rows are listed by their line, with a code and a place, and never with what stood there."""

    async def body(runtime: Runtime) -> None:
        await make_contact("There", "+34600111222")
        await execute(
            "INSERT INTO attribute_definition (id, applies_to, key, name, type, options) "
            "VALUES (gen_random_uuid(), 'contact', 'seats', 'Seats', 'number', '[]')"
        )
        content = (
            "name,phone,attributes.seats,attributes.note,opt_out\n"
            'Good,+34600111333,12,,\nTwo lines,+34600111444,many,"a\nb",\nTaken,+34600111222,,,\n'
            "Bad,secret-number,,,\nUnclear,+34600111555,,,perhaps\nToo,many,,,,cells\n"
        )
        report = await finish(runtime, await begin_import(runtime, content))
        assert report.counts == {"created": 1, "failed": 5}
        errors = await list_row_errors(report.id, after=None, limit=50)
        assert [(one.line, one.code) for one in errors] == [
            (3, "wrong_value"), (5, "taken"), (6, "invalid_address"), (7, "invalid"), (8, "invalid"),
        ]  # fmt: skip
        assert errors[0].pointer == "/attributes/seats"
        assert not any(word in one.detail for one in errors for word in ("secret", "many,", "600111222"))
        assert (await people())["Good"].attributes == {"seats": 12}

    run_transfers(database_url, tmp_path, body)


def test_an_import_never_overrules_an_opt_out(database_url: str, tmp_path: Path) -> None:
    """T64: whoever has opted out stays so, whatever consent the file claims; others are recorded with the proof."""

    async def body(runtime: Runtime) -> None:
        gone = await make_contact("Gone", "+34600111222")
        [identity] = (await find_contact(gone)).identities
        await committed(
            change_consent(gone, ConsentChange(identity_id=identity.id, state="revoked", source="keyword"), actor=AGENT)
        )
        consent = ImportConsent(purpose="marketing", source="fair 2026", proof={"sheet": "17"})
        content = "name,phone,opt_out\nGone,+34600111222,\nWilling,+34600111333,\nNever,+34600111444,yes\n"
        report = await finish(runtime, await begin_import(runtime, content, mode="upsert", consent=consent))
        assert report.counts == {"updated": 1, "created": 2, "opt_outs_kept": 1, "consented": 1, "opted_out": 1}
        found = await people()
        states = {name: [(c.purpose, c.state, c.source) for c in one.identities[0].consents]
                  for name, one in found.items()}  # fmt: skip
        assert states == {
            "Gone": [("all", "revoked", "keyword")],
            "Willing": [("marketing", "granted", "fair 2026")],
            "Never": [("all", "revoked", "import")],
        }
        [willing] = found["Willing"].identities[0].consents
        assert (willing.proof["sheet"], willing.proof["line"]) == ("17", 3)

    run_transfers(database_url, tmp_path, body)


def test_a_dry_run_tells_all_and_keeps_nothing(database_url: str, tmp_path: Path) -> None:
    """Rows are tried in earnest and undone: its report is that of the import, errors and all, and nobody is there."""

    async def body(runtime: Runtime) -> None:
        content = "name,phone\nGood,+34600111222\nAgain,+34600111222\n"
        report = await finish(runtime, await begin_import(runtime, content, dry_run=True))
        assert report.counts == {"created": 1, "failed": 1, "undone": 2}
        assert (await count_rows("contact"), await count_rows("transfer_error")) == (0, 1)
        assert await fetch_value("SELECT count(*) FROM feed_event WHERE type = 'contact.created'") == 0

    run_transfers(database_url, tmp_path, body)


@pytest.mark.parametrize(
    ("content", "form", "words"),
    [
        ("name,name\na,b\n", "csv", "once"),
        ("name,shoe size\nAna,38\n", "csv", "no field"),
        ('name\n"open', "csv", "not CSV"),
        ("a\x00", "jsonl", "zero byte"),
        ("name\nA\nB\nC\nD\n", "csv", "more than 3 rows"),
    ],
)
def test_a_file_that_cannot_be_read_fails_as_a_whole(
    database_url: str, tmp_path: Path, content: str, form: str, words: str
) -> None:
    """Before any row is taken it is said what is wrong with the file, and the file is deleted."""

    async def body(runtime: Runtime) -> None:
        report = await finish(runtime, await begin_import(runtime, content, form))
        assert (report.state, report.done) == ("failed", 0)
        assert words in (report.error or "")
        keys = [msgspec.json.decode(row["payload"])["storage_key"] for row in await rows_of("job")]
        assert "transfers/source" in keys

    run_transfers(database_url, tmp_path, body, import_limit_rows=3)


def test_what_is_canceled_or_expired_leaves_no_file(database_url: str, tmp_path: Path) -> None:
    """A canceled export begins no chunk and its files go; a finished one keeps its file until it expires."""

    async def body(runtime: Runtime) -> None:
        await make_contacts(1)
        transfer_id = await begin_export()
        await step(runtime)
        await committed(cancel_transfer(transfer_id, "export", actor=AGENT))
        await step(runtime)
        assert (await find_transfer(transfer_id)).state == "canceled"
        done = await finish(runtime, await begin_export())
        assert done.expires_at is not None
        await committed(expire_transfer(done.id))
        assert (await find_transfer(done.id)).state == "expired"
        keys = {msgspec.json.decode(row["payload"]).get("storage_key") for row in await rows_of("job")}
        assert part_key(done.id, 0) in keys
        told = [
            row["type"]
            for row in await fetch("SELECT type FROM feed_event WHERE type LIKE 'export%' ORDER BY position")
        ]
        assert told == ["export.started", "export.canceled", "export.started", "export.finished"]

    run_transfers(database_url, tmp_path, body)
