"""What a change opens and closes, as text, Markdown, CSV and DOT (AGG-8)."""

import csv
from collections.abc import Iterable, Iterator
from io import StringIO

from kubeaudit.network.ports import PROTOCOLS
from kubeaudit.proof import State
from kubeaudit.queries.network_diff import Changed, ChangedRow, Difference, Kind
from kubeaudit.report.network_tables import quoted
from kubeaudit.report.network_words import STATES, intervals_text, some
from kubeaudit.report.visible import visible
from kubeaudit.report.words import count

MOST = 200
_SIGNS = {Kind.ADDED: "+", Kind.REMOVED: "-", Kind.CHANGED: "~"}
_COLORS = {Kind.ADDED: "red", Kind.REMOVED: "green", Kind.CHANGED: "orange"}


def render_text(found: Difference) -> bytes:
    """The answer in a sentence or two, then every change with its cause."""
    lines = list(_answer(found))
    for change in found.changes[:MOST]:
        lines.append("")
        lines.append(f"{_SIGNS[change.kind]} {some(change.sources)} → {some(change.targets)}: {_ports(change)}")
        lines.append(f"    {_states(change.before)} before, {_states(change.after)} now")
        lines.extend(f"    cause: {cause}" for cause in change.causes)
    if len(found.changes) > MOST:
        lines.append(f"\n{len(found.changes) - MOST:,} more changes are in the JSON output")
    lines.append("")
    plugins = found.plugins if found.plugins[0] != found.plugins[1] else found.plugins[:1]
    lines.extend(f"note: {text}" for text in (*plugins, *found.notes) if text)
    return (visible("\n".join(lines).rstrip(), lines=True) + "\n").encode()


def render_markdown(found: Difference) -> bytes:
    """The answer and one table, for a comment on a pull request."""
    lines = [*_answer(found), "", "| | from | to | ports | before | now | cause |", "|---|---|---|---|---|---|---|"]
    for change in found.changes:
        cells = (
            _SIGNS[change.kind], ", ".join(change.sources), ", ".join(change.targets), _ports(change),
            _states(change.before), _states(change.after), "; ".join(change.causes),
        )  # fmt: skip
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return (visible("\n".join(lines), lines=True) + "\n").encode()


def render_csv(rows: Iterable[ChangedRow]) -> bytes:
    """One row for every pair, sorted."""
    out = StringIO()
    write = csv.writer(out, lineterminator="\n")
    write.writerow(("source", "target", "family", "protocol", "first", "last", "before", "after", "causes"))
    for row in sorted(rows, key=_key):
        place = (row.source, row.target, row.family, row.protocol, row.first, row.last)
        write.writerow((*place, _states(row.before), _states(row.after), "; ".join(row.causes)))
    return out.getvalue().encode()


def render_dot(rows: Iterable[ChangedRow]) -> bytes:
    """A graph of the pairs that changed: red edges are new, green ones gone, orange ones changed."""
    edges: dict[tuple[str, str, Kind], dict[tuple[str, int, int], None]] = {}
    for row in sorted(rows, key=_key):
        was, is_ = ({*states} - {State.BLOCKED} for states in (row.before, row.after))
        kind = Kind.CHANGED if bool(was) == bool(is_) else Kind.ADDED if is_ else Kind.REMOVED
        edges.setdefault((row.source, row.target, kind), {})[row.protocol, row.first, row.last] = None
    lines = ["digraph difference {", "  rankdir=LR;", "  node [shape=box];"]
    for (source, target, kind), ports in edges.items():
        listed = sorted(ports, key=lambda port: (PROTOCOLS.index(port[0]), port))
        label = f"label={quoted(f'{_SIGNS[kind]} {intervals_text(listed)}')}, color={_COLORS[kind]}"
        lines.append(f"  {quoted(source)} -> {quoted(target)} [{label}];")
    return ("\n".join(lines) + "\n}\n").encode()


def _key(row: ChangedRow) -> tuple[object, ...]:
    return row.source, row.target, row.family, PROTOCOLS.index(row.protocol), row.first, row.before, row.after


def _answer(found: Difference) -> Iterator[str]:
    opened = sum(change.opens for change in found.changes)
    closed = len(found.changes) - opened
    if not found.changes:
        yield "No connection is opened or closed."
    else:
        yield f"{count(opened, 'group')} of connections opened, {closed:,} closed."
    for word in ("added", "removed", "changed"):
        policies = [str(each.policy) for each in found.policies if each.change == word]
        if policies:
            yield f"Policies {word}: {some(policies)}."
    for word, names in (("added", found.workloads_added), ("removed", found.workloads_removed)):
        if names:
            yield f"Workloads {word}: {some(names)}."


def _ports(change: Changed) -> str:
    family = f" ({change.families[0]})" if change.families == ("IPv6",) else ""
    return intervals_text(change.ports) + family


def _states(states: tuple[State, ...]) -> str:
    if not states:
        return "not there"
    if len(states) == 1:
        return STATES[states[0]]
    return " and ".join(f"{STATES[state]}" for state in states) + " (pods differ)"
