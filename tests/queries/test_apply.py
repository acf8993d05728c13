"""RBAC-86: a snapshot after a change."""

from typing import Any

import msgspec
import pytest

from kubeaudit.errors import UsageError
from kubeaudit.model import cluster as model
from kubeaudit.queries.apis import builtin
from kubeaudit.queries.apply import Applied, Fate, Key, apply, delete_key
from kubeaudit.rbac.access import build
from kubeaudit.snapshot import Snapshot
from tests import factory
from tests.rbac.objects import Manifest, account, aggregated, binding, role, rule

from .asking import API, deployment

READ = role("r", rule("get", "pods"))
BOUND = binding("b", "ClusterRole/r", "User:jane", namespace="shop")


def applied(base: list[Manifest], change: list[Manifest], *deleted: Key) -> tuple[Snapshot, tuple[Applied, ...]]:
    return apply(factory.snapshot(base), factory.files(change) if change else None, deleted)


def names(found: Snapshot, resource: str) -> list[str]:
    return sorted(msgspec.json.decode(raw)["metadata"]["name"] for raw in found.objects(resource))


def fates(found: tuple[Applied, ...]) -> list[tuple[str, str]]:
    return [(each.object.name, str(each.fate)) for each in found]


def test_objects_are_added_replaced_deleted_or_stay() -> None:
    made, told = applied(
        [READ, BOUND, account("shop", "app")],
        [role("r", rule("list", "pods")), role("new", rule("get", "pods")), account("shop", "app")],
        (f"rolebindings.{API}", "shop", "b"),
    )
    assert sorted(fates(told)) == [("app", "unchanged"), ("b", "deleted"), ("new", "added"), ("r", "replaced")]
    assert names(made, f"clusterroles.{API}") == ["new", "r"]
    assert names(made, f"rolebindings.{API}") == []
    (verbs,) = [each.rules[0].verbs for each in model.build(made).cluster_roles if each.metadata.name == "r"]
    assert verbs == ("list",)


def test_what_the_server_writes_is_no_difference() -> None:
    live = READ | {
        "metadata": {"name": "r", "uid": "u", "resourceVersion": "7", "creationTimestamp": "2026-01-01T00:00:00Z"}
    }
    assert fates(applied([live], [READ])[1]) == [("r", "unchanged")]
    assert fates(applied([live], [role("r", rule("get", "pods"), labels={"a": "b"})])[1]) == [("r", "replaced")]


def test_an_object_of_the_same_name_in_another_namespace_is_another_object() -> None:
    made, told = applied([BOUND], [binding("b", "ClusterRole/r", "User:jane", namespace="other")])
    assert fates(told) == [("b", "added")]
    assert made.count(f"rolebindings.{API}") == 2


def test_of_two_objects_with_one_name_the_last_counts() -> None:
    made, told = applied([], [role("r", rule("get", "pods")), role("r", rule("list", "pods"))])
    assert fates(told) == [("r", "added")]
    assert model.build(made).cluster_roles[0].rules[0].verbs == ("list",)


def test_a_namespace_goes_with_everything_in_it() -> None:
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    made, told = applied(
        [space, BOUND, account("shop", "app"), account("other", "app")], [], ("namespaces", "", "shop")
    )
    assert sorted(fates(told)) == [("app", "deleted"), ("b", "deleted"), ("shop", "deleted")]
    assert made.count("serviceaccounts") == 1


def test_rbac_35_roles_of_a_live_server_are_aggregated_anew() -> None:
    live = aggregated("whole", {"matchLabels": {"to": "all"}}, rules=[rule("get", "pods")], uid="u")
    part = role("part", rule("get", "secrets"), labels={"to": "all"})
    bound = binding("b", "ClusterRole/whole", "User:jane")
    made, _ = applied([live, bound], [part])
    (grant,) = [grant for grant in build(model.build(made)).grants if grant.binding.name == "b"]
    assert [each.resources for each in grant.rules] == [("secrets",)]


def owned(kind: str, name: str, owner: str, owner_kind: str, **spec: Any) -> Manifest:
    reference = {"apiVersion": "apps/v1", "kind": owner_kind, "name": owner, "uid": "u", "controller": True}
    version = "v1" if kind == "Pod" else "apps/v1"
    metadata = {"name": name, "namespace": "shop", "ownerReferences": [reference]}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def test_pods_of_a_replaced_workload_are_as_after_a_rollout_and_go_with_a_deleted_one() -> None:
    containers = [{"name": "c", "image": "example.test/app:1"}]
    pod = owned("Pod", "web-1-x", "web-1", "ReplicaSet", serviceAccountName="old", nodeName="n1", containers=containers)
    pod["metadata"]["labels"] = {"app": "web", "pod-template-hash": "1"}
    pod["status"] = {"podIP": "10.0.0.7", "phase": "Running"}
    base = [
        deployment("shop", "web", "old"),
        owned("ReplicaSet", "web-1", "web", "Deployment"),
        pod,
        owned("Pod", "api-x", "api", "ReplicaSet", serviceAccountName="old", containers=containers),
    ]
    change = deployment("shop", "web", "new")
    change["spec"]["template"]["metadata"]["labels"] = {"app": "web", "tier": "front"}
    made, told = applied(base, [change])
    assert fates(told) == [("web", "replaced")]
    pods = {each["metadata"]["name"]: each for each in map(msgspec.json.decode, made.objects("pods"))}
    rolled = pods["web-1-x"]
    assert (rolled["spec"]["serviceAccountName"], rolled["spec"]["nodeName"]) == ("new", "n1")
    assert rolled["metadata"]["labels"] == {"app": "web", "tier": "front", "pod-template-hash": "1"}
    assert rolled["status"]["podIP"] == "10.0.0.7"
    assert pods["api-x"]["spec"]["serviceAccountName"] == "old"
    (cls,) = [cls for cls in model.build(made).classes if cls.name == "Deployment/web"]
    assert (cls.shape.identity, cls.nodes) == ("new", ("n1",))
    assert names(applied(base, [], ("deployments.apps", "shop", "web"))[0], "pods") == ["api-x"]


@pytest.mark.parametrize(
    ("text", "namespace", "key"),
    [
        ("clusterrolebinding/b", None, (f"clusterrolebindings.{API}", "", "b")),
        ("rolebinding/shop/b", None, (f"rolebindings.{API}", "shop", "b")),
        ("rolebindings/b", "shop", (f"rolebindings.{API}", "shop", "b")),
        ("deploy.apps/shop/web", None, ("deployments.apps", "shop", "web")),
        ("ns/shop", "other", ("namespaces", "", "shop")),
    ],
)
def test_objects_to_delete_are_named_as_in_kubectl(text: str, namespace: str | None, key: Key) -> None:
    assert delete_key(text, builtin(), namespace) == key


@pytest.mark.parametrize("text", ["b", "widget/x", "rolebinding/b", "clusterrole/shop/r", "role/shop/", ""])
def test_what_names_no_object_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as error:
        delete_key(text, builtin(), None)
    assert error.value.hint


def test_deleting_what_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match="there is no such object"):
        applied([READ], [], (f"clusterroles.{API}", "", "gone"))


def test_unusable_documents_of_the_change_are_kept_as_such() -> None:
    odd = {"apiVersion": f"{API}/v1", "kind": "ClusterRole", "metadata": {"name": "odd"}, "rules": "all"}
    made, told = applied([READ], [odd])
    assert fates(told) == [("odd", str(Fate.ADDED))]
    assert [bad.object.name for bad in model.build(made).bad if bad.object] == ["odd"]
