"""A Twilio in one process: takes messages over REST, carries them to handsets, reports how far they got, and back."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from random import Random
from typing import Any, Literal

import msgspec

from channels.simulators.faults import Faults, WebhookFault, choose_outcome, choose_webhook_fault
from channels.simulators.handsets import Handsets, HandsetText
from channels.simulators.ledger import Ledger, MediaFile, Message, Post
from channels.simulators.posting import WebhookPoster
from channels.simulators.twilio.acceptance import check_create_form, check_twilio_recipient, pick_sender
from channels.simulators.twilio.accounts import TwilioAccount, TwilioNumber
from channels.simulators.twilio.messages import advance_message, make_inbound, make_outbound, make_sid
from channels.simulators.twilio.opt_outs import OptOuts, OptOutType
from channels.simulators.twilio.refusals import TwilioRefusal
from channels.simulators.twilio.resources import CreateMessage
from channels.simulators.twilio.webhooks import pack_twilio_webhook, report_form, text_form

PACE_SECONDS = 0.05  # from one status to the next
QUEUED_MESSAGES = 20_000  # on their way at once, either way; more are refused with 21611

LADDERS: dict[str, tuple[str, ...]] = {  # how a message ends: the statuses it goes through once it was taken
    "delivered": ("queued", "sent", "delivered"),
    "sent": ("queued", "sent"),
    "undelivered": ("queued", "sent", "undelivered"),
    "failed": ("queued", "failed"),
}
ARRIVAL = {"delivered": "delivered", "sent": "sent"}  # how it ends: the status at which the handset shows it


class HandsetFile(msgspec.Struct, kw_only=True, frozen=True):
    """A file a handset sends along."""

    content_type: str
    content: bytes


class TwilioSimulator:
    """The provider's whole state. `url` is the origin its REST side is served at, which media URLs need.

    `pace` is the time from one delivery status to the next in seconds; `routes` map a public origin to real ones.
    The same `seed` makes the same faults; sids never repeat, since receivers keep them beyond one run.
    """

    def __init__(
        self,
        accounts: Iterable[TwilioAccount],
        numbers: Iterable[TwilioNumber],
        *,
        faults: Faults | None = None,
        seed: int = 7,
        pace: float = PACE_SECONDS,
        routes: Mapping[str, Sequence[str]] | None = None,
        url: str = "",
    ) -> None:
        self.accounts = {account.sid: account for account in accounts}
        self.numbers = {number.number: number for number in numbers}
        self.faults = faults or Faults()
        self.pace = pace
        self.url = url
        self.dice = Random(seed)
        self.ledger = Ledger()
        self.handsets = Handsets()
        self.opt_outs = OptOuts()
        self.stopping = asyncio.Event()
        self._poster = WebhookPoster(self.dice, routes=routes)
        self._tasks: set[asyncio.Task[None]] = set()

    def accept_message(self, account_sid: str, form: CreateMessage) -> Message:
        """Take a message and send it on its way, or raise TwilioRefusal."""
        check_create_form(form)
        number = pick_sender(form, account_sid, numbers=self.numbers)
        check_twilio_recipient(form.to, number, opt_outs=self.opt_outs, refused=self.faults.refused)
        self._check_room()
        message = self.ledger.record_message(make_outbound(account_sid, form, number))
        self._start(self._carry(message, number))
        return message

    async def text_in(
        self,
        from_: str,
        body: str,
        *,
        to: str | None = None,
        media: Sequence[HandsetFile] = (),
        wait: bool = True,
    ) -> Message:
        """Send a text from a handset to one of our numbers (`to`; by default the only one).

        Returns it as the ledger knows it, by default once its webhook was answered or given up: `acknowledged` says
        which. Raises LookupError for a number nobody owns.
        """
        self._check_room()
        number = self.find_number(to)
        message = make_inbound(from_, body, number, files=[self._keep_file(file) for file in media])
        self.ledger.record_message(message)
        self._show(message, handset=from_, peer=number.number, author="handset")
        telling = self._tell_text(message, number, meaning=self._obey_keyword(message, number))
        if wait:
            await telling
        else:
            self._start(telling)
        return message

    def find_number(self, number: str | None) -> TwilioNumber:
        """One of our numbers, or the only one; LookupError where that is not clear."""
        if number is None and len(self.numbers) == 1:
            return next(iter(self.numbers.values()))
        if number not in self.numbers:
            raise LookupError(f"no account owns the number {number}")
        return self.numbers[number]

    @property
    def under_way(self) -> int:
        """How many messages and webhooks nobody waits for have not come to their end."""
        return len(self._tasks)

    async def settle(self) -> None:
        """Wait until every message has reached its end and every webhook was answered or given up."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def aclose(self) -> None:
        """Stop: what is on its way stays undelivered, calls without an answer are let go, connections closed."""
        self.stopping.set()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._poster.aclose()

    def _check_room(self) -> None:
        if self.under_way >= QUEUED_MESSAGES:
            raise TwilioRefusal(21611)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, message: Message, number: TwilioNumber) -> None:
        outcome = choose_outcome(self.faults, self.dice, recipient=message.to)
        ladder = LADDERS[outcome.status]
        for status in ("accepted", *ladder) if message.service else ladder:
            await asyncio.sleep(self.pace)
            advance_message(message, status, number=number, outcome=outcome)
            if status == ARRIVAL.get(outcome.status):
                self._show(message, handset=message.to, peer=number.number, author="business")
            if message.callback:
                await self._tell_status(message, message.callback)

    async def _tell_status(self, message: Message, url: str) -> None:
        fault = choose_webhook_fault(self.faults, self.dice)
        telling = self._tell(message, Post(kind=message.status, url=url), form=report_form(message), fault=fault)
        if fault == "reorder":
            self._start(telling)  # the next status does not wait for it
        else:
            await telling

    def _obey_keyword(self, message: Message, number: TwilioNumber) -> OptOutType | None:
        handset = message.sender or ""
        meaning, answer = self.opt_outs.take_keyword(message.body, handset=handset, scope=number.opt_out_scope)
        if answer:
            self.handsets.show_text(
                HandsetText(
                    sid=make_sid("SM"),
                    handset=handset,
                    peer=number.number,
                    author="carrier",
                    body=answer,
                    at=time.time(),
                )
            )
        return meaning

    async def _tell_text(self, message: Message, number: TwilioNumber, *, meaning: OptOutType | None) -> None:
        if number.hook is None:
            return
        form = text_form(message, api_url=self.url, opt_out=meaning if number.advanced_opt_out else None)
        fault = choose_webhook_fault(self.faults, self.dice)
        await self._tell(message, Post(kind="message", url=number.hook), form=form, fault=fault)

    async def _tell(self, message: Message, post: Post, *, form: dict[str, str], fault: WebhookFault) -> None:
        message.posts.append(post)
        body, headers = pack_twilio_webhook(self.accounts[message.account_sid].token, post.url, form)
        await self._poster.post_webhook(post, body, headers=headers, faults=self.faults, fault=fault)
        message.acknowledged = message.acknowledged or post.acknowledged
        message.attempts += len(post.attempts)

    def _show(
        self, message: Message, *, handset: str, peer: str, author: Literal["handset", "business", "carrier"]
    ) -> None:
        urls = message.media_urls + [f"{self.url}/media/{file.ticket}" for file in message.media]
        text = HandsetText(
            sid=message.sid,
            handset=handset,
            peer=peer,
            author=author,
            body=message.body,
            at=time.time(),
            media_urls=urls,
        )
        self.handsets.show_text(text)

    def _keep_file(self, file: HandsetFile) -> MediaFile:
        ticket = secrets.token_urlsafe(24)
        self.ledger.files[ticket] = (file.content_type, file.content)
        return MediaFile(sid=make_sid("ME"), content_type=file.content_type, size=len(file.content), ticket=ticket)
