"""Whom Calico's selectors match: pods by their own and inherited labels, address sets and host endpoints by theirs.

Rules compare addresses: a selector stands for the addresses of what it matches (NET-127, NET-128).
"""

from collections.abc import Mapping

from msgspec import Struct

from kubeaudit.model.calico_looks import NAMESPACE_LABELS, SERVICE_ACCOUNT_LABELS
from kubeaudit.model.calico_selector import Node, select
from kubeaudit.model.objects.calico import HostEndpoint, Profile
from kubeaudit.model.selectors import LabelIndex, bits_of, index, mask_of
from kubeaudit.network.calico.fields import RefusedError, network
from kubeaudit.network.calico.objects import HOSTS, PROFILES, every, sets
from kubeaudit.network.masks import Masks
from kubeaudit.proof import Path
from kubeaudit.settings import Fact

NAMESPACE = "projectcalico.org/namespace"
SERVICE_ACCOUNT = "projectcalico.org/serviceaccount"
_ORCHESTRATOR = "projectcalico.org/orchestrator"
_NAME = "projectcalico.org/name"
_OWN = frozenset([NAMESPACE, SERVICE_ACCOUNT, _ORCHESTRATOR])
"""Labels that Calico sets on every pod, whatever the pod says."""


class Peers(Struct, frozen=True):
    """Peer masks: ``sure`` match, ``possible`` match for certain or perhaps."""

    sure: int
    possible: int

    def __and__(self, other: "Peers") -> "Peers":
        return Peers(self.sure & other.sure, self.possible & other.possible)

    def __or__(self, other: "Peers") -> "Peers":
        return Peers(self.sure | other.sure, self.possible | other.possible)

    def without(self, other: "Peers") -> "Peers":
        """The peers that ``other`` does not match."""
        return Peers(self.sure & ~other.possible, self.possible & ~other.sure)


class Labels:
    """Every label of a cluster as Calico sees it."""

    def __init__(self, masks: Masks) -> None:
        self._masks = masks
        self._universe = masks.universe
        self.pods = masks.universe.classes & ~masks.universe.host
        self.accounts = _accounts(masks)
        self._index = self._of_pods()
        self._others, self._nets = self._of_others()
        self._found: dict[Node, Peers] = {}

    def subjects(self, selector: Node) -> int:
        """The classes a selector matches; host-network pods are no endpoints of Calico."""
        return select(selector, self._index)

    def peers(self, selector: Node) -> Peers:
        """The peers a selector matches by their addresses."""
        found = self._found.get(selector)
        if found is None:
            pods = self._universe.both(select(selector, self._index))
            found = Peers(pods, pods)
            for number in bits_of(select(selector, self._others)):
                found |= self._nets[number]
            self._found[selector] = found
        return found

    def block(self, place: Path, text: str) -> Peers:
        """The peers in a network, pods and nodes among them, as Calico alone reads it. Raises :class:`RefusedError`."""
        sure, maybe = self._masks.block(network(place, text), (), Fact.YES, Fact.YES)
        return Peers(sure, sure | maybe)

    def _of_pods(self) -> LabelIndex:
        universe, cluster = self._universe, self._masks.cluster
        found = _Collected(self.pods)
        for space, members in universe.members.items():
            found.add({NAMESPACE: space, _ORCHESTRATOR: "k8s"}, members)
        for (_, account), members in self.accounts.items():
            found.add({SERVICE_ACCOUNT: account}, members)
        found.close()
        for (key, value), mask in universe.labels.labels.items():
            if key not in _OWN:
                found.add({key: value}, mask)
        found.close()
        labels = {(a.metadata.namespace, a.metadata.name): a.metadata.labels for a in cluster.service_accounts}
        profiles = every(self._masks.held, PROFILES, "Profile", Profile)
        applied = {ref.name: profile.spec.labels_to_apply for _, ref, profile in profiles}
        for space, members in universe.members.items():
            inherited = _inherited(NAMESPACE_LABELS, space, cluster.namespaces.get(space, {}))
            found.add(inherited | applied.get(f"kns.{space}", {}), members)
        found.close()
        for (space, account), members in self.accounts.items():
            inherited = _inherited(SERVICE_ACCOUNT_LABELS, account, labels.get((space, account), {}))
            found.add(inherited | applied.get(f"ksa.{space}.{account}", {}), members)
        return found.index()

    def _of_others(self) -> tuple[LabelIndex, list[Peers]]:
        """Network sets and host endpoints: their labels, and the peers their addresses stand for."""
        cluster, labels, nets = self._masks.cluster, list[Mapping[str, str]](), list[Peers]()
        for _, ref, found in sets(self._masks.held):
            space = ref.namespace
            inherited = _inherited(NAMESPACE_LABELS, space, cluster.namespaces.get(space, {})) if space else {}
            labels.append(inherited | found.metadata.labels | ({NAMESPACE: space} if space else {}))
            nets.append(self._union(found.spec.nets))
        for _, _, host in every(self._masks.held, HOSTS, "HostEndpoint", HostEndpoint):
            labels.append(host.metadata.labels)
            nets.append(self._union(host.spec.expected_ips))
        return index(labels), nets

    def _union(self, texts: tuple[str, ...]) -> Peers:
        found = Peers(0, 0)
        for text in texts:
            try:
                found |= self.block((), text)
            except RefusedError:
                continue
        return found


class _Collected:
    """Labels of pods layer by layer: what an earlier layer says of a key holds."""

    def __init__(self, pods: int) -> None:
        self._pods = pods
        self._labels: dict[tuple[str, str], int] = {}
        self._keys: dict[str, int] = {}
        self._closed: dict[str, int] = {}

    def add(self, labels: Mapping[str, str], members: int) -> None:
        for key, value in labels.items():
            mask = members & self._pods & ~self._closed.get(key, 0)
            self._labels[key, value] = self._labels.get((key, value), 0) | mask
            self._keys[key] = self._keys.get(key, 0) | mask

    def close(self) -> None:
        """Begin the next layer."""
        self._closed = dict(self._keys)

    def index(self) -> LabelIndex:
        return LabelIndex(self._labels, self._keys, self._pods)


def _inherited(prefix: str, name: str, labels: Mapping[str, str]) -> dict[str, str]:
    return {prefix + key: value for key, value in labels.items()} | {prefix + _NAME: name}


def _accounts(masks: Masks) -> dict[tuple[str, str], int]:
    """Classes by namespace and service account."""
    found: dict[tuple[str, str], list[int]] = {}
    for cls in masks.cluster.classes:
        found.setdefault((cls.namespace, cls.shape.identity), []).append(cls.index)
    return {key: mask_of(held) for key, held in found.items()}


def family_masks(masks: Masks) -> dict[int, int]:
    """Every peer of a family, by its version."""
    universe = masks.universe
    return {
        4: universe.classes | universe.external(universe.space.family(4)),
        6: universe.classes << universe.size | universe.external(universe.space.family(6)),
    }
