"""Texts as a process of its own, so that very many cost the run no time: `python -m tests.faults.flood --rate ...`."""

from __future__ import annotations

import argparse
import asyncio
import os
from itertools import islice
from pathlib import Path

import uvloop

from tests.faults.history import History
from tests.faults.load import at_rate, blow, endless_operations
from tests.faults.texts import open_texter

SENDERS = 200


async def flood(options: argparse.Namespace) -> None:
    """Send at the rate, each text once."""
    history = History(options.history)
    operations = endless_operations(options.tag, senders=SENDERS, prefix=options.prefix)
    deliveries = at_rate(list(islice(operations, int(options.rate * options.seconds))), options.rate)
    async with open_texter(options.server, channel=options.channel, number=options.number, tries=1) as texter:
        await blow(deliveries, texter.deliver, history)
    history.close()


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--server", action="append", required=True)
    add("--channel", required=True)
    add("--number", type=int, default=0)
    add("--rate", type=float, required=True)
    add("--seconds", type=float, required=True)
    add("--history", type=Path, required=True)
    add("--tag", required=True)
    add("--prefix", default="+1555700")
    os.nice(10)  # it plays other machines: what it asks costs the gateways' machine nothing but the answers
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(flood(parser.parse_args()))


if __name__ == "__main__":
    main()
