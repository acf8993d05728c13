"""RBAC-26 and RBAC-27: names of ServiceAccounts, implicit groups."""

import pytest

from kubeaudit.rbac.identities import (
    Identity,
    account_of,
    account_user,
    anonymous,
    authenticated,
    member_of,
    node,
    service_account,
    user,
)


def test_rbac_27_implicit_groups() -> None:
    accounts = ("system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated")
    assert service_account("shop", "app") == Identity("system:serviceaccount:shop:app", accounts)
    assert node("n1") == Identity("system:node:n1", ("system:nodes", "system:authenticated"))
    assert anonymous() == Identity("system:anonymous", ("system:unauthenticated",))
    assert authenticated().groups == ("system:authenticated",)
    assert user("jane", ("dev",)) == Identity("jane", ("dev", "system:authenticated"))


def test_rbac_26_a_user_by_the_name_of_an_account_node_or_anonymous_caller_is_one() -> None:
    assert user("system:serviceaccount:shop:app") == service_account("shop", "app")
    assert user("system:node:n1") == node("n1")
    assert user("system:anonymous") == anonymous()
    assert user("system:node:n1", ("system:nodes", "x")).groups == ("x", "system:nodes", "system:authenticated")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("system:serviceaccount:shop:app", ("shop", "app")),
        ("system:serviceaccount:shop", None),
        ("system:serviceaccount:shop:", None),
        ("system:serviceaccount::app", None),
        ("system:serviceaccount:a:b:c", None),
        ("shop:app", None),
    ],
)
def test_rbac_24_the_user_name_of_an_account(name: str, expected: tuple[str, str] | None) -> None:
    assert account_of(name) == expected
    assert expected is None or account_user(*expected) == name


@pytest.mark.parametrize(
    ("group", "groups"),
    [
        ("dev", ("dev", "system:authenticated")),
        ("zoo", ("zoo", "system:authenticated")),
        ("system:authenticated", ("system:authenticated",)),
        ("system:nodes", ("system:nodes", "system:authenticated")),
        (
            "system:serviceaccounts:shop",
            ("system:serviceaccounts:shop", "system:serviceaccounts", "system:authenticated"),
        ),
        ("system:serviceaccountsx", ("system:serviceaccountsx", "system:authenticated")),
        (str(b"system:unauthenticated", "ascii"), ("system:unauthenticated",)),
    ],
)
def test_rbac_27_a_member_of_a_group_is_in_those_that_its_members_are_in(group: str, groups: tuple[str, ...]) -> None:
    assert member_of(group) == Identity("", groups)
