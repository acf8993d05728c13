"""The answer in a few sentences, and the coverage that stands beside it (CHK-08, REP-02, REP-32)."""

from collections.abc import Iterable, Sequence

from kubeaudit.findings import Cell, CheckResult, Coverage, Reason, Verdict
from kubeaudit.graph.paths import ENTRIES, JEWELS
from kubeaudit.kinds import NAMED_CONFIGMAPS, by_key, expand
from kubeaudit.policy.schema import Policy
from kubeaudit.proof import State
from kubeaudit.snapshot import Gap
from kubeaudit.world import World

_EXPOSED_METADATA = "meta-exposed-pod"


def coverage(world: World, checks: Sequence[CheckResult], policies: Sequence[Policy]) -> Coverage:
    """What was judged and what was not; each gap with the checks it disabled and the rule that would enable them
    (REP-33).
    """
    undecided = [c for c in checks if c.verdict is Verdict.NOT_EVALUATED]
    not_applicable = [c for c in checks if c.verdict is Verdict.NOT_APPLICABLE]
    evaluated = len(checks) - len(undecided) - len(not_applicable)
    judged = evaluated + len(undecided)
    missing = world.cluster.complete.gaps
    needed = {policy.id: expand(policy.requires) for policy in policies}
    return Coverage(
        selected=len(checks),
        evaluated=evaluated,
        not_evaluated=len(undecided),
        not_applicable=len(not_applicable),
        ratio=evaluated / judged if judged else 0.0,
        gaps=missing,
        disabled={gap.resource: tuple(c.id for c in undecided if gap.resource in needed[c.id]) for gap in missing},
        grants={gap.resource: _rule(gap) for gap in missing if gap.reason == "forbidden"},
        bad=world.cluster.bad,
    )


def _rule(gap: Gap) -> str:
    """The RBAC rule that would let the next run read the kind."""
    kind = by_key().get(gap.resource)
    if kind is None:
        names = ", ".join(name for _, name in NAMED_CONFIGMAPS)
        return f'- {{apiGroups: [""], verbs: [get], resources: [configmaps], resourceNames: [{names}]}}'
    return f'- {{apiGroups: ["{kind.group}"], verbs: [list], resources: [{kind.resource}]}}'


def answer(matrix: Iterable[Cell], checks: Sequence[CheckResult], gaps: tuple[Gap, ...]) -> tuple[str, ...]:
    """The sentences on top of every report: what can be reached, what cannot be decided, what was not seen."""
    cells = list(matrix)
    sentences = [_reach(cell) for cell in cells if cell.state == State.YES]
    undecided = [cell for cell in cells if cell.state == State.UNKNOWN]
    if undecided:
        pairs = ", ".join(f"from {ENTRIES[c.entry]} to {JEWELS[c.jewel].phrase}" for c in undecided)
        sentences.append(f"It cannot be decided whether a path leads {pairs}.")
    exposed = next((c for c in checks if c.id == _EXPOSED_METADATA), None)
    if exposed is not None and (exposed.counts.failed or exposed.counts.not_evaluated):
        sentences.append(_metadata(exposed.counts.failed, exposed.counts.not_evaluated))
    if not sentences:
        sentences.append("No path leads from the internet, anonymous or authenticated callers to a crown jewel.")
    failed = [c for c in checks if c.verdict is Verdict.FAIL]
    sentences.append(f"{len(failed)} of {len(checks)} checks fail.")
    unread = sorted({gap.resource for gap in gaps if gap.reason != Reason.FILE_NOT_VISIBLE})
    if unread:
        kinds, more = ", ".join(unread[:4]), len(unread) - 4
        sentences.append(f"Not read: {kinds}{f' and {more} more' if more > 0 else ''}.")
    return tuple(sentences)


def _reach(cell: Cell) -> str:
    ways = "1 way leads" if cell.count == 1 else f"{cell.count} ways lead"
    return f"{ways} from {ENTRIES[cell.entry]} to {JEWELS[cell.jewel].phrase}."


def _metadata(reaching: int, unknown: int) -> str:
    if not reaching:
        noun = "workload" if unknown == 1 else "workloads"
        return f"For {unknown} internet-facing {noun} it cannot be decided whether a cloud metadata service is reached."
    noun = "workload reaches" if reaching == 1 else "workloads reach"
    text = f"{reaching} internet-facing {noun} a cloud metadata service"
    return text + (f"; for {unknown} it cannot be decided." if unknown else ".")
