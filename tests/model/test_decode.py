"""Lenient decoding: nulls are absent, one bad object is reported and the run goes on (CHK-06)."""

import msgspec
import pytest
from factory import Object, check, cluster, deployment, named, pod, scanned, service, snapshot
from msgspec import structs

from kubeaudit.model import cluster as model
from kubeaudit.snapshot import Snapshot, pack


def raw(resource: str, *texts: bytes, more: list[Object] | None = None) -> Snapshot:
    made = snapshot(more or [])
    return structs.replace(made, frames=(*made.frames, pack(resource, list(texts))))


def test_nulls_are_absent() -> None:
    item = pod(containers=[{"name": "web", "image": None, "ports": None, "args": None}], volumes=None, hostNetwork=None)
    item["metadata"]["labels"], item["metadata"]["ownerReferences"], item["status"]["podIPs"] = None, None, None
    found = cluster([item, named("Service", "v1", "web", spec={"selector": None, "ports": None}, status=None)])
    assert not found.bad and len(found.services) == 1
    assert found.pods[0].addresses == ("10.1.0.1",) and found.classes[0].shape.containers[0].ports == ()


@pytest.mark.parametrize(
    "text",
    [
        b'{"metadata": "x"}',
        b"[]",
        b"7",
        b'{"metadata": {"name": 5}}',
        b'{"metadata": {"labels": {"a": 1}}}',
        b'{"kind": "Service", "metadata": {"name": "web", "namespace": "shop"}, "spec": {"ports": [{}]}}',
        b'{"metadata": {"name": "a"}, "spec": {"ports": [{"port": 70000}]}}',
        b'{"metadata": {"name": "a"}, "spec": {"ports": [{"port": "eighty"}]}}',
        b"{",
        b"",
        b'{"metadata": {"name": "\xff"}}',
        b'{"metadata": {"name": 5}, nonsense',
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    ],
)
def test_chk_06_a_bad_object_is_reported_and_the_rest_is_read(text: bytes) -> None:
    found = model.build(raw("services", text, msgspec.json.encode(service())))
    assert [s.metadata.name for s in found.services] == ["web"]
    (bad,) = found.bad
    assert bad.where == "services" and bad.reason


def test_chk_06_the_object_is_named_where_it_can_be() -> None:
    meta = b'"metadata": {"name": "a", "namespace": "b"}'
    text = b'{"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", ' + meta + b', "spec": 1}'
    (bad,) = model.build(raw("ingresses.networking.k8s.io", text)).bad
    assert bad.object is not None and str(bad.object) == "Ingress b/a" and bad.object.group == "networking.k8s.io"


@pytest.mark.parametrize("spec", [None, 5, [], {"containers": 1}, {"containers": [None]}, {"hostNetwork": "yes"}])
def test_chk_06_bad_pod_specs_and_templates(spec: object) -> None:
    broken, template = named("Pod", "v1", "bad", spec=spec), deployment("bad-too")
    template["spec"]["template"]["spec"] = spec
    found = cluster([broken, template, pod(), deployment()])
    assert {(b.where, b.object.name if b.object else "") for b in found.bad} == {
        ("pods", "bad"),
        ("deployments.apps", "bad-too"),
    }
    assert {w.name for w in found.workloads} == {"Pod/web-1", "Deployment/web"}


def test_chk_06_bad_objects_are_not_evaluated_in_every_check_of_their_kind() -> None:
    broken = named("Pod", "v1", "bad", spec={"containers": 1})
    made = scanned([broken, pod(), named("Service", "v1", "bad", spec={"ports": 1}), service()])
    for name in ("pod-privileged", "sa-automount", "exp-service-load-balancer", "exp-path-internet-to-rights"):
        found = check(made, name)
        assert found.counts.not_evaluated >= 1, name
        assert found.verdict in ("not-evaluated", "fail"), name
    undecided = {(u.check, u.subject.object.name, u.unseen[0].reason) for u in made.undecided}
    assert ("sa-automount", "bad", "evaluation-error") in undecided
    assert ("exp-service-load-balancer", "bad", "evaluation-error") in undecided
    assert len(made.coverage.bad) == 2


def test_broken_services_leave_what_they_expose_unknown() -> None:
    made = scanned(
        [pod(), named("Service", "v1", "bad", spec={"ports": [{"port": 0}]})],
        "exp-path-internet-to-rights",
        "meta-exposed-pod",
    )
    assert check(made, "meta-exposed-pod").verdict == "not-evaluated"
