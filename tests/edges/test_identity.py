"""Tokens, groups, grants and what they amount to (EXP-205, -206, -601..603, -611, -625)."""

from typing import Any

import pytest
from factory import (
    Object,
    account,
    bind,
    check,
    deployment,
    edge,
    edges,
    files,
    pod,
    role,
    rule,
    scanned,
    snapshot,
    spec,
    states,
    world,
)

from kubeaudit.edges.identity import Token, token_of
from kubeaudit.graph.paths import searches_from
from kubeaudit.proof import Confidence, State
from kubeaudit.refs import ALL_SECRETS, ANONYMOUS, CLUSTER_ADMIN
from kubeaudit.settings import Fact
from kubeaudit.snapshot import Outcome

YES, UNKNOWN, BLOCKED = State.YES, State.UNKNOWN, State.BLOCKED
ADMIN = role("cluster-admin", rule("*", "*", "*"))


def projected(audience: str | None = None, name: str = "token") -> Object:
    token = {"path": "token", **({"audience": audience} if audience is not None else {})}
    return {"name": name, "projected": {"sources": [{"serviceAccountToken": token}]}}


INJECTED = projected(name="kube-api-access-x7k2p")
AUTO, PROJECTED, NONE = Token.AUTOMOUNTED, Token.PROJECTED, Token.NONE


@pytest.mark.parametrize(
    ("on_pod", "on_account", "volumes", "kind", "decided_by"),
    [
        (None, None, [], AUTO, ("ServiceAccount", "automountServiceAccountToken")),
        (None, True, [], AUTO, ("ServiceAccount", "automountServiceAccountToken")),
        (None, False, [], NONE, ("ServiceAccount", "automountServiceAccountToken")),
        (True, False, [], AUTO, ("Pod", "automountServiceAccountToken")),
        (False, True, [], NONE, ("Pod", "automountServiceAccountToken")),
        (False, True, [projected()], PROJECTED, ("Pod", "serviceAccountToken")),
        (None, False, [projected("https://kubernetes.default.svc")], PROJECTED, ("Pod", "serviceAccountToken")),
        (False, True, [projected("vault")], NONE, ("Pod", "automountServiceAccountToken")),
        (None, None, [INJECTED], AUTO, ("ServiceAccount", "automountServiceAccountToken")),
        (None, False, [INJECTED], AUTO, ("Pod", "serviceAccountToken")),
        (False, None, [INJECTED], PROJECTED, ("Pod", "serviceAccountToken")),
    ],
)
def test_exp_601_precedence(
    on_pod: bool | None, on_account: bool | None, volumes: list[Object], kind: Token, decided_by: object
) -> None:
    fields: Object = {} if on_pod is None else {"automountServiceAccountToken": on_pod}
    given: Object = {} if on_account is None else {"automountServiceAccountToken": on_account}
    found = world([pod(**spec(volumes=volumes, **fields)), account(**given)])
    mount = token_of(found.context, found.cluster.classes[0])
    last = mount.evidence[-1]
    assert mount.kind is kind and (last.object.kind, last.path[-1]) == decided_by
    assert edge(found, "EXP-601").state is (BLOCKED if kind is NONE else YES)


def test_exp_r07_automount_false_is_no_identity_and_a_projection_brings_it_back() -> None:
    for objects in ([pod(automountServiceAccountToken=False)], [pod(), account(automountServiceAccountToken=False)]):
        found = world(objects)
        one = edge(found, "EXP-601")
        assert one.state is BLOCKED and "does not hold" in one.sentence and one.evidence[-1].value == "false"
    back = world([pod(**spec(automountServiceAccountToken=False, volumes=[projected()]))])
    assert edge(back, "EXP-601").state is YES


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({}, "default"),
        ({"serviceAccountName": "a"}, "a"),
        ({"serviceAccount": "b"}, "b"),
        ({"serviceAccountName": "a", "serviceAccount": "b"}, "a"),
    ],
)
def test_exp_601_which_account(fields: Object, name: str) -> None:
    assert edge(world([pod(**fields)]), "EXP-601").target.key == f"service-account/shop/{name}"


def test_exp_601_unread_accounts_are_unknown_and_never_a_failure() -> None:
    read = snapshot([pod()], {"serviceaccounts": Outcome.REFUSED})
    one = edge(world(read), "EXP-601")
    assert one.state is UNKNOWN and one.unseen[0].resource == "serviceaccounts"
    found = check(scanned(read, "sa-automount"), "sa-automount")
    assert (found.verdict, found.counts.failed, found.counts.not_evaluated) == ("not-evaluated", 0, 1)


def test_exp_601_evidence_stands_in_the_template() -> None:
    one = edge(world(files([deployment(automountServiceAccountToken=True)])), "EXP-601")
    assert one.evidence[0].object.kind == "Deployment"
    assert one.evidence[0].path == ("spec", "template", "spec", "automountServiceAccountToken")


def held(objects: list[Object], **facts: Any) -> State | None:
    """Whether the pod's token amounts to cluster-admin."""
    found = world([pod(), account(), ADMIN, *objects], **facts)
    return searches_from(found.graph, [edge(found, "EXP-601").source], found.settings).state(CLUSTER_ADMIN)


@pytest.mark.parametrize(
    ("subject", "reached"),
    [
        ("sa:shop/default", YES),
        ("sa:other/default", None),
        ("user:system:serviceaccount:shop:default", YES),
        ("group:system:serviceaccounts:shop", YES),
        ("group:system:serviceaccounts:other", None),
        ("group:system:serviceaccounts", YES),
        ("group:system:authenticated", YES),
        ("group:system:unauthenticated", None),
        ("user:somebody", None),
    ],
)
def test_exp_r09_and_602_implicit_groups(subject: str, reached: State | None) -> None:
    assert held([bind("b", "cluster-admin", subject)]) is reached


@pytest.mark.parametrize(
    ("rules", "space", "row"),
    [
        ([rule("*", "*", "*")], "", "EXP-625"),
        ([rule("*", "*", "*")], "shop", ""),
        ([rule("get list", "pods")], "", ""),
        ([rule("*", "*", "apps")], "", ""),
        ([rule("get", "*", "*")], "", "EXP-611"),
    ],
)
def test_exp_r40_content_decides_never_the_name(rules: list[Object], space: str, row: str) -> None:
    made = [role("harmless-view", *rules), bind("b", "harmless-view", "sa:shop/default", space=space)]
    found = world([pod(), *made])
    wanted = {row} if row else set()
    assert {one.row for one in edges(found, "EXP-611", "EXP-625", source="grant/")} - (
        {"EXP-611"} if row == "EXP-625" or space else set()
    ) == wanted


def test_exp_r40_a_harmless_role_named_admin_is_none() -> None:
    found = world([pod(), role("cluster-admin", rule("get", "pods")), bind("b", "cluster-admin", "sa:shop/default")])
    assert not edges(found, "EXP-625", source="grant/") and not edges(found, "EXP-611")


def test_exp_603_the_binding_is_the_proof_and_the_fix() -> None:
    found = world([pod(), ADMIN, bind("b", "cluster-admin", "user:x", "sa:shop/default")])
    one = edge(found, "EXP-603", source="service-account/shop/default")
    assert one.target.key == "grant/ClusterRole/cluster-admin@ClusterRoleBinding/b" and one.confidence is Confidence.OBJ
    assert one.evidence[1].path == ("subjects", 1) and one.fix.startswith("ClusterRoleBinding b: remove subject")


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (rule("get", "secrets"), YES),
        (rule("list", "secrets"), YES),
        (rule("watch", "secrets"), YES),
        (rule("*", "*", "*"), YES),
        (rule("create", "secrets"), None),
        (rule("get", "secrets", "apps"), None),
        ({**rule("get", "secrets"), "resourceNames": ["one"]}, None),
        (rule("get", "secrets/status"), None),
    ],
)
def test_exp_611_reading_every_secret(made: Object, wanted: State | None) -> None:
    for space, reached in (("", wanted), ("kube-system", wanted), ("shop", None)):
        found = world([pod(), role("reader", made), bind("b", "reader", "group:system:authenticated", space=space)])
        assert found.searches["authenticated"].state(ALL_SECRETS) is reached, space


@pytest.mark.parametrize(("fact", "wanted"), [(Fact.UNKNOWN, YES), (Fact.YES, YES), (Fact.NO, BLOCKED)])
@pytest.mark.parametrize("subject", ["group:system:unauthenticated", "user:system:anonymous"])
def test_exp_205_anonymous_grants_rest_on_a_fact(subject: str, fact: Fact, wanted: State) -> None:
    found = world([ADMIN, bind("b", "cluster-admin", subject)], anonymous_auth_on=fact)
    one = edge(found, "EXP-205")
    assert one.state is wanted and one.confidence is Confidence.ENV and one.assumptions[0].name == "anonymous-auth-on"
    assert found.searches["anonymous"].state(CLUSTER_ADMIN) is (YES if wanted is YES else None)
    assert ANONYMOUS in found.graph


def test_exp_206_every_authenticated_caller() -> None:
    found = world([ADMIN, bind("b", "cluster-admin", "group:system:authenticated")])
    assert edge(found, "EXP-206").state is YES
    assert found.searches["authenticated"].state(CLUSTER_ADMIN) is YES
    assert found.searches["anonymous"].state(CLUSTER_ADMIN) is None


def test_exp_625_system_masters_needs_no_binding() -> None:
    one = edge(world([]), "EXP-625", source="group/system:masters")
    assert one.state is YES and one.target == CLUSTER_ADMIN


@pytest.mark.parametrize("resource", ["clusterrolebindings", "clusterroles"])
def test_exp_33_unread_rbac_is_unknown_never_absent(resource: str) -> None:
    key = f"{resource}.rbac.authorization.k8s.io"
    objects = [pod(), account(), role("own", rule("*", "*", "*")), bind("b", "own", "sa:shop/default")]
    found = world(snapshot(objects, {key: Outcome.REFUSED}))
    (one,) = [e for e in edges(found, target="sink/cluster-admin") if e.source.kind in ("service-account", "grant")]
    assert one.state is UNKNOWN and one.unseen[0].resource == key


def test_exp_33_unread_rolebindings_touch_the_secrets_of_kube_system_only() -> None:
    found = world(snapshot([pod(), account()], {"rolebindings.rbac.authorization.k8s.io": Outcome.REFUSED}))
    assert states(found, "EXP-603", target="sink/all-secrets") == {UNKNOWN}
    assert not edges(found, "EXP-603", target="sink/cluster-admin")
