"""Traffic that policies do not concern: a pod with itself and with its own node (NET-44..47, NET-53, NET-56)."""

from bisect import bisect_left
from functools import cached_property

from msgspec import Struct, structs

from kubeaudit.findings import Reason, Unseen
from kubeaudit.model.cluster import Cluster
from kubeaudit.model.nodes import Address, parse
from kubeaudit.network.combine import Exemption, merged
from kubeaudit.network.plugin.cni import CniProfile
from kubeaudit.network.verdicts import Basis, Side
from kubeaudit.proof import Evidence, State, field
from kubeaudit.refs import ObjectRef
from kubeaudit.settings import Fact

_NEVER_A_NODE = frozenset(["100.100.100.200", "168.63.129.16", "fd00:ec2::254"])
"""Metadata addresses outside the link-local range (network.md, 3.12)."""
_AWS_METADATA, _CALICO = "169.254.169.254", ("calico", "canal")


class End(Struct, frozen=True):
    """One end of a connection: a class and the nodes its pods run on, or one ``pod`` of it and its node."""

    cls: int
    nodes: tuple[str, ...]
    pod: int = -1


class Exemptions(Struct, frozen=True, dict=True, eq=False):
    """What exempts connections of one cluster under one plugin."""

    cluster: Cluster
    cni: CniProfile

    def between(self, source: End, target: End) -> tuple[Exemption, ...]:
        """A pod with itself; a pod with host-network pods of its own node (NET-45)."""
        if (source.cls, source.pod) == (target.cls, target.pod):
            return (Exemption("self", Fact.YES, self._itself(source)),)
        from_host, to_host = (self.cluster.classes[end.cls].shape.host_network for end in (source, target))
        if from_host == to_host:
            return ()
        fact = self.cni.node_reaches_own_pod if from_host else self.cni.pod_reaches_own_node
        if fact is Fact.NO:
            return ()
        if shared := _shared(source.nodes, target.nodes):
            return (self._own(fact, (*self._placed(source, shared), *self._placed(target, shared))),)
        if all(self.cluster.classes[end.cls].pods for end in (source, target)):
            return ()
        unseen = Unseen(Reason.READ_INCOMPLETE, "pods", detail="no pod is placed yet")
        return (Exemption("own_node", Fact.UNKNOWN, (), "pods of a running cluster", (unseen,)),)

    def to_address(self, end: End, address: str) -> tuple[Exemption, ...]:
        """A pod that opens a connection to itself, to an address of its own node, or to AWS's metadata service
        (NET-148).
        """
        if (found := parse(address)) is not None and found.is_loopback:
            return (Exemption("self", Fact.YES, self._itself(end)),)
        if address == _AWS_METADATA and self.beside_aws is not None:
            return (self.beside_aws,)
        return self._own_node(end, address, self.cni.pod_reaches_own_node)

    def from_address(self, address: str, end: End) -> tuple[Exemption, ...]:
        """A pod's own node that opens a connection to it, as the kubelet does."""
        return self._own_node(end, address, self.cni.node_reaches_own_pod)

    def held_back(self, side: Side, source: End, target: End | str) -> Side:
        """The egress side of a pod towards its own node, which Calico may drop after the policies (NET-130).

        Ends that stand for several pods are held back only where all of them are on that node.
        """
        fact = self.cni.drops_to_own_node
        if fact is Fact.NO or self.cni.enforces is Fact.NO or len(source.nodes) != 1 or side.state is State.BLOCKED:
            return side
        node = source.nodes[0]
        if isinstance(target, End):
            own = self._on_host(target) and target.nodes == source.nodes
        else:
            own = any(parse(address) == parse(target) for address in self._addresses.get(node, ()))
        if not own or self._on_host(source):
            return side
        evidence = (*self._placed(source, node), *self.cni.evidence)
        if fact is Fact.YES:
            return Side(
                side.direction, State.BLOCKED, (Basis.CNI_PROFILE,), side.namespace, ("own_node",), evidence=evidence
            )
        settle_by = "defaultEndpointToHostAction of Felix (its environment, FelixConfiguration)"
        unseen = Unseen(
            Reason.UNKNOWN_IMPLEMENTATION, detail="whether Calico drops traffic from pods to their own node"
        )
        return structs.replace(
            side,
            state=State.UNKNOWN,
            basis=merged((side.basis if side.state is State.UNKNOWN else (), (Basis.CNI_PROFILE,))),
            details=merged((side.details, ("own_node",))),
            settle_by=merged((side.settle_by, (settle_by,))),
            unseen=merged((side.unseen, (unseen,))),
            evidence=merged((side.evidence, evidence)),
        )

    def _on_host(self, end: End) -> bool:
        return self.cluster.classes[end.cls].shape.host_network

    def _own_node(self, end: End, address: str, fact: Fact) -> tuple[Exemption, ...]:
        found = parse(address)
        if name := _shared(end.nodes, self._nodes_at.get(found, ())):
            own = next(own for own in self._addresses[name] if parse(own) == found)
            node = field(ObjectRef("Node", "", name), ("status", "addresses"), own)
            return (self._own(fact, (node, *self._placed(end, name))),)
        if fact is Fact.NO:
            return ()
        gap = self.cluster.complete.gap("nodes")
        gap = gap if gap and any(name not in self._addresses for name in end.nodes) else None
        if gap and found and not (found.is_link_local or found.is_loopback or address in _NEVER_A_NODE):
            unseen = Unseen(Reason(gap.reason), gap.resource, gap.scope, gap.detail)
            return (Exemption("own_node", Fact.UNKNOWN, (), "list nodes", (unseen,)),)
        return ()

    def _own(self, fact: Fact, evidence: tuple[Evidence, ...]) -> Exemption:
        detail = f"traffic between a pod and its own node with {self.cni.name or 'this network plugin'}"
        settle_by = "the network plugin's switches for traffic between a pod and its own node"
        return Exemption("own_node", fact, evidence, settle_by, (Unseen(Reason.UNKNOWN_IMPLEMENTATION, detail=detail),))

    def _placed(self, end: End, node: str) -> tuple[Evidence, ...]:
        """A pod of an end that runs on a node, and the field that puts it there."""
        known = self._host_pods.get((end.cls, node)) if end.pod < 0 else None
        pods = (self.cluster.pods[number] for number in (self._pods(end) if known is None else (known,)))
        pod = next((pod for pod in pods if pod.node == node), None)
        return (field(pod.ref, ("spec", "nodeName"), node),) if pod else ()

    def _itself(self, end: End) -> tuple[Evidence, ...]:
        pods = [self.cluster.pods[number] for number in self._pods(end)[:1]]
        return tuple(field(pod.ref, ("metadata", "name"), pod.name) for pod in pods)

    def _pods(self, end: End) -> tuple[int, ...]:
        return (end.pod,) if end.pod >= 0 else self.cluster.classes[end.cls].pods

    @cached_property
    def beside_aws(self) -> Exemption | None:
        """What Calico leaves open beside the AWS VPC CNI (NET-148), which may run where DaemonSets were not read."""
        if self.cni.name not in _CALICO:
            return None
        settle_by = "a test from a pod"
        for workload in self.cluster.workloads:
            if workload.ref.kind == "DaemonSet" and workload.ref.name == "aws-node":
                evidence = (field(workload.ref, ("metadata", "name"), workload.ref.name),)
                detail = "whether Calico with the AWS VPC CNI enforces egress to the metadata address"
                unseen = Unseen(Reason.UNKNOWN_IMPLEMENTATION, detail=detail)
                return Exemption("aws_metadata", Fact.UNKNOWN, evidence, settle_by, (unseen,))
        gap = self.cluster.complete.gap("daemonsets.apps", "kube-system")
        if gap is None or {node.pool.provider for node in self.cluster.nodes}.isdisjoint(("aws", "")):
            return None
        unseen = Unseen(Reason(gap.reason), gap.resource, gap.scope, gap.detail)
        return Exemption("aws_metadata", Fact.UNKNOWN, (), "list daemonsets.apps", (unseen,))

    @cached_property
    def _host_pods(self) -> dict[tuple[int, str], int]:
        """The first pod of each host-network class on each node: such a class may have a pod on every node."""
        found: dict[tuple[int, str], int] = {}
        for cls in self.cluster.classes:
            for number in cls.pods if cls.shape.host_network else ():
                found.setdefault((cls.index, self.cluster.pods[number].node), number)
        return found

    @cached_property
    def _nodes_at(self) -> dict[Address | None, tuple[str, ...]]:
        """The names of the nodes that have an address, sorted."""
        found: dict[Address | None, list[str]] = {}
        for name, addresses in sorted(self._addresses.items()):
            for address in addresses:
                found.setdefault(parse(address), []).append(name)
        return {address: tuple(names) for address, names in found.items() if address is not None}

    @cached_property
    def _addresses(self) -> dict[str, tuple[str, ...]]:
        return {node.ref.name: node.addresses for node in self.cluster.nodes}


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> str:
    """The first name that is in both of two sorted lists, "" where none is."""
    few, many = sorted((one, other), key=len)
    for name in few:
        place = bisect_left(many, name)
        if many[place : place + 1] == (name,):
            return name
    return ""
