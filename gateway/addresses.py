"""Whose request it is, seen from the network: the peer's address, or the one a trusted proxy names. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

V6_PREFIX = 64
"""One customer's IPv6 network: whoever has one address of it has all of them."""
FORWARDED = b"x-forwarded-for"
UNKNOWN = "unknown"


class Proxies:
    """The proxies whose X-Forwarded-For is believed; each entry is an address or a network."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks: Sequence[Network] = [ip_network(text, strict=False) for text in networks]

    def trusts(self, address: str) -> bool:
        """Whether a request from there was handed on by a proxy of ours."""
        found = read_address(address)
        return found is not None and any(found in network for network in self._networks)

    def client_of(self, peer: str | None, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """The address that limits are counted by: the last one named that is no proxy of ours (security.md T55).

        Each proxy appends the address it was called from, so what stands further to the left is anybody's claim.
        """
        if peer is None:
            return UNKNOWN
        if not self._networks or not self.trusts(peer):
            return counted_as(peer)
        named = [
            part.strip() for name, value in headers if name == FORWARDED for part in value.decode("latin-1").split(",")
        ]
        for candidate in reversed(named):
            if read_address(candidate) is None:
                break
            if not self.trusts(candidate):
                return counted_as(candidate)
        return counted_as(peer)


def is_loopback(address: str) -> bool:
    """Whether the peer is this machine itself."""
    found = read_address(address)
    return found is not None and found.is_loopback


def counted_as(address: str) -> str:
    """What an address is counted by: an IPv4 address itself, of an IPv6 address its network."""
    found = read_address(address)
    if found is None:
        return UNKNOWN
    if isinstance(found, IPv4Address):
        return str(found)
    return str(ip_network((found, V6_PREFIX), strict=False))


@lru_cache(maxsize=10_000)
def read_address(text: str) -> Address | None:
    """An IP address, with brackets, port and zone taken off; an IPv4 address in IPv6's clothes is IPv4."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        found = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
