"""The dangerous rights that RBAC policies are about, as data: which requests amount to each (rbac.md, sections 5, 6.1).

Every right is made anew for each question, because its finders remember the grants of one cluster.
"""

from collections.abc import Callable

from msgspec import Struct

from kubeaudit.kinds import KINDS
from kubeaudit.rbac.grants import Grant
from kubeaudit.rbac.impersonation import AUTHENTICATION, Mode
from kubeaudit.rbac.joint import Joint, Rules
from kubeaudit.rbac.names import GROUP
from kubeaudit.rbac.rules import ANY
from kubeaudit.rbac.targets import CHANGES, DELETES, WRITES, Finder, Target

Version = tuple[int, int]
_CERTIFICATES, _ADMISSION = "certificates.k8s.io", "admissionregistration.k8s.io"
_WEBHOOKS = ("validatingwebhookconfigurations", "mutatingwebhookconfigurations")
_GATEWAY, _ISTIO = "gateway.networking.k8s.io", "networking.istio.io"

POD_MAKERS = (
    *(("apps", plural) for plural in ("deployments", "daemonsets", "statefulsets", "replicasets")),
    *(("batch", plural) for plural in ("jobs", "cronjobs")),
    ("", "replicationcontrollers"),
)
"""Kinds with a pod template that controllers turn into pods: group and plural."""
STEERING_CONFIGMAPS = ("coredns", "kube-proxy", "kubeadm-config", "extension-apiserver-authentication")
"""ConfigMaps of kube-system that decide about names, traffic, new nodes and trust in the front proxy (RBAC-E44)."""
CLIENT_SIGNERS = (
    "kubernetes.io/kube-apiserver-client",
    "kubernetes.io/kube-apiserver-client-kubelet",
    "kubernetes.io/*",
)
"""Signers whose certificates the API server takes for a user or node; ``*`` alone names no signer (RBAC-59)."""
_SIGNERS = (*CLIENT_SIGNERS, "kubernetes.io/kubelet-serving", "kubernetes.io/legacy-unknown")
_MODES = {
    Mode.USER_INFO: Target((f"impersonate:{Mode.USER_INFO}",), AUTHENTICATION, "users", namespaced=False),
    Mode.SERVICE_ACCOUNT: Target((f"impersonate:{Mode.SERVICE_ACCOUNT}",), AUTHENTICATION, "serviceaccounts"),
    Mode.ARBITRARY_NODE: Target((f"impersonate:{Mode.ARBITRARY_NODE}",), AUTHENTICATION, "nodes", namespaced=False),
    Mode.ASSOCIATED_NODE: Target(
        (f"impersonate:{Mode.ASSOCIATED_NODE}",), AUTHENTICATION, "nodes", namespaced=False, names=(ANY,)
    ),
}
"""What each mode of constrained impersonation asks for beside ``impersonate-on``; ``*`` is a name here (RBAC-48)."""
_EVERY_ACCOUNT = "; that is every ServiceAccount there, and any created later"
"""RBAC-97, RBAC-E90."""
_CONSTRAINED_SINCE = (1, 35)
"""From here ConstrainedImpersonation exists: off in 1.35, on in 1.36 (RBAC-48)."""
_WEBSOCKET_CREATE_SINCE = (1, 35)
"""From here a WebSocket needs ``create`` beside ``get``, unless a feature gate is off (RBAC-54)."""


def _no_rules(_grant: Grant) -> tuple[int, ...]:
    return ()


class Danger(Struct, frozen=True):
    """A dangerous right. ``what`` completes "the binding gives the subject ..." for the ``rules`` that give it alone.

    ``note`` is added to the sentence, and ``scoped_note`` where a namespace bounds the right and names do not.
    ``weak`` are rules that give it for sure on servers older than ``until`` only, with ``weak_note`` for all others.
    ``joint`` are pairs of permissions that give it as well; they exist from ``joint_since`` on, and in that very
    version only by a feature gate.
    """

    what: str = ""
    rules: Rules = _no_rules
    note: str = ""
    scoped_note: str = ""
    weak: Rules = _no_rules
    until: Version | None = None
    weak_note: str = ""
    joint: tuple[Joint, ...] = ()
    joint_since: Version | None = None


def _simple(what: str, *targets: Target, note: str = "", scoped_note: str = "") -> Callable[[], Danger]:
    return lambda: Danger(what, Finder(*targets), note, scoped_note)


def _cluster(verbs: tuple[str, ...], group: str, *plurals: str) -> tuple[Target, ...]:
    return tuple(Target(verbs, group, plural, namespaced=False) for plural in plurals)


def _over_websocket(what: str, *subresources: str) -> Callable[[], Danger]:
    def made() -> Danger:
        return Danger(
            what,
            Finder(*(Target(("create",), "", f"pods/{each}") for each in subresources)),
            weak=Finder(*(Target(("get",), "", f"pods/{each}") for each in subresources)),
            until=_WEBSOCKET_CREATE_SINCE,
            weak_note=", by get alone, which servers from 1.35 on refuse unless a feature gate is off (RBAC-54)",
        )

    return made


def _impersonate() -> Danger:
    """Legacy impersonation by any of its parts, and the constrained pair of one mode (RBAC-45..48)."""
    legacy = (
        *_cluster(("impersonate",), "", "users", "groups"),
        Target(("impersonate",), "", "serviceaccounts"),
        *_cluster(("impersonate",), AUTHENTICATION, "uids", "userextras"),
    )
    constrained = (
        Joint(f"the right to impersonate in mode {mode}", Finder(target), _acting(f"impersonate-on:{mode}:"))
        for mode, target in _MODES.items()
    )
    return Danger(
        "the right to impersonate",
        Finder(*legacy),
        scoped_note=_EVERY_ACCOUNT,
        joint=tuple(constrained),
        joint_since=_CONSTRAINED_SINCE,
    )


def _acting(prefix: str) -> Rules:
    """Rules with a verb that begins with ``prefix``, or with every verb, on any resource."""

    def rules(grant: Grant) -> tuple[int, ...]:
        return tuple(
            index
            for index, rule in enumerate(grant.rules)
            if rule.resources and rule.api_groups and any(verb == ANY or verb.startswith(prefix) for verb in rule.verbs)
        )

    return rules


def _certificates() -> Danger:
    """The pairs of RBAC-59: approve with the approval, sign with the status."""

    def signing(verb: str, subresource: str, signers: tuple[str, ...], what: str) -> Joint:
        writes = Target(CHANGES, _CERTIFICATES, f"certificatesigningrequests/{subresource}", namespaced=False)
        signer = Target((verb,), _CERTIFICATES, "signers", namespaced=False, names=signers)
        return Joint(what, Finder(writes), Finder(signer))

    return Danger(
        joint=(
            signing("approve", "approval", CLIENT_SIGNERS, "the right to approve certificate requests"),
            signing("sign", "status", _SIGNERS, "the right to sign certificates"),
        ),
    )


def _mint() -> Danger:
    """RBAC-57: the answer to a create holds no token, so that a read is needed, of that very namespace."""
    create = Finder(Target(("create",), "", "secrets"))

    def whole(grant: Grant) -> tuple[int, ...]:
        return tuple(read.rule for read in grant.powers.secrets if not read.names)

    def some(grant: Grant) -> tuple[int, ...]:
        return tuple(read.rule for read in grant.powers.secrets if read.names)

    what = "what it takes to mint tokens of any ServiceAccount"
    named = "if a Secret it may name does not exist yet"
    return Danger(
        joint=(
            Joint(what, create, whole, together=True),
            Joint(what, create, some, together=True, doubtful=True, note=named),
        ),
    )


def _steer() -> Danger:
    """RBAC-E38: pods are taken off their nodes, and no other node takes them."""
    leaving = Finder(
        Target(DELETES, "", "pods"),
        Target(("create",), "", "pods/eviction"),
        Target(CHANGES, "", "pods/status"),
        *_cluster(DELETES, "", "nodes"),
    )
    what = "what it takes to choose the node that pods run on"
    return Danger(joint=(Joint(what, Finder(*_cluster(CHANGES, "", "nodes", "nodes/status")), leaving),))


def _network() -> Danger:
    """RBAC-E40..E43; the kinds table says which kinds are policies and routes."""

    def write(group: str, *plurals: str) -> tuple[Target, ...]:
        return tuple(Target(WRITES, group, plural) for plural in plurals)

    routes = (Target(WRITES, kind.group, kind.resource, kind.namespaced) for kind in KINDS if "route" in kind.marks)
    policies = (kind for kind in KINDS if "policy" in kind.marks)
    return Danger(
        "the right to steer traffic",
        Finder(
            *write("", "services", "endpoints"),
            Target(CHANGES, "", "services/status"),
            *write("discovery.k8s.io", "endpointslices"),
            *write("networking.k8s.io", "ingresses"),
            *write(_GATEWAY, "gateways", "referencegrants", "listenersets"),
            *write(_ISTIO, "gateways", "virtualservices"),
            *routes,
            *(Target((*WRITES, *DELETES), kind.group, kind.resource, kind.namespaced) for kind in policies),
        ),
    )


_DANGERS: dict[str, Callable[[], Danger]] = {
    "secret-mint": _mint,
    "pods-create": _simple(
        "the right to create or change pods",
        *(Target(WRITES, group, plural) for group, plural in (("", "pods"), *POD_MAKERS)),
    ),
    "pods-exec": _over_websocket("the right to run commands in pods", "exec", "attach"),
    "ephemeral-containers": _simple(
        "the right to add debug containers to pods", Target(CHANGES, "", "pods/ephemeralcontainers")
    ),
    "port-forward": _over_websocket("the right to forward ports of pods", "portforward"),
    "delete": _simple(
        "the right to delete workloads, namespaces or volume claims",
        *(Target(DELETES, group, plural) for group, plural in (("", "pods"), *POD_MAKERS)),
        Target(("delete",), "", "namespaces"),
        Target(DELETES, "", "persistentvolumeclaims"),
    ),
    "delete-events": _simple(
        "the right to delete events", Target(DELETES, "", "events"), Target(DELETES, "events.k8s.io", "events")
    ),
    "delete-logs": _simple(
        "the right to delete pod logs",
        Target(DELETES, "", "pods/log", named=True),
        note="; the API server has no such operation, so the rule is dead",
    ),
    "impersonate": _impersonate,
    "escalate-bind": _simple(
        "the right to escalate or bind roles",
        Target(("escalate", "bind"), GROUP, "roles"),
        # Written in a namespace, a binding to a ClusterRole is asked for there; a ClusterRole itself never is.
        Target(("bind",), GROUP, "clusterroles"),
        *_cluster(("escalate",), GROUP, "clusterroles"),
    ),
    "create-bindings": _simple(
        "the right to write bindings",
        Target(WRITES, GROUP, "rolebindings"),
        *_cluster(WRITES, GROUP, "clusterrolebindings"),
        note="; without bind, only rights that the writer holds can be passed on (RBAC-42)",
    ),
    "node-proxy": _simple("the right to use the API of kubelets", *_cluster(("get", "create"), "", "nodes/proxy")),
    "node-steer": _steer,
    "csr-approval": _certificates,
    "webhooks": _simple("the right to write admission webhooks", *_cluster(WRITES, _ADMISSION, *_WEBHOOKS)),
    "token-create": _simple(
        "the right to create tokens of ServiceAccounts",
        Target(("create",), "", "serviceaccounts/token"),
        scoped_note=_EVERY_ACCOUNT,
    ),
    "pv-create": _simple("the right to create PersistentVolumes", *_cluster(("create",), "", "persistentvolumes")),
    "configmap-write": _simple(
        "the right to change ConfigMaps that steer the cluster",
        Target(CHANGES, "", "configmaps", names=STEERING_CONFIGMAPS, namespaces=("kube-system",)),
    ),
    "aws-auth-write": _simple(
        "the right to change the ConfigMap that maps IAM to users and groups",
        Target(CHANGES, "", "configmaps", names=("aws-auth",), namespaces=("kube-system",)),
    ),
    "network-write": _network,
    "roles-write": _simple("the right to write ClusterRoles", *_cluster(WRITES, GROUP, "clusterroles")),
}
DANGERS = frozenset(_DANGERS)
"""The names of all dangerous rights, as policies give them."""


def danger(name: str) -> Danger:
    """A dangerous right by its name, made anew."""
    return _DANGERS[name]()
