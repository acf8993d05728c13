"""Classes with the same policies have the same row: what they may take from or open to, by port (network.md, A-9, 5.2).

A row is computed once per signature, never per class, and keeps for every rule where it stands (5.3).
"""

from collections.abc import Iterable, Sequence
from itertools import compress

from msgspec import Struct

from kubeaudit.model.selectors import mask_of
from kubeaudit.network.compiled import CompiledPolicy, Entry
from kubeaudit.network.verdicts import Direction

_BITS = bytes.maketrans(b"01", b"\x00\x01")


class Segment(Struct, frozen=True, gc=False):
    """Ports with the same peers. ``maybe`` are peers that match only if something undefined has it so."""

    ports: int
    peers: int
    maybe: int


class Signature(Struct, frozen=True):
    """Classes that the same policies select in a direction.

    ``policies`` and the first number of each of ``entries`` index the policies. ``row`` covers every port once. Without
    policies the classes are not isolated.
    """

    classes: int
    policies: tuple[int, ...]
    entries: tuple[tuple[int, Entry], ...]
    row: tuple[Segment, ...]

    def at(self, port: int) -> Segment:
        """The segment that holds a port atom."""
        return next(segment for segment in self.row if segment.ports & port)


class Table(Struct, frozen=True):
    """One direction of all classes: ``signature_of[class]`` indexes ``signatures``."""

    direction: Direction
    signature_of: tuple[int, ...]
    signatures: tuple[Signature, ...]

    def of(self, cls: int) -> Signature:
        """The signature of a class."""
        return self.signatures[self.signature_of[cls]]

    @property
    def isolated(self) -> int:
        """Classes that some policy isolates in this direction."""
        mask = 0
        for signature in self.signatures:
            mask |= signature.classes if signature.policies else 0
        return mask


class _Unit(Struct, frozen=True):
    """The entries of one policy that hold for the same subjects."""

    policy: int
    entries: tuple[Entry, ...]


def table(
    direction: Direction,
    policies: Sequence[CompiledPolicy],
    size: int,
    ports: int,
    everything: int,
    default_allow: bool,
) -> Table:
    """The rows of a direction.

    ``size`` counts classes; ``ports`` and ``everything`` are the masks of all ports and all peers.
    """
    units = _units(direction, policies)
    groups: dict[tuple[int, ...], list[int]] = {}
    for cls, numbers in enumerate(_memberships(units, size)):
        groups.setdefault(numbers, []).append(cls)
    flat = list(units.values())
    signature_of = [0] * size
    signatures = []
    for number, (held, classes) in enumerate(groups.items()):
        for cls in classes:
            signature_of[cls] = number
        mine = [unit for position in held for unit in flat[position]]
        entries = tuple((unit.policy, entry) for unit in mine for entry in unit.entries)
        isolating = tuple(dict.fromkeys(unit.policy for unit in mine))
        open_row = (Segment(ports, everything if default_allow else 0, 0),)
        row = _row((entry for _, entry in entries), ports) if isolating else open_row
        signatures.append(Signature(mask_of(classes), isolating, entries, row))
    return Table(direction, tuple(signature_of), tuple(signatures))


def _units(direction: Direction, policies: Sequence[CompiledPolicy]) -> dict[int, list[_Unit]]:
    """Units by the mask of their subjects: policies that select the same classes are looked at together."""
    units: dict[int, list[_Unit]] = {}
    for number, policy in enumerate(policies):
        half = policy.half(direction)
        if half is None or not policy.selected:
            continue
        by_subjects: dict[int, list[Entry]] = {policy.selected: []}
        for entry in half.entries:
            by_subjects.setdefault(entry.subjects, []).append(entry)
        for subjects, entries in by_subjects.items():
            units.setdefault(subjects, []).append(_Unit(number, tuple(entries)))
    return units


def _memberships(units: dict[int, list[_Unit]], size: int) -> list[tuple[int, ...]]:
    held: list[list[int]] = [[] for _ in range(size)]
    for position, subjects in enumerate(units):
        for mine in members(held, subjects):
            mine.append(position)
    return [tuple(numbers) for numbers in held]


def members(lists: list[list[int]], mask: int) -> Iterable[list[int]]:
    """The lists whose position is a bit of the mask; the loop over the bits runs in C."""
    return compress(lists, f"{mask:b}"[::-1].encode().translate(_BITS)) if mask else ()


def _row(entries: Iterable[Entry], ports: int) -> tuple[Segment, ...]:
    return partition(((entry.ports, entry.peers, entry.maybe) for entry in entries), ports)


def partition(parts: Iterable[tuple[int, int, int]], ports: int) -> tuple[Segment, ...]:
    """Cut all ports at the port sets of (ports, peers, maybe) parts, unite the peers, join what has equal ones."""
    by_ports: dict[int, tuple[int, int]] = {}
    for where, peers, maybe in parts:
        before, before_maybe = by_ports.get(where, (0, 0))
        by_ports[where] = (before | peers, before_maybe | maybe)
    segments = [(ports, 0, 0)]
    for where, (peers, maybe) in by_ports.items():
        cut = []
        for held, before, before_maybe in segments:
            if inside := held & where:
                cut.append((inside, before | peers, before_maybe | maybe))
            if outside := held & ~where:
                cut.append((outside, before, before_maybe))
        segments = cut
    joined: dict[tuple[int, int], int] = {}
    for held, peers, maybe in segments:
        key = (peers, maybe & ~peers)
        joined[key] = joined.get(key, 0) | held
    return tuple(Segment(held, peers, maybe) for (peers, maybe), held in joined.items())
