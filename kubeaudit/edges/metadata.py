"""Cloud metadata services: who may call them, and whose credentials they hand out (EXP-301..305, 309, 311..314)."""

from collections.abc import Iterator

from msgspec import Struct, structs

from kubeaudit.edges import detours
from kubeaudit.edges.context import Context, spec_path, unseen, workload
from kubeaudit.edges.contract import Edge
from kubeaudit.edges.tables import MetadataAddress, MetadataRow, metadata
from kubeaudit.edges.vocabulary import EXP_METADATA_CODE, EXP_METADATA_HOST, EXP_METADATA_SSRF, EXP_NODE_IDENTITY
from kubeaudit.findings import Reason, Unseen
from kubeaudit.model.nodes import WITHOUT_METADATA, NodeFacts, NodePool, family_of
from kubeaudit.model.objects.nodeclass import EC2NodeClass
from kubeaudit.model.workloads import WorkloadClass
from kubeaudit.network.reach import ReachVerdict
from kubeaudit.proof import Assumption, Confidence, Evidence, State, field, missing
from kubeaudit.refs import Facet, ObjectRef, Vertex, VertexKind
from kubeaudit.settings import Fact

IDENTITY_RIGHTS = Assumption(
    "node-identity-rights", "what the node's cloud identity may do is not visible in the cluster"
)
HOP_LIMIT = Assumption("imds-hop-limit", "the hop limit of the instance's metadata service lets pods in")
IMDS_V1 = Assumption("imds-v1", "the instance's metadata service answers requests without a token")
PLATFORM = Assumption("platform-blocks-metadata", "OpenShift's network plugin keeps pods from the metadata address")
NODE_FIX = "the cloud: an identity with fewer rights for nodes, and one of their own for workloads"
_NODE_CLASS_LABEL = "karpenter.k8s.aws/ec2nodeclass"
GENERIC = MetadataRow("generic", "", "metadata service", (MetadataAddress("169.254.169.254"),), "S", "NU", "unknown")
"""What is tested where the provider is not known (EXP-302)."""


class Passage(Struct, frozen=True):
    """What pods meet at a metadata service beside network policies: state, the evidence, and why it is unknown."""

    state: State
    evidence: tuple[Evidence, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    unseen: tuple[Unseen, ...] = ()


class Target(Struct, frozen=True):
    """One metadata service as seen from one node pool."""

    row: MetadataRow
    pool: str
    nodes: tuple[NodeFacts, ...]

    def vertex(self, address: MetadataAddress) -> Vertex:
        """The vertex: row, address and pool, because each pool hands out its own identity."""
        host = f"[{address.ip}]" if ":" in address.ip else address.ip
        return Vertex(VertexKind.METADATA, "", f"{self.row.id}/{host}:{address.port}@{self.pool or 'unknown'}")


def edges(context: Context) -> Iterator[Edge]:
    """Edges from workloads to the metadata services of their nodes, and from there to the nodes' identities."""
    pools = context.cluster.node_pools()
    passages: dict[tuple[str, str, MetadataAddress, bool], Passage] = {}
    for cls in context.cluster.classes:
        host_network = cls.shape.host_network
        for target in targets(context, cls, pools):
            for address in target.row.addresses:
                if family_of(address.ip) in (cls.families or ("IPv4",)):
                    place = (target.pool, target.row.id, address, host_network)
                    if place not in passages:
                        passages[place] = passage_of(context, host_network, target, address)
                    yield from _calls(context, cls, target, address, passages[place])
    for key, (pool, nodes) in pools.items():
        yield from _identities(key, pool, nodes)


def targets(
    context: Context, cls: WorkloadClass, pools: dict[str, tuple[NodePool, tuple[NodeFacts, ...]]]
) -> Iterator[Target]:
    """The rows of the providers of the pools a class runs on (EXP-303).

    A class without placed pods may run on any pool; one whose nodes were not read, or that may land on one, may meet
    any provider."""
    wanted = (cls.pool,) if cls.pool else context.pools_for(cls) if not cls.nodes else ()
    if not wanted or (not cls.pool and context.cluster.complete.gap("nodes") is not None):
        yield Target(GENERIC, "", ())
    for key in wanted:
        pool, nodes = pools[key]
        if pool.provider in WITHOUT_METADATA:
            continue
        rows = [row for row in metadata() if row.provider == pool.provider]
        if not rows:
            yield Target(GENERIC, key, nodes)
        for row in rows:
            if "N" in row.gives or "U" in row.gives:
                yield Target(row, key, nodes)


def _calls(
    context: Context, cls: WorkloadClass, target: Target, address: MetadataAddress, passage: Passage
) -> Iterator[Edge]:
    verdict = policies_on(context, cls, target, address)
    state = _and(verdict.state, passage.state)
    row = target.row
    host_network = cls.shape.host_network
    owner, path = spec_path(context.cluster, cls)
    by = (field(owner, (*path, "hostNetwork"), True),) if host_network else ()
    evidence = (*by, *context.reach.proof(verdict), *passage.evidence)
    why = (*verdict.unseen, *passage.unseen) if state is State.UNKNOWN else ()
    where = f"{row.name} at {address.ip}:{address.port}"
    fix = f"NetworkPolicy in {cls.namespace}: an egress rule for {cls.name} that leaves {address.ip} out"
    if host_network:
        fix = f"{owner}: hostNetwork false"
    code = Edge(
        row=EXP_METADATA_HOST if host_network else EXP_METADATA_CODE,
        source=workload(cls, Facet.CTL),
        target=target.vertex(address),
        state=state,
        confidence=Confidence.ENV if passage.assumptions else Confidence.OBJ,
        effort=1,
        sentence=f"{cls.label} may open {where}.",
        evidence=evidence,
        assumptions=passage.assumptions,
        unseen=why,
        fix=fix,
    )
    yield code
    if row.grade == "S" or context.settings.facts.ssrf_headers is Fact.YES:
        yield structs.replace(
            code,
            row=EXP_METADATA_HOST if host_network else EXP_METADATA_SSRF,
            source=workload(cls, Facet.SSRF),
            confidence=Confidence.ENV,
            effort=1 if row.grade == "S" else 3,
            sentence=f"A forged request from {cls.label} may call {where}.",
        )


def policies_on(context: Context, cls: WorkloadClass, target: Target, address: MetadataAddress) -> ReachVerdict:
    """What policies say of the service's address, or of the one that the node puts in its place (EXP-307)."""
    verdict = context.reach.egress(cls.index, address.ip, "TCP", address.port)
    if cls.shape.host_network or not detours.concerns(address):
        return verdict
    return detours.judged(context, cls, target.row, target.nodes, verdict)


def passage_of(context: Context, host_network: bool, target: Target, address: MetadataAddress) -> Passage:
    """Hop limits, tokens, interception and what platforms refuse (MD table, last column; EXP-302, -308, -311, -313)."""
    row = target.row
    refused = None if host_network else detours.refused(context, address)
    if refused is not None:
        return Passage(State.BLOCKED, (refused,), (PLATFORM,))
    if row is GENERIC or not row.provider:
        return Passage(State.UNKNOWN, unseen=(_provider_unknown(context, target),))
    if _intercepted(row, target) and not host_network:
        label = row.intercepted_by
        return Passage(State.BLOCKED, (field(target.nodes[0].ref, ("metadata", "labels", label), "true"),))
    before = not host_network and detours.concerns(address)
    proxy = next(detours.interceptors(context, row, target.nodes), None) if before else None
    if proxy is not None:
        detail = f"{proxy.row.name} answers in place of the service: what it hands out depends on how it is set up"
        return Passage(State.UNKNOWN, (proxy.evidence,), unseen=(Unseen(Reason.UNKNOWN_IMPLEMENTATION, detail=detail),))
    if row.provider == "aws":
        return _aws(context, host_network, target, address)
    shown = _provider_field(target)
    if host_network or row.pods == "open":
        assumed = (Assumption("metadata-not-restricted", row.assumes),) if row.assumes else ()
        return Passage(State.YES, shown, assumed)
    return Passage(State.UNKNOWN, shown, unseen=(Unseen(Reason.UNKNOWN_IMPLEMENTATION, detail=row.note),))


def _aws(context: Context, host_network: bool, target: Target, address: MetadataAddress) -> Passage:
    """AWS: IMDSv1 needs optional tokens; IMDSv2 needs a hop limit of 2 or more, but not on the host network (MD-01,
    MD-02).
    """
    node_class = _node_class(context, target)
    shown = _provider_field(target)
    if node_class is None:
        if target.row.pods == "hop-limit" and host_network and family_of(address.ip) == "IPv4":
            return Passage(State.YES, shown)
        facts = context.settings.facts
        assumed, fact = (IMDS_V1, facts.imds_v1) if target.row.pods == "tokens" else (HOP_LIMIT, facts.imds_hop_limit)
        if fact is Fact.NO:
            return Passage(State.BLOCKED, shown, (assumed,))
        if fact is Fact.YES and family_of(address.ip) == "IPv4":
            return Passage(State.YES, shown, (assumed,))
        detail = f"the instance's metadata options are not visible in the cluster; settle it with fact {assumed.name}"
        return Passage(State.UNKNOWN, shown, unseen=(Unseen(Reason.UNKNOWN_IMPLEMENTATION, detail=detail),))
    return _karpenter(host_network, target.row, address, node_class)


def _karpenter(host_network: bool, row: MetadataRow, address: MetadataAddress, node_class: EC2NodeClass) -> Passage:
    ref = ObjectRef("EC2NodeClass", "", node_class.metadata.name, "karpenter.k8s.aws")
    options = node_class.spec.metadata_options

    def option(name: str, value: object) -> Evidence:
        return field(ref, ("spec", "metadataOptions", name), value)

    if options.http_endpoint != "enabled":
        return Passage(State.BLOCKED, (option("httpEndpoint", options.http_endpoint),))
    if family_of(address.ip) == "IPv6" and options.ipv6 != "enabled":
        return Passage(State.BLOCKED, (option("httpProtocolIPv6", options.ipv6),))
    if row.pods == "tokens":
        return Passage(
            State.YES if options.tokens == "optional" else State.BLOCKED, (option("httpTokens", options.tokens),)
        )
    if host_network or options.hop_limit >= 2:
        return Passage(State.YES, (option("httpPutResponseHopLimit", options.hop_limit),))
    return Passage(State.BLOCKED, (option("httpPutResponseHopLimit", options.hop_limit),))


def _node_class(context: Context, target: Target) -> EC2NodeClass | None:
    names = {node.node.metadata.labels.get(_NODE_CLASS_LABEL, "") for node in target.nodes}
    found = [c for c in context.cluster.node_classes if c.metadata.name in names]
    return found[0] if len(names) == 1 and found else None


def _provider_unknown(context: Context, target: Target) -> Unseen:
    gap = context.cluster.complete.gap("nodes")
    if gap is not None:
        return unseen(gap)
    detail = (
        "no node says which cloud it runs in (spec.providerID, labels)"
        if target.nodes
        else "the cluster has no nodes yet"
    )
    return Unseen(Reason.UNKNOWN_IMPLEMENTATION, detail=detail)


def _provider_field(target: Target) -> tuple[Evidence, ...]:
    if not target.nodes:
        return ()
    node = target.nodes[0]
    where = node.provider_field
    if where == ("spec", "providerID"):
        told = node.node.spec.provider_id
        return (field(node.ref, where, told) if told else missing(node.ref, where),)
    return (field(node.ref, where, node.node.metadata.labels.get(where[-1], "")),)


def _intercepted(row: MetadataRow, target: Target) -> bool:
    label = row.intercepted_by
    return bool(label and target.nodes) and all(n.node.metadata.labels.get(label) == "true" for n in target.nodes)


def _identities(key: str, pool: NodePool, nodes: tuple[NodeFacts, ...]) -> Iterator[Edge]:
    """EXP-314: a metadata service that gives the node's identity leads to the identity of its pool."""
    if pool.provider in WITHOUT_METADATA:
        return
    rows = [row for row in metadata() if row.provider == pool.provider] or [GENERIC]
    identity = Vertex(VertexKind.CLOUD_IDENTITY, "", f"node-identity@{key}")
    for row in rows:
        target = Target(row, key, nodes)
        if "N" not in row.gives:
            continue
        shown = _provider_field(target)
        for address in row.addresses:
            sentence = f"{row.name} hands out the credentials of the nodes of pool {key}."
            yield Edge(
                EXP_NODE_IDENTITY, target.vertex(address), identity, State.YES, Confidence.ENV, 1, sentence, shown,
                (IDENTITY_RIGHTS,), (), NODE_FIX,
            )  # fmt: skip


def _and(first: State, second: State) -> State:
    if State.BLOCKED in (first, second):
        return State.BLOCKED
    return State.UNKNOWN if State.UNKNOWN in (first, second) else State.YES
