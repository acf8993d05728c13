"""RBAC-91, -107: a cluster as the API server and its controllers make it has nothing to find in its RBAC objects."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kubeaudit.findings import Finding, ScanResult, Verdict

from .commands import NOW, run
from .server import ApiServer

API = "rbac.authorization.k8s.io/v1"


@pytest.fixture
def server(binaries: Path) -> Iterator[ApiServer]:
    with ApiServer.start(binaries, controller_manager=True) as started:
        yield started


def scan(server: ApiServer, folder: Path) -> ScanResult:
    """Every policy on RBAC, as the admin."""
    words = ("--select", "rbac", "--exit-zero", "--now", NOW, "-q", "-o", "json")
    return run(folder, "scan", *words, "--kubeconfig", str(server.kubeconfig)).result


def reported(result: ScanResult) -> list[Finding]:
    return [found for found in result.findings if found.severity != "info"]


def test_rbac_91_the_default_objects_of_a_running_cluster_are_silent(server: ApiServer, tmp_path: Path) -> None:
    """With the aggregated roles filled in by the controller. They are judged, and counted apart (CHK-23)."""
    result = scan(server, tmp_path)
    assert [(found.check, str(found.subject.object), found.value) for found in reported(result)] == []
    assert [check.id for check in result.checks if check.verdict is Verdict.NOT_EVALUATED] == []
    assert sum(check.folded.passed for check in result.checks) >= 50


def test_rbac_92_and_94_a_default_object_that_was_changed_is_judged_as_any_other(
    server: ApiServer, tmp_path: Path
) -> None:
    """Identity and content count, a name that begins with ``system:`` does not."""
    role_ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    evil = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "system:evil"}
    masters = {**evil, "kind": "Group", "name": "system:masters"}
    server.apply(
        [
            {"apiVersion": API, "kind": "ClusterRoleBinding", "metadata": {"name": name}, "roleRef": role_ref,
             "subjects": [masters, evil] if name == "cluster-admin" else [evil]}
            for name in ("cluster-admin", "system:evil")
        ]
    )  # fmt: skip
    found = {
        found.subject.object.name for found in reported(scan(server, tmp_path)) if found.check == "rbac-cluster-admin"
    }
    assert found == {"cluster-admin", "system:evil"}
