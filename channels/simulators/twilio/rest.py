"""Twilio's REST side: messages, media and accounts, with its errors and with the faults asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, TypeAlias

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import FromPath

from channels.simulators.faults import CallFault, Faults, choose_call_fault, choose_pause
from channels.simulators.ledger import MediaFile, Message
from channels.simulators.silence import Silence
from channels.simulators.twilio.accounts import TwilioAccount, may_use_account, read_basic_auth
from channels.simulators.twilio.listing import page_twilio_messages, read_list_query
from channels.simulators.twilio.refusals import TwilioRefusal
from channels.simulators.twilio.resources import (
    read_create_form,
    show_incoming_numbers,
    show_twilio_account,
    show_twilio_media,
    show_twilio_media_page,
    show_twilio_message,
)
from channels.simulators.twilio.simulator import TwilioSimulator
from channels.simulators.twilio.webhooks import API_VERSION

Call: TypeAlias = Request[Any, Any, State]

ACCOUNTS = f"/{API_VERSION}/Accounts"
JSON = ".json"

FAULT_ANSWERS: dict[CallFault, Callable[[TwilioSimulator], Response[bytes]]] = {
    "throttle": lambda twilio: answer_refusal(
        TwilioRefusal(20429), headers={"Retry-After": _retry_after(twilio.faults)}
    ),
    "unavailable": lambda twilio: answer_refusal(TwilioRefusal(20503)),
    "error": lambda twilio: answer_refusal(TwilioRefusal(20500, status=twilio.faults.broken_status)),
    "error_after": lambda twilio: answer_refusal(TwilioRefusal(20500, status=twilio.faults.broken_status)),
    "cut": lambda twilio: Silence(),
    "drop": lambda twilio: Silence(),
    "hang": lambda twilio: Silence(until=twilio.stopping),
}
BEFORE_TAKING: frozenset[CallFault] = frozenset({"throttle", "unavailable", "error", "cut"})


@post(f"{ACCOUNTS}/{{account_sid:str}}/Messages.json", status_code=201)
async def create_twilio_message(request: Call, account_sid: FromPath[str]) -> Response[bytes]:
    """Take a message, or do what the faults ask for instead; only this call knows faults."""
    twilio = simulator_of(request)
    open_account(request, account_sid)
    fault = choose_call_fault(twilio.faults, twilio.dice)
    if fault in BEFORE_TAKING:
        return FAULT_ANSWERS[fault](twilio)
    message = twilio.accept_message(account_sid, read_create_form(await request.body()))
    answer = answer_json(show_twilio_message(message), status=201)
    if pause := choose_pause(twilio.dice, twilio.faults.answer_delay):
        await asyncio.sleep(pause)
    if fault != "none":
        return FAULT_ANSWERS[fault](twilio)
    message.answered = True
    return answer


@get(f"{ACCOUNTS}/{{account_sid:str}}/Messages.json")
async def list_twilio_messages(request: Call, account_sid: FromPath[str]) -> Response[bytes]:
    """The account's messages, newest first, filtered and paged."""
    open_account(request, account_sid)
    query = read_list_query(request.scope["query_string"].decode("ascii", "replace"))
    messages = [found for found in simulator_of(request).ledger.messages.values() if found.account_sid == account_sid]
    return answer_json(page_twilio_messages(request.scope["path"], query, messages))


@get(f"{ACCOUNTS}/{{account_sid:str}}/Messages/{{sid:str}}")
async def fetch_twilio_message(request: Call, account_sid: FromPath[str], sid: FromPath[str]) -> Response[bytes]:
    """One message as it stands."""
    return answer_json(show_twilio_message(_find_message(request, account_sid, sid=_bare_sid(sid))))


@get(f"{ACCOUNTS}/{{account_sid:str}}/Messages/{{sid:str}}/Media.json")
async def list_twilio_media(request: Call, account_sid: FromPath[str], sid: FromPath[str]) -> Response[bytes]:
    """The files a handset sent with a message."""
    message = _find_message(request, account_sid, sid=sid)
    return answer_json(show_twilio_media_page(message))


@get(f"{ACCOUNTS}/{{account_sid:str}}/Messages/{{sid:str}}/Media/{{media_sid:str}}")
async def fetch_twilio_media(
    request: Call, account_sid: FromPath[str], sid: FromPath[str], media_sid: FromPath[str]
) -> Response[bytes]:
    """With `.json` what is known of the file, without it a redirect to where its bytes lie."""
    message = _find_message(request, account_sid, sid=sid)
    file = _find_file(message, media_sid.removesuffix(JSON))
    if media_sid.endswith(JSON):
        return answer_json(show_twilio_media(message, file))
    return Response(b"", status_code=302, headers={"Location": f"{simulator_of(request).url}/media/{file.ticket}"})


@get("/media/{ticket:str}")
async def download_twilio_media(request: Call, ticket: FromPath[str]) -> Response[bytes]:
    """The bytes, for whoever holds the address; credentials are refused, as signed storage addresses refuse them."""
    if "authorization" in request.headers:
        return Response(b"Only one auth mechanism allowed", status_code=400, media_type="text/plain")
    content_type, content = simulator_of(request).ledger.files.get(ticket, ("", b""))
    if not content_type:
        raise TwilioRefusal(20404, request.scope["path"])
    return Response(content, media_type=content_type)


@get(f"{ACCOUNTS}/{{account_sid:str}}")
async def fetch_twilio_account(request: Call, account_sid: FromPath[str]) -> Response[bytes]:
    """The account itself: what a check of credentials asks for."""
    account = open_account(request, _bare_sid(account_sid))
    return answer_json(show_twilio_account(account))


@get(f"{ACCOUNTS}/{{account_sid:str}}/IncomingPhoneNumbers.json")
async def list_incoming_numbers(request: Call, account_sid: FromPath[str]) -> Response[bytes]:
    """The account's numbers, or the one that is asked for, with where they post what they receive."""
    account = open_account(request, account_sid)
    wanted = request.query_params.get("PhoneNumber")
    numbers = [one for one in simulator_of(request).numbers.values() if one.account_sid == account.sid]
    return answer_json(show_incoming_numbers([one for one in numbers if wanted in {None, one.number}]))


TWILIO_HANDLERS = (
    create_twilio_message,
    list_twilio_messages,
    fetch_twilio_message,
    list_twilio_media,
    fetch_twilio_media,
    download_twilio_media,
    fetch_twilio_account,
    list_incoming_numbers,
)


def simulator_of(request: Call) -> TwilioSimulator:
    """The simulator this application serves."""
    twilio: TwilioSimulator = request.app.state.twilio
    return twilio


def open_account(request: Call, sid: str) -> TwilioAccount:
    """The account, for whoever holds its credentials; a refusal with code 20003 for anybody else."""
    accounts = simulator_of(request).accounts
    account = accounts.get(sid)
    credentials = read_basic_auth(request.headers.get("authorization", ""))
    if account is None or not may_use_account(account, credentials, accounts=accounts):
        raise TwilioRefusal(20003)
    return account


def answer_json(content: msgspec.Struct, *, status: int = 200) -> Response[bytes]:
    """A JSON answer."""
    return Response(msgspec.json.encode(content), status_code=status, media_type="application/json")


def answer_refusal(refusal: TwilioRefusal, *, headers: dict[str, str] | None = None) -> Response[bytes]:
    """An error as Twilio answers it."""
    answer = answer_json(refusal.body, status=refusal.body.status)
    answer.headers.update(headers or {})
    if refusal.body.status == 401:
        answer.headers["WWW-Authenticate"] = 'Basic realm="Twilio API"'
    return answer


def _retry_after(faults: Faults) -> str:
    """How long to wait, or until when."""
    if not faults.retry_after_date:
        return str(faults.retry_after)
    return format_datetime(datetime.now(UTC) + timedelta(seconds=faults.retry_after), usegmt=True)


def _find_message(request: Call, account_sid: str, *, sid: str) -> Message:
    open_account(request, account_sid)
    message = simulator_of(request).ledger.messages.get(sid)
    if message is None or message.account_sid != account_sid:
        raise TwilioRefusal(20404, request.scope["path"])
    return message


def _find_file(message: Message, sid: str) -> MediaFile:
    for file in message.media:
        if file.sid == sid:
            return file
    raise TwilioRefusal(20404, sid)


def _bare_sid(name: str) -> str:
    if not name.endswith(JSON):
        raise TwilioRefusal(20404, name)
    return name.removesuffix(JSON)
