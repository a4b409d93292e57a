"""Run E: integrators' endpoints that fail, hang and lag, while the workers that send to them are killed.

`python -m tests.faults.integrator_webhooks [--short] [--seed N]` ends within 45 s with one JSON line. Promise 17: every
event reaches every endpoint that wants it, under one `webhook-id` and with a new time at each try, and each try
verifies with the `standardwebhooks` package, by both secrets while they are rotated. The schedule is the real one,
20,000 times as fast, since seven of its waits are 32 hours; in the short form 50,000 times. What a dead endpoint costs
the others is measured by tests/bench/webhooks.py.

`acknowledged` and `stored` count events an endpoint wants and has taken, summed over the endpoints that live. `doubled`
is an event that came under two ids; one that came again under its own id, because its sender was killed before it could
write down that it was taken, is what at-least-once means, and counted as `repeated`.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from inbox.kit.ids import EVENT, show_id
from inbox.webhooks.schedule import RETRY_SECONDS
from tests.faults.checker import Verdict
from tests.faults.load import at_rate, blow, during, make_operations
from tests.faults.run import Stage, main
from tests.faults.site import Site
from tests.faults.texts import open_texter
from tests.faults.waiting import wait_for, wait_until
from tests.gateway.webhooks.receiver import TAKEN, Answer, Got, Receiver, answering, hang, open_receiver

SECONDS = 45.0
FAILURES = 7
"""How often the flaky endpoint refuses each event before it takes it."""
FRESH_SECONDS = 3.0
"""How old the time of a try may be when it arrives: far less than the wait before the next."""
IN_FLIGHT_SECONDS = 1.0
"""How long after the rotation a try may still arrive that was signed before it."""
LIVING = ("plain", "flaky", "ordered", "late")
SETTINGS = {
    "SWITCHBOARD_WEBHOOK_TIMEOUT_SECONDS": "0.5",
    "SWITCHBOARD_POLL_SECONDS": "0.1",
}
TOLD = "SELECT id, cursor, conversation_id FROM feed_event WHERE type = 'message.created' AND cursor IS NOT NULL"
UNFINISHED = """
SELECT count(*) AS n FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook_id
WHERE d.state < 3 AND w.description <> 'dead'
"""
FAILED = "SELECT count(*) AS n FROM webhook_delivery WHERE state = 4"


class Plan(msgspec.Struct, frozen=True):
    """How many texts, how fast, and when a worker is killed, in seconds from the first text.

    `speed` is how many times as fast as in life the schedule of tries is.
    """

    speed: int
    texts: int
    rate: float
    kills: tuple[float, ...]
    rotated: tuple[float, float]


WHOLE = Plan(speed=20_000, texts=150, rate=50, kills=(1.0, 2.2, 3.4, 4.6), rotated=(2.0, 20.0))
SHORT = Plan(speed=50_000, texts=40, rate=40, kills=(0.8,), rotated=(0.4, 20.0))


class Secrets(msgspec.Struct):
    """The flaky endpoint's: the one it began with, the one that replaced it, and the time both signed."""

    old: str
    new: str = ""
    both_from: float = 0.0
    both_until: float = 0.0


async def run(stage: Stage) -> Verdict:
    """Tell, break, repair, check."""
    plan, site = SHORT if stage.short else WHOLE, stage.site
    site.settings["SWITCHBOARD_WEBHOOK_RETRY_SECONDS"] = ",".join(str(wait / plan.speed) for wait in RETRY_SECONDS)
    await site.open(workers=2)
    async with open_receiver() as receiver:
        receiver.answer = answer
        webhooks = {name: await add_webhook(site, receiver, name) for name in (*LIVING, "dead")}
        await change(site, webhooks["late"], enabled=False)
        secrets = Secrets(old=webhooks["flaky"]["secret"])
        since, began = datetime.now(UTC), time.monotonic()
        async with open_texter(site.servers, channel=site.channel) as texter:
            texts = at_rate(make_operations(senders=10, amount=plan.texts), plan.rate)
            await during(
                blow(texts, texter.deliver, stage.history),
                kill_workers(stage, plan, began),
                rotate(site, webhooks["flaky"], secrets, plan=plan, began=began),
            )
        events = await all_told(site, plan.texts)
        await recover(site, webhooks["late"], since)
        await settled(site)
        await replay_one(stage, receiver, webhooks["plain"])
        await settled(site)
        verdict = judge(receiver.got, events, unfinished=await count(site, UNFINISHED), since=since.timestamp())
        await judge_tries(stage, receiver.got, webhooks, secrets)
    stage.none_of("P17", lost=verdict.lost, doubled=verdict.doubled, unfinished=verdict.stranded)
    stage.none_of("P17", out_of_order=verdict.out_of_order, given_up=await count(site, FAILED))
    stage.least("P17", "delivered_share", value=verdict.stored / max(1, verdict.acknowledged), limit=1.0)
    return verdict


def answer(got: Got, tries: int) -> Answer:
    """As the endpoint does: `/flaky` takes the eighth try, `/ordered` every fourth text only at the third."""
    if got.path == "/dead":
        return hang
    refusals = {"/flaky": FAILURES, "/ordered": 2 if got.event["seq"] % 4 == 0 else 0}.get(got.path, 0)
    return TAKEN if tries >= refusals else answering(500)


async def add_webhook(site: Site, receiver: Receiver, name: str) -> Any:
    """An endpoint for new messages, known by its path."""
    body = {
        "url": f"http://127.0.0.1:{receiver.port}/{name}",
        "description": name,
        "types": ["message.created"],
        "ordering": "conversation" if name == "ordered" else "none",
    }
    return (await site.ask("POST", "/v1/webhooks", json=body)).json()


async def change(site: Site, webhook: Any, **fields: Any) -> None:
    """Change an endpoint."""
    await site.ask("PATCH", f"/v1/webhooks/{webhook['id']}", json=fields)


async def kill_workers(stage: Stage, plan: Plan, began: float) -> None:
    """SIGKILL of the two workers in turn, each started again a moment later."""
    for number, moment in enumerate(plan.kills):
        await wait_until(began + moment)
        name = f"work{number % 2}"
        stage.site.kill(name)
        await asyncio.sleep(0.3)
        stage.site.start(name)


async def rotate(site: Site, webhook: Any, secrets: Secrets, *, plan: Plan, began: float) -> None:
    """A new secret in the middle of it all; the old one signs beside it for a while."""
    first, last = plan.rotated
    await wait_until(began + first)
    body = {"overlap_seconds": int(last - first)}
    answer = await site.ask("POST", f"/v1/webhooks/{webhook['id']}/rotate-secret", json=body)
    secrets.new = answer.json()["secret"]
    secrets.both_from = time.time() + IN_FLIGHT_SECONDS
    secrets.both_until = time.time() + last - first - IN_FLIGHT_SECONDS


async def all_told(site: Site, amount: int) -> list[Any]:
    """The events of all texts, once they are in the feed."""

    async def look() -> list[Any]:
        rows = await site.rows(TOLD)
        return rows if len(rows) >= amount else []

    return await wait_for(look, seconds=20)


async def recover(site: Site, webhook: Any, since: datetime) -> None:
    """Enable what was disabled all the time, and ask twice for what it missed: it comes once."""
    await change(site, webhook, enabled=True)
    for _ in range(2):
        body = {"since": since.isoformat()}
        await site.ask("POST", f"/v1/webhooks/{webhook['id']}/recover", json=body)


async def settled(site: Site) -> None:
    """Until nothing is under way any more to those that live, and no recovery is."""

    async def look() -> bool:
        jobs = await count(site, "SELECT count(*) AS n FROM job WHERE type = 'recover_webhook'")
        return not jobs and not await count(site, UNFINISHED)

    try:
        await wait_for(look, seconds=30, pause=0.3)
    except TimeoutError:
        return  # what is left is counted as stranded


async def replay_one(stage: Stage, receiver: Receiver, webhook: Any) -> None:
    """One delivery sent again by its id: it comes once more, under the same `webhook-id`."""
    listed = await stage.site.ask("GET", f"/v1/webhooks/{webhook['id']}/deliveries?limit=1")
    [delivery] = listed.json()["data"]
    event = str(delivery["event_id"])
    before = sum(got.id == event and got.path == "/plain" for got in receiver.got)
    await stage.site.ask("POST", f"/v1/webhook-deliveries/{delivery['id']}/replay", json={})

    async def look() -> bool:
        return sum(got.id == event and got.path == "/plain" for got in receiver.got) > before

    came = await wait_for(look, seconds=10)
    stage.least("P17", "replayed", value=int(came), limit=1)


def judge(got: Sequence[Got], events: Sequence[Any], *, unfinished: int, since: float) -> Verdict:
    """Each event taken by each endpoint that lives, under its own id; the ordered one in the order of the cursors."""
    wanted = {show_id(EVENT, row["id"]): row for row in events}
    taken: dict[str, dict[str, Got]] = defaultdict(dict)
    for one in got:
        if one.taken and one.at >= since:
            taken[one.path[1:]].setdefault(one.id, one)
    return Verdict(
        acknowledged=len(wanted) * len(LIVING),
        stored=sum(len(set(taken[name]) & set(wanted)) for name in LIVING),
        lost=sum(len(set(wanted) - set(taken[name])) for name in LIVING),
        doubled=sum(one.event["id"] != one.id for one in got) + count_repeated_entries(taken),
        out_of_order=count_out_of_order(taken["ordered"].values()),
        stranded=unfinished,
    )


def count_repeated_entries(taken: dict[str, dict[str, Got]]) -> int:
    """Messages that one endpoint took under more than one id."""
    entries = Counter((name, one.event["data"]["entry"]["id"]) for name, ids in taken.items() for one in ids.values())
    return sum(times - 1 for times in entries.values())


def count_out_of_order(taken: Iterable[Got]) -> int:
    """Takings, in the order they were taken, that came before an earlier one of their conversation."""
    last: dict[str, str] = {}
    wrong = 0
    for one in taken:
        conversation, cursor = one.event["conversation_id"], one.event["cursor"]
        wrong += cursor <= last.get(conversation, "")
        last[conversation] = max(cursor, last.get(conversation, ""))
    return wrong


async def judge_tries(stage: Stage, got: Sequence[Got], webhooks: dict[str, Any], secrets: Secrets) -> None:
    """Every single try: its signature, its time, and during the rotation both secrets."""
    known = {name: [webhook["secret"]] for name, webhook in webhooks.items()}
    known["flaky"].append(secrets.new)
    unverified = sum(not any(one.verifies(secret) for secret in known[one.path[1:]]) for one in got)
    stale = sum(abs(one.at - int(one.headers["webhook-timestamp"])) > FRESH_SECONDS for one in got)
    rotated = [one for one in got if one.path == "/flaky" and secrets.both_from < one.at < secrets.both_until]
    single = sum(not (one.verifies(secrets.old) and one.verifies(secrets.new)) for one in rotated)
    tries = Counter(one.id for one in got if one.path == "/flaky")
    takings = Counter((one.path, one.id) for one in got if one.taken)
    stage.none_of("P17", unverified=unverified, stale_times=stale, single_signed=single)
    stage.least("P17", "tried_while_rotating", value=len(rotated), limit=1)
    stage.least("P17", "tries_of_flaky", value=min(tries.values()), limit=FAILURES + 1)
    # Under its own id again: what was in flight when its sender was killed, and the one replayed on purpose.
    repeated = sum(times - 1 for times in takings.values())
    stage.most("P17", "repeated", value=repeated, limit=len(takings) * 0.2)


async def count(site: Site, sql: str) -> int:
    """One number out of the database."""
    [row] = await site.rows(sql)
    return int(row["n"])


if __name__ == "__main__":
    main("integrator_webhooks", run, seconds=SECONDS, **SETTINGS)
