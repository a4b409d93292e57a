"""The people of the demo: names, telephone numbers and languages; the same seed makes the same people. Pure.

No message ever leaves this machine. Where a country keeps numbers for fiction (Ofcom, ARCEP, BNetzA, NANPA 555-01xx),
people have one of those; elsewhere the digits are plainly made up.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from random import Random
from typing import Literal, TypeAlias

import msgspec

from gateway.demo.stories import Language

Line: TypeAlias = Literal["orders", "europe"]
"""Which of the shop's two numbers somebody writes to."""

STRANGERS = 0.15
"""The share of people the shop knows only by their number."""
MAIL_EVERY = 5
"""Each so manieth of those who come writes mails."""
CHAT_EVERY = 4
"""Each so manieth of the others chats in the shop."""
MAIL_DOMAIN = "customers.example"


class Region(msgspec.Struct, frozen=True):
    """Where some of the people live: the digits before their own, how many are their own, and names to make them of."""

    language: Language
    line: Line
    prefix: str
    digits: int
    firsts: tuple[str, ...]
    lasts: tuple[str, ...]
    towns: tuple[str, ...]

    @property
    def numbers(self) -> int:
        """How many people can live there."""
        return int(10**self.digits)


class Person(msgspec.Struct, kw_only=True, frozen=True):
    """Somebody with a phone, and a mail address where that is how they write; or who chats in the shop's pages.

    `known`: the shop has their name.
    """

    name: str
    first: str
    number: str
    language: Language
    town: str
    line: Line
    known: bool
    mail: str | None = None
    chats: bool = False

    @property
    def address(self) -> str:
        """Where they are reached; whom one chats with, the gateway names by itself."""
        return self.mail or self.number


REGIONS = (
    Region("en", "europe", "+447700900", 3, ("Amelia", "Jack", "Priya", "Oliver", "Zoe", "Noah", "Grace", "Idris"),
           ("Hughes", "Patel", "Walker", "Okafor", "Bennett", "Clarke"), ("Leeds", "Bristol", "York", "Cardiff")),
    Region("es", "europe", "+34600000", 3, ("Ana", "Javier", "Lucía", "Carlos", "Marta", "Diego", "Elena", "Pablo"),
           ("Ruiz", "García", "Moreno", "Ortega", "Navarro", "Serrano"), ("Sevilla", "Bilbao", "Valencia", "Madrid")),
    Region("zh", "orders", "+86130000", 5, ("伟", "芳", "静", "磊", "敏", "强", "丽", "洋"),
           ("王", "李", "张", "刘", "陈", "杨"), ("杭州", "成都", "广州", "苏州")),
    Region("de", "europe", "+4917139200", 2, ("Lena", "Jonas", "Mia", "Felix", "Hannah", "Emre", "Greta", "Paul"),
           ("Schmidt", "Weber", "Yılmaz", "Krüger", "Vogel", "Hoffmann"), ("Köln", "Leipzig", "Kassel", "Ulm")),
    Region("pt", "orders", "+55119555", 5, ("Beatriz", "João", "Camila", "Rafael", "Larissa", "Thiago", "Inês", "Caio"),
           ("Souza", "Oliveira", "Almeida", "Santos", "Ribeiro", "Costa"), ("Campinas", "Recife", "Curitiba", "Natal")),
    Region("fr", "europe", "+3363998", 4, ("Chloé", "Hugo", "Inès", "Léo", "Manon", "Karim", "Camille", "Théo"),
           ("Martin", "Dubois", "Lefèvre", "Benali", "Moreau", "Girard"), ("Lyon", "Nantes", "Lille", "Toulouse")),
    Region("ar", "europe", "+20100000", 4, ("سارة", "أحمد", "ليلى", "يوسف", "نور", "خالد", "مريم", "عمر"),
           ("حسن", "العلي", "المصري", "إبراهيم", "الخطيب", "ناصر"), ("القاهرة", "الجيزة", "الإسكندرية", "طنطا")),
    Region("en", "orders", "+141555501", 2, ("Emma", "Liam", "Maya", "Ethan", "Olivia", "Mateo", "Ruth", "Sam"),
           ("Johnson", "Nguyen", "Davis", "Brown", "Cohen", "Lopez"), ("Oakland", "Fresno", "San Jose", "Davis")),
    Region("es", "orders", "+549115550", 4, ("Sofía", "Martín", "Valentina", "Nicolás", "Julieta", "Facundo"),
           ("Fernández", "Gómez", "Acosta", "Romero", "Suárez", "Ibarra"), ("Rosario", "Córdoba", "Mendoza", "Salta")),
)  # fmt: skip


def invent_people(seed: int) -> Iterator[Person]:
    """People of each region in turn, until all of them are full; nobody has another's number."""
    dice = Random(seed)
    offsets = [dice.randrange(region.numbers) for region in REGIONS]
    count = 0
    for turn in range(max(region.numbers for region in REGIONS)):
        for region, offset in zip(REGIONS, offsets, strict=True):
            if turn < region.numbers:
                count += 1
                person = _invent(region, (offset + turn) % region.numbers, dice)
                yield _equipped(person, count)


def _invent(region: Region, own: int, dice: Random) -> Person:
    first, last = dice.choice(region.firsts), dice.choice(region.lasts)
    return Person(
        name=f"{last}{first}" if region.language == "zh" else f"{first} {last}",
        first=first,
        number=f"{region.prefix}{own:0{region.digits}d}",
        language=region.language,
        town=dice.choice(region.towns),
        line=region.line,
        known=dice.random() >= STRANGERS,
    )


def _equipped(person: Person, count: int) -> Person:
    """The same with what they write with, by the order in which they come."""
    if count % MAIL_EVERY == 0:
        return _with_mail(person)
    return msgspec.structs.replace(person, chats=count % CHAT_EVERY == 0)


def _with_mail(person: Person) -> Person:
    """The same, with an address made of their name where that is written in Latin letters, and of their number."""
    plain = unicodedata.normalize("NFKD", person.first).encode("ascii", "ignore").decode().lower()
    local = f"{plain or person.language}.{person.number.lstrip('+')}"
    return msgspec.structs.replace(person, mail=f"{local}@{MAIL_DOMAIN}")
