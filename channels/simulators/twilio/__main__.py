"""The simulated Twilio as a process: `python -m channels.simulators.twilio`, one JSON line when it is ready."""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Sequence

import msgspec

from channels.simulators.faults import Faults
from channels.simulators.serving import open_listener, origin_of, run_app
from channels.simulators.twilio.accounts import TwilioAccount, TwilioNumber
from channels.simulators.twilio.app import create_simulator
from channels.simulators.twilio.simulator import PACE_SECONDS, TwilioSimulator


class ReadyLine(msgspec.Struct, kw_only=True, frozen=True):
    """What the process says once it can be called."""

    url: str
    account: str
    token: str
    numbers: list[str]


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until a signal comes."""
    options = _options().parse_args(arguments)
    account = TwilioAccount(sid=options.account, token=options.token, api_keys=dict(options.api_key))
    listener = open_listener(options.port)
    twilio = TwilioSimulator(
        [account],
        [
            TwilioNumber(number=number, account_sid=account.sid, hook=options.hook, service=options.service)
            for number in options.number
        ],
        faults=options.faults,
        seed=options.seed,
        pace=options.pace,
        routes=_group_routes(options.route),
        url=origin_of(listener),
    )
    ready = ReadyLine(url=twilio.url, account=account.sid, token=account.token, numbers=options.number)
    run_app(create_simulator(twilio), listener, announcement=msgspec.json.encode(ready).decode())


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m channels.simulators.twilio", description=__doc__)
    add = parser.add_argument
    add("--port", type=int, default=0, help="loopback port of the REST side; by default a free one")
    add("--account", default="AC" + secrets.token_hex(16), help="account sid; by default a new one")
    add("--token", default=secrets.token_hex(16), help="auth token; by default a new one")
    add("--api-key", type=_pair, action="append", default=[], metavar="SID=SECRET", help="may be given again")
    add("--number", action="append", default=[], metavar="E164", help="a number the account owns; may be given again")
    add("--hook", metavar="URL", help="incoming-message URL of all numbers; PUT /sim/numbers/... sets another")
    add("--service", metavar="MG...", help="the messaging service the numbers belong to")
    add("--route", type=_pair, action="append", default=[], metavar="ORIGIN=ORIGIN", help="public origin to a real one")
    add("--pace", type=float, default=PACE_SECONDS, help="seconds from one delivery status to the next")
    add("--seed", type=int, default=7, help="of the faults")
    add("--faults", type=_read_faults, default=Faults(), metavar="JSON", help="as PUT /sim/faults takes them")
    return parser


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text} has no =")
    return name, value


def _read_faults(text: str) -> Faults:
    try:
        return msgspec.json.decode(text, type=Faults)
    except msgspec.DecodeError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _group_routes(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    routes: dict[str, list[str]] = {}
    for public, real in pairs:
        routes.setdefault(public, []).append(real)
    return routes


if __name__ == "__main__":
    main()
