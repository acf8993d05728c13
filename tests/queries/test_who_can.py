"""RBAC-81, RBAC-103, RBAC-77: who holds a grant for a request, and who can obtain one."""

from random import Random

import pytest

from kubeaudit.edges.contract import Edge
from kubeaudit.edges.vocabulary import EXP_TOKEN
from kubeaudit.graph.build import Graph
from kubeaudit.proof import Confidence, State
from kubeaudit.queries.who_can import Holder, WhoCan, can_obtain, who_can
from kubeaudit.queries.words import Asked
from kubeaudit.rbac.access import Access, Answer, build
from kubeaudit.rbac.identities import user
from kubeaudit.rbac.rules import Request
from kubeaudit.rbac.subjects import subjects
from kubeaudit.refs import Vertex, VertexKind
from kubeaudit.snapshot import Outcome
from kubeaudit.world import World
from tests.rbac import generate
from tests.rbac.objects import CLUSTER_ROLES, ROLE_BINDINGS, account, binding, cluster, role, rule

from .asking import access, deployment, request, world

SECRETS = rule("get list", "secrets")
ADMIN = rule("*", "*", "*")


def names(found: WhoCan) -> list[tuple[str, str]]:
    return [(str(holder), holder.scope) for holder in found.holders]


@pytest.mark.parametrize("seed", range(40))
def test_rbac_103_who_can_is_the_inverse_of_can_over_all_known_subjects(seed: int) -> None:
    random = Random(seed)
    objects = generate.objects(random, valid=False)
    made = build(cluster([*objects, account("shop", "app"), account("other", "new")], "v1.36.3"))
    for _ in range(25):
        asked = Asked(Request(**generate.ask(random, objects).request), namespaced=True)
        held = who_can(made, asked).holders
        users = {user(_user(holder)).user for holder in held if holder.kind != "Group"}
        groups = {holder.name for holder in held if holder.kind == "Group"}
        for subject in subjects(made):
            identity = subject.identity()
            inverse = identity.user in users or not groups.isdisjoint(identity.groups)
            assert inverse is (made.decide(identity, asked.request).answer is Answer.ALLOWED), (subject, asked)


def _user(holder: Holder) -> str:
    return f"system:serviceaccount:{holder.namespace}:{holder.name}" if holder.namespace else holder.name


def test_rbac_81_subjects_with_scope_grants_and_the_known_members_of_groups() -> None:
    made = access(
        account("shop", "app"),
        account("shop", "job"),
        account("other", "app"),
        role("r", rule("list", "pods"), SECRETS),
        binding("all", "ClusterRole/r", "User:jane", "Group:system:serviceaccounts:shop"),
        binding("here", "ClusterRole/r", "User:jane", "ServiceAccount:app", namespace="shop"),
        binding("there", "ClusterRole/r", "User:joe", namespace="other"),
    )
    found = who_can(made, request("get secrets", made, namespace="shop"))
    assert names(found) == [
        ("Group system:serviceaccounts:shop", ""),
        ("User jane", ""),
        ("ServiceAccount shop/app", "shop"),
        ("User jane", "shop"),
    ]
    assert found.holders[0].members == ("shop/app", "shop/job")
    assert [(use.binding.name, use.rule) for use in found.holders[2].uses] == [("here", 1)]
    assert found.place == "in namespace shop"


def test_anywhere_in_one_namespace_and_in_all_at_once_are_three_questions() -> None:
    made = access(
        role("r", SECRETS),
        binding("all", "ClusterRole/r", "User:jane"),
        binding("there", "ClusterRole/r", "User:joe", namespace="other"),
    )
    anywhere = who_can(made, request("get secrets", made), anywhere=True)
    assert names(anywhere) == [("User jane", ""), ("User joe", "other")]
    assert (anywhere.place, anywhere.request.namespace) == ("in any namespace", "")
    assert names(who_can(made, request("get secrets", made, namespace="third"))) == [("User jane", "")]
    everywhere = who_can(made, request("get secrets", made, everywhere=True))
    assert (names(everywhere), everywhere.place) == ([("User jane", "")], "in all namespaces at once")


def test_rbac_21_a_role_binding_gives_nothing_of_kinds_that_are_not_namespaced() -> None:
    made = access(
        role("r", rule("get", "nodes"), rule("get", urls="*")),
        binding("b", "ClusterRole/r", "User:joe", namespace="other"),
    )
    assert who_can(made, request("get nodes", made), anywhere=True).holders == ()
    assert who_can(made, request("get /metrics", made), anywhere=True).holders == ()
    assert who_can(made, request("get nodes", made)).place == "in the cluster"


def test_rbac_24_subjects_that_match_nobody_are_no_holders_and_are_told() -> None:
    made = access(role("r", SECRETS), binding("b", "ClusterRole/r", "robot:r", "ServiceAccount:app", "User:jane"))
    found = who_can(made, request("get secrets", made))
    assert names(found) == [("User jane", "")]
    assert [(entry.subject_index, entry.reason.partition(" ")[0]) for entry in found.ignored] == [(1, "a"), (0, "kind")]


def test_rbac_26_a_user_in_the_form_of_a_service_account_is_listed_as_one() -> None:
    made = access(
        role("r", SECRETS),
        binding("b", "ClusterRole/r", "User:system:serviceaccount:shop:app", "User:system:serviceaccount:shop"),
    )
    assert names(who_can(made, request("get secrets", made))) == [
        ("ServiceAccount shop/app", ""),
        ("User system:serviceaccount:shop", ""),
    ]


def test_rbac_p3_unread_roles_and_bindings_are_told() -> None:
    unread = access(
        binding("b", "ClusterRole/r", "User:jane"),
        binding("c", "ClusterRole/r", "User:joe", namespace="other"),
        outcomes={CLUSTER_ROLES: Outcome.REFUSED},
    )
    found = who_can(unread, request("get secrets", unread, namespace="shop"))
    assert [(each.binding, each.subjects) for each in found.undecided] == [("ClusterRoleBinding b", ("User jane",))]
    assert len(who_can(unread, request("get secrets", unread), anywhere=True).undecided) == 2
    # A RoleBinding gives no URLs, whatever its role says.
    assert len(who_can(unread, request("get /metrics", unread)).undecided) == 1
    bindings = access(outcomes={ROLE_BINDINGS: Outcome.REFUSED})
    assert [item.resource for item in who_can(bindings, request("get pods", bindings)).unseen] == [ROLE_BINDINGS]
    assert who_can(bindings, request("get nodes", bindings)).unseen == ()


def test_rbac_29_masters_are_always_told() -> None:
    made = access()
    assert any("system:masters" in note for note in who_can(made, request("get pods", made)).notes)


def chains(found: World, asked: WhoCan) -> list[tuple[str, tuple[str, ...], State]]:
    return [
        (each.source_label, tuple(hop.target_label for hop in each.hops), each.state)
        for each in can_obtain(found, asked)
    ]


def with_edge(found: World, source: Vertex, target: Vertex, state: State = State.YES) -> World:
    """The world with one more step, as an escalation would add it."""
    step = Edge(EXP_TOKEN, source, target, state, Confidence.OBJ, 1, "It becomes that.", ())
    return World(found.context, Graph([*found.graph.edges(), step]))


def sa(name: str) -> Vertex:
    return Vertex(VertexKind.SERVICE_ACCOUNT, "shop", name)


def test_rbac_77_who_can_obtain_it_leads_to_a_grant_and_holds_none_itself() -> None:
    made = world(
        *(account("shop", name) for name in ("reader", "climber", "maybe", "idle")),
        role("r", rule("get", "configmaps")),
        binding("b", "ClusterRole/r", "ServiceAccount:reader", "Group:dev", namespace="shop"),
    )
    made = with_edge(made, sa("climber"), sa("reader"))
    made = with_edge(made, sa("maybe"), sa("climber"), State.UNKNOWN)
    asked = who_can(made.context.access, request("get configmaps", made.context.access, namespace="shop"))
    grant = "ClusterRole/r through RoleBinding/b in shop"
    assert chains(made, asked) == [
        ("ServiceAccount shop/climber", ("ServiceAccount shop/reader", grant), State.YES),
        (
            "ServiceAccount shop/maybe",
            ("ServiceAccount shop/climber", "ServiceAccount shop/reader", grant),
            State.UNKNOWN,
        ),
    ]
    other = who_can(made.context.access, request("get configmaps", made.context.access, namespace="other"))
    assert chains(made, other) == []


def test_rbac_81_contents_of_secrets_are_obtained_by_any_grant_that_returns_them() -> None:
    made = world(
        account("shop", "lister"),
        role("r", rule("list", "secrets")),
        binding("b", "ClusterRole/r", "ServiceAccount:lister", namespace="shop"),
    )
    engine = made.context.access
    found = who_can(engine, request("get secrets", engine, namespace="shop"))
    assert found.holders == ()
    assert [source for source, _, _ in chains(made, found)] == ["ServiceAccount shop/lister"]
    assert chains(made, who_can(engine, request("delete secrets", engine, namespace="shop"))) == []


def test_whoever_becomes_cluster_admin_obtains_everything_and_members_are_told_with_their_group() -> None:
    made = world(
        account("shop", "app"),
        deployment("shop", "web", "app"),
        role("renamed", ADMIN),
        binding("b", "ClusterRole/renamed", "Group:system:serviceaccounts:shop"),
    )
    engine = made.context.access
    held = who_can(engine, request("get widgets.example.com", engine, namespace="shop"))
    assert names(held) == [("Group system:serviceaccounts:shop", "")]
    assert chains(made, held) == []
    url = who_can(engine, request("get /metrics", engine))
    assert [source for source, _, _ in chains(made, url)] == ["Group system:serviceaccounts:shop"]


def test_a_harmless_role_named_admin_is_not_cluster_admin() -> None:
    made = world(
        account("shop", "app"),
        role("admin", rule("get", "configmaps")),
        role("cluster-admin", rule("get", "configmaps")),
        binding("b", "ClusterRole/admin", "ServiceAccount:shop/app"),
        binding("c", "ClusterRole/cluster-admin", "ServiceAccount:shop/app"),
    )
    engine: Access = made.context.access
    found = who_can(engine, request("delete nodes", engine))
    assert (found.holders, chains(made, found)) == ((), [])


@pytest.mark.parametrize(
    ("case", "rules", "text"),
    [
        ("reg-star-sub", rule("create", "*/exec"), "create pods/exec"),
        ("reg-star-sub", rule("create", "*/token"), "create serviceaccounts/token"),
        ("reg-nonresource-prefix", rule("get", urls="/logs/*"), "get /logs/kubelet"),
        ("reg-verb-star-get", rule("*", "secrets"), "get secrets"),
        ("reg-rbac-names-anywhere", rule("get", "secrets", names="db"), "get secrets/db"),
    ],
)
def test_section_8_rules_that_other_tools_miss_have_holders(case: str, rules: dict[str, list[str]], text: str) -> None:
    made = access(role("r", rules), binding("b", "ClusterRole/r", "User:jane"))
    assert names(who_can(made, request(text, made))) == [("User jane", "")], case


def test_reg_rolebinding_clusterrole_a_cluster_role_holds_in_the_namespace_of_its_role_binding() -> None:
    made = access(role("r", SECRETS), binding("b", "ClusterRole/r", "User:jane", namespace="shop"))
    assert names(who_can(made, request("get secrets", made, namespace="shop"))) == [("User jane", "shop")]


def test_reg_crd_named_secrets_the_same_plural_of_another_group_is_another_kind() -> None:
    made = access(role("r", rule("get", "secrets", "example.com")), binding("b", "ClusterRole/r", "User:jane"))
    assert who_can(made, request("get secrets", made)).holders == ()
    assert names(who_can(made, request("get secrets.example.com", made))) == [("User jane", "")]


def test_reg_many_crds_only_rules_that_name_the_kind_are_looked_at() -> None:
    roles = [role(f"r{n}", rule("get", f"widgets{n}", "example.com")) for n in range(500)]
    made = access(*roles, *(binding(f"b{n}", f"ClusterRole/r{n}", f"User:u{n}") for n in range(500)))
    assert len(made.by_rule.resources["widgets77"]) == 1
    assert names(who_can(made, request("get widgets77", made))) == [("User u77", "")]
