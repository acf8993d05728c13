"""The terminal summary (REP-21): the answer, what was not seen, every failed check, the worst paths.

The report's only door to rich. Everything is built from plain text objects, so that names are never read as markup;
control characters are shown as escapes.
"""

from collections.abc import Collection, Sequence
from io import StringIO

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from kubeaudit.findings import CheckResult, Coverage, ObjectClass, PathResult, Reason, ScanResult, Verdict
from kubeaudit.proof import State
from kubeaudit.refs import VertexKind
from kubeaudit.report.groups import FOLDED, CauseGroup, CheckGroup, by_check, class_counts
from kubeaudit.report.visible import clipped, visible
from kubeaudit.report.words import MARKS, UNKNOWN, count, percent, reason, unseen, utc
from kubeaudit.settings import Severity
from kubeaudit.snapshot import Gap

STYLES = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.INFO: "dim",
}

MAX_CAUSES = 3
"""Up to so many causes of a check have a line each; more are one line with their number."""
MAX_PATHS = 10
MAX_NAMES = 8
MAX_TEXT = 1_000

_PASSED_OVER = (f"{VertexKind.SERVICE}/", f"{VertexKind.GRANT}/")


def render_terminal(result: ScanResult, width: int, color: bool, show: Collection[str] = ()) -> str:
    """The summary as text of at most ``width`` columns, with colour codes only if ``color``.

    ``show`` names the classes of objects (``vendor``, ``system``, ``builtin``) that are listed instead of counted.
    """
    listed = {ObjectClass.USER, *(ObjectClass(name) for name in show)}
    out = _console(width, color)
    _header(out, result)
    _not_seen(out, result)
    _findings(out, result, listed)
    _paths(out, result.paths)
    text = out.file.getvalue() if isinstance(out.file, StringIO) else ""
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def _console(width: int, color: bool) -> Console:
    return Console(
        file=StringIO(),
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        _environ={},
    )


def _header(out: Console, result: ScanResult) -> None:
    run, coverage = result.run, result.coverage
    facts = [run.context or run.server_url or run.source, utc(run.start), f"{run.tool.name} {run.tool.version}"]
    if run.server_version:
        facts.insert(1, f"Kubernetes {run.server_version}")
    out.print(_text(" · ".join(facts), "dim"))
    if not run.complete:
        out.print(_text("The run was stopped before its end: what it did not reach is not evaluated.", "bold"))
    out.print()
    for sentence in result.answer:
        out.print(_text(sentence, "bold"))
    out.print()
    selected = count(coverage.selected, "selected check")
    out.print(_text(f"Coverage {percent(coverage.ratio)}: of {selected} {_verdicts(coverage)}."))


def _verdicts(coverage: Coverage) -> str:
    return (
        f"{coverage.evaluated:,} evaluated, {coverage.not_evaluated:,} not evaluated, "
        f"{coverage.not_applicable:,} not applicable"
    )


def _not_seen(out: Console, result: ScanResult) -> None:
    coverage = result.coverage
    undecided = [check for check in result.checks if check.verdict is Verdict.NOT_EVALUATED]
    if not (coverage.gaps or undecided or coverage.bad):
        out.print(_text("Every kind was read to its end."))
        return
    _heading(out, "Not seen")
    without_effect: list[str] = []
    for gap in coverage.gaps:
        if gap.reason == Reason.FILE_NOT_VISIBLE and not coverage.disabled.get(gap.resource):
            without_effect.append(gap.resource)
            continue
        _item(out, _gap(gap, coverage.disabled.get(gap.resource, ())))
        if grant := coverage.grants.get(gap.resource):
            _item(out, f"to decide, grant {grant}", 4)
    if without_effect:
        kinds = list(dict.fromkeys(without_effect))
        _item(out, f"not shown by the files, and without effect on a selected check: {', '.join(kinds)}")
    named = {name for names in coverage.disabled.values() for name in names}
    reasons: dict[str, list[str]] = {}
    for check in undecided:
        if check.id in named:
            continue
        reasons.setdefault(_unseen(check), []).append(check.id)
    for text, ids in reasons.items():
        _item(out, f"{UNKNOWN} {count(len(ids), 'check')} not evaluated: {text}: {_some(ids)}")
    for bad in coverage.bad:
        place = f"{bad.where}:{bad.line}" if bad.line else bad.where
        _item(out, f"{place} left out: {bad.reason}")


def _gap(gap: Gap, disabled: Sequence[str]) -> str:
    place = f" in {gap.scope}" if gap.scope else ""
    effect = f"limits {_some(disabled)}" if disabled else "limits no selected check"
    return f"{gap.resource}{place}: {reason(gap.reason, gap.status)}; {effect}"


def _some(names: Sequence[str], most: int = MAX_NAMES) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _unseen(check: CheckResult) -> str:
    return "; ".join(sorted({unseen(item) for item in check.unseen})) or "the reason is not recorded"


def _findings(out: Console, result: ScanResult, listed: Collection[ObjectClass]) -> None:
    groups = by_check(result, listed)
    _heading(out, "Findings")
    info = [group for group in groups if group.severity is Severity.INFO]
    rows = [group for group in groups if group.severity is not Severity.INFO]
    if rows:
        out.print(_table(rows))
    elif not info:
        out.print(_text("No selected check fails." if not _failed(result) else "No listed object fails a check."))
    if info:
        total = sum(group.count for group in info)
        _item(
            out,
            f"{MARKS[Severity.INFO]} info: {count(total, 'finding')} of {', '.join(group.check.id for group in info)}",
        )
    counts = class_counts(result)
    for name in FOLDED:
        if counts[name] and name not in listed:
            _item(out, f"{count(counts[name], 'finding')} about {name} objects, listed with --show {name}")


def _failed(result: ScanResult) -> bool:
    return any(check.verdict is Verdict.FAIL for check in result.checks)


def _table(groups: Sequence[CheckGroup]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", expand=False)
    table.add_column("severity", no_wrap=True)
    table.add_column("check", overflow="fold")
    table.add_column("objects", justify="right", no_wrap=True)
    table.add_column("cause, for example", overflow="fold", ratio=1)
    for group in groups:
        if len(group.causes) > MAX_CAUSES:
            names = [str(cause.cause.object) for cause in group.causes]
            text = f"{len(names):,} causes: {_some(names, MAX_CAUSES)}"
            table.add_row(_severity(group.severity), _text(group.check.id), f"{group.objects:,}", _text(text))
            continue
        for index, cause in enumerate(group.causes):
            name = group.check.id if index == 0 else ""
            table.add_row(_severity(cause.severity), _text(name), f"{cause.objects:,}", _text(_example(cause)))
    return table


def _example(group: CauseGroup) -> str:
    first = group.findings[0].subject.object
    if first == group.cause.object:
        return str(first)
    return f"{group.cause.object} {group.cause.text}: {first}"


def _paths(out: Console, paths: Sequence[PathResult]) -> None:
    _heading(out, "Paths")
    if not paths:
        out.print(_text("No path from an entry to a crown jewel was found."))
        return
    ranked = sorted(paths, key=lambda path: (path.state is State.UNKNOWN, path.severity.rank, path.effort, path.id))
    for path in ranked[:MAX_PATHS]:
        route = " → ".join(_stations(path))
        if path.state is State.UNKNOWN:
            line = Text.assemble((f"{UNKNOWN} unknown   ", "magenta"), visible(clipped(route, MAX_TEXT)))
        else:
            line = Text.assemble(_severity(path.severity), "  ", visible(clipped(route, MAX_TEXT)))
        line.overflow = "fold"
        out.print(Padding(line, (0, 0, 0, 2)))
    if len(paths) > MAX_PATHS:
        _item(out, f"{count(len(paths) - MAX_PATHS, 'more path')} in the HTML and JSON outputs")


def _stations(path: PathResult) -> list[str]:
    """The objects of a path, each once; Services and bindings are left out, because their neighbours imply them."""
    found = [path.entry_label]
    for hop in path.hops:
        name = hop.target_label.partition(" (")[0]
        if name != found[-1] and (hop is path.hops[-1] or not hop.target.startswith(_PASSED_OVER)):
            found.append(name)
    return found


def _heading(out: Console, text: str) -> None:
    out.print()
    out.print(_text(text, "bold underline"))


def _item(out: Console, text: str, indent: int = 2) -> None:
    out.print(Padding(_text(text), (0, 0, 0, indent)))


def _severity(severity: Severity) -> Text:
    return Text(f"{MARKS[severity]} {severity:<8}", STYLES[severity])


def _text(text: str, style: str = "") -> Text:
    return Text(visible(clipped(text, MAX_TEXT)), style, overflow="fold")
