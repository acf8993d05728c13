"""Why connections differ between two states of a cluster: policies, workloads, labels, the network plugin (AGG-8)."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from msgspec import Struct

from kubeaudit.edges.context import Context
from kubeaudit.model.selectors import bits_of, mask_of
from kubeaudit.network.compiled import CompiledPolicy
from kubeaudit.network.reach import Decision, Direction
from kubeaudit.network.relation import Ends
from kubeaudit.proof import State
from kubeaudit.queries.joint import Joint, Place
from kubeaudit.refs import ObjectRef

States = tuple[State, ...]
"""The states of the pods of a pair, widest first: several where they differ; none where a workload is not there."""


class Shift(Struct, frozen=True):
    """A change as masks of the common ground."""

    outside: Ends
    family: str
    sources: int
    targets: int
    ports: int
    before: States
    after: States


class PolicyChange(Struct, frozen=True, order=True):
    """A policy that was ``added``, ``removed`` or ``changed``."""

    policy: ObjectRef
    change: str


class Causes(Struct, frozen=True, dict=True, eq=False):
    """What differs between the two states, and which of it a change of connections comes from."""

    ground: Joint

    @cached_property
    def policies(self) -> dict[ObjectRef, PolicyChange]:
        """Policies of every kind that are not the same in both states."""
        old, new = _policies(self.ground.old.context), _policies(self.ground.new.context)
        found = {}
        for ref in sorted({*old, *new}):
            if ref not in old or ref not in new or old[ref] != new[ref]:
                word = "removed" if ref not in new else "added" if ref not in old else "changed"
                found[ref] = PolicyChange(ref, word)
        return found

    def of(self, shift: Shift) -> tuple[str, ...]:
        """The causes of one change: workloads that came or went, else policies that decide, else what pods are like."""
        found = list(self._moved(shift)) or list(dict.fromkeys(self._deciding(shift))) or list(self._alike(shift))
        return tuple(found) or ("the addresses, nodes or ports of the pods",)

    def _moved(self, shift: Shift) -> Iterator[str]:
        if shift.before and shift.after:
            return
        word = "removed" if shift.before else "added"
        old, new = self.ground.old.present, self.ground.new.present
        gone = old & ~new if shift.before else new & ~old
        for number in bits_of(_workloads(shift) & gone):
            yield f"workload {self.ground.covers.names[number]} {word}"

    def _deciding(self, shift: Shift) -> Iterator[str]:
        """Policies that differ and whose rules or isolations decide about these connections, before or after."""
        for place in (self.ground.old, self.ground.new):
            for decision in _decisions(place, shift):
                change = self.policies.get(decision.policy)
                if change is not None:
                    yield f"{change.policy} {change.change}"

    def _alike(self, shift: Shift) -> Iterator[str]:
        old, new = self.ground.old.context, self.ground.new.context
        if (old.reach.cni.name, old.reach.cni.enforces) != (new.reach.cni.name, new.reach.cni.enforces):
            yield f"network plugin: before, {old.reach.cni.text}; now, {new.reach.cni.text}"
        for number in bits_of(_workloads(shift) & self._relabelled):
            yield f"labels or ports of {self.ground.covers.names[number]} changed"
        names = {
            name.partition("/")[0] for name in map(self.ground.covers.names.__getitem__, bits_of(_workloads(shift)))
        }
        for name in sorted(names):
            if old.cluster.namespaces.get(name) != new.cluster.namespaces.get(name):
                yield f"labels of namespace {name} changed"

    @cached_property
    def _relabelled(self) -> int:
        """Workloads whose pods have other labels, other ports, or are on another network."""
        old, new = _traits(self.ground.old), _traits(self.ground.new)
        return mask_of(number for number in old.keys() & new.keys() if old[number] != new[number])


def _workloads(shift: Shift) -> int:
    sources = 0 if shift.outside is Ends.SOURCE else shift.sources
    return sources | (0 if shift.outside is Ends.TARGET else shift.targets)


def _policies(context: Context) -> dict[ObjectRef, object]:
    judge = context.reach.judge
    every = (*context.reach.policies_of_nodes.values(), *judge.policies)
    every += judge.narrowing.policies if judge.narrowing else ()
    return {policy.ref: _content(policy) for policy in every}


def _content(policy: CompiledPolicy) -> object:
    """What a policy says, without its metadata."""
    source: Any = policy.source
    return getattr(source, "spec", source)


def _traits(place: Place) -> dict[int, object]:
    found: dict[int, set[object]] = {}
    workloads = place.context.cluster.workloads
    for cls in place.context.cluster.classes:
        ports = tuple(container.ports for container in cls.shape.containers)
        labels = workloads[cls.workload].labels
        found.setdefault(place.number_of[cls.index], set()).add((cls.labels, labels, cls.shape.host_network, ports))
    return {number: frozenset(traits) for number, traits in found.items()}


def _decisions(place: Place, shift: Shift) -> Iterator[Decision]:
    """What decides about the connections of a change in one state: every class of one end is asked about all peers of
    the other at once.
    """
    judge = place.context.reach.judge
    interval = next(place.ports.intervals(shift.ports), None)
    if interval is None:
        return
    protocol, port, _ = interval
    ends = (
        (Direction.EGRESS, shift.sources, shift.targets, Ends.SOURCE, Ends.TARGET),
        (Direction.INGRESS, shift.targets, shift.sources, Ends.TARGET, Ends.SOURCE),
    )
    for direction, subjects, others, own, far in ends:
        if shift.outside is own:
            for cls in bits_of(place.lowered(others)) if judge.guards else ():
                yield from judge.outside(direction, cls, _peers(place, shift, subjects, own), protocol, port).by
            continue
        peers = _peers(place, shift, others, far)
        table = judge.table(direction)
        classes = bits_of(place.lowered(subjects)) if peers else []
        on_host = {cls: cls for cls in classes if judge.guards and judge.universe.host >> cls & 1}
        for cls in {on_host.get(cls, -1 - table.signature_of[cls]): cls for cls in classes}.values():
            yield from judge.side(direction, cls, peers, protocol, port).by
        for cls in classes if judge.narrowing and direction is Direction.INGRESS else ():
            mesh = judge.mesh(cls, peers, protocol, port)
            yield from mesh.by if mesh else ()


def _peers(place: Place, shift: Shift, others: int, far: Ends) -> int:
    universe = place.context.reach.judge.universe
    if shift.outside is far:
        return universe.external(place.lowered_atoms(others))
    return place.lowered(others) << (universe.size if shift.family == "IPv6" else 0)
