"""Predicates about entry points: load balancers, node ports, Ingresses, public nodes (exp-*)."""

from collections.abc import Callable, Iterator

from kubeaudit.edges.context import workload
from kubeaudit.edges.contract import Edge
from kubeaudit.edges.entrypoints import cluster_provider, entry_point, has_node_port, host_port_entry, host_ports
from kubeaudit.edges.ingresses import ref_of, routes, serving_of
from kubeaudit.edges.schemes import Ruling, Scheme, of_ingress, of_service
from kubeaudit.edges.vocabulary import EXP_HOST_NETWORK, EXP_HOST_PORT, EXP_INTERNET_NODE_PORT
from kubeaudit.findings import Exposure, Subject, Verdict
from kubeaudit.model.objects.core import Service
from kubeaudit.model.objects.networking import Ingress
from kubeaudit.policy.judgement import Judgement
from kubeaudit.policy.predicates.base import beyond_limit, evidence_of, parameter, subject, unseen_of, workload_subject
from kubeaudit.policy.schema import Policy
from kubeaudit.proof import State, field
from kubeaudit.refs import INTERNET, Facet, ObjectRef, Vertex, VertexKind
from kubeaudit.world import World


def entry(world: World, policy: Policy) -> Iterator[Judgement]:
    """Entry points of one type, judged by themselves: whether traffic gets on to a workload is the path's business
    (decisions.md).
    """
    judges: dict[str, Callable[[World], Iterator[Judgement]]] = {
        "LoadBalancer": _load_balancers,
        "NodePort": _node_ports,
        "Ingress": _ingresses,
    }
    yield from judges[parameter(policy, "type")](world)


def _load_balancers(world: World) -> Iterator[Judgement]:
    for service in world.cluster.services:
        who = _service(service)
        if service.spec.type != "LoadBalancer":
            yield Judgement(who, Verdict.PASS)
            continue
        entries = [
            entry_point("LoadBalancer", who.object.namespace, who.object.name, str(p.port)) for p in service.spec.ports
        ]
        yield _by_entries(world, who, entries, f"{who.object} is a load balancer that the internet reaches.")


def _ingresses(world: World) -> Iterator[Judgement]:
    """An Ingress is exposed where an entry point of its controller is, whatever policies let on from there
    (EXP-110).
    """
    for ingress in world.cluster.ingresses:
        who = _ingress(ingress)
        hosts = ", ".join(dict.fromkeys(route.where.partition("/")[0] for route in routes(ingress)))
        message = f"{who.object} is served to the internet ({hosts or 'no rules'})."
        doors = [door for entry in dict.fromkeys(r.entry for r in routes(ingress)) for door in _doors(world, entry)]
        certain = next((door for door in doors if door[0].state is State.YES), None)
        unknown = tuple(edge for door in doors for edge in door if edge.state is State.UNKNOWN)
        if certain is not None:
            yield Judgement(who, Verdict.FAIL, message, evidence_of(certain), exposure=Exposure.INTERNET)
        elif unknown:
            yield Judgement(who, Verdict.NOT_EVALUATED, unseen=unseen_of(unknown))
        else:
            yield Judgement(who, Verdict.PASS)


def _doors(world: World, entry: Vertex) -> Iterator[tuple[Edge, ...]]:
    """The edges from outside that an Ingress hangs on: to it, or to an entry point of a controller that serves it."""
    for edge in world.graph.in_edges(entry):
        if edge.source.kind is not VertexKind.WORKLOAD:
            yield from _outside(world, edge)
            continue
        for hop in world.graph.in_edges(edge.source):
            if hop.source.kind is VertexKind.SERVICE:
                fronts = [e.source for e in world.graph.in_edges(hop.source) if e.source.kind is VertexKind.ENTRY_POINT]
            else:
                fronts = [hop.source] if hop.source.kind is VertexKind.ENTRY_POINT else []
                yield from _outside(world, hop, edge)
            for front in fronts:
                for first in world.graph.in_edges(front):
                    yield from _outside(world, first, edge)


def _outside(world: World, first: Edge, *rest: Edge) -> Iterator[tuple[Edge, ...]]:
    """The edges, if the first one comes from the internet and is not blocked."""
    is_root = world.exposed.possible.cost(first.source) == (0, 0)
    if is_root and first.state is not State.BLOCKED:
        yield (first, *rest)


def _by_entries(world: World, who: Subject, entries: list[Vertex], message: str) -> Judgement:
    """Fail where an entry point is reached from outside, not evaluated where that cannot be told."""
    search = world.exposed
    for wanted, verdict in ((State.YES, Verdict.FAIL), (State.UNKNOWN, Verdict.NOT_EVALUATED)):
        for vertex in entries:
            if search.state(vertex) is not wanted:
                continue
            path = search.path(vertex)
            if verdict is Verdict.FAIL:
                return Judgement(who, verdict, message, evidence_of(path[-1:]), exposure=Exposure.INTERNET)
            return Judgement(who, verdict, unseen=unseen_of(path), detail=f"{vertex} cannot be decided")
    limit = beyond_limit(search)
    return Judgement(who, Verdict.NOT_EVALUATED if limit else Verdict.PASS, unseen=limit)


def _node_ports(world: World) -> Iterator[Judgement]:
    """A Service of type NodePort is a finding about the Service; only its exposure depends on the nodes' addresses."""
    for service in world.cluster.services:
        who = _service(service)
        if service.spec.type != "NodePort":
            yield Judgement(who, Verdict.PASS)
            continue
        ports = [str(p.node_port or "assigned by the server") for p in service.spec.ports]
        shown = field(who.object, ("spec", "type"), "NodePort", f"node ports: {', '.join(ports)}")
        message = f"{who.object} opens a port on every node ({', '.join(ports)})."
        yield Judgement(who, Verdict.FAIL, message, (shown,), exposure=_node_port_exposure(world, service))


def _node_port_exposure(world: World, service: Service) -> Exposure:
    ref = _service(service).object
    states = {
        world.exposed.state(entry_point("NodePort", ref.namespace, ref.name, str(p.port))) for p in service.spec.ports
    }
    if State.YES in states:
        return Exposure.INTERNET
    return Exposure.UNKNOWN if State.UNKNOWN in states else Exposure.INTERNAL


def on_public_node(world: World, _policy: Policy) -> Iterator[Judgement]:
    """hostNetwork, hostPort or NodePort on a node with a public address."""
    rows = (EXP_INTERNET_NODE_PORT, EXP_HOST_PORT, EXP_HOST_NETWORK)
    public = {e.target: e for e in world.graph.out_edges(INTERNET) if e.row in rows and e.state is not State.BLOCKED}
    for service in world.cluster.services:
        if any(has_node_port(service, port) for port in service.spec.ports):
            who = _service(service)
            targets = [
                entry_point("NodePort", who.object.namespace, who.object.name, str(p.port)) for p in service.spec.ports
            ]
            yield _on_node(who, [public[t] for t in targets if t in public])
    by_workload: dict[int, list[Edge]] = {}
    for cls in world.cluster.classes:
        targets = [host_port_entry(cls, port) for _, port in host_ports(cls)]
        if cls.shape.host_network or targets:
            reached = [public[t] for t in (*targets, workload(cls, Facet.NET)) if t in public]
            by_workload.setdefault(cls.workload, []).extend(reached)
    for index, edges in by_workload.items():
        yield _on_node(workload_subject(world, index), edges)


def _on_node(who: Subject, edges: list[Edge]) -> Judgement:
    certain = [edge for edge in edges if edge.state is State.YES]
    if certain:
        message = f"{who.object} listens on a node that has a public address."
        return Judgement(who, Verdict.FAIL, message, evidence_of(tuple(certain[:1])), exposure=Exposure.INTERNET)
    if edges:
        return Judgement(who, Verdict.NOT_EVALUATED, unseen=unseen_of(tuple(edges)))
    return Judgement(who, Verdict.PASS)


def scheme_unknown(world: World, _policy: Policy) -> Iterator[Judgement]:
    """A load balancer whose object does not show whether it is public (EXP-94)."""
    provider = cluster_provider(world.context)
    for service in world.cluster.services:
        if service.spec.type == "LoadBalancer":
            yield _scheme(_service(service), of_service(service, provider))
        else:
            yield Judgement(_service(service), Verdict.NOT_APPLICABLE)
    for ingress in world.cluster.ingresses:
        serving = serving_of(world.context, ingress)
        if serving.cloud is not None:
            yield _scheme(_ingress(ingress), of_ingress(ingress, serving.cloud))
        else:
            yield Judgement(_ingress(ingress), Verdict.NOT_APPLICABLE)


def _scheme(who: Subject, ruling: Ruling) -> Judgement:
    if ruling.scheme is not Scheme.UNKNOWN:
        return Judgement(who, Verdict.PASS)
    message = f"{who.object} does not show whether its load balancer is public: {ruling.reason}."
    return Judgement(who, Verdict.FAIL, message, ruling.evidence, exposure=Exposure.UNKNOWN)


def _service(service: Service) -> Subject:
    return subject(ObjectRef("Service", service.metadata.namespace, service.metadata.name), "v1", service.metadata.uid)


def _ingress(ingress: Ingress) -> Subject:
    return subject(ref_of(ingress), "networking.k8s.io/v1", ingress.metadata.uid)
