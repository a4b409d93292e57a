"""Carrying erasures on, step by step, as jobs or after a restore; each step is one short transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import structlog

from gateway.ledger import Ledger, adopt_key, sync_ledger
from gateway.outcomes import Done, Outcome
from gateway.runtime import Runtime
from gateway.vault import AnswerVault
from inbox.kit.callers import SYSTEM
from inbox.kit.clock import utc_now
from inbox.kit.db import Row, tx
from inbox.kit.errors import Problem
from inbox.kit.idempotency import RememberedAnswer
from inbox.kit.secrets import SecretBox
from inbox.outbox.actions import finish_job
from inbox.outbox.jobs import CheckReturned, ClaimedJob, EraseStep
from inbox.privacy.erasure.actions.person import erase_entries, vanish
from inbox.privacy.erasure.actions.runs import (
    close_erasure,
    enqueue_erasure,
    open_traces,
    repeat_erasure,
    resume_erasures,
    save_traces,
    store_erasure_step,
)
from inbox.privacy.erasure.actions.sweeps import (
    ANSWERS,
    Stretch,
    blank_answers,
    list_answers,
    needles_of,
    sweep_deliveries,
    sweep_entries,
    sweep_feed,
    sweep_journal,
    sweep_words,
)
from inbox.privacy.erasure.queries import find_erasure, find_late_owner, find_returned, read_ledger
from inbox.privacy.erasure.traces import Erasure, Step, Traces, next_step
from inbox.transfers.actions import withdraw_exports

log = structlog.get_logger()

IDLE_SECONDS = 300.0
MORE = "more"
"""The place of a step that has no other: the same once more."""


async def take_erase_step(runtime: Runtime, claimed: ClaimedJob, job: EraseStep) -> Outcome:
    """One step of an erasure, and the job for the next."""
    try:
        await sync_before_end(job.erasure_id, runtime.settings.data_dir)
        async with tx():
            over = await carry_on(job.erasure_id, runtime.box)
            if not over:
                await enqueue_erasure(job.erasure_id)
            await finish_job(claimed)
    except Problem:
        return Done()  # there is no such erasure
    return Done(settled=True)


async def check_returned(runtime: Runtime, claimed: ClaimedJob, job: CheckReturned) -> Outcome:
    """Whoever is back by a request from before their erasure, which had waited somewhere, is erased again."""
    async with tx():
        owner = await find_late_owner(job.identity_id, job.erasure_id)
        if owner is not None:
            [line] = [line for line in await read_ledger() if line.id == job.erasure_id]
            await repeat_erasure(line, [owner], actor=SYSTEM)
            await enqueue_erasure(job.erasure_id)
        await finish_job(claimed)
    return Done(settled=True)


async def sync_before_end(erasure_id: UUID, data_dir: Path) -> None:
    """An erasure is over only when the ledger beside the database knows of it."""
    if (await find_erasure(erasure_id)).step == "finish":
        await sync_ledger(data_dir)


async def carry_on(erasure_id: UUID, box: SecretBox) -> bool:
    """The next step in the open transaction; True where it was the last."""
    erasure = await find_erasure(erasure_id, lock=True)
    if erasure.state == "done":
        return True
    if erasure.step == "finish":
        if await close_erasure(erasure, now=utc_now()):
            log.info("contact_erased", count=1)
            return True
        await store_erasure_step(erasure, step="vanish", place=None, counts={})
        return False
    traces = open_traces(erasure, box)
    stretch = await TAKEN[erasure.step](erasure, traces, box)
    await save_traces(erasure, traces, box)
    again = stretch.after is not None
    step = erasure.step if again else next_step(erasure.step)
    counted = {COUNTED[erasure.step]: stretch.hits} if erasure.step in COUNTED else {}
    await store_erasure_step(erasure, step=step, place=stretch.after, counts=counted)
    return False


async def run_erasure(erasure_id: UUID, *, box: SecretBox, data_dir: Path) -> None:
    """All steps here, one after the other."""
    over = False
    while not over:
        await sync_before_end(erasure_id, data_dir)
        async with tx():
            over = await carry_on(erasure_id, box)


async def reapply_ledger(ledger: Ledger, *, box: SecretBox, data_dir: Path) -> int:
    """Let every erasure of a ledger happen again where its people are there again; returns how many were."""
    if not ledger.lines:
        return 0
    async with tx():
        key = await adopt_key(ledger)
    repeated = 0
    for line in ledger.lines.values():
        returned = await find_returned(line, key)
        async with tx():
            await repeat_erasure(line, returned, actor=SYSTEM)
        if returned:
            await run_erasure(line.id, box=box, data_dir=data_dir)
            repeated += 1
    await asyncio.to_thread(lambda: data_dir.mkdir(parents=True, exist_ok=True))
    await sync_ledger(data_dir)
    return repeated


async def tend_erasures(runtime: Runtime) -> None:
    """Go on with erasures left lying, and keep this machine's ledger complete; runs as a chore."""
    async with tx():
        resumed = await resume_erasures(idle_seconds=IDLE_SECONDS)
    if resumed:
        log.warning("erasures_resumed", count=resumed)
    await sync_ledger(runtime.settings.data_dir)


async def _vanish(erasure: Erasure, traces: Traces, _: SecretBox) -> Stretch:
    return Stretch(None, (await vanish(erasure, traces, now=utc_now()))["identities"])


async def _entries(erasure: Erasure, traces: Traces, _: SecretBox) -> Stretch:
    more, counts = await erase_entries(erasure, traces)
    return Stretch(MORE if more else None, counts["entries"])


async def _elsewhere(erasure: Erasure, traces: Traces, _: SecretBox) -> Stretch:
    return await sweep_entries(erasure, traces, now=utc_now())


async def _journal(erasure: Erasure, traces: Traces, _: SecretBox) -> Stretch:
    return await sweep_journal(erasure, traces)


async def _feed(erasure: Erasure, traces: Traces, _: SecretBox) -> Stretch:
    return await sweep_feed(erasure, traces)


async def _deliveries(erasure: Erasure, traces: Traces, _: SecretBox) -> Stretch:
    return await sweep_deliveries(erasure, traces)


async def _answers(erasure: Erasure, traces: Traces, box: SecretBox) -> Stretch:
    """Answers that are remembered lie sealed: each is opened and looked into."""
    rows = await list_answers(erasure.place)
    needles = needles_of(erasure, traces)
    hits = [row for row in rows if _speaks_of(row, needles, box)]
    await blank_answers(hits)
    after = (str(rows[-1]["api_key_id"]), rows[-1]["key"]) if len(rows) == ANSWERS else None
    return Stretch(after, len(hits))


def _speaks_of(row: Row, needles: list[bytes], box: SecretBox) -> bool:
    vault = AnswerVault(box, place=f"request {row['api_key_id']} {row['key']}")
    answer = RememberedAnswer(fingerprint=b"", status=200, media_type="", body=row["body"])
    try:
        body = vault.opened(answer).body
    except Problem:
        return True  # nobody can read it any more, and so nobody needs it
    return any(needle in body for needle in needles)


async def _words(erasure: Erasure, traces: Traces, _: SecretBox) -> Stretch:
    await sweep_words(traces)
    return Stretch(None)


async def _exports(erasure: Erasure, traces: Traces, _: SecretBox) -> Stretch:
    return Stretch(None, await withdraw_exports())


TAKEN: dict[Step, Callable[[Erasure, Traces, SecretBox], Awaitable[Stretch]]] = {
    "vanish": _vanish,
    "entries": _entries,
    "elsewhere": _elsewhere,
    "journal": _journal,
    "feed": _feed,
    "deliveries": _deliveries,
    "answers": _answers,
    "words": _words,
    "exports": _exports,
}
COUNTED: dict[Step, str] = {
    "vanish": "identities",
    "entries": "entries",
    "elsewhere": "entries_elsewhere",
    "journal": "requests",
    "feed": "events",
    "deliveries": "webhook_deliveries",
    "answers": "answers",
    "exports": "exports",
}
