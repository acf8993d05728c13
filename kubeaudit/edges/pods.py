"""From rights on pods and their controllers to identities, workloads and nodes (EXP-604..610, 622, RBAC-E17..E23)."""

from collections.abc import Iterable, Iterator

from kubeaudit.edges.context import workload
from kubeaudit.edges.scene import Scene
from kubeaudit.edges.steps import Step, place
from kubeaudit.edges.vertices import (
    CONFIG_MAP,
    NODE_ROOT,
    SECRET,
    SERVICE_ACCOUNT,
    WORKLOAD,
    every,
    traffic_to_workloads,
    workloads,
    workloads_of_node,
)
from kubeaudit.edges.vocabulary import (
    EXP_CHANGE_WORKLOAD,
    EXP_CREATE_PODS,
    EXP_DEBUG,
    EXP_ESCAPE,
    EXP_EXEC,
    EXP_FORWARD,
    EXP_HOST_VOLUME,
    EXP_MOUNT,
    RBAC_NODE_PROXY,
)
from kubeaudit.findings import Reason, Unseen
from kubeaudit.model.workloads import WorkloadClass
from kubeaudit.proof import Assumption, Confidence, State
from kubeaudit.rbac.rights import Key, Right, Rights
from kubeaudit.refs import Facet, Vertex

PODS, EXEC, ATTACH = ("", "pods"), ("", "pods/exec"), ("", "pods/attach")
DEBUG, FORWARD = ("", "pods/ephemeralcontainers"), ("", "pods/portforward")
POD_PROXY, SERVICE_PROXY, NODE_PROXY = ("", "pods/proxy"), ("", "services/proxy"), ("", "nodes/proxy")
VOLUMES = ("", "persistentvolumes")
CONTROLLERS: dict[Key, str] = {
    ("apps", "deployments"): "Deployment",
    ("apps", "daemonsets"): "DaemonSet",
    ("apps", "statefulsets"): "StatefulSet",
    ("apps", "replicasets"): "ReplicaSet",
    ("batch", "jobs"): "Job",
    ("batch", "cronjobs"): "CronJob",
    ("", "replicationcontrollers"): "ReplicationController",
}
"""The seven kinds that make pods, each in its own API group (EXP-R01)."""
ABOVE = {"ReplicaSet": ("ReplicaSet", "Deployment"), "Job": ("Job", "CronJob")}
"""Kinds whose objects are made by others: a workload is named by the topmost one."""
KEYS = (PODS, EXEC, ATTACH, DEBUG, FORWARD, POD_PROXY, SERVICE_PROXY, NODE_PROXY, VOLUMES, *CONTROLLERS)
JOINT = (PODS, VOLUMES, *CONTROLLERS)
CLUSTER_KINDS = (NODE_PROXY, VOLUMES)
_WRITE = ("update", "patch")
_WEBSOCKET_NEEDS_CREATE = (1, 35)
_OPEN_GATE = Assumption(
    "pod-websocket-create-check",
    "the feature gate AuthorizePodWebsocketUpgradeCreatePermission of the API server is off",
)
_SHELL = Assumption("attached-process", "the process that is attached to takes commands")


def admitted(scene: Scene, scope: str) -> tuple[Confidence, tuple[Assumption, ...]]:
    """How sure it is that an ordinary pod of any ServiceAccount is admitted (EXP-604)."""
    found = scene.gate(scope)
    if found is None or not found[1].seen_by:
        return Confidence.OBJ, ()
    names = ", ".join(str(ref) for ref in found[1].seen_by)
    return Confidence.ENV, (Assumption("admission-of-pods", f"{names} lets pods in {place(found[0])} be made"),)


def makes_pods(rights: Rights) -> Right | None:
    """The right to have a pod made to one's liking: of pods, of a controller, or to change any controller."""
    for key in (PODS, *CONTROLLERS):
        if right := rights.every(key, "create"):
            return right
    return next((right for key in CONTROLLERS if (right := rights.every(key, *_WRITE))), None)


def single(scene: Scene, rights: Rights) -> Iterator[Step]:
    """What one right on pods, their controllers or nodes leads to."""
    yield from _new_pods(scene, rights)
    yield from _changes(scene, rights)
    yield from _commands(scene, rights)
    yield from _connections(scene, rights)
    yield from _node_proxy(rights)


def joint(scene: Scene, rights: Rights) -> Iterator[Step]:
    """EXP-622: a volume that is a path of the node, and a pod that claims it; PodSecurity does not look at volumes."""
    volume, pod = rights.every(VOLUMES, "create"), makes_pods(rights)
    if volume and pod:
        does = f"may create a PersistentVolume that is a path of a node, and {pod} {place(rights.scope)} that mount it"
        confidence, assumptions = admitted(scene, rights.scope)
        yield Step(EXP_HOST_VOLUME, NODE_ROOT, does, (volume, pod), State.YES, confidence, assumptions)


def _new_pods(scene: Scene, rights: Rights) -> Iterator[Step]:
    right = makes_pods(rights)
    if right is not None:
        yield from pod_author(scene, rights.scope, right)
        return
    for key, kind in CONTROLLERS.items():
        for limited in rights.named(key, *_WRITE):
            for cls in _named(scene, rights.scope, kind, limited.name):
                yield from pod_author(scene, cls.namespace, limited)


def pod_author(scene: Scene, scope: str, right: Right) -> Iterator[Step]:
    """EXP-604..606: whoever writes a pod chooses its ServiceAccount, what it mounts, and how it is confined."""
    confidence, assumptions = admitted(scene, scope)
    where, made = place(scope), str(right)
    account = every(SERVICE_ACCOUNT, scope)
    does = f"may {made} {where}, whose pods run as any ServiceAccount there"
    yield Step(EXP_CREATE_PODS, account, does, (right,), State.YES, confidence, assumptions)
    for kind in (SECRET, CONFIG_MAP):
        does = f"may {made} {where}, whose pods mount any {kind} there"
        yield Step(EXP_MOUNT, every(kind, scope), does, (right,), State.YES, confidence, assumptions)
    yield from escape(scene, scope, (right,), f"may {made} {where}")


def escape(scene: Scene, scope: str, used: tuple[Right, ...], what: str) -> Iterator[Step]:
    """EXP-605: the same pod with the node's own processes and files, as far as admission lets it in."""
    found = scene.gate(scope)
    if found is None:
        return
    namespace, gate = found
    if gate.state is State.BLOCKED:
        does = f"{what}, but admission refuses pods there that take over their node"
    else:
        within = "" if scope else f" (in {namespace}, for one)"
        does = f"{what}, and nothing seen keeps a pod there from taking over its node{within}"
    yield Step(
        EXP_ESCAPE, NODE_ROOT, does, used, gate.state, gate.confidence, gate.assumptions, gate.unseen, gate.evidence
    )


def _changes(scene: Scene, rights: Rights) -> Iterator[Step]:
    """EXP-607: another image or command in what already runs."""
    for key, kind in ((PODS, "Pod"), *CONTROLLERS.items()):
        right = rights.every(key, *_WRITE)
        if right is not None:
            target = workloads(rights.scope) if kind == "Pod" else of_kind(kind, rights.scope)
            does = f"may {right} {place(rights.scope)} and so run code in them"
            yield Step(EXP_CHANGE_WORKLOAD, target, does, (right,))
        else:
            yield from _each(scene, rights, kind, rights.named(key, *_WRITE), EXP_CHANGE_WORKLOAD)


def of_kind(kind: str, scope: str) -> Vertex:
    """Code in the workloads that a kind of controller makes."""
    return every(f"{WORKLOAD}/{kind}", scope, Facet.CTL)


def _commands(scene: Scene, rights: Rights) -> Iterator[Step]:
    """EXP-608 and -609: commands in running containers, and containers added to running pods."""
    for key in (EXEC, ATTACH):
        assumed = (_SHELL,) if key == ATTACH else ()
        confidence = Confidence.ENV if assumed else Confidence.OBJ
        yield from _into(scene, rights, key, ("create",), EXP_EXEC, State.YES, confidence, assumed)
        if rights.some(key, "create") is None:
            yield from _by_get(scene, rights, key, EXP_EXEC, assumed)
    yield from _into(scene, rights, DEBUG, _WRITE, EXP_DEBUG)
    right = rights.some(DEBUG, *_WRITE)
    if right is not None:
        yield from escape(scene, rights.scope, (right,), f"may {right} {place(rights.scope)}")


def _by_get(scene: Scene, rights: Rights, key: Key, row: str, assumed: tuple[Assumption, ...]) -> Iterator[Step]:
    """RBAC-54: ``get`` opens a WebSocket as well, without a second check below 1.35."""
    if scene.version is None:
        detail = "the server's version decides whether get is enough"
        why = (Unseen(Reason.CONTROL_PLANE_NOT_VISIBLE, detail=detail),)
        yield from _into(scene, rights, key, ("get",), row, State.UNKNOWN, Confidence.OBJ, assumed, why)
    elif scene.version < _WEBSOCKET_NEEDS_CREATE:
        confidence = Confidence.ENV if assumed else Confidence.OBJ
        yield from _into(scene, rights, key, ("get",), row, State.YES, confidence, assumed)
    else:
        yield from _into(scene, rights, key, ("get",), row, State.YES, Confidence.ENV, (*assumed, _OPEN_GATE))


def _connections(scene: Scene, rights: Rights) -> Iterator[Step]:
    """EXP-610: the kubelet or the API server connects to any port of the pod, loopback included."""
    if rights.some(FORWARD, "create"):
        yield from _traffic(scene, rights, FORWARD, ("create",))
    elif scene.version is not None and scene.version < _WEBSOCKET_NEEDS_CREATE:
        yield from _traffic(scene, rights, FORWARD, ("get",))
    yield from _traffic(scene, rights, POD_PROXY, ("get", "create", *_WRITE, "delete"))
    right = rights.every(SERVICE_PROXY, "get", "create", *_WRITE, "delete")
    if right is not None:
        does = f"may {right} {place(rights.scope)}: NetworkPolicy does not see the caller"
        yield Step(EXP_FORWARD, traffic_to_workloads(rights.scope), does, (right,))


def _traffic(scene: Scene, rights: Rights, key: Key, verbs: tuple[str, ...]) -> Iterator[Step]:
    right = rights.every(key, *verbs)
    if right is not None:
        does = f"may {right} {place(rights.scope)}: NetworkPolicy does not see the caller"
        yield Step(EXP_FORWARD, traffic_to_workloads(rights.scope), does, (right,))
        return
    yield from _each(scene, rights, "Pod", rights.named(key, *verbs), EXP_FORWARD, Facet.NET)


def _node_proxy(rights: Rights) -> Iterator[Step]:
    """RBAC-55: get and post on the kubelet are code in every pod of the node, past admission and audit."""
    right = rights.every(NODE_PROXY, "get", "create")
    if right is not None:
        does = f"may {right}: the kubelet runs commands in every pod of a node for it"
        yield Step(RBAC_NODE_PROXY, workloads(), does, (right,))
        return
    for limited in rights.named(NODE_PROXY, "get", "create"):
        # A name with a port, NAME:PORT, is another name: it does not reach the kubelet's own port.
        does = f"may {limited}: the kubelet runs commands in every pod of that node for it"
        yield Step(RBAC_NODE_PROXY, workloads_of_node(limited.name), does, (limited,))


def _into(
    scene: Scene,
    rights: Rights,
    key: Key,
    verbs: tuple[str, ...],
    row: str,
    state: State = State.YES,
    confidence: Confidence = Confidence.OBJ,
    assumptions: tuple[Assumption, ...] = (),
    why: tuple[Unseen, ...] = (),
) -> Iterator[Step]:
    right = rights.every(key, *verbs)
    if right is not None:
        does = f"may {right} {place(rights.scope)} and so run code in every pod there"
        yield Step(row, workloads(rights.scope), does, (right,), state, confidence, assumptions, why)
        return
    for limited in rights.named(key, *verbs):
        for cls in _named(scene, rights.scope, "Pod", limited.name):
            does = f"may {limited} {place(cls.namespace)} and so run code in it"
            yield Step(row, workload(cls, Facet.CTL), does, (limited,), state, confidence, assumptions, why)


def _each(
    scene: Scene, rights: Rights, kind: str, limited: Iterable[Right], row: str, facet: Facet = Facet.CTL
) -> Iterator[Step]:
    """A step to each workload that a right names and that exists."""
    for right in limited:
        for cls in _named(scene, rights.scope, kind, right.name):
            yield Step(row, workload(cls, facet), f"may {right} {place(cls.namespace)}", (right,))


def _named(scene: Scene, scope: str, kind: str, name: str) -> Iterator[WorkloadClass]:
    return (cls for cls in scene.classes_named.get((kind, name), ()) if scope in ("", cls.namespace))
