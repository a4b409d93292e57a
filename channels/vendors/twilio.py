"""What Twilio's media share in the one direction: settings, the signatures of its webhooks, and their forms.

https://www.twilio.com/docs/usage/webhooks/webhooks-security and, for keys of one's own,
https://www.twilio.com/docs/usage/webhooks/webhook-shared-keys. The other direction is in `twilio_rest`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from channels.contract import ChannelSettings, Secret, WebhookRequest
from channels.errors import Forged, Malformed
from channels.forms import Fields, split_form
from channels.signatures import Digest, valid_hmac, valid_sha256

API_URL = "https://api.twilio.com"
SIGNATURE = "x-twilio-signature"
SIGNATURE_SETTINGS = "x-twilio-webhooks-signature-settings"
DIGESTS: dict[str, Digest] = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}
MAX_FIELDS = 500  # Twilio sends about 25; ten files and a few carrier fields more make 60

_PORT = re.compile(rb"(https?)://([^/?#]*?)(:[0-9]+)?(?=[/?#]|$)")


class TwilioSettings(ChannelSettings, kw_only=True, frozen=True):
    """An account or sub-account at Twilio.

    `auth_token_secondary` verifies as well, for the days of a rotation; `webhook_key` is the secret of a shared key,
    where webhooks are signed with one. An API key is used for sending alone: Twilio never signs with it.
    """

    account_sid: str
    auth_token: Secret
    auth_token_secondary: Secret | None = None
    webhook_key: Secret | None = None
    api_key_sid: str | None = None
    api_key_secret: Secret | None = None
    api_url: str = API_URL

    def __post_init__(self) -> None:
        check_sid("account_sid", self.account_sid, prefix="AC")
        if not self.auth_token:
            raise ValueError("auth_token is required: Twilio signs its webhooks with it, also where an API key sends")
        if bool(self.api_key_sid) != bool(self.api_key_secret):
            raise ValueError("api_key_sid and api_key_secret belong together: give both or neither")
        if self.api_key_sid:
            check_sid("api_key_sid", self.api_key_sid, prefix="SK")
        if not re.fullmatch(r"https?://[^/?#@\s]+(/[^?#\s]*)?", self.api_url):
            raise ValueError("api_url must be an http or https URL without user, query or fragment")

    def __repr__(self) -> str:
        """Without the secrets: it may stand in a traceback."""
        return f"{type(self).__name__}(account_sid={self.account_sid!r})"

    @property
    def realm(self) -> str:
        """Channels of one account verify each other's webhooks."""
        return self.account_sid

    @property
    def signing_secrets(self) -> list[str]:
        """What Twilio may have signed with, likeliest first; an empty text is no secret."""
        return [secret for secret in (self.auth_token, self.auth_token_secondary, self.webhook_key) if secret]

    @property
    def credentials(self) -> tuple[str, str]:
        """User and password for the REST API."""
        if self.api_key_sid and self.api_key_secret:
            return self.api_key_sid, self.api_key_secret
        return self.account_sid, self.auth_token


def check_sid(name: str, value: str, *, prefix: str) -> None:
    """ValueError unless a setting has the form of Twilio's identifiers: two letters and 32 hexadecimal digits."""
    if not re.fullmatch(prefix + "[0-9a-fA-F]{32}", value):
        raise ValueError(f"{name} must be {prefix} followed by 32 hexadecimal digits, as the Twilio console shows it")


def verify_webhook(settings: TwilioSettings, request: WebhookRequest) -> None:
    """Raise Forged unless Twilio signed this request with a secret of this account, and for this account.

    The signature covers the public URL and, of a form, each sorted name with its sorted distinct values. With a JSON
    body it covers the URL alone, which then must carry the body's digest; a form is never accepted that way. A form
    that names no account is Twilio's all the same, and left to its reader.
    """
    if request.body.count(b"&") + request.url.count("&") >= MAX_FIELDS:
        raise Forged("more fields than Twilio sends")
    fields, covered = _signed_part(request)
    if not _is_signed(request, covered, settings.signing_secrets):
        raise Forged("not signed with a secret of this account for this URL")
    own = settings.account_sid.encode()
    if any(name == b"AccountSid" and value != own for name, value in fields):
        raise Forged("signed for another account")


def read_webhook_form(request: WebhookRequest) -> dict[str, str]:
    """The fields of a form or, of a GET, of the query; of a repeated field the first value.

    Text is made safe to store: bytes that are no UTF-8, and NUL, which Postgres takes in neither text nor jsonb,
    become U+FFFD. Malformed for a JSON body or an absurd number of fields.
    """
    if _is_json(request):
        raise Malformed("a JSON body where Twilio sends a form")
    source = _query(request.url) if request.method == "GET" else request.body
    if source.count(b"&") >= MAX_FIELDS:
        raise Malformed("more fields than Twilio sends")
    return {_tame(name): _tame(value) for name, value in reversed(split_form(source))}


def read_hook_parameter(request: WebhookRequest, name: str) -> str | None:
    """One parameter of the URL, which we chose ourselves and Twilio signed; None where it is missing or empty."""
    return next((_tame(value) for key, value in split_form(_query(request.url)) if key == name.encode()), "") or None


def _signed_part(request: WebhookRequest) -> tuple[Fields, Fields]:
    """The fields, and those of them that the signature covers beside the URL."""
    if request.method == "GET":
        return split_form(_query(request.url)), []
    if _is_json(request):
        if not valid_sha256(read_hook_parameter(request, "bodySHA256"), request.body):
            raise Forged("the digest of the body is missing in the URL, or wrong")
        return [], []
    fields = split_form(request.body)
    return fields, fields


def _is_signed(request: WebhookRequest, covered: Fields, secrets: list[str]) -> bool:
    given = request.headers.get(SIGNATURE)
    digest = DIGESTS.get(_algorithm(request.headers.get(SIGNATURE_SETTINGS)))
    if not given or digest is None:
        return False
    for text in _signed_texts(request.url.encode("utf-8", "surrogatepass"), covered):
        for secret in secrets:
            if valid_hmac(given, text, key=secret, digest=digest, encoding="base64"):
                return True
    return False


def _signed_texts(url: bytes, covered: Fields) -> Iterator[bytes]:
    """What Twilio may have signed: with the URL's port, or the scheme's own, and without; both are seen."""
    signed = b"".join([name + value for name, value in sorted(set(covered))])
    yield url + signed
    found = _PORT.match(url)
    if found:
        port = b"" if found[3] else b":443" if found[1] == b"https" else b":80"
        yield found[1] + b"://" + found[2] + port + url[found.end() :] + signed
    replaced = [(_replace_broken(name), _replace_broken(value)) for name, value in covered]
    if replaced != covered:  # whoever decodes the form before signing signs the replacement characters
        yield from _signed_texts(url, replaced)


def _algorithm(header: str | None) -> str:
    """The algorithm named in "key=...,algorithm=HMAC_SHA256"; without the header it is the account's SHA-1."""
    if not header:
        return "HMAC_SHA1"
    parts = (part.partition("=") for part in header.split(","))
    return next(
        (value.strip() for name, _, value in parts if name.strip() == "algorithm" and value.strip()), "HMAC_SHA1"
    ).upper()


def _is_json(request: WebhookRequest) -> bool:
    return request.headers.get("content-type", "").lower().startswith("application/json")


def _query(url: str) -> bytes:
    return url.partition("?")[2].encode("utf-8", "surrogatepass")


def _replace_broken(text: bytes) -> bytes:
    return text.decode("utf-8", "replace").encode()


def _tame(text: bytes) -> str:
    return text.decode("utf-8", "replace").replace("\0", "\ufffd")
