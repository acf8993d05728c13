"""``object`` in policies on workloads: the root controller, or the Pod where pods are judged (CHK-17, CHK-18,
CHK-29).
"""

from typing import Any

import msgspec
import pytest
from msgspec import structs

from kubeaudit.findings import Verdict
from kubeaudit.model.cluster import build
from kubeaudit.policy.cel_judge import judge
from kubeaudit.policy.judgement import Judgement
from kubeaudit.proof import dotted
from kubeaudit.refs import ObjectRef
from kubeaudit.snapshot import Frame, Snapshot, pack

from .snapshots import compiled, container, deployment, of_objects, pod, shipped, spec

HEAD = """\
id: x
title: T
severity: low
theme: workload
default: on
kinds: workloads
requires: [pods]
description: D
remediation: R
message: "{object} has no owner label."
"""
LABELLED = compiled(
    HEAD
    + "expression: object.?metadata.?labels.?team.orValue('') != ''\n"
    + "patch:\n  object:\n    metadata:\n      labels:\n        team: NAME\n"
)
REPLICAS = compiled(
    HEAD
    + "applies: object.kind == 'Deployment'\nexpression: object.?spec.?replicas.orValue(1) >= 2 || podSpec.hostPID\n"
)
PINNED = compiled(
    HEAD + "each: container\n"
    "expression: >-\n"
    "  object.?metadata.?annotations.?pinned.orValue('') != 'true' || container.image.contains('@')\n"
)
WEB = ObjectRef("Deployment", "shop", "web", "apps")


def labelled(item: Any, **labels: str) -> Any:
    return {**item, "metadata": {**item["metadata"], "labels": labels}}


def places(one: Judgement) -> list[tuple[str, str]]:
    return [(dotted(item.path), "absent" if item.absent else item.value) for item in one.evidence]


def said(policy: Any, snapshot: Snapshot) -> tuple[Judgement, ...]:
    return judge([policy], snapshot, build(snapshot))[policy.id]


def test_the_object_of_a_template_is_its_controller() -> None:
    """CHK-29: its evidence starts at the root of the object."""
    (one,) = said(LABELLED, of_objects([labelled(deployment(spec()), tier="front")]))
    assert (one.verdict, one.subject.object) == (Verdict.FAIL, WEB)
    assert (one.evidence[0].object, places(one)) == (WEB, [("metadata.labels.team", "absent")])
    assert one.patch is not None
    assert one.patch.after == "metadata:\n  labels:\n    team: NAME\n"
    assert one.patch.before == "metadata:\n  labels: {}\n"


def test_workloads_with_equal_specs_and_different_objects_are_told_apart() -> None:
    items = [
        labelled(deployment(spec(), "a"), team="x"),
        labelled(deployment(spec(), "b"), tier="x"),
        deployment(spec(), "c"),
    ]
    found = {one.subject.object.name: one.verdict for one in said(LABELLED, of_objects(items))}
    assert found == {"a": Verdict.PASS, "b": Verdict.FAIL, "c": Verdict.FAIL}


def test_the_object_of_a_live_pod_is_the_pod() -> None:
    """CHK-18: a pod that fails where its template passes is a finding of its own."""
    web = labelled(deployment(spec()), team="x")
    pods = [labelled(pod("web-1", spec(), web), team="x"), pod("web-2", spec(), web)]
    passed, failed = said(LABELLED, of_objects([web, *pods]))
    assert (passed.verdict, passed.instances, passed.drift) == (Verdict.PASS, 1, False)
    assert (failed.verdict, failed.instances, failed.pods, failed.drift) == (Verdict.FAIL, 1, ("web-2",), True)
    assert failed.evidence[0].object == ObjectRef("Pod", "shop", "web-2")
    assert places(failed) == [("metadata.labels.team", "absent")]


def test_pods_without_a_readable_owner_are_their_own_objects() -> None:
    """CHK-21."""
    owner = {"apiVersion": "example.com/v1", "kind": "Fleet", "metadata": {"name": "f"}}
    pods = [labelled(pod("f-1", spec(), owner), team="x"), pod("f-2", spec(), owner), pod("solo", spec())]
    found = said(LABELLED, of_objects(pods))
    failed = {one.subject.object.name: one.evidence[0].object.name for one in found if one.verdict is Verdict.FAIL}
    assert failed == {"f": "f-2", "solo": "solo"}
    assert [one.verdict for one in found if not one.evidence] == [Verdict.PASS]


def test_pods_to_which_a_policy_on_controllers_does_not_apply_are_no_drift() -> None:
    web = deployment(spec(hostPID=False))
    (one,) = said(REPLICAS, of_objects([web, pod("web-1", spec(hostPID=False), web)]))
    assert (one.verdict, one.instances, one.pods) == (Verdict.FAIL, 1, ("web-1",))
    assert places(one) == [("spec.replicas", "1"), ("spec.template.spec.hostPID", "false")]


def test_containers_are_judged_with_their_object() -> None:
    annotated = deployment(spec(container("a"), container("b", image="r/b@sha256:0")))
    annotated = {**annotated, "metadata": {**annotated["metadata"], "annotations": {"pinned": "true"}}}
    found = said(PINNED, of_objects([annotated, deployment(spec(container("a")), "free")]))
    assert {(one.subject.object.name, one.subject.container): one.verdict for one in found} == {
        ("web", "a"): Verdict.FAIL, ("web", "b"): Verdict.PASS, ("free", "a"): Verdict.PASS,
    }  # fmt: skip


def test_a_cron_job_is_the_object_and_not_the_job_it_makes() -> None:
    job = {"spec": {"template": {"spec": spec()}}}
    cron = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "c", "namespace": "shop"},
        "spec": {"jobTemplate": job},
    }
    (one,) = said(compiled(HEAD + "expression: object.kind != 'CronJob'\n"), of_objects([cron]))
    assert (one.verdict, places(one)) == (Verdict.FAIL, [("kind", '"CronJob"')])


def test_an_object_read_whole() -> None:
    whole = compiled(HEAD + "expression: object != {}\n")
    assert [str(field) for field in whole.fields] == ["object"]
    assert [one.verdict for one in said(whole, of_objects([deployment(spec())]))] == [Verdict.PASS]


def test_nulls_of_an_object_are_absent() -> None:
    policy = compiled(HEAD + "expression: '!has(object.metadata.labels)'\n")
    web = deployment(spec())
    web = {**web, "metadata": {**web["metadata"], "labels": None}}
    assert [one.verdict for one in said(policy, of_objects([web]))] == [Verdict.PASS]


NOTED = compiled(HEAD + "expression: object.?spec.?note.orValue('') == ''\n")


@pytest.mark.parametrize("policy", [NOTED, shipped()["pod-privileged"]], ids=["object", "container"])
def test_what_is_no_text_is_not_evaluated_and_ends_nothing(policy: Any) -> None:
    """CHK-06: bytes that are no UTF-8 in a field that only policies read; the model skips it."""
    good, bad = deployment(spec(container(securityContext={"privileged": False}))), deployment(spec(), "bad")
    raw = msgspec.json.encode(bad).replace(b'"replicas"', b'"note":"\xff","replicas"')
    raw = raw.replace(b'"image"', b'"securityContext":{"privileged":"\xff"},"image"')
    snapshot = of_objects([good])
    frames: tuple[Frame, ...] = (*snapshot.frames, pack("deployments.apps", [raw]))
    found = said(policy, structs.replace(snapshot, frames=frames))
    assert {one.subject.object.name: one.verdict for one in found} == {
        "web": Verdict.PASS,
        "bad": Verdict.NOT_EVALUATED,
    }
    assert [one.detail for one in found if one.detail] == ["a field that the policy reads is no JSON"]


def test_objects_are_read_again_only_for_policies_that_read_object(monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = of_objects([deployment(spec()), pod("solo", spec())])
    cluster = build(snapshot)
    read: list[str] = []

    def objects(self: Snapshot, resource: str) -> list[bytes]:
        read.append(resource)
        return []

    monkeypatch.setattr(Snapshot, "objects", objects)
    judge([policy for policy in shipped().values() if policy.on_workloads], snapshot, cluster)
    assert read == []
    judge([LABELLED], snapshot, cluster)
    assert read == ["deployments.apps", "deploymentconfigs.apps.openshift.io", "rollouts.argoproj.io", "pods"]
