"""The simulated customers: what they write is what real programs write, and what reaches them is counted."""

from __future__ import annotations

import asyncio
import smtplib
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default

import pytest

from channels.email.quoting import split_html, split_text
from channels.simulators.mail import Draft, DraftFile, MailSimulator, PostOffice, ReceivedMail, serve_mail, write_mail
from channels.simulators.mail.ledger import read_received
from channels.simulators.mail.writing import WROTE

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ANA, OURS = "ana@mail.example", "help@shop.example"
OURS_SENT = ReceivedMail(
    message_id="msg_1@shop.example",
    envelope_from=OURS,
    recipients=[ANA],
    at=0,
    subject="Order 12",
    sender=OURS,
    reply_to="help+c1x@shop.example",
    references=["0@mail.example"],
    text="We send a new one.\nBo",
    html="<p>We send a new one.<br>Bo</p>",
)
WORDS = {"de": "Vielen Dank!", "fr": "Merci beaucoup", "zh": "谢谢", "ar": "شكرا جزيلا"}


@pytest.mark.parametrize("language", sorted(WROTE))
def test_answers_are_taken_apart_again(language: str) -> None:
    """In every language the quote stands under the words as that language's programs put it, in text and HTML."""
    words = WORDS.get(language, "Thank you")
    draft = Draft(sender=ANA, to=OURS, text=words, language=language, answering=OURS_SENT)
    mail = read_received(
        write_mail(draft, message_id="2@mail.example", now=NOW), envelope_from=ANA, recipients=[], at=0
    )
    assert mail.in_reply_to == "msg_1@shop.example"
    assert mail.references == ["0@mail.example", "msg_1@shop.example"]
    assert mail.subject == "Re: Order 12"
    assert split_text(mail.text).new.strip() == words
    assert "new one" in (split_html(mail.html or "").quoted or "")


def test_a_draft_becomes_the_mail_it_says() -> None:
    """Names, copies and files beyond ASCII come out as they went in."""
    photo = DraftFile(name="Tasse ☕.png", media_type="image/png", content=b"\x89PNG\r\n")
    draft = Draft(sender="zoë@mail.example", name="Zoë", to=OURS, cc=("b@x.example",), text="Größe?", files=(photo,))
    content = write_mail(draft, message_id="1@mail.example", now=NOW)
    parsed = message_from_bytes(content, policy=default)
    assert str(parsed["cc"]) == "b@x.example"
    read = read_received(content, envelope_from="", recipients=[], at=0)
    assert (read.sender, read.text) == ("zoë@mail.example", "Größe?")
    assert [(file.name, file.size) for file in read.files] == [("Tasse ☕.png", 6)]


def test_each_mail_is_counted_by_its_id() -> None:
    """Twice the same Message-ID to the same person is doubled; to two people it is one each."""

    async def body() -> None:
        mail = MailSimulator()
        async with serve_mail(mail) as port:

            def post() -> None:
                with smtplib.SMTP("127.0.0.1", port) as client:
                    for _ in range(2):
                        client.sendmail(OURS, [ANA, "ben@mail.example"], "Message-ID: <1@x>\r\n\r\nHello")

            with mail.watch_inbox(ANA) as inbox:
                await asyncio.to_thread(post)
                assert (await anext(inbox)).text == "Hello"
        assert mail.ledger.doubled == 2
        assert len(mail.ledger.inbox_of(ANA)) == 2

    asyncio.run(body())


def test_what_is_not_taken_is_carried_again() -> None:
    """A customer's server tries until we answer 250, and gives up where we refuse for good."""

    async def body() -> None:
        ours = MailSimulator()
        ours.faults.next_mails = ["fail", "cut", "defer", "drop", "none", "refuse"]
        customers = MailSimulator()
        async with serve_mail(ours) as port:
            office = PostOffice(host="127.0.0.1", port=port)
            written = await customers.write_in(Draft(sender=ANA, to=OURS, text="Hello"), office)
            assert (written.acknowledged, written.attempts) == (True, 5)
            assert ours.ledger.doubled == 1, "what was taken and not answered comes again"
            refused = await customers.write_in(Draft(sender=ANA, to=OURS, text="Hello"), office)
            assert not refused.acknowledged
            assert (refused.refused or "").startswith("550")
            assert len(customers.ledger.inbound) == 2

    asyncio.run(body())
