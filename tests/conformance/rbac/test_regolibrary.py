"""RBAC-106: Kubescape's cases of its RBAC rules. Silent there is silent here; what fires, fires on the same subject."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from policy.snapshots import of_objects, shipped
from tallies import Counts

from kubeaudit.findings import Finding
from kubeaudit.scan import scan
from kubeaudit.settings import Settings

from ..checks.cases import RUN, dumped, usable
from ..corpora import ROOT, documents

HERE = ROOT / "rbac" / "kubescape-regolibrary"
RULES = {
    "access-container-service-account-v1": ("rbac-inventory",),
    "anonymous-access-enabled": ("rbac-anonymous",),
    "automount-service-account": ("sa-automount",),
    "cluster-admin-role": ("rbac-cluster-admin",),
    "ensure-default-service-accounts-has-only-default-roles": ("rbac-default-sa-bound",),
    "exec-into-container-v1": ("rbac-pods-exec",),
    "rule-can-access-proxy-subresource": ("rbac-node-proxy",),
    "rule-can-approve-cert-signing-request": ("rbac-csr-approval",),
    "rule-can-bind-escalate": ("rbac-escalate-bind",),
    "rule-can-create-pod": ("rbac-pods-create",),
    "rule-can-create-pv": ("rbac-pv-create",),
    "rule-can-create-service-account-token": ("rbac-token-create",),
    "rule-can-delete-k8s-events-v1": ("rbac-delete-events",),
    "rule-can-impersonate-users-groups-v1": ("rbac-impersonate",),
    "rule-can-list-get-secrets-v1": ("rbac-secrets-read",),
    "rule-can-modify-admission-webhooks": ("rbac-webhooks",),
    "rule-can-portforward-v1": ("rbac-port-forward",),
    "rule-can-update-configmap-v1": ("rbac-configmap-write",),
    "rule-excessive-delete-rights-v1": ("rbac-delete",),
    "rule-list-all-cluster-admins-v1": ("rbac-cluster-admin", "rbac-wildcard"),
    "system-authenticated-allowed-to-take-over-cluster": ("rbac-all-authenticated",),
    "workload-with-administrative-roles": ("sa-workload-admin",),
    "workload-with-cluster-takeover-roles": ("sa-workload-admin",),
}
"""Our policies for each of its rules. Left out are three that no policy of ours asks: Services on port 22, workloads
whose ServiceAccount does not exist, and mounted tokens where the ServiceAccount is bound.
"""
EXCEPTIONS = {
    "exec-into-container-v1/clusterrole": "RBAC-14: pods/* matches no request",
    "rule-can-portforward-v1/clusterrole-clusterrolebinding": "RBAC-14: pods/* matches no request",
    "rule-can-access-proxy-subresource/clusterrole-rolebinding": "RBAC-21: nodes are cluster-scoped",
    "rule-can-access-proxy-subresource/role-rolebinding": "RBAC-21: nodes are cluster-scoped",
    "rule-can-approve-cert-signing-request/clusterrole-rolebinding": "RBAC-21: certificate requests are cluster-scoped",
    "rule-can-approve-cert-signing-request/role-rolebinding": "RBAC-21: certificate requests are cluster-scoped",
    "rule-can-modify-admission-webhooks/clusterrole-rolebinding": "RBAC-21: webhooks are cluster-scoped",
    "rule-can-modify-admission-webhooks/role-rolebinding": "RBAC-21: webhooks are cluster-scoped",
    "rule-can-create-pv/clusterrole-rolebinding": "RBAC-21: volumes are cluster-scoped",
    "rule-can-create-pv/role-rolebinding": "RBAC-21: volumes are cluster-scoped",
}
"""Cases where Kubescape fires and the API server allows nothing."""


def cases() -> list[Any]:
    found = sorted(path.parent for path in HERE.glob("*/test/*/expected.json"))
    return [pytest.param(path, id=name(path)) for path in found if path.parts[-3] in RULES] or [pytest.param(HERE)]


def name(case: Path) -> str:
    return f"{case.parts[-3]}/{case.name}"


@pytest.mark.parametrize("case", cases())
def test_rbac_106_cases(case: Path, tally: Counts) -> None:
    if not HERE.exists():
        pytest.skip(f"{HERE} does not exist: set KUBEAUDIT_CORPORA to the folder of the corpora")
    expected = msgspec.json.decode((case / "expected.json").read_bytes())
    checks = [shipped()[check] for check in RULES[case.parts[-3]]]
    files = (file for file in sorted((case / "input").iterdir()) if file.suffix in (".json", ".yaml", ".yml"))
    items = (each for file in files for item in documents(file) for each in dumped(item))
    snapshot = of_objects(named for item in items if (named := usable(item)))
    found = scan(snapshot, checks, Settings(), RUN).findings
    missed = [alert for alert in expected if not any(names(one, alert) for one in found)]
    if name(case) in EXCEPTIONS:
        assert expected and not found, f"no exception any more: {EXCEPTIONS[name(case)]}"
        return
    agrees = not missed if expected else not found
    tally["kubescape-regolibrary", "agreed" if agrees else "differs"] += 1
    assert agrees, (missed, [one.message for one in found])


def names(found: Finding, alert: dict[str, Any]) -> bool:
    """Whether a finding is about the object of an alert: a subject of a binding, or an object of the API."""
    told = alert["alertObject"]
    external = told.get("externalObjects") or {}
    if external.get("kind") in ("User", "Group", "ServiceAccount"):
        return any(f'"name":"{external["name"]}"' in item.value for item in found.evidence)
    objects = [*(told.get("k8sApiObjects") or ()), external, *(external.get("relatedObjects") or ())]
    wanted = {(each["kind"], place(each)) for each in objects if each}
    return (found.subject.object.kind, found.subject.object.name) in wanted


def place(item: dict[str, Any]) -> str:
    return str(item.get("metadata", item).get("name", ""))
