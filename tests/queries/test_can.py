"""RBAC-80, RBAC-P3, RBAC-P4: the answer to one question and what decides it."""

from kubeaudit.queries.can import can
from kubeaudit.queries.subjects import asker
from kubeaudit.rbac.access import Answer
from kubeaudit.snapshot import Outcome
from tests.rbac.objects import CLUSTER_ROLES, ROLE_BINDINGS, aggregated, binding, role, rule

from .asking import access, request

READ = rule("get list", "pods")


def test_rbac_80_all_allowing_grants_are_named_with_the_fields_that_decide() -> None:
    made = access(
        role("r", rule("create", "pods"), READ),
        binding("all", "ClusterRole/r", "Group:dev", "User:jane"),
        binding("here", "ClusterRole/r", "User:jane", namespace="shop"),
        binding("there", "ClusterRole/r", "User:jane", namespace="other"),
    )
    found = can(made, asker("jane", groups=("dev",)), request("get pods", made, namespace="shop"))
    assert found.answer is Answer.ALLOWED
    assert [(use.binding.name, use.subject_index, use.rule, use.scope, use.via) for use in found.grants] == [
        ("all", 1, 1, "", ""),
        ("all", 0, 1, "", "dev"),
        ("here", 0, 1, "shop", ""),
    ]
    assert [evidence.path for evidence in found.grants[0].evidence] == [("roleRef",), ("subjects", 1), ("rules", 1)]
    assert found.nearest is None


def test_rbac_37_a_grant_of_an_aggregated_role_names_where_the_rule_is_written() -> None:
    parts = role("part", READ)
    parts["metadata"]["labels"] = {"to": "all"}
    made = access(
        aggregated("whole", {"matchLabels": {"to": "all"}}), parts, binding("b", "ClusterRole/whole", "User:jane")
    )
    (use,) = can(made, asker("jane"), request("get pods", made)).grants
    assert (use.role.name, use.origin.name if use.origin else "") == ("whole", "part")
    assert "written in ClusterRole part" in str(use)


def test_rbac_80_a_refusal_names_the_nearest_rule_and_the_part_that_is_missing() -> None:
    made = access(
        role("r", rule("get", "pods", names="web"), rule("list", "secrets"), rule("get", urls="/healthz")),
        binding("there", "ClusterRole/r", "User:jane", namespace="other"),
        binding("here", "ClusterRole/r", "User:jane", namespace="shop"),
    )
    jane = asker("jane")
    cases = {
        "get pods": ("here", 0, ("resourceNames has web; asked: no name",)),
        "delete secrets": ("here", 1, ("verbs has list; asked: delete",)),
    }
    for text, (name, index, missing) in cases.items():
        found = can(made, jane, request(text, made, namespace="shop"))
        assert found.answer is Answer.NOT_ALLOWED
        assert found.nearest is not None
        assert (found.nearest.use.binding.name, found.nearest.use.rule, found.nearest.missing) == (name, index, missing)
    third = can(made, jane, request("list secrets", made, namespace="third")).nearest
    assert third is not None
    assert third.missing == ("holds in namespace other only",)
    url = can(made, jane, request("get /healthz", made)).nearest
    assert url is not None
    assert url.missing == ("is in a RoleBinding, which gives no URLs",)
    assert can(made, jane, request("get services", made)).nearest is None
    group = can(made, jane, request("list secrets.example.com", made, namespace="shop")).nearest
    assert group is not None
    assert group.missing == ('apiGroups has ""; asked: example.com',)


def test_a_rule_with_an_empty_list_is_no_grant_and_is_said_to_match_nothing() -> None:
    empty = {"verbs": [], "apiGroups": [""], "resources": ["pods"]}
    made = access(role("r", empty), binding("b", "ClusterRole/r", "User:jane"))
    found = can(made, asker("jane"), request("get pods", made))
    assert found.answer is Answer.NOT_ALLOWED
    assert found.nearest is not None
    assert found.nearest.missing == ("verbs has nothing, so it matches nothing; asked: get",)


def test_rbac_23_a_binding_to_a_missing_role_is_told_as_dormant() -> None:
    made = access(binding("b", "ClusterRole/gone", "User:jane"))
    found = can(made, asker("jane"), request("get pods", made))
    assert (found.answer, [entry.role.name for entry in found.dormant]) == (Answer.NOT_ALLOWED, ["gone"])


def test_rbac_p3_what_was_not_read_makes_the_answer_unknown() -> None:
    unread = access(binding("b", "ClusterRole/r", "User:jane"), outcomes={CLUSTER_ROLES: Outcome.REFUSED})
    found = can(unread, asker("jane"), request("get pods", unread))
    assert (found.answer, [item.resource for item in found.unseen]) == (Answer.UNKNOWN, [CLUSTER_ROLES])
    bindings = access(outcomes={ROLE_BINDINGS: Outcome.PARTIAL})
    assert can(bindings, asker("jane"), request("get pods", bindings)).answer is Answer.UNKNOWN
    # Only bindings of the whole cluster count for a request that is in no namespace.
    assert can(bindings, asker("jane"), request("get nodes", bindings)).answer is Answer.NOT_ALLOWED


def test_rbac_54_and_32_what_else_decides_is_said() -> None:
    made = access(
        role("r", rule("get", "pods/exec")), binding("b", "ClusterRole/r", "User:jane", "User:system:anonymous")
    )
    assert "RBAC-54" in can(made, asker("jane"), request("get pods/exec", made)).depends[0]
    assert any("RBAC-32" in text for text in can(made, asker("anonymous"), request("get pods/exec", made)).depends)


def test_the_nearest_rule_is_about_the_same_url_or_subresource() -> None:
    made = access(
        role("r", rule("get", urls="/other /metrics"), rule("get", "*/scale"), rule("get", "pods")),
        binding("b", "ClusterRole/r", "User:jane"),
    )
    for text, index in (("post /metrics", 0), ("update deployments/scale", 1)):
        found = can(made, asker("jane"), request(text, made)).nearest
        assert found is not None
        assert found.use.rule == index
    assert can(made, asker("jane"), request("update deployments/status", made)).nearest is None
