"""From a node to its pods, their tokens, and the identity of its kubelet (EXP-701..705, RBAC-50..53)."""

import pytest
from factory import account, bind, edge, edges, namespace, node, pod, role, rule, snapshot, spec, world

from kubeaudit.graph.paths import searches_from
from kubeaudit.proof import Confidence, State
from kubeaudit.refs import CLUSTER_ADMIN, Facet, Vertex, VertexKind
from kubeaudit.settings import Settings
from kubeaudit.world import build

ROOT = Vertex(VertexKind.NODE, "", "n1", Facet.CTL)
IDENTITY = Vertex(VertexKind.NODE, "", "n1")
POWER = [role("power", rule("*", "*", "*")), bind("power", "power", "sa:shop/default")]
API_TOKEN = {"name": "t", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}


def test_exp_701_and_703_a_node_is_every_pod_on_it_and_no_other() -> None:
    found = world([node("n1"), node("n2"), pod("a"), pod("b", place="n2", labels={"app": "b"}), account()])
    assert edge(found, "EXP-701", source="node/n1").target.key == "all/WorkloadClass@n1.ctl"
    assert [one.target.name for one in edges(found, "EXP-21", source="all/WorkloadClass@n1")] == ["Pod/a"]
    assert edge(found, "EXP-703", source="node/n1").confidence is Confidence.ENV


def test_exp_704_and_rbac_27_the_kubelet_is_a_user_and_in_a_group() -> None:
    found = world([node("n1"), role("r", rule("*", "*", "*")), bind("b", "r", "group:system:nodes")])
    assert searches_from(found.graph, [ROOT], found.settings).state(CLUSTER_ADMIN) is State.YES
    named = Vertex(VertexKind.USER, "", "system:node:n1")
    assert searches_from(found.graph, [named], found.settings).state(CLUSTER_ADMIN) is None, (
        "somebody who only has the name of a node is in none of its groups (RBAC-47)"
    )


@pytest.mark.parametrize(
    ("version", "fields", "handed"),
    [
        ("v1.32.0", {"automountServiceAccountToken": False}, True),
        ("v1.33.0", {"automountServiceAccountToken": False}, False),
        ("v1.33.0", {}, True),
        ("v1.33.0", {"automountServiceAccountToken": False, "volumes": [API_TOKEN]}, True),
        ("", {"automountServiceAccountToken": False}, True),
    ],
)
def test_exp_702_and_rbac_52_tokens_of_its_pods_accounts(version: str, fields: dict[str, object], handed: bool) -> None:
    objects = [namespace(), node("n1"), pod(**spec(**fields)), account(), *POWER]
    found = build(snapshot(objects, server_version=version), Settings())
    assert bool(edges(found, "EXP-702", source="node/n1")) is handed
    assert searches_from(found.graph, [IDENTITY], found.settings).state(CLUSTER_ADMIN) is (
        State.YES if handed else None
    )


@pytest.mark.parametrize("label", ["control-plane", "master"])
def test_exp_705_the_control_plane_holds_the_keys(label: str) -> None:
    found = world([node("n1", "", **{f"node-role_kubernetes_io__{label}": ""})])
    one = edge(found, "EXP-705")
    assert one.source == ROOT and one.target == CLUSTER_ADMIN
    assert not edges(world([node("n1")]), "EXP-705")


def test_exp_21_node_root_is_every_node() -> None:
    objects = [namespace(), node("n1"), pod(), account(), *POWER, role("r", rule("create", "pods")),
               bind("b", "r", "user:jane", space="other"), namespace("other")]  # fmt: skip
    found = world(objects)
    jane = Vertex(VertexKind.USER, "", "jane")
    rows = [hop.row for hop in searches_from(found.graph, [jane], found.settings).path(CLUSTER_ADMIN)]
    assert rows[:3] == ["EXP-603", "EXP-605", "EXP-21"]
