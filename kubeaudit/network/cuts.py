"""Where policies cut addresses and ports (network.md, A-4, A-7)."""

from collections.abc import Iterable

from msgspec import Struct

from kubeaudit.network.ports import Interval


class Cuts(Struct, frozen=True):
    """``networks`` are CIDR texts as the objects have them (what is no CIDR cuts nothing), ``names`` the port names
    that some rule uses, ``intervals`` the ports.
    """

    networks: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    intervals: frozenset[Interval] = frozenset()


def united(found: Iterable[Cuts]) -> Cuts:
    """All cuts together."""
    every = tuple(found)
    return Cuts(
        frozenset().union(*(cuts.networks for cuts in every)),
        frozenset().union(*(cuts.names for cuts in every)),
        frozenset().union(*(cuts.intervals for cuts in every)),
    )
