"""Twilio's REST API over our one HTTP client: creating messages, and fetching the files it keeps.

https://www.twilio.com/docs/messaging/api
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.message import Message as MimeHeaders
from logging import getLogger
from typing import Any
from urllib.parse import urljoin, urlsplit

import msgspec
from twilio.http import AsyncHttpClient
from twilio.http.response import Response as TwilioResponse
from twilio.rest import Client

from channels.contract import Media
from channels.errors import OutcomeUnknown, Rejected, SendFailed, Throttled, Unreachable
from channels.http import AnswerTooLarge, Http, Response, retry_after_seconds
from channels.vendors.twilio import TwilioSettings
from channels.vendors.twilio_codes import MAX_REASON_CHARS, find_code

MAX_MEDIA_BYTES = 16_000_000  # the largest file any of its media carries (RCS and WhatsApp)
REDIRECTS = {301, 302, 303, 307, 308}
# Nobody asks the operating system which region or edge to use: the address of the API is a setting.
NO_ENVIRONMENT = {"TWILIO_REGION": "", "TWILIO_EDGE": ""}
# What the package raises when an answer of success is not the resource it documents.
UNREADABLE = (ValueError, TypeError, AttributeError, KeyError)

_HOST = re.compile(r"(?:[a-z0-9-]+\.)*twilio\.com")


class ErrorAnswer(msgspec.Struct):
    """The body of a failure: the old form has `message`, the newer one (RFC 9457) `title` and `detail`."""

    code: int | None = None
    message: str | None = None
    title: str | None = None
    detail: str | None = None


class TwilioHttp(AsyncHttpClient):  # type: ignore[misc]  # the package ships no types
    """Carries the package's requests over our one HTTP client, so that its guard, deadline and limits hold here too.

    An answer of failure becomes a SendFailed at once, since the package's own exceptions know no Retry-After. Nothing
    is logged: the package's own clients write addresses and query parameters to theirs.
    """

    def __init__(self, http: Http) -> None:
        super().__init__(getLogger(__name__), is_async=True)
        self._http = http

    async def request(
        self,
        method: str,
        uri: str,
        *,
        params: dict[str, Any] | None = None,
        data: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the package's signature
        allow_redirects: bool = False,  # the package's signature; our client follows none
    ) -> TwilioResponse:
        """Send it; the answer if it is one of success, else a SendFailed."""
        answer = await self._http.request(
            method,
            uri,
            headers=headers,
            params=_pairs(params) if params else None,
            form=_pairs(data) if data else None,
            auth=auth,
            timeout=timeout,
        )
        if not 200 <= answer.status < 300:
            raise read_failure(answer, now=datetime.now(UTC))
        return TwilioResponse(answer.status, answer.body.decode("utf-8", "replace"), answer.headers)


def open_client(http: Http, settings: TwilioSettings) -> Client:
    """The package's client for an account; it holds no connection of its own, so it needs no closing."""
    user, password = settings.credentials
    client = Client(
        user, password, account_sid=settings.account_sid, http_client=TwilioHttp(http), environment=NO_ENVIRONMENT
    )
    client.api.base_url = settings.api_url.rstrip("/")
    return client


async def create_message(client: Client, **fields: Any) -> tuple[str, str | None]:
    """Create a message resource; its SID and first status. Creating is not idempotent, so a doubt is OutcomeUnknown."""
    try:
        created = await client.messages.create_async(**fields)
        sid, status = created.sid, created.status
    except UNREADABLE as error:
        raise OutcomeUnknown("Twilio's answer cannot be read", code="unknown") from error
    if not isinstance(sid, str) or not sid:
        raise OutcomeUnknown("Twilio's answer names no message", code="unknown")
    return sid, status


def read_failure(answer: Response, *, now: datetime) -> SendFailed:
    """The SendFailed that an answer of failure stands for; `now` is compared with a Retry-After that is a date."""
    error = _read_error(answer.body)
    meaning = find_code(error.code, status=answer.status)
    reason = (error.message or error.detail or error.title or meaning.text).replace("\0", "\ufffd")[:MAX_REASON_CHARS]
    provider_code = str(error.code or answer.status)
    after = retry_after_seconds(answer.headers.get("retry-after"), now=now)
    if issubclass(meaning.kind, Throttled) or (issubclass(meaning.kind, Unreachable) and after is not None):
        return Throttled(reason, after=after, provider_code=provider_code)
    return meaning.kind(reason, code=meaning.code, provider_code=provider_code, fix=meaning.fix)


async def download_media(http: Http, settings: TwilioSettings, url: str) -> Media:
    """A file that Twilio keeps. Unreachable or Throttled to try again, Rejected when it is gone or is not Twilio's.

    The credentials go to Twilio's own hosts alone; it may send us on, once, to where the bytes lie, and there we go
    without them.
    """
    if not is_twilios(url, settings):
        raise Rejected("the file is not kept by Twilio", code="media_rejected")
    answer = await _get(http, url, auth=settings.credentials)
    if answer.status in REDIRECTS:
        target = _next_hop(url, answer.headers.get("location", ""), settings)
        answer = await _get(http, target, auth=None)
    if answer.status != 200:
        raise _read_media_failure(answer)
    return Media(
        content=answer.body,
        media_type=answer.headers.get("content-type"),
        name=_file_name(answer.headers.get("content-disposition")),
    )


def is_twilios(url: str, settings: TwilioSettings) -> bool:
    """Whether a URL is at Twilio, over TLS and the usual port, or where the settings say its API is."""
    try:
        parts, api = urlsplit(url), urlsplit(settings.api_url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if (parts.scheme, parts.netloc) == (api.scheme, api.netloc):
        return True
    # The whole form is checked: a parser that reads "\\" or "@" another way must not see another host.
    at_twilio = _HOST.fullmatch(host) is not None and "@" not in parts.netloc
    return at_twilio and parts.scheme == "https" and port in {None, 443}


async def _get(http: Http, url: str, *, auth: tuple[str, str] | None) -> Response:
    try:
        return await http.request("GET", url, auth=auth, max_bytes=MAX_MEDIA_BYTES)
    except AnswerTooLarge as error:
        raise Rejected(error.reason, code="content_too_large") from error
    except OutcomeUnknown as error:  # reading changes nothing, so it may simply be asked again
        raise Unreachable(error.reason, code=error.code) from error


def _next_hop(url: str, location: str, settings: TwilioSettings) -> str:
    try:
        target = urljoin(url, location)
    except ValueError:
        target = ""
    if not (target.startswith("https://") or is_twilios(target, settings)):
        raise Rejected("Twilio's redirect leads nowhere safe", code="media_rejected")
    return target


def _read_media_failure(answer: Response) -> SendFailed:
    failure = read_failure(answer, now=datetime.now(UTC))
    if failure.retry or answer.status == 401:
        return failure
    kind = Unreachable if answer.status >= 500 else Rejected
    return kind(failure.reason, code="media_rejected", provider_code=failure.provider_code)


def _file_name(disposition: str | None) -> str | None:
    headers = MimeHeaders()
    headers["content-disposition"] = disposition or ""
    return headers.get_filename()


def _pairs(fields: dict[str, Any]) -> list[tuple[str, str]]:
    """Fields of a form in the package's shape: a list stands for a name that is repeated."""
    return [
        (name, str(item))
        for name, value in fields.items()
        for item in (value if isinstance(value, list | tuple) else [value])
    ]


def _read_error(body: bytes) -> ErrorAnswer:
    try:
        return msgspec.json.decode(body, type=ErrorAnswer, strict=False)
    except (msgspec.DecodeError, ValueError):  # not Twilio's own: a proxy's page, or nothing
        return ErrorAnswer()
