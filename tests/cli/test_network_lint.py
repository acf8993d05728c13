"""``kubeaudit network lint``: what is wrong with policies, with the field that shows it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from kubeaudit.cli.app import kubeaudit

WRONG = """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: web, image: web:1}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: typo, namespace: shop}
spec: {podSelector: {matchLabels: {app: wep}}, policyTypes: [Ingress]}
"""


@pytest.fixture
def manifests(tmp_path: Path) -> str:
    path = tmp_path / "wrong.yaml"
    path.write_text(WRONG)
    return str(path)


def run(*words: str) -> str:
    found = CliRunner().invoke(kubeaudit, ["network", "lint", "-q", *words])
    assert found.exit_code == 0, found.output
    return found.stdout


def test_a_lint_names_the_policy_the_field_and_the_command_that_shows_it(manifests: str) -> None:
    text = run("-f", manifests)
    assert (
        "selects-nothing: NetworkPolicy shop/typo selects no pod of namespace shop; pods there carry app=web." in text
    )
    assert "kubectl get networkpolicy.networking.k8s.io typo -n shop" in text and "1 lint." in text


def test_json_and_filters(manifests: str) -> None:
    document = json.loads(run("-f", manifests, "-o", "json"))
    assert document["schema"] == "kubeaudit.network-lint/1"
    assert [one["name"] for one in document["lints"]] == ["selects-nothing"]
    assert "Nothing is wrong" in run("-f", manifests, "--only", "dns-blocked")
    assert "Nothing is wrong" in run("-f", manifests, "-n", "other")
