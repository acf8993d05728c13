"""What nodes put between their pods and a metadata service (NET-151..155; EXP-307, EXP-308).

A node may put another address in place of the service's before policies judge the connection: then they judge that one.
A platform may refuse the connection whatever policies say. Neither concerns pods on the host network.
"""

from collections.abc import Iterator

from msgspec import Struct, structs

from kubeaudit.edges.context import Context, owner_ref, repository
from kubeaudit.edges.tables import MetadataAddress, MetadataProxy, MetadataRow, metadata_proxies
from kubeaudit.findings import Reason, Unseen
from kubeaudit.model.nodes import NodeFacts, parse
from kubeaudit.model.workloads import WorkloadClass
from kubeaudit.network.reach import Basis, Reach, ReachVerdict
from kubeaudit.proof import Evidence, Path, State, field

REWRITTEN = Unseen(
    Reason.UNKNOWN_IMPLEMENTATION,
    detail="the node may rewrite the address before policies judge it, and they say otherwise of its other addresses",
)
_ADDRESS, _DNS_PORT = "169.254.169.254", 53
_DATAPLANES = ("calico", "cilium")
"""The plugins of GKE's two dataplanes."""
_OPENSHIFT = (("openshift-ovn-kubernetes", "ovnkube-node"), ("openshift-sdn", "sdn"))
_DROPPING = "v1.14.0"
_DROPS = Unseen(
    Reason.UNKNOWN_IMPLEMENTATION,
    detail="Cilium 1.14.0 on AKS drops some connections to the metadata service that policies allow (cilium#27536)",
)


class Detour(Struct, frozen=True):
    """Where connections to the service may lead instead. ``sure``: they do. ``shown``: something in the cluster says
    so, else it is only possible.
    """

    ends: tuple[MetadataAddress, ...]
    sure: bool = False
    shown: bool = False
    evidence: tuple[Evidence, ...] = ()


class Interceptor(Struct, frozen=True):
    """A proxy of :func:`~kubeaudit.edges.tables.metadata_proxies` that runs in the cluster, and the nodes it is on."""

    row: MetadataProxy
    cls: WorkloadClass
    arguments: tuple[str, ...]
    evidence: Evidence

    @property
    def port(self) -> int:
        """Where it listens."""
        given = (word.removeprefix(f"{self.row.port_argument}=") for word in self.arguments)
        return next((int(word) for word in given if word.isdigit()), self.row.port)

    def rewrites(self) -> bool:
        """Whether it is told to put its own address in place of the service's."""
        return self.row.rewrites_with in ("", *self.arguments)

    def covers(self, nodes: tuple[NodeFacts, ...]) -> bool:
        """Whether it runs on every one of some nodes."""
        return bool(nodes) and {node.ref.name for node in nodes} <= set(self.cls.nodes)

    def may_cover(self, nodes: tuple[NodeFacts, ...]) -> bool:
        """Whether it runs on one of some nodes, or on none yet."""
        return not self.cls.nodes or not {node.ref.name for node in nodes}.isdisjoint(self.cls.nodes)


def concerns(address: MetadataAddress) -> bool:
    """Whether anything stands before an address: all that does is set up for the one that most clouds share."""
    return address.ip == _ADDRESS


def judged(
    context: Context, cls: WorkloadClass, row: MetadataRow, nodes: tuple[NodeFacts, ...], verdict: ReachVerdict
) -> ReachVerdict:
    """What policies come to for a pod, from what they say of 169.254.169.254 itself."""
    for detour in _detours(context, cls, row, nodes):
        verdict = _by_way_of(context.reach, cls, verdict, detour)
    if row.provider == "azure" and verdict.state is State.YES and verdict.egress.isolating:
        dropping = _dropping(context)
        if dropping is not None:
            evidence = (*context.reach.proof(verdict), dropping)
            return _open(verdict, "dropped", "another version of Cilium", _DROPS, evidence)
    return verdict


def refused(context: Context, address: MetadataAddress) -> Evidence | None:
    """The plugin of OpenShift, which lets no pod reach the metadata address (NET-154); None elsewhere."""
    if not concerns(address) or address.port == _DNS_PORT:
        return None
    for namespace, name in _OPENSHIFT:
        for cls in context.daemon_sets.get(name, ()):
            if cls.namespace == namespace:
                return field(owner_ref(context.cluster, cls), ("metadata", "name"), name)
    return None


def interceptors(context: Context, row: MetadataRow, nodes: tuple[NodeFacts, ...]) -> Iterator[Interceptor]:
    """The proxies on some nodes that answer in place of 169.254.169.254 (NET-153)."""
    for proxy in metadata_proxies():
        for cls in context.classes_by_image.get(proxy.image, ()) if proxy.provider == row.provider else ():
            number, container = next(
                (number, found)
                for number, found in enumerate(cls.shape.containers)
                if f"/{repository(found.image)}".endswith(f"/{proxy.image}")
            )
            words = (*container.command, *container.args)
            found = Interceptor(proxy, cls, words, image_of(context, cls, number))
            other = bool(proxy.not_with) and proxy.not_with in words
            if cls.shape.host_network and not other and found.may_cover(nodes):
                yield found


def _detours(context: Context, cls: WorkloadClass, row: MetadataRow, nodes: tuple[NodeFacts, ...]) -> Iterator[Detour]:
    proxies = (proxy.image for proxy in metadata_proxies() if proxy.provider == row.provider)
    if not row.rewritten and context.classes_by_image.keys().isdisjoint(proxies):
        return
    there = set(cls.nodes)
    own = tuple(node for node in nodes if node.ref.name in there) or nodes
    ends = tuple(_rewritten(context, row, own))
    if ends:
        shown = tuple(
            field(node.ref, ("metadata", "labels", label), "true")
            for node in own
            for label in row.concealed_by
            if node.node.metadata.labels.get(label) == "true"
        )
        yield Detour(ends, shown=bool(shown), evidence=shown[:1])
    for found in interceptors(context, row, own):
        ends = tuple(MetadataAddress(ip, found.port) for ip in _addresses(own))
        yield Detour(ends, found.rewrites() and found.covers(own), True, (found.evidence,))


def _rewritten(context: Context, row: MetadataRow, nodes: tuple[NodeFacts, ...]) -> Iterator[MetadataAddress]:
    """The addresses that GKE's dataplanes put in place of the service's own (NET-151). Cilium that was installed by
    other means judges before that (NET-152).
    """
    plugin = context.reach.cni.name
    if plugin == "cilium" and "cilium" in context.daemon_sets and "anetd" not in context.daemon_sets:
        return
    for end in row.rewritten:
        if not end.plugin or end.plugin == plugin or plugin not in _DATAPLANES:
            for ip in (end.ip,) if end.ip else _addresses(nodes):
                yield MetadataAddress(ip, end.port)


def _by_way_of(reach: Reach, cls: WorkloadClass, verdict: ReachVerdict, detour: Detour) -> ReachVerdict:
    behind = [reach.egress(cls.index, end.ip, "TCP", end.port) for end in detour.ends]
    states = {found.state for found in behind}
    if detour.sure and len(states) == 1:
        return structs.replace(behind[0], evidence=(*reach.proof(behind[0]), *detour.evidence))
    if states == {verdict.state} or not (detour.shown or verdict.state is State.BLOCKED):
        return verdict
    evidence = (*reach.proof(verdict), *detour.evidence)
    return _open(verdict, "dnat", "a test from a pod", REWRITTEN, evidence)


def _open(
    verdict: ReachVerdict, detail: str, settle_by: str, unseen: Unseen, evidence: tuple[Evidence, ...]
) -> ReachVerdict:
    return structs.replace(
        verdict,
        state=State.UNKNOWN,
        basis=(Basis.UNDEFINED,),
        details=(detail,),
        settle_by=(settle_by,),
        unseen=(unseen,),
        evidence=evidence,
    )


def _addresses(nodes: tuple[NodeFacts, ...]) -> Iterator[str]:
    """The IPv4 addresses of nodes inside the cluster, one of each."""
    for node in nodes:
        for address in node.node.status.addresses:
            found = parse(address.address)
            if address.type == "InternalIP" and found and found.version == 4:
                yield address.address
                break


def _dropping(context: Context) -> Evidence | None:
    """The image of Cilium in the version of NET-155."""
    for cls in context.daemon_sets.get("cilium", ()):
        for number, container in enumerate(cls.shape.containers):
            if repository(container.image).endswith("/cilium") and f":{_DROPPING}" in container.image:
                return image_of(context, cls, number)
    return None


def image_of(context: Context, cls: WorkloadClass, container: int) -> Evidence:
    """The image of a container as its workload's template has it."""
    workload = context.cluster.workloads[cls.workload]
    path: Path = (*workload.template_path, "containers", container, "image")
    return field(workload.ref, path, cls.shape.containers[container].image)
