"""Run H: a backup made under load restores elsewhere to all that was acknowledged before, and sends nothing unasked.

`python -m tests.faults.backup_restore [--short] [--seed N]` ends within 120 s with one JSON line: promise 25 of
reliability. The whole form also measures how long a restore of 100,000 messages takes.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import time
from pathlib import Path
from typing import Any

import httpx
import msgspec

from tests.faults.checker import WAITING, Verdict, judge
from tests.faults.history import Exchange, between, percentile
from tests.faults.load import at_rate, blow, during, make_operations
from tests.faults.run import Stage, main
from tests.faults.site import ACCOUNT, NUMBER, PUBLIC_URL, Site
from tests.faults.texts import open_texter
from tests.faults.waiting import wait_for, wait_until

SECONDS = 120.0
RATE = 45.0
PHOTO_RATE = 5.0
"""Beside the plain texts, so that 50 webhooks come in a second."""
SENDERS = 20
QUEUED = 10
SETTLE_SECONDS = 30.0
HELD_SECONDS = 1.5
"""How long the copy is watched for something that leaves."""
FILLED = 100_000
RESTORE_SECONDS = 30.0
FILL = """
WITH people AS (
    INSERT INTO contact (id) SELECT gen_random_uuid() FROM generate_series(1, 1000) RETURNING id
), addresses AS (
    INSERT INTO identity (id, contact_id, kind, address, match_key)
    SELECT gen_random_uuid(), id, 'phone', 'fill' || id, 'fill' || id FROM people
), threads AS (
    INSERT INTO conversation (id, contact_id, last_seq) SELECT gen_random_uuid(), id, $1::int / 1000 FROM people
    RETURNING id
), journal AS (
    INSERT INTO event_key (channel_id, key, raw_event_id)
    SELECT $2, 'fill' || n, 0 FROM generate_series(1, $1::int) n
)
INSERT INTO entry (id, conversation_id, seq, type, direction, visibility, channel_id, medium, provider, author, text,
                   parts, provider_message_id, raw_event_id, occurred_at)
SELECT gen_random_uuid(), t.id, s, 'message', 'outbound', 'public', $2, 'sms', 'twilio', '{"type":"system"}',
       repeat('some words of a message ', 4), '[{"type":"text","text":"some words of a message"}]',
       NULL, 0, now()
FROM threads t CROSS JOIN generate_series(1, $1::int / 1000) s
"""
STORED = """
SELECT e.provider_message_id AS key, e.conversation_id, e.seq, e.raw_event_id FROM entry e
WHERE e.type = 'message' AND e.direction = 'inbound' ORDER BY e.conversation_id, e.seq
"""
FILES = """
SELECT e.provider_message_id AS key, a.state, a.sha256, a.storage_key
FROM attachment a JOIN entry e ON e.id = a.entry_id
"""
LATER = "UPDATE job SET available_at = now() + interval '1 hour' WHERE type = 'deliver_message'"
DUE = "UPDATE job SET available_at = now() WHERE type = 'deliver_message'"
"""What is queued does not leave the original before the backup is made, however slow; in the copy it is due."""
KEYS = """
SELECT conname AS name, conrelid::regclass::text AS table FROM pg_constraint WHERE contype = 'f' AND conparentid = 0
"""


class Plan(msgspec.Struct, frozen=True):
    """In seconds from the beginning of the load: when the backup begins, and when the load ends."""

    seconds: float
    backup_at: float
    filled: int


WHOLE = Plan(seconds=20, backup_at=8, filled=FILLED)
SHORT = Plan(seconds=3, backup_at=1.5, filled=0)


class Made(msgspec.Struct):
    """The backup: from when to when it was made (Unix time), and what it says of itself."""

    path: Path
    began: float = 0.0
    ended: float = 0.0
    told: dict[str, Any] = {}


async def run(stage: Stage) -> Verdict:
    """Load and back up, restore elsewhere, compare, release."""
    plan, site = SHORT if stage.short else WHOLE, stage.site
    await site.open(servers=2, workers=0)
    await _connect_handsets(site)
    await site.rows(LATER)
    site.start("work0")
    if plan.filled:
        await _run_sql(site, FILL, plan.filled)
    stage.clock.lap("opened")
    made = Made(path=stage.folder / "backup")
    async with open_texter(site.servers, channel=site.channel) as texter:
        operations = make_operations(senders=SENDERS, amount=int(RATE * plan.seconds))
        await during(
            blow(at_rate(operations, RATE), texter.deliver, stage.history),
            _send_photos(stage, plan),
            _back_up(stage, plan, made),
        )
    stage.clock.lap("load and backup")
    _judge_disturbance(stage, made)
    copy = await _restore(stage, made)
    try:
        return await _judge_copy(stage, copy, made)
    finally:
        await copy.aclose()


async def _connect_handsets(site: Site) -> None:
    """Texts from handsets come to the gateways; and some answers are queued that must not leave the copy."""
    hook = f"{PUBLIC_URL}/hooks/sms-twilio/{site.channel}/message"
    number = {"number": NUMBER, "account_sid": ACCOUNT, "hook": hook}
    async with httpx.AsyncClient(timeout=10) as client:
        (await client.put(f"{site.simulator}/sim/numbers/{NUMBER}", json=number)).raise_for_status()
        text = {"body": "hello", "to": NUMBER}
        (await client.post(f"{site.simulator}/sim/handsets/+15553990000/messages", json=text)).raise_for_status()

    async def conversation() -> Any:
        return (await site.ask("GET", "/v1/conversations")).json()["data"]

    [found] = await wait_for(conversation, seconds=SETTLE_SECONDS)
    for number_ in range(QUEUED):
        body = {"text": f"queued {number_}"}
        answer = await site.ask("POST", f"/v1/conversations/{found['id']}/messages", json=body)
        answer.raise_for_status()


async def _send_photos(stage: Stage, plan: Plan) -> None:
    """Texts with a file each, no two alike, told apart by the ids the provider gives them."""
    began = time.monotonic()
    async with httpx.AsyncClient(timeout=20) as client, asyncio.TaskGroup() as group:
        for number in range(int(plan.seconds * PHOTO_RATE)):
            await wait_until(began + number / PHOTO_RATE)
            group.create_task(_send_photo(stage, client, number, due=number / PHOTO_RATE))


async def _send_photo(stage: Stage, client: httpx.AsyncClient, number: int, *, due: float) -> None:
    sender, content = f"+15553880{number % SENDERS:03d}", _photo(number)
    media = [{"content_type": "image/png", "content": base64.b64encode(content).decode()}]
    url = f"{stage.site.simulator}/sim/handsets/{sender}/messages"
    sent_at = time.time()
    message = (await client.post(url, json={"body": f"photo {number}", "to": NUMBER, "media": media})).json()
    answer = 200 if message["acknowledged"] else None
    stage.history.note(
        Exchange(
            key=message["sid"], conversation=sender, sequence=number, due=due, sent_at=sent_at, answer=answer,
            latency_ms=(time.time() - sent_at) * 1000,
        )
    )  # fmt: skip


async def _back_up(stage: Stage, plan: Plan, made: Made) -> None:
    """The command, as an operator runs it, beside everything else."""
    await asyncio.sleep(plan.backup_at)
    made.began = time.time()
    made.told = json.loads(await asyncio.to_thread(stage.site.run, "backup", "create", str(made.path), "--json"))
    made.ended = time.time()


def _judge_disturbance(stage: Stage, made: Made) -> None:
    """How long webhooks waited while the backup was made, beside before."""
    history = stage.history.read()
    first = min(one.sent_at - one.due for one in history)
    before = between(history, 0, made.began - first)
    meanwhile = between(history, made.began - first, made.ended - first)
    stage.most("P25", "backup_seconds", value=made.ended - made.began, limit=60)
    refused = sum(not one.acknowledged for one in history)
    stage.most("P25", "refused", value=refused, limit=0)
    stage.most("P25", "before_p95_ms", value=percentile([one.latency_ms for one in before], 0.95), limit=1_000)
    stage.most("P25", "during_p95_ms", value=percentile([one.latency_ms for one in meanwhile], 0.95), limit=1_000)


async def _restore(stage: Stage, made: Made) -> Site:
    """A second installation out of the backup: other directory, other database, same key and provider."""
    site = stage.site
    for name in ("serve0", "serve1", "work0"):
        site.kill(name)  # what becomes of the original does not matter any more
    copy = Site(stage.folder / "copy", **site.settings)
    copy.folder.mkdir(mode=0o755)
    copy.simulator, copy.key, copy.channels = site.simulator, site.key, site.channels
    copy._secret = site._secret
    stage.none_of("P25", broken_files=len(await _verify(copy, made)))
    began = time.monotonic()
    into = ("backup", "restore", str(made.path), "--into", str(copy.data), "--json")
    restored = json.loads(await asyncio.to_thread(copy.run, *into))
    stage.most("P25", "restore_seconds", value=time.monotonic() - began, limit=RESTORE_SECONDS)
    stage.least("P25", "restored_entries", value=restored["rows"]["entry"], limit=FILLED if not stage.short else 1)
    stage.clock.lap("restored")
    return copy


async def _verify(copy: Site, made: Made) -> list[str]:
    told = json.loads(await asyncio.to_thread(copy.run, "backup", "verify", str(made.path), "--json"))
    problems: list[str] = told["problems"]
    return problems


async def _judge_copy(stage: Stage, copy: Site, made: Made) -> Verdict:
    """What the copy holds, that it sends nothing until it is told, and that it works when it is."""
    sent_before = len(await copy.ledger())
    copy.start("serve0")
    copy.start("work0")
    await copy.until_ready(0)
    verdict, files = await _settle(stage, copy, made)
    await _judge_files(stage, copy, files)
    channel = (await copy.ask("GET", f"/v1/channels/{copy.channel}")).json()
    stage.none_of("P25", secrets_unreadable=channel["problem"] is not None)
    keys = await copy.rows(KEYS)
    for key in keys:  # also those that were made without looking at old rows
        await copy.rows(f"ALTER TABLE {key['table']} VALIDATE CONSTRAINT {key['name']}")
    stage.least("P25", "foreign_keys_held", value=len(keys), limit=1)
    await copy.rows(DUE)
    outbox = (await copy.ask("GET", "/v1/outbox")).json()
    stage.least("P25", "held", value=int(outbox["held"]), limit=1)
    await asyncio.sleep(HELD_SECONDS)
    stage.none_of("P25", sent_while_held=len(await copy.ledger()) - sent_before)
    await copy.ask("POST", "/v1/outbox/release")

    async def all_sent() -> bool:
        return len(await copy.ledger()) - sent_before == QUEUED

    await wait_for(all_sent, seconds=SETTLE_SECONDS)
    stage.clock.lap("judged")
    return verdict


async def _settle(stage: Stage, copy: Site, made: Made) -> tuple[Verdict, list[Any]]:
    """The verdict on what was acknowledged before the backup began, and the files of it, once all is projected."""
    before = [one for one in stage.history.read() if one.sent_at + one.latency_ms / 1000 < made.began]
    acknowledged = {one.key for one in before if one.acknowledged}

    async def settled() -> bool:
        [waiting] = await copy.rows(WAITING)
        pending = [row for row in await copy.rows(FILES) if row["state"] == "pending" and row["key"] in acknowledged]
        return not waiting["n"] and not pending

    try:
        await wait_for(settled, seconds=SETTLE_SECONDS)
    except TimeoutError:
        stage.none_of("P25", unsettled=1)
    [waiting] = await copy.rows(WAITING)
    verdict = judge(acknowledged, await copy.rows(STORED), waiting=waiting["n"])
    stage.none_of("P25", lost=verdict.lost, doubled=verdict.doubled, out_of_order=verdict.out_of_order)
    return verdict, [row for row in await copy.rows(FILES) if row["key"] in acknowledged]


async def _judge_files(stage: Stage, copy: Site, files: list[Any]) -> None:
    """Every photo acknowledged before the backup is there, byte by byte, as the handset sent it."""
    numbers = {one.key: one.sequence for one in stage.history.read()}
    wrong = 0
    for row in files:
        content = _photo(numbers[row["key"]])
        path = copy.data / "attachments" / (row["storage_key"] or "missing")
        kept = await asyncio.to_thread(path.read_bytes) if path.is_file() else b""
        wrong += not (
            row["state"] == "stored" and row["sha256"] == hashlib.sha256(content).hexdigest() and kept == content
        )
    stage.none_of("P25", files_wrong=wrong)
    stage.least("P25", "files", value=len(files), limit=1)


async def _run_sql(site: Site, sql: str, filled: int) -> None:
    [channel] = await site.rows("SELECT id FROM channel")
    await site.rows(sql, filled, channel["id"])


def _photo(number: int) -> bytes:
    """A picture of one dot and some kilobytes behind it, each its own."""
    return DOT + hashlib.sha256(str(number).encode()).digest() * 500


DOT = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc000000301010018dd8db0"
    "0000000049454e44ae426082"
)

if __name__ == "__main__":
    main("backup_restore", run, seconds=SECONDS)
