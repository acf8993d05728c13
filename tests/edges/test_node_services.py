"""Kubelets and etcd as pods reach them (EXP-211, EXP-212, NET-44, NET-47)."""

from typing import Any

import pytest
from factory import (
    Object,
    calico,
    container,
    deny_egress,
    edge,
    edges,
    named,
    node,
    pod,
    policy,
    snapshot,
    states,
    world,
)

from kubeaudit.proof import Confidence, State
from kubeaudit.refs import CLUSTER_ADMIN
from kubeaudit.settings import Settings
from kubeaudit.snapshot import Outcome
from kubeaudit.world import World

YES, UNKNOWN, BLOCKED = State.YES, State.UNKNOWN, State.BLOCKED
WORKERS = (node("n1", "kind://1", "10.0.0.1"), node("n2", "kind://2", "10.0.0.2"))
PLANE = node("cp", "kind://3", "10.0.0.9", **{"node-role_kubernetes_io__control-plane": ""})
WEB = "shop/Pod/web-1"


def etcd(*arguments: str, **fields: Any) -> Object:
    """The static pod of one member, as the API server shows it."""
    shape = {
        "containers": [container("etcd", image="registry.k8s.io/etcd:3.6.1", command=["etcd", *arguments])],
        "hostNetwork": True,
    } | fields
    owner = {"apiVersion": "v1", "kind": "Node", "name": "cp", "uid": "u", "controller": True}
    made = pod("etcd-cp", space="kube-system", ip="10.0.0.9", place="cp", labels={"component": "etcd"}, **shape)
    made["metadata"]["ownerReferences"] = [owner]
    return made


def to_kubelets(found: World, source: str = WEB) -> dict[str, State]:
    return {e.target.name: e.state for e in edges(found, "EXP-211", source=source)}


def test_exp_211_without_policies_every_kubelet_is_reached_at_one_vertex_of_the_pools() -> None:
    found = world([*WORKERS, PLANE, pod(), calico()])
    assert to_kubelets(found) == {"kind/control-plane,kind/nodes:10250": YES}
    (one,) = edges(found, "EXP-211", source=WEB)
    assert (one.confidence, one.effort, one.source.facet) == (Confidence.OBJ, 1, "ctl")
    assert one.evidence[0].absent and "NetworkPolicy in shop" in one.fix


@pytest.mark.parametrize(("plugin", "own"), [("kube-network-policies", YES), ("calico", BLOCKED)])
def test_net_44_and_130_a_policy_cuts_the_kubelets_and_the_plugin_decides_of_the_own_one(
    plugin: str, own: State
) -> None:
    found = world([*WORKERS, pod(), policy("out", policyTypes=["Egress"])], Settings(cni_profile=plugin))
    assert to_kubelets(found) == {"kind/nodes:10250": BLOCKED, "own node:10250": own}
    blocked = edge(found, "EXP-211", WEB, "kind/nodes")
    assert (str(blocked.evidence[0].object), blocked.evidence[0].path[0]) == ("NetworkPolicy shop/out", "spec")


def test_net_47_pools_that_a_block_of_addresses_tells_apart() -> None:
    found = world([*WORKERS, PLANE, pod(), calico(), deny_egress("10.0.0.8/29")])
    assert to_kubelets(found) == {"kind/nodes:10250": YES}


def test_what_is_blocked_is_unknown_where_nothing_is_known_to_enforce() -> None:
    found = world([*WORKERS, pod(), policy("out", policyTypes=["Egress"])])
    assert to_kubelets(found) == {"kind/nodes:10250": UNKNOWN, "own node:10250": YES}
    assert edge(found, "EXP-211", WEB, "kind/nodes").unseen


def test_host_network_pods_are_not_restricted() -> None:
    found = world([*WORKERS, pod(hostNetwork=True), calico(), policy("out", policyTypes=["Egress"])])
    assert to_kubelets(found) == {"kind/nodes:10250": YES}


def test_exp_212_control_plane_nodes_stand_for_an_etcd_that_no_pod_shows() -> None:
    found = world([*WORKERS, PLANE, pod(), calico()])
    one = edge(found, "EXP-212", WEB)
    assert (one.state, one.effort, one.target.key) == (YES, 7, "etcd/2379")
    assert [a.name for a in one.assumptions] == ["etcd-listens", "etcd-client"]
    assert list(found.graph.out_edges(one.target)) == []


def test_a_managed_control_plane_has_no_etcd_that_pods_could_reach() -> None:
    assert edges(world([*WORKERS, pod(), calico()]), "EXP-212") == []


def test_exp_33_etcd_is_not_blocked_while_nodes_are_missing() -> None:
    read = snapshot([PLANE, pod(), calico(), policy("out", policyTypes=["Egress"])], {"nodes": Outcome.PARTIAL})
    assert states(world(read), "EXP-212", WEB) == {UNKNOWN}
    assert states(world([PLANE, pod(), calico(), policy("out", policyTypes=["Egress"])]), "EXP-212", WEB) == {BLOCKED}


CLIENTS = "--client-cert-auth=true"
EVERYWHERE = "https://127.0.0.1:2379,https://10.0.0.9:2379"


@pytest.mark.parametrize(
    ("arguments", "open_"),
    [
        ((f"--listen-client-urls={EVERYWHERE}", CLIENTS), False),
        ((f"--listen-client-urls={EVERYWHERE}", "--client-cert-auth"), False),
        ((f"--listen-client-urls={EVERYWHERE}", "--client-cert-auth=false"), True),
        ((f"--listen-client-urls={EVERYWHERE}",), True),
        (("--listen-client-urls=http://0.0.0.0:2379", CLIENTS), True),
        (("--listen-client-urls=http://127.0.0.1:2379,https://10.0.0.9:2379", CLIENTS), False),
        (("--listen-client-urls=http://127.0.0.1:2379",), False),
        ((), False),
    ],
)
def test_exp_212_an_etcd_without_client_certificates_is_control_over_the_cluster(
    arguments: tuple[str, ...], open_: bool
) -> None:
    found = world([*WORKERS, PLANE, pod(), calico(), etcd(*arguments)])
    reached = edge(found, "EXP-212", WEB)
    assert (reached.state, reached.effort) == (YES, 1 if open_ else 7)
    assert str(reached.evidence[0].object) == "Pod kube-system/etcd-cp"
    beyond = [e for e in found.graph.out_edges(reached.target) if e.target == CLUSTER_ADMIN]
    assert bool(beyond) is open_
    for one in beyond:
        assert one.evidence[0].path[:3] == ("spec", "containers", 0) and "client-cert-auth" in one.fix


def test_an_application_s_own_etcd_is_not_the_cluster_s() -> None:
    mine = named("Pod", "v1", "etcd-0", "shop", metadata={"labels": {"app": "etcd"}, "uid": "e"})
    mine |= {"spec": {"containers": [container("etcd", image="etcd:3.6.1")], "nodeName": "n1"}}
    found = world([*WORKERS, pod(), mine | {"status": {"phase": "Running"}}, calico()])
    assert edges(found, "EXP-212") == []
