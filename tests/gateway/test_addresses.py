"""Whose request it is: what a client claims of itself is never believed, what a proxy of ours says is (T55)."""

from __future__ import annotations

import pytest

from gateway.addresses import Proxies, counted_as, is_loopback

OURS = Proxies(["10.0.0.0/8", "192.0.2.7", "fd00::/8"])


def client(peer: str, *forwarded: str, proxies: Proxies = OURS) -> str:
    """Whom a request is counted under."""
    return proxies.client_of(peer, [(b"x-forwarded-for", value.encode()) for value in forwarded])


@pytest.mark.parametrize("claim", ["1.2.3.4", "10.0.0.1", "127.0.0.1", "", "x, y", "::1"])
def test_a_stranger_cannot_choose_an_address(claim: str) -> None:
    """Who calls us directly is counted under the address of the connection, whatever headers say."""
    assert client("203.0.113.9", claim) == "203.0.113.9"
    assert client("203.0.113.9", claim, proxies=Proxies([])) == "203.0.113.9"


def test_the_last_hop_that_is_not_ours_counts() -> None:
    """Each proxy appends its caller: what stands left of the last stranger is a claim."""
    assert client("10.0.0.1", "1.1.1.1, 203.0.113.9") == "203.0.113.9"
    assert client("10.0.0.1", "1.1.1.1, 203.0.113.9, 192.0.2.7") == "203.0.113.9"
    assert client("10.0.0.1", "1.1.1.1", "203.0.113.9") == "203.0.113.9"


@pytest.mark.parametrize("chain", ["", "nonsense", "10.0.0.2", "1.1.1.1, nonsense", "1.1.1.1, "])
def test_without_a_stranger_the_proxy_counts(chain: str) -> None:
    """A chain that names nobody else, or cannot be read where it counts, is counted under the proxy."""
    assert client("10.0.0.1", chain) == "10.0.0.1"


def test_an_ipv6_customer_is_one_network() -> None:
    """Nobody evades by another of the 2^64 addresses they have; IPv4 in IPv6's clothes is IPv4."""
    assert counted_as("2001:db8:1:2:3::4") == counted_as("2001:db8:1:2:ffff::1") == "2001:db8:1:2::/64"
    assert counted_as("::ffff:203.0.113.9") == "203.0.113.9"
    assert client("fd00::1", "[2001:db8::7]:4711") == "2001:db8::/64"
    assert client("10.0.0.1", "203.0.113.9:4711") == "203.0.113.9"


def test_what_is_no_address_is_one_stranger() -> None:
    """A socket without an address, or with nonsense for one, is counted under one name, not under many."""
    assert OURS.client_of(None, []) == counted_as("nonsense") == counted_as("/run/socket") == "unknown"
    assert is_loopback("127.0.0.9")
    assert is_loopback("::1")
    assert not is_loopback("nonsense")
