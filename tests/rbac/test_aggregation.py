"""RBAC-34..37: aggregated ClusterRoles."""

from kubeaudit.rbac.access import build, rule_evidence
from kubeaudit.rbac.aggregation import Filled, aggregate
from kubeaudit.refs import ObjectRef

from .objects import aggregated, binding, cluster, policy, role, rule

READ, WRITE, LOGS = rule("get", "pods"), rule("create", "pods"), rule("get", "pods/log")
GROUP = "rbac.authorization.k8s.io"


def to(name: str) -> dict[str, object]:
    return {"matchLabels": {f"to-{name}": "true"}}


def labels(*names: str) -> dict[str, str]:
    return {f"to-{name}": "true" for name in names}


def filled(*objects: dict[str, object]) -> dict[str, Filled]:
    return aggregate(cluster(objects).cluster_roles, {}).roles


def test_rbac_35_a_manifest_gets_the_union_until_nothing_changes() -> None:
    found = filled(
        aggregated("a-admin", to("admin")),
        aggregated("b-edit", to("edit"), labels=labels("admin")),
        aggregated("c-view", to("view"), labels=labels("edit")),
        role("d-write", WRITE, labels=labels("edit")),
        role("e-read", READ, READ, labels=labels("view")),
    )
    assert found["c-view"].rules == (policy("get", "pods"),)
    assert found["b-edit"].rules == (policy("get", "pods"), policy("create", "pods"))
    assert found["a-admin"].rules == found["b-edit"].rules
    assert found["a-admin"].declared and not found["d-write"].declared


def test_rbac_35_selectors_are_ored_expressions_anded_and_the_role_itself_is_left_out() -> None:
    both = {"matchLabels": {"x": "1"}, "matchExpressions": [{"key": "y", "operator": "DoesNotExist"}]}
    found = filled(
        aggregated("self", both, to("other"), rules=[LOGS], labels={"x": "1"}),
        aggregated("everything", {}),
        role("yes", READ, labels={"x": "1"}),
        role("no", WRITE, labels={"x": "1", "y": "2"}),
        role("other", LOGS, labels=labels("other")),
    )
    assert set(found["self"].rules) == {policy("get", "pods"), policy("get", "pods/log")}
    assert set(found["everything"].rules) == {
        policy("get", "pods"),
        policy("create", "pods"),
        policy("get", "pods/log"),
    }


def test_rbac_35_roles_that_select_each_other_come_to_an_end() -> None:
    found = filled(
        aggregated("a", to("a"), labels=labels("b")),
        aggregated("b", to("b"), labels=labels("a")),
        role("c", READ, labels=labels("b")),
    )
    assert found["a"].rules == found["b"].rules == (policy("get", "pods"),)


def test_rbac_34_a_live_object_is_used_as_it_is() -> None:
    found = filled(
        aggregated("view", to("view"), rules=[LOGS], uid="1"),
        aggregated("outer", to("outer")),
        aggregated("empty", to("view"), uid="2"),
        role("read", READ, labels=labels("view", "outer")),
    )
    assert found["view"].rules == (policy("get", "pods/log"),)
    assert found["empty"].rules == ()
    assert not found["view"].declared


def test_rbac_36_rules_beside_an_aggregation_rule_are_dead_and_reported() -> None:
    found = aggregate(cluster([aggregated("view", to("view"), rules=[WRITE])]).cluster_roles, {})
    assert found.roles["view"].rules == ()
    assert [(dead.object.name, "overwrites" in dead.text) for dead in found.dead] == [("view", True)]


def test_rbac_36_rules_that_the_union_holds_and_those_of_live_objects_are_not_dead() -> None:
    same = aggregated("same", to("view"), rules=[READ])
    live = aggregated("live", to("view"), rules=[WRITE], uid="1")
    part = aggregated("part", to("view"), to("more"), rules=[READ])
    objects = [same, live, part, role("read", READ, labels=labels("view")), role("logs", LOGS, labels=labels("more"))]
    assert aggregate(cluster(objects).cluster_roles, {}).dead == ()


def test_an_invalid_selector_matches_nothing_and_is_reported() -> None:
    bad = {"matchExpressions": [{"key": "x", "operator": "Near"}]}
    found = aggregate(
        cluster([aggregated("view", bad, to("view")), role("r", READ, labels=labels("view"))]).cluster_roles, {}
    )
    assert found.roles["view"].rules == (policy("get", "pods"),)
    assert "Near" in found.dead[0].text


def test_of_two_roles_of_one_name_the_last_counts() -> None:
    assert filled(role("r", READ), role("r", WRITE))["r"].rules == (policy("create", "pods"),)


def test_rbac_37_the_evidence_names_the_role_a_rule_is_written_in() -> None:
    source = role("source", WRITE, READ, labels=labels("view"))
    bound = binding("b", "ClusterRole/view", "User:u")
    declared = build(cluster([source, bound, aggregated("view", to("view"))])).grants[0]
    shown = rule_evidence(declared, 1)
    assert (shown.object, shown.path) == (ObjectRef("ClusterRole", "", "source", GROUP), ("rules", 1))
    assert shown.note == "aggregated into ClusterRole view"

    live = build(cluster([source, bound, aggregated("view", to("view"), rules=[READ, LOGS], uid="1")])).grants[0]
    shown = rule_evidence(live, 0)
    assert (shown.object.name, shown.path, shown.note) == ("view", ("rules", 0), "aggregated from ClusterRole source")
    assert rule_evidence(live, 1).note == "", "no source is known for a rule that no selected role has"


def test_rbac_37_sources_are_followed_through_aggregated_roles() -> None:
    found = filled(
        aggregated("edit", to("edit")),
        aggregated("view", to("view"), labels=labels("edit")),
        role("read", READ, labels=labels("view")),
    )
    origin = found["edit"].origins[0]
    assert origin is not None
    assert (origin.role.name, origin.index) == ("read", 0)


def test_rbac_37_a_source_that_is_met_twice_hides_none_that_follow() -> None:
    found = filled(
        aggregated("all", to("all")),
        aggregated("one", to("one"), labels=labels("all")),
        aggregated("two", to("one"), to("two"), labels=labels("all")),
        role("both", READ, labels=labels("one")),
        role("late", LOGS, labels=labels("two")),
    )
    named = [origin.role.name if origin else "" for origin in found["all"].origins]
    assert named == ["both", "late"]


def test_files_stand_beside_the_roles_that_every_api_server_creates() -> None:
    selector = {"matchLabels": {"rbac.authorization.k8s.io/aggregate-to-edit": "true"}}
    objects = [aggregated("mine", selector), binding("b", "ClusterRole/mine", "User:u", namespace="shop")]
    (declared,) = build(cluster(objects)).grants
    read = declared.powers.secrets[0].rule
    assert declared.is_assumed(read)
    shown = rule_evidence(declared, read)
    assert shown.object.name == "system:aggregate-to-edit"
    assert (
        shown.note
        == "aggregated into ClusterRole mine; not among the files; every API server creates it with this rule"
    )

    own = role("system:aggregate-to-edit", READ, labels={"rbac.authorization.k8s.io/aggregate-to-edit": "true"})
    (shown_whole,) = build(cluster([*objects, own])).grants
    assert shown_whole.powers.secrets == (), "a role of the files stands in for the shipped one"
    (live,) = build(cluster(objects, "v1.36.3")).grants
    assert live.rules == (), "a live server has what it has"


def test_a_rule_that_stands_in_a_live_object_is_not_assumed() -> None:
    selector = {"matchLabels": {"rbac.authorization.k8s.io/aggregate-to-edit": "true"}}
    impersonate = rule("impersonate", "serviceaccounts")
    live = aggregated("mine", selector, rules=[impersonate], uid="1")
    (found,) = build(cluster([live, binding("b", "ClusterRole/mine", "User:u")])).grants
    assert found.origins[0] is not None, "the shipped role that feeds it has this rule"
    assert not found.is_assumed(0)
    assert rule_evidence(found, 0).object.name == "mine"
