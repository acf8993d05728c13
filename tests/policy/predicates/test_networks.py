"""Checks about network policies (net-namespace-no-policy, net-pod-uncovered, net-allow-all)."""

import pytest
from factory import Object, check, deployment, failing, namespace, pod, policy, scanned, snapshot

from kubeaudit.snapshot import Outcome

SPACE, POD, ALL = "net-namespace-no-policy", "net-pod-uncovered", "net-allow-all"
BOTH = policy(policyTypes=["Ingress", "Egress"])


def verdict(name: str, *objects: Object) -> str:
    return check(scanned(list(objects), name), name).verdict


def test_a_namespace_with_pods_and_no_policy() -> None:
    assert verdict(SPACE, namespace(), pod()) == "fail"
    assert verdict(SPACE, namespace(), pod(), policy()) == "pass"
    assert verdict(SPACE, namespace(), pod(), policy(space="other")) == "fail"
    assert verdict(SPACE, namespace()) == "not-applicable"


@pytest.mark.parametrize(
    ("policies", "directions"),
    [
        ([], "ingress, egress"),
        ([policy()], "egress"),
        ([policy(policyTypes=["Egress"])], "ingress"),
        ([BOTH], ""),
        ([policy(podSelector={"matchLabels": {"a": "b"}})], "ingress, egress"),
    ],
)
def test_a_pod_that_no_policy_selects_in_a_direction(policies: list[Object], directions: str) -> None:
    found = failing(scanned([deployment(), pod(owner=deployment()), *policies], POD), POD)
    assert [one.value for one in found] == ([directions] if directions else [])


def test_only_the_pods_that_lack_one_are_counted() -> None:
    half = policy(policyTypes=["Ingress", "Egress"], podSelector={"matchLabels": {"track": "a"}})
    pods = [
        pod(f"p{n}", deployment(), ip=f"10.1.0.{n}", labels={"track": t}) for n, t in ((1, "a"), (2, "b"), (3, "b"))
    ]
    (found,) = failing(scanned([deployment(), *pods, half], POD), POD)
    assert (found.instances, found.pods) == (2, ("p2", "p3"))


@pytest.mark.parametrize("name", [SPACE, POD])
@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.PARTIAL, Outcome.FAILED])
def test_chk_03_unread_policies_are_no_proof_of_absence(name: str, outcome: Outcome) -> None:
    for resource in ("networkpolicies.networking.k8s.io", "ciliumnetworkpolicies.cilium.io"):
        result = scanned(snapshot([namespace(), pod()], {resource: outcome}), name)
        assert check(result, name).verdict == "not-evaluated" and not result.findings


def test_a_rule_that_allows_everything() -> None:
    assert verdict(ALL, policy(ingress=[{}])) == "fail"
    assert verdict(ALL, policy()) == "pass"
    assert verdict(ALL) == "not-applicable"
    (found,) = failing(scanned([policy(ingress=[{}])], ALL), ALL)
    assert found.evidence[0].path == ("spec", "ingress", 0)
