"""The whole relation from masks: who reaches whom on which ports (AGG-2..5).

Blocks are the grouped form: sources with equal destinations and verdicts, then destinations with equal rows. Rows are
the flat form, made for comparing; there are as many as pairs, so their number is known before the first one is made.
"""

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

from msgspec import Struct

from kubeaudit.model.selectors import bits_of, mask_of
from kubeaudit.network.combine import combine
from kubeaudit.network.ipspace import FAMILIES, IPSpace, Network
from kubeaudit.network.judge import Judge
from kubeaudit.network.matrix import Column, Matrix
from kubeaudit.network.ports import ICMP, PROTOCOLS, Interval
from kubeaudit.network.rows import Segment
from kubeaudit.network.sweep import swept
from kubeaudit.network.verdicts import Direction, ReachVerdict
from kubeaudit.proof import State

OPEN = (State.YES, State.UNKNOWN)
_ALL = -1
_MANY = 64
"""From so many parts on a sweep is quicker than cutting each by each, although it looks at every run of bits."""


class Ends(StrEnum):
    """Which end of a block lies outside the pods."""

    PODS = "pods"
    SOURCE = "source"
    TARGET = "target"


class Block(Struct, frozen=True, gc=False):
    """Every source reaches every target on these ports, or may, or does not.

    Masks of classes; of address atoms where ``outside`` names that end. Of a class with itself, two of its pods are
    meant: a pod always reaches itself (NET-53). Pods and addresses of their own nodes are not looked at (NET-44).
    """

    family: str
    outside: Ends
    sources: int
    targets: int
    ports: int
    state: State


class Scope(Struct, frozen=True):
    """What is asked for, as masks; everything where nothing is said."""

    sources: int = _ALL
    targets: int = _ALL
    source_atoms: int = _ALL
    target_atoms: int = _ALL
    ports: int = _ALL
    families: tuple[str, ...] = tuple(FAMILIES)
    states: tuple[State, ...] = OPEN


EVERYTHING = Scope()


class Bounds(Struct, frozen=True):
    """Networks that addresses of a block are shown within: atoms may be wider than what was asked for."""

    sources: tuple[Network, ...] = ()
    targets: tuple[Network, ...] = ()

    def spans(self, space: IPSpace, end: Ends, atoms: int) -> Iterator[str]:
        """Merged ranges of one end: a CIDR where a range is one, else ``first-last`` (AGG-3)."""
        networks = self.sources if end is Ends.SOURCE else self.targets
        if not networks:
            yield from spans(space, atoms)
        for version, low, high in space.ranges(atoms):
            for network in networks:
                first, last = int(network.network_address), int(network.broadcast_address)
                if network.version == version and low <= last and first <= high:
                    yield span(version, max(low, first), min(high, last))


UNBOUNDED = Bounds()


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


def blocks(found: Matrix, scope: Scope = EVERYTHING) -> Iterator[Block]:
    """The relation in groups, as far as it is asked for."""
    judge = found.judge
    for family in scope.families:
        yield from _between(found, family, scope)
        if scope.source_atoms:
            yield from _external(judge, family, Direction.INGRESS, scope)
        if scope.target_atoms:
            yield from _external(judge, family, Direction.EGRESS, scope)


def relation(found: Matrix, families: Iterable[str] = tuple(FAMILIES)) -> Iterator[Row]:
    """Every connection that is reachable or unknown, as flat rows: between classes, and between classes and addresses.

    Ports of equal state are merged, addresses with equal ports too; ICMP is left out.
    """
    judge = found.judge
    names = [label(judge, cls.index) for cls in judge.cluster.classes]
    for block in blocks(found, Scope(families=tuple(families), ports=judge.ports.everything & ~judge.ports.icmp)):
        yield from rows(judge, block, names)


def rows(judge: Judge, block: Block, names: Sequence[str], within: Bounds = UNBOUNDED) -> Iterator[Row]:
    """The flat rows of a block; ``names`` has the name of every class."""
    sources, targets = _ends(judge, block, names, within)
    for protocol, first, last in _intervals(judge, block):
        for target in targets:
            for source in sources:
                yield Row(source, target, block.family, protocol, first, last, block.state)


def count(judge: Judge, block: Block, within: Bounds = UNBOUNDED) -> int:
    """How many flat rows a block has."""
    ends = 1
    for mask, outside in ((block.sources, Ends.SOURCE), (block.targets, Ends.TARGET)):
        ranges = within.spans(judge.universe.space, outside, mask) if block.outside is outside else ()
        ends *= len(list(ranges)) if block.outside is outside else mask.bit_count()
    return ends * len(_intervals(judge, block))


def _intervals(judge: Judge, block: Block) -> list[Interval]:
    return [*judge.ports.intervals(block.ports), *([(ICMP, 0, 0)] if block.ports & judge.ports.icmp else [])]


def label(judge: Judge, cls: int) -> str:
    """How a class is named in rows."""
    found = judge.cluster.classes[cls]
    return f"{found.namespace}/{found.name}"


def _ends(judge: Judge, block: Block, names: Sequence[str], within: Bounds) -> tuple[list[str], list[str]]:
    space = judge.universe.space
    sources, targets = (
        list(within.spans(space, outside, mask)) if block.outside is outside else [names[cls] for cls in bits_of(mask)]
        for mask, outside in ((block.sources, Ends.SOURCE), (block.targets, Ends.TARGET))
    )
    return sources, targets


_Parts = tuple[tuple[State, int, int], ...]
"""State, peers and ports of one class: what its row consists of."""


def _between(found: Matrix, family: str, scope: Scope) -> Iterator[Block]:
    judge = found.judge
    sources = _having(judge, family) & scope.sources
    groups: dict[_Parts, list[int]] = {}
    for target in bits_of(judge.universe.classes & scope.targets) if sources else ():
        columns = list(_columns(found, target, family))
        parts: list[tuple[State, int, int]] = []
        for state in scope.states:
            masks = [(column.ports & scope.ports, _peers(column, state) & sources) for column in columns]
            parts.extend((state, peers, ports) for peers, ports in turned(masks))
        groups.setdefault(tuple(parts), []).append(target)
    for row, targets in groups.items():
        mask = mask_of(targets)
        for state, peers, ports in row:
            yield Block(family, Ends.PODS, peers, mask, ports, state)


def _peers(column: Column, state: State) -> int:
    if state is State.YES:
        return column.reachable
    return column.unknown if state is State.UNKNOWN else ~(column.reachable | column.unknown)


def _by_protocol(judge: Judge, ports: int) -> Iterator[int]:
    for whole in (*(judge.ports.whole(protocol) for protocol in PROTOCOLS), judge.ports.icmp):
        if part := ports & whole:
            yield part


def _columns(found: Matrix, target: int, family: str) -> Iterator[Column]:
    """Columns with what policies say of two pods of the class itself, instead of one pod with itself."""
    own = 1 << target
    judged = found.columns(target, family, exempt=False)
    for column in found.columns(target, family):
        for other in judged:
            if ports := column.ports & other.ports:
                reachable, unknown = column.reachable & ~own, column.unknown & ~own
                yield Column(ports, reachable | other.reachable & own, unknown | other.unknown & own)


def _having(judge: Judge, family: str) -> int:
    return mask_of(c.index for c in judge.cluster.classes if not c.families or family in c.families)


def _external(judge: Judge, family: str, direction: Direction, scope: Scope) -> Iterator[Block]:
    inward = direction is Direction.INGRESS
    subjects, atoms = (scope.targets, scope.source_atoms) if inward else (scope.sources, scope.target_atoms)
    universe = judge.universe
    everywhere = universe.external(universe.space.family(FAMILIES[family]) & atoms)
    groups: dict[_Parts, list[int]] = {}
    known: dict[object, _Parts] = {}
    for cls in bits_of(universe.classes & subjects & _having(judge, family)) if everywhere else ():
        key = likeness(judge, direction, cls)
        if key not in known:
            known[key] = tuple(_outside(judge, cls, direction, everywhere, scope))
        groups.setdefault(known[key], []).append(cls)
    for row, classes in groups.items():
        mask = mask_of(classes)
        for state, peers, ports in row:
            found = universe.atoms_of(peers)
            ends = (found, mask) if inward else (mask, found)
            yield Block(family, Ends.SOURCE if inward else Ends.TARGET, *ends, ports, state)


def likeness(judge: Judge, direction: Direction, cls: int) -> object:
    """What the verdicts of a class towards addresses depend on."""
    doubts = tuple(tuple(judge.doubts.about(cls, direction, protocol)) for protocol in ("TCP", "UDP"))
    mesh = judge.narrowing
    narrowed = (mesh.rows(cls), mesh.mesh.perhaps >> cls & 1) if mesh and direction is Direction.INGRESS else ()
    guarded = tuple(of_nodes(judge, direction, cls))
    return judge.table(direction).signature_of[cls], judge.universe.host >> cls & 1, doubts, narrowed, guarded


def _outside(
    judge: Judge, cls: int, direction: Direction, everywhere: int, scope: Scope
) -> Iterator[tuple[State, int, int]]:
    parts: dict[State, list[tuple[int, int]]] = {state: [] for state in State}
    for ports, peers in alike(judge, direction, cls, everywhere, judge.ports.everything & scope.ports):
        found = towards(judge, direction, cls, peers, *_sample(judge, ports))
        parts[found.state].append((ports, peers))
    for state in scope.states:
        for peers, ports in turned(parts[state]):
            yield state, peers, ports


def alike(judge: Judge, direction: Direction, cls: int, peers: int, ports: int) -> list[tuple[int, int]]:
    """Ports and addresses cut into parts that everything which judges a class treats alike, one protocol each."""
    whole = (*(judge.ports.whole(protocol) for protocol in PROTOCOLS), judge.ports.icmp)
    parts = [(part, peers) for protocol in whole if (part := ports & protocol)]
    mesh = judge.narrowing.rows(cls) if judge.narrowing and direction is Direction.INGRESS else ()
    for row in (judge.table(direction).of(cls).row, mesh, *of_nodes(judge, direction, cls)):
        parts = [cut for held, left in parts for cut in _along(row, held, left)]
    return parts


def _along(row: Sequence[Segment], ports: int, peers: int) -> Iterator[tuple[int, int]]:
    """One part cut by the segments of a row, no two of which have a port in common."""
    for segment in row:
        if inside := ports & segment.ports:
            certain, maybe = peers & segment.peers, peers & segment.maybe & ~segment.peers
            yield from ((inside, part) for part in (certain, maybe, peers & ~(certain | maybe)) if part)
            ports &= ~inside
    if ports:
        yield ports, peers


def towards(judge: Judge, direction: Direction, cls: int, peers: int, protocol: str, port: int) -> ReachVerdict:
    """The verdict of a class and addresses outside the pods; exemptions (V-2) are not looked at."""
    side = judge.side(direction, cls, peers, protocol, port)
    if direction is Direction.EGRESS:
        return combine(judge.cni, side, judge.outside(Direction.INGRESS, cls, peers, protocol, port))
    outside = judge.outside(Direction.EGRESS, cls, peers, protocol, port)
    return combine(judge.cni, outside, side, mesh=judge.mesh(cls, peers, protocol, port))


def of_nodes(judge: Judge, direction: Direction, cls: int) -> Iterator[tuple[Segment, ...]]:
    """The rows by which policies of nodes treat addresses apart: of the nodes of the class, and of nodes there."""
    if judge.guards is None:
        return
    if judge.universe.host >> cls & 1:
        yield judge.guards.row_of(direction, cls)
    other = Direction.EGRESS if direction is Direction.INGRESS else Direction.INGRESS
    for family in FAMILIES:
        yield judge.guards.towards(other, cls, family)


def _sample(judge: Judge, ports: int) -> tuple[str, int]:
    """One of some ports."""
    number = (ports & -ports).bit_length() - 1
    for protocol in PROTOCOLS:
        place = number - judge.ports.offsets[protocol]
        if 0 <= place < len(judge.ports.starts[protocol]):
            return protocol, judge.ports.starts[protocol][place]
    return ICMP, 0


def turned(parts: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """(ports, peers) parts as (peers, ports) with every peer once, so that its ports can be merged. No two parts have
    both a port and a peer in common.
    """
    listed = [(peers, ports) for ports, peers in parts if ports]
    if len(listed) > _MANY:
        yield from ((peers, ports) for ports, peers in swept(listed).items())
        return
    groups: list[tuple[int, int]] = []
    for peers, ports in listed:
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


def spans(space: IPSpace, atoms: int) -> Iterator[str]:
    """Merged ranges: a CIDR where the range is one, else ``first-last`` (AGG-3)."""
    for version, low, high in space.ranges(atoms):
        yield span(version, low, high)


def span(version: int, low: int, high: int) -> str:
    """One range of addresses as text (AGG-3)."""
    made = ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address
    size = high - low + 1
    if size & size - 1 == 0 and low % size == 0:
        return f"{made(low)}/{made(0).max_prefixlen + 1 - size.bit_length()}"
    return f"{made(low)}-{made(high)}"
