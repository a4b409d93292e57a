"""The demo's customers who write mails: who they are, how they answer, and how far their mail is told to have got."""

from __future__ import annotations

import asyncio
from itertools import islice
from random import Random

from channels.email.settings import check_mail_address
from channels.simulators.mail import MailSimulator, PostOffice, ReceivedMail, serve_mail
from gateway.commands.spoken import SpokenChannel, SpokenDelivery, SpokenEntry, SpokenName
from gateway.demo.mailboxes import Mailboxes
from gateway.demo.people import MAIL_EVERY, invent_people
from gateway.demo.stories import STORIES
from gateway.demo.traffic import END_WORDS, stories_for
from gateway.demo.watch import state_of

SHOP = "care@demo.example"


def test_some_people_write_mails() -> None:
    """Each with an address of their own that can be written to, in every language; nobody among them texts STOP."""
    people = list(islice(invent_people(7), 500))
    writers = [person for person in people if person.mail]
    assert len(writers) == 500 // MAIL_EVERY
    assert len({person.address for person in people}) == 500
    assert {person.language for person in writers} == set(STORIES)
    for person in writers:
        check_mail_address("mail", person.address)
        assert all(story.steps[-1].text != END_WORDS for story in stories_for(person))


def test_a_mailbox_answers_what_it_got() -> None:
    """The first mail has a subject; after the shop's the customer answers to the address it asked for, with a quote."""
    person = next(one for one in invent_people(7) if one.mail)
    heard: list[tuple[str, str]] = []

    async def body() -> None:
        shop, customers = MailSimulator(), MailSimulator()
        async with serve_mail(shop) as port:
            office = PostOffice(host="127.0.0.1", port=port)
            boxes = Mailboxes(
                customers, office, SHOP, dice=Random(1), on_mail=lambda address, words: heard.append((address, words))
            )
            with shop.watch_inbox() as arrivals:
                await boxes.write(person, "One", photo=True, subject="broken mug")
                first = await anext(arrivals)
                assert (first.subject, first.in_reply_to, len(first.files)) == ("broken mug", None, 1)
                answer = ReceivedMail(
                    message_id="msg_1@demo.example",
                    envelope_from=SHOP,
                    recipients=[person.address],
                    at=0,
                    subject="Re: broken mug",
                    sender=SHOP,
                    reply_to="care+c1@demo.example",
                    text="Sorry!",
                )
                customers.ledger.record_mail(answer)
                await boxes.write(person, "Two", photo=False, subject=None)
                second = await anext(arrivals)
                assert (second.subject, second.in_reply_to) == ("Re: broken mug", "msg_1@demo.example")
                assert second.recipients == ["care+c1@demo.example"]
                assert "> Sorry!" in second.text

    asyncio.run(body())
    assert heard == [(person.address, "Sorry!")]


def test_a_mail_that_its_server_took_has_arrived() -> None:
    """Nobody tells more of it; a text message has further to go."""

    def entry(medium: str, state: str) -> SpokenEntry:
        return SpokenEntry(
            id="ent_1",
            type="message",
            conversation_id="cnv_1",
            seq=1,
            direction="outbound",
            text="Hello",
            author=SpokenName(),
            created_at="2026-11-22T12:00:00.000Z",
            channel=SpokenChannel(type=medium),
            delivery=SpokenDelivery(state=state),
        )

    assert state_of(entry("email", "sent")) == "delivered"
    assert state_of(entry("email", "unknown")) == "unknown"
    assert state_of(entry("sms", "sent")) == "sent"
