"""Predicates about where workloads may go: net-pod-reaches-kubelet, net-pod-reaches-etcd, meta-no-workload-identity."""

from collections.abc import Iterator

from kubeaudit.edges.cloud_accounts import ANNOTATIONS
from kubeaudit.edges.context import unseen
from kubeaudit.edges.node_services import NodeVerdicts
from kubeaudit.findings import Cause, Unseen, Verdict
from kubeaudit.model.workloads import WorkloadClass
from kubeaudit.network.reach import ReachVerdict
from kubeaudit.policy.judgement import Judgement
from kubeaudit.policy.predicates.base import classes_by_workload, members, parameter, workload_subject
from kubeaudit.policy.predicates.workloads import metadata_edges
from kubeaudit.policy.schema import Policy
from kubeaudit.proof import Evidence, State, missing
from kubeaudit.refs import ObjectRef
from kubeaudit.world import World

_PORTS = {"kubelet": (10250, 10255), "etcd": (2379, 2380)}


def node_port_reached(world: World, policy: Policy) -> Iterator[Judgement]:
    """A workload that policies let open ports of nodes: ``ports`` is ``kubelet``, or ``etcd`` of control-plane nodes.

    A pod always reaches its own node (NET-44); what is judged is whether policies let it reach the others.
    """
    which, known = parameter(policy, "ports"), NodeVerdicts(world.context)
    addresses = _addresses(world, control_plane=which == "etcd")
    missed = _unread_nodes(world)
    for index, classes in classes_by_workload(world):
        who = workload_subject(world, index)
        judged = [cls for cls in classes if not cls.shape.host_network]
        if not judged or not (addresses or missed):
            yield Judgement(who, Verdict.NOT_APPLICABLE)
        elif not addresses:
            yield Judgement(who, Verdict.NOT_EVALUATED, unseen=missed)
        else:
            yield _node_ports(world, index, judged, which, addresses, missed, known)


def _addresses(world: World, *, control_plane: bool) -> tuple[str, ...]:
    nodes = (node for node in world.cluster.nodes if node.pool.control_plane or not control_plane)
    return tuple(address for node in nodes for address in node.addresses)


def _unread_nodes(world: World) -> tuple[Unseen, ...]:
    gap = world.cluster.complete.gap("nodes")
    return (unseen(gap),) if gap is not None else ()


def _node_ports(
    world: World,
    index: int,
    classes: list[WorkloadClass],
    which: str,
    addresses: tuple[str, ...],
    missed: tuple[Unseen, ...],
    known: NodeVerdicts,
) -> Judgement:
    who, reach = workload_subject(world, index), world.context.reach
    asked = {
        (cls.index, port): verdict
        for cls in classes
        for port in _PORTS[which]
        if (verdict := known.of(cls, which, addresses, port)) is not None
    }
    reaching = [cls for cls in classes if any(_state(asked, cls, port) is State.YES for port in _PORTS[which])]
    if reaching:
        port = next(port for port in _PORTS[which] if _state(asked, reaching[0], port) is State.YES)
        verdict = asked[reaching[0].index, port]
        count, names = members(world, reaching)
        nodes = "control-plane nodes" if which == "etcd" else "nodes"
        message = f"{who.object} may open port {port} of {nodes}."
        cause = Cause(ObjectRef("Namespace", "", who.object.namespace), f"lets egress to port {port} of {nodes} pass")
        shown = reach.proof(verdict)
        return Judgement(who, Verdict.FAIL, message, shown, cause, value=str(port), instances=count, pods=names)
    unknown = {word for verdict in asked.values() if verdict.state is State.UNKNOWN for word in verdict.unseen}
    if missed or unknown:
        return Judgement(who, Verdict.NOT_EVALUATED, unseen=tuple(sorted({*missed, *unknown})))
    return Judgement(who, Verdict.PASS)


def _state(asked: dict[tuple[int, int], ReachVerdict], cls: WorkloadClass, port: int) -> State | None:
    verdict = asked.get((cls.index, port))
    return verdict.state if verdict is not None else None


def without_workload_identity(world: World, _policy: Policy) -> Iterator[Judgement]:
    """A workload that reaches metadata and whose ServiceAccount has no cloud identity of its own, so that the node's is
    the one it gets. Pods on the host network are another check's concern.
    """
    for index, every in classes_by_workload(world):
        who = workload_subject(world, index)
        classes = [cls for cls in every if not cls.shape.host_network]
        edges = {cls.index: metadata_edges(world, cls) for cls in classes}
        states = {edge.state for found in edges.values() for edge in found}
        own = [cls for cls in classes if _annotated(world, cls)]
        bare = [cls for cls in classes if cls not in own]
        reaching = [cls for cls in bare if any(edge.state is State.YES for edge in edges[cls.index])]
        if not states:
            yield Judgement(who, Verdict.NOT_APPLICABLE)
        elif reaching and (missed := _unread_account(world, reaching[0])):
            yield Judgement(who, Verdict.NOT_EVALUATED, unseen=missed)
        elif reaching:
            edge = next(e for e in edges[reaching[0].index] if e.state is State.YES)
            count, names = members(world, reaching)
            account = f"{reaching[0].namespace}/{reaching[0].shape.identity}"
            message = (
                f"{who.object} reaches the metadata service, and ServiceAccount {account} names no cloud identity."
            )
            shown = (_no_annotation(reaching[0]), *edge.evidence)
            yield Judgement(who, Verdict.FAIL, message, shown, instances=count, pods=names)
        elif any(edge.state is State.UNKNOWN for cls in bare for edge in edges[cls.index]):
            words = {w for cls in bare for e in edges[cls.index] if e.state is State.UNKNOWN for w in e.unseen}
            yield Judgement(who, Verdict.NOT_EVALUATED, unseen=tuple(sorted(words)))
        else:
            yield Judgement(who, Verdict.PASS)


def _annotated(world: World, cls: WorkloadClass) -> bool:
    account = world.context.service_accounts.get((cls.namespace, cls.shape.identity))
    return account is not None and any(account.metadata.annotations.get(name) for name in ANNOTATIONS)


def _unread_account(world: World, cls: WorkloadClass) -> tuple[Unseen, ...]:
    gap = world.cluster.complete.gap("serviceaccounts", cls.namespace)
    known = (cls.namespace, cls.shape.identity) in world.context.service_accounts
    return (unseen(gap),) if gap is not None and not known else ()


def _no_annotation(cls: WorkloadClass) -> Evidence:
    ref = ObjectRef("ServiceAccount", cls.namespace, cls.shape.identity)
    return missing(ref, ("metadata", "annotations"), f"none of {', '.join(ANNOTATIONS)}")
