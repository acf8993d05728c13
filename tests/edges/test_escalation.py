"""Who can become what: rows of rbac.md section 5 on pods, Secrets, tokens, roles and identities, and what follows."""

from typing import Any

import msgspec
import pytest
from factory import (
    Object,
    account,
    bind,
    deployment,
    edge,
    edges,
    files,
    namespace,
    node,
    pod,
    role,
    rule,
    service,
    slice_of,
    snapshot,
    states,
    world,
)

from kubeaudit.edges.vocabulary import ROWS
from kubeaudit.graph.paths import searches_from
from kubeaudit.proof import Confidence, State
from kubeaudit.rbac.baseline import bootstrap
from kubeaudit.refs import CLUSTER_ADMIN, Vertex, VertexKind
from kubeaudit.settings import Settings
from kubeaudit.snapshot import Outcome
from kubeaudit.world import World, build

YES, UNKNOWN, BLOCKED = State.YES, State.UNKNOWN, State.BLOCKED
RBAC = "rbac.authorization.k8s.io"
CERTIFICATES = "certificates.k8s.io"
AUTHN = "authentication.k8s.io"
CREATE_CRB, CREATE_RB = rule("create", "clusterrolebindings", RBAC), rule("create", "rolebindings", RBAC)
REWRITE = rule("escalate update", "clusterroles", RBAC)
BIND = rule("bind", "clusterroles", RBAC)
ADMIN = [role("power", rule("*", "*", "*")), bind("power", "power", "sa:shop/strong"), account("strong")]
"""A ServiceAccount that is cluster-admin, by the content of its role."""


def named(made: Object, *names: str) -> Object:
    return {**made, "resourceNames": list(names)}


def held(
    *rules: Object, space: str = "shop", subject: str = "user:jane", version: str = "v1.34.0", more: Any = ()
) -> World:
    """A cluster in which a subject holds some rules, in a namespace or, with ``space`` "", everywhere."""
    objects = [namespace(), namespace("kube-system"), role("r", *rules), bind("b", "r", subject, space=space), *more]
    return build(snapshot(objects, server_version=version), Settings())


def targets(found: World, row: str, source: str = "grant/") -> set[str]:
    return {one.target.key for one in edges(found, row, source=source)}


def reaches(found: World, source: Vertex, target: Vertex = CLUSTER_ADMIN) -> State | None:
    return searches_from(found.graph, [source], found.settings).state(target)


JANE = Vertex(VertexKind.USER, "", "jane")


@pytest.mark.parametrize(
    ("made", "creates"),
    [
        (rule("create", "pods"), True),
        (rule("create", "deployments", "apps"), True),
        (rule("create", "replicasets", "apps"), True),
        (rule("create", "jobs", "batch"), True),
        (rule("create", "cronjobs", "batch"), True),
        (rule("create", "replicationcontrollers"), True),
        (rule("update", "daemonsets", "apps"), True),
        (rule("patch", "statefulsets", "apps"), True),
        (rule("*", "*", "apps"), True),
        (rule("create", "deployments"), False),
        (rule("create", "pods", "apps"), False),
        (rule("update patch", "pods"), False),
        (rule("create", "pods/log"), False),
        (named(rule("create", "pods"), "web"), False),
        (rule("get list watch delete", "pods"), False),
        (rule("update", "deployments/scale", "apps"), False),
    ],
)
def test_rbac_e17_exp_604_and_606_whoever_writes_pods_is_every_account_there(made: Object, creates: bool) -> None:
    for space in ("shop", ""):
        found = held(made, space=space)
        where = f"{space}/" if space else ""
        assert targets(found, "EXP-604") == ({f"all/{where}ServiceAccount"} if creates else set())
        assert targets(found, "EXP-606") == ({f"all/{where}Secret", f"all/{where}ConfigMap"} if creates else set())


def test_rbac_e90_and_77_a_chain_goes_on_from_the_account() -> None:
    found = held(rule("create", "pods"), more=ADMIN)
    assert reaches(found, JANE) is YES
    chain = searches_from(found.graph, [JANE], found.settings).path(CLUSTER_ADMIN)
    assert [hop.row for hop in chain] == ["EXP-603", "EXP-604", "EXP-21", "EXP-603", "EXP-625"]
    assert chain[1].evidence[0].object.name == "r" and chain[1].evidence[0].path == ("rules", 0)
    assert chain[1].fix == "ClusterRole r: remove create on pods from rules[0]"
    elsewhere = held(rule("create", "pods"), space="kube-system", more=ADMIN)
    assert reaches(elsewhere, JANE) is None


def test_issue_5_an_internet_facing_workload_and_its_chain_are_one_path() -> None:
    owner = deployment()
    objects = [
        namespace(), node(), owner, pod("web-x", owner), account(),
        service(kind="LoadBalancer", status=[{"ip": "203.0.113.1"}]), slice_of("web", "web-x"),
        role("r", rule("create", "serviceaccounts/token")), bind("b", "r", "sa:shop/default", space="shop"), *ADMIN,
    ]  # fmt: skip
    found = world(objects)
    path = found.searches["internet"].path(CLUSTER_ADMIN)
    assert [hop.row for hop in path][-6:] == ["EXP-601", "EXP-603", "EXP-614", "EXP-21", "EXP-603", "EXP-625"]
    assert path[0].source.key == "internet"


def test_issue_5_a_renamed_copy_of_cluster_admin_counts_and_a_harmless_admin_does_not() -> None:
    for name, made, state in (("view", rule("*", "*", "*"), YES), ("cluster-admin", rule("get", "pods"), None)):
        found = world([role(name, made), bind("b", name, "user:jane")])
        assert reaches(found, JANE) is state, name


ROWS_OF_RIGHTS: list[tuple[str, Object, str, str]] = [
    ("EXP-614", rule("create", "serviceaccounts/token"), "shop", "all/shop/ServiceAccount"),
    ("EXP-614", named(rule("create", "serviceaccounts/token"), "strong"), "shop", "service-account/shop/strong"),
    ("EXP-614", named(rule("create", "serviceaccounts/token"), "strong"), "", "service-account/shop/strong"),
    ("EXP-614", rule("create", "*/token"), "", "all/ServiceAccount"),
    ("EXP-614", named(rule("create", "serviceaccounts/token"), "absent"), "shop", ""),
    ("EXP-614", rule("create", "serviceaccounts"), "shop", ""),
    ("EXP-618", rule("impersonate", "serviceaccounts"), "shop", "all/shop/ServiceAccount"),
    ("EXP-618", named(rule("impersonate", "serviceaccounts"), "strong"), "", "service-account/shop/strong"),
    ("EXP-618", rule("impersonate", "users"), "", "all/User"),
    ("EXP-618", named(rule("impersonate", "users"), "root"), "", "user/root"),
    ("EXP-618", rule("impersonate", "users groups"), "shop", ""),
    ("EXP-618", rule("impersonate", "groups"), "", ""),
    ("EXP-611", named(rule("get", "secrets"), "tls"), "shop", "secret/shop/tls"),
    ("EXP-611", named(rule("list", "secrets"), "tls"), "", "secret/tls"),
    ("EXP-607", rule("update", "pods"), "shop", "all/shop/WorkloadClass.ctl"),
    ("EXP-607", rule("patch", "pods"), "", "all/WorkloadClass.ctl"),
    ("EXP-607", rule("patch", "deployments", "apps"), "shop", "all/shop/WorkloadClass/Deployment.ctl"),
    ("EXP-607", rule("patch", "deployments/scale", "apps"), "shop", ""),
    ("EXP-608", rule("create", "pods/exec"), "shop", "all/shop/WorkloadClass.ctl"),
    ("EXP-608", rule("create", "*/exec"), "", "all/WorkloadClass.ctl"),
    ("EXP-608", rule("create", "pods/*"), "shop", ""),
    ("EXP-608", rule("list", "pods/exec"), "shop", ""),
    ("EXP-609", rule("patch", "pods/ephemeralcontainers"), "shop", "all/shop/WorkloadClass.ctl"),
    ("EXP-609", rule("update", "pods/ephemeralcontainers"), "shop", "all/shop/WorkloadClass.ctl"),
    ("EXP-609", rule("create", "pods/ephemeralcontainers"), "shop", ""),
    ("EXP-610", rule("create", "pods/portforward"), "shop", "all/shop/WorkloadClass.net"),
    ("EXP-610", rule("get", "services/proxy"), "shop", "all/shop/WorkloadClass.net"),
    ("RBAC-E23", rule("get", "nodes/proxy"), "", "all/WorkloadClass.ctl"),
    ("RBAC-E23", rule("create", "nodes/proxy"), "", "all/WorkloadClass.ctl"),
    ("RBAC-E23", rule("update patch delete", "nodes/proxy"), "", ""),
    ("RBAC-E23", named(rule("get", "nodes/proxy"), "n1"), "", "all/WorkloadClass@n1.ctl"),
    ("RBAC-E23", rule("get", "nodes/proxy"), "shop", ""),
    ("RBAC-E02", rule("*", "*", "*"), "shop", "sink/shop/ns-admin"),
    ("RBAC-E02", rule("*", "*", "*"), "", ""),
    ("RBAC-E05", CREATE_RB, "shop", "sink/shop/any subject"),
    ("EXP-615", rule("create", "rolebindings clusterrolebindings", RBAC), "", ""),
]  # fmt: skip


@pytest.mark.parametrize(("row", "made", "space", "target"), ROWS_OF_RIGHTS)
def test_exp_607_to_618_what_one_right_leads_to(row: str, made: Object, space: str, target: str) -> None:
    found = held(made, space=space, more=[account("strong")])
    assert targets(found, row) == ({target} if target else set())


@pytest.mark.parametrize(
    ("version", "state", "confidence"),
    [("v1.34.0", YES, Confidence.OBJ), ("v1.35.0", YES, Confidence.ENV), ("", UNKNOWN, Confidence.OBJ)],
)
def test_rbac_54_get_on_exec_and_the_version(version: str, state: State, confidence: Confidence) -> None:
    one = edge(held(rule("get", "pods/exec"), version=version), "EXP-608", source="grant/")
    assert (one.state, one.confidence) == (state, confidence)
    assert bool(one.unseen) is (state is UNKNOWN)
    also = edge(held(rule("get create", "pods/exec"), version=version), "EXP-608", source="grant/")
    assert (also.state, also.confidence) == (YES, Confidence.OBJ)


def test_exp_607_and_608_named_pods_and_controllers_are_those_that_exist() -> None:
    owner = deployment()
    more = [owner, pod("web-1", owner), pod("db-1", labels={"app": "db"}), pod("web-1", space="other")]
    found = held(named(rule("create", "pods/exec"), "web-1", "gone"), more=more)
    assert targets(found, "EXP-608") == {"workload/shop/Deployment/web.ctl"}
    everywhere = held(named(rule("create", "pods/exec"), "web-1"), space="", more=more)
    assert targets(everywhere, "EXP-608") == {"workload/shop/Deployment/web.ctl", "workload/other/Pod/web-1.ctl"}
    changed = held(named(rule("patch", "deployments", "apps"), "web"), more=more)
    assert targets(changed, "EXP-607") == {"workload/shop/Deployment/web.ctl"}
    assert targets(changed, "EXP-604") == {"all/shop/ServiceAccount"}, "the template's account is the writer's choice"


JOINT: list[tuple[str, list[Object], str, str]] = [
    ("EXP-613", [rule("create", "secrets"), rule("get", "secrets")], "shop", "all/shop/ServiceAccount"),
    ("EXP-613", [rule("create", "secrets"), rule("create", "pods")], "shop", "all/shop/ServiceAccount"),
    ("EXP-613", [rule("create", "secrets")], "shop", ""),
    ("EXP-615", [CREATE_CRB, BIND], "", "sink/cluster-admin"),
    ("EXP-615", [rule("update", "clusterrolebindings", RBAC), BIND], "", "sink/cluster-admin"),
    ("EXP-615", [CREATE_RB, BIND], "", "sink/ns-admin"),
    ("EXP-615", [CREATE_RB, BIND], "shop", "sink/shop/ns-admin"),
    ("EXP-615", [CREATE_RB, rule("bind", "roles", RBAC)], "shop", "all/shop/Role"),
    ("EXP-615", [CREATE_CRB, rule("bind", "roles", RBAC)], "", ""),
    ("EXP-615", [CREATE_RB, rule("bind", "rolebindings", RBAC)], "shop", ""),
    ("EXP-615", [CREATE_CRB, named(BIND, "power")], "",
     "grant/ClusterRole/power@%ClusterRoleBinding"),
    ("EXP-615", [CREATE_RB, named(BIND, "power")], "shop",
     "grant/shop/ClusterRole/power@%RoleBinding"),
    ("EXP-616", [REWRITE], "", "sink/cluster-admin"),
    ("EXP-616", [named(REWRITE, "r")], "", "sink/cluster-admin"),
    ("EXP-616", [named(REWRITE, "other")], "", ""),
    ("EXP-616", [rule("escalate create", "clusterroles", RBAC)], "", ""),
    ("EXP-616", [REWRITE], "shop", ""),
    ("EXP-616", [rule("escalate update", "roles", RBAC)], "shop", ""),
    ("EXP-616", [rule("escalate update", "roles", RBAC), CREATE_RB], "shop", "sink/shop/ns-admin"),
    ("EXP-616", [named(REWRITE, "x"), CREATE_CRB], "",
     "sink/cluster-admin"),
    ("EXP-618", [named(rule("impersonate", "users"), "bob"), rule("impersonate", "groups")], "",
     "group/system:masters"),
    ("EXP-618", [named(rule("impersonate", "groups"), "dev"), rule("impersonate", "serviceaccounts")], "", "group/dev"),
    ("EXP-619", [rule("create", "certificatesigningrequests", CERTIFICATES),
                 rule("update", "certificatesigningrequests/approval", CERTIFICATES),
                 named(rule("approve", "signers", CERTIFICATES), "kubernetes.io/kube-apiserver-client")], "",
     "all/Identity"),
    ("EXP-619", [rule("create", "certificatesigningrequests", CERTIFICATES),
                 rule("patch", "certificatesigningrequests/approval", CERTIFICATES),
                 named(rule("approve", "signers", CERTIFICATES), "kubernetes.io/*")], "", "all/Identity"),
    ("EXP-619", [rule("create", "certificatesigningrequests", CERTIFICATES),
                 rule("update", "certificatesigningrequests/approval", CERTIFICATES),
                 named(rule("approve", "signers", CERTIFICATES), "*")], "", ""),
    ("EXP-619", [rule("update", "certificatesigningrequests/approval", CERTIFICATES),
                 rule("approve", "signers", CERTIFICATES)], "", ""),
    ("EXP-620", [rule("create", "certificatesigningrequests certificatesigningrequests/nodeclient", CERTIFICATES)], "",
     "all/Node"),
    ("EXP-622", [rule("create", "persistentvolumes"), rule("create", "pods")], "", "all/Node.ctl"),
    ("EXP-622", [rule("create", "persistentvolumes"), rule("create", "pods")], "shop", ""),
]  # fmt: skip


@pytest.mark.parametrize(("row", "rules", "space", "target"), JOINT)
def test_exp_34_what_several_rights_lead_to_together(row: str, rules: list[Object], space: str, target: str) -> None:
    wanted = {target} if target else set()
    assert targets(held(*rules, space=space), row) - {"all/ServiceAccount", "user/bob"} == wanted - {
        "all/ServiceAccount"
    }
    for dropped in range(len(rules)):
        kept = [one for number, one in enumerate(rules) if number != dropped]
        if target and len(rules) > 1 and row != "EXP-618":
            assert target not in targets(held(*kept, space=space), row), f"without rule {dropped}"


def test_exp_34_grants_of_one_identity_count_together_whatever_they_come_by() -> None:
    def made(*subjects: str) -> World:
        return world([
            namespace(), account("robot"),
            role("writes", CREATE_CRB), bind("w", "writes", subjects[0]),
            role("binds", BIND), bind("b", "binds", subjects[1]),
        ])  # fmt: skip

    robot = Vertex(VertexKind.SERVICE_ACCOUNT, "shop", "robot")
    for other in ("sa:shop/robot", "group:system:serviceaccounts:shop", "group:system:authenticated"):
        found = made("sa:shop/robot", other)
        one = edge(found, "EXP-615", target="sink/cluster-admin")
        assert one.source == robot, other
        assert {e.object.kind for e in one.evidence} == {"ClusterRoleBinding", "ClusterRole"}
        assert reaches(found, robot) is YES
    apart = made("sa:shop/robot", "sa:shop/other")
    assert not edges(apart, "EXP-615") and reaches(apart, robot) is None
    groups = made("group:system:serviceaccounts", "group:system:authenticated")
    assert edge(groups, "EXP-615").source.key == "group/system:serviceaccounts", "once, for the group"


def test_exp_34_a_role_binding_and_a_cluster_role_binding_count_in_the_namespace() -> None:
    found = world([
        role("writes", CREATE_RB), bind("w", "writes", "user:jane", space="shop"),
        role("binds", BIND), bind("b", "binds", "user:jane"),
    ])  # fmt: skip
    assert edge(found, "EXP-615").target.key == "sink/shop/ns-admin"
    other = world([
        role("writes", CREATE_CRB), bind("w", "writes", "user:jane"),
        role("binds", BIND), bind("b", "binds", "user:jane", space="shop"),
    ])  # fmt: skip
    assert not edges(other, "EXP-615"), "a namespaced bind never serves a ClusterRoleBinding (RBAC-40)"


def test_rbac_e04_a_role_that_may_be_bound_amounts_to_its_rules() -> None:
    rules = [CREATE_RB, named(BIND, "tokens")]
    more = [role("tokens", rule("create", "serviceaccounts/token")), *ADMIN]
    for space in ("shop", ""):
        found = held(*rules, space=space, more=more)
        assert reaches(found, JANE) is YES, space
    assert reaches(held(*rules, more=more[1:]), JANE) is None, "the role does not exist"
    only_there = held(*rules, space="kube-system", more=more)
    assert reaches(only_there, JANE) is None


def test_rbac_43_a_named_binding_gives_its_own_role_to_new_subjects() -> None:
    rules = [named(rule("patch", "clusterrolebindings", RBAC), "power"), BIND]
    found = held(*rules, space="", more=ADMIN)
    assert targets(found, "EXP-615") == {"grant/ClusterRole/power@%ClusterRoleBinding"}
    assert reaches(found, JANE) is YES
    assert not edges(held(rules[0], space="", more=ADMIN), "EXP-615")


def test_rbac_e03_escalate_counts_on_a_role_that_the_writer_is_bound_to() -> None:
    more = [role("own", rule("get", "pods"), space="shop"), bind("o", "Role/own", "user:jane", space="shop")]
    found = held(rule("escalate update", "roles", RBAC), more=more)
    assert edge(found, "EXP-616").target.key == "sink/shop/ns-admin"
    named_ = held(named(rule("escalate patch", "roles", RBAC), "own"), more=more)
    assert edge(named_, "EXP-616").target.key == "sink/shop/ns-admin"
    assert not edges(held(named(rule("escalate patch", "roles", RBAC), "another"), more=more), "EXP-616")


def test_rbac_e06_and_e07_dormant_grants_and_who_brings_them_to_life() -> None:
    more = [bind("d", "Role/absent", "user:jane", space="shop")]
    found = held(rule("escalate create", "roles", RBAC), more=more)
    assert edge(found, "EXP-627").target.key == "sink/shop/ns-admin"
    assert not edges(held(rule("create", "roles", RBAC), more=more), "EXP-627"), "what jane covers she has already"
    ghost = [role("power", rule("*", "*", "*")), bind("g", "power", "sa:shop/ghost")]
    alive = held(rule("create", "serviceaccounts serviceaccounts/token"), more=ghost)
    assert edge(alive, "EXP-627").target.key == "all/shop/MissingServiceAccount"
    assert reaches(alive, JANE) is YES
    assert reaches(held(rule("create", "serviceaccounts"), more=ghost), JANE) is None
    assert reaches(held(rule("create", "serviceaccounts/token"), more=ghost), JANE) is None, "a missing account is none"


def test_rbac_e08_a_label_widens_the_role_that_the_writer_is_bound_to() -> None:
    gathers = {**role("gathers"), "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"x": "y"}}]}}
    source = role("source", rule("get", "pods"))
    source["metadata"]["labels"] = {"x": "y"}
    more = [gathers, source, bind("g", "gathers", "user:jane")]
    found = held(rule("escalate create", "clusterroles", RBAC), space="", more=more)
    assert edge(found, "EXP-617").target == CLUSTER_ADMIN
    assert not edges(held(rule("create", "clusterroles", RBAC), space="", more=more), "EXP-617")


@pytest.mark.parametrize(
    ("version", "state"), [("v1.36.0", YES), ("v1.35.0", UNKNOWN), ("", UNKNOWN), ("v1.34.0", None)]
)
def test_rbac_e12_constrained_impersonation_is_limited_to_what_its_rules_list(
    version: str, state: State | None
) -> None:
    rules = [
        rule("impersonate:user-info", "users", AUTHN),
        rule("impersonate-on:user-info:create", "serviceaccounts/token"),
    ]
    found = held(*rules, space="", version=version, more=ADMIN)
    assert states(found, "RBAC-E12") == ({state} if state else set())
    assert reaches(found, JANE) is state
    harmless = held(rules[0], rule("impersonate-on:user-info:list", "pods"), space="", version=version, more=ADMIN)
    assert reaches(harmless, JANE) is None
    assert reaches(held(rules[1], space="", version=version, more=ADMIN), JANE) is None


def test_rbac_e26_a_hint_is_never_walked() -> None:
    rules = [rule("update", "certificatesigningrequests/status", CERTIFICATES), rule("sign", "signers", CERTIFICATES)]
    found = held(*rules, space="", more=ADMIN)
    assert edge(found, "RBAC-E26").confidence is Confidence.HINT
    assert reaches(found, JANE) is None


def test_rbac_e48_bootstrap_tokens_lead_to_groups_that_bindings_know() -> None:
    group = "system:bootstrappers:kubeadm"
    more = [role("boot", rule("get", "pods")), bind("boot", "boot", f"group:{group}")]
    found = held(rule("create", "secrets"), space="kube-system", more=more)
    assert edge(found, "RBAC-E48").target.key == f"group/{group}"
    assert not edges(held(rule("create", "secrets"), space="shop", more=more), "RBAC-E48")


def test_exp_612_secrets_that_were_not_read_may_hold_tokens() -> None:
    found = held(rule("get", "secrets"), more=ADMIN)
    one = edge(found, "EXP-612", source="all/shop/Secret")
    assert one.state is UNKNOWN and one.unseen[0].resource == "secrets"
    assert reaches(found, JANE) is UNKNOWN
    shown = world(files([role("r", rule("get", "secrets")), bind("b", "r", "user:jane", space="shop"), *ADMIN]))
    assert not edges(shown, "EXP-612"), "files show their Secrets"


def test_rbac_p3_an_account_that_was_not_read_may_exist_and_a_role_may_be_anything() -> None:
    objects = [role("r", rule("create", "pods")), bind("b", "r", "user:jane", space="shop"), *ADMIN[:2]]
    found = world(snapshot(objects, {"serviceaccounts": Outcome.REFUSED}))
    assert edge(found, "EXP-21", source="all/shop/ServiceAccount", target="strong").state is UNKNOWN
    assert reaches(found, JANE) is UNKNOWN
    roles = "roles.rbac.authorization.k8s.io"
    unread = world(snapshot([bind("b", "Role/r", "user:jane", space="shop"), *ADMIN], {roles: Outcome.REFUSED}))
    assert edge(unread, "RBAC-E02").state is UNKNOWN and reaches(unread, JANE) is UNKNOWN


def test_rbac_e92_an_administrator_of_a_namespace_goes_on_from_there() -> None:
    found = held(rule("*", "*", "*"), more=[*ADMIN, pod()])
    assert reaches(found, JANE) is YES
    assert {"EXP-21", "EXP-605"} == {one.row for one in edges(found, source="sink/shop/ns-admin")}


def test_exp_23_cycles_collapse_into_one_group() -> None:
    more = [role("a", rule("create", "pods")), bind("a", "a", "sa:shop/default", space="shop")]
    found = held(rule("create", "pods"), subject="sa:shop/other", more=[*more, account(), account("other")])
    (group,) = found.graph.compromise_groups()
    assert {"service-account/shop/default", "service-account/shop/other"} <= {vertex.key for vertex in group}


def test_exp_24_edges_grow_with_grants_and_accounts_and_never_with_their_product() -> None:
    def size(count: int) -> int:
        accounts = [account(f"a{n}", f"ns{n % 10}") for n in range(count)]
        grants = [bind(f"b{n}", "r", f"sa:ns{n % 10}/a{n}") for n in range(count)]
        within = [bind(f"w{n}", "w", "group:system:serviceaccounts", space=f"ns{n}") for n in range(count)]
        spaces = [namespace(f"ns{n}") for n in range(count)]
        found = world([role("r", BIND), role("w", CREATE_RB), *accounts, *grants, *within, *spaces])
        assert len({one.target for one in edges(found, "EXP-615")}) == count
        first = Vertex(VertexKind.SERVICE_ACCOUNT, "ns0", "a0")
        last = Vertex(VertexKind.SINK, f"ns{count - 1}", "ns-admin")
        assert reaches(found, first, last) is YES
        return found.graph.size()[1]

    small, large = size(20), size(80)
    assert large < 5 * small, "four times the objects, about four times the edges"


def default_objects() -> list[Object]:
    """The RBAC objects that a fresh cluster has."""
    shipped = bootstrap()[-1]
    kinds = (
        ("ClusterRole", shipped.cluster_roles),
        ("Role", shipped.roles),
        ("ClusterRoleBinding", shipped.cluster_role_bindings),
        ("RoleBinding", shipped.role_bindings),
    )
    return [
        {"apiVersion": f"{RBAC}/v1", "kind": kind, **msgspec.to_builtins(item)}
        for kind, items in kinds
        for item in items
    ]


def test_exp_978_a_role_that_came_with_the_cluster_is_not_to_be_changed() -> None:
    assert edge(held(rule("create", "pods")), "EXP-604").fix
    found = world([namespace("kube-system"), *default_objects()])
    controllers = edges(found, "EXP-604", source="system:controller:job-controller")
    assert [one.fix for one in controllers] == [""]


def test_rbac_91_the_default_grants_give_nobody_anything_who_has_nothing() -> None:
    found = world([namespace(), pod(), account(), *default_objects()])
    for entry in ("anonymous", "authenticated"):
        assert found.searches[entry].state(CLUSTER_ADMIN) is None, entry
    assert reaches(found, Vertex(VertexKind.SERVICE_ACCOUNT, "shop", "default")) is None


def test_exp_31_every_row_is_told_with_its_technique() -> None:
    rows = {row for row in ROWS if row.startswith(("EXP-6", "EXP-85", "RBAC-"))}
    assert all(ROWS[row].techniques for row in rows)
    listed = {name for row in ROWS.values() for name in row.rbac}
    assert listed == {f"RBAC-E{number:02}" for number in range(1, 59)}
