"""Who may open a connection to whom: the verdict of every port, its proof, and what would change it (section 4)."""

import ipaddress
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct, structs

from kubeaudit.edges.context import Context
from kubeaudit.errors import UsageError
from kubeaudit.findings import Unseen
from kubeaudit.network.combine import external
from kubeaudit.network.ipspace import FAMILIES
from kubeaudit.network.ports import ICMP, Interval
from kubeaudit.network.reach import Basis, Direction, ReachVerdict
from kubeaudit.proof import RANK, Assumption, Evidence, State
from kubeaudit.queries import behind, imds, network_edits
from kubeaudit.queries.ends import Addresses, End, Metadata, Pods, Ranges, ServiceEnd
from kubeaudit.queries.names import parts, plain
from kubeaudit.queries.network_edits import Edit
from kubeaudit.queries.notes import ESTABLISHED, limits
from kubeaudit.queries.pairs import Piece, Unit, own_nodes, pieces, port_atoms, span_text
from kubeaudit.queries.ways import Way, ways

SCHEMA = "kubeaudit.reach/1"
MOST_PAIRS = 2_000
"""How many pairs of classes one question may be about; ``kubeaudit network`` answers for more."""


class Segment(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Ports with one verdict (V-6): protocol, first and last port each; ICMP stands for what has no ports.

    ``state`` is that of ``verdict``, or worse where something beside policies stands in the way (``assumptions``,
    ``unseen``). ``proof`` holds the fields that decide. ``edits`` change the verdict, each on its own.
    """

    state: State
    families: tuple[str, ...]
    ports: tuple[Interval, ...]
    verdict: ReachVerdict
    proof: tuple[Evidence, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    edits: tuple[Edit, ...] = ()


class Connection(Struct, frozen=True):
    """Sources and destinations between which every port has the same verdict."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    segments: tuple[Segment, ...]


class ReachAnswer(Struct, frozen=True, kw_only=True):
    """The answer to one question. ``state`` is the widest of any connection: reachable where one port is. ICMP
    that is not known, because the API says nothing of it (NET-34), counts only where nothing else was asked for.

    ``ways`` lead from the internet to the destination, as far as the cluster's objects show (only where that is the
    source). ``plugin`` says which network plugin enforces policies.
    """

    schema: str = SCHEMA
    source: str
    target: str
    ports: tuple[Interval, ...]
    state: State
    plugin: str
    connections: tuple[Connection, ...]
    ways: tuple[Way, ...] | None = None
    notes: tuple[str, ...] = ()


class Judged(Struct, frozen=True):
    """The verdict of some ports of one pair, before they are joined."""

    source: Unit
    target: Unit
    piece: Piece
    shown: Interval
    passage: imds.Passage | None = None
    source_text: str = ""
    target_text: str = ""


def answer(context: Context, source: End, target: End, ports: Sequence[Interval] = (), family: str = "") -> ReachAnswer:
    """Judge every port between two ends, or some ports, in every family they share, or in one.

    Raises :class:`UsageError` for ends that no policy judges, and for questions about too many pairs.
    """
    _check(context, source, target)
    found = list(_judged(context, source, target, tuple(ports), family))
    connections = tuple(_connections(context, found))
    segments = [segment for connection in connections for segment in connection.segments]
    internet = isinstance(source, Ranges) and not source.cidr and isinstance(target, Pods)
    return ReachAnswer(
        source=source.text,
        target=target.text,
        ports=tuple(ports),
        state=widest(segments).state if segments else State.BLOCKED,
        plugin=context.reach.cni.text,
        connections=connections,
        ways=ways(context, target.classes) if internet and isinstance(target, Pods) else None,
        notes=tuple(_notes(context, source, target, connections)),
    )


def widest(segments: Sequence[Segment]) -> Segment:
    """The segment that an answer begins with."""
    return min(segments, key=_place)


def _place(segment: Segment) -> tuple[bool, int]:
    """Widest state first; ICMP that is not known after everything that has ports."""
    is_open_question = segment.state is State.UNKNOWN and all(protocol == ICMP for protocol, _, _ in segment.ports)
    return is_open_question, -RANK[segment.state]


def _check(context: Context, source: End, target: End) -> None:
    if isinstance(source, ServiceEnd | Metadata):
        raise UsageError(f"{source.text} opens no connections", "give it as the destination")
    if isinstance(source, Addresses) and isinstance(target, Addresses) and _are_judged(context, source, target):
        return
    if not isinstance(source, Pods) and not isinstance(target, Pods | ServiceEnd):
        raise UsageError(
            f"neither {source.text} nor {target.text} is a pod", "policies judge connections of pods; name one side's"
        )


def _are_judged(context: Context, *ends: Addresses) -> bool:
    """Whether policies of nodes concern every address of one of two ends."""
    guards = context.reach.judge.guards
    return guards is not None and any(all(map(guards.owner, end.addresses)) for end in ends)


def _judged(context: Context, source: End, target: End, ports: Sequence[Interval], family: str) -> Iterator[Judged]:
    reach = context.reach
    sources = units(context, source)
    if isinstance(target, Metadata):
        for one in sources:
            yield from _metadata(context, one, ports, family)
        return
    if isinstance(target, ServiceEnd):
        for one in sources:
            for way in behind.service(context, one, target.service, ports, family):
                yield Judged(one, way.unit, way.piece, way.ports, None, one.label, way.text)
        return
    targets = units(context, target)
    if len(sources) * len(targets) > MOST_PAIRS:
        count = f"{len(sources):,} sources and {len(targets):,} destinations"
        raise UsageError(f"{count} are too many for one answer", "narrow them, or ask `kubeaudit network --from --to`")
    atoms = port_atoms(reach, ports)
    for one in sources:
        for other in targets:
            for piece in pieces(reach, one, other, atoms, family):
                yield Judged(one, other, piece, piece.ports)
            for near in own_nodes(reach, one, other):
                ends = (near, other) if one.atoms else (one, near)
                for piece in pieces(reach, *ends, atoms, family):
                    yield Judged(*ends, piece, piece.ports)


def _metadata(context: Context, one: Unit, ports: Sequence[Interval], family: str) -> Iterator[Judged]:
    for call in imds.calls(context, one, ports, family):
        target = Unit(call.text, address=call.address)
        yield Judged(one, target, call.piece, call.piece.ports, call.passage)


def units(context: Context, found: End) -> list[Unit]:
    """The single ends that a side stands for."""
    if isinstance(found, Pods):
        if found.pod >= 0:
            pod = context.cluster.pods[found.pod]
            return [Unit(f"Pod {pod.namespace}/{pod.name}", pod.cls, found.pod)]
        tell = parts(context.cluster)
        classes = context.cluster.classes
        return [Unit(plain(classes[cls], tell[cls]), cls) for cls in found.classes]
    if isinstance(found, Addresses):
        name = f"Node {found.node} " if found.node else ""
        return [Unit(f"{name}{address}", address=address) for address in found.addresses]
    space = context.reach.judge.universe.space
    if isinstance(found, Ranges) and found.cidr:
        return [Unit(found.cidr, atoms=space.mask(ipaddress.ip_network(found.cidr)), cidr=found.cidr)]
    return [Unit(found.text, atoms=space.public)]


def _connections(context: Context, found: Iterable[Judged]) -> Iterator[Connection]:
    """Ports of equal verdict are joined, then sources with equal destination and verdicts, then those (AGG-2)."""
    by_pair: dict[tuple[str, str], list[Judged]] = {}
    for judged in found:
        by_pair.setdefault(_texts(context, judged), []).append(judged)
    by_verdicts: dict[tuple[str, object], list[str]] = {}
    first: dict[tuple[str, object], list[Judged]] = {}
    for (source, target), held in by_pair.items():
        key = (target, _verdicts(held))
        by_verdicts.setdefault(key, []).append(source)
        first.setdefault(key, held)
    by_sources: dict[tuple[tuple[str, ...], object], list[str]] = {}
    sample: dict[tuple[tuple[str, ...], object], list[Judged]] = {}
    for (target, verdicts), sources in by_verdicts.items():
        group = (tuple(sources), verdicts)
        by_sources.setdefault(group, []).append(target)
        sample.setdefault(group, first[target, verdicts])
    for group, targets in by_sources.items():
        yield Connection(group[0], tuple(targets), tuple(_segments(context, sample[group])))


def _texts(context: Context, judged: Judged) -> tuple[str, str]:
    """The names of both ends; of a range the addresses that the verdict holds for."""
    source, target = judged.source_text or judged.source.label, judged.target_text or judged.target.label
    for unit in (judged.source, judged.target):
        if unit.atoms:
            space = context.reach.judge.universe.space
            every = unit.atoms & space.family(FAMILIES[judged.piece.family])
            if judged.piece.atoms != every:
                text = ", ".join(span_text(context.reach, judged.piece.atoms, unit.cidr))
                source, target = (text, target) if unit is judged.source else (source, text)
    return source, target


def _verdicts(held: Iterable[Judged]) -> frozenset[object]:
    return frozenset((judged.piece.family, judged.shown, judged.piece.verdict, judged.passage) for judged in held)


def _segments(context: Context, held: Sequence[Judged]) -> Iterator[Segment]:
    """The partition of the port space of one pair (V-6), widest state first, ICMP that is not known last."""
    groups: dict[tuple[ReachVerdict, imds.Passage | None], dict[str, list[Judged]]] = {}
    for judged in held:
        group = groups.setdefault((judged.piece.verdict, judged.passage), {})
        group.setdefault(judged.piece.family, []).append(judged)
    made = []
    for (verdict, passage), by_family in groups.items():
        by_ports: dict[tuple[Interval, ...], list[str]] = {}
        for family, pieces_ in by_family.items():
            by_ports.setdefault(merged(judged.shown for judged in pieces_), []).append(family)
        for ports, families in by_ports.items():
            there = merged(judged.piece.ports for judged in by_family[families[0]])
            changes = _edits(context, held[0], verdict, passage, there, families)
            made.append(_segment(context, verdict, passage, ports, tuple(families), changes))
    yield from sorted(made, key=_place)


def _edits(
    context: Context,
    pair: Judged,
    verdict: ReachVerdict,
    passage: imds.Passage | None,
    ports: Sequence[Interval],
    families: Sequence[str],
) -> tuple[Edit, ...]:
    """The edits of a segment, on the ports that policies see; none where something beside policies decides."""
    beside = passage is not None and passage.state is State.BLOCKED
    if beside or Basis.NO_ADDRESS in verdict.basis:
        return ()
    return network_edits.change(context, pair.source, pair.target, verdict, ports, families)


def _segment(
    context: Context,
    verdict: ReachVerdict,
    passage: imds.Passage | None,
    ports: tuple[Interval, ...],
    families: tuple[str, ...],
    changes: tuple[Edit, ...],
) -> Segment:
    state, proof, why = verdict.state, _proof(context, verdict), verdict.unseen
    if passage is not None:
        state = min(verdict.state, passage.state, key=lambda found: RANK[found])
        proof = tuple(dict.fromkeys((*proof, *passage.evidence)))
        why = (*why, *passage.unseen) if state is State.UNKNOWN else ()
    return Segment(
        state=state,
        families=families,
        ports=ports,
        verdict=verdict,
        proof=proof,
        unseen=why,
        edits=changes,
        assumptions=passage.assumptions if passage is not None else (),
    )


def _proof(context: Context, verdict: ReachVerdict) -> tuple[Evidence, ...]:
    """The fields that decide: of a connection that is not open those of the sides that are not."""
    if verdict.state is State.YES:
        return context.reach.proof(verdict)
    egress, ingress = verdict.egress, verdict.ingress
    if State.YES not in (egress.state, ingress.state) or egress.state is ingress.state:
        return context.reach.proof(verdict)
    if egress.state is State.YES:
        return context.reach.proof(structs.replace(verdict, egress=external(Direction.EGRESS)))
    return context.reach.proof(structs.replace(verdict, ingress=external(Direction.INGRESS)))


def merged(found: Iterable[Interval]) -> tuple[Interval, ...]:
    """Intervals joined where one follows the other (AGG-4)."""
    joined: list[Interval] = []
    for protocol, first, last in sorted(set(found), key=_order):
        if joined and joined[-1][0] == protocol and first <= joined[-1][2] + 1:
            joined[-1] = (protocol, joined[-1][1], max(joined[-1][2], last))
        else:
            joined.append((protocol, first, last))
    return tuple(joined)


def _order(interval: Interval) -> tuple[int, int, int]:
    protocol, first, last = interval
    return ("TCP", "UDP", "SCTP", "ICMP").index(protocol), first, last


def _notes(context: Context, source: End, target: End, found: Iterable[Connection]) -> Iterator[str]:
    yield from limits(context)
    if any(segment.edits for connection in found for segment in connection.segments):
        yield ESTABLISHED
    for end in (source, target):
        if isinstance(end, Ranges) and end.cidr:
            yield "within the range, nodes that run pods of the other side are told apart (NET-44)"
    if isinstance(target, ServiceEnd):
        yield "policies judge the pods behind a Service, on the ports of the pods (NET-23)"
