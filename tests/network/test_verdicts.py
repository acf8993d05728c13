"""How verdicts are put together, what they rest on and what proves them (network.md, section 4; section 1)."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeaudit.findings import Reason
from kubeaudit.network.plugin.cni import profile
from kubeaudit.network.reach import Action, Basis, Direction, assemble
from kubeaudit.proof import State
from kubeaudit.refs import ObjectRef
from kubeaudit.snapshot import BadDocument, Outcome

from .asking import KNP, B, R, U, ask, cls, engine, state
from .clusters import NP, Object, cluster, daemonset, namespace, pod, policy
from .loading import FAMILIES, examples
from .loading import profile as of_plugin
from .naive.world import World
from .worlds import PORTS, worlds

APP, DB = pod("app", labels={"app": "a"}, ips=("10.0.0.1",)), pod("db", labels={"app": "d"}, ips=("10.0.0.2",))
OUT = "203.0.113.7"
DENY = policy("deny", podSelector={}, policyTypes=["Ingress", "Egress"])
ADMIN = ("adminnetworkpolicies.policy.networking.k8s.io", "AdminNetworkPolicy", "policy.networking.k8s.io/v1alpha1")


def other_kind(kind: str, version: str, **more: object) -> Object:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "x", "namespace": "default"}} | more


def test_default_allow_names_the_absence_of_a_policy() -> None:
    reach = engine(APP, DB)
    verdict = ask(reach, "default/app", "default/db")
    assert (verdict.state, verdict.basis) == (R, (Basis.DEFAULT_ALLOW,))
    shown = reach.proof(verdict)
    assert [(found.absent, str(found.object), found.note) for found in shown] == [
        (True, "NetworkPolicy default/*", f"no NetworkPolicy with policyType {word} selects the pod")
        for word in ("Egress", "Ingress")
    ]


def test_an_allow_names_every_rule_that_allows_it() -> None:
    peer = {"podSelector": {"matchLabels": {"app": "d"}}}
    np = policy(
        "np",
        podSelector={},
        ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "x"}}}, peer]}, {"ports": [{"port": 80}]}],
    )
    reach = engine(APP, DB, np)
    verdict = ask(reach, "default/db", "default/app")
    assert verdict.basis == (Basis.POLICY, Basis.DEFAULT_ALLOW)
    assert [(d.rule, d.path, d.action) for d in verdict.ingress.by] == [
        (0, ("spec", "ingress", 0, "from", 1), Action.ALLOW),
        (1, ("spec", "ingress", 1), Action.ALLOW),
    ]
    first, second = [reach.evidence(decision) for decision in verdict.ingress.by]
    assert (msgspec.json.decode(first.value), first.note) == (peer, "every port")
    assert msgspec.json.decode(second.value) == {"ports": [{"port": 80, "protocol": "TCP"}]}


def test_a_deny_names_the_isolating_policies() -> None:
    reach = engine(APP, DENY)
    verdict = ask(reach, OUT, "default/app")
    assert (verdict.state, verdict.basis) == (B, (Basis.POLICY,))
    assert (
        verdict.ingress.isolating
        == reach.isolating(0, "ingress")
        == (ObjectRef("NetworkPolicy", "default", "deny", "networking.k8s.io"),)
    )
    (shown,) = reach.proof(verdict)
    assert (shown.path, shown.value) == (("spec", "podSelector"), "{}")
    assert "policyTypes Ingress, Egress" in shown.note


def test_v_1_the_worst_side_decides() -> None:
    """Blocked before unknown before reachable."""
    unknown = policy(
        "np", podSelector={"matchLabels": {"app": "d"}}, ingress=[{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]
    )
    antrea = profile("antrea")
    assert ask(engine(APP, DB, unknown, plugin=antrea), "default/app", "default/db").state is U
    deny = policy("deny", podSelector={"matchLabels": {"app": "a"}}, policyTypes=["Egress"])
    verdict = ask(engine(APP, DB, unknown, deny, plugin=antrea), "default/app", "default/db")
    assert (verdict.state, verdict.basis, verdict.ingress.state) == (B, (Basis.POLICY,), U)


GAPS = {NP: Outcome.REFUSED}


def test_unread_network_policies_leave_both_answers_open() -> None:
    """Another policy may isolate, and may allow what the known ones do not (NET-08)."""
    for objects in ((APP,), (APP, DENY)):
        verdict = ask(engine(*objects, unread=GAPS), OUT, "default/app")
        assert (verdict.state, verdict.basis) == (U, (Basis.INPUT_INCOMPLETE,))
        assert verdict.settle_by == (f"list {NP} in namespace default",)
        assert [(unseen.reason, unseen.resource) for unseen in verdict.unseen] == [(Reason.FORBIDDEN, NP)]


def test_unread_network_policies_do_not_matter_to_what_policies_do_not_concern() -> None:
    host = pod("host", ips=("172.18.0.2",), host=True)
    reach = engine(APP, host, unread=GAPS)
    assert (state(reach, "default/app", "default/app"), state(reach, "default/host", OUT)) == (R, R)
    nothing = engine(APP, plugin=profile("none"), unread=GAPS)
    assert state(nothing, OUT, "default/app") == R


def test_a_whole_list_of_a_namespace_is_enough_for_it() -> None:
    found = cluster(APP, pod("far", "other", ips=("10.0.1.1",)), unread=GAPS)
    whole = {**found.complete.reads, (NP, "default"): found.complete.reads["pods", ""]}
    complete = msgspec.structs.replace(found.complete, reads=whole)
    reach = assemble(msgspec.structs.replace(found, complete=complete), KNP)
    assert (state(reach, OUT, "default/app"), state(reach, OUT, "other/far")) == (R, U)


def test_an_object_that_is_no_network_policy_may_allow_more() -> None:
    found = cluster(APP, pod("far", "other", ips=("10.0.1.1",)), DENY, policy("deny", "other", podSelector={}))
    bad = BadDocument(NP, "does not fit its API type", object=ObjectRef("NetworkPolicy", "default", "broken"))
    reach = assemble(msgspec.structs.replace(found, bad=(bad,)), KNP)
    verdict = ask(reach, OUT, "default/app")
    assert (verdict.state, verdict.unseen[0].reason) == (U, Reason.EVALUATION_ERROR)
    assert state(reach, OUT, "other/far") == B


def test_unread_namespaces_leave_selectors_on_their_labels_open() -> None:
    unread = {"namespaces": Outcome.REFUSED}

    def held(selector: Object) -> State:
        np = policy("np", podSelector={}, ingress=[{"from": [{"namespaceSelector": selector}]}])
        return state(engine(APP, pod("far", "other", ips=("10.0.1.1",)), np, unread=unread), "other/far", "default/app")

    assert held({"matchLabels": {"team": "x"}}) == U
    assert held({"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]}) == U
    assert held({"matchLabels": {"kubernetes.io/metadata.name": "other"}}) == R


@pytest.mark.parametrize(
    ("kind", "version"),
    [
        ("Tier", "crd.projectcalico.org/v1"),
        ("NetworkSet", "crd.projectcalico.org/v1"),
        ("FelixConfiguration", "crd.projectcalico.org/v1"),
        ("CiliumCIDRGroup", "cilium.io/v2"),
        ("PeerAuthentication", "security.istio.io/v1"),
    ],
)
def test_a_kind_that_decides_nothing_alone_leaves_nothing_open(kind: str, version: str) -> None:
    deny = policy("deny", podSelector={"matchLabels": {"app": "d"}}, policyTypes=["Ingress"])
    unnamed = msgspec.structs.replace(KNP, name="")
    reach = engine(APP, DB, deny, other_kind(kind, version), plugin=unnamed)
    assert (state(reach, OUT, "default/db"), state(reach, OUT, "default/app")) == (B, R)
    assert reach.unevaluated() == ()


def test_a_refused_policy_of_the_mesh_may_only_narrow_tcp_to_pods_of_the_mesh() -> None:
    """NET-135."""
    unread = {"authorizationpolicies.security.istio.io": Outcome.REFUSED}
    meshed = pod("meshed", ips=("10.0.0.5",), containers=[{"name": n, "image": n} for n in ("main", "istio-proxy")])
    np = policy("np", podSelector={}, ingress=[{"ports": [{"port": 80}, {"port": 80, "protocol": "UDP"}]}])
    reach = engine(APP, meshed, np, unread=unread)
    verdict = ask(reach, OUT, "default/meshed")
    assert (verdict.state, verdict.basis) == (U, (Basis.INPUT_INCOMPLETE,))
    assert [state(reach, OUT, "default/meshed", *at) for at in (("TCP", 81), ("UDP", 80))] == [B, R]
    assert state(reach, OUT, "default/app") == R
    assert state(engine(APP, daemonset("ztunnel"), unread=unread), OUT, "default/app") == U
    nothing = engine(meshed, np, plugin=profile("none"), unread=unread)
    assert state(nothing, OUT, "default/meshed", "TCP", 81) == U


def test_host_endpoints_concern_host_network_pods_alone() -> None:
    host = pod("host", ips=("172.18.0.2",), host=True)
    reach = engine(APP, host, other_kind("HostEndpoint", "crd.projectcalico.org/v1"), plugin=profile("calico"))
    assert (state(reach, OUT, "default/host"), state(reach, OUT, "default/app")) == (U, R)


def test_a_refused_kind_is_missing_input_unless_its_plugin_is_absent() -> None:
    unread = {"ciliumnetworkpolicies.cilium.io": Outcome.REFUSED}
    verdict = ask(engine(APP, plugin=profile("cilium"), unread=unread), OUT, "default/app")
    assert (verdict.state, verdict.basis) == (U, (Basis.INPUT_INCOMPLETE,))
    assert verdict.settle_by == ("list ciliumnetworkpolicies.cilium.io",)
    assert state(engine(APP, plugin=profile("calico"), unread=unread), OUT, "default/app") == R
    not_served = {"ciliumnetworkpolicies.cilium.io": Outcome.NOT_SERVED}
    assert state(engine(APP, plugin=profile("cilium"), unread=not_served), OUT, "default/app") == R


def test_net_131_one_group_of_calico_is_enough() -> None:
    other = {
        "networkpolicies.projectcalico.org": Outcome.REFUSED,
        "globalnetworkpolicies.projectcalico.org": Outcome.REFUSED,
    }
    assert state(engine(APP, plugin=profile("calico"), unread=other), OUT, "default/app") == R
    own = {"networkpolicies.crd.projectcalico.org": Outcome.REFUSED}
    assert state(engine(APP, plugin=profile("calico"), unread=other | own), OUT, "default/app") == U


def test_sources_from_the_internet() -> None:
    """Public CIDRs that are let in, merged; none where most of the internet is (EXP-02)."""
    blocks = ["203.0.113.0/25", "203.0.113.128/25", "10.0.0.0/8", "2001:db8::/32"]
    np = policy("np", ingress=[{"from": [{"ipBlock": {"cidr": cidr}} for cidr in blocks]}])
    verdict = engine(APP, np).from_internet(0, "TCP", 80)
    assert (verdict.state, verdict.sources) == (R, ("203.0.113.0/24",))
    private = policy("np", ingress=[{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}])
    assert engine(APP, private).from_internet(0, "TCP", 80).state is B
    most = policy("np", ingress=[{"from": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["203.0.113.0/24"]}}]}])
    assert engine(APP, most).from_internet(0, "TCP", 80).sources == ()
    dual = pod("dual", ips=("10.0.0.1", "fd00::1"))
    six = policy("np", ingress=[{"from": [{"ipBlock": {"cidr": "2001:db8::/32"}}]}])
    assert engine(dual, six).from_internet(0, "TCP", 80).sources == ("2001:db8::/32",)
    assert engine(APP, six).from_internet(0, "TCP", 80).state is B


def test_rules_that_allow_everything() -> None:
    """net-allow-all: no peers and no ports, or every address without exception and no ports; rules in force only."""
    block = {"ipBlock": {"cidr": "0.0.0.0/0"}}
    some = {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}
    reach = engine(
        policy(
            "all",
            ingress=[{}, {"ports": [{"port": 80}]}, {"from": [{"podSelector": {}}]}],
            egress=[{}],
            policyTypes=["Ingress"],
        ),
        policy(
            "addresses",
            egress=[{"to": [some, block]}, {"to": [block], "ports": [{"port": 443}]}],
            policyTypes=["Egress"],
        ),
        policy("six", ingress=[{"from": [{"ipBlock": {"cidr": "::/0"}}]}]),
    )
    found = [
        (rule.policy.name, rule.direction, rule.rule, rule.path[2:], rule.evidence.value)
        for rule in reach.allow_all_rules()
    ]
    assert found == [
        ("all", Direction.INGRESS, 0, (0,), "{}"),
        ("addresses", Direction.EGRESS, 0, (0, "to", 1), '{"ipBlock":{"cidr":"0.0.0.0/0"}}'),
        ("six", Direction.INGRESS, 0, (0, "from", 0), '{"ipBlock":{"cidr":"::/0"}}'),
    ]


@pytest.mark.parametrize(
    ("ends", "at", "family"),
    [
        (("default/app", "no address"), ("TCP", 80), "IPv4"),
        (("default/app", OUT), ("TCP", 0), "IPv4"),
        (("default/app", OUT), ("TCP", 65536), "IPv4"),
        (("default/app", OUT), ("tcp", 80), "IPv4"),
        (("default/app", "default/db"), ("TCP", 80), "ipv4"),
        ((OUT, OUT), ("TCP", 80), "IPv4"),
    ],
)
def test_questions_that_make_no_sense_are_refused(ends: tuple[str, str], at: tuple[str, int], family: str) -> None:
    with pytest.raises(ValueError):
        ask(engine(APP, DB), *ends, *at, family)


_UNREAD = st.sampled_from(
    ({}, GAPS, {"namespaces": Outcome.REFUSED}, {"ciliumnetworkpolicies.cilium.io": Outcome.REFUSED})
)
_KINDS = st.sampled_from(
    (
        (),
        (other_kind("AuthorizationPolicy", "security.istio.io/v1"), daemonset("ztunnel")),
        (other_kind("BaselineAdminNetworkPolicy", "policy.networking.k8s.io/v1alpha1"),),
        (other_kind("HostEndpoint", "crd.projectcalico.org/v1"),),
    )
)


@examples(100)
@given(world=worlds(), unread=_UNREAD, kinds=_KINDS)
def test_masks_of_all_pairs_equal_the_pairs_under_doubt(
    world: World, unread: dict[str, Outcome], kinds: tuple[Object, ...]
) -> None:
    objects = (*world.namespaces, *world.nodes, *world.pods, *world.policies, *kinds)
    found = cluster(*objects, unread=unread)
    reach = assemble(
        found, msgspec.structs.replace(of_plugin(world.plugin), implements=("crd.projectcalico.org", "cilium.io"))
    )
    for family in FAMILIES:
        for target in range(len(found.classes)):
            for at in (*PORTS[:4], ("ICMP", 0)):
                column = reach.matrix.sources(target, *at, family)
                for source in range(len(found.classes)):
                    held = reach.connect(source, target, *at, family).state
                    assert (column.reachable >> source & 1, column.unknown >> source & 1) == (held is R, held is U)


def test_a_class_index_is_that_of_the_cluster() -> None:
    reach = engine(namespace("default"), APP, DB, policy("np", podSelector={"matchLabels": {"app": "d"}}, ingress=[]))
    assert [reach.isolating(cls(reach, name), Direction.INGRESS) != () for name in ("default/app", "default/db")] == [
        False,
        True,
    ]
