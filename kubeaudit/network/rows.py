"""Classes with the same policies have the same row: what they may take from or open to, by port (network.md, A-9, 5.2).

A row is computed once per signature, never per class, and keeps for every rule where it stands (5.3).
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import chain, combinations, compress

from msgspec import Struct

from kubeaudit.model.selectors import mask_of
from kubeaudit.network.compiled import BASELINE, NETWORK_POLICY, CompiledPolicy, Entry
from kubeaudit.network.stages import Asked, Clash, Run, Stage, stages, steps
from kubeaudit.network.verdicts import Action, Direction

_BITS = bytes.maketrans(b"01", b"\x00\x01")


class Segment(Struct, frozen=True, gc=False):
    """Ports with the same peers. ``maybe`` are peers that are let through only if something undefined has it so."""

    ports: int
    peers: int
    maybe: int


class Signature(Struct, frozen=True):
    """Classes that the same policies select in a direction.

    ``stages`` are these policies in the order they are asked; ``or_else`` the same without those that perhaps nothing
    implements (NET-78). ``row`` covers every port once. Without stages no policy selects the classes.
    """

    classes: int
    stages: tuple[Stage, ...]
    row: tuple[Segment, ...]
    or_else: tuple[tuple[Stage, ...], ...] = ()

    @property
    def isolating(self) -> tuple[int, ...]:
        """Numbers of the policies that isolate the classes."""
        return tuple(number for stage in self.stages for number in stage.isolating)

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
        return _united(signature.classes for signature in self.signatures if signature.isolating)

    @property
    def selected(self) -> int:
        """Classes that some policy selects in this direction."""
        return _united(signature.classes for signature in self.signatures if signature.stages)


class Frame(Struct, frozen=True):
    """What rows are made in: the number of classes, the masks of all ports, of the bit of ICMP and of all peers.

    ``default_allow``: what no policy decides is allowed. ``settles_icmp``: the plugin says what a rule with ports means
    for ICMP (NET-34).
    """

    size: int
    ports: int
    icmp: int
    everything: int
    default_allow: bool
    settles_icmp: bool


class _Unit(Struct, frozen=True):
    """The entries of one policy that hold for the same subjects, each with its place among all of its entries."""

    policy: int
    isolates: bool
    entries: tuple[tuple[int, Entry], ...]


def table(direction: Direction, policies: Sequence[CompiledPolicy], frame: Frame) -> Table:
    """The rows of a direction."""
    units = _units(direction, policies)
    groups: dict[tuple[tuple[int, ...], bool], list[int]] = {}
    other = _other_direction(direction, policies)
    for cls, numbers in enumerate(_memberships(units, frame.size)):
        groups.setdefault((numbers, bool(other >> cls & 1)), []).append(cls)
    flat = list(units.values())
    signature_of = [0] * frame.size
    signatures, known = [], _Known()
    for number, ((held, elsewhere), classes) in enumerate(groups.items()):
        for cls in classes:
            signature_of[cls] = number
        mine = [unit for position in held for unit in flat[position]]
        found, *others = (
            stages(_asked(some), _isolating(some), policies, elsewhere, frame.settles_icmp)
            for some in _readings(mine, policies)
        )
        signatures.append(Signature(mask_of(classes), found, _row([found, *others], frame, known), tuple(others)))
    return Table(direction, tuple(signature_of), tuple(signatures))


def _other_direction(direction: Direction, policies: Sequence[CompiledPolicy]) -> int:
    """Classes that NetworkPolicies select, none of them in this direction (NET-85)."""
    selected = isolated = 0
    for policy in policies if any(policy.tier == BASELINE for policy in policies) else ():
        if policy.tier == NETWORK_POLICY:
            selected |= policy.selected
            half = policy.half(direction)
            isolated |= policy.selected if half is not None and half.isolates else 0
    return selected & ~isolated


def _units(direction: Direction, policies: Sequence[CompiledPolicy]) -> dict[int, list[_Unit]]:
    """Units by the mask of their subjects: policies that select the same classes are looked at together."""
    units: dict[int, list[_Unit]] = {}
    for number, policy in enumerate(policies):
        half = policy.half(direction)
        if half is None or not policy.selected:
            continue
        by_subjects: dict[int, list[tuple[int, Entry]]] = {policy.selected: []}
        for place, entry in enumerate(half.entries):
            by_subjects.setdefault(entry.subjects, []).append((place, entry))
        for subjects, entries in by_subjects.items():
            units.setdefault(subjects, []).append(_Unit(number, half.isolates, tuple(entries)))
    return units


def _asked(units: Iterable[_Unit]) -> list[Asked]:
    """The entries of each policy, in its order."""
    by_policy: dict[int, list[tuple[int, Entry]]] = {}
    for unit in units:
        by_policy.setdefault(unit.policy, []).extend(unit.entries)
    return [
        Asked(number, tuple(entry for _, entry in sorted(entries, key=lambda placed: placed[0])))
        for number, entries in sorted(by_policy.items())
    ]


def _isolating(units: Iterable[_Unit]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(unit.policy for unit in units if unit.isolates))


def _readings(units: list[_Unit], policies: Sequence[CompiledPolicy]) -> Iterator[list[_Unit]]:
    """All units, then those that are left where some of the kinds that perhaps have no effect have none."""
    perhaps = sorted({policies[unit.policy].inert for unit in units} - {""})
    for without in chain.from_iterable(combinations(perhaps, number) for number in range(len(perhaps) + 1)):
        yield [unit for unit in units if policies[unit.policy].inert not in without]


def _memberships(units: dict[int, list[_Unit]], size: int) -> list[tuple[int, ...]]:
    held: list[list[int]] = [[] for _ in range(size)]
    for position, subjects in enumerate(units):
        for mine in members(held, subjects):
            mine.append(position)
    return [tuple(numbers) for numbers in held]


def members(lists: list[list[int]], mask: int) -> Iterable[list[int]]:
    """The lists whose position is a bit of the mask; the loop over the bits runs in C."""
    return compress(lists, f"{mask:b}"[::-1].encode().translate(_BITS)) if mask else ()


class _Part(Struct, frozen=True, gc=False):
    """Ports on which the same peers are allowed, denied, passed on to the next tier, or still undecided (``rest``).

    A peer in several of them may be any.
    """

    ports: int
    rest: int
    passed: int = 0
    allow: int = 0
    deny: int = 0


_Known = dict[tuple[Hashable, ...], list[_Part]]
"""What stages leave, by the stages that were asked."""


def _row(readings: Sequence[Sequence[Stage]], frame: Frame, known: _Known) -> tuple[Segment, ...]:
    joined: dict[tuple[int, int], int] = {}
    for part in _overlaid([list(_decided(found, frame, known)) for found in readings]):
        key = (part.allow & ~part.deny, part.allow & part.deny)
        joined[key] = joined.get(key, 0) | part.ports
    return tuple(Segment(ports, peers, maybe) for (peers, maybe), ports in joined.items())


def row_of(found: Sequence[Stage], frame: Frame) -> tuple[Segment, ...]:
    """The row of some classes by the stages that are asked."""
    return _row([found], frame, {})


def _decided(found: Sequence[Stage], frame: Frame, known: _Known) -> Iterator[_Part]:
    """What becomes of the traffic after all stages: nothing is left undecided.

    Policies of the cluster that are asked first are the same for many signatures, so what they leave is ``known``.
    """
    parts = [_Part(frame.ports & ~frame.icmp, frame.everything), _Part(frame.icmp, frame.everything)]
    asked: tuple[Hashable, ...] = ()
    for stage in found:
        if stage.tier < NETWORK_POLICY:
            asked = (*asked, _identity(stage))
            if asked not in known:
                known[asked] = list(_after_stage(parts, stage, frame))
            parts = known[asked]
        else:
            parts = list(_after_stage(parts, stage, frame))
    for part in parts:
        allow, deny = (part.rest, 0) if frame.default_allow else (0, part.rest)
        yield _Part(part.ports, 0, 0, part.allow | allow, part.deny | deny)


def _identity(stage: Stage) -> Hashable:
    """What tells a stage from others while the entries of the policies live."""
    groups = tuple(tuple((one.policy, *map(id, one.entries)) for one in group) for group in stage.groups)
    return stage.tier, stage.isolating, stage.skipped, stage.icmp_undefined, groups


def _after_stage(parts: list[_Part], stage: Stage, frame: Frame) -> Iterator[_Part]:
    before = parts
    for step in steps(stage):
        if isinstance(step, Run):
            parts = list(_after_run(parts, _segments(step, frame), step.action))
        else:
            parts = list(_after_clash(parts, step, frame))
    for part in parts:
        denied = part.rest if stage.isolating and stage.tier.end is Action.DENY else 0
        allowed = denied if stage.icmp_undefined and part.ports & frame.icmp else 0
        rest = (part.rest & ~denied) | part.passed
        if stage.skipped:
            rest |= next(old.rest for old in before if old.ports & part.ports)
        yield _Part(part.ports, rest, 0, part.allow | allowed, part.deny | denied)


def _segments(run: Run, frame: Frame) -> tuple[Segment, ...]:
    return partition(((entry.ports, entry.peers, entry.maybe) for _, entry in run.entries), frame.ports)


def _after_run(parts: Iterable[_Part], segments: Sequence[Segment], action: Action) -> Iterator[_Part]:
    for part in parts:
        for segment in segments:
            if ports := part.ports & segment.ports:
                hit = (segment.peers | segment.maybe) & part.rest
                yield _Part(
                    ports,
                    part.rest & ~segment.peers,
                    part.passed | (hit if action is Action.PASS else 0),
                    part.allow | (hit if action is Action.ALLOW else 0),
                    part.deny | (hit if action is Action.DENY else 0),
                )


def _after_clash(parts: list[_Part], clash: Clash, frame: Frame) -> Iterator[_Part]:
    """Every policy is asked as if it were the first; what any of them may do to the traffic may happen."""
    every = []
    for runs in clash.policies:
        mine = parts
        for run in runs:
            mine = list(_after_run(mine, _segments(run, frame), run.action))
        every.append(mine)
    yield from _overlaid(every)


def _overlaid(every: Sequence[list[_Part]]) -> Iterator[_Part]:
    found, *others = every
    for other in others:
        found = [
            _Part(ports, a.rest & b.rest, a.passed | b.passed, a.allow | b.allow, a.deny | b.deny)
            for a in found
            for b in other
            if (ports := a.ports & b.ports)
        ]
    yield from found


def _united(masks: Iterable[int]) -> int:
    united = 0
    for mask in masks:
        united |= mask
    return united


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
