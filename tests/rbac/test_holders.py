"""RBAC-73, RBAC-103: the grants that allow a request, found from the request, are those that trying every one finds."""

from random import Random

import pytest

from kubeaudit.rbac.access import build
from kubeaudit.rbac.rules import Request, first_allowing
from kubeaudit.snapshot import Outcome

from . import generate
from .objects import CLUSTER_ROLES, binding, cluster, role, rule


@pytest.mark.parametrize("seed", range(40))
def test_rbac_103_the_index_finds_what_trying_every_grant_finds(seed: int) -> None:
    random = Random(seed)
    objects = generate.objects(random, valid=False)
    access = build(cluster(objects, "v1.36.3"))
    for _ in range(60):
        request = Request(**generate.ask(random, objects).request)
        tried = {
            (str(grant.binding), grant.scope, found)
            for grant in access.grants
            if (found := first_allowing(grant.rules, request)) is not None
        }
        assert {(str(grant.binding), grant.scope, rule) for grant, rule in access.by_rule.allowing(request)} == tried


def test_one_role_with_many_bindings_is_looked_at_once_and_gives_all_of_them() -> None:
    many = [binding(f"b{n}", "ClusterRole/r", "User:jane", namespace=f"n{n}") for n in range(5)]
    access = build(cluster([role("r", rule("create", "pods"), rule("get", "pods")), *many], "v1.36.3"))
    found = list(access.by_rule.allowing(Request("get", "", "pods", "", "n1")))
    assert [(grant.scope, rule) for grant, rule in found] == [(f"n{n}", 1) for n in range(5)]
    assert len(access.by_rule.carriers) == 1


def test_api_groups_are_those_that_rules_name_a_resource_in() -> None:
    rules = (rule("get", "widgets", "example.com *"), rule("get", "widgets/scale", "other.example"))
    access = build(cluster([role("r", *rules), binding("b", "ClusterRole/r", "User:jane")], "v1.36.3"))
    assert access.by_rule.groups_of("widgets") == ("example.com",)
    assert access.by_rule.groups_of("gadgets") == ()


def test_rbac_p3_grants_with_unread_roles_are_open() -> None:
    made = cluster([binding("b", "ClusterRole/r", "User:jane")], "v1.36.3", {CLUSTER_ROLES: Outcome.REFUSED})
    assert [str(grant.binding) for grant in build(made).by_rule.open] == ["ClusterRoleBinding b"]
