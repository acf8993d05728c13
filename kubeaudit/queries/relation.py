"""Who can open connections to whom, in groups, with what decides each of them (AGG-1..9)."""

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from msgspec import Struct

from kubeaudit.edges.context import Context
from kubeaudit.errors import UsageError
from kubeaudit.model.selectors import bits_of, mask_of
from kubeaudit.network.ipspace import FAMILIES, IPSpace
from kubeaudit.network.ports import Interval
from kubeaudit.network.reach import Decision, Direction, Reach, Side
from kubeaudit.network.relation import Block, Bounds, Ends, Row, Scope, blocks, count, rows
from kubeaudit.network.rows import Table
from kubeaudit.proof import State
from kubeaudit.queries.covers import Covers, covers
from kubeaudit.queries.ends import INTERNET, Addresses, End, Pods, Ranges
from kubeaudit.queries.exposures import Exposure, exposures
from kubeaudit.queries.notes import limits
from kubeaudit.queries.pairs import NO_PORTS, port_atoms

T = TypeVar("T")
SCHEMA = "kubeaudit.network/1"
MOST_ROWS = 200_000
"""AGG-6."""
_ASKED = 16
"""On so many intervals of ports a group is explained."""


class Filter(Struct, frozen=True):
    """What is asked for (AGG-6).

    ``direction`` is that of the connections of the namespaces, or of all pods. ``basis`` keeps groups of which some
    connection rests on one of these.
    """

    source: End | None = None
    target: End | None = None
    namespaces: tuple[str, ...] = ()
    direction: str = ""
    ports: tuple[Interval, ...] = ()
    states: tuple[State, ...] = (State.YES, State.UNKNOWN)
    families: tuple[str, ...] = tuple(FAMILIES)
    basis: tuple[str, ...] = ()


class Group(Struct, frozen=True, omit_defaults=True):
    """Sources that all reach the same destinations in the same way. Counts are of workloads, or of address ranges.

    ``by`` are the rules that let the connections pass, or the isolations that leave them open to doubt; ``basis``,
    ``settle_by`` and ``conditions`` (what a connection must fulfil above L4) are those of one of them.
    """

    families: tuple[str, ...]
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    source_count: int
    target_count: int
    ports: tuple[Interval, ...]
    state: State
    basis: tuple[str, ...] = ()
    by: tuple[Decision, ...] = ()
    settle_by: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()


class Relation(Struct, frozen=True, kw_only=True):
    """The whole relation, or the part that was asked for, with the exposure of every workload (AGG-9).

    ``rows`` is how many lines the flat form has.
    """

    schema: str = SCHEMA
    plugin: str
    rows: int
    groups: tuple[Group, ...]
    workloads: tuple[Exposure, ...]
    notes: tuple[str, ...] = ()


def relation(context: Context, asked: Filter) -> Relation:
    """The relation in groups. ICMP is left out unless it is asked for: what policies with ports mean for it is
    undefined (NET-34).
    """
    named, judge = covers(context.cluster), context.reach.judge
    found = list(_blocks(context, asked))
    everything = found if asked == Filter() else list(_blocks(context, Filter()))
    return Relation(
        plugin=context.reach.cni.text,
        rows=sum(count(judge, block, _bounds(asked)) for block in found),
        groups=tuple(_groups(context.reach, named, found, asked)),
        workloads=exposures(context, named, everything, _subjects(context, asked)),
        notes=tuple(_notes(context)),
    )


def flat(context: Context, asked: Filter, most: int = MOST_ROWS) -> Iterator[Row]:
    """The flat rows (AGG-5). Raises :class:`UsageError` with their number where it exceeds ``most`` (AGG-6)."""
    judge, names, within = context.reach.judge, covers(context.cluster).names, _bounds(asked)
    found = list(_blocks(context, asked))
    total = sum(count(judge, block, within) for block in found)
    if total > most:
        raise UsageError(
            f"the flat form has {total:,} rows, more than {most:,}",
            "filter with --from, --to, -n, --port or --direction, ask for groups (-o json), or raise --max-rows",
        )
    return (
        row for block in found for one in rows(judge, block, names, within) for row in _asked_ports(one, asked.ports)
    )


def _bounds(asked: Filter) -> Bounds:
    """The networks that the sides of the question name."""
    sources, targets = (
        (ipaddress.ip_network(end.cidr),) if isinstance(end, Ranges) and end.cidr
        else tuple(map(ipaddress.ip_network, end.addresses)) if isinstance(end, Addresses)
        else ()
        for end in (asked.source, asked.target)
    )  # fmt: skip
    return Bounds(sources, targets)


def _asked_ports(row: Row, ports: Sequence[Interval]) -> Iterator[Row]:
    for protocol, first, last in _clipped([(row.protocol, row.first, row.last)], ports):
        yield Row(row.source, row.target, row.family, protocol, first, last, row.state)


def _clipped(found: Iterable[Interval], asked: Sequence[Interval]) -> tuple[Interval, ...]:
    """Intervals inside those that were asked for: the atoms of ports may be wider."""
    if not asked:
        return tuple(found)
    return tuple(
        (protocol, max(first, low), min(last, high))
        for protocol, first, last in found
        for name, low, high in asked
        if name == protocol and first <= high and low <= last
    )


def _blocks(context: Context, asked: Filter) -> Iterator[Block]:
    for scope in _scopes(context, asked):
        for block in blocks(context.reach.matrix, scope):
            if not asked.basis or set(asked.basis).intersection(_explained(context.reach, block)[0]):
                yield block


def _scopes(context: Context, asked: Filter) -> Iterator[Scope]:
    """What is asked for, as masks: connections out of, and then into, the namespaces."""
    judge = context.reach.judge
    sources, source_atoms = _side(context, asked.source)
    targets, target_atoms = _side(context, asked.target)
    ports = 0
    for protocol, first, _ in port_atoms(context.reach, asked.ports):
        ports |= judge.ports.atom(protocol, first) if asked.ports or protocol != NO_PORTS[0] else 0
    inside = _inside(context, asked.namespaces)

    def scope(sources: int, targets: int, source_atoms: int, target_atoms: int) -> Scope:
        return Scope(sources, targets, source_atoms, target_atoms, ports, asked.families, asked.states)

    out, into = asked.direction != Direction.INGRESS, asked.direction != Direction.EGRESS
    if inside is None:
        yield scope(sources, targets, source_atoms if into else 0, target_atoms if out else 0)
        return
    if out:
        yield scope(sources & inside, targets, 0, target_atoms)
    if into:
        # What comes from the namespaces themselves was said above.
        rest = sources & ~inside if out else sources
        yield scope(rest, targets & inside, source_atoms, 0)


def _side(context: Context, found: End | None) -> tuple[int, int]:
    """Masks of the classes and of the address atoms that a side stands for."""
    universe = context.reach.judge.universe
    if found is None:
        return universe.classes, (1 << universe.space.size) - 1
    if isinstance(found, Pods):
        return mask_of(found.classes), 0
    if isinstance(found, Ranges):
        if not found.cidr:
            return 0, universe.space.public
        return 0, universe.space.mask(ipaddress.ip_network(found.cidr))
    if isinstance(found, Addresses):
        return 0, mask_of(atom for atom in map(universe.space.atom, found.addresses) if atom is not None)
    raise UsageError(f"{found.text} is no filter of the relation", "ask `kubeaudit reach` about it")


def _inside(context: Context, namespaces: Sequence[str]) -> int | None:
    if not namespaces:
        return None
    unknown = sorted(set(namespaces) - context.cluster.namespaces.keys())
    if unknown:
        raise UsageError(f"no namespace {', '.join(unknown)}", "see `kubectl get namespaces`")
    found = 0
    for name in namespaces:
        found |= context.classes_of_namespace.get(name, 0)
    return found


def _subjects(context: Context, asked: Filter) -> int:
    """Classes whose exposure is summed up: those of the namespaces and of the sides that are pods."""
    inside = _inside(context, asked.namespaces)
    found = context.reach.judge.universe.classes if inside is None else inside
    named = [_side(context, end)[0] for end in (asked.source, asked.target) if end is not None]
    if any(named):
        found &= named[0] | named[-1]
    return found


def _groups(reach: Reach, named: Covers, found: Iterable[Block], asked: Filter) -> Iterator[Group]:
    joined: dict[tuple[Ends, int, int, int, State], list[str]] = {}
    for block in found:
        key = (block.outside, block.sources, block.targets, block.ports, block.state)
        joined.setdefault(key, []).append(block.family)
    for (outside, sources, targets, ports, state), families in joined.items():
        block = Block(families[0], outside, sources, targets, ports, state)
        yield _group(reach, named, block, tuple(families), asked)


def _group(reach: Reach, named: Covers, block: Block, families: tuple[str, ...], asked: Filter) -> Group:
    space, within = reach.judge.universe.space, _bounds(asked)
    sources, targets = (
        _addresses(space, within, outside, mask) if block.outside is outside else named.of(mask)
        for mask, outside in ((block.sources, Ends.SOURCE), (block.targets, Ends.TARGET))
    )
    told = _explained(reach, block)
    intervals = _clipped(list(reach.judge.ports.intervals(block.ports)), asked.ports)
    if block.ports & reach.judge.ports.icmp:
        intervals = (*intervals, NO_PORTS)
    many = len(sources) if block.outside is Ends.SOURCE else block.sources.bit_count()
    reached = len(targets) if block.outside is Ends.TARGET else block.targets.bit_count()
    return Group(families, sources, targets, many, reached, intervals, block.state, *told)


def _addresses(space: IPSpace, within: Bounds, end: Ends, atoms: int) -> tuple[str, ...]:
    """Ranges of addresses; every public address of a family is the internet."""
    for version in FAMILIES.values():
        if atoms == space.public & space.family(version):
            return (INTERNET,)
    return tuple(within.spans(space, end, atoms))


_Told = tuple[tuple[str, ...], tuple[Decision, ...], tuple[str, ...], tuple[str, ...]]
"""Basis, rules, what would settle it, conditions."""


def _explained(reach: Reach, block: Block) -> _Told:
    """What decides a block: one class of each row is asked about all its peers at once."""
    ports = [interval[:2] for interval in reach.judge.ports.intervals(block.ports)][:_ASKED] or [NO_PORTS[:2]]
    sides = [side for protocol, port in ports for side in _sides(reach, block, protocol, port)]
    meant = [side for side in sides if side.state is block.state]
    by = (side.by for side in (sides if block.state is State.UNKNOWN else meant))
    basis, settle = _every(side.basis for side in meant), _every(side.settle_by for side in meant)
    judged = {side.direction for side in meant}
    if block.outside is Ends.PODS and (not judged or (block.state is State.YES and len(judged) < len(Direction))):
        # No side alone has the state of the pair: an exemption (V-2) or what is not known of one decides.
        verdict = reach.connect(_lowest(block.sources), _lowest(block.targets), *ports[0], block.family)
        basis, settle = verdict.basis, verdict.settle_by
    return tuple(map(str, basis)), _every(by), settle, _every(side.conditions for side in meant)


def _sides(reach: Reach, block: Block, protocol: str, port: int) -> Iterator[Side]:
    judge, universe = reach.judge, reach.judge.universe
    shift = universe.size if block.family == "IPv6" else 0
    ends = (
        (Direction.EGRESS, block.sources, block.targets, Ends.SOURCE, Ends.TARGET),
        (Direction.INGRESS, block.targets, block.sources, Ends.TARGET, Ends.SOURCE),
    )
    for direction, subjects, others, own, far in ends:
        if block.outside is own:
            for cls in bits_of(others) if judge.guards else ():
                yield judge.outside(direction, cls, universe.external(subjects), protocol, port)
            continue
        peers = universe.external(others) if block.outside is far else others << shift
        for cls in bits_of(subjects & universe.host) if judge.guards else ():
            yield judge.side(direction, cls, peers, protocol, port)
        for cls in _one_of_each(judge.table(direction), subjects):
            yield judge.side(direction, cls, peers, protocol, port)
            mesh = judge.mesh(cls, peers, protocol, port) if direction is Direction.INGRESS else None
            if mesh is not None:
                yield mesh


def _every(found: Iterable[tuple[T, ...]]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(item for some in found for item in some))


def _one_of_each(table: Table, classes: int) -> Iterator[int]:
    """One class of every row that some classes have."""
    if classes.bit_count() < len(table.signatures):
        yield from {table.signature_of[cls]: cls for cls in bits_of(classes)}.values()
        return
    yield from (_lowest(held) for signature in table.signatures if (held := signature.classes & classes))


def _lowest(mask: int) -> int:
    return (mask & -mask).bit_length() - 1


def _notes(context: Context) -> Iterator[str]:
    yield "a pod always reaches itself, and its own node unless the network plugin says otherwise (NET-44, NET-53)"
    yield from limits(context)
