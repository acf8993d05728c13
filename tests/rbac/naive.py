"""A second evaluator, written from the wording of RBAC-10..27 alone: no index, no early exit, one loop over everything.

It works on manifests, not on the product's types, so that the two share neither code nor reading of the fields.
"""

from collections.abc import Iterable, Mapping
from typing import Any

Manifest = Mapping[str, Any]


def allowing(
    objects: Iterable[Manifest], user: str, groups: tuple[str, ...], request: Mapping[str, str]
) -> set[tuple[str, str]]:
    """Namespace and name of every binding that allows the request."""
    objects = list(objects)
    found = set()
    for item in objects:
        namespace = item["metadata"].get("namespace", "")
        if item["kind"] not in ("ClusterRoleBinding", "RoleBinding"):
            continue
        if item["kind"] == "RoleBinding" and (request.get("path") or request["namespace"] != namespace):
            continue
        if not any(_is(subject, namespace, user, groups) for subject in item.get("subjects") or ()):
            continue
        if any(matches(rule, request) for rule in _rules(objects, item["roleRef"], namespace)):
            found.add((namespace, item["metadata"]["name"]))
    return found


def matches(rule: Manifest, request: Mapping[str, str]) -> bool:
    """One rule against one request."""
    verbs = rule.get("verbs") or []
    if not ("*" in verbs or request["verb"] in verbs):
        return False
    if request.get("path"):
        return any(_url(pattern, request["path"]) for pattern in rule.get("nonResourceURLs") or [])
    groups, names = rule.get("apiGroups") or [], rule.get("resourceNames") or []
    in_group = "*" in groups or request["group"] in groups
    named = names == [] or request["name"] in names
    return in_group and named and any(_resource(text, request) for text in rule.get("resources") or [])


def _resource(text: str, request: Mapping[str, str]) -> bool:
    kind, subresource = request["resource"], request["subresource"]
    if text == "*":
        return True
    if not subresource:
        return text == kind
    return text in (f"{kind}/{subresource}", f"*/{subresource}")


def _url(pattern: str, path: str) -> bool:
    if not pattern.endswith("*"):
        return pattern == path
    while pattern.endswith("*"):
        pattern = pattern[:-1]
    return path[: len(pattern)] == pattern


def _is(subject: Manifest, namespace: str, user: str, groups: tuple[str, ...]) -> bool:
    if subject["kind"] == "User":
        return bool(subject["name"] == user)
    if subject["kind"] == "Group":
        return subject["name"] in groups
    if subject["kind"] == "ServiceAccount":
        home = subject.get("namespace") or namespace
        return home != "" and user == f"system:serviceaccount:{home}:{subject['name']}"
    return False


def _rules(objects: Iterable[Manifest], ref: Manifest, namespace: str) -> list[Manifest]:
    for item in objects:
        wanted = (ref["kind"], ref["name"], "" if ref["kind"] == "ClusterRole" else namespace)
        place = (item["kind"], item["metadata"]["name"], item["metadata"].get("namespace", ""))
        if ref["kind"] in ("Role", "ClusterRole") and place == wanted and (ref["kind"] == "ClusterRole" or namespace):
            return list(item.get("rules") or [])
    return []
