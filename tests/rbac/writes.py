"""Writes of roles and bindings as HTTP requests spell them, put to the guards."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from kubeaudit.model.objects.rbac import PolicyRule, RoleRef
from kubeaudit.rbac.access import Access
from kubeaudit.rbac.attributes import request_of
from kubeaudit.rbac.guards import (
    BindingWrite,
    Guarded,
    RoleWrite,
    may_write_binding,
    may_write_role,
)
from kubeaudit.rbac.identities import Identity

Manifest = Mapping[str, Any]


def may_write(access: Access, identity: Identity, write: Manifest, objects: Iterable[Manifest]) -> Guarded:
    """The guards' answer to ``method``, ``path`` and ``body`` of a write, in a cluster of ``objects``."""
    asked, body = request_of(write["method"], write["path"]), write["body"]
    kinds = {"roles": "Role", "rolebindings": "RoleBinding"}
    kind = kinds.get(asked.resource) or f"Cluster{kinds[asked.resource.removeprefix('cluster')]}"
    before = _find(objects, kind, asked.namespace, asked.name)
    # A PUT without the uid that the server has given is a change of it for the guards.
    patched = before if asked.verb == "patch" else None
    unchanged = patched is not None and _without_owners(patched) == _without_owners(body)
    if kind.endswith("Role"):
        aggregated = any(item.get("aggregationRule") is not None for item in (before or {}, body))
        made = RoleWrite(asked.verb, asked.namespace, asked.name, _rules(body), aggregated, unchanged)
        return may_write_role(access, identity, made)
    ref = body["roleRef"]
    target = _find(objects, ref["kind"], asked.namespace if ref["kind"] == "Role" else "", ref["name"])
    rules = None if target is None else _rules(target)
    role_ref = RoleRef(ref["kind"], ref["name"])
    bound = BindingWrite(asked.verb, asked.namespace, asked.name, role_ref, rules, unchanged)
    return may_write_binding(access, identity, bound)


def _without_owners(item: Manifest) -> Manifest:
    """What the guards compare of an object before and after: all but what the garbage collector needs (RBAC-43)."""
    skipped = ("finalizers", "ownerReferences", "managedFields")
    metadata = {key: value for key, value in item["metadata"].items() if key not in skipped}
    return {key: value for key, value in {**item, "metadata": metadata}.items() if value}


def _find(objects: Iterable[Manifest], kind: str, namespace: str, name: str) -> Manifest | None:
    place = (kind, namespace, name)
    found = (
        item
        for item in objects
        if (item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]) == place
    )
    return next(found, None)


def _rules(item: Manifest) -> tuple[PolicyRule, ...]:
    return tuple(msgspec.convert(rule, PolicyRule) for rule in item.get("rules") or ())
