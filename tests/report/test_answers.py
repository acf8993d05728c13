"""Answers of queries as text and as JSON (RBAC-87)."""

import msgspec
import pytest

from kubeaudit.queries.access_diff import access_diff
from kubeaudit.queries.can import can
from kubeaudit.queries.places import start, target
from kubeaudit.queries.subjects import asker
from kubeaudit.queries.uses import target as named
from kubeaudit.queries.uses import uses
from kubeaudit.queries.what_can import what_can
from kubeaudit.queries.who_can import can_obtain, who_can
from kubeaudit.queries.why import why
from kubeaudit.report import access_text
from kubeaudit.report.answer import to_json
from kubeaudit.report.chain_text import why_text
from kubeaudit.snapshot import Outcome
from tests.queries.asking import access, deployment, request, world
from tests.rbac.objects import ROLE_BINDINGS, account, binding, role, rule

OBJECTS = (
    account("shop", "app"),
    deployment("shop", "web", "app"),
    role("r", rule("get list", "secrets"), rule("get", "pods/*")),
    role("renamed", rule("*", "*", "*")),
    binding(
        "b", "ClusterRole/r", "ServiceAccount:app", "Group:system:serviceaccounts:shop", "robot:r", namespace="shop"
    ),
    binding("gone", "ClusterRole/gone", "ServiceAccount:shop/app"),
    binding("top", "ClusterRole/renamed", "User:jane"),
)


def test_rbac_80_the_first_word_is_the_answer_and_grants_stand_one_a_line() -> None:
    made = access(*OBJECTS)
    text = access_text.can_text(can(made, asker("shop:app"), request("get secrets", made, namespace="shop")))
    assert text.splitlines()[:2] == ["yes", "ServiceAccount shop/app: get secrets in namespace shop"]
    assert [line.split()[:2] for line in text.splitlines()[4:6]] == [["RoleBinding", "shop/b"]] * 2
    refused = access_text.can_text(can(made, asker("shop:app"), request("delete secrets", made, namespace="shop")))
    assert refused.startswith("no\n")
    assert "nearest: RoleBinding shop/b subjects[0] -> ClusterRole r rules[0] in shop: verbs has get, list" in refused
    assert "dormant: ClusterRoleBinding gone" in refused
    unread = access(outcomes={ROLE_BINDINGS: Outcome.REFUSED})
    text = access_text.can_text(can(unread, asker("shop:app"), request("get pods", unread)))
    assert text.startswith("unknown\n")
    assert f"not read: {ROLE_BINDINGS}" in text


def test_rbac_81_holders_first_then_those_who_can_obtain_it() -> None:
    made = world(*OBJECTS)
    engine = made.context.access
    found = who_can(engine, request("list secrets", engine, namespace="shop"))
    text = access_text.who_can_text(msgspec.structs.replace(found, can_obtain=can_obtain(made, found)))
    assert text.startswith("who can list secrets in namespace shop\n")
    assert "1 known member" in text
    assert "ignored: RoleBinding shop/b subjects[2], robot r: kind 'robot'" in text
    nobody = access_text.who_can_text(who_can(access(), request("list secrets")))
    assert "no subject holds a grant for it" in nobody


def test_rbac_82_dangerous_permissions_are_marked() -> None:
    made = access(*OBJECTS)
    lines = access_text.what_can_text(what_can(made, asker("jane"))).splitlines()
    assert lines[4].split()[:3] == ["!!", "*.*", "*"]
    text = access_text.what_can_text(what_can(made, asker("shop:app")))
    assert "without effect: ClusterRole r rules[1] get pods/*: a star behind the slash" in text
    assert "nothing" in access_text.what_can_text(what_can(access(), asker("jane")))


def test_rbac_83_added_with_a_plus_and_removed_with_a_minus() -> None:
    old, new = access(*OBJECTS), access(*OBJECTS[:-1])
    assert access_text.diff_text(access_diff(old, new)).splitlines()[1].startswith("-  User jane")
    assert access_text.diff_text(access_diff(new, old)).splitlines()[1].startswith("+  User jane")
    assert access_text.diff_text(access_diff(new, new)) == "no permission changed\n"


def test_rbac_84_bindings_then_workloads() -> None:
    text = access_text.uses_text(uses(world(*OBJECTS), named("clusterrole/r")))
    assert "Deployment shop/web  shop/app" in text
    assert "(no such object was read)" in access_text.uses_text(uses(world(), named("clusterrole/r")))


def test_rbac_85_hops_edits_and_what_is_left() -> None:
    made = world(*OBJECTS)
    text = why_text(why(made, start(made, "jane"), target(made, "cluster-admin")))
    assert "smallest edit: ClusterRoleBinding top: remove subject User jane" in text
    assert "  subjects: []" in text
    assert why_text(why(made, start(made, "joe"), target(made, "cluster-admin"))).startswith(
        "nothing leads from User joe"
    )


def test_names_that_a_terminal_would_act_on_are_escaped() -> None:
    made = access(role("r", rule("get", "pods")), binding("b", "ClusterRole/r", "User:\x1b[2Jjane"))
    for text in (
        access_text.who_can_text(who_can(made, request("get pods", made))),
        access_text.can_text(can(made, asker("user:\x1b[2Jjane"), request("get pods", made))),
        access_text.what_can_text(what_can(made, asker("user:\x1b[2Jjane"))),
    ):
        assert "\x1b" not in text
        assert r"\x1b[2Jjane" in text


@pytest.mark.parametrize("kind", ["can", "who-can", "what-can", "what-can-diff", "uses", "why"])
def test_rbac_87_json_names_its_schema_and_is_the_same_for_the_same_answer(kind: str) -> None:
    def answer() -> msgspec.Struct:
        made = world(*OBJECTS)
        engine = made.context.access
        match kind:
            case "can":
                return can(engine, asker("jane"), request("get pods", engine))
            case "who-can":
                return who_can(engine, request("get pods", engine))
            case "what-can":
                return what_can(engine, asker("jane"))
            case "what-can-diff":
                return access_diff(access(), engine)
            case "uses":
                return uses(made, named("clusterrole/r"))
            case _:
                return why(made, start(made, "jane"), target(made, "cluster-admin"))

    text = to_json(answer())
    assert msgspec.json.decode(text)["schema"] == f"kubeaudit.{kind}/1"
    assert text == to_json(answer())
