"""What became of our mails, read from what servers send back."""

from __future__ import annotations

import msgspec
import pytest

from channels.email.kinds import Bounce, bounce_events, explain_bounce, read_bounces, read_reference
from channels.email.kinds.statuses import find_smtp_code
from channels.email.mail import Mail, Mailbox
from channels.events import DeliveryReported
from tests.channels.email.kinds.mails import ORIGINAL, OURS, REFERENCE, RETURNED, make_mail, make_notice, make_report
from tests.channels.email.kinds.provider_bounces import PROVIDERS
from tests.channels.email.kinds.standard_bounces import STANDARD, Standard
from tests.channels.email.kinds.worded_bounces import WORDED, Worded


def explained(bounce: Bounce) -> str:
    """Our code for it."""
    return explain_bounce(bounce, smtp=find_smtp_code(bounce.diagnostic or "")).code


def worded_mail(sample: Worded) -> Mail:
    """The mail of a sample in words."""
    more = {"text": None, "html": sample.text} if sample.html else {}
    headers = [("x-failed-recipients", sample.failed)] if sample.failed else []
    return make_notice(sample.text, sender=sample.sender, headers=headers, **more)


@pytest.mark.parametrize("sample", STANDARD, ids=lambda sample: sample.mta)
def test_the_fields_of_the_standard_are_read(sample: Standard) -> None:
    """Recipient, action, status, hardness and code come out of whichever server filled the fields in."""
    [bounce] = read_bounces(make_report(sample.fields))
    read = (bounce.recipient, bounce.action, bounce.status, explained(bounce), bounce.permanent)
    assert read == (sample.recipient, sample.action, sample.status, sample.code, sample.permanent)
    assert (bounce.message_id, bounce.reference) == (ORIGINAL, REFERENCE)


@pytest.mark.parametrize("sample", [*WORDED, *PROVIDERS], ids=lambda sample: sample.mta)
def test_notices_in_words_are_read(sample: Worded) -> None:
    """A server without the standard's fields is understood by its words: who, how hard, why, and which mail of ours."""
    bounces = read_bounces(worded_mail(sample))
    first = bounces[0]
    assert tuple(bounce.recipient for bounce in bounces) == sample.recipients
    assert (explained(first), first.status, first.action) == (sample.code, sample.status, sample.action)
    assert (first.permanent, first.message_id) == (sample.permanent and sample.action == "failed", ORIGINAL)


def test_samples_are_many_and_of_many_makers() -> None:
    """The readers are tried with at least forty notices of at least twelve servers."""
    names = [*(sample.mta for sample in STANDARD), *(sample.mta for sample in [*WORDED, *PROVIDERS])]
    makers = {name.partition(",")[0] for name in names}
    assert len(names) >= 40
    assert len(makers) >= 12


def test_each_recipient_of_a_report_is_told_apart() -> None:
    """One report may say that one got it and another did not; the second server forgot the empty line."""
    fields = """Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; joe@client.example
Action: failed
Status: 5.1.1
Final-Recipient: rfc822; sue@other.example
Action: delivered
Status: 2.0.0
"""
    bounces = read_bounces(make_report(fields))
    assert [(bounce.recipient, bounce.action) for bounce in bounces] == [
        ("joe@client.example", "failed"),
        ("sue@other.example", "delivered"),
    ]
    failed, delivered = bounce_events(make_report(fields), key="mail:1")
    assert failed.key != delivered.key
    assert isinstance(failed, DeliveryReported)
    assert failed.error is not None
    assert failed.error.message == "joe@client.example: there is no such mailbox"


def test_the_host_that_refused_and_its_words_are_kept() -> None:
    """Whoever looks into a bounce sees the remote host and its last word, on one line."""
    [bounce] = read_bounces(make_report(STANDARD[0].fields))
    assert bounce.remote_host == "mx.client.example"
    assert bounce.diagnostic == (
        "550 5.1.1 <joe@client.example>: Recipient address rejected: User unknown in virtual mailbox table"
    )
    [worded] = read_bounces(worded_mail(WORDED[0]))
    assert worded.remote_host == "mx.client.example"


def test_a_failure_becomes_an_event_of_our_message() -> None:
    """The delivery fails under our own id, with our code, the server's status and a hint of what helps."""
    [event] = bounce_events(make_report(STANDARD[0].fields), key="mail:1")
    assert isinstance(event, DeliveryReported)
    assert (event.provider_message_id, event.reference, event.state) == (ORIGINAL, REFERENCE, "undelivered")
    assert event.error is not None
    assert (event.error.code, event.error.provider_code, event.error.retryable) == ("hard_bounce", "5.1.1", False)
    assert event.error.fix
    assert event.error.message.startswith("550 5.1.1 <joe@client.example>")
    assert event.key.startswith("mail:1:")
    assert event.key.endswith(":failed")


def test_a_delay_is_no_failure() -> None:
    """A server that will try again has said nothing final: the message stays sent, and why it waits is kept."""
    [event] = bounce_events(make_report(STANDARD[2].fields), key="mail:1")
    assert isinstance(event, DeliveryReported)
    assert event.error is not None
    assert (event.state, event.error.code, event.error.retryable) == ("sent", "unreachable", True)
    [relayed] = bounce_events(make_report(STANDARD[-1].fields), key="mail:1")
    assert isinstance(relayed, DeliveryReported)
    assert (relayed.state, relayed.error) == ("sent", None)


def test_a_delivery_that_is_confirmed_is_an_event() -> None:
    """A positive notification (RFC 3461) moves the message to delivered, without an error."""
    delivered = next(sample for sample in STANDARD if sample.mta == "delivered")
    [event] = bounce_events(make_report(delivered.fields), key="mail:1")
    assert isinstance(event, DeliveryReported)
    assert (event.state, event.error) == ("delivered", None)


@pytest.mark.parametrize(
    ("mail", "found"),
    [
        (make_report(STANDARD[0].fields, returned=RETURNED.replace("Message-ID:", "message-id :")), ORIGINAL),
        (make_report(f"X-Original-Message-ID: <{ORIGINAL}>\n\n{STANDARD[0].fields}", returned=""), ORIGINAL),
        (make_report(f"Original-Envelope-Id: {REFERENCE}\n{STANDARD[0].fields}", returned=""), REFERENCE),
        (make_report(STANDARD[0].fields, returned="", in_reply_to=[ORIGINAL]), ORIGINAL),
        (make_report(STANDARD[0].fields, returned="", references=["old@x", ORIGINAL]), ORIGINAL),
        (make_report(STANDARD[0].fields, returned="", text=f"It was\n  Message-Id: <{ORIGINAL}>\n"), ORIGINAL),
        (make_report(STANDARD[0].fields, returned="", text=f"your mail {ORIGINAL} came back"), ORIGINAL),
    ],
)
def test_the_original_is_found_wherever_it_is_named(mail: Mail, found: str) -> None:
    """Servers keep the original's id in returned headers, fields of their own, their text, or what they answer."""
    [bounce] = read_bounces(mail)
    assert (bounce.message_id, bounce.reference) == (found, REFERENCE)


def test_what_the_original_answered_is_not_taken_for_it() -> None:
    """Our earlier mail stands in References of the one that came back: it did arrive, and stays so."""
    rewritten = RETURNED.replace(ORIGINAL, "0100018e-made-by-the-relay@mail.example")
    [bounce] = read_bounces(make_report(STANDARD[0].fields, returned=rewritten))
    assert (bounce.message_id, bounce.reference) == ("0100018e-made-by-the-relay@mail.example", None)
    several = "msg_" + "1" * 32 + "@shop.example and msg_" + "2" * 32 + "@shop.example"
    [unnamed] = read_bounces(make_report(STANDARD[0].fields, returned="", text=several))
    assert unnamed.message_id is None
    assert bounce_events(make_report(STANDARD[0].fields, returned="", text=several), key="mail:1") == []


def test_words_beside_bare_fields_give_the_reason() -> None:
    """Where the fields lack a diagnostic, the words written for people are kept as the reason."""
    bare = (
        "Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; joe@client.example\nAction: failed\nStatus: 5.0.0\n"
    )
    [bounce] = read_bounces(make_report(bare, text=WORDED[0].text))
    assert bounce.diagnostic is not None
    assert bounce.diagnostic.startswith("550 5.1.1")


def test_people_who_write_about_bounces_are_no_machines() -> None:
    """A customer who forwards a bounce, or quotes one, has written a message: nothing of ours fails by it."""
    quoting = msgspec.structs.replace(make_mail(subject="Fwd: Undelivered Mail"), text=WORDED[0].text)
    carrying = msgspec.structs.replace(make_mail(), reports=make_report(STANDARD[0].fields).reports)
    assert read_bounces(quoting) == []
    assert read_bounces(carrying) == []
    assert bounce_events(quoting, key="mail:1") == []


def test_our_own_address_is_no_recipient_that_failed() -> None:
    """A notice is addressed to us and often names us: that is not who could not be reached."""
    text = f"Delivery failed.\n\n{OURS}\n\nRecipient: joe@client.example\n550 no such user\nMessage-ID: <{ORIGINAL}>"
    assert [bounce.recipient for bounce in read_bounces(make_notice(text))] == ["joe@client.example"]


def test_a_notice_that_names_nobody_is_about_the_one_recipient() -> None:
    """Where only the returned mail tells whom it was for, and that was one, it is them."""
    [returned] = [part for part in make_report("").reports if part.media_type == "text/rfc822-headers"]
    notice = make_notice("This mail could not be delivered. 550 5.1.1 refused", reports=[returned])
    assert [bounce.recipient for bounce in read_bounces(notice)] == ["joe@client.example"]


def test_a_read_receipt_is_no_bounce() -> None:
    """A disposition notification (RFC 8098) says what a reader did, whatever words it uses."""
    receipt = make_report(
        "Final-Recipient: rfc822; joe@client.example\nDisposition: manual-action; deleted",
        report="disposition-notification",
        text="Your message was not delivered to a reader",
        senders=[Mailbox(address="joe@client.example")],
    )
    assert read_bounces(receipt) == []


@pytest.mark.parametrize(
    ("message_id", "reference"),
    [
        (ORIGINAL, REFERENCE),
        (REFERENCE, REFERENCE),
        (f"x{ORIGINAL}", None),
        ("msg_short@shop.example", None),
        (f"{REFERENCE}0@shop.example", None),
        (None, None),
    ],
)
def test_only_ids_of_our_making_are_references(message_id: str | None, reference: str | None) -> None:
    """What merely looks like one of our ids is nobody's."""
    assert read_reference(message_id) == reference
