"""RBAC-86: what a change does to permissions, chains and findings, and whether a writer may make it."""

from kubeaudit.queries.apply import Applied, apply
from kubeaudit.queries.guarded import Write, writes
from kubeaudit.queries.simulate import Simulation, compare, finding_changes
from kubeaudit.queries.subjects import asker
from kubeaudit.rbac.access import Answer
from kubeaudit.settings import Severity
from kubeaudit.world import World
from tests import factory
from tests.rbac.objects import Manifest, account, aggregated, binding, role, rule

from .asking import API, deployment

ADMIN = role("renamed", rule("*", "*", "*"))
GRANT = binding("b", "ClusterRole/renamed", "ServiceAccount:shop/app")
BASE = [account("shop", "app"), deployment("shop", "web", "app"), ADMIN]


def worlds(base: list[Manifest], change: list[Manifest]) -> tuple[World, World, tuple[Applied, ...]]:
    before = factory.snapshot(base)
    after, objects = apply(before, factory.files(change), ())
    return factory.world(before), factory.world(after), objects


def simulated(base: list[Manifest], change: list[Manifest]) -> Simulation:
    return compare(*worlds(base, change))


def rows(found: Simulation) -> set[tuple[str, str, str, str]]:
    return {(each.source_label, each.target, each.before, each.after) for each in found.chains}


def test_a_grant_opens_chains_and_its_removal_closes_them() -> None:
    opened = simulated(BASE, [GRANT])
    assert {
        ("ServiceAccount shop/app", "cluster-admin", "none", "yes"),
        ("Deployment shop/web (code)", "cluster-admin", "none", "yes"),
        ("ServiceAccount shop/app", "all Secrets", "none", "yes"),
    } <= rows(opened)
    assert opened.worse
    closed = simulated([*BASE, GRANT], [binding("b", "ClusterRole/renamed")])
    assert {(each.before, each.after) for each in closed.chains} == {("yes", "none")}
    assert not closed.worse
    assert [each.subject for each in closed.permissions.removed] == ["ServiceAccount shop/app"]


def test_a_change_without_effect_changes_nothing() -> None:
    found = simulated([*BASE, GRANT], [GRANT])
    assert (found.chains, found.permissions.added, found.permissions.removed, found.worse) == ((), (), (), False)


def test_members_are_told_with_their_group() -> None:
    found = simulated(BASE, [binding("b", "ClusterRole/renamed", "Group:system:serviceaccounts:shop")])
    sources = {each.source_label for each in found.chains if each.target == "cluster-admin"}
    assert "Group system:serviceaccounts:shop" in sources
    assert "ServiceAccount shop/app" not in sources


def test_findings_that_appear_and_go_are_told_apart_by_their_fingerprint() -> None:
    before, after = factory.scanned(BASE, "rbac-cluster-admin"), factory.scanned([*BASE, GRANT], "rbac-cluster-admin")
    added, removed = finding_changes(before.findings, after.findings)
    assert [(each.check, each.subject.name) for each in added] == [("rbac-cluster-admin", "b")]
    assert removed == ()
    assert finding_changes(after.findings, before.findings) == ((), added)
    assert Simulation((), simulated(BASE, BASE).permissions, (), findings_added=added).worse
    assert added[0].severity is Severity.CRITICAL


def asked(base: list[Manifest], change: list[Manifest], who: str = "jane") -> list[Write]:
    before, after, objects = worlds(base, change)
    return list(writes(before.context.access, after.context.access, asker(who).identity, objects))


WRITER = [
    role(
        "writer", rule("create update", "rolebindings clusterrolebindings clusterroles roles", API), rule("get", "pods")
    ),
    binding("w", "ClusterRole/writer", "User:jane"),
]


def test_rbac_39_a_role_passes_where_the_writer_covers_it() -> None:
    small, big = role("small", rule("get", "pods")), role("big", rule("get", "secrets"))
    found = asked(WRITER, [small, big])
    assert [(each.object.name, each.verb, each.answer) for each in found] == [
        ("big", "create", Answer.NOT_ALLOWED),
        ("small", "create", Answer.ALLOWED),
    ]
    assert found[0].uncovered == ("get secrets of core",)


def test_rbac_38_an_aggregation_rule_needs_everything() -> None:
    (found,) = asked(WRITER, [aggregated("whole", {"matchLabels": {"a": "b"}})])
    assert found.answer is Answer.NOT_ALLOWED


def test_rbac_40_a_binding_passes_where_the_writer_covers_the_role() -> None:
    base = [*WRITER, role("small", rule("get", "pods")), ADMIN]
    change = [binding("ok", "ClusterRole/small", "User:joe"), binding("bad", "ClusterRole/renamed", "User:jane")]
    assert {each.object.name: each.answer for each in asked(base, change)} == {
        "ok": Answer.ALLOWED,
        "bad": Answer.NOT_ALLOWED,
    }


def test_rbac_23_binding_a_role_that_does_not_exist_needs_bind() -> None:
    (found,) = asked(WRITER, [binding("b", "ClusterRole/gone", "User:joe")])
    assert found.answer is Answer.NOT_ALLOWED
    assert "does not exist" in found.reason


def test_rbac_43_deleting_is_authorized_and_not_guarded() -> None:
    before = factory.snapshot([*WRITER, GRANT])
    after, objects = apply(before, None, [(f"clusterrolebindings.{API}", "", "b")])
    asked_of = factory.world(before).context.access
    (found,) = writes(asked_of, factory.world(after).context.access, asker("jane").identity, objects)
    assert (found.verb, found.answer) == ("delete", Answer.NOT_ALLOWED)


def test_other_kinds_and_objects_that_stay_are_not_asked_about() -> None:
    assert asked([*WRITER, GRANT], [GRANT, account("shop", "new")]) == []
