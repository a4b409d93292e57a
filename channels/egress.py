"""Where we may connect to: the table of forbidden networks and the decision on a host's addresses. Pure.

A URL from a stranger must not lead into our own network. The decision is made on addresses that were resolved, never
on the text of a host, and by this table, never by `ipaddress.is_global`, which calls some of these networks public.
Sources: the IANA special-purpose registries for IPv4 and IPv6 (RFC 6890), RFC 9637 (3fff::/20), RFC 9602 (5f00::/16).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

import msgspec

from channels.errors import Misconfigured

IpAddress: TypeAlias = IPv4Address | IPv6Address
IpNetwork: TypeAlias = IPv4Network | IPv6Network

FORBIDDEN_IPV4 = {
    "0.0.0.0/8": "this network",
    "10.0.0.0/8": "private use",
    "100.64.0.0/10": "carrier-grade NAT, and metadata at 100.100.100.200",
    "127.0.0.0/8": "loopback",
    "168.63.129.16/32": "the platform service of a cloud, in the middle of public space",
    "169.254.0.0/16": "link-local, and metadata at 169.254.169.254",
    "172.16.0.0/12": "private use",
    "192.0.0.0/24": "protocol assignments, and metadata at 192.0.0.192",
    "192.0.2.0/24": "documentation",
    "192.31.196.0/24": "AS112 sink",
    "192.52.193.0/24": "automatic multicast tunnelling",
    "192.88.99.0/24": "6to4 relays",
    "192.168.0.0/16": "private use",
    "192.175.48.0/24": "AS112 sink",
    "198.18.0.0/15": "benchmarking",
    "198.51.100.0/24": "documentation",
    "203.0.113.0/24": "documentation",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved, and broadcast",
}
FORBIDDEN_IPV6 = {
    "::/96": "unspecified, loopback, IPv4-compatible",
    "::ffff:0:0/96": "IPv4-mapped",
    "64:ff9b::/96": "NAT64",
    "64:ff9b:1::/48": "NAT64, local use",
    "100::/64": "discard",
    "2001::/23": "protocol assignments: Teredo, benchmarking, ORCHID",
    "2001:db8::/32": "documentation",
    "2002::/16": "6to4",
    "2620:4f:8000::/48": "AS112 sink",
    "3fff::/20": "documentation",
    "5f00::/16": "segment routing",
    "fc00::/7": "unique local, and metadata at fd00:ec2::254",
    "fe80::/10": "link-local",
    "fec0::/10": "site-local",
    "ff00::/8": "multicast",
    # Only 2000::/3 is given out to the public Internet, so all that lies beside it is closed as well.
    "::/3": "not public",
    "4000::/2": "not public",
    "8000::/1": "not public",
}
FORBIDDEN: dict[int, tuple[IpNetwork, ...]] = {
    4: tuple(map(IPv4Network, FORBIDDEN_IPV4)),
    6: tuple(map(IPv6Network, FORBIDDEN_IPV6)),
}

_ALLOWANCE = re.compile(r"(?:\[(?P<literal>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]+))(?::(?P<port>[0-9]{1,5}))?")


class EgressRefused(Misconfigured):
    """A URL we do not connect to, by its form or by where it leads; nothing was sent.

    The text is the same for every address, and no connection was tried, so it tells nobody what listens inside.
    """

    def __init__(self, reason: str, *, fix: str | None = None) -> None:
        super().__init__(reason, code="unreachable", fix=fix)


class Allowance(msgspec.Struct, kw_only=True, frozen=True):
    """One destination the operator lets through: a host name or a network, on one port or on all (None)."""

    name: str | None = None
    network: IpNetwork | None = None
    port: int | None = None


def read_allowances(entries: Iterable[str]) -> tuple[Allowance, ...]:
    """The operator's list as destinations: "host", "host:port", an address, "[::1]:80" or "127.0.0.0/8".

    Names outside ASCII are written in their xn-- form. ValueError names an entry that is none of these.
    """
    return tuple(_read_allowance(entry.strip().lower()) for entry in entries)


def check_addresses(host: str, addresses: Sequence[str], *, port: int, allowed: Iterable[Allowance]) -> None:
    """EgressRefused unless every address of the host is public or let through by the operator."""
    here = [each for each in allowed if each.port in {None, port}]
    if any(each.name == host.lower().rstrip(".") for each in here):
        return
    networks = [each.network for each in here if each.network is not None]
    if not all(_is_admitted(address, networks) for address in addresses):
        raise EgressRefused(
            "the URL leads to an address that is not public",
            fix="use a public address, or name the host in SWITCHBOARD_EGRESS_ALLOW if it is meant to be reached",
        )


def is_forbidden(address: IpAddress) -> bool:
    """Whether the address lies in a network that nobody outside should make us talk to."""
    return any(address in network for network in FORBIDDEN[address.version])


def _is_admitted(address: str, networks: Iterable[IpNetwork]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:  # what we cannot read, we do not connect to
        return False
    return not is_forbidden(parsed) or any(parsed in network for network in networks)


def _read_allowance(entry: str) -> Allowance:
    if (network := _read_network(entry)) is not None:
        return Allowance(network=network)
    found = _ALLOWANCE.fullmatch(entry)
    if found is None:
        raise ValueError(f"{entry!r} is not a host, host:port, address or network such as 127.0.0.0/8")
    host: str = found["literal"] or found["name"]
    network = _read_network(host)
    port = int(found["port"]) if found["port"] else None
    return Allowance(name=None if network else host.rstrip("."), network=network, port=port)


def _read_network(text: str) -> IpNetwork | None:
    try:
        return ip_network(text)
    except ValueError:
        return None
