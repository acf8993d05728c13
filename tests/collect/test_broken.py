"""What a broken document was going to be."""

from typing import Any

import pytest

from kubeaudit.collect.broken import told


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [", None),
        ("image: x\nkinds: [", None),
        ("apiVersion: v1\nkind: Pod # x\nspec: [", {"apiVersion": "v1", "kind": "Pod"}),
        ("kind: {{ .Values.kind }}\n", {}),
        (
            "{{- if .x }}\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: 'shop'\nspec: [",
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}},
        ),
        (
            "kind: Pod\nmetadata:\n    labels:\n      name: other\n    name: web\nspec:\n  volumes:\n    name: no\n  [",
            {"kind": "Pod", "metadata": {"name": "web"}},
        ),
        ("kind: Pod\nmetadata:\n  name: {{ .x }}\n  namespace: shop\n", {"kind": "Pod"}),
        ('{"apiVersion": "v1", "kind": "Pod", "spec": ', {"apiVersion": "v1", "kind": "Pod"}),
        ('{"items": [{"kind": "Pod"}], "kind": ', {}),
        ("items:\n- kind: Pod\n  x: [", None),
    ],
)
def test_told(text: str, expected: Any) -> None:
    assert told(text.encode()) == expected
