"""Policies of nodes: those of Cilium (NET-114), and what holds for every plugin (network.md 2)."""

import ipaddress
from typing import Any

import pytest
from msgspec import structs

from kubeaudit.network.lint import lints
from kubeaudit.network.plugin.cni import profile
from kubeaudit.network.reach import Reach
from kubeaudit.network.verdicts import Basis, Direction
from kubeaudit.proof import State
from kubeaudit.settings import Fact
from kubeaudit.snapshot import Outcome

from .asking import B, R, U, ask, engine, state
from .cilium_objects import CILIUM, ccnp, config, labelled, ports
from .clusters import Object, policy
from .host_worlds import (
    API,
    HOSTS,
    N1,
    N2,
    N3,
    NODES,
    OUT,
    WORLD,
    allow,
    calico,
    cilium,
    gnp,
    hep,
    labelled_node,
    made,
    shown,
)

CLUSTER_ONLY = ccnp(
    "nodes", nodeSelector=labelled(role="edge"), ingress=[{"fromEntities": ["cluster"], "toPorts": ports("80")}]
)


def test_net_114_policies_of_nodes_judge_nodes_and_their_host_network_pods() -> None:
    reach = cilium(CLUSTER_ONLY, enable_host_firewall="true")
    verdict = ask(reach, OUT, "default/h1")
    note = "selects it (tier NetworkPolicy); no ingress rule of the tier matches"
    selector = '{"matchLabels":{"role":"edge"}}'
    assert (verdict.state, verdict.basis) == (B, (Basis.POLICY,))
    assert shown(reach, verdict) == [("CiliumClusterwideNetworkPolicy nodes", "spec.nodeSelector", selector, note)]
    assert [state(reach, OUT, target) for target in (N1, "default/h2", "default/near")] == [B, R, R]
    assert [state(reach, source, "default/h1") for source in ("default/far", "default/h2", N2)] == [R, R, R]
    assert state(reach, "default/far", "default/h1", "TCP", 81) is B
    allowed = ask(reach, "default/h2", N1).ingress.by
    assert [decision.path for decision in allowed] == [("spec", "ingress", 0, "fromEntities", 0)]
    assert state(reach, "default/h1", OUT) is R


def test_net_114_pods_of_the_node_are_judged_too() -> None:
    """The host firewall also stands between a node and its pods (cilium#13121)."""
    reach = cilium(CLUSTER_ONLY, enable_host_firewall="true")
    assert [state(reach, "default/near", "default/h1", "TCP", at) for at in (80, 81)] == [R, B]
    out = ccnp("out", nodeSelector=labelled(role="edge"), egress=[{"toEntities": ["world"]}])
    reach = cilium(out, enable_host_firewall="true")
    verdict = ask(reach, "default/h1", "default/near")
    assert (verdict.state, verdict.basis) == (B, (Basis.POLICY,))
    assert [state(reach, source, "default/near") for source in (N1, "default/h2", N2)] == [B, R, R]
    assert [state(reach, "default/h1", target) for target in (OUT, "default/h1", N1)] == [R, R, R]
    isolated = policy("closed", podSelector={}, policyTypes=["Ingress"])
    exempt = ccnp("out", nodeSelector=labelled(role="edge"), egress=[{"toEntities": ["cluster"]}])
    verdict = ask(cilium(exempt, isolated, enable_host_firewall="true"), "default/h1", "default/near")
    assert (verdict.state, verdict.basis) == (R, (Basis.SPEC_EXCEPTION,))


def test_net_114_without_the_host_firewall_they_have_no_effect() -> None:
    for given, switches in (('"false"', {"enable_host_firewall": "false"}), ("", {"other": "x"})):
        reach = cilium(CLUSTER_ONLY, **switches)
        for target in ("default/h1", N1):
            verdict = ask(reach, OUT, target)
            assert (verdict.state, verdict.basis, verdict.details) == (R, (Basis.CNI_PROFILE,), ("host_policies_off",))
            note = "the host firewall is off, so that policies of nodes have no effect"
            proof = ("ConfigMap kube-system/cilium-config", "data.enable-host-firewall", given, note)
            assert proof in shown(reach, verdict)
        assert ask(reach, OUT, "default/h2").basis == (Basis.DEFAULT_ALLOW,)
        assert [problem.harmless for problem in reach.problems] == [True]


def test_net_114_without_the_config_it_is_not_known_whether_they_have() -> None:
    verdict = ask(cilium(CLUSTER_ONLY), OUT, "default/h1")
    assert (verdict.state, verdict.details) == (U, ("host_firewall",))
    assert verdict.settle_by == ("enable-host-firewall of cilium-config",)
    assert state(cilium(CLUSTER_ONLY), "default/h2", "default/h1") is R


def test_net_101_a_denial_of_nodes_beats_what_allows() -> None:
    deny = ccnp("deny", nodeSelector={}, ingressDeny=[{"fromCIDR": ["203.0.113.0/24"], "toPorts": ports("80")}])
    rest = ccnp("rest", nodeSelector={}, ingress=[{"fromEntities": ["all"]}])
    reach = cilium(deny, rest, enable_host_firewall="true")
    assert [state(reach, OUT, N1, "TCP", at) for at in (80, 81)] == [B, R]
    assert ask(reach, OUT, N1).ingress.by[0].path == ("spec", "ingressDeny", 0, "fromCIDR", 0)


def test_net_76_with_policy_always_nodes_are_isolated_too() -> None:
    always = structs.replace(CILIUM, isolates_all=True)
    on = engine(*WORLD, config(enable_host_firewall="true"), plugin=always)
    off = engine(*WORLD, config(), plugin=always)
    assert [state(reach, OUT, N1) if reach.judge.guards else R for reach in (on, off)] == [B, R]


@pytest.mark.parametrize(
    ("selector", "switches", "expected"),
    [
        (labelled(**{"kubernetes.io/os": "linux"}), {}, R),
        ({"matchExpressions": [{"key": "kubernetes.io/os", "operator": "DoesNotExist"}]}, {}, B),
        (labelled(**{"topology.kubernetes.io/zone": "a"}), {}, U),
        (labelled(role="edge"), {"labels": "k8s:app"}, U),
        (labelled(**{"k8s:role": "edge"}), {}, B),
    ],
)
def test_net_114_nodes_are_selected_by_the_labels_of_their_identity(
    selector: Object, switches: dict[str, str], expected: State
) -> None:
    """The agent leaves keys like ``kubernetes.io/os`` out of identities (pkg/labelsfilter), newer ones more."""
    labels = {"kubernetes.io/os": "linux", "topology.kubernetes.io/zone": "a", "role": "edge"}
    edge = labelled_node("n1", N1, **labels)
    rule = ccnp("nodes", nodeSelector=selector, ingress=[{"fromEntities": ["cluster"]}])
    reach = engine(edge, *NODES[1:], *HOSTS, API, rule, config(enable_host_firewall="true", **switches), plugin=CILIUM)
    assert state(reach, OUT, "default/h1") is expected


def test_net_114_nodes_or_policies_that_were_not_read_leave_it_open() -> None:
    nodes = cilium(CLUSTER_ONLY, enable_host_firewall="true", unread={"nodes": Outcome.REFUSED})
    assert state(nodes, OUT, "default/h1") is B
    gone = engine(
        *HOSTS, API, CLUSTER_ONLY, config(enable_host_firewall="true"), plugin=CILIUM, unread={"nodes": Outcome.REFUSED}
    )
    verdict = ask(gone, OUT, "default/h1")
    assert (verdict.state, verdict.settle_by) == (U, ("list nodes",))
    key = "ciliumclusterwidenetworkpolicies.cilium.io"
    unread = cilium(enable_host_firewall="true", unread={key: Outcome.REFUSED})
    assert [state(unread, OUT, target) for target in ("default/h1", N1)] == [U, U]
    off = cilium(enable_host_firewall="false", unread={key: Outcome.REFUSED})
    assert state(off, OUT, N1, "TCP", 80) if off.judge.guards else R


def test_net_114_a_refused_policy_of_nodes_leaves_what_it_may_allow_open() -> None:
    bad = ccnp("bad", nodeSelector=labelled(role="edge"), ingress=[{"fromEntities": ["nowhere"]}])
    reach = cilium(bad, CLUSTER_ONLY, enable_host_firewall="true")
    verdict = ask(reach, OUT, "default/h1")
    assert (verdict.state, verdict.settle_by[0]) == (U, "a correction of CiliumClusterwideNetworkPolicy bad")
    assert state(reach, "default/far", "default/h1") is R


def test_net_11_a_policy_of_nodes_alone_is_not_said_to_select_nothing() -> None:
    named = made("GlobalNetworkPolicy", "typo", selector="role == 'nodes'", types=["Ingress"])
    reach = calico(hep(), gnp(types=["Ingress"]), named, gnp("forward", applyOnForward=True, types=["Ingress"]))
    found = [(lint.name, str(lint.object)) for lint in lints(reach) if lint.object.kind == "GlobalNetworkPolicy"]
    assert found == [("selects-nothing", "GlobalNetworkPolicy typo")]


def test_net_78_policies_of_nodes_of_an_absent_plugin_have_no_effect() -> None:
    plugin = profile("kube-network-policies")
    reach = engine(*WORLD, hep(), CLUSTER_ONLY, config(enable_host_firewall="true"), plugin=plugin)
    assert reach.judge.guards is None
    none = engine(*WORLD, hep(), plugin=profile("calico", Fact.NO))
    assert state(none, OUT, "default/h1") is R


@pytest.mark.parametrize(
    "reach",
    [
        pytest.param(lambda: calico(
            hep("a", "n1", interfaceName="eth0"), hep("b", "n2"), hep("c", "n3", expectedIPs=[N3]),
            gnp(types=["Ingress"], ingress=[allow("10.1.0.0/16", (80,)), allow(f"{N2}/32")]),
            gnp("out", types=["Egress"], egress=[{"action": "Allow", "destination": {"selector": "app == 'far'"}}]),
        ), id="calico"),
        pytest.param(lambda: cilium(
            CLUSTER_ONLY, ccnp("out", nodeSelector={}, egress=[{"toEntities": ["remote-node"]}]),
            ccnp("no", nodeSelector={}, ingressDeny=[{"fromEndpoints": [labelled(app="far")], "toPorts": ports("81")}]),
            enable_host_firewall="true",
        ), id="cilium"),
        pytest.param(lambda: cilium(CLUSTER_ONLY), id="cilium with an unknown switch"),
        pytest.param(lambda: engine(*WORLD, hep(), gnp(), plugin=profile("calico", Fact.UNKNOWN)), id="who enforces?"),
    ],
)  # fmt: skip
def test_the_matrix_and_the_relation_agree_with_single_questions(reach: Any) -> None:
    """A-9: columns of classes, and the ranges of addresses, give what asking pair by pair gives."""
    found: Reach = reach()
    classes = range(len(found.cluster.classes))
    for family in ("IPv4", "IPv6"):
        for target in classes:
            for at in (22, 80, 81):
                column = found.matrix.sources(target, "TCP", at, family)
                for source in classes:
                    verdict = found.connect(source, target, "TCP", at, family).state
                    wanted = R if column.reachable >> source & 1 else U if column.unknown >> source & 1 else B
                    assert verdict is wanted, (source, target, at, family)
    rows = list(found.relation(("IPv4",)))
    for direction in Direction:
        for cls_ in found.cluster.classes:
            name = f"{cls_.namespace}/{cls_.name}"
            for address in (N1, N2, N3, OUT):
                for at in (22, 80, 81):
                    _relation_agrees(found, rows, direction, (cls_.index, name), address, at)


def _relation_agrees(
    found: Reach, rows: list[Any], direction: Direction, subject: tuple[int, str], address: str, at: int
) -> None:
    """Own nodes are not looked at in the relation (NET-44), so they are not compared."""
    number, name = subject
    node = next((n for n in found.cluster.nodes if address in n.addresses), None)
    if node is not None and node.ref.name in found.cluster.classes[number].nodes:
        return
    into = direction is Direction.INGRESS
    verdict = found.ingress(address, number, "TCP", at) if into else found.egress(number, address, "TCP", at)
    ends = [((row.target, row.source) if into else (row.source, row.target), row) for row in rows]
    listed = {
        row.state
        for (own, other), row in ends
        if own == name and row.protocol == "TCP" and row.first <= at <= row.last and _holds(other, address)
    }
    assert listed == {verdict.state} - {B}, (direction, name, address, at)


def _holds(text: str, address: str) -> bool:
    """Whether a range, which is a CIDR or ``first-last``, holds an address."""
    wanted = ipaddress.ip_address(address)
    first, _, last = text.partition("-")
    try:
        if last:
            return ipaddress.ip_address(first) <= wanted <= ipaddress.ip_address(last)  # type: ignore[operator]
        return wanted in ipaddress.ip_network(text)
    except ValueError:
        return False
