"""All pairs of classes without a loop over pairs: for every target the masks of its sources, by port (network.md, 5.2).

The egress rows are turned round once; a target's sources are then a few ANDs. Everything :meth:`Reach.connect` looks at
for one pair is a mask here: what is undefined, what was not read, own nodes, and whether anything enforces.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain

from msgspec import Struct

from kubeaudit.model.selectors import mask_of
from kubeaudit.model.workloads import WorkloadClass
from kubeaudit.network.ipspace import FAMILIES
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
        into_sides, guards = self._ingress(target, family), self._guards(target, family, 1 << target if exempt else 0)
        for out in plane.sides[plane.kind_of[target]]:
            for into in into_sides:
                if shared := out.ports & into.ports:
                    pair = self._pair(out, into, plane.having, certain, possible)
                    for guard in guards:
                        if ports := shared & guard.ports:
                            masks = self._less(self._guarded(pair, guard, plane.having), held)
                            found[masks] = found.get(masks, 0) | ports
        columns = tuple(Column(ports, yes, unknown) for (yes, unknown), ports in found.items())
        return self._narrowed(target, family, columns, 1 << target if exempt else 0)

    def _narrowed(self, target: int, family: str, columns: tuple[Column, ...], itself: int) -> tuple[Column, ...]:
        """Columns without what the mesh takes away (V-3); a pod itself stays (NET-53)."""
        narrowing, universe = self.judge.narrowing, self.judge.universe
        rows = narrowing.rows(target) if narrowing else ()
        if not rows:
            return columns
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

    def _guards(self, target: int, family: str, itself: int) -> tuple[_Side, ...]:
        """What policies of nodes leave of the sources of a target, where it or they are on the host network."""
        everyone, judge = self._everyone, self.judge
        sides = [_Side(judge.ports.everything, everyone, 0)]
        if judge.guards is None:
            return tuple(sides)
        rows = [self._guards_of_sources[family].get(target, ())]
        if judge.universe.host >> target & 1:
            seen = judge.universe.seen_in
            into = judge.guards.row_of(Direction.INGRESS, target)
            rows.append(tuple(_Side(row.ports, seen(row.peers, family), seen(row.maybe, family)) for row in into))
        for row_sides in rows:
            sides = [
                _Side(ports, yes, (side.yes | side.unknown) & (row.yes | row.unknown) & ~yes)
                for side in sides
                for row in row_sides or (_Side(judge.ports.everything, everyone, 0),)
                if (ports := side.ports & row.ports)
                for yes in (side.yes & row.yes,)
            ]
        return tuple(_Side(side.ports, side.yes | itself, side.unknown & ~itself) for side in sides)

    def _guarded(self, pair: tuple[int, int], guard: _Side, having: int) -> tuple[int, int]:
        """Sources that reach and undecided ones as far as policies of nodes let them, exempt ones too."""
        yes = pair[0] & guard.yes
        if self.judge.cni.enforces is Fact.UNKNOWN:
            return yes, having & ~yes
        return yes, (pair[0] | pair[1]) & (guard.yes | guard.unknown) & ~yes

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
    def _guards_of_sources(self) -> dict[str, dict[int, tuple[_Side, ...]]]:
        return {family: self._by_target(family) for family in FAMILIES}

    def _by_target(self, family: str) -> dict[int, tuple[_Side, ...]]:
        """What policies of nodes let host-network classes open to each target; all other classes are open."""
        judge, everything = self.judge, self.judge.ports.everything
        opened: dict[tuple[int, int, bool], int] = {}
        hosts = 0
        for cls in judge.cluster.classes if judge.guards else ():
            if not cls.shape.host_network or judge.guards is None:
                continue
            hosts |= 1 << cls.index
            for row in judge.guards.row_of(Direction.EGRESS, cls.index):
                for peers, certain in ((row.peers, True), (row.maybe, False)):
                    if targets := judge.universe.seen_in(peers, family):
                        key = (targets, row.ports, certain)
                        opened[key] = opened.get(key, 0) | 1 << cls.index
        if not hosts:
            return {}
        others, parts = self._everyone & ~hosts, list(opened.items())
        kinds: dict[tuple[int, ...], tuple[_Side, ...]] = {}
        found = {}
        for target, kind in enumerate(_naming((targets for (targets, _, _), _ in parts), judge.universe.size)):
            if kind not in kinds:
                listed = [
                    (ports, sources, 0) if certain else (ports, 0, sources)
                    for (_, ports, certain), sources in (parts[number] for number in kind)
                ]
                segments = partition([(everything, others, 0), *listed], everything)
                kinds[kind] = tuple(_Side(segment.ports, segment.peers, segment.maybe) for segment in segments)
            found[target] = kinds[kind]
        return found

    @cached_property
    def _ipv4(self) -> _Plane:
        return self._plane("IPv4")

    @cached_property
    def _ipv6(self) -> _Plane:
        return self._plane("IPv6")

    def _plane(self, family: str) -> _Plane:
        opened = _opened(self.judge, family)
        kinds: dict[tuple[int, ...], int] = {}
        kind_of = [kinds.setdefault(named_by, len(kinds)) for named_by in _naming(opened, self.judge.universe.size)]
        parts = list(opened.values())
        sides = tuple(self._egress(chain.from_iterable(parts[number] for number in kind)) for kind in kinds)
        having = mask_of(c.index for c in self.judge.cluster.classes if not c.families or family in c.families)
        return _Plane(having, tuple(kind_of), sides)


def _opened(judge: Judge, family: str) -> dict[int, list[tuple[int, int, int]]]:
    """What egress rows open, by the mask of the targets: ports, classes that open them, classes that perhaps do."""
    sources: dict[tuple[int, int, bool], int] = {}
    for signature in judge.egress.signatures:
        for segment in signature.cover if signature.stages else ():
            for peers, certain in ((segment.peers, True), (segment.maybe, False)):
                if targets := judge.universe.seen_in(peers, family):
                    key = (targets, segment.ports, certain)
                    sources[key] = sources.get(key, 0) | signature.classes
    found: dict[int, list[tuple[int, int, int]]] = {}
    for (targets, ports, certain), classes in sources.items():
        found.setdefault(targets, []).append((ports, classes, 0) if certain else (ports, 0, classes))
    return found


def _naming(masks: Iterable[int], size: int) -> Iterator[tuple[int, ...]]:
    """For every class the numbers of the masks it is in."""
    found: list[list[int]] = [[] for _ in range(size)]
    for number, mask in enumerate(masks):
        for held in members(found, mask):
            held.append(number)
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
