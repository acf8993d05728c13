"""RBAC-72: everyone a question may be about."""

from kubeaudit.rbac.access import build
from kubeaudit.rbac.identities import Identity, service_account, user
from kubeaudit.rbac.subjects import KnownSubject, subjects

from .objects import account, binding, cluster

PODS = [
    {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": namespace},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
    }
    for namespace in ("shop", "other")
]


def test_rbac_72_everyone_who_exists_or_is_named_and_everyone_implied() -> None:
    bound = binding(
        "b",
        "ClusterRole/r",
        "User:jane",
        "Group:dev",
        "ServiceAccount:x/lost",
        "User:system:serviceaccount:shop:app",
        "robot:r",
    )
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}
    objects = [account("shop", "app"), account("other", "default"), *PODS, bound, node]
    assert subjects(build(cluster(objects))) == (
        KnownSubject("Group", "", "dev"),
        KnownSubject("Group", "", "system:authenticated"),
        KnownSubject("Group", "", "system:nodes"),
        KnownSubject("Group", "", "system:serviceaccounts"),
        KnownSubject("Group", "", "system:unauthenticated"),
        KnownSubject("ServiceAccount", "other", "default"),
        KnownSubject("ServiceAccount", "shop", "app"),
        KnownSubject("ServiceAccount", "shop", "default", exists=False),
        KnownSubject("ServiceAccount", "x", "lost", exists=False),
        KnownSubject("User", "", "jane"),
        KnownSubject("User", "", "system:node:n1"),
    )


def test_a_subject_asks_as_its_identity() -> None:
    assert KnownSubject("ServiceAccount", "shop", "app").identity() == service_account("shop", "app")
    assert KnownSubject("User", "", "jane").identity() == user("jane")
    assert KnownSubject("User", "", "system:node:n1").identity() == user("system:node:n1")
    assert KnownSubject("Group", "", "dev").identity() == Identity("", ("dev", "system:authenticated"))
    assert KnownSubject("Group", "", "system:authenticated").identity().groups == ("system:authenticated",)
