"""From outside to the entry points: load balancers, node ports, host ports, host network (EXP-101..105, 107, 108)."""

from collections.abc import Iterator

from kubeaudit.edges.context import Context, spec_path, unseen, workload
from kubeaudit.edges.contract import Edge
from kubeaudit.edges.schemes import Ruling, Scheme, of_service, source_ranges
from kubeaudit.edges.vocabulary import (
    EXP_CIDR_LB,
    EXP_HOST_NETWORK,
    EXP_HOST_PORT,
    EXP_INTERNET_LB,
    EXP_INTERNET_NODE_PORT,
    EXP_PRIVATE_LB,
    EXP_PRIVATE_NODE_PORT,
)
from kubeaudit.findings import Reason, Unseen
from kubeaudit.model.nodes import parse
from kubeaudit.model.objects.core import NodeAddress, Service, ServicePort
from kubeaudit.model.workloads import WorkloadClass
from kubeaudit.proof import ANY, Assumption, Confidence, Evidence, Path, State, field, missing
from kubeaudit.refs import INTERNET, PRIVATE_NETWORK, Facet, ObjectRef, Vertex, VertexKind
from kubeaudit.settings import Fact

FIREWALL = Assumption("cloud-firewall-open", "no cloud firewall closes the port on the node's public address")
LISTENS = Assumption("listening-ports", "the process listens on this port of the node; the object does not show listening ports")
RANGES_ENFORCED = Assumption("source-ranges-enforced", "the load balancer enforces its source ranges")


def edges(context: Context) -> Iterator[Edge]:
    """Every edge from Internet, ExternalCIDR or PrivateNetwork to an entry point."""
    for service in context.cluster.services:
        if service.spec.type == "LoadBalancer":
            yield from _load_balancer(context, service)
        for number, port in enumerate(service.spec.ports):
            if has_node_port(service, port):
                yield from _node_port(context, service, number, port)
    for cls in context.cluster.classes:
        if cls.shape.host_network:
            yield from _host_network(context, cls)
        else:
            yield from _host_ports(context, cls)


def entry_point(kind: str, namespace: str, name: str, detail: str = "") -> Vertex:
    """The vertex of an entry point (EXP-05): type, object and port or host."""
    return Vertex(VertexKind.ENTRY_POINT, namespace, f"{kind}/{name}" + (f"/{detail}" if detail else ""))


def cluster_provider(context: Context) -> str:
    """The provider of the cluster's nodes, "" where nodes differ or do not say."""
    providers = {node.pool.provider for node in context.cluster.nodes}
    return providers.pop() if len(providers) == 1 else ""


def _load_balancer(context: Context, service: Service) -> Iterator[Edge]:
    ref = ObjectRef("Service", service.metadata.namespace, service.metadata.name)
    ruling = of_service(service, cluster_provider(context))
    ranges, limit = source_ranges(service)
    typed = field(ref, ("spec", "type"), "LoadBalancer")
    for port in service.spec.ports:
        target = entry_point("LoadBalancer", ref.namespace, ref.name, str(port.port))
        where = f"port {port.port} of load balancer {ref.namespace}/{ref.name}"
        yield from _by_scheme(ruling, ranges, (typed, *((limit,) if limit else ())), target, where)


def _by_scheme(
    ruling: Ruling, ranges: tuple[str, ...], extra: tuple[Evidence, ...], target: Vertex, where: str
) -> Iterator[Edge]:
    evidence, at = (*ruling.evidence, *extra), f" at {', '.join(ruling.addresses)}" if ruling.addresses else ""
    name = target.name.split("/")[1]
    if ruling.scheme is Scheme.INTERNAL:
        sentence = f"The private network may connect to {where}{at}."
        yield Edge(EXP_PRIVATE_LB, PRIVATE_NETWORK, target, State.YES, ruling.confidence, 1, sentence, evidence, ruling.assumptions)
        return
    state = State.YES if ruling.scheme is Scheme.PUBLIC else State.UNKNOWN
    why = (Unseen(Reason.UNKNOWN_IMPLEMENTATION, detail=ruling.reason),) if state is State.UNKNOWN else ()
    fix = f"Service {target.namespace}/{name}: spec.type to ClusterIP, an internal scheme, or spec.loadBalancerSourceRanges"
    if ranges and not _whole(ranges):
        source = Vertex(VertexKind.EXTERNAL_CIDR, "", ",".join(sorted(ranges)))
        sentence = f"Addresses in {', '.join(ranges)} may connect to {where}{at}."
        assumptions = (*ruling.assumptions, RANGES_ENFORCED)
        yield Edge(EXP_CIDR_LB, source, target, state, Confidence.ENV, 1, sentence, evidence, assumptions, why, fix)
        return
    sentence = f"The internet may connect to {where}{at}."
    yield Edge(EXP_INTERNET_LB, INTERNET, target, state, ruling.confidence, 1, sentence, evidence, ruling.assumptions, why, fix)


def _whole(ranges: tuple[str, ...]) -> bool:
    """Whether the ranges are no limit: a default route, or halves to sixteenths of the space (EXP-02)."""
    return any(r.rpartition("/")[2] in ("0", "1", "2", "3", "4") for r in ranges)


def has_node_port(service: Service, port: ServicePort) -> bool:
    """Whether a port is open on the nodes; a manifest's NodePort gets its number only from the server."""
    asked = service.spec.type == "NodePort" or (
        service.spec.type == "LoadBalancer" and service.spec.allocate_load_balancer_node_ports is not False
    )
    return port.node_port > 0 or asked


def _node_port(context: Context, service: Service, number: int, port: ServicePort) -> Iterator[Edge]:
    ref = ObjectRef("Service", service.metadata.namespace, service.metadata.name)
    target = entry_point("NodePort", ref.namespace, ref.name, str(port.port))
    where_field = ("spec", "ports", number, "nodePort")
    assigned = field(ref, ("spec", "type"), service.spec.type, "the server assigns the node port")
    shown = field(ref, where_field, port.node_port) if port.node_port else assigned
    where = f"node port {port.node_port or '(assigned by the server)'} of Service {ref.namespace}/{ref.name}"
    yield from _node_address(context, target, where, (shown,), (), EXP_INTERNET_NODE_PORT, EXP_PRIVATE_NODE_PORT, None)


def _host_ports(context: Context, cls: WorkloadClass) -> Iterator[Edge]:
    owner, path = spec_path(context.cluster, cls)
    for number, container in enumerate(cls.shape.containers):
        for index, port in enumerate(container.ports):
            if not port.host_port or _loopback(port.host_ip):
                continue
            target = entry_point("HostPort", cls.namespace, cls.name.replace("/", "."), str(port.host_port))
            where_field: Path = (*path, "containers", number, "ports", index, "hostPort")
            shown = field(owner, where_field, port.host_port)
            where = f"port {port.host_port} of the nodes that run {cls.label}"
            yield from _node_address(context, target, where, (shown,), (), EXP_HOST_PORT, EXP_HOST_PORT, cls)
            sentence = f"Port {port.host_port} of the node leads to port {port.container_port} of {cls.label}."
            verdict = context.reach.from_internet(cls.index, port.protocol, port.container_port)
            reason = verdict.unseen
            yield Edge(
                EXP_HOST_PORT, target, workload(cls, Facet.NET), verdict.state, Confidence.ENV, 0, sentence,
                (shown, *context.reach.proof(verdict)), (), reason, f"{owner}: remove hostPort",
            )  # fmt: skip


def _host_network(context: Context, cls: WorkloadClass) -> Iterator[Edge]:
    owner, path = spec_path(context.cluster, cls)
    ports = sorted({port.container_port for container in cls.shape.containers for port in container.ports})
    listed = ", ".join(map(str, ports)) if ports else "any port it listens on"
    shown = field(owner, (*path, "hostNetwork"), True)
    where = f"{cls.label} on the node's network ({listed})"
    target = workload(cls, Facet.NET)
    yield from _node_address(context, target, where, (shown,), (LISTENS,), EXP_HOST_NETWORK, EXP_HOST_NETWORK, cls)


def _node_address(
    context: Context,
    target: Vertex,
    where: str,
    evidence: tuple[Evidence, ...],
    assumptions: tuple[Assumption, ...],
    public_row: str,
    private_row: str,
    cls: WorkloadClass | None,
) -> Iterator[Edge]:
    """The edge to something on a node's address: from the internet where a node it runs on has a public one, else from the private
    network; unknown where nodes were not read or no pod is placed yet."""
    gap = context.cluster.complete.gap("nodes")
    nodes = [n for n in context.cluster.nodes if cls is None or not cls.nodes or n.ref.name in cls.nodes]
    public = next((n for n in nodes if n.public), None)
    if public is not None:
        firewall = context.settings.facts.cloud_firewall_open
        state = State.BLOCKED if firewall is Fact.NO else State.YES
        sentence = f"The internet may connect to {where} at {public.public[0]}."
        shown = (*evidence, _address_evidence(public.ref, public.public[0], public.node.status.addresses))
        yield Edge(public_row, INTERNET, target, state, Confidence.ENV, 1, sentence, shown, (FIREWALL, *assumptions), (), "")
    elif gap is not None:
        sentence = f"The internet may connect to {where} if a node has a public address."
        yield Edge(public_row, INTERNET, target, State.UNKNOWN, Confidence.ENV, 1, sentence, evidence, assumptions, (unseen(gap),))
    else:
        sentence = f"The private network may connect to {where}."
        none = missing(ObjectRef("Node", "", ANY), ("status", "addresses"), "no node it may run on has a public address")
        yield Edge(private_row, PRIVATE_NETWORK, target, State.YES, Confidence.OBJ, 1, sentence, (*evidence, none), assumptions)


def _address_evidence(ref: ObjectRef, address: str, addresses: tuple[NodeAddress, ...]) -> Evidence:
    position = next(number for number, item in enumerate(addresses) if item.address == address)
    return field(ref, ("status", "addresses", position, "address"), address)


def _loopback(host_ip: str) -> bool:
    address = parse(host_ip)
    return address is not None and address.is_loopback

