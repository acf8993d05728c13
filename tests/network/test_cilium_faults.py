"""What the API server or Cilium's agent refuses: reported, without effect; the run goes on (network.md, section 1)."""

from typing import Any

import pytest

from kubeaudit.proof import Path

from .asking import B, R, U, ask, state
from .cilium_objects import agent, ccnp, cnp, config, labelled, ports, reach
from .clusters import Object, pod, policy

WEB = pod("web", ips=("10.1.0.1",), labels={"app": "web"})
OUT = "203.0.113.1"
BAD = {"matchExpressions": [{"key": "app", "operator": "Like", "values": ["x"]}]}
HTTP = {"http": [{"method": "GET"}]}


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ({"fromEntities": ["host", "nowhere"]}, ("fromEntities", 1)),
        ({"fromCIDR": ["10.0.0.0/33"]}, ("fromCIDR", 0)),
        ({"fromCIDR": ["10.0.0.1"]}, ("fromCIDR", 0)),
        ({"fromCIDRSet": [{"cidr": "nonsense"}]}, ("fromCIDRSet", 0, "cidr")),
        ({"fromCIDRSet": [{"cidr": "10.0.0.0/8", "except": ["11.0.0.0/8"]}]}, ("fromCIDRSet", 0, "except", 0)),
        ({"fromCIDRSet": [{"cidr": "10.0.0.0/8", "except": ["::/0"]}]}, ("fromCIDRSet", 0, "except", 0)),
        ({"fromCIDRSet": [{"cidr": "10.0.0.0/8", "except": ["no"]}]}, ("fromCIDRSet", 0, "except", 0)),
        ({"fromCIDRSet": [{}]}, ("fromCIDRSet", 0)),
        ({"fromCIDRSet": [{"cidr": "10.0.0.0/8", "cidrGroupRef": "g"}]}, ("fromCIDRSet", 0)),
        ({"fromCIDRSet": [{"cidrGroupSelector": BAD}]}, ("fromCIDRSet", 0, "cidrGroupSelector")),
        ({"fromEndpoints": [{}, BAD]}, ("fromEndpoints", 1)),
        ({"fromRequires": [BAD]}, ("fromRequires", 0)),
        ({"fromEndpoints": [{}], "fromCIDR": ["10.0.0.0/8"]}, ("fromCIDR",)),
        ({"fromEntities": ["all"], "fromEndpoints": [{}]}, ("fromEntities",)),
        ({"toEndpoints": [{}]}, ("toEndpoints",)),
        ({"toPorts": ports("65536")}, ("toPorts", 0, "ports", 0)),
        ({"toPorts": ports("089")}, ("toPorts", 0, "ports", 0)),
        ({"toPorts": ports("two--parts")}, ("toPorts", 0, "ports", 0)),
        ({"toPorts": [{"ports": [{"port": 80}]}]}, ("toPorts", 0, "ports", 0)),
        ({"toPorts": [{"ports": [{}]}]}, ("toPorts", 0, "ports", 0)),
        ({"toPorts": [{"ports": [{"port": "1", "endPort": 70000}]}]}, ("toPorts", 0, "ports", 0)),
        ({"toPorts": ports("80", protocol="tcp")}, ("toPorts", 0, "ports", 0)),
        ({"toPorts": ports(*map(str, range(1, 42)))}, ("toPorts", 0, "ports")),
        ({"toPorts": ports("80", rules=HTTP)}, ("toPorts", 0, "ports", 0, "protocol")),
        ({"toPorts": ports("0", protocol="TCP", rules=HTTP)}, ("toPorts", 0, "ports", 0, "port")),
        ({"toPorts": ports("80", protocol="TCP", rules=HTTP | {"kafka": [{}]})}, ("toPorts", 0, "rules")),
        ({"toPorts": ports("80", protocol="TCP", rules={"l7": [{}]})}, ("toPorts", 0, "rules", "l7")),
        ({"toPorts": ports("53", rules={"dns": [{}]})}, ("toPorts", 0, "rules", "dns")),
        ({"toPorts": ports("80", listener={"name": "l"})}, ("toPorts", 0, "listener")),
        ({"toPorts": ports("80", serverNames=[""])}, ("toPorts", 0, "serverNames")),
        ({"toPorts": ports("80"), "icmps": [{"fields": [{"type": 8}]}]}, ("icmps",)),
        ({"icmps": [{"fields": [{"type": 8, "family": "IPv5"}]}]}, ("icmps", 0, "fields", 0, "family")),
        ({"icmps": [{"fields": [{"type": 8}] * 41}]}, ("icmps", 0)),
    ],
)
def test_what_is_refused_in_a_rule(rule: Object, path: Path) -> None:
    """The blocked side of the pods it means is not known; nothing of the policy has effect."""
    good = {"fromEntities": ["host"]}
    found = reach(WEB, cnp("bad", ingress=[good, rule]))
    assert ("spec", "ingress", 1, *path) in {problem.path for problem in found.problems}
    assert {(problem.object.name, problem.harmless) for problem in found.problems} == {("bad", False)}
    assert state(found, OUT, "default/web") == R
    deny = policy("deny", podSelector={}, policyTypes=["Ingress"])
    blocked = ask(reach(WEB, deny, cnp("bad", ingress=[rule])), OUT, "default/web")
    assert (blocked.state, blocked.settle_by) == (U, ("a correction of CiliumNetworkPolicy default/bad",))


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ({"toFQDNs": [{"matchName": "a b"}]}, ("toFQDNs", 0, "matchName")),
        ({"toFQDNs": [{"matchPattern": "a/b"}]}, ("toFQDNs", 0, "matchPattern")),
        ({"toFQDNs": [{}]}, ("toFQDNs", 0)),
        ({"toFQDNs": [{"matchName": "a", "matchPattern": "*"}]}, ("toFQDNs", 0)),
        ({"toFQDNs": [{"matchName": "a"}], "toEntities": ["world"]}, ("toFQDNs",)),
        ({"toPorts": ports("53", rules={"dns": [{}]}, listener={"name": "l"})}, ("toPorts", 0, "listener")),
        ({"toPorts": [{"rules": {"dns": [{}]}}]}, ("toPorts", 0, "ports")),
        ({"toPorts": [{"ports": [{"port": "53", "endPort": 54}], "rules": {"dns": [{}]}}]},
         ("toPorts", 0, "ports", 0, "endPort")),
        ({"toPorts": ports("443", protocol="TCP", rules=HTTP, serverNames=["a"])}, ("toPorts", 0, "serverNames")),
        ({"toServices": [{"k8sServiceSelector": {"selector": BAD}}]},
         ("toServices", 0, "k8sServiceSelector", "selector")),
    ],
)  # fmt: skip
def test_what_is_refused_in_a_rule_of_egress(rule: Object, path: Path) -> None:
    found = reach(WEB, cnp(egress=[rule]))
    assert ("spec", "egress", 0, *path) in {problem.path for problem in found.problems}
    assert state(found, "default/web", OUT) == R


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ({"toPorts": ports("80", protocol="TCP", rules=HTTP)}, ("toPorts", 0, "rules")),
        ({"toFQDNs": [{"matchName": "a"}]}, ("toFQDNs",)),
    ],
)
def test_net_114_rules_that_deny_look_at_no_l7_and_no_domains(rule: Object, path: Path) -> None:
    found = reach(WEB, cnp(egressDeny=[rule]))
    assert [problem.path for problem in found.problems] == [("spec", "egressDeny", 0, *path)]
    assert state(found, "default/web", OUT) == R


@pytest.mark.parametrize(
    ("made", "path"),
    [
        (cnp(endpointSelector=BAD, ingress=[{"fromEntities": ["host"]}]), ("spec", "endpointSelector")),
        (cnp(endpointSelector=None, ingress=[{"fromEntities": ["host"]}]), ("spec",)),
        (cnp(nodeSelector={}, ingress=[{"fromEntities": ["host"]}]), ("spec", "nodeSelector")),
        (
            ccnp(nodeSelector={}, endpointSelector={}, ingress=[{"fromEntities": ["host"]}]),
            ("spec", "nodeSelector"),
        ),
        (ccnp(nodeSelector=BAD, ingress=[{"fromEntities": ["host"]}]), ("spec", "nodeSelector")),
        (
            ccnp(nodeSelector={}, ingress=[{"toPorts": ports("80", protocol="TCP", rules=HTTP)}]),
            ("spec", "ingress", 0, "toPorts", 0, "rules"),
        ),
        ({key: value for key, value in cnp().items() if key != "spec"}, ("spec",)),
    ],
)
def test_what_is_refused_of_the_subject(made: Object, path: Path) -> None:
    deny = policy("deny", podSelector={}, policyTypes=["Ingress"])
    found = reach(WEB, deny, made)
    assert path in {problem.path for problem in found.problems}
    assert state(found, OUT, "default/web") == U


def test_a_refused_rule_takes_all_rules_of_its_policy_with_it() -> None:
    rules = [
        {"endpointSelector": {}, "ingress": [{"fromEntities": ["host"]}]},
        {"endpointSelector": labelled(app="db"), "ingress": [{"fromEntities": ["nowhere"]}]},
    ]
    made = {**cnp(), "specs": rules}
    del made["spec"]
    found = reach(WEB, made)
    assert [problem.path for problem in found.problems] == [("specs", 1, "ingress", 0, "fromEntities", 0)]
    assert state(found, OUT, "default/web") == R


@pytest.mark.parametrize(
    ("objects", "rule", "expected"),
    [
        ((agent("v1.16.1"),), {"toServices": [{}], "toPorts": ports("80")}, ("toPorts",)),
        ((agent("v1.17.1"),), {"toServices": [{}], "toPorts": ports("80")}, None),
        ((config(),), {"toNodes": [{}]}, ("toNodes",)),
        ((config(enable_node_selector_labels="true"),), {"toNodes": [{}]}, None),
    ],
)
def test_what_only_some_agents_refuse(objects: tuple[Object, ...], rule: Object, expected: Any) -> None:
    found = reach(WEB, *objects, cnp(egress=[rule]))
    assert [problem.path[3:] for problem in found.problems] == ([] if expected is None else [expected])
    assert state(found, "default/web", OUT) == (R if expected else B)


def test_an_object_that_cannot_be_read_at_all_leaves_the_blocked_side_open() -> None:
    deny = policy("deny", podSelector={}, policyTypes=["Ingress"])
    found = reach(WEB, deny, cnp("broken", ingress={"fromEntities": "all"}))
    assert state(found, OUT, "default/web") == U
    assert [bad.object.name for bad in found.cluster.bad if bad.object] == ["broken"]
