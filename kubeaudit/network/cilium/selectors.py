"""EndpointSelectors of Cilium as masks (NET-105, NET-107).

A selector is compared with the labels of an identity: the pod's own ones, those of its namespace, its ServiceAccount
and its cluster; or with the label of a reserved identity, which stands for what is no pod.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from kubeaudit.model.cluster import METADATA_NAME, Cluster
from kubeaudit.model.objects.cilium import Selector, plain_key
from kubeaudit.model.objects.meta import LabelSelector, Requirement
from kubeaudit.model.selectors import index
from kubeaudit.model.workloads import WorkloadClass
from kubeaudit.network.cilium.places import IDENTITIES, WORLD
from kubeaudit.network.cilium.switches import CiliumSwitches
from kubeaudit.network.universe import Universe
from kubeaudit.settings import Fact

NAMESPACE = "io.kubernetes.pod.namespace"
NAMESPACE_LABELS = "io.cilium.k8s.namespace.labels."
SERVICE_ACCOUNT = "io.cilium.k8s.policy.serviceaccount"
CLUSTER = "io.cilium.k8s.policy.cluster"
FOREIGN = "k8s:" + NAMESPACE
RESERVED = "reserved:"
_OWN = (NAMESPACE, NAMESPACE_LABELS, SERVICE_ACCOUNT, CLUSTER)
_NO_IDENTITY = (
    "io.cilium.k8s.",
    "io.kubernetes",
    "kubernetes.io",
    "k8s.io",
    "pod-template-generation",
    "pod-template-hash",
    "controller-revision-hash",
    "annotation",
    "etcd_node",
)
"""Beginnings of keys that the agent leaves out of an identity by default (pkg/labelsfilter), so that no selector
matches them; ``app.kubernetes.io`` begins otherwise and counts."""
_BETA = "beta.kubernetes.io"
_IN_SOME_RELEASES = (
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/job-completion-index",
    "batch.kubernetes.io/controller-uid",
    "controller-uid",
    "topology.kubernetes.io",
)
"""Keys that newer releases leave out too."""
_MATCH_ABSENT = ("NotIn", "DoesNotExist")


class Chosen(Struct, frozen=True):
    """What a selector matches: classes for certain, classes perhaps, and reserved identities by name, which are not
    ``certain`` where they are chosen by what they are not: one address may have several of them.
    """

    sure: int
    perhaps: int = 0
    reserved: tuple[str, ...] = ()
    certain: bool = True


class EndpointSelectors:
    """The selectors of one cluster."""

    def __init__(self, cluster: Cluster, universe: Universe, switches: CiliumSwitches) -> None:
        self._universe = universe
        self._switches = switches
        self._endpoints = universe.classes & ~universe.host
        self._index = index([_labels(cluster, switches, cls) for cls in cluster.classes])
        self._dual_stack = any(len(cls.families) > 1 for cls in cluster.classes)
        self._reserved = index([{RESERVED + name: ""} for name in IDENTITIES])

    def subjects(self, selector: Selector, namespace: str) -> Chosen:
        """The pods a policy selects; ``namespace`` is "" for a clusterwide one.

        A namespaced policy stays in its own: a label that names another with its source ``k8s:`` is replaced.
        """
        labels = selector.match_labels or {}
        if namespace:
            labels = {key: value for key, value in labels.items() if key != FOREIGN}
        found = self._pods(_terms(Selector(labels, selector.match_expressions)))
        within = self._universe.members.get(namespace, 0) if namespace else self._endpoints
        return Chosen(found.sure & within, found.perhaps & within)

    def peers(self, selector: Selector, namespace: str) -> Chosen:
        """What a peer matches. Without a namespace of its own it means that of the policy; a clusterwide policy means
        pods of all; with a label of a reserved identity it is taken as it stands.
        """
        keys = {plain_key(key) for key in selector.keys}
        found = self._pods(_terms(selector))
        if any(key.startswith(RESERVED) for key in keys):
            # With both families the world has a label for each, which newer releases alone find by the common one.
            unsure = matches_absent(selector) or (self._dual_stack and RESERVED + WORLD in keys)
            return Chosen(found.sure, found.perhaps, tuple(self._identities(selector)), not unsure)
        if not namespace or NAMESPACE in keys:
            return found
        own = self._universe.members.get(namespace, 0)
        if any(key.startswith(NAMESPACE_LABELS) for key in keys):
            # Older releases and the documentation add the own namespace here too, newer releases do not.
            return Chosen(found.sure & own, found.perhaps | found.sure & ~own)
        return Chosen(found.sure & own, found.perhaps & own)

    def _pods(self, terms: Iterable[Requirement]) -> Chosen:
        sure = possible = self._endpoints
        for term in terms:
            found = self._term(term)
            sure, possible = sure & found.sure, possible & (found.sure | found.perhaps)
        return Chosen(sure, possible & ~sure)

    def _term(self, term: Requirement) -> Chosen:
        """Pods by one requirement; where it is not known whether a label counts, it may be absent."""
        absent = self._endpoints if term.operator in _MATCH_ABSENT else 0
        key = plain_key(term.key)
        if ":" in key or _never_counts(key):
            return Chosen(absent)
        matched = self._index.select(LabelSelector(match_expressions=(Requirement(key, term.operator, term.values),)))
        if key == CLUSTER and self._switches.cluster_name is None:
            return Chosen(0, self._endpoints)
        if self._may_not_count(key):
            return Chosen(matched & absent, matched | absent)
        return Chosen(matched)

    def _may_not_count(self, key: str) -> bool:
        if key == NAMESPACE:
            return False
        return self._switches.custom_labels or key.startswith(_IN_SOME_RELEASES)

    def _identities(self, selector: Selector) -> Iterator[str]:
        """Reserved identities that a selector matches."""
        found = self._reserved.everything
        for term in _terms(selector):
            key = plain_key(term.key)
            requirement = Requirement(key, term.operator, term.values)
            found &= self._reserved.select(LabelSelector(match_expressions=(requirement,)))
        return (name for position, name in enumerate(IDENTITIES) if found >> position & 1)


def by_namespace_labels(selector: Selector) -> bool:
    """Whether a selector depends on labels that only the object of a namespace shows."""
    keys = (plain_key(key) for key in selector.keys)
    return any(key.startswith(NAMESPACE_LABELS) and key != NAMESPACE_LABELS + METADATA_NAME for key in keys)


def matches_absent(selector: Selector) -> bool:
    """Whether a selector may match because a label is missing."""
    return any(term.operator in _MATCH_ABSENT for term in selector.match_expressions or ())


def check(selector: Selector) -> None:
    """Raises ``InvalidSelectorError`` for a selector that the agent refuses (NET-20)."""
    index([]).select(LabelSelector(match_expressions=tuple(_terms(selector))))


def _terms(selector: Selector) -> Iterator[Requirement]:
    for key, value in (selector.match_labels or {}).items():
        yield Requirement(key, "In", (value,))
    for term in selector.match_expressions or ():
        yield Requirement(term.key, term.operator, term.values or ())


def _labels(cluster: Cluster, switches: CiliumSwitches, cls: WorkloadClass) -> dict[str, str]:
    """The labels of the identity of a class."""
    found = {key: value for key, value in cls.labels if not key.startswith(_OWN)}
    for key, value in cluster.namespaces.get(cls.namespace, {}).items():
        found[NAMESPACE_LABELS + key] = value
    found |= {NAMESPACE: cls.namespace, SERVICE_ACCOUNT: cls.shape.identity}
    if switches.cluster_name is not None:
        found[CLUSTER] = switches.cluster_name
    return found


def counts(key: str, switches: CiliumSwitches) -> Fact:
    """Whether the agent takes a label of a node into the identity of its host."""
    if ":" in key or _never_counts(key):
        return Fact.NO
    return Fact.UNKNOWN if switches.custom_labels or key.startswith(_IN_SOME_RELEASES) else Fact.YES


def _never_counts(key: str) -> bool:
    return not key.startswith(_OWN) and (key.startswith(_NO_IDENTITY) or _BETA in key)
