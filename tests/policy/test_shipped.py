"""What the shipped CEL policies say in the cases that other tools get wrong (checks.md, section 12)."""

from typing import Any

import pytest

from kubeaudit.findings import Verdict
from kubeaudit.policy.schema import CONTAINER_LISTS
from kubeaudit.proof import dotted

from .snapshots import container, deployment, judged, shipped, spec


def verdict(policy: str, *containers: Any, **fields: Any) -> str:
    """The one verdict on a pod spec with one container."""
    (one,) = judged(policy, [deployment(spec(*containers, **fields))])
    return one.verdict


def secured(**security: Any) -> dict[str, Any]:
    return container(securityContext=security)


@pytest.mark.parametrize(
    ("path", "sensitive", "socket"),
    [
        ("/", True, True),
        ("//", True, True),
        ("/etc", True, False),
        ("/etc/", True, False),
        ("/etc/kubernetes/pki", True, False),
        ("/etcd", False, False),
        ("/opt/etc", False, False),
        ("/var", True, True),
        ("/var/lib", True, False),
        ("/var//./log/", True, False),
        ("/var/lib/kubelet/pods", True, False),
        ("/var/lib/kubelets", False, False),
        ("/lib", True, False),
        ("/lib64", False, False),
        ("/proc/1/root", True, False),
        ("/root/.ssh", True, False),
        ("/opt/../etc", True, True),
        ("/data", False, False),
        ("/run", False, True),
        ("/var/run/", False, True),
        ("/var/run/docker.sock", False, True),
        ("/run/containerd/containerd.sock", False, True),
        ("/run/containerd", False, True),
        ("/run/k3s", False, True),
        ("/var/run/crio/crio.sock", False, True),
        ("/run/cri-dockerd.sock", False, True),
        ("/opt/docker/docker.sock", False, True),
        ("/opt/docker/docker.sock.bak", False, False),
        ("/run/secrets", False, False),
    ],
)
def test_host_paths_match_both_ways_once_normalised(path: str, sensitive: bool, socket: bool) -> None:
    """REG-17. A path that climbs, which the API server refuses, may lead anywhere."""
    volumes = [{"name": "v", "hostPath": {"path": path}}]
    assert (verdict("pod-host-path-sensitive", volumes=volumes) == "fail") is sensitive
    assert (verdict("pod-runtime-socket", volumes=volumes) == "fail") is socket


@pytest.mark.parametrize(
    ("image", "wanted"),
    [
        ("nginx", "fail"),
        ("nginx:latest", "fail"),
        ("nginx:1.29", "pass"),
        ("nginx:latest-1.29", "pass"),
        ("registry.example:5000/nginx", "fail"),
        ("registry.example:5000/team/nginx:1", "pass"),
        ("registry.example:5000/team/nginx:latest", "fail"),
        ("nginx@sha256:" + "0a" * 32, "pass"),
        ("nginx:latest@sha256:" + "0a" * 32, "pass"),
        ("registry.example:5000/nginx@sha512:" + "0a" * 64, "pass"),
        ("nginx@sha256:", "fail"),
        ("nginx@", "fail"),
        ("nginx:", "fail"),
        ("", "not-applicable"),
    ],
)
def test_image_references_are_read_by_their_grammar(image: str, wanted: str) -> None:
    """REG-18: the port of a registry is no tag; a digest satisfies the check whatever the tag."""
    assert verdict("img-tag-latest", container(image=image)) == wanted


@pytest.mark.parametrize(
    ("pod", "own", "wanted"),
    [
        (None, None, "fail"),
        (True, None, "pass"),
        (None, True, "pass"),
        (True, False, "fail"),
        (False, None, "fail"),
        (False, True, "fail"),
    ],
)
@pytest.mark.parametrize("place", CONTAINER_LISTS)
def test_run_as_non_root_is_inherited_and_a_false_anywhere_counts(place: str, pod: Any, own: Any, wanted: str) -> None:
    """REG-19: the rule of the Pod Security Standards, in every list of containers."""
    fields: dict[str, Any] = {} if pod is None else {"securityContext": {"runAsNonRoot": pod}}
    one = container("one") if own is None else container("one", securityContext={"runAsNonRoot": own})
    found = judged("pod-run-as-non-root", [deployment({"containers": [], place: [one], **fields})])
    assert [(each.subject.container, each.verdict) for each in found] == [("one", wanted)]


def test_a_user_id_does_not_stand_for_run_as_non_root() -> None:
    """REG-19."""
    assert verdict("pod-run-as-non-root", secured(runAsUser=1000)) == "fail"


@pytest.mark.parametrize(
    ("security", "wanted"),
    [({}, "fail"), ({"allowPrivilegeEscalation": True}, "fail"), ({"allowPrivilegeEscalation": False}, "pass")],
)
def test_privilege_escalation_is_allowed_where_nothing_forbids_it(security: dict[str, Any], wanted: str) -> None:
    """REG-12."""
    assert verdict("pod-allow-privilege-escalation", secured(**security)) == wanted


def test_adding_sys_admin_is_not_running_privileged() -> None:
    """REG-12: two checks, each with its own verdict."""
    one = secured(capabilities={"add": ["SYS_ADMIN"]})
    assert (verdict("pod-privileged", one), verdict("pod-cap-sys-admin", one)) == ("pass", "fail")


@pytest.mark.parametrize("name", ["SYS_ADMIN", "CAP_SYS_ADMIN", "ALL", "sys_admin"])
def test_every_name_of_sys_admin_counts(name: str) -> None:
    (one,) = judged("pod-cap-sys-admin", [deployment(spec(secured(capabilities={"add": ["CHOWN", name]})))])
    assert (one.verdict, one.value) == (Verdict.FAIL, name)


@pytest.mark.parametrize(
    ("drop", "wanted"), [(["ALL"], "pass"), (["NET_RAW", "all"], "pass"), (["NET_RAW"], "fail"), ([], "fail")]
)
def test_dropping_some_capabilities_is_not_dropping_all(drop: list[str], wanted: str) -> None:
    """REG-26."""
    assert verdict("pod-cap-drop-all", secured(capabilities={"drop": drop})) == wanted


@pytest.mark.parametrize(
    ("pod", "own", "wanted"),
    [
        (None, None, "fail"),
        ("RuntimeDefault", None, "pass"),
        (None, "Localhost", "pass"),
        ("RuntimeDefault", "Unconfined", "fail"),
        ("Unconfined", "RuntimeDefault", "pass"),
    ],
)
def test_the_seccomp_profile_of_the_container_wins(pod: str | None, own: str | None, wanted: str) -> None:
    fields: dict[str, Any] = {"securityContext": {"seccompProfile": {"type": pod}}} if pod else {}
    assert (
        verdict("pod-seccomp-missing", secured(**({"seccompProfile": {"type": own}} if own else {})), **fields)
        == wanted
    )


@pytest.mark.parametrize("policy", ["pod-allow-privilege-escalation", "pod-cap-drop-all", "pod-seccomp-missing"])
def test_linux_only_fields_do_not_apply_to_windows(policy: str) -> None:
    """CHK-05."""
    assert verdict(policy, os={"name": "windows"}) == "not-applicable"
    assert verdict(policy, os={"name": "linux"}) == "fail"


@pytest.mark.parametrize(
    ("limit", "wanted"),
    [
        ("128Mi", "pass"),
        (134217728, "pass"),
        (0.5, "pass"),
        ("1e9", "pass"),
        ("0", "fail"),
        (0, "fail"),
        ("0Mi", "fail"),
        ("0.0", "fail"),
        ("0e3", "fail"),
    ],
)
def test_a_memory_limit_of_zero_is_none(limit: Any, wanted: str) -> None:
    assert verdict("res-memory-limit", container(resources={"limits": {"memory": limit}})) == wanted
    assert verdict("res-memory-limit", resources={"limits": {"memory": limit}}) == wanted


def test_containers_that_cannot_have_resources_are_not_judged_by_them() -> None:
    found = judged(
        "res-memory-limit", [deployment(spec(initContainers=[container("i")], ephemeralContainers=[container("e")]))]
    )
    assert {one.subject.container for one in found} == {"web", "i"}


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({}, "fail"),
        ({"serviceAccountName": "default"}, "fail"),
        ({"serviceAccountName": "web"}, "pass"),
        ({"serviceAccount": "web"}, "pass"),
        ({"serviceAccountName": "default", "serviceAccount": "web"}, "fail"),
    ],
)
def test_the_deprecated_name_of_the_service_account_counts_when_alone(fields: dict[str, str], wanted: str) -> None:
    assert verdict("sa-default-used", **fields) == wanted


def ingress(tls: Any, *hosts: str | None) -> Any:
    rules = [{"host": host} if host else {} for host in hosts]
    fields = {"rules": rules} | ({} if tls is None else {"tls": tls})
    metadata = {"name": "i", "namespace": "shop"}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": fields}


@pytest.mark.parametrize(
    ("tls", "hosts", "uncovered"),
    [
        (None, ["a.example"], [""]),
        ([], ["a.example"], [""]),
        ([{"hosts": ["a.example"]}], ["a.example"], []),
        ([{"hosts": ["a.example"]}], ["a.example", "b.example", "c.example"], ["b.example", "c.example"]),
        ([{"secretName": "s"}], ["a.example", "b.example"], []),
        ([{"hosts": ["*.example"]}], ["a.example"], []),
        ([{"hosts": ["*.example"]}], ["a.b.example"], ["a.b.example"]),
        ([{"hosts": ["*.example"]}], ["example"], ["example"]),
        ([{"hosts": ["*.example"]}], ["*.example"], []),
        ([{"hosts": ["a.example"]}], [None], []),
        (None, [], [""]),
    ],
)
def test_every_host_of_an_ingress_needs_an_entry_of_tls(tls: Any, hosts: list[str], uncovered: list[str]) -> None:
    found = judged("exp-ingress-no-tls", [ingress(tls, *hosts)])
    assert [one.value for one in found if one.verdict is Verdict.FAIL] == uncovered


def test_the_hosts_without_tls_are_shown() -> None:
    (one,) = judged("exp-ingress-no-tls", [ingress(None, "a.example", "b.example")])
    assert [(dotted(item.path), item.absent) for item in one.evidence] == [
        ("spec.tls", True), ("spec.rules[0].host", False), ("spec.rules[1].host", False),
    ]  # fmt: skip


@pytest.mark.parametrize("policy", [policy.id for policy in shipped().values() if policy.expression])
def test_nothing_at_all_is_judged_without_an_error(policy: str) -> None:
    """Every field is optional for an expression, as it is for the API server."""
    chosen = shipped()[policy]
    if chosen.on_workloads:
        found = judged(policy, [deployment({"containers": [{"name": "web"}]})])
    else:
        group = {"Ingress": "networking.k8s.io/v1", "Service": "v1"}[chosen.kinds[0]]
        metadata = {"name": "o", "namespace": "shop"}
        found = judged(policy, [{"apiVersion": group, "kind": chosen.kinds[0], "metadata": metadata, "spec": {}}])
    assert [one.verdict for one in found] != [Verdict.NOT_EVALUATED]
