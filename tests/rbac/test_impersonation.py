"""RBAC-45..49: who may act as whom. Answers of a real server are in tests/conformance/rbac."""

import pytest

from kubeaudit.rbac.access import Access, Answer, build
from kubeaudit.rbac.identities import AUTHENTICATED, MASTERS, NODES, UNAUTHENTICATED, Identity, service_account
from kubeaudit.rbac.impersonation import Mode, Wanted, becomes, may_impersonate
from kubeaudit.rbac.rules import Request

from .objects import Manifest, binding, cluster, role, rule

YES, NO, UNKNOWN = Answer.ALLOWED, Answer.NOT_ALLOWED, Answer.UNKNOWN
AUTHN = "authentication.k8s.io"
JANE = Identity("jane", (AUTHENTICATED,))
LIST = Request("list", "", "pods", namespace="shop")
ACCOUNT = "system:serviceaccount:shop:app"


def access(
    *wide: dict[str, list[str]], close: tuple[dict[str, list[str]], ...] = (), version: str = "v1.36.3"
) -> Access:
    objects: list[Manifest] = [
        role("wide", *wide),
        role("close", *close, namespace="shop"),
        binding("wide", "ClusterRole/wide", "User:jane"),
        binding("close", "Role/close", "User:jane", namespace="shop"),
    ]
    return build(cluster(objects, version))


def answer(made: Access, wanted: Wanted, node: str = "") -> Answer:
    return may_impersonate(made, JANE, wanted, LIST, node).answer


USERS, GROUPS = rule("impersonate", "users"), rule("impersonate", "groups")


@pytest.mark.parametrize(
    ("held", "wanted", "expected"),
    [
        ([USERS], Wanted("bob"), YES),
        ([rule("impersonate", "users", names="bob")], Wanted("bob"), YES),
        ([rule("impersonate", "users", names="bob")], Wanted("eve"), NO),
        ([rule("impersonate", "users", AUTHN)], Wanted("bob"), NO),
        ([GROUPS], Wanted("", ("dev",)), NO),
        ([GROUPS], Wanted("bob", ("dev",)), NO),
        ([USERS, GROUPS], Wanted("bob", ("dev", MASTERS)), YES),
        ([USERS, rule("impersonate", "groups", names="dev")], Wanted("bob", ("dev",)), YES),
        ([USERS, rule("impersonate", "groups", names="dev")], Wanted("bob", ("dev", "ops")), NO),
        ([USERS], Wanted("bob", uid="1"), NO),
        ([USERS, rule("impersonate", "uids", AUTHN)], Wanted("bob", uid="1"), YES),
        ([USERS, rule("impersonate", "userextras", AUTHN)], Wanted("bob", extra=(("scopes", "x"),)), NO),
        ([USERS, rule("impersonate", "userextras/scopes", AUTHN)], Wanted("bob", extra=(("scopes", "x"),)), YES),
        ([USERS], Wanted(ACCOUNT), NO),
        ([rule("impersonate", "serviceaccounts")], Wanted(ACCOUNT), YES),
    ],
)
def test_rbac_45_and_46_legacy(held: list[dict[str, list[str]]], wanted: Wanted, expected: Answer) -> None:
    for version in ("v1.36.3", "v1.30.0", ""):
        assert answer(access(*held, version=version), wanted) is expected, version


def test_rbac_46_a_role_binding_grants_service_accounts_of_its_namespace_and_no_users() -> None:
    made = access(close=(USERS, GROUPS, rule("impersonate", "serviceaccounts")))
    assert answer(made, Wanted(ACCOUNT)) is YES
    assert answer(made, Wanted("system:serviceaccount:other:app")) is NO
    assert answer(made, Wanted("bob")) is NO


@pytest.mark.parametrize(
    ("wanted", "mode", "groups"),
    [
        (Wanted("bob"), None, (AUTHENTICATED,)),
        (Wanted("bob", ("dev",)), None, ("dev", AUTHENTICATED)),
        (Wanted("bob", (UNAUTHENTICATED,)), None, (UNAUTHENTICATED,)),
        (Wanted("system:anonymous"), None, (UNAUTHENTICATED,)),
        (Wanted(ACCOUNT), None, service_account("shop", "app").groups),
        (Wanted("system:node:n1"), None, (AUTHENTICATED,)),
        (Wanted("system:node:n1"), Mode.ARBITRARY_NODE, (NODES, AUTHENTICATED)),
    ],
)
def test_rbac_47_groups_that_follow_from_the_name(wanted: Wanted, mode: Mode | None, groups: tuple[str, ...]) -> None:
    assert set(becomes(wanted, mode).groups) == set(groups)


def as_(mode: Mode, resource: str, names: str | None = None) -> dict[str, list[str]]:
    return rule(f"impersonate:{mode}", resource, AUTHN, names)


def on(mode: Mode, verb: str = "list") -> dict[str, list[str]]:
    return rule(f"impersonate-on:{mode}:{verb}", "pods")


@pytest.mark.parametrize(
    ("held", "wanted", "expected"),
    [
        ([as_(Mode.USER_INFO, "users"), on(Mode.USER_INFO)], Wanted("bob"), YES),
        ([as_(Mode.USER_INFO, "users"), on(Mode.USER_INFO, "get")], Wanted("bob"), NO),
        ([as_(Mode.USER_INFO, "users")], Wanted("bob"), NO),
        ([on(Mode.USER_INFO)], Wanted("bob"), NO),
        ([as_(Mode.USER_INFO, "users groups"), on(Mode.USER_INFO)], Wanted("bob", ("dev",)), YES),
        ([as_(Mode.USER_INFO, "users groups"), on(Mode.USER_INFO)], Wanted("bob", (MASTERS,)), NO),
        ([as_(Mode.USER_INFO, "users"), on(Mode.USER_INFO)], Wanted(ACCOUNT), NO),
        ([as_(Mode.SERVICE_ACCOUNT, "serviceaccounts"), on(Mode.SERVICE_ACCOUNT)], Wanted(ACCOUNT), YES),
        ([as_(Mode.SERVICE_ACCOUNT, "serviceaccounts"), on(Mode.SERVICE_ACCOUNT)], Wanted(ACCOUNT, ("dev",)), NO),
        ([as_(Mode.USER_INFO, "users"), on(Mode.USER_INFO)], Wanted("system:node:n1"), NO),
        ([as_(Mode.ARBITRARY_NODE, "nodes", "n1"), on(Mode.ARBITRARY_NODE)], Wanted("system:node:n1"), YES),
        ([as_(Mode.ARBITRARY_NODE, "nodes", "n1"), on(Mode.ARBITRARY_NODE)], Wanted("system:node:n2"), NO),
        ([as_(Mode.ASSOCIATED_NODE, "nodes", "*"), on(Mode.ASSOCIATED_NODE)], Wanted("system:node:here"), YES),
        ([as_(Mode.ASSOCIATED_NODE, "nodes", "*"), on(Mode.ASSOCIATED_NODE)], Wanted("system:node:n1"), NO),
    ],
)
def test_rbac_48_constrained(held: list[dict[str, list[str]]], wanted: Wanted, expected: Answer) -> None:
    assert answer(access(*held), wanted, node="here") is expected


@pytest.mark.parametrize(
    ("version", "expected"), [("v1.36.0", YES), ("v1.35.2", UNKNOWN), ("v1.34.9", NO), ("", UNKNOWN)]
)
def test_rbac_49_the_version_decides_whether_it_is_there(version: str, expected: Answer) -> None:
    made = access(as_(Mode.USER_INFO, "users"), on(Mode.USER_INFO), version=version)
    found = may_impersonate(made, JANE, Wanted("bob"), LIST)
    assert found.answer is expected
    assert bool(found.unseen) is (expected is UNKNOWN)
