"""RBAC-83: permissions that appeared or went, with the object that changed."""

from random import Random

import pytest

from kubeaudit.queries.access_diff import AccessDiff, Change, access_diff
from kubeaudit.queries.subjects import asker
from kubeaudit.rbac.access import Answer, build
from kubeaudit.rbac.identities import Identity
from kubeaudit.rbac.rules import Request
from kubeaudit.snapshot import Outcome
from tests.rbac import generate
from tests.rbac.objects import ROLE_BINDINGS, aggregated, binding, cluster, role, rule

from .asking import access

READ = role("r", rule("get list", "pods"))


def rows(found: tuple[Change, ...]) -> list[tuple[str, str, tuple[str, ...], str, tuple[str, ...]]]:
    return [(each.subject, each.scope, each.verbs, str(each.part), each.causes) for each in found]


def same(found: AccessDiff) -> bool:
    return not (found.added or found.removed or found.awakened)


def test_a_new_binding_adds_and_a_lost_one_removes() -> None:
    old, new = access(READ), access(READ, binding("b", "ClusterRole/r", "User:jane", namespace="shop"))
    change = ("User jane", "shop", ("get", "list"), "pods")
    assert rows(access_diff(old, new).added) == [(*change, ("RoleBinding shop/b added",))]
    assert rows(access_diff(new, old).removed) == [(*change, ("RoleBinding shop/b removed",))]
    assert same(access_diff(new, new))


@pytest.mark.parametrize(
    ("after", "cause"),
    [
        (
            [role("r", rule("get list watch", "pods")), binding("b", "ClusterRole/r", "User:jane")],
            "ClusterRole r changed",
        ),
        (
            [role("r", rule("get list", "pods")), role("s", rule("get list watch", "pods")),
             binding("b", "ClusterRole/s", "User:jane")],
            "ClusterRoleBinding b refers to another role",
        ),
        (
            [READ, role("s", rule("watch", "pods")), binding("b", "ClusterRole/r", "User:jane"),
             binding("c", "ClusterRole/s", "User:jane")],
            "ClusterRoleBinding c added",
        ),
    ],
)  # fmt: skip
def test_the_object_that_changed_is_named(after: list[dict[str, object]], cause: str) -> None:
    old = access(READ, role("s", rule("watch", "pods")), binding("b", "ClusterRole/r", "User:jane"))
    found = access_diff(old, access(*after))
    assert rows(found.added) == [("User jane", "", ("watch",), "pods", (cause,))]


def test_a_new_subject_of_an_old_binding_is_named() -> None:
    old = access(READ, binding("b", "ClusterRole/r", "User:jane"))
    new = access(READ, binding("b", "ClusterRole/r", "User:jane", "Group:dev"))
    (change,) = access_diff(old, new).added
    assert (change.subject, change.causes) == ("Group dev", ("ClusterRoleBinding b: subject Group dev added",))


def test_rbac_37_a_role_that_joins_an_aggregated_one_is_named() -> None:
    whole = aggregated("whole", {"matchLabels": {"to": "all"}})
    part = role("part", rule("get", "secrets"))
    part["metadata"]["labels"] = {"to": "all"}
    bound = binding("b", "ClusterRole/whole", "User:jane")
    (change,) = access_diff(access(whole, bound), access(whole, part, bound)).added
    assert change.causes == ("ClusterRole part added in ClusterRole whole",)


def test_the_same_right_in_other_words_is_no_change() -> None:
    old = access(READ, binding("b", "ClusterRole/r", "User:jane", namespace="shop"))
    wide = access(role("r", rule("*", "pods")), binding("b", "ClusterRole/r", "User:jane"))
    assert rows(access_diff(old, wide).removed) == []
    assert rows(access_diff(old, wide).added) == [("User jane", "", ("*",), "pods", ("ClusterRoleBinding b added",))]


def test_rbac_83_a_dormant_grant_that_became_live_is_told() -> None:
    bound = binding("b", "ClusterRole/r", "User:jane")
    found = access_diff(access(bound), access(bound, READ))
    assert [(entry.subject, entry.role.name) for entry in found.awakened] == [("User jane", "r")]
    assert rows(found.added) == [("User jane", "", ("get", "list"), "pods", ("ClusterRole r added",))]


def test_one_subject_is_compared_with_its_groups() -> None:
    new = access(READ, binding("b", "ClusterRole/r", "Group:dev"))
    assert not access_diff(access(READ), new, asker("jane")).added
    (change,) = access_diff(access(READ), new, asker("jane", groups=("dev",))).added
    assert change.subject == "User jane"


def test_rbac_p3_what_either_side_lacks_is_told() -> None:
    found = access_diff(access(outcomes={ROLE_BINDINGS: Outcome.REFUSED}), access())
    assert [item.resource for item in found.unseen] == [ROLE_BINDINGS]


@pytest.mark.parametrize("seed", range(20))
def test_whatever_a_subject_gains_is_explained_by_what_was_added(seed: int) -> None:
    random = Random(seed)
    objects = generate.objects(random, valid=False)
    old = build(cluster([item for item in objects if random.random() < 0.7], "v1.36.3"))
    new = build(cluster(objects, "v1.36.3"))
    found = access_diff(old, new)
    gained = {each.subject for each in found.added}
    for _ in range(60):
        ask = generate.ask(random, objects)
        identity, request = Identity(ask.user, ask.groups), Request(**ask.request)
        unreal = request.verb in ("create", "deletecollection") and request.name and not request.subresource
        if unreal or request.resource in ("nodes", "clusterroles"):
            continue
        if (old.decide(identity, request).answer, new.decide(identity, request).answer) == (
            Answer.NOT_ALLOWED,
            Answer.ALLOWED,
        ):
            holders = {str(each.held.subject) for each in new.decide(identity, request).grants}
            assert holders & gained, (ask, found.added)


def test_rbac_p7_changes_are_in_order_whatever_the_order_of_the_objects() -> None:
    objects = [
        role("r", rule("watch get", "secrets pods")),
        role("s", rule("list", "nodes")),
        binding("b", "ClusterRole/r", "User:joe", "User:ann"),
        binding("a", "ClusterRole/s", "Group:dev"),
    ]
    found = access_diff(access(), access(*objects))
    assert found == access_diff(access(), access(*reversed(objects)))
    assert [each.subject for each in found.added] == ["Group dev", "User ann", "User ann", "User joe", "User joe"]
    assert [(str(each.part), each.danger, each.verbs) for each in found.added[1:3]] == [
        ("secrets", 1, ("get", "watch")),
        ("pods", 3, ("get", "watch")),
    ]
