"""RBAC-20, -21, -27, -29, RBAC-P3 and -P4: who holds what and what RBAC answers."""

import msgspec
import pytest

from kubeaudit.findings import Reason, Unseen
from kubeaudit.proof import normalized
from kubeaudit.rbac.access import Access, Answer, build, rule_evidence, subject_evidence
from kubeaudit.rbac.aggregation import Origin
from kubeaudit.rbac.grants import filled
from kubeaudit.rbac.identities import Identity, anonymous, node, service_account, user
from kubeaudit.rbac.node_authorizer import Word
from kubeaudit.rbac.references import references
from kubeaudit.rbac.rules import Request
from kubeaudit.refs import ObjectRef
from kubeaudit.snapshot import BadDocument, Outcome

from .objects import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES, Manifest, binding, cluster, role, rule

READ = rule("get list", "pods")
GET_POD = Request("get", "", "pods", "", "shop", "p")
REFUSED = Outcome.REFUSED


def access(*objects: Manifest, **outcomes: Outcome) -> Access:
    keys = {"roles": ROLES, "cluster_roles": CLUSTER_ROLES, "role_bindings": ROLE_BINDINGS}
    keys["cluster_role_bindings"] = CLUSTER_ROLE_BINDINGS
    return build(cluster(objects, "v1.36.3", {keys[kind]: outcome for kind, outcome in outcomes.items()}))


def test_rbac_72_an_identity_holds_its_own_grants_and_those_of_its_groups() -> None:
    made = access(
        role("r", READ),
        binding("own", "ClusterRole/r", "User:x", "ServiceAccount:shop/app", namespace="other"),
        binding("by-name", "ClusterRole/r", "User:system:serviceaccount:shop:app"),
        binding("every-account", "ClusterRole/r", "Group:system:serviceaccounts:shop"),
        binding("all", "ClusterRole/r", "Group:system:authenticated", "ServiceAccount:shop/app"),
        binding("none", "ClusterRole/r", "Group:system:serviceaccounts:other", "User:app"),
    )
    held = {(each.grant.binding.name, each.subject.index, each.via) for each in made.of(service_account("shop", "app"))}
    assert held == {
        ("own", 1, ""),
        ("by-name", 0, ""),
        ("all", 1, ""),
        ("every-account", 0, "system:serviceaccounts:shop"),
        ("all", 0, "system:authenticated"),
    }


def test_rbac_20_and_80_every_allowing_grant_is_named_with_its_rule() -> None:
    made = access(
        role("r", rule("create", "pods"), READ),
        role("shop", READ, namespace="shop"),
        binding("here", "Role/shop", "User:jane", namespace="shop"),
        binding("there", "ClusterRole/r", "User:jane", namespace="other"),
        binding("everywhere", "ClusterRole/r", "Group:dev"),
    )
    decision = made.decide(user("jane", ("dev",)), GET_POD)
    named = [(each.held.grant.binding.name, each.rule, each.held.via) for each in decision.grants]
    assert (decision.answer, named) == (Answer.ALLOWED, [("everywhere", 1, "dev"), ("here", 0, "")])
    assert decision.reason == "RBAC allows it: ClusterRoleBinding everywhere of ClusterRole r"
    assert made.decide(user("jane"), Request("delete", "", "pods", "", "shop")).answer is Answer.NOT_ALLOWED


@pytest.mark.parametrize(
    "request_",
    [
        Request("list", "", "pods"),
        Request("list", "", "pods", "", "other"),
        Request("list", "", "nodes"),
        Request("list", "", "namespaces"),
        Request("get", path="/metrics"),
    ],
)
def test_rbac_21_a_role_binding_holds_in_its_namespace_only(request_: Request) -> None:
    everything = role("r", rule("*", "*", "*", urls="*"))
    made = access(everything, binding("b", "ClusterRole/r", "User:jane", namespace="shop"))
    assert made.decide(user("jane"), request_).answer is Answer.NOT_ALLOWED
    assert made.decide(user("jane"), Request("patch", "", "namespaces", "", "shop", "shop")).answer is Answer.ALLOWED


def test_rbac_29_system_masters_passes_before_any_rule() -> None:
    decision = access().decide(Identity("x", ("system:masters",)), Request("delete", "", "nodes", "", "", "n"))
    assert (decision.answer, decision.grants) == (Answer.ALLOWED, ())


@pytest.mark.parametrize(
    ("outcomes", "request_", "missing"),
    [
        ({"cluster_role_bindings": REFUSED}, GET_POD, CLUSTER_ROLE_BINDINGS),
        ({"cluster_role_bindings": REFUSED}, Request("list", "", "nodes"), CLUSTER_ROLE_BINDINGS),
        ({"role_bindings": REFUSED}, GET_POD, ROLE_BINDINGS),
        ({"role_bindings": REFUSED}, Request("list", "", "nodes"), None),
        ({"cluster_roles": REFUSED}, Request("list", "", "nodes"), CLUSTER_ROLES),
        ({"roles": REFUSED}, Request("list", "", "nodes"), None),
        ({"roles": REFUSED}, GET_POD, ROLES),
        ({"roles": REFUSED}, Request("get", "", "pods", "", "other", "p"), None),
    ],
)
def test_rbac_p3_what_was_not_read_makes_unknown_only_where_it_could_allow(
    outcomes: dict[str, Outcome], request_: Request, missing: str | None
) -> None:
    bound = [
        binding("c", "ClusterRole/r", "User:jane"),
        binding("n", "Role/r", "User:jane", namespace="shop"),
        binding("o", "Role/r", "User:joe", namespace="other"),
    ]
    decision = access(*bound, **outcomes).decide(user("jane"), request_)
    assert [unseen.resource for unseen in decision.unseen] == ([missing] if missing else [])
    assert decision.answer is (Answer.UNKNOWN if missing else Answer.NOT_ALLOWED)
    unknown = "nothing that was read allows it, but not everything was read"
    assert decision.reason == (unknown if missing else "no rule of any binding of this identity allows it")


def test_rbac_p3_what_was_read_and_allows_is_enough() -> None:
    made = access(role("r", READ), binding("b", "ClusterRole/r", "User:jane"), role_bindings=REFUSED, roles=REFUSED)
    assert made.decide(user("jane"), GET_POD).answer is Answer.ALLOWED


def test_chk_06_an_object_that_cannot_be_named_may_be_any() -> None:
    bad = (BadDocument(ROLE_BINDINGS, "is no JSON"),)
    made = build(msgspec.structs.replace(cluster([], "v1.36.3"), bad=bad))
    unseen = Unseen(Reason.EVALUATION_ERROR, ROLE_BINDINGS, "shop", "an object could not be decoded")
    assert made.decide(user("jane"), GET_POD).unseen == (unseen,)


@pytest.mark.parametrize(
    ("where", "namespace", "expected"),
    [
        (ROLE_BINDINGS, "shop", Answer.UNKNOWN),
        (ROLE_BINDINGS, "other", Answer.NOT_ALLOWED),
        (CLUSTER_ROLE_BINDINGS, "", Answer.UNKNOWN),
        (ROLES, "shop", Answer.NOT_ALLOWED),
    ],
)
def test_chk_06_a_binding_that_could_not_be_decoded_may_allow(where: str, namespace: str, expected: Answer) -> None:
    bad = (BadDocument(where, "does not fit", object=ObjectRef("", namespace, "x")),)
    decision = build(msgspec.structs.replace(cluster([], "v1.36.3"), bad=bad)).decide(user("jane"), GET_POD)
    assert decision.answer is expected
    if expected is Answer.UNKNOWN:
        assert decision.unseen == (Unseen(Reason.EVALUATION_ERROR, where, namespace, "x could not be decoded"),)


def test_rbac_p3_there_are_three_answers() -> None:
    assert [str(answer) for answer in Answer] == ["allowed", "not-allowed", "unknown"]


def test_rbac_32_and_50_caveats_name_what_rbac_does_not_show() -> None:
    made = access(
        role("r", rule("get", urls="/healthz")), binding("b", "ClusterRole/r", "Group:system:unauthenticated")
    )
    health = Request("get", path="/healthz")
    limited = "anonymous access may be limited to some paths, or off, by configuration of the server (RBAC-32)"
    assert made.decide(anonymous(), health).caveats == (limited,)
    assert made.decide(user(str(b"system:anonymous", "ascii")), health).caveats == (limited,)
    assert made.decide(anonymous(), GET_POD).caveats == ()
    more = "the Node authorizer does not allow it: no pod on node n1 refers to it (RBAC-50)"
    assert made.decide(node("n1"), GET_POD).caveats == (more,)
    bound = access(role("r", READ), binding("b", "ClusterRole/r", "Group:system:nodes"))
    assert bound.decide(node("n1"), GET_POD).caveats == ()
    assert made.decide(user("jane"), GET_POD).caveats == ()


def test_an_assumed_role_is_named_in_the_caveats() -> None:
    made = build(cluster([binding("b", "ClusterRole/view", "User:jane", namespace="shop")]))
    decision = made.decide(user("jane"), GET_POD)
    assert decision.answer is Answer.ALLOWED
    assert decision.caveats == ("ClusterRole view is not among the files; the rules that Kubernetes ships are assumed",)
    shown = rule_evidence(decision.grants[0].held.grant, decision.grants[0].rule)
    assert (str(shown.object), shown.path) == ("ClusterRole view", ("rules", decision.grants[0].rule))
    assert shown.note == "not among the files; every API server creates it with this rule"


def test_rbac_p4_evidence_names_object_field_and_value() -> None:
    made = access(
        role("r", rule("get", "secrets", names="a")),
        binding("b", "ClusterRole/r", "User:x", "ServiceAccount:app", namespace="shop"),
    )
    grant = made.grants[0]
    shown = [*subject_evidence(grant, grant.subjects[1]), rule_evidence(grant, 0)]
    assert [(str(each.object), normalized(each.path), each.value) for each in shown] == [
        ("RoleBinding shop/b", "$['roleRef']", '{"kind":"ClusterRole","name":"r"}'),
        ("RoleBinding shop/b", "$['subjects'][1]", '{"kind":"ServiceAccount","name":"app"}'),
        (
            "ClusterRole r",
            "$['rules'][0]",
            '{"apiGroups":[""],"resourceNames":["a"],"resources":["secrets"],"verbs":["get"]}',
        ),
    ]


def test_what_one_stage_hands_to_the_next_cannot_be_changed() -> None:
    made = access(role("r", READ), binding("b", "ClusterRole/r", "User:jane"))
    decision = made.decide(user("jane"), GET_POD)
    (allowing,) = decision.grants
    grant = allowing.held.grant
    role_ = filled(made.cluster).roles["r"]
    values = (made, decision, allowing, allowing.held, grant, grant.subjects[0], user("jane"), GET_POD, role_)
    beside = (Word(True, ""), made.node_authorizer.reach("n1"), references(b"{}"))
    for value in (*values, filled(made.cluster), Origin(grant.role, 0, assumed=False), *beside):
        with pytest.raises(AttributeError, match="immutable"):
            setattr(value, value.__struct_fields__[0], None)
