"""Judges every object of a snapshot by the policies written in CEL."""

from collections.abc import Iterator, Sequence

import msgspec

from kubeaudit.documents import drop_nulls
from kubeaudit.findings import Subject
from kubeaudit.kinds import KINDS, NAMED_KIND, WORKLOADS, Kind, by_key
from kubeaudit.model.cluster import Cluster, object_class
from kubeaudit.model.decode import BROKEN
from kubeaudit.policy.decide import Rule
from kubeaudit.policy.judge_workloads import judge_workloads
from kubeaudit.policy.judgement import Judgement
from kubeaudit.policy.patches import Patches
from kubeaudit.policy.schema import Policy
from kubeaudit.policy.verdicts import judgements, not_evaluated
from kubeaudit.refs import ObjectRef
from kubeaudit.snapshot import Snapshot


def judge(policies: Sequence[Policy], snapshot: Snapshot, cluster: Cluster) -> dict[str, tuple[Judgement, ...]]:
    """Verdicts of the CEL policies among ``policies`` by their id, on every object of their kinds, passes included.

    ``cluster`` is built from ``snapshot``. What was not read is not considered: an object that is not there is not
    judged.
    """
    version = cluster.version()
    params: dict[str, object] = {"minor": version[1]} if version else {}
    rules = [Rule(policy, params) for policy in policies if policy.expression]
    found: dict[str, list[Judgement]] = {rule.policy.id: [] for rule in rules}
    found |= judge_workloads([rule for rule in rules if rule.policy.on_workloads], cluster, snapshot)
    for kind in (*KINDS, NAMED_KIND):
        of_kind = [rule for rule in rules if kind in kinds_of(rule.policy)]
        if of_kind and not of_kind[0].policy.on_workloads:
            for policy, judgement in _judge_objects(of_kind, kind, snapshot):
                found[policy.id].append(judgement)
    for rule in rules:
        found[rule.policy.id].extend(_undecoded(rule.policy, cluster))
    return {policy: tuple(all_of) for policy, all_of in found.items()}


def kinds_of(policy: Policy) -> tuple[Kind, ...]:
    """The rows of the kinds table that a policy is about; ``Kind.group`` is a kind of one group, ``Kind`` of any."""
    workloads = WORKLOADS if policy.on_workloads else ()
    named = (kind for kind in (*KINDS, NAMED_KIND) if {kind.kind, f"{kind.kind}.{kind.group}"} & {*policy.kinds})
    return (*(by_key()[key] for key in workloads), *named)


def _judge_objects(rules: Sequence[Rule], kind: Kind, snapshot: Snapshot) -> Iterator[tuple[Policy, Judgement]]:
    patches = Patches()
    for raw in snapshot.objects(kind.key):
        try:
            item = drop_nulls(msgspec.json.decode(raw))
        except BROKEN:
            continue
        if not isinstance(item, dict):
            continue
        subject = _subject(item, kind)
        for rule in rules:
            decision = rule.decide({"object": item})
            template = rule.policy.patch
            patch = patches.build(template, item, ()) if template and decision.parts else None
            for judgement in judgements(rule.policy, subject, decision, subject.object, {"object": ()}, patch=patch):
                yield rule.policy, judgement


def _subject(item: dict[str, object], kind: Kind) -> Subject:
    metadata = item.get("metadata")
    texts = {
        key: value for key, value in (metadata if isinstance(metadata, dict) else {}).items() if isinstance(value, str)
    }
    ref = ObjectRef(kind.kind, texts.get("namespace", ""), texts.get("name", ""), kind.group)
    version = item.get("apiVersion")
    api = version if isinstance(version, str) else "/".join(filter(None, (kind.group, kind.versions[0])))
    return Subject(ref, api_version=api, uid=texts.get("uid", ""), object_class=object_class(ref))


def _undecoded(policy: Policy, cluster: Cluster) -> Iterator[Judgement]:
    """Objects that are there but do not fit their API type (CHK-06); other policies read them as they are."""
    if not policy.on_workloads:
        return
    kinds = {kind.kind for kind in kinds_of(policy)}
    judged = {workload.ref for workload in cluster.workloads}
    for bad in cluster.bad:
        if bad.object is not None and bad.object.kind in kinds and bad.object not in judged:
            yield not_evaluated(Subject(bad.object, object_class=object_class(bad.object)), bad.reason)
