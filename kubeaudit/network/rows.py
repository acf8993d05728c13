"""Classes with the same policies have the same row: what they may take from or open to, by port (network.md, A-9, 5.2).

A row is computed once per signature, never per class, and only when somebody asks for it.
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain, combinations

from msgspec import Struct

from kubeaudit.model.selectors import bits_of, mask_of
from kubeaudit.network.compiled import BASELINE, NETWORK_POLICY, CompiledPolicy, Entry
from kubeaudit.network.fields import RESOURCE
from kubeaudit.network.stages import Asked, Clash, Run, Stage, stages
from kubeaudit.network.sweep import swept
from kubeaudit.network.verdicts import Action, Direction


class Segment(Struct, frozen=True, gc=False):
    """Ports with the same peers. ``maybe`` are peers that are let through only if something undefined has it so."""

    ports: int
    peers: int
    maybe: int


class Signature(Struct, frozen=True, eq=False, dict=True):
    """Classes that the same policies select in a direction.

    ``stages`` are these policies in the order they are asked; ``or_else`` the same without those that perhaps nothing
    implements (NET-78). Without stages no policy selects the classes.
    """

    classes: int
    stages: tuple[Stage, ...]
    rows: "Rows"
    or_else: tuple[tuple[Stage, ...], ...] = ()

    @cached_property
    def row(self) -> tuple[Segment, ...]:
        """What the policies say of every peer, each port once."""
        return self.rows.row(self.stages, self.or_else)

    @property
    def cover(self) -> tuple[Segment, ...]:
        """Segments that overlap and are the row when those of equal ports are united.

        Where policies only allow, they are the rules as written, which many signatures share.
        """
        stage = None if self.or_else else _only_allowing(self.stages)
        return self.rows.cover(stage) if stage else self.row

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
    signatures, rows = [], Rows(frame)
    for number, ((held, elsewhere), classes) in enumerate(groups.items()):
        for cls in classes:
            signature_of[cls] = number
        mine = [unit for position in held for unit in flat[position]]
        found, *others = (
            stages(_asked(some), _isolating(some), policies, elsewhere, frame.settles_icmp)
            for some in _readings(mine, policies)
        )
        signatures.append(Signature(mask_of(classes), found, rows, tuple(others)))
    return Table(direction, tuple(signature_of), tuple(signatures))


def _other_direction(direction: Direction, policies: Sequence[CompiledPolicy]) -> int:
    """Classes that NetworkPolicies of Kubernetes select, none of them in this direction (NET-85)."""
    selected = isolated = 0
    for policy in policies if any(policy.tier == BASELINE for policy in policies) else ():
        if policy.resource == RESOURCE:
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
    """The lists whose position is a bit of the mask."""
    return map(lists.__getitem__, bits_of(mask))


class _Part(Struct, frozen=True, gc=False):
    """Ports on which the same peers are allowed, denied, passed on to the next tier, or still undecided (``rest``).

    A peer in several of them may be any.
    """

    ports: int
    rest: int
    passed: int = 0
    allow: int = 0
    deny: int = 0


class Rows:
    """Makes rows from stages. Policies of the cluster that are asked first are the same for many signatures, so what
    they leave is kept.
    """

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._first: dict[tuple[Hashable, ...], list[_Part]] = {}

    def row(self, found: Sequence[Stage], or_else: Sequence[Sequence[Stage]] = ()) -> tuple[Segment, ...]:
        """The row of some classes by the stages that are asked; ``or_else`` are other readings of them."""
        stage = None if or_else else _only_allowing(found)
        if stage:
            parts = self._allowed(stage)
        else:
            every = _overlaid([list(self._decided(some)) for some in (found, *or_else)])
            parts = ((part.ports, part.allow & ~part.deny, part.allow & part.deny) for part in every)
        joined: dict[tuple[int, int], int] = {}
        for ports, peers, maybe in parts:
            joined[peers, maybe] = joined.get((peers, maybe), 0) | ports
        return tuple(Segment(ports, peers, maybe) for (peers, maybe), ports in joined.items())

    def cover(self, stage: Stage) -> tuple[Segment, ...]:
        """The rules of a stage that only allows, and what its end leaves open."""
        entries = (entry for group in stage.groups for one in group for entry in one.entries)
        found = tuple(Segment(entry.ports, entry.peers, entry.maybe) for entry in entries)
        return (*found, Segment(self._frame.icmp, 0, self._frame.everything)) if stage.icmp_undefined else found

    def _allowed(self, stage: Stage) -> Iterator[tuple[int, int, int]]:
        """The parts of a row whose only stage allows something and denies the rest: what :meth:`_decided` comes to."""
        frame = self._frame
        entries = (entry for group in stage.groups for one in group for entry in one.entries)
        segments = partition(((entry.ports, entry.peers, entry.maybe) for entry in entries), frame.ports)
        for within in (frame.ports & ~frame.icmp, frame.icmp):
            undefined = within == frame.icmp and stage.icmp_undefined
            for segment in segments:
                if ports := segment.ports & within:
                    maybe = frame.everything & ~segment.peers if undefined else segment.maybe
                    yield ports, segment.peers, maybe

    def _decided(self, found: Sequence[Stage]) -> Iterator[_Part]:
        """What becomes of the traffic after all stages: nothing is left undecided."""
        frame = self._frame
        parts = [_Part(frame.ports & ~frame.icmp, frame.everything), _Part(frame.icmp, frame.everything)]
        asked: tuple[Hashable, ...] = ()
        for stage in found:
            if stage.tier < NETWORK_POLICY:
                asked = (*asked, _identity(stage))
                if asked not in self._first:
                    self._first[asked] = list(_after_stage(parts, stage, frame))
                parts = self._first[asked]
            else:
                parts = list(_after_stage(parts, stage, frame))
        for part in parts:
            allow, deny = (part.rest, 0) if frame.default_allow else (0, part.rest)
            yield _Part(part.ports, 0, 0, part.allow | allow, part.deny | deny)


def _only_allowing(found: Sequence[Stage]) -> Stage | None:
    """The only stage, where its policies allow something and its end denies everything else; None in other cases."""
    if len(found) != 1:
        return None
    stage = found[0]
    allows = all(entry.action is Action.ALLOW for group in stage.groups for one in group for entry in one.entries)
    ends = stage.isolating and stage.tier.end is Action.DENY and not stage.skipped
    return stage if allows and ends else None


def _identity(stage: Stage) -> Hashable:
    """What tells a stage from others while the entries of the policies live."""
    groups = tuple(tuple((one.policy, *map(id, one.entries)) for one in group) for group in stage.groups)
    return stage.tier, stage.isolating, stage.skipped, stage.icmp_undefined, groups


def _after_stage(parts: list[_Part], stage: Stage, frame: Frame) -> Iterator[_Part]:
    before = parts
    for step in stage.steps:
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
    listed = list(by_ports.values())
    every = swept([(ports, 1), *((where & ports, 2 << number) for number, where in enumerate(by_ports))])
    joined: dict[tuple[int, int], int] = {}
    for holding, held in every.items():
        peers = maybe = 0
        for number in bits_of(holding >> 1):
            peers |= listed[number][0]
            maybe |= listed[number][1]
        key = (peers, maybe & ~peers)
        joined[key] = joined.get(key, 0) | held
    return tuple(Segment(held, peers, maybe) for (peers, maybe), held in joined.items())
