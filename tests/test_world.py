"""The world: everything below it, joined (architecture: one pass)."""

import random

from factory import Object, admin_path, edges, node, pod, snapshot, world
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeaudit.edges.vocabulary import ROWS
from kubeaudit.proof import Confidence, State
from kubeaudit.refs import CLUSTER_ADMIN
from kubeaudit.settings import Settings
from kubeaudit.snapshot import Outcome
from kubeaudit.world import FAMILIES, build

RICH = [
    *admin_path("x"),
    node("n2", "aws:///a/i-1", "203.0.113.7"),
    pod("h", hostNetwork=True, place="n2", ip="10.0.0.2"),
]


def test_exp_31_every_edge_keeps_the_contract() -> None:
    for outcome in (Outcome.COMPLETE, Outcome.REFUSED):
        for resource in (
            "nodes",
            "pods",
            "endpointslices.discovery.k8s.io",
            "clusterroles.rbac.authorization.k8s.io",
            "networkpolicies.networking.k8s.io",
        ):
            for edge in edges(build(snapshot(RICH, {resource: outcome}), Settings())):
                assert edge.row in ROWS and edge.sentence.endswith("."), edge
                assert 0 <= edge.effort <= 7 and edge.source != edge.target
                assert (edge.state is not State.UNKNOWN) or edge.unseen, edge
                assert edge.confidence is not Confidence.HINT


def test_exp_36_versions_are_integers() -> None:
    for text, wanted in (
        ("v1.30.2", (1, 30)),
        ("1.9", (1, 9)),
        ("v1.10.0-eks", (1, 10)),
        ("", None),
        ("vx.y", None),
        ("v1", None),
    ):
        assert build(snapshot([], server_version=text), Settings()).cluster.version() == wanted
    assert (1, 9) < (1, 25) < (2, 0)


def test_one_pass_over_all_families() -> None:
    found = world(RICH)
    assert {edge.row for edge in edges(found)} == {edge.row for family in FAMILIES for edge in family(found.context)}
    assert found.searches["internet"].state(CLUSTER_ADMIN) is State.YES
    assert found.searches is found.searches, "searched once"


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_objects_changes_no_edge(shuffle: random.Random) -> None:
    def shown(objects: list[Object]) -> set[tuple[object, ...]]:
        return {(e.row, e.source, e.target, e.state, e.effort, e.sentence) for e in edges(world(objects))}

    other = list(RICH)
    shuffle.shuffle(other)
    assert shown(other) == shown(RICH)
