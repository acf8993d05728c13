"""What the API server serves of the kinds table, and in which versions: discovery, aggregated where it can.

Aggregated discovery (KEP-3352: v2 since 1.30, v2beta1 since 1.27) answers two requests for all groups and says of each
version whether the server behind it was heard lately; older servers are asked version by version. A version that
discovery could not see is *unsure*, never "not served": asking for the list itself decides (CHK-05).
"""

from collections.abc import Callable, Iterable

import msgspec
from msgspec import Struct

from kubeaudit.collect.ask import Failure
from kubeaudit.collect.client import JSON, Response
from kubeaudit.kinds import KINDS, Kind

Get = Callable[[str, str], Response | Failure]
"""Asks for a path with an Accept header."""
_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"
ACCEPT = ",".join([_AGGREGATED.format("v2"), _AGGREGATED.format("v2beta1"), JSON])
GROUPS = frozenset(kind.group for kind in KINDS)


class Served(Struct, frozen=True):
    """``versions`` in which a resource (``plural.group``) is served; ``unsure``: versions of a group not seen."""

    versions: dict[str, tuple[str, ...]]
    unsure: dict[str, tuple[str, ...]]

    def merged(self, other: "Served") -> "Served":
        """Both together; they speak of different groups."""
        return Served(self.versions | other.versions, self.unsure | other.unsure)


class _Resource(Struct, frozen=True):
    resource: str


class _Version(Struct, frozen=True):
    version: str
    freshness: str = "Current"
    resources: list[_Resource] | None = None


class _Name(Struct, frozen=True):
    name: str = ""


class _Group(Struct, frozen=True):
    metadata: _Name = _Name()
    versions: list[_Version] | None = None


class _GroupDiscoveryList(Struct, frozen=True, tag_field="kind", tag="APIGroupDiscoveryList"):
    items: list[_Group] | None = None


class _GroupVersion(Struct, frozen=True):
    version: str


class _LegacyGroup(Struct, frozen=True):
    name: str = ""
    versions: list[_GroupVersion] | None = None


class _GroupList(Struct, frozen=True, tag_field="kind", tag="APIGroupList"):
    groups: list[_LegacyGroup] | None = None


class _CoreVersions(Struct, frozen=True, tag_field="kind", tag="APIVersions"):
    versions: list[str] | None = None


class _ResourceList(Struct, frozen=True):
    resources: list[_Name] | None = None


def discover(get: Get) -> tuple[Served, Failure | None]:
    """What is served, and the failure where neither ``/api`` nor ``/apis`` was answered."""
    core, failed = _root(get, "/api", frozenset([""]))
    groups, failed_too = _root(get, "/apis", GROUPS - {""})
    return core.merged(groups), failed if failed and failed_too else None


def _root(get: Get, path: str, groups: frozenset[str]) -> tuple[Served, Failure | None]:
    answer = get(path, ACCEPT)
    if isinstance(answer, Failure):
        return unseen(groups), answer
    try:
        found = msgspec.json.decode(answer.data, type=_GroupDiscoveryList | _GroupList | _CoreVersions)
    except msgspec.DecodeError:
        return unseen(groups), None
    if isinstance(found, _GroupDiscoveryList):
        return _aggregated(found.items or (), groups), None
    if isinstance(found, _CoreVersions):
        return _one_by_one(get, [("", version) for version in found.versions or ()]), None
    ours = [group for group in found.groups or () if group.name in groups]
    return _one_by_one(get, [(group.name, each.version) for group in ours for each in group.versions or ()]), None


def unseen(groups: Iterable[str]) -> Served:
    """Nothing is known of these groups: every version the table understands is unsure."""
    unsure: dict[str, dict[str, None]] = {group: {} for group in groups}
    for kind in KINDS:
        if kind.group in unsure:
            unsure[kind.group].update(dict.fromkeys(kind.versions))
    return Served({}, {group: tuple(versions) for group, versions in unsure.items()})


def _aggregated(items: Iterable[_Group], groups: frozenset[str]) -> Served:
    served: dict[str, tuple[str, ...]] = {}
    unsure: dict[str, tuple[str, ...]] = {}
    for group in items:
        name = group.metadata.name
        if name not in groups:
            continue
        for version in group.versions or ():
            if version.freshness != "Current":
                unsure[name] = (*unsure.get(name, ()), version.version)
            for entry in version.resources or ():
                key = resource_key(entry.resource, name)
                served[key] = (*served.get(key, ()), version.version)
    return Served(served, unsure)


def _one_by_one(get: Get, versions: list[tuple[str, str]]) -> Served:
    served: dict[str, tuple[str, ...]] = {}
    unsure: dict[str, tuple[str, ...]] = {}
    for group, version in versions:
        answer = get(group_path(group, version), JSON)
        try:
            resources = None if isinstance(answer, Failure) else msgspec.json.decode(answer.data, type=_ResourceList)
        except msgspec.DecodeError:
            resources = None
        if resources is None:
            unsure[group] = (*unsure.get(group, ()), version)
            continue
        for entry in resources.resources or ():
            key = resource_key(entry.name, group)
            served[key] = (*served.get(key, ()), version)
    return Served(served, unsure)


def resource_key(resource: str, group: str) -> str:
    """``plural.group``, as :attr:`Kind.key`."""
    return f"{resource}.{group}" if group else resource


def group_path(group: str, version: str) -> str:
    """Where a group version is served."""
    return f"/apis/{group}/{version}" if group else f"/api/{version}"


def list_path(kind: Kind, version: str, namespace: str = "") -> str:
    """Where a kind is listed: everywhere, or in one namespace (already quoted)."""
    middle = f"/namespaces/{namespace}" if namespace else ""
    return f"{group_path(kind.group, version)}{middle}/{kind.resource}"
