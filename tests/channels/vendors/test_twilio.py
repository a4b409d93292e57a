"""Twilio's signatures and forms, with its own validator as the oracle."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from twilio.request_validator import (
    RequestValidator,
    get_signature_algorithm,
)

from channels.contract import WebhookRequest
from channels.errors import Forged, Malformed
from channels.vendors.twilio import (
    MAX_FIELDS,
    TwilioSettings,
    read_hook_parameter,
    read_webhook_form,
    verify_webhook,
)

ACCOUNT = "ACf1d0c7a94be34c18a2906d57b8e3a4c1"
TOKEN = "0123456789abcdef0123456789abcdef"
URL = "https://hooks.example/hooks/sms-twilio/cha_1/message"
FORM = "application/x-www-form-urlencoded; charset=UTF-8"
SETTINGS = TwilioSettings(account_sid=ACCOUNT, auth_token=TOKEN)

Fields = list[tuple[str, str]]


class MultiFields(dict[str, list[str]]):
    """A form with repeated names, in the shape Twilio's validator reads."""

    def getall(self, name: str) -> list[str]:
        """All values of a name."""
        return self[name]


def multi(fields: Fields) -> MultiFields:
    """The fields by their names."""
    return MultiFields({name: [value for other, value in fields if other == name] for name, _ in fields})


def sign(url: str, fields: Fields, token: str = TOKEN, algorithm: str | None = None) -> str:
    """The signature of a form, by Twilio's own code."""
    return str(RequestValidator(token).compute_signature(url, multi(fields), algorithm))


def post(
    fields: Fields, *, url: str = URL, body: bytes | None = None, signature: str | None = "", **headers: str
) -> WebhookRequest:
    """A form posted to us; signed rightly unless another signature, or None for none, is given."""
    signature = sign(url, fields) if signature == "" else signature
    given = {"content-type": FORM} | ({} if signature is None else {"x-twilio-signature": signature})
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    return WebhookRequest(
        kind="message", method="POST", url=url, headers=given, body=urlencode(fields).encode() if body is None else body
    )


def verdict(request: WebhookRequest, settings: TwilioSettings = SETTINGS) -> bool:
    """Whether we take the request for Twilio's."""
    try:
        verify_webhook(settings, request)
    except Forged:
        return False
    return True


def vectors() -> Iterator[dict[str, Any]]:
    """Twilio's published signatures; none where the folder of test data is not given."""
    folder = os.environ.get("SWITCHBOARD_TESTDATA")
    if folder:
        lines = (Path(folder) / "sms" / "twilio_vectors.jsonl").read_text(encoding="utf-8").splitlines()
        yield from (case for case in map(json.loads, lines) if case["kind"] == "signature")


def vector_request(case: dict[str, Any]) -> WebhookRequest:
    """A published case as the request it stands for."""
    return WebhookRequest(
        kind="message",
        method="POST",
        url=case["url"],
        headers={
            "content-type": "application/json" if "body" in case else FORM,
            "x-twilio-signature": case["signature"],
        },
        body=case["body"].encode() if "body" in case else urlencode([tuple(pair) for pair in case["params"]]).encode(),
    )


@pytest.mark.skipif("SWITCHBOARD_TESTDATA" not in os.environ, reason="SWITCHBOARD_TESTDATA is not set")
def test_all_published_signatures_get_their_verdict() -> None:
    """Every published case, right or tampered with, gets the verdict it is published with."""
    cases = list(vectors())
    # The account of the published forms is not in them, so none contradicts ours.
    wrong = [
        case["id"]
        for case in cases
        if verdict(vector_request(case), TwilioSettings(account_sid=ACCOUNT, auth_token=case["token"]))
        != case["expect"]["valid"]
    ]
    assert (len(cases), wrong) == (36, [])


NAMES = st.sampled_from(["Body", "From", "To", "MediaUrl1", "MediaUrl10", "A b", "ü", ""])
VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["", " ", "+", "%41", "&=", "a=b"]
)
URLS = st.sampled_from(
    ["https://a.example/h", "https://a.example:443/h?x=1&y=%20", "http://a.example", "http://a.example:80/",
     "https://a.example:8443/h?a=http://b:1/", "http://127.0.0.1:8000/h?ref=1"]
)  # fmt: skip


@settings(deadline=None)  # a busy machine is no failure
@given(fields=st.lists(st.tuples(NAMES, VALUES), min_size=1, max_size=8), url=URLS, signed_url=URLS)
def test_our_verdict_is_that_of_twilios_validator(fields: Fields, url: str, signed_url: str) -> None:
    """Repeated names, blanks, odd characters, ports: whatever Twilio's own validator says of a form, we say."""
    signature = sign(signed_url, fields)
    oracle = RequestValidator(TOKEN).validate(url, multi(fields), signature)
    assert verdict(post(fields, url=url, signature=signature)) == oracle


@settings(deadline=None)  # a busy machine is no failure
@given(body=st.binary(max_size=60))
def test_bytes_that_are_no_text_are_judged_as_the_validator_judges(body: bytes) -> None:
    """Broken escapes and encodings make no error, and a signature over what frameworks decode them to is valid."""
    fields = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    assume("AccountSid" not in dict(fields))
    request = post(fields, body=body)
    assert verdict(request)
    assert not verdict(post(fields, body=body + b"&x=1", signature=request.headers["x-twilio-signature"]))


@pytest.mark.parametrize("signature", [None, " ", "=", "é", "\ud800", "x" * 100_000, sign(URL, []), "null"])
def test_a_wrong_or_missing_signature_is_refused(signature: str | None) -> None:
    """Nothing that is not the signature raises anything but Forged, and Forged does not tell the right one."""
    fields = [("AccountSid", ACCOUNT), ("Body", "canary")]
    with pytest.raises(Forged) as refused:
        verify_webhook(SETTINGS, post(fields, signature=signature))
    assert sign(URL, fields) not in str(refused.value)
    assert "canary" not in str(refused.value)


def test_a_header_sent_twice_is_refused() -> None:
    """Two signatures, one of them right, are none."""
    right = sign(URL, [("Body", "hi")])
    assert not verdict(post([("Body", "hi")], signature=f"{right}, {right}"))


def test_during_a_rotation_either_token_verifies() -> None:
    """The secondary token is as good as the first, and neither is once it is taken out."""
    fields, new = [("Body", "hi")], "f" * 32
    request = post(fields, signature=sign(URL, fields, token=new))
    both = TwilioSettings(account_sid=ACCOUNT, auth_token=TOKEN, auth_token_secondary=new)
    assert [verdict(request, both), verdict(post(fields), both), verdict(request)] == [True, True, False]


def test_an_empty_secret_signs_nothing() -> None:
    """A secondary token left blank in a form of settings is no token, though HMAC would take it."""
    blank = TwilioSettings(account_sid=ACCOUNT, auth_token=TOKEN, auth_token_secondary="", webhook_key="")
    assert not verdict(post([("Body", "hi")], signature=sign(URL, [("Body", "hi")], token="")), blank)


@pytest.mark.parametrize("algorithm", ["HMAC_SHA1", "HMAC_SHA256"])
def test_a_shared_key_verifies_by_the_algorithm_it_names(algorithm: str) -> None:
    """With a key of one's own Twilio names the algorithm in a header; the secret is the key's."""
    key, fields = "shared-secret", [("AccountSid", ACCOUNT), ("Body", "hi")]
    settings = TwilioSettings(account_sid=ACCOUNT, auth_token=TOKEN, webhook_key=key)
    header = f"key=webhooks_sharedkey_01,algorithm={algorithm}"
    signature = sign(URL, fields, token=key, algorithm=algorithm)
    assert RequestValidator(key).validate(URL, multi(fields), signature, algorithm)
    request = post(fields, signature=signature, x_twilio_webhooks_signature_settings=header)
    assert verdict(request, settings)
    assert not verdict(request), "a channel without the key cannot verify it"


@pytest.mark.parametrize(
    "header",
    ["algorithm=NONE", "key=a,algorithm=MD5", "algorithm=HMAC_SHA256", "", "algorithm=", "algorithm", "key=a", ",,=",
     "algorithm = HMAC_SHA1 ", "algorithm=hmac_sha1", "algorithm=,algorithm=HMAC_SHA256"],
)  # fmt: skip
def test_the_algorithm_is_read_as_the_package_reads_it(header: str) -> None:
    """An unknown algorithm is refused, another one does not make a signature valid, and none named is SHA-1."""
    request = post([("Body", "hi")], x_twilio_webhooks_signature_settings=header)
    signature = request.headers["x-twilio-signature"]
    oracle = RequestValidator(TOKEN).validate(URL, {"Body": "hi"}, signature, get_signature_algorithm(header))
    assert verdict(request) == oracle


def json_request(body: bytes, *, digest: str | None, content_type: str = "application/json") -> WebhookRequest:
    """A JSON body whose digest stands in the URL, both signed."""
    url = URL if digest is None else f"{URL}?bodySHA256={digest}"
    headers = {"content-type": content_type, "x-twilio-signature": sign(url, [])}
    return WebhookRequest(kind="message", method="POST", url=url, headers=headers, body=body)


def test_a_json_body_needs_its_digest_in_the_signed_url() -> None:
    """Missing, empty or wrong, it is refused, where the package's validator raises."""
    body = b'{"a": "b"}'
    right = sha256(body).hexdigest()
    digests = [right, None, "", right.upper(), sha256(b"x").hexdigest()]
    assert [verdict(json_request(body, digest=digest)) for digest in digests] == [True] + [False] * 4


def test_a_form_is_never_accepted_by_a_digest_in_the_url() -> None:
    """A signature over the URL alone proves nothing about a form, digest or not."""
    body = urlencode([("AccountSid", ACCOUNT), ("Body", "forged")]).encode()
    request = json_request(body, digest=sha256(body).hexdigest(), content_type=FORM)
    assert verdict(msgspec.structs.replace(request, headers=request.headers | {"content-type": "application/json"}))
    assert [verdict(json_request(body, digest=sha256(body).hexdigest(), content_type=kind)) for kind in (FORM, "")] == [
        False,
        False,
    ]


def test_a_get_signs_its_url_only() -> None:
    """The fields of a GET stand in the signed query; a body would not count and changes nothing."""
    url = f"{URL}?{urlencode([('AccountSid', ACCOUNT), ('Body', 'hi')])}"
    request = WebhookRequest(
        kind="message", method="GET", url=url, headers={"x-twilio-signature": sign(url, [])}, body=b""
    )
    assert verdict(request)
    assert read_webhook_form(request)["Body"] == "hi"
    assert not verdict(msgspec.structs.replace(request, url=url + "x"))


@pytest.mark.parametrize(
    "fields",
    [
        [("AccountSid", "AC" + "0" * 32)],
        [("AccountSid", ACCOUNT), ("AccountSid", "AC" + "0" * 32)],
        [("AccountSid", "AC" + "0" * 32), ("AccountSid", ACCOUNT)],
        [("AccountSid", "")],
        [("AccountSid", ACCOUNT.upper())],
    ],
)
def test_another_accounts_event_is_refused_though_signed(fields: Fields) -> None:
    """An event belongs to the account it names: a right signature does not make it the channel's."""
    assert not verdict(post(fields))


def test_a_url_from_the_clients_headers_is_not_looked_at() -> None:
    """Only the configured URL is signed: Host and X-Forwarded-Host of an attacker change nothing."""
    fields = [("Body", "hi")]
    elsewhere = sign("https://evil.example/hooks/sms-twilio/cha_1/message", fields)
    assert not verdict(post(fields, signature=elsewhere, host="evil.example", x_forwarded_host="evil.example"))


def test_more_fields_than_twilio_sends_are_refused_before_they_are_read() -> None:
    """A form of a hundred thousand fields is Forged to the guard and Malformed to the reader, at once."""
    request = post([], body=b"a=b&" * 100_000, signature="x")
    with pytest.raises(Forged, match="fields"):
        verify_webhook(SETTINGS, request)
    with pytest.raises(Malformed, match="fields"):
        read_webhook_form(request)
    within: Fields = [(f"f{index}", "") for index in range(MAX_FIELDS - 1)]
    assert verdict(post(within))


@pytest.mark.parametrize(
    "url", ["", "not a url", "https://[::1]:443/x", "https://\ud800.example/", "https://a:b@c.example/?"]
)
def test_an_odd_url_is_no_error(url: str) -> None:
    """Whatever the operator configured, the answer is yes or no."""
    assert not verdict(post([("Body", "hi")], url=url, signature="x"))


def test_forms_are_made_safe_to_store() -> None:
    """Broken UTF-8, surrogates and NUL become U+FFFD; of a repeated name the first value counts; blanks stay."""
    body = b"Body=a%00b%ff%ed%a0%80&Body=second&Empty=&plus=1+2%2B3&%C3%BC=%F0%9F%98%80&Broken=%&novalue&&="
    form = read_webhook_form(post([], body=body, signature=None))
    assert form == {
        "Body": "a\ufffdb\ufffd\ufffd\ufffd\ufffd",
        "Empty": "",
        "plus": "1 2+3",
        "ü": "😀",
        "Broken": "%",
        "novalue": "",
        "": "",
    }


@settings(deadline=None)  # a busy machine is no failure
@given(st.binary(max_size=200))
def test_any_body_gives_storable_text(body: bytes) -> None:
    """No bytes raise, and what comes out is valid UTF-8 without NUL."""
    for text in [part for pair in read_webhook_form(post([], body=body, signature=None)).items() for part in pair]:
        assert "\0" not in text
        assert text.encode("utf-8").decode("utf-8") == text


def test_a_json_body_is_no_form() -> None:
    """What Twilio documents for messages is a form; anything else is quarantined."""
    with pytest.raises(Malformed, match="JSON"):
        read_webhook_form(json_request(b"{}", digest=None))


def test_a_parameter_of_ours_is_read_from_the_url() -> None:
    """The reference we put there comes back decoded; without one there is none."""
    asked = [
        read_hook_parameter(post([], url=url, signature=None), "ref")
        for url in (URL, f"{URL}?ref=", f"{URL}?a=1&ref=m%2F1")
    ]
    assert asked == [None, None, "m/1"]
