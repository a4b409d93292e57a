"""Checks of `send`: every kind of part carried or honestly refused, limits told true, failures named for what to do."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Awaitable, Sequence
from typing import Any

import msgspec
import pytest

from channels.contract import Carrying, MediaFetching, OutboundMessage, Sent
from channels.errors import (
    CannotCarry,
    Misconfigured,
    OutcomeUnknown,
    Rejected,
    SendFailed,
    Throttled,
    Unreachable,
)
from channels.events import Address
from channels.http import Http
from channels.kit.examples import FILES
from channels.kit.provider import Answer, Provider, Script, SeenRequest, run_provider, run_with_provider
from channels.kit.subject import NOWHERE, Refusal, SeenMessage, Subjected, list_secrets
from channels.limits import Piece, fit
from channels.parts import MEDIA_PARTS, AnyPart, Attachment, MediaPart, Text, media_part, plain_text

REFERENCE = "msg_01kit"
WORDS = "canary words of a customer"
NEEDED = (Throttled, Rejected, Misconfigured)
"""What every provider does at times: an adapter that tells them apart from nothing helps nobody."""
UNREADABLE = (b"", b"{", b"[]", b"<html>gateway</html>", b"\xff\xfe")


class SendingChecks(Subjected):
    """The sender of an adapter."""

    def test_the_adapter_says_what_it_is(self) -> None:
        """Its name is its medium and its provider, and its settings are of its own type."""
        adapter = self.subject.idle
        assert adapter.name == f"{adapter.medium}-{adapter.provider}"
        assert isinstance(self.subject.account(NOWHERE).settings, adapter.settings)
        assert adapter.limits.parts
        assert adapter.limits.text_chars > 0

    def test_the_set_up_names_our_url_and_no_secret(self) -> None:
        """An operator can copy what is needed, and may show it to anybody."""
        account = self.subject.account(NOWHERE)
        steps = self.subject.idle.setup_steps(account)
        assert any(account.hook_url in (step.value or "") for step in steps)
        shown = msgspec.json.encode(steps).decode()
        assert not [secret for secret in list_secrets(account.settings) if secret in shown]

    def test_every_part_is_carried_or_refused(self, part: AnyPart) -> None:
        """A kind of part arrives as itself, or as its words, or is refused before anything is sent."""
        limits = self.subject.idle.limits
        kind = str(type(part).__struct_config__.tag)
        try:
            pieces = fit([part], limits)
        except CannotCarry as refused:
            assert kind not in limits.parts or not _accepts(part, limits.media_types)
            assert refused.pointer.startswith("/parts/0")
            return
        if kind in limits.parts and kind != "text":
            assert all(not piece.flattened for piece in pieces)
        seen = self.deliver(pieces)
        if isinstance(part, MEDIA_PARTS):
            assert [file for one in seen for file in one.files] == [part.attachment.url]
        else:
            assert _squeeze(plain_text([part])) in _squeeze("".join(one.text for one in seen))

    def test_the_longest_text_arrives_whole(self) -> None:
        """`text_chars` characters go in one message, of any alphabet; one more makes two, and no word is lost.

        Where a message is sent whole, one more is refused.
        """
        limits = self.subject.idle.limits
        for character in ("a", "é", "Ω", "語", "😀"):
            longest = character * limits.text_chars
            assert [one.text for one in self.deliver(fit([Text(text=longest)], limits))] == [longest]
            if limits.whole:
                with pytest.raises(CannotCarry):
                    fit([Text(text=longest + character)], limits)
                continue
            seen = self.deliver(fit([Text(text=longest + character)], limits))
            assert len(seen) == 2
            assert "".join(one.text for one in seen) == longest + character

    def test_the_most_files_arrive_together(self) -> None:
        """`media_count` files of every accepted type go in one message; one more in a second, or it is refused."""
        limits = self.subject.idle.limits
        for media_type in limits.media_types:
            files = _make_files(limits.media_count + 1, _full_type(media_type))
            carried = [file for file in files if str(type(file).__struct_config__.tag) in limits.parts]
            if limits.whole and carried:
                with pytest.raises(CannotCarry):
                    fit(carried, limits)
                [one] = self.deliver(fit(carried[:-1], limits))
                assert len(one.files) == limits.media_count
                continue
            seen = self.deliver(fit(carried, limits)) if carried else []
            assert [len(one.files) for one in seen] == ([limits.media_count, 1] if carried else [])
        assert bool(limits.media_types) == bool(limits.media_count) == bool(limits.media_bytes)

    def test_the_recipient_is_the_one_named(self) -> None:
        """A message goes to whom it is for, under the id the provider gives."""
        seen = self.deliver([Piece(parts=[Text(text="Hello")])])
        assert [one.to for one in seen] == [self.subject.recipient.value]

    def test_a_refusal_says_what_to_do(self, refusal: Refusal) -> None:
        """Each way the provider refuses becomes the failure that tells whether to try again, and whose fault it is."""
        failure = self.fail(_always(refusal.answer))
        assert type(failure) is refusal.becomes
        assert refusal.code in (None, failure.code)
        assert refusal.after is None or getattr(failure, "after", None) == refusal.after
        assert failure.reason

    def test_the_usual_refusals_are_told_apart(self) -> None:
        """Too fast, never, and wrongly set up are three different things to do next."""
        kinds = [refusal.becomes for refusal in self.subject.refusals]
        missing = [kind.__name__ for kind in NEEDED if not any(issubclass(one, kind) for one in kinds)]
        assert not missing, f"no refusal of the subject becomes {missing}"

    def test_nobody_there_is_unreachable(self) -> None:
        """Without a connection nothing was sent: it may be tried again."""
        failure = asyncio.run(self._send_to(NOWHERE))
        assert isinstance(failure, Unreachable), failure

    def test_a_cut_line_leaves_the_outcome_unknown(self) -> None:
        """The request left and no answer came: it may have been sent, and is never repeated blindly."""
        assert isinstance(self.fail(_always(None)), OutcomeUnknown)

    def test_an_unreadable_success_leaves_the_outcome_unknown(self) -> None:
        """The provider said yes in words nobody reads: it was probably sent, so it is not sent again."""
        for body in UNREADABLE:
            assert isinstance(self.fail(_always(Answer(body=body))), OutcomeUnknown)

    def test_nothing_private_is_said(self) -> None:
        """No secret, no word and no address of a customer in a log line, an error or a repr (security.md T66)."""
        written = io.StringIO()
        account = self.subject.account(NOWHERE)
        with _listening(written):
            self.deliver([Piece(parts=[Text(text=WORDS)])], words=WORDS)
            failures = [self.fail(_always(refusal.answer)) for refusal in self.subject.refusals]
            failures += [self.fail(_always(None))]
        said = written.getvalue() + repr(account) + repr(account.settings)
        said += "".join(f"{failure!s}{failure!r}" for failure in failures)
        secrets = list_secrets(account.settings)
        assert secrets, "an adapter without a secret has nothing to prove itself with"
        assert not [secret for secret in (*secrets, WORDS) if secret in said]
        assert self.subject.recipient.value.lstrip("+") not in written.getvalue()

    def test_credentials_go_to_the_provider_alone(self) -> None:
        """A file that lies elsewhere is refused, or fetched without our credentials (security.md T19)."""
        adapter = self.subject.idle
        if isinstance(adapter, MediaFetching):
            asyncio.run(self._fetch_elsewhere())

    def deliver(self, pieces: Sequence[Piece], *, words: str | None = None) -> list[SeenMessage]:
        """Send the pieces to a provider that takes everything; what it understood."""
        given: list[str] = []
        seen: list[SeenMessage] = []

        def accept(request: SeenRequest) -> Answer:
            answer, provider_id = self.subject.accept(request)
            given.append(provider_id)
            return answer

        async def send_all(provider: Provider, http: Http) -> None:
            adapter, account = self.subject.make(http), self.subject.account(provider.url)
            for piece in pieces:
                sent = await adapter.send(account, _outbound(self.subject.recipient, piece.parts, adapter=adapter))
                assert isinstance(sent, Sent)
                assert sent.provider_message_id == given[-1]
            seen.extend(self.subject.understand(request) for request in provider.seen)

        run_with_provider(accept, send_all)
        assert words is None or words in seen[0].text
        return seen

    def fail(self, script: Script) -> SendFailed:
        """Send a message to a provider that does not take it; how the adapter calls that."""
        failures: list[SendFailed] = []

        async def send_one(provider: Provider, http: Http) -> None:
            with pytest.raises(SendFailed) as failed:
                await self.subject.make(http).send(
                    self.subject.account(provider.url), _outbound(self.subject.recipient, [Text(text=WORDS)])
                )
            failures.append(failed.value)

        run_with_provider(script, send_one)
        return failures[0]

    async def _send_to(self, url: str) -> SendFailed:
        async with run_provider(lambda _: None) as (_, http):
            with pytest.raises(SendFailed) as failed:
                await self.subject.make(http).send(
                    self.subject.account(url), _outbound(self.subject.recipient, [Text(text=WORDS)])
                )
        return failed.value

    async def _fetch_elsewhere(self) -> None:
        async with run_provider(lambda _: Answer(body=b"file")) as (elsewhere, http):
            adapter, account = self.subject.make(http), self.subject.account(NOWHERE)
            assert isinstance(adapter, MediaFetching)
            attachment = Attachment(url=f"{elsewhere.url}/file.jpg", media_type="image/jpeg")
            await _settled(adapter.fetch_media(account, attachment))
            shown = "".join(str(request.headers) for request in elsewhere.seen)
        assert "authorization" not in shown
        assert not [secret for secret in list_secrets(account.settings) if secret in shown]


def _always(answer: Answer | None) -> Script:
    return lambda _: answer


async def _settled(work: Awaitable[Any]) -> None:
    try:
        await work
    except SendFailed:
        return


def _squeeze(text: str) -> str:
    """Without white space: where a long text is cut, some is dropped."""
    return "".join(text.split())


def _outbound(recipient: Address, parts: list[AnyPart], *, adapter: object = None) -> OutboundMessage:
    """A message; one that carries its files has of each the bytes of its own URL, by which it is told again."""
    carried = [_named(part) if isinstance(part, MEDIA_PARTS) and isinstance(adapter, Carrying) else part
               for part in parts]  # fmt: skip
    attached = [part.attachment for part in carried if isinstance(part, MEDIA_PARTS)]
    files = {file.id: (file.url or "").encode() for file in attached if file.id}
    return OutboundMessage(reference=REFERENCE, to=recipient, parts=carried, files=files)


def _named(part: MediaPart) -> MediaPart:
    attachment = part.attachment
    return msgspec.structs.replace(part, attachment=msgspec.structs.replace(attachment, id=f"att_{attachment.url}"))


def _accepts(part: AnyPart, media_types: tuple[str, ...]) -> bool:
    return not isinstance(part, MEDIA_PARTS) or part.attachment.media_type.startswith(media_types)


def _make_files(count: int, media_type: str) -> list[AnyPart]:
    return [media_part(Attachment(url=f"{FILES}/{number}", media_type=media_type, size=1)) for number in range(count)]


def _full_type(media_type: str) -> str:
    return media_type + "any" if media_type.endswith("/") else media_type or "application/octet-stream"


class _listening:  # noqa: N801 (reads as a phrase where it is used)
    """Everything any logger says at any level goes to the stream."""

    def __init__(self, stream: io.StringIO) -> None:
        self._handler = logging.StreamHandler(stream)

    def __enter__(self) -> None:
        self._before = logging.root.level
        logging.root.addHandler(self._handler)
        logging.root.setLevel(logging.DEBUG)

    def __exit__(self, *_: object) -> None:
        logging.root.removeHandler(self._handler)
        logging.root.setLevel(self._before)
