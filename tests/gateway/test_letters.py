"""A message that goes as mail is handed over as a letter; and mails that come by two channels at once meet."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from uuid import UUID

from channels.contract import ChannelSettings, LetterOut, Medium
from channels.errors import Rejected
from channels.events import MessageReceived
from channels.limits import Limits
from channels.parts import AnyPart, Text
from gateway.jobs import run_job
from gateway.letters import mail_rules
from gateway.worker import settle
from inbox.conversations.actions.reply import Reply, reply_to_conversation
from inbox.conversations.letters.letter import MailOptions
from inbox.intake.actions.project import project_events
from inbox.intake.batch import Lane
from inbox.kit.db import fetch_value, tx
from tests.gateway.posts import BACKOFF, Post, run_post
from tests.gateway.runtimes import ScriptedAdapter, connect, open_test_runtime
from tests.inbox.builders import (
    BO,
    NOW,
    WINDOW,
    apart,
    arrived,
    committed,
    count_rows,
    no_sibling,
    run_opened,
)
from tests.inbox.builders import PlainSettings as SmsSettings
from tests.inbox.conversations.letters.post import (
    ACKNOWLEDGING,
    ANA_MAIL,
    BEN_MAIL,
    EVE_MAIL,
    HELP,
    RULES,
    SALES,
    mail,
    mail_channel,
    receive_mail,
)


class MailSettings(SmsSettings, kw_only=True, frozen=True):
    """What the mail provider of these tests needs to know."""

    number: str = HELP
    signature: str | None = "{{ agent.name }}, Us"
    reply_tags: bool = True


class MailAdapter(ScriptedAdapter):
    """A provider of mail that the test scripts."""

    name = "email-plain"
    medium: Medium = "email"
    limits = Limits(parts=frozenset({"text", "html"}), text_chars=10_000, whole=True)
    settings: type[ChannelSettings] = MailSettings


class MailPost(Post):
    """A worker's steps over a channel of mail."""

    async def answer(self, conversation_id: UUID, options: MailOptions | None = None) -> UUID:
        """An answer that waits to be sent."""
        parts: list[AnyPart] = [Text(text="we look into it")]
        written = Reply(parts=parts, author=BO, mail=options)
        adapters = self.runtime.adapters
        return await committed(reply_to_conversation(conversation_id, written, adapters=adapters, now=NOW))

    def letter(self) -> LetterOut:
        """What the provider was handed last."""
        letter = self.adapter.sent[-1].letter
        assert letter is not None
        return letter


def run_mail(url: str, folder: Path, body: Callable[[MailPost], Awaitable[None]]) -> None:
    """A test's body with a mail channel to send by."""

    async def opened() -> None:
        adapter = MailAdapter()
        async with open_test_runtime(url, folder, adapter=adapter) as runtime:
            await body(MailPost(runtime, await connect(runtime, HELP), adapter))

    asyncio.run(opened())


def test_a_letter_has_all_that_its_adapter_needs(database_url: str, tmp_path: Path) -> None:
    """Subject, chain, copies, a signed way back, the author's signature, and what is quoted."""

    async def body(post: MailPost) -> None:
        first = await receive_mail(post.lane, mail("Order", message_id="1@a.example", text="Where is it?", name="Ana"))
        await post.answer(first, MailOptions(cc=[BEN_MAIL], bcc=[EVE_MAIL], quote=True))
        await post.work()
        letter = post.letter()
        assert (letter.subject, letter.in_reply_to, letter.references) == ("Re: Order", "1@a.example", ["1@a.example"])
        assert [[one.value for one in group] for group in (letter.cc, letter.bcc)] == [[BEN_MAIL], [EVE_MAIL]]
        assert letter.signature == "Bo, Us"
        assert letter.quotation is not None
        assert (letter.quotation.text, letter.quotation.author) == ("Where is it?", "Ana")
        tag = (letter.reply_to or "").partition("+")[2].partition("@")[0]
        rules = mail_rules(post.runtime)
        assert await receive_mail(post.lane, mail("else", reply_tags=[tag]), rules=rules) == first

    run_mail(database_url, tmp_path, body)


def test_what_was_redacted_is_not_quoted(database_url: str, tmp_path: Path) -> None:
    """A message may wait while what it quotes is taken out: then it goes without."""

    async def body(post: MailPost) -> None:
        first = await receive_mail(post.lane, mail("Order", text="4111"))
        await post.answer(first, MailOptions(quote=True))
        await committed(_redact())
        await post.work()
        assert post.letter().quotation is None

    run_mail(database_url, tmp_path, body)


async def _redact() -> None:
    await fetch_value("UPDATE entry SET redacted_at = now() WHERE direction = 'inbound' RETURNING id")


def test_an_acknowledgement_says_that_it_is_one(database_url: str, tmp_path: Path) -> None:
    """RFC 3834: the adapter is told, so that nobody's machine answers it."""

    async def body(post: MailPost) -> None:
        await receive_mail(post.lane, mail("Order", message_id="1@a.example"), rules=ACKNOWLEDGING)
        await post.work()
        letter = post.letter()
        assert (letter.automatic, letter.subject, letter.reply_to) == (True, "We have it", None)
        assert post.adapter.sent[-1].to.value == ANA_MAIL

    run_mail(database_url, tmp_path, body)


def test_an_address_that_is_refused_for_good_is_remembered(database_url: str, tmp_path: Path) -> None:
    """The server that takes our mail says at once that there is no such mailbox."""

    async def body(post: MailPost) -> None:
        first = await receive_mail(post.lane, mail("Order"))
        await post.answer(first)
        post.adapter.fail(Rejected("no such mailbox", code="hard_bounce"))
        claimed = await post.claim()
        await settle(claimed, run_job(post.runtime, claimed), backoff=BACKOFF, random=Random(1))
        assert await fetch_value("SELECT reason FROM undeliverable_address") == "no such mailbox"

    run_mail(database_url, tmp_path, body)


def test_a_text_message_has_no_letter(database_url: str, tmp_path: Path) -> None:
    """Only mail is one."""

    async def body(post: Post) -> None:
        await post.write()
        await post.work()
        assert post.adapter.sent[-1].letter is None

    run_post(database_url, tmp_path, body)


def test_parent_and_child_that_come_at_once_by_two_channels_meet(database_url: str) -> None:
    """Different people, different mailboxes, the same moment: one conversation, whoever is first."""

    async def take(lane: Lane, *mails: MessageReceived) -> None:
        rows = [arrived(number, one) for number, one in enumerate(mails, 1)]
        async with tx():
            await project_events(lane, rows, find_sibling=no_sibling, now=NOW, window=WINDOW, rules=RULES)

    async def body() -> None:
        helpdesk, sales = await mail_channel(HELP), await mail_channel(SALES)
        parents = [mail(f"s{n}", sender=f"p{n}@a.example", message_id=f"{n}@a.example") for n in range(30)]
        children = [mail(f"t{n}", sender=f"q{n}@b.example", in_reply_to=[f"{n}@a.example"]) for n in range(30)]
        await asyncio.gather(apart(take(helpdesk, *parents)), apart(take(sales, *reversed(children))))
        assert (await count_rows("conversation"), await count_rows("entry")) == (30, 60)

    run_opened(database_url, body)
