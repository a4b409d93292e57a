"""The one transaction of a request that changes something, committed before it is answered (thread-and-api.md 2.1).

The body is read before the transaction opens, so that a slow sender holds no connection, and the answer is kept back
until the commit: a client never reads of something that did not last. An answer of 400 or above rolls everything back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from litestar import Request
from litestar.datastructures import FormMultiDict, UploadFile
from litestar.enums import RequestEncodingType, ScopeType
from litestar.exceptions import InternalServerException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from gateway.problems import send_problem
from gateway.vault import AnswerVault
from inbox.kit.callers import Caller
from inbox.kit.clock import utc_now
from inbox.kit.db import tx
from inbox.kit.errors import Code, Problem
from inbox.kit.idempotency import RememberedAnswer, find_answer, lock_request, remember_answer
from inbox.kit.ids import BODY
from inbox.kit.versions import Expectation, expecting, mismatch, read_versions
from inbox.outbox.actions import noting_lanes

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
KEY_HEADER = "Idempotency-Key"
KEY = re.compile(r"[\x20-\x7e]{1,255}")
REPLAYED = (b"idempotency-replayed", b"true")
KEPT_HEADERS = frozenset({b"link", b"etag", b"location", b"event-cursor", b"content-disposition"})
"""What a replay repeats beside the body: headers that belong to what was done."""
IDENTITY = frozenset({"", "identity"})
CHUNK_BYTES = 65_536


class Transactions(ASGIMiddleware):
    """Opens, commits and rolls back; remembers answers under an Idempotency-Key for as long as `remembered`.

    `body_limit` and `form_limit` are the most bytes taken of a plain body and of a form with files.
    """

    scopes = (ScopeType.HTTP,)

    def __init__(self, *, remembered: timedelta, body_limit: int, form_limit: int) -> None:
        self._remembered = remembered
        self._body_limit = body_limit
        self._form_limit = form_limit

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Serve one request; what only reads passes through."""
        if scope["type"] != ScopeType.HTTP or scope["method"] in SAFE_METHODS:
            await next_app(scope, receive, send)
            return
        limit = self._form_limit if takes_form(scope) else self._body_limit
        request: Request[Any, Any, Any] = scope["litestar_app"].request_class(scope, limited(receive, limit), send)
        refuse_encoding(request)
        key = read_idempotency_key(request)
        form = await read_body(request, limit=limit)
        answer = BufferedAnswer()
        try:
            with suppress(Refused):
                async with _opened(scope):
                    await self._act_once(request, next_app, answer=answer, key=key)
        except Exception as error:  # noqa: BLE001  a COMMIT can fail after the handler has answered into the buffer
            await send_problem(request, error)
            return
        finally:
            await form.close()
        for message in answer.messages():
            await send(message)

    async def _act_once(
        self, request: Request[Any, Any, Any], next_app: ASGIApp, *, answer: BufferedAnswer, key: str | None
    ) -> None:
        """Run the handler, unless the same request was answered before; raise Refused to have it all undone."""
        caller: Caller | None = request.scope.get("user")
        if key is None or caller is None:
            await self._act(request, next_app, answer=answer)
            return
        ours = await lock_request(caller.key_id, key)
        fingerprint = await fingerprint_request(request)
        known = await find_answer(caller.key_id, key, younger_than=utc_now() - self._remembered)
        vault = AnswerVault(request.app.state.box, place=f"request {caller.key_id} {key}")
        if known:  # then whoever has the key's lock only reads it as well
            answer.replay(vault.opened(known), fingerprint)
            return
        if not ours:
            raise Problem("request_in_progress", f"a request with this {KEY_HEADER} has not been answered yet")
        await self._act(request, next_app, answer=answer)
        await remember_answer(caller.key_id, key, vault.sealed(answer.remembered(fingerprint)))

    async def _act(self, request: Request[Any, Any, Any], next_app: ASGIApp, *, answer: BufferedAnswer) -> None:
        """Run the handler, and let nothing stay of what was done to something its client knows otherwise."""
        expected = read_expectation(request)
        with expecting(expected), noting_lanes() as lanes:
            await answer.fill(next_app, request)
        request.app.state.pressure.check(lanes)
        if expected and not expected.met:
            raise mismatch("what this path names has no version that If-Match could name")


def _opened(scope: Scope) -> AbstractAsyncContextManager[Any]:
    """The request's transaction; a route that says `"transaction": "own"` works long outside any, and opens its own."""
    return nullcontext() if scope["route_handler"].opt.get("transaction") == "own" else tx()


class Refused(Exception):
    """The handler answered with a refusal: nothing it did may stay."""


class BufferedAnswer:
    """An answer kept back until its transaction has committed."""

    def __init__(self) -> None:
        self.status = 500
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []

    async def fill(self, app: ASGIApp, request: Request[Any, Any, Any]) -> None:
        """Have the handler answer into this; Refused if it answers 400 or above."""
        await app(request.scope, request.receive, self._take)
        if self.status >= 400:
            raise Refused

    def replay(self, known: RememberedAnswer, fingerprint: bytes) -> None:
        """Answer as before, if it is the same request."""
        if known.fingerprint != fingerprint:
            detail = f"this {KEY_HEADER} was used for a request with another path or body"
            raise Problem("idempotency_key_reused", detail, hint="Use a new key for each new request.")
        self.status, self._body = known.status, [known.body]
        self._headers = [(name.encode(), value.encode("latin-1")) for name, value in known.headers] + [REPLAYED]
        if known.media_type:
            self._headers.append((b"content-type", known.media_type.encode()))
        if known.body:
            self._headers.append((b"content-length", str(len(known.body)).encode()))

    def remembered(self, fingerprint: bytes) -> RememberedAnswer:
        """What to remember of it."""
        media_type = dict(self._headers).get(b"content-type", b"").decode("latin-1")
        body = b"".join(self._body)
        kept = [(name.decode(), value.decode("latin-1")) for name, value in self._headers if name in KEPT_HEADERS]
        return RememberedAnswer(
            fingerprint=fingerprint, status=self.status, media_type=media_type, body=body, headers=kept
        )

    def messages(self) -> Iterator[Message]:
        """The answer as the server wants it."""
        yield {"type": "http.response.start", "status": self.status, "headers": self._headers}
        yield {"type": "http.response.body", "body": b"".join(self._body), "more_body": False}

    async def _take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._headers = [(name.lower(), value) for name, value in message["headers"]]
        elif message["type"] == "http.response.body":
            self._body.append(message["body"])


def refuse_encoding(request: Request[Any, Any, Any]) -> None:
    """A compressed body can unfold to any size: none is taken (security.md T21)."""
    if request.headers.get("content-encoding", "").strip().lower() not in IDENTITY:
        raise Problem("unsupported_media", "a body with a Content-Encoding is not taken", hint="Send it uncompressed.")


def read_idempotency_key(request: Request[Any, Any, Any]) -> str | None:
    """The key of a POST, if it has one."""
    key = request.headers.get(KEY_HEADER)
    if key is None or request.method != "POST":
        return None
    if not KEY.fullmatch(key):
        raise Problem("validation_failed", f"{KEY_HEADER} is 1 to 255 printable ASCII characters")
    return key


def read_expectation(request: Request[Any, Any, Any]) -> Expectation | None:
    """What the client's If-Match expects of the things its path names; `*` is met by their being there."""
    if_match = request.headers.get("if-match")
    if if_match is None or if_match.strip() == "*":
        return None
    bodies = [str(value).partition("_")[2] for value in request.path_params.values()]
    return Expectation([UUID(body) for body in bodies if BODY.fullmatch(body)], read_versions(if_match))


def takes_form(scope: Scope) -> bool:
    """Whether the handler asks for a form with files."""
    field = scope["route_handler"].parsed_data_field
    media_type = getattr(field.kwarg_definition, "media_type", None) if field else None
    return bool(media_type == RequestEncodingType.MULTI_PART)


def needs_body(scope: Scope) -> bool:
    """Whether the handler cannot do without a body."""
    field = scope["route_handler"].parsed_data_field
    return field is not None and field.is_required


def limited(receive: Receive, limit: int) -> Receive:
    """The body as it comes, until it is longer than the limit in bytes."""
    taken = 0

    async def receive_limited() -> Any:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))  # type: ignore[arg-type]  # messages without a body have none
        if taken > limit:
            raise RequestEntityTooLarge
        return message

    return receive_limited


async def read_body(request: Request[Any, Any, Any], *, limit: int) -> FormMultiDict:
    """Read the whole body; returns the form that a multipart body is, or an empty one.

    Files of a form are spooled to disk and read from there by the handler; any other body is small.
    """
    is_form = takes_form(request.scope)
    if is_form != (request.content_type[0] == RequestEncodingType.MULTI_PART):
        raise Problem("unsupported_media", f"this takes {'multipart/form-data' if is_form else 'application/json'}")
    try:
        if (request.content_length or 0) > limit:
            raise RequestEntityTooLarge  # noqa: TRY301  the same refusal, before anything is read
        if is_form:
            return await request.form()
        if not await request.body() and needs_body(request.scope):
            raise Problem("malformed_json", "a JSON body is needed")
    except RequestEntityTooLarge as error:
        code: Code = "attachment_too_large" if is_form else "body_too_large"
        raise Problem(code, f"at most {limit} bytes are taken here") from error
    except InternalServerException as error:
        raise Problem("malformed_json", "the connection closed before the body was complete") from error
    except (LookupError, UnicodeDecodeError) as error:
        raise Problem("validation_failed", "a field of the form is not in the character set it names") from error
    return FormMultiDict([])


async def fingerprint_request(request: Request[Any, Any, Any]) -> bytes:
    """What makes a request the same request: method, path, query, and the body or the fields of the form.

    Not the raw multipart body: clients choose a new boundary each time they try.
    """
    digest = sha256(f"{request.method} {request.scope['path']}?".encode() + request.scope["query_string"])
    if request.content_type[0] == RequestEncodingType.MULTI_PART:
        for name, value in (await request.form()).multi_items():
            digest.update(f"\n{name}\n{len(name)}\n".encode())
            digest.update(await _digest_value(value))
    else:
        digest.update(sha256(await request.body()).digest())
    return digest.digest()


async def _digest_value(value: Any) -> bytes:
    if not isinstance(value, UploadFile):
        return sha256(str(value).encode()).digest()
    digest = sha256(f"{value.filename}\n{value.content_type}\n".encode())
    while chunk := await value.read(CHUNK_BYTES):
        digest.update(chunk)
    await value.seek(0)
    return digest.digest()
