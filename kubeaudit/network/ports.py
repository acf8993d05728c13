"""Port numbers cut at every edge in use: a set of ports of all protocols is one int (network.md, A-7)."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from msgspec import Struct

from kubeaudit.model.selectors import bits_of

PROTOCOLS = ("TCP", "UDP", "SCTP")
ICMP = "ICMP"
FIRST, LAST = 1, 65535

Interval = tuple[str, int, int]
"""Protocol, first and last port."""


class PortSpace(Struct, frozen=True):
    """Atoms of ports: ``starts`` has per protocol the first port of each atom.

    The last bit stands for ICMP, which has no ports.
    """

    starts: dict[str, tuple[int, ...]]
    offsets: dict[str, int]
    size: int

    @property
    def everything(self) -> int:
        """Every port of every protocol, and what has none (NET-21)."""
        return (1 << self.size) - 1

    @property
    def icmp(self) -> int:
        """The bit of ICMP and every other protocol without ports (NET-34)."""
        return 1 << self.size - 1

    def atom(self, protocol: str, port: int) -> int:
        """The mask of the atom that holds a port. Raises ``ValueError`` for what is no port of a known protocol."""
        if protocol == ICMP:
            return self.icmp
        if protocol not in self.starts or not FIRST <= port <= LAST:
            raise ValueError(f"{protocol} {port} is no port: expected TCP, UDP or SCTP and {FIRST} to {LAST}, or ICMP")
        return 1 << self.offsets[protocol] + bisect_right(self.starts[protocol], port) - 1

    def interval(self, protocol: str, first: int, last: int) -> int:
        """The mask of an interval whose edges were cut."""
        starts, offset = self.starts[protocol], self.offsets[protocol]
        low = bisect_right(starts, first) - 1
        high = bisect_right(starts, last)
        return (1 << offset + high) - (1 << offset + low)

    def whole(self, protocol: str) -> int:
        """Every port of a protocol (NET-22)."""
        return self.interval(protocol, FIRST, LAST)

    def intervals(self, mask: int) -> Iterator[Interval]:
        """The merged intervals of a mask, by protocol and port (AGG-4); ICMP is left out."""
        for protocol in PROTOCOLS:
            starts = self.starts[protocol]
            mine = mask >> self.offsets[protocol] & (1 << len(starts)) - 1
            edges = bits_of(mine ^ mine << 1)
            for low, high in zip(edges[::2], edges[1::2], strict=True):
                yield protocol, starts[low], starts[high] - 1 if high < len(starts) else LAST


def port_space(intervals: Iterable[Interval]) -> PortSpace:
    """Cut the ports of every protocol at the edges of the intervals."""
    cuts: dict[str, set[int]] = {protocol: {FIRST} for protocol in PROTOCOLS}
    for protocol, first, last in intervals:
        cuts[protocol].add(first)
        if last < LAST:
            cuts[protocol].add(last + 1)
    starts = {protocol: tuple(sorted(values)) for protocol, values in cuts.items()}
    offsets, size = {}, 0
    for protocol in PROTOCOLS:
        offsets[protocol] = size
        size += len(starts[protocol])
    return PortSpace(starts, offsets, size + 1)
