"""From entry points through Services and Ingresses to workloads, and what an application flaw opens (EXP-110..112, 119,
121, 122).
"""

from collections.abc import Iterator

from kubeaudit.edges import last_hop
from kubeaudit.edges.backends import BackendClass, backends
from kubeaudit.edges.context import Context, owner_ref, unseen, workload
from kubeaudit.edges.contract import Edge
from kubeaudit.edges.entrypoints import entry_point, has_node_port
from kubeaudit.edges.vocabulary import (
    EXP_FLAW_CODE,
    EXP_FLAW_SSRF,
    EXP_INTERNET_LB,
    EXP_SERVICE_ENDPOINT,
    EXP_SERVICE_OF_ENTRY,
)
from kubeaudit.findings import Reason, Unseen
from kubeaudit.model.objects.core import Service, ServicePort
from kubeaudit.model.workloads import WorkloadClass
from kubeaudit.network.reach import ReachVerdict
from kubeaudit.proof import Assumption, Confidence, State, field
from kubeaudit.refs import INTERNET, Facet, ObjectRef, Vertex, VertexKind
from kubeaudit.settings import Fact

FLAW_CODE = Assumption("rce", "the application has a flaw that lets a caller run code")
FLAW_SSRF = Assumption("ssrf", "the application can be made to send requests to addresses the caller chooses")
_ENTRIES = {"LoadBalancer": "The load balancer", "NodePort": "The node port", "ExternalIP": "The external IP"}
WORLD = "world"
"""The client of a Service that is reached from outside the cluster."""
_FOLLOWED = ("services", "ingresses.networking.k8s.io")
_NOT_FOLLOWED = (
    "gateways.gateway.networking.k8s.io",
    "gateways.networking.istio.io",
    "routes.route.openshift.io",
)
"""Entry points that are read but not followed yet: where such objects exist, what they expose is unknown, never
absent.
"""


def edges(context: Context) -> Iterator[Edge]:
    """Every edge from an entry point to a workload's traffic facet, and from there to its other facets."""
    for service in context.cluster.services:
        for port in service.spec.ports:
            yield from _entries(context, service, port)
    for cls in context.cluster.classes:
        yield from _flaws(context, cls)
    yield from _unseen_entries(context)


def service_vertex(service: Service, port: ServicePort, via: str) -> Vertex:
    """A port of a Service as reached by one kind of client: network policies judge the last hop, so that clients are
    kept apart.
    """
    return Vertex(VertexKind.SERVICE, service.metadata.namespace, f"{service.metadata.name}:{port.port}@{via}")


def to_classes(
    context: Context, service: Service, port: ServicePort, via: str, client: WorkloadClass | None = None
) -> Iterator[Edge]:
    """EXP-119: from a Service port to the classes behind it, as far as the network lets the last hop in."""
    ref = ObjectRef("Service", service.metadata.namespace, service.metadata.name)
    source = service_vertex(service, port, via)
    for backend in backends(context, service, port):
        verdict = _last_hop(context, service, port, backend, via, client)
        cls = backend.cls
        target_port = field(ref, ("spec", "ports", service.spec.ports.index(port), "port"), port.port)
        sentence = (
            f"Service {ref.namespace}/{ref.name} port {port.port} forwards to port {backend.port} of {cls.label}."
        )
        fix = f"NetworkPolicy in {cls.namespace}: select {cls.name} and do not admit this client on port {backend.port}"
        state = State.UNKNOWN if backend.unseen and verdict.state is State.YES else verdict.state
        limited = () if not verdict.sources else (_limited(verdict.sources),)
        confidence = Confidence.ENV if limited else max(backend.confidence, Confidence.OBJ, key=_weakness)
        yield Edge(
            EXP_SERVICE_ENDPOINT, source, workload(cls, Facet.NET), state, confidence, 0, sentence,
            (*backend.evidence, target_port, *context.reach.proof(verdict)), limited,
            (*backend.unseen, *verdict.unseen), fix,
        )  # fmt: skip


def _weakness(confidence: Confidence) -> int:
    return list(Confidence).index(confidence)


def _limited(sources: tuple[str, ...]) -> Assumption:
    return Assumption("client-address", f"the client's address is in {', '.join(sources)}")


def _entries(context: Context, service: Service, port: ServicePort) -> Iterator[Edge]:
    namespace, name = service.metadata.namespace, service.metadata.name
    ref = ObjectRef("Service", namespace, name)
    kinds = []
    if service.spec.type == "LoadBalancer":
        kinds.append("LoadBalancer")
    if has_node_port(service, port):
        kinds.append("NodePort")
    if service.spec.external_ips:
        kinds.append("ExternalIP")
    shown = field(ref, ("spec", "ports", service.spec.ports.index(port), "port"), port.port)
    for kind in kinds:
        entry = entry_point(kind, namespace, name, str(port.port))
        sentence = f"{_ENTRIES[kind]} leads to Service {namespace}/{name} port {port.port}."
        target = service_vertex(service, port, WORLD)
        yield Edge(EXP_SERVICE_OF_ENTRY, entry, target, State.YES, Confidence.OBJ, 0, sentence, (shown,))
    yield from to_classes(context, service, port, WORLD)


def _last_hop(
    context: Context,
    service: Service,
    port: ServicePort,
    backend: BackendClass,
    via: str,
    client: WorkloadClass | None,
) -> ReachVerdict:
    """Whether the client of the last hop may open the backend's port: a controller's pods, or the world.

    With externalTrafficPolicy Cluster the pod may see a node's address instead of the client's (NET-63)."""
    reach, cls = context.reach, backend.cls.index
    if client is not None:
        return reach.connect(client.index, cls, port.protocol, backend.port)
    if via == last_hop.CONTROLLER:
        return last_hop.of_controller(context, cls, port.protocol, backend.port)
    if service.spec.external_traffic_policy == "Local":
        return reach.from_internet(cls, port.protocol, backend.port)
    return last_hop.translated(context, cls, port.protocol, backend.port, last_hop.BY_SERVICE)


def _flaws(context: Context, cls: WorkloadClass) -> Iterator[Edge]:
    owner = owner_ref(context.cluster, cls)
    image = cls.shape.containers[0].image if cls.shape.containers else ""
    shown = (field(owner, ("kind",), owner.kind, f"runs image {image}"),)
    net = workload(cls, Facet.NET)
    for row, facet, effort, fact, assumption, does in (
        (EXP_FLAW_CODE, Facet.CTL, 5, context.settings.facts.rce, FLAW_CODE, "run code in"),
        (EXP_FLAW_SSRF, Facet.SSRF, 4, context.settings.facts.ssrf, FLAW_SSRF, "make requests from"),
    ):
        if fact is Fact.NO:
            continue
        state = State.YES if fact is Fact.YES else State.UNKNOWN
        why = () if fact is Fact.YES else (Unseen(Reason.OPT_IN, detail=f"fact {assumption.name} is unknown"),)
        sentence = f"Who reaches {cls.label} may {does} it if {assumption.text}."
        yield Edge(row, net, workload(cls, facet), state, Confidence.ENV, effort, sentence, shown, (assumption,), why)


def _unseen_entries(context: Context) -> Iterator[Edge]:
    """Where a kind that exposes workloads was not read, every workload of that scope may be exposed (EXP-33)."""
    by_namespace: dict[str, tuple[Unseen, ...]] = {}
    for cls in context.cluster.classes:
        if cls.namespace not in by_namespace:
            by_namespace[cls.namespace] = _why_exposed_unknown(context, cls.namespace)
        if why := by_namespace[cls.namespace]:
            sentence = f"The internet may reach {cls.label} through something that was not read."
            target = workload(cls, Facet.NET)
            yield Edge(EXP_INTERNET_LB, INTERNET, target, State.UNKNOWN, Confidence.ENV, 1, sentence, (), (), why)


def _why_exposed_unknown(context: Context, namespace: str) -> tuple[Unseen, ...]:
    complete = context.cluster.complete
    gaps = [gap for resource in _FOLLOWED if (gap := complete.gap(resource, namespace)) is not None]
    found = [unseen(gap) for gap in gaps]
    found.extend(
        Unseen(Reason.EVALUATION_ERROR, bad.where, namespace, f"{bad.object} {bad.reason}")
        for bad in context.cluster.bad
        if bad.where in _FOLLOWED and bad.object is not None and bad.object.namespace == namespace
    )
    for resource in _NOT_FOLLOWED:
        gap = complete.gap(resource, namespace)
        if gap is not None:
            found.append(unseen(gap))
        elif context.cluster.counts.get(resource, 0):
            found.append(
                Unseen(
                    Reason.UNKNOWN_IMPLEMENTATION, resource, "", "objects of this kind are read but not followed yet"
                )
            )
    return tuple(found)
