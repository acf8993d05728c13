"""What is wrong with policies (network.md: NET-04, -11, -16, -23, -42, -58, -78, -79, -86, -141; 5.3)."""

from typing import Any

import pytest

from kubeaudit.network.lint import Lint, lints
from kubeaudit.network.plugin.cni import profile

from ..asking import KNP, engine
from ..clusters import Object, namespace, pod, policy, port
from ..test_istio import WEB, authorization

APP = pod("app", labels={"app": "a", "tier": "x"}, ips=("10.0.0.1",), ports=[port(8080, "http")])
DB = pod("db", labels={"app": "d"}, ips=("10.0.0.2",))
TO_D = {"podSelector": {"matchLabels": {"app": "d"}}}


def found(*objects: Object, plugin: Any = KNP) -> list[Lint]:
    return list(lints(engine(APP, DB, *objects, plugin=plugin)))


def names(*objects: Object, plugin: Any = KNP) -> list[str]:
    return [lint.name for lint in found(*objects, plugin=plugin)]


def test_a_sound_cluster_is_silent() -> None:
    assert names(policy("np", podSelector={"matchLabels": {"app": "a"}}, ingress=[{"from": [TO_D]}])) == []


def test_net_04_rules_of_a_direction_that_policy_types_leaves_out() -> None:
    (lint,) = found(policy("np", podSelector={}, policyTypes=["Ingress"], egress=[{}]))
    assert (lint.name, lint.evidence[0].path) == ("inert-rules", ("spec", "policyTypes"))


def test_net_11_a_selector_without_pods_names_the_label_that_was_meant() -> None:
    (lint,) = found(policy("np", podSelector={"matchLabels": {"tier": "xx"}}))
    assert lint.name == "selects-nothing" and "tier=x" in lint.text
    (other,) = found(policy("np", podSelector={"matchLabels": {"unheard": "of"}}))
    assert "carry" not in other.text


def test_net_16_two_peers_where_one_would_narrow() -> None:
    split = [{"namespaceSelector": {"matchLabels": {"team": "a"}}}, TO_D]
    both = [{"namespaceSelector": {"matchLabels": {"team": "a"}}, **TO_D}]
    assert names(namespace("default", team="b"), policy("np", podSelector={}, ingress=[{"from": split}])) == [
        "selector-split"
    ]
    assert "selector-split" not in names(policy("np", podSelector={}, ingress=[{"from": both}]))


def service(name: str, space: str = "default", ip: str = "10.96.0.9", **port_fields: Any) -> Object:
    spec = {"selector": {"app": "a"}, "clusterIP": ip, "ports": [{"port": 80, **port_fields}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": space}, "spec": spec}


def test_net_23_the_port_of_a_service_is_not_the_port_of_its_pods() -> None:
    rule = policy("np", podSelector={"matchLabels": {"app": "a"}}, ingress=[{"ports": [{"port": 80}]}])
    (lint,) = found(rule, service("web", targetPort=8080))
    assert lint.name == "service-port" and "8080" in lint.text and lint.evidence[0].path[-2:] == ("ports", 0)
    assert names(rule, service("web", targetPort=80)) == []
    right = policy("np", podSelector={"matchLabels": {"app": "a"}}, ingress=[{"ports": [{"port": 8080}]}])
    assert names(right, service("web", targetPort=8080)) == []


def test_net_58_a_block_among_cluster_ips() -> None:
    def rule(cidr: str) -> Object:
        return policy("np", podSelector={}, policyTypes=["Egress"], egress=[{"to": [{"ipBlock": {"cidr": cidr}}]}])

    assert names(rule("10.96.0.0/12"), service("web")) == ["cluster-ip-range"]
    assert names(rule("10.0.0.0/8"), service("web")) == []
    assert names(rule("10.96.0.0/12")) == []


def test_net_78_kinds_that_the_plugin_does_not_know() -> None:
    cilium = {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": {"name": "x", "namespace": "default"},
    }
    (lint,) = found(cilium, plugin=profile("calico"))
    assert (lint.name, lint.object.kind) == ("no-implementer", "CiliumNetworkPolicy")


def test_net_103_a_rule_that_says_nothing() -> None:
    def cilium(**spec: Any) -> Object:
        metadata = {"name": "x", "namespace": "default"}
        described = {"endpointSelector": {}, **spec}
        return {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": metadata, "spec": described}

    (lint,) = found(pod("a"), cilium(ingress=[{}, {"fromEntities": []}]), plugin=profile("cilium"))
    assert (lint.name, lint.number) == ("empty-rule", "NET-103")
    assert (lint.evidence[0].path, lint.evidence[0].value) == (("spec", "ingress", 0), "{}")


def dns(**port_fields: Any) -> list[Object]:
    coredns = pod("coredns", "kube-system", labels={"k8s-app": "kube-dns"}, ips=("10.0.0.53",))
    ports = [{"port": 53, "protocol": "UDP", **port_fields}, {"port": 53, "protocol": "TCP", **port_fields}]
    spec = {"selector": {"k8s-app": "kube-dns"}, "clusterIP": "10.96.0.10", "ports": ports}
    metadata = {"name": "kube-dns", "namespace": "kube-system"}
    return [coredns, {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}]


@pytest.mark.parametrize(
    ("ports", "target", "cut_off"),
    [
        ([], 53, ["TCP", "UDP"]),
        ([{"port": 53, "protocol": "UDP"}], 53, ["TCP"]),
        ([{"port": 53, "protocol": "UDP"}, {"port": 53}], 53, []),
        ([{"port": 53, "protocol": "UDP"}, {"port": 53}], 5353, ["TCP", "UDP"]),
    ],
)
def test_net_79_isolated_pods_need_dns_on_the_port_of_its_pods(
    ports: list[Object], target: int, cut_off: list[str]
) -> None:
    rules = [{"to": [{"namespaceSelector": {}}], "ports": ports}] if ports else [{"to": [TO_D]}]
    np = policy("np", podSelector={"matchLabels": {"app": "a"}}, policyTypes=["Egress"], egress=rules)
    listed = [lint for lint in found(np, *dns(targetPort=target)) if lint.name == "dns-blocked"]
    assert sorted(word for lint in listed for word in ("TCP", "UDP") if f"over {word}" in lint.text) == cut_off


def test_net_42_one_family_is_left_open() -> None:
    both = pod("both", labels={"app": "both"}, ips=("10.0.0.7", "fd00::7"))
    closed = {"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.169.254/32"]}}]}
    opened = {"to": [{"ipBlock": {"cidr": "::/0"}}]}
    selector = {"matchLabels": {"app": "both"}}
    gap = policy("np", podSelector=selector, policyTypes=["Egress"], egress=[closed, opened])
    (lint,) = found(both, gap)
    assert lint.name == "ipv6-gap" and "fd00:ec2::254" in lint.text
    assert lint.evidence[0].path == ("spec", "egress", 1, "to", 0)
    assert names(both, policy("np", podSelector=selector, policyTypes=["Egress"], egress=[closed])) == []


def test_net_86_equal_priorities_that_contradict() -> None:
    def admin(name: str, action: str) -> Object:
        rule = {"action": action, "from": [{"namespaces": {}}]}
        spec = {"priority": 5, "subject": {"namespaces": {}}, "ingress": [rule]}
        version = "policy.networking.k8s.io/v1alpha1"
        return {"apiVersion": version, "kind": "AdminNetworkPolicy", "metadata": {"name": name}, "spec": spec}

    assert "equal-priority" in names(admin("a", "Allow"), admin("b", "Deny"))
    assert "equal-priority" not in names(admin("a", "Allow"), admin("b", "Allow"))


def test_net_141_pods_without_a_proxy_are_not_protected() -> None:
    bare = pod("bare", "shop", labels={"app": "bare"}, ips=("10.0.0.8",))
    chosen = authorization(selector={"matchLabels": {"app": "bare"}})
    (lint,) = found(namespace("shop"), WEB, bare, chosen)
    assert lint.name == "mesh-bypass" and "no proxy" in lint.text
    assert names(namespace("shop"), WEB, authorization(selector={"matchLabels": {"app": "web"}})) == []


def test_5_3_rules_that_others_cover() -> None:
    narrow, wide = {"from": [TO_D], "ports": [{"port": 80}]}, {"from": [TO_D]}
    (lint,) = found(policy("np", podSelector={}, ingress=[narrow, wide]))
    assert (lint.name, lint.evidence[0].path) == ("shadowed-rule", ("spec", "ingress", 0))
    assert [one.evidence[0].path[-1] for one in found(policy("np", podSelector={}, ingress=[wide, wide]))] == [1]
    other = {"from": [{"podSelector": {"matchLabels": {"app": "a"}}}], "ports": [{"port": 80}]}
    assert names(policy("np", podSelector={}, ingress=[other, wide])) == []


def test_5_3_policies_whose_removal_changes_nothing() -> None:
    wide = policy("wide", podSelector={}, ingress=[{"from": [TO_D]}])
    narrow = policy(
        "narrow", podSelector={"matchLabels": {"app": "a"}}, ingress=[{"from": [TO_D], "ports": [{"port": 80}]}]
    )
    (lint,) = found(wide, narrow)
    assert (lint.name, lint.object.name) == ("redundant-policy", "narrow")
    alone = policy("alone", podSelector={}, policyTypes=["Egress"], egress=[{}])
    assert [one.name for one in found(alone)] == ["redundant-policy"], "it isolates and allows everything"


def test_net_27_a_port_name_that_no_pod_declares() -> None:
    to_http = {"ports": [{"port": "http"}]}
    assert names(policy("np", podSelector={"matchLabels": {"app": "a"}}, ingress=[to_http])) == []
    (lint,) = found(policy("np", podSelector={"matchLabels": {"app": "d"}}, ingress=[to_http]))
    assert (lint.name, lint.evidence[0].path) == ("unknown-port-name", ("spec", "ingress", 0, "ports", 0, "port"))
    assert names(policy("np", podSelector={}, policyTypes=["Egress"], egress=[to_http])) == []
    assert names(policy("np", podSelector={}, egress=[{"ports": [{"port": "web"}]}])) == ["unknown-port-name"]


def test_net_28_a_port_name_of_another_protocol() -> None:
    udp = {"ports": [{"port": "http", "protocol": "UDP"}]}
    assert names(policy("np", podSelector={}, ingress=[udp])) == ["unknown-port-name"]


def test_net_27_addresses_have_no_port_names() -> None:
    rule = {"ports": [{"port": "http"}], "to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]}
    (lint,) = found(policy("np", podSelector={}, policyTypes=["Egress"], egress=[rule]))
    assert (lint.name, lint.evidence[0].path) == ("port-name-of-addresses", ("spec", "egress", 0, "to", 0))
    inward = {"ports": [{"port": "http"}], "from": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]}
    assert names(policy("np", podSelector={"matchLabels": {"app": "a"}}, ingress=[inward])) == []
