"""Own node, host network, self, ICMP and unknown addresses (network.md, 3.3 to 3.5, 3.7)."""

import pytest
from msgspec import structs

from kubeaudit.network.plugin.cni import CniProfile, profile
from kubeaudit.network.reach import Basis, Reach, assemble
from kubeaudit.proof import State
from kubeaudit.settings import Fact
from kubeaudit.snapshot import Outcome

from .asking import KNP, B, R, U, ask, cls, engine, state
from .clusters import Object, cluster, node, pod, policy

NODES = (node("n1", "172.18.0.2"), node("n2", "172.18.0.3"))
APP = pod("app", ips=("10.0.0.1",), on="n1")
HOST = pod("host", ips=("172.18.0.2",), on="n1", host=True)
FAR = pod("far", ips=("172.18.0.3",), on="n2", host=True)
DENY = policy("deny", podSelector={}, policyTypes=["Ingress", "Egress"])
UNNAMED = CniProfile(name="", enforces=Fact.YES, ipblock_matches_pods=Fact.UNKNOWN)


def isolated(*more: Object, plugin: CniProfile = KNP) -> Reach:
    return engine(*NODES, APP, HOST, FAR, DENY, *more, plugin=plugin)


def test_net_44_a_pod_and_its_own_node_are_exempt() -> None:
    reach = isolated()
    for verdict in (ask(reach, "172.18.0.2", "default/app"), ask(reach, "default/app", "172.18.0.2")):
        assert (verdict.state, verdict.basis, verdict.details) == (R, (Basis.SPEC_EXCEPTION,), ("own_node",))
        shown = [(str(found.object), found.path) for found in reach.proof(verdict)]
        assert shown == [("Node n1", ("status", "addresses")), ("Pod default/app", ("spec", "nodeName"))]


def test_net_45_a_host_network_pod_reaches_every_pod_of_its_node() -> None:
    reach = isolated()
    verdict = ask(reach, "default/host", "default/app")
    assert (verdict.state, verdict.details) == (R, ("own_node",))
    assert {str(found.object) for found in reach.proof(verdict)} == {"Pod default/host", "Pod default/app"}
    assert state(reach, "default/far", "default/app") == B
    assert state(reach, "default/app", "default/host") == R


@pytest.mark.parametrize("plugin", ["cilium", "calico"])
def test_net_46_cilium_and_calico_judge_the_way_to_the_own_node_and_leave_open_the_way_back(plugin: str) -> None:
    reach = isolated(plugin=profile(plugin))
    assert (state(reach, "default/app", "172.18.0.2"), state(reach, "172.18.0.2", "default/app")) == (B, R)


def test_net_47_another_node_is_an_ordinary_address() -> None:
    block = {"ipBlock": {"cidr": "172.18.0.3/32"}}
    reach = isolated(policy("node", ingress=[{"from": [block]}]))
    assert (state(reach, "172.18.0.3", "default/app"), state(reach, "172.18.0.4", "default/app")) == (R, B)


def test_net_48_a_host_network_pod_as_subject() -> None:
    """Known plugin: no effect. Unknown plugin: undefined where a policy would block. Unselected: default."""
    known, unknown = isolated(), isolated(plugin=UNNAMED)
    verdict = ask(known, "203.0.113.1", "default/far")
    assert (verdict.state, verdict.basis, verdict.details) == (R, (Basis.CNI_PROFILE,), ("host_network",))
    verdict = ask(unknown, "203.0.113.1", "default/far")
    assert (verdict.state, verdict.basis, verdict.details) == (U, (Basis.UNDEFINED,), ("host_network",))
    open_to = engine(*NODES, FAR, plugin=UNNAMED)
    assert ask(open_to, "203.0.113.1", "default/far").basis == (Basis.DEFAULT_ALLOW,)


def test_net_49_a_host_network_pod_as_peer_counts_as_its_node() -> None:
    selector = policy("select", ingress=[{"from": [{"podSelector": {}}, {"namespaceSelector": {}}]}])
    block = policy("block", ingress=[{"from": [{"ipBlock": {"cidr": "172.18.0.3/32"}}]}])
    assert state(isolated(selector), "default/far", "default/app") == B
    assert state(isolated(block), "default/far", "default/app") == R


def test_net_49_a_namespace_label_of_openshift_may_stand_for_host_network_pods() -> None:
    label = {"policy-group.network.openshift.io/host-network": ""}
    by_label = policy("label", ingress=[{"from": [{"namespaceSelector": {"matchLabels": label}}]}])
    assert state(isolated(by_label, plugin=profile("ovn-kubernetes")), "default/far", "default/app") == U
    assert state(isolated(by_label), "default/far", "default/app") == B


def test_net_51_a_host_network_pod_as_source_is_not_restricted() -> None:
    assert state(isolated(), "default/far", "169.254.169.254") == R
    assert state(isolated(), "default/app", "169.254.169.254") == B


def test_net_53_a_pod_reaches_itself() -> None:
    reach = isolated()
    verdict = ask(reach, "default/app", "default/app")
    assert (verdict.state, verdict.details) == (R, ("self",))
    assert reach.connect(cls(reach, "default/app"), cls(reach, "default/app"), "TCP", 80).details == ("self",)


def test_net_56_a_pod_without_node_has_no_own_node() -> None:
    reach = engine(*NODES, pod("waiting", ips=("10.0.0.1",)), DENY)
    assert state(reach, "172.18.0.2", "default/waiting") == B


def test_a_node_that_was_not_read_leaves_the_own_node_open() -> None:
    """network.md section 1: Node missing; a metadata address is never that of a node."""
    reach = engine(APP, DENY, unread={"nodes": Outcome.REFUSED})
    verdict = ask(reach, "default/app", "172.18.0.2")
    assert (verdict.state, verdict.settle_by, verdict.unseen[0].resource) == (U, ("list nodes",), "nodes")
    assert [state(reach, "default/app", to) for to in ("169.254.169.254", "100.100.100.200")] == [B, B]


def test_net_70_a_pod_without_an_address_of_a_family_takes_no_connection_in_it() -> None:
    reach = engine(*NODES, APP, HOST)
    verdict = ask(reach, "fd00::1", "default/app", "TCP", 80, "IPv6")
    assert (verdict.state, verdict.basis) == (B, (Basis.NO_ADDRESS,))
    assert reach.proof(verdict)[0].value == '[{"ip":"10.0.0.1"}]'
    assert ask(reach, "default/host", "default/app", "TCP", 80, "IPv6").basis == (Basis.NO_ADDRESS,)


def test_an_address_that_is_not_known_yet_may_lie_in_a_block() -> None:
    rules = [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]
    source = pod("new", labels={"app": "new"}, phase="Pending")
    reach = engine(
        *NODES,
        APP,
        source,
        policy("np", podSelector={"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, ingress=rules),
    )
    verdict = ask(reach, "default/new", "default/app")
    assert (verdict.state, verdict.basis, verdict.details) == (U, (Basis.INPUT_INCOMPLETE,), ("pod_address",))
    everywhere = policy("all", ingress=[{"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}])
    assert state(engine(APP, source, everywhere), "default/new", "default/app") == R


@pytest.mark.parametrize(("fact", "expected"), [(Fact.YES, R), (Fact.NO, B), (Fact.UNKNOWN, U)])
def test_net_38_whether_an_ip_block_matches_pods_is_the_plugins_way(fact: Fact, expected: State) -> None:
    other = pod("other", labels={"app": "other"}, ips=("10.0.0.9",))
    np = policy("np", ingress=[{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}])
    verdict = ask(
        engine(APP, other, np, plugin=structs.replace(KNP, ipblock_matches_pods=fact)), "default/other", "default/app"
    )
    assert (verdict.state, verdict.details) == (expected, ("ipblock_pod",) if expected is U else ())


def test_net_34_icmp_beside_rules_with_ports_is_undefined() -> None:
    np = policy("np", ingress=[{"ports": [{"port": 80}]}])
    verdict = ask(engine(APP, np), "203.0.113.1", "default/app", "ICMP", 0)
    assert (verdict.state, verdict.basis, verdict.details) == (U, (Basis.UNDEFINED,), ("icmp",))
    assert state(engine(APP, np, plugin=profile("cilium")), "203.0.113.1", "default/app", "ICMP", 0) == B


def test_a_template_without_pods_may_share_a_node_with_a_host_network_pod() -> None:
    template = {"metadata": {"labels": {"app": "t"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    made: Object = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "made", "namespace": "default"},
        "spec": {"template": template},
    }
    found = cluster(*NODES, HOST, made, DENY)
    target = next(c.index for c in found.classes if not c.pods)
    verdict = assemble(found, KNP).connect(found.pods[0].cls, target, "TCP", 80)
    assert (verdict.state, verdict.basis, verdict.details) == (U, (Basis.INPUT_INCOMPLETE,), ("own_node",))
