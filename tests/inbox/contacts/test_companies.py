"""Companies: made, changed, dissolved; their domains, and what a proven address suggests."""

from __future__ import annotations

from typing import Any

from inbox.contacts.companies.company import proven_domains, suggest_companies
from inbox.contacts.contact import Identity, Proof
from inbox.kit.clock import utc_now
from inbox.kit.db import execute, fetch
from inbox.kit.ids import new_id
from tests.api import Api
from tests.inbox.contacts.people import run_people
from tests.inbox.contacts.test_api import make


async def found(api: Api, **fields: Any) -> dict[str, Any]:
    """A new company, as it is answered."""
    answer = await api.call("POST", "/v1/companies", json={"name": "Acme", **fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def mail(address: str, proof: Proof) -> Identity:
    """A mail address of somebody."""
    return Identity(id=new_id(), kind="email", address=address, proof=proof, created_at=utc_now(), consents=[])


def test_a_company_and_its_contacts(database_url: str) -> None:
    """A contact belongs to one company, can be listed by it, and stays when it is dissolved; each step is told."""

    async def body(api: Api) -> None:
        acme = await found(api, domains=["Acme.Example", "bücher.example"], external={"crm": "7"})
        assert acme["domains"] == ["acme.example", "xn--bcher-kva.example"]
        ana = await make(api, name="Ana", company_id=acme["id"])
        await make(api, name="Ben")
        assert ana["company"] == {"object": "company", "id": acme["id"], "name": "Acme"}
        listed = (await api.call("GET", "/v1/contacts", params={"company": acme["id"]})).json()["data"]
        assert [one["id"] for one in listed] == [ana["id"]]
        path = f"/v1/companies/{acme['id']}"
        patched = (await api.call("PATCH", path, json={"name": "Acme SA", "attributes": {"size": 5}})).json()
        assert (patched["name"], patched["contacts"], patched["attributes"]) == ("Acme SA", 1, {"size": 5})
        assert patched["domains"] == acme["domains"]
        assert (await api.call("DELETE", path)).status_code == 204
        assert (await api.call("GET", path)).status_code == 404
        assert (await api.call("GET", f"/v1/contacts/{ana['id']}")).json()["company"] is None
        told = await fetch("SELECT type, facts FROM feed_event WHERE type LIKE 'company.%' ORDER BY position")
        assert [row["type"] for row in told] == ["company.created", "company.updated", "company.deleted"]
        assert all(acme["id"] in row["facts"] for row in told)
        [audited] = await fetch("SELECT target FROM audit_event WHERE action = 'company.deleted'")
        assert audited["target"] == acme["id"]

    run_people(database_url, body)


def test_a_domain_belongs_to_one_company(database_url: str) -> None:
    """A second company is refused it, naming the first; what is no domain is pointed at."""

    async def body(api: Api) -> None:
        acme = await found(api, domains=["acme.example"])
        taken = await api.call(
            "POST", "/v1/companies", json={"name": "Other", "domains": ["b.example", "ACME.example"]}
        )
        assert taken.status_code == 409
        assert acme["id"] in taken.json()["detail"]
        assert [one["name"] for one in (await api.call("GET", "/v1/companies")).json()["data"]] == ["Acme"]
        wrong = await api.call("POST", "/v1/companies", json={"name": "x", "domains": ["ok.example", "-", "nodot"]})
        assert [error["pointer"] for error in wrong.json()["errors"]] == ["/domains/1", "/domains/2"]
        freed = await api.call("PATCH", f"/v1/companies/{acme['id']}", json={"domains": []})
        assert freed.json()["domains"] == []
        await found(api, name="Other", domains=["acme.example"])

    run_people(database_url, body)


def test_an_unknown_company_is_refused(database_url: str) -> None:
    """A contact cannot belong to what is not there, whatever the id looks like."""

    async def body(api: Api) -> None:
        for company_id in ("cmp_" + "0" * 32, "acme"):
            answer = await api.call("POST", "/v1/contacts", json={"name": "Ana", "company_id": company_id})
            assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/company_id")

    run_people(database_url, body)


def test_only_proven_addresses_suggest_a_company() -> None:
    """Anybody can write any address into a From line: an unproven one says nothing."""
    acme = new_id()
    identities = [mail("a@acme.example", "none"), mail("b@other.example", "confirmed")]
    assert suggest_companies(proven_domains(identities), {"acme.example": acme}) == []
    identities.append(mail("c@acme.example", "provider"))
    [suggestion] = suggest_companies(proven_domains(identities), {"acme.example": acme})
    assert suggestion.company_id == acme
    assert suggestion.because == ["the proven address c@acme.example is of its domain acme.example"]


def test_suggestions_over_http(database_url: str) -> None:
    """A contact's proven domain finds the company that holds it; nothing is assigned by itself."""

    async def body(api: Api) -> None:
        acme = await found(api, domains=["acme.example"])
        ana = await make(api, identities=[{"kind": "email", "address": "ana@acme.example"}])
        path = f"/v1/contacts/{ana['id']}/suggested-companies"
        assert (await api.call("GET", path)).json()["data"] == []
        await execute("UPDATE identity SET proof = 'confirmed'")
        [suggestion] = (await api.call("GET", path)).json()["data"]
        assert suggestion["company"]["id"] == acme["id"]
        assert (await api.call("GET", f"/v1/contacts/{ana['id']}")).json()["company"] is None

    run_people(database_url, body)
