"""Where the address space is cut by policies, so that addresses no ipBlock can tell apart are one (architecture.md,
idea 4).
"""

import ipaddress
from bisect import bisect_right
from collections.abc import Iterable

from msgspec import Struct

from kubeaudit.model.nodes import parse


class AddressAtoms(Struct, frozen=True):
    """Sorted cut points of each family; between two of them no ipBlock begins or ends."""

    cuts: dict[int, list[int]]

    def atom(self, address: str) -> tuple[int, int]:
        """Family (4 or 6; 0 where the text is no address) and number of the atom that holds an address."""
        found = parse(address)
        if found is None:
            return 0, 0
        return found.version, bisect_right(self.cuts[found.version], int(found))


def cut(networks: Iterable[str]) -> AddressAtoms:
    """Cut both families at the edges of networks, given as text; what is no CIDR and no address cuts nothing."""
    points: dict[int, set[int]] = {4: set(), 6: set()}
    for text in networks:
        _add(points, text)
    return AddressAtoms({family: sorted(values) for family, values in points.items()})


def _add(points: dict[int, set[int]], text: str) -> None:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return
    points[network.version].add(int(network.network_address))
    points[network.version].add(int(network.broadcast_address) + 1)
