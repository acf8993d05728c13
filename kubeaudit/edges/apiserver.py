"""The API server: public addresses, Services and Ingresses that front it, and pods that reach it (EXP-201..203,
215).
"""

from collections.abc import Iterator
from urllib.parse import urlsplit

from msgspec import Struct

from kubeaudit.edges.context import Context, unseen, workload
from kubeaudit.edges.contract import Edge
from kubeaudit.edges.ingresses import clients, routes, serving_of
from kubeaudit.edges.traffic import WORLD, service_vertex
from kubeaudit.edges.vocabulary import EXP_API_FROM_POD, EXP_API_FRONT, EXP_API_PUBLIC, EXP_API_SERVICE
from kubeaudit.findings import Reason, Unseen
from kubeaudit.model.nodes import is_public, parse
from kubeaudit.model.objects.core import Service, is_port
from kubeaudit.proof import ANY, KUBECONFIG, Assumption, Confidence, Evidence, State, field, missing
from kubeaudit.refs import INTERNET, Facet, ObjectRef, Vertex, VertexKind
from kubeaudit.settings import Fact

ALLOW_LIST = Assumption("api-server-public", "no allow-list in front of the API server's address excludes the caller")
NOT_DISPROVED = Unseen(
    Reason.UNKNOWN_IMPLEMENTATION,
    detail="its known addresses are private or host names, which does not disprove a public endpoint; "
    "settle it with fact api-server-public",
)
KUBERNETES = ("default", "kubernetes")
INSIDE = Vertex(VertexKind.API_SERVER, "", "default/kubernetes", Facet.NET)
"""The API server as pods reach it; not a crown jewel, because every pod is meant to."""


class Address(Struct, frozen=True):
    """One address of the API server and the field that names it."""

    host: str
    port: int
    evidence: Evidence

    @property
    def vertex(self) -> Vertex:
        """The API server at this address (EXP-16)."""
        return Vertex(VertexKind.API_SERVER, "", f"{self.host}:{self.port}")


def edges(context: Context) -> Iterator[Edge]:
    """Every edge to the API server."""
    yield from _public(context)
    yield from _fronted(context)
    yield from _from_pods(context)


def endpoints(context: Context) -> list[Address]:
    """Addresses of EndpointSlice default/kubernetes: where the API server listens, as the cluster sees it (EXP-16)."""
    found: list[Address] = []
    for item in context.slices_of.get(KUBERNETES, ()):
        ref = ObjectRef("EndpointSlice", item.metadata.namespace, item.metadata.name, "discovery.k8s.io")
        ports = [port.port for port in item.ports if port.port and is_port("TCP", port.port)] or [443]
        for number, endpoint in enumerate(item.endpoints):
            for position, address in enumerate(endpoint.addresses):
                shown = field(ref, ("endpoints", number, "addresses", position), address)
                found.append(Address(address, ports[0], shown))
    return found


def named(context: Context) -> list[Address]:
    """The server as clients name it: the URL used to collect, and the one in ConfigMap kube-public/cluster-info."""
    found: list[Address] = []
    context_ref = ObjectRef("Context", "", context.cluster.header.context or "current", KUBECONFIG)
    _url(found, context.cluster.header.server_url, context_ref, ("cluster", "server"))
    info = context.cluster.config_maps.get(("kube-public", "cluster-info"))
    if info is not None:
        for line in info.data.get("kubeconfig", "").splitlines():
            if line.strip().startswith("server:"):
                ref = ObjectRef("ConfigMap", "kube-public", "cluster-info")
                _url(found, line.partition("server:")[2].strip(), ref, ("data", "kubeconfig"))
    return found


def _url(found: list[Address], url: str, ref: ObjectRef, path: tuple[str, ...]) -> None:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 443
    except ValueError:
        return
    if host:
        found.append(Address(host, port, field(ref, path, f"{parts.scheme}://{host}:{port}")))


def _public(context: Context) -> Iterator[Edge]:
    """EXP-201. A private address or a host name does not disprove a public endpoint: managed offerings list private
    interfaces.
    """
    addresses = [*endpoints(context), *named(context)]
    fact = context.settings.facts.api_server_public
    public = [a for a in addresses if is_public(a.host)]
    for address in public:
        state = State.BLOCKED if fact is Fact.NO else State.YES
        sentence = f"The internet may connect to the API server at {address.host}:{address.port}."
        fix = "the API server: a private endpoint, or authorised networks"
        yield Edge(
            EXP_API_PUBLIC,
            INTERNET,
            address.vertex,
            state,
            Confidence.ENV,
            1,
            sentence,
            (address.evidence,),
            (ALLOW_LIST,),
            (),
            fix,
        )
    if public:
        return
    gap = context.cluster.complete.gap("endpointslices.discovery.k8s.io", "default")
    target = addresses[0].vertex if addresses else Vertex(VertexKind.API_SERVER, "", "default/kubernetes")
    shown = tuple(a.evidence for a in addresses[:3])
    state = {Fact.YES: State.YES, Fact.NO: State.BLOCKED, Fact.UNKNOWN: State.UNKNOWN}[fact]
    why = unseen(gap) if gap is not None and not addresses else NOT_DISPROVED
    sentence = f"The internet may connect to the API server at {target.name} if it has a public endpoint."
    reasons = (why,) if state is State.UNKNOWN else ()
    yield Edge(EXP_API_PUBLIC, INTERNET, target, state, Confidence.ENV, 1, sentence, shown, (ALLOW_LIST,), reasons)


def _fronted(context: Context) -> Iterator[Edge]:
    """EXP-202, -203: Services whose endpoints are the API server's, and Ingresses that lead to one."""
    fronts = {
        (s.metadata.namespace, s.metadata.name): (s, why)
        for s in context.cluster.services
        if (why := front(context, s))
    }
    vias: dict[tuple[str, str], set[str]] = {key: {WORLD} for key in fronts}
    for ingress in context.cluster.ingresses:
        backends = {
            (ingress.metadata.namespace, route.backend.service.name)
            for route in routes(ingress)
            if route.backend.service is not None
        }
        for key in backends & vias.keys():
            vias[key].update(via for via, _ in clients(serving_of(context, ingress)))
    for key, (service, why) in fronts.items():
        row = EXP_API_SERVICE if key == KUBERNETES else EXP_API_FRONT
        ref = ObjectRef("Service", *key)
        sentence = f"Service {key[0]}/{key[1]} leads to the API server."
        fix = f"{ref}: type ClusterIP" if key == KUBERNETES else f"{ref}: delete it"
        for port in service.spec.ports:
            for via in sorted(vias[key]):
                source = service_vertex(service, port, via)
                target = Vertex(VertexKind.API_SERVER, "", "default/kubernetes")
                yield Edge(row, source, target, State.YES, Confidence.OBJ, 1, sentence, (why,), (), (), fix)


def front(context: Context, service: Service) -> Evidence | None:
    """The field that makes a Service a front of the API server, None where it is none."""
    ref = ObjectRef("Service", service.metadata.namespace, service.metadata.name)
    if (ref.namespace, ref.name) == KUBERNETES:
        return field(ref, ("metadata", "name"), "kubernetes")
    name = service.spec.external_name.rstrip(".")
    if service.spec.type == "ExternalName" and (
        name == "kubernetes.default" or name.startswith("kubernetes.default.svc")
    ):
        return field(ref, ("spec", "externalName"), service.spec.external_name)
    known = {(parse(a.host), a.port) for a in endpoints(context)}
    hosts = {host for host, _ in known}
    for item in context.slices_of.get((ref.namespace, ref.name), ()):
        ports = [p.port for p in item.ports]
        for number, endpoint in enumerate(item.endpoints):
            for position, address in enumerate(endpoint.addresses):
                if parse(address) in hosts and any((parse(address), port) in known for port in ports):
                    slice_ref = ObjectRef(
                        "EndpointSlice", item.metadata.namespace, item.metadata.name, "discovery.k8s.io"
                    )
                    return field(slice_ref, ("endpoints", number, "addresses", position), address)
    return None


def _from_pods(context: Context) -> Iterator[Edge]:
    """EXP-215: whether egress lets a class open the API server's endpoint, after translation of the ClusterIP
    (NET-23).
    """
    addresses = endpoints(context)
    gap = context.cluster.complete.gap("endpointslices.discovery.k8s.io", "default")
    for cls in context.cluster.classes:
        sentence = f"{cls.label} may connect to the API server."
        fix = f"NetworkPolicy in {cls.namespace}: an egress rule for {cls.name} that leaves the API server out"
        verdicts = [(a, context.reach.egress(cls.index, a.host, "TCP", a.port)) for a in addresses if parse(a.host)]
        best = min(verdicts, key=lambda pair: list(State).index(pair[1].state), default=None)
        source = workload(cls, Facet.CTL)
        if best is not None:
            address, verdict = best
            shown = (address.evidence, *context.reach.proof(verdict))
            why = verdict.unseen if verdict.state is State.UNKNOWN else ()
            yield Edge(
                EXP_API_FROM_POD, source, INSIDE, verdict.state, Confidence.OBJ, 1, sentence, shown, (), why, fix
            )
        elif not context.reach.isolating(cls.index, "egress"):
            verdict = context.reach.egress(cls.index, "192.0.2.1", "TCP", 443)
            why = verdict.unseen if verdict.state is State.UNKNOWN else ()
            shown = context.reach.proof(verdict)
            yield Edge(
                EXP_API_FROM_POD, source, INSIDE, verdict.state, Confidence.OBJ, 1, sentence, shown, (), why, fix
            )
        else:
            absent = missing(ObjectRef("EndpointSlice", "default", ANY, "discovery.k8s.io"), ("endpoints",))
            why = (
                (unseen(gap),)
                if gap is not None
                else (Unseen(Reason.UNKNOWN_IMPLEMENTATION, detail="the API server's address is not known"),)
            )
            yield Edge(
                EXP_API_FROM_POD, source, INSIDE, State.UNKNOWN, Confidence.OBJ, 1, sentence, (absent,), (), why, fix
            )
