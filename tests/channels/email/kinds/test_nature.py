"""People, programs that answer, lists and bulk, told apart by what their mails say of themselves."""

from __future__ import annotations

import msgspec
import pytest

from channels.email.kinds import find_nature, weigh_nature
from channels.email.mail import Mailbox
from tests.channels.email.kinds.absence_notes import BARE_NOTES, NOTES, ORDINARY
from tests.channels.email.kinds.mails import OURS, make_mail, make_report


@pytest.mark.parametrize(("subject", "headers"), NOTES)
def test_absence_notes_are_answers_of_programs(subject: str, headers: dict[str, str]) -> None:
    """A note is known in every language by its headers, with its subject where they leave it open."""
    assert find_nature(make_mail(subject=subject, **headers)) == "auto_reply"


@pytest.mark.parametrize("subject", BARE_NOTES)
def test_a_formula_before_an_answer_is_enough(subject: str) -> None:
    """A mail that answers ours under a program's subject is one of a program, though no header says so."""
    mail = make_mail(subject=subject)
    assert find_nature(msgspec.structs.replace(mail, in_reply_to=["msg_1@shop.example"])) == "auto_reply"
    assert find_nature(mail) == "person"


@pytest.mark.parametrize(("subject", "headers"), ORDINARY)
def test_people_are_not_taken_for_programs(subject: str | None, headers: dict[str, str]) -> None:
    """Words of absence alone make no machine of anybody, not even in an answer."""
    mail = make_mail(subject=subject, **headers)
    assert find_nature(mail) == "person"
    assert find_nature(msgspec.structs.replace(mail, in_reply_to=["msg_1@shop.example"])) == "person"


def test_samples_are_many() -> None:
    """At least thirty notes in fourteen languages stand against at least thirty ordinary mails."""
    assert len(NOTES) >= 30
    assert len(ORDINARY) >= 30


@pytest.mark.parametrize(
    ("headers", "nature"),
    [
        ({"list_id": "Gardeners <gardeners.lists.example>"}, "list"),
        ({"list_post": "<mailto:gardeners@lists.example>"}, "list"),
        ({"precedence": "list"}, "list"),
        ({"mailing_list": "list gardeners@lists.example"}, "list"),
        ({"list_unsubscribe": "<https://news.example/u>"}, "bulk"),
        ({"precedence": "bulk"}, "bulk"),
        ({"precedence": " Bulk "}, "bulk"),
        ({"auto_submitted": "auto-generated"}, "bulk"),
        ({"auto_submitted": "auto-notified; owner-email=x"}, "bulk"),
        ({"x_auto_response_suppress": "OOF"}, "bulk"),
        ({"x_auto_response_suppress": "None"}, "person"),
        ({"x_campaign": "spring"}, "bulk"),
        ({"x_cron_env": "<SHELL=/bin/sh>"}, "bulk"),
        ({"auto_submitted": "Auto-Replied"}, "auto_reply"),
        ({"list_id": "<l.example>", "auto_submitted": "auto-replied"}, "auto_reply"),
        ({"list_id": "<l.example>", "precedence": "bulk"}, "list"),
        ({"x_failed_recipients": "joe@client.example"}, "auto_reply"),
    ],
)
def test_each_header_says_what_the_table_says(headers: dict[str, str], nature: str) -> None:
    """Of several natures the strongest counts: an answer of a program, then a list, then bulk."""
    assert find_nature(make_mail(**headers)) == nature


def test_the_evidence_is_named() -> None:
    """A verdict carries its reasons: the names of the headers that spoke."""
    found = weigh_nature(make_mail(subject="Automatic reply: x", precedence="bulk", x_autoreply="yes"))
    assert found == ("auto_reply", ["precedence", "x-autoreply", "subject"])
    assert weigh_nature(make_mail()) == ("person", [])


@pytest.mark.parametrize("kind", ["delivery-status", "disposition-notification", "feedback-report"])
def test_reports_are_of_programs(kind: str) -> None:
    """Bounces, read receipts and complaints come from programs, whoever stands in From."""
    report = make_report("", report=kind, headers=[], senders=[Mailbox(address="ann@client.example")])
    assert find_nature(report) == "auto_reply"


@pytest.mark.parametrize("sender", ["MAILER-DAEMON@mx.example", "Autoresponder@client.example"])
def test_robots_are_known_by_their_address(sender: str) -> None:
    """Nobody writes from a mail system's own address."""
    assert find_nature(make_mail(sender)) == "auto_reply"


def test_a_form_on_a_website_is_its_visitors() -> None:
    """Mail from noreply@ is bulk, unless another address is given for the answer: then a person stands behind it."""
    robot = make_mail("no-reply@forms.example")
    assert find_nature(robot) == "bulk"
    behind = msgspec.structs.replace(robot, reply_to=[Mailbox(address="ann@client.example")])
    assert find_nature(behind) == "person"
    same = msgspec.structs.replace(robot, reply_to=[Mailbox(address="No-Reply@forms.example")])
    assert find_nature(same) == "bulk"


def test_our_own_mail_come_back_is_a_loop() -> None:
    """A loop mark counts if it names us: other people's forwarders set such marks as well."""
    mail = make_mail(x_loop=f"<{OURS.upper()}>")
    assert find_nature(mail, own=[OURS]) == "auto_reply"
    assert find_nature(mail, own=["other@shop.example"]) == "person"


def test_a_group_that_is_our_own_address_hides_nobody() -> None:
    """Where a group hands us our mail under our own address, its list headers say nothing about who wrote."""
    headers = {
        "list_id": "<help.shop.example>",
        "list_post": "<https://groups.example/a/help>, <mailto:help@shop.example>",
        "list_unsubscribe": "<mailto:googlegroups-manage@shop.example>",
        "precedence": "list",
    }
    assert find_nature(make_mail(**headers), own=[OURS]) == "person"
    assert find_nature(make_mail(**headers)) == "list"
    assert find_nature(make_mail(auto_submitted="auto-replied", **headers), own=[OURS]) == "auto_reply"
