"""From Services to the workloads behind them, and what an application flaw opens (EXP-119, -121, -122, NET-57..66)."""

from typing import Any

import pytest
from factory import (
    Object,
    Outcomes,
    calico,
    controller,
    deployment,
    edge,
    edges,
    files,
    ingress,
    named,
    node,
    pod,
    policy,
    service,
    slice_of,
    snapshot,
    states,
    world,
)

from kubeaudit.proof import Confidence, State
from kubeaudit.refs import INTERNET
from kubeaudit.settings import Fact, Facts, Settings
from kubeaudit.snapshot import Outcome

YES, UNKNOWN, BLOCKED = State.YES, State.UNKNOWN, State.BLOCKED
LB = "LoadBalancer"
PUBLIC = [{"ip": "203.0.113.1"}]
SLICES = "endpointslices.discovery.k8s.io"


def endpoint(name: str, **conditions: bool) -> Object:
    return {
        "addresses": ["10.1.0.1"],
        "conditions": conditions,
        "targetRef": {"kind": "Pod", "name": name, "namespace": "shop"},
    }


def behind(objects: list[Object]) -> set[str]:
    return {one.target.name for one in edges(world(objects), "EXP-119")}


def pods(*names: str) -> list[Object]:
    return [pod(name, ip=f"10.1.0.{number + 1}") for number, name in enumerate(names)]


def test_exp_119_ready_endpoints_are_the_proof() -> None:
    found = edge(world([pod(), service(), slice_of("web", "web-1")]), "EXP-119")
    assert found.state is YES and found.confidence is Confidence.OBJ
    assert found.evidence[0].object.kind == "EndpointSlice" and found.evidence[0].value == '"web-1"'
    assert "port 8080" in found.sentence and "NetworkPolicy in shop" in found.fix


@pytest.mark.parametrize(
    ("conditions", "wanted"),
    [
        ({}, {"Pod/a"}),
        ({"ready": True}, {"Pod/a"}),
        ({"ready": False}, set()),
        ({"ready": False, "serving": True, "terminating": True}, {"Pod/a"}),
        ({"ready": False, "serving": False, "terminating": True}, set()),
    ],
)
def test_net_62_conditions(conditions: dict[str, bool], wanted: set[str]) -> None:
    assert behind([*pods("a"), service(), slice_of("web", endpoints=[endpoint("a", **conditions)])]) == wanted


def test_net_62_terminating_endpoints_count_only_where_no_slice_has_a_ready_one() -> None:
    leaving = endpoint("b", ready=False, serving=True, terminating=True)
    first, second = slice_of("web", endpoints=[endpoint("a")]), slice_of("web", name="web-2", endpoints=[leaving])
    assert behind([*pods("a", "b"), service(), first, second]) == {"Pod/a"}
    assert behind([*pods("a", "b"), service(), second]) == {"Pod/b"}


def test_exp_119_addresses_without_a_pod_reference() -> None:
    manual = slice_of("web", endpoints=[{"addresses": ["10.1.0.2"]}])
    assert behind([*pods("a", "b"), service(selector={}), manual]) == {"Pod/b"}
    on_host = [pod("h", ip="10.0.0.1", hostNetwork=True)]
    assert behind([*on_host, service(selector={}), slice_of("web", endpoints=[{"addresses": ["10.0.0.1"]}])]) == set()


def test_net_62_a_live_service_without_endpoints_leads_nowhere() -> None:
    assert behind([pod(), service()]) == set()
    assert behind([pod(), service(), slice_of("web")]) == set()


def test_exp_119_files_fall_back_to_the_selector() -> None:
    found = edge(world(files([deployment(), service()])), "EXP-119")
    assert found.state is YES and found.confidence is Confidence.ENV
    assert found.evidence[0].path == ("spec", "selector")
    assert not edges(world(files([deployment(), service(selector={})])), "EXP-119"), "no selector selects nothing"


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.FAILED, Outcome.UNAUTHORIZED])
def test_exp_33_unread_slices_of_a_cluster_are_unknown(outcome: Outcome) -> None:
    found = edge(world(snapshot([pod(), service()], {SLICES: outcome})), "EXP-119")
    assert found.state is UNKNOWN and found.unseen[0].resource == SLICES


def test_exp_33_a_partial_list_of_slices_is_not_the_whole() -> None:
    objects = [*pods("a"), *[pod("b", labels={"app": "web", "x": "y"})], service(), slice_of("web", "a")]
    found = world(snapshot(objects, {SLICES: Outcome.PARTIAL}))
    assert states(found, "EXP-119", target="Pod/a") == {YES}
    assert states(found, "EXP-119", target="Pod/b") == {UNKNOWN}


def test_exp_33_unread_slices_of_a_service_without_selector_may_name_any_pod() -> None:
    objects = [pod(), pod("far", space="other"), service(selector={})]
    found = world(snapshot(objects, {SLICES: Outcome.REFUSED}))
    assert {(one.target.namespace, one.state) for one in edges(found, "EXP-119")} == {("shop", UNKNOWN)}


def test_net_57_named_target_ports_are_resolved_on_the_class() -> None:
    ports = [{"containerPort": 9000, "name": "http"}, {"containerPort": 53, "name": "http", "protocol": "UDP"}]
    made = deployment(containers=[{"name": "a", "ports": ports}])
    for protocol, number in (("TCP", 9000), ("UDP", 53)):
        front = service(port={"port": 80, "targetPort": "http", "protocol": protocol})
        assert f"port {number} of" in edge(world(files([made, front])), "EXP-119").sentence
    assert not edges(world(files([made, service(port={"port": 80, "targetPort": "other"})])), "EXP-119")
    assert "port 80 of" in edge(world(files([made, service(port={"port": 80})])), "EXP-119").sentence


def test_exp_r10_cluster_ip_is_no_entry() -> None:
    found = world([pod(), service(), slice_of("web", "web-1")])
    assert edges(found, "EXP-119") and not edges(found, target="entry-point")
    assert found.searches["internet"].state(edge(found, "EXP-119").target) is None


def test_exp_r11_a_container_need_not_declare_the_port() -> None:
    found = world(
        [pod(containers=[{"name": "web", "image": "x"}]), service(kind=LB, status=PUBLIC), slice_of("web", "web-1")]
    )
    assert found.searches["internet"].state(edge(found, "EXP-119").target) is YES


def lb(policies: list[Object], **fields: Any) -> list[Object]:
    return [calico(), node(), pod(), service(kind=LB, status=PUBLIC, **fields), slice_of("web", "web-1"), *policies]


def test_exp_r19_a_policy_that_denies_blocks_the_edge_and_is_named() -> None:
    found = edge(world(lb([policy("no-ingress")], externalTrafficPolicy="Local")), "EXP-119")
    assert found.state is BLOCKED
    assert any(item.object.name == "no-ingress" and item.path == ("spec", "podSelector") for item in found.evidence)


def test_net_63_with_policy_cluster_the_pod_may_see_the_node() -> None:
    nodes = policy("nodes", ingress=[{"from": [{"ipBlock": {"cidr": "10.0.0.0/16"}}]}])
    found = edge(world(lb([nodes], externalTrafficPolicy="Cluster")), "EXP-119")
    assert found.state is UNKNOWN and "externalTrafficPolicy Cluster" in found.unseen[0].detail
    assert edge(world(lb([nodes], externalTrafficPolicy="Local")), "EXP-119").state is BLOCKED
    assert edge(world(lb([policy()], externalTrafficPolicy="Cluster")), "EXP-119").state is BLOCKED


def test_exp_119_a_policy_for_some_clients_is_an_assumption() -> None:
    some = policy("some", ingress=[{"from": [{"ipBlock": {"cidr": "203.0.113.0/24"}}]}])
    found = edge(world(lb([some], externalTrafficPolicy="Local")), "EXP-119")
    assert found.state is YES and found.confidence is Confidence.ENV and "203.0.113.0/24" in found.assumptions[0].text


def test_net_66_load_balancer_and_ingress_are_clients_of_their_own() -> None:
    from_controller = policy(
        "controller",
        ingress=[{"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}}]}],
    )
    objects = [*lb([from_controller], externalTrafficPolicy="Local"), *controller(), ingress()]
    found = world(objects)
    by_client = {one.source.name: one.state for one in edges(found, "EXP-119", target="workload/shop")}
    assert by_client == {"web:80@world": BLOCKED, "web:80@ingress/Pod/nginx-1": YES}
    way = found.searches["internet"].path(edge(found, "EXP-119", source="@ingress").target)
    assert [one.row for one in way] == ["EXP-101", "EXP-06", "EXP-119", "EXP-110", "EXP-111", "EXP-119"]


@pytest.mark.parametrize(("fact", "wanted"), [(Fact.YES, {YES}), (Fact.UNKNOWN, {UNKNOWN}), (Fact.NO, set())])
@pytest.mark.parametrize(
    ("name", "row", "facet", "effort"), [("rce", "EXP-121", "ctl", 5), ("ssrf", "EXP-122", "ssrf", 4)]
)
def test_exp_121_122_flaws_are_switches(
    fact: Fact, wanted: set[State], name: str, row: str, facet: str, effort: int
) -> None:
    found = edges(world([pod()], Settings(facts=Facts(**{name: fact}))), row)
    assert {one.state for one in found} == wanted
    for one in found:
        assert one.source.facet == "net" and one.target.facet == facet and one.effort == effort
        assert one.assumptions[0].name == name and bool(one.unseen) is (fact is Fact.UNKNOWN)


@pytest.mark.parametrize(
    "resource",
    ["services", "ingresses.networking.k8s.io", "gateways.gateway.networking.k8s.io", "routes.route.openshift.io"],
)
def test_exp_33_unread_entry_kinds_leave_every_workload_unknown(resource: str) -> None:
    found = world(snapshot([pod()], {resource: Outcome.REFUSED}))
    one = edge(found, "EXP-101", target="workload/shop/Pod/web-1.net")
    assert (one.source, one.state, one.unseen[0].resource) == (INTERNET, UNKNOWN, resource)


def test_exp_33_only_the_namespace_that_was_not_read_is_unknown() -> None:
    reads: Outcomes = {
        "services": Outcome.REFUSED,
        ("services", "shop"): Outcome.COMPLETE,
        ("services", "other"): Outcome.REFUSED,
    }
    found = world(snapshot([pod(), pod("far", space="other")], reads))
    assert {one.target.namespace for one in edges(found, "EXP-101")} == {"other"}


def test_exp_113_what_is_not_followed_yet_is_unknown_never_absent() -> None:
    gateway = named("Gateway", "gateway.networking.k8s.io/v1", "edge")
    one = edge(world([pod(), gateway]), "EXP-101", target="workload")
    assert one.state is UNKNOWN and "not followed" in one.unseen[0].detail
