"""Secrets at rest: none left behind by a rotation, none in a dump, and no start without the right key (T67)."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway import sealed
from gateway.embedded.binaries import find_postgres
from gateway.sealed import SEALED, check_keys, count_keys, reseal_all
from gateway.spool import Spool, count_spool_keys
from inbox.accounts.actions import ChannelChange, update_channel
from inbox.accounts.catalogue import Catalogue
from inbox.intake.actions.journal import JournalEntry
from inbox.kit.clock import utc_now
from inbox.kit.db import execute, fetch, fetch_value
from inbox.kit.ids import new_id, show_id
from inbox.kit.secrets import KeyMissing, SecretBox
from tests.gateway.runtimes import connect, open_test_runtime
from tests.inbox.builders import AGENT, PlainAdapter, PlainSettings, apart, committed, run_opened
from tests.journeys.gateway import SECRET, Journey, eventually, open_journey

OLD, NEW, OTHER = (
    "old key 0123456789 0123456789 012",
    "new key abcdefghij abcdefghij abc",
    "a third key of somebody else's 99",
)
CANARY = "canary7f3e9b1c"
NOT_SEALED = {
    "api_key.hash",  # SHA-256 of 256 random bits
    "raw_event.body",  # what the provider sent, as it has to be parsed again
    "raw_event.body_sha256",
    "remembered_request.fingerprint",  # SHA-256
    "agent_link.token_hash",  # SHA-256 of 256 random bits
    "agent_session.token_hash",  # as above
    "stream_ticket.hash",  # as above
    "used_signin_state.hash",  # as above
    "visitor_session.token_hash",  # as above
    "visitor_link.token_hash",  # SHA-256 of a number that opens nothing without our MAC
    "visitor_push.endpoint_hash",  # SHA-256 of the address beside it
    "erased_identity.hash",  # keyed hashes of addresses
    "remembered_request.body",  # sealed, and gone by itself after the hours an answer is remembered
}
BYTES = """
SELECT c.table_name || '.' || c.column_name FROM information_schema.columns c
JOIN information_schema.tables t USING (table_schema, table_name)
WHERE c.table_schema = 'public' AND c.data_type = 'bytea' AND t.table_type = 'BASE TABLE'
"""
INSERT = """
INSERT INTO channel (id, adapter, medium, provider, name, settings) VALUES ($1, 'sms-plain', 'sms', 'plain', 'c', $2)
"""


def catalogue(*keys: str) -> Catalogue:
    """The only adapter's, with these keys."""

    async def anywhere(_: str) -> None:
        return None

    adapter = PlainAdapter()
    return Catalogue(
        adapters={adapter.name: adapter}, box=SecretBox(keys), public_url="https://x.test", check_url=anywhere
    )


async def make_channels(count: int, *keys: str) -> list[Any]:
    """So many channels, sealed with the first of these keys."""
    known, ids = catalogue(*keys), [new_id() for _ in range(count)]
    for channel_id in ids:
        await execute(
            INSERT, channel_id, known.seal_settings(channel_id, PlainSettings(number=f"+{channel_id.int % 10**12}"))
        )
    return ids


def test_every_sealed_column_is_known(database_url: str) -> None:
    """A column of bytes is in the table of what is rotated, or in the list of what is no secret."""

    async def body() -> None:
        found = {row[0] for row in await fetch(BYTES)}
        assert found == NOT_SEALED | {one.name for one in SEALED}

    run_opened(database_url, body)


def test_a_rotation_leaves_nothing_to_the_old_key(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batch by batch all is sealed with the newest key, opens as before, and is the same row for everybody else."""
    monkeypatch.setattr(sealed, "BATCH", 3)

    async def body() -> None:
        ids = await make_channels(7, OLD)
        ids += await make_channels(2, NEW)
        before = {row["id"]: row["version"] for row in await fetch("SELECT id, version FROM channel")}
        box = SecretBox([NEW, OLD])
        assert {use.key_id: use.count for use in await count_keys()} == {
            box.key_ids[0]: 2, box.key_ids[1]: 7,
        }  # fmt: skip
        batches = [batch async for batch in reseal_all(box)]
        assert [batch.done for batch in batches] == [3, 3, 1]
        assert {use.key_id: use.count for use in await count_keys()} == {box.key_ids[0]: 9}
        alone = catalogue(NEW)
        for row in await fetch("SELECT id, settings, version FROM channel"):
            account = alone.open_account(row["id"], "sms-plain", sealed=row["settings"])
            assert account.settings == PlainSettings(number=f"+{row['id'].int % 10**12}")
            assert row["version"] == before[row["id"]]
        assert [batch async for batch in reseal_all(box)] == []

    run_opened(database_url, body)


def test_what_cannot_be_opened_is_left_and_counted(database_url: str) -> None:
    """A secret of an unknown key stops no rotation, is not lost, and is told."""

    async def body() -> None:
        await make_channels(2, OTHER)
        await make_channels(2, OLD)
        [batch] = [batch async for batch in reseal_all(SecretBox([NEW, OLD]))]
        assert (batch.done, batch.left) == (2, 2)
        assert len(await count_keys()) == 2

    run_opened(database_url, body)


def test_what_is_changed_meanwhile_stays_as_it_was_changed(database_url: str, tmp_path: Path) -> None:
    """A setting changed while its row is being sealed anew is not put back."""

    async def opened() -> None:
        async with open_test_runtime(database_url, tmp_path, old_secret_keys=(OLD,)) as runtime:
            lane = await connect(runtime)
            one = SEALED[0]
            old = catalogue(OLD).seal_settings(lane.route.channel_id, PlainSettings(number="+12125550000"))
            await execute("UPDATE channel SET settings = $1", old)
            rows = await fetch("SELECT id, settings AS sealed FROM channel")
            change = ChannelChange(settings={"number": "+12125550111"})
            await committed(update_channel(lane.route.channel_id, change, catalogue=runtime.catalogue, actor=AGENT))
            assert (await committed(sealed._reseal(one, rows, runtime.box))).done == 0
            await runtime.directory.refresh()
            assert runtime.directory.all_channels()[0].addresses == ("+12125550111",)

    asyncio.run(opened())


def test_a_missing_key_is_named(database_url: str) -> None:
    """The check that stands before serving names the key's id, how much it sealed and where, and no key."""

    async def body() -> None:
        await make_channels(2, OTHER)
        await check_keys(SecretBox([NEW, OTHER]))
        with pytest.raises(KeyMissing) as caught:
            await check_keys(SecretBox([NEW, OLD]))
        told = str(caught.value)
        assert f"{SecretBox([OTHER]).key_ids[0]} (2 in channel.settings)" in told
        assert "SWITCHBOARD_OLD_SECRET_KEYS" in told
        assert not any(key in told for key in (OLD, NEW, OTHER))

    run_opened(database_url, body)


def test_serve_refuses_to_start_with_the_wrong_key(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """The process ends with the status of wrong settings, and says which key is missing."""
    run_opened(database_url, lambda: make_channels(1, OTHER))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SWITCHBOARD_")} | {
        "SWITCHBOARD_DATABASE_URL": database_url, "SWITCHBOARD_REDIS_URL": redis_url,
        "SWITCHBOARD_DATA_DIR": str(tmp_path), "SWITCHBOARD_SECRET_KEY": SECRET, "SWITCHBOARD_PORT": "18",
    }  # fmt: skip
    command = [sys.executable, "-m", "gateway", "work"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 3, done.stderr
    assert SecretBox([OTHER]).key_ids[0] in done.stderr
    assert OTHER not in done.stderr


def test_spool_files_of_an_old_key_are_read(tmp_path: Path) -> None:
    """What was spooled before the key was changed is drained after it."""

    async def body() -> None:
        entry = JournalEntry(
            channel_id=new_id(), kind="message", method="POST", url="https://x", headers="{}", body=b"kept",
            received_at=utc_now(),
        )  # fmt: skip
        before = Spool(tmp_path, box=SecretBox([OLD]), limit=1_000_000)
        await before.append([entry])
        before.close()
        assert count_spool_keys(tmp_path) == {SecretBox([OLD]).key_ids[0]: 1}
        taken: list[JournalEntry] = []

        async def journal(entries: Any) -> None:
            taken.extend(entries)

        assert await Spool(tmp_path, box=SecretBox([NEW, OLD]), limit=1_000_000).drain(journal) == 1
        assert [one.body for one in taken] == [b"kept"]

    asyncio.run(body())


def test_keys_are_rotated_under_load(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """While webhooks come in and replies go out, all is sealed anew: not one of them fails, and none is lost."""

    async def walk(journey: Journey) -> None:
        box = SecretBox([OLD])
        await journey.runtime.directory.refresh()
        channel_id = journey.runtime.directory.all_channels()[0].id
        for _ in range(5):
            plain = journey.runtime.box.open_sealed(
                await fetch_value("SELECT settings FROM channel"), bound_to=show_id("cha", channel_id)
            )
            old = box.seal(plain, bound_to=show_id("cha", channel_id))
            await execute("UPDATE channel SET settings = $1, version = version + 1", old)
            await journey.runtime.directory.refresh()
            coming = apart(come_in(journey))
            batches = [batch async for batch in reseal_all(journey.runtime.box)]
            assert sum(batch.done for batch in batches) == 1
            await journey.runtime.directory.refresh()
            await coming
        await eventually(lambda: all_in(journey, 50))

    async def come_in(journey: Journey) -> None:
        for number in range(10):
            await journey.twilio.text_in(f"+3460011{number:04}", "Hello")

    async def all_in(journey: Journey, count: int) -> bool:
        return bool(await fetch_value("SELECT count(*) FROM entry WHERE direction = 'inbound'") == count)

    async def opened() -> None:
        async with open_journey(database_url, redis_url, tmp_path, SWITCHBOARD_OLD_SECRET_KEYS=OLD) as journey:
            await walk(journey)

    asyncio.run(opened())


def test_a_dump_holds_no_secret(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Channel settings, API keys and remembered answers: `pg_dump` shows none of the secrets among them."""

    async def walk(journey: Journey) -> list[str]:
        settings = {"account_sid": "AC" + "5" * 32, "auth_token": CANARY, "numbers": ["+15550002222"]}
        body = {"adapter": "sms-twilio", "name": "Second", "settings": settings}
        headers = {"Idempotency-Key": "k1"}
        assert (await journey.client.post("/v1/channels", json=body, headers=headers)).status_code == 201
        key = {"name": "crm", "scopes": ["admin"]}
        made = [
            await journey.client.post("/v1/api-keys", json=key, headers=headers | {"Idempotency-Key": "k2"})
            for _ in range(2)
        ]
        assert made[0].json()["secret"] == made[1].json()["secret"]
        assert made[1].headers["idempotency-replayed"] == "true"
        return [CANARY, made[0].json()["secret"]]

    async def opened() -> list[str]:
        async with open_journey(database_url, redis_url, tmp_path) as journey:
            return await walk(journey)

    secrets = asyncio.run(opened())
    program = find_postgres(None).with_name("pg_dump")
    dump = subprocess.run([program, "--inserts", database_url], capture_output=True, check=True).stdout
    assert b"+15550002222" in dump
    for secret in [*secrets, SECRET]:
        assert secret.encode() not in dump
        assert secret.encode().hex().encode() not in dump
