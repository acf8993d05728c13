"""Text of the answers that are chains: why, and simulate."""

from kubeaudit.findings import Hop
from kubeaudit.proof import Evidence, State, dotted
from kubeaudit.queries.simulate import ChainChange, FindingChange, Simulation
from kubeaudit.queries.why import Cut, Why
from kubeaudit.report.access_text import diff_lines
from kubeaudit.report.answer import missing
from kubeaudit.report.table import table
from kubeaudit.report.visible import clipped, visible
from kubeaudit.report.words import count

_VALUE = 200
"""Characters of a value that are shown."""
_OTHERS = 8


def why_text(found: Why) -> str:
    """The chain hop by hop with its proof, the edits, and what is left."""
    if found.chain is None:
        lines = [f"nothing leads from {found.start} to {found.target}"]
    else:
        certain = "" if found.chain.state is State.YES else ", as far as was decided"
        lines = [f"from {found.start} to {found.target}{certain}: {count(len(found.chain.hops), 'hop')}", ""]
        for number, hop in enumerate(found.chain.hops):
            lines += [*_hop(number, hop), *_edit(number, found.cuts)]
        lines += ["", *_proposal(found)]
    lines += [*missing(found.unseen), *(f"note: {text}" for text in found.notes)]
    return "\n".join(visible(line) for line in lines).rstrip() + "\n"


def simulation_text(found: Simulation) -> str:
    """Objects, permissions, chains, findings, and the writer's rights."""
    lines = table(("change", "object"), ((str(each.fate), str(each.object)) for each in found.objects))
    lines += ["", "permissions", *(diff_lines(found.permissions) or ["none changes"])]
    lines += ["", "chains", *([line for each in found.chains for line in _chain(each)] or ["none changes"])]
    rows = [
        *(_finding("+", each) for each in found.findings_added),
        *(_finding("-", each) for each in found.findings_removed),
    ]
    lines += ["", "findings", *(table(("", "severity", "check", "object", "message"), rows) or ["none changes"])]
    if found.writer:
        lines += ["", f"as {found.writer}"]
        for each in found.writes:
            rules = "".join(f"; not held: {rule}" for rule in each.uncovered)
            lines.append(f"{each.answer}: {each.verb} {each.object}: {each.reason}{rules}")
    lines += ["", *missing(found.permissions.unseen), *(f"note: {text}" for text in found.notes)]
    return "\n".join(visible(line) for line in lines).rstrip() + "\n"


def _hop(number: int, hop: Hop) -> list[str]:
    mark = "" if hop.state is State.YES else f" ({hop.state})"
    lines = [f"{number + 1}. {hop.source_label} {hop.verb} {hop.target_label}{mark}", f"   {hop.sentence}"]
    lines += [f"   {_evidence(item)}" for item in hop.evidence]
    lines += [f"   assumed: {item.text}" for item in hop.assumptions]
    return lines + [f"   {line}" for line in missing(hop.unseen)]


def _evidence(item: Evidence) -> str:
    value = "not set" if item.absent else clipped(item.value, _VALUE)
    return f"{item.object} {dotted(item.path)}: {value}" + (f" ({item.note})" if item.note else "")


def _edit(number: int, cuts: tuple[Cut, ...]) -> list[str]:
    lines = []
    for cut in cuts:
        if cut.hop == number:
            left = f"another chain stays: {cut.survives}" if cut.survives else "no chain is left"
            own = " (came with the cluster: not proposed)" if cut.system else ""
            lines.append(f"   cut: {cut.edit}; {left}{own}")
    return lines


def _proposal(found: Why) -> list[str]:
    cut = found.proposal
    if cut is None:
        return ["only what came with the cluster could be changed" if found.cuts else "no edit of an object cuts it"]
    lines = [f"smallest edit: {cut.edit}"]
    if cut.also:
        more = " and more" if len(cut.also) > _OTHERS else ""
        lines.append(f"it also takes the step from: {', '.join(cut.also[:_OTHERS])}{more}")
    if found.second is None:
        lines.append("after it nothing leads there")
    else:
        lines.append(f"after it a second chain is left: {found.second}")
        if found.plan:
            lines += ["together these leave none:", *(f"  {edit}" for edit in found.plan)]
    if cut.manifest:
        lines += ["as a manifest, to try with `kubeaudit simulate -f`:", ""]
        lines += [f"  {line}" for line in cut.manifest.splitlines()]
        lines.append("")
    return lines


def _chain(each: ChainChange) -> list[str]:
    sign = "+" if each.worse else "-"
    return [f"{sign} {each.source_label} to {each.target}: {each.before} -> {each.after}", f"    {each.chain}"]


def _finding(sign: str, each: FindingChange) -> tuple[str, ...]:
    return sign, str(each.severity), each.check, str(each.subject), each.message
