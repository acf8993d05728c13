"""CEL policies on a cluster: owners, templates, drift, values, evidence (CHK-06, CHK-17..21, CHK-28..31)."""

from typing import Any

import msgspec
import pytest
from msgspec import structs

from kubeaudit.findings import ObjectClass, Reason, Verdict
from kubeaudit.model.cluster import build
from kubeaudit.policy.cel_judge import judge
from kubeaudit.policy.judgement import Judgement
from kubeaudit.proof import dotted, normalized
from kubeaudit.refs import ObjectRef
from kubeaudit.snapshot import BadDocument, pack

from .snapshots import compiled, container, deployment, judged, of_objects, pod, shipped, spec

PRIVILEGED = {"privileged": True}
HEAD = "id: x\ntitle: T\nseverity: low\ntheme: workload\ndefault: on\ndescription: D\nremediation: R\nmessage: M\n"
WEB = ObjectRef("Deployment", "shop", "web", "apps")


def of(found: tuple[Judgement, ...], verdict: Verdict = Verdict.FAIL) -> list[Judgement]:
    return [one for one in found if one.verdict is verdict]


def places(one: Judgement) -> list[tuple[str, str]]:
    return [(dotted(item.path), "absent" if item.absent else item.value) for item in one.evidence]


def test_the_template_decides_and_pods_are_counted() -> None:
    """CHK-17, CHK-18, CHK-20: one finding, at the controller, with up to five names."""
    web = deployment(spec(container(securityContext=PRIVILEGED)), replicas=7)
    pods = [pod(f"web-{n}", spec(container(securityContext=PRIVILEGED)), web) for n in range(7)]
    (one,) = judged("pod-privileged", [web, *pods])
    assert (one.verdict, one.subject.object, one.subject.container) == (Verdict.FAIL, WEB, "web")
    assert (one.subject.api_version, one.subject.uid) == ("apps/v1", "uid-web")
    assert (one.instances, one.pods, one.drift) == (7, tuple(f"web-{n}" for n in range(5)), False)
    assert places(one) == [("spec.template.spec.containers[0].securityContext.privileged", "true")]
    assert one.evidence[0].object == WEB
    assert one.message == "Container web of Deployment shop/web runs privileged."


def test_every_container_is_judged_once_passes_included() -> None:
    web = deployment(spec(container("a"), container("b", securityContext=PRIVILEGED), initContainers=[container("i")]))
    found = judged("pod-privileged", [web])
    assert [(one.subject.container, one.verdict) for one in found] == [
        ("a", Verdict.PASS), ("b", Verdict.FAIL), ("i", Verdict.PASS),
    ]  # fmt: skip


def test_what_the_server_injects_is_no_drift() -> None:
    """CHK-18: only a verdict that differs is drift."""
    web = deployment(spec())
    volume = {"name": "kube-api-access-abcde", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}
    live = spec(
        container(volumeMounts=[{"name": "kube-api-access-abcde", "mountPath": "/t"}]), nodeName="n", volumes=[volume]
    )
    found = judged("pod-privileged", [web, pod("web-1", live, web)])
    assert [(one.verdict, one.drift, one.instances) for one in found] == [(Verdict.PASS, False, 1)]


def test_pods_that_differ_from_their_template_are_findings_of_their_own() -> None:
    web = deployment(spec())
    pods = [pod("web-1", spec(), web), pod("web-2", spec(container(securityContext=PRIVILEGED)), web)]
    passed, failed = judged("pod-privileged", [web, *pods])
    assert (passed.verdict, passed.instances, passed.drift) == (Verdict.PASS, 1, False)
    assert (failed.verdict, failed.instances, failed.pods, failed.drift) == (Verdict.FAIL, 1, ("web-2",), True)
    assert failed.subject == passed.subject
    assert failed.evidence[0].object == ObjectRef("Pod", "shop", "web-2")
    assert places(failed) == [("spec.containers[0].securityContext.privileged", "true")]
    assert failed.patch is None, "a patch of the template does not change what only the pods have"


def test_pods_of_an_older_safer_revision_are_drift_too() -> None:
    web = deployment(spec(container(securityContext=PRIVILEGED)))
    pods = [pod("web-1", spec(container(securityContext=PRIVILEGED)), web), pod("web-0", spec(), web)]
    failed, passed = judged("pod-privileged", [web, *pods])
    assert (failed.verdict, failed.instances, failed.pods) == (Verdict.FAIL, 1, ("web-1",))
    assert (passed.verdict, passed.instances, passed.drift) == (Verdict.PASS, 1, True)


def test_a_container_that_only_pods_have_counts_where_it_fails() -> None:
    """A debug container, or a sidecar that a webhook injected."""
    web = deployment(spec())
    debug = spec(ephemeralContainers=[container("debug", securityContext=PRIVILEGED), container("calm")])
    found = judged("pod-privileged", [web, pod("web-1", debug, web)])
    assert [(one.subject.container, one.verdict, one.drift) for one in found] == [
        ("web", Verdict.PASS, False), ("debug", Verdict.FAIL, True),
    ]  # fmt: skip
    assert places(found[1]) == [("spec.ephemeralContainers[0].securityContext.privileged", "true")]


def test_an_owner_that_was_not_read_gets_the_findings_of_its_pods() -> None:
    """CHK-21: grouped by owner, marked, one finding for each value."""
    owner = {"apiVersion": "example.com/v1", "kind": "Fleet", "metadata": {"name": "f"}}
    images = ["web", "web", "web:latest", "web:1"]
    found = judged("img-tag-latest", [pod(f"f-{n}", spec(container(image=i)), owner) for n, i in enumerate(images)])
    fleet = ObjectRef("Fleet", "shop", "f", "example.com")
    assert {(one.subject.object, one.subject.owner_unread) for one in found} == {(fleet, True)}
    assert [(one.verdict, one.value, one.instances, one.pods) for one in found] == [
        (Verdict.FAIL, "web", 2, ("f-0", "f-1")),
        (Verdict.FAIL, "web:latest", 1, ("f-2",)),
        (Verdict.PASS, "", 1, ()),
    ]
    assert found[0].evidence[0].object == ObjectRef("Pod", "shop", "f-0")


def test_a_pod_without_owner_stands_alone() -> None:
    (one,) = judged("pod-host-pid", [pod("solo", spec(hostPID=True))])
    assert (one.subject.object, one.subject.container, one.instances) == (ObjectRef("Pod", "shop", "solo"), "", 1)
    assert places(one) == [("spec.hostPID", "true")]


@pytest.mark.parametrize(
    "item",
    [
        deployment(spec(hostPID=True), replicas=0, kind="ReplicaSet"),
        pod("done", spec(hostPID=True), phase="Succeeded"),
    ],
    ids=lambda item: item["kind"],
)
def test_what_runs_nothing_is_skipped(item: Any) -> None:
    """CHK-19."""
    assert judged("pod-host-pid", [item]) == ()


def test_a_cron_job_is_judged_where_its_template_stands() -> None:
    job = {"spec": {"template": {"spec": spec(hostPID=True)}}}
    cron = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "c", "namespace": "shop"},
        "spec": {"jobTemplate": job},
    }
    (one,) = judged("pod-host-pid", [cron])
    assert normalized(one.evidence[0].path) == "$['spec']['jobTemplate']['spec']['template']['spec']['hostPID']"


def test_system_namespaces_are_marked() -> None:
    item = pod("dns", spec(hostPID=True))
    (one,) = judged("pod-host-pid", [{**item, "metadata": {"name": "dns", "namespace": "kube-system"}}])
    assert one.subject.object_class is ObjectClass.SYSTEM


def test_one_finding_for_each_value() -> None:
    """CHK-20: the items that fail by themselves, each with its own evidence."""
    volumes = [{"name": n, "hostPath": {"path": p}} for n, p in (("a", "/data"), ("b", "/etc"), ("c", "/proc/1"))]
    found = judged("pod-host-path-sensitive", [deployment(spec(volumes=volumes))])
    assert [(one.value, places(one)) for one in found] == [
        ("/etc", [("spec.template.spec.volumes[1].hostPath.path", '"/etc"')]),
        ("/proc/1", [("spec.template.spec.volumes[2].hostPath.path", '"/proc/1"')]),
    ]


def test_an_absent_field_is_evidence() -> None:
    """CHK-29."""
    (one,) = judged("pod-allow-privilege-escalation", [deployment(spec())])
    path = "spec.template.spec.containers[0].securityContext.allowPrivilegeEscalation"
    assert (one.value, places(one)) == ("", [(path, "absent")])


def test_a_list_that_lacks_something_is_shown_whole() -> None:
    security = {"capabilities": {"drop": ["NET_RAW", "MKNOD"]}}
    (one,) = judged("pod-cap-drop-all", [deployment(spec(container(securityContext=security)))])
    assert [value for _, value in places(one)] == ['["NET_RAW","MKNOD"]']
    assert one.value == "", "what decides is absent"


def test_nulls_are_absent_as_for_the_server() -> None:
    security = {"allowPrivilegeEscalation": None}
    (one,) = judged("pod-allow-privilege-escalation", [deployment(spec(container(securityContext=security)))])
    assert one.evidence[0].absent


def test_not_applicable_where_the_operating_system_excludes_the_field() -> None:
    """CHK-05."""
    (one,) = judged("pod-cap-drop-all", [deployment(spec(os={"name": "windows"}))])
    assert (one.verdict, one.evidence) == (Verdict.NOT_APPLICABLE, ())


def test_an_error_is_not_evaluated_and_says_what_was_read() -> None:
    """CHK-06."""
    (one,) = judged("pod-privileged", [deployment(spec(container(securityContext={"privileged": "yes"})))])
    assert one.verdict is Verdict.NOT_EVALUATED
    assert [item.reason for item in one.unseen] == [Reason.EVALUATION_ERROR]
    assert 'container.securityContext.privileged = "yes"' in one.detail


def test_an_error_of_applies_is_not_evaluated_too() -> None:
    policy = compiled(HEAD + "kinds: workloads\nrequires: [pods]\napplies: podSpec.a == 1\nexpression: 'true'\n")
    (one,) = judged(policy, [deployment(spec())])
    assert (one.verdict, one.detail) == (Verdict.NOT_EVALUATED, 'applies: Key not found in map : "a"')


def test_an_object_that_does_not_fit_its_type_is_not_evaluated() -> None:
    """CHK-06: the others are judged."""
    found = judged("pod-host-pid", [pod("bad", {"containers": "none"}), pod("good", spec())])
    assert {(one.subject.object.name, one.verdict) for one in found} == {
        ("bad", Verdict.NOT_EVALUATED), ("good", Verdict.PASS),
    }  # fmt: skip


def test_a_workload_without_containers_is_not_applicable() -> None:
    (one,) = judged("pod-privileged", [deployment({"containers": []})])
    assert one.verdict is Verdict.NOT_APPLICABLE


def test_a_container_without_a_name_is_called_by_its_place() -> None:
    (one,) = judged("pod-privileged", [deployment({"containers": [{"image": "a:1"}]})])
    assert one.subject.container == "containers[0]"


def test_the_change_is_made_of_the_objects_own_values() -> None:
    """CHK-31: a strategic merge finds the container by its name."""
    security = {"privileged": True, "runAsUser": 0}
    (one,) = judged("pod-privileged", [deployment(spec(container(securityContext=security)))])
    frame = "spec:\n  template:\n    spec:\n      containers:\n      - name: web\n        securityContext:\n"
    frame += "          privileged: "
    assert one.patch is not None
    assert (one.patch.before, one.patch.after) == (frame + "true\n", frame + "false\n")


def test_services_and_ingresses_are_judged_as_they_are() -> None:
    metadata = {"name": "s", "namespace": "shop", "uid": "u"}
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {"externalIPs": ["203.0.113.1", "203.0.113.2"]},
    }
    calm = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "t", "namespace": "shop"}, "spec": {}}
    failed, passed = judged("exp-external-ips", [service, calm])
    assert (failed.subject.object, failed.subject.api_version, failed.subject.uid) == (
        ObjectRef("Service", "shop", "s"),
        "v1",
        "u",
    )
    assert (failed.message, failed.instances) == (
        "Service shop/s claims the external addresses 203.0.113.1, 203.0.113.2.",
        0,
    )
    assert passed.verdict is Verdict.PASS


def test_items_of_a_list_have_no_kind_of_their_own() -> None:
    """The API server leaves kind and apiVersion out of the items of a List."""
    snapshot = of_objects([])
    raw = msgspec.json.encode({"metadata": {"name": "i", "namespace": "shop"}, "spec": {}})
    snapshot = structs.replace(snapshot, frames=(pack("ingresses.networking.k8s.io", [raw]),))
    (one,) = judge([shipped()["exp-ingress-no-tls"]], snapshot, build(snapshot))["exp-ingress-no-tls"]
    assert one.subject.object == ObjectRef("Ingress", "shop", "i", "networking.k8s.io")
    assert one.subject.api_version == "networking.k8s.io/v1"


def test_an_object_is_judged_though_a_repeated_key_was_reported() -> None:
    """What was read in spite of a problem is not reported a second time."""
    web = deployment(spec())
    snapshot = structs.replace(of_objects([web]), bad=(BadDocument("a.yaml", "the key x is given twice", object=WEB),))
    (one,) = judge([shipped()["pod-host-pid"]], snapshot, build(snapshot))["pod-host-pid"]
    assert one.verdict is Verdict.PASS


def test_the_servers_version_is_known_to_expressions() -> None:
    """Pod Security Standards: from 1.35 a user namespace waives runAsNonRoot; an unknown version waives nothing."""
    item = deployment(spec(hostUsers=False))
    assert [judged("pod-run-as-non-root", [item], version)[0].verdict for version in ("v1.36.1", "v1.34.0", "")] == [
        Verdict.NOT_APPLICABLE, Verdict.FAIL, Verdict.FAIL,
    ]  # fmt: skip


def test_only_policies_of_cel_are_judged_here() -> None:
    snapshot = of_objects([deployment(spec())])
    found = judge(list(shipped().values()), snapshot, build(snapshot))
    assert set(found) == {policy.id for policy in shipped().values() if policy.expression}


def test_a_policy_may_be_about_the_named_config_maps() -> None:
    """LP-04: they are the only ConfigMaps there are."""
    text = HEAD + "kinds: [ConfigMap]\nrequires: [configmaps(named)]\nexpression: object.data.mode == 'ipvs'"
    metadata = {"name": "kube-proxy", "namespace": "kube-system"}
    item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"mode": "iptables"}}
    (one,) = judged(compiled(text), [item])
    assert (one.verdict, one.subject.object) == (Verdict.FAIL, ObjectRef("ConfigMap", "kube-system", "kube-proxy"))
    assert places(one) == [("data.mode", '"iptables"')]
