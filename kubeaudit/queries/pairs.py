"""The verdicts between one source and one destination, over ports and families (network.md, section 2 and V-6)."""

import ipaddress
from collections.abc import Iterator, Sequence

from msgspec import Struct

from kubeaudit.model.nodes import family_of, parse
from kubeaudit.network.combine import Exemption, combine
from kubeaudit.network.exempt import End, Exemptions
from kubeaudit.network.ipspace import FAMILIES
from kubeaudit.network.ports import ICMP, LAST, PROTOCOLS, Interval
from kubeaudit.network.reach import Direction, Reach, ReachVerdict
from kubeaudit.network.relation import alike, span, towards

NO_PORTS: Interval = (ICMP, 0, 0)
"""ICMP and every other protocol without ports (NET-34)."""


class Unit(Struct, frozen=True):
    """One end: a class, one ``pod`` of it, one ``address``, or the ``atoms`` of a range that ``cidr`` bounds."""

    label: str
    cls: int = -1
    pod: int = -1
    address: str = ""
    atoms: int = 0
    cidr: str = ""

    @property
    def is_pod(self) -> bool:
        """Whether it is a pod or a class of pods."""
        return self.cls >= 0 or self.pod >= 0


class Piece(Struct, frozen=True):
    """The verdict of some ports in one family. ``atoms`` are the addresses it holds for, where one end is a range."""

    family: str
    ports: Interval
    verdict: ReachVerdict
    atoms: int = 0


def port_atoms(reach: Reach, asked: Sequence[Interval]) -> list[Interval]:
    """Every port of some intervals, cut where a verdict may change; all ports and ICMP where none is asked for."""
    found: list[Interval] = []
    for protocol in PROTOCOLS:
        starts = reach.judge.ports.starts[protocol]
        for first, end in zip(starts, (*(start - 1 for start in starts[1:]), LAST), strict=True):
            if not asked:
                found.append((protocol, first, end))
            found.extend(
                (p, max(low, first), min(high, end))
                for p, low, high in asked
                if p == protocol and low <= end and high >= first
            )
    if not asked or NO_PORTS in asked:
        found.append(NO_PORTS)
    return found


def families(reach: Reach, unit: Unit) -> tuple[str, ...]:
    """The address families an end has; both where its addresses are not known yet."""
    if unit.address:
        return (family_of(unit.address),)
    if unit.atoms:
        space = reach.judge.universe.space
        return tuple(family for family, version in FAMILIES.items() if unit.atoms & space.family(version))
    pod = reach.cluster.pods[unit.pod] if unit.pod >= 0 else None
    known = set(map(family_of, pod.addresses)) if pod else set()
    known = known or set(reach.cluster.classes[unit.cls].families if unit.cls >= 0 else ())
    return tuple(family for family in FAMILIES if family in known or not known)


def pieces(reach: Reach, source: Unit, target: Unit, ports: Sequence[Interval], family: str = "") -> Iterator[Piece]:
    """The verdict of every port, in the families both ends have, or in one.

    Where they share none, or a pod has none of the one that is asked for, that is the verdict.
    """
    outside = target if not target.is_pod else source
    having = [name for name in families(reach, source) if name in families(reach, target)]
    asked = [family] if family and (outside.is_pod or family in families(reach, outside)) else []
    for name in asked if family else having or families(reach, outside)[:1]:
        for interval in ports:
            if source.atoms or target.atoms:
                yield from _ranges(reach, source, target, interval, name)
            else:
                yield Piece(name, interval, verdict(reach, source, target, interval, name))


def verdict(reach: Reach, source: Unit, target: Unit, ports: Interval, family: str) -> ReachVerdict:
    """Whether one end may open a connection to the other on a port: pods, classes and single addresses.

    Of two addresses one must be of a node that policies of nodes concern.

    Between pods of one class two different ones are meant, where it has more than one.
    """
    protocol, port, _ = ports
    for end in (source, target):
        if end.is_pod and end.cls < 0:  # finished
            return reach.packet(end.pod, end.pod, protocol, port, family)
    if not source.is_pod and not target.is_pod:
        return reach.packet(source.address, target.address, protocol, port)
    if not source.is_pod:
        if target.pod >= 0:
            return reach.packet(source.address, target.pod, protocol, port)
        return reach.ingress(source.address, target.cls, protocol, port)
    if not target.is_pod:
        if source.pod >= 0:
            return reach.packet(source.pod, target.address, protocol, port)
        return reach.egress(source.cls, target.address, protocol, port)
    if source.pod >= 0 or target.pod >= 0:
        one, other = _chosen(reach, source, target), _chosen(reach, target, source)
        if one >= 0 and other >= 0:
            return reach.packet(one, other, protocol, port, family)
    if source.cls == target.cls and len(reach.cluster.classes[source.cls].pods) != 1:
        return by_policies(reach, source.cls, target.cls, ports, family)
    return reach.connect(source.cls, target.cls, protocol, port, family)


def by_policies(reach: Reach, source: int, target: int, ports: Interval, family: str) -> ReachVerdict:
    """What policies say of two classes, leaving out what exempts a pod with itself and with its own node (V-2)."""
    judge, (protocol, port, _) = reach.judge, ports
    to, of = (judge.universe.peer_bit(cls, family) for cls in (target, source))
    found = reach.connect(source, target, protocol, port, family)
    if not found.egress.namespace:  # no side was judged: an end has no address of the family
        return found
    egress = judge.side(Direction.EGRESS, source, to, protocol, port)
    ingress = judge.side(Direction.INGRESS, target, of, protocol, port)
    return combine(reach.cni, egress, ingress, mesh=judge.mesh(target, of, protocol, port))


def own_nodes(reach: Reach, source: Unit, target: Unit) -> Iterator[Unit]:
    """Addresses inside a range that belong to nodes of the pods on the other side, which policies may not concern
    (NET-44): one of those that no policy can tell apart.
    """
    space, atoms, pods = reach.judge.universe.space, source.atoms | target.atoms, target if source.atoms else source
    if not atoms or not pods.is_pod:
        return
    bounds = ipaddress.ip_network(source.cidr or target.cidr) if source.cidr or target.cidr else None
    seen: dict[int | None, list[str]] = {}
    for node in reach.cluster.nodes:
        for address in node.addresses if node.ref.name in _end(reach, pods).nodes else ():
            atom, found = space.atom(address), parse(address)
            if atom is not None and atoms >> atom & 1 and (bounds is None or (found is not None and found in bounds)):
                seen.setdefault(atom, []).append(address)
    for addresses in seen.values():
        more = f" and {len(addresses) - 1} more" if len(addresses) > 1 else ""
        yield Unit(f"own nodes ({addresses[0]}{more})", address=addresses[0])


def exemptions(reach: Reach, source: Unit, target: Unit) -> tuple[Exemption, ...]:
    """Why policies may not concern what goes on between two ends (V-2), whatever they say of it."""
    exempt = Exemptions(reach.cluster, reach.cni)
    if source.is_pod and target.is_pod:
        alone = source.cls == target.cls and len(reach.cluster.classes[source.cls].pods) == 1
        if alone or source.pod == target.pod >= 0:
            return exempt.between(_end(reach, source), _end(reach, source))
        if source.cls == target.cls:
            return ()
        return exempt.between(_end(reach, source), _end(reach, target))
    if not source.is_pod and not target.is_pod:
        return ()
    if source.address:
        return exempt.from_address(source.address, _end(reach, target))
    return exempt.to_address(_end(reach, source), target.address) if target.address else ()


def _end(reach: Reach, unit: Unit) -> End:
    if unit.pod < 0:
        return End(unit.cls, reach.cluster.classes[unit.cls].nodes)
    pod = reach.cluster.pods[unit.pod]
    return End(pod.cls, (pod.node,) if pod.node else (), unit.pod)


def _chosen(reach: Reach, unit: Unit, other: Unit) -> int:
    """The pod that stands for an end beside another pod: itself, one on the same node, or the first other one."""
    if unit.pod >= 0:
        return unit.pod
    pods = reach.cluster.classes[unit.cls].pods
    node = reach.cluster.pods[other.pod].node
    others = [pod for pod in pods if pod != other.pod] or list(pods)
    return next((pod for pod in others if node and reach.cluster.pods[pod].node == node), others[0] if others else -1)


def _ranges(reach: Reach, source: Unit, target: Unit, ports: Interval, family: str) -> Iterator[Piece]:
    """The verdicts of a range of addresses, one for each part that the policies of the other end treat alike."""
    judge = reach.judge
    direction, cls = (Direction.INGRESS, target.cls) if source.atoms else (Direction.EGRESS, source.cls)
    universe, (protocol, port, _) = judge.universe, ports
    every = (source.atoms | target.atoms) & universe.space.family(FAMILIES[family])
    if cls < 0:
        yield Piece(family, ports, verdict(reach, source, target, ports, family), every)
        return
    for _, peers in alike(judge, direction, cls, universe.external(every), judge.ports.atom(protocol, port)):
        yield Piece(family, ports, towards(judge, direction, cls, peers, protocol, port), universe.atoms_of(peers))


def span_text(reach: Reach, atoms: int, cidr: str = "", version: int = 0) -> tuple[str, ...]:
    """Addresses as merged ranges: CIDR where a range is one, else ``first-last`` (AGG-3). ``cidr`` bounds them."""
    bounds = ipaddress.ip_network(cidr) if cidr else None
    found = []
    for family, low, high in reach.judge.universe.space.ranges(atoms):
        if bounds is not None:
            low, high = max(low, int(bounds.network_address)), min(high, int(bounds.broadcast_address))
        if not version or family == version:
            found.append(span(family, low, high))
    return tuple(found)
