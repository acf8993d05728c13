"""CEL policies on workloads: the template decides, live pods that differ get a verdict of their own (CHK-17..21)."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from kubeaudit.findings import Patch, Subject, Verdict
from kubeaudit.model.cluster import Cluster, object_class
from kubeaudit.model.workloads import Pod, Workload
from kubeaudit.policy.columns import Row
from kubeaudit.policy.culprits import Part
from kubeaudit.policy.decide import Rule
from kubeaudit.policy.judgement import Judgement
from kubeaudit.policy.objects import Objects
from kubeaudit.policy.patches import Patches
from kubeaudit.policy.schema import CONTAINER, OBJECT, POD_SPEC
from kubeaudit.policy.shapes import NO_ROW, Member, Shapes, Unit
from kubeaudit.policy.verdicts import judgements
from kubeaudit.proof import Path
from kubeaudit.refs import ObjectRef
from kubeaudit.snapshot import Snapshot

MAX_PODS = 5
"""Names of pods that are listed (CHK-20)."""
_POD_SPEC = ("spec",)
_HARMLESS = (Verdict.PASS, Verdict.NOT_APPLICABLE)

_Members = dict[Member, list[Pod]]


class _Group(Struct):
    """Pods with the same verdict on the same container; the first one proves it."""

    unit: Unit
    pods: list[Pod]


def judge_workloads(rules: Sequence[Rule], cluster: Cluster, snapshot: Snapshot) -> dict[str, list[Judgement]]:
    """Every rule on every workload that runs or will run something (CHK-19), by policy id.

    Rules that read ``object`` are judged apart: only for them objects are read again, and only they tell pods apart by
    more than their specs.
    """
    found: dict[str, list[Judgement]] = {rule.policy.id: [] for rule in rules}
    judged = [workload for workload in cluster.workloads if _runs(workload)]
    plain = [rule for rule in rules if not _on_object(rule)]
    _judge(_Judge(cluster, plain, None), judged, found)
    whole = [rule for rule in rules if _on_object(rule)]
    if whole:
        pods = (cluster.pods[number].ref for workload in judged for number in workload.pods)
        objects = Objects(whole, snapshot, [*(workload.ref for workload in judged), *pods])
        _judge(_Judge(cluster, whole, objects), judged, found)
    return found


def _runs(workload: Workload) -> bool:
    return workload.active and (bool(workload.pods) or not _by_pods(workload))


def _by_pods(workload: Workload) -> bool:
    """Whether there is no template to judge (CHK-21)."""
    return workload.owner_unread or workload.ref.kind == "Pod" or workload.template < 0


def _on_object(rule: Rule) -> bool:
    patch = rule.policy.patch
    return OBJECT in rule.reads or (patch is not None and patch.root == OBJECT)


def _judge(judge: "_Judge", workloads: Sequence[Workload], found: dict[str, list[Judgement]]) -> None:
    for workload in workloads:
        pods = judge.members(workload)
        template = None if _by_pods(workload) else judge.member(workload.template, workload)
        for rule in judge.rules:
            found[rule.policy.id].extend(
                judge.pods(rule, workload, pods) if template is None else judge.template(rule, workload, template, pods)
            )


class _Judge:
    def __init__(self, cluster: Cluster, rules: Sequence[Rule], objects: Objects | None) -> None:
        self.rules = rules
        self._cluster = cluster
        self._objects = objects
        self._shapes = Shapes(cluster.specs, rules, objects)
        self._patches = Patches()
        self._patched: dict[tuple[str, Row, Path, str], Patch] = {}
        self._subjects: dict[tuple[ObjectRef, str], Subject] = {}

    def members(self, workload: Workload) -> _Members:
        """The workload's pods, those that no rule can tell apart together."""
        found: _Members = {}
        for number in workload.pods:
            pod = self._cluster.pods[number]
            found.setdefault(self.member(pod.spec, pod), []).append(pod)
        return found

    def member(self, spec: int, owner: Workload | Pod) -> Member:
        """A spec of a workload or pod, with what is read of the object itself."""
        return self._shapes.shape_of(spec), self._objects.of(owner.ref) if self._objects else NO_ROW

    def template(self, rule: Rule, workload: Workload, template: Member, pods: _Members) -> Iterator[Judgement]:
        """Verdicts on the template, then on containers of live pods whose verdict differs from it (CHK-18)."""
        total = len(workload.pods)
        units = self._shapes.units(rule, template)
        if not units:
            yield Judgement(self._subject(workload, ""), Verdict.NOT_APPLICABLE, instances=total)
        wanted = {unit.seat.container: unit.decision.verdict for unit in units}
        drifted = self._drifted(rule, pods, template, wanted)
        for unit in units:
            container = unit.seat.container
            gone = {pod.name for group in drifted if group.unit.seat.container == container for pod in group.pods}
            if unit.decision.verdict in _HARMLESS:
                yield Judgement(self._subject(workload, container), unit.decision.verdict, instances=total - len(gone))
                continue
            yield from judgements(
                rule.policy,
                self._subject(workload, container),
                unit.decision,
                workload.ref,
                _roots(workload.template_path, unit),
                patch=self._patch(rule, unit, workload.template_path),
                instances=total - len(gone),
                pods=self._names(workload, gone) if unit.decision.verdict is Verdict.FAIL else (),
            )
        for group in drifted:
            yield from self._of_group(rule, workload, group, None, drift=True)

    def pods(self, rule: Rule, workload: Workload, pods: _Members) -> Iterator[Judgement]:
        """Verdicts on the pods of a workload without a readable template (CHK-21)."""
        groups: dict[tuple[str, Verdict, tuple[Part, ...]], _Group] = {}
        for member, alike in pods.items():
            for unit in self._shapes.units(rule, member):
                key = (unit.seat.container, unit.decision.verdict, unit.decision.parts)
                groups.setdefault(key, _Group(unit, [])).pods.extend(alike)
        if not groups:
            yield Judgement(self._subject(workload, ""), Verdict.NOT_APPLICABLE, instances=len(workload.pods))
        for group in groups.values():
            patch = None if workload.owner_unread else self._patch(rule, group.unit, _POD_SPEC)
            yield from self._of_group(rule, workload, group, patch, drift=False)

    def _drifted(self, rule: Rule, pods: _Members, template: Member, wanted: dict[str, Verdict]) -> list[_Group]:
        """Containers of pods whose verdict is not the template's; one that only pods have counts where it does not
        pass.
        """
        groups: dict[tuple[str, Verdict], _Group] = {}
        for member, alike in pods.items():
            if member == template:
                continue
            for unit in self._shapes.units(rule, member):
                verdict = unit.decision.verdict
                told = wanted.get(unit.seat.container)
                same = verdict is told if told else verdict in _HARMLESS
                # A policy about the controller's own fields does not apply to its pods; they are no drift.
                if not same and not (verdict is Verdict.NOT_APPLICABLE and OBJECT in rule.reads):
                    groups.setdefault((unit.seat.container, verdict), _Group(unit, [])).pods.extend(alike)
        return list(groups.values())

    def _of_group(
        self, rule: Rule, workload: Workload, group: _Group, patch: Patch | None, *, drift: bool
    ) -> Iterator[Judgement]:
        return judgements(
            rule.policy,
            self._subject(workload, group.unit.seat.container),
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

    def _patch(self, rule: Rule, unit: Unit, pod_spec: Path) -> Patch | None:
        template = rule.policy.patch
        if template is None or unit.decision.verdict is not Verdict.FAIL:
            return None
        path = _roots(pod_spec, unit)[template.root]
        container = unit.seat.container if template.root == CONTAINER else ""
        row, own = self._shapes.own(template, unit)
        key = (rule.policy.id, row, path, container)
        found = self._patched.get(key)
        if found is None:
            found = self._patched[key] = self._patches.build(template, own, path, container)
        return found

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


def _roots(path: Path, unit: Unit) -> dict[str, Path]:
    return {OBJECT: (), POD_SPEC: path, CONTAINER: (*path, *unit.seat.place)}
