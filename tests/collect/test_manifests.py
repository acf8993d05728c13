"""Manifests into a snapshot (decisions.md, Input; NET-02, NET-10, NET-12, CHK-06, EXP-33, EXP-38)."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeaudit import snapshot
from kubeaudit.collect.manifests import collect_files
from kubeaudit.documents import HELM, dump
from kubeaudit.errors import CollectError, SnapshotError, UsageError
from kubeaudit.kinds import CONFIGMAPS, KINDS, NAMED_CONFIGMAPS, Origin
from kubeaudit.refs import ObjectRef
from kubeaudit.snapshot import BadDocument, Outcome, Read, Snapshot

NOW = "2026-01-02T03:04:05Z"
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p"},
    "spec": {"containers": [{"name": "c", "image": "i"}]},
}


def collect(*texts: str | bytes, namespace: str = "") -> Snapshot:
    joined = b"\n---\n".join(text.encode() if isinstance(text, str) else text for text in texts)
    return collect_files(["-"], stdin=io.BytesIO(joined), namespace=namespace, tool_version="1.2.3", now=NOW)


def objects(found: Snapshot, resource: str) -> list[Any]:
    return [json.loads(raw) for raw in found.objects(resource)]


def manifest(api_version: str, kind: str, name: str = "x", **fields: Any) -> str:
    metadata = {"name": name, **fields.pop("metadata", {})}
    return json.dumps({"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields})


def read_of(found: Snapshot, resource: str, scope: str = "") -> Read:
    (read,) = [read for read in found.reads if (read.resource, read.scope) == (resource, scope)]
    return read


def test_the_header_says_files_and_names_no_cluster() -> None:
    header = collect(manifest("v1", "Pod")).header
    assert (header.tool_version, header.source, header.start, header.end) == ("1.2.3", "files", NOW, NOW)
    assert (header.cluster_id, header.context, header.complete) == ("", "", True)


def test_exp_33_authored_kinds_are_complete_and_observed_ones_absent() -> None:
    """EXP-33: only what a document shows is there."""
    found = collect(manifest("v1", "Pod"), manifest("v1", "Node", "n"))
    outcomes = {read.resource: read for read in found.reads if read.resource != CONFIGMAPS}
    assert set(outcomes) == {kind.key for kind in KINDS}
    for kind in KINDS:
        shown = kind.origin is Origin.AUTHORED or kind.key == "nodes"
        assert outcomes[kind.key].outcome is (Outcome.COMPLETE if shown else Outcome.ABSENT), kind.key
    assert (outcomes["pods"].count, outcomes["nodes"].count, outcomes["services"].count) == (1, 1, 0)
    assert {read.scope: read.outcome for read in found.reads if read.resource == CONFIGMAPS} == {
        f"{namespace}/{name}": Outcome.ABSENT for namespace, name in NAMED_CONFIGMAPS
    }


def test_defaults_are_filled_in_and_credentials_masked() -> None:
    container = {"name": "c", "image": "i", "env": [{"name": "DB_PASSWORD", "value": "hunter2"}]}
    (pod,) = objects(collect(manifest("v1", "Pod", spec={"containers": [container]})), "pods")
    assert pod["spec"]["containers"][0]["imagePullPolicy"] == "Always"
    assert pod["spec"]["containers"][0]["env"][0]["value"].startswith("redacted:password,len=7,")


def test_net_02_the_namespace_of_a_document_without_one() -> None:
    """NET-02, REG-16."""
    texts = (manifest("v1", "Pod", "a"), manifest("v1", "Pod", "b", metadata={"namespace": "shop"}))
    plain, named = objects(collect(*texts), "pods")
    assert (plain["metadata"]["namespace"], plain["kubeauditNamespaceDefaulted"]) == ("default", True)
    assert named["metadata"]["namespace"] == "shop"
    assert "kubeauditNamespaceDefaulted" not in named
    assert objects(collect(*texts, namespace="test"), "pods")[0]["metadata"]["namespace"] == "test"


def test_cluster_scoped_objects_have_no_namespace() -> None:
    (role,) = objects(
        collect(manifest("rbac.authorization.k8s.io/v1", "ClusterRole", metadata={"namespace": "shop"})),
        "clusterroles.rbac.authorization.k8s.io",
    )
    assert role["metadata"] == {"name": "x"}
    assert "kubeauditNamespaceDefaulted" not in role


def test_net_10_namespaces_get_the_label_of_their_name() -> None:
    """NET-10."""
    (namespace,) = objects(collect(manifest("v1", "Namespace", "shop")), "namespaces")
    assert namespace["metadata"]["labels"] == {"kubernetes.io/metadata.name": "shop"}


def test_net_12_lists_of_every_sort() -> None:
    """NET-12: items without a kind take it from the list."""
    bare = {"metadata": {"name": "a"}, "spec": {}}
    slices = [{"metadata": {"name": "s"}, "addressType": "IPv4", "endpoints": []}]
    found = collect(
        json.dumps({"apiVersion": "v1", "kind": "PodList", "items": [bare]}),
        json.dumps({"apiVersion": "v1", "kind": "List", "items": [json.loads(manifest("v1", "Pod", "b"))]}),
        json.dumps({"items": [json.loads(manifest("v1", "Pod", "c"))]}),
        json.dumps({"apiVersion": "v1", "kind": "List", "items": [{"kind": "List", "items": [POD]}]}),
        json.dumps({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicyList", "items": [bare]}),
        json.dumps({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSliceList", "items": slices}),
        json.dumps({"apiVersion": "v1", "kind": "ServiceList", "items": None}),
        json.dumps({"apiVersion": "v1", "kind": "List", "metadata": {}}),
    )
    assert found.bad == ()
    assert [pod["metadata"]["name"] for pod in objects(found, "pods")] == ["a", "b", "c", "p"]
    assert objects(found, "networkpolicies.networking.k8s.io")[0]["kind"] == "NetworkPolicy"
    assert objects(found, "endpointslices.discovery.k8s.io")[0]["apiVersion"] == "discovery.k8s.io/v1"


def test_net_12_broken_documents_are_reported_and_the_others_kept() -> None:
    """NET-12, REG-NET-26."""
    found = collect(manifest("v1", "Pod", "a"), "x: [1\n", manifest("v1", "Pod", "b"))
    assert [pod["metadata"]["name"] for pod in objects(found, "pods")] == ["a", "b"]
    (bad,) = found.bad
    assert (bad.where, bad.document, bad.object) == ("-", 2, None)
    assert "did not find expected ',' or ']'" in bad.reason
    assert read_of(found, "pods").outcome is Outcome.COMPLETE


def test_a_lost_object_leaves_its_kind_read_in_part_where_it_was() -> None:
    text = (
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: deny\n  namespace: shop\nspec: [\n"
    )
    found = collect(manifest("v1", "Pod", metadata={"namespace": "other"}), text)
    key = "networkpolicies.networking.k8s.io"
    assert found.bad[0].object == ObjectRef("NetworkPolicy", "shop", "deny", "networking.k8s.io")
    assert read_of(found, key).outcome is Outcome.PARTIAL
    assert read_of(found, key).detail == "not usable: -:9"
    assert {read.scope for read in found.reads if read.resource == key} == {"", "default", "other"}
    assert read_of(found, key, "other").outcome is Outcome.COMPLETE
    assert read_of(found, "pods").outcome is Outcome.COMPLETE


def test_a_lost_object_of_unknown_kind_leaves_every_authored_kind_read_in_part() -> None:
    found = collect(manifest("v1", "Pod"), "kind: {{ .Values.kind }}\n")
    assert read_of(found, "services").outcome is Outcome.PARTIAL
    assert read_of(found, "nodes").outcome is Outcome.ABSENT
    assert found.bad[0].reason == f"{HELM} (column 8)"


def test_a_key_given_twice_in_an_item_costs_the_list_only_that_item() -> None:
    text = (
        '{"apiVersion":"v1","kind":"PodList","items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b","name":"c"}}]}'
    )
    found = collect(text)
    assert [pod["metadata"]["name"] for pod in objects(found, "pods")] == ["a"]
    (bad,) = found.bad
    assert bad.reason.startswith("items[1] key 'name' is given twice (column ")
    assert bad.object == ObjectRef("Pod", "default", "c")
    assert read_of(found, "pods").outcome is Outcome.PARTIAL


@pytest.mark.parametrize(
    ("text", "reason", "lost"),
    [
        ("just text", "is text, not an object", False),
        ("[1, 2]", "is a list, not an object", False),
        (json.dumps([POD]), "is a list, not an object", True),
        ("name: x\nversion: 1", "has no kind", False),
        ("kind: Service\nmetadata: {name: x}", "has no apiVersion", True),
        ("apiVersion: v1\nkind: Service", "has no metadata.name", True),
        ("apiVersion: v1\nkind: Service\nmetadata: {name: 8080}", "has a metadata.name that is no text", True),
        (
            "apiVersion: v1\nkind: Service\nmetadata: {name: x, namespace: [a]}",
            "has a metadata.namespace that is no text",
            True,
        ),
        ("apiVersion: v1\nkind: Service\nmetadata: {name: 'x-{{ .y }}'}", HELM, True),
        ("apiVersion: v2\nkind: Service\nmetadata: {name: x}", "has version v2 of Service; known are v1", True),
        ("apiVersion: apps/v1\nkind: Service\nmetadata: {name: x}", "apps/v1 has no kind Service; it is in v1", True),
        ("apiVersion: 1\nkind: Service\nmetadata: {name: x}", "has an apiVersion or kind that is no text", True),
        ("apiVersion: v1\nkind: ServiceList\nitems: 3", "has items that are a number, not a list", True),
        ("apiVersion: v1\nkind: ServiceList\nitems: [null]", "items[0] is null, not an object", True),
    ],
)
def test_documents_that_are_no_objects(text: str, reason: str, lost: bool) -> None:
    found = collect(manifest("v1", "Pod"), text)
    (bad,) = found.bad
    assert (bad.where, bad.document, bad.line, bad.reason) == ("-", 2, 3, reason)
    assert read_of(found, "services").outcome is (Outcome.PARTIAL if lost else Outcome.COMPLETE)


def test_an_object_that_comes_again_is_reported_and_the_first_is_kept() -> None:
    again = manifest("v1", "Service", spec={"type": "NodePort"})
    found = collect(manifest("v1", "Service"), manifest("v1", "Service"), again)
    (service,) = objects(found, "services")
    assert service["spec"]["type"] == "ClusterIP"
    assert [(bad.document, bad.reason) for bad in found.bad] == [
        (2, "Service default/x was read before, with the same content: -, document 1"),
        (3, "Service default/x was read before, with another content: -, document 1"),
    ]
    assert [bad.object for bad in found.bad] == [None, ObjectRef("Service", "default", "x")]
    assert read_of(found, "services").outcome is Outcome.PARTIAL


def test_objects_the_server_would_name_get_names() -> None:
    text = "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: run-}\nspec: {template: {spec: {}}}\n"
    assert [job["metadata"]["name"] for job in objects(collect(text, text), "jobs.batch")] == ["run-", "run-2"]


def test_nulls_are_dropped_as_the_server_does() -> None:
    text = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: x, creationTimestamp: null, annotations: null}
spec:
  podSelector: {matchLabels: {app: }}
  ingress:
  egress: null
"""
    (policy,) = objects(collect(text), "networkpolicies.networking.k8s.io")
    assert policy["metadata"] == {"name": "x", "namespace": "default"}
    assert policy["spec"] == {"podSelector": {"matchLabels": {"app": ""}}, "policyTypes": ["Ingress"]}
    (service,) = objects(collect(manifest("v1", "Service", spec={"selector": {"app": None}})), "services")
    assert service["spec"]["selector"] == {"app": ""}


def test_net_103_nulls_in_policies_of_cilium_stay() -> None:
    """NET-103: ``ingress:`` without a value is not the same as no ingress."""
    text = manifest("cilium.io/v2", "CiliumNetworkPolicy", spec={"endpointSelector": {}, "ingress": None})
    (policy,) = objects(collect(text), "ciliumnetworkpolicies.cilium.io")
    assert policy["spec"] == {"endpointSelector": {}, "ingress": None}


def test_older_versions_are_read_as_the_current_one() -> None:
    (deployment,) = objects(collect(manifest("extensions/v1beta1", "Deployment", spec={})), "deployments.apps")
    assert deployment["apiVersion"] == "apps/v1"


def test_exp_38_templates_of_openshift_and_argo_are_kept() -> None:
    """EXP-38."""
    template = {"spec": {"containers": [{"name": "c", "image": "i"}]}}
    found = collect(
        manifest("apps.openshift.io/v1", "DeploymentConfig", spec={"template": template}),
        manifest("argoproj.io/v1alpha1", "Rollout", spec={"template": template}),
    )
    for key in ("deploymentconfigs.apps.openshift.io", "rollouts.argoproj.io"):
        (obj,) = objects(found, key)
        assert obj["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] == "Always"
        assert read_of(found, key) == Read(key, "", Outcome.COMPLETE, count=1)


def test_lp_02_lp_04_secrets_and_other_config_maps_are_counted_but_never_kept() -> None:
    """LP-02, LP-04."""
    found = collect(
        manifest("v1", "Pod"),
        manifest("v1", "Secret", data={"a": "aHVudGVyMg=="}),
        manifest("v1", "ConfigMap", data={"a": "hunter2"}),
        manifest("v1", "ConfigMap", "coredns", metadata={"namespace": "kube-system"}, data={"Corefile": "."}),
        manifest("example.com/v1", "Policy"),
    )
    assert objects(found, "secrets") == []
    assert [item["metadata"]["name"] for item in objects(found, CONFIGMAPS)] == ["coredns"]
    assert read_of(found, CONFIGMAPS, "kube-system/coredns").outcome is Outcome.COMPLETE
    assert read_of(found, CONFIGMAPS) == Read(
        CONFIGMAPS, "", Outcome.NOT_ASKED, count=1, detail="only the named ones are kept"
    )
    for key in ("secrets", "policies.example.com"):
        assert read_of(found, key) == Read(key, "", Outcome.NOT_ASKED, count=1, detail="not in the table of kinds")


def test_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(dump(POD))
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.json").write_text(manifest("v1", "Service"))
    (tmp_path / "c.yml").symlink_to(tmp_path / "b.yaml")
    found = collect_files([str(tmp_path)], stdin=io.BytesIO(), tool_version="0", now=NOW)
    assert (found.count("pods"), found.count("services")) == (1, 1)
    assert found.bad == (BadDocument(f"{tmp_path}/c.yml", "is a symbolic link: not followed"),)


def test_a_snapshot_is_read_where_it_stands_alone(tmp_path: Path) -> None:
    first = collect(manifest("v1", "Pod"))
    path = tmp_path / "cluster.kubeaudit"
    snapshot.write(first, path)
    again = collect_files([str(path)], stdin=io.BytesIO(), tool_version="9", now="2027-01-01T00:00:00Z")
    assert again == first
    assert collect_files(["-"], stdin=io.BytesIO(path.read_bytes()), tool_version="9", now=NOW) == first
    (tmp_path / "a.yaml").write_text(dump(POD))
    with pytest.raises(UsageError, match="is a snapshot: it cannot be read together"):
        collect_files([str(tmp_path / "a.yaml"), str(path)], stdin=io.BytesIO(), tool_version="9", now=NOW)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(SnapshotError):
        collect_files([str(path)], stdin=io.BytesIO(), tool_version="9", now=NOW)


def test_chk_09_no_object_is_an_error() -> None:
    """CHK-09: never an empty green report."""
    for text, reason in (
        ("", "no object of a kind that is read in -"),
        ("# nothing\n---\n", "no object of a kind that is read in -"),
        (manifest("v1", "Secret"), "no object of a kind that is read in -"),
        ("a: [", "no object of a kind that is read in -; -:2: not YAML: "),
    ):
        with pytest.raises(CollectError) as caught:
            collect(text)
        assert caught.value.message.startswith(reason)
        assert caught.value.hint
        assert caught.value.exit_code == 3


def test_nesting_that_is_too_deep_is_reported() -> None:
    deep = '{"a":' * 900 + "1" + "}" * 900
    text = '{"apiVersion":"v1","kind":"Service","metadata":{"name":"x"},"spec":' + deep + "}"
    found = collect(manifest("v1", "Pod"), text)
    assert [bad.reason.partition(" (")[0] for bad in found.bad] == ["is nested too deeply"]
    assert read_of(found, "services").outcome is Outcome.PARTIAL


def test_many_objects_make_several_frames() -> None:
    found = collect(*(manifest("v1", "Service", f"s{number}") for number in range(snapshot.FRAME_OBJECTS + 1)))
    assert [frame.count for frame in found.frames] == [snapshot.FRAME_OBJECTS, 1]
    assert [item["metadata"]["name"] for item in objects(found, "services")][-1] == f"s{snapshot.FRAME_OBJECTS}"


TEXTS = st.text(max_size=8) | st.sampled_from(["yes", "1:20", "0o7", "~", "a: b"])
PODS = st.builds(
    lambda name, labels, args, count: {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels},
        "spec": {"containers": [{"name": "c", "image": "i", "args": args}], "terminationGracePeriodSeconds": count},
    },
    st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True),
    st.dictionaries(TEXTS, TEXTS, max_size=3),
    st.lists(TEXTS, max_size=3),
    st.integers(0, 1 << 40),
)


@given(st.lists(PODS, min_size=1, max_size=3))
def test_yaml_and_json_give_the_same_objects(pods: list[Any]) -> None:
    one = {"apiVersion": "v1", "kind": "List", "items": pods}
    found = [
        collect(json.dumps(one)),
        collect(json.dumps(one, indent=2)),
        collect(dump(one)),
        collect(*map(dump, pods)),
    ]
    assert len({tuple(item.objects("pods")) for item in found}) == 1


@given(st.binary(max_size=100))
def test_random_bytes_beside_an_object_never_end_the_run(text: bytes) -> None:
    found = collect(manifest("v1", "Pod"), text)
    assert found.count("pods") == 1
