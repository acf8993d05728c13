"""RBAC-24, -26, -27, -80: words for subjects."""

import pytest

from kubeaudit.errors import UsageError
from kubeaudit.queries.subjects import asker, known
from kubeaudit.rbac.identities import Identity, anonymous, node, service_account, user
from kubeaudit.refs import ANONYMOUS, Vertex, VertexKind
from tests.rbac.objects import account, binding, role, rule

from .asking import access

APP = service_account("shop", "app")


@pytest.mark.parametrize(
    ("text", "shown", "identity"),
    [
        ("system:serviceaccount:shop:app", "ServiceAccount shop/app", APP),
        ("user:system:serviceaccount:shop:app", "ServiceAccount shop/app", APP),
        ("sa/shop/app", "ServiceAccount shop/app", APP),
        ("sa:shop/app", "ServiceAccount shop/app", APP),
        ("sa:shop:app", "ServiceAccount shop/app", APP),
        ("ServiceAccount/shop/app", "ServiceAccount shop/app", APP),
        ("shop:app", "ServiceAccount shop/app", APP),
        ("jane", "User jane", user("jane")),
        ("user:jane", "User jane", user("jane")),
        ("User/oidc:jane", "User oidc:jane", user("oidc:jane")),
        ("jane@example.com", "User jane@example.com", user("jane@example.com")),
        ("group:dev", "Group dev", Identity("", ("dev", "system:authenticated"))),
        ("Group/dev", "Group dev", Identity("", ("dev", "system:authenticated"))),
        ("system:authenticated", "Group system:authenticated", Identity("", ("system:authenticated",))),
        ("system:unauthenticated", "Group system:unauthenticated", Identity("", ("system:unauthenticated",))),
        (
            "system:serviceaccounts:shop",
            "Group system:serviceaccounts:shop",
            Identity("", ("system:serviceaccounts:shop", "system:serviceaccounts", "system:authenticated")),
        ),
        ("anonymous", "User system:anonymous", anonymous()),
        ("system:anonymous", "User system:anonymous", anonymous()),
        ("node:n1", "Node n1", node("n1")),
        ("system:node:n1", "Node n1", node("n1")),
        ("system:kube-scheduler", "User system:kube-scheduler", user("system:kube-scheduler")),
    ],
)
def test_rbac_80_forms_of_subjects(text: str, shown: str, identity: Identity) -> None:
    found = asker(text)
    assert (str(found), found.identity) == (shown, identity)


def test_a_service_account_without_a_namespace_is_in_that_of_the_option() -> None:
    assert asker("sa/app", "shop").identity == APP
    with pytest.raises(UsageError, match="namespace of the ServiceAccount is missing"):
        asker("sa/app")


@pytest.mark.parametrize("text", ["", " ", "robot/jane", "sa/", "sa/a/b/c", "user:", "shop/"])
def test_what_is_no_subject_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(UsageError) as error:
        asker(text)
    assert "sa/" in error.value.hint


@pytest.mark.parametrize(
    "name", ["system:serviceaccount:shop", "system:serviceaccount:shop:", "system:serviceaccount:a:b:c"]
)
def test_rbac_26_a_user_that_only_looks_like_a_service_account_is_a_user(name: str) -> None:
    found = asker(name)
    assert (found.kind, found.identity) == ("User", user(name))
    assert "is no ServiceAccount" in found.notes[0]


def test_further_groups_come_first_and_alone_they_are_somebody_in_them() -> None:
    assert asker("jane", groups=("dev",)).identity == Identity("jane", ("dev", "system:authenticated"))
    assert asker("", groups=("dev",)).identity == Identity("", ("dev", "system:authenticated"))


def test_subjects_have_their_vertex() -> None:
    assert asker("shop:app").vertex == Vertex(VertexKind.SERVICE_ACCOUNT, "shop", "app")
    assert asker("group:dev").vertex == Vertex(VertexKind.GROUP, "", "dev")
    assert asker("jane").vertex == Vertex(VertexKind.USER, "", "jane")
    assert asker("anonymous").vertex == ANONYMOUS


def test_what_nothing_knows_is_said() -> None:
    made = access(
        account("shop", "app"),
        role("r", rule("get", "pods")),
        binding("b", "ClusterRole/r", "User:jane", "Group:dev", "User:oidc:joe"),
    )
    for text in ("shop:app", "jane", "group:dev", "node:n1"):
        assert known(asker(text), made) == ()
    assert known(asker("shop:gone"), made) == ("no ServiceAccount shop/gone was read",)
    assert "only its groups" in known(asker("nobody"), made)[0]
    assert "say user:oidc:joe" in known(asker("oidc:joe"), made)[0]
