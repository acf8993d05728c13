"""Networks beside the cluster's own are recognised and not evaluated (network.md, section 1)."""

import json
from typing import Any

import pytest

from kubeaudit.kinds import expand
from kubeaudit.network.plugin.cni import profile
from kubeaudit.network.reach import Basis, Reach
from kubeaudit.snapshot import Outcome

from .asking import B, R, U, ask, engine, state
from .clusters import Object, namespace, pod, policy

OVN = profile("ovn-kubernetes")
RED, BLUE = pod("app", "red", ips=("10.0.0.1",)), pod("app", "blue", ips=("10.0.0.2",))
HOST = pod("host", "red", ips=("172.18.0.2",), host=True)
SPACES = (namespace("red", team="a"), namespace("blue", team="b"))
OUT = "203.0.113.1"


def network(role: str = "Primary", layer: str = "layer3", space: str = "red") -> Object:
    spec = {"topology": layer.capitalize(), layer: {"role": role}}
    metadata = {"name": "own", "namespace": space}
    return {"apiVersion": "k8s.ovn.org/v1", "kind": "UserDefinedNetwork", "metadata": metadata, "spec": spec}


def wide(selector: Object, role: str = "Primary") -> Object:
    spec = {"namespaceSelector": selector, "network": {"topology": "Layer2", "layer2": {"role": role}}}
    metadata = {"name": "own"}
    return {"apiVersion": "k8s.ovn.org/v1", "kind": "ClusterUserDefinedNetwork", "metadata": metadata, "spec": spec}


def attachment(config: Any) -> Object:
    text = config if isinstance(config, str) else json.dumps(config)
    metadata = {"name": "net", "namespace": "red"}
    return {
        "apiVersion": "k8s.cni.cncf.io/v1",
        "kind": "NetworkAttachmentDefinition",
        "metadata": metadata,
        "spec": {"config": text},
    }


MULTI: Object = {
    "apiVersion": "k8s.cni.cncf.io/v1beta1",
    "kind": "MultiNetworkPolicy",
    "metadata": {"name": "np", "namespace": "red", "annotations": {"k8s.v1.cni.cncf.io/policy-for": "net"}},
    "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
}


def asked(*objects: Object, **more: Any) -> Reach:
    return engine(*SPACES, RED, BLUE, HOST, *objects, **{"plugin": OVN} | more)


def states(reach: Reach) -> list[Any]:
    """Into red, into blue, out of red into blue, into the pod of red on the host network."""
    pairs = ((OUT, "red/app"), (OUT, "blue/app"), ("red/app", "blue/app"), (OUT, "red/host"))
    return [state(reach, *pair) for pair in pairs]


@pytest.mark.parametrize(
    "found",
    [
        network(),
        network(layer="layer2"),
        wide({"matchLabels": {"team": "a"}}),
        attachment({"type": "ovn-k8s-cni-overlay", "role": "primary"}),
    ],
)
def test_pods_on_a_primary_network_of_their_own_are_unknown(found: Object) -> None:
    reach = asked(found, policy("deny", "red", podSelector={}, policyTypes=["Egress"]))
    assert states(reach) == [U, R, U, R]
    verdict = ask(reach, OUT, "red/app")
    assert verdict.basis == (Basis.KIND_NOT_EVALUATED,)
    assert verdict.settle_by
    (listed,) = reach.unevaluated()
    assert listed.detail == f"1 {found['kind']} not evaluated"
    assert reach.aside() == ()


@pytest.mark.parametrize(
    "found",
    [
        network("Secondary"),
        wide({}, "Secondary"),
        attachment({"type": "macvlan"}),
        attachment("no JSON"),
        MULTI,
    ],
)
def test_further_networks_change_no_verdict_and_are_listed(found: Object) -> None:
    reach = asked(found, policy("deny", "blue", podSelector={}, policyTypes=["Ingress"]))
    assert states(reach) == [R, B, B, R]
    assert reach.unevaluated() == ()
    (listed,) = reach.aside()
    assert listed.detail.startswith(f"1 {found['kind']} not evaluated: networks beside the cluster's own")


def test_a_selector_that_is_refused_may_stand_for_every_namespace() -> None:
    assert states(asked(wide({"matchExpressions": [{"key": "team", "operator": "Like"}]}))) == [U, U, U, R]


def test_net_78_another_plugin_gives_them_no_effect() -> None:
    reach = asked(network(), plugin=profile("calico"))
    assert (states(reach), len(reach.aside())) == ([R, R, R, R], 1)


def test_what_was_not_read_leaves_all_pods_open() -> None:
    unread = {"clusteruserdefinednetworks.k8s.ovn.org": Outcome.REFUSED}
    reach = asked(unread=unread)
    assert states(reach) == [U, U, U, R]
    assert ask(reach, OUT, "red/app").settle_by == ("list clusteruserdefinednetworks.k8s.ovn.org",)
    refused = {"multi-networkpolicies.k8s.cni.cncf.io": Outcome.REFUSED}
    assert states(asked(unread=refused)) == [R, R, R, R]
    assert states(asked(plugin=profile("calico"), unread=unread)) == [R, R, R, R]


def test_only_what_can_change_a_verdict_is_asked_of_checks() -> None:
    found = expand(("@policy",))
    assert "userdefinednetworks.k8s.ovn.org" in found
    assert "multi-networkpolicies.k8s.cni.cncf.io" not in found
