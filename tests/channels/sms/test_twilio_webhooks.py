"""What Twilio's webhooks about text messages become."""

from __future__ import annotations

import json
import tracemalloc
from urllib.parse import parse_qsl

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from channels.errors import Forged, Malformed
from channels.events import AnyEvent, ConsentChanged, DeliveryReported, MessageReceived
from channels.parts import AnyPart, File, Image, Location, Text, Unsupported, plain_text
from channels.sms.twilio_webhooks import STATES
from tests.channels.sms.twilio_samples import (
    NAMES,
    OURS,
    SID,
    THEIRS,
    TOKEN,
    adapter,
    channel,
    posted,
    raw_event,
    request_of,
)


def events(kind: str, query: str = "", **fields: str) -> list[AnyEvent]:
    """What one form becomes."""
    return adapter().parse(channel(), posted(kind, query, **fields))


def parts(**fields: str) -> list[AnyPart]:
    """The parts of one message."""
    received = events("message", **fields)[0]
    assert isinstance(received, MessageReceived)
    return received.parts


def consent(**fields: str) -> str | None:
    """What one message says about consent."""
    return next((event.state for event in events("message", **fields) if isinstance(event, ConsentChanged)), None)


@pytest.mark.parametrize("name", NAMES)
def test_every_sample_is_what_twilio_itself_would_take_for_its_own(name: str) -> None:
    """Twilio's own validator passes each sample: what the conformance suite proves, it proves of the real thing."""
    request = request_of(name)
    fields = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
    assert RequestValidator(TOKEN).validate(request.url, fields, request.headers["x-twilio-signature"])


def test_the_sample_of_a_sub_account_is_not_its_parents() -> None:
    """Two accounts that should share a token by mistake still do not take each other's events."""
    with pytest.raises(Forged, match="account"):
        adapter().verify(channel(), request_of("message_subaccount.http"))


def test_every_state_of_twilio_has_its_place() -> None:
    """The whole ladder is mapped, each state is told once, and states of incoming messages tell nothing."""
    reported = {status: events("status", MessageStatus=status) for status in STATES}
    states = {
        status: told[0].state for status, told in reported.items() if told and isinstance(told[0], DeliveryReported)
    }
    assert states == {
        "accepted": "sent", "scheduled": "sent", "queued": "sent", "sending": "sent", "sent": "sent",
        "delivered": "delivered", "partially_delivered": "delivered", "read": "read",
        "undelivered": "undelivered", "failed": "failed", "canceled": "canceled",
    }  # fmt: skip
    assert {told[0].key for told in reported.values() if told} == {f"{SID}:{status}" for status in states}
    assert (reported["received"], reported["receiving"]) == ([], [])


def test_a_failure_says_why_and_success_does_not() -> None:
    """Code and text of the provider come with failed and undelivered, and with nothing else."""
    told = [
        events("status", MessageStatus=status, ErrorCode="30005")[0] for status in ("failed", "undelivered", "sent")
    ]
    errors = [event.error for event in told if isinstance(event, DeliveryReported)]
    assert [error and (error.code, error.provider_code) for error in errors] == [("invalid_address", "30005")] * 2 + [
        None
    ]


def test_our_reference_comes_back_from_the_url() -> None:
    """A report is matched by our own id, whatever it looks like, before the provider's is known."""
    told = [events("status", query)[0] for query in ("", "?ref=", "?ref=msg_1", "?ref=a%2Fb%20c&x=1")]
    assert [event.reference for event in told if isinstance(event, DeliveryReported)] == [None, None, "msg_1", "a/b c"]


def test_an_opt_out_known_only_to_twilio_becomes_consent() -> None:
    """A message that failed with 21610 tells that its recipient stopped, though the STOP never reached us."""
    _, revoked = events("status", MessageStatus="failed", ErrorCode="21610", From=OURS, To=THEIRS)
    assert isinstance(revoked, ConsentChanged)
    assert (revoked.sender.value, revoked.to, revoked.state, revoked.source) == (THEIRS, OURS, "revoked", "provider")


@pytest.mark.parametrize(
    ("body", "opt_out_type", "expected"),
    [
        ("STOP", "-", "revoked"),
        (" Stop. ", "-", "revoked"),
        ("UNSTOP", "-", "granted"),
        ("YES", "-", None),
        ("YES", "START", "granted"),
        ("ARRET", "STOP", "revoked"),
        ("STOP", "HELP", None),
        ("HELP", "-", None),
        ("STOP", "START", "granted"),
        ("STOP", "SOMETHING NEW", "revoked"),
        ("please stop", "-", None),
        ("hello", "stop", "revoked"),
    ],
)
def test_twilios_own_verdict_on_consent_wins(body: str, opt_out_type: str, expected: str | None) -> None:
    """OptOutType knows the words a service was taught and who had opted out; without it the words themselves speak."""
    assert consent(Body=body, OptOutType=opt_out_type) == expected


def test_a_keyword_is_a_message_as_well() -> None:
    """What somebody wrote stands in the timeline, whatever it meant."""
    received, revoked = events("message", Body="STOP")
    assert isinstance(received, MessageReceived)
    assert (plain_text(received.parts), revoked.key) == ("STOP", f"{SID}:consent")


def test_files_come_after_the_words_in_their_order() -> None:
    """Each file is kept with its address and its claimed type, to be fetched later."""
    media = {f"MediaUrl{index}": f"https://api.twilio.com/{index}" for index in range(11)}
    media |= {
        "MediaContentType0": "image/png",
        "MediaContentType1": "IMAGE/Jpeg; charset=x",
        "MediaContentType10": "video/mp4",
    }
    words, *files = parts(Body="see", NumMedia="11", **media)
    assert words == Text(text="see")
    assert [type(part).__name__ for part in files] == ["Image", "Image", *["File"] * 8, "Video"]
    assert [part.attachment.url for part in files if isinstance(part, Image | File)][:2] == [
        media["MediaUrl0"],
        media["MediaUrl1"],
    ]
    assert {part.attachment.state for part in files if isinstance(part, Image | File)} == {"pending"}


@pytest.mark.parametrize(
    "claimed", ["", "nonsense", "a/b\r\nX: y", "../../x", "image/" + "x" * 99, "text/html<script>"]
)
def test_an_odd_media_type_is_kept_as_bytes(claimed: str) -> None:
    """A claimed type that is no media type is not passed on."""
    (part,) = parts(Body="", NumMedia="1", MediaUrl0="https://api.twilio.com/1", MediaContentType0=claimed)
    assert isinstance(part, File)
    assert part.attachment.media_type == "application/octet-stream"


def test_a_file_without_its_address_is_not_dropped() -> None:
    """Something was sent: the reader sees that, even where Twilio does not say where it is."""
    assert parts(Body="", NumMedia="1") == [Unsupported(provider_type="media", fallback="[a file without its address]")]


@pytest.mark.parametrize("body", ["", " ", "\n\t", "-"])
def test_an_empty_message_is_seen(body: str) -> None:
    """A text of nothing is an entry that says so, not an empty bubble and not a lost message."""
    assert plain_text(parts(Body=body)) == "[empty message]"


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [
        ("91", "0"),
        ("0", "-181"),
        ("nan", "0"),
        ("inf", "1"),
        ("x", "1"),
        ("1", ""),
        ("", "1"),
        ("1e999", "1"),
        ("9" * 5_000, "1"),
    ],
)
def test_a_place_that_is_none_is_shown_as_words(latitude: str, longitude: str) -> None:
    """Coordinates that no map has, and NaN, which JSON does not have, become words."""
    (part,) = parts(Body="", Latitude=latitude or "-", Longitude=longitude or "-")
    assert isinstance(part, Unsupported)
    assert len(part.fallback) < 100


def test_a_place_is_a_location() -> None:
    """Coordinates with a name become a place on a map."""
    assert parts(Body="", Latitude="-33.9", Longitude="151.2", Label="Sydney") == [
        Location(latitude=-33.9, longitude=151.2, name="Sydney")
    ]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("message", {"MessageSid": "-"}),
        ("message", {"MessageSid": "SM 1"}),
        ("message", {"MessageSid": SID + "\n"}),
        ("message", {"MessageSid": "SM" + "1" * 500}),
        ("message", {"AccountSid": "-"}),
        ("message", {"From": "-"}),
        ("message", {"From": ""}),
        ("message", {"From": "whatsapp:+14155550143"}),
        ("message", {"From": "+1415\x00"}),
        ("message", {"From": "+1415555\n0143"}),
        ("message", {"From": "1" * 65}),
        ("message", {"To": "-"}),
        ("message", {"NumMedia": "many"}),
        ("message", {"NumMedia": "-1"}),
        ("message", {"NumMedia": "9" * 5_000}),
        ("message", {"NumMedia": "1000000000"}),
        ("message", {"SmsStatus": "delivered"}),
        ("status", {"MessageSid": "-"}),
        ("status", {"MessageStatus": "-"}),
        ("status", {"MessageStatus": "teleported"}),
        ("status", {"MessageStatus": "x" * 100_000}),
        ("voice", {}),
        ("", {}),
    ],
)
def test_what_twilio_does_not_document_is_malformed(kind: str, fields: dict[str, str]) -> None:
    """A request of another shape is quarantined with a reason that repeats no personal data and stays short."""
    with pytest.raises(Malformed) as refused:
        events(kind, **fields)
    assert len(str(refused.value)) < 200
    assert "4155550143" not in str(refused.value)


def test_unknown_fields_are_no_error() -> None:
    """Twilio adds fields without notice."""
    assert events("message", ProfileName="x", NewThing="y", ErrorCode="11200")
    assert events("status", RawDlrDoneDate="2611211432", NewThing="y")


FIELDS = st.sampled_from(
    ["Body", "From", "To", "NumMedia", "MediaUrl0", "Latitude", "OptOutType", "SmsStatus", "MessageStatus", "ErrorCode",
     "ErrorMessage", "MessageSid"],
)  # fmt: skip
VALUES = st.text(max_size=20) | st.binary(max_size=20)


@settings(deadline=None)  # a busy machine is no failure
@given(fields=st.dictionaries(FIELDS, VALUES, max_size=6), kind=st.sampled_from(["message", "status"]))
def test_no_form_raises_anything_but_malformed(fields: dict[str, str | bytes], kind: str) -> None:
    """Whatever stands in the fields, the answer is events that can be stored as JSON, or Malformed."""
    encoded = {
        name: value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
        for name, value in fields.items()
    }
    try:
        told = adapter().parse(channel(), posted(kind, **{k: v.decode("latin-1") for k, v in encoded.items()}))
    except Malformed:
        return
    stored = msgspec.json.encode(told)
    assert b"\\u0000" not in stored
    assert msgspec.json.decode(stored, type=list[AnyEvent]) == told
    json.loads(stored, parse_constant=pytest.fail)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        *(octet * 1_000_000 for octet in (b"&", b"=", b"%", b"\xff", b"\x00", b"{")),
        b"a=1&" * 250_000,
        b"Body=" + b"%00" * 100_000,
        b"Body=%ed%a0%80&From=%00",
    ],
)
def test_hostile_bodies_cost_little(body: bytes) -> None:
    """A megabyte of nonsense is refused by the guard, quarantined by the reader, and needs a few megabytes for it."""
    request = raw_event("POST", f"{posted('message').url}", {"x-twilio-signature": "x"}, body)
    tracemalloc.start()
    try:
        with pytest.raises(Forged):
            adapter().verify(channel(), request)
        with pytest.raises(Malformed):
            adapter().parse(channel(), request)
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()
