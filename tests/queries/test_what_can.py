"""RBAC-82, RBAC-103: everything a subject may do, with provenance."""

from random import Random

import pytest

from kubeaudit.model.objects.rbac import PolicyRule
from kubeaudit.queries.atoms import Part, danger
from kubeaudit.queries.subjects import asker
from kubeaudit.queries.what_can import Permission, what_can
from kubeaudit.rbac.access import Answer, build
from kubeaudit.rbac.rules import ANY, Request, allows
from kubeaudit.snapshot import Outcome
from tests.rbac import generate
from tests.rbac.objects import CLUSTER_ROLES, ROLE_BINDINGS, binding, cluster, role, rule

from .asking import access


def requests(each: Permission) -> list[Request]:
    """A request for every verb of a permission; any word does where it says ``*``."""
    verbs = ["frobnicate" if verb == ANY else verb for verb in each.verbs]
    if each.url:
        return [Request(verb, path=each.url.rstrip(ANY) or "/") for verb in verbs]
    resource, _, sub = each.resource.partition("/")
    kind = "anything" if resource == ANY else resource
    group = "any.example" if each.group == ANY else each.group
    namespace = each.scope or "somewhere"
    return [Request(verb, group, kind, sub, namespace, name) for verb in verbs for name in (each.names or ("x",))]


@pytest.mark.parametrize("seed", range(40))
def test_rbac_103_what_can_replayed_through_can_is_all_allowed(seed: int) -> None:
    random = Random(seed)
    made = build(cluster(generate.objects(random, valid=False), "v1.36.3"))
    for text in ("jane", "shop:app", "group:dev", "anonymous"):
        who = asker(text)
        for each in what_can(made, who).permissions:
            for request in requests(each):
                assert made.decide(who.identity, request).answer is Answer.ALLOWED, (text, each.part, request)


@pytest.mark.parametrize("seed", range(20))
def test_rbac_103_whatever_can_allows_is_in_what_can(seed: int) -> None:
    random = Random(seed)
    objects = generate.objects(random, valid=False)
    made = build(cluster(objects, "v1.36.3"))
    for _ in range(100):
        ask = generate.ask(random, objects)
        request = Request(**ask.request)
        # These carry no name, and the kinds are not namespaced: a rule that matches them so matches no real request.
        unreal = request.verb in ("create", "deletecollection") and request.name and not request.subresource
        if unreal or request.resource in ("nodes", "clusterroles") or ask.user.startswith("system:node:"):
            continue
        who = asker(ask.user, groups=ask.groups)
        listed = what_can(made, who, request.namespace or None).permissions
        if made.decide(who.identity, request).answer is Answer.ALLOWED:
            assert any(allows(rule_of(each), request) for each in listed if _holds(each, request)), (ask, listed)


def rule_of(each: Permission) -> PolicyRule:
    if each.url:
        return PolicyRule(each.verbs, non_resource_urls=(each.url,))
    return PolicyRule(each.verbs, (each.group,), (each.resource,), each.names)


def _holds(each: Permission, request: Request) -> bool:
    return each.scope in ("", request.namespace)


def test_rbac_82_permissions_are_put_together_with_every_rule_behind_them() -> None:
    made = access(
        role("a", rule("get", "pods"), rule("get list", "services")),
        role("b", rule("list", "pods")),
        binding("one", "ClusterRole/a", "User:jane", namespace="shop"),
        binding("two", "ClusterRole/b", "Group:system:authenticated", namespace="shop"),
    )
    found = {str(each.part): each for each in what_can(made, asker("jane")).permissions}
    pods = found["pods"]
    assert (pods.verbs, [use.binding.name for use in pods.uses], pods.implicit) == (
        ("get", "list"),
        ["one", "two"],
        False,
    )
    assert what_can(made, asker("joe")).permissions[0].implicit
    assert what_can(made, asker("jane"), "other").permissions == ()


def test_rbac_82_dangerous_permissions_come_first() -> None:
    made = access(
        role("r", rule("get", "configmaps"), rule("get", "secrets"), rule("delete", "services"), rule("*", "*", "*")),
        binding("one", "ClusterRole/r", "User:jane"),
    )
    found = what_can(made, asker("jane")).permissions
    assert [str(each.part) for each in found] == ["*.*", "secrets", "services", "configmaps"]


@pytest.mark.parametrize(
    ("resource", "verb", "rank"),
    [
        ("pods", "create", 1),
        ("pods", "get", 3),
        ("pods", "delete", 2),
        ("pods/exec", "get", 1),
        ("pods/log", "get", 3),
        ("nodes/proxy", "get", 1),
        ("serviceaccounts/token", "create", 1),
        ("clusterroles", "bind", 1),
        ("clusterroles", "get", 3),
        ("secrets", "watch", 1),
        ("secrets", "create", 2),
        ("users", "impersonate", 1),
        ("configmaps", "*", 2),
    ],
)
def test_danger_follows_the_preconditions_of_escalation(resource: str, verb: str, rank: int) -> None:
    assert danger(Part("", "", resource), verb) == rank


def test_what_matches_no_request_is_told_and_is_no_permission() -> None:
    made = access(
        role(
            "r",
            rule("get", "pods/* */*"),
            rule("create get", "pods", names="web"),
            rule("get", "nodes"),
            rule("get", urls="/metrics"),
            {"verbs": [], "apiGroups": [""], "resources": ["pods"]},
            {"verbs": ["get"], "resources": ["pods"]},
        ),
        binding("here", "ClusterRole/r", "User:jane", namespace="shop"),
    )
    found = what_can(made, asker("jane"))
    assert [(str(each.part), each.verbs, each.names) for each in found.permissions] == [("pods", ("get",), ("web",))]
    assert sorted((each.use.rule, each.dead.text) for each in found.dead) == [
        (0, "get */*"),
        (0, "get pods/*"),
        (1, "create pods"),
        (2, "get nodes"),
        (3, "/metrics"),
        (4, "verbs"),
        (5, "apiGroups"),
    ]


def test_rbac_23_30_and_p3_dormant_bindings_and_unread_kinds_are_told() -> None:
    made = access(binding("b", "ClusterRole/gone", "User:jane"), outcomes={ROLE_BINDINGS: Outcome.REFUSED})
    found = what_can(made, asker("jane"))
    assert [entry.role.name for entry in found.dormant] == ["gone"]
    assert [item.resource for item in found.unseen] == [ROLE_BINDINGS]
    unread = access(binding("b", "ClusterRole/r", "User:jane"), outcomes={CLUSTER_ROLES: Outcome.REFUSED})
    assert [item.resource for item in what_can(unread, asker("jane")).unseen] == [CLUSTER_ROLES]


def test_rbac_29_masters_can_do_everything_without_a_grant() -> None:
    assert "everything is allowed" in what_can(access(), asker("group:system:masters")).notes[0]


def test_the_worst_verb_decides_how_dangerous_a_permission_is() -> None:
    made = access(role("r", rule("watch get bind", "clusterroles", "core")), binding("b", "ClusterRole/r", "User:jane"))
    (each,) = what_can(made, asker("jane")).permissions
    assert (each.danger, each.verbs) == (1, ("bind", "get", "watch"))
    assert danger(Part("", "example.com", ANY), "list") == 2
