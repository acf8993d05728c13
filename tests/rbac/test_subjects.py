"""RBAC-72: everyone a question may be about."""

from kubeaudit.rbac.access import build
from kubeaudit.rbac.identities import Identity, service_account, user
from kubeaudit.rbac.subjects import KnownSubject, subjects

from .objects import account, binding, cluster

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "shop"},
    "spec": {"containers": [{"name": "c", "image": "i"}]},
}


def test_rbac_72_accounts_that_exist_that_bindings_name_and_that_workloads_name() -> None:
    bound = binding(
        "b",
        "ClusterRole/r",
        "User:jane",
        "Group:dev",
        "ServiceAccount:x/lost",
        "User:system:serviceaccount:shop:app",
        "robot:r",
    )
    found = subjects(build(cluster([account("shop", "app"), POD, bound])))
    assert found == (
        KnownSubject("Group", "", "dev"),
        KnownSubject("ServiceAccount", "shop", "app"),
        KnownSubject("ServiceAccount", "shop", "default", exists=False),
        KnownSubject("ServiceAccount", "x", "lost", exists=False),
        KnownSubject("User", "", "jane"),
    )


def test_a_subject_asks_as_its_identity() -> None:
    assert KnownSubject("ServiceAccount", "shop", "app").identity() == service_account("shop", "app")
    assert KnownSubject("User", "", "jane").identity() == user("jane")
    assert KnownSubject("Group", "", "dev").identity() == Identity("", ("dev", "system:authenticated"))
    assert KnownSubject("Group", "", "system:authenticated").identity().groups == ("system:authenticated",)
