"""The search against brute force; its bounds, states and determinism (EXP-971..973, PERF-06)."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from kubeaudit.edges.contract import Edge
from kubeaudit.graph.build import Graph
from kubeaudit.graph.paths import Searches
from kubeaudit.graph.search import Tree, Walk, backward, forward
from kubeaudit.proof import State

from .made import ROWS, hop, vertex

NAMES = "abcdefg"
FAR = 64
_edges = st.lists(
    st.builds(
        hop,
        st.sampled_from(NAMES),
        st.sampled_from(NAMES),
        st.sampled_from((0, 0, 1, 1, 2, 5)),
        st.sampled_from(tuple(State)),
        st.sampled_from(ROWS),
    ),
    max_size=18,
)


def brute(edges: list[Edge], root: str, states: set[State], longest: int = 8) -> dict[str, tuple[int, int]]:
    """The cheapest (effort, hops) of every vertex by walking every simple path."""
    best = {root: (0, 0)}
    ways: list[tuple[tuple[int, int], tuple[str, ...]]] = [((0, 0), (root,))]
    while ways:
        (effort, hops), path = ways.pop()
        for edge in edges:
            name = edge.target.name
            if edge.source.name == path[-1] and edge.state in states and name not in path and hops < longest:
                cost = (effort + edge.effort, hops + 1)
                best[name] = min(best.get(name, cost), cost)
                ways.append((cost, (*path, name)))
    return best


@settings(max_examples=150, deadline=None)
@given(_edges, st.booleans())
def test_exp_971_search_equals_brute_force(edges: list[Edge], unknown: bool) -> None:
    edges = [*edges, hop("a", "b", 5)]
    states = {State.YES, State.UNKNOWN} if unknown else {State.YES}
    tree = forward(Graph(edges), [vertex("a")], Walk(unknown, FAR))
    wanted = brute(edges, "a", states)
    assert {v.name: tree.cost(v) for v in tree.reached()} == wanted
    for name, (effort, hops) in wanted.items():
        path = tree.path(vertex(name))
        assert (sum(e.effort for e in path), len(path)) == (effort, hops)
        ends = ["a", *(e.target.name for e in path)]
        assert [e.source.name for e in path] == ends[:-1] and ends[-1] == name
        assert all(e.state in states for e in path), "a blocked edge is never walked"


@settings(max_examples=60, deadline=None)
@given(_edges, st.booleans())
def test_exp_971_backward_is_forward_turned_round(edges: list[Edge], unknown: bool) -> None:
    edges = [*edges, hop("a", "b")]
    graph = Graph(edges)
    tree = backward(graph, [vertex("b")], Walk(unknown, FAR))
    for name in NAMES:
        ahead = forward(graph, [vertex(name)], Walk(unknown, FAR))
        assert tree.cost(vertex(name)) == ahead.cost(vertex("b"))
        if vertex(name) in tree and name != "b":
            path = tree.path(vertex(name))
            assert path[0].source.name == name and path[-1].target.name == "b"


@settings(max_examples=100, deadline=None)
@given(_edges, st.integers(0, 5), st.randoms(use_true_random=False))
def test_exp_972_paths_do_not_depend_on_the_order_of_edges(
    edges: list[Edge], hops: int, shuffle: random.Random
) -> None:
    edges = list(dict.fromkeys([*edges, hop("a", "b")]))
    other = edges[:]
    shuffle.shuffle(other)
    first, second = (forward(Graph(e), [vertex("a")], Walk(True, hops + 3)) for e in (edges, other))
    assert set(first.reached()) == set(second.reached())
    for found in first.reached():
        assert [(e.row, e.source, e.target) for e in first.path(found)] == [
            (e.row, e.source, e.target) for e in second.path(found)
        ]
        assert first.cost(found) == second.cost(found)
    assert first.cut is second.cut


def test_exp_972_ties_go_to_the_row_then_to_the_vertex() -> None:
    by_row = [hop("a", "z", row="EXP-603"), hop("a", "z", row="EXP-101")]
    assert forward(Graph(by_row), [vertex("a")], Walk(False, 9)).path(vertex("z"))[0].row == "EXP-101"
    by_vertex = [hop("a", "c"), hop("c", "z"), hop("a", "b"), hop("b", "z")]
    path = forward(Graph(by_vertex), [vertex("a")], Walk(False, 9)).path(vertex("z"))
    assert path[0].target.name == "b"


def test_exp_973_unknown_edges_only_where_asked() -> None:
    graph = Graph([hop("a", "b", state=State.UNKNOWN), hop("b", "c"), hop("a", "d", state=State.BLOCKED)])
    assert vertex("c") not in forward(graph, [vertex("a")], Walk(False, 9))
    possible = forward(graph, [vertex("a")], Walk(True, 9))
    assert vertex("c") in possible and vertex("d") not in possible


def test_perf_06_a_bound_that_kept_something_back_is_told() -> None:
    chain = Graph([hop("a", "b"), hop("b", "c"), hop("c", "d")])
    short = forward(chain, [vertex("a")], Walk(False, 2))
    assert vertex("c") in short and vertex("d") not in short and short.cut
    assert not forward(chain, [vertex("a")], Walk(False, 3)).cut
    blocked = Graph([hop("a", "b"), hop("b", "c", state=State.BLOCKED)])
    assert not forward(blocked, [vertex("a")], Walk(True, 1)).cut


def test_perf_06_a_cheap_long_way_that_hides_a_short_one_is_told() -> None:
    graph = Graph([hop("a", "b", 0), hop("b", "c", 0), hop("a", "c", 5), hop("c", "d", 0)])
    tree = forward(graph, [vertex("a")], Walk(False, 2))
    assert vertex("d") not in tree and tree.cut


def test_roots_that_are_not_there_and_vertices_that_are_not_reached() -> None:
    graph = Graph([hop("a", "b")])
    tree = forward(graph, [vertex("nowhere")], Walk(True, 9))
    assert list(tree.reached()) == [] and vertex("nowhere") not in tree
    assert forward(graph, [vertex("a")], Walk(True, 9)).path(vertex("a")) == ()
    try:
        tree.path(vertex("b"))
    except KeyError as error:
        assert error.args == (vertex("b"),)
    else:
        raise AssertionError("a path to what was not reached")


def test_exp_23_mutual_compromise_groups() -> None:
    graph = Graph([hop("a", "b"), hop("b", "a"), hop("b", "c"), hop("c", "d", state=State.UNKNOWN), hop("d", "c")])
    assert graph.compromise_groups() == [(vertex("a"), vertex("b"))]
    assert graph.size() == (4, 5)


def test_searches_over_unknown_edges_are_made_when_they_are_asked_for() -> None:
    """EXP-971: where yes edges lead to all that is asked, nothing else is searched."""
    made: list[bool] = []
    graph = Graph([hop("a", "b"), hop("b", "c", state=State.UNKNOWN)])

    def search(unknown: bool) -> Tree:
        made.append(unknown)
        return forward(graph, [vertex("a")], Walk(unknown, 9))

    found = Searches(search)
    assert (found.state(vertex("b")), made) == (State.YES, [False])
    assert (found.state(vertex("c")), found.state(vertex("b")), made) == (State.UNKNOWN, State.YES, [False, True])
