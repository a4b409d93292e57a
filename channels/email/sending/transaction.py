"""One mail to one server: MAIL, RCPT, DATA (RFC 5321 3.3), and what its answers make of it.

Up to the last line of the content nothing was sent, whatever breaks; from there on a lost answer leaves it open
(RFC 1047), and the mail is never sent again by itself.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import aiosmtplib
import msgspec
from aiosmtplib.protocol import SMTPProtocol
from aiosmtplib.response import SMTPResponse

from channels.contract import Sent
from channels.email.sending.answers import Answer, read_answer, refusal_of
from channels.email.sending.session import DONE, Session, explained
from channels.email.settings import ascii_domain
from channels.errors import OutcomeUnknown, Rejected, SendFailed, Unreachable

SEND_AWAY = 354
FORWARDED = 251
BLOCK_SECONDS = 180.0  # RFC 5321 4.5.3.2.5: for one block of the content
ANSWER_SECONDS = 300.0
"""For the answer to the whole content, which servers look through first; RFC 5321 4.5.3.2.6 speaks of ten minutes."""
BLOCK_BYTES = 262_144
END = b".\r\n"
MAX_DETAIL_CHARS = 1_000
BROKE = "the connection to the mail server broke before the mail was whole"
UNKNOWN_FIX = "ask the recipient, or look into the mail server's log, before sending it again"

_LINE_END = re.compile(rb"\r\n|\r|\n")
# What RFC 5321 4.1.2 lets stand in a path, less quoted local parts; and anything beyond ASCII (RFC 6531).
_PATH = re.compile(r"[^\s\x00-\x20\x7f-\x9f<>()\[\]\\,;:\"@]{1,64}@[^\s\x00-\x20\x7f-\x9f<>()\\,;:\"@]{1,255}")


class Envelope(msgspec.Struct, kw_only=True, frozen=True):
    """What the server is told beside the mail: from whom and to whom, the first recipient being the one that counts.

    `utf8` says that the content's headers are beyond ASCII (RFC 6532).
    """

    sender: str
    recipients: list[str]
    utf8: bool = False


async def hand_over(session: Session, envelope: Envelope, content: bytes, *, message_id: str) -> Sent:
    """The mail, taken by the server; SendFailed where it is not. A recipient refused beside the first is told of."""
    paths = [_wire_path(address) for address in (envelope.sender, *envelope.recipients)]
    utf8 = envelope.utf8 or not all(map(bytes.isascii, paths))
    options = _options(session, content, utf8=utf8)
    answer = await session.command(b"MAIL", b"FROM:<" + paths[0] + b">", *options, phase="sender")
    if answer.code != DONE:
        raise refusal_of(answer, "sender")
    refused = await _name_recipients(session, dict(zip(envelope.recipients, paths[1:], strict=True)))
    taken = await _send_content(session, content)
    session.sent += 1
    return Sent(provider_message_id=message_id, detail=_detail(taken, refused))


def _wire_path(address: str) -> bytes:
    """An address as a command carries it, its domain in ASCII; Rejected for what could be more than an address."""
    if not _PATH.fullmatch(address):
        raise Rejected("an address cannot stand in a mail's envelope", code="invalid_address")
    local, _, domain = address.rpartition("@")
    return f"{local}@{ascii_domain(domain)}".encode()


def _options(session: Session, content: bytes, *, utf8: bool) -> Iterator[bytes]:
    limit = session.size_limit()
    if limit is not None and len(content) > limit:
        reason = f"the mail server takes at most {limit} bytes"
        raise Rejected(reason, code="content_too_large", fix="send smaller files")
    if utf8 and not session.offers("smtputf8"):
        reason = "the mail server carries no addresses beyond ASCII (SMTPUTF8)"
        raise Rejected(reason, code="invalid_address", fix="write to an address in ASCII, or by another channel")
    plain = content.isascii()
    if not plain and not session.offers("8bitmime"):
        raise Rejected("the mail server carries ASCII alone (no 8BITMIME)", code="unsupported_content")
    words = {
        f"SIZE={len(content)}": session.offers("size"),
        "BODY=8BITMIME": not plain,
        "SMTPUTF8": utf8,
    }
    return (word.encode() for word, told in words.items() if told)


async def _name_recipients(session: Session, paths: dict[str, bytes]) -> dict[str, Answer]:
    """The recipients that were refused. A refused first one ends it all before anything was sent."""
    refused: dict[str, Answer] = {}
    for place, (address, path) in enumerate(paths.items()):
        answer = await session.command(b"RCPT", b"TO:<" + path + b">", phase="recipient")
        if answer.code not in {DONE, FORWARDED}:
            if not place or answer.code == 421:  # the server leaves: nobody will get it now
                raise refusal_of(answer, "recipient")
            refused[address] = answer
    return refused


async def _send_content(session: Session, content: bytes) -> Answer:
    answer = await session.command(b"DATA", phase="content")
    if answer.code != SEND_AWAY:
        raise refusal_of(answer, "content")
    protocol = session.client.protocol
    if protocol is None:
        raise Unreachable(BROKE)
    # It listens while it speaks: a server may refuse in the middle of a long mail.
    hearing = asyncio.ensure_future(protocol.read_response(timeout=None))
    try:
        await asyncio.sleep(0)  # the listener is there before the first word
        await _speak(protocol, hearing, await _wire_content(content))
        with explained("content"):
            protocol.write(END)
        answer = await _hear_verdict(hearing)
    except BaseException:
        session.close()
        raise
    finally:
        hearing.cancel()
    if answer.code >= 400:
        raise refusal_of(answer, "content")
    return answer


async def _wire_content(content: bytes) -> bytes:
    """The content with dots doubled (RFC 5321 4.5.2); lines that do not end in CRLF are mended first."""
    if not content.count(b"\r") == content.count(b"\n") == content.count(b"\r\n"):
        content = await asyncio.to_thread(_LINE_END.sub, b"\r\n", content)
    dotted = content.replace(b"\r\n.", b"\r\n..")
    dotted = b"." + dotted if dotted.startswith(b".") else dotted
    return dotted if dotted.endswith(b"\r\n") else dotted + b"\r\n"


async def _speak(protocol: SMTPProtocol, hearing: asyncio.Future[SMTPResponse], wire: bytes) -> None:
    """All but the line with the dot, before which nothing counts; SendFailed as soon as the server refuses."""
    for start in range(0, len(wire), BLOCK_BYTES):
        with explained("content"):
            protocol.write(wire[start : start + BLOCK_BYTES])
        taken: asyncio.Future[Any] = asyncio.ensure_future(protocol._drain_helper())  # noqa: SLF001 - aiosmtplib has no public way to wait
        try:
            await asyncio.wait([taken, hearing], timeout=BLOCK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            taken.cancel()
        if hearing.done():
            raise _early(hearing)
        if taken.cancelled() or not taken.done():
            raise Unreachable("the mail server stopped reading")


def _early(hearing: asyncio.Future[SMTPResponse]) -> SendFailed:
    """An answer, or the end, before the mail was whole: it was not taken."""
    try:
        with explained("content"):
            response = hearing.result()
    except SendFailed as failed:
        return failed
    answer = read_answer(response.code, response.message)
    return refusal_of(answer, "content") if answer.code >= 400 else Unreachable(BROKE)


async def _hear_verdict(hearing: asyncio.Future[SMTPResponse]) -> Answer:
    """What the server says to the whole mail. It is out: without an answer nobody knows."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            response = await hearing
    except (TimeoutError, aiosmtplib.SMTPException, OSError) as lost:
        raise OutcomeUnknown("the mail server had the whole mail and gave no answer", fix=UNKNOWN_FIX) from lost
    answer = read_answer(response.code, response.message)
    if 300 <= answer.code < 400 or answer.code < 200:
        raise OutcomeUnknown(f"the mail server's answer makes no sense: {answer.shown}", fix=UNKNOWN_FIX)
    return answer


def _detail(taken: Answer, refused: dict[str, Answer]) -> str:
    """What the server said, and whom it left out."""
    left_out = [f"not delivered to {address}: {answer.shown}" for address, answer in refused.items()]
    return "; ".join([taken.shown, *left_out])[:MAX_DETAIL_CHARS]
