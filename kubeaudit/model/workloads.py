"""Workloads, pods and workload classes (EXP-07; architecture.md, idea 2).

A workload is the topmost readable controller of some pods (CHK-17). Its pods fall into classes that no rule can tell
apart: same namespace, same workload, same shape of the spec, same labels among the keys that selectors of this cluster
use, same address families, same node pool; on the host network also the same node, where policies ask for nodes.
Judging a class is judging every pod of it."""

import hashlib

from msgspec import Struct

from kubeaudit.model.nodes import family_of
from kubeaudit.model.objects.pods import PodSpec
from kubeaudit.refs import ObjectRef

FINISHED = ("Succeeded", "Failed")
"""Phases of pods that are no endpoints any more (NET-70, EXP-38)."""

Pairs = tuple[tuple[str, str], ...]


class Owner(Struct, frozen=True):
    """A controller as an ownerReference names it."""

    api_version: str
    kind: str
    name: str
    uid: str = ""

    @property
    def group(self) -> str:
        """API group of the owner."""
        return self.api_version.rpartition("/")[0]


class Pod(Struct, frozen=True):
    """One pod: the workload and spec it belongs to, where it runs and under which addresses. ``cls`` is -1 for finished
    pods.
    """

    name: str
    namespace: str
    uid: str
    workload: int
    spec: int
    cls: int
    node: str
    addresses: tuple[str, ...]

    @property
    def ref(self) -> ObjectRef:
        """The pod as an object."""
        return ObjectRef("Pod", self.namespace, self.name)


class Workload(Struct, frozen=True):
    """A root controller or a pod of its own. ``template`` is the number of its spec, -1 where only its pods could be
    read.

    ``template_path`` leads from the object to the pod spec. ``active`` is false where nothing runs and nothing will: no
    replicas wanted, a finished Job, a suspended CronJob, and no pod left (CHK-19). ``pods`` are indexes."""

    ref: ObjectRef
    api_version: str
    uid: str
    template: int
    template_path: tuple[str, ...]
    labels: Pairs
    active: bool
    owner_unread: bool
    pods: tuple[int, ...]

    @property
    def name(self) -> str:
        """Kind/name, the part of a vertex key after the namespace."""
        return f"{self.ref.kind}/{self.ref.name}"


class WorkloadClass(Struct, frozen=True):
    """Pods that no rule can tell apart; bit ``index`` of every mask.

    ``name`` is Kind/name of the workload, with ``#`` and a short hash where one workload has several classes.
    ``addresses`` are those of one pod; those of the others lie in the same atoms of the address space. ``families`` is
    empty and ``pool`` is "" where no pod exists yet (a manifest, a CronJob between runs)."""

    index: int
    workload: int
    name: str
    namespace: str
    labels: Pairs
    shape: PodSpec
    spec: int
    addresses: tuple[str, ...]
    families: tuple[str, ...]
    pool: str
    nodes: tuple[str, ...]
    pods: tuple[int, ...]

    @property
    def label(self) -> str:
        """What people read: kind, namespace and name, e.g. ``Deployment shop/frontend``."""
        kind, _, name = self.name.partition("/")
        return f"{kind} {self.namespace}/{name}"


ClassKey = tuple[int, int, Pairs, tuple[tuple[int, int], ...], str, str]
"""Workload, shape, projected labels, atoms of the pod's addresses, node pool, and the node where it tells apart."""


def project(labels: dict[str, str], keys: frozenset[str]) -> Pairs:
    """Labels on the keys that some selector uses, sorted."""
    return tuple(sorted((key, value) for key, value in labels.items() if key in keys))


def families(addresses: tuple[str, ...]) -> tuple[str, ...]:
    """Address families of a pod's addresses."""
    return tuple(sorted(set(map(family_of, addresses))))


def class_names(keys: list[ClassKey], workloads: list[Workload], specs: list[str]) -> list[str]:
    """Kind/name of each class; several classes of one workload get a short hash of what differs.

    ``specs[shape]`` is a digest of the shape, so that the name of a class does not depend on the order of reading.
    """
    count: dict[int, int] = {}
    for key in keys:
        count[key[0]] = count.get(key[0], 0) + 1
    names = []
    for workload, shape, labels, atoms, pool, node in keys:
        name = workloads[workload].name
        if count[workload] > 1:
            differing = repr((specs[shape], labels, atoms, pool, *((node,) if node else ()))).encode()
            name += "#" + hashlib.sha256(differing).hexdigest()[:6]
        names.append(name)
    return names
