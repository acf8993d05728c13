"""RBAC objects and clusters for tests, as manifests spell them."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from kubeaudit.kinds import KINDS, by_api_kind
from kubeaudit.model.cluster import Cluster, build
from kubeaudit.model.objects.rbac import PolicyRule
from kubeaudit.snapshot import Header, Outcome, Read, Snapshot, pack_all

API = "rbac.authorization.k8s.io/v1"
Manifest = dict[str, Any]

ROLES = "roles.rbac.authorization.k8s.io"
CLUSTER_ROLES = "clusterroles.rbac.authorization.k8s.io"
ROLE_BINDINGS = "rolebindings.rbac.authorization.k8s.io"
CLUSTER_ROLE_BINDINGS = "clusterrolebindings.rbac.authorization.k8s.io"


def cluster(
    objects: Iterable[Mapping[str, object]], version: str = "", outcomes: Mapping[str, Outcome] | None = None
) -> Cluster:
    """A cluster of these objects; every kind counts as read to its end but those in ``outcomes``."""
    by_kind: dict[str, list[bytes]] = {}
    for item in objects:
        group = str(item["apiVersion"]).rpartition("/")[0]
        key = by_api_kind()[(group, str(item["kind"]))].key
        by_kind.setdefault(key, []).append(msgspec.json.encode(item))
    reads = tuple(Read(kind.key, "", (outcomes or {}).get(kind.key, Outcome.COMPLETE)) for kind in KINDS)
    frames = tuple(frame for key, items in by_kind.items() for frame in pack_all(key, items))
    return build(Snapshot(Header("0", "test", "", "", server_version=version), reads, frames))


def rule(
    verbs: str, resources: str = "", groups: str = "", names: str | None = None, urls: str = ""
) -> dict[str, list[str]]:
    """A rule of blank-separated words. ``core`` is the group without a name, ``names`` of "" is one empty name."""
    made = {"verbs": verbs.split()}
    if resources:
        made["resources"] = resources.split()
        made["apiGroups"] = ["" if group == "core" else group for group in (groups or "core").split()]
    if names is not None:
        made["resourceNames"] = names.split() or [""]
    if urls:
        made["nonResourceURLs"] = urls.split()
    return made


def policy(verbs: str, resources: str = "", groups: str = "", names: str | None = None, urls: str = "") -> PolicyRule:
    """The same rule, decoded."""
    return msgspec.convert(rule(verbs, resources, groups, names, urls), PolicyRule)


def role(name: str, *rules: dict[str, list[str]], namespace: str = "", **metadata: object) -> Manifest:
    """A ClusterRole, or a Role where a namespace is given."""
    return {
        "apiVersion": API,
        "kind": "Role" if namespace else "ClusterRole",
        "metadata": _metadata(name, namespace) | metadata,
        "rules": list(rules),
    }


def aggregated(
    name: str, *selectors: Mapping[str, object], rules: Iterable[object] = (), **metadata: object
) -> Manifest:
    """A ClusterRole that aggregates what the selectors match."""
    made = role(name) | {"metadata": {"name": name} | metadata}
    return made | {"aggregationRule": {"clusterRoleSelectors": list(selectors)}, "rules": list(rules)}


def binding(name: str, to: str, *subjects: str, namespace: str = "", **metadata: object) -> Manifest:
    """A binding to ``Kind/name``; subjects are ``User:jane``, ``Group:dev``, ``ServiceAccount:ns/app`` (or no ns)."""
    kind, _, target = to.partition("/")
    return {
        "apiVersion": API,
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "metadata": _metadata(name, namespace) | metadata,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": target},
        "subjects": [_subject(text) for text in subjects],
    }


def account(namespace: str, name: str) -> Manifest:
    """A ServiceAccount."""
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _metadata(name, namespace)}


def _metadata(name: str, namespace: str) -> dict[str, object]:
    return {"name": name, "namespace": namespace} if namespace else {"name": name}


def _subject(text: str) -> dict[str, str]:
    kind, _, name = text.partition(":")
    if kind == "ServiceAccount" and "/" in name:
        namespace, _, name = name.partition("/")
        return {"kind": kind, "name": name, "namespace": namespace}
    return {"kind": kind, "name": name}
