"""Findings by check and cause, worst first (CHK-15, CHK-23)."""

from msgspec.structs import replace

from kubeaudit.findings import Exposure, Finding, ObjectClass, ScanResult
from kubeaudit.report.groups import by_check, class_counts
from kubeaudit.settings import Severity

from .sample import sample


def test_every_finding_stands_in_exactly_one_group() -> None:
    result = sample()
    grouped = [f.fingerprint for name in ObjectClass for group in by_check(result, {name}) for f in group.findings]
    assert sorted(grouped) == sorted(finding.fingerprint for finding in result.findings)
    assert sum(class_counts(result).values()) == len(result.findings)


def test_chk_15_worst_first_then_exposure_then_number() -> None:
    order = [group.check.id for group in by_check(sample(), {ObjectClass.USER})]
    assert order == [
        "pod-privileged",
        "rbac-cluster-admin",
        "meta-pod-egress",
        "exp-lb-open-source-ranges",
        "pod-run-as-non-root",
        "pod-writable-root-fs",
        "res-cpu-limit",
    ]


def test_one_missing_policy_is_one_cause_with_its_workloads() -> None:
    group = next(group for group in by_check(sample(), {ObjectClass.USER}) if group.check.id == "meta-pod-egress")
    assert [len(cause.findings) for cause in group.causes] == [14]
    assert group.causes[0].findings[0].exposure is Exposure.INTERNET


def test_objects_are_counted_once_however_many_containers_fail() -> None:
    result = sample()
    first = next(finding for finding in result.findings if finding.check == "pod-privileged")
    second = replace(first, subject=replace(first.subject, container="sidecar"), fingerprint="other")
    (group,) = by_check(only(result, first, second), {ObjectClass.USER})
    assert (group.count, group.objects) == (2, 1)


def test_a_check_the_document_does_not_list_is_shown_under_its_id() -> None:
    result = sample()
    stray = replace(result.findings[0], check="team-own-check", severity=Severity.LOW)
    (group,) = by_check(only(result, stray), {ObjectClass.USER})
    assert (group.check.id, group.check.title, group.severity) == ("team-own-check", "team-own-check", Severity.LOW)


def only(result: ScanResult, *found: Finding) -> ScanResult:
    return replace(result, findings=found)
