"""The findings of the sample document."""

from kubeaudit.findings import (
    Cause,
    Certainty,
    Exposure,
    Finding,
    ObjectClass,
    Patch,
    Subject,
    short_hash,
)
from kubeaudit.proof import Evidence, field, missing, recheck
from kubeaudit.refs import ObjectRef
from kubeaudit.settings import Severity

from .names import (
    ADMIN_ROLE,
    ANSI,
    CONSOLE,
    CONSOLE_BINDING,
    CONSOLE_PATH,
    FRONTEND,
    FRONTEND_SERVICE,
    LONG,
    MARKUP,
    METADATA_PATH,
    RBAC,
    RTL,
    SHOP,
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


NO_EGRESS = Cause(SHOP, "has no NetworkPolicy with egress rules")
EXCEPT = Patch(
    "spec:\n  egress: []\n",
    "spec:\n  policyTypes: [Egress]\n  egress:\n  - to:\n    - ipBlock:\n"
    "        cidr: 0.0.0.0/0\n        except: [169.254.169.254/32]\n",
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
    admin = finding(
        "rbac-cluster-admin",
        Severity.CRITICAL,
        CONSOLE_BINDING,
        "ServiceAccount tools/console is cluster-admin.",
        (
            field(CONSOLE_BINDING, ("roleRef", "name"), "cluster-admin"),
            field(
                CONSOLE_BINDING, ("subjects", 0), {"kind": "ServiceAccount", "name": "console", "namespace": "tools"}
            ),
            field(ADMIN_ROLE, ("rules", 0, "verbs"), ["*"], note="every verb on every resource"),
        ),
        exposure=Exposure.INTERNET,
        remediation="Remove the subject from the binding and bind a role with the rights the console uses.",
        paths=(CONSOLE_PATH,),
    )
    return [admin, *(_open_balancer(service) for service in (FRONTEND_SERVICE, old))]


def _open_balancer(service: ObjectRef) -> Finding:
    return finding(
        "exp-lb-open-source-ranges",
        Severity.MEDIUM,
        service,
        f"{service} takes connections from every address.",
        (field(service, ("spec", "type"), "LoadBalancer"), missing(service, ("spec", "loadBalancerSourceRanges"))),
        exposure=Exposure.INTERNET,
        certainty=Certainty.INFERRED,
        remediation="Set spec.loadBalancerSourceRanges.",
    )


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
