"""ID tokens by themselves: keys and times at their edges; the whole way is in test_oidc.py."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from channels.http import Http
from gateway.signin.oidc.client import KEYS_SECONDS, OidcClient
from gateway.signin.oidc.providers import read_providers
from gateway.signin.oidc.tokens import LEEWAY_SECONDS, ForgedToken, Person, UnknownKey, read_id_token, read_keys
from tests.gateway.signin.provider import CLIENT, KEYS, open_provider, provider_setting, sign_token

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
GOOD: dict[str, Any] = {
    "iss": "https://id.acme.example", "aud": CLIENT, "sub": "1", "nonce": "n", "iat": SECONDS, "exp": SECONDS + 300,
}  # fmt: skip
PUBLISHED = read_keys({"keys": [key.as_dict(private=False) for key in KEYS.values()]})


def read(claims: dict[str, Any], *, algorithm: str = "RS256", now: datetime = NOW) -> Person:
    """Whom a token of these claims vouches for."""
    token = sign_token(claims, algorithm)
    return read_id_token(token, PUBLISHED, issuer=GOOD["iss"], client_id=CLIENT, nonce="n", now=now)


def test_a_person_without_a_verified_address_is_a_person() -> None:
    """Who is bound already needs no address; an address that was not verified is none."""
    assert read(GOOD | {"email": "a@b.example"}) == Person(issuer=GOOD["iss"], subject="1", email=None, name=None)
    assert read(GOOD | {"email": "a@b.example", "email_verified": True}).email == "a@b.example"


def test_clocks_may_differ_a_little() -> None:
    """A minute either way, and no more."""
    late = timedelta(seconds=300 + LEEWAY_SECONDS - 2)
    assert read(GOOD, now=NOW + late).subject == "1"
    with pytest.raises(ForgedToken):
        read(GOOD, now=NOW + late + timedelta(seconds=4))


def test_several_audiences_need_the_authorized_party() -> None:
    """OpenID Connect Core 3.1.3.7: then `azp` has to be there, and be us."""
    both = GOOD | {"aud": [CLIENT, "other"]}
    assert read(both | {"azp": CLIENT}).subject == "1"
    for wrong in (both, both | {"azp": "other"}):
        with pytest.raises(ForgedToken):
            read(wrong)


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "e30.e30.", "é.é.é", "..", "e30"])
def test_what_is_no_token_is_forged(token: str) -> None:
    """Nonsense is a refusal and never an error."""
    with pytest.raises(ForgedToken):
        read_id_token(token, PUBLISHED, issuer=GOOD["iss"], client_id=CLIENT, nonce="n", now=NOW)


def test_only_public_signing_keys_are_taken() -> None:
    """Shared secrets, keys for encryption, and what cannot be read are left out of a key set."""
    public = KEYS["RS256"].as_dict(private=False)
    odd: list[Any] = [{"kty": "oct", "k": "c2VjcmV0"}, {"kty": "RSA"}, {"kty": "??"}, 7, public | {"use": "enc"}]
    assert [key.kid for key in read_keys({"keys": [*odd, public]})] == ["rsa-1"]
    assert read_keys({"keys": "none"}) == read_keys({}) == []


def test_a_key_of_another_kind_is_not_tried() -> None:
    """A token that names an elliptic key's id and RSA's algorithm is signed by nobody."""
    ellipses = [key for key in PUBLISHED if key.kid == "ec-1"]
    with pytest.raises(UnknownKey):
        read_id_token(sign_token(GOOD, "RS256"), ellipses, issuer=GOOD["iss"], client_id=CLIENT, nonce="n", now=NOW)


def test_new_keys_are_asked_for_and_not_too_often() -> None:
    """A provider that changed its keys is asked again; forged tokens make us ask no more than now and then."""
    clock = [1000.0]

    async def body() -> None:
        async with open_provider() as provider:
            http = Http(allow=("127.0.0.0/8",))
            client = OidcClient(http, clock=lambda: clock[0])
            [named] = read_providers(provider_setting(provider))
            provider.published = ["RS256"]
            provider.algorithm = "RS256"
            now = datetime.now(UTC)
            assert (await client.vouch(named, provider.sign("n"), nonce="n", now=now)).subject
            provider.algorithm, provider.published = "ES256", ["ES256"]
            for _ in range(5):
                with pytest.raises(UnknownKey):
                    await client.vouch(named, provider.sign("n"), nonce="n", now=now)
            assert provider.fetched == ["description", "keys"]
            clock[0] += KEYS_SECONDS
            assert (await client.vouch(named, provider.sign("n"), nonce="n", now=now)).subject
            assert provider.fetched == ["description", "keys", "keys"]
            await http.aclose()

    asyncio.run(body())
