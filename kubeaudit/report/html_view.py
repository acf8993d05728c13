"""What the page says outside findings and paths: the cover, the answer, what was not seen, the checks by verdict."""

import hashlib
import re

from msgspec import Struct

from kubeaudit import findings
from kubeaudit.findings import AdminRow, CheckResult, ObjectClass, Run, ScanResult, Undecided, Unseen, Verdict
from kubeaudit.report.html_findings import FindingsView, findings_view
from kubeaudit.report.html_paths import PathsView, paths_view
from kubeaudit.report.words import count, percent, reason, unseen, utc
from kubeaudit.snapshot import Outcome

_NUMBER = re.compile(r"(?<![\w./:-])\d[\d,]*(?=\s)")
_TARGETS = (
    ("not evaluated", "not-seen"),
    ("not read", "not-seen"),
    ("decided", "undecided"),
    ("unknown", "undecided"),
    ("change", "changes"),
    (" way", "paths"),
    ("path", "paths"),
    ("metadata", "paths"),
    ("cluster-admin", "access"),
    ("entry point", "exposed"),
    ("internet", "exposed"),
    ("exposed", "exposed"),
    ("check", "checks"),
    ("fail", "findings"),
    ("finding", "findings"),
)
"""Where a number of an answer leads, by the first of these words in its clause."""


class Piece(Struct, frozen=True):
    """A part of a sentence; a number has the section it links to."""

    text: str
    target: str = ""


class GapView(Struct, frozen=True):
    """A kind that was not read to its end, what it cost, and the rule that would enable it."""

    resource: str
    scope: str
    reason: str
    detail: str
    disabled: tuple[str, ...]
    grant: str


class CheckUndecided(Struct, frozen=True):
    """A check with verdicts that could not be given: why, and the objects."""

    check: CheckResult
    reasons: tuple[str, ...]
    items: tuple[Undecided, ...]


class Page(Struct, frozen=True):
    """All the page shows that is not a plain field of the document."""

    title: str
    facts: tuple[str, ...]
    answer: tuple[tuple[Piece, ...], ...]
    gaps: tuple[GapView, ...]
    other_reasons: tuple[tuple[str, tuple[str, ...]], ...]
    paths: PathsView
    findings: FindingsView
    path_names: dict[str, str]
    anchors: dict[str, str]
    undecided: tuple[CheckUndecided, ...]
    admins: tuple[AdminRow, ...]
    folded_admins: tuple[AdminRow, ...]
    checks: tuple[tuple[Verdict, tuple[CheckResult, ...]], ...]
    folded: tuple[CheckResult, ...]
    run: tuple[tuple[str, str], ...]
    sha256: str


def page(result: ScanResult) -> Page:
    """The page of a document."""
    undecided, found = _undecided(result), findings_view(result)
    return Page(
        title=_name(result.run),
        facts=_facts(result),
        answer=tuple(_pieces(sentence) for sentence in result.answer),
        gaps=_gaps(result),
        other_reasons=_other_reasons(result),
        paths=paths_view(result),
        findings=found,
        path_names={path.id: f"{path.entry_label} to {path.jewel_label}" for path in result.paths},
        anchors={
            **{view.check.id: f"c-{view.check.id}" for view in found.checks},
            **{view.check.id: f"u-{view.check.id}" for view in undecided},
        },
        undecided=undecided,
        admins=tuple(row for row in result.admins if row.object_class is ObjectClass.USER),
        folded_admins=tuple(row for row in result.admins if row.object_class is not ObjectClass.USER),
        checks=tuple((verdict, _checks(result, verdict)) for verdict in Verdict),
        folded=tuple(check for check in result.checks if check.folded != findings.Counts()),
        run=_run(result),
        sha256=hashlib.sha256(findings.encode(result)).hexdigest(),
    )


def _name(run: Run) -> str:
    return run.context or run.server_url or run.source or "cluster"


def _facts(result: ScanResult) -> tuple[str, ...]:
    run, coverage = result.run, result.coverage
    unread = len({gap.resource for gap in coverage.gaps})
    missing = f"{count(unread, 'kind')} not read to the end" if unread else "every kind read"
    scope = f"namespaces {', '.join(run.namespaces)}" if run.namespaces else "all namespaces"
    return (
        utc(run.start),
        f"Kubernetes {run.server_version}" if run.server_version else f"from {run.source}",
        scope,
        f"{run.tool.name} {run.tool.version}",
        f"coverage {percent(coverage.ratio)} ({missing})",
    )


def _pieces(sentence: str) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    for clause in re.split(r"(?<=[;,])(?=\s)", sentence):
        target = next((section for word, section in _TARGETS if word in clause), "")
        start = 0
        for number in _NUMBER.finditer(clause):
            pieces += [Piece(clause[start : number.start()]), Piece(number[0], target)]
            start = number.end()
        pieces.append(Piece(clause[start:]))
    return tuple(piece for piece in pieces if piece.text)


def _gaps(result: ScanResult) -> tuple[GapView, ...]:
    coverage = result.coverage
    return tuple(
        GapView(
            gap.resource,
            gap.scope or "whole cluster",
            reason(gap.reason, gap.status),
            gap.detail,
            coverage.disabled.get(gap.resource, ()),
            coverage.grants.get(gap.resource, ""),
        )
        for gap in coverage.gaps
    )


def _other_reasons(result: ScanResult) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Why checks were not evaluated although no read is to blame, with their ids."""
    unread = {gap.resource for gap in result.coverage.gaps}
    found: dict[str, list[str]] = {}
    for check in result.checks:
        for item in check.unseen:
            if item.resource not in unread:
                found.setdefault(_because(item), []).append(check.id)
    return tuple((text, tuple(dict.fromkeys(ids))) for text, ids in sorted(found.items()))


def _because(item: Unseen) -> str:
    text = reason(item.reason)
    place = " in ".join(part for part in (item.resource, item.scope) if part)
    return "; ".join(part for part in (text, place, item.detail) if part)


def _undecided(result: ScanResult) -> tuple[CheckUndecided, ...]:
    items: dict[str, list[Undecided]] = {}
    for item in result.undecided:
        items.setdefault(item.check, []).append(item)
    concerned = [
        check
        for check in result.checks
        if check.verdict is Verdict.NOT_EVALUATED or check.counts.not_evaluated or check.id in items
    ]
    concerned.sort(key=lambda check: (check.verdict is not Verdict.NOT_EVALUATED, check.severity.rank, check.id))
    return tuple(
        CheckUndecided(
            check, tuple(dict.fromkeys(unseen(item) for item in check.unseen)), tuple(items.get(check.id, ()))
        )
        for check in concerned
    )


def _checks(result: ScanResult, verdict: Verdict) -> tuple[CheckResult, ...]:
    found = [check for check in result.checks if check.verdict is verdict]
    return tuple(sorted(found, key=lambda check: (check.severity.rank, check.theme, check.id)))


def _run(result: ScanResult) -> tuple[tuple[str, str], ...]:
    run = result.run
    outcomes = [read.outcome for read in run.reads]
    rows = (
        ("Cluster id", run.cluster_id),
        ("Context", run.context),
        ("API server", run.server_url),
        ("Server version", run.server_version),
        ("Profile", run.profile),
        ("Network plugin", f"{run.cni} ({run.cni_evidence})" if run.cni_evidence else run.cni),
        ("Source", run.source),
        ("Identity", run.user),
        ("Groups", ", ".join(run.groups)),
        ("Collected", utc(run.collected)),
        ("Started", utc(run.start)),
        ("Ended", f"{utc(run.end)}, after {run.duration:g} s"),
        ("Complete", "yes" if run.complete else "no: the run was stopped before its end"),
        ("Namespaces", ", ".join(run.namespaces) or "all"),
        ("Flags", " ".join(run.flags) or "none"),
        ("Configuration", f"SHA-256 {run.config_sha256}" if run.config_sha256 else ""),
        ("Tool", f"{run.tool.name} {run.tool.version}"),
        ("Policies", f"{run.tool.bundle}, SHA-256 {run.tool.bundle_sha256}"),
        ("Reads", f"{outcomes.count(Outcome.COMPLETE)} of {count(len(outcomes), 'read')} complete"),
        (
            "Requests",
            f"{run.requests:,}, {run.bytes:,} bytes, {run.throttled:,} answered with 429" if run.requests else "",
        ),
        ("Baseline", run.baseline or "none given"),
        ("Waivers", run.waivers or "none given"),
        ("Document", result.schema),
    )
    return tuple((name, value) for name, value in rows if value)
