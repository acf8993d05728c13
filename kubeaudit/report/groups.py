"""Findings as people read them: by check, worst first, and by cause inside a check.

The order is that of CHK-15: severity, then exposure, then how many objects or pods are concerned.
"""

from collections.abc import Collection, Iterable

from msgspec import Struct

from kubeaudit.findings import Cause, CheckResult, Counts, Exposure, Finding, ObjectClass, ScanResult, Verdict
from kubeaudit.settings import Severity

FOLDED = (ObjectClass.VENDOR, ObjectClass.SYSTEM, ObjectClass.BUILTIN)
"""Classes that stand in one line each unless they are asked for (CHK-23)."""

_EXPOSURE_RANK = {exposure: rank for rank, exposure in enumerate(Exposure)}


class CauseGroup(Struct, frozen=True):
    """Findings of one check that one object, field or absence decides."""

    cause: Cause
    findings: tuple[Finding, ...]

    @property
    def objects(self) -> int:
        """How many objects the findings are about; an object has one finding per container and value."""
        return len({finding.subject.object for finding in self.findings})

    @property
    def severity(self) -> Severity:
        """The worst severity among the findings."""
        return worst(self.findings)


class CheckGroup(Struct, frozen=True):
    """All findings of one check."""

    check: CheckResult
    causes: tuple[CauseGroup, ...]

    @property
    def severity(self) -> Severity:
        """The worst severity among the findings."""
        return worst(self.findings)

    @property
    def count(self) -> int:
        """How many findings the group has."""
        return sum(len(cause.findings) for cause in self.causes)

    @property
    def findings(self) -> list[Finding]:
        """Its findings in the order of the causes."""
        return [finding for cause in self.causes for finding in cause.findings]

    @property
    def objects(self) -> int:
        """How many objects the findings are about."""
        return len({finding.subject.object for finding in self.findings})


def by_check(result: ScanResult, classes: Collection[ObjectClass]) -> tuple[CheckGroup, ...]:
    """The findings about objects of the given classes, grouped, worst first."""
    checks = {check.id: check for check in result.checks}
    found: dict[str, list[Finding]] = {}
    for finding in result.findings:
        if finding.subject.object_class in classes:
            found.setdefault(finding.check, []).append(finding)
    groups = [_group(checks.get(name) or _unlisted(items[0]), items) for name, items in found.items()]
    return tuple(sorted(groups, key=lambda group: (*_worst(group.findings), -group.count, group.check.id)))


def worst(findings: Iterable[Finding]) -> Severity:
    """The worst severity among findings, of which there is at least one."""
    return min((finding.severity for finding in findings), key=lambda severity: severity.rank)


def class_counts(result: ScanResult) -> dict[ObjectClass, int]:
    """How many findings each class has, zeros included."""
    counts = dict.fromkeys(ObjectClass, 0)
    for finding in result.findings:
        counts[finding.subject.object_class] += 1
    return counts


def _group(check: CheckResult, findings: list[Finding]) -> CheckGroup:
    by_cause: dict[Cause, list[Finding]] = {}
    for finding in findings:
        by_cause.setdefault(finding.cause, []).append(finding)
    causes = [CauseGroup(cause, tuple(sorted(items, key=_rank))) for cause, items in by_cause.items()]
    causes.sort(key=lambda group: (*_worst(group.findings), -len(group.findings), group.cause))
    return CheckGroup(check, tuple(causes))


def _rank(finding: Finding) -> tuple[int, int, int, object, str]:
    return (*_weight(finding), -finding.instances, finding.subject, finding.value)


def _weight(finding: Finding) -> tuple[int, int]:
    return finding.severity.rank, _EXPOSURE_RANK[finding.exposure]


def _worst(findings: Iterable[Finding]) -> tuple[int, int]:
    return min(_weight(finding) for finding in findings)


def _unlisted(finding: Finding) -> CheckResult:
    # A finding whose check is not in the document is still shown, under its bare id.
    return CheckResult(finding.check, "", finding.check, finding.severity, Verdict.FAIL, Counts())
