"""NetworkPolicy v1, row by row of network.md sections 3.1 to 3.4."""

from typing import Any

import pytest

from kubeaudit.network.reach import Reach

from .asking import B, R, engine, state
from .clusters import Object, namespace, pod, policy, port

WEB = pod("web", labels={"app": "web"}, ips=("10.0.0.1",), ports=[port(8080, "http"), port(53, "dns", "UDP")])
DB = pod("db", labels={"app": "db", "tier": "data"}, ips=("10.0.0.2",))
AWAY = pod("away", "other", labels={"app": "web"}, ips=("10.0.1.1",))
SPACES = (namespace("default"), namespace("other", team="x"))
OUT = "203.0.113.7"


def under(*policies: Object) -> Reach:
    return engine(*SPACES, WEB, DB, AWAY, *policies)


def ingress(*rules: Any, **spec: Any) -> Reach:
    """The cluster with a policy on ``web`` that has these ingress rules."""
    return under(
        policy("np", podSelector={"matchLabels": {"app": "web"}}, policyTypes=["Ingress"], ingress=list(rules), **spec)
    )


def egress(*rules: Any) -> Reach:
    return under(policy("np", podSelector={"matchLabels": {"app": "db"}}, policyTypes=["Egress"], egress=list(rules)))


@pytest.mark.parametrize("selector", [{}, {"podSelector": {}}])
def test_net_01_an_empty_or_missing_pod_selector_takes_every_pod_of_the_namespace(selector: Object) -> None:
    reach = under(policy("deny", policyTypes=["Ingress"], **selector))
    assert [state(reach, OUT, name) for name in ("default/web", "default/db", "other/away")] == [B, B, R]


def test_net_03_missing_types_are_ingress_and_egress_only_with_egress_rules() -> None:
    reach = under(policy("np"))
    assert (state(reach, OUT, "default/web"), state(reach, "default/web", OUT)) == (B, R)
    reach = under(policy("np", egress=[{"to": [{"podSelector": {}}]}]))
    assert (state(reach, OUT, "default/web"), state(reach, "default/web", OUT)) == (B, B)


def test_net_03_empty_types_are_as_missing_ones() -> None:
    reach = under(policy("np", policyTypes=[]))
    assert (state(reach, OUT, "default/web"), state(reach, "default/web", OUT)) == (B, R)


def test_net_04_rules_of_a_direction_that_is_no_type_are_inert() -> None:
    reach = under(policy("np", policyTypes=["Egress"], ingress=[{"from": [{"podSelector": {}}]}]))
    assert (state(reach, OUT, "default/web"), state(reach, "default/web", OUT)) == (R, B)


@pytest.mark.parametrize("rules", [{}, {"ingress": []}, {"ingress": None}])
def test_net_05_no_ingress_rule_denies_all_ingress(rules: Object) -> None:
    reach = under(policy("np", policyTypes=["Ingress"], **rules))
    assert state(reach, "default/db", "default/web") == B


def test_net_06_an_empty_rule_allows_everything() -> None:
    reach = ingress({})
    assert [state(reach, OUT, "default/web", protocol, 1) for protocol in ("TCP", "UDP", "SCTP")] == [R, R, R]


def test_net_07_a_port_item_without_protocol_is_tcp() -> None:
    reach = ingress({"ports": [{}]})
    assert (state(reach, OUT, "default/web", "TCP", 65535), state(reach, OUT, "default/web", "UDP", 53)) == (R, B)


def test_net_08_policies_and_rules_are_a_union() -> None:
    allow = {"from": [{"ipBlock": {"cidr": "203.0.113.0/24"}}]}
    without = {"from": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["203.0.113.0/24"]}}]}
    assert state(ingress(without, allow), OUT, "default/web") == R
    reach = under(
        policy("deny", policyTypes=["Ingress"]), policy("one", ingress=[without]), policy("two", ingress=[allow])
    )
    assert state(reach, OUT, "default/web") == R


def test_net_09_a_policy_isolates_only_pods_of_its_namespace() -> None:
    reach = under(policy("deny", "other", policyTypes=["Ingress", "Egress"]))
    assert (state(reach, OUT, "default/web"), state(reach, OUT, "other/away")) == (R, B)


def test_net_10_a_namespace_without_object_has_its_name_as_label() -> None:
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "bare"}}}
    bare = pod("p", "bare", ips=("10.0.2.1",))
    reach = engine(WEB, bare, policy("np", ingress=[{"from": [peer]}]))
    assert state(reach, "bare/p", "default/web") == R


def test_net_13_a_rule_without_peers_allows_every_peer() -> None:
    reach = ingress({"from": [], "ports": [{"port": 80}]})
    assert [state(reach, source, "default/web") for source in (OUT, "default/db", "other/away")] == [R, R, R]


def test_net_14_a_pod_selector_alone_stays_in_the_namespace() -> None:
    reach = ingress({"from": [{"podSelector": {}}]})
    assert [state(reach, source, "default/web") for source in ("default/db", "other/away", OUT)] == [R, B, B]


def test_net_15_a_namespace_selector_alone_takes_pods_and_no_address() -> None:
    reach = ingress({"from": [{"namespaceSelector": {}}]})
    assert [state(reach, source, "default/web") for source in ("default/db", "other/away", OUT)] == [R, R, B]


def test_net_16_selectors_of_one_item_are_anded_and_of_two_are_ored() -> None:
    space, pods = {"namespaceSelector": {"matchLabels": {"team": "x"}}}, {"podSelector": {"matchLabels": {"app": "db"}}}
    reach = ingress({"from": [space | pods]})
    assert [state(reach, source, "default/web") for source in ("default/db", "other/away")] == [B, B]
    reach = ingress({"from": [space, pods]})
    assert [state(reach, source, "default/web") for source in ("default/db", "other/away")] == [R, R]


def test_net_18_labels_and_expressions_are_anded() -> None:
    selector = {
        "matchLabels": {"app": "db"},
        "matchExpressions": [{"key": "tier", "operator": "In", "values": ["web"]}],
    }
    assert state(ingress({"from": [{"podSelector": selector}]}), "default/db", "default/web") == B


@pytest.mark.parametrize("term", [{"operator": "NotIn", "values": ["x"]}, {"operator": "DoesNotExist"}])
def test_net_19_not_in_and_does_not_exist_match_an_absent_key(term: Object) -> None:
    selector = {"matchExpressions": [{"key": "nowhere"} | term]}
    assert state(ingress({"from": [{"podSelector": selector}]}), "default/db", "default/web") == R


def test_net_21_a_rule_without_ports_allows_icmp_too() -> None:
    assert state(ingress({"ports": []}), OUT, "default/web", "ICMP", 0) == R


def test_net_22_a_port_item_with_protocol_only_is_all_its_ports() -> None:
    reach = ingress({"ports": [{"protocol": "UDP"}]})
    assert [state(reach, OUT, "default/web", *at) for at in (("UDP", 1), ("UDP", 65535), ("TCP", 1))] == [R, R, B]


def test_net_24_end_port_is_inclusive() -> None:
    reach = ingress({"ports": [{"port": 8000, "endPort": 8080}]})
    assert [state(reach, OUT, "default/web", "TCP", n) for n in (7999, 8000, 8080, 8081)] == [B, R, R, B]


def test_net_25_a_named_port_of_ingress_is_that_of_the_selected_pod() -> None:
    reach = ingress({"ports": [{"port": "http"}]})
    assert [state(reach, OUT, "default/web", "TCP", n) for n in (8080, 80)] == [R, B]


def test_net_26_a_named_port_of_egress_is_that_of_each_destination() -> None:
    one = pod("one", labels={"app": "to"}, ips=("10.0.0.8",), ports=[port(8001, "http")])
    two = pod("two", labels={"app": "to"}, ips=("10.0.0.9",), ports=[port(8002, "http")])
    rule = {"to": [{"podSelector": {}}], "ports": [{"port": "http"}]}
    reach = engine(DB, one, two, policy("np", podSelector={"matchLabels": {"app": "db"}}, egress=[rule]))
    held = [
        (name, n, state(reach, "default/db", f"default/{name}", "TCP", n))
        for name in ("one", "two")
        for n in (8001, 8002)
    ]
    assert held == [("one", 8001, R), ("one", 8002, B), ("two", 8001, B), ("two", 8002, R)]


def test_net_27_a_named_port_means_nothing_towards_an_address() -> None:
    reach = egress({"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [{"port": "http"}, {"port": 443}]})
    assert [state(reach, "default/db", OUT, "TCP", n) for n in (80, 8080, 443)] == [B, B, R]


def test_net_28_a_named_port_of_another_protocol_allows_nothing() -> None:
    reach = ingress({"ports": [{"port": "http", "protocol": "UDP"}]})
    assert state(reach, OUT, "default/web", "UDP", 8080) == B


def test_net_31_a_name_declared_by_two_containers_is_both_numbers() -> None:
    containers = [{"name": str(n), "image": "i", "ports": [port(n, "http")]} for n in (81, 82)]
    reach = engine(
        pod("two", ips=("10.0.0.3",), containers=containers), policy("np", ingress=[{"ports": [{"port": "http"}]}])
    )
    assert [state(reach, OUT, "default/two", "TCP", n) for n in (81, 82, 83)] == [R, R, B]
    assert [(str(problem.object), problem.harmless) for problem in reach.problems] == [("Pod default/two", True)]


def test_net_33_sctp_needs_its_protocol_or_a_rule_without_ports() -> None:
    assert state(ingress({"ports": [{"port": 80}]}), OUT, "default/web", "SCTP", 80) == B
    assert state(ingress({"ports": [{"port": 80, "protocol": "SCTP"}]}), OUT, "default/web", "SCTP", 80) == R


def test_net_36_except_is_taken_away_and_host_bits_are_masked() -> None:
    reach = ingress({"from": [{"ipBlock": {"cidr": "203.0.113.9/24", "except": ["203.0.113.128/25"]}}]})
    held = [
        state(reach, source, "default/web")
        for source in ("203.0.113.0", "203.0.113.127", "203.0.113.128", "203.0.112.255")
    ]
    assert held == [R, R, B, B]


def test_net_42_and_43_families_are_apart() -> None:
    dual = pod("dual", ips=("10.0.0.4", "fd00::4"))
    rules = [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.169.254/32"]}}]}]
    reach = engine(dual, policy("np", policyTypes=["Egress"], egress=rules))
    assert [state(reach, "default/dual", to) for to in (OUT, "169.254.169.254", "fd00:ec2::254")] == [R, B, B]
    reach = engine(dual, policy("np", policyTypes=["Egress"], egress=[*rules, {"to": [{"ipBlock": {"cidr": "::/0"}}]}]))
    assert [state(reach, "default/dual", to) for to in ("169.254.169.254", "fd00:ec2::254")] == [B, R]


REFUSED = {
    "net_17_no_field": ({"from": [{}]}, "no podSelector"),
    "net_17_block_and_selector": ({"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}, "podSelector": {}}]}, "together"),
    "net_20_values_missing": (
        {"from": [{"podSelector": {"matchExpressions": [{"key": "app", "operator": "In"}]}}]},
        "needs values",
    ),
    "net_20_operator": (
        {"from": [{"podSelector": {"matchExpressions": [{"key": "app", "operator": "Is"}]}}]},
        "operator Is",
    ),
    "net_24_end_before_port": ({"ports": [{"port": 90, "endPort": 80}]}, "no interval"),
    "net_24_end_of_name": ({"ports": [{"port": "http", "endPort": 90}]}, "numeric port"),
    "net_07_protocol": ({"ports": [{"port": 80, "protocol": "tcp"}]}, "'tcp'"),
    "net_36_no_cidr": ({"from": [{"ipBlock": {"cidr": "203.0.113"}}]}, "no CIDR"),
    "net_36_mapped": ({"from": [{"ipBlock": {"cidr": "::ffff:203.0.113.0/120"}}]}, "IPv4-mapped"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_api_refuses_allows_nothing_and_is_reported(name: str) -> None:
    """NET-07, -17, -20, -24, -36: the run goes on, and what is blocked beside a faulty part is not certain."""
    rule, reason = REFUSED[name]
    reach = ingress(rule)
    assert [problem.object.name for problem in reach.problems if reason in problem.reason] == ["np"]
    assert reach.problems[0].path[:3] == ("spec", "ingress", 0)
    verdict = state(reach, OUT, "default/web"), state(reach, OUT, "default/db"), state(reach, "default/web", OUT)
    assert [str(found) for found in verdict] == ["unknown", "yes", "yes"]


@pytest.mark.parametrize("outside", ["10.0.0.0/8", "203.0.113.0/24", "0.0.0.0/0", "::/0"])
def test_net_37_except_that_is_no_strict_part_is_reported(outside: str) -> None:
    """Equal or wider leaves nothing; elsewhere it takes nothing away."""
    reach = ingress({"from": [{"ipBlock": {"cidr": "203.0.113.0/24", "except": [outside]}}]})
    assert "no part of" in reach.problems[0].reason
    covers = outside in ("203.0.113.0/24", "0.0.0.0/0")
    assert str(state(reach, OUT, "default/web")) == ("unknown" if covers else "yes")


def test_net_20_an_unreadable_pod_selector_leaves_the_whole_namespace_open_to_doubt() -> None:
    bad = policy("bad", podSelector={"matchExpressions": [{"key": "app", "operator": "Like"}]}, ingress=[{}])
    reach = under(bad, policy("deny", policyTypes=["Ingress"]))
    assert [str(state(reach, OUT, f"default/{name}")) for name in ("web", "db")] == ["unknown", "unknown"]
    assert reach.problems[0].path == ("spec", "podSelector")


def test_net_32_a_numeric_string_is_read_as_a_number_and_reported() -> None:
    reach = ingress({"ports": [{"port": "8080"}]})
    assert (reach.problems[0].harmless, reach.problems[0].path[-1]) == (True, "port")
    assert [state(reach, OUT, "default/web", "TCP", n) for n in (8080, 80)] == [R, B]
