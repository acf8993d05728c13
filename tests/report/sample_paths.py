"""The paths and the matrix of the sample document."""

from kubeaudit.findings import (
    AssumptionUse,
    Cell,
    Hop,
    PathResult,
    Unseen,
    short_hash,
)
from kubeaudit.proof import Evidence, State, field, missing, recheck
from kubeaudit.refs import ObjectRef
from kubeaudit.settings import Severity

from .names import (
    CONSOLE,
    CONSOLE_BINDING,
    CONSOLE_INGRESS,
    CONSOLE_PATH,
    FRONTEND,
    FRONTEND_SERVICE,
    MARKUP,
    METADATA_PATH,
    POLICIES_UNREAD,
    RBAC,
    SHOP,
    UNKNOWN_PATH,
)
from .sample_findings import container_field


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
