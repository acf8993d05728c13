"""What the Findings section shows: checks worst first, causes inside, objects with their proof inside those.

A page of many findings stays usable by leaving the proof of the less severe ones to the JSON document (REP-42, REP-09):
they keep their line, and the page says how many lack their proof.
"""

from collections.abc import Collection

from msgspec import Struct

from kubeaudit.findings import CheckResult, Finding, ObjectClass, Patch, ScanResult
from kubeaudit.report.groups import FOLDED, CauseGroup, CheckGroup, by_check
from kubeaudit.report.html_proof import Change, Shown, change, shown
from kubeaudit.report.words import count
from kubeaudit.settings import Severity

MANY = 2_000
"""Above so many findings those of severity low and info have no proof on the page."""
MOST = 5_000
"""At most so many findings have their proof on the page."""


class FindingView(Struct, frozen=True):
    """One finding: ``anchor`` is stable from run to run; ``full`` tells whether its proof is on the page."""

    anchor: str
    finding: Finding
    evidence: tuple[Shown, ...]
    remediation: str
    patch: Change | None
    full: bool


class CauseView(Struct, frozen=True):
    """Findings of one cause. What all of them share of remediation and patch stands here."""

    text: str
    severity: Severity
    objects: int
    remediation: str
    patch: Change | None
    findings: tuple[FindingView, ...]


class CheckView(Struct, frozen=True):
    """One failed check with its causes."""

    check: CheckResult
    severity: Severity
    objects: int
    count: int
    causes: tuple[CauseView, ...]


class FoldedView(Struct, frozen=True):
    """The findings about one class of objects that stand behind one line (CHK-23)."""

    object_class: ObjectClass
    count: int
    checks: tuple[CheckView, ...]


class FindingsView(Struct, frozen=True):
    """The section: ``note`` says what was left to the JSON document, empty where nothing was."""

    checks: tuple[CheckView, ...]
    folded: tuple[FoldedView, ...]
    note: str
    severities: tuple[tuple[Severity, int], ...]
    themes: tuple[str, ...]
    namespaces: tuple[str, ...]
    by_theme: tuple[tuple[str, tuple[int, ...]], ...]


class _Anchors:
    """Gives every finding an anchor from its fingerprint, and a number to those that share one."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def of(self, finding: Finding) -> str:
        base = f"f-{finding.fingerprint[:16]}"
        number = self._seen[base] = self._seen.get(base, 0) + 1
        return base if number == 1 else f"{base}-{number}"


class _Builder:
    """Carries the anchors and what is left of the room for proof through one page."""

    def __init__(self, total: int) -> None:
        self._anchors = _Anchors()
        self._brief: Collection[Severity] = (Severity.LOW, Severity.INFO) if total > MANY else ()
        self._room = MOST
        self.without_proof = 0

    def check(self, group: CheckGroup) -> CheckView:
        causes = tuple(self._cause(cause) for cause in group.causes)
        return CheckView(group.check, group.severity, group.objects, group.count, causes)

    def _cause(self, group: CauseGroup) -> CauseView:
        first, several = group.findings[0], len(group.findings) > 1
        remedy = first.remediation if several and len({f.remediation for f in group.findings}) == 1 else ""
        patch = first.patch if several and all(f.patch == first.patch for f in group.findings) else None
        views = tuple(self._finding(finding, remedy, patch) for finding in group.findings)
        text = f"{group.cause.object} {group.cause.text}".strip()
        return CauseView(text, group.severity, group.objects, remedy, change(patch), views)

    def _finding(self, finding: Finding, remedy: str, patch: Patch | None) -> FindingView:
        full = finding.severity not in self._brief and self._room > 0
        if full:
            self._room -= 1
        else:
            self.without_proof += 1
        evidence = shown(finding.evidence, finding.subject.object) if full else ()
        own_remedy = "" if remedy else finding.remediation
        own_patch = None if patch or not full else change(finding.patch)
        return FindingView(self._anchors.of(finding), finding, evidence, own_remedy, own_patch, full)


def findings_view(result: ScanResult) -> FindingsView:
    """The section's content. User objects come first; the other classes stand behind one line each."""
    builder = _Builder(len(result.findings))
    checks = tuple(builder.check(group) for group in by_check(result, {ObjectClass.USER}))
    folded = tuple(view for view in (_folded(result, name, builder) for name in FOLDED) if view.count)
    user = [finding for finding in result.findings if finding.subject.object_class is ObjectClass.USER]
    themes = {check.id: check.theme for check in result.checks}
    return FindingsView(
        checks,
        folded,
        _note(len(result.findings), builder.without_proof),
        tuple((severity, sum(f.severity is severity for f in user)) for severity in Severity),
        tuple(sorted({themes.get(finding.check, "") for finding in result.findings} - {""})),
        tuple(sorted({finding.subject.object.namespace for finding in result.findings} - {""})),
        _by_theme(user, themes),
    )


def _folded(result: ScanResult, name: ObjectClass, builder: _Builder) -> FoldedView:
    groups = by_check(result, {name})
    return FoldedView(name, sum(group.count for group in groups), tuple(builder.check(group) for group in groups))


def _by_theme(findings: list[Finding], themes: dict[str, str]) -> tuple[tuple[str, tuple[int, ...]], ...]:
    rows: dict[str, list[int]] = {}
    for finding in findings:
        rows.setdefault(themes.get(finding.check, "") or "other", [0] * len(Severity))[finding.severity.rank] += 1
    ordered = sorted(rows.items(), key=lambda row: ([-number for number in row[1]], row[0]))
    return tuple((theme, tuple(numbers)) for theme, numbers in ordered)


def _note(total: int, without_proof: int) -> str:
    if not without_proof:
        return ""
    return (
        f"This page lists all {count(total, 'finding')}. To stay usable, it leaves the proof of {without_proof:,}, "
        "those of severity low and info first, to the JSON document."
    )
