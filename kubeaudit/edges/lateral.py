"""From one workload to another over the pod network (EXP-123, EXP-124, NET-45).

Targets that the same workloads reach share one vertex in front of them, so that the number of edges grows with the
workloads and not with their pairs.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from kubeaudit.edges.context import Context, workload
from kubeaudit.edges.contract import Edge
from kubeaudit.edges.vocabulary import EXP_CONTAINS, EXP_LATERAL_CODE, EXP_LATERAL_SSRF
from kubeaudit.model.selectors import bits_of
from kubeaudit.model.workloads import WorkloadClass
from kubeaudit.network.reach import ReachVerdict
from kubeaudit.proof import Assumption, Confidence, Evidence, State
from kubeaudit.refs import Facet, Vertex, VertexKind

LISTENS = Assumption("listens", "the pod listens on a port that it does not declare")
_FAMILIES = ("IPv4", "IPv6")


class _Target(Struct, frozen=True):
    """A port of a class. ``declared``: the class or a Service names it."""

    cls: int
    protocol: str
    port: int
    family: str
    declared: bool


class _Source(Struct, frozen=True):
    """A class that steps leave from, and what each of them says of it. ``rank`` is its place by name; ``like`` is what
    the verdicts of a group depend on.
    """

    index: int
    rank: int
    like: tuple[int, str, bool, tuple[str, ...]]
    code: Vertex
    requests: Vertex
    label: str
    fix: str


class _Clients(Struct, frozen=True):
    """The classes that reach one port of a class: certain ones and ones not known. ``near``: as its own node."""

    target: _Target
    reachable: int
    unknown: int
    near: bool = False


def edges(context: Context) -> Iterator[Edge]:
    """Every step between workloads, each group of targets behind one vertex."""
    groups: dict[tuple[int, State, str, bool], list[_Target]] = {}
    for cls in sorted(context.cluster.classes, key=_name):
        for clients in _clients(context, cls):
            for mask, state in ((clients.reachable, State.YES), (clients.unknown, State.UNKNOWN)):
                if mask:
                    groups.setdefault((mask, state, clients.target.protocol, clients.near), []).append(clients.target)
    sources = _sources(context)
    for (mask, state, _, near), targets in groups.items():
        found = sorted((sources[number] for number in bits_of(mask)), key=_rank)
        yield from _group(context, found, state, near, targets)


def _sources(context: Context) -> list[_Source]:
    """Every class as a source."""
    classes, judge = context.cluster.classes, context.reach.judge
    ranks = {cls.index: rank for rank, cls in enumerate(sorted(classes, key=_name))}
    found = []
    for cls in classes:
        own = cls.nodes if cls.shape.host_network and judge.guards else ()
        like = (judge.egress.signature_of[cls.index], cls.namespace, cls.shape.host_network, own)
        code, requests = workload(cls, Facet.CTL), workload(cls, Facet.SSRF)
        fix = f"NetworkPolicy in {cls.namespace}: select {cls.name} and allow only the egress it needs"
        found.append(_Source(cls.index, ranks[cls.index], like, code, requests, cls.label, fix))
    return found


def _rank(source: _Source) -> int:
    return source.rank


def _clients(context: Context, cls: WorkloadClass) -> Iterator[_Clients]:
    """Who reaches a class: by policies, and apart from them host-network pods of its nodes (NET-45), which differ from
    class to class. A class among its own clients changes nothing. What is reached over TCP needs no second step over
    UDP.
    """
    certain, possible = (mask & ~(1 << cls.index) for mask in _exempt(context, cls))
    for protocol in ("TCP", "UDP"):
        found = [c for c in _ports(context, cls, protocol) if c.reachable | c.unknown]
        if not found and not certain | possible:
            continue
        yes = maybe = 0
        for clients in found:
            yes |= clients.reachable
            maybe |= clients.unknown
        maybe &= ~yes
        best = max(found, key=lambda c: (c.reachable.bit_count(), c.unknown.bit_count()), default=None)
        target = best.target if best else _any_port(context, cls, protocol)
        yield _Clients(target, yes, maybe)
        yield _Clients(target, certain & ~yes, possible & ~(yes | certain | maybe), True)
        return


def _exempt(context: Context, cls: WorkloadClass) -> tuple[int, int]:
    """Sources that policies of pods do not concern, as far as those of nodes let them: for certain, and perhaps."""
    matrix, yes, maybe = context.reach.matrix, 0, 0
    certain, possible = matrix.exempt(cls.index)
    if context.reach.judge.guards is None:
        return certain, possible
    for column in (column for family in _FAMILIES for column in matrix.columns(cls.index, family)):
        yes |= column.reachable
        maybe |= column.reachable | column.unknown
    return certain & yes, (certain | possible) & maybe & ~(certain & yes)


def _ports(context: Context, cls: WorkloadClass, protocol: str) -> Iterator[_Clients]:
    """Each column of a class that holds a port it listens on, by one such port; of one that names none, all columns."""
    ports, numbers = context.reach.judge.ports, sorted(context.listening(cls, protocol))
    for family in _FAMILIES:
        for column in context.reach.matrix.columns(cls.index, family, exempt=False):
            number = next((n for n in numbers if column.ports & ports.atom(protocol, n)), 0)
            if not numbers:
                number = next((first for word, first, _ in ports.intervals(column.ports) if word == protocol), 0)
            if number:
                target = _Target(cls.index, protocol, number, family, bool(numbers))
                yield _Clients(target, column.reachable, column.unknown)


def _any_port(context: Context, cls: WorkloadClass, protocol: str) -> _Target:
    numbers = sorted(context.listening(cls, protocol))
    family = cls.families[0] if cls.families else _FAMILIES[0]
    return _Target(cls.index, protocol, numbers[0] if numbers else 1, family, bool(numbers))


def _group(
    context: Context, sources: list[_Source], state: State, near: bool, targets: list[_Target]
) -> Iterator[Edge]:
    first = targets[0]
    if len(targets) == 1 and [source.index for source in sources] == [first.cls]:
        return
    hub = _hub(context, first, state, near)
    others = f" and {len(targets) - 1} more" if len(targets) > 1 else ""
    place = f"{context.cluster.classes[first.cls].label}{others}"
    shown: dict[tuple[int, str, bool, tuple[str, ...]], tuple[ReachVerdict, tuple[Evidence, ...]]] = {}
    for source in sources:
        aim = next((target for target in targets if target.cls != source.index), None)
        if aim is None:
            continue
        if source.like not in shown:
            verdict = _connect(context, source.index, aim)
            shown[source.like] = verdict, context.reach.side_proof(verdict.egress)
        verdict, proof = shown[source.like]
        sentence = f"Code in {source.label} may connect to {place} over the pod network."
        yield _edge(EXP_LATERAL_CODE, source.code, hub, state, 1, sentence, proof, (), verdict, source.fix)
        if first.protocol == "TCP":
            sentence = f"Requests made from {source.label} may connect to {place} over the pod network."
            yield _edge(EXP_LATERAL_SSRF, source.requests, hub, state, 2, sentence, proof, (), verdict, source.fix)
    for target in targets:
        client = next((source.index for source in sources[:2] if source.index != target.cls), target.cls)
        yield _into(context, hub, target, client, state)


def _into(context: Context, hub: Vertex, target: _Target, source: int, state: State) -> Edge:
    cls = context.cluster.classes[target.cls]
    verdict = _connect(context, source, target)
    proof = (*context.reach.side_proof(verdict.ingress), *verdict.evidence)
    at = f"{target.protocol} port {target.port}" if target.declared else "some port"
    sentence = f"{cls.label} takes these connections on {at}."
    fix = f"NetworkPolicy in {cls.namespace}: select {cls.name} and admit only the clients it needs on {at}"
    assumptions = () if target.declared else (LISTENS,)
    return _edge(EXP_CONTAINS, hub, workload(cls, Facet.NET), state, 0, sentence, proof, assumptions, verdict, fix)


def _edge(
    row: str,
    source: Vertex,
    target: Vertex,
    state: State,
    effort: int,
    sentence: str,
    proof: Iterable[Evidence],
    assumptions: tuple[Assumption, ...],
    verdict: ReachVerdict,
    fix: str,
) -> Edge:
    confidence = Confidence.ENV if assumptions else Confidence.OBJ
    unseen = verdict.unseen if state is State.UNKNOWN else ()
    return Edge(row, source, target, state, confidence, effort, sentence, tuple(proof), assumptions, unseen, fix)


def _connect(context: Context, source: int, target: _Target) -> ReachVerdict:
    """The connection that stands for all of a group."""
    return context.reach.connect(source, target.cls, target.protocol, target.port, target.family)


def _name(cls: WorkloadClass) -> tuple[str, str]:
    return cls.namespace, cls.name


def _hub(context: Context, first: _Target, state: State, near: bool) -> Vertex:
    """Named by the first target, so that the key stays from scan to scan; a target has one group of each sort."""
    cls = context.cluster.classes[first.cls]
    mark = (":own-node" if near else "") + ("?" if state is State.UNKNOWN else "")
    return Vertex(VertexKind.POD_NETWORK, cls.namespace, f"{cls.name}:{first.protocol.lower()}{mark}")
