"""Ports and addresses as atoms: every set that is built and read back is the same (network.md, A-4, A-7)."""

import ipaddress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeaudit.model.nodes import is_public
from kubeaudit.network.ipspace import ip_space
from kubeaudit.network.ports import FIRST, LAST, PROTOCOLS, port_space

_port = st.one_of(st.integers(FIRST, 20), st.integers(LAST - 5, LAST))
_interval = st.builds(lambda p, a, b: (p, min(a, b), max(a, b)), st.sampled_from(PROTOCOLS), _port, _port)
_network = st.one_of(
    st.builds(lambda n, p: ipaddress.ip_network((n, p), strict=False), st.integers(0, 2**32 - 1), st.integers(0, 32)),
    st.builds(
        lambda n, p: ipaddress.IPv6Network((n, p), strict=False), st.integers(2**32, 2**128 - 1), st.integers(0, 128)
    ),
)


@given(st.lists(_interval, max_size=6), _port)
def test_a_port_is_in_the_intervals_that_hold_it(intervals: list[tuple[str, int, int]], port: int) -> None:
    space = port_space(intervals)
    for protocol in PROTOCOLS:
        atom = space.atom(protocol, port)
        assert atom.bit_count() == 1
        for other, first, last in intervals:
            assert bool(space.interval(other, first, last) & atom) == (other == protocol and first <= port <= last)


@given(st.lists(_interval, max_size=6))
def test_intervals_read_back_are_merged_and_the_same_ports(intervals: list[tuple[str, int, int]]) -> None:
    space = port_space(intervals)
    mask = 0
    for found in intervals:
        mask |= space.interval(*found)
    read = list(space.intervals(mask))
    again = 0
    for found in read:
        again |= space.interval(*found)
    assert again == mask
    for (one, _, last), (other, first, _) in pairwise(read):
        assert one != other or last + 1 < first


def test_every_port_is_one_interval_of_each_protocol_and_icmp_is_apart() -> None:
    space = port_space([("TCP", 80, 80), ("UDP", 53, 60)])
    assert list(space.intervals(space.everything)) == [(protocol, FIRST, LAST) for protocol in PROTOCOLS]
    assert space.atom("ICMP", 0) == space.icmp
    assert not space.icmp & (space.whole("TCP") | space.whole("UDP") | space.whole("SCTP"))


@pytest.mark.parametrize(("protocol", "port"), [("TCP", 0), ("TCP", 65536), ("icmp", 1), ("", 80)])
def test_what_is_no_port_is_refused(protocol: str, port: int) -> None:
    with pytest.raises(ValueError, match="no port"):
        port_space([]).atom(protocol, port)


@given(st.lists(_network, max_size=5))
def test_networks_read_back_are_the_same_addresses(
    networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network],
) -> None:
    space = ip_space(networks)
    mask = 0
    for network in networks:
        mask |= space.mask(network)
    merged = [ipaddress.ip_network(cidr) for cidr in space.cidrs(mask)]
    for family in (4, 6):
        expected = list(ipaddress.collapse_addresses(n for n in networks if n.version == family))
        assert [n for n in merged if n.version == family] == expected
        assert space.count(mask, family) == sum(n.num_addresses for n in expected)
    for network in networks:
        atom = space.atom(str(network.network_address))
        assert atom is not None
        assert mask >> atom & 1


@given(
    st.one_of(
        st.integers(0, 2**32 - 1).map(ipaddress.IPv4Address), st.integers(0, 2**128 - 1).map(ipaddress.IPv6Address)
    )
)
def test_an_atom_is_public_when_its_addresses_are(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    """EXP-01: the public atoms are cut where the model's answer changes."""
    space = ip_space([])
    atom = space.atom(str(address))
    assert atom is not None
    assert bool(space.public >> atom & 1) == is_public(str(address))


@pytest.mark.parametrize(
    "edge",
    [
        "9.255.255.255",
        "10.0.0.0",
        "172.31.255.255",
        "172.32.0.0",
        "223.255.255.255",
        "224.0.0.0",
        "::2",
        "fbff::",
        "fec0::",
    ],
)
def test_public_at_the_edges(edge: str) -> None:
    space = ip_space([])
    atom = space.atom(edge)
    assert atom is not None
    assert bool(space.public >> atom & 1) == is_public(edge)


def test_what_is_no_address_has_no_atom() -> None:
    assert ip_space([]).atom("example.com") is None


def test_both_families_are_whole_and_apart() -> None:
    space = ip_space([ipaddress.ip_network("10.0.0.0/8")])
    assert list(space.ranges(space.family(4) | space.family(6))) == [(4, 0, 2**32 - 1), (6, 0, 2**128 - 1)]
    assert space.family(4) & space.family(6) == 0
