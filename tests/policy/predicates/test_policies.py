"""Checks about policies of every dialect and their plugin, and about egress to nodes and metadata."""

import pytest
from factory import Object, calico, check, failing, named, namespace, node, pod, policy, scanned, snapshot

from kubeaudit.settings import CrownJewel, Settings
from kubeaudit.snapshot import Outcome

DENY, PLUGIN, ACROSS, DANGLING = "net-no-default-deny", "net-cni-enforces", "net-cross-namespace", "net-dangling-policy"
KUBELET, ETCD, IDENTITY = "net-pod-reaches-kubelet", "net-pod-reaches-etcd", "meta-no-workload-identity"
BOTH = {"policyTypes": ["Ingress", "Egress"]}


def values(name: str, *objects: Object) -> list[str]:
    return [one.value for one in failing(scanned(list(objects), name), name)]


def verdict(name: str, *objects: Object) -> str:
    return check(scanned(list(objects), name), name).verdict


@pytest.mark.parametrize(
    ("policies", "open_in"),
    [
        ([], ["ingress, egress"]),
        ([policy()], ["egress"]),
        ([policy(**BOTH)], []),
        ([policy(**BOTH, podSelector={"matchLabels": {"app": "web"}})], ["ingress, egress"]),
        ([policy(**BOTH, podSelector={"matchExpressions": [{"key": "x", "operator": "DoesNotExist"}]})], []),
        ([policy(**BOTH, egress=[{}], ingress=[{}])], []),
    ],
)
def test_reg_09_a_default_deny_selects_pods_without_labels(policies: list[Object], open_in: list[str]) -> None:
    """The rules of a policy that selects every pod do not matter: they name what is needed."""
    objects = [calico(), policy(space="kube-system", **BOTH), namespace(), pod(), *policies]
    found = failing(scanned(objects, DENY), DENY)
    assert [one.value for one in found if one.subject.object.name == "shop"] == open_in


def test_reg_09_a_baseline_that_denies_everything_is_a_default_deny() -> None:
    rule = {"name": "all", "action": "Deny", "from": [{"namespaces": {}}]}
    out = {"name": "all", "action": "Deny", "to": [{"networks": ["0.0.0.0/0", "::/0"]}]}
    spec = {"subject": {"namespaces": {}}, "ingress": [rule], "egress": [out]}
    baseline = named("BaselineAdminNetworkPolicy", "policy.networking.k8s.io/v1alpha1", "default", "", spec=spec)
    plugin = calico()
    plugin["spec"]["template"]["spec"]["containers"][0]["image"] = "docker.io/calico/node:v3.30.0"
    found = failing(scanned([plugin, namespace(), pod(), baseline], DENY), DENY)
    shop = [one.value for one in found if one.subject.object.name == "shop"]
    assert shop == ["ingress"], "addresses outside the cluster pass a baseline that names namespaces (NET-88)"


def test_chk_03_unread_policies_leave_the_default_open() -> None:
    result = scanned(snapshot([calico(), namespace()], {"networkpolicies.networking.k8s.io": Outcome.REFUSED}), DENY)
    assert check(result, DENY).verdict == "not-evaluated" and not result.findings


def test_net_71_net_73_the_plugin_decides() -> None:
    flannel = named("DaemonSet", "apps/v1", "kube-flannel-ds", "kube-flannel")
    assert verdict(PLUGIN, calico()) == "pass"
    assert verdict(PLUGIN, flannel, policy()) == "fail"
    assert verdict(PLUGIN, pod()) == "not-evaluated"
    (found,) = failing(scanned([flannel, policy()], PLUGIN), PLUGIN)
    assert "1 network policies have no effect" in found.message and found.evidence[0].object.name == "kube-flannel-ds"


def test_a_sensitive_namespace_lets_others_in() -> None:
    db = pod("db", space="kube-system", ip="10.1.0.9")
    objects = [calico(), namespace(), namespace("kube-system"), pod(), db]
    everyone = [{"from": [{"namespaceSelector": {}}]}]
    named_ports = [{"from": [{"namespaceSelector": {}}], "ports": [{"port": 53, "protocol": "UDP"}]}]
    assert values(ACROSS, *objects, policy(space="kube-system", ingress=everyone)) == ["0"]
    assert values(ACROSS, *objects, policy(space="kube-system", ingress=named_ports)) == []
    assert values(ACROSS, *objects, policy(space="kube-system", ingress=[{"from": [{"podSelector": {}}]}])) == []
    assert values(ACROSS, *objects, policy(ingress=everyone)) == []


def test_exp_968_a_declared_namespace_is_sensitive() -> None:
    objects = [
        calico(),
        namespace(),
        pod(),
        pod("x", space="other", ip="10.1.0.7"),
        policy(ingress=[{"from": [{"namespaceSelector": {}}]}]),
    ]
    jewel = Settings(crown_jewels=(CrownJewel("Namespace", "shop"),))
    assert [one.subject.object.name for one in failing(scanned(objects, ACROSS, settings=jewel), ACROSS)] == ["deny"]


def test_net_11_selectors_and_peers_that_match_nothing() -> None:
    typo = policy("typo", podSelector={"matchLabels": {"app": "wep"}})
    peer = policy("peer", ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "api"}}}, {"podSelector": {}}]}])
    outside = policy("outside", ingress=[{"from": [{"ipBlock": {"cidr": "203.0.113.0/24"}}]}])
    found = failing(scanned([calico(), pod(), typo, peer, outside], DANGLING), DANGLING)
    assert sorted((one.subject.object.name, one.value) for one in found) == [
        ("peer", "spec.ingress.0.from.0"),
        ("typo", "selector"),
    ]


def egress(*rules: Object) -> Object:
    return policy("egress", policyTypes=["Egress"], egress=list(rules))


def test_kubelet_and_etcd_ports_of_other_nodes() -> None:
    worker = node("n1", "", "10.0.0.1")
    master = node("n2", "", "10.0.0.2", **{"node-role_kubernetes_io__control-plane": ""})
    objects = [calico(), policy(space="kube-system", **BOTH), worker, master, pod()]
    pods_only = egress({"to": [{"namespaceSelector": {}}]})
    to_workers = egress({"to": [{"ipBlock": {"cidr": "10.0.0.1/32"}}]})
    assert (values(KUBELET, *objects), values(ETCD, *objects)) == (["10250"], ["2379"])
    assert (values(KUBELET, *objects, pods_only), values(ETCD, *objects, pods_only)) == ([], [])
    assert (values(KUBELET, *objects, to_workers), values(ETCD, *objects, to_workers)) == (["10250"], [])
    read_only = egress({"to": [{"ipBlock": {"cidr": "10.0.0.0/24"}}], "ports": [{"port": 10255}]})
    assert values(KUBELET, *objects, read_only) == ["10255"]
    assert verdict(ETCD, calico(), worker, pod()) == "not-applicable"


def test_exp_33_unread_nodes_are_no_pass() -> None:
    for name in (KUBELET, ETCD):
        result = scanned(snapshot([calico(), pod()], {"nodes": Outcome.REFUSED}), name)
        assert check(result, name).verdict == "not-evaluated"


def test_reg_10_workload_identity_of_the_service_account() -> None:
    cloud = node("n1", "digitalocean://1", "10.0.0.1")
    account = named("ServiceAccount", "v1", "default", "shop")
    other = named(
        "ServiceAccount", "v1", "default", "shop", metadata={"annotations": {"iam.gke.io/gcp-service-account": "a@b"}}
    )
    objects = [calico(), policy(space="kube-system", **BOTH), cloud, pod()]
    assert [one.subject.object.name for one in failing(scanned([*objects, account], IDENTITY), IDENTITY)] == ["web-1"]
    assert verdict(IDENTITY, *objects, other) == "pass"
    assert verdict(IDENTITY, *objects, account, egress()) == "pass"
    unread = scanned(snapshot(objects, {"serviceaccounts": Outcome.REFUSED}), IDENTITY)
    assert check(unread, IDENTITY).verdict == "not-evaluated"
