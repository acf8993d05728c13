"""Answers of ``kubeaudit reach``: verdicts by port segment, with the object, field and value that decide."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from kubeaudit.errors import UsageError
from kubeaudit.network.plugin.cni import profile
from kubeaudit.network.ports import FIRST, LAST, PROTOCOLS
from kubeaudit.network.reach import Basis
from kubeaudit.proof import dotted
from kubeaudit.queries.ends import Pods
from kubeaudit.queries.reach import Segment, answer
from tests.factory import deployment, namespace, node, policy, service, slice_of
from tests.network.loading import load
from tests.network.naive.world import World
from tests.network.worlds import PORTS, worlds

from .connections import B, R, U, ask, context, of, pod

TCP80 = ("TCP", 80, 80)
WEB, API = pod("web"), pod("api")
FROM_WEB = {"from": [{"podSelector": {"matchLabels": {"app": "web"}}}], "ports": [{"port": 80}]}


def _one(*objects: Any, source: str = "shop/web", target: str = "shop/api", **asked: Any) -> Segment:
    found = ask(context(*objects, **asked), source, target, TCP80)
    (segment,) = found.connections[0].segments
    return segment


def _shown(segment: Segment) -> list[tuple[str, str, str]]:
    return [(str(proof.object), dotted(proof.path), proof.value) for proof in segment.proof]


def test_a_rule_that_lets_pass_is_named_with_its_field_and_value() -> None:
    segment = _one(WEB, API, policy("api", ingress=[FROM_WEB]))
    assert segment.state is R
    assert ("NetworkPolicy shop/api", "spec.ingress[0].from[0]", '{"podSelector":{"matchLabels":{"app":"web"}}}') in (
        _shown(segment)
    )


def test_an_isolation_is_named_with_its_selector() -> None:
    segment = _one(WEB, API, policy("deny"))
    assert segment.state is B
    assert ("NetworkPolicy shop/deny", "spec.podSelector", "{}") in _shown(segment)
    assert [str(ref) for ref in segment.verdict.ingress.isolating] == ["NetworkPolicy shop/deny"]


def test_what_nothing_enforces_is_reachable_and_says_what_would_block_it() -> None:
    """NET-71, V-4."""
    segment = _one(WEB, API, policy("deny"), plugin=profile("none"))
    assert (segment.state, [str(d.policy) for d in segment.verdict.would_block_by]) == (R, ["NetworkPolicy shop/deny"])


def test_what_is_not_known_says_what_would_settle_it() -> None:
    """V-5: a refused list of policies, and an address that a manifest does not have."""
    from kubeaudit.snapshot import Outcome

    unread = {"networkpolicies.networking.k8s.io": Outcome.REFUSED}
    segment = _one(WEB, API, outcomes=unread)
    assert (segment.state, segment.edits) == (U, ())
    assert any("networkpolicies" in text for text in segment.verdict.settle_by)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(world=worlds())
def test_segments_are_a_partition_of_all_ports_with_the_verdicts_of_the_engine(world: World) -> None:
    """V-6: every port of every family stands in one segment, and there it has the verdict of that packet."""
    reach = load(world)
    found = of(reach.cluster, reach.cni)
    for number, one in enumerate(reach.cluster.pods[:3]):
        for other, two in enumerate(reach.cluster.pods[:3]):
            if -1 in (one.cls, two.cls):
                continue
            source, target = Pods("a", (one.cls,), number), Pods("b", (two.cls,), other)
            for family in ("IPv4", "IPv6"):
                said = answer(found, source, target, family=family)
                segments = [segment for connection in said.connections for segment in connection.segments]
                for protocol in PROTOCOLS:
                    spans = sorted((first, last) for s in segments for name, first, last in s.ports if name == protocol)
                    assert (spans[0][0], spans[-1][1]) == (FIRST, LAST)
                    assert all(last + 1 == first for (_, last), (first, _) in pairwise(spans))
                for protocol, port in PORTS:
                    (segment,) = (s for s in segments if any(p == protocol and a <= port <= z for p, a, z in s.ports))
                    assert segment.verdict == reach.packet(number, other, protocol, port, family)


def test_only_the_ports_that_are_asked_for_are_answered() -> None:
    found = ask(context(WEB, API, policy("api", ingress=[FROM_WEB])), "shop/web", "shop/api", ("TCP", 79, 81))
    (connection,) = found.connections
    assert [(s.state, s.ports) for s in connection.segments] == [
        (R, (("TCP", 80, 80),)),
        (B, (("TCP", 79, 79), ("TCP", 81, 81))),
    ]


def test_pairs_with_equal_verdicts_are_one_connection() -> None:
    """AGG-2."""
    found = ask(
        context(WEB, API, pod("db"), policy("api", podSelector={"matchLabels": {"app": "api"}})), "shop/*", "shop/*"
    )
    assert {(c.sources, c.targets) for c in found.connections} >= {
        (("Pod shop/web", "Pod shop/db"), ("Pod shop/api",)),
    }
    assert sum(len(c.sources) * len(c.targets) for c in found.connections) == 9


def test_two_pods_of_one_class_are_judged_by_policies_a_single_one_by_itself() -> None:
    """NET-53."""
    owner = deployment("api")
    pods = [pod(f"api-{n}", owner=owner, labels={"app": "api"}) for n in (1, 2)]
    both = context(owner, *pods, policy())
    assert ask(both, "shop/api", "shop/api", TCP80).state is B
    assert ask(both, "pod/api-1", "pod/api-1", TCP80).state is R
    assert ask(both, "pod/api-1", "shop/api", TCP80).state is B
    assert ask(context(owner, pods[0], policy()), "shop/api", "shop/api", TCP80).state is R


def test_a_host_network_pod_reaches_the_pods_of_its_node_and_no_others() -> None:
    """NET-44, NET-45: of a workload the pod on the same node is the one that counts."""
    owner = deployment("api")
    agent = pod("agent", hostNetwork=True, ip="10.0.0.1", place="n1")
    near, far = (pod(f"api-{n}", owner=owner, labels={"app": "api"}, place=n) for n in ("n1", "n2"))
    found = context(node("n1"), node("n2", "", "10.0.0.2"), owner, agent, near, far, policy())
    assert ask(found, "pod/agent", "shop/api", TCP80).state is R
    assert [ask(found, "pod/agent", f"pod/api-{n}", TCP80).state for n in ("n1", "n2")] == [R, B]
    assert [ask(found, f"node/{n}", "pod/api-n1", TCP80).state for n in ("n1", "n2")] == [R, B]


def test_a_range_is_cut_where_verdicts_differ() -> None:
    """AGG-3: named by the addresses each verdict holds for, within the range that was asked for."""
    block = {"from": [{"ipBlock": {"cidr": "203.0.113.0/25"}}]}
    found = ask(context(WEB, policy("web", ingress=[block])), "203.0.113.64/26", "shop/web", TCP80)
    assert [(c.sources, c.segments[0].state) for c in found.connections] == [(("203.0.113.64/26",), R)]
    wide = ask(context(WEB, policy("web", ingress=[block])), "203.0.112.0/23", "shop/web", TCP80)
    assert {(c.sources, c.segments[0].state) for c in wide.connections} == {
        (("203.0.113.0/25",), R),
        (("203.0.112.0/24, 203.0.113.128/25",), B),
    }


def test_own_nodes_inside_a_range_are_told_apart() -> None:
    """NET-44: a range is not blocked as a whole where the pod's own node lies in it."""
    found = context(node("n1"), node("n2", "", "10.0.0.2"), pod("web", place="n1"), policy())
    said = ask(found, "10.0.0.0/24", "shop/web", TCP80)
    told = {c.sources[0]: c.segments[0].state for c in said.connections}
    assert told == {"10.0.0.0/24": B, "own nodes (10.0.0.1)": R}
    assert said.state is R


def test_the_internet_and_the_ways_it_has() -> None:
    """EXP-101..119: policies may let it in while nothing leads there."""
    objects = [namespace(), node(), pod("web", ip="10.1.0.1")]
    hidden = ask(context(*objects), "internet", "shop/web")
    assert (hidden.state, hidden.ways) == (R, ())
    balancer = service(kind="LoadBalancer", status=[{"ip": "203.0.113.1"}])
    shown = ask(context(*objects, balancer, slice_of("web", "web")), "internet", "shop/web")
    assert shown.ways is not None
    assert any("Service shop/web port 80" in step for step in shown.ways[0].steps)
    assert ask(context(*objects), "shop/web", "internet").ways is None


SERVICE = [namespace(), node(), pod("web", ip="10.1.0.1"), API, service(clusterIP="10.96.0.10"), slice_of("web", "web")]


def test_a_service_is_its_pods_on_their_ports() -> None:
    """NET-23, NET-57: a rule for the Service's port allows nothing, one for the pod's does."""
    for port, state in ((80, B), (8080, R)):
        allow = policy("web", ingress=[{"ports": [{"port": port}]}])
        found = ask(context(*SERVICE, allow), "shop/api", "service/shop/web")
        assert (found.state, found.connections[0].segments[0].ports) == (state, (TCP80,))
    assert found.connections[0].targets == ("Service shop/web, to Pod shop/web port 8080",)
    closed = ask(context(*SERVICE, policy("web")), "shop/api", "service/shop/web").connections[0].segments[0].edits[0]
    rule = closed.changes[0].value["spec"]["ingress"][0]
    assert rule["ports"] == [{"protocol": "TCP", "port": 8080}]
    assert ask(context(*SERVICE), "internet", "service/shop/web").state is R


def test_a_service_without_ready_pods_is_not_reachable() -> None:
    """NET-57, NET-62; a list of slices that was not read may hold some."""
    from kubeaudit.snapshot import Outcome

    empty = [item for item in SERVICE if item["kind"] != "EndpointSlice"]
    found = ask(context(*empty), "shop/api", "service/shop/web")
    assert (found.state, found.connections[0].segments[0].verdict.details) == (B, ("no_endpoint",))
    blind = [item for item in empty if item["metadata"]["name"] != "web" or item["kind"] == "Service"]
    unread = {"endpointslices.discovery.k8s.io": Outcome.REFUSED}
    assert ask(context(*blind, outcomes=unread), "shop/api", "service/shop/web").state is U


def test_a_pod_that_calls_itself_through_its_service_may_be_judged() -> None:
    """NET-54."""
    found = ask(context(*SERVICE, policy()), "shop/web", "service/shop/web")
    assert (found.state, found.connections[0].segments[0].verdict.details) == (U, ("hairpin",))


@pytest.mark.parametrize(("plugin", "state"), [(profile("calico"), B), (None, U)])
def test_a_rule_for_the_address_of_a_service(plugin: Any, state: Any) -> None:
    """NET-58: with a known plugin it allows nothing towards the backends, else it is not defined."""
    from msgspec import structs

    from kubeaudit.settings import Fact

    nameless = structs.replace(profile("kube-network-policies"), name="", enforces=Fact.YES)
    rule = {"to": [{"ipBlock": {"cidr": "10.96.0.0/12"}}]}
    objects = [
        *SERVICE,
        policy("out", podSelector={"matchLabels": {"app": "api"}}, policyTypes=["Egress"], egress=[rule]),
    ]
    found = ask(context(*objects, plugin=plugin or nameless), "shop/api", "service/shop/web")
    verdict = found.connections[0].segments[0].verdict
    assert (verdict.state, verdict.details) == (state, ("dnat",))
    assert plugin is not None or verdict.basis == (Basis.UNDEFINED,)


def test_addresses_that_somebody_wrote_into_a_service() -> None:
    """NET-60, NET-61."""
    made = slice_of("web", endpoints=[{"addresses": ["203.0.113.7"]}])
    objects = [API, service(selector={}), made, policy("out", policyTypes=["Egress"])]
    found = ask(context(*objects), "shop/api", "service/shop/web")
    assert (found.state, found.connections[0].targets) == (B, ("Service shop/web, to 203.0.113.7",))
    name = service("web", "ExternalName", externalName="db.example")
    with pytest.raises(UsageError, match=r"DNS name for db\.example"):
        ask(context(API, name), "shop/api", "service/shop/web")


def test_metadata_is_judged_by_policies_and_by_what_stands_beside_them() -> None:
    """NET-145, NET-146: the hop limit is not visible, so an open way is not known; a closed one is closed."""
    aws = node("n1", "aws:///eu/i-1")
    found = ask(context(aws, WEB), "shop/web", "metadata")
    assert {(s.state, s.verdict.state) for c in found.connections for s in c.segments} == {(U, R)}
    assert all(s.unseen for c in found.connections for s in c.segments)
    assert any("169.254.169.254" in target for c in found.connections for target in c.targets)
    rule = {"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.169.254/32"]}}]}
    closed = context(aws, WEB, policy("out", policyTypes=["Egress"], egress=[rule]))
    assert ask(closed, "shop/web", "metadata").state is B


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("internet", "10.0.0.0/8", "neither internet nor 10"),
        ("metadata", "shop/web", "opens no connections"),
        ("service/shop/web", "shop/web", "opens no connections"),
    ],
)
def test_questions_that_no_policy_answers(source: str, target: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ask(context(*SERVICE), source, target)


def test_too_many_pairs_are_refused_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubeaudit.queries.reach.MOST_PAIRS", 3)
    with pytest.raises(UsageError, match="2 sources and 2 destinations"):
        ask(context(WEB, API), "shop/*", "shop/*")


def test_families_with_equal_verdicts_are_one_segment_and_others_are_not() -> None:
    """NET-42."""
    objects = [pod("web", ips=["10.1.0.1", "fd00::1"]), pod("api", ips=["10.1.0.2", "fd00::2"])]
    equal = ask(context(*objects), "shop/web", "shop/api")
    assert [segment.families for segment in equal.connections[0].segments] == [("IPv4", "IPv6")]
    allow = policy("api", ingress=[{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}])
    apart = ask(context(*objects, allow), "shop/web", "shop/api", TCP80)
    assert [(s.families, s.state) for s in apart.connections[0].segments] == [(("IPv4",), R), (("IPv6",), B)]
    only = ask(context(*objects, allow), "shop/web", "shop/api", TCP80, family="IPv6")
    assert [s.families for s in only.connections[0].segments] == [("IPv6",)]


def test_a_finished_pod_takes_part_in_no_connection() -> None:
    """NET-70."""
    found = context(pod("done", phase="Succeeded"), API, WEB)
    for target in ("shop/api", "internet", "10.0.0.0/8", "203.0.113.9", "pod/web"):
        said = ask(found, "pod/done", target, TCP80)
        assert said.state is B
        assert {s.verdict.details for c in said.connections for s in c.segments} == {("finished",)}
    with pytest.raises(UsageError, match="has finished"):
        ask(found, "pod/done", "metadata")


def test_ends_without_a_family_in_common_are_not_connected() -> None:
    """NET-42: a pod without an IPv6 address opens no IPv6 connection; an IPv4 address is never judged as IPv6."""
    found = context(WEB, API)
    (segment,) = ask(found, "shop/web", "2001:db8::1", TCP80).connections[0].segments
    assert (segment.state, segment.families, segment.verdict.basis) == (B, ("IPv6",), (Basis.NO_ADDRESS,))
    assert ask(found, "shop/web", "203.0.113.9", TCP80, family="IPv6").connections == ()
    (segment,) = ask(found, "shop/web", "shop/api", TCP80, family="IPv6").connections[0].segments
    assert (segment.state, segment.verdict.basis, segment.edits) == (B, (Basis.NO_ADDRESS,), ())


def test_nodes_are_judged_where_policies_of_nodes_concern_them() -> None:
    """Section 2 and NET-125: ``reach node/a node/b``, and a pod towards a node; else no policy judges two nodes."""
    group = "projectcalico.org/v3"
    guarded = {
        "apiVersion": group,
        "kind": "HostEndpoint",
        "metadata": {"name": "n1", "labels": {"role": "node"}},
        "spec": {"node": "n1", "interfaceName": "*"},
    }
    rule = {"action": "Allow", "source": {"nets": ["10.0.0.2/32"]}}
    policies = {
        "apiVersion": group,
        "kind": "GlobalNetworkPolicy",
        "metadata": {"name": "into"},
        "spec": {"selector": "role == 'node'", "types": ["Ingress"], "ingress": [rule]},
    }
    nodes = (node("n1", "", "10.0.0.1"), node("n2", "", "10.0.0.2"), node("n3", "", "10.0.0.3"), WEB)
    found = context(*nodes, guarded, policies, plugin=profile("calico"))
    sources = ("node/n2", "node/n3", "shop/web")
    answers = [ask(found, source, "node/n1", TCP80) for source in sources]
    assert [one.state for one in answers] == [R, B, U]
    first, second, third = (one.connections[0].segments[0] for one in answers)
    assert [edit.text for edit in first.edits] == [
        "Narrow what lets it pass: spec.ingress[0].source of GlobalNetworkPolicy into."
    ]
    assert ("GlobalNetworkPolicy into", "spec.selector", "\"role == 'node'\"") in _shown(second)
    assert [edit.text for edit in second.edits] == ["Add a rule for Node n3 10.0.0.3 to GlobalNetworkPolicy into."]
    assert third.verdict.details == ("own_node",)
    with pytest.raises(UsageError):
        ask(found, "node/n2", "node/n3", TCP80)
