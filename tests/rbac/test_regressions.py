"""Rows of rbac.md section 8 about the answer itself: matching, bindings, groups, aggregation, what was not read.

Each is an input that some tool gets wrong. The rows about findings are in test_dangers and test_review.
"""

import pytest

from kubeaudit.rbac.access import Access, Answer, build, rule_evidence
from kubeaudit.rbac.identities import Identity, service_account, user
from kubeaudit.rbac.rules import Request
from kubeaudit.rbac.subjects import subjects
from kubeaudit.snapshot import Outcome

from .objects import CLUSTER_ROLES, ROLE_BINDINGS, Manifest, account, aggregated, binding, cluster, role, rule

JANE, APP = user("jane"), service_account("shop", "app")
GET_SECRET = Request("get", "", "secrets", "", "shop", "s")
ALLOWED, DENIED = Answer.ALLOWED, Answer.NOT_ALLOWED


def access(*objects: Manifest, version: str = "v1.36.3", **outcomes: Outcome) -> Access:
    keys = {"cluster_roles": CLUSTER_ROLES, "role_bindings": ROLE_BINDINGS}
    return build(cluster(objects, version, {keys[kind]: outcome for kind, outcome in outcomes.items()}))


def answer(made: Access, identity: Identity, verb: str, resource: str, group: str = "", **rest: str) -> Answer:
    kind, _, subresource = resource.partition("/")
    return made.decide(identity, Request(verb, group, kind, subresource, **rest)).answer


def jane_has(*rules: dict[str, list[str]]) -> Access:
    return access(role("r", *rules), binding("b", "ClusterRole/r", "User:jane"))


def test_reg_sa_after_group_the_account_after_a_group_holds_the_grant() -> None:
    made = access(
        role("r", rule("get", "secrets")), binding("b", "ClusterRole/r", "Group:dev", "ServiceAccount:shop/app")
    )
    decision = made.decide(APP, GET_SECRET)
    assert [(each.held.subject.index, str(each.held.subject)) for each in decision.grants] == [
        (1, "ServiceAccount shop/app")
    ]


def test_reg_sa_as_user_the_user_name_of_an_account_is_the_account() -> None:
    made = access(
        role("r", rule("get", "secrets")), binding("b", "ClusterRole/r", "User:system:serviceaccount:shop:app")
    )
    assert made.decide(APP, GET_SECRET).answer is ALLOWED
    named = [(each.kind, each.namespace, each.name) for each in subjects(made) if each.kind != "Group"]
    assert named == [("ServiceAccount", "shop", "app")]


def test_reg_sa_subject_no_namespace_is_of_the_namespace_of_its_role_binding() -> None:
    granted = role("r", rule("get", "secrets"))
    made = access(granted, binding("b", "ClusterRole/r", "ServiceAccount:app", namespace="shop"))
    assert made.decide(APP, GET_SECRET).answer is ALLOWED
    assert made.decide(service_account("other", "app"), GET_SECRET).answer is DENIED
    everywhere = access(granted, binding("b", "ClusterRole/r", "ServiceAccount:app"))
    assert everywhere.decide(APP, GET_SECRET).answer is DENIED


def test_reg_same_name_role_of_another_namespace_is_not_used() -> None:
    made = access(
        role("r", rule("get", "secrets"), namespace="other"),
        role("r", rule("get", "secrets")),
        binding("b", "Role/r", "User:jane", namespace="shop"),
        binding("c", "Role/r", "User:jane"),
    )
    assert made.decide(JANE, GET_SECRET).answer is DENIED


def test_reg_rolebinding_clusterrole_holds_in_its_namespace_only() -> None:
    made = access(role("r", rule("get", "secrets")), binding("b", "ClusterRole/r", "User:jane", namespace="shop"))
    decision = made.decide(JANE, GET_SECRET)
    assert (decision.answer, str(decision.grants[0].held.grant.role)) == (ALLOWED, "ClusterRole r")
    assert answer(made, JANE, "get", "secrets", namespace="other", name="s") is DENIED
    assert answer(made, JANE, "list", "secrets") is DENIED


def test_reg_role_bind_cross_ns_rights_of_two_namespaces_do_not_add_up() -> None:
    made = access(
        role("create", rule("create", "rolebindings", "rbac.authorization.k8s.io")),
        role("bind", rule("bind", "clusterroles", "rbac.authorization.k8s.io")),
        binding("a", "ClusterRole/create", "User:jane", namespace="shop"),
        binding("b", "ClusterRole/bind", "User:jane", namespace="other"),
    )
    group = "rbac.authorization.k8s.io"

    def both_in(namespace: str) -> tuple[Answer, Answer]:
        bind = answer(made, JANE, "bind", "clusterroles", group, namespace=namespace, name="x")
        return answer(made, JANE, "create", "rolebindings", group, namespace=namespace), bind

    assert (both_in("shop"), both_in("other")) == ((ALLOWED, DENIED), (DENIED, ALLOWED))


@pytest.mark.parametrize("group", ["system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated"])
def test_reg_group_expansion_every_account_has_what_its_implicit_groups_have(group: str) -> None:
    made = access(role("r", rule("get", "secrets")), binding("b", "ClusterRole/r", f"Group:{group}"))
    decision = made.decide(APP, GET_SECRET)
    assert (decision.answer, decision.grants[0].held.via) == (ALLOWED, group)


@pytest.mark.parametrize(
    ("granted", "resource", "verb", "expected"),
    [
        (rule("get", "nodes/proxy"), "nodes/proxy", "get", ALLOWED),
        (rule("create", "pods/exec"), "pods/exec", "create", ALLOWED),
        (rule("patch", "pods/ephemeralcontainers"), "pods/ephemeralcontainers", "patch", ALLOWED),
        (rule("create", "pods/exec", "core-group"), "pods/exec", "create", DENIED),
    ],
)
def test_reg_core_rename_the_core_group_is_the_empty_string(
    granted: dict[str, list[str]], resource: str, verb: str, expected: Answer
) -> None:
    assert answer(jane_has(granted), JANE, verb, resource, namespace="shop", name="x") is expected


@pytest.mark.parametrize(("group", "expected"), [("apps", ALLOWED), ("", DENIED), ("extensions", DENIED)])
def test_reg_apps_group_deployments_are_of_the_group_apps(group: str, expected: Answer) -> None:
    made = jane_has(rule("create", "deployments", "apps"))
    assert answer(made, JANE, "create", "deployments", group, namespace="shop") is expected


def test_reg_crd_named_secrets_a_kind_of_another_group_is_another_kind() -> None:
    made = jane_has(rule("*", "secrets", "example.com"))
    assert made.decide(JANE, GET_SECRET).answer is DENIED
    assert answer(made, JANE, "get", "secrets", "example.com", namespace="shop", name="s") is ALLOWED


def test_reg_core_wildcard_everything_of_the_core_group_is_not_everything() -> None:
    made = jane_has(rule("*", "*", "core"))
    assert made.decide(JANE, GET_SECRET).answer is ALLOWED
    assert answer(made, JANE, "create", "clusterrolebindings", "rbac.authorization.k8s.io") is DENIED
    assert made.grants[0].cluster_admin is None


@pytest.mark.parametrize("verb", ["get", "list", "watch"])
def test_reg_secrets_list_watch_each_verb_stands_for_itself(verb: str) -> None:
    made = jane_has(rule(verb, "secrets"))
    found = [
        each for each in ("get", "list", "watch") if answer(made, JANE, each, "secrets", namespace="shop") is ALLOWED
    ]
    assert found == [verb]
    assert made.grants[0].all_secrets == 0, "each reads the values"


@pytest.mark.parametrize("verb", ["get", "impersonate", "escalate", "frobnicate"])
def test_reg_verb_star_get_the_star_is_every_verb(verb: str) -> None:
    assert answer(jane_has(rule("*", "secrets")), JANE, verb, "secrets", namespace="shop", name="s") is ALLOWED


@pytest.mark.parametrize(
    ("resources", "asked", "expected"),
    [
        ("*/exec", "pods/exec", ALLOWED),
        ("*/token", "serviceaccounts/token", ALLOWED),
        ("*/exec", "pods/attach", DENIED),
        ("*/exec", "pods", DENIED),
        ("*", "pods/exec", ALLOWED),
    ],
)
def test_reg_star_sub_a_star_before_the_subresource_counts(resources: str, asked: str, expected: Answer) -> None:
    assert answer(jane_has(rule("create", resources)), JANE, "create", asked, namespace="shop", name="x") is expected


@pytest.mark.parametrize("asked", ["pods", "pods/exec", "pods/log", "pods/*"])
def test_reg_pods_slash_star_matches_nothing_that_is_served(asked: str) -> None:
    made = jane_has(rule("get", "pods/* */*"))
    expected = ALLOWED if asked == "pods/*" else DENIED
    assert answer(made, JANE, "get", asked, namespace="shop", name="x") is expected


@pytest.mark.parametrize(
    ("held", "path", "expected"),
    [
        ("/healthz/*", "/healthz/etcd", ALLOWED),
        ("/healthz*", "/healthzfoo", ALLOWED),
        ("/healthz/*", "/healthz", DENIED),
        ("/healthz", "/healthz/etcd", DENIED),
        ("*", "/anything", ALLOWED),
    ],
)
def test_reg_nonresource_prefix_trailing_stars_are_prefixes(held: str, path: str, expected: Answer) -> None:
    assert jane_has(rule("get", urls=held)).decide(JANE, Request("get", path=path)).answer is expected


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (Request("get", "", "secrets", "", "shop", "s"), ALLOWED),
        (Request("get", "", "secrets", "", "shop", "t"), DENIED),
        (Request("list", "", "secrets", "", "shop"), DENIED),
        (Request("list", "", "secrets", "", "shop", "s"), ALLOWED),
        (Request("create", "", "secrets", "", "shop"), DENIED),
        (Request("deletecollection", "", "secrets", "", "shop"), DENIED),
    ],
)
def test_reg_rbac_names_anywhere_rules_with_names_count_for_these(request_: Request, expected: Answer) -> None:
    made = jane_has(rule("get list create deletecollection", "secrets", names="s"))
    assert made.decide(JANE, request_).answer is expected


def test_reg_aggregation_manifest_is_filled_in_as_the_controller_does() -> None:
    part = role("part", rule("get", "secrets")) | {"metadata": {"name": "part", "labels": {"to": "whole"}}}
    made = access(
        part,
        aggregated("whole", {"matchLabels": {"to": "whole"}}, rules=[rule("*", "*", "*")]),
        binding("b", "ClusterRole/whole", "User:jane"),
    )
    decision = made.decide(JANE, GET_SECRET)
    assert decision.answer is ALLOWED
    evidence = rule_evidence(decision.grants[0].held.grant, decision.grants[0].rule)
    assert (str(evidence.object), evidence.note) == ("ClusterRole part", "aggregated into ClusterRole whole")
    assert answer(made, JANE, "delete", "secrets", namespace="shop", name="s") is DENIED, (
        "written rules are overwritten"
    )
    assert [str(cause.object) for cause in made.dead] == ["ClusterRole whole"]


def test_reg_role_without_binding_gives_nobody_anything() -> None:
    made = access(role("r", rule("*", "*", "*")), account("shop", "app"))
    assert made.grants == ()
    assert made.decide(APP, GET_SECRET).answer is DENIED


def test_reg_listing_incomplete_a_list_that_failed_makes_unknown() -> None:
    bound = binding("b", "ClusterRole/r", "User:jane")
    unread = access(bound, cluster_roles=Outcome.REFUSED).decide(JANE, GET_SECRET)
    assert (unread.answer, [each.resource for each in unread.unseen]) == (Answer.UNKNOWN, [CLUSTER_ROLES])
    cut = access(role_bindings=Outcome.PARTIAL).decide(JANE, GET_SECRET)
    assert (cut.answer, [each.resource for each in cut.unseen]) == (Answer.UNKNOWN, [ROLE_BINDINGS])


def test_reg_empty_rules_subject_a_role_or_binding_of_nothing_crashes_nothing() -> None:
    empty = {"verbs": [], "apiGroups": [], "resources": []}
    made = access(
        role("none"),
        role("empty", empty, {"verbs": ["get"]}),
        role("null") | {"rules": None},
        *(binding(name, f"ClusterRole/{name}", "User:jane") for name in ("none", "empty", "null", "missing")),
        binding("nobody", "ClusterRole/none") | {"subjects": None},
    )
    assert made.decide(JANE, GET_SECRET).answer is DENIED
    assert [len(each.subjects) for each in made.grants] == [1, 1, 1, 1, 0]
    assert [(each.kind, each.name) for each in subjects(made) if each.kind != "Group"] == [("User", "jane")]


def test_reg_many_crds_the_grants_that_allow_are_found_from_the_request() -> None:
    """RBAC-73, -75: of 500 kinds only the rules that name the one in question are looked at."""
    kinds = [role(f"r{n}", rule("get", f"things{n}", f"g{n}.example.com")) for n in range(500)]
    bound = [binding(f"b{n}", f"ClusterRole/r{n}", f"User:u{n}") for n in range(500)]
    index = access(*kinds, *bound).by_rule
    assert {len(places) for places in index.resources.values()} == {1}
    found = list(index.allowing(Request("get", "g7.example.com", "things7", "", "shop", "x")))
    assert [(grant.binding.name, number) for grant, number in found] == [("b7", 0)]


def test_reg_krane_size_equal_lists_of_rules_are_kept_once() -> None:
    """RBAC-70: 400 roles of ten shapes hold ten lists of rules."""
    roles = [role(f"r{n}", rule("get", f"kind{n % 10}")) for n in range(400)]
    made = access(*roles, *(binding(f"b{n}", f"ClusterRole/r{n}", "User:jane") for n in range(400)))
    assert len({id(grant.rule_set) for grant in made.grants}) == 10
