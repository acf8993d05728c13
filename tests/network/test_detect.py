"""Which network plugin runs and what it does (network.md, 3.7: NET-71..73, -76, -77)."""

from typing import Any

import pytest

from kubeaudit.errors import UsageError
from kubeaudit.network.plugin.cni import CniProfile, profile
from kubeaudit.network.plugin.detect import detect
from kubeaudit.network.plugin.profiles import PROFILES
from kubeaudit.settings import Fact, Facts, Settings
from kubeaudit.snapshot import Outcome

from .asking import B, R, U, ask, engine, state
from .clusters import Object, cluster, daemonset, node, pod, policy

_DEFAULT = Settings()
YES, NO, UNKNOWN = Fact.YES, Fact.NO, Fact.UNKNOWN
AGENT = {"name": "aws-eks-nodeagent", "image": "agent", "args": ["--enable-network-policy=true"]}


def found(*objects: Object, settings: Settings = _DEFAULT, **unread: Outcome) -> CniProfile:
    return detect(
        cluster(*objects, unread={key.replace("_", "."): outcome for key, outcome in unread.items()}), settings
    )


def with_containers(name: str, *containers: Object) -> Object:
    made = daemonset(name)
    made["spec"]["template"]["spec"]["containers"] = list(containers)
    return made


def cilium_config(**data: str) -> Object:
    names = {key.replace("_", "-"): value for key, value in data.items()}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "cilium-config", "namespace": "kube-system"},
        "data": names,
    }


@pytest.mark.parametrize(
    ("objects", "name", "enforces"),
    [
        ([daemonset("cilium")], "cilium", YES),
        ([daemonset("anetd")], "cilium", YES),
        ([daemonset("renamed", image="quay.io/cilium/cilium:v1.17.2@sha256:ab")], "cilium", YES),
        ([daemonset("calico-node", "calico-system")], "calico", YES),
        ([daemonset("canal")], "canal", YES),
        ([daemonset("kube-flannel-ds", "kube-flannel"), daemonset("calico-node")], "canal", YES),
        ([daemonset("antrea-agent")], "antrea", YES),
        ([daemonset("ovnkube-node", "openshift-ovn-kubernetes")], "ovn-kubernetes", YES),
        ([daemonset("sdn", "openshift-sdn")], "openshift-sdn", YES),
        ([daemonset("sdn", "elsewhere")], "", UNKNOWN),
        ([daemonset("kube-router")], "kube-router", YES),
        ([daemonset("kube-router", args=["--run-firewall=false"])], "kube-router", NO),
        ([with_containers("aws-node", {"name": "aws-node", "image": "amazon-k8s-cni"}, AGENT)], "aws-vpc-cni", YES),
        ([with_containers("aws-node", AGENT | {"args": ["--enable-network-policy=false"]})], "aws-vpc-cni", NO),
        ([with_containers("aws-node", AGENT | {"args": []})], "aws-vpc-cni", UNKNOWN),
        ([daemonset("aws-node")], "aws-vpc-cni", NO),
        ([daemonset("aws-node"), daemonset("calico-node")], "calico", YES),
        ([daemonset("azure-npm")], "azure", YES),
        ([daemonset("azure-cns")], "azure-cns", NO),
        ([daemonset("kube-network-policies")], "kube-network-policies", YES),
        ([daemonset("kindnet", image="docker.io/kindest/kindnetd:v20250214-acbabc1a")], "kindnet", YES),
        ([daemonset("kindnet", image="docker.io/kindest/kindnetd:v20230511-dc714da8")], "kindnet", NO),
        ([daemonset("kindnet", image="local/kindnetd:dev")], "kindnet", UNKNOWN),
        (
            [with_containers("weave-net", {"name": "weave", "image": "w"}, {"name": "weave-npc", "image": "n"})],
            "weave",
            YES,
        ),
        ([daemonset("weave-net")], "weave", NO),
        ([daemonset("terway-eniip")], "terway", UNKNOWN),
        ([daemonset("netd")], "gke-plain", NO),
        ([daemonset("netd"), daemonset("anetd")], "cilium", YES),
        ([daemonset("kube-flannel-ds")], "flannel", NO),
        ([daemonset("logs", image="example.com/notcilium/cilium-logs:1")], "", UNKNOWN),
        ([], "", UNKNOWN),
    ],
)
def test_net_72_the_table(objects: list[Object], name: str, enforces: Fact) -> None:
    cni = found(*objects)
    assert (cni.name, cni.enforces) == (name, enforces)
    assert bool(cni.evidence) == bool(name)
    assert bool(cni.unseen) == (enforces is UNKNOWN)
    assert cni.text


def test_net_72_two_enforcing_plugins_are_in_conflict() -> None:
    cni = found(daemonset("cilium"), daemonset("calico-node"))
    assert (cni.name, cni.enforces, len(cni.evidence)) == ("", UNKNOWN, 2)
    assert "calico, cilium" in cni.text


def test_net_72_evidence_is_the_field_that_shows_the_plugin() -> None:
    (shown,) = found(daemonset("renamed", image="calico/node:v3.30")).evidence
    assert (str(shown.object), shown.path[-1], shown.value) == (
        "DaemonSet kube-system/renamed",
        "image",
        '"calico/node:v3.30"',
    )


def test_net_72_k3s_has_its_enforcer_inside() -> None:
    on = node("n", annotations={"k3s.io/node-args": '["server"]'}, kubelet="v1.33.1+k3s1")
    off = node("n", annotations={"k3s.io/node-args": '["server","--disable-network-policy"]'}, kubelet="v1.33.1+k3s1")
    agent = node("n", kubelet="v1.33.1+k3s1")
    assert [found(n).enforces for n in (on, off, agent)] == [YES, NO, UNKNOWN]
    assert found(on).name == "kube-router"


def test_net_73_a_list_that_was_not_read_hides_an_enforcer() -> None:
    cni = found(daemonset("kube-flannel-ds"), daemonsets_apps=Outcome.PARTIAL)
    assert (cni.enforces, cni.unseen[0].resource) == (UNKNOWN, "daemonsets.apps")


def test_net_76_switches_of_cilium() -> None:
    never = found(daemonset("cilium"), cilium_config(enable_policy="never"))
    assert (never.enforces, never.evidence[-1].value) == (NO, '"never"')
    assert "does not enforce" in never.text
    switched = found(daemonset("cilium"), cilium_config(policy_cidr_match_mode="nodes", allow_localhost="policy"))
    assert (switched.ipblock_matches_nodes, switched.node_reaches_own_pod) == (YES, NO)
    assert found(daemonset("cilium")).ipblock_matches_nodes is UNKNOWN


def test_net_76_always_isolates_every_pod() -> None:
    always = found(daemonset("cilium"), cilium_config(enable_policy="always"))
    app, host = pod("app", ips=("10.0.0.1",)), pod("host", ips=("172.18.0.2",), host=True)
    reach = engine(app, host, plugin=always)
    verdict = ask(reach, "203.0.113.1", "default/app")
    assert (verdict.state, [shown.value for shown in reach.proof(verdict)]) == (B, ['"cilium"', '"always"'])
    assert state(reach, "203.0.113.1", "default/host") == R
    column = reach.matrix.sources(0, "TCP", 80)
    assert (column.reachable, column.unknown) == (0b01, 0)


@pytest.mark.parametrize("row", PROFILES, ids=lambda row: row.name)
def test_net_77_a_profile_can_be_named(row: Any) -> None:
    cni = found(settings=Settings(cni_profile=row.name))
    assert (cni.name, cni.enforces) == (row.name, NO if row.enforces is NO else YES)
    assert "given by the user" in cni.text


def test_net_77_an_unknown_profile_name_is_an_error_with_a_hint() -> None:
    with pytest.raises(UsageError) as error:
        found(settings=Settings(cni_profile="calcio"))
    assert "calcio" in error.value.message
    assert "calico" in error.value.hint


@pytest.mark.parametrize("fact", [YES, NO])
def test_net_77_enforcement_can_be_stated(fact: Fact) -> None:
    cni = found(settings=Settings(facts=Facts(cni_enforces=fact)))
    assert (cni.enforces, cni.unseen) == (fact, ())
    assert "given by the user" in cni.text


def test_net_78_policies_of_another_plugin_are_inert() -> None:
    calico, none = profile("calico"), profile("none")
    cnp, gnp, mesh = (
        "ciliumnetworkpolicies.cilium.io",
        "globalnetworkpolicies.crd.projectcalico.org",
        "authorizationpolicies.security.istio.io",
    )
    assert [calico.has_effect(kind) for kind in (cnp, gnp, mesh)] == [False, True, True]
    assert [none.has_effect(kind) for kind in (cnp, gnp, mesh)] == [False, False, True]
    assert found().has_effect(cnp)


def test_a_policy_without_a_known_plugin_is_only_unknown() -> None:
    reach = engine(pod("app", ips=("10.0.0.1",)), policy("deny", podSelector={}), plugin=found())
    verdict = ask(reach, "203.0.113.1", "default/app")
    assert (str(verdict.state), verdict.basis[0], bool(verdict.settle_by)) == ("unknown", "cni_unknown", True)


CALICO = "docker.io/calico/node:{}"
KNP = "registry.k8s.io/networking/kube-network-policies:{}"


@pytest.mark.parametrize(
    ("name", "image", "admin", "cluster"),
    [
        ("calico-node", CALICO.format("v3.28.4"), NO, NO),
        ("calico-node", CALICO.format("v3.29.0"), YES, NO),
        ("calico-node", CALICO.format("v3.31.2@sha256:ab"), YES, NO),
        ("calico-node", CALICO.format("v3.32.0"), NO, YES),
        ("calico-node", "rancher/mirrored-calico-node:v3.30.1", YES, NO),
        ("calico-node", "docker.io/calico/node@sha256:ab", UNKNOWN, UNKNOWN),
        ("canal", CALICO.format("v3.30.0"), YES, NO),
        ("kube-network-policies", KNP.format("v1.1.1-npa-v1alpha2"), NO, YES),
        ("kube-network-policies", KNP.format("v1.1.1-npa-v1alpha1"), YES, NO),
        ("kube-network-policies", KNP.format("v1.1.1"), UNKNOWN, UNKNOWN),
        ("antrea-agent", "antrea/antrea-agent-ubuntu:v2.0.0", YES, UNKNOWN),
        ("cilium", "quay.io/cilium/cilium:v1.17.2", NO, NO),
        ("other", "other:1.0", UNKNOWN, UNKNOWN),
    ],
)
def test_net_78_the_version_tells_which_kinds_of_the_tiers_are_implemented(
    name: str, image: str, admin: Fact, cluster: Fact
) -> None:
    plugin = found(daemonset(name, image=image))
    kinds = ("adminnetworkpolicies", "baselineadminnetworkpolicies", "clusternetworkpolicies")
    held = tuple(plugin.effect(f"{kind}.policy.networking.k8s.io") for kind in kinds)
    assert held == (admin, admin, cluster)


def test_net_78_a_version_takes_nothing_from_the_kinds_of_the_plugin_itself() -> None:
    plugin = found(daemonset("kube-flannel-ds"), daemonset("calico-node", image=CALICO.format("v3.28.0")))
    assert (plugin.name, plugin.effect("globalnetworkpolicies.crd.projectcalico.org")) == ("canal", YES)
    assert plugin.effect("adminnetworkpolicies.policy.networking.k8s.io") is NO


@pytest.mark.parametrize(("version", "expected"), [("v1.14.9", NO), ("v1.15.0", YES)])
def test_net_39_cidr_rules_match_nodes_since_1_15(version: str, expected: Fact) -> None:
    config = cilium_config(policy_cidr_match_mode="nodes")
    cni = found(daemonset("cilium", image=f"quay.io/cilium/cilium:{version}"), config)
    assert cni.ipblock_matches_nodes is expected
    assert [shown.path[-1] for shown in cni.evidence[1:]] == ["policy-cidr-match-mode"]


@pytest.mark.parametrize(
    ("image", "holds"),
    [
        ("amazon/aws-network-policy-agent:v1.0.3-eksbuild.1", UNKNOWN),
        ("amazon/aws-network-policy-agent:v1.0.4", YES),
        ("amazon/aws-network-policy-agent:v1.1.0", YES),
        ("agent@sha256:ab", UNKNOWN),
    ],
)
def test_net_149_old_agents_of_aws_do_not_keep_to_exceptions(image: str, holds: Fact) -> None:
    rule = {"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}], "ports": [{"port": 80}]}
    objects = [
        with_containers("aws-node", {"name": "aws-node", "image": "amazon-k8s-cni"}, AGENT | {"image": image}),
        pod("web", ips=("10.2.0.1",)),
        policy("egress", podSelector={}, policyTypes=["Egress"], egress=[rule]),
    ]
    plugin = found(*objects)
    assert plugin.exceptions_hold is holds
    reach = engine(*objects, plugin=plugin)
    verdict = ask(reach, "default/web", "10.1.0.1")
    assert (verdict.state, verdict.details) == ((U, ("exception",)) if holds is UNKNOWN else (B, ()))
    assert [state(reach, "default/web", *at) for at in (("10.3.0.1",), ("10.1.0.1", "TCP", 81), ("9.9.9.9",))] == [
        R,
        B,
        B,
    ]
