"""Calico: truth tables by NET number, bad objects, and what was not read (network.md, 3.10)."""

from typing import Any

import pytest

from kubeaudit.model.cluster import Cluster
from kubeaudit.network.calico.doubts import SETTLED
from kubeaudit.network.plugin.cni import profile
from kubeaudit.network.plugin.detect import detect
from kubeaudit.network.reach import Reach
from kubeaudit.network.verdicts import Basis
from kubeaudit.proof import State
from kubeaudit.settings import Fact, Settings
from kubeaudit.snapshot import Outcome

from .asking import B, R, U, ask, engine, state
from .clusters import Object, cluster, daemonset, namespace, node, pod, policy, port

CALICO = profile("calico")
V3, V1 = "projectcalico.org/v3", "crd.projectcalico.org/v1"
NAMESPACES = (namespace("red", team="r"), namespace("blue", team="b"))
PODS = (
    pod("web", "red", labels={"app": "web"}, ips=("10.0.0.1", "fd00::1"), ports=[port(80, "http")]),
    pod("db", "red", labels={"app": "db"}, ips=("10.0.0.2",), ports=[port(5432, "sql")]),
    pod("job", "blue", labels={"app": "job"}, ips=("10.0.1.1", "fd00::2")),
)
OPEN = {"action": "Allow"}


def made(kind: str, name: str, space: str = "", version: str = V3, labels: Object | None = None, **spec: Any) -> Object:
    metadata: Object = {"name": name, "labels": labels or {}} | ({"namespace": space} if space else {})
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def np(name: str, space: str = "red", **spec: Any) -> Object:
    return made("NetworkPolicy", name, space, **spec)


def gnp(name: str, **spec: Any) -> Object:
    return made("GlobalNetworkPolicy", name, **spec)


def tier(name: str, order: float | None = None, end: str = "Deny") -> Object:
    return made("Tier", name, defaultAction=end, **({} if order is None else {"order": order}))


def calico(*objects: Object, unread: dict[str, Outcome] | None = None) -> Reach:
    return engine(*NAMESPACES, *PODS, *objects, plugin=CALICO, unread=unread)


def into(*rules: Object, **spec: Any) -> Object:
    """A policy of namespace red with these ingress rules."""
    return np("into", types=["Ingress"], ingress=list(rules), **spec)


def from_job(*objects: Object, to: str = "red/web", at: Any = ("TCP", 80)) -> State:
    return state(calico(*objects), "blue/job", to, *at)


ALLOW, DENY = {"types": ["Ingress"], "ingress": [OPEN]}, {"types": ["Ingress"], "ingress": [{"action": "Deny"}]}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"order": 1} | ALLOW, {"order": 2} | DENY, R),
        ({"order": 2} | ALLOW, {"order": 1} | DENY, B),
        (ALLOW, {"order": 2} | DENY, B),
        (ALLOW, DENY, R),
        ({"order": 3} | DENY, {"order": 3} | ALLOW, B),
    ],
    ids=["lower order", "higher order", "without an order last", "none: by name", "equal: by name"],
)
def test_net_120_policies_of_a_tier_are_asked_by_order_then_name(one: Object, other: Object, expected: State) -> None:
    assert from_job(gnp("a", **one), gnp("b", **other)) is expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (tier("x", 1), tier("y", 2), R),
        (tier("x", 3), tier("y", 2), B),
        (tier("x"), tier("y", 2), B),
        (tier("x"), tier("y"), R),
        (tier("x", 5), tier("y", 5), R),
    ],
    ids=["by order", "turned", "without an order last", "none: by name", "equal: by name"],
)
def test_net_120_tiers_are_asked_by_order_then_name(first: Object, second: Object, expected: State) -> None:
    assert from_job(first, second, gnp("p", tier="x", **ALLOW), gnp("q", tier="y", **DENY)) is expected


def test_net_120_the_first_rule_that_matches_decides_and_log_goes_on() -> None:
    rules = [{"action": "Log"}, {"action": "Allow", "protocol": "TCP"}, {"action": "Deny"}]
    assert from_job(into(*rules)) is R
    assert from_job(into(*rules), at=("UDP", 80)) is B


def test_net_121_pass_leads_to_the_next_tier_and_past_the_last_one_to_the_profile() -> None:
    passing = gnp("p", tier="x", types=["Ingress"], ingress=[{"action": "Pass"}])
    assert from_job(tier("x", 1), passing, gnp("q", **DENY)) is B
    assert from_job(tier("x", 1), passing, gnp("q", **ALLOW)) is R
    assert from_job(tier("x", 1), passing) is R
    denying = made("Profile", "kns.red", ingress=[{"action": "Deny", "protocol": "TCP"}])
    assert from_job(tier("x", 1), passing, denying) is B
    assert from_job(tier("x", 1), passing, denying, at=("UDP", 80)) is R
    assert from_job(denying) is B
    assert from_job(made("Profile", "kns.red", ingress=[OPEN]), made("Profile", "ksa.red.default", **DENY)) is R


@pytest.mark.parametrize(("end", "expected"), [("Deny", B), ("Pass", R), ("", B)])
def test_net_122_what_no_rule_matches_meets_the_default_action(end: str, expected: State) -> None:
    assert from_job(tier("x", 1, end), gnp("p", tier="x", selector="app == 'web'", types=["Ingress"])) is expected
    assert from_job(tier("x", 1, end), gnp("p", tier="x", selector="app == 'db'", types=["Ingress"])) is R
    assert from_job(tier("x", 1, end), gnp("p", tier="x", selector="app == 'web'", types=["Egress"])) is R


@pytest.mark.parametrize(("order", "expected"), [(999, R), (1001, B)])
def test_net_123_networkpolicies_stand_in_the_default_tier_at_order_1000(order: int, expected: State) -> None:
    closed = policy("closed", "red", podSelector={}, policyTypes=["Ingress"])
    assert from_job(closed, gnp("late", order=order, **DENY)) is B
    opened = policy("opened", "red", podSelector={}, ingress=[{}])
    assert from_job(opened, gnp("p", order=order, **DENY)) is (B if order < 1000 else R)
    assert from_job(closed, gnp("p", order=order, **ALLOW)) is R
    assert from_job(tier("x", 999_999), gnp("p", tier="x", **ALLOW), closed) is R
    assert from_job(tier("x", 1_000_001), gnp("p", tier="x", **ALLOW), closed) is B


@pytest.mark.parametrize(
    ("spec", "ingress", "egress"),
    [
        ({}, B, R),
        ({"ingress": [OPEN]}, R, R),
        ({"egress": [OPEN]}, R, R),
        ({"egress": [{"action": "Deny"}]}, R, B),
        ({"ingress": [OPEN], "egress": [{"action": "Deny"}]}, R, B),
        ({"types": ["Egress"], "ingress": [{"action": "Deny"}]}, R, B),
    ],
)
def test_net_124_types_follow_from_the_rules_where_they_are_missing(
    spec: Object, ingress: State, egress: State
) -> None:
    reach = calico(np("p", selector="app == 'web'", **spec))
    assert (state(reach, "blue/job", "red/web"), state(reach, "red/web", "blue/job")) == (ingress, egress)


def test_net_125_126_host_policies_leave_pods_alone() -> None:
    """What they say of nodes: test_host_policies."""
    host = pod("agent", "red", on="n1", host=True, ips=("172.18.0.2",))
    found = made("HostEndpoint", "eth0", labels={"role": "node"}, node="n1", expectedIPs=["172.18.0.2"])
    nodes = (node("n1", "172.18.0.2"), host)
    assert state(calico(*nodes, gnp("all", **DENY)), "blue/job", "red/agent") is R
    for switch in ("doNotTrack", "preDNAT"):
        assert from_job(gnp("raw", applyOnForward=True, **{switch: True}, **DENY)) is R
    out = gnp("out", selector="role == 'node'", types=["Egress"], egress=[OPEN])
    by_label = into({"action": "Allow", "source": {"namespaceSelector": "global()", "selector": "role == 'node'"}})
    assert state(calico(*nodes, found, out, by_label), "172.18.0.2", "red/web") is R
    assert state(calico(*nodes, found, out, by_label), "172.18.0.3", "red/web") is B


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("app == 'web'", True),
        ("app != 'web'", False),
        ("app in {'web', 'x'}", True),
        ("app not in {'web'}", False),
        ("other not in {'web'}", True),
        ("has(other) || !has(other)", True),
        ("app starts with 'w' && app ends with 'b' && app contains 'e'", True),
        ("projectcalico.org/namespace == 'red'", True),
        ("projectcalico.org/serviceaccount == 'default'", True),
        ("projectcalico.org/orchestrator == 'k8s'", True),
        ("pcns.team == 'r'", True),
        ("pcns.projectcalico.org/name == 'red' && pcns.kubernetes.io/metadata.name == 'red'", True),
        ("pcsa.tier == 'gold'", True),
        ("pcsa.projectcalico.org/name == 'default'", True),
    ],
)
def test_net_127_selectors_see_own_and_inherited_labels(selector: str, expected: bool) -> None:
    metadata = {"name": "default", "namespace": "red", "labels": {"tier": "gold"}}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
    assert from_job(account, gnp("p", selector=selector, types=["Ingress"])) is (B if expected else R)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({}, R),
        ({"selector": "app == 'job'"}, B),
        ({"namespaceSelector": "all()", "selector": "app == 'job'"}, R),
        ({"namespaceSelector": "team == 'b'"}, R),
        ({"namespaceSelector": "team == 'r'"}, B),
        ({"namespaceSelector": "global()"}, B),
        ({"notSelector": "app == 'db'"}, B),
        ({"namespaceSelector": "all()", "notSelector": "app == 'db'"}, R),
        ({"namespaceSelector": "all()", "notSelector": "app == 'job'"}, B),
        ({"nets": ["10.0.1.0/24"]}, R),
        ({"nets": ["10.0.0.0/16"], "notNets": ["10.0.1.0/24"]}, B),
        ({"notNets": ["10.0.0.0/24"]}, R),
        ({"namespaceSelector": "all()", "serviceAccounts": {"names": ["default"]}}, R),
        ({"namespaceSelector": "all()", "serviceAccounts": {"names": ["other"]}}, B),
    ],
)
def test_net_128_who_the_source_of_a_rule_is(source: Object, expected: State) -> None:
    """A policy of a namespace means its own pods as soon as it selects by labels."""
    assert from_job(into({"action": "Allow", "source": source})) is expected


def test_net_128_a_global_policy_selects_peers_everywhere_and_sets_by_their_labels() -> None:
    rule = {"action": "Allow", "source": {"selector": "app == 'job' || office == 'yes'"}}
    office = made("GlobalNetworkSet", "office", labels={"office": "yes"}, nets=["203.0.113.0/24"])
    reach = calico(gnp("p", types=["Ingress"], ingress=[rule]), office)
    assert state(reach, "blue/job", "red/web") is R
    assert state(reach, "203.0.113.9", "red/web") is R
    assert state(reach, "203.0.114.9", "red/web") is B
    own = made("NetworkSet", "office", "red", labels={"office": "yes"}, nets=["203.0.113.0/24"])
    outside = made("NetworkSet", "office", "blue", labels={"office": "yes"}, nets=["198.51.100.0/24"])
    reach = calico(into({"action": "Allow", "source": {"selector": "office == 'yes'"}}), own, outside)
    assert (state(reach, "203.0.113.9", "red/web"), state(reach, "198.51.100.1", "red/web")) == (R, B)


@pytest.mark.parametrize(
    ("rule", "open_on"),
    [
        ({"protocol": "TCP", "destination": {"ports": [80, "5432:5433"]}}, {("TCP", 80), ("TCP", 5432)}),
        ({"protocol": "TCP", "destination": {"ports": ["http"]}}, {("TCP", 80)}),
        ({"destination": {"ports": ["http"]}}, {("TCP", 80)}),
        ({"protocol": "TCP", "destination": {"notPorts": [80]}}, {("TCP", 5432)}),
        ({"protocol": "TCP", "destination": {"notPorts": ["http"]}}, {("TCP", 5432)}),
        ({"protocol": 17}, {("UDP", 80)}),
        ({"notProtocol": "TCP"}, {("UDP", 80), ("ICMP", 0)}),
        ({"protocol": "ICMP"}, {("ICMP", 0)}),
        ({"protocol": "ICMPv6"}, set()),
        ({"protocol": 47}, set()),
        ({"ipVersion": 6}, set()),
        ({"destination": {"selector": "app == 'db'"}}, set()),
        ({"destination": {"nets": ["10.0.0.1/32"]}}, {("TCP", 80), ("TCP", 5432), ("UDP", 80), ("ICMP", 0)}),
    ],
)
def test_net_34_128_protocols_and_ports_of_the_destination(rule: Object, open_on: set[tuple[str, int]]) -> None:
    reach = calico(into({"action": "Allow"} | rule))
    asked = (("TCP", 80), ("TCP", 5432), ("UDP", 80), ("ICMP", 0))
    assert {at for at in asked if state(reach, "blue/job", "red/web", *at) is R} == open_on


@pytest.mark.parametrize("action", ["Allow", "Deny"])
def test_net_128_what_is_not_known_of_a_connection_stays_undecided(action: str) -> None:
    for rule, at, detail in (
        ({"protocol": "TCP", "source": {"ports": [53]}}, ("TCP", 80), "source_port"),
        ({"protocol": "ICMP", "icmp": {"type": 8}}, ("ICMP", 0), "icmp_type"),
    ):
        verdict = ask(calico(into({"action": action} | rule, {"action": "Deny"})), "blue/job", "red/web", *at)
        assert verdict.state is (U if action == "Allow" else B)
        assert verdict.details == ((detail,) if action == "Allow" else ())
        assert verdict.settle_by == ((SETTLED[detail][0],) if action == "Allow" else ())
    anywhere = into({"action": "Allow", "protocol": "TCP", "source": {"ports": ["1:65535"]}})
    assert from_job(anywhere) is R


def test_net_128_http_is_a_condition_above_l4() -> None:
    verdict = ask(calico(into({"action": "Allow", "http": {"methods": ["GET"]}})), "blue/job", "red/web")
    assert (verdict.state, verdict.basis, verdict.conditions) == (
        R,
        (Basis.L7_CONDITIONAL, Basis.DEFAULT_ALLOW),
        ("l7",),
    )


def test_net_128_services_stand_for_their_endpoints_and_target_ports() -> None:
    ports = [{"port": 8080, "targetPort": "http"}]
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "red"}}
    chosen = service | {"spec": {"selector": {"app": "web"}, "ports": ports}}
    rule = {"action": "Allow", "destination": {"services": {"name": "web", "namespace": "red"}}}
    out = np("out", "blue", types=["Egress"], egress=[rule])
    reach = calico(out, chosen)
    assert state(reach, "blue/job", "red/web", "TCP", 80) is R
    assert state(reach, "blue/job", "red/web", "TCP", 8080) is B
    assert state(reach, "blue/job", "red/db", "TCP", 80) is B
    assert state(calico(out), "blue/job", "red/web") is B
    manual = ask(calico(out, service | {"spec": {"ports": ports}}), "blue/job", "203.0.113.1")
    assert (manual.state, manual.details) == (U, ("service_endpoints",))
    assert state(calico(out, unread={"services": Outcome.REFUSED}), "blue/job", "red/web") is U


@pytest.mark.parametrize(("net", "v4", "v6"), [("0.0.0.0/0", R, B), ("::/0", B, R)])
def test_net_38_networks_match_pods_by_their_address_of_the_family(net: str, v4: State, v6: State) -> None:
    reach = calico(into({"action": "Allow", "source": {"nets": [net]}}))
    assert state(reach, "blue/job", "red/web", "TCP", 80, "IPv4") is v4
    assert state(reach, "blue/job", "red/web", "TCP", 80, "IPv6") is v6


def _switched(*objects: Object) -> Fact:
    return detect(cluster(*objects), Settings()).drops_to_own_node


def test_net_130_the_environment_of_calico_node_comes_before_felixconfiguration() -> None:
    def with_action(value: str) -> Object:
        return daemonset("calico-node", env=[{"name": "FELIX_DEFAULTENDPOINTTOHOSTACTION", "value": value}])

    config = made("FelixConfiguration", "default", version=V1, defaultEndpointToHostAction="Accept")
    assert _switched(with_action("ACCEPT")) is Fact.NO
    assert _switched(with_action("Drop"), config) is Fact.YES
    assert _switched(daemonset("calico-node"), config) is Fact.NO
    assert _switched(daemonset("calico-node")) is Fact.YES
    other = made("FelixConfiguration", "node.n1", version=V1, defaultEndpointToHostAction="Drop")
    assert _switched(daemonset("calico-node"), config, other) is Fact.UNKNOWN


@pytest.mark.parametrize(("value", "open_", "closed"), [("Accept", R, B), ("Return", R, B), ("Drop", B, B)])
def test_net_46_130_a_pod_and_its_own_node(value: str, open_: State, closed: State) -> None:
    """Egress policies are asked first; the node reaches its pods whatever policies say."""
    action = daemonset("calico-node", env=[{"name": "FELIX_DEFAULTENDPOINTTOHOSTACTION", "value": value}])
    here = pod("here", "red", on="n1", ips=("10.0.0.9",))
    objects = (action, node("n1", "172.18.0.2"), node("n2", "172.18.0.3"), here)

    def reach(*more: Object) -> Reach:
        return engine(*objects, *more, plugin=detect(cluster(*objects), Settings()))

    assert state(reach(), "red/here", "172.18.0.2") is open_
    assert state(reach(), "red/here", "172.18.0.3") is R
    assert state(reach(gnp("p", types=["Egress"])), "red/here", "172.18.0.2") is closed
    assert state(reach(gnp("p", types=["Ingress"])), "172.18.0.2", "red/here") is R
    assert state(reach(gnp("p", types=["Ingress"])), "172.18.0.3", "red/here") is B


def test_net_131_what_both_groups_show_is_one_object_and_copies_of_other_policies_are_none() -> None:
    stored = made("GlobalNetworkPolicy", "p", version=V1, **ALLOW)
    assert from_job(stored, gnp("p", **DENY)) is R
    copied = np("knp.default.closed", types=["Ingress"], ingress=[])
    assert from_job(copied) is R


def test_net_148_a_block_of_the_metadata_address_beside_the_aws_plugin_is_not_certain() -> None:
    closed = gnp("p", types=["Egress"])
    assert state(calico(closed), "red/web", "169.254.169.254") is B
    verdict = ask(calico(closed, daemonset("aws-node")), "red/web", "169.254.169.254")
    assert (verdict.state, verdict.details) == (U, ("aws_metadata",))
    assert state(calico(closed, daemonset("aws-node")), "red/web", "8.8.8.8") is B


@pytest.mark.parametrize(
    ("bad", "path", "reason"),
    [
        (np("p", selector="app = 'web'"), ("spec", "selector"), "column 5"),
        (gnp("p", namespaceSelector="global()"), ("spec", "namespaceSelector"), "global()"),
        (into({"action": "allow"}), ("spec", "ingress", 0, "action"), "'allow' is not one of"),
        (
            into({"action": "Allow", "source": {"nets": ["10.0.0.0/33"]}}),
            ("spec", "ingress", 0, "source", "nets", 0),
            "CIDR",
        ),
        (
            into({"action": "Allow", "source": {"selector": "a =="}}),
            ("spec", "ingress", 0, "source", "selector"),
            "column 5",
        ),
        (
            into({"action": "Allow", "destination": {"ports": [80]}}),
            ("spec", "ingress", 0, "protocol"),
            "needs protocol",
        ),
        (
            into({"action": "Allow", "protocol": "TCP", "destination": {"ports": ["9:1"]}}),
            ("spec", "ingress", 0, "destination", "ports", 0),
            "within 1 to 65535",
        ),
        (into({"action": "Allow", "protocol": "tcp"}), ("spec", "ingress", 0, "protocol"), "'tcp' is not one of"),
        (into({"action": "Allow", "ipVersion": 5}), ("spec", "ingress", 0, "ipVersion"), "not 4 or 6"),
        (
            into({"action": "Allow", "source": {"nets": ["10.0.0.0/8", "fd00::/8"]}}),
            ("spec", "ingress", 0, "source", "nets", 1),
            "family",
        ),
        (np("p", types=["Both", "Ingress"]), ("spec", "types", 0), "'Both' is not"),
    ],
)
def test_a_bad_field_is_reported_and_what_is_blocked_beside_it_is_not_certain(
    bad: Object, path: tuple[str | int, ...], reason: str
) -> None:
    closed = np("closed", types=["Ingress"])
    reach = calico(bad, closed, gnp("other", selector="app == 'job'", **ALLOW))
    assert [problem.path for problem in reach.problems] == [path]
    assert reason in reach.problems[0].reason
    assert reach.problems[0].object.name == bad["metadata"]["name"]
    assert state(reach, "blue/job", "red/web") is U
    assert state(reach, "red/web", "blue/job") is R


def test_a_policy_of_a_tier_that_does_not_exist_has_no_effect_and_is_reported() -> None:
    reach = calico(gnp("p", tier="gone", **DENY))
    assert state(reach, "blue/job", "red/web") is R
    assert reach.problems[0].path == ("spec", "tier")
    unread = {"tiers.projectcalico.org": Outcome.REFUSED}
    assert state(calico(gnp("p", tier="gone", **DENY), unread=unread), "blue/job", "red/web") is U


def test_a_bad_network_of_a_set_is_reported() -> None:
    rule = {"action": "Allow", "source": {"selector": "has(office)"}}
    broken = made("GlobalNetworkSet", "s", labels={"office": "yes"}, nets=["here", "203.0.113.0/24"])
    reach = calico(gnp("p", types=["Ingress"], ingress=[rule]), broken)
    assert [problem.path for problem in reach.problems] == [("spec", "nets", 0)]
    assert (state(reach, "203.0.113.1", "red/web"), state(reach, "8.8.8.8", "red/web")) == (R, U)


@pytest.mark.parametrize(
    ("resource", "rule"),
    [
        ("globalnetworksets.projectcalico.org", {"source": {"selector": "has(office)"}}),
        ("networksets.projectcalico.org", {"source": {"selector": "has(office)"}}),
        ("serviceaccounts", {"source": {"serviceAccounts": {"selector": "has(tier)"}}}),
        ("namespaces", {"source": {"namespaceSelector": "has(team)"}}),
        ("globalnetworkpolicies.projectcalico.org", {}),
        ("networkpolicies.projectcalico.org", {}),
    ],
)
def test_what_an_unread_kind_may_change_is_unknown(resource: str, rule: Object) -> None:
    closed = into({"action": "Allow"} | rule, {"action": "Deny"})
    stored = resource.replace(".projectcalico", ".crd.projectcalico")
    unread = {stored: Outcome.NOT_SERVED} | {resource: Outcome.REFUSED}
    verdict = ask(calico(closed, unread=unread), "8.8.8.8", "red/web")
    assert verdict.state is U
    assert any(resource in text for text in verdict.settle_by)


def test_a_verdict_names_the_rule_and_the_tier_that_decide() -> None:
    reach = calico(tier("x", 1), gnp("p", tier="x", types=["Ingress"], ingress=[{"action": "Log"}, {"action": "Deny"}]))
    verdict = ask(reach, "blue/job", "red/web")
    decision = verdict.ingress.by[0]
    assert (decision.policy.name, decision.rule, decision.path, decision.tier) == ("p", 1, ("spec", "ingress", 1), "x")
    shown = reach.evidence(decision)
    assert shown.path == ("spec", "ingress", 1)


def test_without_calico_its_policies_have_no_effect() -> None:
    """NET-78."""
    found: Cluster = cluster(*NAMESPACES, *PODS, gnp("p", **DENY))
    assert found.policies["globalnetworkpolicies.projectcalico.org"]
    assert state(engine(*NAMESPACES, *PODS, gnp("p", **DENY), plugin=profile("cilium")), "blue/job", "red/web") is R
