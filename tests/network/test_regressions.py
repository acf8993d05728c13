"""Defects of other tools that must not be ours, by number (network.md, section 7)."""

from typing import Any

import msgspec

from kubeaudit.documents import Document, parse
from kubeaudit.network.cni import profile
from kubeaudit.network.reach import Basis, assemble
from kubeaudit.settings import Fact

from .asking import KNP, B, R, U, ask, cls, engine, state
from .clusters import Object, cluster, node, pod, policy, port

OUT = "203.0.113.7"
APP = pod("app", ips=("10.0.0.1",), on="n1")
DENY = policy("deny", podSelector={}, policyTypes=["Ingress", "Egress"])


def test_reg_net_01_the_own_node_of_an_isolated_pod_is_exempt() -> None:
    verdict = ask(engine(node("n1", "172.18.0.2"), APP, DENY), "172.18.0.2", "default/app")
    assert (verdict.state, verdict.basis) == (R, (Basis.SPEC_EXCEPTION,))


def test_reg_net_02_a_pending_pod_without_addresses_stops_nothing() -> None:
    reach = engine(APP, pod("waiting", phase="Pending"), DENY)
    assert [pod.addresses for pod in reach.cluster.pods] == [("10.0.0.1",), ()]
    assert (state(reach, OUT, "default/app"), state(reach, OUT, "default/waiting")) == (B, B)


def test_reg_net_03_a_named_port_at_an_ip_block_and_label_variants_of_one_owner_are_not_fatal() -> None:
    rule = {"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [{"port": "http"}]}
    one = pod("set-0", labels={"v": "1"}, ips=("10.0.0.1",), owner="set", ports=[port(80, "http")])
    two = pod("set-1", labels={"v": "2"}, ips=("10.0.0.2",), owner="set")
    reach = engine(one, two, policy("np", podSelector={"matchLabels": {"v": "1"}}, ingress=[rule]))
    assert cls(reach, "default/set-0") != cls(reach, "default/set-1")
    assert [state(reach, OUT, "default/set-0", "TCP", n) for n in (80, 81)] == [R, B]
    assert state(reach, OUT, "default/set-1", "TCP", 81) == R


def test_reg_net_03_equal_priorities_are_not_fatal() -> None:
    """NET-86."""
    rules = {"one": "Allow", "two": "Deny"}
    made = [_admin(name, ingress=[{"action": action, "from": [{"namespaces": {}}]}]) for name, action in rules.items()]
    reach = engine(APP, pod("b", ips=("10.0.0.2",)), *made)
    assert (state(reach, "default/b", "default/app"), [p.object.name for p in reach.problems]) == (U, ["two"])


def _admin(name: str, kind: str = "AdminNetworkPolicy", **spec: Any) -> Object:
    version = "v1alpha2" if kind == "ClusterNetworkPolicy" else "v1alpha1"
    spec = {"priority": 1, "subject": {"namespaces": {}}} | spec
    api = f"policy.networking.k8s.io/{version}"
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, "spec": spec}


def test_reg_net_05_ranges_are_merged_where_the_verdict_is_the_same() -> None:
    """PERF-5: as many rows as verdict ranges, though 200 blocks cut the address space 400 times."""
    neighbours = [{"ipBlock": {"cidr": f"20.0.{n}.0/24"}} for n in range(200)]
    reach = engine(APP, policy("np", ingress=[{"from": neighbours}]))
    outside = [row for row in reach.relation(["IPv4"]) if row.target.endswith("app") and row.source[0].isdigit()]
    assert {row.source for row in outside} == {"20.0.0.0-20.0.199.255"}
    assert len(outside) == 3


def test_reg_net_06_an_empty_rule_list_denies_from_yaml_and_from_json() -> None:
    made = policy("np", podSelector={}, policyTypes=["Ingress"], ingress=[])
    as_json = msgspec.json.encode(made)
    as_yaml = as_json.decode().replace("{", "{ ").encode()
    for text in (as_json, as_yaml):
        (found,) = parse(text, "np.yaml")
        assert isinstance(found, Document)
        assert state(engine(APP, msgspec.convert(found.value, dict)), OUT, "default/app") == B


def test_reg_net_07_a_missing_protocol_is_tcp() -> None:
    reach = engine(APP, policy("np", ingress=[{"ports": [{"port": 80}]}]))
    assert (state(reach, OUT, "default/app", "TCP", 80), state(reach, OUT, "default/app", "UDP", 80)) == (R, B)


def test_reg_net_08_an_empty_egress_list_of_an_ingress_policy_is_accepted() -> None:
    reach = engine(APP, policy("np", policyTypes=["Ingress"], ingress=[], egress=[]))
    assert (state(reach, OUT, "default/app"), state(reach, "default/app", OUT)) == (B, R)


def test_reg_net_09_an_absent_key_is_no_match() -> None:
    reach = engine(
        APP,
        policy("np", ingress=[{"from": [{"podSelector": {"matchLabels": {"role": "x"}}}]}]),
        pod("b", ips=("10.0.0.2",)),
    )
    assert state(reach, "default/b", "default/app") == B


def test_reg_net_10_host_network_is_seen_and_named() -> None:
    host = pod("host", ips=("172.18.0.2",), on="n1", host=True)
    verdict = ask(engine(node("n1", "172.18.0.2"), host, DENY), "default/host", "169.254.169.254")
    assert (verdict.state, verdict.details) == (R, ("host_network",))


def test_reg_net_11_a_finished_pod_is_no_endpoint() -> None:
    """Its address may be that of another pod by now."""
    done = pod("done", ips=("10.0.0.1",), phase="Succeeded", labels={"app": "ok"})
    np = policy("np", podSelector={}, ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "ok"}}}]}])
    heir = pod("heir", ips=("10.0.0.1",))
    reach = engine(done, heir, pod("b", ips=("10.0.0.2",)), np)
    verdict = ask(reach, "default/done", "default/b")
    assert (verdict.state, verdict.details, len(reach.proof(verdict))) == (B, ("finished",), 1)
    assert state(reach, "default/heir", "default/b") == B


def test_reg_net_12_an_ip_block_over_pod_addresses_is_unknown_without_a_profile() -> None:
    other, np = pod("b", ips=("10.0.0.2",)), policy("np", ingress=[{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}])
    unknown = profile("antrea")
    assert [state(engine(APP, other, np, plugin=p), "default/b", "default/app") for p in (KNP, unknown)] == [R, U]


def test_reg_net_15_ipv6_is_judged() -> None:
    six = pod("six", ips=("fd00::1",))
    np = policy("np", egress=[{"to": [{"ipBlock": {"cidr": "2001:db8::/32", "except": ["2001:db8:1::/48"]}}]}])
    reach = engine(six, np)
    held = [state(reach, "default/six", to) for to in ("2001:db8::1", "2001:db8:1::1", "2001:db9::1")]
    assert held == [R, B, B]


def test_reg_net_16_except_of_one_rule_hides_no_allow_of_another() -> None:
    first = {"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.169.254/32"]}}]}
    second = {"to": [{"ipBlock": {"cidr": "169.254.0.0/16"}}], "ports": [{"port": 80}]}
    reach = engine(APP, policy("np", policyTypes=["Egress"], egress=[first, second]))
    assert [state(reach, "default/app", "169.254.169.254", "TCP", n) for n in (80, 81)] == [R, B]


def test_reg_net_17_a_named_port_is_that_of_each_pod_of_a_workload() -> None:
    old = pod("set-0", ips=("10.0.0.1",), owner="set", ports=[port(8080, "http")])
    new = pod("set-1", ips=("10.0.0.2",), owner="set", ports=[port(9090, "http")])
    reach = engine(old, new, policy("np", ingress=[{"ports": [{"port": "http"}]}]))
    held = [
        (name, n, state(reach, OUT, f"default/{name}", "TCP", n)) for name in ("set-0", "set-1") for n in (8080, 9090)
    ]
    assert held == [("set-0", 8080, R), ("set-0", 9090, B), ("set-1", 8080, B), ("set-1", 9090, R)]


def test_reg_net_18_ports_of_sidecars_count_and_those_of_init_containers_do_not() -> None:
    init = [
        {"name": "proxy", "image": "i", "restartPolicy": "Always", "ports": [port(15001, "side")]},
        {"name": "setup", "image": "i", "ports": [port(15002, "side")]},
    ]
    reach = engine(pod("app", ips=("10.0.0.1",), init=init), policy("np", ingress=[{"ports": [{"port": "side"}]}]))
    assert [state(reach, OUT, "default/app", "TCP", n) for n in (15001, 15002)] == [R, B]


def test_reg_net_22_without_an_enforcing_plugin_nothing_is_blocked() -> None:
    """NET-71 and NET-73; what would block is kept."""
    found = cluster(APP, DENY)
    for enforces, state_, basis in ((Fact.NO, R, Basis.NOT_ENFORCED), (Fact.UNKNOWN, U, Basis.CNI_UNKNOWN)):
        verdict = ask(assemble(found, profile("calico", enforces)), OUT, "default/app")
        assert (verdict.state, verdict.basis) == (state_, (basis,))
        assert [decision.policy.name for decision in verdict.would_block_by] == ["deny"]


def test_reg_net_24_an_unknown_peer_of_a_pass_rule_denies_everything() -> None:
    """NET-90."""
    rule = {"action": "Pass", "from": [{"serviceAccounts": {}}]}
    reach = engine(
        APP, pod("b", ips=("10.0.0.2",)), _admin("new", "ClusterNetworkPolicy", tier="Admin", ingress=[rule])
    )
    assert state(reach, "default/b", "default/app") == B
    assert [(p.object.name, p.path) for p in reach.problems] == [("new", ("spec", "ingress", 0, "from", 0))]


def test_reg_net_25_of_two_baseline_policies_the_one_named_default_counts() -> None:
    deny, allow = ([{"action": action, "from": [{"namespaces": {}}]}] for action in ("Deny", "Allow"))
    kind = "BaselineAdminNetworkPolicy"
    for made in ((("other", allow), ("default", deny)), (("default", deny), ("other", allow))):
        reach = engine(APP, pod("b", ips=("10.0.0.2",)), *(_admin(name, kind, ingress=rules) for name, rules in made))
        assert (state(reach, "default/b", "default/app"), [p.object.name for p in reach.problems]) == (B, ["other"])
