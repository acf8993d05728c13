"""EXP-611, EXP-625, EXP-962 and RBAC-70: what rules amount to."""

import pytest

from kubeaudit.model.objects.rbac import PolicyRule
from kubeaudit.rbac.access import build
from kubeaudit.rbac.powers import SecretRead, Wildcard, interner, powers

from .objects import binding, cluster, policy, role, rule

SEVEN = "get list watch create update patch delete"


def test_rbac_70_equal_lists_of_rules_are_one_object() -> None:
    intern = interner()
    first = intern((policy("get", "pods"),))
    assert intern((policy("get", "pods"),)) is first
    assert intern((policy("get", "pods"), policy("get", "pods"))) is not first


def test_exp_625_everything_is_one_literal_rule_and_every_verb_may_be_spelled_out() -> None:
    found = powers(
        (policy("get", "pods"), policy(SEVEN, "*", "*"), policy("*", "*", "*"), policy("get list", "*", "*"))
    )
    assert found.everything == (2,)
    assert found.every_verb == (1, 2)
    assert powers((policy(SEVEN, "*", "*", names="a"), policy(SEVEN, "*"), policy(SEVEN, "pods", "*"))).every_verb == ()


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (policy("get", "secrets"), SecretRead(0, ("get",))),
        (policy("list", "pods secrets"), SecretRead(0, ("list",))),
        (policy("watch", "*"), SecretRead(0, ("watch",))),
        (policy("*", "*", "*"), SecretRead(0, ("get", "list", "watch"))),
        (policy("get", "secrets", names="b a"), SecretRead(0, ("get",), ("a", "b"))),
        (policy("get list", "secrets", names="a"), SecretRead(0, ("get", "list"), ("a",))),
        # RBAC-15: the empty name is that of a list without a selector, so every Secret comes back.
        (policy("get list", "secrets", names=""), SecretRead(0, ("list",))),
        (policy("get", "secrets", names=""), None),
        (policy("create update", "secrets"), None),
        (policy("get", "secrets", "apps"), None),
        (policy("get", "secrets/status"), None),
        (policy("get", "secret"), None),
    ],
)
def test_exp_611_reads_of_secrets(made: PolicyRule, expected: SecretRead | None) -> None:
    assert powers((made,)).secrets == ((expected,) if expected else ())


@pytest.mark.parametrize(
    ("made", "fields"),
    [
        (policy("*", "pods"), ("verbs",)),
        (policy("get", "*", "*"), ("resources", "apiGroups")),
        (policy("*", urls="/healthz"), ("verbs",)),
        (policy("get", "pods/* */scale"), ()),
        (policy("get", urls="*"), ()),
        (PolicyRule(verbs=("*",)), ()),
        (PolicyRule(verbs=("*",), api_groups=("",)), ()),
        (PolicyRule(verbs=("*",), resources=("pods",)), ()),
        (PolicyRule(api_groups=("*",), resources=("*",)), ()),
    ],
)
def test_wildcards_by_field(made: PolicyRule, fields: tuple[str, ...]) -> None:
    assert powers((made,)).wildcards == ((Wildcard(0, fields),) if fields else ())


def test_exp_961_and_962_count_in_the_scope_of_the_binding() -> None:
    objects = [
        role("all", rule("get", "pods"), rule("*", "*", "*")),
        role("named", rule("get", "secrets", names="a")),
        binding("everywhere", "ClusterRole/all", "User:u"),
        binding("named", "ClusterRole/named", "User:u"),
        binding("system", "ClusterRole/all", "User:u", namespace="kube-system"),
        binding("shop", "ClusterRole/all", "User:u", namespace="shop"),
    ]
    found = {grant.binding.name: (grant.cluster_admin, grant.all_secrets) for grant in build(cluster(objects)).grants}
    assert found == {"everywhere": (1, 1), "named": (None, None), "system": (None, 1), "shop": (None, None)}
