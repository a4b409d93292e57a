"""Text messages by Twilio: what a channel of it is, and what it sends."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree

import msgspec
import pytest

from channels.contract import (
    Account,
    Adapter,
    ChannelSettings,
    Hooked,
    Media,
    MediaFetching,
    OutboundMessage,
    Sent,
    WebhookRequest,
)
from channels.errors import Rejected, SendFailed
from channels.events import Address, DeliveryReported
from channels.http import Http
from channels.limits import fit
from channels.parts import AnyPart, Attachment, Audio, File, Html, Image, Text
from channels.sms.twilio import LIMITS, TwilioSms, TwilioSmsSettings
from tests.channels.local_server import Answer, Peer, serve
from tests.channels.sms.twilio_samples import ACCOUNT, HOOK, OURS, SERVICE, SID, THEIRS, TOKEN, adapter, channel, posted
from tests.channels.vendors.twilio_server import CREATED, answer

JPEG = Attachment(url="https://files.example/a.jpg", media_type="image/jpeg")
PDF = Attachment(url="https://files.example/b.pdf", media_type="application/pdf")


def outbound(parts: Sequence[AnyPart] = (Text(text="On its way."),), **changes: Any) -> OutboundMessage:
    """A message to a customer."""
    message = OutboundMessage(reference="msg_01jd3w0c2m", to=Address(kind="phone", value=THEIRS), parts=list(parts))
    return msgspec.structs.replace(message, **changes)


def deliver(message: OutboundMessage, *answers: Answer, **settings: Any) -> tuple[Sent | SendFailed, Peer]:
    """Send one message to a server that answers as Twilio does: the result, and what the server saw."""

    async def scenario() -> tuple[Sent | SendFailed, Peer]:
        http = Http(allow=["127.0.0.0/8"])
        async with serve(*(answers or [CREATED])) as peer:
            try:
                return await TwilioSms(http).send(channel(api_url=peer.url, **settings), message), peer
            except SendFailed as failure:
                return failure, peer
            finally:
                await http.aclose()

    return asyncio.run(scenario())


def form_of(peer: Peer) -> list[tuple[str, str]]:
    """The form of the one request the server saw."""
    (request,) = peer.requests
    return parse_qsl(request.partition(b"\r\n\r\n")[2].decode(), keep_blank_values=True)


def test_it_is_what_the_gateway_asks_of_a_channel() -> None:
    """The adapter has the contract's methods, and declares its webhooks and its abilities by having them."""
    twilio = adapter()
    contract: Adapter = twilio
    assert isinstance(twilio, Hooked)
    assert isinstance(twilio, MediaFetching)
    assert (contract.name, contract.medium, contract.provider) == ("sms-twilio", "sms", "twilio")
    assert sorted(twilio.kinds) == ["message", "status"]
    assert (twilio.retries, twilio.body_limit) == (False, 1_000_000)


def test_its_answer_to_twilio_is_empty_twiml() -> None:
    """Twilio sends nothing back to the customer of its own."""
    accepted = adapter().accepted
    document = ElementTree.fromstring(accepted.body)
    assert (accepted.status, accepted.media_type) == (200, "text/xml")
    assert (document.tag, len(document), document.text) == ("Response", 0, None)


def test_a_message_leaves_from_our_number_and_reports_back_with_our_reference() -> None:
    """Text, both numbers and the address for reports, which carries our own id."""
    result, peer = deliver(outbound())
    assert result == Sent(provider_message_id=SID, detail="queued")
    assert form_of(peer) == [
        ("To", THEIRS),
        ("StatusCallback", f"{HOOK}/status?ref=msg_01jd3w0c2m"),
        ("From", OURS),
        ("Body", "On its way."),
    ]


def test_an_odd_reference_survives_the_url() -> None:
    """What we put into the URL is what we read from it."""
    _, peer = deliver(outbound(reference="a b&c=d/é#"))
    callback = dict(form_of(peer))["StatusCallback"]
    (report,) = adapter().parse(channel(), posted("status", callback.removeprefix(f"{HOOK}/status")))
    assert re.fullmatch(r"[\x21-\x7e]+", callback)
    assert isinstance(report, DeliveryReported)
    assert report.reference == "a b&c=d/é#"


@pytest.mark.parametrize(
    ("settings", "sender", "expected"),
    [
        ({}, None, {"From": OURS}),
        ({"numbers": [OURS, "+14155550177"]}, "+14155550177", {"From": "+14155550177"}),
        ({"messaging_service_sid": SERVICE}, None, {"MessagingServiceSid": SERVICE}),
        ({"messaging_service_sid": SERVICE, "numbers": []}, None, {"MessagingServiceSid": SERVICE}),
        ({"messaging_service_sid": SERVICE}, OURS, {"MessagingServiceSid": SERVICE, "From": OURS}),
    ],
)
def test_who_it_comes_from(settings: dict[str, Any], sender: str | None, expected: dict[str, str]) -> None:
    """A reply keeps the number the customer wrote to; else the service picks, or the first number writes."""
    _, peer = deliver(outbound(sender=sender), **settings)
    assert {name: value for name, value in form_of(peer) if name in {"From", "MessagingServiceSid"}} == expected


def test_files_go_by_their_address() -> None:
    """Each file is a URL Twilio fetches; the words go with them, or are left out where there are none."""
    _, both = deliver(outbound([Text(text="see"), Image(attachment=JPEG), File(attachment=PDF)]))
    _, alone = deliver(outbound([Audio(attachment=JPEG)]))
    assert [pair for pair in form_of(both) if pair[0] in {"Body", "MediaUrl"}] == [
        ("Body", "see"),
        ("MediaUrl", JPEG.url),
        ("MediaUrl", PDF.url),
    ]
    assert "Body" not in dict(form_of(alone))


@pytest.mark.parametrize("parts", [[], [Text(text=" ")], [Image(attachment=Attachment(media_type="image/png"))]])
def test_what_cannot_be_sent_is_refused_before_anything_leaves(parts: list[AnyPart]) -> None:
    """A message of nothing, or a file without an address, costs no request."""
    failure, peer = deliver(outbound(parts))
    assert isinstance(failure, Rejected)
    assert peer.connections == 0


def test_what_fits_the_limits_can_be_sent() -> None:
    """Long text and many files, cut by the channel's limits, become messages Twilio accepts."""
    pieces = fit([Text(text="word " * 700), Html(html="<p>a</p><p>b</p>"), *[Image(attachment=JPEG)] * 12], LIMITS)
    forms = [form_of(deliver(outbound(piece.parts))[1]) for piece in pieces]
    assert [len(dict(form).get("Body", "")) <= 1_600 for form in forms] == [True] * 5
    assert [sum(name == "MediaUrl" for name, _ in form) for form in forms] == [0, 0, 0, 10, 2]


@pytest.mark.skipif("SWITCHBOARD_TESTDATA" not in os.environ, reason="SWITCHBOARD_TESTDATA is not set")
@pytest.mark.parametrize("settings", [{}, {"messaging_service_sid": SERVICE}])
def test_every_path_and_field_we_send_is_known_to_twilio(settings: dict[str, Any]) -> None:
    """Twilio's own description has the operation, each field of ours, and the media a request names."""
    document = json.loads((Path(os.environ["SWITCHBOARD_TESTDATA"]) / "specs" / "twilio_api_v2010.json").read_bytes())
    _, peer = deliver(outbound([Text(text="see"), Image(attachment=JPEG)], sender=OURS), **settings)
    method, path, _ = peer.requests[0].partition(b"\r\n")[0].decode().split(" ")
    known = {
        template: operations
        for template, operations in document["paths"].items()
        if re.fullmatch(re.sub(r"\\\{\w+\\\}", r"[A-Z]{2}[0-9a-f]{32}", re.escape(template)), path)
    }
    ((_, operations),) = known.items()
    fields = operations[method.lower()]["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"][
        "properties"
    ]
    assert {name for name, _ in form_of(peer)} <= set(fields)
    assert all(re.search(fields[name].get("pattern", ""), value) for name, value in form_of(peer))


def test_a_received_file_is_fetched_with_the_accounts_credentials() -> None:
    """The ability to fetch goes to Twilio's store, and to no other place."""

    async def scenario() -> tuple[Media, Peer]:
        http = Http(allow=["127.0.0.0/8"])
        async with serve(answer(200, b"GIF89a", content_type="image/gif")) as peer:
            account = channel(api_url=peer.url)
            media = await TwilioSms(http).fetch_media(account, Attachment(url=f"{peer.url}/Media/ME1"))
            for url in (None, "", "https://files.example/x"):
                with pytest.raises(Rejected):
                    await TwilioSms(http).fetch_media(account, Attachment(url=url))
            await http.aclose()
            return media, peer

    media, peer = asyncio.run(scenario())
    assert (media.content, media.media_type, len(peer.requests)) == (b"GIF89a", "image/gif", 1)
    assert b"authorization: Basic " in peer.requests[0]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"numbers": []}, "numbers and messaging_service_sid"),
        ({"numbers": ["0170 1234567"]}, "E.164"),
        ({"numbers": ["+4917012345678901234"]}, "E.164"),
        ({"numbers": [OURS, "whatsapp:+14155550199"]}, "E.164"),
        ({"messaging_service_sid": "SM" + "0" * 32}, "messaging_service_sid"),
        ({"account_sid": "nobody"}, "account_sid"),
        ({"surprise": "x"}, "surprise"),
    ],
)
def test_a_channel_that_cannot_work_is_not_made(changes: dict[str, Any], complaint: str) -> None:
    """Wrong settings are refused when they are entered, with the name of the one that is wrong."""
    given = {"account_sid": ACCOUNT, "auth_token": TOKEN, "numbers": [OURS]} | changes
    with pytest.raises(msgspec.ValidationError, match=complaint):
        msgspec.convert(given, TwilioSmsSettings)


def test_a_channel_knows_its_addresses_and_whose_it_is() -> None:
    """The first number is the one we write from; channels of one account are one realm."""
    settings = channel(numbers=[OURS, "72975"], messaging_service_sid=SERVICE).settings
    assert (settings.addresses, settings.realm) == ((OURS, "72975"), ACCOUNT)
    assert channel(numbers=[], messaging_service_sid=SERVICE).settings.addresses == ()


def test_settings_of_another_adapter_are_a_mistake_of_ours() -> None:
    """A mix-up of channels is an error in the program, not an event of the provider."""
    stranger = Account(channel_id="cha_x", settings=ChannelSettings(), hook_url=HOOK)
    request = WebhookRequest(kind="message", method="POST", url=HOOK, headers={}, body=b"")
    with pytest.raises(TypeError, match="cha_x"):
        adapter().verify(stranger, request)


def test_the_steps_of_set_up_name_the_exact_address() -> None:
    """The operator copies one URL: to each number, or to the messaging service where there is one."""
    numbers = adapter().setup_steps(channel(numbers=[OURS, "+14155550177"]))
    service = adapter().setup_steps(channel(messaging_service_sid=SERVICE))
    assert [step.value for step in numbers if step.value] == [f"{HOOK}/message"] * 2
    assert [step.value for step in service if step.value] == [f"{HOOK}/message"]
    assert all("Messaging" in step.detail for step in [numbers[0], service[0]])
