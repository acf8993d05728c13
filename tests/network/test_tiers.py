"""AdminNetworkPolicy, BaselineAdminNetworkPolicy and ClusterNetworkPolicy, row by row of network.md section 3.8."""

from typing import Any

import pytest
from msgspec import structs

from kubeaudit.findings import Reason
from kubeaudit.network.plugin.cni import CniProfile, profile
from kubeaudit.network.reach import Action, Basis, Reach
from kubeaudit.proof import State
from kubeaudit.settings import Fact
from kubeaudit.snapshot import Outcome

from .asking import KNP, B, R, U, ask, engine, state
from .clusters import Object, namespace, node, pod, policy, port

GROUP = "policy.networking.k8s.io"
SPACES = (namespace("red", team="red"), namespace("blue", team="blue"))
WEB = pod(
    "web",
    "red",
    labels={"app": "web"},
    ips=("10.0.0.1", "fd00::1"),
    ports=[port(8080, "http"), port(53, "http", "UDP")],
)
APP = pod("app", "blue", labels={"app": "app"}, ips=("10.0.1.1",))
ALL = {"namespaces": {}}
RED, BLUE = ({"namespaces": {"matchLabels": {"team": team}}} for team in ("red", "blue"))
OUT, NODE = "203.0.113.7", "172.18.0.2"
UNNAMED = CniProfile(name="", enforces=Fact.UNKNOWN, ipblock_matches_pods=Fact.UNKNOWN)
TO_WEB, TO_OUT = ("blue/app", "red/web"), ("red/web", OUT)


def tier_policy(kind: str, name: str, version: str, spec: Object) -> Object:
    return {"apiVersion": f"{GROUP}/{version}", "kind": kind, "metadata": {"name": name}, "spec": spec}


def anp(name: str = "anp", priority: int = 10, subject: Object = RED, **spec: Any) -> Object:
    return tier_policy("AdminNetworkPolicy", name, "v1alpha1", {"priority": priority, "subject": subject} | spec)


def banp(name: str = "default", subject: Object = RED, **spec: Any) -> Object:
    return tier_policy("BaselineAdminNetworkPolicy", name, "v1alpha1", {"subject": subject} | spec)


def cnp(name: str = "cnp", tier: str = "Admin", priority: int = 10, subject: Object = RED, **spec: Any) -> Object:
    return tier_policy(
        "ClusterNetworkPolicy", name, "v1alpha2", {"tier": tier, "priority": priority, "subject": subject} | spec
    )


def source(action: str, *peers: Object, **ports: Any) -> Object:
    return {"action": action, "from": list(peers or (ALL,))} | ports


def target(action: str, *peers: Object, **ports: Any) -> Object:
    return {"action": action, "to": list(peers or ({"networks": ["0.0.0.0/0"]},))} | ports


def under(*policies: Object, plugin: CniProfile = KNP, unread: dict[str, Outcome] | None = None) -> Reach:
    return engine(*SPACES, WEB, APP, *policies, plugin=plugin, unread=unread)


DENY_ALL = policy("deny", "red", podSelector={}, policyTypes=["Ingress", "Egress"])
ALLOW_ALL = policy("allow", "red", podSelector={}, ingress=[{}])


def reasons(reach: Reach) -> list[tuple[str, str]]:
    """Where problems are, and with which object."""
    return [(problem.object.name, ".".join(map(str, problem.path))) for problem in reach.problems]


def test_net_80_admin_before_networkpolicies_before_baseline_before_default() -> None:
    deny, allow = banp(ingress=[source("Deny")]), anp(ingress=[source("Allow", BLUE)])
    assert state(under(), *TO_WEB) == R
    assert state(under(deny), *TO_WEB) == B
    assert state(under(deny, ALLOW_ALL), *TO_WEB) == R
    assert state(under(DENY_ALL), *TO_WEB) == B
    assert state(under(DENY_ALL, allow), *TO_WEB) == R
    assert state(under(ALLOW_ALL, anp(ingress=[source("Deny", BLUE)])), *TO_WEB) == B


def test_net_81_lower_priorities_first_and_rules_top_down() -> None:
    deny, allow = source("Deny", BLUE), source("Allow", BLUE)
    assert state(under(anp("late", 20, ingress=[deny]), anp("early", 5, ingress=[allow])), *TO_WEB) == R
    assert state(under(anp("late", 20, ingress=[allow]), anp("early", 5, ingress=[deny])), *TO_WEB) == B
    assert state(under(anp(ingress=[allow, deny])), *TO_WEB) == R
    assert state(under(anp(ingress=[deny, allow])), *TO_WEB) == B


def test_net_81_the_first_rule_that_matches_is_named_and_no_later_one_of_equal_action() -> None:
    reach = under(anp("late", 20, ingress=[source("Deny")]), anp("early", 10, ingress=[source("Deny", BLUE)]))
    assert [decision.policy.name for decision in ask(reach, *TO_WEB).ingress.by] == ["early"]
    both = under(anp(ingress=[source("Deny", BLUE), source("Deny")]))
    assert [decision.rule for decision in ask(both, *TO_WEB).ingress.by] == [0]


def test_net_82_an_allow_is_final_for_its_direction_only() -> None:
    away = policy("deny", "blue", podSelector={}, policyTypes=["Egress"])
    assert state(under(anp(ingress=[source("Allow", BLUE)]), away), *TO_WEB) == B


def test_net_83_pass_leaves_the_tier_at_once() -> None:
    rules = [source("Pass", BLUE), source("Deny", BLUE)]
    later = anp("later", 20, ingress=[source("Deny", BLUE)])
    assert state(under(anp(ingress=rules), later), *TO_WEB) == R
    assert state(under(anp(ingress=rules), later, DENY_ALL), *TO_WEB) == B
    assert state(under(anp(ingress=rules), later, banp(ingress=[source("Deny")])), *TO_WEB) == B


def test_net_84_an_admin_policy_never_isolates() -> None:
    reach = under(anp(ingress=[source("Allow", RED)]))
    assert [state(reach, one, "red/web") for one in ("blue/app", OUT)] == [R, R]


def test_net_85_a_networkpolicy_of_the_direction_ends_it_and_one_of_the_other_leaves_it_open() -> None:
    deny = banp(ingress=[source("Deny")], egress=[target("Deny")])
    reach = under(deny, ALLOW_ALL)
    assert (state(reach, *TO_WEB), state(reach, *TO_OUT)) == (R, U)
    verdict = ask(reach, *TO_OUT)
    assert (verdict.basis, verdict.details) == ((Basis.UNDEFINED,), ("baseline_selection",))
    assert verdict.settle_by == ("a NetworkPolicy that selects the pod in this direction too",)
    harmless = banp(egress=[target("Allow")])
    assert state(under(harmless, ALLOW_ALL), *TO_OUT) == R


def test_net_86_equal_priorities_are_asked_in_both_orders() -> None:
    one, other = anp("one", ingress=[source("Allow", BLUE)]), anp("other", ingress=[source("Deny", BLUE)])
    reach = under(one, other)
    verdict = ask(reach, *TO_WEB)
    assert (verdict.state, verdict.details) == (U, ("equal_priority",))
    assert verdict.settle_by == ("distinct priorities of the policies",)
    assert reasons(reach) == [("other", "spec.priority")]
    assert state(under(one, anp("other", ingress=[source("Pass", BLUE)])), *TO_WEB) == R
    same = under(one, anp("other", ingress=[source("Allow", BLUE)]))
    assert (state(same, *TO_WEB), same.problems) == (R, ())
    apart = under(one, anp("other", subject=BLUE, ingress=[source("Deny", BLUE)]))
    assert (state(apart, *TO_WEB), apart.problems) == (R, ())
    tiers = under(cnp("one", ingress=[source("Accept")]), cnp("other", "Baseline", ingress=[source("Deny")]))
    assert (state(tiers, *TO_WEB), tiers.problems) == (R, ())


@pytest.mark.parametrize(
    ("subject", "selected"),
    [
        (ALL, True),
        (RED, True),
        (BLUE, False),
        ({"pods": {"namespaceSelector": {}, "podSelector": {}}}, True),
        ({"pods": {"namespaceSelector": {"matchLabels": {"team": "red"}}, "podSelector": {}}}, True),
        ({"pods": {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "app"}}}}, False),
        (
            {
                "pods": {
                    "namespaceSelector": {"matchLabels": {"team": "blue"}},
                    "podSelector": {"matchLabels": {"app": "web"}},
                }
            },
            False,
        ),
    ],
)
def test_net_87_a_subject_selects_namespaces_or_pods(subject: Object, selected: bool) -> None:
    """Both selectors of pods are ANDed; empty ones match everything."""
    assert state(under(anp(subject=subject, ingress=[source("Deny")])), *TO_WEB) == (B if selected else R)


HOST = pod("host", "red", ips=(NODE,), on="n1", host=True)


def on_node(*policies: Object) -> Reach:
    made = node("n1", NODE)
    made["metadata"]["labels"] = {"pool": "a"}
    return engine(*SPACES, WEB, APP, HOST, made, *policies, plugin=KNP)


def test_net_50_host_network_pods_are_neither_subjects_nor_pods_as_peers() -> None:
    reach = on_node(anp(subject=ALL, ingress=[source("Deny")], egress=[{"action": "Deny", "to": [ALL]}]))
    assert [state(reach, *ends) for ends in (("blue/app", "red/host"), ("red/host", "red/web"))] == [R, R]
    for peer in ({"nodes": {}}, {"networks": ["172.18.0.0/16"]}):
        verdict = ask(on_node(anp(subject=ALL, egress=[{"action": "Deny", "to": [peer]}])), "blue/app", "red/host")
        assert (verdict.state, verdict.basis) == (B, (Basis.POLICY,))


def test_net_88_external_sources_match_no_ingress_rule() -> None:
    reach = on_node(anp(ingress=[source("Deny")]))
    assert [state(reach, one, "red/web") for one in (OUT, NODE, "red/host", "blue/app")] == [R, R, R, B]


def test_net_89_nodes_are_peers_by_their_addresses() -> None:
    assert state(on_node(anp(egress=[target("Deny", {"nodes": {}})])), "red/web", NODE) == B
    others = {"nodes": {"matchLabels": {"pool": "b"}}}
    assert state(on_node(anp(egress=[target("Deny", others)])), "red/web", NODE) == R
    assert state(on_node(anp(egress=[target("Deny", {"nodes": {}})])), *TO_OUT) == R


def test_addresses_of_unread_nodes_leave_their_rules_open() -> None:
    """Section 1: every address may be that of a node, but for those that no node has."""
    unread = {"nodes": Outcome.REFUSED}
    reach = under(anp(egress=[target("Deny", {"nodes": {}})]), unread=unread)
    verdict = ask(reach, "red/web", NODE)
    assert (verdict.state, verdict.basis, verdict.details) == (U, (Basis.INPUT_INCOMPLETE,), ("node_addresses",))
    assert verdict.settle_by == ("list nodes",)
    assert [state(reach, "red/web", to) for to in ("169.254.169.254", "fe80::1", "blue/app")] == [R, R, R]


def test_net_41_networks_match_pods_too_family_by_family() -> None:
    reach = under(anp(egress=[target("Deny")]), APP | {"metadata": APP["metadata"] | {"name": "other"}})
    assert [state(reach, "red/web", to) for to in ("blue/app", OUT, "2001:db8::1")] == [B, B, R]


def test_net_35_icmp_is_covered_by_rules_without_protocols_only() -> None:
    whole, part = target("Deny"), target("Deny", protocols=[{"tcp": {}}])
    assert [state(under(cnp(egress=[rule])), *TO_OUT, "ICMP", 0) for rule in (whole, part)] == [B, R]


NEWER = {"serviceAccounts": {}}


@pytest.mark.parametrize(
    ("action", "expected"),
    [("Accept", (B, R)), ("Deny", (B, B)), ("Pass", (B, B)), ("Reject", (B, B)), ("", (B, B)), ("Allow", (B, B))],
)
def test_net_90_and_93_what_a_newer_version_may_know_fails_closed(action: str, expected: tuple[State, State]) -> None:
    """Under a NetworkPolicy that denies everything, and under one that allows everything."""
    peers = (NEWER,) if action in ("Accept", "Deny", "Pass") else (BLUE,)
    rule = source(action, *peers, protocols=[{"tcp": {}}])
    held = [under(cnp(ingress=[rule]), np) for np in (DENY_ALL, ALLOW_ALL)]
    assert tuple(state(reach, *TO_WEB, "UDP", 1) for reach in held) == expected
    place = "spec.ingress.0.from.0" if peers == (NEWER,) else "spec.ingress.0.action"
    assert reasons(held[0]) == [("cnp", place)]


def test_net_90_networks_are_no_field_of_an_ingress_peer() -> None:
    reach = under(cnp(ingress=[source("Deny", {"networks": ["192.0.2.0/24"]})]))
    assert [state(reach, one, "red/web") for one in (OUT, "blue/app")] == [B, B]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (anp(ingress=[source("Deny")]), [B, B, B, B]),
        (anp(ingress=[source("Deny", ports=[{"portNumber": {"port": 8080}}])]), [B, R, R, R]),
        (anp(ingress=[source("Deny", ports=[{"portRange": {"start": 8080, "end": 8081}}])]), [B, B, R, R]),
        (anp(ingress=[source("Deny", ports=[{"namedPort": "http"}])]), [B, R, B, R]),
        (anp(ingress=[source("Deny", ports=[{"namedPort": "other"}])]), [R, R, R, R]),
        (cnp(ingress=[source("Deny", protocols=[{"tcp": {}}])]), [B, B, R, R]),
        (cnp(ingress=[source("Deny", protocols=[{"tcp": {"destinationPort": {"number": 8080}}}])]), [B, R, R, R]),
        (
            cnp(ingress=[source("Deny", protocols=[{"udp": {"destinationPort": {"range": {"start": 1, "end": 60}}}}])]),
            [R, R, B, R],
        ),
        (cnp(ingress=[source("Deny", protocols=[{"sctp": {}}, {"destinationNamedPort": "http"}])]), [B, R, B, B]),
    ],
)
def test_net_91_and_92_ports(made: Object, expected: list[State]) -> None:
    """A name takes the protocol that the pod declares it for."""
    reach = under(made)
    at = (("TCP", 8080), ("TCP", 8081), ("UDP", 53), ("SCTP", 1))
    assert [state(reach, *TO_WEB, *one) for one in at] == expected
    assert all(problem.harmless for problem in reach.problems)


def test_net_91_a_name_is_looked_up_on_each_destination() -> None:
    reach = under(anp(subject=BLUE, egress=[{"action": "Deny", "to": [ALL], "ports": [{"namedPort": "http"}]}]))
    assert [state(reach, *TO_WEB, *at) for at in (("TCP", 8080), ("UDP", 53), ("TCP", 53))] == [B, B, R]


def test_net_94_one_baseline_policy_has_effect_and_passes_nothing() -> None:
    other = banp("other", ingress=[source("Deny")])
    reach = under(other)
    assert (state(reach, *TO_WEB), reasons(reach)) == (R, [("other", "metadata.name")])
    assert state(under(other, banp(ingress=[source("Deny", BLUE)])), *TO_WEB) == B
    assert state(under(banp(ingress=[source("Pass")])), *TO_WEB) == B


def test_net_95_the_baseline_tier_of_clusternetworkpolicies_has_priorities_and_pass() -> None:
    deny = cnp("late", "Baseline", 20, ingress=[source("Deny")])
    assert state(under(deny), *TO_WEB) == B
    for action in ("Accept", "Pass"):
        assert state(under(deny, cnp("early", "Baseline", 5, ingress=[source(action, BLUE)])), *TO_WEB) == R
    assert state(under(deny, ALLOW_ALL), *TO_WEB) == R


def test_net_96_lists_longer_than_the_api_takes_are_reported_and_evaluated() -> None:
    allow, last = source("Accept", RED), source("Deny", BLUE)
    reach = under(cnp(ingress=[allow] * 25 + [last]))
    assert (state(reach, *TO_WEB), reasons(reach)) == (B, [("cnp", "spec.ingress")])
    assert under(anp(ingress=[source("Allow", RED)] * 100)).problems == ()
    reach = under(cnp(ingress=[source("Deny", *[RED] * 25, BLUE)]))
    assert (state(reach, *TO_WEB), reasons(reach)) == (B, [("cnp", "spec.ingress.0.from")])
    networks = [f"198.51.100.{n}/32" for n in range(26)]
    assert reasons(under(anp(egress=[target("Deny", {"networks": networks})]))) == [
        ("anp", "spec.egress.0.to.0.networks")
    ]


NAMES = {"domainNames": ["*.example.com"]}


def test_net_97_a_domain_name_makes_no_address_reachable() -> None:
    accept = target("Accept", NAMES)
    reach = under(cnp(egress=[accept, target("Deny")]))
    verdict = ask(reach, *TO_OUT)
    assert (verdict.state, verdict.details, verdict.conditions) == (U, ("fqdn",), ("fqdn",))
    assert [state(reach, "red/web", to) for to in ("10.9.9.9", "169.254.169.254", "blue/app")] == [U, U, B]
    open_anyway = ask(under(cnp(egress=[accept])), *TO_OUT)
    assert (open_anyway.state, open_anyway.basis, open_anyway.conditions) == (R, (Basis.DEFAULT_ALLOW,), ())
    reach = under(cnp(egress=[target("Deny", NAMES)]))
    assert (state(reach, *TO_OUT), reasons(reach)) == (R, [("cnp", "spec.egress.0.to.0")])


@pytest.mark.parametrize("peer", [{"networks": ["0.0.0.0/0"]}, {"nodes": {}}, NAMES])
def test_net_99_a_port_name_matches_no_network_node_or_domain(peer: Object) -> None:
    reach = under(cnp(egress=[target("Accept", peer, protocols=[{"destinationNamedPort": "http"}]), target("Deny")]))
    assert state(reach, *TO_OUT, "TCP", 8080) is not R
    assert reasons(reach) == [("cnp", "spec.egress.0.to.0")]


@pytest.mark.parametrize(
    ("made", "place"),
    [
        (anp(subject={}, ingress=[source("Deny")]), "spec.subject"),
        (anp(subject=RED | {"pods": {}}, ingress=[source("Deny")]), "spec.subject"),
        (anp(subject={"namespaces": {"matchExpressions": [{"key": "a", "operator": "Is"}]}}), "spec.subject"),
        (anp(priority=1001), "spec.priority"),
        (tier_policy("AdminNetworkPolicy", "anp", "v1alpha1", {"subject": RED}), "spec.priority"),
        (cnp(tier="Middle", ingress=[source("Deny")]), "spec.tier"),
        (anp(ingress=[{"action": "Deny"}]), "spec.ingress.0.from"),
        (anp(ingress=[source("Deny", RED | {"pods": {}})]), "spec.ingress.0.from.0"),
        (anp(egress=[target("Deny", {"networks": ["10.0.0.0/99"]})]), "spec.egress.0.to.0.networks.0"),
        (anp(egress=[target("Deny", {"networks": []})]), "spec.egress.0.to.0"),
        (anp(egress=[target("Deny", {"nodes": {"matchExpressions": [{"key": "a"}]}})]), "spec.egress.0.to.0"),
        (anp(ingress=[source("Deny", ports=[{}])]), "spec.ingress.0.ports.0"),
        (anp(ingress=[source("Deny", ports=[{"portNumber": {"port": 0}}])]), "spec.ingress.0.ports.0"),
        (
            anp(ingress=[source("Deny", ports=[{"portNumber": {"protocol": "ICMP", "port": 1}}])]),
            "spec.ingress.0.ports.0",
        ),
        (anp(ingress=[source("Deny", ports=[{"portRange": {"start": 9, "end": 8}}])]), "spec.ingress.0.ports.0"),
        (cnp(ingress=[source("Deny", protocols=[{"tcp": {}, "udp": {}}])]), "spec.ingress.0.protocols.0"),
        (cnp(ingress=[source("Deny", protocols=[{"tcp": {"destinationPort": {}}}])]), "spec.ingress.0.protocols.0"),
        (
            cnp(ingress=[source("Deny", protocols=[{"tcp": {"destinationPort": {"range": {"start": 8, "end": 8}}}}])]),
            "spec.ingress.0.protocols.0",
        ),
    ],
)
def test_what_the_api_server_refuses_is_reported_and_leaves_what_is_blocked_open(made: Object, place: str) -> None:
    """Section 1: the run goes on, and another reading might let through what the other policies block."""
    reach = under(made, DENY_ALL)
    assert reasons(reach) == [(made["metadata"]["name"], place)]
    verdict = ask(reach, *TO_WEB)
    assert (verdict.state, verdict.unseen[0].reason) == (U, Reason.EVALUATION_ERROR)


def test_an_object_that_does_not_fit_its_type_is_left_out_and_reported() -> None:
    reach = under(anp(subject={"namespaces": {"matchExpressions": {}}}), DENY_ALL)
    assert [bad.object.name for bad in reach.cluster.bad if bad.object] == ["anp"]
    assert state(reach, *TO_WEB) == U


def test_two_policies_of_one_name_are_reported() -> None:
    reach = under(anp(priority=1, ingress=[source("Deny")]), anp(priority=2))
    assert (state(reach, *TO_WEB), reasons(reach)) == (B, [("anp", "metadata.name")])


@pytest.mark.parametrize("kind", ["adminnetworkpolicies", "clusternetworkpolicies", "baselineadminnetworkpolicies"])
def test_a_kind_that_was_not_read_leaves_open_what_it_could_change(kind: str) -> None:
    """A baseline decides only where nothing isolates (NET-80)."""
    unread = {f"{kind}.{GROUP}": Outcome.REFUSED}
    expected = B if kind.startswith("baseline") else U
    assert [state(under(*np, unread=unread), *TO_WEB) for np in ((), (DENY_ALL,))] == [U, expected]


def test_unread_namespaces_leave_subjects_and_peers_by_their_labels_open() -> None:
    unread = {"namespaces": Outcome.REFUSED}
    by_name = {"namespaces": {"matchLabels": {"kubernetes.io/metadata.name": "red"}}}
    held = [anp(subject=RED, ingress=[source("Deny")]), anp(subject=by_name, ingress=[source("Deny", BLUE)])]
    held.append(anp(subject=by_name, ingress=[source("Deny")]))
    assert [state(engine(WEB, APP, made, unread=unread), *TO_WEB) for made in held] == [U, U, B]


@pytest.mark.parametrize(
    ("plugin", "admin", "cluster"),
    [
        (profile("cilium"), R, R),
        (profile("kube-network-policies"), B, B),
        (profile("ovn-kubernetes"), B, U),
        (profile("antrea"), B, U),
        (profile("kube-ovn"), B, U),
        (profile("calico"), U, U),
        (UNNAMED, U, U),
        (structs.replace(UNNAMED, enforces=Fact.YES), B, B),
    ],
)
def test_net_78_a_kind_has_effect_only_where_the_plugin_implements_it(
    plugin: CniProfile, admin: State, cluster: State
) -> None:
    """MAP-31: where the user says that policies are enforced, every kind counts."""
    held = (anp(ingress=[source("Deny")]), cnp(ingress=[source("Deny")]))
    assert [state(under(made, plugin=plugin), *TO_WEB) for made in held] == [admin, cluster]


def test_net_78_an_allow_that_perhaps_has_no_effect_overrides_no_networkpolicy() -> None:
    allow = anp(ingress=[source("Allow", BLUE), source("Deny")])
    verdict = ask(under(allow, DENY_ALL, plugin=UNNAMED), *TO_WEB)
    assert (verdict.state, verdict.details) == (U, ("implementer",))
    assert state(under(allow, plugin=UNNAMED), *TO_WEB) == R
    assert state(under(allow, DENY_ALL, plugin=structs.replace(UNNAMED, enforces=Fact.YES)), *TO_WEB) == R
    both = under(allow, cnp(ingress=[source("Deny")]), plugin=profile("antrea"))
    assert state(both, *TO_WEB) == U
    first = under(allow, cnp(priority=20, ingress=[source("Deny")]), plugin=profile("antrea"))
    assert state(first, *TO_WEB) == R


def test_a_verdict_names_the_rule_with_its_tier_and_value() -> None:
    reach = under(anp(egress=[target("Allow", RED, BLUE)]), cnp(tier="Baseline", egress=[target("Deny")]))
    verdict = ask(reach, "red/web", "blue/app")
    (decision,) = verdict.egress.by
    assert (decision.policy.kind, decision.tier, decision.action) == ("AdminNetworkPolicy", "Admin", Action.ALLOW)
    assert decision.path == ("spec", "egress", 0, "to", 1)
    assert reach.evidence(decision).value == '{"namespaces":{"matchLabels":{"team":"blue"}}}'
    blocked = ask(reach, *TO_OUT)
    (decision,) = blocked.egress.by
    assert (decision.policy.kind, decision.tier, decision.rule) == ("ClusterNetworkPolicy", "Baseline", 0)
    assert reach.evidence(decision).value == '{"networks":["0.0.0.0/0"]}'
