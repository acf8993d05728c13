"""The relation of ``kubeaudit network`` for people: as text and as Markdown (AGG-2..5, AGG-9)."""

from collections.abc import Iterator, Sequence

from kubeaudit.proof import State
from kubeaudit.queries.exposures import NOBODY, Exposure
from kubeaudit.queries.relation import Group, Relation
from kubeaudit.report.network_words import MARKS, STATES, conditions_text, intervals_text, some
from kubeaudit.report.visible import visible
from kubeaudit.report.words import count, unseen

MOST_GROUPS = 400
MOST_WORKLOADS = 200


def render_text(found: Relation) -> bytes:
    """Sentences, then who reaches each destination, then the exposure of every workload."""
    lines = [*summary(found), "", "connections"]
    shown = sorted(found.groups[:MOST_GROUPS], key=lambda group: group.targets)
    before: tuple[str, ...] = ()
    for group in shown:
        if group.targets != before:
            lines.append(f"to {some(group.targets)}{_all(group.target_count, group.targets)}")
            before = group.targets
        lines.append(
            f"  {MARKS[group.state]} {_ports(group)} from {some(group.sources)}"
            f"{_all(group.source_count, group.sources)}"
        )
        lines.extend(f"      {text}" for text in _because(group))
    if len(found.groups) > MOST_GROUPS:
        lines.append(
            f"{len(found.groups) - MOST_GROUPS:,} more groups are in the JSON output; filter with --from, --to or -n"
        )
    lines.extend(["", "workloads", *_workloads(found.workloads)])
    lines.extend(["", *(f"note: {note}" for note in (found.plugin, *found.notes) if note)])
    return (visible("\n".join(lines).rstrip(), lines=True) + "\n").encode()


def render_markdown(found: Relation) -> bytes:
    """Two tables: connections, and workloads."""
    lines = [*summary(found), "", "| from | to | ports | state | by |", "|---|---|---|---|---|"]
    for group in found.groups:
        by = ", ".join(dict.fromkeys(str(decision.policy) for decision in group.by))
        lines.append(_row(", ".join(group.sources), ", ".join(group.targets), _ports(group), STATES[group.state], by))
    lines.extend(["", "| workload | reached from | reaches | not isolated for | not known |", "|---|---|---|---|---|"])
    for each in found.workloads:
        reasons = "; ".join(map(unseen, each.unknown))
        words = (each.reached_from, each.reaches, each.open)
        lines.append(_row(each.workload, *(", ".join(word) for word in words), reasons))
    return (visible("\n".join(lines), lines=True) + "\n").encode()


def summary(found: Relation) -> Iterator[str]:
    """The answer in two sentences."""
    exposed = sum("internet" in each.reached_from for each in found.workloads)
    hidden = sum(each.reached_from == (NOBODY,) for each in found.workloads)
    yield (
        f"Policies let the internet reach {exposed:,} of {count(len(found.workloads), 'workload')}; "
        f"nobody reaches {hidden:,}."
    )
    free = {name: sum(name in each.open for each in found.workloads) for name in ("ingress", "egress")}
    doubtful = sum(bool(each.maybe_from or each.maybe_to) for each in found.workloads)
    yield (
        f"No policy isolates {free['ingress']:,} for ingress and {free['egress']:,} for egress; "
        f"of {doubtful:,} something is not known."
    )


def _all(number: int, names: Sequence[str]) -> str:
    return f" ({number:,})" if number > len(names) else ""


def _ports(group: Group) -> str:
    family = "" if len(group.families) > 1 or group.families == ("IPv4",) else f" ({group.families[0]})"
    return intervals_text(group.ports) + family


def _because(group: Group) -> Iterator[str]:
    policies = dict.fromkeys(str(decision.policy) for decision in group.by)
    if group.state is State.UNKNOWN:
        settled = f"; settled by {some(group.settle_by)}" if group.settle_by else ""
        yield f"not known ({some(group.basis)}){settled}"
    if "spec_exception" in group.basis:
        yield "policies do not concern a pod and its own node"
    if group.conditions:
        yield f"if {conditions_text(group.conditions)}"
    if policies:
        yield f"by {some(policies)}"


def _workloads(found: Sequence[Exposure]) -> Iterator[str]:
    """Workloads with the same exposure on one line."""
    alike: dict[tuple[object, ...], list[Exposure]] = {}
    for each in found:
        key = (each.reached_from, each.reaches, each.open, each.maybe_from, each.maybe_to)
        alike.setdefault(key, []).append(each)
    for group in list(alike.values())[:MOST_WORKLOADS]:
        first = group[0]
        yield f"  {some([each.workload for each in group])}"
        yield f"      reached from {', '.join(first.reached_from)}{_maybe(first.maybe_from)}"
        yield f"      reaches {', '.join(first.reaches)}{_maybe(first.maybe_to)}"
        if first.open:
            yield f"      no policy isolates it for {' and '.join(first.open)}"
        reasons = dict.fromkeys(unseen(item) for each in group for item in each.unknown)
        yield from (f"      not known: {reason}" for reason in list(reasons)[:3])
    if len(alike) > MOST_WORKLOADS:
        yield f"  {len(alike) - MOST_WORKLOADS:,} more are in the JSON output"


def _maybe(words: Sequence[str]) -> str:
    return f"; not known: {', '.join(words)}" if words else ""


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
