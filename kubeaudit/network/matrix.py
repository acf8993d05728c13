"""All pairs of classes without a loop over pairs: for every target the masks of its sources, by port (network.md, 5.2).

The egress rows are turned round once; a target's sources are then a few ANDs. Everything :meth:`Reach.connect` looks at
for one pair is a mask here: what is undefined, what was not read, own nodes, and whether anything enforces.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from msgspec import Struct

from kubeaudit.model.selectors import mask_of
from kubeaudit.model.workloads import WorkloadClass
from kubeaudit.network.judge import Judge
from kubeaudit.network.rows import members, partition
from kubeaudit.network.verdicts import Direction
from kubeaudit.settings import Fact


class Column(Struct, frozen=True, gc=False):
    """Ports of a target with the same sources: masks of the classes that reach it, and of those not known to."""

    ports: int
    reachable: int
    unknown: int


class _Side(Struct, frozen=True, gc=False):
    """Source classes by the state of one side on some ports; what is in neither mask is blocked."""

    ports: int
    yes: int
    unknown: int


class _Plane(Struct, frozen=True):
    """The egress rows of one family by target. ``sides[kind_of[target]]`` are the sources that may open to it."""

    having: int
    kind_of: tuple[int, ...]
    sides: tuple[tuple[_Side, ...], ...]


class Matrix(Struct, frozen=True, eq=False, dict=True):
    """The sources of every class. A family is worked out when it is first asked for."""

    judge: Judge

    def columns(self, target: int, family: str = "IPv4", *, exempt: bool = True) -> tuple[Column, ...]:
        """The sources of a target over all its ports, each port once; none where it has no address of the family.

        Without ``exempt`` what policies do not concern (V-2) is judged as if they did.
        """
        plane = self._ipv6 if family == "IPv6" else self._ipv4
        if not plane.having >> target & 1:
            return ()
        certain, possible = self.exempt(target) if exempt else (0, 0)
        held = self._held_back(target)
        found: dict[tuple[int, int], int] = {}
        into_sides = self._ingress(target, family)
        for out in plane.sides[plane.kind_of[target]]:
            for into in into_sides:
                if ports := out.ports & into.ports:
                    masks = self._less(self._pair(out, into, plane.having, certain, possible), held)
                    found[masks] = found.get(masks, 0) | ports
        columns = tuple(Column(ports, yes, unknown) for (yes, unknown), ports in found.items())
        return self._narrowed(target, family, columns) if self.judge.narrowing else columns

    def _narrowed(self, target: int, family: str, columns: tuple[Column, ...]) -> tuple[Column, ...]:
        """Columns without what the mesh takes away (V-3); a pod itself stays."""
        narrowing, universe = self.judge.narrowing, self.judge.universe
        rows = narrowing.rows(target) if narrowing else ()
        if not rows:
            return columns
        itself = 1 << target
        found = []
        for column in columns:
            left = column.ports
            for row in rows:
                if ports := column.ports & row.ports:
                    left &= ~ports
                    yes = universe.seen_in(row.peers, family) | itself
                    maybe = universe.seen_in(row.maybe, family) & ~yes
                    unknown = column.unknown & (yes | maybe) | column.reachable & maybe
                    found.append(Column(ports, column.reachable & yes, unknown))
            if left:
                found.append(Column(left, column.reachable, column.unknown))
        return tuple(found)

    def sources(self, target: int, protocol: str, port: int, family: str = "IPv4") -> Column:
        """The sources of a target on one port. Raises ``ValueError`` for what is no port."""
        atom = self.judge.ports.atom(protocol, port)
        return next((c for c in self.columns(target, family) if c.ports & atom), Column(atom, 0, 0))

    def _pair(self, out: _Side, into: _Side, having: int, certain: int, possible: int) -> tuple[int, int]:
        """Both sides, then exceptions, then enforcement (V-1, V-2, V-4): sources that reach, and undecided ones."""
        yes = out.yes & into.yes & having | certain & having
        unknown = (out.yes | out.unknown) & (into.yes | into.unknown) & having & ~yes
        enforces = self.judge.cni.enforces
        if enforces is Fact.UNKNOWN:
            unknown = having & ~yes
        elif enforces is Fact.YES:
            unknown |= having & possible & ~yes
        return yes, unknown

    def _ingress(self, target: int, family: str) -> list[_Side]:
        """Classes that the policies of the target let in."""
        judge, universe = self.judge, self.judge.universe
        selected = bool(judge.ingress.of(target).stages)
        host = universe.host >> target & 1
        found = []
        for row in judge.ingress.of(target).row:
            for ports, protocol in _by_protocol(judge, row.ports):
                yes, unknown = universe.seen_in(row.peers, family), universe.seen_in(row.maybe, family)
                if host and (judge.cni.name or not selected):
                    yes, unknown = self._everyone, 0
                elif host:
                    unknown = self._everyone & ~yes
                key = (Direction.INGRESS, protocol == "TCP")
                may_block = self._everyone if judge.doubts.may_block[key] >> target & 1 else 0
                may_allow = self._everyone if judge.doubts.may_allow[key] >> target & 1 else 0
                found.append(self._decided(_Side(ports, yes, unknown), may_block, may_allow))
        return found

    def _egress(self, parts: Iterable[tuple[int, int, int]]) -> tuple[_Side, ...]:
        """Classes whose policies let them open to a target; ``parts`` are the (ports, sources, maybe) of their rows."""
        judge, host = self.judge, self.judge.universe.host
        found = []
        for segment in partition(parts, judge.ports.everything):
            for ports, protocol in _by_protocol(judge, segment.ports):
                yes = segment.peers | self._open_sources
                unknown = segment.maybe & ~yes
                # Policies that select a host-network pod have no effect, or an undefined one (NET-48).
                if judge.cni.name:
                    yes, unknown = yes | host, unknown & ~host
                else:
                    unknown |= host & ~yes
                key = (Direction.EGRESS, protocol == "TCP")
                side = _Side(ports, yes, unknown)
                found.append(self._decided(side, judge.doubts.may_block[key], judge.doubts.may_allow[key]))
        return tuple(found)

    def _decided(self, side: _Side, may_block: int, may_allow: int) -> _Side:
        """A side after enforcement (NET-71) and after doubts, given as masks of the classes they touch."""
        yes, unknown = (self._everyone, 0) if self.judge.cni.enforces is Fact.NO else (side.yes, side.unknown)
        blocked = self._everyone & ~(yes | unknown)
        return _Side(side.ports, yes & ~may_block, unknown | yes & may_block | blocked & may_allow)

    def exempt(self, target: int) -> tuple[int, int]:
        """Sources that policies do not concern: for certain, and perhaps (V-2)."""
        cni, universe, cls = self.judge.cni, self.judge.universe, self.judge.cluster.classes[target]
        to_host = universe.host >> target & 1
        others = self._everyone & ~universe.host if to_host else universe.host
        near = 0
        for node in cls.nodes if others else ():
            near |= self._on_node.get(node, 0)
        near &= others
        fact = cni.pod_reaches_own_node if to_host else cni.node_reaches_own_pod
        possible = others & ~near & (self._unscheduled if cls.pods else self._everyone)
        itself = 1 << target
        if fact is Fact.NO:
            return itself, 0
        if fact is Fact.YES:
            return itself | near, possible
        return itself, possible | (near if fact is Fact.UNKNOWN else 0)

    def _held_back(self, target: int) -> int:
        """Pods of the target's node that the plugin may keep from it after the policies (NET-130)."""
        cni, universe, cls = self.judge.cni, self.judge.universe, self.judge.cluster.classes[target]
        if cni.drops_to_own_node is Fact.NO or cni.enforces is Fact.NO:
            return 0
        if not universe.host >> target & 1 or len(cls.nodes) != 1:
            return 0
        on_node = self._on_node.get(cls.nodes[0], 0) & ~universe.host
        return on_node & self._on_one_node

    def _less(self, masks: tuple[int, int], held: int) -> tuple[int, int]:
        """Sources that reach and undecided ones, without those that are held back."""
        yes, unknown = masks
        cni = self.judge.cni
        if cni.drops_to_own_node is Fact.YES and cni.enforces is Fact.YES:
            return yes & ~held, unknown & ~held
        return yes & ~held, unknown | yes & held

    @cached_property
    def _on_one_node(self) -> int:
        return mask_of(c.index for c in self.judge.cluster.classes if len(c.nodes) == 1)

    @cached_property
    def _everyone(self) -> int:
        return self.judge.universe.classes

    @cached_property
    def _unscheduled(self) -> int:
        return mask_of(c.index for c in self.judge.cluster.classes if not c.pods)

    @cached_property
    def _open_sources(self) -> int:
        """Classes that no policy selects for egress."""
        return 0 if self.judge.cni.isolates_all else self._everyone & ~self.judge.egress.selected

    @cached_property
    def _on_node(self) -> dict[str, int]:
        return _on_node(self.judge.cluster.classes)

    @cached_property
    def _ipv4(self) -> _Plane:
        return self._plane("IPv4")

    @cached_property
    def _ipv6(self) -> _Plane:
        return self._plane("IPv6")

    def _plane(self, family: str) -> _Plane:
        groups = list(_groups(self.judge, family))
        kinds: dict[tuple[int, ...], int] = {}
        kind_of = [kinds.setdefault(named_by, len(kinds)) for named_by in _towards(groups, self.judge.universe.size)]
        sides = tuple(
            self._egress(
                ((g.ports, g.sources, 0) if n & 1 else (g.ports, 0, g.sources) for n in k for g in (groups[n >> 1],)),
            )
            for k in kinds
        )
        having = mask_of(c.index for c in self.judge.cluster.classes if not c.families or family in c.families)
        return _Plane(having, tuple(kind_of), sides)


class _Group(Struct, frozen=True, gc=False):
    """Egress rows of some classes that are equal: on these ports they open ``to`` and ``maybe`` to these classes."""

    ports: int
    to: int
    maybe: int
    sources: int


def _groups(judge: Judge, family: str) -> Iterator[_Group]:
    found: dict[tuple[int, int, int], int] = {}
    for signature in judge.egress.signatures:
        for segment in signature.row if signature.stages else ():
            to, maybe = judge.universe.seen_in(segment.peers, family), judge.universe.seen_in(segment.maybe, family)
            if to | maybe:
                key = (segment.ports, to, maybe)
                found[key] = found.get(key, 0) | signature.classes
    for key, sources in found.items():
        yield _Group(*key, sources)


def _towards(groups: Sequence[_Group], size: int) -> Iterator[tuple[int, ...]]:
    """For every target the groups that name it: twice the number of the group, and one where it is for certain."""
    found: list[list[int]] = [[] for _ in range(size)]
    for number, group in enumerate(groups):
        for targets, mark in ((group.to, 2 * number + 1), (group.maybe, 2 * number)):
            for held in members(found, targets):
                held.append(mark)
    return map(tuple, found)


def _by_protocol(judge: Judge, ports: int) -> Iterator[tuple[int, str]]:
    """Apart what a doubt about TCP (NET-135) tells apart."""
    tcp = judge.ports.whole("TCP")
    for part, protocol in ((ports & tcp, "TCP"), (ports & ~tcp, "UDP")):
        if part:
            yield part, protocol


def _on_node(classes: Sequence[WorkloadClass]) -> dict[str, int]:
    found: dict[str, list[int]] = {}
    for cls in classes:
        for node in cls.nodes:
            found.setdefault(node, []).append(cls.index)
    return {node: mask_of(held) for node, held in found.items()}
