"""Where the RBAC corpora lie, and their clusters as manifests."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from rbac.objects import API, Manifest

ROOT = Path(os.environ.get("KUBEAUDIT_CORPORA", Path(__file__).resolve().parents[3].parent / "shared" / "data"))


def path(*parts: str) -> Path:
    """A file or folder of the corpora; the test is skipped, saying so, where there is none."""
    found = ROOT.joinpath(*parts)
    if not found.exists():
        pytest.skip(f"{found} does not exist: set KUBEAUDIT_CORPORA to the folder of the corpora")
    return found


def load(*parts: str) -> Any:
    """A JSON file of the corpora."""
    return json.loads(path(*parts).read_bytes())


def lines(*parts: str) -> Iterator[Any]:
    """The values of a file with one JSON value a line."""
    return (json.loads(line) for line in path(*parts).read_bytes().splitlines())


def manifests(case: Mapping[str, Any]) -> list[Manifest]:
    """Roles and bindings of a case of ``vectors`` or ``oracle-sar``."""
    kinds = (
        ("roles", "Role"),
        ("clusterRoles", "ClusterRole"),
        ("roleBindings", "RoleBinding"),
        ("clusterRoleBindings", "ClusterRoleBinding"),
    )
    return [_manifest(kind, item) for key, kind in kinds for item in case.get(key) or ()]


def _manifest(kind: str, item: Mapping[str, Any]) -> Manifest:
    metadata = {key: item[key] for key in ("name", "namespace") if item.get(key)}
    rest = {key: value for key, value in item.items() if key not in ("name", "namespace")}
    return {"apiVersion": API, "kind": kind, "metadata": {"name": "b"} | metadata, **rest}
