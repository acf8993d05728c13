"""RBAC-38..44: which writes of roles and bindings pass. Answers of a real server are in tests/conformance/rbac."""

import pytest

from kubeaudit.model.objects.rbac import PolicyRule, RoleRef
from kubeaudit.rbac.access import Access, Answer, build
from kubeaudit.rbac.guards import BindingWrite, RoleWrite, may_write_binding, may_write_role
from kubeaudit.rbac.identities import AUTHENTICATED, MASTERS, Identity
from kubeaudit.snapshot import Outcome

from .objects import CLUSTER_ROLE_BINDINGS, Manifest, binding, cluster, policy, role, rule

YES, NO, UNKNOWN = Answer.ALLOWED, Answer.NOT_ALLOWED, Answer.UNKNOWN
RBAC = "rbac.authorization.k8s.io"
WRITE = rule("create update patch", "roles clusterroles rolebindings clusterrolebindings", RBAC)
JANE = Identity("jane", (AUTHENTICATED,))
SECRETS = policy("get", "secrets")


def access(*wide: dict[str, list[str]], close: tuple[dict[str, list[str]], ...] = ()) -> Access:
    """Jane holds ``wide`` in the cluster and ``close`` in namespace shop, and may send every write."""
    objects: list[Manifest] = [
        role("wide", WRITE, *wide),
        role("close", *close, namespace="shop"),
        binding("wide", "ClusterRole/wide", "User:jane"),
        binding("close", "Role/close", "User:jane", namespace="shop"),
    ]
    return build(cluster(objects, "v1.36.3"))


def write(verb: str = "create", namespace: str = "shop", name: str = "", *rules: PolicyRule, **more: bool) -> RoleWrite:
    return RoleWrite(verb, namespace, name, rules or (SECRETS,), **more)


@pytest.mark.parametrize(
    ("held", "verb", "name", "answer"),
    [
        (rule("escalate", "roles", RBAC), "create", "", YES),
        (rule("escalate", "roles", RBAC), "update", "r", YES),
        (rule("escalate", "roles", RBAC, "r"), "create", "", NO),
        (rule("escalate", "roles", RBAC, "r"), "update", "r", YES),
        (rule("escalate", "roles", RBAC, "r"), "patch", "other", NO),
        (rule("escalate", "clusterroles", RBAC), "create", "", NO),
        (rule("escalate", "roles"), "create", "", NO),
        (rule("get", "secrets"), "create", "", YES),
        (rule("get", "secrets", names="a"), "create", "", NO),
        (rule("list", "secrets"), "create", "", NO),
    ],
)
def test_rbac_39_escalate_or_cover(held: dict[str, list[str]], verb: str, name: str, answer: Answer) -> None:
    """``escalate`` counts with the name of the request, which a create does not have, and for its own kind."""
    for scope in ("wide", "close"):
        made = access(held) if scope == "wide" else access(close=(held,))
        assert may_write_role(made, JANE, write(verb, "shop", name)).answer is answer, scope


def test_rbac_39_rules_of_a_namespace_cover_nothing_outside_it() -> None:
    made = access(close=(rule("*", "*", "*"),))
    assert may_write_role(made, JANE, write(namespace="shop")).answer is YES
    for elsewhere in ("other", ""):
        found = may_write_role(made, JANE, write(namespace=elsewhere))
        assert (found.answer, found.uncovered) == (NO, (SECRETS,)), elsewhere


def test_rbac_39_the_write_itself_has_to_be_authorized() -> None:
    objects = [role("r", rule("*", "secrets")), binding("b", "ClusterRole/r", "User:jane")]
    found = may_write_role(build(cluster(objects, "v1.36.3")), JANE, write())
    assert found.answer is NO and found.reason.startswith("create roles:")


def test_rbac_38_an_aggregation_rule_takes_full_authority() -> None:
    wanted = write("update", "", "gathers", SECRETS, aggregated=True)
    assert may_write_role(access(rule("get", "secrets")), JANE, wanted).answer is NO
    assert may_write_role(access(rule("*", "*", "apps core"), rule("*", urls="*")), JANE, wanted).answer is NO
    assert may_write_role(access(rule("*", "*", "*")), JANE, wanted).answer is YES
    assert may_write_role(access(rule("escalate", "clusterroles", RBAC, "gathers")), JANE, wanted).answer is YES


@pytest.mark.parametrize(
    ("held", "kind", "namespace", "answer"),
    [
        (rule("bind", "clusterroles", RBAC), "ClusterRole", "", YES),
        (rule("bind", "clusterroles", RBAC), "ClusterRole", "shop", YES),
        (rule("bind", "clusterroles", RBAC, "power"), "ClusterRole", "shop", YES),
        (rule("bind", "clusterroles", RBAC, "other"), "ClusterRole", "shop", NO),
        (rule("bind", "roles", RBAC), "Role", "shop", YES),
        (rule("bind", "roles", RBAC), "ClusterRole", "shop", NO),
        (rule("bind", "rolebindings clusterrolebindings", RBAC), "ClusterRole", "", NO),
        (rule("bind", "roles", RBAC), "Role", "", NO),
        (rule("get", "secrets"), "ClusterRole", "shop", YES),
        (rule("get", "secrets", names="a"), "ClusterRole", "shop", NO),
    ],
)
def test_rbac_40_and_reg_bind_object(held: dict[str, list[str]], kind: str, namespace: str, answer: Answer) -> None:
    """``bind`` counts on the role that is referred to, never on bindings."""
    wanted = BindingWrite("create", namespace, "", RoleRef(kind, "power"), (SECRETS,))
    assert may_write_binding(access(held), JANE, wanted).answer is answer


def test_rbac_40_a_namespaced_bind_never_serves_a_cluster_role_binding() -> None:
    made = access(close=(rule("bind", "clusterroles", RBAC),))
    for namespace, answer in (("shop", YES), ("", NO), ("other", NO)):
        wanted = BindingWrite("create", namespace, "", RoleRef("ClusterRole", "power"), (SECRETS,))
        assert may_write_binding(made, JANE, wanted).answer is answer, namespace


def test_rbac_23_a_missing_role_takes_bind() -> None:
    wanted = BindingWrite("create", "shop", "", RoleRef("Role", "absent"), None)
    assert may_write_binding(access(rule("*", "*", "apps")), JANE, wanted).answer is NO
    assert may_write_binding(access(rule("bind", "roles", RBAC, "absent")), JANE, wanted).answer is YES


def test_rbac_43_only_what_changes_is_judged() -> None:
    made = access()
    assert may_write_role(made, JANE, write("patch", "shop", "r")).answer is NO
    assert may_write_role(made, JANE, write("patch", "shop", "r", SECRETS, unchanged=True)).answer is YES
    bound = BindingWrite("patch", "shop", "b", RoleRef("Role", "r"), (SECRETS,), unchanged=True)
    assert may_write_binding(made, JANE, bound).answer is YES


def test_rbac_29_masters_pass_the_guards() -> None:
    root = Identity("root", (MASTERS,))
    assert may_write_role(access(), root, write()).answer is YES
    assert (
        may_write_binding(access(), root, BindingWrite("create", "", "", RoleRef("ClusterRole", "x"), None)).answer
        is YES
    )


def test_rbac_p3_what_was_not_read_may_let_it_pass() -> None:
    objects = [role("w", WRITE, namespace="shop"), binding("b", "Role/w", "User:jane", namespace="shop")]
    made = build(cluster(objects, "v1.36.3", {CLUSTER_ROLE_BINDINGS: Outcome.REFUSED}))
    found = may_write_role(made, JANE, write())
    assert found.answer is UNKNOWN and found.unseen[0].resource == CLUSTER_ROLE_BINDINGS
