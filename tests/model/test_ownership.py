"""From pods to root workloads (CHK-17..21), and which of them run anything."""

from typing import Any

import pytest
from factory import Object, cluster, controlled_by, deployment, files, named, pod, snapshot, spec

from kubeaudit.model import cluster as model
from kubeaudit.snapshot import Outcome


def owned(kind: str, api: str, name: str, owner: Object | None = None, **fields: Any) -> Object:
    meta = {"uid": f"uid-{name}", **({"ownerReferences": [controlled_by(owner)]} if owner else {})}
    body = {"template": {"metadata": {"labels": {"app": "web"}}, "spec": spec()}, **fields}
    return named(kind, api, name, metadata=meta, spec=body)


def cron(name: str = "nightly", **fields: Any) -> Object:
    template = {"spec": {"template": {"spec": spec()}}}
    return named("CronJob", "batch/v1", name, metadata={"uid": f"uid-{name}"}, spec={"jobTemplate": template, **fields})


DEPLOYMENT = deployment()
REPLICAS = owned("ReplicaSet", "apps/v1", "web-7f", DEPLOYMENT)
CRON = cron()
JOB = owned("Job", "batch/v1", "nightly-1", CRON)
CUSTOM = named("Rollouter", "example.com/v1", "own")

CHAINS: list[tuple[str, list[Object], Object | None, str, bool]] = [
    ("stands alone", [], None, "Pod/web-1", False),
    ("Deployment", [DEPLOYMENT, REPLICAS], REPLICAS, "Deployment/web", False),
    (
        "ReplicaSet of its own",
        [owned("ReplicaSet", "apps/v1", "rs")],
        owned("ReplicaSet", "apps/v1", "rs"),
        "ReplicaSet/rs",
        False,
    ),
    ("CronJob", [CRON, JOB], JOB, "CronJob/nightly", False),
    (
        "StatefulSet",
        [owned("StatefulSet", "apps/v1", "db")],
        owned("StatefulSet", "apps/v1", "db"),
        "StatefulSet/db",
        False,
    ),
    (
        "DaemonSet",
        [owned("DaemonSet", "apps/v1", "agent")],
        owned("DaemonSet", "apps/v1", "agent"),
        "DaemonSet/agent",
        False,
    ),
    (
        "ReplicationController",
        [owned("ReplicationController", "v1", "rc")],
        owned("ReplicationController", "v1", "rc"),
        "ReplicationController/rc",
        False,
    ),
    ("custom owner", [], CUSTOM, "Rollouter/own", True),
    (
        "custom above a Deployment",
        [owned("Deployment", "apps/v1", "web", CUSTOM), REPLICAS],
        REPLICAS,
        "Rollouter/own",
        True,
    ),
    ("owner not read", [], REPLICAS, "ReplicaSet/web-7f", True),
    ("mirror pod", [], named("Node", "v1", "n1", ""), "Pod/web-1", False),
]


@pytest.mark.parametrize(("what", "objects", "owner", "name", "unread"), CHAINS, ids=[case[0] for case in CHAINS])
def test_chk_17_21_chains(what: str, objects: list[Object], owner: Object | None, name: str, unread: bool) -> None:
    found = cluster([*objects, pod(owner=owner)])
    (workload,) = [w for w in found.workloads if w.pods]
    assert (workload.name, workload.owner_unread) == (name, unread), what
    assert workload.uid and found.classes[0].name == name
    assert len({w.ref for w in found.workloads}) == len(found.workloads)


def test_chk_17_only_a_controlling_reference_counts() -> None:
    item = pod(owner=DEPLOYMENT)
    item["metadata"]["ownerReferences"][0].pop("controller")
    assert cluster([DEPLOYMENT, item]).workloads[-1].name == "Pod/web-1"


def test_chk_17_a_ring_of_owners_ends() -> None:
    one, two = owned("ReplicaSet", "apps/v1", "a"), owned("ReplicaSet", "apps/v1", "b")
    one["metadata"]["ownerReferences"], two["metadata"]["ownerReferences"] = [controlled_by(two)], [controlled_by(one)]
    assert [w.pods for w in cluster([one, two, pod(owner=one)]).workloads if w.pods] == [(0,)]


def test_chk_17_templates_below_an_unread_owner_are_not_lost_without_pods() -> None:
    nightly = cron()
    nightly["metadata"]["ownerReferences"] = [controlled_by(CUSTOM)]
    objects = [nightly, owned("Deployment", "apps/v1", "front", CUSTOM), REPLICAS, DEPLOYMENT]
    assert {w.name for w in cluster(objects).workloads} == {"CronJob/nightly", "Deployment/front", "Deployment/web"}
    with_pods = cluster([*objects, pod("p", owned("Deployment", "apps/v1", "front", CUSTOM))])
    assert "Rollouter/own" in {w.name for w in with_pods.workloads}


@pytest.mark.parametrize(
    ("item", "active"),
    [
        (deployment(), True),
        (owned("ReplicaSet", "apps/v1", "old", replicas=0), False),
        (
            owned("Job", "batch/v1", "done") | {"status": {"conditions": [{"type": "Complete", "status": "True"}]}},
            False,
        ),
        (
            owned("Job", "batch/v1", "broken") | {"status": {"conditions": [{"type": "Failed", "status": "True"}]}},
            False,
        ),
        (
            owned("Job", "batch/v1", "going") | {"status": {"conditions": [{"type": "Complete", "status": "False"}]}},
            True,
        ),
        (cron(), True),
        (cron(suspend=True), False),
    ],
)
def test_chk_19_what_runs_or_will_run(item: Object, active: bool) -> None:
    (workload,) = cluster([item]).workloads
    assert workload.active is active and len(cluster([item]).classes) == int(active)


def test_chk_19_pods_that_still_run_make_their_workload_active() -> None:
    paused = cron(suspend=True)
    found = cluster([paused, owned("Job", "batch/v1", "nightly-1", paused), pod(owner=JOB)])
    assert [w.active for w in found.workloads] == [True] and found.classes[0].pods == (0,)
    gone = cluster([paused, pod(owner=JOB, phase="Succeeded"), owned("Job", "batch/v1", "nightly-1", paused)])
    assert [w.active for w in gone.workloads] == [False] and gone.pods[0].cls == -1 and not gone.classes


def test_exp_38_kinds_that_only_files_show() -> None:
    made = [owned("DeploymentConfig", "apps.openshift.io/v1", "dc"), owned("Rollout", "argoproj.io/v1alpha1", "ro")]
    assert {w.name for w in model.build(files(made)).workloads} == {"DeploymentConfig/dc", "Rollout/ro"}


def test_chk_21_refused_owners_are_grouped_by_reference() -> None:
    pods = [pod("a", REPLICAS), pod("b", REPLICAS, ip="10.1.0.2")]
    found = model.build(snapshot(pods, {"replicasets.apps": Outcome.REFUSED}))
    assert [(w.name, w.owner_unread, w.uid) for w in found.workloads] == [("ReplicaSet/web-7f", True, "uid-web-7f")]
