"""Evidence: how a field is written, shown and read again (CHK-29, CHK-30, REP-55)."""

import json
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeaudit.proof import ANY, KUBECONFIG, Path, dotted, field, missing, normalized, recheck
from kubeaudit.refs import ObjectRef

POD = ObjectRef("Pod", "shop", "web-1")


@pytest.mark.parametrize(
    ("path", "wanted", "people"),
    [
        (("spec", "containers", 0, "image"), "$['spec']['containers'][0]['image']", "spec.containers[0].image"),
        ((), "$", ""),
        (("metadata", "labels", "a.b/c"), "$['metadata']['labels']['a.b/c']", "metadata.labels['a.b/c']"),
        (("data", "it's"), "$['data']['it\\'s']", "data['it\\'s']"),
        (("data", "a\\b"), "$['data']['a\\\\b']", "data['a\\\\b']"),
        (("a-b", "c_d"), "$['a-b']['c_d']", "a-b.c_d"),
    ],
)
def test_chk_29_normalized_paths_of_rfc_9535(path: Path, wanted: str, people: str) -> None:
    assert normalized(path) == wanted and dotted(path) == people


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.text()),
        lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
        max_leaves=5,
    )
)
def test_chk_29_values_are_json(value: object) -> None:
    assert json.loads(field(POD, ("spec",), value).value) == value


def test_chk_29_absent_fields() -> None:
    found = missing(POD, ("spec", "x"), "why")
    assert (found.absent, found.value, found.note) == (True, "", "why")


@pytest.mark.parametrize(
    ("ref", "path", "wanted"),
    [
        (
            POD,
            ("spec", "containers", 0, "image"),
            "kubectl get pod web-1 -n shop -o jsonpath='{.spec.containers[0].image}'",
        ),
        (
            ObjectRef("Node", "", "n1"),
            ("metadata", "labels", "a.b/c"),
            "kubectl get node n1 -o jsonpath='{.metadata.labels.a\\.b/c}'",
        ),
        (
            ObjectRef("Ingress", "shop", "x", "networking.k8s.io"),
            ("spec",),
            "kubectl get ingress.networking.k8s.io x -n shop -o jsonpath='{.spec}'",
        ),
        (ObjectRef("Pod", "shop", ANY), ("spec",), "kubectl get pod -n shop -o jsonpath='{.items[*].spec}'"),
        (ObjectRef("Node", "", ANY), ("spec",), "kubectl get node -A -o jsonpath='{.items[*].spec}'"),
        (
            ObjectRef("Context", "", "c", KUBECONFIG),
            ("cluster", "server"),
            "kubectl config view --minify -o jsonpath='{.clusters[0].cluster.server}'",
        ),
        (
            ObjectRef("ClusterRole", "", "a b", "g"),
            ("rules",),
            "kubectl get clusterrole.g 'a b' -o jsonpath='{.rules}'",
        ),
    ],
)
def test_chk_30_recheck_lines(ref: ObjectRef, path: Path, wanted: str) -> None:
    assert recheck(field(ref, path, 1)) == wanted


@given(st.text(min_size=1), st.text(), st.text(min_size=1))
def test_chk_30_a_name_never_becomes_a_second_command(name: str, namespace: str, key: str) -> None:
    words = shlex.split(recheck(field(ObjectRef("Pod", namespace, name), ("metadata", "labels", key), 1)))
    assert words[:3] == ["kubectl", "get", "pod"] and words[3 if name != ANY else 2] in (name, "pod")
    assert words[-2] == "-o" and words[-1].startswith("jsonpath={")
