"""Cilium's policies, rule by rule (network.md, 3.9: NET-100..115)."""

from typing import Any

import pytest

from kubeaudit.network.plugin.cni import CniProfile, profile
from kubeaudit.network.verdicts import Action, Basis
from kubeaudit.proof import State
from kubeaudit.settings import Fact
from kubeaudit.snapshot import Outcome

from .asking import B, R, U, ask, engine, state
from .cilium_objects import CILIUM, agent, ccnp, cidr_group, cnp, config, labelled, ports, reach
from .clusters import Object, namespace, node, pod, policy, port

WEB = pod("web", ips=("10.1.0.1",), labels={"app": "web"}, ports=[port(8080, "http"), port(53, "dns", "UDP")])
DB = pod("db", ips=("10.1.0.2",), labels={"app": "db"})
FAR = pod("far", "other", ips=("10.1.0.3",), labels={"app": "web"})
NODES = (node("n1", "172.18.0.2"), node("n2", "172.18.0.3"))
OUT = "203.0.113.1"
KNOWN = (config(), agent("v1.18.2"))
"""An agent whose switches and release are known."""
EVERYTHING = [{"fromEntities": ["all"]}]


def into(found: Any, source: str, *at: Any) -> State:
    return state(found, source, "default/web", *at)


def test_net_100_a_section_isolates_in_its_direction_alone() -> None:
    found = reach(WEB, DB, cnp(ingress=[{"fromEndpoints": [labelled(app="db")]}]))
    assert (into(found, "default/db"), into(found, OUT)) == (R, B)
    assert state(found, "default/web", OUT) == R
    assert state(found, "default/web", "default/db") == B, "db is selected too and names no web"


@pytest.mark.parametrize(("deny", "denied", "other"), [(True, B, B), (False, B, R)])
def test_net_100_enable_default_deny_false_isolates_nothing_but_denies(deny: bool, denied: State, other: State) -> None:
    rule = cnp(
        enableDefaultDeny={"ingress": deny}, ingressDeny=[{"fromEndpoints": [labelled(app="db")]}], endpointSelector={}
    )
    found = reach(WEB, DB, rule)
    assert (into(found, "default/db"), into(found, OUT)) == (denied, other)


def test_net_100_what_isolates_nothing_allows_where_another_policy_isolates() -> None:
    allow = cnp("allow", enableDefaultDeny={"ingress": False}, ingress=[{"fromEntities": ["world"]}])
    deny = policy("deny", podSelector={}, policyTypes=["Ingress"])
    found = reach(WEB, DB, allow, deny)
    assert (into(found, OUT), into(found, "default/db")) == (R, B)
    assert into(reach(WEB, DB, allow), "default/db") == R


@pytest.mark.parametrize(
    "allowing",
    [
        policy("np", podSelector={}, ingress=[{}]),
        cnp("allow", ingress=EVERYTHING),
        ccnp("allow", ingress=EVERYTHING),
    ],
)
def test_net_101_any_deny_beats_any_allow(allowing: Object) -> None:
    deny = ccnp("deny", ingressDeny=[{"fromEndpoints": [labelled(app="db")], "toPorts": ports("80")}])
    found = reach(WEB, DB, allowing, deny)
    assert [into(found, "default/db", "TCP", n) for n in (80, 81)] == [B, R]
    verdict = ask(found, "default/db", "default/web")
    decision = verdict.ingress.by[0]
    assert (decision.policy.name, decision.action, decision.tier) == ("deny", Action.DENY, "Cilium deny")
    assert decision.path == ("spec", "ingressDeny", 0, "fromEndpoints", 0)
    assert found.evidence(decision).value == '{"matchLabels":{"app":"db"}}'


def test_net_101_a_policy_that_only_denies_isolates() -> None:
    found = reach(WEB, DB, cnp(ingressDeny=[{"fromEndpoints": [labelled(app="db")]}]))
    assert (into(found, "default/db"), into(found, OUT)) == (B, B)


def test_net_101_policies_of_all_kinds_allow_together() -> None:
    one = policy("np", podSelector={}, ingress=[{"from": [{"podSelector": labelled(app="db")}]}])
    two = cnp("two", ingress=[{"fromCIDR": ["203.0.113.0/24"]}])
    three = ccnp("three", ingress=[{"fromEndpoints": [labelled(**{"io.kubernetes.pod.namespace": "other"})]}])
    found = reach(WEB, DB, FAR, one, two, three)
    assert [into(found, s) for s in ("default/db", OUT, "other/far", "198.51.100.1")] == [R, R, R, B]


@pytest.mark.parametrize("section", [{}, {"ingress": []}])
def test_net_102_an_omitted_or_empty_section_does_not_apply(section: Object) -> None:
    found = reach(WEB, *KNOWN, cnp(**section, egress=[{"toEntities": ["world"]}]))
    assert (into(found, OUT), state(found, "default/web", OUT)) == (R, R)
    assert not found.problems


@pytest.mark.parametrize(
    ("objects", "expected", "harmless"),
    [((), U, False), ((agent("v1.16.4"),), R, True), ((agent("v1.17.0"),), R, False)],
)
def test_net_102_a_rule_without_sections_is_reported(
    objects: tuple[Object, ...], expected: State, harmless: bool
) -> None:
    found = reach(WEB, *objects, cnp(ingress=[]))
    assert into(found, OUT) == expected
    assert [(p.object.name, p.path, p.harmless) for p in found.problems] == [("policy", ("spec",), harmless)]
    if expected is U:
        assert ask(found, OUT, "default/web").details == ("cilium_empty_rule",)


@pytest.mark.parametrize("rules", [[{}], None, [{"toPorts": []}], [{"fromEndpoints": None}], [{"toPorts": [{}]}]])
@pytest.mark.parametrize("source", [OUT, "default/db"])
def test_net_103_an_empty_rule_is_undefined(rules: Any, source: str) -> None:
    verdict = ask(reach(WEB, DB, *KNOWN, cnp(ingress=rules)), source, "default/web")
    assert (verdict.state, verdict.basis, verdict.details) == (U, (Basis.UNDEFINED,), ("cilium_empty_rule",))
    assert "fromEntities" in verdict.settle_by[0]


def test_net_103_an_empty_rule_changes_nothing_that_is_allowed_otherwise() -> None:
    found = reach(WEB, DB, *KNOWN, cnp(ingress=[{}, {"fromEndpoints": [labelled(app="db")]}]))
    assert (into(found, "default/db"), into(found, OUT)) == (R, U)
    denying = reach(WEB, DB, *KNOWN, cnp(ingress=EVERYTHING, ingressDeny=[{}]))
    assert into(denying, OUT) == U


def test_reg_net_23_the_empty_rule_of_networkpolicy_still_allows_all() -> None:
    assert into(reach(WEB, policy("np", podSelector={}, ingress=[{}])), OUT) == R


@pytest.mark.parametrize(
    "peers", [{"fromCIDR": []}, {"fromEntities": []}, {"fromEndpoints": []}, {"fromCIDRSet": []}, {"fromNodes": []}]
)
@pytest.mark.parametrize("with_ports", [{}, {"toPorts": ports("80")}])
def test_net_104_an_explicit_empty_list_selects_nothing(peers: Object, with_ports: Object) -> None:
    found = reach(WEB, DB, *KNOWN, cnp(ingress=[peers | with_ports]))
    assert (into(found, OUT), into(found, "default/db")) == (B, B)


def test_net_105_an_empty_selector_stays_in_the_namespace_of_a_namespaced_policy() -> None:
    rule = [{"fromEndpoints": [{}]}]
    near, wide = reach(WEB, DB, FAR, cnp(ingress=rule)), reach(WEB, DB, FAR, ccnp(ingress=rule))
    assert [into(near, s) for s in ("default/db", "other/far", OUT)] == [R, B, B]
    assert [into(wide, s) for s in ("default/db", "other/far", OUT)] == [R, R, B]


def test_net_106_ports_without_peers_are_open_to_every_peer() -> None:
    found = reach(WEB, FAR, *NODES, cnp(ingress=[{"toPorts": ports("80", protocol="TCP")}]))
    assert [into(found, s) for s in (OUT, "other/far", "172.18.0.2")] == [R, R, R]
    assert into(found, OUT, "TCP", 81) == B


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (labelled(**{"k8s:app": "web"}), (B, R)),
        (labelled(**{"any:app": "web"}), (B, R)),
        (labelled(**{"container:app": "web"}), (B, B)),
        (labelled(**{"k8s:io.kubernetes.pod.namespace": "default"}), (R, B)),
        (labelled(**{"io.cilium.k8s.namespace.labels.team": "x"}), (B, R)),
        (labelled(**{"io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name": "default"}), (R, B)),
        (labelled(**{"io.cilium.k8s.policy.serviceaccount": "default"}), (R, R)),
        (labelled(**{"io.cilium.k8s.policy.serviceaccount": "robot"}), (B, B)),
        (labelled(**{"io.cilium.k8s.policy.cluster": "blue"}), (R, R)),
        (labelled(**{"io.cilium.k8s.policy.cluster": "red"}), (B, B)),
        ({"matchExpressions": [{"key": "k8s:app", "operator": "NotIn", "values": ["web"]}]}, (R, B)),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, (R, R)),
        (labelled(**{"pod-template-hash": "1"}), (B, B)),
        ({"matchExpressions": [{"key": "kubernetes.io/os", "operator": "DoesNotExist"}]}, (R, R)),
    ],
)
def test_net_107_selectors_of_endpoints(selector: Object, expected: tuple[State, State]) -> None:
    spaces = (namespace("other", team="x"), namespace("default", team="y"))
    far = pod("far", "other", ips=("10.1.0.3",), labels={"app": "web", "pod-template-hash": "1"})
    objects = (WEB, DB, far, *spaces, config(cluster_name="blue"), agent("v1.18.2"))
    found = reach(*objects, ccnp(ingress=[{"fromEndpoints": [selector]}]))
    assert (into(found, "default/db"), into(found, "other/far")) == expected


def test_net_107_a_namespaced_policy_selects_in_its_own_namespace() -> None:
    other = labelled(**{"k8s:io.kubernetes.pod.namespace": "other"})
    found = reach(WEB, FAR, cnp(endpointSelector=other, ingress=[{"fromEntities": ["host"]}]))
    assert (into(found, OUT), state(found, OUT, "other/far")) == (B, R)
    assert [problem.harmless for problem in found.problems] == [True]
    named = labelled(**{"io.kubernetes.pod.namespace": "other"})
    assert into(reach(WEB, cnp(endpointSelector=named, ingress=[{"fromEntities": ["host"]}])), OUT) == R


def test_net_107_labels_of_namespaces_in_a_namespaced_policy_depend_on_the_release() -> None:
    rule = {"fromEndpoints": [labelled(**{"io.cilium.k8s.namespace.labels.team": "x"})]}
    found = reach(WEB, DB, FAR, namespace("other", team="x"), namespace("default", team="x"), cnp(ingress=[rule]))
    assert (into(found, "default/db"), into(found, "other/far")) == (R, U)


def test_net_107_labels_that_the_cluster_may_leave_out_are_not_certain() -> None:
    chosen = config(labels="k8s:team k8s:io.kubernetes.pod.namespace")
    rule = ccnp(endpointSelector=labelled(team="a"), ingress=[{"fromEndpoints": [labelled(app="db")]}])
    found = reach(WEB | {"metadata": WEB["metadata"] | {"labels": {"team": "a"}}}, DB, chosen, rule)
    assert (into(found, "default/db"), into(found, OUT)) == (U, U)
    assert (into(reach(WEB, DB, chosen, rule), OUT)) == R, "web has no such label"


ENTITY_SOURCES = ("default/db", OUT, "192.168.7.7", "172.18.0.2", "172.18.0.3", "kube/h1", "kube/h2")


@pytest.mark.parametrize(
    ("entity", "expected"),
    [
        ("all", (R, R, R, R, R, R, R)),
        ("none", (B, B, B, B, B, B, B)),
        ("world", (B, R, R, B, B, B, B)),
        ("world-ipv4", (B, R, R, B, B, B, B)),
        ("world-ipv6", (B, B, B, B, B, B, B)),
        ("cluster", (R, B, U, R, R, R, R)),
        ("host", (B, B, B, R, B, R, B)),
        ("remote-node", (B, B, B, B, R, B, R)),
        ("kube-apiserver", (B, B, B, B, R, B, R)),
        ("health", (B, B, U, B, B, B, B)),
        ("ingress", (B, B, U, B, B, B, B)),
        ("init", (B, B, U, B, B, B, B)),
        ("unmanaged", (B, B, U, B, B, B, B)),
    ],
)
def test_net_108_entities(entity: str, expected: tuple[State, ...]) -> None:
    """A pod on n1, without the exemption of its own node; the API server runs on n2."""
    web = pod("web", ips=("10.1.0.1",), on="n1")
    hosts = [
        pod(name, "kube", ips=(ip,), host=True, on=on)
        for name, ip, on in (("h1", "172.18.0.2", "n1"), ("h2", "172.18.0.3", "n2"))
    ]
    rule = cnp(ingress=[{"fromEntities": [entity]}])
    found = reach(web, DB, *hosts, *NODES, API, rule, node_reaches_own_pod=Fact.NO)
    assert tuple(into(found, source) for source in ENTITY_SOURCES) == expected
    out = reach(web, DB, *hosts, *NODES, API, cnp(endpointSelector={}, egress=[{"toEntities": [entity]}]))
    assert tuple(state(out, "default/web", target) for target in ENTITY_SOURCES) == expected


API = {
    "apiVersion": "discovery.k8s.io/v1",
    "kind": "EndpointSlice",
    "metadata": {"name": "kubernetes", "namespace": "default", "labels": {"kubernetes.io/service-name": "kubernetes"}},
    "addressType": "IPv4",
    "endpoints": [{"addresses": ["172.18.0.3"]}],
}


def test_net_108_a_reserved_label_is_an_entity() -> None:
    web = pod("web", ips=("10.1.0.1",), on="n1")
    rule = cnp(ingress=[{"fromEndpoints": [labelled(**{"reserved:remote-node": ""})]}])
    found = reach(web, DB, *NODES, rule)
    assert [into(found, s) for s in ("172.18.0.3", "172.18.0.2", OUT, "default/db")] == [R, R, B, B]


def test_net_108_what_a_reserved_label_excludes_is_not_certain() -> None:
    rule = {"fromEndpoints": [{"matchExpressions": [{"key": "reserved:host", "operator": "DoesNotExist"}]}]}
    found = reach(WEB, DB, *NODES, cnp(ingress=[rule]), node_reaches_own_pod=Fact.NO)
    assert [into(found, s) for s in ("default/db", OUT, "172.18.0.3")] == [R, U, U]
    world = {"fromEndpoints": [labelled(**{"reserved:world": ""})]}
    dual = pod("dual", ips=("10.1.0.9", "fd00::9"))
    assert into(reach(WEB, cnp(ingress=[world])), OUT) == R
    assert into(reach(WEB, dual, cnp(ingress=[world])), OUT) == U


def test_net_108_the_host_of_pods_on_several_nodes_is_not_certain() -> None:
    replicas = [pod(f"web-{n}", ips=(f"10.1.0.{n}",), on=f"n{n}", owner="web") for n in (1, 2)]
    found = reach(*replicas, *NODES, cnp(egress=[{"toEntities": ["host"]}]))
    verdict = ask(found, "default/web-1", "172.18.0.3")
    assert (verdict.state, verdict.details) == (U, ("cilium_host",))
    assert state(found, "default/web-1", OUT) == B
    both = reach(*replicas, *NODES, cnp(egress=[{"toEntities": ["host", "remote-node"]}]))
    assert state(both, "default/web-1", "172.18.0.3") == R


def test_net_108_the_api_server_is_not_certain_where_its_addresses_were_not_read() -> None:
    found = reach(WEB, *NODES, cnp(egress=[{"toEntities": ["kube-apiserver"]}]))
    assert ask(found, "default/web", "172.18.0.2").details == ("cilium_api_server",)
    assert state(found, "default/web", "169.254.169.254") == B


def test_net_108_nodes_that_were_not_read_leave_private_addresses_open() -> None:
    unread = {"nodes": Outcome.REFUSED}
    found = engine(WEB, cnp(egressDeny=[{"toEntities": ["world"]}], egress=[{"toEntities": ["all"]}]), plugin=CILIUM,
                   unread=unread)  # fmt: skip
    assert [state(found, "default/web", a) for a in (OUT, "10.9.9.9", "169.254.169.254")] == [B, U, B]
    remote = engine(WEB, cnp(egress=[{"toEntities": ["remote-node"]}]), plugin=CILIUM, unread=unread)
    assert [state(remote, "default/web", a) for a in (OUT, "10.9.9.9")] == [B, U]


@pytest.mark.parametrize(
    ("nodes", "expected"), [(Fact.NO, (B, B, R)), (Fact.YES, (B, R, R)), (Fact.UNKNOWN, (B, U, R))]
)
def test_net_109_cidr_rules_match_no_pods_and_nodes_only_by_the_switch(
    nodes: Fact, expected: tuple[State, ...]
) -> None:
    """NET-38, NET-39."""
    found = reach(WEB, DB, *NODES, cnp(ingress=[{"fromCIDR": ["0.0.0.0/0"]}]), ipblock_matches_nodes=nodes,
                  node_reaches_own_pod=Fact.NO)  # fmt: skip
    assert tuple(into(found, s) for s in ("default/db", "172.18.0.3", OUT)) == expected


def test_net_109_exceptions_of_a_set_hold_for_their_network_alone() -> None:
    """NET-42: the other family stays closed."""
    rule = {"toCIDRSet": [{"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16", "10.0.0.0/8"]}, {"cidr": "10.2.0.0/16"}]}
    found = reach(WEB, cnp(egress=[rule]))
    asked = ("169.254.169.254", "10.1.9.9", "10.2.0.9", OUT, "fd00:ec2::254")
    assert [state(found, "default/web", a) for a in asked[:4]] == [B, B, R, R]
    dual = pod("web", ips=("10.1.0.1", "fd00::1"))
    assert state(reach(dual, cnp(egress=[rule])), "default/web", asked[4]) == B


def test_net_109_groups_of_networks_by_name_and_by_label() -> None:
    groups = (cidr_group("office", "203.0.113.0/24", team="a"), cidr_group("lab", "198.51.100.0/24", team="b"))

    def allowed(*rules: Object) -> list[State]:
        found = reach(WEB, *groups, cnp(egress=[{"toCIDRSet": list(rules)}]))
        return [state(found, "default/web", a) for a in (OUT, "203.0.113.200", "198.51.100.1")]

    assert allowed({"cidrGroupRef": "office"}) == [R, R, B]
    assert allowed({"cidrGroupRef": "office", "except": ["203.0.113.128/25"]}) == [R, B, B]
    assert allowed({"cidrGroupSelector": labelled(team="b")}) == [B, B, R]
    assert allowed({"cidrGroupSelector": {}}) == [R, R, R]
    assert allowed({"cidrGroupRef": "missing"}) == [B, B, B]


def test_net_109_a_group_that_was_not_read_or_is_wrong_leaves_its_networks_open() -> None:
    rule = cnp(egress=[{"toCIDRSet": [{"cidrGroupRef": "office"}]}])
    unread = engine(WEB, rule, plugin=CILIUM, unread={"ciliumcidrgroups.cilium.io": Outcome.REFUSED})
    verdict = ask(unread, "default/web", OUT)
    assert (verdict.state, verdict.settle_by) == (U, ("list ciliumcidrgroups.cilium.io",))
    wrong = reach(WEB, rule, cidr_group("office", "203.0.113.0/24", "nonsense"))
    assert [state(wrong, "default/web", a) for a in (OUT, "198.51.100.1")] == [R, U]
    assert [(p.object.kind, p.path) for p in wrong.problems] == [("CiliumCIDRGroup", ("spec", "externalCIDRs", 1))]


@pytest.mark.parametrize(
    "item",
    [
        {"rules": {"http": [{"method": "GET"}]}},
        {"rules": {"kafka": [{"topic": "t"}]}},
        {"rules": {"http": []}},
        {"terminatingTLS": {"secret": {"name": "s"}}},
        {"originatingTLS": {"secret": {"name": "s"}}},
    ],
)
def test_net_110_l7_rules_are_a_condition(item: Object) -> None:
    found = reach(WEB, DB, cnp(ingress=[{"toPorts": ports("80", protocol="TCP", **item)}]))
    verdict = ask(found, "default/db", "default/web")
    assert (verdict.state, verdict.ingress.basis, verdict.conditions) == (R, (Basis.L7_CONDITIONAL,), ("l7",))
    assert into(found, "default/db", "TCP", 81) == B
    plain = cnp("plain", ingress=[{"fromEndpoints": [labelled(app="db")]}])
    both = ask(reach(WEB, DB, plain, cnp(ingress=[{"toPorts": ports("80", protocol="TCP", **item)}])), "default/db",
               "default/web")  # fmt: skip
    assert (both.ingress.basis, both.conditions) == ((Basis.POLICY,), ()), "allowed without L7 rules too"


@pytest.mark.parametrize("extra", [{"serverNames": ["one.one"]}, {"listener": {"name": "l"}},
                                   {"rules": {"dns": [{"matchPattern": "*"}]}}])  # fmt: skip
def test_net_110_conditions_of_egress(extra: Object) -> None:
    found = reach(WEB, cnp(egress=[{"toPorts": ports("53", **extra)}]))
    assert ask(found, "default/web", OUT, "UDP", 53).conditions == ("l7",)


def test_net_110_l7_rules_restrict_even_without_default_deny() -> None:
    rule = cnp(enableDefaultDeny={"ingress": False},
               ingress=[{"toPorts": ports("80", protocol="TCP", rules={"http": [{}]})}])  # fmt: skip
    found = reach(WEB, rule)
    assert ask(found, OUT, "default/web").conditions == ("l7",)
    assert ask(found, OUT, "default/web", "TCP", 81).basis == (Basis.DEFAULT_ALLOW,)


@pytest.mark.parametrize(("mode", "asked"), [("required", ("authentication",)), ("disabled", ())])
def test_authentication_is_a_condition(mode: str, asked: tuple[str, ...]) -> None:
    rule = {"fromEndpoints": [{}], "authentication": {"mode": mode}}
    assert ask(reach(WEB, DB, cnp(ingress=[rule])), "default/db", "default/web").conditions == asked


def test_net_111_domain_names_leave_addresses_open() -> None:
    """NET-97: an address is never blocked for good, and never reachable for certain."""
    rule = {"toFQDNs": [{"matchName": "example.com"}], "toPorts": ports("443", protocol="TCP")}
    found = reach(WEB, DB, *NODES, cnp(egress=[rule]))
    verdict = ask(found, "default/web", OUT, "TCP", 443)
    assert (verdict.state, verdict.details, verdict.conditions) == (U, ("fqdn",), ("fqdn",))
    assert [state(found, "default/web", *at) for at in ((OUT, "TCP", 80), ("172.18.0.3", "TCP", 443))] == [B, B]
    assert state(found, "default/web", "default/db", "TCP", 443) == B


def service(name: str, selector: dict[str, str] | None = None, space: str = "default", **labels: str) -> Object:
    spec = {"ports": [{"port": 80}], "selector": selector or {}}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": space, "labels": labels},
        "spec": spec,
    }


def slice_of(name: str, *addresses: str) -> Object:
    metadata = {"name": name, "namespace": "default", "labels": {"kubernetes.io/service-name": name}}
    return API | {"metadata": metadata, "endpoints": [{"addresses": list(addresses)}]}


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        ({"k8sService": {"serviceName": "db", "namespace": "default"}}, (R, B, B)),
        ({"k8sService": {"serviceName": "outside", "namespace": "default"}}, (B, R, B)),
        ({"k8sServiceSelector": {"selector": labelled(tier="x")}}, (R, R, B)),
        ({"k8sServiceSelector": {"selector": labelled(tier="x"), "namespace": "other"}}, (B, B, B)),
        ({"k8sService": {"serviceName": "kubernetes", "namespace": "default"}}, (B, B, U)),
    ],
)
def test_net_112_services(peer: Object, expected: tuple[State, ...]) -> None:
    services = (service("db", {"app": "db"}, tier="x"), service("outside", tier="x"), service("kubernetes"))
    slices = (slice_of("outside", OUT), slice_of("kubernetes", "198.51.100.7"))
    found = reach(WEB, DB, *services, *slices, agent("v1.18.0"), cnp(egress=[{"toServices": [peer]}]))
    assert tuple(state(found, "default/web", t) for t in ("default/db", OUT, "198.51.100.7")) == expected


def test_net_112_addresses_that_cannot_be_compared_are_left_out() -> None:
    rule = {"toServices": [{"k8sServiceSelector": {}}]}
    listed = slice_of("outside", "::ffff:10.0.0.1", "fe80::1%eth0", "host.example", OUT)
    found = reach(WEB, service("outside"), listed, agent("v1.18.0"), cnp(egress=[rule]))
    assert [state(found, "default/web", a) for a in (OUT, "203.0.113.2")] == [R, B]


def test_net_112_releases_before_1_17_resolve_no_selectors() -> None:
    rule = {"toServices": [{"k8sService": {"serviceName": "db", "namespace": "default"}}]}
    old = reach(WEB, DB, service("db", {"app": "db"}), agent("v1.16.0"), cnp(egress=[rule]))
    assert state(old, "default/web", "default/db") == U


@pytest.mark.parametrize(
    ("objects", "expected"),
    [((agent("v1.18.0"),), (R, B)), ((), (R, U)), ((agent("v1.19.1"),), (R, R))],
)
def test_net_113_requirements_intersect_until_1_19(objects: tuple[Object, ...], expected: tuple[State, State]) -> None:
    prod = pod("prod", ips=("10.1.0.4",), labels={"app": "db", "env": "prod"})
    rules = [{"fromRequires": [labelled(env="prod")]}, {"fromEndpoints": [labelled(app="db")]}]
    extra = [] if objects and objects[0] == agent("v1.19.1") else rules[:1]
    spec = {"ingress": [*extra, rules[1]]} if extra else {"ingress": [rules[1] | rules[0]]}
    found = reach(WEB, DB, prod, *objects, cnp(**spec))
    assert (into(found, "default/prod"), into(found, "default/db")) == expected
    assert bool(found.problems) == (not extra)


def test_net_113_requirements_of_one_policy_leave_open_what_others_allow() -> None:
    first = cnp("first", ingress=[{"fromRequires": [labelled(env="prod")]}])
    second = cnp("second", ingress=[{"fromEndpoints": [labelled(app="db")]}])
    found = reach(WEB, DB, agent("v1.18.0"), first, second)
    assert ask(found, "default/db", "default/web").details == ("cilium_requires",)
    assert into(found, OUT) == B


def host_policy(**spec: Any) -> Object:
    return ccnp(nodeSelector=labelled(role="edge"), **spec)


@pytest.mark.parametrize(
    ("switches", "expected"),
    [((config(enable_host_firewall="true"),), (U, R, R)), ((config(),), (R, R, R)), ((), (U, R, R))],
)
def test_net_114_policies_of_nodes_leave_host_network_pods_open(
    switches: tuple[Object, ...], expected: tuple[State, ...]
) -> None:
    edge = node("n1", "172.18.0.2")
    edge["metadata"]["labels"] = {"role": "edge"}
    hosts = [pod(f"h{n}", ips=(f"172.18.0.{n + 1}",), host=True, on=f"n{n}") for n in (1, 2)]
    found = reach(WEB, *hosts, edge, NODES[1], *switches, host_policy(ingress=[{"fromEntities": ["cluster"]}]))
    assert tuple(state(found, OUT, t) for t in ("default/h1", "default/h2", "default/web")) == expected
    reported = [problem.harmless for problem in found.problems]
    assert reported == ([True] if switches == (config(),) else [])


@pytest.mark.parametrize(
    ("item", "open_at", "closed_at"),
    [
        ({"port": "80"}, [("TCP", 80), ("UDP", 80), ("SCTP", 80)], [("TCP", 81), ("ICMP", 0)]),
        ({"port": "80", "protocol": "ANY"}, [("UDP", 80)], [("UDP", 81)]),
        ({"port": "80", "endPort": 90, "protocol": "TCP"}, [("TCP", 80), ("TCP", 90)], [("TCP", 91), ("UDP", 80)]),
        ({"port": "80", "endPort": 79, "protocol": "TCP"}, [("TCP", 80)], [("TCP", 79)]),
        ({"port": "http", "endPort": 9000}, [("TCP", 8080)], [("TCP", 8081), ("UDP", 8080)]),
        ({"port": "HTTP"}, [("TCP", 8080)], [("TCP", 80)]),
        ({"port": "dns", "protocol": "TCP"}, [], [("TCP", 53), ("UDP", 53)]),
        ({"port": "0", "protocol": "UDP"}, [("UDP", 1), ("UDP", 65535)], [("TCP", 1), ("ICMP", 0)]),
        ({"port": "010", "protocol": "TCP"}, [("TCP", 8)], [("TCP", 10)]),
    ],
)
def test_net_115_ports(item: Object, open_at: list[Any], closed_at: list[Any]) -> None:
    found = reach(WEB, DB, cnp(ingress=[{"toPorts": [{"ports": [item]}]}]))
    assert [into(found, "default/db", *at) for at in open_at] == [R] * len(open_at)
    assert [into(found, "default/db", *at) for at in closed_at] == [B] * len(closed_at)


def test_net_115_releases_before_1_16_read_no_ranges() -> None:
    rule = {"toPorts": [{"ports": [{"port": "80", "endPort": 90}]}]}
    assert into(reach(WEB, agent("v1.15.9"), cnp(ingress=[rule])), OUT, "TCP", 85) == B


def test_net_26_a_port_name_is_that_of_the_destination() -> None:
    rule = {"toEntities": ["all"], "toPorts": ports("http")}
    found = reach(WEB, DB, cnp(endpointSelector=labelled(app="db"), egress=[rule]))
    asked = [("default/web", "TCP", 8080), ("default/web", "TCP", 80), (OUT, "TCP", 8080)]
    assert [state(found, "default/db", *at) for at in asked] == [R, B, B]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"fromEntities": ["world"]}, R),
        ({"fromEntities": ["world"], "toPorts": ports("80")}, B),
        ({"fromEntities": ["world"], "icmps": [{"fields": [{"type": 8}]}]}, R),
        ({"fromEntities": ["world"], "icmps": [{"fields": [{"type": 128, "family": "IPv6"}]}]}, B),
    ],
)
def test_net_34_icmp(rule: Object, expected: State) -> None:
    found = reach(WEB, cnp(ingress=[rule]))
    verdict = ask(found, OUT, "default/web", "ICMP", 0)
    assert verdict.state == expected
    assert verdict.conditions == (("icmp_type",) if "icmps" in rule and expected is R else ())
    denied = reach(WEB, cnp(ingress=EVERYTHING, ingressDeny=[{"icmps": [{"fields": [{"type": 8}]}]}]))
    assert ask(denied, OUT, "default/web", "ICMP", 0).details == ("icmp_type",)


def test_net_46_the_own_node_is_judged_where_allow_localhost_is_policy() -> None:
    web = pod("web", ips=("10.1.0.1",), on="n1")
    closed = cnp(ingress=[{"fromEntities": ["world"]}], egress=[{"toEntities": ["world"]}])
    assert into(reach(web, *NODES, closed), "172.18.0.2") == R
    judged = reach(web, *NODES, closed, node_reaches_own_pod=Fact.NO)
    assert (into(judged, "172.18.0.2"), state(judged, "default/web", "172.18.0.2")) == (B, B)


def test_net_48_host_network_pods_are_no_endpoints() -> None:
    host = pod("host", ips=("172.18.0.3",), host=True, on="n2", labels={"app": "db"})
    found = reach(WEB, host, *NODES, ccnp(ingress=[{"fromEndpoints": [labelled(app="db")]}]))
    assert (into(found, "default/host"), state(found, OUT, "default/host")) == (B, R)


def test_net_58_a_block_of_service_addresses_allows_nothing_towards_pods() -> None:
    found = reach(WEB, DB, cnp(egress=[{"toCIDR": ["10.96.0.0/12", "10.1.0.0/16"]}]))
    assert state(found, "default/web", "default/db") == B


@pytest.mark.parametrize(("mode", "expected"), [("always", B), ("never", R)])
def test_net_76_enforcement_modes_hold_for_policies_of_cilium(mode: str, expected: State) -> None:
    switched = {"isolates_all": True} if mode == "always" else {"enforces": Fact.NO}
    rule = cnp(enableDefaultDeny={"ingress": False}, ingress=[{"fromEndpoints": [labelled(app="db")]}])
    found = reach(WEB, DB, rule, **switched)
    assert (into(found, "default/db"), into(found, OUT)) == (R if mode == "never" else B, expected)


def test_net_78_without_cilium_its_objects_are_inert() -> None:
    objects = (cnp(ingressDeny=[{"fromEntities": ["all"]}]), ccnp(egress=[{"fromEntities": ["nonsense"]}]))
    found = engine(WEB, DB, *NODES, *objects, cidr_group("g", "nonsense"), plugin=profile("calico"))
    assert (into(found, OUT), state(found, "default/web", "default/db")) == (R, R)
    assert not found.problems


def test_specs_are_rules_of_their_own() -> None:
    rules = [
        {"endpointSelector": labelled(app="web"), "ingress": [{"fromEndpoints": [{}]}]},
        {"endpointSelector": labelled(app="db"), "egressDeny": [{"toEntities": ["world"]}]},
    ]
    both = cnp() | {"specs": rules}
    del both["spec"]
    found = reach(WEB, DB, FAR, both)
    assert [into(found, s) for s in ("default/db", "other/far")] == [B, B], "db may open nothing"
    verdict = ask(found, "other/far", "default/web")
    assert verdict.ingress.by[0].path == ("specs", 0, "endpointSelector")
    assert ask(found, "default/db", OUT).egress.by[0].path == ("specs", 1, "egressDeny", 0, "toEntities", 0)


def test_nodes_by_label_need_their_switch() -> None:
    edge = node("n2", "172.18.0.3")
    edge["metadata"]["labels"] = {"role": "edge"}
    web = pod("web", ips=("10.1.0.1",), on="n1")
    rule = cnp(ingress=[{"fromNodes": [labelled(role="edge")]}])

    def states(*objects: Object) -> list[State]:
        found = reach(web, NODES[0], edge, *objects, rule, node_reaches_own_pod=Fact.NO)
        return [into(found, address) for address in ("172.18.0.3", "172.18.0.2", OUT)]

    assert states(config(enable_node_selector_labels="true")) == [R, B, B]
    assert states() == [U, B, B]
    unread = engine(web, config(enable_node_selector_labels="true"), rule, plugin=CILIUM,
                    unread={"nodes": Outcome.REFUSED})  # fmt: skip
    assert ask(unread, "10.9.9.9", "default/web").ingress.details == ("cilium_host",)
    assert ask(unread, OUT, "default/web").ingress.state is B
    assert states(config()) == [R, R, R], "the agent refuses the policy"


@pytest.mark.parametrize(("version", "expected"), [("v1.15.0", B), ("v1.16.0", R)])
def test_net_100_releases_before_1_16_read_no_default_deny(version: str, expected: State) -> None:
    rule = cnp(enableDefaultDeny={"ingress": False}, ingress=[{"fromEndpoints": [labelled(app="db")]}])
    assert into(reach(WEB, agent(version), rule), OUT) == expected
    off = config(enable_non_default_deny_policies="false")
    assert into(reach(WEB, agent(version), off, rule), OUT) == B


def test_net_107_labels_of_namespaces_that_were_not_read_stay_open() -> None:
    rule = ccnp(ingress=[{"fromEndpoints": [labelled(**{"io.cilium.k8s.namespace.labels.team": "x"})]}])
    found = engine(WEB, FAR, rule, plugin=CILIUM, unread={"namespaces": Outcome.REFUSED})
    verdict = ask(found, "other/far", "default/web")
    assert (verdict.state, verdict.settle_by) == (U, ("list namespaces",))
    everywhere = ccnp(endpointSelector=labelled(**{"io.cilium.k8s.namespace.labels.team": "x"}), ingress=EVERYTHING)
    assert into(engine(WEB, everywhere, plugin=CILIUM, unread={"namespaces": Outcome.REFUSED}), OUT) == U


def test_net_107_the_cluster_of_a_pod_is_not_known_without_the_configmap() -> None:
    rule = ccnp(ingress=[{"fromEndpoints": [labelled(**{"io.cilium.k8s.policy.cluster": "blue"})]}])
    assert ask(reach(WEB, DB, rule), "default/db", "default/web").details == ("cilium_labels",)


@pytest.mark.parametrize(("provider", "expected"), [("kind://x", R), ("gce://x", U), ("azure:///x", U)])
def test_net_108_the_api_server_reaches_pods_through_other_nodes_on_some_providers(
    provider: str, expected: State
) -> None:
    nodes = [found | {"spec": {"providerID": provider}} for found in NODES]
    rule = cnp(ingress=[{"fromEntities": ["kube-apiserver"]}], egress=[{"toEntities": ["kube-apiserver"]}])
    found = reach(WEB, *nodes, API, rule)
    assert (into(found, "172.18.0.3"), state(found, "default/web", "172.18.0.3")) == (expected, R)


def test_net_108_hosts_without_a_node_and_pods_without_a_node_are_not_certain() -> None:
    web, waiting = pod("web", ips=("10.1.0.1",), on="n1"), pod("waiting", "kube", host=True, phase="Pending")
    found = reach(web, waiting, *NODES, cnp(ingress=[{"fromEntities": ["remote-node"]}]), node_reaches_own_pod=Fact.NO)
    assert into(found, "kube/waiting") == U
    unplaced = reach(WEB, *NODES, cnp(egress=[{"toEntities": ["remote-node"]}]))
    assert state(unplaced, "default/web", "172.18.0.3") == U


@pytest.mark.parametrize(("provider", "expected"), [("aws:///x", (U, U)), ("kind://x", (R, B))])
def test_net_150_the_agent_of_pod_identity_may_be_the_node(provider: str, expected: tuple[State, State]) -> None:
    placed = [found | {"spec": {"providerID": provider}} for found in NODES]
    web = pod("web", ips=("10.1.0.1",), on="n1")
    outside = reach(web, *placed, cnp(egress=[{"toCIDR": ["0.0.0.0/0"]}]))
    host = reach(web, *placed, cnp(egress=[{"toEntities": ["host"]}]))
    assert tuple(state(found, "default/web", "169.254.170.23") for found in (outside, host)) == expected
    assert [state(found, "default/web", "169.254.169.254") for found in (outside, host)] == [R, B]


def test_net_112_services_that_were_not_read_leave_every_peer_open() -> None:
    rule = cnp(egress=[{"toServices": [{"k8sService": {"serviceName": "db", "namespace": "default"}}]}])
    found = engine(WEB, DB, rule, plugin=CILIUM, unread={"services": Outcome.REFUSED})
    assert (state(found, "default/web", "default/db"), state(found, "default/web", OUT)) == (U, U)


def test_groups_of_a_cloud_leave_addresses_open() -> None:
    rule = cnp(egress=[{"toGroups": [{"aws": {"securityGroupsIds": ["sg-1"]}}]}])
    found = reach(WEB, DB, *NODES, rule)
    assert [state(found, "default/web", t) for t in (OUT, "172.18.0.3", "default/db")] == [U, B, B]


def test_net_73_of_a_plugin_that_was_not_recognised_nothing_is_certain() -> None:
    unnamed = CniProfile(name="", enforces=Fact.UNKNOWN, ipblock_matches_pods=Fact.UNKNOWN)
    found = engine(WEB, DB, cnp(ingressDeny=[{"fromEntities": ["all"]}]), plugin=unnamed)
    assert (into(found, OUT), state(found, "default/web", OUT)) == (U, R)


def test_protocols_without_ports_are_told_apart_from_icmp_by_nothing_here() -> None:
    found = reach(WEB, cnp(ingress=[{"toPorts": [{"ports": [{"port": "0", "protocol": "VRRP"}]}]}]))
    assert (into(found, OUT, "ICMP", 0), into(found, OUT)) == (U, B)
