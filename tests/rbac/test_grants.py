"""RBAC-20..26 and CHK-22..24: bindings and the roles they resolve to."""

import msgspec
import pytest

from kubeaudit.findings import ObjectClass, Reason
from kubeaudit.model.cluster import Cluster
from kubeaudit.rbac.access import build
from kubeaudit.rbac.grants import Grant, RoleState
from kubeaudit.refs import ObjectRef
from kubeaudit.snapshot import BadDocument, Outcome

from .objects import CLUSTER_ROLES, ROLES, Manifest, binding, cluster, policy, role, rule

GROUP = "rbac.authorization.k8s.io"
READ = rule("get", "pods")
LABEL = {"kubernetes.io/bootstrapping": "rbac-defaults"}


def only(*objects: Manifest, version: str = "v1.36.3", outcomes: dict[str, Outcome] | None = None) -> Grant:
    (found,) = build(cluster(objects, version, outcomes)).grants
    return found


def test_a_grant_is_a_binding_with_its_role() -> None:
    found = only(role("r", READ), binding("b", "ClusterRole/r", "User:jane", namespace="shop"))
    assert found.binding == ObjectRef("RoleBinding", "shop", "b", GROUP)
    assert found.role == ObjectRef("ClusterRole", "", "r", GROUP)
    assert (found.scope, found.state, found.rules) == ("shop", RoleState.RESOLVED, (policy("get", "pods"),))
    assert found.object_class is ObjectClass.USER


def test_rbac_22_a_role_is_looked_up_in_the_namespace_of_the_binding_only() -> None:
    found = only(role("r", READ, namespace="other"), binding("b", "Role/r", "User:u", namespace="shop"))
    assert (found.state, found.rules) == (RoleState.MISSING, ())
    assert found.role == ObjectRef("Role", "shop", "r", GROUP)


def test_the_states_of_a_role_by_name() -> None:
    assert [str(state) for state in RoleState] == ["resolved", "missing", "unread", "assumed"]


@pytest.mark.parametrize("to", ["Role/r", "clusterrole/r", "Widget/r"])
def test_rbac_22_a_cluster_role_binding_to_anything_but_a_cluster_role_resolves_to_nothing(to: str) -> None:
    objects = (role("r", READ, namespace="shop"), role("r", READ), binding("b", to, "User:u"))
    assert only(*objects).state is RoleState.MISSING
    assert only(*objects, outcomes={ROLES: Outcome.REFUSED}).state is RoleState.MISSING


@pytest.mark.parametrize("kind", ["Widget", "Clu", "ClusterRoles", "Rol", "Roles", "A", "role"])
def test_rbac_22_a_role_binding_to_an_unknown_kind_resolves_to_nothing(kind: str) -> None:
    objects = (role("r", READ, namespace="shop"), role("r", READ))
    found = only(*objects, binding("b", f"{kind}/r", "User:u", namespace="shop"))
    assert (found.state, found.rules) == (RoleState.MISSING, ())
    assert found.role == ObjectRef(kind, "", "r", GROUP)


def test_a_cluster_role_that_is_missing_is_named_without_a_namespace() -> None:
    assert only(binding("b", "ClusterRole/r", "User:u", namespace="shop")).role == ObjectRef(
        "ClusterRole", "", "r", GROUP
    )


@pytest.mark.parametrize("kind", ["Use", "Users", "user", "Grou", "Groups", "A", "ServiceAccounts", "Serv", ""])
def test_rbac_24_a_subject_of_another_kind_matches_nobody(kind: str) -> None:
    (subject,) = only(role("r", READ), binding("b", "ClusterRole/r", f"{kind}:dev", namespace="shop")).subjects
    assert (subject.user, subject.group, subject.namespace) == (None, None, "")


def test_only_an_aggregated_manifest_is_declared() -> None:
    assert not only(role("r", READ), binding("b", "ClusterRole/r", "User:u")).declared
    assert not only(role("r", READ, namespace="shop"), binding("b", "Role/r", "User:u", namespace="shop")).declared


@pytest.mark.parametrize(("kind", "unread", "scope"), [("ClusterRole", CLUSTER_ROLES, ""), ("Role", ROLES, "shop")])
def test_rbac_p3_a_role_of_a_kind_that_was_not_read_is_unread(kind: str, unread: str, scope: str) -> None:
    found = only(binding("b", f"{kind}/r", "User:u", namespace="shop"), outcomes={unread: Outcome.REFUSED})
    assert found.state is RoleState.UNREAD
    assert [(unseen.reason, unseen.resource) for unseen in found.unseen] == [(Reason.FORBIDDEN, unread)]


def test_a_role_of_a_partial_list_counts_if_it_is_there() -> None:
    objects = (role("r", READ), binding("b", "ClusterRole/r", "User:u"))
    assert only(*objects, outcomes={CLUSTER_ROLES: Outcome.PARTIAL}).state is RoleState.RESOLVED


def broken(where: str, obj: ObjectRef | None) -> Cluster:
    made = cluster([binding("b", "Role/r", "User:u", namespace="shop")], "v1.36.3")
    return msgspec.structs.replace(made, bad=(BadDocument(where, "does not fit", object=obj),))


@pytest.mark.parametrize("obj", [ObjectRef("Role", "shop", "r"), None])
def test_chk_06_a_role_that_could_not_be_decoded_is_unread(obj: ObjectRef | None) -> None:
    (found,) = build(broken(ROLES, obj)).grants
    assert found.state is RoleState.UNREAD
    assert found.unseen[0].reason is Reason.EVALUATION_ERROR


@pytest.mark.parametrize("obj", [ObjectRef("Role", "shop", "other"), ObjectRef("Role", "other", "r")])
def test_another_role_that_could_not_be_decoded_changes_nothing(obj: ObjectRef) -> None:
    (found,) = build(broken(ROLES, obj)).grants
    assert found.state is RoleState.MISSING


def test_a_default_role_that_files_do_not_show_is_assumed_and_a_live_one_is_missing() -> None:
    bound = binding("b", "ClusterRole/edit", "User:u", namespace="shop")
    found = only(bound, version="")
    assert found.state is RoleState.ASSUMED
    assert (
        policy("get list watch", "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy")
        in found.rules
    )
    assert only(bound).state is RoleState.MISSING
    assert only(binding("b", "Role/edit", "User:u", namespace="shop"), version="").state is RoleState.MISSING
    assert only(bound, version="", outcomes={CLUSTER_ROLES: Outcome.REFUSED}).state is RoleState.UNREAD


@pytest.mark.parametrize(
    ("subject", "namespace", "user", "group", "shown"),
    [
        ("User:jane", "", "jane", None, "User jane"),
        ("Group:dev", "", None, "dev", "Group dev"),
        ("ServiceAccount:x/app", "", "system:serviceaccount:x:app", None, "ServiceAccount x/app"),
        ("ServiceAccount:app", "shop", "system:serviceaccount:shop:app", None, "ServiceAccount shop/app"),
        ("ServiceAccount:app", "", None, None, "ServiceAccount app"),
        ("User:system:serviceaccount:x:app", "", "system:serviceaccount:x:app", None, "ServiceAccount x/app"),
        ("user:jane", "", None, None, "user jane"),
        ("Robot:jane", "shop", None, None, "Robot jane"),
    ],
)
def test_rbac_24_and_26_whom_a_subject_matches(
    subject: str, namespace: str, user: str | None, group: str | None, shown: str
) -> None:
    (found,) = only(binding("b", "ClusterRole/r", subject, namespace=namespace)).subjects
    assert (found.user, found.group, str(found), found.index) == (user, group, shown, 0)


def test_a_cluster_scoped_manifest_with_a_namespace_is_cluster_scoped() -> None:
    made = binding("b", "ClusterRole/r", "User:u")
    made["metadata"] = {"name": "b", "namespace": "shop"}
    target = role("r", READ)
    target["metadata"] = {"name": "r", "namespace": "shop"}
    found = only(made, target)
    assert (found.scope, found.state, found.binding.kind) == ("", RoleState.RESOLVED, "ClusterRoleBinding")
