"""The edits that the hops of a chain propose, made: on the RBAC objects of a cluster, or as a manifest to apply."""

import re
from collections.abc import Iterator

from msgspec import structs

from kubeaudit.documents import dump
from kubeaudit.edges.contract import Edge
from kubeaudit.model.cluster import Cluster
from kubeaudit.model.objects.meta import Metadata
from kubeaudit.model.objects.rbac import Binding, PolicyRule, Role
from kubeaudit.rbac.access import Access
from kubeaudit.rbac.names import GROUP
from kubeaudit.refs import ObjectRef

_REMOVE = re.compile(r": remove (?P<verbs>.+) on (?P<resource>[^ ]+) from rules\[\d+\]$")
_AND = re.compile(r", | and ")
_NOTHING = PolicyRule()


def edits(access: Access, edge: Edge) -> Iterator[Edge]:
    """The edge with each edit that closes it: its own, and the removal of a subject from a binding it rests on."""
    grants = {grant.binding: grant for grant in access.grants}
    texts = dict.fromkeys([edge.fix])
    for item in edge.evidence:
        if item.path[:1] == ("subjects",) and isinstance(index := item.path[1], int) and item.object in grants:
            texts[f"{item.object}: remove subject {grants[item.object].subjects[index]}"] = None
    return (structs.replace(edge, fix=text) for text in texts if text)


def without_subject(cluster: Cluster, edge: Edge) -> str:
    """The binding of a grant edge without the subject that the edge is about, as YAML; "" where it is no such edge."""
    found = _entry(edge, "subjects")
    binding = _binding(cluster, *found) if found else None
    return dump(_manifest(found[0].kind, binding)) if found and binding else ""


def edited(cluster: Cluster, edge: Edge) -> Cluster | None:
    """The cluster after the edit that an edge proposes, None where that is no edit of a role or binding.

    A rule that is to be narrowed to what is needed goes whole: nothing tells what is needed. Nor is there a rule that
    leaves one verb out of ``*``: that is no edit either.
    """
    if found := _entry(edge, "subjects"):
        binding = _binding(cluster, *found)
        return _replaced(cluster, found[0].kind, binding) if binding else None
    if found := _entry(edge, "rules"):
        role = _role(cluster, *found, edge.fix)
        return _replaced(cluster, found[0].kind, role) if role else None
    return None


def _entry(edge: Edge, field: str) -> tuple[ObjectRef, int] | None:
    """The entry of a list that the edit is about: the evidence that names the object and the field of the fix."""
    for item in edge.evidence:
        head, index = (*item.path, "", "")[:2]
        named = edge.fix.startswith(f"{item.object}: ") and item.object.group == GROUP
        spoken = field == "subjects" or f"rules[{index}]" in edge.fix
        if named and spoken and head == field and isinstance(index, int) and len(item.path) == 2:
            return item.object, index
    return None


def _binding(cluster: Cluster, ref: ObjectRef, index: int) -> Binding | None:
    bindings = cluster.role_bindings if ref.kind == "RoleBinding" else cluster.cluster_role_bindings
    found = next((each for each in bindings if _is(each.metadata, ref)), None)
    if found is None:
        return None
    return structs.replace(found, subjects=(*found.subjects[:index], *found.subjects[index + 1 :]))


def _role(cluster: Cluster, ref: ObjectRef, index: int, fix: str) -> Role | None:
    roles = cluster.roles if ref.kind == "Role" else cluster.cluster_roles
    found = next((each for each in roles if _is(each.metadata, ref)), None)
    if found is None or index >= len(found.rules):
        return None
    left = _narrowed(found.rules[index], fix)
    if left is None:
        return None
    # What is left keeps its place, so that the rules behind it keep their numbers.
    first, *more = left
    return structs.replace(found, rules=(*found.rules[:index], first, *found.rules[index + 1 :], *more))


def _narrowed(rule: PolicyRule, fix: str) -> list[PolicyRule] | None:
    """What a rule still gives without some verbs on one resource, in as many rules as that takes."""
    told = _REMOVE.search(fix)
    if told is None:
        return [_NOTHING]
    verbs, resource = set(_AND.split(told["verbs"])), told["resource"]
    if not verbs <= set(rule.verbs) or resource not in rule.resources:
        return None
    rest = structs.replace(rule, verbs=tuple(verb for verb in rule.verbs if verb not in verbs))
    others = tuple(each for each in rule.resources if each != resource)
    return [rest, structs.replace(rule, verbs=tuple(sorted(verbs)), resources=others)]


def _replaced(cluster: Cluster, kind: str, made: Role | Binding) -> Cluster:
    """The cluster with one role or binding in place of its namesake."""
    field = {
        "Role": "roles",
        "ClusterRole": "cluster_roles",
        "RoleBinding": "role_bindings",
        "ClusterRoleBinding": "cluster_role_bindings",
    }[kind]
    place = _place(made.metadata)
    items = tuple(made if _place(item.metadata) == place else item for item in getattr(cluster, field))
    return structs.replace(cluster, **{field: items})


def _place(metadata: Metadata) -> tuple[str, str]:
    return metadata.namespace, metadata.name


def _is(metadata: Metadata, ref: ObjectRef) -> bool:
    return _place(metadata) == (ref.namespace, ref.name)


def _manifest(kind: str, binding: Binding) -> dict[str, object]:
    metadata = {"name": binding.metadata.name, "namespace": binding.metadata.namespace}
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": kind,
        "metadata": {key: value for key, value in metadata.items() if value},
        "roleRef": {"apiGroup": GROUP, "kind": binding.role_ref.kind, "name": binding.role_ref.name},
        "subjects": [
            {"kind": subject.kind, "name": subject.name}
            | ({"namespace": subject.namespace} if subject.namespace else {})
            | ({"apiGroup": GROUP} if subject.kind in ("User", "Group") else {})
            for subject in binding.subjects
        ],
    }
