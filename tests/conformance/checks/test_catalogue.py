"""The shipped policies against the catalogue of the specification: same words, same controls (REG-02, CHK-39)."""

import csv
from collections.abc import Iterator, Mapping

import pytest
from policy.snapshots import shipped

from kubeaudit.findings import Reference
from kubeaudit.kinds import KINDS

from ..corpora import ROOT

CATALOGUE = ROOT.parent / "spec" / "checks.csv"
FRAMEWORKS = {
    "cis_1_12": "CIS Kubernetes 1.12",
    "cis_eks_1_8": "CIS EKS 1.8",
    "cis_aks_1_8": "CIS AKS 1.8",
    "cis_gke_1_9": "CIS GKE 1.9",
    "nsa_cisa_1_2": "NSA/CISA 1.2",
    "owasp_k8s_2025": "OWASP Kubernetes Top Ten 2025",
    "mitre_attack": "MITRE ATT&CK",
}
"""Frameworks by column; a cell names several controls with blanks between them."""


def rows() -> dict[str, dict[str, str]]:
    if not CATALOGUE.exists():
        return {}
    with CATALOGUE.open(encoding="utf-8", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


ROWS = rows()


@pytest.mark.parametrize("policy", shipped())
def test_a_policy_is_its_row_of_the_catalogue(policy: str) -> None:
    if not ROWS:
        pytest.skip(f"{CATALOGUE} does not exist")
    if policy not in ROWS:
        pytest.skip(f"{policy} is no check of the catalogue")
    row, found = ROWS[policy], shipped()[policy]
    assert (found.title, found.severity, found.theme, found.default) == (
        row["title"], row["severity"], row["theme"], row["default"],
    )  # fmt: skip
    assert list(found.requires) == [_full(word) for word in row["requires"].split()]
    assert set(found.references) == set(_references(row))


def _full(word: str) -> str:
    """A resource by its full name: the catalogue leaves out the group where the plural alone is clear."""
    keys = [kind.key for kind in KINDS if kind.resource == word]
    return keys[0] if len(keys) == 1 else word


def _references(row: Mapping[str, str]) -> Iterator[Reference]:
    for column, framework in FRAMEWORKS.items():
        yield from (Reference(framework, control) for control in row[column].split())
    if row["pss_control"]:
        yield Reference("Pod Security Standards", f"{row['pss_level']}/{row['pss_control']}")
    if row["ms_matrix"]:
        yield Reference("Microsoft threat matrix", row["ms_matrix"])
