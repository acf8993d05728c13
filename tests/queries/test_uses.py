"""RBAC-84: what runs with a ServiceAccount, a role or a binding."""

import pytest

from kubeaudit.errors import UsageError
from kubeaudit.queries.uses import Uses, target, uses
from kubeaudit.refs import ObjectRef
from kubeaudit.snapshot import Outcome
from tests import factory
from tests.rbac.objects import ROLE_BINDINGS, account, binding, role, rule

from .asking import API, deployment, world

READ = rule("get", "pods")


@pytest.mark.parametrize(
    ("text", "namespace", "ref"),
    [
        ("shop:app", None, ObjectRef("ServiceAccount", "shop", "app")),
        ("system:serviceaccount:shop:app", None, ObjectRef("ServiceAccount", "shop", "app")),
        ("sa/shop/app", None, ObjectRef("ServiceAccount", "shop", "app")),
        ("serviceaccounts/app", "shop", ObjectRef("ServiceAccount", "shop", "app")),
        ("role/shop/r", None, ObjectRef("Role", "shop", "r", API)),
        ("Role/r", "shop", ObjectRef("Role", "shop", "r", API)),
        ("clusterrole/system:node", None, ObjectRef("ClusterRole", "", "system:node", API)),
        ("clusterroles/view", "shop", ObjectRef("ClusterRole", "", "view", API)),
        ("rolebinding/shop/b", None, ObjectRef("RoleBinding", "shop", "b", API)),
        ("clusterrolebinding/b", None, ObjectRef("ClusterRoleBinding", "", "b", API)),
    ],
)
def test_forms_of_objects(text: str, namespace: str | None, ref: ObjectRef) -> None:
    assert target(text, namespace) == ref


@pytest.mark.parametrize("text", ["", "jane", "role/r", "clusterrole/", "pod/shop/web", "role//r", "sa/"])
def test_what_is_no_such_object_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as error:
        target(text)
    assert error.value.hint


def shown(found: Uses) -> list[tuple[str, str, str, str]]:
    return [(str(each.workload), each.account, each.via, each.token) for each in found.workloads]


MADE = (
    account("shop", "app"),
    account("shop", "job"),
    account("other", "app") | {"automountServiceAccountToken": False},
    deployment("shop", "web", "app"),
    deployment("shop", "batch", "job"),
    deployment("other", "api", "app"),
    role("r", READ),
    role("wide", READ),
    binding("b", "ClusterRole/r", "ServiceAccount:app", "User:jane", namespace="shop"),
    binding("c", "ClusterRole/r", "ServiceAccount:other/app"),
    binding("w", "ClusterRole/wide", "Group:system:serviceaccounts:shop", "ServiceAccount:shop/app"),
    binding("dormant", "ClusterRole/gone", "User:jane"),
)


def test_rbac_84_a_role_is_used_by_the_subjects_of_its_bindings_and_their_workloads() -> None:
    found = uses(world(*MADE), target("clusterrole/r"))
    assert found.exists
    assert [(b.binding.name, b.scope, b.subject) for b in found.bindings] == [
        ("c", "", "ServiceAccount other/app"),
        ("b", "shop", "ServiceAccount shop/app"),
        ("b", "shop", "User jane"),
    ]
    assert shown(found) == [
        ("Deployment other/api", "other/app", "", "none"),
        ("Deployment shop/web", "shop/app", "", "automounted"),
    ]


def test_rbac_84_workloads_come_by_groups_too_by_their_own_name_first() -> None:
    assert shown(uses(world(*MADE), target("clusterrolebinding/w"))) == [
        ("Deployment shop/batch", "shop/job", "system:serviceaccounts:shop", "automounted"),
        ("Deployment shop/web", "shop/app", "", "automounted"),
    ]


def test_rbac_84_a_service_account_has_its_bindings_and_workloads() -> None:
    found = uses(world(*MADE), target("shop:app"))
    assert [(b.binding.name, b.role.name) for b in found.bindings] == [("w", "wide"), ("b", "r")]
    assert shown(found) == [("Deployment shop/web", "shop/app", "", "automounted")]
    assert not uses(world(*MADE), target("shop:gone")).exists


def test_rbac_22_a_role_of_the_same_name_elsewhere_is_another_role() -> None:
    made = world(
        role("r", READ, namespace="shop"),
        role("r", READ, namespace="other"),
        binding("b", "Role/r", "User:jane", namespace="shop"),
    )
    assert [b.binding.name for b in uses(made, target("role/shop/r")).bindings] == ["b"]
    assert uses(made, target("role/other/r")).bindings == ()
    assert uses(made, target("role/other/r")).exists


def test_missing_roles_and_bindings_are_told() -> None:
    found = uses(world(*MADE), target("clusterrole/gone"))
    assert (found.exists, len(found.bindings)) == (False, 1)
    assert not uses(world(*MADE), target("rolebinding/shop/gone")).exists


def test_rbac_84_internet_reach_is_told() -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"type": "LoadBalancer", "clusterIP": "10.0.0.9", "selector": {"app": "web"}, "ports": [{"port": 80}]},
        "status": {"loadBalancer": {"ingress": [{"ip": "52.28.1.9"}]}},
    }
    found = uses(factory.world(factory.files([*MADE, service])), target("clusterrole/r"))
    assert [each.exposure for each in found.workloads] == ["no", "yes"]


def test_rbac_p3_unread_bindings_are_told() -> None:
    made = factory.world(factory.snapshot(MADE, {ROLE_BINDINGS: Outcome.REFUSED}))
    assert [item.resource for item in uses(made, target("clusterrole/r")).unseen] == [ROLE_BINDINGS]
