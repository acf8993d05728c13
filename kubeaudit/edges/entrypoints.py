"""From outside to the entry points: load balancers, node ports, host ports, host network (EXP-101..108)."""

from collections.abc import Iterator

from kubeaudit.edges import last_hop
from kubeaudit.edges.context import Context, spec_path, unseen, workload
from kubeaudit.edges.contract import Edge
from kubeaudit.edges.schemes import Ruling, Scheme, is_whole, of_service, source_ranges
from kubeaudit.edges.vocabulary import (
    EXP_CIDR_LB,
    EXP_EXTERNAL_IP,
    EXP_HOST_NETWORK,
    EXP_HOST_PORT,
    EXP_INTERNET_LB,
    EXP_INTERNET_NODE_PORT,
    EXP_PRIVATE_LB,
    EXP_PRIVATE_NODE_PORT,
)
from kubeaudit.findings import Reason, Unseen
from kubeaudit.model.nodes import is_public, parse
from kubeaudit.model.objects.core import NodeAddress, Service, ServicePort, is_port
from kubeaudit.model.objects.pods import ContainerPort
from kubeaudit.model.workloads import WorkloadClass
from kubeaudit.proof import ANY, Assumption, Confidence, Evidence, Path, State, field, missing
from kubeaudit.refs import INTERNET, PRIVATE_NETWORK, Facet, ObjectRef, Vertex, VertexKind
from kubeaudit.settings import Fact

FIREWALL = Assumption("cloud-firewall-open", "no cloud firewall closes the port on the node's public address")
LISTENS = Assumption(
    "listening-ports", "the process listens on this port of the node; the object does not show listening ports"
)
ROUTED = Assumption(
    "external-ip-routed", "the network routes the address to a node, and kube-proxy honours externalIPs"
)
RANGES_ENFORCED = Assumption("source-ranges-enforced", "the load balancer enforces its source ranges")


def edges(context: Context) -> Iterator[Edge]:
    """Every edge from Internet, ExternalCIDR or PrivateNetwork to an entry point."""
    for service in context.cluster.services:
        if service.spec.type == "LoadBalancer":
            yield from _load_balancer(context, service)
        yield from _external_ips(context, service)
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
    ranges, limit = source_ranges(service, cluster_provider(context))
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
        yield Edge(
            EXP_PRIVATE_LB,
            PRIVATE_NETWORK,
            target,
            State.YES,
            ruling.confidence,
            1,
            sentence,
            evidence,
            ruling.assumptions,
        )
        return
    state = State.YES if ruling.scheme is Scheme.PUBLIC else State.UNKNOWN
    why = (Unseen(Reason.UNKNOWN_IMPLEMENTATION, detail=ruling.reason),) if state is State.UNKNOWN else ()
    fix = f"Service {target.namespace}/{name}: type ClusterIP, an internal scheme, or spec.loadBalancerSourceRanges"
    if ranges and not is_whole(ranges):
        source = external_ranges(ranges)
        sentence = f"Addresses in {', '.join(ranges)} may connect to {where}{at}."
        assumptions = (*ruling.assumptions, RANGES_ENFORCED)
        yield Edge(EXP_CIDR_LB, source, target, state, Confidence.ENV, 1, sentence, evidence, assumptions, why, fix)
        return
    sentence = f"The internet may connect to {where}{at}."
    yield Edge(
        EXP_INTERNET_LB, INTERNET, target, state, ruling.confidence, 1, sentence, evidence, ruling.assumptions, why, fix
    )


def external_ranges(ranges: tuple[str, ...]) -> Vertex:
    """The vertex of client ranges (EXP-02)."""
    return Vertex(VertexKind.EXTERNAL_CIDR, "", ",".join(sorted(ranges)))


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


def _external_ips(context: Context, service: Service) -> Iterator[Edge]:
    """EXP-106: addresses that nodes take traffic for, wherever it is routed to them from."""
    ref = ObjectRef("Service", service.metadata.namespace, service.metadata.name)
    for number, address in enumerate(service.spec.external_ips):
        source = INTERNET if is_public(address) else PRIVATE_NETWORK
        shown = (field(ref, ("spec", "externalIPs", number), address),)
        who = "The internet" if source is INTERNET else "The private network"
        for port in service.spec.ports:
            target = entry_point("ExternalIP", ref.namespace, ref.name, str(port.port))
            sentence = (
                f"{who} may connect to port {port.port} of external IP {address} of Service {ref.namespace}/{ref.name}."
            )
            fix = f"{ref}: remove {address} from spec.externalIPs"
            yield Edge(
                EXP_EXTERNAL_IP, source, target, State.YES, Confidence.ENV, 1, sentence, shown, (ROUTED,), (), fix
            )


def host_ports(cls: WorkloadClass) -> Iterator[tuple[Path, ContainerPort]]:
    """Ports of the node that a class off the host network asks for, each with its place in the pod spec; sidecars count
    (EXP-107).
    """
    lists = (("containers", cls.shape.containers), ("initContainers", cls.shape.init_containers))
    for name, containers in lists if not cls.shape.host_network else ():
        for number, container in enumerate(containers):
            if name == "containers" or container.restart_policy == "Always":
                for index, port in enumerate(container.ports):
                    if port.host_port and not _loopback(port.host_ip):
                        yield (name, number, "ports", index, "hostPort"), port


def host_port_entry(cls: WorkloadClass, port: ContainerPort) -> Vertex:
    """The entry point of a host port."""
    return entry_point("HostPort", cls.namespace, cls.name.replace("/", "."), str(port.host_port))


def _host_ports(context: Context, cls: WorkloadClass) -> Iterator[Edge]:
    owner, path = spec_path(context.cluster, cls)
    for place, port in host_ports(cls):
        if not is_port(port.protocol, port.container_port):
            continue
        target = host_port_entry(cls, port)
        shown = field(owner, (*path, *place), port.host_port)
        where = f"port {port.host_port} of the nodes that run {cls.label}"
        yield from _node_address(context, target, where, (shown,), (), EXP_HOST_PORT, EXP_HOST_PORT, cls, port.host_ip)
        sentence = f"Port {port.host_port} of the node leads to port {port.container_port} of {cls.label}."
        verdict = last_hop.translated(context, cls.index, port.protocol, port.container_port, last_hop.BY_HOST_PORT)
        yield Edge(
            EXP_HOST_PORT, target, workload(cls, Facet.NET), verdict.state, Confidence.ENV, 0, sentence,
            (shown, *context.reach.proof(verdict)), (), verdict.unseen, f"{owner}: remove hostPort",
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
    bound: str = "",
) -> Iterator[Edge]:
    """The edge to something on a node's address: from the internet where a node it runs on has a public one, else from
    the private network; unknown where nodes were not read. ``bound`` is the only address it listens on, "" or
    unspecified for all."""
    gap = context.cluster.complete.gap("nodes")
    nodes = (n for n in context.public_nodes if cls is None or not cls.nodes or n.ref.name in cls.nodes)
    public = next(((n, address) for n in nodes for address in n.public if _listens_on(bound, address)), None)
    closed = context.settings.facts.cloud_firewall_open is Fact.NO
    if public is not None:
        node, address = public
        sentence = f"The internet may connect to {where} at {address}."
        shown = (*evidence, _address_evidence(node.ref, address, node.node.status.addresses))
        state = State.BLOCKED if closed else State.YES
        yield Edge(
            public_row, INTERNET, target, state, Confidence.ENV, 1, sentence, shown, (FIREWALL, *assumptions), (), ""
        )
    elif gap is not None and _listens_on(bound, ""):
        sentence = f"The internet may connect to {where} if a node has a public address."
        yield Edge(
            public_row,
            INTERNET,
            target,
            State.UNKNOWN,
            Confidence.ENV,
            1,
            sentence,
            evidence,
            assumptions,
            (unseen(gap),),
        )
    if closed or (public is None and (gap is None or not _listens_on(bound, ""))):
        sentence = f"The private network may connect to {where}."
        none = missing(
            ObjectRef("Node", "", ANY), ("status", "addresses"), "no node it may run on has a public address"
        )
        shown = (*evidence, none) if public is None else evidence
        yield Edge(private_row, PRIVATE_NETWORK, target, State.YES, Confidence.OBJ, 1, sentence, shown, assumptions)


def _listens_on(bound: str, address: str) -> bool:
    """Whether what is bound to one address, or to all, answers on an address; "" stands for one that was not read."""
    found = parse(bound)
    if found is None or found.is_unspecified:
        return True
    return found == parse(address) if address else is_public(bound)


def _address_evidence(ref: ObjectRef, address: str, addresses: tuple[NodeAddress, ...]) -> Evidence:
    position = next(number for number, item in enumerate(addresses) if item.address == address)
    return field(ref, ("status", "addresses", position, "address"), address)


def _loopback(host_ip: str) -> bool:
    address = parse(host_ip)
    return address is not None and address.is_loopback
