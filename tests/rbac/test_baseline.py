"""CHK-22..24, RBAC-90..94: what came with the cluster, by identity and content."""

import json
from importlib import resources

import pytest

from kubeaudit.findings import ObjectClass
from kubeaudit.rbac.access import build
from kubeaudit.rbac.baseline import baseline
from kubeaudit.rbac.tables import BOOTSTRAP, bootstrap, kubeadm

from .objects import API, Manifest, binding, cluster, role, rule

LABEL = {"kubernetes.io/bootstrapping": "rbac-defaults"}
USER, BUILTIN = ObjectClass.USER, ObjectClass.BUILTIN
BASIC_USER = "system:basic-user"


def shipped(name: str) -> tuple[Manifest, Manifest]:
    """ClusterRole and ClusterRoleBinding of one name as the shipped table has them."""
    table = json.loads(resources.files("kubeaudit.rbac.tables").joinpath(BOOTSTRAP[-1]).read_bytes())
    kinds = {"clusterRoles": "ClusterRole", "clusterRoleBindings": "ClusterRoleBinding"}
    made = [
        {"apiVersion": API, "kind": kind, **item}
        for key, kind in kinds.items()
        for item in table[key]
        if item["metadata"]["name"] == name
    ]
    return made[0], made[1]


def class_of(*objects: Manifest, version: str = "v1.36.3") -> ObjectClass:
    (found,) = build(cluster(objects, version)).grants
    return found.object_class


def test_rbac_90_the_table_has_the_objects_of_1_36() -> None:
    (table,) = bootstrap()
    assert (table.version, table.minor) == ("v1.36.3", (1, 36))
    kinds = (table.cluster_roles, table.cluster_role_bindings, table.roles, table.role_bindings)
    assert [len(kind) for kind in kinds] == [69, 50, 7, 7]
    assert all(role.rules for role in table.cluster_roles), "admin, edit and view are filled"
    assert kubeadm().version == ""


@pytest.mark.parametrize("version", ["v1.36.0", ""])
def test_chk_22_equal_name_and_content_is_builtin_without_any_label(version: str) -> None:
    assert class_of(*shipped("system:basic-user"), version=version) is BUILTIN


def test_rbac_90_order_and_repetition_mean_nothing() -> None:
    held, bound = shipped(BASIC_USER)
    held["rules"] = [{key: [*values[::-1], values[0]] for key, values in each.items()} for each in held["rules"][::-1]]
    assert class_of(held, bound) is BUILTIN


@pytest.mark.parametrize("version", ["v1.36.0", ""])
def test_chk_24_an_edited_role_makes_the_grant_a_users_whatever_its_label(version: str) -> None:
    held, bound = shipped(BASIC_USER)
    held["rules"] = [*held["rules"], rule("get", "secrets")]
    held["metadata"] = {"name": BASIC_USER, "labels": LABEL}
    assert class_of(held, bound, version=version) is USER


@pytest.mark.parametrize("version", ["v1.36.0", "", "v1.33.1", "v1.99.0"])
def test_chk_24_an_edited_binding_is_a_users_even_where_the_nearest_table_has_to_do(version: str) -> None:
    held, bound = shipped("system:discovery")
    held["metadata"] = {"name": "system:discovery", "labels": LABEL}
    bound["metadata"] = {"name": "system:discovery", "labels": LABEL}
    bound["subjects"] = [*bound["subjects"], {"kind": "Group", "name": "system:unauthenticated"}]
    assert class_of(held, bound, version=version) is USER


def test_chk_24_another_role_ref_is_a_change() -> None:
    held, bound = shipped(BASIC_USER)
    bound["roleRef"] = {"kind": "ClusterRole", "name": "other"}
    assert class_of(role("other", *held["rules"]), bound) is USER


def test_a_default_binding_without_its_role_is_not_as_it_came() -> None:
    assert class_of(shipped(BASIC_USER)[1]) is USER


def test_rbac_94_a_system_name_alone_is_nothing() -> None:
    bound = binding("system:evil", "ClusterRole/system:evil", "User:system:evil")
    assert class_of(role("system:evil", rule("*", "*", "*")), bound) is USER


def test_rbac_92_other_versions_go_by_label_for_roles_and_new_bindings() -> None:
    held = role("system:controller:new", rule("get", "secrets"), labels=LABEL)
    bound = binding(
        "system:controller:new", "ClusterRole/system:controller:new", "ServiceAccount:kube-system/new", labels=LABEL
    )
    assert class_of(held, bound, version="v1.33.0") is BUILTIN
    assert class_of(held, bound, version="v1.36.0") is USER
    unlabelled = binding("system:controller:new", "ClusterRole/system:controller:new", "ServiceAccount:kube-system/new")
    assert class_of(held, unlabelled, version="v1.33.0") is USER
    assert class_of(role("system:controller:new"), bound, version="v1.33.0") is USER


@pytest.mark.parametrize("subject", ["User:jane", "ServiceAccount:shop/new", "Group:dev"])
def test_a_label_hides_no_binding_of_somebody_else(subject: str) -> None:
    held = role("mine", rule("*", "*", "*"), labels=LABEL)
    assert class_of(held, binding("mine", "ClusterRole/mine", subject, labels=LABEL), version="v1.33.0") is USER


def test_rbac_93_kubeadm_adds_two_bindings() -> None:
    admins = binding("kubeadm:cluster-admins", "ClusterRole/cluster-admin", "Group:kubeadm:cluster-admins")
    held, _ = shipped("cluster-admin")
    assert class_of(held, admins) is BUILTIN
    other = binding("kubeadm:cluster-admins", "ClusterRole/cluster-admin", "Group:dev")
    assert class_of(held, other) is USER


def test_chk_22_what_lives_in_a_system_namespace_is_system() -> None:
    bound = binding("b", "Role/r", "User:u", namespace="kube-system")
    assert class_of(role("r", rule("get", "pods"), namespace="kube-system"), bound) is ObjectClass.SYSTEM


def test_the_nearest_table_stands_in() -> None:
    assert baseline((1, 36)).exact
    assert baseline(None).exact
    assert not baseline((1, 30)).exact
    assert baseline((1, 30)).roles == baseline((1, 36)).roles
