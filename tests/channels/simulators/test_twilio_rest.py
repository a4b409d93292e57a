"""The REST side answers as Twilio's does, in its documents and in its errors."""

from __future__ import annotations

import asyncio
import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from openapi_schema_validator import OAS30Validator
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from channels.simulators.twilio import HandsetFile, TwilioAccount, TwilioNumber, TwilioSimulator
from channels.simulators.twilio.refusals import TwilioRefusal
from channels.simulators.twilio.resources import CreateMessage, read_create_form
from tests.channels.simulators.twilio_receiver import ACCOUNT, HANDSET, MESSAGES, NUMBER, TOKEN, provider

SERVICE = "MG" + "5" * 32
SUB_ACCOUNT = "AC" + "2" * 32


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    """Twilio's own OpenAPI description, its references put in place."""
    if "SWITCHBOARD_TESTDATA" not in os.environ:
        pytest.skip("SWITCHBOARD_TESTDATA is not set: Twilio's description is not at hand")
    path = Path(os.environ["SWITCHBOARD_TESTDATA"]) / "specs" / "twilio_api_v2010.json"
    document: dict[str, Any] = json.loads(path.read_bytes())
    return document


def test_a_created_message_is_answered_as_twilio_describes_it(description: dict[str, Any]) -> None:
    """The answer to a new message has exactly the fields of Twilio's schema, each valid, and starts as queued."""

    async def run() -> httpx.Response:
        async with provider() as twilio:
            return await twilio.send("Grüße")

    answer = asyncio.run(run())
    assert answer.status_code == 201
    message = answer.json()
    _assert_valid(message, "api.v2010.account.message", description)
    assert message["status"] == "queued"
    assert (message["from"], message["to"], message["body"]) == (NUMBER, HANDSET, "Grüße")
    assert (message["num_segments"], message["error_code"], message["date_sent"]) == ("1", None, None)
    assert re.fullmatch(r"SM[0-9a-f]{32}", message["sid"])
    assert message["uri"] == MESSAGES.replace(".json", f"/{message['sid']}.json")
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000", message["date_created"])


def test_accounts_lists_and_files_are_shown_as_twilio_describes_them(description: dict[str, Any]) -> None:
    """The account, a page of messages and a file's entry are valid under Twilio's schemas."""

    async def run() -> tuple[Any, Any, Any]:
        async with provider() as twilio:
            text = await twilio.twilio.text_in(HANDSET, "", media=[HandsetFile(content_type="image/png", content=b"p")])
            media = MESSAGES.replace(".json", f"/{text.sid}/Media.json")
            paths = (f"/2010-04-01/Accounts/{ACCOUNT}.json", MESSAGES, media)
            account, messages, files = [(await twilio.rest.get(path)).json() for path in paths]
            return account, messages, files

    account, messages, files = asyncio.run(run())
    _assert_valid(account, "api.v2010.account", description)
    _assert_valid(messages["messages"][0], "api.v2010.account.message", description)
    _assert_valid(files["media_list"][0], "api.v2010.account.message.media", description)
    listing = description["paths"]["/2010-04-01/Accounts/{AccountSid}/Messages.json"]["get"]
    assert set(messages) == set(listing["responses"]["200"]["content"]["application/json"]["schema"]["properties"])


def test_exactly_twilios_fields_are_known(description: dict[str, Any]) -> None:
    """The form of a new message has every field Twilio describes and no other."""
    creating = description["paths"]["/2010-04-01/Accounts/{AccountSid}/Messages.json"]["post"]
    form = creating["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]["properties"]
    assert set(CreateMessage.__struct_encode_fields__) == set(form)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"To": ""}, 21604),
        ({"From": ""}, 21603),
        ({"Body": ""}, 21602),
        ({"To": "12345"}, 21211),
        ({"To": NUMBER}, 21266),
        ({"From": "+15550199999"}, 21606),
        ({"Body": "x" * 1601}, 21617),
        ({"StatusCallback": "ftp://example.com"}, 21609),
        ({"From": "", "MessagingServiceSid": SERVICE}, 21701),
        ({"MessagingServiceSid": "no sid"}, 20001),
        ({"Colour": "blue"}, 20001),
        ({"ValidityPeriod": "soon"}, 20001),
        ({"ContentSid": "HX" + "0" * 32}, 20001),
    ],
)
def test_what_twilio_refuses_is_refused_with_its_code(fields: dict[str, str], code: int) -> None:
    """Each mistake gets Twilio's code, and nothing is accepted."""
    twilio = TwilioSimulator(
        [TwilioAccount(sid=ACCOUNT, token=TOKEN)], [TwilioNumber(number=NUMBER, account_sid=ACCOUNT)]
    )
    form = {"To": HANDSET, "From": NUMBER, "Body": "Hello"} | fields
    with pytest.raises(TwilioRefusal) as refusal:
        twilio.accept_message(ACCOUNT, read_create_form(urlencode(form).encode()))
    assert (refusal.value.body.code, refusal.value.body.status) == (code, 400)
    assert twilio.ledger.accepted == []


@pytest.mark.parametrize("body", [b"\xff\xfe", b"To", b"To=%ff"])
def test_a_body_that_is_no_form_is_refused(body: bytes) -> None:
    """Bytes that are not a form get a refusal with code 20001, never a failure of ours."""
    with pytest.raises(TwilioRefusal) as refusal:
        read_create_form(body)
    assert refusal.value.body.code == 20001


def test_a_refusal_is_answered_in_twilios_document() -> None:
    """A refusal has the HTTP status and the four fields of Twilio's errors, and names the subject."""

    async def run() -> httpx.Response:
        async with provider() as twilio:
            return await twilio.send(to="12345")

    answer = asyncio.run(run())
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/json")
    assert answer.json() == {
        "code": 21211,
        "message": "Invalid 'To' Phone Number: 12345",
        "more_info": "https://www.twilio.com/docs/errors/21211",
        "status": 400,
    }


def test_ten_files_are_taken_and_eleven_refused() -> None:
    """MediaUrl may be given ten times, and then counts; an eleventh is refused with 21623."""

    async def run() -> list[httpx.Response]:
        async with provider() as twilio:
            form = {"To": HANDSET, "From": NUMBER}
            urls = [f"https://example.com/{index}.png" for index in range(11)]
            return [await twilio.rest.post(MESSAGES, data={**form, "MediaUrl": urls[:count]}) for count in (10, 11)]

    taken, refused = asyncio.run(run())
    assert (taken.status_code, taken.json()["num_media"], taken.json()["sid"][:2]) == (201, "10", "MM")
    assert (refused.status_code, refused.json()["code"]) == (400, 21623)


def test_only_an_accounts_own_credentials_open_it() -> None:
    """Token, second token, API key and the parent's token open an account; anything else is 401 with 20003."""

    async def run() -> dict[str, int]:
        async with provider() as twilio:
            accounts = twilio.twilio.accounts
            accounts[SUB_ACCOUNT] = TwilioAccount(
                sid=SUB_ACCOUNT, token="own", secondary_token="next", api_keys={"SK1": "secret"}, owner=ACCOUNT
            )
            asked = {
                "own": (SUB_ACCOUNT, "own"),
                "second": (SUB_ACCOUNT, "next"),
                "key": ("SK1", "secret"),
                "parent": (ACCOUNT, TOKEN),
                "wrong": (SUB_ACCOUNT, "guess"),
                "unknown key": ("SK2", "secret"),
                "nothing": ("", ""),
            }
            path = f"/2010-04-01/Accounts/{SUB_ACCOUNT}.json"
            return {name: (await twilio.rest.get(path, auth=pair)).status_code for name, pair in asked.items()}

    opened = {"own": 200, "second": 200, "key": 200, "parent": 200}
    assert asyncio.run(run()) == {**opened, "wrong": 401, "unknown key": 401, "nothing": 401}


def test_a_sub_account_opens_nothing_of_its_parent() -> None:
    """The credentials of a sub-account are refused at the parent, with Twilio's error and a challenge."""

    async def run() -> httpx.Response:
        async with provider() as twilio:
            twilio.twilio.accounts[SUB_ACCOUNT] = TwilioAccount(sid=SUB_ACCOUNT, token="own", owner=ACCOUNT)
            return await twilio.rest.get(MESSAGES, auth=(SUB_ACCOUNT, "own"))

    answer = asyncio.run(run())
    assert (answer.status_code, answer.json()["code"]) == (401, 20003)
    assert answer.headers["www-authenticate"].startswith("Basic ")


def test_what_does_not_exist_is_answered_in_twilios_words() -> None:
    """Unknown paths, messages and methods get Twilio's error document, not the framework's."""

    async def run() -> list[tuple[int, int]]:
        async with provider() as twilio:
            answers = [
                await twilio.rest.get("/2010-04-01/Nothing.json"),
                await twilio.rest.get(MESSAGES.replace(".json", f"/SM{'0' * 32}.json")),
                await twilio.rest.delete(MESSAGES),
            ]
            return [(answer.status_code, answer.json()["code"]) for answer in answers]

    assert asyncio.run(run()) == [(404, 20404), (404, 20404), (405, 20405)]


def test_a_messaging_service_names_its_sender_only_later() -> None:
    """Through a service a message is accepted without sender or segments, and gets both before it is sent."""
    number = TwilioNumber(number=NUMBER, account_sid=ACCOUNT, service=SERVICE)

    async def run() -> tuple[Any, Any, list[str]]:
        async with provider(number=number) as twilio:
            first = (await twilio.send(From="", MessagingServiceSid=SERVICE)).json()
            await twilio.twilio.settle()
            later = (await twilio.rest.get(first["uri"])).json()
            return first, later, twilio.receiver.told("MessageStatus")

    first, later, told = asyncio.run(run())
    assert (first["status"], first["from"], first["num_segments"]) == ("accepted", None, "0")
    assert first["messaging_service_sid"] == SERVICE
    assert (later["status"], later["from"], later["num_segments"]) == ("delivered", NUMBER, "1")
    assert told == ["accepted", "queued", "sent", "delivered"]


def test_media_need_credentials_and_their_storage_refuses_them() -> None:
    """The media URL redirects who may ask to an address that works without credentials, and only without."""

    async def run() -> tuple[list[int], bytes, str]:
        async with provider() as twilio:
            await twilio.twilio.text_in(HANDSET, "", media=[HandsetFile(content_type="image/png", content=b"\x89PNG")])
            url = twilio.receiver.told("MediaUrl0")[0]
            stranger = await twilio.rest.get(url, auth=("", ""))
            redirect = await twilio.rest.get(url)
            target = redirect.headers["location"]
            with_credentials = await twilio.rest.get(target)
            async with httpx.AsyncClient(trust_env=False) as anybody:
                file = await anybody.get(target)
            statuses = [answer.status_code for answer in (stranger, redirect, with_credentials, file)]
            return statuses, file.content, file.headers["content-type"]

    assert asyncio.run(run()) == ([401, 302, 400, 200], b"\x89PNG", "image/png")


def test_twilios_own_client_creates_fetches_lists_and_reads_errors() -> None:
    """The twilio package, told our address, works the message resource, and raises our errors as its own."""

    def use_client(url: str) -> tuple[list[str], str, int]:
        client = Client(ACCOUNT, TOKEN)
        client.api.base_url = url
        created = [client.messages.create(to=HANDSET, from_=NUMBER, body=f"{index}") for index in range(5)]
        listed = client.messages.list(to=HANDSET, page_size=2)
        fetched = client.messages(created[0].sid).fetch()
        with pytest.raises(TwilioRestException) as refusal:
            client.messages.create(to="nobody", from_=NUMBER, body="x")
        client.http_client.session.close()
        assert [message.sid for message in listed] == [message.sid for message in reversed(created)]
        assert created[0].date_created is not None
        return [message.body for message in listed], fetched.body, refusal.value.code

    async def run() -> tuple[list[str], str, int]:
        async with provider() as twilio:
            return await asyncio.to_thread(use_client, twilio.twilio.url)

    assert asyncio.run(run()) == (["4", "3", "2", "1", "0"], "0", 21211)


def _assert_valid(document: dict[str, Any], name: str, description: dict[str, Any]) -> None:
    schemas = description["components"]["schemas"]
    assert set(document) == set(schemas[name]["properties"])
    schema = json.loads(json.dumps(schemas[name]).replace("#/components/schemas/", "#/$defs/"))
    schema["$defs"] = {key: value for key, value in schemas.items() if "_enum_" in key}
    OAS30Validator(schema).validate(document)
