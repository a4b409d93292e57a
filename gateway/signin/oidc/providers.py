"""The identity providers of the settings: SWITCHBOARD_OIDC_PROVIDERS, a list in JSON. Pure."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

import msgspec

PATH = "/auth/oidc"
Id = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,39}(?![\s\S])")]
Filled = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


class Provider(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One provider. Who is no agent yet is refused, unless it is trusted to say who is one (`create_agents`).

    Mail addresses count where it says that they were verified; with `emails_verified` also where it says nothing of
    that, as Microsoft Entra ID does: for a directory in which nobody enters an address but its administrators.
    """

    id: Id
    name: Filled
    issuer: Filled
    client_id: Filled
    client_secret: Filled
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    create_agents: bool = False
    emails_verified: bool = False

    def __repr__(self) -> str:
        """Nothing of the secret: it ends up in tracebacks."""
        return f"Provider({self.id!r})"

    @property
    def start_path(self) -> str:
        """Where a browser begins to sign in by it."""
        return f"{PATH}/{self.id}/start"

    def callback_url(self, public_url: str) -> str:
        """Where it sends the browser back: to be entered at the provider."""
        return f"{public_url.rstrip('/')}{PATH}/{self.id}/callback"


class WrongProviders(ValueError):
    """The setting cannot be used; says why, quoting nothing of it."""


def read_providers(text: str) -> tuple[Provider, ...]:
    """The providers of the setting, none where it is empty; else WrongProviders."""
    if not text:
        return ()
    try:
        found = msgspec.json.decode(text, type=tuple[Provider, ...])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WrongProviders(f"is no list of providers in JSON ({_told(error)})") from error
    if len({provider.id for provider in found}) < len(found):
        raise WrongProviders("has two providers of one id")
    for provider in found:
        issuer = urlsplit(provider.issuer)
        if issuer.scheme not in {"https", "http"} or not issuer.hostname or issuer.query or issuer.fragment:
            raise WrongProviders(f"has an issuer that is no address: that of {provider.id}")
        if "openid" not in provider.scopes:
            raise WrongProviders(f"has a provider without the scope openid: {provider.id}")
    return found


def _told(error: Exception) -> str:
    """What is wrong, where the decoder says it without a value."""
    return str(error) if isinstance(error, msgspec.ValidationError) else "it cannot be read"
