"""The table of forbidden networks and the operator's list."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.egress import FORBIDDEN, EgressRefused, check_addresses, is_forbidden, read_allowances

FORBIDDEN_TEXT = """
    0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.254 168.63.129.16
    169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1 192.31.196.1 192.52.193.1
    192.88.99.3 192.168.1.1 192.175.48.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.1 233.252.0.1
    239.255.255.255 240.0.0.1 255.255.255.255
    :: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b::8.8.8.8
    64:ff9b:1::1 100::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 2001:10::1 2001:20::1 2001:db8::1
    2002:7f00:1:: 2002:808:808::1 2620:4f:8000::1 3fff::1 3fff:fff:ffff::1 5f00::1 4000::1 9000::1 fc00::1 fd00:ec2::254
    fdff::1 fe80::1 fe80::1%eth0 fec0::1 ff02::1 ff0e::1
"""
PUBLIC_TEXT = """
    1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1 169.253.255.255
    172.15.255.255 172.32.0.0 192.0.1.1 192.167.255.255 198.17.255.255 198.20.0.0 223.255.255.255
    2001:4860:4860::8888 2001:200::1 2003::1 2400::1 2606:4700:4700::1111 2a00:1450:4001:80b::200e 3ffe::1 2620:fe::fe
"""
FORBIDDEN_LITERALS = FORBIDDEN_TEXT.split()
PUBLIC_LITERALS = PUBLIC_TEXT.split()


@pytest.mark.parametrize("literal", FORBIDDEN_LITERALS)
def test_addresses_that_are_not_public_are_refused(literal: str) -> None:
    """No address of a special network is connected to, also where the standard library calls it global."""
    assert is_forbidden(ip_address(literal))
    with pytest.raises(EgressRefused):
        check_addresses("a.example", [literal], port=443, allowed=())


@pytest.mark.parametrize("literal", PUBLIC_LITERALS)
def test_public_addresses_are_let_through(literal: str) -> None:
    """The neighbours of the forbidden networks, and everyday public addresses, stay reachable."""
    check_addresses("a.example", [literal], port=443, allowed=())


@given(st.ip_addresses())
def test_the_table_forbids_all_that_the_standard_library_calls_private(address: object) -> None:
    """Our table is wider than the standard library's, never narrower."""
    parsed = ip_address(str(address))
    assert is_forbidden(parsed) or parsed.is_global


def test_one_forbidden_address_among_public_ones_refuses_the_host() -> None:
    """Every address of a host is looked at, for any of them may be the one connected to."""
    with pytest.raises(EgressRefused):
        check_addresses("a.example", ["8.8.8.8", "127.0.0.1"], port=443, allowed=())


@pytest.mark.parametrize("unreadable", ["", "localhost", "127.1", "1.1.1.1/32", "0x7f000001"])
def test_what_is_not_an_address_is_refused(unreadable: str) -> None:
    """A resolver's answer that cannot be read as an address is not connected to."""
    with pytest.raises(EgressRefused):
        check_addresses("a.example", [unreadable], port=443, allowed=())


def test_the_refusal_says_the_same_for_every_address() -> None:
    """The error names neither the address nor what listens there, and says what an operator can do."""
    texts = set()
    for literal in FORBIDDEN_LITERALS:
        with pytest.raises(EgressRefused) as caught:
            check_addresses("a.example", [literal], port=443, allowed=())
        texts.add((caught.value.reason, caught.value.fix, caught.value.code, caught.value.retry))
    assert texts == {
        (
            "the URL leads to an address that is not public",
            "use a public address, or name the host in SWITCHBOARD_EGRESS_ALLOW if it is meant to be reached",
            "unreachable",
            False,
        )
    }


@pytest.mark.parametrize(
    ("entry", "host", "address", "port", "let_through"),
    [
        ("127.0.0.0/8", "any.example", "127.9.9.9", 80, True),
        ("127.0.0.0/8", "any.example", "10.0.0.1", 80, False),
        ("127.0.0.0/8", "any.example", "::ffff:127.0.0.1", 80, False),
        ("127.0.0.1", "localhost", "127.0.0.1", 1, True),
        ("127.0.0.1", "localhost", "127.0.0.2", 1, False),
        ("127.0.0.1:8080", "localhost", "127.0.0.1", 8080, True),
        ("127.0.0.1:8080", "localhost", "127.0.0.1", 8081, False),
        ("[::1]:80", "localhost", "::1", 80, True),
        ("[::1]:80", "localhost", "::1", 81, False),
        ("::1", "localhost", "::1", 81, True),
        ("fd00::/8", "db.example", "fd12::1", 443, True),
        ("Simulator", "simulator", "172.17.0.2", 4010, True),
        ("simulator", "SIMULATOR.", "172.17.0.2", 4010, True),
        ("simulator:4010", "simulator", "172.17.0.2", 4010, True),
        ("simulator:4010", "simulator", "172.17.0.2", 4011, False),
        ("simulator", "evil.simulator", "172.17.0.2", 4010, False),
        ("simulator", "simulator.evil", "172.17.0.2", 4010, False),
    ],
)
def test_only_what_the_operator_names_is_let_through(
    entry: str, host: str, address: str, port: int, let_through: bool
) -> None:
    """A host, a port or a network on the list is open, and nothing beside it."""
    allowed = read_allowances([entry])
    if let_through:
        check_addresses(host, [address], port=port, allowed=allowed)
    else:
        with pytest.raises(EgressRefused):
            check_addresses(host, [address], port=port, allowed=allowed)


@pytest.mark.parametrize("entry", ["", "http://simulator", "a b", "host:port", "127.0.0.1/40", "10.0.0.1/8", "[::1"])
def test_a_malformed_entry_of_the_list_is_named(entry: str) -> None:
    """The operator hears at the start which entry is wrong, instead of a list that silently lets nothing through."""
    with pytest.raises(ValueError, match="is not a host"):
        read_allowances(["ok.example", entry])


def test_the_table_has_both_families() -> None:
    """IPv4 and IPv6 are looked up each in its own table, and the literals above touch every network of both."""
    for version, networks in FORBIDDEN.items():
        addresses = [ip_address(each) for each in FORBIDDEN_LITERALS if ip_address(each).version == version]
        assert [str(network) for network in networks if not any(each in network for each in addresses)] == []
