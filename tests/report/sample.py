"""A result document with everything an output must cope with: gaps, an unknown path, hostile names, a 64 kB value."""

from kubeaudit.findings import (
    AdminRow,
    AssumptionUse,
    Cause,
    Cell,
    Certainty,
    CheckResult,
    Counts,
    Coverage,
    EntryPointRow,
    Exposure,
    Finding,
    Hop,
    ObjectClass,
    Patch,
    PathResult,
    Reason,
    Reference,
    Run,
    ScanResult,
    Subject,
    Tool,
    Undecided,
    Unseen,
    Verdict,
    short_hash,
)
from kubeaudit.proof import Evidence, State, field, missing, recheck
from kubeaudit.refs import ObjectRef
from kubeaudit.settings import Severity
from kubeaudit.snapshot import BadDocument, Gap, Outcome, Read

MARKUP = 'frontend"><script>alert(1)</script>'
ANSI = "evil\x1b[31mred\x1b[0m\x07"
RTL = "pay\u202egnp.exe"
LONG = "x" * 65_536

RBAC = "rbac.authorization.k8s.io"
NETWORKING = "networking.k8s.io"

FRONTEND = ObjectRef("Deployment", "shop", "frontend", "apps")
CONSOLE = ObjectRef("Deployment", "tools", "console", "apps")
CONSOLE_BINDING = ObjectRef("ClusterRoleBinding", "", "console-admin", RBAC)
ADMIN_ROLE = ObjectRef("ClusterRole", "", "cluster-admin", RBAC)
FRONTEND_SERVICE = ObjectRef("Service", "shop", "frontend")
CONSOLE_INGRESS = ObjectRef("Ingress", "tools", "console", NETWORKING)
SHOP = ObjectRef("Namespace", "", "shop")


def check_result(
    name: str,
    theme: str,
    title: str,
    severity: Severity,
    verdict: Verdict,
    counts: Counts,
    *,
    folded: Counts | None = None,
    unseen: tuple[Unseen, ...] = (),
    description: str = "",
    remediation: str = "",
    references: tuple[Reference, ...] = (),
    original_severity: Severity | None = None,
) -> CheckResult:
    return CheckResult(
        name,
        theme,
        title,
        severity,
        verdict,
        counts,
        folded or Counts(),
        "partial" if unseen and verdict is Verdict.FAIL else "full",
        unseen,
        description,
        remediation,
        references,
        original_severity,
    )


POLICIES_UNREAD = Unseen(Reason.FORBIDDEN, "networkpolicies.networking.k8s.io", "payments")

CHECKS = (
    check_result(
        "rbac-cluster-admin",
        "rbac",
        "cluster-admin or an equal role bound to a non-system subject",
        Severity.CRITICAL,
        Verdict.FAIL,
        Counts(41, 1, 0, 0),
        folded=Counts(12, 1, 0, 0),
        description="Whoever holds this role controls every object of the cluster, its nodes and the credentials in its Secrets.",
        remediation="Bind a role that names the verbs and resources the subject uses.",
        references=(Reference("CIS Kubernetes 1.12", "5.1.1"), Reference("MITRE ATT&CK", "T1078.004")),
    ),
    check_result(
        "pod-privileged",
        "workload",
        "Container runs privileged",
        Severity.CRITICAL,
        Verdict.FAIL,
        Counts(212, 2, 0, 0),
        folded=Counts(3, 4, 0, 0),
        description="A privileged container has every capability and sees the node's devices; code in it becomes root on the node.",
        remediation="Set securityContext.privileged to false and add only the capabilities the container needs.",
        references=(Reference("CIS Kubernetes 1.12", "5.2.2"), Reference("OWASP Kubernetes 2025", "K01")),
    ),
    check_result(
        "meta-pod-egress",
        "network",
        "Pod egress to a cloud metadata address is allowed",
        Severity.HIGH,
        Verdict.FAIL,
        Counts(3, 14, 5, 9),
        unseen=(POLICIES_UNREAD,),
        description="A pod that opens 169.254.169.254 obtains the cloud identity of its node.",
        remediation="Add an egress NetworkPolicy that excepts 169.254.169.254/32.",
        references=(Reference("MITRE ATT&CK", "T1552.005"),),
    ),
    check_result(
        "exp-lb-open-source-ranges",
        "exposure",
        "Load balancer without source ranges",
        Severity.MEDIUM,
        Verdict.FAIL,
        Counts(1, 2, 0, 0),
        description="Every address of the internet may open a connection to it.",
        remediation="Set spec.loadBalancerSourceRanges to the addresses that need it.",
    ),
    check_result(
        "pod-run-as-non-root",
        "workload",
        "Container is not forced to run as non-root",
        Severity.MEDIUM,
        Verdict.FAIL,
        Counts(180, 3, 0, 0),
        description="A process that runs as user 0 needs one kernel flaw less to leave its container.",
        references=(Reference("CIS Kubernetes 1.12", "5.2.7"),),
        original_severity=Severity.LOW,
    ),
    check_result(
        "pod-writable-root-fs",
        "workload",
        "Root filesystem is writable",
        Severity.LOW,
        Verdict.FAIL,
        Counts(150, 1, 0, 0),
        description="An attacker may place tools in the container.",
    ),
    check_result("res-cpu-limit", "workload", "CPU limit missing", Severity.INFO, Verdict.FAIL, Counts(20, 1, 0, 0)),
    check_result(
        "net-namespace-no-policy",
        "network",
        "Namespace with pods and no network policy of any kind",
        Severity.MEDIUM,
        Verdict.NOT_EVALUATED,
        Counts(4, 0, 2, 0),
        unseen=(POLICIES_UNREAD,),
    ),
    check_result(
        "net-cni-enforces",
        "network",
        "CNI does not enforce NetworkPolicy",
        Severity.HIGH,
        Verdict.NOT_EVALUATED,
        Counts(0, 0, 1, 0),
        unseen=(Unseen(Reason.UNKNOWN_IMPLEMENTATION, detail="no DaemonSet of a known network plugin was found"),),
    ),
    check_result(
        "cp-anonymous-auth",
        "control-plane",
        "API server admits anonymous callers",
        Severity.HIGH,
        Verdict.NOT_EVALUATED,
        Counts(0, 0, 1, 0),
        unseen=(Unseen(Reason.CONTROL_PLANE_NOT_VISIBLE, detail="the provider runs the control plane"),),
    ),
    check_result(
        "rbac-anonymous",
        "rbac",
        "Rights granted to anonymous callers",
        Severity.CRITICAL,
        Verdict.PASS,
        Counts(53, 0, 0, 0),
    ),
    check_result(
        "rbac-impersonate", "rbac", "Impersonates users or groups", Severity.CRITICAL, Verdict.PASS, Counts(53, 0, 0, 0)
    ),
    check_result(
        "pod-runtime-socket",
        "workload",
        "Container runtime socket mounted",
        Severity.CRITICAL,
        Verdict.PASS,
        Counts(214, 0, 0, 0),
    ),
    check_result(
        "pod-host-pid",
        "workload",
        "Pod shares the host process namespace",
        Severity.HIGH,
        Verdict.PASS,
        Counts(214, 0, 0, 0),
    ),
    check_result(
        "sandbox-egress",
        "workload",
        "Agent sandbox without an egress policy",
        Severity.HIGH,
        Verdict.NOT_APPLICABLE,
        Counts(0, 0, 0, 3),
    ),
)


def workload(name: str, namespace: str = "shop", kind: str = "Deployment") -> ObjectRef:
    return ObjectRef(kind, namespace, name, "apps")


def finding(
    check: str,
    severity: Severity,
    obj: ObjectRef,
    message: str,
    evidence: tuple[Evidence, ...],
    *,
    cause: Cause | None = None,
    container: str = "",
    exposure: Exposure = Exposure.NONE,
    object_class: ObjectClass = ObjectClass.USER,
    certainty: Certainty = Certainty.OBSERVED,
    pods: tuple[str, ...] = (),
    remediation: str = "",
    patch: Patch | None = None,
    paths: tuple[str, ...] = (),
    drift: bool = False,
) -> Finding:
    return Finding(
        check,
        severity,
        certainty,
        Subject(obj, "apps/v1" if obj.group == "apps" else "v1", container=container, object_class=object_class),
        message,
        cause or Cause(obj, "its own specification"),
        evidence,
        short_hash(check, str(obj), container) * 4,
        short_hash(*(item.value for item in evidence)),
        exposure=exposure,
        instances=len(pods),
        pods=pods,
        drift=drift,
        remediation=remediation,
        patch=patch,
        paths=paths,
        recheck=tuple(recheck(item) for item in evidence),
    )


CONSOLE_PATH = short_hash("console")
METADATA_PATH = short_hash("metadata")
UNKNOWN_PATH = short_hash("payments")

NO_EGRESS = Cause(SHOP, "has no NetworkPolicy with egress rules")
EXCEPT = Patch(
    "spec:\n  egress: []\n",
    "spec:\n  policyTypes: [Egress]\n  egress:\n  - to:\n    - ipBlock:\n        cidr: 0.0.0.0/0\n        except: [169.254.169.254/32]\n",
)


def egress_findings() -> list[Finding]:
    names = [f"worker-{number:02d}" for number in range(1, 13)]
    objects = [FRONTEND, *(workload(name) for name in names), workload(MARKUP)]
    return [
        finding(
            "meta-pod-egress",
            Severity.HIGH,
            obj,
            f"{obj} may open 169.254.169.254:80.",
            (missing(SHOP, ("networkpolicies",), note="no egress policy selects its pods"),),
            cause=NO_EGRESS,
            exposure=Exposure.INTERNET if obj is FRONTEND else Exposure.INTERNAL,
            pods=(f"{obj.name}-7d9c5b6f4-x2x9p",),
            remediation="Add an egress NetworkPolicy to namespace shop that excepts 169.254.169.254/32.",
            patch=EXCEPT,
            paths=(METADATA_PATH,) if obj is FRONTEND else (),
        )
        for obj in objects
    ]


def container_field(name: str, *rest: str) -> tuple[str | int, ...]:
    return ("spec", "template", "spec", "containers", 0, *rest) if name else rest


def workload_findings() -> list[Finding]:
    privileged = container_field("app", "securityContext", "privileged")
    drop = Patch(
        "containers:\n- name: app\n  securityContext:\n    privileged: true\n",
        "containers:\n- name: app\n  securityContext:\n    privileged: false\n",
    )
    found = [
        finding(
            "pod-privileged",
            Severity.CRITICAL,
            obj,
            f"Container app of {obj} runs privileged.",
            (field(obj, privileged, True),),
            container="app",
            exposure=exposure,
            pods=(f"{obj.name}-0", f"{obj.name}-1"),
            remediation="Set securityContext.privileged to false.",
            patch=drop,
        )
        for obj, exposure in ((CONSOLE, Exposure.INTERNET), (workload("builder", "ci", "StatefulSet"), Exposure.NONE))
    ]
    for index, name in enumerate((ANSI, RTL, "billing")):
        obj = workload(name)
        found.append(
            finding(
                "pod-run-as-non-root",
                Severity.MEDIUM,
                obj,
                f"Container app of {obj} may run as root.",
                (
                    missing(
                        obj,
                        container_field("app", "securityContext", "runAsNonRoot"),
                        note="set neither here nor for the pod",
                    ),
                ),
                container="app",
                drift=index == 2,
            )
        )
    batch = workload(
        "batch-importer-with-a-very-long-name-that-has-to-break.eu-central-1.internal", "data-platform-production"
    )
    found.append(
        finding(
            "pod-writable-root-fs",
            Severity.LOW,
            batch,
            "The root filesystem of container app is writable.",
            (field(batch, ("metadata", "annotations", "example.com/notes"), LONG),),
            container="app",
        )
    )
    found.append(
        finding(
            "res-cpu-limit",
            Severity.INFO,
            batch,
            "Container app has no CPU limit.",
            (missing(batch, container_field("app", "resources", "limits", "cpu")),),
        )
    )
    return found


def other_findings() -> list[Finding]:
    old = ObjectRef("Service", "shop", "legacy-api")
    found = [
        finding(
            "rbac-cluster-admin",
            Severity.CRITICAL,
            CONSOLE_BINDING,
            "ServiceAccount tools/console is cluster-admin.",
            (
                field(CONSOLE_BINDING, ("roleRef", "name"), "cluster-admin"),
                field(
                    CONSOLE_BINDING,
                    ("subjects", 0),
                    {"kind": "ServiceAccount", "name": "console", "namespace": "tools"},
                ),
                field(ADMIN_ROLE, ("rules", 0, "verbs"), ["*"], note="every verb on every resource"),
            ),
            exposure=Exposure.INTERNET,
            remediation="Remove the subject from the binding and bind a role with the rights the console uses.",
            paths=(CONSOLE_PATH,),
        )
    ]
    for service in (FRONTEND_SERVICE, old):
        found.append(
            finding(
                "exp-lb-open-source-ranges",
                Severity.MEDIUM,
                service,
                f"{service} takes connections from every address.",
                (
                    field(service, ("spec", "type"), "LoadBalancer"),
                    missing(service, ("spec", "loadBalancerSourceRanges")),
                ),
                exposure=Exposure.INTERNET,
                certainty=Certainty.INFERRED,
                remediation="Set spec.loadBalancerSourceRanges.",
            )
        )
    return found


def folded_findings() -> list[Finding]:
    objects = [
        (workload(name, "kube-system", "DaemonSet"), cls)
        for name, cls in (
            ("kube-proxy", ObjectClass.SYSTEM),
            ("aws-node", ObjectClass.VENDOR),
            ("csi-node", ObjectClass.VENDOR),
            ("node-agent", ObjectClass.SYSTEM),
        )
    ]
    found = [
        finding(
            "pod-privileged",
            Severity.CRITICAL,
            obj,
            f"{obj} runs privileged.",
            (field(obj, container_field("app", "securityContext", "privileged"), True),),
            object_class=object_class,
        )
        for obj, object_class in objects
    ]
    masters = ObjectRef("ClusterRoleBinding", "", "cluster-admin", RBAC)
    found.append(
        finding(
            "rbac-cluster-admin",
            Severity.CRITICAL,
            masters,
            "Group system:masters is cluster-admin.",
            (field(masters, ("roleRef", "name"), "cluster-admin"),),
            object_class=ObjectClass.BUILTIN,
        )
    )
    return found


def hop(
    row: str,
    source: tuple[str, str],
    target: tuple[str, str],
    verb: str,
    sentence: str,
    evidence: tuple[Evidence, ...],
    *,
    state: State = State.YES,
    confidence: str = "obj",
    effort: int = 1,
    fix: str = "",
    assumptions: tuple[AssumptionUse, ...] = (),
    unseen: tuple[Unseen, ...] = (),
    techniques: tuple[str, ...] = (),
) -> Hop:
    return Hop(
        row,
        source[0],
        target[0],
        source[1],
        target[1],
        verb,
        sentence,
        state,
        confidence,
        effort,
        evidence,
        assumptions,
        unseen,
        techniques,
        fix,
        tuple(recheck(item) for item in evidence),
    )


RCE = AssumptionUse("rce", "an exposed application has a flaw that runs an attacker's code")
SSRF = AssumptionUse("ssrf", "an exposed application has a flaw that sends requests for an attacker")
HOP_LIMIT = AssumptionUse("imds_hop_limit", "the metadata service's hop limit lets pods in", "unknown")

INTERNET = ("internet", "internet")
CONSOLE_ENTRY = ("entry-point/tools/Ingress/console", "Ingress tools/console")
CONSOLE_NET = ("workload/tools/Deployment/console.net", "Deployment tools/console")
CONSOLE_CTL = ("workload/tools/Deployment/console.ctl", "Deployment tools/console")
CONSOLE_SA = ("service-account/tools/console", "ServiceAccount tools/console")
ADMIN = ("sink/cluster-admin", "cluster-admin")
LB = ("entry-point/shop/Service/frontend/443", "Service shop/frontend:443")
FRONT_NET = ("workload/shop/Deployment/frontend.net", "Deployment shop/frontend")
FRONT_SSRF = ("workload/shop/Deployment/frontend.ssrf", "Deployment shop/frontend")
METADATA = ("metadata/169.254.169.254", "metadata 169.254.169.254")
NODE_ROLE = ("cloud-identity/aws/shop-node", "role arn:aws:iam::123456789012:role/eks-shop-node-group-production")
PAY_NET = ("workload/payments/Deployment/gateway.net", "Deployment payments/gateway")
PAY_LB = ("entry-point/payments/Service/gateway/8443", "Service payments/gateway:8443")
PAY_DB = ("workload/payments/StatefulSet/ledger.net", f"StatefulSet payments/{MARKUP}")
SECRETS = ("sink/all-secrets", "all secrets")


def console_path() -> PathResult:
    hops = (
        hop(
            "EXP-107",
            INTERNET,
            CONSOLE_ENTRY,
            "may connect to",
            "The Ingress takes connections for console.example.com from every address.",
            (
                field(CONSOLE_INGRESS, ("spec", "rules", 0, "host"), "console.example.com"),
                field(CONSOLE_INGRESS, ("status", "loadBalancer", "ingress", 0, "ip"), "203.0.113.20"),
            ),
            fix="Ingress tools/console: set nginx.ingress.kubernetes.io/whitelist-source-range",
            techniques=("T1190",),
        ),
        hop(
            "EXP-111",
            CONSOLE_ENTRY,
            CONSOLE_NET,
            "leads to",
            "Its backend is Service tools/console, whose pods are those of Deployment console.",
            (
                field(
                    CONSOLE_INGRESS, ("spec", "rules", 0, "http", "paths", 0, "backend", "service", "name"), "console"
                ),
            ),
            effort=0,
        ),
        hop(
            "EXP-121",
            CONSOLE_NET,
            CONSOLE_CTL,
            "may be taken over through a flaw",
            "If the application has a flaw that runs code, the attacker runs code in its container.",
            (field(CONSOLE, container_field("app", "image"), "registry.example.com/console:2.4"),),
            confidence="env",
            effort=5,
            assumptions=(RCE,),
        ),
        hop(
            "EXP-501",
            CONSOLE_CTL,
            CONSOLE_SA,
            "runs as",
            "The token of the ServiceAccount is mounted into the container.",
            (
                field(CONSOLE, ("spec", "template", "spec", "serviceAccountName"), "console"),
                missing(
                    CONSOLE, ("spec", "template", "spec", "automountServiceAccountToken"), note="mounted by default"
                ),
            ),
            fix="Deployment tools/console: set automountServiceAccountToken to false",
        ),
        hop(
            "EXP-601",
            CONSOLE_SA,
            ADMIN,
            "is",
            "ClusterRoleBinding console-admin gives it every verb on every resource.",
            (field(CONSOLE_BINDING, ("roleRef", "name"), "cluster-admin"),),
            effort=0,
            fix="ClusterRoleBinding console-admin: remove subject ServiceAccount tools/console",
        ),
    )
    return PathResult(
        CONSOLE_PATH,
        short_hash("console", "route"),
        INTERNET[0],
        "internet",
        ADMIN[0],
        "cluster-admin",
        "cluster-admin",
        State.YES,
        Severity.CRITICAL,
        7,
        hops,
    )


def metadata_path() -> PathResult:
    hops = (
        hop(
            "EXP-101",
            INTERNET,
            LB,
            "may connect to",
            "The load balancer has the public address 203.0.113.7.",
            (field(FRONTEND_SERVICE, ("status", "loadBalancer", "ingress", 0, "ip"), "203.0.113.7"),),
            fix="Service shop/frontend: set spec.loadBalancerSourceRanges",
        ),
        hop(
            "EXP-112",
            LB,
            FRONT_NET,
            "leads to",
            "Its selector matches the pods of Deployment frontend.",
            (field(FRONTEND_SERVICE, ("spec", "selector"), {"app": "frontend"}),),
            effort=0,
        ),
        hop(
            "EXP-122",
            FRONT_NET,
            FRONT_SSRF,
            "may be made to send requests",
            "If the application has a request forgery flaw, it sends requests for the attacker.",
            (field(FRONTEND, container_field("app", "image"), "registry.example.com/shop/frontend:1.9"),),
            confidence="env",
            effort=5,
            assumptions=(SSRF,),
        ),
        hop(
            "EXP-301",
            FRONT_SSRF,
            METADATA,
            "may connect to",
            "No egress policy selects its pods, so they may open 169.254.169.254:80.",
            (missing(SHOP, ("networkpolicies",)),),
            fix="NetworkPolicy shop/default: add egress except 169.254.169.254/32",
            techniques=("T1552.005",),
        ),
        hop(
            "EXP-311",
            METADATA,
            NODE_ROLE,
            "hands out",
            "The metadata service answers with credentials of the node's role.",
            (
                field(
                    ObjectRef("Node", "", "ip-10-0-1-17.eu-central-1.compute.internal"),
                    ("spec", "providerID"),
                    "aws:///eu-central-1a/i-0abc",
                ),
            ),
            confidence="env",
            assumptions=(HOP_LIMIT,),
        ),
    )
    return PathResult(
        METADATA_PATH,
        short_hash("metadata", "route"),
        INTERNET[0],
        "internet",
        NODE_ROLE[0],
        NODE_ROLE[1],
        "cloud identity",
        State.YES,
        Severity.HIGH,
        8,
        hops,
    )


def unknown_path() -> PathResult:
    service = ObjectRef("Service", "payments", "gateway")
    hops = (
        hop(
            "EXP-101",
            INTERNET,
            PAY_LB,
            "may connect to",
            "The load balancer has the public address 203.0.113.9.",
            (field(service, ("status", "loadBalancer", "ingress", 0, "ip"), "203.0.113.9"),),
        ),
        hop(
            "EXP-112",
            PAY_LB,
            PAY_NET,
            "leads to",
            "Its selector matches the pods of Deployment gateway.",
            (field(service, ("spec", "selector"), {"app": "gateway"}),),
            effort=0,
        ),
        hop(
            "EXP-151",
            PAY_NET,
            PAY_DB,
            "may connect to",
            "Whether a policy keeps the traffic out cannot be told: the policies of namespace payments were not read.",
            (),
            state=State.UNKNOWN,
            confidence="env",
            unseen=(POLICIES_UNREAD,),
        ),
        hop(
            "EXP-611",
            PAY_DB,
            SECRETS,
            "may read",
            "Its ServiceAccount may list Secrets in every namespace.",
            (field(ObjectRef("ClusterRole", "", "ledger", RBAC), ("rules", 0, "resources"), ["secrets"]),),
        ),
    )
    return PathResult(
        UNKNOWN_PATH,
        short_hash("payments", "route"),
        INTERNET[0],
        "internet",
        SECRETS[0],
        "all secrets",
        "all-secrets",
        State.UNKNOWN,
        Severity.CRITICAL,
        3,
        hops,
    )


MATRIX = (
    Cell("internet", "cluster-admin", "yes", 1, (CONSOLE_PATH,)),
    Cell("internet", "all-secrets", "unknown", 1, (UNKNOWN_PATH,)),
    Cell("internet", "node-root", "none", 0),
    Cell("internet", "cloud identity", "yes", 1, (METADATA_PATH,)),
    Cell("anonymous", "cluster-admin", "none", 0),
    Cell("anonymous", "all-secrets", "none", 0),
    Cell("anonymous", "node-root", "none", 0),
    Cell("anonymous", "cloud identity", "none", 0),
    Cell("tenant: shop", "cluster-admin", "none", 0),
    Cell("tenant: shop", "all-secrets", "none", 0),
    Cell("tenant: shop", "node-root", "none", 0),
    Cell("tenant: shop", "cloud identity", "none", 0),
)

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
        "networkpolicies.networking.k8s.io": "- {apiGroups: [networking.k8s.io], verbs: [list], resources: [networkpolicies]}",
        "configmaps": '- {apiGroups: [""], verbs: [list], resources: [configmaps]}',
    },
    bad=(
        BadDocument("manifests/shop.yaml", "the document has no field kind", 3, 41),
        BadDocument("manifests/<b>.yaml", "mapping values are not allowed here", 1, 7, ObjectRef("Pod", "shop", ANSI)),
    ),
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


def sample() -> ScanResult:
    found = [*other_findings(), *workload_findings(), *egress_findings(), *folded_findings()]
    return ScanResult(
        RUN,
        ANSWER,
        COVERAGE,
        CHECKS,
        tuple(found),
        UNDECIDED,
        MATRIX,
        (console_path(), metadata_path(), unknown_path()),
        ENTRY_POINTS,
        ADMINS,
        (
            AssumptionUse("cloud_firewall_open", "the cloud's firewall lets traffic to node ports pass", "no"),
            RCE,
            SSRF,
            HOP_LIMIT,
        ),
    )


def empty() -> ScanResult:
    """A run that read everything and found nothing to report."""
    run = Run(RUN.tool, RUN.start, RUN.end, 0.4, "manifests")
    checks = (
        check_result(
            "pod-privileged",
            "workload",
            "Container runs privileged",
            Severity.CRITICAL,
            Verdict.PASS,
            Counts(1, 0, 0, 0),
        ),
    )
    return ScanResult(run, ("No fault was found.",), Coverage(1, 1, 0, 0, 1.0, ()), checks, ())


def many(count: int, severity: Severity = Severity.HIGH) -> ScanResult:
    """A result with ``count`` findings of realistic size, 50 to a cause."""
    found = []
    for number in range(count):
        namespace = f"team-{number // 50:03d}"
        obj = workload(f"service-{number:05d}-production", namespace)
        found.append(
            finding(
                "pod-run-as-non-root",
                severity,
                obj,
                f"Container app of {obj} may run as root.",
                (
                    missing(
                        obj,
                        container_field("app", "securityContext", "runAsNonRoot"),
                        note="set neither here nor for the pod",
                    ),
                    field(obj, container_field("app", "image"), f"registry.example.com/{namespace}/service:{number}"),
                ),
                cause=Cause(ObjectRef("Namespace", "", namespace), "has no admission rule that forces non-root"),
                container="app",
                pods=tuple(f"{obj.name}-7d9c5b6f4-{index}" for index in range(3)),
                remediation=f"Set securityContext.runAsNonRoot of container app in {obj} to true.",
                patch=Patch(
                    "containers:\n- name: app\n",
                    "containers:\n- name: app\n  securityContext:\n    runAsNonRoot: true\n",
                ),
            )
        )
    base = sample()
    return ScanResult(base.run, base.answer, base.coverage, base.checks, tuple(found))
