"""What plugins make of a NetworkPolicy: addresses of nodes in blocks and ranges of ports (NET-24, NET-39, NET-77)."""

import pytest

from kubeaudit.network.plugin.cni import CniProfile, profile
from kubeaudit.network.plugin.detect import detect
from kubeaudit.network.reach import Basis, Reach
from kubeaudit.proof import State
from kubeaudit.settings import Fact, Facts, Settings

from .asking import B, R, U, ask, engine, state
from .clusters import Object, cluster, daemonset, node, pod, policy
from .test_detect import cilium_config

YES, NO, UNKNOWN = Fact.YES, Fact.NO, Fact.UNKNOWN
NODES = (node("n1", "172.18.0.2"), node("n2", "172.18.0.3", "203.0.113.9"))
APP = pod("app", ips=("10.0.0.1",), on="n1")
FAR = pod("far", ips=("172.18.0.3",), on="n2", host=True)
AGENT = "quay.io/cilium/cilium:v{}"


def block(*cidrs: str, **port: object) -> Object:
    peers = [{"ipBlock": {"cidr": cidr}} for cidr in cidrs]
    ports = {"ports": [port]} if port else {}
    return policy("np", podSelector={}, ingress=[{"from": peers, **ports}], egress=[{"to": peers, **ports}])


def cilium(*more: Object, version: str = "1.17.2", settings: Settings | None = None) -> CniProfile:
    return detect(cluster(daemonset("cilium", image=AGENT.format(version)), *more), settings or Settings())


def on_nodes(plugin: CniProfile) -> Reach:
    return engine(*NODES, APP, FAR, block("0.0.0.0/0"), plugin=plugin)


@pytest.mark.parametrize(
    ("plugin", "expected"),
    [
        (cilium(cilium_config()), B),
        (cilium(cilium_config(policy_cidr_match_mode="nodes")), R),
        (cilium(cilium_config(policy_cidr_match_mode="nodes"), version="1.14.0"), B),
        (cilium(), U),
        (profile("calico"), R),
        (profile("kube-network-policies"), R),
    ],
)
def test_net_39_an_ip_block_and_the_address_of_a_node(plugin: CniProfile, expected: State) -> None:
    """The address of a node and a host-network pod on it are judged alike; other addresses are ordinary ones."""
    reach = on_nodes(plugin)
    for far in ("172.18.0.3", "203.0.113.9", "default/far"):
        assert [state(reach, far, "default/app"), state(reach, "default/app", far)] == [expected, expected]
    assert [state(reach, "172.18.0.4", "default/app"), state(reach, "default/app", "172.18.0.4")] == [R, R]


def test_net_39_what_is_open_says_what_would_settle_it() -> None:
    verdict = ask(on_nodes(cilium()), "172.18.0.3", "default/app")
    assert (verdict.basis, verdict.details) == ((Basis.UNDEFINED,), ("ipblock_node",))
    assert verdict.settle_by
    assert verdict.unseen


def test_net_39_rows_leave_out_the_addresses_of_nodes() -> None:
    rows = {
        row.source for row in on_nodes(cilium(cilium_config())).relation(["IPv4"]) if row.target == "default/Pod/app"
    }
    assert rows == {
        "0.0.0.0-172.18.0.1",
        "172.18.0.4-203.0.113.8",
        "203.0.113.10-255.255.255.255",
    }


def test_net_39_the_internet_holds_no_address_of_a_node() -> None:
    """network.md, section 2: what the cluster owns is not the internet."""
    verdict = on_nodes(cilium(cilium_config())).from_internet(0, "TCP", 80)
    assert (verdict.state, verdict.sources) == (R, ())
    only_nodes = engine(
        *NODES, APP, block("203.0.113.9/32"), plugin=cilium(cilium_config(policy_cidr_match_mode="nodes"))
    )
    assert only_nodes.from_internet(0, "TCP", 80).state == B


def test_net_39_only_what_is_named_cuts() -> None:
    """Without blocks no address of a node is looked at, so that the address space stays small."""
    open_peer = policy("np", podSelector={}, ingress=[{"from": [{"podSelector": {}}]}])
    plain = engine(*NODES, APP, open_peer, plugin=cilium(cilium_config())).judge.universe.space.size
    assert plain == engine(*NODES, APP, open_peer, plugin=profile("calico")).judge.universe.space.size


@pytest.mark.parametrize(("provider", "expected"), [("aws:///eu-west-1a/i-1", U), ("kind://n", R)])
def test_net_150_the_agent_of_pod_identity_may_count_as_its_node(provider: str, expected: State) -> None:
    placed = node("n1", "172.18.0.2")
    placed["spec"] = {"providerID": provider}
    reach = engine(placed, APP, block("169.254.0.0/16"), plugin=cilium(cilium_config()))
    verdict = ask(reach, "default/app", "169.254.170.23")
    assert verdict.state is expected
    assert verdict.details == (("cilium_pod_identity",) if expected is U else ())
    assert state(reach, "default/app", "169.254.169.254") == R
    assert state(engine(placed, APP, block("169.254.0.0/16")), "default/app", "169.254.170.23") == R


def test_net_77_switches_of_the_cluster_hold_for_a_plugin_that_is_named() -> None:
    """The ConfigMap of Cilium and the version of its image are read, whether it is detected or named."""
    named = Settings(cni_profile="cilium")
    config = cilium_config(policy_cidr_match_mode="nodes", allow_localhost="policy")
    found = cilium(config, settings=named)
    assert (found.ipblock_matches_nodes, found.node_reaches_own_pod, found.end_port) == (YES, NO, YES)
    assert "given by the user" in found.text
    assert detect(cluster(config), named).ipblock_matches_nodes is YES
    plain = detect(cluster(), named)
    assert (plain.ipblock_matches_nodes, plain.node_reaches_own_pod) == (NO, YES)


def test_net_76_a_plugin_that_is_named_does_not_enforce_what_its_configuration_turns_off() -> None:
    named = Settings(cni_profile="cilium")
    off = cilium_config(enable_policy="never")
    assert detect(cluster(off), named).enforces is NO
    stated = detect(cluster(off), Settings(cni_profile="cilium", facts=Facts(cni_enforces=YES)))
    assert stated.enforces is YES
    assert stated.text == "network plugin cilium, which enforces NetworkPolicy (both given by the user)"


@pytest.mark.parametrize(
    ("name", "image", "expected"),
    [
        ("cilium", AGENT.format("1.15.9"), NO),
        ("cilium", AGENT.format("1.16.0"), YES),
        ("anetd", "gke.gcr.io/cilium/cilium:v1.14.4-gke.2", NO),
        ("cilium", "quay.io/cilium/cilium@sha256:ab", UNKNOWN),
        ("calico-node", "docker.io/calico/node:v3.18.6", NO),
        ("calico-node", "docker.io/calico/node:v3.19.1", UNKNOWN),
        ("calico-node", "docker.io/calico/node:v3.20.0", YES),
        ("calico-node", "docker.io/calico/node@sha256:ab", YES),
        ("antrea-agent", "antrea/antrea-ubuntu:v1.0.1", NO),
        ("antrea-agent", "antrea/antrea-agent-ubuntu:v2.2.0", YES),
        ("kube-router", "cloudnativelabs/kube-router:v2.1.0", UNKNOWN),
        ("kindnet", "docker.io/kindest/kindnetd:v20250214-acbabc1a", YES),
        ("other", "other:1", YES),
    ],
)
def test_net_24_the_version_tells_whether_ranges_of_ports_are_read(name: str, image: str, expected: Fact) -> None:
    assert detect(cluster(daemonset(name, image=image)), Settings()).end_port is expected


@pytest.mark.parametrize(("version", "expected"), [("1.16.0", R), ("1.15.9", B)])
def test_net_24_without_support_only_the_first_port_of_a_range_is_open(version: str, expected: State) -> None:
    ranges = block("203.0.113.0/24", port=8000, endPort=8010)
    reach = engine(APP, ranges, plugin=cilium(cilium_config(), version=version))
    assert [state(reach, "203.0.113.1", "default/app", "TCP", port) for port in (7999, 8000, 8011)] == [B, R, B]
    verdict = ask(reach, "203.0.113.1", "default/app", "TCP", 8005)
    assert verdict.state is expected
    if expected is B:
        assert (verdict.basis, verdict.details) == ((Basis.CNI_PROFILE,), ("end_port",))
        shown = [str(found.object) for found in reach.proof(verdict)]
        assert {"NetworkPolicy default/np", "DaemonSet kube-system/cilium"} <= set(shown)
        assert ask(reach, "198.51.100.1", "default/app", "TCP", 8005).basis == (Basis.POLICY,)
        rows = [row for row in reach.relation(["IPv4"]) if row.target == "default/Pod/app"]
        assert [(row.source, row.first, row.last) for row in rows] == [("203.0.113.0/24", 8000, 8000)]


def test_net_24_of_a_version_that_is_not_known_the_rest_of_a_range_is_open() -> None:
    beside = policy("other", podSelector={}, ingress=[{"ports": [{"port": 8007}]}])
    reach = engine(APP, block("203.0.113.0/24", port=8000, endPort=8010), beside, plugin=profile("cilium"))
    verdict = ask(reach, "203.0.113.1", "default/app", "TCP", 8005)
    assert (verdict.state, verdict.basis, verdict.details) == (U, (Basis.UNDEFINED,), ("end_port",))
    assert verdict.settle_by
    assert state(reach, "198.51.100.1", "default/app", "TCP", 8005) == B
    assert state(reach, "203.0.113.1", "default/app", "TCP", 8007) == R
