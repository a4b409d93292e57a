"""The ledger beside the database: whole whatever dies, its own system's, and heard by whatever comes late."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from gateway.erasing import check_returned, reapply_ledger, run_erasure
from gateway.ledger import LEDGER_FILE, Ledger, LedgerProblem, append_lines, read_ledger_file, sync_ledger
from gateway.runtime import Runtime
from inbox.contacts.erased import KEY_PLACE
from inbox.intake.actions.journal import journal_events
from inbox.kit.db import execute, fetch_value
from inbox.outbox.actions import claim_jobs
from inbox.outbox.jobs import CheckReturned
from inbox.privacy.erasure.actions.runs import begin_erasure
from inbox.privacy.erasure.traces import LedgerLine, spell_needles
from tests.gateway.runtimes import connect, open_test_runtime
from tests.inbox.builders import AGENT, ANA, committed, count_rows, journal_row, receive, text_message


def line(number: int) -> LedgerLine:
    """A line of the ledger."""
    return LedgerLine(id=UUID(int=number), erased_at=datetime.now(UTC), contact_ids=[UUID(int=number)], addresses=[])


def test_a_half_written_line_is_written_anew(tmp_path: Path) -> None:
    """A process that dies while it writes leaves a line that counts for nothing and spoils no other."""
    path = tmp_path / LEDGER_FILE
    append_lines(path, [line(1)])
    path.write_bytes(path.read_bytes() + b'{"id":"0000')
    assert list(read_ledger_file(path).lines) == [UUID(int=1)]
    append_lines(path, [line(2)])
    assert list(read_ledger_file(path).lines) == [UUID(int=1), UUID(int=2)]
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(b"nonsense\n" + path.read_bytes())
    with pytest.raises(LedgerProblem, match="line 1"):
        read_ledger_file(path)


@pytest.mark.parametrize(
    ("address", "needles"),
    [
        ("+34600111222", ["34600111222"]),
        (
            "A+1@Example.org",
            ["A%2B1%40Example.org", "A+1@Example.org", "a%2B1%40example.org", "a+1@example.org"],
        ),
        ("12345", []),
    ],
)
def test_addresses_are_looked_for_as_providers_spell_them(address: str, needles: list[str]) -> None:
    """Digits alone for a number, quoted and plain for a mail address, and nothing for what is too short to tell."""
    assert spell_needles([address]) == needles


async def erase(runtime: Runtime, contact_id: UUID) -> UUID:
    """Erase somebody, all steps here."""
    erasure_id = await committed(begin_erasure(contact_id, reason="asked", actor=AGENT))
    await execute("DELETE FROM job")
    await run_erasure(erasure_id, box=runtime.box, data_dir=runtime.settings.data_dir)
    return erasure_id


def test_what_waited_since_before_the_erasure_is_erased_again(database_url: str, tmp_path: Path) -> None:
    """A request out of a spool brings the person back for a moment; what they write afterwards is somebody new's."""

    async def run() -> None:
        async with open_test_runtime(database_url, tmp_path) as runtime:
            lane = await connect(runtime)
            channel = lane.route.channel_id
            await journal_events([journal_row(channel)])
            await receive(lane, text_message("first"))
            erasure_id = await erase(runtime, await fetch_value("SELECT id FROM contact"))
            assert await count_rows("contact") == 0
            assert await sync_ledger(tmp_path) == 0
            for late, left in ((True, 0), (False, 1)):
                await journal_events([journal_row(channel)])
                await receive(lane, text_message("again", sender=ANA))
                age = timedelta(days=1 if late else -1)
                await execute("UPDATE raw_event SET received_at = now() - $1::interval", age)
                await _check_and_carry_out(runtime, erasure_id)
                assert await count_rows("contact") == left

    asyncio.run(run())


async def _check_and_carry_out(runtime: Runtime, erasure_id: UUID) -> None:
    [job] = [one for one in await claim_jobs(limit=9, lease_seconds=9) if isinstance(one.job, CheckReturned)]
    assert isinstance(job.job, CheckReturned)
    await check_returned(runtime, job, job.job)
    await execute("DELETE FROM job")
    await run_erasure(erasure_id, box=runtime.box, data_dir=runtime.settings.data_dir)


def test_another_systems_ledger_is_refused(database_url: str, tmp_path: Path) -> None:
    """Hashes under another key say nothing here: it is said aloud, and nobody is erased."""

    async def run() -> None:
        async with open_test_runtime(database_url, tmp_path) as runtime:
            await receive(await connect(runtime), text_message("hi"))
            await erase(runtime, await fetch_value("SELECT id FROM contact"))
            foreign = Ledger(
                sealed_keys=[runtime.box.seal(b"k" * 32, bound_to=KEY_PLACE)], lines={UUID(int=9): line(9)}
            )
            with pytest.raises(LedgerProblem, match="another system"):
                await reapply_ledger(foreign, box=runtime.box, data_dir=tmp_path)
            own = read_ledger_file(tmp_path / LEDGER_FILE)
            assert await reapply_ledger(own, box=runtime.box, data_dir=tmp_path) == 0

    asyncio.run(run())
