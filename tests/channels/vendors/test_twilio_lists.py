"""Twilio's list of messages read as ours, page by page, and its records as the webhooks they would have been."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from channels.contract import RECONCILED, ListedMessage, ListedPage, Listing, RawEvent, Reconciling
from channels.errors import Malformed, SendFailed, Throttled, Unreachable
from channels.events import ConsentChanged, DeliveryReported, MessageReceived
from channels.http import Http
from channels.parts import Image
from channels.sms.twilio import TwilioSms
from tests.channels.local_server import Answer, Peer
from tests.channels.sms.twilio_samples import ACCOUNT, OURS, SERVICE, SID, THEIRS, adapter, channel, posted
from tests.channels.vendors.twilio_server import against, answer, head_of

SINCE = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
UNTIL = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
WITHIN = "Sat, 21 Nov 2026 09:00:00 +0000"
LONG_AGO = "Fri, 20 Nov 2026 09:00:00 +0000"
MESSAGES = f"/2010-04-01/Accounts/{ACCOUNT}/Messages"


def record(sid: str = SID, **changes: Any) -> dict[str, Any]:
    """A message resource; inbound unless told otherwise."""
    usual = {
        "sid": sid, "account_sid": ACCOUNT, "direction": "inbound", "status": "received", "to": OURS, "from": THEIRS,
        "body": "hello", "num_media": "0", "date_created": WITHIN, "date_sent": WITHIN, "error_code": None,
        "error_message": None, "messaging_service_sid": None, "price": None,
    }  # fmt: skip
    return usual | changes


NOBODY: dict[str, Any] = {"from": None}


def sent(sid: str, status: str = "delivered", **changes: Any) -> dict[str, Any]:
    """A message of ours."""
    return record(sid, **{"direction": "outbound-api", "status": status, "to": THEIRS, "from": OURS} | changes)


def page(*records: dict[str, Any], following: str | None = None) -> bytes:
    """One page of the list as Twilio answers it."""
    return answer(200, {"messages": list(records), "next_page_uri": following, "page_size": 200})


def walk(
    *answers: Answer, recipient: str | None = None, **settings: Any
) -> tuple[list[ListedMessage], list[str], SendFailed | None]:
    """The whole list: what is ours, what was asked for, and the failure if there was one."""
    found: list[ListedMessage] = []

    async def work(http: Http, peer: Peer) -> None:
        twilio, cursor = TwilioSms(http), None
        account = channel(api_url=peer.url, **settings)
        while True:
            listing = Listing(since=SINCE, until=UNTIL, recipient=recipient)
            got: ListedPage = await twilio.list_messages(account, listing, cursor=cursor)
            found.extend(got.messages)
            cursor = got.cursor
            if cursor is None:
                return

    result, peer = against(*answers, work=work)
    asked = [head_of(request)[0].split(" ")[1] for request in peer.requests]
    return found, asked, result if isinstance(result, SendFailed) else None


def test_twilio_is_a_provider_with_a_list() -> None:
    """The adapter has the ability by having its methods."""
    assert isinstance(adapter(), Reconciling)


def test_each_number_is_listed_both_ways_and_every_page_is_read() -> None:
    """To and from our number, page after page; only what was written within the span is told."""
    following = f"{MESSAGES}.json?PageSize=200&Page=1&To=x"
    found, asked, _ = walk(
        page(record("SM1"), record("SM2"), following=following), page(record("SM3")), page(sent("SM4"))
    )
    assert [(one.provider_message_id, one.direction) for one in found] == [
        ("SM1", "inbound"), ("SM2", "inbound"), ("SM3", "inbound"), ("SM4", "outbound")
    ]  # fmt: skip
    queries = [parse_qs(urlsplit(path).query) for path in asked]
    assert (queries[0]["To"], queries[1]["Page"], queries[2]["From"]) == ([OURS], ["1"], [OURS])


def test_a_list_is_left_where_it_is_older_than_asked_for() -> None:
    """A page of nothing but old messages ends a walk: the list is read from the newest back."""
    following = f"{MESSAGES}.json?Page=1"
    old = record("SM2", date_created=LONG_AGO)
    found, asked, _ = walk(page(record("SM1"), old, following=following), page(old, following=following), page())
    assert ([one.provider_message_id for one in found], len(asked)) == (["SM1"], 3)


def test_what_is_not_ours_is_left_out() -> None:
    """Another medium's prefix, another number, another service: not of this channel."""
    others = [
        record("SM1", **{"from": "whatsapp:" + THEIRS}), record("SM2", to="+19995550000"),
        sent("SM3", **NOBODY), sent("SM4", messaging_service_sid="MG" + "0" * 32, **NOBODY),
    ]  # fmt: skip
    assert walk(page(*others), page())[0] == []
    by_service = sent("SM5", messaging_service_sid=SERVICE, **NOBODY)
    found, asked, _ = walk(page(by_service, *others), numbers=[], messaging_service_sid=SERVICE)
    assert ([one.provider_message_id for one in found], len(asked)) == (["SM5"], 1)


def test_one_recipient_is_looked_up_alone() -> None:
    """For a send of unknown outcome only what went to that recipient is asked for."""
    found, [asked], _ = walk(page(sent("SM1", body="Sent from your Twilio trial account - yes")), recipient=THEIRS)
    assert parse_qs(urlsplit(asked).query)["To"] == [THEIRS]
    assert [(one.text, one.state, one.key) for one in found] == [("yes", "delivered", "SM1:delivered")]


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (answer(429, {"code": 20429}, retry_after="7"), Throttled),
        (answer(500, {"code": 20500}), Unreachable),
        (answer(200, b"no json"), Unreachable),
        (page(record(), following="/2010-04-01/Accounts/AC0/Messages.json?Page=1"), Unreachable),
        (page(record(), following="//evil.example/Messages.json?Page=1"), Unreachable),
        (page(record(date_created="yesterday")), Unreachable),
    ],
)
def test_what_cannot_be_read_is_asked_for_again(given: bytes, kind: type[SendFailed]) -> None:
    """Reading changes nothing, so every doubt is a try more; our credentials never follow a page elsewhere."""
    _, asked, failure = walk(given)
    assert (type(failure), len(asked)) == (kind, 1)


def recalled(listed: ListedMessage, *answers: Answer) -> RawEvent:
    """A listed message, to be journaled."""

    async def work(http: Http, peer: Peer) -> RawEvent:
        return await TwilioSms(http).recall_message(channel(api_url=peer.url), listed)

    result, _ = against(*answers, work=work)
    assert isinstance(result, RawEvent)
    return result


def test_a_recalled_text_is_the_webhook_it_would_have_been() -> None:
    """Same keys, words, parties and consent as by the webhook; its time is Twilio's."""
    [listed] = walk(page(record(body="STOP")), page())[0]
    raw = recalled(listed)
    assert (raw.kind, raw.headers) == (RECONCILED, {"content-type": "application/json"})
    told = adapter().parse(channel(), raw)
    by_webhook = adapter().parse(channel(), posted("message", Body="STOP"))
    assert [type(one) for one in told] == [MessageReceived, ConsentChanged]
    assert told[0].occurred_at == datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
    assert [msgspec.structs.replace(one, occurred_at=None) for one in told] == by_webhook


def test_files_of_a_recalled_text_lie_where_the_webhook_says() -> None:
    """The list of a message's files is read once, when it is recalled; the address is the API's."""
    [listed] = walk(page(record(num_media="1")), page())[0]
    uri = f"{MESSAGES}/{SID}/Media/ME1.json"
    raw = recalled(listed, answer(200, {"media_list": [{"uri": uri, "content_type": "image/jpeg"}]}))
    [message] = adapter().parse(channel(), raw)
    assert isinstance(message, MessageReceived)
    [_, image] = message.parts
    assert isinstance(image, Image)
    assert image.attachment.url == f"https://api.twilio.com{MESSAGES}/{SID}/Media/ME1"


def test_a_recalled_report_is_the_one_that_was_missed() -> None:
    """The state, the error and the key of the status callback."""
    [listed] = walk(page(), page(sent("SM1", "undelivered", error_code=30003)))[0]
    [report] = adapter().parse(channel(), recalled(listed))
    assert isinstance(report, DeliveryReported)
    assert (report.key, report.state, report.provider_message_id) == ("SM1:undelivered", "undelivered", "SM1")
    assert report.error is not None
    assert (report.error.code, report.error.provider_code) == ("unreachable", "30003")
    assert listed.error == report.error


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", json.dumps({"message": record(date_created="soon")}).encode(), b"\xff"]
)
def test_what_is_no_record_is_malformed(body: bytes) -> None:
    """A journaled record that cannot be read goes to quarantine, and raises nothing else."""
    raw = RawEvent(kind=RECONCILED, method="GET", url="", headers={}, body=body, received_at=SINCE + timedelta(hours=1))
    with pytest.raises(Malformed):
        adapter().parse(channel(), raw)
