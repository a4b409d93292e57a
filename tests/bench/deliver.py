"""Outgoing messages: how many a second leave by workers, beside the same client calling the same provider directly.

`python -m tests.bench.deliver [--turns 3] [--sends 2000]` prints one JSON line. Rates are messages a second, medians
over interleaved turns in one run: `direct` is channels/http.py posting to the simulated Twilio as often at a time as
one worker does, `one_worker` and `two_workers` are stored sends from the first attempt noted to the last recorded,
`ratio` the first of these by `direct`, `scaling` the second by the first. The provider holds its reports of delivery
back until after the end: making and taking them is not what is measured here.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from channels.contract import Adapter
from channels.http import Http
from channels.parts import Text
from channels.registry import load_adapters
from channels.simulators.twilio.simulator import QUEUED_MESSAGES
from gateway.settings import Settings
from inbox.conversations.actions.reply import Reply, reply_to_conversation
from inbox.conversations.entry import Author
from inbox.kit.clock import utc_now
from inbox.kit.db import close_database, open_database, tx
from inbox.kit.ids import read_id
from tests.faults.desk import begin_conversations
from tests.faults.site import ACCOUNT, PUBLIC_URL, TOKEN, Site, number_of
from tests.faults.waiting import wait_for

CHANNELS = 8
THREADS = 100
"""Conversations of each channel."""
AT_ONCE = Settings().worker_concurrency
"""As many posts at a time as one worker makes."""
WRITERS = 8
BOT = Author(type="bot", name="Bench")
SETTLE_SECONDS = 180.0
NO_REPORTS_SECONDS = 3600.0
UNDONE = "SELECT 1 WHERE NOT EXISTS (SELECT FROM job WHERE state < 2)"
SPAN = """
SELECT count(*) AS sends, extract(epoch FROM max(finished_at) - min(started_at))::float8 AS seconds
FROM delivery_attempt WHERE id > $1 AND kind = 'send' AND outcome = 'sent'
"""
LAST = "SELECT coalesce(max(id), 0) AS id FROM delivery_attempt"


async def measure(folder: Path, *, turns: int, sends: int) -> dict[str, Any]:
    """Start everything, take the turns, and reckon up."""
    site = Site(folder, SWITCHBOARD_SEND_TIMEOUT_SECONDS="10", SWITCHBOARD_JOB_LEASE_SECONDS="30")
    site.pace = NO_REPORTS_SECONDS
    try:
        await site.open(servers=1, workers=0, channels=CHANNELS)
        threads = [await begin_conversations(site, channel, amount=THREADS) for channel in range(CHANNELS)]
        everybody = [one for together in zip(*threads, strict=True) for one in together]
        results = [await take_turn(site, number, everybody, sends=sends) for number in range(turns)]
    finally:
        await site.aclose()
    medians = {name: statistics.median(turn[name] for turn in results) for name in results[0]}
    rounded = {name: round(value, 1) for name, value in medians.items()}
    return rounded | {
        "ratio": round(medians["one_worker"] / medians["direct"], 3),
        "scaling": round(medians["two_workers"] / medians["one_worker"], 2),
        "turns": turns,
    }


async def take_turn(site: Site, number: int, threads: Sequence[str], *, sends: int) -> dict[str, float]:
    """Each of the three, in an order that changes from turn to turn."""
    runs = {
        "direct": lambda: call_directly(site, sends),
        "one_worker": lambda: send_stored(site, threads, sends=sends, workers=1),
        "two_workers": lambda: send_stored(site, threads, sends=sends, workers=2),
    }
    names = list(runs)
    turn = {}
    for name in names[number % 3 :] + names[: number % 3]:
        turn[name] = await runs[name]()
        print(f"turn {number}: {name} {turn[name]:.0f}/s", file=sys.stderr)  # noqa: T201 (progress, beside the one line)
    return turn


async def call_directly(site: Site, sends: int) -> float:
    """The provider alone."""
    http = Http(allow=["127.0.0.0/8"])
    left = iter(range(sends))
    url = f"{site.simulator}/2010-04-01/Accounts/{ACCOUNT}/Messages.json"

    async def call_again() -> None:
        for number in left:
            form = [
                ("To", f"+1555001{number % 200:04d}"),
                ("From", number_of(number % CHANNELS)),
                ("Body", f"direct {number}"),
                ("StatusCallback", f"{PUBLIC_URL}/status"),
            ]
            answer = await http.request("POST", url, form=form, auth=(ACCOUNT, TOKEN))
            if answer.status != 201:
                raise RuntimeError(f"the simulator answered {answer.status}")

    began = time.monotonic()
    await asyncio.gather(*(call_again() for _ in range(AT_ONCE)))
    took = time.monotonic() - began
    await http.aclose()
    return sends / took


async def send_stored(site: Site, threads: Sequence[str], *, sends: int, workers: int) -> float:
    """Sends that were stored before any worker ran, and then all leave."""
    [before] = await site.rows(LAST)
    await store_sends(site, threads, sends)
    names = [f"work{number}" for number in range(workers)]
    for name in names:
        site.start(name)
    await wait_for(lambda: site.rows(UNDONE), seconds=SETTLE_SECONDS, pause=0.2)
    for name in names:
        await asyncio.to_thread(site.stop, name)
    [span] = await site.rows(SPAN, before["id"])
    if span["sends"] != sends:
        raise RuntimeError(f"{span['sends']} of {sends} were sent")
    return float(sends / span["seconds"])


async def store_sends(site: Site, threads: Sequence[str], sends: int) -> None:
    """Answers in all conversations, as the API would store them."""
    http = Http()
    adapters = load_adapters(http)
    await open_database(await site.database_url(), size=WRITERS)
    try:
        left = iter(range(sends))
        await asyncio.gather(*(_store(left, threads, adapters) for _ in range(WRITERS)))
    finally:
        await close_database()
        await http.aclose()


async def _store(left: Any, threads: Sequence[str], adapters: dict[str, Adapter]) -> None:
    for number in left:
        reply = Reply(parts=[Text(text=f"stored {number}")], author=BOT)
        async with tx():
            await reply_to_conversation(
                read_id("cnv", threads[number % len(threads)]), reply, adapters=adapters, now=utc_now()
            )


def main() -> None:
    """Measure, and print the one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--sends", type=int, default=2000)
    options = parser.parse_args()
    if 3 * options.turns * options.sends > QUEUED_MESSAGES:
        parser.error(f"the simulator holds {QUEUED_MESSAGES} messages whose reports are still to come")
    with tempfile.TemporaryDirectory(prefix="switchboard-bench-") as folder:
        Path(folder).chmod(0o755)
        result = asyncio.run(measure(Path(folder), turns=options.turns, sends=options.sends))
    print(json.dumps(result))  # noqa: T201 (the result)


if __name__ == "__main__":
    main()
