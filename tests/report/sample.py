"""A result document with everything an output must cope with: gaps, an unknown path, hostile names, a 64 kB value."""

from kubeaudit.findings import (
    AssumptionUse,
    Cause,
    Counts,
    Coverage,
    Patch,
    Run,
    ScanResult,
    Verdict,
)
from kubeaudit.proof import field, missing
from kubeaudit.refs import ObjectRef
from kubeaudit.settings import Severity

from .sample_checks import CHECKS, check_result
from .sample_findings import (
    container_field,
    egress_findings,
    finding,
    folded_findings,
    other_findings,
    workload,
    workload_findings,
)
from .sample_paths import HOP_LIMIT, MATRIX, RCE, SSRF, console_path, metadata_path, unknown_path
from .sample_run import ADMINS, ANSWER, COVERAGE, ENTRY_POINTS, RUN, UNDECIDED


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
