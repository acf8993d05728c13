"""Entries, jewels, routes and their severity and ids (EXP-37, -951..969, -972, -979)."""

import random

import pytest
from factory import admin_path, deployment, node, pod, service, slice_of, snapshot, world
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeaudit.edges.contract import Edge
from kubeaudit.graph.build import Graph
from kubeaudit.graph.paths import Route, Searches, entries, jewel_kind, route, routes, searches_from
from kubeaudit.graph.present import matrix
from kubeaudit.proof import Confidence, State
from kubeaudit.refs import ALL_SECRETS, ANONYMOUS, CLUSTER_ADMIN, INTERNET, Facet, Vertex, VertexKind
from kubeaudit.settings import CrownJewel, Limits, Settings, Severity
from kubeaudit.world import World, build

from .made import hop

ENV = Confidence.ENV
IDENTITY = Vertex(VertexKind.CLOUD_IDENTITY, "", "node-identity@aws/a")
API = Vertex(VertexKind.API_SERVER, "", "10.0.0.1:6443")


@pytest.mark.parametrize(
    ("vertex", "kind"),
    [
        (CLUSTER_ADMIN, "cluster-admin"),
        (ALL_SECRETS, "all-secrets"),
        (IDENTITY, "cloud-identity"),
        (Vertex(VertexKind.METADATA, "", "MD-01/x"), "cloud-identity"),
        (API, "api-server"),
        (Vertex(VertexKind.API_SERVER, "", "default/kubernetes", Facet.NET), None),
        (INTERNET, None),
    ],
)
def test_exp_961_969_kinds_of_jewels(vertex: Vertex, kind: str | None) -> None:
    assert jewel_kind(vertex) == kind


def found_in(made: World, graph: Graph | None = None, searches: dict[str, Searches] | None = None) -> list[Route]:
    every = (searches or made.searches).items()
    return [one for name, search in every for one in routes(graph or made.graph, name, search, made.settings)]


def ruled(*edges: Edge, rule: str = "r", state: State = State.YES) -> Route:
    kind = jewel_kind(edges[-1].target)
    assert kind is not None
    return route(rule, edges, state, kind)


@pytest.mark.parametrize(
    ("jewel", "hops", "severity"),
    [
        (CLUSTER_ADMIN, [("EXP-603", Confidence.OBJ)], Severity.CRITICAL),
        (CLUSTER_ADMIN, [("EXP-121", ENV)], Severity.CRITICAL),
        (CLUSTER_ADMIN, [("EXP-122", ENV)], Severity.CRITICAL),
        (CLUSTER_ADMIN, [("EXP-104", ENV)], Severity.HIGH),
        (CLUSTER_ADMIN, [("EXP-104", ENV), ("EXP-119", ENV)], Severity.HIGH),
        (ALL_SECRETS, [("EXP-611", Confidence.OBJ)], Severity.CRITICAL),
        (IDENTITY, [("EXP-314", ENV)], Severity.MEDIUM),
        (API, [("EXP-201", ENV)], Severity.LOW),
    ],
)
def test_exp_37_severity_is_that_of_the_jewel_one_lower_on_assumptions(
    jewel: Vertex, hops: list[tuple[str, Confidence]], severity: Severity
) -> None:
    ends: list[Vertex | str] = [INTERNET, *(f"v{n}" for n in range(len(hops) - 1)), jewel]
    made = tuple(hop(ends[n], ends[n + 1], row=row, confidence=c) for n, (row, c) in enumerate(hops))
    assert ruled(*made).severity is severity


def test_exp_979_ids_are_of_the_ends_routes_of_every_hop() -> None:
    direct = ruled(hop(INTERNET, CLUSTER_ADMIN))
    longer = ruled(hop(INTERNET, "a"), hop("a", CLUSTER_ADMIN), state=State.UNKNOWN)
    other = ruled(hop(INTERNET, CLUSTER_ADMIN), rule="s")
    assert len(direct.id) == 16 and direct.id == longer.id != other.id
    assert direct.route != longer.route and (direct.entry, direct.jewel) == (INTERNET, CLUSTER_ADMIN)


def test_exp_979_ids_survive_a_rollout() -> None:
    def ids(suffix: str) -> set[tuple[str, str]]:
        made = world(admin_path(suffix))
        return {(one.id, one.route) for one in found_in(made)}

    assert ids("7f9c-x1") == ids("8d2b-q9") and len(ids("a")) > 0


def test_exp_951_ranges_are_entries_of_the_internet() -> None:
    limited = service(kind="LoadBalancer", status=[{"ip": "203.0.113.1"}], loadBalancerSourceRanges=["198.51.100.0/24"])
    found = entries(world([limited]).graph)
    assert [v.kind for v in found["internet"]] == [VertexKind.INTERNET, VertexKind.EXTERNAL_CIDR]
    assert found["anonymous"] == (ANONYMOUS,)


def test_exp_972_one_path_per_entry_and_jewel() -> None:
    made = world(admin_path("x"))
    pairs = [(one.entry, one.jewel) for one in routes(made.graph, "internet", made.searches["internet"], made.settings)]
    assert len(pairs) == len(set(pairs)) and (INTERNET, CLUSTER_ADMIN) in pairs


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False))
def test_exp_972_routes_do_not_depend_on_the_order_of_edges(shuffle: random.Random) -> None:
    made = world([*admin_path("x"), node("n1", "aws:///a/i-1")])
    edges = list(made.graph.edges())
    shuffle.shuffle(edges)
    graph = Graph(edges)
    again = {name: searches_from(graph, roots, made.settings) for name, roots in entries(graph).items()}
    assert [(r.id, r.route) for r in found_in(made, graph, again)] == [(r.id, r.route) for r in found_in(made)]


def test_exp_973_cells_and_perf_06_a_bound_is_never_a_none() -> None:
    graph = Graph([hop(INTERNET, "a"), hop("a", "b"), hop("b", CLUSTER_ADMIN), hop("c", ALL_SECRETS)])

    def cells(limit: int) -> dict[tuple[str, str], str]:
        asked = Settings(limits=Limits(max_hops=limit))
        searches = {name: searches_from(graph, roots, asked) for name, roots in entries(graph).items()}
        return {(cell.entry, cell.jewel): cell.state for cell in matrix(graph, searches, {}, asked)}

    assert cells(3)["internet", "cluster-admin"] == "yes"
    assert cells(3)["internet", "all-secrets"] == "none"
    assert cells(2)["internet", "cluster-admin"] == "unknown"
    assert cells(2)["anonymous", "cluster-admin"] == "none"


def test_exp_973_a_path_over_unknown_edges_is_unknown() -> None:
    graph = Graph([hop(INTERNET, "a", state=State.UNKNOWN), hop("a", CLUSTER_ADMIN)])
    (one,) = routes(graph, "internet", searches_from(graph, [INTERNET], Settings()), Settings())
    assert one.state is State.UNKNOWN


def test_a_deployment_in_two_pools_keeps_one_name_in_ids() -> None:
    owner = deployment()
    nodes = [node("n1", "aws:///a/i-1"), node("n2", "gce://p/z/b", "10.0.0.2")]
    front = [service(kind="LoadBalancer", status=[{"ip": "203.0.113.1"}]), slice_of("web", "web-1", "web-2")]
    made = world([*nodes, owner, *front, pod("web-1", owner), pod("web-2", owner, ip="10.1.0.2", place="n2")])
    assert {one.jewel.name for one in found_in(made)} >= {"node-identity@aws/nodes"}


@pytest.mark.parametrize(
    ("kind", "name", "namespace"),
    [("Deployment", "web", "shop"), ("Namespace", "shop", ""), ("ServiceAccount", "default", "shop")],
)
@pytest.mark.parametrize(
    ("severity", "wanted"), [(Severity.CRITICAL, Severity.CRITICAL), (Severity.INFO, Severity.INFO)]
)
def test_exp_968_declared_jewels(kind: str, name: str, namespace: str, severity: Severity, wanted: Severity) -> None:
    asked = Settings(crown_jewels=(CrownJewel(kind, name, namespace, severity),))
    made = build(snapshot(admin_path("x")), asked)
    (one,) = [one for one in found_in(made) if one.jewel_kind == "declared"]
    assert one.jewel.namespace == "shop" and one.severity is wanted
    assert not [
        one
        for one in found_in(
            build(snapshot(admin_path("x")), Settings(crown_jewels=(CrownJewel(kind, "other", namespace),)))
        )
        if one.jewel_kind == "declared"
    ]


def test_exp_37_an_assumption_never_raises_a_severity() -> None:
    edges = (hop(INTERNET, CLUSTER_ADMIN, row="EXP-104", confidence=ENV),)
    assert route("r", edges, State.YES, "declared", Severity.INFO).severity is Severity.INFO
    assert route("r", edges, State.YES, "declared", Severity.LOW).severity is Severity.LOW
