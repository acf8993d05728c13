"""What a change opens and closes: connections by workload, and which policy did it (AGG-8)."""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

from msgspec import Struct

from kubeaudit.edges.context import Context
from kubeaudit.errors import UsageError
from kubeaudit.model.selectors import bits_of
from kubeaudit.network.ports import Interval
from kubeaudit.network.relation import Ends, Scope, blocks, spans, turned
from kubeaudit.proof import RANK, State
from kubeaudit.queries.causes import Causes, PolicyChange, Shift, States
from kubeaudit.queries.joint import Joint, Place, joint
from kubeaudit.queries.notes import ESTABLISHED, limits

SCHEMA = "kubeaudit.network-diff/1"
_ORDER = (State.YES, State.UNKNOWN, State.BLOCKED)


class Kind(StrEnum):
    """Of a change (AGG-8): no pod could connect before; none can now; something else."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Changed(Struct, frozen=True, omit_defaults=True):
    """Connections that changed in the same way. ``opens``: some pods can connect that could not, or perhaps.

    ``causes`` are the policies that did it, workloads that came or went, labels, or the network plugin.
    """

    kind: Kind
    opens: bool
    families: tuple[str, ...]
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    ports: tuple[Interval, ...]
    before: States
    after: States
    causes: tuple[str, ...] = ()


class ChangedRow(Struct, frozen=True, order=True):
    """One line of the flat form."""

    source: str
    target: str
    family: str
    protocol: str
    first: int
    last: int
    before: States
    after: States
    causes: tuple[str, ...]


class Difference(Struct, frozen=True, kw_only=True):
    """What differs between two states of a cluster. ``plugins`` are how each state enforces policies."""

    schema: str = SCHEMA
    plugins: tuple[str, str]
    policies: tuple[PolicyChange, ...]
    workloads_added: tuple[str, ...] = ()
    workloads_removed: tuple[str, ...] = ()
    changes: tuple[Changed, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def opens(self) -> bool:
        """Whether any connection is wider open than before."""
        return any(change.opens for change in self.changes)


_Cells = dict[State, int]
"""Masks of peers by state; a peer whose pods differ is in several."""
_Row = list[tuple[int, _Cells]]
"""Ports with their peers."""


def difference(old: Context, new: Context) -> Difference:
    """Compare two states. ICMP is left out."""
    ground = joint(old, new)
    causes = Causes(ground)
    names = ground.covers.names
    return Difference(
        plugins=(old.reach.cni.text, new.reach.cni.text),
        policies=tuple(causes.policies.values()),
        workloads_added=tuple(names[n] for n in bits_of(ground.new.present & ~ground.old.present)),
        workloads_removed=tuple(names[n] for n in bits_of(ground.old.present & ~ground.new.present)),
        changes=tuple(_changes(ground, causes)),
        notes=tuple(_notes(old, new, causes)),
    )


def _notes(old: Context, new: Context, causes: Causes) -> Iterator[str]:
    for side, found in (("old", old), ("new", new)):
        yield from (f"{side}: {text}" for text in limits(found))
    if causes.policies:
        yield ESTABLISHED


def flat(old: Context, new: Context, most: int) -> Iterator[ChangedRow]:
    """One row for every pair. Raises :class:`UsageError` where there are more than ``most`` (AGG-6)."""
    ground = joint(old, new)
    causes, found = Causes(ground), list(_shifts(ground))
    total = 0
    for shift in found:
        ends = [len(_list(ground, shift, mask, end)) for mask, end in _sides(shift)]
        total += ends[0] * ends[1] * len(list(ground.ports.intervals(shift.ports)))
    if total > most:
        raise UsageError(f"the flat form has {total:,} rows, more than {most:,}", "ask for groups (-o json)")
    for shift in found:
        sources, targets = (_list(ground, shift, mask, end) for mask, end in _sides(shift))
        named = causes.of(shift)
        for protocol, first, last in ground.ports.intervals(shift.ports):
            for source in sources:
                for target in targets:
                    place = (source, target, shift.family, protocol, first, last)
                    yield ChangedRow(*place, shift.before, shift.after, named)


def _sides(shift: Shift) -> tuple[tuple[int, Ends], tuple[int, Ends]]:
    return (shift.sources, Ends.SOURCE), (shift.targets, Ends.TARGET)


def _list(ground: Joint, shift: Shift, mask: int, end: Ends) -> list[str]:
    if shift.outside is end:
        return list(spans(ground.space, mask))
    return [ground.covers.names[number] for number in bits_of(mask)]


def _changes(ground: Joint, causes: Causes) -> Iterator[Changed]:
    """Shifts with the same masks in both families are one change; what opens comes first."""
    joined: dict[tuple[object, ...], list[Shift]] = {}
    for shift in _shifts(ground):
        key = (shift.outside, shift.sources, shift.targets, shift.ports, shift.before, shift.after)
        joined.setdefault(key, []).append(shift)
    made = [_changed(ground, causes, shifts) for shifts in joined.values()]
    yield from sorted(made, key=lambda change: (not change.opens, change.targets, change.sources, change.ports))


def _changed(ground: Joint, causes: Causes, shifts: Sequence[Shift]) -> Changed:
    shift = shifts[0]
    sources, targets = (
        tuple(spans(ground.space, mask)) if shift.outside is end else ground.covers.of(mask)
        for mask, end in _sides(shift)
    )
    named = tuple(dict.fromkeys(cause for each in shifts for cause in causes.of(each)))
    ports, families = tuple(ground.ports.intervals(shift.ports)), tuple(each.family for each in shifts)
    kind, opens = _kind(shift.before, shift.after), _opens(shift.before, shift.after)
    return Changed(kind, opens, families, sources, targets, ports, shift.before, shift.after, named)


def _kind(before: States, after: States) -> Kind:
    was, is_ = (any(state is not State.BLOCKED for state in states) for states in (before, after))
    if was == is_:
        return Kind.CHANGED
    return Kind.ADDED if is_ else Kind.REMOVED


def _opens(before: States, after: States) -> bool:
    """Whether the widest or the narrowest state of a pair's pods is wider than before."""
    widest, narrowest = (
        [RANK[pick(states)] if states else 0 for states in (before, after)] for pick in (_first, _last)
    )
    return widest[1] > widest[0] or narrowest[1] > narrowest[0]


def _first(states: States) -> State:
    return states[0]


def _last(states: States) -> State:
    return states[-1]


def _shifts(ground: Joint) -> Iterator[Shift]:
    old, new = _tables(ground.old), _tables(ground.new)
    grouped: dict[tuple[Ends, str, tuple[States, States], int, int], int] = {}
    for place in dict.fromkeys((*old, *new)):
        outside, family, subject = place
        before, after = old.get(place, []), new.get(place, [])
        for states, peers, ports in _compared(ground, outside, subject, before, after):
            key = (outside, family, states, peers, ports)
            grouped[key] = grouped.get(key, 0) | 1 << subject
    for (outside, family, (was, is_), peers, ports), subjects in grouped.items():
        sources, targets = (subjects, peers) if outside is Ends.TARGET else (peers, subjects)
        yield Shift(outside, family, sources, targets, ports, was, is_)


def _tables(place: Place) -> dict[tuple[Ends, str, int], _Row]:
    """The rows of every workload: its sources, and the addresses that reach it or that it reaches."""
    judge = place.context.reach.judge
    scope = Scope(ports=judge.ports.everything & ~judge.ports.icmp, states=_ORDER)
    parts: dict[tuple[Ends, str, int], list[tuple[int, int, State]]] = {}
    for block in blocks(place.context.reach.matrix, scope):
        mine, others = (
            (block.sources, block.targets) if block.outside is Ends.TARGET else (block.targets, block.sources)
        )
        peers = place.lifted(others) if block.outside is Ends.PODS else place.lifted_atoms(others)
        part = (place.lifted_ports(block.ports), peers, block.state)
        for subject in bits_of(place.lifted(mine)):
            parts.setdefault((block.outside, block.family, subject), []).append(part)
    known: dict[tuple[tuple[int, int, State], ...], _Row] = {}
    found = {}
    for key, listed in parts.items():
        content = tuple(sorted(listed))
        if content not in known:
            known[content] = _row(content)
        found[key] = known[content]
    return found


def _row(parts: Iterable[tuple[int, int, State]]) -> _Row:
    row: _Row = []
    for ports, peers, state in parts:
        cut: _Row = []
        left = ports
        for held, cells in row:
            if inside := held & ports:
                cut.append((inside, cells | {state: cells[state] | peers}))
            if outside := held & ~ports:
                cut.append((outside, cells))
            left &= ~held
        if left:
            cut.append((left, dict.fromkeys(State, 0) | {state: peers}))
        row = cut
    return row


def _compared(
    ground: Joint, outside: Ends, subject: int, before: _Row, after: _Row
) -> Iterator[tuple[tuple[States, States], int, int]]:
    """The peers of one workload whose states differ: (before, after), peers, ports."""
    if before is after or before == after:
        return
    moved: dict[tuple[States, States], list[tuple[int, int]]] = {}
    for was_ports, was in before or [(ground.ports.everything, {})]:
        for is_ports, is_ in after or [(ground.ports.everything, {})]:
            if ports := was_ports & is_ports & ~ground.ports.icmp:
                for states, peers in _moved(was, is_):
                    moved.setdefault(states, []).append((ports, peers))
    for states, parts in moved.items():
        for peers, ports in turned(parts):
            yield states, peers, ports


def _moved(was: _Cells, is_: _Cells) -> Iterator[tuple[tuple[States, States], int]]:
    old, new = list(_sets(was)), list(_sets(is_))
    held, holds = _united(was), _united(is_)
    for before, peers in (*old, ((), holds & ~held)):
        for after, others in (*new, ((), held & ~holds)):
            both = peers & others
            if both and before != after and {*before, *after} != {State.BLOCKED}:
                yield (before, after), both


def _sets(cells: _Cells) -> Iterator[tuple[States, int]]:
    """Peers by the set of their states."""
    groups: list[tuple[States, int]] = [((), _united(cells))] if cells else []
    for state in _ORDER:
        mask = cells.get(state, 0)
        groups = [
            (found, part)
            for states, peers in groups
            for found, part in (((*states, state), peers & mask), (states, peers & ~mask))
            if part
        ]
    yield from groups


def _united(cells: _Cells) -> int:
    found = 0
    for mask in cells.values():
        found |= mask
    return found
