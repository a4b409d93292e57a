"""The mails of the benchmark, alike in size and make to what shops get: answers with a quotation, HTML, a picture."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from random import Random

SHOP = "help@shop.example"
BEGAN = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
TEXT = """
order parcel courier invoice refund window kitchen Größe livraison pedido paczka заказ delivery address broken late
again please could you tell me whether the blue one is back because my daughter's birthday is on Saturday
"""
CELL = '<tr><td style="padding:8px;font-family:Arial"><a href="https://shop.example/p/{n}">{words}</a></td></tr>'
PEOPLE = 500
WORDS = TEXT.split()


def write_letters(amount: int, *, seed: int) -> Iterator[bytes]:
    """So many mails of different people; every third answers one that was written before it."""
    dice = Random(seed)
    known: list[tuple[str, str]] = []
    for number in range(amount):
        sender = f"person{dice.randrange(PEOPLE)}@customers.example"
        message_id = f"{seed}.{number}@customers.example"
        parent = dice.choice(known) if known and number % 3 == 2 else None
        if parent is not None:
            sender = parent[1]
        letter = _letter(dice, number, sender=sender, message_id=message_id, parent=parent[0] if parent else None)
        known = [*known[-200:], (message_id, sender)]
        yield letter.as_bytes(policy=SMTP)


def _letter(dice: Random, number: int, *, sender: str, message_id: str, parent: str | None) -> EmailMessage:
    letter = EmailMessage()
    letter["From"] = f'"Persón {sender[6:9]}" <{sender}>'
    letter["To"] = f"Shop <{SHOP}>"
    letter["Subject"] = f"{'Re: ' if parent else ''}{_words(dice, 6)}"
    letter["Date"] = BEGAN + timedelta(seconds=number)
    for hop in range(4):
        letter["Received"] = f"from mx{hop}.customers.example by mx{hop + 1}.shop.example with ESMTPS id {number:x}"
    letter["X-Mailer"] = "Thunderbird 140"
    letter["Message-ID"] = f"<{message_id}>"
    if parent:
        letter["In-Reply-To"] = letter["References"] = f"<{parent}>"
    letter.set_content(_text(dice))
    if number % 10 < 6:
        letter.add_alternative(_html(dice), subtype="html")
    if number % 10 == 0:
        letter.add_attachment(dice.randbytes(120_000), maintype="image", subtype="jpeg", filename=f"photo {number}.jpg")
    return letter


def _text(dice: Random) -> str:
    quoted = "\n".join(f"> {_words(dice, 12)}" for _ in range(25))
    new = "\n\n".join(_words(dice, 40) for _ in range(3))
    signed = "Kind regards\nAna\n-- \nAna Ruiz\n+34 600 111 222"
    return f"Hello,\n\n{new}\n\n{signed}\n\nOn Sat, Shop <{SHOP}> wrote:\n{quoted}\n"


def _html(dice: Random) -> str:
    new = "".join(f"<p>{_words(dice, 40)}</p>" for _ in range(3))
    table = "".join(CELL.format(n=n, words=_words(dice, 12)) for n in range(20))
    style = "<style>" + "".join(f".c{n}{{color:#333;font-size:{n}px}}\n" for n in range(20)) + "</style>"
    return (
        f"<html><head>{style}</head><body><div>Hello,</div>{new}<div class='gmail_quote'><div class='gmail_attr'>"
        f"On Sat, Shop &lt;{SHOP}&gt; wrote:<br></div><blockquote class='gmail_quote'><table>{table}</table>"
        f"<img src='https://shop.example/logo.png' width=120></blockquote></div></body></html>"
    )


def _words(dice: Random, amount: int) -> str:
    return " ".join(dice.choice(WORDS) for _ in range(amount))
