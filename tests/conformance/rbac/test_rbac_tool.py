"""rbac-tool's manifests: who may do what is written in their comments, and here as the API server would answer."""

from typing import Any

import pytest
from policy.snapshots import of_objects, shipped
from tallies import Counts

from kubeaudit.model.cluster import build as cluster_of
from kubeaudit.rbac.access import Access, Answer, build
from kubeaudit.rbac.identities import service_account
from kubeaudit.rbac.rules import Request
from kubeaudit.rbac.subjects import subjects
from kubeaudit.scan import scan
from kubeaudit.settings import Settings
from kubeaudit.snapshot import Snapshot

from ..checks.cases import RUN, usable
from ..corpora import documents, path

TEST = "test"
ASKED: list[tuple[str, Request, set[str]]] = [
    (
        "whocan/clusterrole-aggregate.yaml",
        Request(verb, "", "pods", namespace=TEST),
        {"Group test-aggregate-group", "ServiceAccount test/test-aggregate-sa", "User test-aggregate-user"},
    )
    for verb in ("get", "create")
] + [
    (
        "whocan/impersonator.yaml",
        Request("impersonate", "", "serviceaccounts", namespace=TEST, name="any"),
        {"User test-impersonator-user"},
    ),
    # Its comment expects an answer for the whole cluster; a RoleBinding gives one for its namespace only (RBAC-46).
    ("whocan/impersonator.yaml", Request("impersonate", "", "users", name="any"), set()),
    # Its comment expects the subject; a RoleBinding gives nothing on URLs (RBAC-21).
    ("whocan/nonresourceurl-reader.yaml", Request("get", path="/test-reader"), set()),
    (
        "whocan/secret-reader.yaml",
        Request("get", "", "secrets", namespace=TEST, name="any"),
        {"ServiceAccount test/test-secret-reader-sa", "User test-secret-reader"},
    ),
    ("whocan/secret-reader.yaml", Request("get", "", "secrets", namespace="other", name="any"), set()),
]


def snapshot(name: str) -> Snapshot:
    items = documents(path("rbac", "rbac-tool", *name.split("/")))
    return of_objects(named for item in items if (named := usable(item)))


def access(name: str) -> Access:
    return build(cluster_of(snapshot(name)))


@pytest.mark.parametrize(("name", "request_", "wanted"), ASKED)
def test_who_can(name: str, request_: Request, wanted: set[str], tally: Counts) -> None:
    asked = access(name)
    allowed = {
        f"{each.kind} {each.namespace}/{each.name}".replace(" /", " ")
        for each in subjects(asked)
        if asked.decide(each.identity(), request_).answer is Answer.ALLOWED
    }
    tally["rbac-tool", "agreed" if allowed == wanted else "differs"] += 1
    assert allowed == wanted


@pytest.mark.parametrize(
    ("request_", "roles"),
    [
        (Request("get", "", "secrets", namespace="policyrules", name="some-secret"), {"some-rules", "more-rules"}),
        (Request("get", "", "pods", namespace="policyrules", name="p"), {"some-rules", "more-rules"}),
        (Request("list", "", "secrets", namespace="policyrules", name="some-secret"), {"some-rules"}),
        (Request("watch", "", "secrets", namespace="policyrules", name="other"), set()),
    ],
)
def test_policy_rules_name_every_role(request_: Request, roles: set[str], tally: Counts) -> None:
    asked = access("policyrules/multiple-role-bindings.yaml")
    who = service_account("policyrules", "the-test-user")
    found = {each.held.grant.role.name for each in asked.decide(who, request_).grants}
    tally["rbac-tool", "agreed" if found == roles else "differs"] += 1
    assert found == roles


def test_viz_a_missing_account_is_found_in_both_bindings(tally: Counts) -> None:
    """The manifest's ServiceAccount is commented out; its subjects have no namespace and mean the binding's."""
    policies: list[Any] = [shipped()["rbac-dangling-subject"]]
    name = "viz/multiple-rolebindings-in-ns-missing-service-account.yaml"
    found = {one.subject.object.name for one in scan(snapshot(name), policies, Settings(), RUN).findings}
    tally["rbac-tool", "agreed" if found == {"example-rolebinding-1", "example-rolebinding-2"} else "differs"] += 1
    assert found == {"example-rolebinding-1", "example-rolebinding-2"}
