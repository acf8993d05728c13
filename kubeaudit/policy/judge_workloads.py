"""CEL policies on workloads: the template decides, live pods that differ get a verdict of their own (CHK-17..21)."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from kubeaudit.findings import Patch, Subject, Verdict
from kubeaudit.model.cluster import Cluster, object_class
from kubeaudit.model.workloads import Pod, Workload
from kubeaudit.policy.culprits import Part
from kubeaudit.policy.decide import Rule
from kubeaudit.policy.judgement import Judgement
from kubeaudit.policy.patches import Patches
from kubeaudit.policy.shapes import Shapes, Unit
from kubeaudit.policy.verdicts import judgements
from kubeaudit.refs import ObjectRef

MAX_PODS = 5
"""Names of pods that are listed (CHK-20)."""
_POD_SPEC = ("spec",)

_ByShape = dict[int, list[Pod]]


class _Group(Struct):
    """Pods with the same verdict on the same container; the first one proves it."""

    unit: Unit
    shape: int
    pods: list[Pod]


def judge_workloads(rules: Sequence[Rule], cluster: Cluster) -> dict[str, list[Judgement]]:
    """Every rule on every workload that runs or will run something (CHK-19), by policy id."""
    judge = _Judge(cluster, rules)
    found: dict[str, list[Judgement]] = {rule.policy.id: [] for rule in rules}
    for workload in cluster.workloads:
        by_pods = workload.owner_unread or workload.ref.kind == "Pod" or workload.template < 0
        if not workload.active or (by_pods and not workload.pods):
            continue
        pods = judge.by_shape(workload)
        for rule in rules:
            found[rule.policy.id].extend(
                judge.pods(rule, workload, pods) if by_pods else judge.template(rule, workload, pods)
            )
    return found


class _Judge:
    def __init__(self, cluster: Cluster, rules: Sequence[Rule]) -> None:
        self._cluster = cluster
        self._shapes = Shapes(cluster.specs, rules)
        self._patches = Patches()
        self._subjects: dict[tuple[ObjectRef, str], Subject] = {}

    def by_shape(self, workload: Workload) -> _ByShape:
        """The workload's pods, those that no rule can tell apart together."""
        found: _ByShape = {}
        for number in workload.pods:
            pod = self._cluster.pods[number]
            found.setdefault(self._shapes.shape_of(pod.spec), []).append(pod)
        return found

    def template(self, rule: Rule, workload: Workload, pods: _ByShape) -> Iterator[Judgement]:
        """Verdicts on the template, then on containers of live pods whose verdict differs from it (CHK-18)."""
        shape = self._shapes.shape_of(workload.template)
        units = self._shapes.units(rule, shape)
        if not units:
            yield Judgement(self._subject(workload, ""), Verdict.NOT_APPLICABLE, instances=len(workload.pods))
        drifted = self._drifted(rule, pods, shape, {unit.container: unit.decision.verdict for unit in units})
        for unit in units:
            gone = {pod.name for group in drifted if group.unit.container == unit.container for pod in group.pods}
            yield from judgements(
                rule.policy,
                self._subject(workload, unit.container),
                unit.decision,
                workload.ref,
                _roots(workload.template_path, unit),
                patch=self._patch(rule, shape, unit, workload.template_path),
                instances=len(workload.pods) - len(gone),
                pods=self._names(workload, gone) if unit.decision.verdict is Verdict.FAIL else (),
            )
        for group in drifted:
            yield from self._of_group(rule, workload, group, None, drift=True)

    def pods(self, rule: Rule, workload: Workload, pods: _ByShape) -> Iterator[Judgement]:
        """Verdicts on the pods of a workload without a readable template (CHK-21)."""
        groups: dict[tuple[str, Verdict, tuple[Part, ...]], _Group] = {}
        for shape, members in pods.items():
            for unit in self._shapes.units(rule, shape):
                key = (unit.container, unit.decision.verdict, unit.decision.parts)
                groups.setdefault(key, _Group(unit, shape, [])).pods.extend(members)
        if not groups:
            yield Judgement(self._subject(workload, ""), Verdict.NOT_APPLICABLE, instances=len(workload.pods))
        for group in groups.values():
            patch = None if workload.owner_unread else self._patch(rule, group.shape, group.unit, _POD_SPEC)
            yield from self._of_group(rule, workload, group, patch, drift=False)

    def _drifted(self, rule: Rule, pods: _ByShape, template: int, wanted: dict[str, Verdict]) -> list[_Group]:
        """Containers of pods whose verdict is not the template's; one that only pods have counts where it does not
        pass.
        """
        groups: dict[tuple[str, Verdict], _Group] = {}
        for shape, members in pods.items():
            if shape == template:
                continue
            for unit in self._shapes.units(rule, shape):
                verdict = unit.decision.verdict
                told = wanted.get(unit.container)
                same = verdict is told if told else verdict in (Verdict.PASS, Verdict.NOT_APPLICABLE)
                if not same:
                    groups.setdefault((unit.container, verdict), _Group(unit, shape, [])).pods.extend(members)
        return list(groups.values())

    def _of_group(
        self, rule: Rule, workload: Workload, group: _Group, patch: Patch | None, *, drift: bool
    ) -> Iterator[Judgement]:
        return judgements(
            rule.policy,
            self._subject(workload, group.unit.container),
            group.unit.decision,
            group.pods[0].ref,
            _roots(_POD_SPEC, group.unit),
            patch=patch,
            instances=len(group.pods),
            pods=tuple(pod.name for pod in group.pods[:MAX_PODS])
            if group.unit.decision.verdict is Verdict.FAIL
            else (),
            drift=drift,
        )

    def _patch(self, rule: Rule, shape: int, unit: Unit, path: tuple[str, ...]) -> Patch | None:
        template = rule.policy.patch
        if template is None or unit.decision.verdict is not Verdict.FAIL:
            return None
        if template.root != "container":
            return self._patches.build(template, self._shapes.pod_spec(shape), path)
        return self._patches.build(template, self._shapes.container(shape, unit), (*path, *unit.place), unit.container)

    def _subject(self, workload: Workload, container: str) -> Subject:
        key = (workload.ref, container)
        found = self._subjects.get(key)
        if found is None:
            found = self._subjects[key] = Subject(
                workload.ref,
                api_version=workload.api_version,
                uid=workload.uid,
                container=container,
                object_class=object_class(workload.ref, dict(workload.labels)),
                owner_unread=workload.owner_unread,
            )
        return found

    def _names(self, workload: Workload, gone: set[str]) -> tuple[str, ...]:
        names = (self._cluster.pods[number].name for number in workload.pods)
        return tuple(name for name in names if name not in gone)[:MAX_PODS]


def _roots(path: tuple[str, ...], unit: Unit) -> dict[str, tuple[str | int, ...]]:
    return {"podSpec": path, "container": (*path, *unit.place)}
