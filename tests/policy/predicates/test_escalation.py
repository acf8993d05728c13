"""Where rights lead: rbac-escalation-path and rbac-confused-deputy (RBAC-77, RBAC-105, RBAC-E49)."""

from factory import (
    Object,
    account,
    bind,
    check,
    deployment,
    failing,
    namespace,
    node,
    pod,
    role,
    rule,
    scanned,
    snapshot,
    world,
)

from kubeaudit.edges.identity import account as vertex
from kubeaudit.edges.vertices import NODE_ROOT
from kubeaudit.edges.vertices import node as node_vertex
from kubeaudit.findings import Certainty, ScanResult
from kubeaudit.policy.predicates.ways import nodes, towards
from kubeaudit.proof import State
from kubeaudit.refs import CLUSTER_ADMIN, Facet
from kubeaudit.snapshot import Outcome

PATH, DEPUTY = "rbac-escalation-path", "rbac-confused-deputy"
RBAC = "rbac.authorization.k8s.io"
ADMIN = role("all", rule("*", "*", "*"))
MINT = role("mint", rule("create", "serviceaccounts/token"))
TOOLS = [namespace(), namespace("tools"), account("boss", "tools"), account("web"), ADMIN, MINT]
BOSS = bind("boss", "all", "sa:tools/boss")


def escalating(*objects: Object) -> ScanResult:
    return scanned([*TOOLS, *objects], PATH)


def subjects(result: ScanResult) -> list[str]:
    return [str(found.subject.object) for found in failing(result, PATH)]


def test_rbac_77_a_right_over_another_identity_brings_its_rights() -> None:
    result = escalating(BOSS, bind("web", "mint", "sa:shop/web", space="tools"))
    (found,) = failing(result, PATH)
    assert (str(found.subject.object), found.certainty) == ("ServiceAccount shop/web", Certainty.OBSERVED)
    assert "reaches cluster-admin in 5 hops: ClusterRole mint may create serviceaccounts/token" in found.message
    assert {str(item.object) for item in found.evidence} >= {
        "RoleBinding tools/web",
        "ClusterRole mint",
        "ClusterRole all",
    }
    (path,) = (path for path in result.paths if path.id in found.paths)
    assert path.hops[0].source_label == "ServiceAccount shop/web"


def test_the_same_right_elsewhere_leads_nowhere() -> None:
    assert subjects(escalating(BOSS, bind("web", "mint", "sa:shop/web", space="shop"))) == []


def test_whoever_is_cluster_admin_by_a_binding_is_the_business_of_that_policy() -> None:
    result = escalating(BOSS)
    assert check(result, PATH).verdict == "pass"


def test_users_and_groups_are_named_as_bindings_name_them() -> None:
    result = escalating(BOSS, bind("web", "mint", "user:jane", "group:dev", space="tools"))
    assert subjects(result) == ["Group dev", "User jane"]


def test_a_cycle_ends() -> None:
    other = bind("other", "mint", "sa:tools/boss", space="shop")
    result = escalating(other, bind("web", "mint", "sa:shop/web", space="tools"))
    assert check(result, PATH).verdict == "pass"


def test_reading_all_secrets_is_no_path_by_itself() -> None:
    """It may be one with what the Secrets hold, which is not read (EXP-983): the token of an administrator."""
    objects = role("r", rule("get", "secrets")), bind("web", "r", "sa:shop/web")
    assert check(escalating(*objects), PATH).verdict == "pass"
    result = escalating(*objects, BOSS)
    assert (subjects(result), check(result, PATH).verdict) == ([], "not-evaluated")


def test_rbac_p3_a_role_that_was_not_read_may_lead_anywhere() -> None:
    objects = [namespace(), account("web"), bind("web", "mystery", "sa:shop/web")]
    read = snapshot(objects, {f"clusterroles.{RBAC}": Outcome.REFUSED})
    assert check(scanned(read, PATH), PATH).verdict == "not-evaluated"


def test_control_over_nodes_is_reached_one_by_one_and_as_a_whole() -> None:
    found = world([node("n1"), pod(), account("web")])
    roots = nodes(found)
    assert roots[0] == NODE_ROOT
    assert towards(found, roots).state(node_vertex("n1", Facet.CTL)) is State.YES
    assert towards(found, (CLUSTER_ADMIN,)).state(vertex("shop", "web")) is None


OPERATOR = deployment(
    "cert-manager", "tools", containers=[{"name": "c", "image": "jetstack/cert-manager-controller:v1"}]
)


def deputy(verbs: str, operator: str, *subjects: str, resource: str = "issuers") -> ScanResult:
    OPERATOR["spec"]["template"]["spec"]["serviceAccountName"] = "boss"
    writes = role("write", rule(verbs, resource, "cert-manager.io"))
    secrets = role("secrets", rule("get list", "secrets"))
    powers = bind("operator", operator, "sa:tools/boss")
    return scanned([*TOOLS, OPERATOR, writes, secrets, powers, bind("b", "write", *subjects, space="shop")], DEPUTY)


def test_rbac_e49_who_steers_an_operator_may_have_its_rights() -> None:
    (found,) = failing(deputy("create", "secrets", "user:jane"), DEPUTY)
    assert (str(found.subject.object), found.certainty) == ("RoleBinding shop/b", Certainty.INFERRED)
    assert "lets User jane steer ServiceAccount tools/boss, which reaches all Secrets" in found.message
    assert {"Deployment tools/cert-manager", "ClusterRole write"} <= {str(item.object) for item in found.evidence}


def test_reading_its_resources_steers_nothing() -> None:
    assert check(deputy("get list", "secrets", "user:jane"), DEPUTY).verdict == "pass"
    assert check(deputy("create", "secrets", "user:jane", resource="challenges"), DEPUTY).verdict == "pass"


def test_an_operator_without_power_is_no_deputy() -> None:
    assert check(deputy("create", "mint", "user:jane"), DEPUTY).verdict == "pass"


def test_an_operator_that_writes_its_own_resources_steers_nobody_else() -> None:
    assert check(deputy("create", "secrets", "sa:tools/boss"), DEPUTY).verdict == "pass"
    (found,) = failing(deputy("create", "secrets", "sa:tools/boss", "user:jane"), DEPUTY)
    assert "lets User jane steer" in found.message


def test_reg_impersonate_group_name_reaches_masters_only_by_its_name() -> None:
    def with_groups(*names: str) -> ScanResult:
        groups = rule("impersonate", "groups") | ({"resourceNames": list(names)} if names else {})
        return escalating(BOSS, role("as", rule("impersonate", "users"), groups), bind("b", "as", "user:jane"))

    assert subjects(with_groups("dev")) == []
    assert subjects(with_groups("system:masters")) == subjects(with_groups()) == ["User jane"]


def test_reg_role_bind_cross_ns_halves_of_two_namespaces_do_not_meet() -> None:
    binds, writes = (
        role("binds", rule("bind", "clusterroles", RBAC)),
        role("writes", rule("create", "rolebindings", RBAC)),
    )
    halves = [BOSS, binds, writes, bind("one", "binds", "user:jane", space="tools")]
    assert subjects(escalating(*halves, bind("two", "writes", "user:jane", space="shop"))) == []
    assert subjects(escalating(*halves, bind("two", "writes", "user:jane", space="tools"))) == ["User jane"]


def test_reg_token_secrets_124_reading_secrets_is_not_every_service_account() -> None:
    """Since 1.24 a Secret with a token is there only if somebody made one; whether one is there is not read."""
    result = escalating(BOSS, role("r", rule("get", "secrets")), bind("b", "r", "user:jane", space="tools"))
    assert (subjects(result), check(result, PATH).verdict) == ([], "not-evaluated")
