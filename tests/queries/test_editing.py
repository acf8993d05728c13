"""The edits that hops propose, made on RBAC objects."""

from typing import Any

import pytest

from kubeaudit.edges.contract import Edge
from kubeaudit.model.cluster import Cluster
from kubeaudit.model.objects.rbac import PolicyRule
from kubeaudit.proof import Confidence, Evidence, State, field
from kubeaudit.queries.editing import edited, edits, without_subject
from kubeaudit.refs import ObjectRef, Vertex, VertexKind
from kubeaudit.world import with_rbac_of
from tests import factory
from tests.rbac.objects import account, binding, policy, role, rule

from .asking import API, access, deployment, world

ROLE = ObjectRef("ClusterRole", "", "r", API)
BINDING = ObjectRef("RoleBinding", "shop", "b", API)
MADE = access(
    role("r", rule("get", "pods"), rule("get list create", "secrets pods")),
    binding("b", "ClusterRole/r", "User:jane", "Group:dev", namespace="shop"),
)


def edge(fix: str, *evidence: Evidence) -> Edge:
    vertex = Vertex(VertexKind.USER, "", "jane")
    return Edge("EXP-603", vertex, vertex, State.YES, Confidence.OBJ, 0, "", evidence, (), (), fix)


def at(ref: ObjectRef, *path: Any) -> Evidence:
    return field(ref, path, {})


def rules(found: Cluster | None) -> tuple[PolicyRule, ...]:
    assert found is not None
    return found.cluster_roles[0].rules


def test_a_subject_is_taken_out_of_its_binding_and_nothing_else_changes() -> None:
    made = edge("RoleBinding shop/b: remove subject User jane", at(BINDING, "roleRef"), at(BINDING, "subjects", 0))
    found = edited(MADE.cluster, made)
    assert found is not None
    assert [subject.name for subject in found.role_bindings[0].subjects] == ["dev"]
    assert found.cluster_roles == MADE.cluster.cluster_roles
    assert "name: jane" not in without_subject(MADE.cluster, made)
    assert "name: dev" in without_subject(MADE.cluster, made)


def test_verbs_are_taken_out_of_a_rule_for_one_resource_and_other_rules_keep_their_numbers() -> None:
    made = edge("ClusterRole r: remove get and list on secrets from rules[1]", at(ROLE, "rules", 1))
    assert rules(edited(MADE.cluster, made)) == (
        policy("get", "pods"),
        policy("create", "secrets pods"),
        policy("get list", "pods"),
    )


def test_a_rule_that_is_to_be_narrowed_to_what_is_needed_goes_whole() -> None:
    made = edge("ClusterRole r: list the verbs and resources that are needed in rules[0]", at(ROLE, "rules", 0))
    assert rules(edited(MADE.cluster, made))[0] == PolicyRule()


@pytest.mark.parametrize(
    "made",
    [
        edge("ClusterRole r: remove watch on secrets from rules[1]", at(ROLE, "rules", 1)),
        edge("ClusterRole r: remove get on secrets from rules[7]", at(ROLE, "rules", 7)),
        edge("ClusterRole gone: remove get on pods from rules[0]", at(ROLE, "rules", 0)),
        edge("Deployment shop/web: spec.hostNetwork false", at(ObjectRef("Deployment", "shop", "web", "apps"), "spec")),
        edge(
            "RoleBinding shop/gone: remove subject User jane",
            at(ObjectRef("RoleBinding", "shop", "gone", API), "subjects", 0),
        ),
    ],
)
def test_what_cannot_be_said_in_roles_and_bindings_is_no_such_edit(made: Edge) -> None:
    assert edited(MADE.cluster, made) is None
    assert without_subject(MADE.cluster, made) == ""


def test_a_hop_that_rests_on_bindings_is_closed_by_its_own_edit_and_by_taking_a_subject_out() -> None:
    made = edge("ClusterRole r: remove get on pods from rules[0]", at(BINDING, "subjects", 1), at(ROLE, "rules", 0))
    assert [each.fix for each in edits(MADE, made)] == [
        "ClusterRole r: remove get on pods from rules[0]",
        "RoleBinding shop/b: remove subject Group dev",
    ]
    assert list(edits(MADE, edge(""))) == []


def test_a_world_of_the_same_roles_and_bindings_has_the_same_edges() -> None:
    made = world(
        account("shop", "app"),
        deployment("shop", "web", "app"),
        role("r", rule("*", "*", "*")),
        binding("b", "ClusterRole/r", "ServiceAccount:shop/app"),
    )
    assert list(with_rbac_of(made, made.cluster).graph.edges()) == list(made.graph.edges())
    without = factory.world([account("shop", "app"), deployment("shop", "web", "app"), role("r", rule("*", "*", "*"))])
    assert list(with_rbac_of(made, without.cluster).graph.edges()) == list(without.graph.edges())
