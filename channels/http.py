"""The one outgoing HTTP client: every request of every channel leaves by it, and so past its guard against SSRF.

No redirect is followed (who may follow one asks again with the new URL, so each hop is checked), no proxy is taken
from the environment, no cookie is kept, an answer is read up to a cap counted after decoding, and a request has one
deadline for all of it. What goes wrong is a `SendFailed` that says whether anything was handed over::

    Unreachable      no connection, so nothing was sent: may be tried again
    EgressRefused    the URL is malformed or leads to an address that is not public; nothing was sent
    Misconfigured    a header cannot be sent; nothing was sent
    OutcomeUnknown   the request left, and no whole answer came
    AnswerTooLarge   the request was answered with more bytes than asked for
"""

from __future__ import annotations

import asyncio
import base64
import re
import ssl
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlencode

import httpcore
import httpx
import msgspec

from channels.connections import Connections, Resolver
from channels.egress import EgressRefused
from channels.errors import Misconfigured, OutcomeUnknown

REQUEST_SECONDS = 10.0
MAX_ANSWER_BYTES = 1_000_000
MAX_URL_CHARS = 8_000
MAX_RETRY_AFTER_SECONDS = 900.0
USER_AGENT = "switchboard"

INFLATABLE = {"gzip", "x-gzip", "deflate"}
"""Content codings we can undo; we ask for none, and a server may still use one."""
PLAIN = {"", "identity"}
EITHER_HEADER = 47
"""Tells zlib to read the largest window and either of the headers, gzip's or its own."""
OURS = {"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "te", "trailer", "upgrade"}
"""Headers that frame the message or name the host: a caller's are dropped."""

_UNFIT_CHARS = re.compile(r"[\x00-\x20\x7f-\xa0\\]")
_HOST = re.compile(rb"[a-z0-9._-]{1,253}|[0-9a-f.]*:[0-9a-f:.]*")
_AUTHORITY = re.compile(r"[^/?#]*//([^/?#]*)")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")
_SECONDS = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


class Response(msgspec.Struct, frozen=True):
    """A whole answer. Header names are in lower case, repeated headers are joined by ", "; `body` is decoded."""

    status: int
    headers: dict[str, str]
    body: bytes


class AnswerTooLarge(OutcomeUnknown):
    """The request was taken, and its answer has more bytes than the caller wants: what it says is not known."""

    default = "content_too_large"

    def __init__(self, reason: str, *, status: int) -> None:
        super().__init__(reason)
        self.status = status


class Http:
    """The client, made once a process. `allow` holds destinations let through the address check (`read_allowances`).

    `timeout` is in seconds and for a whole request. `resolve` and `tls` replace the system's resolver and the usual
    certificate authorities; `tls` is also for those who speak another protocol to an admitted host.
    """

    def __init__(
        self,
        *,
        allow: Iterable[str] = (),
        timeout: float = REQUEST_SECONDS,
        resolve: Resolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.tls = tls or httpx.create_ssl_context(trust_env=False)
        self._connections = Connections(allow=allow, resolve=resolve, tls=self.tls)
        self._timeout = timeout

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Sequence[tuple[str, str]] | None = None,
        form: Sequence[tuple[str, str]] | None = None,
        content: bytes | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - a deadline for the whole exchange, told apart by phase
        max_bytes: int = MAX_ANSWER_BYTES,
    ) -> Response:
        """The answer to one request, whatever its status; a SendFailed if there is none.

        `params` are added to the query, `form` is sent url-encoded in place of `content`, `auth` is a user and a
        password for Basic authentication, `timeout` is in seconds.
        """
        target = check_url(url)
        body = content if form is None else urlencode(form).encode()
        message = httpcore.Request(
            method.upper(),
            _wire_url(target, params),
            headers=_wire_headers(
                target, headers or {}, form=form is not None, auth=auth, length=_length(method, body)
            ),
            content=body,
        )
        deadline = asyncio.get_running_loop().time() + (self._timeout if timeout is None else timeout)
        async with self._connections.lend(message.url, deadline=deadline) as connection:
            return await _exchange(connection, message, deadline=deadline, max_bytes=max_bytes)

    async def check_egress(self, url: str) -> None:
        """Refuse a URL when it is saved: EgressRefused if we would not connect to it, Unreachable if it has no host."""
        origin = _wire_url(check_url(url), None).origin
        await self.admit_host(origin.host.decode("ascii"), origin.port)

    async def admit_host(self, host: str, port: int) -> Sequence[str]:
        """The checked addresses of a host, for those who speak another protocol than HTTP to one of them."""
        return await self._connections.admit_host(host, port)

    async def aclose(self) -> None:
        """Close the connections kept; a request under way ends and closes its own."""
        await self._connections.aclose()


def check_url(url: str) -> httpx.URL:
    """The URL in its parsed form; EgressRefused unless it is a plain http or https URL with a host and nothing odd."""
    if len(url) > MAX_URL_CHARS or _UNFIT_CHARS.search(url):
        raise EgressRefused("the URL is too long, or has a space, control character or backslash in it")
    try:
        target = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise EgressRefused("the URL is malformed") from error
    if target.scheme not in {"http", "https"}:
        raise EgressRefused("the URL must begin with http:// or https://")
    authority = _AUTHORITY.match(url)
    if authority is None or "@" in authority[1]:
        raise EgressRefused("the URL must not carry a user or a password")
    if not _HOST.fullmatch(target.raw_host):
        raise EgressRefused("the URL has no host, or a malformed one")
    if target.port is not None and not 0 < target.port < 65_536:
        raise EgressRefused("the port of the URL must be between 1 and 65535")
    return target


def retry_after_seconds(value: str | None, *, now: datetime) -> float | None:
    """How long a Retry-After header asks to wait, between 0 and MAX_RETRY_AFTER_SECONDS; None if it says nothing.

    Both forms of RFC 9110 10.2.3: seconds, or a date that is compared with `now`.
    """
    text = (value or "").strip()
    asked = float(text) if _SECONDS.fullmatch(text) else _seconds_until(text, now)
    return None if asked is None else min(max(asked, 0.0), MAX_RETRY_AFTER_SECONDS)


def _seconds_until(date: str, now: datetime) -> float | None:
    try:
        then = parsedate_to_datetime(date)
        return ((then if then.tzinfo else then.replace(tzinfo=UTC)) - now).total_seconds()
    except (ValueError, OverflowError):
        return None


def _wire_url(target: httpx.URL, params: Sequence[tuple[str, str]] | None) -> httpcore.URL:
    # The query of the URL stays as it is, byte for byte: it may be signed.
    path = target.raw_path
    if params:
        path += (b"&" if target.query else b"" if path.endswith(b"?") else b"?") + urlencode(params).encode()
    return httpcore.URL(scheme=target.raw_scheme, host=target.raw_host, port=target.port, target=path)


def _wire_headers(
    target: httpx.URL, given: Mapping[str, str], *, form: bool, auth: tuple[str, str] | None, length: int | None
) -> list[tuple[str, str]]:
    headers = {"user-agent": USER_AGENT} | {name.lower(): value for name, value in given.items()}
    headers = {name: value for name, value in headers.items() if name not in OURS}
    if form:
        headers["content-type"] = "application/x-www-form-urlencoded"
    if auth is not None:
        headers["authorization"] = "Basic " + base64.b64encode(":".join(auth).encode()).decode()
    for name, value in headers.items():
        _check_header(name, value)
    framing = {"host": target.netloc.decode("ascii"), "accept-encoding": "identity"}
    framing |= {} if length is None else {"content-length": str(length)}
    return list((framing | headers).items())


def _check_header(name: str, value: str) -> None:
    if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
        # The value may be a secret, so the text has the name alone.
        raise Misconfigured(f"the header {name!r} has characters that cannot be sent")


def _length(method: str, body: bytes | None) -> int | None:
    """A Content-Length, which a method that carries a body has even if it is empty (RFC 9110 8.6)."""
    return len(body or b"") if body is not None or method.upper() in {"POST", "PUT", "PATCH"} else None


async def _exchange(
    connection: httpcore.AsyncHTTP11Connection, message: httpcore.Request, *, deadline: float, max_bytes: int
) -> Response:
    """Send it and read the answer. From here on nobody knows whether the request was taken, unless an answer says."""
    try:
        async with asyncio.timeout_at(deadline):
            answer = await connection.handle_async_request(message)
            try:
                return await _read_answer(answer, max_bytes)
            finally:
                await answer.aclose()
    except TimeoutError as error:
        raise OutcomeUnknown("no whole answer came within the time allowed") from error
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
        raise OutcomeUnknown("the connection broke before the whole answer came", code="unreachable") from error
    except zlib.error as error:
        raise OutcomeUnknown("the answer cannot be decoded", code="unknown") from error


async def _read_answer(answer: httpcore.Response, max_bytes: int) -> Response:
    headers = _join_headers(answer.headers)
    decoder = _Decoder(headers.get("content-encoding", "identity"))
    body = bytearray()
    async for piece in answer.aiter_stream():
        body += decoder.decode(piece, room=max_bytes - len(body) + 1)
        if len(body) > max_bytes:
            raise AnswerTooLarge(f"the answer is larger than {max_bytes} bytes", status=answer.status)
    decoder.check_whole()
    return Response(status=answer.status, headers=headers, body=bytes(body))


def _join_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


class _Decoder:
    """Undoes the content coding of one body, piece by piece, and never makes much more than there is room for."""

    def __init__(self, coding: str) -> None:
        self._coding = coding.strip().lower()
        self._inflate = zlib.decompressobj(wbits=EITHER_HEADER) if self._coding in INFLATABLE else None
        self._begun = False

    def decode(self, piece: bytes, *, room: int) -> bytes:
        """The meaning of a piece, at most `room` bytes of it where it is compressed; zlib.error if it has none."""
        self._begun = True
        if self._inflate is None:
            if self._coding not in PLAIN:
                raise zlib.error(f"content coding {self._coding!r}")
            return piece
        if self._inflate.eof:
            raise zlib.error("data after the end")
        return self._inflate.decompress(piece, room)

    def check_whole(self) -> None:
        """zlib.error if a compressed body ended in the middle."""
        if self._begun and self._inflate is not None and not self._inflate.eof:
            raise zlib.error("the data ends early")
