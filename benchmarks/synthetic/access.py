"""ServiceAccounts, roles and bindings: those every server creates, and those people write."""

from collections.abc import Iterator, Sequence

from synthetic.state import State
from synthetic.template import Json, encode

Item = tuple[str, bytes]
Rule = tuple[str, str, str]
"""API groups, resources and verbs, each a blank-separated list; ``-`` is the core group."""

_GROUP = "rbac.authorization.k8s.io"
_BOOTSTRAP = {"kubernetes.io/bootstrapping": "rbac-defaults"}
_AUTOUPDATE = {"rbac.authorization.kubernetes.io/autoupdate": "true"}
_READ = "get list watch"
_WRITE = "create delete deletecollection patch update"
_CONTROLLERS = (
    "attachdetach certificate clusterrole-aggregation cronjob daemon-set deployment disruption endpoint endpointslice "
    "endpointslicemirroring ephemeral-volume expand generic-garbage-collector horizontal-pod-autoscaler job "
    "legacy-service-account-token-cleaner namespace node pod-garbage-collector persistent-volume-binder "
    "pv-protection-controller pvc-protection-controller replicaset replication-controller resourcequota "
    "root-ca-cert-publisher route service service-account service-cidrs-controller statefulset ttl ttl-after-finished "
    "validatingadmissionpolicy-status"
)
_PODS_IO = "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy"
_WRITTEN = "pods pods/eviction configmaps secrets serviceaccounts services persistentvolumeclaims serviceaccounts/token"
_VIEWED = "configmaps endpoints persistentvolumeclaims pods replicationcontrollers serviceaccounts services pods/log"
_CHANGE = f"{_READ} {_WRITE}"
_EDIT: tuple[Rule, ...] = (
    ("-", _PODS_IO, _READ),
    ("-", "serviceaccounts", "impersonate"),
    ("-", _WRITTEN, _WRITE),
    ("apps", "daemonsets deployments replicasets statefulsets deployments/scale", _CHANGE),
    ("networking.k8s.io", "ingresses networkpolicies", _CHANGE),
)
_BUILTIN: dict[str, tuple[Rule, ...]] = {
    "cluster-admin": (("*", "*", "*"),),
    "admin": (*_EDIT, (_GROUP, "rolebindings roles", _CHANGE)),
    "edit": _EDIT,
    "view": (
        ("-", f"{_VIEWED} namespaces", _READ),
        ("apps", "daemonsets deployments replicasets statefulsets", _READ),
        ("batch", "cronjobs jobs", _READ),
        ("networking.k8s.io", "ingresses networkpolicies", _READ),
    ),
    "system:basic-user": (
        (
            "authorization.k8s.io authentication.k8s.io",
            "selfsubjectaccessreviews selfsubjectrulesreviews selfsubjectreviews",
            "create",
        ),
    ),
    "system:node": (
        ("-", "nodes", "create get list watch"),
        ("-", "nodes/status", "patch update"),
        ("-", "pods", f"create delete {_READ}"),
        ("-", "secrets configmaps", _READ),
    ),
    "system:node-proxier": (("-", "services nodes", _READ), ("discovery.k8s.io", "endpointslices", "list watch")),
    "system:kube-dns": (("-", "endpoints services", "list watch"),),
    "system:kube-scheduler": (
        ("-", "pods nodes services replicationcontrollers persistentvolumes", _READ),
        ("-", "pods/binding bindings", "create"),
    ),
    "system:kube-controller-manager": (
        ("-", "secrets serviceaccounts", "create delete get update"),
        ("*", "*", "list watch"),
    ),
    "system:kubelet-api-admin": (("-", "nodes/log nodes/metrics nodes/proxy nodes/stats", "*"),),
    "system:node-bootstrapper": (("certificates.k8s.io", "certificatesigningrequests", f"create {_READ}"),),
    "system:auth-delegator": (
        ("authentication.k8s.io authorization.k8s.io", "tokenreviews subjectaccessreviews", "create"),
    ),
    "system:monitoring": (),
    "system:discovery": (),
    "system:public-info-viewer": (),
    "system:service-account-issuer-discovery": (),
}
_PATHS = {
    "system:monitoring": ["/healthz", "/livez", "/metrics", "/readyz"],
    "system:discovery": [
        "/api",
        "/api/*",
        "/apis",
        "/apis/*",
        "/healthz",
        "/livez",
        "/openapi",
        "/openapi/*",
        "/readyz",
        "/version",
        "/version/",
    ],
    "system:public-info-viewer": ["/healthz", "/livez", "/readyz", "/version", "/version/"],
    "system:service-account-issuer-discovery": [
        "/.well-known/openid-configuration",
        "/.well-known/openid-configuration/",
        "/openid/v1/jwks",
    ],
}
_BUILTIN_SUBJECTS = {
    "cluster-admin": ["Group:system:masters"],
    "system:basic-user": ["Group:system:authenticated"],
    "system:discovery": ["Group:system:authenticated"],
    "system:public-info-viewer": ["Group:system:authenticated", "Group:system:unauthenticated"],
    "system:monitoring": ["Group:system:monitoring"],
    "system:node-proxier": ["User:system:kube-proxy"],
    "system:kube-scheduler": ["User:system:kube-scheduler"],
    "system:kube-controller-manager": ["User:system:kube-controller-manager"],
    "system:service-account-issuer-discovery": ["Group:system:serviceaccounts"],
}
_NAMESPACE_ROLES: tuple[tuple[str, float, Rule], ...] = (
    ("config-reader", 0.6, ("-", "configmaps", _READ)),
    ("leader-election", 0.3, ("coordination.k8s.io", "leases", "create get update")),
    ("secret-reader", 0.12, ("-", "secrets", _READ)),
    ("deployer", 0.15, ("apps", "deployments statefulsets", f"{_READ} create patch update")),
    ("debugger", 0.08, ("-", "pods pods/exec pods/log", f"{_READ} create")),
    ("everything", 0.03, ("*", "*", "*")),
)
_OPERATORS: tuple[tuple[str, tuple[Rule, ...]], ...] = (
    ("prometheus", (("-", "nodes nodes/metrics services endpoints pods", _READ),)),
    ("cert-manager", (("-", "secrets", f"{_READ} create update delete"), ("cert-manager.io", "*", "*"))),
    ("external-secrets", (("-", "secrets serviceaccounts/token", f"{_READ} create update"),)),
    ("argocd", (("*", "*", "*"),)),
    ("cluster-autoscaler", (("-", "nodes pods pods/eviction", f"{_READ} create delete update"),)),
    ("velero", (("*", "*", "*"),)),
    ("keda", (("*", "*/scale", "get patch update"), ("-", "secrets", "list watch"))),
    ("node-problem-detector", (("-", "nodes nodes/status", "get patch"),)),
    ("ingress-nginx", (("-", "configmaps endpoints nodes pods secrets services", "list watch"),)),
    (
        "calico-node",
        (("-", "nodes pods namespaces serviceaccounts", _READ), ("-", "pods/status nodes/status", "patch")),
    ),
)
_HOLDERS = {
    "ingress-nginx": "ingress-nginx/ingress-nginx-controller",
    "calico-node": "kube-system/calico-node",
    "node-problem-detector": "observability/node-exporter",
}


def bootstrap(state: State) -> Iterator[Item]:
    """The roles and bindings that the server creates itself."""
    for name, rules in _BUILTIN.items():
        yield "clusterroles.rbac.authorization.k8s.io", encode(_role(state, name, rules, builtin=True))
    for controller in _CONTROLLERS.split():
        name = f"system:controller:{controller}"
        rules = (("-", f"{controller.replace('-', '')}s events", "create get list patch update watch"),)
        yield "clusterroles.rbac.authorization.k8s.io", encode(_role(state, name, rules, builtin=True))
        subject = f"ServiceAccount:kube-system/{controller}"
        yield (
            "clusterrolebindings.rbac.authorization.k8s.io",
            encode(_binding(state, name, "ClusterRole", name, [subject], builtin=True)),
        )
    for name, subjects in _BUILTIN_SUBJECTS.items():
        yield (
            "clusterrolebindings.rbac.authorization.k8s.io",
            encode(_binding(state, name, "ClusterRole", name, subjects, builtin=True)),
        )


def operators(state: State, accounts: Sequence[str]) -> Iterator[Item]:
    """Cluster-wide roles of add-ons and teams; a few bindings give people cluster-admin.

    ``accounts`` are ServiceAccounts that run something, as ``namespace/name``; some of them hold these roles.
    """
    for name, rules in _OPERATORS:
        yield "clusterroles.rbac.authorization.k8s.io", encode(_role(state, name, rules))
        subject = f"ServiceAccount:{_HOLDERS.get(name) or state.rng.choice(accounts)}"
        yield (
            "clusterrolebindings.rbac.authorization.k8s.io",
            encode(_binding(state, name, "ClusterRole", name, [subject])),
        )
    for number in range(max(2, len(accounts) // 10)):
        role = state.rng.choices(("view", "edit", "cluster-admin", "prometheus"), (70, 18, 4, 8))[0]
        subject = f"Group:team-{number}" if number % 3 else f"ServiceAccount:{state.rng.choice(accounts)}"
        yield (
            "clusterrolebindings.rbac.authorization.k8s.io",
            encode(_binding(state, f"team-{number}-{role}", "ClusterRole", role, [subject])),
        )


def namespaced(state: State, namespace: str, team: str, accounts: Sequence[str]) -> Iterator[Item]:
    """ServiceAccounts of a namespace, its roles and who holds them."""
    for account in dict.fromkeys(["default", *accounts]):
        yield "serviceaccounts", encode(_account(state, namespace, account))
    holders = [account for account in accounts if account != "default"] or ["default"]
    for name, chance, rule in _NAMESPACE_ROLES:
        if state.rng.random() < chance:
            yield "roles.rbac.authorization.k8s.io", encode(_role(state, name, (rule,), namespace=namespace))
            subjects = [
                f"ServiceAccount:{namespace}/{account}" for account in state.rng.sample(holders, min(len(holders), 2))
            ]
            yield (
                "rolebindings.rbac.authorization.k8s.io",
                encode(_binding(state, name, "Role", name, subjects, namespace=namespace)),
            )
    role = state.rng.choice(("edit", "view", "admin"))
    yield (
        "rolebindings.rbac.authorization.k8s.io",
        encode(_binding(state, f"{team}-{role}", "ClusterRole", role, [f"Group:{team}"], namespace=namespace)),
    )


def _account(state: State, namespace: str, name: str) -> Json:
    cloud = name != "default" and state.rng.random() < 0.15
    notes = {"eks.amazonaws.com/role-arn": f"arn:aws:iam::111122223333:role/{namespace}-{name}"} if cloud else {}
    found: Json = {"metadata": state.metadata(name, namespace, annotations=notes)}
    return {**found, "automountServiceAccountToken": False} if state.rng.random() < 0.2 else found


def _role(state: State, name: str, rules: tuple[Rule, ...], *, namespace: str = "", builtin: bool = False) -> Json:
    marks = {"labels": _BOOTSTRAP, "annotations": _AUTOUPDATE} if builtin else {}
    found: list[Json] = [
        {
            "verbs": verbs.split(),
            "apiGroups": ["" if group == "-" else group for group in groups.split()],
            "resources": resources.split(),
        }
        for groups, resources, verbs in rules
    ]
    if name in _PATHS:
        found.append({"verbs": ["get"], "nonResourceURLs": _PATHS[name]})
    if name == "cluster-admin":
        found.append({"verbs": ["*"], "nonResourceURLs": ["*"]})
    return {"metadata": state.metadata(name, namespace, **marks), "rules": found}


def _binding(
    state: State,
    name: str,
    kind: str,
    role: str,
    subjects: Sequence[str],
    *,
    namespace: str = "",
    builtin: bool = False,
) -> Json:
    marks = {"labels": _BOOTSTRAP, "annotations": _AUTOUPDATE} if builtin else {}
    return {
        "metadata": state.metadata(name, namespace, **marks),
        "subjects": [_subject(text) for text in subjects],
        "roleRef": {"apiGroup": _GROUP, "kind": kind, "name": role},
    }


def _subject(text: str) -> Json:
    kind, _, name = text.partition(":")
    if kind == "ServiceAccount":
        namespace, _, account = name.partition("/")
        return {"kind": kind, "name": account, "namespace": namespace}
    return {"kind": kind, "apiGroup": _GROUP, "name": name}
