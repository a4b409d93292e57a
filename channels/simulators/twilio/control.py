"""Driving the simulator over HTTP, below `/sim`: faults, handsets, numbers and the ledger. Not Twilio's; no auth."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from litestar import Response, get, post, put
from litestar.params import FromPath, FromQuery

from channels.simulators.faults import Faults
from channels.simulators.handsets import HandsetText
from channels.simulators.twilio.accounts import TwilioAccount, TwilioNumber
from channels.simulators.twilio.refusals import TwilioRefusal
from channels.simulators.twilio.rest import Call, answer_json, simulator_of
from channels.simulators.twilio.simulator import HandsetFile

Form = TypeVar("Form")


class TextFromHandset(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A text to send from a handset; `to` may be left out where there is one number. Files are base64."""

    body: str = ""
    to: str | None = None
    media: list[HandsetFile] = []
    wait: bool = True


class HandsetScreen(msgspec.Struct, kw_only=True, frozen=True):
    """What a handset shows, both ways, oldest first."""

    messages: list[HandsetText]


class HandsetList(msgspec.Struct, kw_only=True, frozen=True):
    """The numbers of all handsets that ever had a text."""

    handsets: list[str]


class NumberList(msgspec.Struct, kw_only=True, frozen=True):
    """The numbers the accounts own."""

    numbers: list[TwilioNumber]


@get("/sim/faults")
async def show_faults(request: Call) -> Response[bytes]:
    """The faults in force, forced ones that are used up left out."""
    return answer_json(simulator_of(request).faults)


@put("/sim/faults")
async def set_faults(request: Call) -> Response[bytes]:
    """Put other faults in force; what is left out is off."""
    simulator_of(request).faults = await _read_json(request, Faults)
    return answer_json(simulator_of(request).faults)


@get("/sim/ledger")
async def show_ledger(request: Call, since: FromQuery[int] = 0) -> Response[bytes]:
    """What was accepted and what handsets sent after this order, and how much is under way."""
    twilio = simulator_of(request)
    return answer_json(twilio.ledger.report_since(since, under_way=twilio.under_way))


@get("/sim/handsets")
async def list_handsets(request: Call) -> Response[bytes]:
    """All handsets that ever had a text."""
    return answer_json(HandsetList(handsets=simulator_of(request).handsets.known))


@get("/sim/handsets/{handset:str}/messages")
async def show_handset(request: Call, handset: FromPath[str]) -> Response[bytes]:
    """What this handset shows."""
    return answer_json(HandsetScreen(messages=simulator_of(request).handsets.texts_on(handset)))


@post("/sim/handsets/{handset:str}/messages", status_code=201)
async def send_from_handset(request: Call, handset: FromPath[str]) -> Response[bytes]:
    """Send a text from this handset; answers its line of the ledger, by default once its webhook is over."""
    text = await _read_json(request, TextFromHandset)
    try:
        message = await simulator_of(request).text_in(handset, text.body, to=text.to, media=text.media, wait=text.wait)
    except LookupError as error:
        raise TwilioRefusal(20404, str(error)) from error
    return answer_json(message, status=201)


@get("/sim/numbers")
async def list_numbers(request: Call) -> Response[bytes]:
    """The numbers the accounts own, with their hooks."""
    return answer_json(NumberList(numbers=list(simulator_of(request).numbers.values())))


@put("/sim/numbers/{number:str}")
async def set_number(request: Call, number: FromPath[str]) -> Response[bytes]:
    """Give an account a number, or point it at another hook."""
    twilio = simulator_of(request)
    described = await _read_json(request, TwilioNumber)
    if described.account_sid not in twilio.accounts or described.number != number:
        raise TwilioRefusal(20404, f"{described.account_sid} {described.number}")
    twilio.numbers[number] = described
    return answer_json(described)


@put("/sim/accounts/{sid:str}")
async def set_account(request: Call, sid: FromPath[str]) -> Response[bytes]:
    """Add an account, or rotate the tokens of one."""
    described = await _read_json(request, TwilioAccount)
    if described.sid != sid:
        raise TwilioRefusal(20404, described.sid)
    simulator_of(request).accounts[sid] = described
    return answer_json(described)


CONTROL_HANDLERS = (
    show_faults,
    set_faults,
    show_ledger,
    list_handsets,
    show_handset,
    send_from_handset,
    list_numbers,
    set_number,
    set_account,
)


async def _read_json(request: Call, kind: type[Form]) -> Form:
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except msgspec.DecodeError as error:  # a ValidationError is one, too
        raise TwilioRefusal(20001, str(error)) from error
