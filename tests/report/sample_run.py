"""The run header, the coverage and the inventories of the sample document."""

from kubeaudit.findings import (
    AdminRow,
    Coverage,
    EntryPointRow,
    ObjectClass,
    Reason,
    Run,
    Subject,
    Tool,
    Undecided,
    Unseen,
)
from kubeaudit.proof import State
from kubeaudit.refs import ObjectRef
from kubeaudit.snapshot import BadDocument, Gap, Outcome, Read

from .names import ADMIN_ROLE, ANSI, CONSOLE_BINDING, CONSOLE_INGRESS, FRONTEND_SERVICE, POLICIES_UNREAD, RBAC

RUN = Run(
    Tool("kubeaudit", "0.4.0", "default", "5f2a" * 16),
    "2026-11-24T06:17:00Z",
    "2026-11-24T06:17:09Z",
    9.4,
    "live",
    "2026-11-24T06:17:03Z",
    cluster_id="4a7c1f0e-9d0b-4c1e-8f63-0d5e1d7c9b11",
    context="prod-eu-1",
    server_url="https://203.0.113.1:6443",
    server_version="v1.36.3",
    profile="EKS",
    cni="aws-vpc-cni",
    cni_evidence="DaemonSet kube-system/aws-node",
    user="system:serviceaccount:kubeaudit:kubeaudit",
    groups=("system:serviceaccounts", "system:authenticated"),
    flags=("--now=2026-11-24T06:17:00Z",),
    config_sha256="9c0d" * 16,
    objects={"pods": 1204, "services": 88, "deployments.apps": 163, "clusterroles.rbac.authorization.k8s.io": 74},
    requests=61,
    bytes=18_400_221,
    throttled=2,
    reads=(
        Read("pods", "", Outcome.PARTIAL, "v1", 1204, 410, "the continue token expired twice", 4, 15_000_000, 2, 3.21),
        Read("services", "", Outcome.COMPLETE, "v1", 88, 200, "", 1, 210_400, 0, 0.09),
        Read("deployments.apps", "", Outcome.COMPLETE, "v1", 163, 200, "", 1, 1_190_000, 0, 0.41),
        Read(
            "networkpolicies.networking.k8s.io", "payments", Outcome.REFUSED, "v1", 0, 403, "forbidden", 1, 310, 0, 0.02
        ),
        Read("httproutes.gateway.networking.k8s.io", "", Outcome.NOT_SERVED),
        Read("configmaps", "", Outcome.NOT_ASKED),
    ),
)

COVERAGE = Coverage(
    selected=15,
    evaluated=11,
    not_evaluated=3,
    not_applicable=1,
    ratio=11 / 14,
    gaps=(
        Gap("configmaps", "", "opt-in"),
        Gap(
            "networkpolicies.networking.k8s.io",
            "payments",
            "forbidden",
            403,
            'User "kubeaudit" cannot list resource "networkpolicies" in namespace "payments"',
        ),
        Gap("pods", "", "read-incomplete", 410, "the continue token expired twice"),
    ),
    disabled={"networkpolicies.networking.k8s.io": ("meta-pod-egress", "net-namespace-no-policy"), "configmaps": ()},
    grants={
        "networkpolicies.networking.k8s.io": (
            "- {apiGroups: [networking.k8s.io], verbs: [list], resources: [networkpolicies]}"
        ),
        "configmaps": '- {apiGroups: [""], verbs: [list], resources: [configmaps]}',
    },
    bad=(
        BadDocument("manifests/shop.yaml", "the document has no field kind", 3, 41),
        BadDocument("manifests/<b>.yaml", "mapping values are not allowed here", 1, 7, ObjectRef("Pod", "shop", ANSI)),
    ),
)

ENTRY_POINTS = (
    EntryPointRow(
        "entry-point/shop/Service/frontend/443",
        "Service shop/frontend:443",
        FRONTEND_SERVICE,
        "internet",
        State.YES,
        "203.0.113.7",
        "443/TCP",
        "passthrough",
        ("Deployment shop/frontend",),
    ),
    EntryPointRow(
        "entry-point/tools/Ingress/console",
        "console.example.com/",
        CONSOLE_INGRESS,
        "internet",
        State.YES,
        "203.0.113.20",
        "80/TCP",
        "none",
        ("Deployment tools/console",),
    ),
    EntryPointRow(
        "entry-point/payments/Service/gateway/8443",
        "Service payments/gateway:8443",
        ObjectRef("Service", "payments", "gateway"),
        "internet",
        State.UNKNOWN,
        "",
        "8443/TCP",
        "unknown",
        ("Deployment payments/gateway", "Deployment payments/gateway-canary"),
    ),
)

ADMINS = (
    AdminRow("ServiceAccount tools/console", CONSOLE_BINDING, ADMIN_ROLE),
    AdminRow(
        "User jane@example.com",
        ObjectRef("ClusterRoleBinding", "", "ops", RBAC),
        ObjectRef("ClusterRole", "", "ops-all", RBAC),
        via="escalate on clusterroles",
    ),
    AdminRow(
        "Group system:masters",
        ObjectRef("ClusterRoleBinding", "", "cluster-admin", RBAC),
        ADMIN_ROLE,
        ObjectClass.BUILTIN,
    ),
)

UNDECIDED = (
    Undecided("net-namespace-no-policy", Subject(ObjectRef("Namespace", "", "payments")), (POLICIES_UNREAD,)),
    Undecided(
        "net-cni-enforces",
        Subject(ObjectRef("Cluster", "", "prod-eu-1")),
        (Unseen(Reason.UNKNOWN_IMPLEMENTATION, detail="no DaemonSet of a known network plugin was found"),),
    ),
    Undecided(
        "meta-pod-egress",
        Subject(ObjectRef("Deployment", "payments", "gateway", "apps")),
        (POLICIES_UNREAD,),
        "the pods' egress policies were not read",
    ),
)

ANSWER = (
    "1 way leads from the internet to cluster-admin.",
    "1 internet-facing workload reaches cloud metadata; for 5 workloads it cannot be decided.",
    "3 checks of 15 were not evaluated, because 3 kinds were not read to their end.",
)
