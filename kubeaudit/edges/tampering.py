"""From rights on what the cluster is run with to the traffic, the admission, the nodes and the storage behind it.

One table: each row is met by one right of a kind. Most of what is gained leads no further in the graph; it is told
because a person would ask (rbac.md section 5, EXP-801..810, 853, 854).
"""

from collections.abc import Iterator

from msgspec import Struct

from kubeaudit.edges.context import unseen
from kubeaudit.edges.identity import group
from kubeaudit.edges.scene import Scene
from kubeaudit.edges.steps import Step, place
from kubeaudit.edges.vertices import outcome
from kubeaudit.edges.vocabulary import (
    EXP_ADMISSION_POLICY,
    EXP_AWS_AUTH,
    EXP_CHANGE_ACCOUNT,
    EXP_CHANGE_SERVICE,
    EXP_CHART_VALUES,
    EXP_CLAIM_HOST,
    EXP_CLUSTER_DNS,
    EXP_CONVERSION,
    EXP_ENDPOINTS,
    EXP_LIFT_POLICY,
    EXP_LOGS,
    EXP_NAMESPACE_LABELS,
    EXP_POLICY_ENGINE,
    EXP_SERVICE_STATUS,
    EXP_STEER_PODS,
    EXP_WEBHOOK,
    RBAC_CHANGE_NODE,
    RBAC_DELETE,
    RBAC_DELETE_EVENTS,
    RBAC_LEADER_ELECTION,
    RBAC_NODE_DATA,
    RBAC_PLACE_PODS,
    RBAC_POD_STATUS,
    RBAC_PRIORITY,
    RBAC_STORAGE,
    RBAC_SYSTEM_CONFIG,
)
from kubeaudit.findings import Reason, Unseen
from kubeaudit.model.completeness import NAMED
from kubeaudit.proof import Assumption, Confidence, State, field
from kubeaudit.rbac.identities import MASTERS
from kubeaudit.rbac.rights import Key, Right, Rights
from kubeaudit.refs import ObjectRef

_CHANGE, _WRITE, _READ = ("update", "patch"), ("create", "update", "patch"), ("get", "list", "watch")
_REMOVE = ("delete", "deletecollection")
_ALL_BUT_READ = (*_WRITE, *_REMOVE)
_ADMISSION, _NETWORK, _GATEWAY = "admissionregistration.k8s.io", "networking.k8s.io", "gateway.networking.k8s.io"
_SYSTEM = "kube-system"
CONFIG_MAPS = ("", "configmaps")
_FINE_KUBELET = ((1, 33), (1, 32))
_NODE_CONTROL = Assumption("controls-a-node", "the caller controls a node that pods may be moved to")
_MAPPED = Assumption("eks-authentication-mode", "the cluster takes its callers' groups from the ConfigMap aws-auth")
_CHARTS = Unseen(Reason.OPT_IN, "configmaps", detail="only named ConfigMaps are read, not those that hold charts")


class Plain(Struct, frozen=True):
    """One right is enough. ``names`` limit it to some objects of ``namespace``; ``result`` is what is gained, of the
    whole cluster where ``wide``. ``fine``: only where the kubelet authorizes its paths one by one (RBAC-56).
    """

    row: str
    keys: tuple[Key, ...]
    verbs: tuple[str, ...]
    result: str
    wide: bool = False
    namespace: str = ""
    names: tuple[str, ...] = ()
    confidence: Confidence = Confidence.OBJ
    assumptions: tuple[Assumption, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    fine: bool = False


def _of(group_name: str, *resources: str) -> tuple[Key, ...]:
    return tuple((group_name, resource) for resource in resources)


_NETWORK_POLICIES = (
    *_of(_NETWORK, "networkpolicies"),
    *_of("cilium.io", "ciliumnetworkpolicies", "ciliumclusterwidenetworkpolicies"),
    *_of("crd.projectcalico.org", "networkpolicies", "globalnetworkpolicies"),
    *_of("projectcalico.org", "networkpolicies", "globalnetworkpolicies"),
    *_of("policy.networking.k8s.io", "adminnetworkpolicies", "baselineadminnetworkpolicies", "clusternetworkpolicies"),
    *_of("networking.k8s.aws", "clusternetworkpolicies", "applicationnetworkpolicies"),
    *_of("security.istio.io", "authorizationpolicies"),
)
_FRONTS = (
    *_of(_NETWORK, "ingresses"),
    *_of(_GATEWAY, "gateways", "httproutes", "grpcroutes", "tlsroutes", "tcproutes", "udproutes", "referencegrants"),
    *_of("route.openshift.io", "routes"),
)
_ENGINES = (
    *_of("kyverno.io", "clusterpolicies", "policies", "policyexceptions", "clustercleanuppolicies"),
    *_of("policies.kyverno.io", "validatingpolicies", "mutatingpolicies", "generatingpolicies", "policyexceptions"),
    *_of("templates.gatekeeper.sh", "constrainttemplates"),
    *_of("config.gatekeeper.sh", "configs"),
    *_of("constraints.gatekeeper.sh", "*"),
)
_VALIDATING = _of(_ADMISSION, "validatingadmissionpolicies", "validatingadmissionpolicybindings")
_MUTATING = _of(_ADMISSION, "mutatingadmissionpolicies", "mutatingadmissionpolicybindings")
_WEBHOOKS = _of(_ADMISSION, "mutatingwebhookconfigurations", "validatingwebhookconfigurations")
_DELETED = (*_of("", "pods", "services", "secrets", "persistentvolumeclaims"), *_of("apps", "deployments"))

TABLE: tuple[Plain, ...] = (
    Plain(EXP_LOGS, _of("", "pods/log"), _READ, "logs", confidence=Confidence.HINT),
    Plain(EXP_CHANGE_ACCOUNT, _of("", "serviceaccounts"), _CHANGE, "cloud identities", confidence=Confidence.HINT),
    Plain(EXP_NAMESPACE_LABELS, _of("", "namespaces"), _CHANGE, "labels of the namespace"),
    Plain(EXP_ENDPOINTS, (("", "endpoints"), ("discovery.k8s.io", "endpointslices")), _WRITE, "traffic"),
    Plain(EXP_CHANGE_SERVICE, _of("", "services"), _CHANGE, "traffic"),
    Plain(EXP_SERVICE_STATUS, _of("", "services/status"), _CHANGE, "traffic"),
    Plain(RBAC_POD_STATUS, _of("", "pods/status"), _CHANGE, "traffic"),
    Plain(EXP_CLAIM_HOST, _FRONTS, _WRITE, "traffic from outside", confidence=Confidence.ENV),
    Plain(EXP_LIFT_POLICY, _NETWORK_POLICIES, _ALL_BUT_READ, "network policies"),
    Plain(
        EXP_CLUSTER_DNS,
        (CONFIG_MAPS,),
        _CHANGE,
        "traffic",
        wide=True,
        namespace=_SYSTEM,
        names=("coredns", "coredns-custom", "node-local-dns"),
    ),
    Plain(
        RBAC_SYSTEM_CONFIG,
        (CONFIG_MAPS,),
        _CHANGE,
        "settings of the control plane",
        wide=True,
        namespace=_SYSTEM,
        names=("extension-apiserver-authentication", "kubeadm-config", "kube-proxy", "kubelet-config"),
    ),
    Plain(EXP_WEBHOOK, _of(_ADMISSION, "validatingwebhookconfigurations"), _WRITE, "admission", wide=True),
    Plain(EXP_ADMISSION_POLICY, _VALIDATING, _ALL_BUT_READ, "admission", wide=True),
    Plain(EXP_ADMISSION_POLICY, (*_MUTATING, *_WEBHOOKS), _REMOVE, "admission", wide=True),
    Plain(EXP_POLICY_ENGINE, _ENGINES, _ALL_BUT_READ, "admission", confidence=Confidence.ENV),
    Plain(
        EXP_CONVERSION,
        _of("apiextensions.k8s.io", "customresourcedefinitions"),
        _WRITE,
        "custom resources",
        wide=True,
    ),
    Plain(
        RBAC_NODE_DATA,
        _of("", "nodes/log", "nodes/checkpoint", "nodes/stats", "nodes/metrics"),
        ("get", "create"),
        "data of nodes",
        wide=True,
    ),
    Plain(RBAC_NODE_DATA, _of("", "nodes/pods", "nodes/configz"), ("get",), "data of nodes", wide=True, fine=True),
    Plain(
        RBAC_STORAGE,
        (
            *_of("storage.k8s.io", "storageclasses", "csidrivers", "volumeattachments"),
            *_of("snapshot.storage.k8s.io", "volumesnapshotcontents"),
        ),
        _WRITE,
        "volumes of others",
        wide=True,
    ),
    Plain(RBAC_CHANGE_NODE, _of("", "nodes", "nodes/status"), _CHANGE, "scheduling", wide=True),
    Plain(RBAC_PLACE_PODS, _of("", "pods/binding"), ("create",), "scheduling"),
    Plain(
        RBAC_LEADER_ELECTION,
        (("coordination.k8s.io", "leases"), ("", "endpoints"), CONFIG_MAPS),
        _WRITE,
        "controllers that stand still",
        namespace=_SYSTEM,
    ),
    Plain(
        RBAC_PRIORITY,
        (*_of("scheduling.k8s.io", "priorityclasses"), *_of("", "resourcequotas", "limitranges")),
        _WRITE,
        "denial of service",
    ),
    Plain(RBAC_DELETE_EVENTS, (("", "events"), ("events.k8s.io", "events")), _REMOVE, "traces that are gone"),
    Plain(RBAC_DELETE, _DELETED, _REMOVE, "destruction"),
    Plain(EXP_CHART_VALUES, (CONFIG_MAPS,), _READ, "values of charts", confidence=Confidence.ENV, unseen=(_CHARTS,)),
)
AWS_AUTH = "aws-auth"
NODES, NODE_STATUS, EVICTION = ("", "nodes"), ("", "nodes/status"), ("", "pods/eviction")
_PODS, _POD_STATUS = ("", "pods"), ("", "pods/status")
JOINT = (NODES, NODE_STATUS, EVICTION, _POD_STATUS)
KEYS = tuple(dict.fromkeys([*(key for plain in TABLE for key in plain.keys), *JOINT]))
CLUSTER_KINDS = (
    *_of("", "namespaces", "nodes", "nodes/status", "nodes/log", "nodes/checkpoint", "nodes/stats", "nodes/metrics"),
    *_of("", "nodes/pods", "nodes/configz"),
    *_of("cilium.io", "ciliumclusterwidenetworkpolicies"),
    *_of("crd.projectcalico.org", "globalnetworkpolicies"),
    *_of("projectcalico.org", "globalnetworkpolicies"),
    *_of("policy.networking.k8s.io", "adminnetworkpolicies", "baselineadminnetworkpolicies", "clusternetworkpolicies"),
    *_of("networking.k8s.aws", "clusternetworkpolicies"),
    *_of("kyverno.io", "clusterpolicies", "clustercleanuppolicies"),
    *_of("policies.kyverno.io", "validatingpolicies", "mutatingpolicies", "generatingpolicies"),
    *_of("templates.gatekeeper.sh", "constrainttemplates"),
    *_of("constraints.gatekeeper.sh", "*"),
    *_VALIDATING,
    *_MUTATING,
    *_WEBHOOKS,
    *_of("apiextensions.k8s.io", "customresourcedefinitions"),
    *_of("storage.k8s.io", "storageclasses", "csidrivers", "volumeattachments"),
    *_of("snapshot.storage.k8s.io", "volumesnapshotcontents"),
    *_of("scheduling.k8s.io", "priorityclasses"),
)


def single(scene: Scene, rights: Rights) -> Iterator[Step]:
    """The rows of the table that one right meets, one edge each."""
    for plain in TABLE:
        if plain.namespace and rights.scope not in ("", plain.namespace):
            continue
        right = _right(rights, plain)
        if right is None:
            continue
        state, why = (State.UNKNOWN, plain.unseen) if plain.unseen else (State.YES, ())
        if plain.fine:
            on, gated = _FINE_KUBELET
            state, why = scene.since(on=on, gated=gated, what="paths of the kubelet that are authorized one by one")
            if state is State.BLOCKED:
                continue
        scope = "" if plain.wide else rights.scope
        where = "" if plain.wide and not plain.namespace else f" {place(plain.namespace or rights.scope)}"
        yield Step(
            plain.row,
            outcome(plain.result, scope),
            f"may {right}{where}",
            (right,),
            state,
            plain.confidence,
            plain.assumptions,
            why,
        )
    yield from _aws_auth(scene, rights)


def joint(scene: Scene, rights: Rights) -> Iterator[Step]:
    """EXP-624: to move pods takes a way to end them and a way to make nodes refuse or take them."""
    if steered := steers(rights):
        does = f"may {steered[0]} and {steered[1]}: pods move to nodes that it chooses"
        yield Step(EXP_STEER_PODS, outcome("scheduling"), does, steered, State.YES, Confidence.ENV, (_NODE_CONTROL,))


def steers(rights: Rights) -> tuple[Right, Right] | None:
    """The rights to end pods everywhere and to say which nodes take them (RBAC-E38)."""
    if not rights.whole:
        return None
    steer = rights.every(NODES, *_CHANGE) or rights.every(NODE_STATUS, *_CHANGE)
    end = (
        rights.every(_PODS, *_REMOVE)
        or rights.every(EVICTION, "create")
        or rights.every(NODES, *_REMOVE)
        or rights.every(_POD_STATUS, *_CHANGE)
    )
    return (steer, end) if steer and end else None


def _right(rights: Rights, plain: Plain) -> Right | None:
    for key in plain.keys:
        if plain.names:
            found = next((right for name in plain.names if (right := rights.on(key, name, *plain.verbs))), None)
        else:
            found = rights.some(key, *plain.verbs)
        if found is not None:
            return found
    return None


def _aws_auth(scene: Scene, rights: Rights) -> Iterator[Step]:
    """EXP-408: on EKS the ConfigMap aws-auth says who is in which group, system:masters among them."""
    if rights.scope not in ("", _SYSTEM):
        return
    right = rights.on(CONFIG_MAPS, AWS_AUTH, *_CHANGE)
    if right is None:
        return
    cluster, assumed = scene.context.cluster, (Confidence.ENV, (_MAPPED,))
    does = f"may {right} in namespace {_SYSTEM}, where {AWS_AUTH} maps callers to groups"
    if (_SYSTEM, AWS_AUTH) in cluster.config_maps:
        shown = field(ObjectRef("ConfigMap", _SYSTEM, AWS_AUTH), ("metadata", "name"), AWS_AUTH)
        yield Step(EXP_AWS_AUTH, group(MASTERS), does, (right,), State.YES, *assumed, (), (shown,))
    elif any(node.pool.provider == "aws" for node in cluster.nodes) and (gap := cluster.complete.gap(NAMED)):
        yield Step(EXP_AWS_AUTH, group(MASTERS), does, (right,), State.UNKNOWN, *assumed, (unseen(gap),))
