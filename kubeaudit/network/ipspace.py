"""Addresses of both families, cut at every edge of an ipBlock: a set of addresses is one int (network.md, A-4)."""

import ipaddress
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

from msgspec import Struct

from kubeaudit.model.nodes import parse
from kubeaudit.model.selectors import bits_of

FAMILIES = {"IPv4": 4, "IPv6": 6}
_END = {4: 1 << 32, 6: 1 << 128}
_NOT_PUBLIC = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.168.0.0/16", "224.0.0.0/4",
    "::/128", "::1/128", "fc00::/7", "fe80::/10", "ff00::/8",
)  # fmt: skip
"""What :func:`kubeaudit.model.nodes.is_public` calls not public (EXP-01)."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class IPSpace(Struct, frozen=True):
    """Atoms of addresses: ``starts`` has per family the first address of each atom; IPv6 atoms follow the IPv4 ones.

    ``public`` are the atoms outside private, CGNAT, link-local and ULA ranges (EXP-01), and outside what the cluster
    owns, as far as that is cut out (network.md, section 2, ``internet``).
    """

    starts: dict[int, tuple[int, ...]]
    public: int

    @property
    def size(self) -> int:
        """Number of atoms of both families."""
        return len(self.starts[4]) + len(self.starts[6])

    def atom(self, address: str) -> int | None:
        """Number of the atom that holds an address; None where the text is none."""
        found = parse(address)
        if found is None:
            return None
        return self._offset(found.version) + bisect_right(self.starts[found.version], int(found)) - 1

    def span(self, network: Network) -> tuple[int, int]:
        """The atoms of a network whose edges were cut: first, and one behind the last."""
        starts, offset = self.starts[network.version], self._offset(network.version)
        first, last = int(network.network_address), int(network.broadcast_address)
        return offset + bisect_right(starts, first) - 1, offset + bisect_left(starts, last + 1)

    def mask(self, network: Network) -> int:
        """The atoms of a network as a mask."""
        low, high = self.span(network)
        return (1 << high) - (1 << low)

    def family(self, version: int) -> int:
        """Every atom of a family."""
        low = self._offset(version)
        return (1 << low + len(self.starts[version])) - (1 << low)

    def ranges(self, mask: int) -> Iterator[tuple[int, int, int]]:
        """The merged ranges of a mask as (family, first, last address), ascending (AGG-3)."""
        split = len(self.starts[4])
        first = last = -2  # not -1, which is followed by atom 0
        for atom in (*bits_of(mask), self.size + 1):
            if atom == last + 1 and atom != split:
                last = atom
                continue
            if first >= 0:
                yield self._range(first, last)
            first = last = atom

    def _range(self, first: int, last: int) -> tuple[int, int, int]:
        version = 4 if first < len(self.starts[4]) else 6
        starts, offset = self.starts[version], self._offset(version)
        behind = last + 1 - offset
        return version, starts[first - offset], (starts[behind] if behind < len(starts) else _END[version]) - 1

    def cidrs(self, mask: int) -> tuple[str, ...]:
        """The merged ranges of a mask as the fewest CIDRs."""
        found: list[str] = []
        for version, first, last in self.ranges(mask):
            ends = (ipaddress.IPv4Address(first), ipaddress.IPv4Address(last)) if version == 4 else (
                ipaddress.IPv6Address(first), ipaddress.IPv6Address(last))  # fmt: skip
            found.extend(str(network) for network in ipaddress.summarize_address_range(*ends))
        return tuple(found)

    def count(self, mask: int, version: int) -> int:
        """How many addresses of a family a mask holds."""
        return sum(last - first + 1 for family, first, last in self.ranges(mask) if family == version)

    def _offset(self, version: int) -> int:
        return 0 if version == 4 else len(self.starts[4])


def ip_space(networks: Iterable[Network], owned: Iterable[Network] = ()) -> IPSpace:
    """Cut both families at the edges of the networks and of the public ranges. ``owned`` are those networks among them
    that belong to the cluster.
    """
    private = [ipaddress.ip_network(text) for text in _NOT_PUBLIC]
    points: dict[int, set[int]] = {4: {0}, 6: {0}}
    for network in (*private, *networks):
        points[network.version].update((int(network.network_address), int(network.broadcast_address) + 1))
    starts = {version: tuple(sorted(p for p in values if p < _END[version])) for version, values in points.items()}
    space = IPSpace(starts, 0)
    public = (1 << space.size) - 1
    for network in (*private, *owned):
        public &= ~space.mask(network)
    return IPSpace(starts, public)
