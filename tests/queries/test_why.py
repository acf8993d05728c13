"""RBAC-77, -85, EXP-978: the chain, the edits that cut it, and what is left."""

from typing import Any

import pytest

from kubeaudit.documents import parse
from kubeaudit.errors import UsageError
from kubeaudit.queries.places import start, target
from kubeaudit.queries.why import Why, why
from kubeaudit.refs import ALL_SECRETS, CLUSTER_ADMIN, Facet, Vertex, VertexKind
from kubeaudit.snapshot import Outcome
from kubeaudit.world import World
from tests import factory
from tests.rbac.objects import Manifest, account, binding, role, rule

from .asking import deployment, world

ADMIN = rule("*", "*", "*")


def asked(found: World, who: str, to: str = "cluster-admin", namespace: str | None = None) -> Why:
    return why(found, start(found, who, namespace), target(found, to, namespace))


def steps(found: Why) -> list[str]:
    assert found.chain is not None
    return [found.chain.source_label, *(hop.target_label for hop in found.chain.hops)]


def shop(*objects: Manifest) -> World:
    return world(account("shop", "app"), deployment("shop", "web", "app"), role("renamed", ADMIN), *objects)


def test_rbac_85_the_chain_is_told_hop_by_hop_with_the_grant_of_each() -> None:
    found = asked(shop(binding("b", "ClusterRole/renamed", "ServiceAccount:shop/app", "User:jane")), "shop/web")
    assert steps(found) == [
        "Deployment shop/web (code)",
        "ServiceAccount shop/app",
        "ClusterRole/renamed through ClusterRoleBinding/b",
        "cluster-admin",
    ]
    assert found.chain is not None
    paths = [[(str(e.object), e.path) for e in hop.evidence] for hop in found.chain.hops[1:]]
    assert paths == [
        [("ClusterRoleBinding b", ("roleRef",)), ("ClusterRoleBinding b", ("subjects", 0))],
        [("ClusterRole renamed", ("rules", 0))],
    ]


def test_rbac_85_the_smallest_edit_is_the_grant_and_its_manifest_keeps_the_others() -> None:
    found = asked(shop(binding("b", "ClusterRole/renamed", "ServiceAccount:shop/app", "User:jane")), "shop/web")
    assert found.proposal is not None
    assert found.proposal.edit == "ClusterRoleBinding b: remove subject ServiceAccount shop/app"
    assert (found.proposal.survives, found.proposal.also, found.second) == ("", (), None)
    (made,) = parse(found.proposal.manifest.encode(), "edit.yaml")
    assert made.value == {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "b"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "renamed"},
        "subjects": [{"kind": "User", "name": "jane", "apiGroup": "rbac.authorization.k8s.io"}],
    }


def test_rbac_85_what_else_an_edit_takes_is_told() -> None:
    found = asked(
        shop(
            binding("b", "ClusterRole/renamed", "ServiceAccount:shop/app", "User:jane"),
            binding("c", "ClusterRole/renamed", "Group:dev"),
        ),
        "shop:app",
    )
    by_role = next(cut for cut in found.cuts if cut.edit.startswith("ClusterRole renamed"))
    assert by_role.also == ("Group dev", "User jane")


def test_rbac_77_an_edit_that_leaves_a_second_chain_is_not_the_one_proposed() -> None:
    found = asked(
        shop(
            binding("b", "ClusterRole/renamed", "ServiceAccount:shop/app"),
            binding("c", "ClusterRole/renamed", "Group:system:serviceaccounts:shop"),
            binding("d", "ClusterRole/renamed", "ServiceAccount:shop/app"),
        ),
        "shop:app",
    )
    by_grant = next(cut for cut in found.cuts if cut.edit.startswith("ClusterRoleBinding b"))
    assert "ClusterRoleBinding/" in by_grant.survives
    # All of them end in one rule, so that edit alone leaves nothing.
    assert found.proposal is not None
    assert found.proposal.edit == "ClusterRole renamed: list the verbs and resources that are needed in rules[0]"
    assert (found.proposal.survives, found.second, found.plan) == ("", None, (found.proposal.edit,))
    assert found.proposal.also == ("Group system:serviceaccounts:shop",)


def test_rbac_77_a_second_chain_that_survives_every_cut_is_shown_and_a_plan_leaves_none() -> None:
    found = asked(
        shop(
            role("other", ADMIN),
            binding("b", "ClusterRole/renamed", "ServiceAccount:shop/app"),
            binding("c", "ClusterRole/other", "ServiceAccount:shop/app"),
        ),
        "shop:app",
    )
    assert found.second is not None
    assert found.proposal is not None
    assert found.proposal.survives
    assert set(found.plan) == {
        "ClusterRoleBinding b: remove subject ServiceAccount shop/app",
        "ClusterRoleBinding c: remove subject ServiceAccount shop/app",
    }


def test_exp_978_what_came_with_the_cluster_is_not_proposed() -> None:
    made = shop(
        role("cluster-admin", ADMIN, rule("*", urls="*")), binding("b", "ClusterRole/cluster-admin", "User:jane")
    )
    found = asked(made, "jane")
    assert [(cut.edit.partition(":")[0], cut.system) for cut in found.cuts] == [
        ("ClusterRoleBinding b", False),
        ("ClusterRole cluster-admin", True),
    ]
    assert found.proposal is not None
    assert not found.proposal.system
    kubeadm = shop(
        role("cluster-admin", ADMIN, rule("*", urls="*")),
        binding("kubeadm:cluster-admins", "ClusterRole/cluster-admin", "Group:kubeadm:cluster-admins"),
    )
    found = asked(kubeadm, "group:kubeadm:cluster-admins")
    assert ([cut.system for cut in found.cuts], found.proposal) == ([True, True], None)


def test_a_chain_without_an_edit_has_no_proposal() -> None:
    found = asked(shop(), "group:system:masters")
    assert (found.state, found.cuts, found.proposal, found.plan) == ("yes", (), None, ())


def test_a_user_has_what_the_group_of_all_callers_has() -> None:
    found = asked(shop(binding("b", "ClusterRole/renamed", "Group:system:authenticated")), "jane")
    assert steps(found)[:2] == ["User jane", "Group system:authenticated"]


def test_a_renamed_copy_of_cluster_admin_counts_and_a_harmless_role_named_admin_does_not() -> None:
    made = shop(
        role("admin", rule("get", "pods")),
        binding("b", "ClusterRole/admin", "User:jane"),
        binding("c", "ClusterRole/renamed", "User:joe"),
    )
    assert asked(made, "jane").state == "none"
    assert asked(made, "joe").state == "yes"


def test_rbac_p3_what_was_not_read_is_told_where_nothing_leads_there() -> None:
    made = factory.world(
        factory.snapshot([account("shop", "app")], {"rolebindings.rbac.authorization.k8s.io": Outcome.REFUSED})
    )
    found = asked(made, "shop:app")
    assert (found.state, found.chain, [item.scope for item in found.unseen]) == ("none", None, [""])
    unread = factory.world(
        factory.snapshot(
            [account("shop", "app"), binding("b", "ClusterRole/r", "ServiceAccount:shop/app")],
            {"clusterroles.rbac.authorization.k8s.io": Outcome.REFUSED},
        )
    )
    assert asked(unread, "shop:app").state == "unknown"


@pytest.mark.parametrize(
    ("text", "more", "vertex"),
    [
        ("shop/web", {}, Vertex(VertexKind.WORKLOAD, "shop", "Deployment/web", Facet.CTL)),
        ("shop/deployment/web", {}, Vertex(VertexKind.WORKLOAD, "shop", "Deployment/web", Facet.CTL)),
        ("deploy/web", {"namespace": "shop"}, Vertex(VertexKind.WORKLOAD, "shop", "Deployment/web", Facet.CTL)),
        ("shop:app", {}, Vertex(VertexKind.SERVICE_ACCOUNT, "shop", "app")),
        ("sa/shop/app", {}, Vertex(VertexKind.SERVICE_ACCOUNT, "shop", "app")),
        ("group:dev", {}, Vertex(VertexKind.GROUP, "", "dev")),
    ],
)
def test_places_where_a_chain_may_start(text: str, more: dict[str, Any], vertex: Vertex) -> None:
    assert start(shop(), text, **more).vertices == (vertex,)


def test_places_where_a_chain_may_end() -> None:
    made = shop()
    assert target(made, "cluster-admin").vertices == (CLUSTER_ADMIN,)
    assert target(made, "all-secrets").vertices == (ALL_SECRETS,)
    assert target(made, "secrets/shop").vertices[0] == Vertex(VertexKind.AGGREGATE, "shop", "Secret")
    assert target(made, "shop:app").vertices == (Vertex(VertexKind.SERVICE_ACCOUNT, "shop", "app"),)
    assert target(made, "shop/web").vertices[0].facet is Facet.CTL
    assert {vertex.kind for vertex in target(made, "api-server").vertices} <= {VertexKind.API_SERVER}


@pytest.mark.parametrize("text", ["shop/gone", "deploy/web", "shop/cronjob/web", "", "sa/app"])
def test_a_place_that_is_not_there_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as error:
        start(shop(), text)
    assert "subjects: " in error.value.hint


def test_secrets_of_a_namespace_are_a_target() -> None:
    made = shop(
        role("reader", rule("list", "secrets")), binding("b", "ClusterRole/reader", "User:jane", namespace="shop")
    )
    assert asked(made, "jane", "secrets/shop").state == "yes"
    assert asked(made, "jane", "secrets/other").state == "none"
    assert asked(made, "jane").state == "none"
