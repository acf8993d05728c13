"""Two states of a cluster on common ground: workloads by name, addresses and ports cut at the edges of both (AGG-8)."""

from bisect import bisect_left, bisect_right
from functools import cached_property

from msgspec import Struct

from kubeaudit.edges.context import Context
from kubeaudit.model.selectors import bits_of, mask_of
from kubeaudit.network.ipspace import IPSpace
from kubeaudit.network.ports import PROTOCOLS, PortSpace, port_space
from kubeaudit.queries.covers import ALL, Covers, named, of_namespace


class Place(Struct, frozen=True, dict=True, eq=False):
    """One of the states: its classes, addresses and ports as those of both. Lifted masks are remembered."""

    context: Context
    number_of: tuple[int, ...]
    space: IPSpace
    ports: PortSpace

    @cached_property
    def present(self) -> int:
        """Workloads that are there."""
        return mask_of(self.number_of)

    @cached_property
    def classes_of(self) -> dict[int, int]:
        """The classes of each workload."""
        found: dict[int, list[int]] = {}
        for cls, number in enumerate(self.number_of):
            found.setdefault(number, []).append(cls)
        return {number: mask_of(classes) for number, classes in found.items()}

    def lifted(self, classes: int) -> int:
        """The workloads of some classes."""
        if classes not in self._lifted:
            self._lifted[classes] = mask_of(self.number_of[cls] for cls in bits_of(classes))
        return self._lifted[classes]

    def lowered(self, workloads: int) -> int:
        """The classes of some workloads."""
        found = 0
        for number in bits_of(workloads & self.present):
            found |= self.classes_of[number]
        return found

    def lifted_atoms(self, atoms: int) -> int:
        """Addresses in the common cuts."""
        if atoms not in self._atoms:
            own = self.context.reach.judge.universe.space
            self._atoms[atoms] = _between(own, self.space, atoms)
        return self._atoms[atoms]

    def lowered_atoms(self, atoms: int) -> int:
        """Addresses in the cuts of this state."""
        return _between(self.space, self.context.reach.judge.universe.space, atoms)

    def lifted_ports(self, ports: int) -> int:
        """Ports in the common cuts."""
        if ports not in self._ports:
            found = 0
            for interval in self.context.reach.judge.ports.intervals(ports):
                found |= self.ports.interval(*interval)
            self._ports[ports] = found
        return self._ports[ports]

    @cached_property
    def _lifted(self) -> dict[int, int]:
        return {}

    @cached_property
    def _atoms(self) -> dict[int, int]:
        return {}

    @cached_property
    def _ports(self) -> dict[int, int]:
        return {}


class Joint(Struct, frozen=True):
    """Both states; ``covers`` names workloads, and sets of them by namespace."""

    old: Place
    new: Place
    covers: Covers
    space: IPSpace
    ports: PortSpace


def joint(old: Context, new: Context) -> Joint:
    """Put two states on common ground."""
    keys = sorted({_key(context, cls.workload) for context in (old, new) for cls in context.cluster.classes})
    number = {key: position for position, key in enumerate(keys)}
    spaces = [context.reach.judge.universe.space for context in (old, new)]
    starts = {v: tuple(sorted({s for space in spaces for s in space.starts[v]})) for v in (4, 6)}
    space = IPSpace(starts, 0)
    space = IPSpace(starts, _between(spaces[0], space, spaces[0].public))
    ports = port_space(
        (protocol, start, start)
        for context in (old, new)
        for protocol in PROTOCOLS
        for start in context.reach.judge.ports.starts[protocol]
    )
    before, after = (
        Place(context, tuple(number[_key(context, cls.workload)] for cls in context.cluster.classes), space, ports)
        for context in (old, new)
    )
    members: dict[str, list[int]] = {ALL: list(range(len(keys)))}
    for position, (namespace, _, _) in enumerate(keys):
        members.setdefault(of_namespace(namespace), []).append(position)
    names = tuple(f"{namespace}/{name}[{kind}]" for namespace, name, kind in keys)
    return Joint(before, after, named(names, members), space, ports)


def _key(context: Context, workload: int) -> tuple[str, str, str]:
    ref = context.cluster.workloads[workload].ref
    return ref.namespace, ref.name, ref.kind


def _between(one: IPSpace, other: IPSpace, atoms: int) -> int:
    """Addresses of one space as atoms of another: those that hold some of them."""
    found = 0
    for version, first, last in one.ranges(atoms):
        starts, offset = other.starts[version], 0 if version == 4 else len(other.starts[4])
        low, high = offset + bisect_right(starts, first) - 1, offset + bisect_left(starts, last + 1)
        found |= (1 << high) - (1 << low)
    return found
