"""Likely duplicates: what speaks for and against, and that nothing comes of it by itself."""

from __future__ import annotations

from typing import Any

import pytest

from channels.events import AddressKind
from inbox.contacts.contact import Contact, Employer, Identity
from inbox.contacts.duplicates.queries import COMPARED
from inbox.contacts.duplicates.scoring import compare_contacts
from inbox.kit.clock import utc_now
from inbox.kit.db import execute
from inbox.kit.ids import new_id
from tests.api import Api
from tests.inbox.contacts.people import run_people
from tests.inbox.contacts.test_api import make

ACME = Employer(id=new_id(), name="Acme")


def person(*addresses: tuple[AddressKind, str], **fields: Any) -> Contact:
    """Somebody with these addresses."""
    now = utc_now()
    identities = [
        Identity(id=new_id(), kind=kind, address=address, proof="none", created_at=now, consents=[])
        for kind, address in addresses
    ]
    made: dict[str, Any] = {"name": None, "language": None, "attributes": {}, "external": {}, **fields}
    return Contact(id=new_id(), version=1, created_at=now, updated_at=now, identities=identities, **made)


@pytest.mark.parametrize(
    ("one", "other", "score", "word"),
    [
        (person(external={"crm": "1"}), person(external={"crm": "1"}), 60, "crm"),
        (person(("phone", "+34600111222")), person(("whatsapp", "34600111222")), 50, "phone and whatsapp"),
        (person(attributes={"email": "Ana@X.org"}), person(("email", "ana@x.org")), 45, "ana@x.org"),
        (person(attributes={"a": "+34600111222"}), person(attributes={"b": "+34 600 111 222"}), 40, "of both"),
        (person(name="Ana Ruiz"), person(name="ana ruiz"), 25, "called"),
        (person(name="Ana"), person(name="Ana"), 10, "called"),
        (person(name="Ana Ruiz", company=ACME), person(name="Ana Ruiz", company=ACME), 40, "Acme"),
        (person(name="Ana Ruiz", external={"crm": "1"}), person(name="Ana Ruiz", external={"crm": "2"}), 0, "two in"),
        (person(("phone", "+34600111222")), person(("phone", "+34600111223")), 0, ""),
        (person(company=ACME), person(company=ACME), 0, ""),
    ],
)
def test_a_likeness_says_why(one: Contact, other: Contact, score: int, word: str) -> None:
    """Each sign has its weight and its words, and it does not matter which of the two is asked about."""
    for pair in ((one, other), (other, one)):
        likeness = compare_contacts(*pair)
        assert likeness.score == score
        assert word in " ".join(likeness.because)


def test_duplicates_are_found_and_ranked(database_url: str) -> None:
    """The likeliest first; strangers and oneself are not among them, and nobody is changed by asking."""

    async def body(api: Api) -> None:
        ana = await make(
            api, name="Ana Ruiz", external={"crm": "1"}, identities=[{"kind": "phone", "address": "+12125550100"}]
        )
        same = await make(api, name="A. Ruiz", external={"crm": "1"})
        noted = await make(api, name="Someone", attributes={"mobile": "+12125550100"})
        named = await make(api, name="ana ruiz")
        await make(api, name="Stranger", external={"crm": "2"})
        found = (await api.call("GET", f"/v1/contacts/{ana['id']}/duplicates")).json()["data"]
        assert [(one["contact"]["id"], one["score"]) for one in found] == [
            (same["id"], 60), (noted["id"], 45), (named["id"], 25),
        ]  # fmt: skip
        assert all(one["because"] for one in found)
        assert (await api.call("GET", f"/v1/contacts/{ana['id']}")).json() == ana

    run_people(database_url, body)


def test_many_of_the_same_name_crowd_nobody_out(database_url: str) -> None:
    """However many are called the same, whoever shares an id in another system is still compared and comes first."""

    async def body(api: Api) -> None:
        ana = await make(api, name="Ana Ruiz", external={"crm": "1"})
        same = await make(api, name="A. Ruiz", external={"crm": "1"})
        crowd = "INSERT INTO contact (id, name) SELECT gen_random_uuid(), 'ana ruiz' FROM generate_series(1, $1)"
        await execute(crowd, COMPARED + 20)
        found = (await api.call("GET", f"/v1/contacts/{ana['id']}/duplicates")).json()["data"]
        assert (found[0]["contact"]["id"], found[0]["score"], found[1]["score"]) == (same["id"], 60, 25)

    run_people(database_url, body)
