"""Pods into workloads and workload classes, streamed: a pod's JSON is gone before the next one is read."""

import hashlib
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from kubeaudit.kinds import by_api_kind
from kubeaudit.model.addresses import AddressAtoms
from kubeaudit.model.decode import objects
from kubeaudit.model.objects.meta import Metadata
from kubeaudit.model.objects.pods import PodObject, PodStatus
from kubeaudit.model.ownership import Controlling, controllers, owner_of
from kubeaudit.model.specs import Specs
from kubeaudit.model.workloads import (
    FINISHED,
    ClassKey,
    Owner,
    Pod,
    Workload,
    WorkloadClass,
    class_names,
    families,
    project,
)
from kubeaudit.refs import ObjectRef
from kubeaudit.snapshot import BadDocument, Snapshot

_Key = tuple[str, str, str]
"""Kind, namespace, name."""


class _Root(Struct):
    """A workload under construction."""

    ref: ObjectRef
    api_version: str
    uid: str
    template: int
    path: tuple[str, ...]
    labels: dict[str, str]
    active: bool
    unread: bool
    pods: list[int]


class Assembly(Struct, frozen=True):
    """Workloads, pods and classes of a cluster, with the distinct specs they share."""

    workloads: tuple[Workload, ...]
    pods: tuple[Pod, ...]
    classes: tuple[WorkloadClass, ...]
    specs: tuple[bytes, ...]


class Compared(Struct, frozen=True):
    """What policies tell pods apart by: the keys any selector of the cluster uses, addresses as its blocks cut them,
    and, of host-network pods, the ``nodes``, for whose address they count (NET-49).
    """

    label_keys: frozenset[str]
    atoms: AddressAtoms
    nodes: bool = False


class Assembler:
    """Collects controllers and pods, then closes into an :class:`Assembly`.

    ``pool_of`` maps a node's name to its pool's key.
    """

    def __init__(self, compared: Compared, pool_of: dict[str, str], bad: list[BadDocument]) -> None:
        self._compared = compared
        self._pool_of = pool_of
        self._bad = bad
        self._specs = Specs()
        self._controllers: dict[_Key, Owner | None] = {}
        self._roots: dict[_Key, int] = {}
        self._list: list[_Root] = []
        self._pods: list[Pod] = []
        self._classes: dict[ClassKey, int] = {}
        self._members: list[list[int]] = []
        self._nodes: list[set[str]] = []
        self._addresses: list[tuple[str, ...]] = []

    def read(self, snapshot: Snapshot) -> Assembly:
        """Stream the snapshot's controllers and pods."""
        owned: list[Controlling] = []
        for found in controllers(snapshot, self._bad):
            self._controllers[(found.ref.kind, found.ref.namespace, found.ref.name)] = found.owner
            if found.owner is None:
                self._controller(found)
            elif not self._has_root(found):  # A template keeps the whole object's JSON in memory.
                owned.append(found)
        for pod in objects(snapshot, "pods", PodObject, self._bad):
            self._pod(pod)
        for found in owned:
            if not self._has_root(found):
                self._controller(found)
        for number, root in enumerate(self._list):
            if not root.pods and root.active and root.template >= 0:
                labels = project(root.labels, self._compared.label_keys)
                self._class((number, self._specs.shape_of[root.template], labels, (), "", ""), ())
        return self._close()

    def _has_root(self, found: Controlling) -> bool:
        """Whether a controller with an owner is judged through it: the owner was read, or pods show it (CHK-17)."""
        owner = found.owner
        key = (owner.kind, found.ref.namespace, owner.name) if owner else None
        return key in self._controllers or key in self._roots

    def _controller(self, found: Controlling) -> None:
        number = self._intern(found.template.spec, found.ref)
        if number is not None:
            meta, labels = found.metadata, found.template.metadata.labels
            self._add(
                _Root(found.ref, found.api_version, meta.uid, number, found.path, labels, found.active, False, [])
            )

    def _pod(self, pod: PodObject) -> None:
        meta = pod.metadata
        ref = ObjectRef("Pod", meta.namespace, meta.name)
        spec, node = self._located(pod, ref)
        if spec is None:
            return
        finished = pod.status.phase in FINISHED
        workload = self._root_of(meta, spec, finished)
        addresses = _addresses(pod.status)
        number = len(self._pods)
        cls = -1
        if not finished:
            labels = project(meta.labels, self._compared.label_keys)
            atoms = tuple(sorted(self._compared.atoms.atom(address) for address in addresses))
            pool, shape = self._pool_of.get(node, ""), self._specs.shape_of[spec]
            apart = node if self._compared.nodes and self._specs.shapes[shape].host_network else ""
            cls = self._class((workload, shape, labels, atoms, pool, apart), addresses)
            self._members[cls].append(number)
            if node:
                self._nodes[cls].add(node)
            self._list[workload].pods.append(number)
        self._pods.append(Pod(meta.name, meta.namespace, meta.uid, workload, spec, cls, node, addresses))

    def _located(self, pod: PodObject, ref: ObjectRef) -> tuple[int | None, str]:
        try:
            return self._specs.intern(pod.spec)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            self._bad.append(BadDocument("pods", f"its spec does not fit core/v1 PodSpec: {error}", object=ref))
            return None, ""

    def _intern(self, raw: msgspec.Raw, ref: ObjectRef) -> int | None:
        try:
            return self._specs.intern(raw)[0]
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            kind = by_api_kind().get((ref.group, ref.kind))
            where = kind.key if kind else ref.kind
            self._bad.append(BadDocument(where, f"its pod template does not fit core/v1 PodSpec: {error}", object=ref))
            return None

    def _root_of(self, meta: Metadata, spec: int, finished: bool) -> int:
        """Index of the pod's root workload; a chain ends where an owner was not read (CHK-21)."""
        owner = owner_of(meta)
        if owner is None:
            ref = ObjectRef("Pod", meta.namespace, meta.name)
            return self._add(_Root(ref, "v1", meta.uid, spec, ("spec",), meta.labels, not finished, False, []))
        seen: set[_Key] = set()
        while (key := (owner.kind, meta.namespace, owner.name)) not in seen:
            seen.add(key)
            if key in self._roots:
                return self._roots[key]
            above = self._controllers.get(key)
            if above is None:
                break
            owner = above
        ref = ObjectRef(owner.kind, meta.namespace, owner.name, owner.group)
        return self._add(_Root(ref, owner.api_version, owner.uid, -1, ("spec",), meta.labels, True, True, []))

    def _add(self, root: _Root) -> int:
        key = (root.ref.kind, root.ref.namespace, root.ref.name)
        number = self._roots.setdefault(key, len(self._list))
        if number == len(self._list):
            self._list.append(root)
        return number

    def _class(self, key: ClassKey, addresses: tuple[str, ...]) -> int:
        number = self._classes.setdefault(key, len(self._members))
        if number == len(self._members):
            self._members.append([])
            self._nodes.append(set())
            self._addresses.append(addresses)
        return number

    def _close(self) -> Assembly:
        workloads = [
            Workload(
                ref=r.ref,
                api_version=r.api_version,
                uid=r.uid,
                template=r.template,
                template_path=r.path,
                labels=tuple(sorted(r.labels.items())),
                active=r.active or bool(r.pods),
                owner_unread=r.unread,
                pods=tuple(r.pods),
            )
            for r in self._list
        ]
        return Assembly(
            tuple(workloads), tuple(self._pods), tuple(self._named(workloads)), tuple(self._specs.canonical)
        )

    def _named(self, workloads: list[Workload]) -> Iterator[WorkloadClass]:
        keys = list(self._classes)
        digests = [hashlib.sha256(msgspec.json.encode(shape)).hexdigest() for shape in self._specs.shapes]
        first_spec = {shape: number for number, shape in reversed(list(enumerate(self._specs.shape_of)))}
        for number, (key, name) in enumerate(zip(keys, class_names(keys, workloads, digests), strict=True)):
            workload, shape, labels, _, pool, _ = key
            namespace = workloads[workload].ref.namespace
            members, nodes = self._members[number], tuple(sorted(self._nodes[number]))
            spec = self._pods[members[0]].spec if members else first_spec[shape]
            yield WorkloadClass(
                index=number,
                workload=workload,
                name=name,
                namespace=namespace,
                labels=labels,
                shape=self._specs.shapes[shape],
                spec=spec,
                addresses=self._addresses[number],
                families=families(self._addresses[number]),
                pool=pool,
                nodes=nodes,
                pods=tuple(members),
            )


def _addresses(status: PodStatus) -> tuple[str, ...]:
    listed = tuple(ip.ip for ip in status.pod_ips if ip.ip)
    return listed or ((status.pod_ip,) if status.pod_ip else ())
