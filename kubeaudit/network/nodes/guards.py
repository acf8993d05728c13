"""What policies of nodes say, as rows: which peers a node and its host-network pods may take from or open to, by port.

A class, or a node by one of its addresses, may be judged at several faces (:mod:`kubeaudit.network.nodes.policies`).
Where it is not known at which, what all of them allow is certain. Over several nodes of a class, or addresses, one is
enough.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from msgspec import Struct, structs

from kubeaudit.model.nodes import Address, parse
from kubeaudit.network.compiled import CompiledPolicy, Entry, Half, Tier
from kubeaudit.network.doubts import Doubts, gathered
from kubeaudit.network.masks import Masks
from kubeaudit.network.nodes.policies import FORWARDED, UNPLACED, HostPolicies, Ways
from kubeaudit.network.nodes.whereabouts import Place, Spot, Whereabouts
from kubeaudit.network.ports import PortSpace
from kubeaudit.network.rows import Frame, Segment, Table, partition, table
from kubeaudit.network.verdicts import Action, Direction

BARRIER = Tier(-math.inf, "forwarded", Action.PASS)


class Guard(Struct, frozen=True, dict=True, eq=False):
    """The policies of nodes of one dialect with their rows; a row belongs to a face."""

    ways: dict[str, Ways]
    policies: tuple[CompiledPolicy, ...]
    ingress: Table
    egress: Table
    doubts: Doubts
    everything: int
    ports: PortSpace

    def table(self, direction: Direction) -> Table:
        """The rows of a direction."""
        return self.ingress if direction is Direction.INGRESS else self.egress

    def row(self, direction: Direction, faces: tuple[int, ...]) -> tuple[Segment, ...]:
        """What all of some faces allow, and what one of them may."""
        key = (direction, faces)
        found = self._rows.get(key)
        if found is None:
            found = self._rows[key] = tuple(self._joined(direction, faces))
        return found

    @cached_property
    def _rows(self) -> dict[tuple[Direction, tuple[int, ...]], tuple[Segment, ...]]:
        return {}

    def _joined(self, direction: Direction, faces: tuple[int, ...]) -> Iterator[Segment]:
        parts = [(ports, self.everything, 0, tcp) for ports, tcp in self._by_protocol()]
        for face in faces:
            parts = [
                (ports, yes & sure, possible | maybe, tcp)
                for held, yes, possible, tcp in parts
                for segment in self.table(direction).of(face).row
                if (ports := held & segment.ports)
                for sure, maybe in (self._doubted(direction, face, segment, tcp),)
            ]
        for ports, yes, possible, _ in parts:
            yield Segment(ports, yes, possible & ~yes)

    def _by_protocol(self) -> Iterator[tuple[int, bool]]:
        tcp = self.ports.whole("TCP")
        yield tcp, True
        yield self.ports.everything & ~tcp, False

    def _doubted(self, direction: Direction, face: int, segment: Segment, tcp: bool) -> tuple[int, int]:
        key = (direction, tcp)
        sure = 0 if self.doubts.may_block[key] >> face & 1 else segment.peers
        possible = self.everything if self.doubts.may_allow[key] >> face & 1 else segment.peers | segment.maybe
        return sure, possible


class Guards(Struct, frozen=True, dict=True, eq=False):
    """The guards of a cluster, each asked for itself. ``ports`` are all of them."""

    every: tuple[Guard, ...]
    at: Whereabouts
    ports: int

    def row_of(self, direction: Direction, cls: int) -> tuple[Segment, ...]:
        """What policies of nodes allow a host-network class; every peer where they do not concern it."""
        found = self.at.cluster.classes[cls]
        return self.row(direction, found.nodes, found.addresses)

    def row(self, direction: Direction, nodes: tuple[str, ...], addresses: tuple[str, ...]) -> tuple[Segment, ...]:
        """What policies of nodes allow on any of some nodes."""
        key = (direction, nodes, addresses)
        found = self._rows.get(key)
        if found is None:
            found = self._rows[key] = self._all_agree(direction, nodes or (UNPLACED,), addresses)
        return found

    def towards(self, direction: Direction, cls: int, family: str) -> tuple[Segment, ...]:
        """Addresses that the policies of their nodes let a class reach, or be reached from: peers of the class.

        ``direction`` is that of the nodes. All other addresses are open.
        """
        own, spots = self.at.universe.peer_bit(cls, family), 0
        listed: list[tuple[int, int, int]] = []
        for spot in self.spots:
            spots |= spot.peers
            for segment in self.row(direction, (spot.node,), (spot.address,)):
                if (segment.peers | segment.maybe) & own:
                    sure = spot.peers if segment.peers & own else 0
                    listed.append((segment.ports, sure, spot.peers & ~sure))
        return partition([(self.ports, self.at.universe.everything & ~spots, 0), *listed], self.ports)

    def among(self, peers: int) -> Spot | None:
        """One of the nodes at some addresses; none where other addresses are among them, which are open."""
        found = [spot for spot in self.spots if spot.peers & peers]
        for spot in found:
            peers &= ~spot.peers
        return found[0] if found and not peers else None

    def owner(self, address: str) -> Spot | None:
        """The node that has an address, where policies of nodes may concern it."""
        return self._owners.get(parse(address))

    @cached_property
    def _owners(self) -> dict[Address | None, Spot]:
        return {parse(spot.address): spot for spot in reversed(self.spots)}

    @cached_property
    def spots(self) -> tuple[Spot, ...]:
        """The addresses of nodes that policies of nodes may concern."""
        return tuple(spot for spot in self.at.spots if any(spot.node in guard.ways for guard in self.every))

    @cached_property
    def _rows(self) -> dict[tuple[Direction, tuple[str, ...], tuple[str, ...]], tuple[Segment, ...]]:
        return {}

    def _all_agree(
        self, direction: Direction, nodes: tuple[str, ...], addresses: tuple[str, ...]
    ) -> tuple[Segment, ...]:
        agreed = [(self.ports, self.at.universe.everything, self.at.universe.everything)]
        for guard in self.every:
            row = partition(self._on_any(guard, direction, nodes, addresses), self.ports)
            agreed = [
                (ports, yes & segment.peers, possible & (segment.peers | segment.maybe))
                for held, yes, possible in agreed
                for segment in row
                if (ports := held & segment.ports)
            ]
        return tuple(Segment(ports, yes, possible & ~yes) for ports, yes, possible in agreed)

    def _on_any(
        self, guard: Guard, direction: Direction, nodes: tuple[str, ...], addresses: tuple[str, ...]
    ) -> Iterator[tuple[int, int, int]]:
        everything = self.at.universe.everything
        for node in nodes:
            ways = guard.ways.get(node)
            if ways is None:
                yield self.ports, everything, 0
                continue
            for part in self.at.parts(direction, ways, Place(nodes, addresses), node, everything):
                for segment in guard.row(direction, part.faces) if part.peers else ():
                    seen = self.at.translated(segment) if part.translated else segment
                    yield seen.ports, seen.peers & part.peers, seen.maybe & part.peers


def barriers(forwarded: Sequence[CompiledPolicy], frame: Frame) -> Iterator[CompiledPolicy]:
    """What policies of nodes may do to traffic that is forwarded to or from pods, before these are judged.

    Whether the traffic passes an interface that they concern is not known, so that what they deny is undecided.
    """
    if not forwarded:
        return
    frame = structs.replace(frame, default_allow=True)
    for direction in Direction:
        for signature in table(direction, forwarded, frame).signatures:
            blame = [forwarded[asked.policy] for stage in signature.stages for group in stage.groups for asked in group]
            entries = tuple(
                Entry(signature.classes, 0, denied, segment.ports, 0, blame[0].selector, Action.DENY, FORWARDED)
                for segment in signature.row
                if (denied := frame.everything & ~segment.peers)
            )
            if blame and entries:
                half = Half(direction, entries, isolates=False)
                yield structs.replace(blame[0], selected=signature.classes, halves=(half,), tier=BARRIER)


def guards(masks: Masks, found: Iterable[HostPolicies], frame: Frame) -> Guards | None:
    """The guards of a cluster; None where no policy of nodes concerns any."""
    made = []
    for policies in found:
        inner = structs.replace(frame, size=policies.size)
        into, out = (table(direction, policies.policies, inner) for direction in (Direction.INGRESS, Direction.EGRESS))
        doubts = gathered(policies.doubts)
        made.append(Guard(policies.ways, policies.policies, into, out, doubts, frame.everything, masks.ports))
    return Guards(tuple(made), Whereabouts(masks.cluster, masks.universe), frame.ports) if made else None
