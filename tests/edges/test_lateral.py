"""From workload to workload over the pod network, without an edge for every pair (EXP-123, EXP-124, NET-45)."""

from typing import Any

from factory import Object, calico, node, pod, policy, service, slice_of, world

from kubeaudit.edges.context import workload
from kubeaudit.edges.contract import Edge
from kubeaudit.proof import Confidence, State
from kubeaudit.refs import Facet, Vertex, VertexKind
from kubeaudit.world import World

YES, UNKNOWN = State.YES, State.UNKNOWN


def steps(found: World, source: str, target: str, facet: Facet = Facet.CTL) -> list[tuple[Edge, Edge]]:
    """The pairs of edges by which one workload leads to another."""
    by_name = {cls.name: cls for cls in found.cluster.classes}
    end = workload(by_name[target], Facet.NET)
    return [
        (first, second)
        for first in found.graph.out_edges(workload(by_name[source], facet))
        if first.target.kind is VertexKind.POD_NETWORK
        for second in found.graph.out_edges(first.target)
        if second.target == end
    ]


def states(found: World, source: str, target: str, facet: Facet = Facet.CTL) -> set[State]:
    return {first.state for first, _ in steps(found, source, target, facet)}


def three(*more: Object) -> World:
    return world([*(app(name, f"10.1.0.{number}") for number, name in enumerate(("web-1", "api-1", "db-1"), 1)), *more])


def app(name: str, ip: str, **fields: Any) -> Object:
    return pod(name, ip=ip, labels={"app": name}, **fields)


def test_without_policies_everything_leads_to_everything_through_one_vertex() -> None:
    found = three(calico())
    assert states(found, "Pod/web-1", "Pod/db-1") == {YES}
    assert states(found, "Pod/db-1", "Pod/web-1", Facet.SSRF) == {YES}
    hubs = {v for v in found.graph.vertices() if v.kind is VertexKind.POD_NETWORK}
    assert hubs == {Vertex(VertexKind.POD_NETWORK, "kube-system", "DaemonSet/calico-node:tcp")}


def test_a_step_shows_both_sides_and_what_cuts_it() -> None:
    peer = {"from": [{"podSelector": {"matchLabels": {"app": "api-1"}}}]}
    only_api = policy("db", podSelector={"matchLabels": {"app": "db-1"}}, ingress=[peer])
    found = three(calico(), only_api)
    assert states(found, "Pod/web-1", "Pod/db-1") == set()
    ((out, into),) = steps(found, "Pod/api-1", "Pod/db-1")
    assert (out.row, out.effort, into.row, into.effort) == ("EXP-123", 1, "EXP-21", 0)
    assert out.evidence[0].absent and "NetworkPolicy in shop" in out.fix
    assert (str(into.evidence[0].object), into.evidence[0].path) == (
        "NetworkPolicy shop/db",
        ("spec", "ingress", 0, "from", 0),
    )
    assert "8080" in into.sentence


def test_only_ports_that_are_listened_on_count() -> None:
    elsewhere = policy("db", podSelector={"matchLabels": {"app": "db-1"}}, ingress=[{"ports": [{"port": 9999}]}])
    assert states(three(calico(), elsewhere), "Pod/web-1", "Pod/db-1") == set()
    sends = service("db", selector={"app": "db-1"}, port={"port": 80, "targetPort": 9999, "protocol": "TCP"})
    assert states(three(calico(), elsewhere, sends), "Pod/web-1", "Pod/db-1") == {YES}


def test_a_pod_that_declares_no_port_may_listen_on_any() -> None:
    silent = app("silent", "10.1.0.9")
    for container in silent["spec"]["containers"]:
        container.pop("ports", None)
    ((_, into),) = steps(three(calico(), silent), "Pod/web-1", "Pod/silent")
    assert into.confidence is Confidence.ENV and [a.name for a in into.assumptions] == ["listens"]


def test_what_policies_would_stop_is_unknown_where_it_is_not_known_that_they_hold() -> None:
    found = three(policy())
    assert states(found, "Pod/web-1", "Pod/db-1") == {UNKNOWN}
    assert all(edge.unseen for pair in steps(found, "Pod/web-1", "Pod/db-1") for edge in pair)


def test_net_45_a_host_network_pod_reaches_the_pods_of_its_own_node() -> None:
    here, there = node("n1", "", "192.0.2.1"), node("n2", "", "192.0.2.2")
    agent = app("agent", "192.0.2.1", hostNetwork=True)
    near, far = app("near", "10.1.0.8"), app("far", "10.1.0.9", place="n2")
    found = world([calico(), here, there, agent, near, far, policy()])
    assert states(found, "Pod/agent", "Pod/near") == {YES}
    assert states(found, "Pod/agent", "Pod/far") == set()


def test_exposure_is_not_inherited_over_the_pod_network() -> None:
    entry = service("entry", "LoadBalancer", selector={"app": "web-1"}, status=[{"ip": "203.0.113.1"}])
    found = three(calico(), entry, slice_of("entry", "web-1"))
    by_name = {cls.name: workload(cls, Facet.NET) for cls in found.cluster.classes}
    behind = [name for name, vertex in by_name.items() if found.exposed.state(vertex) is YES]
    beyond = [name for name, vertex in by_name.items() if found.searches["internet"].state(vertex) is YES]
    assert behind == ["Pod/web-1"] and {"Pod/web-1", "Pod/api-1", "Pod/db-1"} <= set(beyond)
