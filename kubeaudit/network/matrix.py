"""All pairs of classes without a loop over pairs: for every target the masks of its sources, by port (network.md, 5.2).

The egress rows are turned round once; a target's sources are then a few ANDs. Everything :meth:`Reach.connect` looks
at for one pair is a mask here: what is undefined, what was not read, own nodes, and whether anything enforces.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from kubeaudit.model.selectors import bits_of, mask_of
from kubeaudit.model.workloads import WorkloadClass
from kubeaudit.network.ipspace import FAMILIES
from kubeaudit.network.judge import Judge
from kubeaudit.network.ports import ICMP
from kubeaudit.network.rows import Segment, Table, partition
from kubeaudit.network.verdicts import Direction
from kubeaudit.settings import Fact


class Column(Struct, frozen=True):
    """Ports of a target with the same sources: masks of the classes that reach it, and of those where it is not known."""

    ports: int
    reachable: int
    unknown: int


class _Tri(Struct, frozen=True):
    """Classes by the state of one side; what is in neither mask is blocked."""

    yes: int
    unknown: int


class Matrix(Struct, frozen=True, eq=False):
    """The egress rows by target. ``groups`` holds per family the (ports, target classes, maybe, source classes) parts of all rows.

    ``towards[family][target]`` indexes the groups that name the target. ``open_sources`` are not isolated for egress.
    """

    judge: Judge
    open_sources: int
    groups: dict[str, tuple[tuple[int, int, int, int], ...]]
    towards: dict[str, tuple[tuple[int, ...], ...]]
    having: dict[str, int]
    unscheduled: int
    on_node: dict[str, int]

    def columns(self, target: int, family: str = "IPv4") -> tuple[Column, ...]:
        """The sources of a target over all its ports, each port once; none where it has no address of the family."""
        if not self.having[family] >> target & 1:
            return ()
        found: dict[tuple[int, int], int] = {}
        for segment in self._egress(target, family):
            for row in self.judge.ingress.of(target).row:
                for ports, protocol in self._by_protocol(segment.ports & row.ports):
                    masks = self._pair(target, family, segment, row, protocol)
                    found[masks] = found.get(masks, 0) | ports
        return tuple(Column(ports, yes, unknown) for (yes, unknown), ports in found.items())

    def sources(self, target: int, protocol: str, port: int, family: str = "IPv4") -> Column:
        """The sources of a target on one port. Raises ``ValueError`` for what is no port."""
        atom = self.judge.ports.atom(protocol, port)
        return next((c for c in self.columns(target, family) if c.ports & atom), Column(atom, 0, 0))

    def _by_protocol(self, ports: int) -> Iterator[tuple[int, str]]:
        """Apart what a doubt about TCP (NET-135) and the rule for ICMP (NET-34) tell apart."""
        tcp, icmp = self.judge.ports.whole("TCP"), self.judge.ports.icmp
        for part, protocol in ((ports & tcp, "TCP"), (ports & ~(tcp | icmp), "UDP"), (ports & icmp, ICMP)):
            if part:
                yield part, protocol

    def _egress(self, target: int, family: str) -> tuple[Segment, ...]:
        """Source classes whose egress rows name the target, by port."""
        bit = 1 << target
        parts = (
            (ports, sources if to & bit else 0, sources if maybe & bit else 0)
            for ports, to, maybe, sources in (self.groups[family][number] for number in self.towards[family][target])
        )
        return partition(parts, self.judge.ports.everything)

    def _pair(self, target: int, family: str, egress: Segment, row: Segment, protocol: str) -> tuple[int, int]:
        """Masks of the sources that reach the target, and of the undecided ones."""
        judge, having = self.judge, self.having[family]
        out = self._sources_side(egress, protocol)
        into = self._target_side(target, family, row, protocol)
        yes = out.yes & into.yes & having
        unknown = (out.yes | out.unknown) & (into.yes | into.unknown) & having & ~yes
        certain, possible = self._exempt(target)
        yes, unknown = yes | certain & having, unknown & ~certain
        blocked = having & ~(yes | unknown)
        return yes, unknown | (blocked if judge.cni.enforces is Fact.UNKNOWN else blocked & possible)

    def _sources_side(self, segment: Segment, protocol: str) -> _Tri:
        judge = self.judge
        classes, host = judge.universe.classes, judge.universe.host
        yes = segment.peers | self.open_sources
        unknown = (classes if judge.undefined_protocol(protocol) else segment.maybe) & ~yes
        # Policies that select a host-network pod have no effect, or an undefined one (NET-48).
        if judge.cni.name:
            yes, unknown = yes | host, unknown & ~host
        else:
            unknown |= host & ~yes
        may_block = may_allow = 0
        for doubt in judge.doubts:
            if Direction.EGRESS in doubt.directions and (protocol == "TCP" or not doubt.only_tcp):
                may_block |= doubt.classes if doubt.may_block else 0
                may_allow |= doubt.classes if doubt.may_allow else 0
        return self._decided(yes, unknown, may_block, may_allow)

    def _target_side(self, target: int, family: str, row: Segment, protocol: str) -> _Tri:
        judge, universe = self.judge, self.judge.universe
        isolated = bool(judge.ingress.of(target).policies)
        yes, unknown = universe.seen_in(row.peers, family), universe.seen_in(row.maybe, family)
        if isolated and judge.undefined_protocol(protocol):
            unknown = universe.classes & ~yes
        if universe.host >> target & 1:
            if judge.cni.name or not isolated:
                yes, unknown = universe.classes, 0
            else:
                unknown = universe.classes & ~yes
        touched = [d for d in judge.doubts if d.touches(target, Direction.INGRESS, protocol)]
        may_block = universe.classes if any(d.may_block for d in touched) else 0
        may_allow = universe.classes if any(d.may_allow for d in touched) else 0
        return self._decided(yes, unknown, may_block, may_allow)

    def _decided(self, yes: int, unknown: int, may_block: int, may_allow: int) -> _Tri:
        """A side after enforcement (NET-71) and doubts: masks of the classes whose verdict something unseen may change."""
        classes = self.judge.universe.classes
        if self.judge.cni.enforces is Fact.NO:
            yes, unknown = classes, 0
        blocked = classes & ~(yes | unknown)
        return _Tri(yes & ~may_block, unknown | yes & may_block | blocked & may_allow)

    def _exempt(self, target: int) -> tuple[int, int]:
        """Sources that policies do not concern: for certain, and perhaps (V-2)."""
        cni, universe, cls = self.judge.cni, self.judge.universe, self.judge.classes[target]
        to_host = universe.host >> target & 1
        others = universe.classes & ~universe.host if to_host else universe.host
        near = 0
        for node in cls.nodes:
            near |= self.on_node.get(node, 0)
        near &= others
        fact = cni.pod_reaches_own_node if to_host else cni.node_reaches_own_pod
        possible = others & ~near & (self.unscheduled if cls.pods else universe.classes)
        itself = 1 << target
        if fact is Fact.YES:
            return itself | near, possible
        return itself, possible | (near if fact is Fact.UNKNOWN else 0)


def matrix(judge: Judge) -> Matrix:
    """Turn the egress rows round."""
    table = judge.egress
    open_sources = 0
    for signature in table.signatures:
        if not signature.policies and not judge.cni.isolates_all:
            open_sources |= signature.classes
    groups = {family: _groups(judge, table, family) for family in FAMILIES}
    size = judge.universe.size
    return Matrix(
        judge,
        open_sources,
        groups,
        {family: _towards(found, size) for family, found in groups.items()},
        {
            family: mask_of(c.index for c in judge.classes if not c.families or family in c.families)
            for family in FAMILIES
        },
        mask_of(c.index for c in judge.classes if not c.pods),
        _on_node(judge.classes),
    )


def _groups(judge: Judge, table: Table, family: str) -> tuple[tuple[int, int, int, int], ...]:
    """Rows of all egress signatures; equal ones are one group with the classes of all."""
    found: dict[tuple[int, int, int], int] = {}
    for signature in table.signatures:
        for segment in signature.row if signature.policies else ():
            to, maybe = judge.universe.seen_in(segment.peers, family), judge.universe.seen_in(segment.maybe, family)
            if to | maybe:
                key = (segment.ports, to, maybe)
                found[key] = found.get(key, 0) | signature.classes
    return tuple((*key, sources) for key, sources in found.items())


def _towards(groups: Sequence[tuple[int, int, int, int]], size: int) -> tuple[tuple[int, ...], ...]:
    found: list[list[int]] = [[] for _ in range(size)]
    for number, (_, to, maybe, _) in enumerate(groups):
        for target in bits_of(to | maybe):
            found[target].append(number)
    return tuple(tuple(numbers) for numbers in found)


def _on_node(classes: Sequence[WorkloadClass]) -> dict[str, int]:
    found: dict[str, list[int]] = {}
    for cls in classes:
        for node in cls.nodes:
            found.setdefault(node, []).append(cls.index)
    return {node: mask_of(held) for node, held in found.items()}
