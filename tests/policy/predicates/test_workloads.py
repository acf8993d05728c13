"""Checks about tokens, metadata and paths through a workload (sa-automount, meta-*, exp-path-internet-to-rights)."""

import pytest
from factory import (
    Object,
    account,
    admin_path,
    calico,
    check,
    deny_egress,
    deployment,
    failing,
    node,
    pod,
    policy,
    scanned,
    service,
    slice_of,
    snapshot,
)

from kubeaudit.findings import ScanResult
from kubeaudit.settings import Fact, Facts, Settings
from kubeaudit.snapshot import Outcome

TOKEN, POD, HOST = "sa-automount", "meta-pod-egress", "meta-host-network"
META, RIGHTS = "meta-exposed-pod", "exp-path-internet-to-rights"
HCLOUD = node("n1", "hcloud://1")
FRONT = [service(kind="LoadBalancer", status=[{"ip": "203.0.113.1"}]), slice_of("web", "web-1")]


def verdict(name: str, objects: list[Object], **facts: Fact) -> str:
    return check(scanned(objects, name, settings=Settings(facts=Facts(**facts))), name).verdict


def test_sa_automount() -> None:
    assert verdict(TOKEN, [pod(), account()]) == "fail"
    assert verdict(TOKEN, [pod(), account(automountServiceAccountToken=False)]) == "pass"
    assert verdict(TOKEN, [pod(automountServiceAccountToken=False)]) == "pass"
    assert verdict(TOKEN, []) == "not-applicable"


def test_metadata_by_network() -> None:
    both = [HCLOUD, pod(), pod("h", hostNetwork=True, ip="10.0.0.1")]
    assert check(scanned(both, POD), POD).counts.failed == check(scanned(both, POD), POD).counts.not_applicable == 1
    assert check(scanned(both, HOST), HOST).counts.failed == check(scanned(both, HOST), HOST).counts.not_applicable == 1
    assert verdict(POD, [calico(), HCLOUD, pod(), deny_egress("169.254.169.254/32")]) == "pass"
    (found,) = failing(scanned([HCLOUD, pod()], POD), POD)
    assert found.value == "169.254.169.254:80"


@pytest.mark.parametrize(("fact", "wanted"), [(Fact.UNKNOWN, "not-evaluated"), (Fact.YES, "fail"), (Fact.NO, "pass")])
def test_exp_974_hop_limit_settles_the_check(fact: Fact, wanted: str) -> None:
    assert verdict(POD, [node("n1", "aws:///a/i"), pod()], imds_hop_limit=fact, imds_v1=fact) == wanted


def test_meta_exposed_pod_needs_both_halves() -> None:
    assert verdict(META, [HCLOUD, pod(), *FRONT]) == "fail"
    assert verdict(META, [HCLOUD, pod()]) == "pass"
    assert verdict(META, [node("n1", "kind://n"), pod(), *FRONT]) == "pass"
    assert verdict(META, [calico(), HCLOUD, pod(), *FRONT, deny_egress("169.254.169.254/32")]) == "pass"
    assert verdict(META, [HCLOUD, pod(), *FRONT], rce=Fact.NO, ssrf=Fact.NO) == "pass"
    assert verdict(META, [HCLOUD, pod(), *FRONT], rce=Fact.UNKNOWN, ssrf=Fact.UNKNOWN) == "not-evaluated"
    assert verdict(META, [node("n1", "aws:///a/i"), pod(), *FRONT]) == "not-evaluated"


def rights(objects: list[Object]) -> ScanResult:
    return scanned(objects, RIGHTS)


def test_internet_to_rights() -> None:
    (found,) = rights(admin_path("x")).findings
    assert found.exposure == "internet" and found.pods == ("web-x",) and len(found.paths) == 1
    assert any(item.object.kind == "ClusterRoleBinding" for item in found.evidence)


@pytest.mark.parametrize("kind", ["Service", "ServiceAccount", "ClusterRoleBinding", "EndpointSlice"])
def test_internet_to_rights_every_hop_is_needed(kind: str) -> None:
    objects = [item for item in admin_path("x") if item["kind"] != kind]
    if kind == "ServiceAccount":
        objects.append(account(automountServiceAccountToken=False))
    assert check(rights(objects), RIGHTS).verdict == "pass", kind


def test_internet_to_rights_needs_the_api_server() -> None:
    closed = policy("egress", policyTypes=["Egress"])
    api = slice_of("kubernetes", space="default", port=6443, endpoints=[{"addresses": ["10.0.0.10"]}])
    assert check(rights([calico(), *admin_path("x"), api, closed]), RIGHTS).verdict == "pass"
    unknown = rights([*admin_path("x"), api, closed])
    assert check(unknown, RIGHTS).verdict == "not-evaluated"
    assert all(one.unseen for one in unknown.undecided), "why the API server may not be reached is told"


@pytest.mark.parametrize(
    "resource",
    [
        "services",
        "endpointslices.discovery.k8s.io",
        "serviceaccounts",
        "clusterrolebindings.rbac.authorization.k8s.io",
        "clusterroles.rbac.authorization.k8s.io",
        "pods",
    ],
)
@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.UNAUTHORIZED, Outcome.FAILED])
def test_exp_33_nothing_unread_makes_it_pass(resource: str, outcome: Outcome) -> None:
    result = scanned(snapshot([*admin_path("x"), deployment("other")], {resource: outcome}), RIGHTS)
    found = check(result, RIGHTS)
    assert found.verdict == "not-evaluated" and not found.counts.failed, (resource, outcome)
    passed = {"endpointslices.discovery.k8s.io": 1}.get(resource, 0)
    assert found.counts.passed == passed, "without slices the selectors still tell which pods no Service leads to"


def test_exp_979_two_workloads_with_one_grant_have_a_path_each() -> None:
    owner = deployment("twin", labels={"app": "web"})
    slices = slice_of("web", "web-x", "twin-1")
    objects = [item for item in admin_path("x") if item["kind"] != "EndpointSlice"]
    result = rights([*objects, owner, pod("twin-1", owner, ip="10.1.0.2"), slices])
    assert len({one.paths for one in result.findings}) == len(result.findings) == 2
    assert {path.id for path in result.paths} >= {name for one in result.findings for name in one.paths}
