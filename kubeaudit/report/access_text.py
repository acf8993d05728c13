"""Text of the answers about access: can, who-can, what-can and its differences, uses."""

from collections.abc import Iterable

from kubeaudit.proof import State
from kubeaudit.queries.access_diff import AccessDiff, Change
from kubeaudit.queries.can import CanAnswer
from kubeaudit.queries.chains import Chain
from kubeaudit.queries.provenance import Use
from kubeaudit.queries.uses import Uses
from kubeaudit.queries.what_can import Permission, WhatCan
from kubeaudit.queries.who_can import Holder, WhoCan
from kubeaudit.rbac.access import Answer
from kubeaudit.report.answer import missing
from kubeaudit.report.table import table
from kubeaudit.report.visible import visible
from kubeaudit.report.words import count

_WORDS = {Answer.ALLOWED: "yes", Answer.NOT_ALLOWED: "no", Answer.UNKNOWN: "unknown"}
_SHOWN = 20
"""How many chains are listed; JSON has all of them."""


def can_text(found: CanAnswer) -> str:
    """The answer as kubectl gives it, then what decides it."""
    place = f" in namespace {found.request.namespace}" if found.request.namespace else ""
    lines = [_WORDS[found.answer], f"{found.subject}: {found.question}{place}", found.reason]
    lines += table(_GRANT_HEAD, (_grant(use) for use in found.grants), "  ")
    if found.nearest:
        lines.append(f"nearest: {found.nearest.use}: {'; '.join(found.nearest.missing)}")
    lines += [f"dormant: {entry}" for entry in found.dormant]
    lines += missing(found.unseen)
    return _text([*lines, *_notes(found.depends, found.notes)])


def who_can_text(found: WhoCan) -> str:
    """The holders, then those who can obtain it."""
    lines = [f"who can {found.question} {found.place}", ""]
    lines += table(
        ("subject", "holds in", "binding", "role", "rule", "members"),
        (_holder(holder, use) for holder in found.holders for use in holder.uses),
    ) or ["no subject holds a grant for it"]
    if found.can_obtain:
        lines += ["", "who can obtain it"]
        shown = found.can_obtain[:_SHOWN]
        lines += table(("subject", "chain"), ((each.source_label, _way(each)) for each in shown))
        if len(found.can_obtain) > len(shown):
            lines.append(f"and {len(found.can_obtain) - len(shown)} more; -o json lists all")
    lines.append("")
    for each in found.undecided:
        lines.append(f"undecided: {each.binding} gives {', '.join(each.subjects)} {each.role}, which was not read")
    lines += [f"ignored: {entry}" for entry in found.ignored]
    return _text([*lines, *missing(found.unseen), *_notes((), found.notes)])


def what_can_text(found: WhatCan) -> str:
    """Permissions by scope, what is dangerous first, each with the rules behind it."""
    lines = [f"what {found.subject} can do {found.place}", f"groups: {', '.join(found.groups) or 'none'}", ""]
    lines += table(
        ("", "resource or URL", "names", "verbs", "holds in", "by"),
        (_permission(each) for each in found.permissions),
    ) or ["nothing"]
    lines.append("")
    lines += [f"dormant: {entry}" for entry in found.dormant]
    dead = {f"{each.use.role} rules[{each.use.rule}] {each.dead.text}: {each.dead.reason}" for each in found.dead}
    lines += [f"without effect: {text}" for text in sorted(dead)]
    return _text([*lines, *missing(found.unseen), *_notes(found.depends, found.notes)])


def diff_text(found: AccessDiff) -> str:
    """Added permissions with a plus, removed ones with a minus."""
    lines = diff_lines(found) or ["no permission changed"]
    return _text([*lines, *missing(found.unseen), *_notes((), found.notes)])


def diff_lines(found: AccessDiff) -> list[str]:
    """The rows of a difference; none where nothing changed."""
    rows = [*(_change("+", each) for each in found.added), *(_change("-", each) for each in found.removed)]
    lines = table(("", "subject", "verbs", "resource or URL", "names", "holds in", "because"), rows)
    for entry in found.awakened:
        lines.append(f"awakened: {entry.binding} gives {entry.subject} {entry.role}, which did not exist")
    return lines


def uses_text(found: Uses) -> str:
    """Bindings, then workloads."""
    lines = [str(found.object) + ("" if found.exists else " (no such object was read)"), ""]
    lines += table(
        ("binding", "role", "holds in", "subject"),
        ((str(b.binding), str(b.role), b.scope or "the cluster", b.subject) for b in found.bindings),
    ) or ["no binding"]
    lines.append("")
    lines += table(
        ("workload", "ServiceAccount", "token", "from the internet", "pods", "nodes", "by group"),
        (
            (str(w.workload), w.account, w.token, w.exposure, str(w.pods), _some(w.nodes), w.via)
            for w in found.workloads
        ),
    ) or ["no workload runs with it"]
    return _text([*lines, "", *missing(found.unseen), *_notes((), found.notes)])


_GRANT_HEAD = ("binding", "subject", "role", "rule", "holds in")


def _grant(use: Use) -> tuple[str, ...]:
    return (
        str(use.binding), f"subjects[{use.subject_index}] {use.subject}", _role(use), f"rules[{use.rule}]",
        use.scope or "the cluster",
    )  # fmt: skip


def _role(use: Use) -> str:
    written = f" (written in {use.origin})" if use.origin else ""
    return f"{use.role}{written}" + (" (assumed)" if use.assumed else "")


def _members(holder: Holder) -> str:
    return count(len(holder.members), "known member") if holder.kind == "Group" and holder.members else ""


def _way(each: Chain) -> str:
    return str(each) if each.state is State.YES else f"not certain: {each}"


def _permission(each: Permission) -> tuple[str, ...]:
    marks = ("!!", "!", "", "")
    bindings = list(dict.fromkeys(f"{use.binding}" + (f" ({use.via})" if use.via else "") for use in each.uses))
    more = f" and {len(bindings) - 2} more" if len(bindings) > 2 else ""
    return (
        marks[each.danger], str(each.part), ", ".join(each.names), ", ".join(each.verbs), each.scope or "the cluster",
        ", ".join(bindings[:2]) + more,
    )  # fmt: skip


def _change(sign: str, each: Change) -> tuple[str, ...]:
    return (
        sign, each.subject, ", ".join(each.verbs), str(each.part), ", ".join(each.names), each.scope or "the cluster",
        "; ".join(each.causes),
    )  # fmt: skip


def _holder(holder: Holder, use: Use) -> tuple[str, ...]:
    scope = holder.scope or "the cluster"
    return str(holder), scope, str(use.binding), _role(use), f"rules[{use.rule}]", _members(holder)


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _notes(depends: Iterable[str], notes: Iterable[str]) -> list[str]:
    return [*(f"depends: {text}" for text in depends), *(f"note: {text}" for text in notes)]


def _text(lines: Iterable[str]) -> str:
    text = "\n".join(visible(line) for line in lines)
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text.rstrip("\n") + "\n"
