"""Checks about entry points: exp-service-*, exp-ingress, exp-node-external-ip, exp-lb-scheme-unknown."""

import pytest
from factory import Object, check, controller, failing, ingress, node, pod, scanned, service, slice_of, snapshot

from kubeaudit.snapshot import Outcome

LB, NP, ING = "exp-service-load-balancer", "exp-service-node-port", "exp-ingress"
NODE, SCHEME = "exp-node-external-ip", "exp-lb-scheme-unknown"


def verdict(name: str, *objects: Object) -> str:
    return check(scanned(list(objects), name), name).verdict


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"kind": "ClusterIP"}, "pass"),
        ({"kind": "LoadBalancer", "status": [{"ip": "203.0.113.1"}]}, "fail"),
        ({"kind": "LoadBalancer", "status": [{"ip": "10.0.0.1"}]}, "pass"),
        ({"kind": "LoadBalancer"}, "not-evaluated"),
        (
            {
                "kind": "LoadBalancer",
                "status": [{"ip": "203.0.113.1"}],
                "loadBalancerSourceRanges": ["198.51.100.0/24"],
            },
            "fail",
        ),
        (
            {"kind": "LoadBalancer", "status": [{"ip": "203.0.113.1"}], "loadBalancerSourceRanges": ["10.0.0.0/8"]},
            "pass",
        ),
    ],
)
def test_load_balancers(fields: Object, wanted: str) -> None:
    assert verdict(LB, service(**fields)) == wanted


def test_a_load_balancer_without_pods_behind_is_still_one() -> None:
    (found,) = failing(scanned([service(kind="LoadBalancer", status=[{"ip": "203.0.113.1"}])], LB), LB)
    assert found.exposure == "internet" and found.evidence[0].value == '"203.0.113.1"'


@pytest.mark.parametrize(
    ("nodes", "outcome", "exposure"),
    [
        ([node()], Outcome.COMPLETE, "internal"),
        ([node("n1", "", "203.0.113.7")], Outcome.COMPLETE, "internet"),
        ([node()], Outcome.REFUSED, "unknown"),
    ],
)
def test_a_node_port_is_a_finding_whatever_the_nodes_say(nodes: list[Object], outcome: Outcome, exposure: str) -> None:
    result = scanned(snapshot([service(kind="NodePort"), *nodes], {"nodes": outcome}), NP)
    (found,) = failing(result, NP)
    assert found.exposure == exposure


def test_ingresses() -> None:
    shop = [pod(), service(), slice_of("web", "web-1")]
    assert verdict(ING, *shop, *controller(), ingress()) == "fail"
    assert verdict(ING, *shop, *controller("10.0.0.9"), ingress()) == "pass"
    assert verdict(ING, *shop, ingress()) == "not-evaluated"
    assert verdict(ING, ingress(rules=[])) == "pass", "without a rule it serves nothing"


@pytest.mark.parametrize(
    ("objects", "wanted"),
    [
        ([service(kind="NodePort")], "fail"),
        ([pod(hostNetwork=True)], "fail"),
        ([pod(containers=[{"name": "a", "ports": [{"containerPort": 1, "hostPort": 2}]}])], "fail"),
        (
            [pod(containers=[{"name": "a", "ports": [{"containerPort": 1, "hostPort": 2, "hostIP": "127.0.0.1"}]}])],
            "not-applicable",
        ),
        (
            [pod(containers=[{"name": "a", "ports": [{"containerPort": 1, "hostPort": 2, "hostIP": "10.0.0.1"}]}])],
            "pass",
        ),
        ([pod()], "not-applicable"),
    ],
)
def test_listening_on_a_public_node(objects: list[Object], wanted: str) -> None:
    public = node("n1", "", "203.0.113.7")
    assert check(scanned([public, *objects], NODE), NODE).verdict == wanted
    unread = scanned(snapshot([public, *objects], {"nodes": Outcome.REFUSED}), NODE)
    assert check(unread, NODE).verdict == "not-evaluated"


@pytest.mark.parametrize(
    ("objects", "wanted"),
    [
        ([service(kind="LoadBalancer", status=[{"hostname": "x"}])], "fail"),
        ([service(kind="LoadBalancer", status=[{"ip": "10.0.0.1"}])], "pass"),
        ([service()], "not-applicable"),
        ([ingress(annotations={"kubernetes.io/ingress.class": "gce"}, cls=None)], "fail"),
        ([ingress()], "not-applicable"),
    ],
)
def test_exp_94_schemes_that_are_not_shown(objects: list[Object], wanted: str) -> None:
    assert verdict(SCHEME, *objects) == wanted
