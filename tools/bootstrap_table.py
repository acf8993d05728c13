"""Writes ``kubeaudit/rbac/tables/bootstrap-MINOR.json``: the RBAC objects that a new API server creates by itself.

``python -m tools.bootstrap_table`` starts the API server of ``tests/cluster`` with its controller manager, so that
admin, edit and view are filled as in a running cluster, and writes the table of its minor version (RBAC-90). A new file
has to be named in ``kubeaudit.rbac.tables.BOOTSTRAP``.
"""

import json
import os
from pathlib import Path

from tests.cluster import build
from tests.cluster.rest import Json
from tests.cluster.server import ApiServer

TABLES = Path(__file__).resolve().parents[1] / "kubeaudit" / "rbac" / "tables"
KINDS = {
    "clusterRoles": "clusterroles",
    "clusterRoleBindings": "clusterrolebindings",
    "roles": "roles",
    "roleBindings": "rolebindings",
}
AGGREGATES = "rbac.authorization.k8s.io/aggregate-to-"
RULE_FIELDS = ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")


def main() -> None:
    """Writes the table of the server that ``tests/cluster/build.py`` made."""
    with ApiServer.start(build.binaries_folder(os.environ), controller_manager=True) as server:
        version = server.request("GET", "/version").expect(200).text("gitVersion")
        kinds = {key: objects(server, resource) for key, resource in KINDS.items()}
    lines = [f'  "version": {json.dumps(version)}']
    for key, found in kinds.items():
        rows = ",\n".join("    " + json.dumps(row, sort_keys=True, separators=(",", ":")) for row in found)
        lines.append(f'  "{key}": [\n{rows}\n  ]')
    minor = ".".join(version.removeprefix("v").split(".")[:2])
    (TABLES / f"bootstrap-{minor}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


def objects(server: ApiServer, resource: str) -> list[dict[str, Json]]:
    """Every object of a kind, by namespace and name, cut to the fields that decide."""
    listed = server.request("GET", f"/apis/rbac.authorization.k8s.io/v1/{resource}").expect(200).objects()
    return sorted((cut(item) for item in listed), key=lambda item: json.dumps(item["metadata"], sort_keys=True))


def cut(item: dict[str, Json]) -> dict[str, Json]:
    """Name, namespace and the labels that aggregation goes by, and rules or roleRef and subjects."""
    metadata = item["metadata"]
    named = fields(metadata, ("name", "namespace"))
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    if feeds := {key: value for key, value in fields(labels).items() if key.startswith(AGGREGATES)}:
        named["labels"] = feeds
    kept: dict[str, Json] = {"metadata": named}
    for key, names in (("rules", RULE_FIELDS), ("subjects", ("kind", "name", "namespace"))):
        rows = item.get(key)
        if isinstance(rows, list):
            kept[key] = [fields(row, names) for row in rows]
    if "roleRef" in item:
        kept["roleRef"] = fields(item["roleRef"], ("kind", "name"))
    return kept


def fields(value: Json, names: tuple[str, ...] = ()) -> dict[str, Json]:
    """The fields of an object, or only the named ones that it has."""
    return {key: found for key, found in value.items() if not names or key in names} if isinstance(value, dict) else {}


if __name__ == "__main__":
    main()
