"""From judgements to verdicts, findings and coverage (checks.md sections 2 to 6).

The one place where incomplete reads meet verdicts: a pass needs a complete read of everything the policy requires in
the subject's scope (CHK-02); a failure stands, and the check's scope is then partial (CHK-03)."""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct, structs

from kubeaudit.edges.context import unseen
from kubeaudit.findings import CheckResult, Counts, Finding, ObjectClass, Reason, Subject, Undecided, Unseen, Verdict
from kubeaudit.graph.paths import Route
from kubeaudit.kinds import expand
from kubeaudit.model.cluster import object_class
from kubeaudit.policy.cel_judge import judge, kinds_of
from kubeaudit.policy.exposure import exposures
from kubeaudit.policy.finding import finding
from kubeaudit.policy.judgement import Judgement
from kubeaudit.policy.places import Places
from kubeaudit.policy.predicates import PREDICATES
from kubeaudit.policy.predicates.base import Predicate
from kubeaudit.policy.schema import Policy
from kubeaudit.policy.verdicts import not_evaluated
from kubeaudit.refs import ObjectRef
from kubeaudit.settings import Settings
from kubeaudit.snapshot import Snapshot
from kubeaudit.world import World

_FOLDED = (ObjectClass.SYSTEM, ObjectClass.BUILTIN)


class Evaluation(Struct, frozen=True):
    """What all selected policies say, sorted: checks by id; findings by severity, exposure, instances, check and object
    (CHK-15).

    ``routes`` are the paths that prove findings.
    """

    checks: tuple[CheckResult, ...]
    findings: tuple[Finding, ...]
    undecided: tuple[Undecided, ...]
    routes: tuple[Route, ...]


def evaluate(world: World, snapshot: Snapshot, policies: Sequence[Policy]) -> Evaluation:
    """Judge every selected policy on every subject, and account for what was not read."""
    judged = judge([p for p in policies if p.predicate is None], snapshot, world.cluster)
    reached, places = exposures(world), Places(world.cluster)
    checks: list[CheckResult] = []
    findings: list[Finding] = []
    undecided: list[Undecided] = []
    routes: list[Route] = []
    for policy in sorted(policies, key=lambda p: p.id):
        said = (
            judged[policy.id]
            if policy.predicate is None
            else _by_graph(world, policy, PREDICATES[policy.predicate.name])
        )
        missing = _Missing(world, policy)
        settled = [_settle(missing, item) for item in said if _asked(item, world.settings)]
        asked = {word for scope in world.settings.namespaces or ("",) for word in missing.of(scope)}
        checks.append(_check(world, policy, settled, tuple(sorted(asked))))
        for item in settled:
            if item.verdict is Verdict.FAIL:
                findings.append(finding(world, policy, item, checks[-1], reached, places))
                routes.extend(item.routes)
            elif item.verdict is Verdict.NOT_EVALUATED:
                undecided.append(Undecided(policy.id, item.subject, item.unseen, item.detail))
    findings.sort(key=_order)
    undecided.sort(key=lambda item: (item.check, item.subject))
    return Evaluation(tuple(checks), tuple(findings), tuple(undecided), tuple(routes))


def _by_graph(world: World, policy: Policy, predicate: Predicate) -> Iterator[Judgement]:
    """What the predicate says, and a verdict on each object of its kinds that could not be decoded (CHK-06)."""
    subjects = set()
    for item in predicate.judge(world, policy):
        subjects.add(item.subject.object)
        yield item
    kinds = {(kind.kind, kind.group) for kind in kinds_of(policy)}
    for bad in world.cluster.bad:
        ref = bad.object
        if ref is not None and (ref.kind, ref.group) in kinds and ref not in subjects:
            yield not_evaluated(Subject(ref, object_class=object_class(ref)), bad.reason)


def _asked(item: Judgement, settings: Settings) -> bool:
    """``-n`` limits the subjects that are reported, never what is read for judging them (decisions.md)."""
    namespace = scope_of(item.subject.object)
    return not settings.namespaces or not namespace or namespace in settings.namespaces


def scope_of(ref: ObjectRef) -> str:
    """The namespace that what is said of an object rests on: its own, or the one it is."""
    return ref.name if ref.kind == "Namespace" else ref.namespace


class _Missing:
    """Required resources of one policy that were not read whole, by namespace ("" = in the whole cluster)."""

    def __init__(self, world: World, policy: Policy) -> None:
        self._complete = world.cluster.complete
        self._resources = expand(policy.requires)
        self._known: dict[str, tuple[Unseen, ...]] = {}

    def of(self, namespace: str) -> tuple[Unseen, ...]:
        """What is missing to judge objects of a namespace.

        An observed kind that no file shows disables nothing by itself: the predicates that need it say so
        (decisions.md, EXP-33)."""
        if namespace not in self._known:
            found = (self._complete.gap(resource, namespace) for resource in self._resources)
            words = {unseen(gap) for gap in found if gap is not None}
            self._known[namespace] = tuple(sorted(word for word in words if word.reason is not Reason.FILE_NOT_VISIBLE))
        return self._known[namespace]


def _settle(missing: _Missing, item: Judgement) -> Judgement:
    if item.verdict not in (Verdict.PASS, Verdict.NOT_APPLICABLE):
        return item
    words = missing.of(scope_of(item.subject.object))
    return structs.replace(item, verdict=Verdict.NOT_EVALUATED, unseen=words) if words else item


def _check(world: World, policy: Policy, items: list[Judgement], missing: tuple[Unseen, ...]) -> CheckResult:
    counted = _counts(i.verdict for i in items if i.subject.object_class not in _FOLDED)
    folded = _counts(i.verdict for i in items if i.subject.object_class in _FOLDED)
    verdict = _verdict(items, missing)
    own = tuple(sorted({word for i in items for word in i.unseen if i.verdict is Verdict.NOT_EVALUATED}))
    override = world.settings.severities.get(policy.id)
    return CheckResult(
        id=policy.id,
        theme=policy.theme,
        title=policy.title,
        severity=override or policy.severity,
        verdict=verdict,
        counts=counted,
        folded=folded,
        scope="partial" if missing and items else "full",
        unseen=tuple(sorted({*missing, *own})),
        description=policy.description,
        remediation=policy.remediation,
        references=policy.references,
        original_severity=policy.severity if override and override is not policy.severity else None,
    )


def _verdict(items: list[Judgement], missing: tuple[Unseen, ...]) -> Verdict:
    """CHK-07; without any object a check is not applicable only where the lists were whole (CHK-05)."""
    found = {item.verdict for item in items}
    for verdict in (Verdict.FAIL, Verdict.NOT_EVALUATED):
        if verdict in found:
            return verdict
    if missing:
        return Verdict.NOT_EVALUATED
    return Verdict.PASS if Verdict.PASS in found else Verdict.NOT_APPLICABLE


def _counts(verdicts: Iterable[Verdict]) -> Counts:
    found = list(verdicts)
    return Counts(
        passed=found.count(Verdict.PASS),
        failed=found.count(Verdict.FAIL),
        not_evaluated=found.count(Verdict.NOT_EVALUATED),
        not_applicable=found.count(Verdict.NOT_APPLICABLE),
    )


def _order(item: Finding) -> tuple[object, ...]:
    exposure = list(type(item.exposure)).index(item.exposure)
    return (item.severity.rank, exposure, -item.instances, item.check, item.subject, item.value, item.fingerprint)
