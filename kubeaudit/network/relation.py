"""The whole relation as flat rows, from masks: who reaches whom on which ports (AGG-3..5).

Made for printing and comparing.
"""

import ipaddress
from collections.abc import Iterable, Iterator

from msgspec import Struct

from kubeaudit.model.selectors import bits_of
from kubeaudit.network.combine import combine, external
from kubeaudit.network.ipspace import FAMILIES, IPSpace
from kubeaudit.network.judge import Judge
from kubeaudit.network.matrix import Matrix
from kubeaudit.network.ports import PROTOCOLS
from kubeaudit.network.verdicts import Direction
from kubeaudit.proof import State


class Row(Struct, frozen=True, order=True):
    """One line of the flat form (AGG-5).

    Ends are ``namespace/Kind/name`` of a class, or a range of addresses (AGG-3).
    """

    source: str
    target: str
    family: str
    protocol: str
    first: int
    last: int
    state: State


def relation(found: Matrix, families: Iterable[str] = ("IPv4", "IPv6")) -> Iterator[Row]:
    """Every connection that is reachable or unknown: between classes, and between classes and addresses.

    Ports of equal state are merged, addresses with equal ports too. Own nodes of addresses are not looked at (see
    ``egress``).
    """
    for family in families:
        for target in range(found.judge.universe.size):
            yield from _between(found, target, family)
            yield from _external(found.judge, target, family, Direction.INGRESS)
            yield from _external(found.judge, target, family, Direction.EGRESS)


def label(judge: Judge, cls: int) -> str:
    """How a class is named in rows."""
    found = judge.cluster.classes[cls]
    return f"{found.namespace}/{found.name}"


def _between(found: Matrix, target: int, family: str) -> Iterator[Row]:
    judge = found.judge
    columns = found.columns(target, family)
    for state in (State.YES, State.UNKNOWN):
        parts = [(c.ports, c.reachable if state is State.YES else c.unknown) for c in columns]
        for sources, ports in _turned(parts):
            for source in bits_of(sources):
                yield from _rows(judge, (label(judge, source), label(judge, target)), family, ports, state)


def _external(judge: Judge, cls: int, family: str, direction: Direction) -> Iterator[Row]:
    known = judge.cluster.classes[cls].families
    if known and family not in known:
        return
    universe, own = judge.universe, label(judge, cls)
    parts: dict[State, list[tuple[int, int]]] = {state: [] for state in State}
    everywhere = universe.external(universe.space.family(FAMILIES[family]))
    for segment in judge.table(direction).of(cls).row:
        for protocol in PROTOCOLS:
            ports = segment.ports & judge.ports.whole(protocol)
            for peers in (segment.peers & everywhere, everywhere & ~segment.peers):
                if ports and peers:
                    parts[_state(judge, direction, cls, peers, ports)].append((ports, peers))
    for state in (State.YES, State.UNKNOWN):
        for peers, ports in _turned(parts[state]):
            for place in _ranges(universe.space, universe.atoms_of(peers)):
                ends = (place, own) if direction is Direction.INGRESS else (own, place)
                yield from _rows(judge, ends, family, ports, state)


def _state(judge: Judge, direction: Direction, cls: int, peers: int, ports: int) -> State:
    """The state of addresses that the policies of a class treat alike, on ports of one protocol likewise."""
    protocol, port, _ = next(judge.ports.intervals(ports))
    side = judge.side(direction, cls, peers, protocol, port)
    if direction is Direction.INGRESS:
        return combine(judge.cni, external(Direction.EGRESS), side).state
    return combine(judge.cni, side, external(Direction.INGRESS)).state


def _turned(parts: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """(ports, peers) parts as (peers, ports) with every peer once, so that its ports can be merged."""
    groups: list[tuple[int, int]] = []
    for ports, peers in parts:
        cut = []
        for held, before in groups:
            if inside := held & peers:
                cut.append((inside, before | ports))
            if outside := held & ~peers:
                cut.append((outside, before))
            peers &= ~held
        if peers:
            cut.append((peers, ports))
        groups = cut
    joined: dict[int, int] = {}
    for peers, ports in groups:
        joined[ports] = joined.get(ports, 0) | peers
    for ports, peers in joined.items():
        yield peers, ports


def _rows(judge: Judge, ends: tuple[str, str], family: str, ports: int, state: State) -> Iterator[Row]:
    for protocol, first, last in judge.ports.intervals(ports):
        yield Row(*ends, family, protocol, first, last, state)


def _ranges(space: IPSpace, atoms: int) -> Iterator[str]:
    """Merged ranges: a CIDR where the range is one, else ``first-last`` (AGG-3)."""
    for version, low, high in space.ranges(atoms):
        size = high - low + 1
        if size & size - 1 == 0 and low % size == 0:
            yield f"{_address(version, low)}/{(32 if version == 4 else 128) + 1 - size.bit_length()}"
        else:
            yield f"{_address(version, low)}-{_address(version, high)}"


def _address(version: int, number: int) -> str:
    return str(ipaddress.IPv4Address(number) if version == 4 else ipaddress.IPv6Address(number))
