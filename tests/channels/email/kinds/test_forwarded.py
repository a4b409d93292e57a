"""Mails that were handed on, and who had written them."""

from __future__ import annotations

import msgspec
import pytest

from channels.email.kinds import find_flags, find_forwarded
from channels.email.mail import Mail, Mailbox
from channels.email.reading import read_mail
from tests.channels.email.kinds.mails import make_mail, make_report
from tests.channels.email.kinds.standard_bounces import STANDARD

SUE = Mailbox(address="sue@other.example", name="Sue")


def forwarded(subject: str, text: str) -> Mail:
    """A mail that hands on another in its text."""
    return msgspec.structs.replace(make_mail(subject=subject), text=text)


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        (
            "Fwd: Order",
            "See below\n\n---------- Forwarded message ---------\nFrom: Sue <sue@other.example>\nDate: today\n",
        ),
        ("FW: Order", "From: Sue <sue@other.example>\nSent: Monday\nTo: Ann\nSubject: Order\n\nHi"),
        ("WG: Auftrag", "-----Ursprüngliche Nachricht-----\nVon: Sue <sue@other.example>\nGesendet: Montag\n"),
        ("TR : Commande".replace(" :", ":"), "De : Sue <sue@other.example>\nEnvoyé : lundi\n"),
        ("RV: Pedido", "De: Sue [mailto:sue@other.example]\nEnviado el: lunes\n"),
        ("ENC: Pedido", "De: Sue <sue@other.example>\nEnviada em: segunda\n"),
        ("I: Ordine", "Da: Sue <sue@other.example>\nInviato: lunedì\n"),
        ("Doorst: Bestelling", "*Van:* Sue <sue@other.example>\n*Verzonden:* maandag\n"),
        ("PD: Zamówienie", "Od: Sue <sue@other.example>\nData: dziś\n"),
        ("Fwd: Заказ", "-------- Пересылаемое сообщение --------\nОт: Sue <sue@other.example>\n"),
        ("VB: Beställning", "Från: Sue <sue@other.example>\nSkickat: måndag\n"),
        ("VS: Ordre", "Fra: Sue <sue@other.example>\nSendt: mandag\n"),
        ("転送: 注文", "差出人: Sue <sue@other.example>\n日時: 今日\n"),
        ("转发：订单", "发件人：Sue <sue@other.example>\n发送时间：今天\n"),
        ("إعادة توجيه: طلب", "من: Sue <sue@other.example>\n"),
        ("Order", "Begin forwarded message:\n\n> From: Sue <sue@other.example>\n> Subject: Order\n"),
    ],
)
def test_a_mail_in_the_text_is_found_in_every_language(subject: str, text: str) -> None:
    """The subject says so and the head of a mail stands in the text: its writer is named."""
    assert [(each.how, each.senders) for each in find_forwarded(forwarded(subject, text))] == [("inline", [SUE])]


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Re: Order", "Yes\n\n-----Original Message-----\nFrom: Sue <sue@other.example>\nSent: today\n"),
        ("VS: Tilaus", "Kiitos, sopii hyvin."),
        ("I: think it broke", "Hello"),
        ("Order", "From: my point of view this is fine"),
        ("Fwd: Order", "I wanted to forward something, but forgot"),
        ("FW: Order", ""),
    ],
)
def test_answers_and_plain_mails_hand_on_nothing(subject: str, text: str) -> None:
    """A prefix alone, a quoted answer, or a colon in a sentence are no forwarded mail."""
    assert find_forwarded(forwarded(subject, text)) == []


ATTACHED = b"""From: ann@client.example\r
To: help@shop.example\r
Subject: see attached\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary=b\r
\r
--b\r
Content-Type: text/plain\r
\r
Please look\r
--b\r
Content-Type: message/rfc822\r
Content-Disposition: attachment; filename="order.eml"\r
\r
From: Sue <sue@other.example>\r
Subject: Order\r
\r
Hi\r
--b--\r
"""


def test_an_attached_mail_is_found_with_its_writer() -> None:
    """The file is named by its place, so that it can be opened, and who wrote it is read out of its head."""
    [found] = find_forwarded(read_mail(ATTACHED))
    assert (found.how, found.path, found.name, found.senders) == ("attached", "2", "order.eml", [SUE])
    assert find_flags(read_mail(ATTACHED)) == ["forwarded"]


def test_what_comes_back_with_a_report_is_not_handed_on() -> None:
    """The mail inside a bounce is ours."""
    assert find_forwarded(make_report(STANDARD[0].fields)) == []
    assert find_flags(make_report(STANDARD[0].fields)) == ["bounce"]
    assert find_flags(make_report(STANDARD[2].fields)) == ["bounce_delayed"]
