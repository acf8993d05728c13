"""A snapshot after some manifests were applied and some objects deleted; nothing is contacted (RBAC-86)."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct, structs

from kubeaudit.errors import UsageError
from kubeaudit.kinds import WORKLOADS
from kubeaudit.model.decode import BROKEN, identity
from kubeaudit.model.objects.meta import Metadata
from kubeaudit.queries.apis import Api
from kubeaudit.refs import ObjectRef
from kubeaudit.snapshot import Frame, Snapshot, pack_all, unpack

_CLUSTER_ROLES = "clusterroles.rbac.authorization.k8s.io"
_MADE = ("replicasets.apps", "jobs.batch", "pods")
"""Kinds that controllers make of templates, owners before what they own."""
Key = tuple[str, str, str]
"""Resource, namespace and name."""


class Fate(StrEnum):
    """What became of an object."""

    ADDED = "added"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"
    DELETED = "deleted"


class Applied(Struct, frozen=True, order=True):
    """One object of the change."""

    object: ObjectRef
    fate: Fate


class _Owned(Struct, frozen=True):
    metadata: Metadata = Metadata()


def apply(base: Snapshot, change: Snapshot | None, deleted: Sequence[Key]) -> tuple[Snapshot, tuple[Applied, ...]]:
    """The snapshot with the objects of ``change`` added or replaced, and others deleted, and what became of each.

    What controllers made of a workload goes with it when it is deleted, and gets the new template when it is replaced,
    as after a rollout. Aggregated ClusterRoles are filled anew, as the controller would. Raises :class:`UsageError` for
    an object to delete that is not there.
    """
    wanted = _objects(change) if change else {}
    fates: list[Applied] = []
    frames: dict[str, list[bytes]] = {}
    there: dict[Key, bytes] = {}
    for frame in base.frames:
        frames.setdefault(frame.resource, []).extend(unpack(frame))
    for resource, items in frames.items():
        there.update({key: raw for raw in items if (key := _key(resource, raw)) is not None})
    missing = [key for key in deleted if key not in there and not _is_scope(key, there)]
    if missing:
        named = ", ".join("/".join(part for part in key if part) for key in missing)
        raise UsageError(f"--delete {named}: there is no such object", "say KIND/NAME or KIND/NAMESPACE/NAME")
    gone = {key for key in there if key in deleted or ("namespaces", "", key[1]) in deleted}
    fates += [Applied(_ref(there[key]), Fate.DELETED) for key in sorted(gone)]
    for key, raw in wanted.items():
        before = there.get(key) if key not in gone else None
        fate = Fate.ADDED if before is None else Fate.UNCHANGED if _same(before, raw) else Fate.REPLACED
        fates.append(Applied(_ref(raw), fate))
    changed = [key for key in (*gone, *wanted) if key[0] in WORKLOADS and key in there]
    made = _made(there, changed)
    kept = {key: raw for key, raw in there.items() if key not in gone and made.get(key) not in gone}
    rolled = {
        key: _rolled(kept[key], there[owner], wanted[owner])
        for key, owner in made.items()
        if key in kept and owner in wanted
    }
    return _rebuilt(base, frames, kept | rolled | wanted, change), tuple(sorted(fates))


def delete_key(text: str, apis: tuple[Api, ...], namespace: str | None) -> Key:
    """``KIND/NAME`` or ``KIND/NAMESPACE/NAME`` as an object to delete. Raises :class:`UsageError`."""
    hint = "say KIND/NAME or KIND/NAMESPACE/NAME, e.g. rolebinding/shop/deployer"
    word, _, rest = text.partition("/")
    plural, dot, group = word.lower().partition(".")
    api = next((api for api in apis if plural in api.words() and (not dot or api.group == group)), None)
    if api is None or not rest:
        raise UsageError(f"--delete {text!r} names no object", hint)
    place, slash, name = rest.partition("/")
    place, name = (place, name) if slash else ((namespace or "") if api.namespaced else "", rest)
    if not name or bool(place) != api.namespaced:
        told = "the namespace is missing" if api.namespaced else f"{api.plural} are not namespaced"
        raise UsageError(f"--delete {text!r}: {told}", hint)
    return (f"{api.plural}.{api.group}" if api.group else api.plural, place, name)


def _objects(change: Snapshot) -> dict[Key, bytes]:
    """Objects of the change; of several with one name the last counts, as it does when they are applied."""
    found = ((_key(frame.resource, raw), raw) for frame in change.frames for raw in unpack(frame))
    return {key: raw for key, raw in found if key is not None}


def _key(resource: str, raw: bytes) -> Key | None:
    ref = identity(raw)
    return (resource, ref.namespace, ref.name) if ref else None


def _ref(raw: bytes) -> ObjectRef:
    return identity(raw) or ObjectRef("", "", "")


def _is_scope(key: Key, there: Iterable[Key]) -> bool:
    """Whether this names a namespace that objects live in, though its own object was not read."""
    return key[0] == "namespaces" and any(other[1] == key[2] for other in there)


def _same(before: bytes, after: bytes) -> bool:
    """Equal but for what the server writes: metadata beyond name, labels and annotations, and status."""
    return _written(before) == _written(after)


def _written(raw: bytes) -> object:
    value = msgspec.json.decode(raw)
    metadata = value.get("metadata") or {}
    kept = {key: metadata[key] for key in ("name", "namespace", "labels", "annotations") if metadata.get(key)}
    return {key: item for key, item in value.items() if key != "status" and item} | {"metadata": kept}


def _made(there: Mapping[Key, bytes], owners: Iterable[Key]) -> dict[Key, Key]:
    """What controllers made of some owners, down to pods, each with the owner it comes from."""
    roots = {(_ref(there[key]).kind, key[1], key[2]): key for key in owners}
    found: dict[Key, Key] = {}
    for resource in _MADE if roots else ():
        for key, raw in there.items():
            if key[0] != resource:
                continue
            root = next((roots[o] for kind, name in _controllers(raw) if (o := (kind, key[1], name)) in roots), None)
            if root is not None:
                found[key] = roots[_ref(raw).kind, key[1], key[2]] = root
    return found


def _rolled(raw: bytes, before: bytes, after: bytes) -> bytes:
    """A pod, or what stands between it and its owner, as the new template makes it: in its place, on its node."""
    value, template = msgspec.json.decode(raw), _template(after)
    if not template:
        return raw
    if value["kind"] != "Pod":
        return msgspec.json.encode(value | {"spec": (value.get("spec") or {}) | {"template": template}})
    metadata, spec = value["metadata"], value.get("spec") or {}
    # Labels that the old template did not give are those of controllers, which stay.
    given = (_template(before).get("metadata") or {}).get("labels") or {}
    own = {key: text for key, text in (metadata.get("labels") or {}).items() if key not in given}
    labels = own | ((template.get("metadata") or {}).get("labels") or {})
    placed = {"nodeName": spec["nodeName"]} if spec.get("nodeName") else {}
    made = value | {"metadata": metadata | {"labels": labels}, "spec": (template.get("spec") or {}) | placed}
    return msgspec.json.encode(made)


def _template(raw: bytes) -> dict[str, Any]:
    """The pod template of a workload, of a CronJob that of its Job; empty where there is none."""
    spec = msgspec.json.decode(raw).get("spec") or {}
    job = (spec.get("jobTemplate") or {}).get("spec") or {}
    return spec.get("template") or job.get("template") or {}


def _controllers(raw: bytes) -> list[tuple[str, str]]:
    try:
        metadata = msgspec.json.decode(raw, type=_Owned).metadata
    except BROKEN:
        return []
    return [(owner.kind, owner.name) for owner in metadata.owner_references if owner.controller]


def _rebuilt(
    base: Snapshot, frames: Mapping[str, list[bytes]], objects: Mapping[Key, bytes], change: Snapshot | None
) -> Snapshot:
    packed: dict[str, list[bytes]] = {resource: [] for resource in frames}
    for resource, items in frames.items():
        packed[resource] += [raw for raw in items if _key(resource, raw) is None]
    for (resource, _, _), raw in objects.items():
        packed.setdefault(resource, []).append(_refilled(raw) if resource == _CLUSTER_ROLES else raw)
    made: list[Frame] = [frame for resource, items in packed.items() for frame in pack_all(resource, items)]
    return structs.replace(base, frames=tuple(made), bad=(*base.bad, *(change.bad if change else ())))


def _refilled(raw: bytes) -> bytes:
    """An aggregated ClusterRole as a manifest: what the controller filled in is computed again (RBAC-35)."""
    value = msgspec.json.decode(raw)
    if not value.get("aggregationRule"):
        return raw
    value.get("metadata", {}).pop("uid", None)
    return msgspec.json.encode(value | {"rules": []})
